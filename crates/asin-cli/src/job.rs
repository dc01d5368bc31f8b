//! What `sync`, `plan`, `apply` and `undo` share: where a run happens, what it leaves, how it is watched and reported.

use crate::config::{self, Config};
use crate::consent::Consent;
use crate::failure::{Ended, Failure, say};
use crate::form::Form;
use crate::output::{Format, counted, quoted};
use crate::policy::defaults;
use crate::progress::Progress;
use crate::report;
use crate::session::{Wire, config_file};
use crate::stop::{self, broken_off, left_off, unless_stopped};
use crate::supervisor::{Terminal, list};
use crate::table::visible;
use crate::variables::Variables;
use asin_facade::core_http::{TokenBuckets, Transport};
use asin_facade::multicart::CollectionId;
use asin_facade::publish::{self, Change, FromTo, Publish, RunSummary, Sellers};
use asin_facade::sync::{Catalogue, Connection, Options, Report, RowReport, Services, StateError, SyncError};
use asin_sandbox::{Demo, Market, Sandbox};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use url::Url;

/// Where a run happens, and what it leaves.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// Use a sandbox and its demo accounts: an embedded one with the `market.json` beside the file, or the one
    /// that `asin sandbox` serves at URL, which needs the `=`: `--sandbox=http://127.0.0.1:4010`
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true)]
    sandbox: Option<Option<Url>>,
    /// How rows are written: with json one object per row, then one with the totals [default: table, in a pipe too]
    #[arg(long = "output", value_name = "FORMAT")]
    format: Option<Format>,
    /// The same as `--output json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// The folder for what the next run must know [default: .asin beside the file; with a served sandbox
    /// a folder in it, with the embedded one a temporary folder]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The file that names the accounts [default: asin.toml beside the file, else beside the profiles]
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    config: Option<PathBuf>,
    /// The set of credentials that `asin configure` wrote; variables of the environment go before it
    #[arg(long, value_name = "NAME", env = "ASIN_PROFILE", hide_env_values = true)]
    profile: Option<String>,
    #[command(flatten)]
    wire: Wire,
}

/// Everything that a run needs; what has to live as long as the run comes along.
pub struct Job {
    /// The folder for what the next run must know.
    pub state: PathBuf,
    /// The collection of a sandbox.
    pub collection: Option<CollectionId>,
    /// Whether minutes are seconds: in a sandbox, and where nobody is called.
    pub is_quick: bool,
    /// How rows are printed.
    pub format: Format,
    /// The flags by which another command finds this place.
    flags: String,
    config: Config,
    variables: Variables,
    transport: Arc<dyn Transport>,
    /// Whether a recording answers: then nothing is paid for, and what is noted is gone with the command.
    replays: bool,
    sandbox: Option<Sandbox>,
    temporary: Option<TempDir>,
}

/// Where a run finds who sells, and what it keeps.
struct Ground {
    config: Config,
    variables: Variables,
    state: PathBuf,
    flags: String,
    market: Option<Market>,
    sandbox: Option<Sandbox>,
    temporary: Option<TempDir>,
}

impl Place {
    /// Opens it; `file` is what defaults stand beside.
    pub async fn open(&self, file: &Path) -> Result<Job, Failure> {
        stop::listen()?;
        let transport = self.wire.transport()?;
        let ground = match &self.sandbox {
            Some(url) => self.sandboxed(url.as_ref(), file, &transport).await?,
            None => self.real(file)?,
        };
        let Ground { config, mut variables, mut state, flags, market, sandbox, mut temporary } = ground;
        let replays = self.wire.replays();
        if replays {
            variables.only_to_show();
            // What a recording answers was not done now: nothing that is noted of it may count for a run that calls somebody.
            let folder = tempfile::tempdir().map_err(Failure::work)?;
            let failed = |error| Failure::work(format!("{}: {error}", state.display()));
            copied(&state, folder.path()).map_err(failed)?;
            state = folder.path().to_owned();
            temporary = Some(folder);
        }
        let format = if self.json { Format::Json } else { self.format.unwrap_or(Format::Table) };
        let collection = market.iter().flat_map(|market| &market.collections).map(|known| known.id.into()).next();
        let is_quick = market.is_some() || replays;
        Ok(Job {
            state,
            collection,
            is_quick,
            format,
            flags,
            config,
            variables,
            transport,
            replays,
            sandbox,
            temporary,
        })
    }

    fn real(&self, file: &Path) -> Result<Ground, Failure> {
        let beside = |name: &str| file.with_file_name(name);
        let accounts = self.config.clone().unwrap_or_else(|| config_file(beside("asin.toml")));
        let (config, variables) = (Config::read(&accounts)?, Variables::of_profile(self.profile.as_deref())?);
        let state = self.state.clone().unwrap_or_else(|| beside(".asin"));
        let profile = self.profile.as_ref().filter(|name| !name.is_empty());
        let profile = profile.map_or_else(String::new, |name| format!(" --profile {}", quoted(name)));
        let flags = format!("--state {} --config {}{profile}", quoted(state.display()), quoted(accounts.display()));
        Ok(Ground { config, variables, state, flags, market: None, sandbox: None, temporary: None })
    }

