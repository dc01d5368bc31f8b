//! What `sync`, `plan`, `apply` and `undo` share: where a run happens, what it leaves, how it is watched and reported.

use crate::config::{self, Config};
use crate::consent::Consent;
use crate::failure::{Failure, print, say};
use crate::form::Form;
use crate::policy::defaults;
use crate::progress::Progress;
use crate::report;
use crate::stop::{self, broken_off, unless_stopped};
use crate::supervisor::Terminal;
use crate::table::visible;
use crate::variables::Variables;
use asin_facade::core_http;
use asin_facade::multicart::CollectionId;
use asin_facade::publish::Sellers;
use asin_facade::sync::{Catalogue, Connection, Options, Report, RowReport, Services, SyncError};
use asin_sandbox::{Demo, Market, Sandbox};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use url::Url;

/// Where a run happens, and what it leaves.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// Use a sandbox and its demo accounts: an embedded one with the `market.json` beside the file, or the one
    /// that `asin sandbox` serves at URL
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true)]
    sandbox: Option<Option<Url>>,
    /// Print one JSON object per row, then one with the totals
    #[arg(long)]
    json: bool,
    /// The folder for what the next run must know [default: .asin beside the file; with a served sandbox
    /// a folder in it, with the embedded one a temporary folder]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The file that names the accounts [default: asin.toml beside the file]
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    config: Option<PathBuf>,
    /// The set of credentials that `asin configure` wrote; variables of the environment go before it
    #[arg(long, value_name = "NAME", env = "ASIN_PROFILE", hide_env_values = true)]
    profile: Option<String>,
}

/// Everything that a run needs; what has to live as long as the run comes along.
pub struct Job {
    /// The folder for what the next run must know.
    pub state: PathBuf,
    /// The collection of a sandbox.
    pub collection: Option<CollectionId>,
    /// Whether nothing of this is real.
    pub is_sandbox: bool,
    /// Whether the rows are printed as JSON.
    json: bool,
    /// The flags by which another command finds this place.
    flags: String,
    config: Config,
    variables: Variables,
    sandbox: Option<Sandbox>,
    temporary: Option<tempfile::TempDir>,
}

impl Place {
    /// Opens it; `file` is what defaults stand beside.
    pub async fn open(&self, file: &Path) -> Result<Job, Failure> {
        stop::listen()?;
        let beside = |name: &str| file.with_file_name(name);
        let (state, json) = (self.state.clone(), self.json);
        let Some(sandbox) = &self.sandbox else {
            let file = self.config.clone().unwrap_or_else(|| beside("asin.toml"));
            let config = Config::read(&file)?;
            let variables = Variables::of_profile(self.profile.as_deref())?;
            let (state, is_sandbox) = (state.unwrap_or_else(|| beside(".asin")), false);
            let profile = self.profile.as_ref().filter(|name| !name.is_empty());
            let profile = profile.map_or_else(String::new, |name| format!(" --profile {}", quoted(Path::new(name))));
            let flags = format!("--state {} --config {}{profile}", quoted(&state), quoted(&file));
            let (collection, sandbox, temporary) = (None, None, None);
            return Ok(Job { state, collection, is_sandbox, json, flags, config, variables, sandbox, temporary });
        };
        let (demo, market, sandbox, temporary): (Demo, Market, _, _) = match sandbox {
            Some(url) => {
                let transport = core_http::built_in()?;
                let demo = config::ask(url, "demo", &transport).await?;
                (demo, config::ask(url, "market", &transport).await?, None, None)
            }
            None => {
                let sandbox = embedded(&beside("market.json")).await?;
                let temporary = if state.is_none() { Some(tempfile::tempdir().map_err(Failure::work)?) } else { None };
                (sandbox.demo(), sandbox.market(), Some(sandbox), temporary)
            }
        };
        let folder = temporary.as_ref().map(|folder| folder.path().to_owned());
        // Nothing that was seen in a sandbox may ever count for a real run on the same catalogue.
        let url = self.sandbox.iter().flatten().next();
        let port = url.and_then(Url::port_or_known_default).unwrap_or_default();
        let state = state.or(folder).unwrap_or_else(|| beside(".asin").join(format!("sandbox-{port}")));
        let flags = url.map_or_else(String::new, |url| format!("--state {} --sandbox={url}", quoted(&state)));
        let collection = market.collections.first().map(|collection| collection.id.into());
        let (config, variables, is_sandbox) = (Config::of_sandbox(&demo)?, Variables::of_sandbox(&demo), true);
        Ok(Job { state, collection, is_sandbox, json, flags, config, variables, sandbox, temporary })
    }
}

