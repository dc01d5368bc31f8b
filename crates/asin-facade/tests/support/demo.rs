//! How the clients reach a sandbox and its demo accounts; shared by tests.

use asin_facade::sp_listings::Region;
use asin_facade::sync::{Account, Connection};
use asin_sandbox::{AccountDemo, Sandbox};

/// Everything that the clients need to know, as the sandbox tells it.
pub fn connection(sandbox: &Sandbox) -> Connection {
    let demo = sandbox.demo();
    let url = |text: &str| Some(text.parse().expect("the sandbox's URL"));
    let account = |account: &AccountDemo| {
        let region = match account.region {
            asin_sandbox::Region::Na => Region::NorthAmerica,
            asin_sandbox::Region::Eu => Region::Europe,
            asin_sandbox::Region::Fe => Region::FarEast,
        };
        let seller_id = account.seller_id.parse().expect("a seller's identifier");
        (account.name.clone(), (Account { seller_id, region }, account.refresh_token.clone().into()))
    };
    Connection {
        dataforseo_login: demo.dataforseo.login.clone(),
        dataforseo_password: demo.dataforseo.password.clone().into(),
        dataforseo_base_url: url(&demo.dataforseo.base_url),
        multicart_api_key: demo.multicart.api_key.clone().into(),
        multicart_base_url: url(&demo.multicart.base_url),
        sp_api_client_id: demo.sp_api.client_id.clone(),
        sp_api_client_secret: demo.sp_api.client_secret.clone().into(),
        sp_api_base_url: url(&demo.sp_api.base_url),
        sp_api_lwa_url: url(&demo.sp_api.lwa_url),
        accounts: demo.accounts.iter().map(account).collect(),
    }
}
