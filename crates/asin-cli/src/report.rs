//! What a run did: a table for people, JSON lines for programs.

use crate::failure::Failure;
use crate::table::{Column, Content, Place, render};
use asin_facade::Price;
use asin_facade::sync::{Observation, Outcome, Report, RowReport, Source, Totals};
use serde::Serialize;
use std::fmt::{Display, Write};

/// The version of the JSON lines, which `docs/report.schema.json` describes.
const VERSION: u32 = 1;

/// One object per row, then one with the totals; one per line.
pub fn json(report: &Report) -> Result<String, Failure> {
    let mut lines = Vec::with_capacity(report.rows.len() + 1);
    for row in &report.rows {
        lines.push(serde_json::to_string(&Versioned { version: VERSION, row }).map_err(Failure::work)?);
    }
    lines.push(serde_json::json!({ "version": VERSION, "totals": report.totals }).to_string());
    Ok(lines.join("\n"))
}

#[derive(Serialize)]
struct Versioned<'a> {
    version: u32,
    #[serde(flatten)]
    row: &'a RowReport,
}

/// One line per row, then the totals.
pub fn table(report: &Report) -> String {
    use Content::{Number, Prose, Word};
    let columns = [
        Column("account", Word),
        Column("sku", Word),
        Column("asin", Word),
        Column("store", Word),
        Column("variants", Number),
        Column("observed", Word),
        Column("price", Word),
        Column("quantity", Number),
        Column("outcome", Prose),
    ];
    format!("{}\n\n{}", render(Place::Output, &columns, report.rows.iter().map(cells)), totals(&report.totals))
}

fn cells(row: &RowReport) -> Vec<String> {
    vec![
        row.account.clone(),
        row.sku.clone(),
        row.asin.clone(),
        row.marketplace.to_owned(),
        row.variants.map_or_else(String::new, |variants| variants.to_string()),
        row.observed.as_ref().map_or_else(String::new, observed),
        change(row.old_price, row.new_price),
        change(row.old_quantity, row.new_quantity),
        outcome(row),
    ]
}

/// The price seen, and who said so.
fn observed(seen: &Observation) -> String {
    let mut text = match (seen.amount, seen.currency) {
        (Some(amount), Some(currency)) => Price::new(amount, currency).to_string(),
        (Some(amount), None) => amount.to_string(),
        (None, _) => "no price".to_owned(),
    };
    text.push_str(match seen.source {
        Source::DataforseoSellers => " (DataForSEO)",
        Source::MulticartOutput => " (MultiCart)",
        _ => "",
    });
    text
}

/// `old → new`, or the one value where nothing changes.
fn change<T: Display + PartialEq>(old: Option<T>, new: Option<T>) -> String {
    match (old, new) {
        (Some(old), Some(new)) if old != new => format!("{old} → {new}"),
        (None, Some(new)) => format!("→ {new}"),
        (Some(same), _) => same.to_string(),
        (None, None) => String::new(),
    }
}

/// The row's outcome with its reason; then the parts that ended otherwise, unless nothing was to be done for them.
fn outcome(row: &RowReport) -> String {
    let mut text = row.outcome.to_string();
    if let Some(reason) = row.outcome.reason() {
        let _ = write!(text, ": {}", reason.message);
    }
    let parts = [("price", Some(&row.price)), ("stock", Some(&row.stock)), ("watch", row.watch.as_ref())];
    for (part, ended) in parts {
        if let Some(ended) = ended.filter(|ended| **ended != row.outcome && **ended != Outcome::Unchanged) {
            let _ = write!(text, "; {part} {ended}");
        }
    }
    text
}

/// What the run cost and how the rows ended.
pub fn totals(totals: &Totals) -> String {
    let list = |counts: Vec<String>| if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
    let calls = totals.calls.iter().map(|(vendor, calls)| format!("{vendor} {calls}"));
    let outcomes = totals.outcomes.iter().filter(|(_, rows)| **rows > 0);
    let outcomes = outcomes.map(|(outcome, rows)| format!("{outcome} {rows}"));
    let mut text = format!("{} rows: {}\n", totals.rows, list(outcomes.collect()));
    let _ =
        write!(text, "vendor calls: {}\nspent: {} USD, {} credits", list(calls.collect()), totals.usd, totals.credits);
    if !totals.usd_unknown.is_zero() {
        let _ = write!(text, "; perhaps {} USD more: no answer came, so they stay reserved", totals.usd_unknown);
    }
    if !totals.usd_not_spent.is_zero() {
        let _ = write!(text, "; not spent: {} USD, for want of leave to pay", totals.usd_not_spent);
    }
    if totals.tasks_pending > 0 {
        let _ = write!(text, "\n{} paid tasks are still at work; the next run collects them", totals.tasks_pending);
    }
    text
}