impl Job {
    /// Reads a catalogue that is written in this form.
    pub fn catalogue(&self, file: &Path, form: &Form) -> Result<Catalogue, Failure> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let input = File::open(file).map_err(|error| Failure::usage(named(&error)))?;
        let layout = form.layout(&self.config.columns, &input)?;
        let catalogue = Catalogue::read_as(&layout, input, &self.config.accounts()).map_err(|errors| {
            let lines: Vec<String> = errors.0.iter().map(|error| visible(&named(error))).collect();
            Failure::usage(lines.join("\nasin: "))
        })?;
        if !catalogue.ignored.is_empty() {
            say(&visible(&format!("asin: columns that are not read: {}", catalogue.ignored.join(", "))));
        }
        Ok(catalogue)
    }

    /// The services; only accounts in `used` need their secret.
    pub fn services(&mut self, used: &BTreeSet<&str>) -> Result<Services, Failure> {
        let connection: Connection = self.config.connection(used, &mut self.variables)?;
        Services::connect(connection).map_err(Failure::usage)
    }

    /// The sellers alone; only accounts in `used` need their secret.
    pub fn sellers(&mut self, used: &BTreeSet<&str>) -> Result<Sellers, Failure> {
        Sellers::connect(self.config.selling(used, &mut self.variables)?).map_err(Failure::usage)
    }

    /// Options with what this place says.
    pub fn options(&self) -> Options {
        Options::new(&self.state)
    }

    /// Waits for a run, and stops it when a person does.
    pub async fn wait<T, E: Into<SyncError>>(&self, run: impl Future<Output = Result<T, E>>) -> Result<T, Failure> {
        unless_stopped(async { run.await.map_err(|error| failed(error.into())) }).await?.ok_or_else(|| {
            broken_off(match self.temporary {
                Some(_) => "it was in a sandbox that is gone",
                None => "the same command goes on from what is on disk",
            })
        })
    }

    /// Prints what a run did, and how to take it back.
    pub async fn end(self, report: &Report) -> Result<ExitCode, Failure> {
        print(&if self.json { report::json(report)? } else { report::table(report) })?;
        if let (Some(run), None) = (&report.totals.run, &self.sandbox) {
            let rows = report.rows.iter().filter(|row| changes(row)).count();
            let many = format!(" --max-rows-changed {rows}");
            let many = if rows > defaults().max_rows_changed { &many } else { "" };
            say(&format!("asin: to take this run back: asin undo {run} {}{many}", self.flags));
        }
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
        Ok(if report.has_failures() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Whether a row was to be changed, so that it may have to be changed back.
fn changes(row: &RowReport) -> bool {
    row.new_price.is_some() || row.new_quantity.is_some() || row.new_handling_days.is_some()
}

/// A path as a shell reads it back.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-:".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Who watches a run, and is asked.
pub fn watcher(consent: Consent, verbose: bool) -> Terminal {
    Terminal::new(consent, Progress::new(std::io::stderr().is_terminal() && !verbose))
}

fn failed(error: SyncError) -> Failure {
    match error {
        SyncError::NoCollection => Failure::usage(format!("{error}: --collection ID")),
        error @ SyncError::Plan(_) => Failure::usage(error),
        error => Failure::work(error),
    }
}

/// A sandbox with this market, or with a made-up one where there is no such file.
async fn embedded(market: &Path) -> Result<Sandbox, Failure> {
    let mut builder = Sandbox::builder();
    if market.exists() {
        builder = builder.market(Market::read(market).map_err(Failure::usage)?);
    } else {
        say(&format!("asin: no {}: the sandbox makes a market up", market.display()));
    }
    builder.start().await.map_err(Failure::usage)
}
