//! A price rule of one's own: half-way down to the lowest offer, and never for the sake of a few cents.

use asin_facade::Price;
use asin_facade::event::Enrolment;
use asin_facade::sync::{
    Catalogue, Change, KeepMargin, Offered, Options, Pricing, Progress, Reason, Services, Spending, Supervisor, Sync,
};
use async_trait::async_trait;
use examples::{Failure, connection, sandbox};
use rust_decimal::Decimal;
use std::{sync::Arc, time::Duration};

/// Goes half of the way, so that two such rules never race each other to the floor.
#[derive(Debug)]
struct HalfWay {
    /// A change of less than this many percent is not worth a write.
    least: Decimal,
}

impl Pricing for HalfWay {
    fn price(&self, offered: &Offered<'_>) -> Result<Price, Reason> {
        let Offered { old, lowest, .. } = *offered;
        let half = old.checked_sub(lowest).and_then(|gap| gap.percent(Decimal::from(50)));
        let worth = old.percent(self.least).ok_or_else(|| Reason::new("overflow", "the price is too great"))?;
        match half {
            Some(half) if half.amount.abs() >= worth.amount => old.checked_sub(half),
            _ => Some(old),
        }
        .ok_or_else(|| Reason::new("overflow", "the price is too great"))
    }
}

/// Lets observations be paid for, and nothing be written.
struct ReadOnly;

#[async_trait]
impl Supervisor for ReadOnly {
    fn event(&self, _: Progress) {}

    async fn may_pay(&self, _: &Spending) -> bool {
        true
    }

    async fn may_enrol(&self, _: &Enrolment) -> bool {
        false
    }

    async fn may_write(&self, _: &[Change]) -> bool {
        false
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let services = Services::connect(connection(&sandbox)?)?;
    let rows = "account,sku,asin,marketplace,postcode,min_price,cost\n\
                europe,SHOES,B07G82D89J,TR,34000,750.00,600.00\n\
                europe,SÜET 41/42,B085RFFC9Q,DE,10115,55.00,55.00\n\
                america,WTR-US-2,B085RFFC9Q,US,10001,20.00,10.00\n";
    let catalogue = Catalogue::read(rows.as_bytes(), services.accounts())?;

    let state = tempfile::tempdir()?; // in earnest: a folder that stays, for it holds what was paid for
    let mut options = Options::new(state.path());
    options.publish.cadence = Duration::from_millis(500); // the sandbox's minutes are seconds
    // Rules are put together: ours, and a margin of 10 % over the row's cost.
    options.pricing = Arc::new(KeepMargin { rule: HalfWay { least: Decimal::ONE }, percent: Decimal::TEN });
    let (report, plan) = Sync::new(services, options).plan(&catalogue, &ReadOnly).await?;
    for row in &report.rows {
        let old = row.old_price.map_or("no price".to_owned(), |price| price.to_string());
        let seen =
            row.observed.as_ref().and_then(|seen| seen.amount).map_or("nothing".to_owned(), |seen| seen.to_string());
        let change = plan.changes.iter().find(|change| change.line == row.line).and_then(|change| change.price);
        let new = change.map_or("stays".to_owned(), |price| format!("becomes {}", price.to));
        println!("{}: {old}, others from {seen}: {new}", row.sku);
    }
    Ok(())
}
