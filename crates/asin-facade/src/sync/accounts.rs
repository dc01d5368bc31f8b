//! The selling accounts, and the clients that a run needs.

use async_trait::async_trait;
use core_http::{
    Error, ErrorKind, RateLimit, Request, Response, Result, Streamed, TokenBuckets, Transport, TransportError,
};
use dataforseo_merchant::DfsClient;
use multicart::McClient;
use secrecy::SecretString;
use sp_listings::{Region, SellerId, SpClient};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use url::Url;

/// The accounts that a catalogue may name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Accounts(BTreeMap<String, Account>);

/// One seller in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Amazon's identifier of the seller.
    pub seller_id: SellerId,
    /// Where it sells.
    pub region: Region,
}

impl Accounts {
    /// Whether there is an account of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The account of this name.
    pub fn get(&self, name: &str) -> Option<&Account> {
        self.0.get(name)
    }

    /// All names, for a message.
    pub fn names(&self) -> String {
        self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// The sellers that are ourselves.
    pub fn sellers(&self) -> BTreeSet<String> {
        self.0.values().map(|account| account.seller_id.to_string()).collect()
    }
}

impl FromIterator<(String, Account)> for Accounts {
    fn from_iter<I: IntoIterator<Item = (String, Account)>>(accounts: I) -> Self {
        Self(accounts.into_iter().collect())
    }
}

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
    /// The accounts.
    pub accounts: Accounts,
    /// DataForSEO.
    pub dataforseo: DfsClient,
    /// Under which name DataForSEO's tasks are kept on disk.
    pub dataforseo_login: String,
    /// MultiCart.
    pub multicart: McClient,
    /// The hosts that all this is about: what is remembered of others must not count here.
    world: String,
    sellers: BTreeMap<String, SpClient>,
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
        let sp_transport = counted("sp-api");
        let mut sellers = BTreeMap::new();
        for (name, (account, refresh_token)) in &connection.accounts {
            let credentials = sp_listings::Credentials::new(
                connection.sp_api_client_id.clone(),
                connection.sp_api_client_secret.clone(),
                refresh_token.clone(),
            );
            let mut builder = sp_listings::Builder::new(account.region, credentials)
                .application(connection.sp_api_client_id.clone())
                .seller(account.seller_id.clone())
                .transport(sp_transport.clone())
                .limits(limits.clone());
            if let Some(url) = &connection.sp_api_base_url {
                builder = builder.base_url(url.clone());
            }
            if let Some(url) = &connection.sp_api_lwa_url {
                builder = builder.lwa_url(url.clone());
            }
            sellers.insert(name.clone(), builder.build()?);
        }
        let accounts = connection.accounts.into_iter().map(|(name, (account, _))| (name, account)).collect();
        let (dataforseo, multicart) = (dataforseo.build()?, multicart.build()?);
        let elsewhere =
            |base: String| ["127.", "localhost", "[::1]"].iter().any(|host| base.contains(&format!("//{host}")));
        let real = sellers.values().any(|client| !elsewhere(client.base()));
        if real && (elsewhere(dataforseo.base()) || elsewhere(multicart.base())) {
            let message =
                "real listings must not follow prices of this machine: set the base URLs of all vendors, or of none";
            return Err(Error::new(ErrorKind::Request, message));
        }
        let amazon = connection.sp_api_base_url.as_ref().map_or("amazon", |url| url.as_str().trim_end_matches('/'));
        let world = format!("{}_{amazon}", dataforseo.base());
        Ok(Self {
            accounts,
            dataforseo,
            dataforseo_login: connection.dataforseo_login,
            multicart,
            world,
            sellers,
            counters,
        })
    }

    /// Names the hosts: real vendors, or a sandbox.
    pub(super) fn world(&self) -> &str {
        &self.world
    }

    /// The SP-API client of an account.
    pub fn seller(&self, account: &str) -> Option<&SpClient> {
        self.sellers.get(account)
    }

    /// Requests sent so far, by vendor; resends and token calls included.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.counters.iter().map(|(vendor, calls)| (*vendor, calls.load(Ordering::Relaxed))).collect()
    }
}

/// Counts what passes through.
#[derive(Debug)]
struct Counted {
    transport: Arc<dyn Transport>,
    calls: Arc<AtomicU64>,
}

#[async_trait]
impl Transport for Counted {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.transport.send(request).await
    }

    async fn open(&self, request: Request) -> Result<Streamed, TransportError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.transport.open(request).await
    }
}
