//! `asin doctor`: whether each vendor can be reached and takes our credentials.

use crate::config;
use crate::failure::{Ended, Failure};
use crate::output::{Output, Row};
use crate::session::{Selling, Session};
use crate::table::{Column, Content};
use asin_facade::Marketplace;
use asin_facade::core_http::{Error, ErrorKind};
use asin_facade::dataforseo_merchant::UserData;
use asin_facade::multicart::GetCredits;
use asin_facade::sp_listings::SearchListingsItems;
use serde::Serialize;
use std::process::ExitCode;

/// Checks each vendor and account with one read-only call, and says what is wrong and how to mend it
///
/// A vendor of which no variable is set is passed over.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
  0 all is well, else that of the first thing that is wrong: 2 set-up, 3 credentials, 4 limits, 5 funds, 1 anything else

Examples:
  asin doctor
  asin doctor --profile work --output json
  asin doctor --sandbox http://127.0.0.1:4010")]
pub struct Arguments {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    selling: Selling,
}

/// What was found out about one vendor, or one account with it.
#[derive(Debug, Serialize)]
struct Check {
    vendor: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    state: &'static str,
    said: String,
}

impl Row for Check {
    const COLUMNS: &'static [Column] = &[
        Column("vendor", Content::Word),
        Column("account", Content::Word),
        Column("state", Content::Word),
        Column("said", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        let account = self.account.clone().unwrap_or_default();
        vec![self.vendor.to_owned(), account, self.state.to_owned(), self.said.clone()]
    }
}

/// Asks every vendor.
pub async fn run(arguments: Arguments) -> Ended {
    let mut session = arguments.selling.open().await?;
    let mut code = None;
    let mut checks = Vec::new();
    let mut note = |vendor, account, set_up: bool, found: Result<String, Failure>| {
        let (state, said) = match found {
            Ok(said) => ("ok", said),
            Err(_) if !set_up => ("not set up", "`asin configure` takes its credentials".to_owned()),
            Err(failure) => {
                code.get_or_insert(failure.code());
                ("wrong", failure.message().replace("\n ", ";"))
            }
        };
        checks.push(Check { vendor, account, state, said });
    };
    let set_up = session.has_any(&["DATAFORSEO_LOGIN", "DATAFORSEO_PASSWORD"]);
    note("dataforseo", None, set_up, dataforseo(&mut session).await);
    let set_up = session.has_any(&["MULTICART_API_KEY"]);
    note("multicart", None, set_up, multicart(&mut session).await);
    let set_up = session.has_any(&["SP_API_CLIENT_ID", "SP_API_CLIENT_SECRET"]);
    match arguments.selling.accounts(&session) {
        Ok(config) => {
            for (name, entry) in config.entries() {
                note("sp-api", Some(name.to_owned()), set_up, seller(&mut session, name, entry).await);
            }
        }
        // A file that is there and wrong is not one that is not there.
        Err(failure) => note("sp-api", None, set_up || arguments.selling.has_file(), Err(failure)),
    }
    if checks.iter().all(|check| check.state == "not set up") {
        code = Some(Failure::auth("").code());
    }
    arguments.output.all(checks)?;
    Ok(code.unwrap_or(ExitCode::SUCCESS))
}

async fn dataforseo(session: &mut Session) -> Result<String, Failure> {
    let (client, login) = session.dataforseo()?;
    let rows = client.call(UserData::new()).await;
    let rows = rows.map_err(|error| refused(error, "DATAFORSEO_LOGIN and DATAFORSEO_PASSWORD"))?;
    let balance = rows.iter().find_map(|row| row.money.as_ref()?.balance);
    Ok(balance.map_or_else(|| login.clone(), |balance| format!("{login}: {balance} USD left")))
}

async fn multicart(session: &mut Session) -> Result<String, Failure> {
    let credits = session.multicart()?.call(GetCredits::new()).await;
    let credits = credits.map_err(|error| refused(error, "MULTICART_API_KEY"))?;
    Ok(credits.spendable().map_or_else(|| "credits not said".to_owned(), |credits| format!("{credits} credits left")))
}

async fn seller(session: &mut Session, name: &str, entry: &config::Entry) -> Result<String, Failure> {
    let seller = session.seller(name, entry)?;
    // Any store of the region will do: whose credentials are refused is told before the store is looked at.
    let stores = Marketplace::all().find(|store| store.region() == seller.region).map(Marketplace::listings);
    let search = SearchListingsItems::new(seller.id.clone(), stores).page_size(1);
    match seller.client.call(search).await {
        Ok(_) => Ok(format!("{} in {}", seller.id, seller.region)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Rejected) => {
            Ok(format!("{} in {}; the credentials are taken", seller.id, seller.region))
        }
        Err(error) => {
            let names = format!("SP_API_CLIENT_ID, SP_API_CLIENT_SECRET and {}", entry.refresh_token_env);
            Err(refused(error, &names))
        }
    }
}

/// Why a vendor does not take what these variables hold.
fn refused(error: Error, names: &str) -> Failure {
    let is_refused = error.kind() == ErrorKind::Auth;
    let failure = Failure::from(error);
    if is_refused { failure.next(format!("mend {names}; `asin configure` takes them")) } else { failure }
}
