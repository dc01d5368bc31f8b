//! `asin sync`: the main job, from a catalogue to a report.

use crate::config::{self, Config};
use crate::consent::Consent;
use crate::failure::{Ended, Failure, print, say};
use crate::progress::Progress;
use crate::report;
use crate::supervisor::Terminal;
use crate::variables::Variables;
use asin_facade::core_http;
use asin_facade::multicart::CollectionId;
use asin_facade::sync::{Accounts, Catalogue, Connection, Options, Services, Sync, SyncError};
use asin_sandbox::{Demo, Market, Sandbox};
use rust_decimal::Decimal;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use url::Url;

/// Prices and stocks the listings of a catalogue by what the market shows, within your bounds
///
/// The catalogue is a CSV file with the header
/// `account,sku,asin,marketplace,postcode,min_price,max_price,quantity,max_handling_days`; the last four may be empty,
/// and without `min_price` a price is not touched. Prices include tax, in the marketplace's currency, with a dot before
/// the decimals.
///
/// For each row: the offers that the market shows are read, the lowest confirmed one is clamped into the row's bounds,
/// the listing is read, the change is previewed, and only then sent. What Amazon has accepted is `submitted`; the next
/// run says whether it was `applied`. Paid tasks are noted on disk before they are posted, so that a run that was killed
/// pays for nothing twice: the same command goes on from there.
///
/// On a terminal you are asked before anything is paid or written. Elsewhere nothing is, unless --yes is given.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// The catalogue, a CSV file
    catalogue: PathBuf,
    /// Use a sandbox and its demo accounts: an embedded one with the `market.json` beside the catalogue, or the one
    /// that `asin sandbox` serves at URL
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true)]
    sandbox: Option<Option<Url>>,
    /// Learn each product's variants (paid; what is known is not asked for again for 30 days)
    #[arg(long)]
    discover: bool,
    /// Enrol the products in a MultiCart collection (never starts a run)
    #[arg(long)]
    watch: bool,
    /// The MultiCart collection to enrol in and to read from; a sandbox has one to choose
    #[arg(long, value_name = "ID")]
    collection: Option<CollectionId>,
    /// The most that this run may spend with DataForSEO, in US dollars
    #[arg(long, value_name = "USD", value_parser = amount, default_value_t = defaults().budget)]
    budget: Decimal,
    /// Offers that were seen longer ago do not count: 90m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "2h")]
    max_observation_age: Duration,
    /// How long to wait for paid results; the next run collects what comes later [default: 50m, in a sandbox 2m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    patience: Option<Duration>,
    /// Also follow offers of which the vendor did not say everything (condition, stock, seller, time, currency)
    #[arg(long)]
    accept_unconfirmed: bool,
    /// No price moves further than this from the old one, in percent
    #[arg(long, value_name = "PERCENT", value_parser = amount, default_value_t = defaults().max_change)]
    max_change: Decimal,
    /// With more rows to change than this, nothing is sent at all
    #[arg(long, value_name = "N", default_value_t = defaults().max_rows_changed)]
    max_rows_changed: usize,
    /// Only free reads and previews: say what would be changed and spent
    #[arg(long)]
    dry_run: bool,
    /// Pay and write without asking
    #[arg(short, long)]
    yes: bool,
    /// Print one JSON object per row, then one with the totals
    #[arg(long)]
    json: bool,
    /// The folder for what the next run must know [default: .asin beside the catalogue; with a served sandbox
    /// a folder in it, with the embedded one a temporary folder]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The file that names the accounts [default: asin.toml beside the catalogue]
    #[arg(long, value_name = "FILE", conflicts_with = "sandbox")]
    config: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Accounts, in asin.toml:
  [accounts.acme]
  seller_id = \"A1EXAMPLE\"
  region = \"eu\"                             # na, eu or fe
  refresh_token_env = \"ACME_REFRESH_TOKEN\"  # the variable that holds the secret

Environment:
  DATAFORSEO_LOGIN, DATAFORSEO_PASSWORD, MULTICART_API_KEY, SP_API_CLIENT_ID, SP_API_CLIENT_SECRET,
  and the refresh token of each account that the catalogue names; what is not set there is read from the profile
  that `asin configure` wrote.
  Other hosts: DATAFORSEO_BASE_URL, MULTICART_BASE_URL, SP_API_BASE_URL, SP_API_LWA_URL.

Exit codes:
  0 done, 1 a row failed or its state is unknown, or the run had to stop, 2 wrong arguments or input,
  3 a credential is missing

Examples:
  asin sync examples/catalogue.csv --sandbox --discover --watch --yes
  asin sync catalogue.csv --dry-run
  asin sync catalogue.csv --budget 0.50 --yes --json > report.jsonl";

/// What holds where no flag says otherwise.
fn defaults() -> Options {
    Options::new(PathBuf::new())
}

fn amount(text: &str) -> Result<Decimal, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let amount = Decimal::from_str_exact(text).ok().filter(|_| plain);
    amount.ok_or_else(|| "give digits, with a dot before the decimals".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = |_| "give a time such as 90m, 2h or 1d".to_owned();
    let span: jiff::Span = text.parse().map_err(wrong)?;
    let time = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(wrong)?;
    Duration::try_from(time).map_err(|_| "must not be below zero".to_owned())
}

/// Everything that a run needs; what has to live as long as the run comes along.
struct Setup {
    catalogue: Catalogue,
    connection: Connection,
    state: PathBuf,
    collection: Option<CollectionId>,
    sandbox: Option<Sandbox>,
    temporary: Option<tempfile::TempDir>,
}

