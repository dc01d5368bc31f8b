//! What the runnable examples beside this package share: the sandbox that they talk to, and how they reach it.

use asin_facade::publish::{Account, Selling};
use asin_facade::sync::Connection;
use asin_sandbox::{Market, Sandbox};
use dataforseo_merchant::{Budget, Cadence, FileLedger, Tasks};
use rust_decimal::Decimal;
use sp_listings::{Builder, Credentials, Region, SellerId, SpClient};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

/// What an example ends with when something goes wrong.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Starts the three vendors on a free loopback port, in the world of `market.json`. Dropped, they stop.
///
/// # Errors
/// When the market file cannot be read or no port can be had.
pub async fn sandbox() -> Result<Sandbox, Failure> {
    let market = Market::read(concat!(env!("CARGO_MANIFEST_DIR"), "/market.json"))?;
    Ok(Sandbox::builder().market(market).start().await?)
}

/// A seller of the sandbox, and the client that acts for it. `price.rs` shows how a client is made.
///
/// # Errors
/// When there is no such account.
pub fn seller(sandbox: &Sandbox, account: &str) -> Result<(SpClient, SellerId), Failure> {
    let demo = sandbox.demo();
    let account = demo.accounts.iter().find(|known| known.name == account).ok_or("no such account")?;
    let seller = SellerId::new(&account.seller_id)?;
    let credentials = Credentials::new(demo.sp_api.client_id, demo.sp_api.client_secret, account.refresh_token.clone());
    let client = Builder::new(region(account.region), credentials)
        .seller(seller.clone())
        .base_url(demo.sp_api.base_url.parse()?)
        .lwa_url(demo.sp_api.lwa_url.parse()?)
        .build()?;
    Ok((client, seller))
}

/// The paid tasks of the sandbox's account, within ten cents; the folder remembers what was paid for.
///
/// # Errors
/// When another process has the ledger open.
pub fn tasks(sandbox: &Sandbox, folder: &Path) -> Result<Tasks, Failure> {
    let demo = sandbox.demo().dataforseo;
    let ledger = FileLedger::open(folder, &demo.base_url, &demo.login)?;
    let client = dataforseo_merchant::Builder::new(demo.login, demo.password)
        .base_url(demo.base_url.parse()?) // for the sandbox only
        .build()?;
    let quick = Duration::from_millis(500); // the sandbox's minutes are seconds
    Ok(Tasks::new(client, Arc::new(ledger), Budget::new(Decimal::new(10, 2)))
        .with(|settings| settings.cadence = Some(Cadence { first: quick, longest: quick })))
}

/// What writing needs to know of all accounts, as the sandbox tells it.
///
/// # Errors
/// None that a sandbox gives rise to.
pub fn selling(sandbox: &Sandbox) -> Result<Selling, Failure> {
    let demo = sandbox.demo();
    let mut accounts = BTreeMap::new();
    for account in demo.accounts {
        let seller = Account { seller_id: SellerId::new(account.seller_id)?, region: region(account.region) };
        accounts.insert(account.name, (seller, account.refresh_token.into()));
    }
    Ok(Selling {
        client_id: demo.sp_api.client_id,
        client_secret: demo.sp_api.client_secret.into(),
        base_url: Some(demo.sp_api.base_url.parse()?),
        lwa_url: Some(demo.sp_api.lwa_url.parse()?),
        accounts,
    })
}

/// Everything that the clients of all three vendors need to know, as the sandbox tells it.
///
/// # Errors
/// None that a sandbox gives rise to.
pub fn connection(sandbox: &Sandbox) -> Result<Connection, Failure> {
    let (demo, selling) = (sandbox.demo(), selling(sandbox)?);
    Ok(Connection {
        dataforseo_login: demo.dataforseo.login,
        dataforseo_password: demo.dataforseo.password.into(),
        dataforseo_base_url: Some(demo.dataforseo.base_url.parse()?),
        multicart_api_key: demo.multicart.api_key.into(),
        multicart_base_url: Some(demo.multicart.base_url.parse()?),
        sp_api_client_id: selling.client_id,
        sp_api_client_secret: selling.client_secret,
        sp_api_base_url: selling.base_url,
        sp_api_lwa_url: selling.lwa_url,
        accounts: selling.accounts,
    })
}

fn region(region: asin_sandbox::Region) -> Region {
    match region {
        asin_sandbox::Region::Na => Region::NorthAmerica,
        asin_sandbox::Region::Eu => Region::Europe,
        asin_sandbox::Region::Fe => Region::FarEast,
    }
}

/// The Rust of README.md and of the guide: compiled, and run where it does not call a vendor.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/src/bulk.md")]
    struct Bulk;
    #[doc = include_str!("../../docs/src/errors.md")]
    struct Errors;
    #[doc = include_str!("../../docs/src/limits.md")]
    struct Limits;
    #[doc = include_str!("../../docs/src/money.md")]
    struct Money;
    #[doc = include_str!("../../docs/src/start.md")]
    struct Start;
    #[doc = include_str!("../../docs/src/sync.md")]
    struct Sync;
    #[doc = include_str!("../../docs/src/testing.md")]
    struct Testing;
    #[doc = include_str!("../../docs/src/webhooks.md")]
    struct Webhooks;
    #[doc = include_str!("../../docs/src/workflows.md")]
    struct Workflows;
    #[doc = include_str!("../../docs/src/migrating/python-amazon-sp-api.md")]
    struct PythonAmazonSpApi;
    #[doc = include_str!("../../docs/src/migrating/amazon-sp-api-npm.md")]
    struct AmazonSpApiNpm;
    #[doc = include_str!("../../docs/src/migrating/other-sp-api-clients.md")]
    struct OtherSpApiClients;
    #[doc = include_str!("../../docs/src/migrating/dataforseo-client.md")]
    struct DataforseoClient;
    #[doc = include_str!("../../docs/src/migrating/multicart-by-http.md")]
    struct MulticartByHttp;
}