    async fn sandboxed(&self, url: Option<&Url>, file: &Path, transport: &dyn Transport) -> Result<Ground, Failure> {
        let beside = |name: &str| file.with_file_name(name);
        let (demo, market, sandbox): (Demo, Market, _) = match url {
            Some(url) => {
                let demo = config::ask(url, "demo", transport).await?;
                (demo, config::ask(url, "market", transport).await?, None)
            }
            None => {
                let sandbox = embedded(&beside("market.json")).await?;
                (sandbox.demo(), sandbox.market(), Some(sandbox))
            }
        };
        let is_kept = url.is_some() || self.state.is_some();
        let temporary = if is_kept { None } else { Some(tempfile::tempdir().map_err(Failure::work)?) };
        let folder = temporary.as_ref().map(|folder| folder.path().to_owned());
        // Nothing that was seen in a sandbox may ever count for a real run on the same catalogue.
        let port = url.and_then(Url::port_or_known_default).unwrap_or_default();
        let apart = || beside(".asin").join(format!("sandbox-{port}"));
        let state = self.state.clone().or(folder).unwrap_or_else(apart);
        let flags = url.map_or_else(String::new, |url| format!("--state {} --sandbox={url}", quoted(state.display())));
        let (config, variables) = (Config::of_sandbox(&demo)?, Variables::of_sandbox(&demo));
        Ok(Ground { config, variables, state, flags, market: Some(market), sandbox, temporary })
    }
}

/// Copies what a folder holds, if it is there.
fn copied(from: &Path, to: &Path) -> io::Result<()> {
    if !from.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copied(&entry.path(), &to)?,
            false => drop(std::fs::copy(entry.path(), to)?),
        }
    }
    Ok(())
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
        if catalogue.rows.is_empty() {
            return Err(Failure::usage(named(&"no rows under the header")));
        }
        if !catalogue.ignored.is_empty() {
            say(&visible(&format!("asin: columns that are not read: {}", catalogue.ignored.join(", "))));
        }
        Ok(catalogue)
    }

    /// The services; only accounts in `used` need their secret.
    pub fn services(&mut self, used: &BTreeSet<&str>) -> Result<Services, Failure> {
        let connection: Connection = self.config.connection(used, &mut self.variables)?;
        Services::over(connection, self.transport.clone()).map_err(Failure::usage)
    }

    /// The sellers alone; only accounts in `used` need their secret.
    pub fn sellers(&mut self, used: &BTreeSet<&str>) -> Result<Sellers, Failure> {
        let selling = self.config.selling(used, &mut self.variables)?;
        Sellers::over(selling, self.transport.clone(), Arc::new(TokenBuckets::new())).map_err(Failure::usage)
    }

    /// Options with what this place says.
    pub fn options(&self) -> Options {
        Options::new(&self.state)
    }

    /// Who watches a run, and is asked.
    pub fn watcher(&self, consent: Consent, verbose: bool) -> Terminal {
        let progress = Progress::new(std::io::stderr().is_terminal() && !verbose);
        Terminal::new(consent, progress, !self.replays)
    }

    /// Waits for a run, and stops it when a person does: then says what may have been done, and how to go on.
    pub async fn wait<T, E: Into<SyncError>>(
        &mut self,
        terminal: &Terminal,
        run: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        let begun = Timestamp::now();
        let register = self.options().register();
        if let Some(done) = unless_stopped(async { run.await.map_err(|error| failed(error.into(), &register)) }).await?
        {
            return Ok(done);
        }
        if !terminal.has_agreed() {
            return Err(left_off());
        }
        if self.replays {
            return Err(Failure::work("stopped: nobody was called"));
        }
        if self.temporary.is_some() {
            return Err(broken_off("it was in a sandbox that is gone"));
        }
        let mut go_on = "the same command goes on from what is on disk".to_owned();
        // The log is read without any seller's token.
        let publish = Publish::new(self.sellers(&BTreeSet::new())?, publish::Options::new(&self.state));
        let last = publish.runs().ok().and_then(|runs| runs.into_iter().next());
        if let Some(RunSummary { run, writes, .. }) = last.filter(|last| last.at >= begun) {
            let sent = format!("{} to listings sent or about to be", counted(writes, "write"));
            if let Ok(Some(undo)) = publish.undo(&run) {
                say(&under_way(&undo.plan.changes, &undo.left, &publish.audit_log()));
            }
            go_on += &format!("; {sent}, which `asin undo {run} {}` takes back", self.flags);
        }
        Err(broken_off(&go_on))
    }

    /// Prints what a run did and how to take it back; `refused`: leave that it needed was not given.
    pub async fn end(self, report: &Report, refused: bool) -> Ended {
        report::print(report, self.format)?;
        let watched = report.rows.iter().filter_map(|row| row.watch.as_ref()?.reason());
        let missing: BTreeSet<&str> =
            watched.filter(|reason| reason.code == "no_collection").map(|reason| reason.message.as_str()).collect();
        if !missing.is_empty() {
            let missing = missing.into_iter().collect::<Vec<_>>().join("; ");
            say(&visible(&format!("asin: {missing}")));
            say(&format!("asin: {}", how_to_watch("STORE:POSTCODE", &self.options().register())));
        }
        if let (Some(run), None, false) = (&report.totals.run, &self.sandbox, self.replays) {
            let rows = report.rows.iter().filter(|row| changes(row)).count();
            let many = format!(" --max-rows-changed {rows}");
            let many = if rows > defaults().publish.max_rows_changed { &many } else { "" };
            say(&format!("asin: to take this run back: asin undo {run} {}{many}", self.flags));
        }
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
        report::verdict(report, refused).inspect(|_| report::advise(report))
    }
}

