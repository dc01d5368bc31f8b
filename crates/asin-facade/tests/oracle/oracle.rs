//! What must come out of a run, from the catalogue, the market and the rules of the main job alone.

use crate::memory::Memory;
use crate::sight::{Sight, sight};
use crate::terms::{allows, offer};
use crate::world::{Pass, Row, World};
use asin_sandbox::{Applies, Item, Listing, Market, Verdict};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A product in a store, by its identifier.
pub type Place = (String, &'static str);
/// Pieces and days of handling.
pub type StockValue = (Option<u32>, Option<u32>);

/// What a run meets.
pub struct Meeting<'a> {
    pub world: &'a World,
    /// Whether it may pay, enrol, write.
    pub pass: Pass,
    /// The market as it is when the run begins.
    pub market: &'a Market,
    /// What the collection watches once the run has enrolled its products.
    pub items: &'a [Item],
    /// The pages that were paid for, by this run or before it.
    pub seen: &'a BTreeSet<Place>,
    /// The pages whose task was sent without an answer and that nobody has been billed for.
    pub open: &'a BTreeSet<Place>,
    pub memory: &'a Memory,
}

/// What must be reported of a row.
#[derive(Debug, Clone)]
pub struct RowExpected {
    pub line: u64,
    pub price: String,
    pub stock: String,
    pub watch: Option<String>,
    pub old_price: Option<Decimal>,
    pub new_price: Option<Decimal>,
    /// Whether the run asks to change it.
    pub changes: bool,
}

/// A write that must happen, and no other.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteExpected {
    pub seller: String,
    pub sku: String,
    pub store: &'static str,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    Price { old: Decimal, new: Decimal },
    Stock { value: StockValue, rises: bool },
}

/// What must come out.
#[derive(Debug, Default)]
pub struct Expected {
    pub rows: Vec<RowExpected>,
    pub writes: Vec<WriteExpected>,
}

/// What reading a listing shows.
enum Reading<'a> {
    NotListed,
    OtherAsin,
    Listing(&'a Listing),
}

enum Plan {
    Keep(String),
    /// It was sent before and does not show.
    Waiting(Decimal),
    Change {
        old: Decimal,
        new: Decimal,
    },
}

/// One row on its way through a run.
struct Case<'a> {
    row: &'a Row,
    reading: Reading<'a>,
    price: Plan,
    stock: String,
}

impl<'a> Case<'a> {
    fn listing(&self) -> Option<&'a Listing> {
        if let Reading::Listing(listing) = self.reading { Some(listing) } else { None }
    }

    fn price_now(&self) -> Option<Decimal> {
        self.listing().and_then(|listing| offer(listing, self.row).ok())
    }

    fn wants_stock(&self) -> bool {
        self.row.names_stock() && self.listing().is_some()
    }
}

