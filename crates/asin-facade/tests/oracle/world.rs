//! A random world: a catalogue, the market that it meets, and what a run may do. The same seed makes the same world.

use crate::goods::{Stock, code, listing, near, offer, one, output, percent, scaled};
use crate::stores::{STORES, Store};
use asin_sandbox::{Account, Balances, Collection, Domain, Item, Listing, Market, Postcode, Product};
use fastrand::Rng;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// The collection that runs enrol in and read outputs of.
pub const COLLECTION: u64 = 101;

/// Everything that a seed decides.
#[derive(Debug)]
pub struct World {
    pub seed: u64,
    pub market: Market,
    pub rows: Vec<Row>,
    pub settings: Settings,
    pub passes: Vec<Pass>,
}

/// A row of the catalogue.
#[derive(Debug, Clone)]
pub struct Row {
    pub line: u64,
    pub account: String,
    pub seller: String,
    pub sku: String,
    pub asin: String,
    pub store: &'static Store,
    pub postcode: String,
    pub min: Option<Decimal>,
    pub max: Option<Decimal>,
    pub quantity: Option<u32>,
    pub handling: Option<u32>,
}

impl Row {
    /// Whether it says anything of the stock.
    pub fn names_stock(&self) -> bool {
        self.quantity.is_some() || self.handling.is_some()
    }
}

/// What is the same in every pass over a world.
#[derive(Debug)]
pub struct Settings {
    pub discover: bool,
    pub watch: bool,
    pub collection: bool,
    pub accept_unconfirmed: bool,
    pub max_change: Decimal,
    pub max_rows_changed: usize,
    pub budget: Decimal,
}

/// One run: what it is allowed to do.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    pub dry_run: bool,
    pub pay: bool,
    pub enrol: bool,
    pub write: bool,
}

