//! `asin listing get` and `search`.

use super::Where;
use crate::failure::{Ended, Failure, Tally};
use crate::input::{Named, Names};
use crate::output::{Row, money, text};
use crate::progress::{counted, counting};
use crate::session::Seller;
use crate::table::{Column, Content};
use asin_facade::core_http::Result as Called;
use asin_facade::sp_listings::{
    self, GetListingsItem, Identifiers, IdentifiersType, IncludedData, Item, ItemStatus, ItemSummaryByMarketplace,
    Severity, Sku,
};
use asin_facade::{Currency, Marketplace, Price};
use clap::builder::PossibleValuesParser;
use futures_util::{StreamExt, TryStreamExt, pin_mut, stream};
use jiff::Timestamp;
use serde::Serialize;
use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;

/// Reads listings by their SKUs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin listing get YNG-WTR-3 --marketplace TR
  asin listing get --file skus.txt -m DE --output csv > listings.csv
  asin listing get S-1 -m DE --output json | jq .attributes")]
pub struct Get {
    #[command(flatten)]
    skus: Names<Sku>,
    #[command(flatten)]
    at: Where,
}

/// Finds listings: all, or those with these identifiers; any number of them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin listing search --marketplace TR
  asin listing search -m DE --by asin B085RFFC9Q B0756FCPPN
  asin listing search -m DE --with-issue error --updated-after 2026-11-01T00:00:00Z")]
pub struct Search {
    #[command(flatten)]
    names: Names<Identifier>,
    /// Of which kind the identifiers are
    #[arg(long, value_name = "KIND", default_value = "asin", ignore_case = true, value_parser = kinds())]
    by: String,
    /// Only those that are: buyable, discoverable
    #[arg(long, value_name = "STATUS", ignore_case = true, value_parser = PossibleValuesParser::new(["BUYABLE", "DISCOVERABLE"]))]
    with_status: Vec<String>,
    /// Only those with an issue of this severity
    #[arg(long, value_name = "SEVERITY", ignore_case = true, value_parser = PossibleValuesParser::new(["ERROR", "WARNING", "INFO"]))]
    with_issue: Vec<String>,
    /// Only those changed after this moment
    #[arg(long, value_name = "TIME")]
    updated_after: Option<Timestamp>,
    /// Only those made after this moment
    #[arg(long, value_name = "TIME")]
    created_after: Option<Timestamp>,
    #[command(flatten)]
    at: Where,
}

/// What a listing is found by, of whatever kind.
#[derive(Debug)]
struct Identifier(String);

impl FromStr for Identifier {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl Named for Identifier {
    const ONE: &'static str = "identifier";
    const VALUE: &'static str = "IDENTIFIER";
    const HELP: &'static str = "The listings with these identifiers, of the kind that --by names; without any: all";
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(["ASIN", "EAN", "FNSKU", "GTIN", "ISBN", "JAN", "MINSAN", "SKU", "UPC"])
}

/// A listing in one store; as JSON it is Amazon's own answer.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Listing {
    item: Item,
    #[serde(skip)]
    store: Marketplace,
}

impl Row for Listing {
    const COLUMNS: &'static [Column] = &[
        Column("sku", Content::Word),
        Column("asin", Content::Word),
        Column("store", Content::Word),
        Column("status", Content::Word),
        Column("price", Content::Number),
        Column("currency", Content::Currency),
        Column("quantity", Content::Number),
        Column("issues", Content::Number),
        Column("title", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        let Self { item, store } = self;
        let summary = summary(item, *store);
        let statuses = |of: &ItemSummaryByMarketplace| joined(&of.status);
        let issues = item.issues.iter().filter(|issue| issue.severity == Severity::Error).count();
        let price = price(item, *store);
        let [price, currency] =
            money(price.map(|price| price.amount), price.as_ref().map(|price| price.currency.as_str()));
        vec![
            item.sku.to_string(),
            text(item.asin(&store.listings())),
            store.to_string(),
            text(summary.map(statuses)),
            price,
            currency,
            text(item.stock().map(|stock| stock.quantity)),
            if issues == 0 { String::new() } else { issues.to_string() },
            text(summary.and_then(|summary| summary.item_name.as_ref())),
        ]
    }
}

fn joined(all: &[impl Display]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ").to_lowercase()
}

