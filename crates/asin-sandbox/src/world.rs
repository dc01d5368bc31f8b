//! The state of all vendors together.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::call::{Call, Form, Reply};
use crate::clock::{Clock, today};
use crate::dataforseo::Tasks;
use crate::faults::{Faults, Strike};
use crate::ledger::{Entry, Ledger};
use crate::market::{Account, Balances, Market, Product};
use crate::multicart::Carts;
use crate::sp_api::lwa::AccessTokens;
use crate::sp_api::{Feeds, Listings, UsagePlans};
use crate::vendor::Vendor;

/// The application's identifier at LWA.
pub(crate) const CLIENT_ID: &str = "amzn1.application-oa2-client.sandbox";
/// The application's secret at LWA.
pub(crate) const CLIENT_SECRET: &str = "amzn1.oa2-cs.v1.sandbox-client-secret";
/// DataForSEO's login.
pub(crate) const LOGIN: &str = "sandbox@example.com";
/// DataForSEO's password.
pub(crate) const PASSWORD: &str = "sandbox-password";
/// MultiCart's key, in the vendor's form `prefix.secret`.
pub(crate) const API_KEY: &str = "sandbox.multicart-key";

/// The refresh token with which a seller has authorised the application.
pub(crate) fn refresh_token(seller_id: &str) -> String {
    format!("Atzr|sandbox-{seller_id}")
}

/// Everything that the sandbox remembers.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) rng: fastrand::Rng,
    pub(crate) accounts: Vec<Account>,
    pub(crate) products: Vec<Product>,
    pub(crate) ledger: Ledger,
    pub(crate) faults: Faults,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) usage_plans: UsagePlans,
    pub(crate) listings: Listings,
    pub(crate) feeds: Feeds,
    pub(crate) tasks: Tasks,
    pub(crate) carts: Carts,
    requests: u64,
    /// How many requests each vendor has seen.
    seen: BTreeMap<&'static str, u64>,
    /// How many requests and writes the ledger remembers at least.
    remembered: usize,
}

/// How many requests and writes a ledger remembers at least, unless said.
pub(crate) const REMEMBERED: usize = 50_000;

impl World {
    /// A world that starts from a checked market.
    pub(crate) fn new(market: Market, seed: u64, speed: f64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let ledger = Ledger { balance_usd: market.balances.dataforseo_usd, ..Ledger::default() };
        Self {
            clock: Clock::new(speed),
            tasks: Tasks::new(&market, &mut rng),
            listings: Listings::new(&market),
            feeds: Feeds::default(),
            carts: Carts::new(&market),
            rng,
            ledger,
            accounts: market.accounts,
            products: market.products,
            faults: Faults::new(seed),
            access_tokens: AccessTokens::default(),
            usage_plans: UsagePlans::default(),
            requests: 0,
            seen: BTreeMap::new(),
            remembered: REMEMBERED,
        }
    }

    /// How many requests each vendor has seen.
    pub(crate) fn seen(&self) -> &BTreeMap<&'static str, u64> {
        &self.seen
    }

    /// How many requests, writes and collected tasks are remembered at least.
    pub(crate) fn remember(&mut self, most: usize) {
        self.remembered = most;
        self.tasks.remembered = most;
    }

    /// Lets everybody call as often as they like.
    pub(crate) fn lift_limits(&mut self) {
        self.usage_plans.lift();
        self.tasks.limits.lift();
    }

    /// The world as a market file would hold it.
    pub(crate) fn market(&self) -> Market {
        Market {
            accounts: self.accounts.clone(),
            products: self.products.clone(),
            listings: self.listings.current(),
            domains: self.carts.domains(),
            postcodes: self.carts.postcodes(),
            collections: self.carts.collections(),
            balances: Balances { dataforseo_usd: self.ledger.balance_usd, multicart_credits: self.carts.credits() },
        }
    }

    pub(crate) fn account(&self, seller: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.seller_id == seller)
    }

    pub(crate) fn product(&self, asin: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.asin == asin)
    }

    /// Random hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        (0..digits).filter_map(|_| char::from_digit(self.rng.u32(0..16), 16)).collect()
    }

    /// Whether a fault strikes this call.
    pub(crate) fn strike(&mut self, method: &str, path: &str) -> Option<Strike> {
        if self.faults.none() { None } else { self.faults.strike(method, path) }
    }

    /// Does what has become due.
    pub(crate) fn settle(&mut self) {
        let now = self.clock.now();
        Feeds::settle(self, now);
        for write in self.listings.settle(now) {
            self.ledger.applied(write);
        }
        self.carts.settle(now);
    }

    /// Numbers a request that has arrived.
    pub(crate) fn call(&mut self, parts: http::request::Parts, asked: String, body: bytes::Bytes, form: Form) -> Call {
        self.requests += 1;
        Call::new(self.requests, parts, asked, body, form)
    }

    /// Writes a request into the ledger.
    pub(crate) fn note(&mut self, vendor: Vendor, call: &Call, reply: Option<&Reply>, fault: Option<&Strike>) {
        *self.seen.entry(vendor.name()).or_default() += 1;
        let operation = reply.map_or("", |reply| reply.operation);
        match self.ledger.operations.get_mut(operation) {
            Some(calls) => *calls += 1,
            None if operation.is_empty() => {}
            None => drop(self.ledger.operations.insert(operation.to_owned(), 1)),
        }
        self.ledger.requests.push(Entry {
            number: call.number,
            at: today(),
            vendor: vendor.name().to_owned(),
            operation: operation.to_owned(),
            method: call.method.to_string(),
            path: call.asked.clone(),
            status: reply.map_or(0, |reply| reply.status.as_u16()),
            code: reply.and_then(|reply| reply.code),
            did: reply.map_or_else(String::new, |reply| reply.did.clone()),
            charged_usd: reply.map_or(Decimal::ZERO, |reply| reply.charged),
            fault: fault.map(|strike| strike.action.name().to_owned()),
        });
        self.ledger.forget(self.remembered);
    }
}