impl Pass {
    pub const FREE: Self = Self { dry_run: false, pay: true, enrol: true, write: true };
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut world = Self {
            seed,
            market: Market {
                balances: Balances { dataforseo_usd: Decimal::TEN, multicart_credits: 500 },
                ..Market::default()
            },
            rows: Vec::new(),
            settings: settings(&mut rng),
            passes: passes(&mut rng),
        };
        world.add_accounts(&mut rng);
        world.add_products(&mut rng);
        world.add_places(&mut rng);
        let wanted = rng.usize(4..=12);
        for number in 0.. {
            if world.rows.len() >= wanted {
                break;
            }
            world.add_article(&mut rng, number);
        }
        world.add_offers(&mut rng);
        world.add_outputs(&mut rng);
        rng.shuffle(&mut world.rows);
        (2..).zip(&mut world.rows).for_each(|(line, row)| row.line = line);
        world
    }

    /// The same, with money and leave for everything.
    pub fn eager(seed: u64) -> Self {
        let mut world = Self::new(seed);
        (world.settings.budget, world.settings.max_rows_changed) = (Decimal::ONE, 100);
        world
    }

    /// The catalogue as a file.
    pub fn catalogue(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(asin_facade::sync::COLUMNS).unwrap();
        let price = |price: Option<Decimal>| price.map(|price| price.to_string()).unwrap_or_default();
        let whole = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        for row in &self.rows {
            let (account, country) = (row.account.clone(), row.store.country.to_owned());
            let (min, max, quantity, handling) =
                (price(row.min), price(row.max), whole(row.quantity), whole(row.handling));
            let fields = [
                account,
                row.sku.clone(),
                row.asin.clone(),
                country,
                row.postcode.clone(),
                min,
                max,
                quantity,
                handling,
                String::new(),
                String::new(),
            ];
            writer.write_record(fields).unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn add_accounts(&mut self, rng: &mut Rng) {
        use asin_sandbox::Region::{Eu, Fe, Na};
        let regions = [Na, Eu, Fe, Eu];
        for (number, region) in regions.into_iter().enumerate().take(rng.usize(2..=4)) {
            let (name, seller_id) = (format!("account-{number}"), code(rng, "A", 13));
            self.market.accounts.push(Account { name, seller_id, region });
        }
    }

    /// One family and some products without one.
    fn add_products(&mut self, rng: &mut Rng) {
        let product = |asin: &String, parent: Option<&String>, variants: &[String]| Product {
            asin: asin.clone(),
            title: format!("Product {asin}"),
            parent: parent.cloned(),
            variants: variants.to_vec(),
            offers: Vec::new(),
        };
        let parent = code(rng, "B0", 10);
        let family: Vec<String> = (0..rng.usize(1..=3)).map(|_| code(rng, "B0", 10)).collect();
        self.market.products.push(product(&parent, None, &family));
        for asin in &family {
            let variants = if rng.bool() { family.as_slice() } else { &[] };
            self.market.products.push(product(asin, Some(&parent), variants));
        }
        for _ in 0..rng.usize(1..=4) {
            let asin = code(rng, "B0", 10);
            self.market.products.push(product(&asin, None, &[]));
        }
    }

    fn add_places(&mut self, rng: &mut Rng) {
        for (id, store) in (1..).zip(&STORES) {
            if percent(rng, 90) {
                self.market.domains.push(Domain {
                    id,
                    domain: store.domain.to_owned(),
                    country_code: store.country.to_owned(),
                });
                for status in ["active", "active", "inactive", "failed"] {
                    let (row, zipcode) = (self.market.postcodes.len() as u64 + 15, rng.u32(10_000..99_999).to_string());
                    self.market.postcodes.push(Postcode { id: row, domain: id, zipcode, status: status.to_owned() });
                }
            }
        }
        let mut collection = Collection { id: COLLECTION, name: "Watched".to_owned(), ..Collection::default() };
        let mut known = BTreeSet::new();
        for product in &self.market.products {
            let place = one(rng, &self.market.postcodes);
            if percent(rng, 25) && known.insert((product.asin.clone(), place.id)) {
                collection.items.push(Item { asin: product.asin.clone(), domain: place.domain, postcode: place.id });
            }
        }
        self.market.collections.push(collection);
    }

    /// A SKU with its rows in one to three stores, and the listings that these meet.
    fn add_article(&mut self, rng: &mut Rng, number: usize) {
        let account = one(rng, &self.market.accounts).clone();
        let names = ["SKU-", "MY SKU ", "A/B-", "ÜRÜN ", "a,\"b\"-", "100%-", "x+y?#&=", "..-", "新-"];
        let sku = format!("{}{number}", one(rng, &names));
        let asin = one(rng, &self.market.products).asin.clone();
        let stock = Stock::random(rng);
        let mut stores: Vec<&Store> = STORES.iter().filter(|store| store.region == account.region).collect();
        rng.shuffle(&mut stores);
        stores.truncate(rng.usize(1..=3));
        if percent(rng, 12) {
            let abroad: Vec<&Store> = STORES.iter().filter(|store| store.region != account.region).collect();
            let store: &&Store = one(rng, &abroad);
            stores.push(store);
        }
        for store in stores {
            let base = rng.i64(1_000..20_000);
            let min = percent(rng, 85).then(|| near(rng, store, base, 70..110));
            let max = min
                .filter(|_| rng.bool())
                .map(|min| (min * Decimal::new(rng.i64(100..160), 2)).round_dp(store.decimals));
            let names_stock = percent(rng, 75);
            self.rows.push(Row {
                line: 0,
                account: account.name.clone(),
                seller: account.seller_id.clone(),
                sku: sku.clone(),
                asin: asin.clone(),
                store,
                postcode: self.postcode(rng, store),
                min,
                max,
                quantity: stock.wanted.filter(|_| names_stock),
                handling: stock.wanted_handling.filter(|_| names_stock),
            });
            if percent(rng, 92) && store.region == account.region {
                let other = percent(rng, 8).then(|| one(rng, &self.market.products).asin.clone());
                let listing = Listing {
                    seller_id: account.seller_id.clone(),
                    sku: sku.clone(),
                    marketplace: store.id.to_owned(),
                    asin: other.unwrap_or_else(|| asin.clone()),
                    product_type: "LAMP".to_owned(),
                    ..listing(rng, store, base, &stock)
                };
                self.market.listings.push(listing);
            }
        }
    }

    fn postcode(&self, rng: &mut Rng, store: &Store) -> String {
        let domain = self.market.domains.iter().find(|domain| domain.domain == store.domain).map(|domain| domain.id);
        let active = percent(rng, 85);
        let fits = |place: &&Postcode| Some(place.domain) == domain && (place.status == "active" || !active);
        let places: Vec<&Postcode> = self.market.postcodes.iter().filter(fits).collect();
        if places.is_empty() || percent(rng, 7) { "00001".to_owned() } else { one(rng, &places).zipcode.clone() }
    }

    /// What the pages show of every product and store that a row names; now and then exactly what a listing asks.
    fn add_offers(&mut self, rng: &mut Rng) {
        let own: Vec<String> = self.market.accounts.iter().map(|account| account.seller_id.clone()).collect();
        let places: BTreeSet<(&String, &str)> = self.rows.iter().map(|row| (&row.asin, row.store.id)).collect();
        for (asin, store) in places {
            let store = Store::by_id(store).unwrap();
            let here = |listing: &&Listing| listing.asin == *asin && listing.marketplace == store.id;
            let base = self.market.listings.iter().filter(here).find_map(|listing| listing.price);
            let base = base.unwrap_or_else(|| near(rng, store, 5_000, 90..110));
            let offers =
                (0..rng.usize(0..=5)).map(|number| offer(rng, store, base, &own, number == 0)).collect::<Vec<_>>();
            let product = self.market.products.iter_mut().find(|product| product.asin == *asin).unwrap();
            product.offers.extend(offers);
        }
    }

    fn add_outputs(&mut self, rng: &mut Rng) {
        let own: Vec<String> = self.market.accounts.iter().map(|account| account.seller_id.clone()).collect();
        let mut outputs = Vec::new();
        for asin in self.rows.iter().map(|row| &row.asin).collect::<BTreeSet<_>>() {
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.asin == *asin).collect();
            let row = one(rng, &rows);
            let store = row.store;
            // Mostly where the row is, and at one place alone, or the collection would hardly ever tell a price.
            let items = &mut self.market.collections[0].items;
            let place = self.market.postcodes.iter().find(|place| place.zipcode == row.postcode);
            let place = place.filter(|_| percent(rng, 80) && items.iter().all(|item| item.asin != *asin));
            items.extend(place.map(|place| Item { asin: asin.clone(), domain: place.domain, postcode: place.id }));
            let base = self
                .market
                .listings
                .iter()
                .find(|listing| listing.marketplace == store.id)
                .and_then(|listing| listing.price);
            for _ in 0..rng.usize(0..=2) {
                let price = base.map(|base| scaled(rng, store, base, 85..118));
                outputs.push(output(rng, store, asin, price, &own));
            }
        }
        // No two of the same age, none near the greatest age that counts, oldest first.
        let mut ages: Vec<u32> = (1..=90).chain(150..=180).collect();
        rng.shuffle(&mut ages);
        outputs.iter_mut().zip(ages).for_each(|(output, age)| output.age_minutes = age);
        outputs.sort_by_key(|output| std::cmp::Reverse(output.age_minutes));
        self.market.collections[0].outputs = outputs;
    }
}

