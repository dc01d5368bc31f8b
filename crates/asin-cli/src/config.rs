//! Who sells, where the services are, and the secrets: from `asin.toml` and the environment, or from a sandbox.

use crate::failure::Failure;
use asin_facade::core_http::{self, ReqwestTransport, Transport};
use asin_facade::sp_listings::{Region, SellerId};
use asin_facade::sync::{Account, Accounts, Connection};
use asin_sandbox::Demo;
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use url::Url;

/// `asin.toml`: the selling accounts; it holds no secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    accounts: BTreeMap<String, Entry>,
}

/// One account of `asin.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    seller_id: SellerId,
    region: Region,
    /// The environment variable that holds the account's refresh token.
    refresh_token_env: String,
}

impl Config {
    /// Reads the file.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let named = |error: &dyn Display| Failure::usage(format!("{}: {error}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
        let config: Self = toml::from_str(&text).map_err(|error| named(&error))?;
        // Under two names one listing could stand in two rows, and be written twice at once.
        let mut sellers = BTreeMap::new();
        for (name, entry) in &config.accounts {
            if let Some(first) = sellers.insert((entry.seller_id.as_str(), entry.region.as_str()), name) {
                return Err(named(&format!(
                    "accounts `{first}` and `{name}` are one seller in one region: name it once"
                )));
            }
        }
        Ok(config)
    }

    /// The accounts without their secrets.
    pub fn accounts(&self) -> Accounts {
        self.accounts.iter().map(|(name, entry)| (name.clone(), entry.account())).collect()
    }

    /// The whole connection; secrets and base URLs come from the environment.
    ///
    /// Only accounts in `used` need a refresh token: the others are never called, but their offers are our own too.
    pub fn connection(&self, used: &BTreeSet<&str>) -> Result<Connection, Failure> {
        let mut environment = Environment::default();
        let mut accounts = BTreeMap::new();
        for (name, entry) in &self.accounts {
            let token = if used.contains(name.as_str()) {
                environment.required(&entry.refresh_token_env, &format!("the refresh token of account `{name}`"))
            } else {
                String::new()
            };
            accounts.insert(name.clone(), (entry.account(), token.into()));
        }
        let connection = Connection {
            dataforseo_login: environment.required("DATAFORSEO_LOGIN", "DataForSEO's login"),
            dataforseo_password: environment.required("DATAFORSEO_PASSWORD", "DataForSEO's password").into(),
            dataforseo_base_url: environment.url("DATAFORSEO_BASE_URL"),
            multicart_api_key: environment.required("MULTICART_API_KEY", "MultiCart's API key").into(),
            multicart_base_url: environment.url("MULTICART_BASE_URL"),
            sp_api_client_id: environment.required("SP_API_CLIENT_ID", "the SP-API application's client id"),
            sp_api_client_secret: environment.required("SP_API_CLIENT_SECRET", "its client secret").into(),
            sp_api_base_url: environment.url("SP_API_BASE_URL"),
            sp_api_lwa_url: environment.url("SP_API_LWA_URL"),
            accounts,
        };
        environment.complete()?;
        Ok(connection)
    }
}

impl Entry {
    fn account(&self) -> Account {
        Account { seller_id: self.seller_id.clone(), region: self.region }
    }
}

/// Reads variables and collects what is wrong with them, so that all of it is told at once.
#[derive(Debug, Default)]
struct Environment {
    wrong: Vec<String>,
}

impl Environment {
    fn required(&mut self, variable: &str, what: &str) -> String {
        let value = std::env::var(variable).unwrap_or_default();
        if value.is_empty() {
            self.wrong.push(format!("{variable} is not set; it holds {what}"));
        }
        value
    }

    fn url(&mut self, variable: &str) -> Option<Url> {
        let value = std::env::var(variable).ok().filter(|value| !value.is_empty())?;
        Url::parse(&value).map_err(|error| self.wrong.push(format!("{variable}: {error}"))).ok()
    }

    fn complete(self) -> Result<(), Failure> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Failure::usage(self.wrong.join("\nasin: "))) }
    }
}

/// What a sandbox that is served at this URL says under `/_sandbox/NAME`.
pub async fn ask<T: DeserializeOwned>(url: &Url, name: &str) -> Result<T, Failure> {
    let failed = |error: &dyn Display| Failure::usage(format!("no sandbox at {url}: {error}"));
    let address = format!("{}/_sandbox/{name}", url.as_str().trim_end_matches('/'));
    let mut request = core_http::Request::default();
    *request.uri_mut() = address.parse().map_err(|error| failed(&error))?;
    let transport = ReqwestTransport::new().map_err(|error| failed(&error))?;
    let response = transport.send(request).await.map_err(|error| failed(&error))?;
    serde_json::from_slice(response.body()).map_err(|error| failed(&error))
}

/// The connection to a sandbox.
pub fn sandboxed(demo: Demo) -> Result<Connection, Failure> {
    fn read<T: FromStr<Err: Display>>(text: &str) -> Result<T, Failure> {
        text.parse().map_err(|error| Failure::usage(format!("the sandbox's `{text}`: {error}")))
    }
    let mut accounts = BTreeMap::new();
    for account in demo.accounts {
        let region = serde_json::from_value(serde_json::json!(account.region)).map_err(Failure::usage)?;
        let seller = Account { seller_id: read(&account.seller_id)?, region };
        accounts.insert(account.name, (seller, SecretString::from(account.refresh_token)));
    }
    Ok(Connection {
        dataforseo_login: demo.dataforseo.login,
        dataforseo_password: demo.dataforseo.password.into(),
        dataforseo_base_url: Some(read(&demo.dataforseo.base_url)?),
        multicart_api_key: demo.multicart.api_key.into(),
        multicart_base_url: Some(read(&demo.multicart.base_url)?),
        sp_api_client_id: demo.sp_api.client_id,
        sp_api_client_secret: demo.sp_api.client_secret.into(),
        sp_api_base_url: Some(read(&demo.sp_api.base_url)?),
        sp_api_lwa_url: Some(read(&demo.sp_api.lwa_url)?),
        accounts,
    })
}
