//! What a run says of itself and asks for, and listings on paper.

use crate::bench::{Bench, Record};
use crate::oracle::{Expected, Place, What, WriteExpected};
use crate::story::{Needs, Story, must};
use asin_sandbox::{Applies, Listing};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a task of each kind costs in the standard queue, in US dollars.
fn cost(needs: &Needs) -> Decimal {
    Decimal::new(10, 4) * Decimal::from(needs.pages.len()) + Decimal::new(15, 4) * Decimal::from(needs.families.len())
}

/// The totals agree with the rows and with the sandbox's ledger.
pub fn check_totals(story: &mut Story, record: &Record, needs: &Needs) {
    let totals = &record.report.totals;
    let mut calls: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &record.requests {
        let vendor = if entry.vendor == "lwa" { "sp-api" } else { entry.vendor.as_str() };
        *calls.entry(vendor).or_default() += 1;
    }
    for (vendor, reported) in &totals.calls {
        let seen = calls.remove(vendor).unwrap_or_default();
        must!(story, seen == *reported, "{reported} calls of {vendor} reported, {seen} seen");
    }
    must!(story, calls.is_empty(), "calls that are not reported: {calls:?}");
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    record.report.rows.iter().for_each(|row| *outcomes.entry(row.outcome.name()).or_default() += 1);
    for (name, rows) in &totals.outcomes {
        let counted = outcomes.remove(name).unwrap_or_default();
        must!(story, counted == *rows, "{rows} rows reported as {name}, {counted} counted");
    }
    must!(story, outcomes.is_empty(), "outcomes that are not reported: {outcomes:?}");
    must!(story, totals.rows == record.report.rows.len(), "{} rows reported", totals.rows);
    must!(story, totals.credits == 0, "{} credits", totals.credits);
    must!(story, totals.tasks_pending == 0, "{} tasks are pending", totals.tasks_pending);
    must!(story, totals.usd_unknown.is_zero() || story.was_disturbed, "{} USD unknown", totals.usd_unknown);
    let saved = if record.may_pay() { Decimal::ZERO } else { cost(needs) };
    must!(story, totals.usd_not_spent == saved, "{} USD not spent, expected {saved}", totals.usd_not_spent);
    let failed = record.report.rows.iter().any(|row| matches!(row.outcome.name(), "failed" | "unknown"));
    must!(story, record.report.has_failures() == failed, "failures are reported wrongly");
}

/// The supervisor was asked what it has to be asked, and nothing else.
pub fn check_questions(story: &mut Story, bench: &Bench, record: &Record, expected: &Expected, needs: &Needs) {
    let changes: Vec<u64> = expected.rows.iter().filter(|row| row.changes).map(|row| row.line).collect();
    let asks = !record.pass.dry_run && (1..=bench.world.settings.max_rows_changed).contains(&changes.len());
    let asked = record.asked.changes.as_ref().map(|asked| {
        let mut lines: Vec<u64> = asked.iter().map(|change| change.line).collect();
        lines.sort_unstable();
        lines
    });
    must!(
        story,
        asked == asks.then_some(changes.clone()),
        "asked to change {asked:?}, expected {changes:?} (asks: {asks})"
    );
    let needy = !needs.pages.is_empty() || !needs.families.is_empty();
    let asks = needy && !record.pass.dry_run;
    let asked = record.asked.spending.as_ref().map(|asked| (asked.sellers_tasks, asked.asin_tasks, asked.usd));
    let needed = asks.then(|| (needs.pages.len(), needs.families.len(), cost(needs)));
    must!(story, asked == needed, "asked to pay for {asked:?}, expected {needed:?}");
}

/// A family that was paid for is reported with its size.
pub fn check_families(story: &mut Story, bench: &Bench, record: &Record, known: &BTreeSet<Place>) {
    let products = &bench.world.market.products;
    for (row, reported) in bench.world.rows.iter().zip(&record.report.rows) {
        let product = products.iter().find(|product| product.asin == row.asin);
        let parent =
            product.and_then(|product| products.iter().find(|parent| Some(&parent.asin) == product.parent.as_ref()));
        let shown = product.into_iter().chain(parent).map(|product| product.variants.len()).find(|size| *size > 0);
        let abroad = reported.outcome.reason().is_some_and(|reason| reason.code == "outside_region");
        let expected =
            (!abroad && known.contains(&(row.asin.clone(), row.store.id))).then(|| shown.unwrap_or_default());
        must!(
            story,
            reported.variants == expected,
            "line {}: {:?} variants, expected {expected:?}",
            row.line,
            reported.variants
        );
    }
}

/// A listing as these writes leave it.
pub fn written(bench: &Bench, listing: &Listing, writes: &[WriteExpected]) -> Listing {
    let original = listing;
    let mut listing = listing.clone();
    for write in writes.iter().filter(|write| (&write.seller, &write.sku) == (&original.seller_id, &original.sku)) {
        let meant = |other: &&Listing| {
            (&other.seller_id, &other.sku, other.marketplace.as_str()) == (&write.seller, &write.sku, write.store)
        };
        let through = bench.world.market.listings.iter().find(meant);
        if through.is_none_or(|through| through.applies == Applies::Never) {
            continue;
        }
        match write.what {
            What::Price { new, .. } if listing.marketplace == write.store => {
                listing.price = Some(new);
                for entry in entries(&mut listing, "purchasable_offer") {
                    if matches!(entry["audience"].as_str(), None | Some("ALL")) {
                        entry["our_price"][0]["schedule"][0]["value_with_tax"] = json!(new.to_string());
                    }
                }
            }
            What::Price { .. } => {}
            // All stores of a SKU share one stock.
            What::Stock { value: (pieces, days), .. } => {
                listing.quantity = pieces.map(u64::from).or(listing.quantity);
                for entry in entries(&mut listing, "fulfillment_availability") {
                    let said = [("quantity", pieces), ("lead_time_to_ship_max_days", days)];
                    said.into_iter()
                        .filter_map(|(key, value)| Some((key, value?)))
                        .for_each(|(key, value)| entry[key] = json!(value));
                }
            }
        }
    }
    listing
}

fn entries<'a>(listing: &'a mut Listing, attribute: &str) -> impl Iterator<Item = &'a mut Value> {
    listing.attributes.get_mut(attribute).and_then(Value::as_array_mut).into_iter().flatten()
}

/// A listing without what means nothing: the order of entries and keys, and how a number is written.
pub fn normal(listing: &Listing) -> (Option<Decimal>, Option<u64>, BTreeMap<String, Vec<String>>) {
    let attribute = |(name, value): (&String, &Value)| {
        let mut entries: Vec<String> =
            value.as_array().into_iter().flatten().map(|entry| sorted(entry).to_string()).collect();
        entries.sort();
        (name.clone(), entries)
    };
    (listing.price.map(|price| price.normalize()), listing.quantity, listing.attributes.iter().map(attribute).collect())
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), sorted(value)))
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect(),
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Number(number) => plain(&number.to_string()),
        Value::String(text) => plain(text),
        other => other.clone(),
    }
}

/// A number in one form; any other text as it is.
fn plain(text: &str) -> Value {
    text.parse::<Decimal>().map_or_else(|_| json!(text), |number| json!(number.normalize().to_string()))
}
