//! A plausible world out of a seed.

use fastrand::Rng;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

use super::{Account, Applies, Collection, Domain, Item, Listing, Market, Offer, Output, Postcode, Product, Verdict};
use crate::marketplace::{MARKETPLACES, Marketplace, Region};

const CONDITIONS: [&str; 7] = ["New", "New", "New", "Used - Like New", "Used - Very Good", "Used - Good", "Renewed"];

impl Market {
    /// Makes a world with accounts in all regions, variation families, offers of all conditions (the accounts' own among
    /// them), stock of the sellers and of Amazon, listings whose previews fail or whose changes come late or never,
    /// postcodes and collections. The same seed makes the same world.
    #[must_use]
    pub fn generate(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut market = Self::default();
        for (region, name) in [(Region::Na, "americas"), (Region::Eu, "europe"), (Region::Fe, "far-east")] {
            market.accounts.push(Account { name: name.to_owned(), seller_id: code(&mut rng, 'A', 13), region });
        }
        for _ in 0..4 {
            market.add_family(&mut rng);
        }
        market.add_places(&mut rng);
        market
    }

    /// A parent page, two to four variants of it, and what is offered and listed of each variant.
    fn add_family(&mut self, rng: &mut Rng) {
        let parent = code(rng, 'B', 10);
        let variants: Vec<String> = (0..rng.usize(2..5)).map(|_| code(rng, 'B', 10)).collect();
        let title = ["Desk lamp", "Travel mug", "Garden hose", "Running shoes", "Backpack"][rng.usize(0..5)];
        let page = |asin: &str, title: String, parent: Option<String>| Product {
            asin: asin.to_owned(),
            title,
            parent,
            variants: variants.clone(),
            offers: Vec::new(),
        };
        self.products.push(page(&parent, title.to_owned(), None));
        for (number, asin) in variants.iter().enumerate() {
            let mut product = page(asin, format!("{title}, variant {}", number + 1), Some(parent.clone()));
            for account in self.accounts.clone() {
                let stores: Vec<&Marketplace> =
                    MARKETPLACES.iter().filter(|store| store.region == account.region).collect();
                let store = stores[rng.usize(0..stores.len())];
                let base = Decimal::from(rng.u32(10..200));
                product.offers.extend(offers(rng, store, base, &account.seller_id));
                self.listings.push(listing(rng, store, base, &account.seller_id, asin, self.listings.len()));
            }
            self.products.push(product);
        }
    }

    fn add_places(&mut self, rng: &mut Rng) {
        self.domains = (1..)
            .zip(&MARKETPLACES)
            .map(|(id, store)| Domain {
                id,
                domain: store.domain.to_owned(),
                country_code: store.country_code.to_owned(),
            })
            .collect();
        for (index, domain) in self.domains.iter().enumerate() {
            let status = ["active", "active", "active", "in-progress", "failed"][index % 5];
            self.postcodes.push(Postcode {
                id: 15 + index as u64,
                domain: domain.id,
                zipcode: rng.u32(10_000..99_999).to_string(),
                status: status.to_owned(),
            });
        }
        let active: Vec<&Postcode> = self.postcodes.iter().filter(|postcode| postcode.status == "active").collect();
        let mut collection = Collection { id: 101, name: "Watched".to_owned(), ..Collection::default() };
        for product in self.products.iter().filter(|product| product.parent.is_some()).take(5) {
            let postcode = active[rng.usize(0..active.len())];
            collection.items.push(Item { asin: product.asin.clone(), domain: postcode.domain, postcode: postcode.id });
            let price = product.offers.iter().find_map(|offer| offer.price);
            collection.outputs.push(Output {
                asin: product.asin.clone(),
                price: price.map(|price| format!("${price}")),
                availability: Some("In Stock".to_owned()),
                age_minutes: rng.u32(0..240),
                ..Output::default()
            });
        }
        self.collections.push(collection);
    }
}

/// Letters and digits after a first letter, as ASINs and seller identifiers are made.
fn code(rng: &mut Rng, first: char, length: usize) -> String {
    let rest = std::iter::repeat_with(|| char::from(b"ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"[rng.usize(0..34)]));
    std::iter::once(first).chain(rest.take(length - 1)).collect()
}

