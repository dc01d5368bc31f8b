//! The main job from Rust: what `asin sync` does, with a supervisor of one's own that decides what may be paid and written.

use asin_facade::sync::{Accounts, Catalogue, Change, Event, Options, Services, Spending, Supervisor, Sync};
use async_trait::async_trait;
use examples::{Failure, connection, sandbox};
use rust_decimal::Decimal;
use std::time::Duration;

/// Pays up to a limit, and lets no price fall.
#[derive(Debug)]
struct Careful {
    limit: Decimal,
}

#[async_trait]
impl Supervisor for Careful {
    fn event(&self, event: Event) {
        if let Event::Note(text) = event {
            println!("{text}");
        }
    }

    async fn may_pay(&self, spending: &Spending) -> bool {
        println!("{} observations for {} USD", spending.sellers_tasks, spending.usd);
        spending.usd <= self.limit
    }

    async fn may_enrol(&self, _products: usize) -> bool {
        false
    }

    async fn may_write(&self, changes: &[Change]) -> bool {
        let falls = |change: &&Change| change.price.is_some_and(|price| price.from.is_some_and(|old| price.to < old));
        let falling = changes.iter().filter(falls).count();
        println!("{} changes, in {falling} of them a price falls", changes.len());
        falling == 0
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let connection = connection(&sandbox)?;
    let accounts: Accounts =
        connection.accounts.iter().map(|(name, (account, _))| (name.clone(), account.clone())).collect();
    let rows = "account,sku,asin,marketplace,postcode,min_price,max_price,quantity,max_handling_days\n\
                america,WTR-US-1,B0756FCPPN,US,10001,15.00,29.99,60,1\n\
                pacific,WTR-SG-1,B0DJQQ38TG,SG,018956,38.00,55.00,,\n";
    let catalogue = Catalogue::read(rows.as_bytes(), &accounts)?;

    let state = tempfile::tempdir()?; // in earnest: a folder that stays, for it holds what was paid for
    let mut options = Options::new(state.path());
    options.cadence = Duration::from_millis(500); // the sandbox's minutes are seconds
    let job = Sync::new(Services::connect(connection)?, options);
    for run in 1..=2 {
        println!("run {run}");
        let report = job.run(&catalogue, &Careful { limit: Decimal::new(5, 2) }).await?;
        for row in &report.rows {
            let costs = row.new_price.or(row.old_price).map_or("nothing".to_owned(), |price| price.to_string());
            println!("{} costs {costs}: price {}, stock {}", row.sku, row.price, row.stock);
        }
        println!("{} USD spent", report.totals.usd);
    }
    Ok(())
}