/// What Amazon says of a listing in a store.
pub fn summary(item: &Item, store: Marketplace) -> Option<&ItemSummaryByMarketplace> {
    item.summaries.iter().find(|summary| summary.marketplace_id == store.listings())
}

/// The price to everybody: as the attributes state it, else as the offers show it.
fn price(item: &Item, store: Marketplace) -> Option<Price> {
    let currency = store.currency();
    let stated = sp_listings::Offer::find(item, &store.listings(), currency.as_str());
    let stated = stated.map(|offer| Price::new(offer.price(), currency)).ok();
    stated.or_else(|| {
        let offer = item.offers.iter().find(|offer| offer.marketplace_id == store.listings())?;
        Some(Price::new(offer.price.amount, Currency::from_code(&offer.price.currency_code)?))
    })
}

/// Reads one listing with everything that is needed to show or change it.
pub async fn read(seller: &Seller, sku: Sku, store: Marketplace) -> Called<Item> {
    let ask = GetListingsItem::new(seller.id.clone(), sku, [store.listings()]);
    seller.client.call(ask.included_data(everything())).await
}

fn everything() -> [IncludedData; 5] {
    use IncludedData::{Attributes, FulfillmentAvailability, Issues, Offers, Summaries};
    [Summaries, Attributes, Issues, Offers, FulfillmentAvailability]
}

/// How many listings are read at once; the client keeps to Amazon's limits in any case.
pub const AT_ONCE: usize = 5;

pub async fn get(arguments: Get) -> Ended {
    let Where { marketplace: store, output, selling } = arguments.at;
    let skus: Vec<Sku> = arguments.skus.read()?;
    let seller = selling.seller().await?;
    let bar = counting("listings", skus.len(), output.format());
    let read = stream::iter(skus).map(|sku| {
        let seller = &seller;
        async move { (sku.clone(), read(seller, sku, store).await) }
    });
    let (mut rows, mut tally) = (output.rows(), Tally::default());
    let read = read.buffered(AT_ONCE);
    pin_mut!(read);
    while let Some((sku, item)) = read.next().await {
        bar.inc(1);
        if let Some(item) = tally.note(sku.as_str(), item) {
            tally.did();
            rows.push(&Listing { item, store })?;
        }
    }
    bar.finish_and_clear();
    rows.end()?;
    Ok(tally.end())
}

pub async fn search(arguments: Search) -> Ended {
    let Where { marketplace: store, output, selling } = arguments.at;
    let identifiers = match arguments.names.is_empty() {
        true => None,
        false => {
            let names = arguments.names.read()?.into_iter().map(|Identifier(name)| name);
            let kind = IdentifiersType::from(arguments.by.to_uppercase().as_str());
            Some(Identifiers::of(kind, names.collect::<Vec<_>>()).map_err(Failure::usage)?)
        }
    };
    let seller = selling.seller().await?;
    let stores = [store.listings()];
    let mut search = match identifiers {
        Some(identifiers) => sp_listings::Search::identified(seller.id.clone(), stores, identifiers),
        None => sp_listings::Search::all(seller.id.clone(), stores),
    };
    search = search.included_data(everything());
    let words = |words: &[String]| words.iter().map(|word| word.to_uppercase()).collect::<Vec<_>>();
    let (statuses, severities) = (words(&arguments.with_status), words(&arguments.with_issue));
    if !statuses.is_empty() {
        search = search.with_status(statuses.iter().map(|word| ItemStatus::from(word.as_str())));
    }
    if !severities.is_empty() {
        search = search.with_issue_severity(severities.iter().map(|word| Severity::from(word.as_str())));
    }
    if let Some(moment) = arguments.updated_after {
        search = search.updated_after(moment);
    }
    if let Some(moment) = arguments.created_after {
        search = search.created_after(moment);
    }
    let mut rows = output.rows();
    let (mut tally, items) = (Tally::default(), search.items(&seller.client));
    let bar = counted("listings", output.format());
    pin_mut!(items);
    loop {
        match items.try_next().await {
            Ok(Some(item)) => {
                bar.inc(1);
                tally.did();
                rows.push(&Listing { item, store })?;
            }
            Ok(None) => break,
            // What came before stays good.
            Err(error) => {
                tally.fail("the search", &error);
                break;
            }
        }
    }
    bar.finish_and_clear();
    rows.end()?;
    Ok(tally.end())
}
