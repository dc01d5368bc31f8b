//! Random listings, offers and scraped pages.

use crate::stores::Store;
use asin_sandbox::{Applies, Listing, Offer, Output, Verdict};
use fastrand::Rng;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

/// The stock of a SKU, which all its stores share.
pub struct Stock {
    pub channels: Vec<&'static str>,
    pub quantity: Option<u64>,
    pub handling: Option<u32>,
    pub wanted: Option<u32>,
    pub wanted_handling: Option<u32>,
}

impl Stock {
    pub fn random(rng: &mut Rng) -> Self {
        let quantity = rng.u32(0..200);
        let handling = rng.bool().then(|| rng.u32(1..6));
        let wanted = match rng.u8(0..10) {
            0 | 1 => None,
            2..4 => Some(quantity),
            4..6 => Some(rng.u32(0..=quantity)),
            6 => Some(0),
            _ => Some(quantity + rng.u32(1..50)),
        };
        let wanted_handling = match rng.u8(0..10) {
            0..6 => None,
            6..8 => handling,
            _ => Some(rng.u32(1..6)),
        };
        let channels = match rng.u8(0..16) {
            0 | 1 => vec!["AMAZON_EU"],
            2 => vec!["DEFAULT", "AMAZON_NA"],
            _ => vec!["DEFAULT"],
        };
        Self { channels, quantity: percent(rng, 90).then_some(quantity.into()), handling, wanted, wanted_handling }
    }

    fn attribute(&self, store: &Store) -> Value {
        let entry = |channel: &&'static str| {
            let mut entry = json!({"fulfillment_channel_code": channel, "marketplace_id": store.id});
            if *channel == "DEFAULT" {
                if let Some(quantity) = self.quantity {
                    entry["quantity"] = json!(quantity);
                }
                if let Some(days) = self.handling {
                    entry["lead_time_to_ship_max_days"] = json!(days);
                }
            }
            entry
        };
        self.channels.iter().map(entry).collect()
    }
}

pub fn listing(rng: &mut Rng, store: &Store, base: i64, stock: &Stock) -> Listing {
    let price = near(rng, store, base, 85..118);
    let currency = if percent(rng, 5) { "CHF" } else { store.currency };
    let asked = |amount: Decimal| json!([{"schedule": [{"value_with_tax": number(amount)}]}]);
    let mut entries = vec![json!({
        "currency": currency, "audience": "ALL", "marketplace_id": store.id, "our_price": asked(price),
    })];
    if rng.bool() {
        let part = |percent: i64| (price * Decimal::new(percent, 2)).round_dp(store.decimals);
        let sale = number(part(80));
        let sale = json!([{"schedule": [{"start_at": "2031-01-01", "end_at": "2031-02-01", "value_with_tax": sale}]}]);
        entries[0]["discounted_price"] = sale;
        entries[0]["minimum_seller_allowed_price"] = asked(part(90));
    }
    if percent(rng, 30) {
        let business =
            json!({"currency": currency, "audience": "B2B", "marketplace_id": store.id, "our_price": asked(price)});
        entries.insert(rng.usize(0..=1), business);
    }
    if percent(rng, 5) {
        // No audience means everybody too.
        entries.push(json!({"currency": currency, "marketplace_id": store.id, "our_price": asked(price)}));
    }
    let mut attributes = Map::new();
    if percent(rng, 94) {
        attributes.insert("purchasable_offer".to_owned(), Value::Array(entries));
    }
    attributes.insert("fulfillment_availability".to_owned(), stock.attribute(store));
    let priced = attributes.contains_key("purchasable_offer");
    Listing {
        price: priced.then_some(price),
        channel: stock.channels[0].to_owned(),
        attributes,
        preview: if percent(rng, 10) { Verdict::Invalid } else { Verdict::Valid },
        applies: match rng.u8(0..16) {
            0 | 1 => Applies::Later,
            2 => Applies::Never,
            _ => Applies::AtOnce,
        },
        ..Listing::default()
    }
}

pub fn offer(rng: &mut Rng, store: &Store, base: Decimal, own: &[String], buy_box: bool) -> Offer {
    let seller_id = match rng.u8(0..12) {
        0 => String::new(),
        1..4 => own[rng.usize(0..own.len())].clone(),
        _ => code(rng, "A", 13),
    };
    let price = if percent(rng, 12) { base } else { scaled(rng, store, base, 85..122) };
    let condition = match rng.u8(0..12) {
        0 => None,
        1 | 2 => Some(store.used.to_owned()),
        _ => Some(one(rng, store.new).to_string()),
    };
    Offer {
        marketplace: store.id.to_owned(),
        seller: format!("Shop {seller_id}"),
        seller_id,
        price: percent(rng, 94).then_some(price),
        currency: percent(rng, 6).then(|| "CHF".to_owned()),
        condition,
        in_stock: percent(rng, 88),
        buy_box,
        age_minutes: if percent(rng, 4) { rng.u32(130..400) } else { rng.u32(0..100) },
    }
}

pub fn output(rng: &mut Rng, store: &Store, asin: &str, price: Option<Decimal>, own: &[String]) -> Output {
    let said =
        ["In Stock", "In Stock", "In Stock", "in stock", "Out of Stock", "Currently unavailable.", "Only 3 left"];
    let mut extra = Map::new();
    let mut say = |share: u32, key: &str, value: &str| {
        if rng.u32(0..100) < share {
            extra.insert(key.to_owned(), json!(value));
        }
    };
    say(80, "currency", store.currency);
    say(80, "condition", store.new[0]);
    say(15, "condition", store.used);
    say(80, "seller_id", "A0STRANGERXXX");
    say(12, "seller_id", &own[0]);
    say(6, "currency", "CHF");
    Output {
        asin: asin.to_owned(),
        title: None,
        price: price.filter(|_| percent(rng, 90)).map(|price| store.displayed(price)),
        availability: percent(rng, 94).then(|| (*one(rng, &said)).to_owned()),
        age_minutes: 0,
        extra,
    }
}

/// One of several.
pub fn one<'a, T>(rng: &mut Rng, all: &'a [T]) -> &'a T {
    &all[rng.usize(0..all.len())]
}

pub fn percent(rng: &mut Rng, share: u32) -> bool {
    rng.u32(0..100) < share
}

/// Letters and digits behind a beginning, as ASINs and seller identifiers are made.
pub fn code(rng: &mut Rng, first: &str, length: usize) -> String {
    let rest = std::iter::repeat_with(|| char::from(b"ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"[rng.usize(0..34)]));
    first.chars().chain(rest).take(length).collect()
}

pub fn near(rng: &mut Rng, store: &Store, base: i64, percents: std::ops::Range<i64>) -> Decimal {
    store.price(base * rng.i64(percents) / 100)
}

pub fn scaled(rng: &mut Rng, store: &Store, base: Decimal, percents: std::ops::Range<i64>) -> Decimal {
    (base * Decimal::new(rng.i64(percents), 2)).round_dp(store.decimals)
}

/// A price as the JSON number that attributes hold.
fn number(amount: Decimal) -> Value {
    serde_json::from_str(&amount.normalize().to_string()).unwrap()
}
