//! Changes many listings in one feed, and says of every message what became of it.

use examples::{Failure, sandbox, seller};
use futures_util::{TryStreamExt, pin_mut, stream};
use rust_decimal::Decimal;
use sp_listings::{
    ListingsItemPatchRequest, Marketplace, Sku,
    feeds::{FeedFolder, FeedMessage, ListingsFeed, MessageStatus},
    new_price, quantity_patch,
};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let (client, seller) = seller(&sandbox, "europe")?;

    // Any stream of messages will do, such as the rows of a database; one of these SKUs is not in the store.
    let mut messages = Vec::new();
    for (sku, cents) in [("SÜET 41/42", 59_90), ("WTR-NO-3", 19_90)] {
        let price = new_price("EUR", Decimal::new(cents, 2));
        let patch = ListingsItemPatchRequest::offer([price, quantity_patch(7, None)]);
        messages.push(Ok(FeedMessage::patch(Sku::new(sku)?, patch)));
    }

    // Should the program end here, `FeedFolder::new(…).resume(&client)` goes on where it was.
    let folder = tempfile::tempdir()?;
    let feed = ListingsFeed::new(seller, [Marketplace::DE]);
    let run = FeedFolder::new(folder.path()).every(Duration::from_millis(200));
    let outcomes = run.submit(&client, &feed, stream::iter(messages));
    pin_mut!(outcomes);
    while let Some(outcome) = outcomes.try_next().await? {
        match outcome.status {
            MessageStatus::Accepted => println!("{}: accepted", outcome.sku),
            other => println!("{}: {other:?} {:?} {:?}", outcome.sku, outcome.issues, outcome.reason),
        }
    }
    for part in run.parts()? {
        println!("feed {:?}: {} messages, {} bytes", part.feed(), part.messages, part.bytes);
    }
    Ok(())
}
