//! Writes changes that a program has decided on itself, as a stream that is asked for leave, and takes them back. It needs
//! Amazon's credentials alone.

use asin_facade::event::{About, Event, Progress};
use asin_facade::publish::{Change, FromTo, Options, Plan, Publish, Sellers};
use asin_facade::{Marketplace, Price};
use examples::{Failure, sandbox, selling};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use sp_listings::{GetListingsItem, IncludedData, Offer};

/// Writes a plan, unless it lets a price rise.
async fn write(publish: &Publish, plan: &Plan, may_rise: bool) -> Result<(), Failure> {
    let mut events = publish.stream(plan);
    while let Some(event) = events.try_next().await? {
        match event {
            Event::Asks(ask) => {
                let rises =
                    |change: &Change| change.price.is_some_and(|price| price.from.is_some_and(|old| price.to > old));
                let fine = matches!(ask.about(), About::Write(changes) if may_rise || !changes.iter().any(rises));
                ask.answer(fine);
            }
            Event::Item(row) => println!("{}: {}", row.sku, row.outcome),
            Event::Progress(Progress::Note(text)) => println!("{text}"),
            _ => {}
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let sellers = Sellers::connect(selling(&sandbox)?)?; // all accounts, in all regions
    let state = tempfile::tempdir()?; // in earnest: a folder that stays
    let publish = Publish::new(sellers, Options::new(state.path()));

    let (account, store) = ("europe", "TR".parse::<Marketplace>()?);
    let seller = publish.sellers().accounts().get(account).ok_or("no such account")?.seller_id.clone();
    let client = publish.sellers().client(account).ok_or("no such account")?;
    let read = GetListingsItem::new(seller.clone(), "SHOES".parse()?, [store.listings()]);
    let item = client.call(read.included_data([IncludedData::Attributes])).await?;
    let old = Price::new(Offer::find(&item, &store.listings(), "TRY")?.price(), store.currency());

    let mut change = Change::new(1, account, seller, "SHOES".parse()?, "B07G82D89J".parse()?, store);
    change.price = Some(FromTo { from: Some(old), to: Price::new(old.amount - Decimal::TEN, store.currency()) });
    write(&publish, &publish.plan(vec![change]), false).await?;

    let run = publish.runs()?.into_iter().next().ok_or("nothing was written")?.run;
    let undo = publish.undo(&run)?.ok_or("no such run")?;
    println!("back from {run}");
    write(&publish, &undo.plan, true).await
}
