//! What one run after another does to a world, and everything that must hold of it.

use crate::bench::{Bench, Posted, Record};
use crate::memory::Memory;
use crate::oracle::{Expected, Meeting, Place, RowExpected, What, WriteExpected, rank};
use crate::paper;
use crate::sight::is_watched;
use crate::world::Row;
use asin_facade::sync::Outcome;
use asin_sandbox::{Entry, Item, Listing};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a world before the next run.
#[derive(Debug, Clone, Default)]
pub struct Story {
    pub memory: Memory,
    pub pages: BTreeSet<Place>,
    pub families: BTreeSet<Place>,
    /// Whether a run met faults or was killed.
    pub was_disturbed: bool,
    /// Every way in which a price, a stock or an enrolment came out.
    pub outcomes: BTreeSet<String>,
    pub faults: Vec<String>,
}

/// The products and stores that a run has to pay for.
#[derive(Debug)]
pub struct Needs {
    pub pages: BTreeSet<Place>,
    pub families: BTreeSet<Place>,
}

macro_rules! must {
    ($story:expr, $holds:expr, $($text:tt)+) => {
        if !$holds {
            $story.faults.push(format!($($text)+));
        }
    };
}
pub(crate) use must;

impl Story {
    /// Holds a run without faults against the oracle.
    pub fn check(&mut self, bench: &Bench, record: &Record) {
        let (billed, sent) = (bench.billed(), bench.sent());
        let (pages, families) = (places(&billed, true), places(&billed, false));
        // A task that was sent and never billed stays open: it must not be sent again so soon.
        let open = &places(&sent, true) - &pages;
        let meeting = Meeting {
            world: &bench.world,
            pass: record.pass,
            market: &record.before,
            items: &record.after.collections[0].items,
            seen: &pages,
            open: &open,
            memory: &self.memory,
        };
        let expected = meeting.expect();
        let admitted = bench.world.rows.iter().filter(|row| !meeting.is_abroad(row));
        let place = |row: &Row| (row.asin.clone(), row.store.id);
        let priced: BTreeSet<Place> = admitted
            .clone()
            .filter(|row| row.min.is_some() && !is_watched(&bench.world, row, meeting.items))
            .map(place)
            .collect();
        let mut needs = Needs { pages: &(&priced - &self.pages) - &open, families: BTreeSet::new() };
        if bench.world.settings.discover {
            let open = &places(&sent, false) - &families;
            needs.families = &(&admitted.clone().map(place).collect() - &self.families) - &open;
        }
        if admitted.clone().any(|row| row.min.is_some() && is_watched(&bench.world, row, meeting.items)) {
            self.outcomes.insert("a price that the collection tells".to_owned());
        }
        self.check_rows(record, &expected);
        self.check_spending(bench, record, &needs, (&pages, &families));
        self.check_writes(record, &expected.writes);
        self.check_bounds(bench, record);
        self.check_listings(bench, record, &expected.writes);
        self.check_enrolment(bench, record, &expected);
        self.check_requests(bench, record);
        paper::check_totals(self, record, &needs);
        paper::check_questions(self, bench, record, &expected, &needs);
        paper::check_families(self, bench, record, &families);
        (self.pages, self.families) = (pages, families);
        self.memory.learn(&bench.world, &expected);
    }

    fn check_rows(&mut self, record: &Record, expected: &Expected) {
        let reported: Vec<u64> = record.report.rows.iter().map(|row| row.line).collect();
        let lines: Vec<u64> = expected.rows.iter().map(|row| row.line).collect();
        must!(self, reported == lines, "rows {reported:?} instead of {lines:?}");
        for (row, expected) in record.report.rows.iter().zip(&expected.rows) {
            let RowExpected { line, price, stock, watch, .. } = expected;
            must!(
                self,
                row.price.to_string() == *price,
                "line {line}: price {} ({:?}), expected {price}",
                row.price,
                row.price.reason()
            );
            must!(
                self,
                row.stock.to_string() == *stock,
                "line {line}: stock {} ({:?}), expected {stock}",
                row.stock,
                row.stock.reason()
            );
            let watched = row.watch.as_ref().map(Outcome::to_string);
            let parts = [("price", Some(price)), ("stock", Some(stock)), ("watch", watch.as_ref())];
            self.outcomes.extend(parts.into_iter().filter_map(|(part, outcome)| Some(format!("{part} {}", outcome?))));
            must!(self, watched == *watch, "line {line}: watch {watched:?}, expected {watch:?}");
            let worst = [Some(price), Some(stock), watch.as_ref()].into_iter().flatten().map(|part| rank(part)).max();
            let outcome = row.outcome.to_string();
            must!(self, Some(rank(&outcome)) == worst, "line {line}: outcome {outcome} of {price}, {stock}, {watch:?}");
            let amount = |price: Option<asin_facade::Price>| price.map(|price| price.amount.normalize());
            let normal = |price: Option<Decimal>| price.map(|price| price.normalize());
            let new = amount(row.new_price);
            must!(
                self,
                new == normal(expected.new_price),
                "line {line}: new price {new:?}, expected {:?}",
                expected.new_price
            );
            let old = amount(row.old_price);
            must!(
                self,
                old == normal(expected.old_price),
                "line {line}: old price {old:?}, expected {:?}",
                expected.old_price
            );
        }
    }

