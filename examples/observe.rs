//! What products are offered for, by two vendors at once: MultiCart's outputs, which are free, and DataForSEO's paid tasks.
//! Of each offer it is said whether a price may follow it.

use asin_facade::{
    Marketplace, Observe, Product, Question,
    dataforseo_merchant::{self as dataforseo, Budget, Cadence, FileLedger, Tasks},
    event::Event,
    multicart::{self, CollectionId},
};
use examples::{Failure, sandbox};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let demo = sandbox.demo();
    let folder = tempfile::tempdir()?; // in earnest: a folder that stays
    let ledger = FileLedger::open(folder.path(), &demo.dataforseo.base_url, &demo.dataforseo.login)?;
    let client = dataforseo::Builder::new(demo.dataforseo.login, demo.dataforseo.password)
        .base_url(demo.dataforseo.base_url.parse()?) // for the sandbox only
        .build()?;
    let quick = Duration::from_millis(500); // the sandbox's minutes are seconds
    let tasks = Tasks::new(client, Arc::new(ledger), Budget::new(Decimal::new(10, 2)))
        .with(|settings| settings.cadence = Some(Cadence { first: quick, longest: quick }));
    let outputs = multicart::Builder::new(demo.multicart.api_key)
        .base_url(demo.multicart.base_url.parse()?) // for the sandbox only
        .build()?;

    let (america, australia): (Marketplace, Marketplace) = ("US".parse()?, "AU".parse()?);
    let products = [Product::new("B0756FCPPN".parse()?, america), Product::new("B0DJQQ38TG".parse()?, australia)];
    let ourselves = BTreeSet::from(["A1DEMOSELLERNA".to_owned()]);
    let mut observed = Observe::new(products).collection(&outputs, CollectionId(101)).tasks(&tasks).run();
    while let Some(event) = observed.try_next().await? {
        match event {
            Event::Asks(ask) => ask.allow(), // the budget holds in any case
            Event::Item(Ok(seen)) => {
                let question = Question {
                    asin: seen.product.asin,
                    marketplace: seen.product.marketplace,
                    postcode: None, // wherever it was seen
                    own: &ourselves,
                    now: jiff::Timestamp::now(),
                    max_age: Duration::from_secs(2 * 3600),
                };
                println!("{}:", seen.product);
                for offer in &seen.observations {
                    let price = offer.price(seen.product.marketplace).map_or("?".to_owned(), |price| price.to_string());
                    let doubts: Vec<&str> = offer.doubts(&question).iter().map(|doubt| doubt.as_str()).collect();
                    let verdict = if doubts.is_empty() { "may be followed".to_owned() } else { doubts.join(", ") };
                    println!("  {price} ({:?}): {verdict}", offer.source);
                }
            }
            Event::Item(Err(unanswered)) => println!("{unanswered}"),
            _ => {}
        }
    }
    println!("billed: {} USD", sandbox.ledger().charged_usd);
    Ok(())
}
