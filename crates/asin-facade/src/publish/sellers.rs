//! The selling accounts, and the clients that act for them.

use async_trait::async_trait;
use core_http::{RateLimit, Request, Response, Result, Streamed, TokenBuckets, Transport, TransportError};
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

/// An SP-API application and the sellers that have authorised it; its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Selling {
    /// The client id of the application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Another host than the region's.
    pub base_url: Option<Url>,
    /// Another token endpoint than Amazon's.
    pub lwa_url: Option<Url>,
    /// The selling accounts, by name, each with its refresh token.
    pub accounts: BTreeMap<String, (Account, SecretString)>,
}

/// A client for each selling account. They share the application's limits, and every request that they send is counted.
#[derive(Debug, Clone)]
pub struct Sellers {
    accounts: Accounts,
    clients: BTreeMap<String, SpClient>,
    /// Amazon, or what stands in its place.
    world: String,
    calls: Arc<AtomicU64>,
}

impl Sellers {
    /// Clients over the built-in transport.
    ///
    /// # Errors
    /// A base URL or a secret that cannot be used, or no built-in transport.
    pub fn connect(selling: Selling) -> Result<Self> {
        Self::over(selling, core_http::built_in()?, Arc::new(TokenBuckets::new()))
    }

    /// Clients over a transport and limits of the caller's.
    ///
    /// # Errors
    /// A base URL or a secret that cannot be used.
    pub fn over(selling: Selling, transport: Arc<dyn Transport>, limits: Arc<dyn RateLimit>) -> Result<Self> {
        let calls = Arc::default();
        let transport = Arc::new(Counted { transport, calls: Arc::clone(&calls) });
        let mut clients = BTreeMap::new();
        for (name, (account, refresh_token)) in &selling.accounts {
            let (id, secret) = (selling.client_id.clone(), selling.client_secret.clone());
            let credentials = sp_listings::Credentials::new(id.clone(), secret, refresh_token.clone());
            let mut builder = sp_listings::Builder::new(account.region, credentials)
                .application(id)
                .seller(account.seller_id.clone())
                .transport(transport.clone())
                .limits(limits.clone());
            if let Some(url) = &selling.base_url {
                builder = builder.base_url(url.clone());
            }
            if let Some(url) = &selling.lwa_url {
                builder = builder.lwa_url(url.clone());
            }
            clients.insert(name.clone(), builder.build()?);
        }
        let accounts = selling.accounts.into_iter().map(|(name, (account, _))| (name, account)).collect();
        let world =
            selling.base_url.map_or_else(|| "amazon".to_owned(), |url| url.as_str().trim_end_matches('/').to_owned());
        Ok(Self { accounts, clients, world, calls })
    }

    /// The accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The client of an account.
    pub fn client(&self, account: &str) -> Option<&SpClient> {
        self.clients.get(account)
    }

    /// Requests sent so far; resends and token calls included.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Names the hosts that are written to: what was sent to others must not count here.
    pub(crate) fn world(&self) -> &str {
        &self.world
    }

    /// Whether one of them is not on this machine.
    #[cfg(feature = "sync")]
    pub(crate) fn are_real(&self) -> bool {
        self.clients.values().any(|client| !is_here(&client.base()))
    }
}

/// Whether an address is on this machine.
#[cfg(feature = "sync")]
pub(crate) fn is_here(base: &str) -> bool {
    ["127.", "localhost", "[::1]"].iter().any(|host| base.contains(&format!("//{host}")))
}

/// Counts what passes through.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) calls: Arc<AtomicU64>,
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
