//! What must hold in every ledger: functions that a test asserts.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;

use crate::ledger::{Ledger, Write};

/// What does not hold, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(Vec<String>);

impl fmt::Display for Violation {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Violation {}

fn verdict(wrong: Vec<String>) -> Result<(), Violation> {
    if wrong.is_empty() { Ok(()) } else { Err(Violation(wrong)) }
}

impl Ledger {
    /// No tag of a paid task was billed a second time. Tasks without a tag cannot be told apart and do not count.
    ///
    /// # Errors
    /// Names each tag that was, with how often and for how much.
    pub fn each_tag_billed_once(&self) -> Result<(), Violation> {
        let twice = self.charges.iter().filter(|(tag, charge)| !tag.is_empty() && charge.times > 1);
        verdict(
            twice.map(|(tag, bill)| format!("tag {tag:?}: billed {} times, {} USD", bill.times, bill.usd)).collect(),
        )
    }

    /// Every one of these tags was billed, and once.
    ///
    /// # Errors
    /// Names each tag that was not billed, or more than once.
    pub fn each_billed_once<'a>(&self, tags: impl IntoIterator<Item = &'a str>) -> Result<(), Violation> {
        let times = tags.into_iter().map(|tag| (tag, self.times_billed(tag)));
        let wrong = times.filter(|(_, times)| *times != 1);
        verdict(wrong.map(|(tag, times)| format!("tag {tag:?}: billed {times} times")).collect())
    }

    /// No accepted write says to a listing what the one before it had said already: each was applied once.
    ///
    /// # Errors
    /// Names the listing and the requests that said the same.
    pub fn each_write_once(&self) -> Result<(), Violation> {
        let mut last: BTreeMap<(&str, &str, &str), &Write> = BTreeMap::new();
        let mut wrong = Vec::new();
        for write in &self.writes {
            let listing = (write.seller_id.as_str(), write.sku.as_str(), write.marketplace.as_str());
            if let Some(before) = last.insert(listing, write)
                && (&before.operation, &before.attributes, &before.new)
                    == (&write.operation, &write.attributes, &write.new)
            {
                let (one, other) = (before.request, write.request);
                wrong.push(format!("{listing:?}: requests {one} and {other} say the same: {:?}", write.new));
            }
        }
        verdict(wrong)
    }

    /// Every accepted write can be seen by now.
    ///
    /// # Errors
    /// Names those that cannot.
    pub fn each_write_applied(&self) -> Result<(), Violation> {
        let waiting = self.writes.iter().filter(|write| !write.applied);
        let words =
            |write: &Write| format!("{} in {}, request {}: not applied", write.sku, write.marketplace, write.request);
        verdict(waiting.map(words).collect())
    }

    /// The bill is the sum of what each tag was charged, and as long as no request is forgotten the sum of what each request
    /// was.
    ///
    /// # Errors
    /// Says which sums differ.
    pub fn books_balance(&self) -> Result<(), Violation> {
        let mut wrong = Vec::new();
        let tags: Decimal = self.charges.values().map(|charge| charge.usd).sum();
        if tags != self.charged_usd {
            wrong.push(format!("the tags were charged {tags} USD, the account {}", self.charged_usd));
        }
        let requests: Decimal = self.requests.iter().map(|entry| entry.charged_usd).sum();
        if self.forgotten_requests == 0 && requests != self.charged_usd {
            wrong.push(format!("the requests were charged {requests} USD, the account {}", self.charged_usd));
        }
        verdict(wrong)
    }
}
