//! Who sells: from `asin.toml`, or from a sandbox.

use crate::failure::Failure;
use crate::variables::{Variables, refresh_token_of};
use asin_facade::core_http::{self, Transport};
use asin_facade::publish::Selling;
use asin_facade::sp_listings::{Region, SellerId};
use asin_facade::sync::{Account, Accounts, Connection};
use asin_sandbox::Demo;
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::Path;
use url::Url;

/// `asin.toml`: the selling accounts, and the names of columns; it holds no secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    accounts: BTreeMap<String, Entry>,
    /// What catalogues call their columns, by our names.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
}

/// One account of `asin.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Amazon's identifier of the seller.
    pub seller_id: SellerId,
    /// Where it sells.
    pub region: Region,
    /// The variable that holds the account's refresh token.
    pub refresh_token_env: String,
}

impl Config {
    /// Reads the file.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let named = |error: &dyn Display| Failure::usage(format!("{}: {error}", file.display()));
        let text = std::fs::read_to_string(file)
            .map_err(|error| named(&error).next("name the selling accounts in it: `asin sync --help` shows how"))?;
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

    /// The accounts of a sandbox.
    pub fn of_sandbox(demo: &Demo) -> Result<Self, Failure> {
        let mut accounts = BTreeMap::new();
        for (number, account) in (1..).zip(&demo.accounts) {
            let seller_id = account.seller_id.parse().map_err(Failure::usage)?;
            let region = serde_json::from_value(serde_json::json!(account.region)).map_err(Failure::usage)?;
            let entry = Entry { seller_id, region, refresh_token_env: refresh_token_of(number) };
            accounts.insert(account.name.clone(), entry);
        }
        Ok(Self { accounts, columns: BTreeMap::new() })
    }

    /// The account that is meant, with its name: the one of that name, or the only one.
    pub fn account(&self, name: Option<&str>) -> Result<(&str, &Entry), Failure> {
        let names = || self.accounts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let found = match name {
            Some(name) => self.accounts.get_key_value(name),
            None if self.accounts.len() == 1 => self.accounts.first_key_value(),
            None => return Err(Failure::usage(format!("say which account is meant by --account: {}", names()))),
        };
        let found = found.map(|(name, entry)| (name.as_str(), entry));
        found.ok_or_else(|| Failure::usage(format!("no account `{}`, there are: {}", name.unwrap_or(""), names())))
    }

    /// All accounts.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.accounts.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// The accounts without their secrets.
    pub fn accounts(&self) -> Accounts {
        self.accounts.iter().map(|(name, entry)| (name.clone(), entry.account())).collect()
    }

    /// What writing needs; the caller tells what is missing of it.
    ///
    /// Only accounts in `used` need a refresh token: the others are never called, but their offers are our own too.
    fn selling_in(&self, used: &BTreeSet<&str>, variables: &mut Variables) -> Selling {
        let mut accounts = BTreeMap::new();
        for (name, entry) in &self.accounts {
            let token = if used.contains(name.as_str()) {
                variables.required(&entry.refresh_token_env, &format!("the refresh token of account `{name}`"))
            } else {
                String::new()
            };
            accounts.insert(name.clone(), (entry.account(), token.into()));
        }
        Selling {
            client_id: variables.required("SP_API_CLIENT_ID", "the SP-API application's client id"),
            client_secret: variables.required("SP_API_CLIENT_SECRET", "its client secret").into(),
            base_url: variables.url("SP_API_BASE_URL"),
            lwa_url: variables.url("SP_API_LWA_URL"),
            accounts,
        }
    }

    /// What writing needs, with secrets and base URLs.
    pub fn selling(&self, used: &BTreeSet<&str>, variables: &mut Variables) -> Result<Selling, Failure> {
        let selling = self.selling_in(used, variables);
        variables.complete()?;
        Ok(selling)
    }

    /// The whole connection, with secrets and base URLs.
    pub fn connection(&self, used: &BTreeSet<&str>, variables: &mut Variables) -> Result<Connection, Failure> {
        let Selling { client_id, client_secret, base_url, lwa_url, accounts } = self.selling_in(used, variables);
        let connection = Connection {
            dataforseo_login: variables.required("DATAFORSEO_LOGIN", "DataForSEO's login"),
            dataforseo_password: variables.required("DATAFORSEO_PASSWORD", "DataForSEO's password").into(),
            dataforseo_base_url: variables.url("DATAFORSEO_BASE_URL"),
            multicart_api_key: variables.required("MULTICART_API_KEY", "MultiCart's API key").into(),
            multicart_base_url: variables.url("MULTICART_BASE_URL"),
            sp_api_client_id: client_id,
            sp_api_client_secret: client_secret,
            sp_api_base_url: base_url,
            sp_api_lwa_url: lwa_url,
            accounts,
        };
        variables.complete()?;
        Ok(connection)
    }
}

impl Entry {
    fn account(&self) -> Account {
        Account { seller_id: self.seller_id.clone(), region: self.region }
    }
}

/// What a sandbox that is served at this URL says under `/_sandbox/NAME`.
pub async fn ask<T: DeserializeOwned>(url: &Url, name: &str, transport: &dyn Transport) -> Result<T, Failure> {
    let failed = |error: &dyn Display| Failure::usage(format!("no sandbox at {url}: {error}"));
    let address = format!("{}/_sandbox/{name}", url.as_str().trim_end_matches('/'));
    let mut request = core_http::Request::default();
    *request.uri_mut() = address.parse().map_err(|error| failed(&error))?;
    let response = transport.send(request).await.map_err(|error| failed(&error))?;
    serde_json::from_slice(response.body()).map_err(|error| failed(&error))
}