/// What a run that was stopped may have changed, by its way back; of many rows only where they are written.
fn under_way(back: &[Change], left: &[String], log: &Path) -> String {
    const MOST: usize = 20;
    let rows = back.len() + left.len();
    if rows > MOST {
        return format!("asin: {} sent or about to be: {}", counted(rows, "change"), log.display());
    }
    let left = left.iter().map(|left| format!("\nasin: cannot be undone: {}", visible(left)));
    let there: Vec<Change> = back.iter().map(turned).collect();
    format!("asin: sent or about to be:\n{}{}", list(&there), left.collect::<String>())
}

/// The change that this one takes back.
fn turned(back: &Change) -> Change {
    fn turned<T: Copy>(value: Option<FromTo<T>>) -> Option<FromTo<T>> {
        value.and_then(|FromTo { from, to }| Some(FromTo { from: Some(to), to: from? }))
    }
    let (price, quantity, handling) = (turned(back.price), turned(back.quantity), turned(back.handling));
    Change { price, quantity, handling, ..back.clone() }
}

/// Whether a row was to be changed, so that it may have to be changed back.
fn changes(row: &RowReport) -> bool {
    row.new_price.is_some() || row.new_quantity.is_some() || row.new_handling_days.is_some()
}

/// How a collection comes about.
fn how_to_watch(place: &str, register: &Path) -> String {
    let register = quoted(register.display());
    format!("`asin watch ASIN --at {place} --email ADDRESS --state {register}` makes one, `--collection ID` names one")
}

fn failed(error: SyncError, register: &Path) -> Failure {
    match &error {
        SyncError::NoCollection(places) => {
            let place = places.first().map_or("STORE:POSTCODE", String::as_str);
            return Failure::usage(&error).next(how_to_watch(place, register));
        }
        SyncError::Register(_) | SyncError::State(StateError::Locked(_) | StateError::Damaged { .. }) => {
            return Failure::usage(error);
        }
        _ => {}
    }
    match error {
        error @ SyncError::Plan(_) => Failure::usage(error),
        SyncError::Tasks(error) => Failure::from(error).about("paid tasks"),
        error => Failure::work(error),
    }
}

/// A sandbox with this market, or with a made-up one where there is no such file.
async fn embedded(market: &Path) -> Result<Sandbox, Failure> {
    let mut builder = Sandbox::builder();
    if market.exists() {
        let named = |error| Failure::usage(format!("{}: {error}", market.display()));
        builder = builder.market(Market::read(market).map_err(named)?);
    } else {
        say(&format!("asin: no {}: the sandbox makes a market up", market.display()));
    }
    builder.start().await.map_err(Failure::usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use asin_facade::publish::Plan;

    #[test]
    fn a_run_that_was_stopped_tells_its_rows_or_where_they_are_written() {
        let told = |rows: u64| {
            let change = |line| {
                serde_json::json!({
                    "line": line, "account": "shop", "seller_id": "A1", "sku": format!("S-{line}"), "asin": "B000000001",
                    "marketplace": "TR", "quantity": {"from": 7, "to": 5},
                })
            };
            let plan = serde_json::json!({
                "version": 1, "made": "2026-11-25T10:00:00Z", "max_observation_age": 0, "world": "amazon",
                "changes": (1..=rows).map(change).collect::<Vec<_>>(),
            });
            let plan = Plan::read(plan.to_string().as_bytes()).unwrap();
            under_way(&plan.changes, &["S-0 in TR: it had no price before".to_owned()], Path::new("audit.jsonl"))
        };
        let few = told(2);
        assert!(few.contains("S-2") && few.contains("5 → 7") && few.contains("S-0 in TR"), "{few}");
        assert_eq!(told(20), "asin: 21 changes sent or about to be: audit.jsonl");
    }
}
