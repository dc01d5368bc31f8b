//! The clients that a run needs.

use crate::publish::{Account, Accounts, Counted, Sellers, Selling, is_here};
use core_http::{Error, ErrorKind, RateLimit, Result, TokenBuckets, Transport};
use dataforseo_merchant::DfsClient;
use multicart::McClient;
use secrecy::SecretString;
use sp_listings::SpClient;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use url::Url;

/// Where the services are and who we are to them; its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Connection {
    /// DataForSEO's login.
    pub dataforseo_login: String,
    /// DataForSEO's password.
    pub dataforseo_password: SecretString,
    /// Another host than DataForSEO's.
    pub dataforseo_base_url: Option<Url>,
    /// MultiCart's API key.
    pub multicart_api_key: SecretString,
    /// Another host than MultiCart's.
    pub multicart_base_url: Option<Url>,
    /// The client id of the SP-API application.
    pub sp_api_client_id: String,
    /// Its secret.
    pub sp_api_client_secret: SecretString,
    /// Another host than the region's.
    pub sp_api_base_url: Option<Url>,
    /// Another token endpoint than Amazon's.
    pub sp_api_lwa_url: Option<Url>,
    /// The selling accounts, by name, each with its refresh token.
    pub accounts: BTreeMap<String, (Account, SecretString)>,
}

/// The clients that a run needs; they share limits, and every request that they send is counted.
#[derive(Debug)]
pub struct Services {
    /// Amazon's, of each account.
    pub sellers: Sellers,
    /// DataForSEO.
    pub dataforseo: DfsClient,
    /// Under which name DataForSEO's tasks are kept on disk.
    pub dataforseo_login: String,
    /// MultiCart.
    pub multicart: McClient,
    /// The hosts that all this is about: what is remembered of others must not count here.
    world: String,
    counters: BTreeMap<&'static str, Arc<AtomicU64>>,
}

impl Services {
    /// Clients over the built-in transport.
    ///
    /// # Errors
    /// A base URL or a secret that cannot be used, or no built-in transport.
    pub fn connect(connection: Connection) -> Result<Self> {
        Self::over(connection, core_http::built_in()?)
    }

    /// Clients over a transport of the caller's.
    ///
    /// # Errors
    /// A base URL or a secret that cannot be used.
    pub fn over(connection: Connection, transport: Arc<dyn Transport>) -> Result<Self> {
        let limits: Arc<dyn RateLimit> = Arc::new(TokenBuckets::new());
        let mut counters = BTreeMap::new();
        let mut counted = |vendor| -> Arc<dyn Transport> {
            let calls: &Arc<AtomicU64> = counters.entry(vendor).or_default();
            Arc::new(Counted { transport: transport.clone(), calls: calls.clone() })
        };
        let mut dataforseo =
            dataforseo_merchant::Builder::new(&connection.dataforseo_login, connection.dataforseo_password.clone())
                .transport(counted("dataforseo"))
                .limits(limits.clone());
        if let Some(url) = connection.dataforseo_base_url {
            dataforseo = dataforseo.base_url(url);
        }
        let mut multicart = multicart::Builder::new(connection.multicart_api_key.clone())
            .transport(counted("multicart"))
            .limits(limits.clone());
        if let Some(url) = connection.multicart_base_url {
            multicart = multicart.base_url(url);
        }
        let selling = Selling {
            client_id: connection.sp_api_client_id,
            client_secret: connection.sp_api_client_secret,
            base_url: connection.sp_api_base_url,
            lwa_url: connection.sp_api_lwa_url,
            accounts: connection.accounts,
        };
        let sellers = Sellers::over(selling, transport.clone(), limits)?;
        let (dataforseo, multicart) = (dataforseo.build()?, multicart.build()?);
        if sellers.are_real() && (is_here(&dataforseo.base()) || is_here(&multicart.base())) {
            let message =
                "real listings must not follow prices of this machine: set the base URLs of all vendors, or of none";
            return Err(Error::new(ErrorKind::Request, message));
        }
        let world = format!("{}_{}", dataforseo.base(), sellers.world());
        Ok(Self { sellers, dataforseo, dataforseo_login: connection.dataforseo_login, multicart, world, counters })
    }

    /// The accounts.
    pub fn accounts(&self) -> &Accounts {
        self.sellers.accounts()
    }

    /// Names the hosts: real vendors, or a sandbox.
    pub(super) fn world(&self) -> &str {
        &self.world
    }

    /// The SP-API client of an account.
    pub fn seller(&self, account: &str) -> Option<&SpClient> {
        self.sellers.client(account)
    }

    /// Requests sent so far, by vendor; resends and token calls included.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        let others = self.counters.iter().map(|(vendor, calls)| (*vendor, calls.load(Ordering::Relaxed)));
        others.chain([("sp-api", self.sellers.calls())]).collect()
    }
}