    /// Only what was needed, allowed and within the budget was paid for.
    fn check_spending(
        &mut self,
        bench: &Bench,
        record: &Record,
        needs: &Needs,
        billed: (&BTreeSet<Place>, &BTreeSet<Place>),
    ) {
        self.check_bill(bench);
        let budget = bench.world.settings.budget;
        let new = (billed.0 - &self.pages, billed.1 - &self.families);
        for (needed, new) in [(&needs.pages, new.0), (&needs.families, new.1)] {
            let needless = &new - needed;
            must!(self, needless.is_empty(), "paid for {needless:?}, which nobody needs");
            let missing = needed - &new;
            must!(self, missing.is_empty() || !record.may_pay() || budget < Decimal::ONE, "not paid for: {missing:?}");
            must!(self, new.is_empty() || record.may_pay() || self.was_disturbed, "paid without leave: {new:?}");
        }
        let (usd, charged) = (record.report.totals.usd, record.charged);
        must!(
            self,
            charged <= budget && usd <= budget,
            "{charged} USD charged, {usd} reported, the budget was {budget}"
        );
        must!(self, usd == charged || self.was_disturbed, "{usd} USD reported, {charged} charged");
    }

    /// What holds of the bill whatever happens.
    pub fn check_bill(&mut self, bench: &Bench) {
        let ledger = bench.sandbox.ledger();
        for (tag, charge) in &ledger.charges {
            must!(self, charge.times == 1 && !tag.is_empty(), "tag {tag:?} was billed {} times", charge.times);
        }
        let mut paid: BTreeMap<(bool, &Place), usize> = BTreeMap::new();
        let billed = bench.billed();
        billed.iter().for_each(|task| *paid.entry((task.is_sellers, &task.place)).or_default() += 1);
        for ((is_sellers, place), times) in paid {
            must!(self, times == 1, "{place:?} was paid for {times} times (sellers: {is_sellers})");
        }
        let repeated = bench.repeated();
        must!(self, repeated.is_empty(), "sent again although it may have been done: {repeated:?}");
        let taken = ledger.foreign_collected;
        must!(self, taken == 0, "{taken} results of another program were taken");
    }

    fn check_writes(&mut self, record: &Record, expected: &[WriteExpected]) {
        let mut open: Vec<&WriteExpected> = expected.iter().collect();
        for write in &record.writes {
            let (price, quantity) = (write.new.price, write.new.quantity);
            let fits = |expected: &&WriteExpected| {
                let here = (&write.seller_id, &write.sku, write.marketplace.as_str())
                    == (&expected.seller, &expected.sku, expected.store);
                here && match expected.what {
                    What::Price { old, new } => {
                        write.attributes == ["purchasable_offer"] && write.old.price == Some(old) && price == Some(new)
                    }
                    What::Stock { value: (pieces, _), .. } => {
                        let pieces = pieces.map_or(write.old.quantity, |pieces| Some(pieces.into()));
                        write.attributes == ["fulfillment_availability"] && quantity == pieces
                    }
                }
            };
            match open.iter().position(fits) {
                Some(at) => drop(open.remove(at)),
                None => self.faults.push(format!("a write that nobody expects: {write:?}")),
            }
        }
        must!(self, open.is_empty(), "writes that did not happen: {open:?}");
        self.check_order(record, expected);
    }

    /// Each write has been previewed; a stock that rises comes after its prices have been read back.
    fn check_order(&mut self, record: &Record, expected: &[WriteExpected]) {
        for write in &record.writes {
            let request = record.requests.iter().find(|request| request.number == write.request);
            let Some(request) = request else { continue };
            let preview = |entry: &&Entry| {
                entry.number < request.number
                    && entry.status == 200
                    && entry.path.contains("mode=VALIDATION_PREVIEW")
                    && path(entry) == path(request)
            };
            must!(self, record.requests.iter().any(|entry| preview(&entry)), "a write without a preview: {write:?}");
            let rises = |expected: &WriteExpected| {
                matches!(expected.what, What::Stock { rises: true, .. })
                    && (&expected.seller, &expected.sku) == (&write.seller_id, &write.sku)
            };
            if write.attributes != ["fulfillment_availability"] || !expected.iter().any(rises) {
                continue;
            }
            for price in record.writes.iter().filter(|price| price.attributes == ["purchasable_offer"]) {
                if (&price.seller_id, &price.sku) != (&write.seller_id, &write.sku) {
                    continue;
                }
                let between = |entry: &Entry| {
                    (price.request..write.request).contains(&entry.number)
                        && entry.operation == "getListingsItem"
                        && path(entry) == path(request)
                        && entry.path.contains(&price.marketplace)
                };
                let read = record.requests.iter().any(between);
                must!(
                    self,
                    price.request < write.request && read,
                    "stock rose before its price was read back: {write:?}"
                );
            }
        }
    }

