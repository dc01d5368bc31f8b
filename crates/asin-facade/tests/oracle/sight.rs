//! What the market shows of a row's product: derived from the world alone.

use crate::stores::Store;
use crate::world::{Row, World};
use asin_sandbox::{Item, Offer, Output};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// What is older does not count, in minutes.
const GREATEST_AGE: u32 = 120;

/// What a row can go by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sight {
    Nothing,
    /// Something is shown, and none of it may be followed.
    Unconfirmed,
    /// The lowest price that may be followed.
    Lowest(Decimal),
}

/// What is said about an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Confirmed,
    Open,
    Against,
}

impl Word {
    fn of(said: Option<bool>) -> Self {
        said.map_or(Self::Open, |good| if good { Self::Confirmed } else { Self::Against })
    }
}

/// What a row's product is seen to cost, given whether its page was paid for and where the collection watches it.
pub fn sight(world: &World, row: &Row, page_seen: bool, items: &[Item]) -> Sight {
    let mut seen: Vec<(Option<Decimal>, Word)> = Vec::new();
    if page_seen {
        let product = world.market.products.iter().find(|product| product.asin == row.asin);
        let offers = product.iter().flat_map(|product| &product.offers);
        let offers: Vec<&Offer> = offers.filter(|offer| offer.marketplace == row.store.id).collect();
        // A page is as old as its oldest part.
        let fresh = offers.iter().all(|offer| offer.age_minutes < GREATEST_AGE);
        seen.extend(offers.iter().map(|offer| (offer.price, on_page(world, row, offer, fresh))));
    }
    seen.extend(newest(world, row, items));
    let worst = if world.settings.accept_unconfirmed { Word::Open } else { Word::Confirmed };
    let usable = seen.iter().filter(|(_, word)| *word <= worst).filter_map(|(price, _)| *price);
    match (usable.min(), seen.is_empty()) {
        (Some(lowest), _) => Sight::Lowest(lowest),
        (None, false) => Sight::Unconfirmed,
        (None, true) => Sight::Nothing,
    }
}

/// Whether the collection tells the price, so that no page has to be paid for.
pub fn is_watched(world: &World, row: &Row, items: &[Item]) -> bool {
    newest(world, row, items).is_some_and(|(_, word)| word == Word::Confirmed)
}

/// What the collection tells of the product. Only the newest counts: what was scraped before it is no longer so.
fn newest(world: &World, row: &Row, items: &[Item]) -> Option<(Option<Decimal>, Word)> {
    let outputs = world.settings.collection.then(|| &world.market.collections[0].outputs).into_iter().flatten();
    let output = outputs.filter(|output| output.asin == row.asin).min_by_key(|output| output.age_minutes)?;
    Some((price(row.store, output), scraped(world, row, output, items)))
}

fn is_ours(world: &World, seller: &str) -> bool {
    world.market.accounts.iter().any(|account| account.seller_id == seller)
}

fn on_page(world: &World, row: &Row, offer: &Offer, fresh: bool) -> Word {
    let words = [
        Word::of(Some(fresh)),
        // Without stock a page shows no price.
        Word::of(Some(offer.in_stock && offer.price.is_some())),
        Word::of(Some(offer.currency.as_deref().is_none_or(|currency| currency == row.store.currency))),
        Word::of(offer.condition.as_deref().map(|condition| row.store.says_new(condition))),
        Word::of((!offer.seller_id.is_empty()).then(|| !is_ours(world, &offer.seller_id))),
    ];
    words.into_iter().max().unwrap_or(Word::Against)
}

/// The price of an output of the row's own store; it was written in that store's style.
fn price(store: &Store, output: &Output) -> Option<Decimal> {
    let text = output.price.as_deref()?;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let mut price: Decimal = digits.parse().ok()?;
    price.set_scale(store.decimals).ok()?;
    Some(price)
}

fn scraped(world: &World, row: &Row, output: &Output, items: &[Item]) -> Word {
    // An output does not name its store, so it counts only for a product that is watched in one store alone.
    let mut watched = items.iter().filter(|item| item.asin == output.asin).map(|item| item.domain).peekable();
    let ours = world.market.domains.iter().find(|domain| domain.domain == row.store.domain).map(|domain| domain.id);
    let here = watched.peek().is_some() && watched.all(|domain| Some(domain) == ours);
    let zipcodes: BTreeSet<&str> =
        items.iter().filter(|item| item.asin == output.asin).filter_map(zipcode(world)).collect();
    let said = |key: &str| output.extra.get(key).and_then(|value| value.as_str());
    let available = output.availability.as_deref().map(str::to_lowercase);
    let currency = match said("currency") {
        Some(currency) => Word::of(Some(currency == row.store.currency)),
        None => sign(row.store, output.price.as_deref().unwrap_or_default()),
    };
    let words = [
        currency,
        Word::of(Some(here)),
        // Nor its postcode: at several places it is open which of them was seen.
        Word::of((zipcodes.len() == 1).then(|| zipcodes.contains(row.postcode.as_str()))),
        Word::of(Some(output.price.is_some())),
        Word::of(Some(output.age_minutes < GREATEST_AGE)),
        Word::of(match available.as_deref() {
            Some("in stock") => Some(true),
            Some("out of stock" | "currently unavailable.") => Some(false),
            _ => None,
        }),
        Word::of(said("condition").map(|condition| row.store.says_new(condition))),
        Word::of(said("seller_id").map(|seller| !is_ours(world, seller))),
    ];
    words.into_iter().max().unwrap_or(Word::Against)
}

fn zipcode<'a>(world: &'a World) -> impl Fn(&Item) -> Option<&'a str> {
    |item| Some(world.market.postcodes.iter().find(|place| place.id == item.postcode)?.zipcode.as_str())
}

/// What the sign of a price says about its currency: dollars and pounds are many countries', and say nothing where they fit.
fn sign(store: &Store, price: &str) -> Word {
    let signs = [("€", "EUR"), ("TL", "TRY"), ("zł", "PLN"), ("￥", "JPY"), ("$", "USD CAD AUD"), ("£", "GBP EGP")];
    match signs.into_iter().find(|(sign, _)| price.contains(sign)) {
        None => Word::Open,
        Some((_, currencies)) if !currencies.contains(store.currency) => Word::Against,
        Some((_, currencies)) => Word::of((currencies == store.currency).then_some(true)),
    }
}
