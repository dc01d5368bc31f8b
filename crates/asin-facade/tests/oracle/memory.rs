//! What runs have sent, as the next one has to remember it.

use crate::bench::{Bench, Record};
use crate::disturbed::carries;
use crate::oracle::{Expected, StockValue, What};
use crate::world::World;
use asin_facade::sync::Outcome;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What earlier runs sent and nobody has seen in a listing yet.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    pub prices: BTreeMap<(String, String, &'static str), Decimal>,
    pub stocks: BTreeMap<(String, String), StockValue>,
}

impl Memory {
    /// What stands in the memory after a run that came out as expected.
    pub fn learn(&mut self, world: &World, expected: &Expected) {
        for (row, expected) in world.rows.iter().zip(&expected.rows) {
            let key = (row.seller.clone(), row.sku.clone(), row.store.id);
            if row.min.is_some() && expected.old_price.is_some() && self.prices.get(&key).copied() == expected.old_price
            {
                self.prices.remove(&key);
            }
            if expected.stock == "applied" {
                self.stocks.remove(&(row.seller.clone(), row.sku.clone()));
            }
        }
        for write in &expected.writes {
            let (seller, sku) = (write.seller.clone(), write.sku.clone());
            match write.what {
                What::Price { new, .. } => drop(self.prices.insert((seller, sku, write.store), new)),
                What::Stock { value, .. } => drop(self.stocks.insert((seller, sku), value)),
            }
        }
    }

    /// What stands in the memory after a run that may have met faults, by its own report.
    pub fn learn_from(&mut self, bench: &Bench, record: &Record) {
        for (row, reported) in bench.world.rows.iter().zip(&record.report.rows) {
            let price = (row.seller.clone(), row.sku.clone(), row.store.id);
            match (&reported.price, reported.new_price) {
                (Outcome::Submitted | Outcome::Unknown(_), Some(new)) => drop(self.prices.insert(price, new.amount)),
                (Outcome::Applied, _) => drop(self.prices.remove(&price)),
                _ => {}
            }
            if !row.names_stock() || !carries(reported) {
                continue;
            }
            let stock = (row.seller.clone(), row.sku.clone());
            let rows =
                || bench.world.rows.iter().filter(|other| (&other.seller, &other.sku) == (&row.seller, &row.sku));
            let value = (rows().find_map(|row| row.quantity), rows().find_map(|row| row.handling));
            match reported.stock {
                Outcome::Submitted | Outcome::Unknown(_) => drop(self.stocks.insert(stock, value)),
                Outcome::Applied => drop(self.stocks.remove(&stock)),
                _ => {}
            }
        }
    }
}