impl Meeting<'_> {
    pub fn expect(&self) -> Expected {
        let mut expected = Expected::default();
        let mut groups: BTreeMap<(&str, &str), Vec<Case<'_>>> = BTreeMap::new();
        for row in &self.world.rows {
            if self.is_abroad(row) {
                expected.rows.push(self.report(row, "refused(outside_region)", "refused(outside_region)", None));
            } else {
                groups.entry((&row.seller, &row.sku)).or_default().push(self.case(row));
            }
        }
        let stocks: Vec<_> = groups.values_mut().map(|cases| self.plan_stock(cases)).collect();
        let changed = |cases: &[Case<'_>], stock: &Option<StockPlan>| {
            let stock = stock.is_some();
            cases
                .iter()
                .filter(|case| matches!(case.price, Plan::Change { .. }) || (stock && case.wants_stock()))
                .count()
        };
        let count: usize = groups.values().zip(&stocks).map(|(cases, stock)| changed(cases, stock)).sum();
        let held = if count > self.world.settings.max_rows_changed {
            Some("skipped(too_many_rows)")
        } else if !self.pass.dry_run && !self.pass.write {
            Some("skipped(not_confirmed)")
        } else {
            None
        };
        for (cases, stock) in groups.into_values().zip(stocks) {
            self.publish(cases, stock, held, &mut expected);
        }
        expected.rows.sort_by_key(|row| row.line);
        expected
    }

    pub fn is_abroad(&self, row: &Row) -> bool {
        let account = self.market.accounts.iter().find(|account| account.name == row.account);
        account.is_none_or(|account| account.region != row.store.region)
    }

    fn report(&self, row: &Row, price: &str, stock: &str, case: Option<&Case<'_>>) -> RowExpected {
        let (price, stock) = (price.to_owned(), stock.to_owned());
        let new_price = case.and_then(|case| match case.price {
            Plan::Keep(_) => None,
            Plan::Waiting(new) | Plan::Change { new, .. } => Some(new),
        });
        let watch = (self.world.settings.watch && !self.is_abroad(row)).then(|| self.watch(row));
        let old_price = case.filter(|_| stock != "skipped_fba").and_then(Case::price_now);
        RowExpected { line: row.line, price, stock, watch, old_price, new_price, changes: false }
    }

    fn case<'a>(&'a self, row: &'a Row) -> Case<'a> {
        let here = |listing: &&Listing| {
            (&listing.seller_id, &listing.sku) == (&row.seller, &row.sku) && listing.marketplace == row.store.id
        };
        let (reading, why) = match self.market.listings.iter().find(here) {
            None => (Reading::NotListed, "skipped(not_listed)"),
            Some(listing) if listing.asin != row.asin => (Reading::OtherAsin, "refused(other_asin)"),
            Some(listing) => (Reading::Listing(listing), ""),
        };
        let (price, stock) = match reading {
            Reading::Listing(listing) => (self.price(row, listing), "unchanged"),
            _ => (Plan::Keep(why.to_owned()), why),
        };
        Case { row, reading, price, stock: stock.to_owned() }
    }

    fn price(&self, row: &Row, listing: &Listing) -> Plan {
        if row.min.is_none() {
            return Plan::Keep("unchanged".to_owned());
        }
        let sent = self.memory.prices.get(&(row.seller.clone(), row.sku.clone(), row.store.id)).copied();
        match (self.decide(row, listing), sent) {
            (Plan::Change { new, .. }, Some(sent)) if sent == new => Plan::Waiting(new),
            (Plan::Keep(outcome), Some(sent)) => {
                let became = if offer(listing, row) == Ok(sent) { "applied" } else { "not_applied" };
                Plan::Keep(if rank(&outcome) > rank(became) { outcome } else { became.to_owned() })
            }
            (plan, _) => plan,
        }
    }

    /// What should become of a price, had nothing been sent before.
    fn decide(&self, row: &Row, listing: &Listing) -> Plan {
        let keep = |outcome: &str| Plan::Keep(outcome.to_owned());
        let old = match offer(listing, row) {
            Ok(old) => old,
            Err(why) => return keep(why),
        };
        let page_seen = self.seen.contains(&(row.asin.clone(), row.store.id));
        let lowest = match sight(self.world, row, page_seen, self.items) {
            Sight::Lowest(lowest) => lowest,
            _ if !page_seen => return keep(self.unseen(row)),
            Sight::Nothing => return keep("skipped(no_observation)"),
            Sight::Unconfirmed => return keep("skipped(unconfirmed)"),
        };
        let floored = row.min.map_or(lowest, |min| lowest.max(min));
        let new = row.max.map_or(floored, |max| floored.min(max));
        if new == old {
            return keep("unchanged");
        }
        if (new - old).abs() * Decimal::ONE_HUNDRED > self.world.settings.max_change * old {
            return keep("skipped(max_change)");
        }
        Plan::Change { old, new }
    }

    /// Why the page of a product was not paid for.
    fn unseen(&self, row: &Row) -> &'static str {
        if self.open.contains(&(row.asin.clone(), row.store.id)) {
            "unknown(observation_unknown)"
        } else if self.pass.dry_run || !self.pass.pay {
            "skipped(not_paid)"
        } else {
            "skipped(over_budget)"
        }
    }

    /// Decides about the stock that the rows of a SKU share; what stays as it is goes into the cases.
    fn plan_stock(&self, cases: &mut [Case<'_>]) -> Option<StockPlan> {
        let names_stock = cases.iter().any(|case| case.row.names_stock());
        let foreign = |case: &Case<'_>| {
            case.listing().is_some_and(|listing| stock(listing).any(|entry| channel(entry) != "DEFAULT"))
        };
        if names_stock && cases.iter().any(foreign) {
            for case in cases.iter_mut().filter(|case| case.listing().is_some()) {
                (case.price, case.stock) = (Plan::Keep("skipped_fba".to_owned()), "skipped_fba".to_owned());
            }
            return None;
        }
        // It is sent through the first row that names it and whose listing is there.
        let carrier = cases.iter().position(Case::wants_stock)?;
        let listing = cases[carrier].listing()?;
        let value = (cases.iter().find_map(|case| case.row.quantity), cases.iter().find_map(|case| case.row.handling));
        let own = stock(listing).find(|entry| channel(entry) == "DEFAULT");
        let now = |key: &str| own.and_then(|entry| entry.get(key)).and_then(Value::as_u64);
        let (pieces, days) = (now("quantity"), now("lead_time_to_ship_max_days"));
        let is = |wanted: Option<u32>, now: Option<u64>| wanted.is_none_or(|wanted| now == Some(wanted.into()));
        let same = is(value.0, pieces) && is(value.1, days);
        let row = cases[carrier].row;
        let sent = self.memory.stocks.get(&(row.seller.clone(), row.sku.clone())) == Some(&value);
        let settled = match (same, sent) {
            (true, true) => "applied",
            (true, false) => "unchanged",
            (false, true) => "not_applied",
            (false, false) => {
                let rises = value.0.is_some_and(|wanted| u64::from(wanted) > pieces.unwrap_or_default());
                return Some(StockPlan { carrier, value, rises });
            }
        };
        cases.iter_mut().filter(|case| case.wants_stock()).for_each(|case| settled.clone_into(&mut case.stock));
        None
    }

    fn publish(&self, mut cases: Vec<Case<'_>>, stock: Option<StockPlan>, held: Option<&str>, expected: &mut Expected) {
        let mut prices = Vec::new();
        let mut settled = true;
        for case in &cases {
            let (outcome, ready) = self.publish_price(case, held, &mut expected.writes);
            prices.push(outcome);
            settled &= ready;
        }
        if let Some(plan) = &stock {
            let outcome = match held {
                Some(held) => held,
                None if plan.rises && !settled => "skipped(price_first)",
                None => self.publish_stock(&cases[plan.carrier], plan, &mut expected.writes),
            };
            cases.iter_mut().filter(|case| case.wants_stock()).for_each(|case| outcome.clone_into(&mut case.stock));
        }
        for (case, price) in cases.iter().zip(&prices) {
            let mut row = self.report(case.row, price, &case.stock, Some(case));
            row.changes = matches!(case.price, Plan::Change { .. }) || (stock.is_some() && case.wants_stock());
            expected.rows.push(row);
        }
    }

    /// How it ends for a price, and whether the stock of its SKU may rise.
    fn publish_price(&self, case: &Case<'_>, held: Option<&str>, writes: &mut Vec<WriteExpected>) -> (String, bool) {
        let row = case.row;
        let inside = |price: Decimal| row.min.is_none_or(|min| price >= min) && row.max.is_none_or(|max| price <= max);
        let (old, new) = match &case.price {
            Plan::Keep(outcome) => {
                let ready = match outcome.as_str() {
                    // A store in which the seller sells nothing holds up nothing.
                    "unchanged" | "applied" | "skipped(not_listed)" => true,
                    skipped if skipped.starts_with("skipped") => {
                        row.min.is_none() || case.price_now().is_some_and(inside)
                    }
                    _ => false,
                };
                return (outcome.clone(), ready);
            }
            Plan::Waiting(_) => return ("not_applied".to_owned(), false),
            Plan::Change { old, new } => (*old, *new),
        };
        let allowed = case.listing().is_some_and(|listing| allows(listing, row, new));
        let outcome = self.sent(case, held, allowed);
        let mut ready = outcome == "skipped(dry_run)";
        if outcome == "submitted" {
            ready = case.listing().is_some_and(|listing| listing.applies != Applies::Never);
            writes.push(WriteExpected::new(row, What::Price { old, new }));
        }
        (outcome.to_owned(), ready)
    }

    fn publish_stock(&self, case: &Case<'_>, plan: &StockPlan, writes: &mut Vec<WriteExpected>) -> &'static str {
        let outcome = self.sent(case, None, true);
        if outcome == "submitted" {
            writes.push(WriteExpected::new(case.row, What::Stock { value: plan.value, rises: plan.rises }));
        }
        outcome
    }

    /// What becomes of a change that was decided on.
    fn sent<'b>(&self, case: &Case<'_>, held: Option<&'b str>, allowed: bool) -> &'b str {
        let invalid = case.listing().is_some_and(|listing| listing.preview == Verdict::Invalid);
        match held {
            Some(held) => held,
            None if !allowed => "refused(not_allowed)",
            None if invalid => "refused(preview_invalid)",
            None if self.pass.dry_run => "skipped(dry_run)",
            None => "submitted",
        }
    }

    fn watch(&self, row: &Row) -> String {
        let domain = self.market.domains.iter().find(|domain| domain.domain == row.store.domain);
        let Some(domain) = domain else { return "refused(domain_unknown)".to_owned() };
        let mut places = self.market.postcodes.iter().filter(|place| place.domain == domain.id);
        let outcome = match places.find(|place| place.zipcode == row.postcode) {
            None => "refused(postcode_unknown)",
            Some(place) if place.status != "active" => "refused(postcode_not_active)",
            Some(place) => {
                let item = Item { asin: row.asin.clone(), domain: domain.id, postcode: place.id };
                let watched = self.market.collections[0].items.contains(&item);
                if watched || (self.pass.enrol && !self.pass.dry_run) { "unchanged" } else { "skipped(not_enrolled)" }
            }
        };
        outcome.to_owned()
    }
}

/// A stock that should change.
struct StockPlan {
    carrier: usize,
    value: StockValue,
    rises: bool,
}

impl WriteExpected {
    fn new(row: &Row, what: What) -> Self {
        Self { seller: row.seller.clone(), sku: row.sku.clone(), store: row.store.id, what }
    }
}

pub fn entries<'a>(listing: &'a Listing, attribute: &str) -> impl Iterator<Item = &'a Value> {
    listing.attributes.get(attribute).and_then(Value::as_array).into_iter().flatten()
}

pub fn stock(listing: &Listing) -> impl Iterator<Item = &Value> {
    entries(listing, "fulfillment_availability")
}

pub fn channel(entry: &Value) -> &str {
    entry["fulfillment_channel_code"].as_str().unwrap_or_default()
}

/// How much an outcome matters: the worst of a row's parts is the row's.
pub fn rank(outcome: &str) -> usize {
    let order = ["unchanged", "skipped", "applied", "submitted", "not_applied", "refused", "unknown", "failed"];
    let name = outcome.split('(').next().unwrap_or_default().trim_end_matches("_fba");
    order.iter().position(|known| *known == name).unwrap_or(usize::MAX)
}
