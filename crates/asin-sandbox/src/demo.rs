//! The demo credentials: all that a client needs to use a sandbox.

use serde::{Deserialize, Serialize};

use crate::marketplace::Region;
use crate::ports::Roots;
use crate::world::{API_KEY, CLIENT_ID, CLIENT_SECRET, LOGIN, PASSWORD, World, refresh_token};

/// Base URLs, credentials and accounts of a sandbox: `GET /_sandbox/demo` gives the same as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Demo {
    /// How many times faster than the wall's the vendors' time goes.
    #[serde(default)]
    pub speed: f64,
    /// DataForSEO.
    pub dataforseo: DataForSeoDemo,
    /// MultiCartAPI.
    pub multicart: MultiCartDemo,
    /// Amazon SP-API and LWA.
    pub sp_api: SpApiDemo,
    /// The selling accounts that have authorised the application.
    pub accounts: Vec<AccountDemo>,
}

/// How to reach DataForSEO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DataForSeoDemo {
    /// The base URL, without a path.
    pub base_url: String,
    /// The login of Basic authentication.
    pub login: String,
    /// The password of Basic authentication.
    pub password: String,
}

/// How to reach MultiCartAPI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MultiCartDemo {
    /// The base URL, which ends in `/api/v1`.
    pub base_url: String,
    /// The key for `x-api-key`; `Authorization: Token` takes it too.
    pub api_key: String,
}

/// How to reach SP-API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SpApiDemo {
    /// The base URL for all regions, without a path.
    pub base_url: String,
    /// LWA's token endpoint.
    pub lwa_url: String,
    /// The application's identifier.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: String,
}

/// A selling account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountDemo {
    /// Its name.
    pub name: String,
    /// Amazon's seller identifier.
    pub seller_id: String,
    /// Its region.
    pub region: Region,
    /// The refresh token with which it has authorised the application.
    pub refresh_token: String,
}

impl Demo {
    /// The credentials of a world that is served at these root URLs.
    pub(crate) fn new(roots: &Roots, world: &World) -> Self {
        let account = |account: &crate::market::Account| AccountDemo {
            name: account.name.clone(),
            seller_id: account.seller_id.clone(),
            region: account.region,
            refresh_token: refresh_token(&account.seller_id),
        };
        Self {
            speed: world.clock.speed(),
            dataforseo: DataForSeoDemo {
                base_url: roots.dataforseo.clone(),
                login: LOGIN.to_owned(),
                password: PASSWORD.to_owned(),
            },
            multicart: MultiCartDemo { base_url: format!("{}/api/v1", roots.multicart), api_key: API_KEY.to_owned() },
            sp_api: SpApiDemo {
                base_url: roots.sp_api.clone(),
                lwa_url: format!("{}/auth/o2/token", roots.sp_api),
                client_id: CLIENT_ID.to_owned(),
                client_secret: CLIENT_SECRET.to_owned(),
            },
            accounts: world.accounts.iter().map(account).collect(),
        }
    }
}