/// A price near another one, as its currency writes it.
fn near(rng: &mut Rng, base: Decimal, store: &Marketplace) -> Decimal {
    let price = base * Decimal::new(rng.i64(85..125), 2);
    price.round_dp(if store.currency == "JPY" { 0 } else { 2 })
}

fn offers(rng: &mut Rng, store: &Marketplace, base: Decimal, own: &str) -> Vec<Offer> {
    let count = rng.usize(1..5);
    let mut offers: Vec<Offer> = (0..count)
        .map(|number| {
            let seller_id = code(rng, 'A', 13);
            Offer {
                marketplace: store.id.to_owned(),
                seller: format!("Shop {}", &seller_id[1..4]),
                seller_id,
                price: Some(near(rng, base, store)),
                condition: (number > 0 || rng.bool()).then(|| CONDITIONS[rng.usize(0..CONDITIONS.len())].to_owned()),
                currency: (rng.u8(0..12) == 0).then(|| "CHF".to_owned()),
                in_stock: rng.u8(0..6) > 0,
                buy_box: number == 0,
                age_minutes: if rng.u8(0..8) == 0 { rng.u32(130..400) } else { 0 },
            }
        })
        .collect();
    if rng.bool() {
        offers.push(Offer {
            marketplace: store.id.to_owned(),
            seller_id: own.to_owned(),
            seller: "Our own shop".to_owned(),
            price: Some(near(rng, base, store)),
            ..Offer::default()
        });
    }
    offers
}

fn listing(rng: &mut Rng, store: &Marketplace, base: Decimal, seller: &str, asin: &str, number: usize) -> Listing {
    let by_amazon = rng.u8(0..6) == 0;
    let channel = match store.region {
        _ if !by_amazon => "DEFAULT",
        Region::Na => "AMAZON_NA",
        Region::Eu => "AMAZON_EU",
        Region::Fe => "AMAZON_JP",
    };
    let issue = json!({
        "code": "99300",
        "message": "A better image would help this listing.",
        "severity": "WARNING",
        "attributeNames": ["main_product_image_locator"],
        "categories": ["MISSING_IMAGE"],
    });
    let price = near(rng, base, store);
    let mut attributes = Map::new();
    if rng.u8(0..5) == 0 {
        attributes.insert("purchasable_offer".to_owned(), with_sale_and_business_price(store, price));
    }
    Listing {
        seller_id: seller.to_owned(),
        sku: ["SKU-", "MY SKU ", "A/B-", "ÜRÜN-"][rng.usize(0..4)].to_owned() + &number.to_string(),
        marketplace: store.id.to_owned(),
        asin: asin.to_owned(),
        product_type: "PRODUCT".to_owned(),
        price: Some(price),
        attributes,
        quantity: (!by_amazon).then(|| rng.u64(0..200)),
        channel: channel.to_owned(),
        preview: if rng.u8(0..8) == 0 { Verdict::Invalid } else { Verdict::Valid },
        applies: [Applies::AtOnce, Applies::AtOnce, Applies::AtOnce, Applies::Later, Applies::Never][rng.usize(0..5)],
        issues: if rng.u8(0..5) == 0 { vec![issue] } else { Vec::new() },
        ..Listing::default()
    }
}

/// Two prices in one attribute: a replacement that forgets one loses money.
fn with_sale_and_business_price(store: &Marketplace, price: Decimal) -> Value {
    let schedule = |price: Decimal| json!([{"schedule": [{"value_with_tax": price.to_f64()}]}]);
    let offer = |audience: &str| {
        json!({
            "marketplace_id": store.id,
            "currency": store.currency,
            "audience": audience,
            "our_price": schedule(price),
        })
    };
    let mut all = offer("ALL");
    all["discounted_price"] =
        schedule((price * Decimal::new(9, 1)).round_dp(if store.currency == "JPY" { 0 } else { 2 }));
    json!([all, offer("B2B")])
}