    /// No price leaves its row's bounds, whatever happens.
    pub fn check_bounds(&mut self, bench: &Bench, record: &Record) {
        for write in record.writes.iter().filter(|write| write.attributes == ["purchasable_offer"]) {
            let meant = |row: &&Row| {
                (&row.seller, &row.sku, row.store.id) == (&write.seller_id, &write.sku, &*write.marketplace)
            };
            let row = bench.world.rows.iter().find(meant);
            let inside = row.zip(write.new.price).is_some_and(|(row, price)| {
                row.min.is_some_and(|min| price >= min) && row.max.is_none_or(|max| price <= max)
            });
            must!(self, inside, "a price outside its bounds: {write:?}");
        }
    }

    /// Only what was written has changed, and everything beside it is as it was.
    fn check_listings(&mut self, bench: &Bench, record: &Record, writes: &[WriteExpected]) {
        let changed = record.before.listings.iter().map(|listing| paper::written(bench, listing, writes));
        let pairs: Vec<(Listing, &Listing)> = changed.zip(&record.after.listings).collect();
        must!(self, record.before.listings.len() == record.after.listings.len(), "listings have come or gone");
        for (expected, after) in pairs {
            let same = paper::normal(&expected) == paper::normal(after);
            must!(
                self,
                same,
                "listing {} in {}: {:?}, expected {:?}",
                after.sku,
                after.marketplace,
                after.attributes,
                expected.attributes
            );
        }
    }

    fn check_enrolment(&mut self, bench: &Bench, record: &Record, expected: &Expected) {
        let (before, after) = (&record.before.collections[0].items, &record.after.collections[0].items);
        let mut wanted: Vec<Item> = before.clone();
        for (row, expected) in bench.world.rows.iter().zip(&expected.rows) {
            if expected.watch.as_deref() != Some("unchanged") {
                continue;
            }
            let domain =
                record.before.domains.iter().find(|domain| domain.domain == row.store.domain).map(|domain| domain.id);
            let here = |place: &&asin_sandbox::Postcode| Some(place.domain) == domain && place.zipcode == row.postcode;
            let Some(place) = record.before.postcodes.iter().find(here) else { continue };
            let item = Item { asin: row.asin.clone(), domain: place.domain, postcode: place.id };
            if !wanted.contains(&item) {
                wanted.push(item);
            }
        }
        let key = |item: &Item| (item.asin.clone(), item.domain, item.postcode);
        let (wanted, after): (BTreeSet<_>, BTreeSet<_>) =
            (wanted.iter().map(key).collect(), after.iter().map(key).collect());
        must!(self, wanted == after, "watched {after:?}, expected {wanted:?}");
    }

    /// No request that must not be.
    fn check_requests(&mut self, bench: &Bench, record: &Record) {
        let listings = record.requests.iter().filter(|entry| entry.vendor == "sp-api");
        for entry in listings.clone() {
            let abroad = |row: &&Row| {
                let account = record.before.accounts.iter().find(|account| account.name == row.account);
                account.is_some_and(|account| account.region != row.store.region)
                    && entry.path.contains(&row.seller)
                    && entry.path.contains(row.store.id)
            };
            must!(
                self,
                bench.world.rows.iter().find(abroad).is_none(),
                "a call for a row outside its region: {}",
                entry.path
            );
        }
        let real = |entry: &&Entry| entry.method == "PATCH" && entry.status == 200 && !entry.path.contains("mode=");
        let (sent, written) = (listings.filter(real).count(), record.writes.len());
        must!(self, sent == written, "{sent} real PATCHes were answered, {written} did something");
        for entry in &record.requests {
            let answered = match entry.vendor.as_str() {
                // An access token may end in the middle of a run, and a SKU may not be listed.
                "sp-api" => matches!(entry.status, 200 | 403 | 404),
                "dataforseo" => entry.code == Some(20000),
                "multicart" => entry.code == Some(200),
                _ => entry.status == 200,
            };
            must!(self, answered, "a request that the vendor refuses: {entry:?}");
        }
    }
}

fn path(entry: &Entry) -> &str {
    entry.path.split('?').next().unwrap_or_default()
}

pub fn places(tasks: &[Posted], is_sellers: bool) -> BTreeSet<Place> {
    tasks.iter().filter(|task| task.is_sellers == is_sellers).map(|task| task.place.clone()).collect()
}
