//! `asin listing price` and `stock`: one number of an offer, and nothing beside it.

use super::read::{AT_ONCE, read};
use super::write::{How, Seen, Wish, Written, send};
use crate::failure::{Ended, Failure, Tally, say};
use crate::input::pairs;
use crate::session::Seller;
use asin_facade::Currency;
use asin_facade::core_http::Once;
use asin_facade::sp_listings::{
    DEFAULT_CHANNEL, EVERYBODY, Item, ListingsItemPatchRequest, Offer, PatchListingsItem, PatchOperation, Sku,
    quantity_patch,
};
use asin_facade::sync::read_price;
use futures_util::{StreamExt, stream};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::fmt::Display;
use std::path::PathBuf;

/// Sets prices, and leaves everything else of the offers as it is
///
/// Prices include tax, in the store's currency. Where it is ambiguous which offer is meant, or where an offer of the
/// listing has changed since it was shown, nothing is sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin listing price YNG-WTR-3 75.50 --marketplace TR --dry-run
  asin listing price --file prices.csv -m DE --yes --wait 5m      # with the header sku,price
  asin listing price S-1 19.90 -m DE --audience B2B")]
pub struct Price {
    /// The seller's own name for the listing
    #[arg(requires = "price", required_unless_present = "file", conflicts_with = "file")]
    sku: Option<Sku>,
    /// The new price, with a dot before the decimals; `1.500` may be a thousand and is refused
    price: Option<String>,
    /// A CSV file with the columns sku and price; `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// To whom the offer is made: ALL, or B2B
    #[arg(long, value_name = "AUDIENCE", default_value = EVERYBODY)]
    audience: String,
    #[command(flatten)]
    how: How,
}

/// Sets what is in stock of the seller's own channel
///
/// The stock of what Amazon fulfils is never touched. A stock is one for all stores of the account's region, whichever of
/// them --marketplace names.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin listing stock YNG-WTR-3 100 --marketplace TR
  asin listing stock S-1 5 -m DE --handling-days 2
  asin listing stock --file stocks.csv -m DE --yes                # with the header sku,quantity")]
pub struct Stock {
    /// The seller's own name for the listing
    #[arg(requires = "quantity", required_unless_present = "file", conflicts_with = "file")]
    sku: Option<Sku>,
    /// Pieces
    quantity: Option<String>,
    /// A CSV file with the columns sku and quantity; `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Also set the most days until a piece is handed to the carrier
    #[arg(long, value_name = "DAYS", value_parser = pieces)]
    handling_days: Option<u32>,
    #[command(flatten)]
    how: How,
}

pub async fn price(arguments: Price) -> Ended {
    let (store, audience) = (arguments.how.at.marketplace, arguments.audience);
    let currency = store.currency();
    let read = |text: &str| read_price(text, false, Some(currency));
    let wanted = wanted(arguments.sku.zip(arguments.price), arguments.file, "price", read)?;
    change(wanted, arguments.how, None, move |item, price: Decimal| {
        let offer = Offer::find_for(&audience, item, &store.listings(), currency.as_str());
        let offer = offer.map_err(|error| error.to_string())?;
        let told = |price| asin_facade::Price::new(price, currency).digits();
        Ok(Change {
            old: Some(told(offer.price())),
            new: told(price),
            currency: Some(currency),
            patch: offer.price_patch(price),
            seen: Seen::of(item, offers),
        })
    })
    .await
}

fn pieces(text: &str) -> Result<u32, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| plain);
    number.ok_or_else(|| format!("`{text}` is no whole number from 0 to {}", u32::MAX))
}

pub async fn stock(arguments: Stock) -> Ended {
    let wanted = wanted(arguments.sku.zip(arguments.quantity), arguments.file, "quantity", pieces)?;
    let days = arguments.handling_days;
    change(wanted, arguments.how, Some(ONE_STOCK), move |item, quantity: u32| {
        if let Some(channel) = item.channels().into_iter().find(|channel| *channel != DEFAULT_CHANNEL) {
            return Err(format!("fulfilled through `{channel}`: its stock is not ours to set"));
        }
        let told = |pieces: &dyn Display, days: Option<u32>| match days {
            Some(days) => format!("{pieces} in {days} days"),
            None => pieces.to_string(),
        };
        let shown = days.and(item.lead_time());
        let old = item.stock().map(|stock| told(&stock.quantity, shown));
        let (patch, seen) = (quantity_patch(quantity, days), Seen::of(item, channels));
        Ok(Change { old, new: told(&quantity, days), currency: None, patch, seen })
    })
    .await
}

/// All offers go out again when a price is set.
fn offers(item: &Item) -> Value {
    item.attributes.as_ref().and_then(|attributes| attributes.get("purchasable_offer")).cloned().unwrap_or_default()
}

/// Only who fulfils must be the same: pieces are sold all the time, and a number takes the place of a number.
fn channels(item: &Item) -> Value {
    json!(item.channels())
}

/// The one that the arguments name, or those of a file.
fn wanted<T>(
    one: Option<(Sku, String)>,
    file: Option<PathBuf>,
    column: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<(Sku, T)>, Failure> {
    let stated = |(sku, text): (Sku, String)| match read(&text) {
        Ok(value) => Ok((sku, value)),
        Err(error) => Err(Failure::usage(format!("{column}: {error}"))),
    };
    match &file {
        Some(file) => pairs(file, "sku", column, read),
        None => one.into_iter().map(stated).collect(),
    }
}

/// How a listing is changed.
struct Change {
    old: Option<String>,
    new: String,
    currency: Option<Currency>,
    patch: PatchOperation,
    seen: Seen,
}

/// What a person who names one store may not think of.
const ONE_STOCK: &str = "this stock counts in all stores of the account's region";

/// Reads each listing and sends what differs; `reach` says beforehand where else that counts.
async fn change<T: Copy>(
    wanted: Vec<(Sku, T)>,
    how: How,
    reach: Option<&str>,
    of: impl Fn(&Item, T) -> Result<Change, String>,
) -> Ended {
    let seller = how.at.selling.seller().await?;
    let store = how.at.marketplace;
    let read = stream::iter(wanted).map(|(sku, value)| {
        let seller = &seller;
        async move { (sku.clone(), value, read(seller, sku, store).await) }
    });
    let read: Vec<_> = read.buffered(AT_ONCE).collect().await;
    let (mut wishes, mut rows, mut tally) = (Vec::new(), Vec::new(), Tally::default());
    for (sku, value, item) in read {
        let Some(item) = tally.note(sku.as_str(), item) else { continue };
        match of(&item, value) {
            Err(why) => tally.refuse(sku.as_str(), &why),
            Ok(Change { old, new, currency, .. }) if old.as_ref() == Some(&new) => {
                let (outcome, new) = ("unchanged", Some(new));
                rows.push(Written { old, new, currency, outcome, ..Written::new(store, sku) });
            }
            Ok(Change { old, new, currency, patch, seen }) => {
                let write = Once(patch_of(&seller, &sku, store, patch));
                wishes.push(Wish { sku, old, new, currency, write, seen: Some(seen) });
            }
        }
    }
    if let (Some(reach), false) = (reach, wishes.is_empty()) {
        say(&format!("asin: {reach} ({}), not only in {store}", seller.region));
    }
    send(&seller, wishes, rows, how, tally).await
}

fn patch_of(seller: &Seller, sku: &Sku, store: asin_facade::Marketplace, patch: PatchOperation) -> PatchListingsItem {
    let body = ListingsItemPatchRequest::offer([patch]);
    PatchListingsItem::new(seller.id.clone(), sku.clone(), [store.listings()], body)
}