fn settings(rng: &mut Rng) -> Settings {
    let collection = percent(rng, 65);
    let few = rng.usize(0..4);
    let small = Decimal::new(*one(rng, &[5, 20, 35]), 4);
    Settings {
        discover: rng.bool(),
        watch: collection && percent(rng, 60),
        collection,
        accept_unconfirmed: percent(rng, 25),
        max_change: Decimal::from(*one(rng, &[20, 20, 20, 5, 40])),
        max_rows_changed: if percent(rng, 10) { few } else { 100 },
        budget: if percent(rng, 12) { small } else { Decimal::ONE },
    }
}

/// Some worlds begin with a run that may not do everything; two that may do follow.
fn passes(rng: &mut Rng) -> Vec<Pass> {
    let first = match rng.u8(0..10) {
        0 => Some(Pass { dry_run: true, ..Pass::FREE }),
        1 => Some(Pass { pay: false, enrol: false, write: false, ..Pass::FREE }),
        2 => Some(Pass { pay: false, ..Pass::FREE }),
        3 => Some(Pass { enrol: false, write: false, ..Pass::FREE }),
        _ => None,
    };
    // Once the market has been seen, a run that may not write has something to say.
    let held = percent(rng, 15).then_some(Pass { write: false, ..Pass::FREE });
    let dry = percent(rng, 25).then_some(Pass { dry_run: true, ..Pass::FREE });
    first.into_iter().chain(held).chain(dry).chain([Pass::FREE; 2]).collect()
}