/// Runs the job and prints its report.
pub async fn run(arguments: Arguments, verbose: bool) -> Ended {
    let setup = setup(&arguments).await?;
    let consent = Consent::of(arguments.yes);
    let mut options = Options::new(&setup.state);
    options.discover = arguments.discover;
    options.watch = arguments.watch;
    options.collection = setup.collection;
    options.budget = arguments.budget;
    options.max_observation_age = arguments.max_observation_age;
    options.accept_unconfirmed = arguments.accept_unconfirmed;
    options.max_change = arguments.max_change;
    options.max_rows_changed = arguments.max_rows_changed;
    options.dry_run = arguments.dry_run || consent == Consent::Withheld;
    if arguments.sandbox.is_some() {
        // A sandbox's minutes are seconds.
        (options.cadence, options.patience) = (Duration::from_millis(500), Duration::from_secs(120));
    }
    options.patience = arguments.patience.unwrap_or(options.patience);
    if options.dry_run && !arguments.dry_run {
        say("asin: not on a terminal and without --yes: nothing is paid for and nothing is written, as with --dry-run");
    }
    let services = Services::connect(setup.connection).map_err(Failure::usage)?;
    let terminal = Terminal::new(consent, Progress::new(std::io::stderr().is_terminal() && !verbose));
    let run = Sync::new(services, options);
    let report = tokio::select! {
        report = run.run(&setup.catalogue, &terminal) => report.map_err(failed)?,
        stopped = tokio::signal::ctrl_c() => {
            stopped.map_err(Failure::work)?;
            let kept = if setup.temporary.is_some() { "" } else { "; the same command goes on from what is on disk" };
            return Err(Failure::work(format!("stopped{kept}")));
        }
    };
    if arguments.json {
        print(&report::json(&report)?)?;
    } else {
        print(&report::table(&report))?;
    }
    if let Some(sandbox) = setup.sandbox {
        sandbox.stop().await;
    }
    Ok(if report.has_failures() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn failed(error: SyncError) -> Failure {
    match error {
        SyncError::NoCollection => Failure::usage(format!("{error}: --collection ID")),
        error => Failure::work(error),
    }
}

async fn setup(arguments: &Arguments) -> Result<Setup, Failure> {
    let beside = |name: &str| arguments.catalogue.with_file_name(name);
    let (state, collection) = (arguments.state.clone(), arguments.collection);
    let Some(sandbox) = &arguments.sandbox else {
        let config = Config::read(&arguments.config.clone().unwrap_or_else(|| beside("asin.toml")))?;
        let catalogue = catalogue(&arguments.catalogue, &config.accounts())?;
        let used: BTreeSet<&str> = catalogue.rows.iter().map(|row| row.account.as_str()).collect();
        let connection = config.connection(&used, &mut Variables::of_profile(None)?)?;
        let state = state.unwrap_or_else(|| beside(".asin"));
        return Ok(Setup { catalogue, connection, state, collection, sandbox: None, temporary: None });
    };
    let (demo, market, sandbox, temporary): (Demo, Market, _, _) = match sandbox {
        Some(url) => {
            let transport = core_http::built_in()?;
            let (demo, market) =
                (config::ask(url, "demo", &transport).await?, config::ask(url, "market", &transport).await?);
            (demo, market, None, None)
        }
        None => {
            let sandbox = embedded(&beside("market.json")).await?;
            let temporary = if state.is_none() { Some(tempfile::tempdir().map_err(Failure::work)?) } else { None };
            (sandbox.demo(), sandbox.market(), Some(sandbox), temporary)
        }
    };
    let config = Config::of_sandbox(&demo)?;
    let all = config.entries().map(|(name, _)| name).collect();
    let connection = config.connection(&all, &mut Variables::of_sandbox(&demo))?;
    let catalogue = catalogue(&arguments.catalogue, &config.accounts())?;
    let folder = temporary.as_ref().map(|folder| folder.path().to_owned());
    // Nothing that was seen in a sandbox may ever count for a real run on the same catalogue.
    let port = arguments.sandbox.iter().flatten().find_map(Url::port_or_known_default).unwrap_or_default();
    let state = state.or(folder).unwrap_or_else(|| beside(".asin").join(format!("sandbox-{port}")));
    let collection = collection.or_else(|| market.collections.first().map(|collection| collection.id.into()));
    Ok(Setup { catalogue, connection, state, collection, sandbox, temporary })
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

fn catalogue(file: &Path, accounts: &Accounts) -> Result<Catalogue, Failure> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let input = File::open(file).map_err(|error| Failure::usage(named(&error)))?;
    Catalogue::read(input, accounts).map_err(|errors| {
        let lines: Vec<String> = errors.0.iter().map(|error| crate::table::visible(&named(error))).collect();
        Failure::usage(lines.join("\nasin: "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_in_the_help_is_the_one_that_holds() {
        assert_eq!(duration("2h"), Ok(defaults().max_observation_age));
    }

    #[test]
    fn times_and_amounts_are_read_as_people_write_them() {
        assert_eq!(duration("90m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("1h30m"), duration("90m"));
        assert_eq!(duration("1d"), Ok(Duration::from_secs(86_400)));
        assert!(duration("90").is_err());
        assert!(duration("-2h").is_err());
        assert_eq!(amount("0.50"), Ok(Decimal::new(50, 2)));
        assert!(amount("-1").is_err());
        assert!(amount("1e3").is_err());
    }
}
