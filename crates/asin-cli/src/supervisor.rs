//! The person in front of the terminal: sees what happens, and is asked before it pays or writes.

use crate::consent::Consent;
use crate::failure::say;
use crate::multicart::enrolling;
use crate::output::from_to;
use crate::progress::Progress;
use crate::session::NOT_REPLAYED;
use crate::table::{Column, Content, Place, render};
use asin_facade::event::Enrolment;
use asin_facade::sync::{Change, Progress as Told, Spending, Supervisor};
use async_trait::async_trait;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Shows progress on standard error, and asks there.
#[derive(Debug)]
pub struct Terminal {
    consent: Consent,
    progress: Progress,
    /// Whether anything is paid for at all.
    pays: bool,
    /// Whether leave was given, and withheld, at least once.
    agreed: AtomicBool,
    refused: AtomicBool,
}

impl Terminal {
    /// A terminal with this much consent; unless it `pays`, nothing is paid for, whatever anybody says.
    pub fn new(consent: Consent, progress: Progress, pays: bool) -> Self {
        Self { consent, progress, pays, agreed: AtomicBool::new(false), refused: AtomicBool::new(false) }
    }

    async fn agrees(&self, subject: String, question: &'static str) -> bool {
        let progress = self.progress.clone();
        let agrees = self.consent.agrees(subject, question, move |ask| progress.aside(ask)).await;
        if agrees { &self.agreed } else { &self.refused }.store(true, Relaxed);
        agrees
    }

    /// Whether it has agreed to anything: before, nothing is sent that costs or changes anything.
    pub fn has_agreed(&self) -> bool {
        self.agreed.load(Relaxed)
    }

    /// Whether it has refused anything.
    pub fn has_refused(&self) -> bool {
        self.refused.load(Relaxed)
    }
}

#[async_trait]
impl Supervisor for Terminal {
    fn event(&self, event: Told) {
        self.progress.show(&event);
    }

    async fn may_pay(&self, spending: &Spending) -> bool {
        if !self.pays {
            self.progress.aside(|| say(&format!("asin: --replay: {NOT_REPLAYED}")));
            return false;
        }
        self.agrees(bill(spending), "Pay for them?").await
    }

    async fn may_enrol(&self, enrolment: &Enrolment) -> bool {
        self.agrees(enrolling(enrolment), "Enrol them?").await
    }

    async fn may_write(&self, changes: &[Change]) -> bool {
        self.agrees(list(changes), "Send these changes to Amazon?").await
    }
}

fn bill(spending: &Spending) -> String {
    let Spending { asin_tasks, sellers_tasks, usd, .. } = spending;
    format!("DataForSEO: {asin_tasks} tasks for variants, {sellers_tasks} for offers; together at most {usd} USD.")
}

/// Changes as a table, in the order of their lines.
pub fn list(changes: &[Change]) -> String {
    let columns = ["line", "account", "sku", "store", "price", "quantity", "handling days"]
        .map(|title| Column(title, Content::Word));
    let mut changes: Vec<&Change> = changes.iter().collect();
    changes.sort_by_key(|change| change.line);
    let rows = changes.into_iter().map(|change| {
        let price = change.price.map_or_else(String::new, |value| from_to(value.from.as_ref(), &value.to));
        let quantity = change.quantity.map_or_else(String::new, |value| from_to(value.from.as_ref(), &value.to));
        let handling = change.handling.map_or_else(String::new, |value| from_to(value.from.as_ref(), &value.to));
        let (account, sku) = (change.account.clone(), change.sku.clone());
        vec![
            change.line.to_string(),
            account,
            sku.to_string(),
            change.marketplace.to_string(),
            price,
            quantity,
            handling,
        ]
    });
    render(Place::Error, &columns, rows)
}
