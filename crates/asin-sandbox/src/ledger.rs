//! The ledger: what was asked, what it did, what it cost. Tests of "nothing lost, nothing paid twice" ask it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The truth about a sandbox: `GET /_sandbox/ledger` gives the same as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ledger {
    /// The requests in the order of arrival, the oldest ones forgotten when there are more than [`crate::Builder::remember`]
    /// says.
    pub requests: Vec<Entry>,
    /// How many requests are forgotten: what they did and charged still counts below.
    #[serde(default)]
    pub forgotten_requests: u64,
    /// How often each operation was called.
    pub operations: BTreeMap<String, u64>,
    /// What each tag of a paid DataForSEO task was billed. Tasks without a tag stand under the empty one.
    pub charges: BTreeMap<String, Charge>,
    /// The writes to listings that were accepted, in order; the oldest ones are forgotten as the oldest requests are.
    pub writes: Vec<Write>,
    /// How many writes are forgotten.
    #[serde(default)]
    pub forgotten_writes: u64,
    /// What DataForSEO has billed in all, in US dollars.
    pub charged_usd: Decimal,
    /// What is left of DataForSEO's balance, in US dollars.
    pub balance_usd: Decimal,
    /// How often a result was taken that another program on the account had paid for.
    pub foreign_collected: u64,
    /// The webhooks that DataForSEO sent or tried to send, in order; the oldest ones are forgotten as the oldest requests are.
    #[serde(default)]
    pub deliveries: Vec<Delivery>,
    /// How many webhooks are forgotten.
    #[serde(default)]
    pub forgotten_deliveries: u64,
}

/// One webhook that was sent, or could not be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delivery {
    /// When it ended.
    pub at: Timestamp,
    /// `postback` or `pingback`.
    pub webhook: String,
    /// The identifier of the task.
    pub task: String,
    /// The tag of the task; empty where it has none.
    pub tag: String,
    /// The address, with `$id` and `$tag` replaced.
    pub url: String,
    /// The HTTP status of the answer; 0 when there was none.
    pub status: u16,
    /// Whether the server took it.
    pub arrived: bool,
    /// Why not, in words; empty when it arrived.
    pub failure: String,
    /// The fault that struck it.
    pub fault: Option<String>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Its number, from 1.
    pub number: u64,
    /// When it arrived.
    pub at: Timestamp,
    /// `lwa`, `sp-api`, `dataforseo` or `multicart`.
    pub vendor: String,
    /// The vendor's name for the operation; empty when there is none such.
    pub operation: String,
    /// The HTTP method.
    pub method: String,
    /// The path with its query, as it stood on the wire.
    pub path: String,
    /// The HTTP status that the vendor gave; 0 when a fault struck before the work.
    pub status: u16,
    /// The verdict inside the envelope: DataForSEO's `status_code`, MultiCart's `code`.
    pub code: Option<i64>,
    /// What it did, in words; empty when it changed nothing.
    pub did: String,
    /// What it was charged, in US dollars.
    pub charged_usd: Decimal,
    /// The fault that struck it.
    pub fault: Option<String>,
}

/// The bill of one tag.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Charge {
    /// How many tasks with this tag were accepted and billed.
    pub times: u64,
    /// What they cost together, in US dollars.
    pub usd: Decimal,
}

/// One accepted write to a listing in one store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Write {
    /// The number of the request that sent it.
    pub request: u64,
    /// `putListingsItem`, `patchListingsItem` or `deleteListingsItem`.
    pub operation: String,
    /// The submission identifier in the answer.
    pub submission_id: String,
    /// The seller.
    pub seller_id: String,
    /// The seller's own name for the article.
    pub sku: String,
    /// The store.
    pub marketplace: String,
    /// The attributes that the submission named.
    pub attributes: Vec<String>,
    /// Price and stock before.
    pub old: Terms,
    /// Price and stock that it asks for.
    pub new: Terms,
    /// Whether it can be seen by now.
    pub applied: bool,
}

/// What a listing asks and holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Terms {
    /// The price for everybody, with tax.
    pub price: Option<Decimal>,
    /// The pieces for sale in the listing's own channel.
    pub quantity: Option<u64>,
}

impl fmt::Display for Terms {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.price {
            Some(price) => write!(to, "{price}")?,
            None => to.write_str("no price")?,
        }
        match self.quantity {
            Some(quantity) => write!(to, " × {quantity}"),
            None => Ok(()),
        }
    }
}

impl Ledger {
    /// How many requests of one operation there were.
    #[must_use]
    pub fn calls(&self, operation: &str) -> u64 {
        self.operations.get(operation).copied().unwrap_or_default()
    }

    /// How many tasks with this tag were billed.
    #[must_use]
    pub fn times_billed(&self, tag: &str) -> u64 {
        self.charges.get(tag).map_or(0, |charge| charge.times)
    }

    /// The accepted writes to one SKU.
    pub fn writes_to<'a>(&'a self, seller_id: &'a str, sku: &'a str) -> impl Iterator<Item = &'a Write> {
        self.writes.iter().filter(move |write| write.seller_id == seller_id && write.sku == sku)
    }

    /// The number of the next write, from 0 and over all that were ever accepted.
    pub(crate) fn next_write(&self) -> usize {
        index(self.forgotten_writes) + self.writes.len()
    }

    /// Notes that a write can be seen.
    pub(crate) fn applied(&mut self, write: usize) {
        let remembered = write.checked_sub(index(self.forgotten_writes));
        if let Some(write) = remembered.and_then(|write| self.writes.get_mut(write)) {
            write.applied = true;
        }
    }

    /// Forgets the oldest requests, writes and webhooks, as many as are remembered at a time: what this costs is shared by
    /// all of them.
    pub(crate) fn forget(&mut self, remembered: usize) {
        forget(&mut self.requests, &mut self.forgotten_requests, remembered);
        forget(&mut self.writes, &mut self.forgotten_writes, remembered);
        forget(&mut self.deliveries, &mut self.forgotten_deliveries, remembered);
    }

    pub(crate) fn bill(&mut self, tag: &str, cost: Decimal) {
        let charge = self.charges.entry(tag.to_owned()).or_default();
        charge.times += 1;
        charge.usd += cost;
        self.charged_usd += cost;
        self.balance_usd -= cost;
    }
}

fn forget<T>(held: &mut Vec<T>, forgotten: &mut u64, remembered: usize) {
    if held.len() >= remembered.saturating_mul(2) {
        held.drain(..remembered);
        *forgotten += remembered as u64;
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
