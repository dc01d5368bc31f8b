//! Runs that meet faults or are killed: what must hold of them all the same.

use crate::bench::{Bench, Record};
use crate::oracle::{channel, stock};
use crate::story::{Story, must, places};
use crate::world::Row;
use asin_facade::sync::{Outcome, RowReport};
use asin_sandbox::{Fault, FaultRoute, Write};
use fastrand::Rng;
use rust_decimal::Decimal;
use std::collections::BTreeSet;
use std::time::Duration;

/// Sets faults of the kind that this seed stands for.
pub fn disturb(bench: &Bench, rng: &mut Rng) {
    let kind = bench.world.seed % 7;
    let mut set = |method: &str, path: &str, share: f64, harm: fn(FaultRoute, u8) -> Fault| {
        // Several faults on one route: the first that is due strikes, so each has its share.
        for _ in 0..3 {
            bench.sandbox.fault(harm(Fault::on(method, path).chance(share / 3.0), rng.u8(0..10)));
        }
    };
    let all = kind == 6;
    let share = |alone: f64| if all { 0.15 } else { alone };
    if kind == 0 || all {
        set("POST", "/v3/merchant/amazon/*/task_post", share(0.7), harm);
    }
    if kind == 1 || all {
        set("PATCH", "/listings/*", share(0.5), harm);
    }
    if kind == 2 || all {
        set("GET", "/listings/*", share(0.5), harm);
    }
    if kind == 3 || all {
        set("POST", "/auth/*", share(0.4), harm);
        set("*", "/listings/*", share(0.3), |route, _| route.expired_token());
    }
    if kind == 4 || all {
        set("GET", "/v3/*", share(0.4), harm);
    }
    if kind == 5 || all {
        set("*", "/api/v1/*", share(0.3), harm);
    }
}

fn harm(route: FaultRoute, number: u8) -> Fault {
    match number {
        0 => route.refuse(),
        1 => route.cut_before_work(),
        2 => route.cut_after_work(),
        3 => route.half_body(),
        4 => route.garbage(),
        5 => route.html_502().after_work(),
        6 => route.server_error(500),
        7 => route.server_error(503).after_work(),
        8 => route.apply_late(Duration::from_millis(300)),
        _ => route.html_502(),
    }
}

/// The rows that a write is for.
fn rows_of<'a>(bench: &'a Bench, write: &'a Write) -> impl Iterator<Item = &'a Row> {
    bench.world.rows.iter().filter(move |row| (&row.seller, &row.sku) == (&write.seller_id, &write.sku))
}

fn is_price(write: &Write) -> bool {
    write.attributes == ["purchasable_offer"]
}

impl Story {
    /// What holds of a run whatever happens: what is said of a row is true, and nothing is done or paid for twice.
    pub fn check_truth(&mut self, bench: &Bench, record: &Record) {
        self.check_safety(bench);
        self.check_bounds(bench, record);
        for (row, reported) in bench.world.rows.iter().zip(&record.report.rows) {
            let prices: Vec<&Write> =
                record.writes.iter().filter(|write| is_price(write) && here(row, write)).collect();
            let new = reported.new_price.map(|price| price.amount);
            let parts = [
                ("price", Some(&reported.price)),
                ("stock", Some(&reported.stock)),
                ("watch", reported.watch.as_ref()),
            ];
            self.outcomes.extend(parts.into_iter().filter_map(|(part, outcome)| Some(format!("{part} {}", outcome?))));
            self.check_part(row, &reported.price, prices.len(), "price");
            must!(
                self,
                prices.iter().all(|write| write.new.price == new),
                "line {}: {prices:?}, said {new:?}",
                row.line
            );
            if row.names_stock() && carries(reported) {
                let mine =
                    |write: &&Write| !is_price(write) && (&write.seller_id, &write.sku) == (&row.seller, &row.sku);
                self.check_part(row, &reported.stock, record.writes.iter().filter(mine).count(), "stock");
            }
        }
        self.check_applied(bench, record);
        for write in &record.writes {
            let meant =
                rows_of(bench, write).any(|row| if is_price(write) { here(row, write) } else { row.names_stock() });
            must!(self, meant, "a write that no row asks for: {write:?}");
        }
        if record.pass.dry_run {
            must!(self, record.writes.is_empty(), "a dry run wrote {:?}", record.writes);
        }
        self.know_paid(bench);
        self.memory.learn_from(bench, record);
    }

    /// Takes in what has been paid for by now, also what a fault let be done late.
    pub fn know_paid(&mut self, bench: &Bench) {
        let billed = bench.billed();
        (self.pages, self.families) = (places(&billed, true), places(&billed, false));
    }

    /// What is said to be applied can be seen.
    fn check_applied(&mut self, bench: &Bench, record: &Record) {
        for (row, reported) in bench.world.rows.iter().zip(&record.report.rows) {
            let listing = record.after.listings.iter().find(|listing| {
                (&listing.seller_id, &listing.sku, &*listing.marketplace) == (&row.seller, &row.sku, row.store.id)
            });
            if reported.price == Outcome::Applied {
                let shown = listing.and_then(|listing| listing.price);
                let inside = |price| row.min.is_some_and(|min| price >= min) && row.max.is_none_or(|max| price <= max);
                must!(self, shown.is_some_and(inside), "line {}: applied, but it shows {shown:?}", row.line);
            }
            if reported.stock == Outcome::Applied {
                let entry = listing.into_iter().flat_map(stock).find(|entry| channel(entry) == "DEFAULT");
                let shows = |key: &str, wanted: Option<u32>| {
                    wanted.is_none_or(|wanted| entry.is_some_and(|entry| entry[key] == wanted))
                };
                let shown = shows("quantity", row.quantity) && shows("lead_time_to_ship_max_days", row.handling);
                must!(self, shown, "line {}: applied, but it shows {entry:?}", row.line);
            }
        }
    }

    /// What holds of the sandbox's ledger at any time.
    pub fn check_safety(&mut self, bench: &Bench) {
        self.check_bill(bench);
        let mut seen = BTreeSet::new();
        for write in bench.sandbox.ledger().writes {
            let value = if is_price(&write) { write.new.price } else { write.new.quantity.map(Decimal::from) };
            let key = (write.seller_id.clone(), write.sku.clone(), write.marketplace.clone(), is_price(&write), value);
            must!(self, seen.insert(key), "the same value was sent twice: {write:?}");
        }
    }

    fn check_part(&mut self, row: &Row, outcome: &Outcome, writes: usize, part: &str) {
        let allowed = match outcome {
            Outcome::Submitted => 1..=1,
            Outcome::Applied | Outcome::Unknown(_) => 0..=1,
            _ => 0..=0,
        };
        must!(self, allowed.contains(&writes), "line {}: {part} {outcome}, but {writes} writes", row.line);
    }
}

fn here(row: &Row, write: &Write) -> bool {
    (&row.seller, &row.sku, row.store.id) == (&write.seller_id, &write.sku, &*write.marketplace)
}

/// Whether a row's report speaks of the stock that its SKU has in this store.
pub fn carries(reported: &RowReport) -> bool {
    let code = reported.price.reason().map(|reason| reason.code);
    !matches!(code, Some("not_listed" | "other_asin" | "outside_region" | "read" | "read_refused" | "no_asin"))
}
