//! `asin sync`: the main job, from a catalogue to a report.

use crate::consent::Consent;
use crate::failure::{Ended, say};
use crate::form::Form;
use crate::job::Place;
use crate::policy::Policy;
use asin_facade::sync::Sync;
use std::path::PathBuf;

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
/// On a terminal you are asked before anything is paid or written. Elsewhere --yes says so beforehand; without it the command
/// reports like --dry-run, and ends with exit code 2.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// The catalogue, a CSV file
    catalogue: PathBuf,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    policy: Policy,
    /// Only free reads and previews: say what would be changed and spent
    #[arg(long)]
    dry_run: bool,
    /// Pay and write without asking
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
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
  0 done; rows that were skipped or refused by themselves are done, 1 a row failed or its state is unknown, a brake
  held the run back (too_many_rows, over_budget), or it had to stop, 2 wrong arguments or input, or no leave to pay or
  write: nothing was sent, 3 a credential is missing or refused, 4 limits, 5 funds

Examples:
  asin sync examples/catalogue.csv --sandbox --discover --watch --yes
  asin sync catalogue.csv --dry-run
  asin sync catalogue.csv --budget 0.50 --yes --json > report.jsonl";

/// Runs the job and prints its report.
pub async fn run(arguments: Arguments, verbose: bool) -> Ended {
    let mut job = arguments.place.open(&arguments.catalogue).await?;
    let catalogue = job.catalogue(&arguments.catalogue, &arguments.form)?;
    arguments.policy.check(&catalogue)?;
    let services = job.services(&catalogue.rows.iter().map(|row| row.account.as_str()).collect())?;
    let consent = Consent::of(arguments.yes);
    let mut options = job.options();
    arguments.policy.set(&mut options, job.collection, job.is_quick);
    options.publish.dry_run = arguments.dry_run || consent == Consent::Withheld;
    if options.publish.dry_run && !arguments.dry_run {
        say("asin: not on a terminal and without --yes: nothing is paid for and nothing is written, as with --dry-run");
    }
    let withheld = options.publish.dry_run && !arguments.dry_run;
    let (sync, terminal) = (Sync::new(services, options), job.watcher(consent, verbose));
    let report = job.wait(&terminal, sync.run(&catalogue, &terminal)).await?;
    job.end(&report, withheld || terminal.has_refused()).await
}
