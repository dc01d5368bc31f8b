//! The main job from Rust: what `asin sync` does, as a stream; what may be paid and written is decided here.

use asin_facade::event::{About, Event, Progress};
use asin_facade::sync::{Accounts, Catalogue, Change, Options, Services, Sync};
use examples::{Failure, connection, sandbox};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use std::time::Duration;

/// Pays up to a limit, enrols nothing, and lets no price fall.
fn agrees(about: &About) -> bool {
    match about {
        About::Pay(spending) => {
            println!("{} observations for {} USD", spending.sellers_tasks, spending.usd);
            spending.usd <= Decimal::new(5, 2)
        }
        About::Write(changes) => {
            let falls =
                |change: &&Change| change.price.is_some_and(|price| price.from.is_some_and(|old| price.to < old));
            let falling = changes.iter().filter(falls).count();
            println!("{} changes, in {falling} of them a price falls", changes.len());
            falling == 0
        }
        _ => false,
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
    options.publish.cadence = Duration::from_millis(500); // the sandbox's minutes are seconds
    let job = Sync::new(Services::connect(connection)?, options);
    for run in 1..=2 {
        println!("run {run}");
        let mut events = job.stream(&catalogue);
        while let Some(event) = events.try_next().await? {
            match event {
                Event::Asks(ask) => {
                    let fine = agrees(ask.about());
                    ask.answer(fine);
                }
                Event::Item(row) => {
                    let costs = row.new_price.or(row.old_price).map_or("nothing".to_owned(), |price| price.to_string());
                    println!("{} costs {costs}: price {}, stock {}", row.sku, row.price, row.stock);
                }
                Event::Progress(Progress::Note(text)) => println!("{text}"),
                _ => {}
            }
        }
    }
    Ok(())
}
