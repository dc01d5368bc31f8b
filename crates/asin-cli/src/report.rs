//! What a run did: a table for people, JSON lines for programs.

use crate::failure::{self, Ended, Failure, say};
use crate::output::{Format, Output, Row, money, text};
use crate::table::Content::{Currency, Number, Prose, Word};
use crate::table::{Column, Place, render};
use asin_facade::Price;
use asin_facade::sync::{Observation, Outcome, Report, RowReport, Source, Totals};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::{Display, Write};
use std::process::ExitCode;

/// The version of the JSON lines, which `docs/report.schema.json` describes.
pub const VERSION: u32 = 1;

/// Prints the report; `csv` has the totals on standard error.
pub fn print(report: &Report, format: Format) -> Result<(), Failure> {
    if format == Format::Table {
        return failure::print(&table(report));
    }
    Output::of(format).all(report.rows.iter().map(|row| Versioned { version: VERSION, row }))?;
    match format {
        Format::Csv => say(&totals(&report.totals)),
        _ => failure::print(&serde_json::json!({ "version": VERSION, "totals": report.totals }).to_string())?,
    }
    Ok(())
}

/// A row for programs.
#[derive(Serialize)]
struct Versioned<'a> {
    version: u32,
    #[serde(flatten)]
    row: &'a RowReport,
}

/// Each value in a cell of its own.
impl Row for Versioned<'_> {
    const COLUMNS: &'static [Column] = &[
        Column("line", Number),
        Column("account", Word),
        Column("sku", Word),
        Column("asin", Word),
        Column("store", Word),
        Column("variants", Number),
        Column("observed", Number),
        Column("observed_currency", Currency),
        Column("source", Word),
        Column("old_price", Number),
        Column("new_price", Number),
        Column("currency", Currency),
        Column("old_quantity", Number),
        Column("new_quantity", Number),
        Column("old_handling_days", Number),
        Column("new_handling_days", Number),
        Column("outcome", Word),
        Column("reason", Word),
        Column("message", Prose),
        Column("price", Word),
        Column("stock", Word),
        Column("watch", Word),
        Column("submissions", Word),
    ];

    fn cells(&self) -> Vec<String> {
        let Self { row, .. } = self;
        let (seen, reason) = (row.observed.as_ref(), row.outcome.reason());
        let currency = seen.and_then(|seen| seen.currency);
        let [observed, observed_currency] =
            money(seen.and_then(|seen| seen.amount), currency.as_ref().map(|currency| currency.as_str()));
        let price = |price: Option<Price>| text(price.map(|price| price.digits()));
        vec![
            row.line.to_string(),
            row.account.clone(),
            row.sku.clone(),
            row.asin.clone(),
            row.marketplace.to_owned(),
            text(row.variants),
            observed,
            observed_currency,
            seen.map_or("", |seen| source(seen.source)).to_owned(),
            price(row.old_price),
            price(row.new_price),
            text(row.new_price.or(row.old_price).map(|price| price.currency)),
            text(row.old_quantity),
            text(row.new_quantity),
            text(row.old_handling_days),
            text(row.new_handling_days),
            row.outcome.name().to_owned(),
            text(reason.map(|reason| reason.code)),
            text(reason.map(|reason| &reason.message)),
            row.price.to_string(),
            row.stock.to_string(),
            text(row.watch.as_ref()),
            row.submissions.join(" "),
        ]
    }
}

fn source(source: Source) -> &'static str {
    match source {
        Source::DataforseoSellers => "DataForSEO",
        Source::MulticartOutput => "MultiCart",
        _ => "",
    }
}

/// The brakes that keep a whole run from what it is for.
const BRAKES: [&str; 2] = ["too_many_rows", "over_budget"];

/// What can be done about what was not done, once for each reason.
pub fn advise(report: &Report) {
    let outcomes = report.rows.iter().map(|row| &row.outcome);
    let left =
        outcomes.filter(|outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_) | Outcome::Refused(_)));
    let codes: BTreeSet<&str> = left.filter_map(|outcome| Some(outcome.reason()?.code)).collect();
    for (code, next) in codes.into_iter().filter_map(|code| Some((code, next(code)?))) {
        say(&format!("asin: {code}: next: {next}"));
    }
}

fn next(code: &str) -> Option<&'static str> {
    if let Some(class) = Class::of(code) {
        return Some(class.next());
    }
    Some(match code {
        "unavailable" | "connect" | "read" | "task_not_sent" => "run it again: nothing was applied",
        "no_answer" | "unreadable_answer" | "observation_unknown" => {
            "run it again: it looks first what was done, and does nothing twice"
        }
        "preview_invalid" | "invalid" => "mend what Amazon says of the listing",
        "listing_changed" => "plan again: somebody else has changed the listing",
        "other_asin" => "mend the row's SKU or ASIN",
        _ => return None,
    })
}

/// What fails for all rows alike.
#[derive(Clone, Copy)]
enum Class {
    Credentials,
    Limits,
    Funds,
}

impl Class {
    /// That of a reason, by its code.
    fn of(code: &str) -> Option<Self> {
        match code {
            "auth" | "read_refused" | "task_refused" => Some(Self::Credentials),
            "throttled" | "read_throttled" | "task_throttled" => Some(Self::Limits),
            "no_funds" => Some(Self::Funds),
            _ => None,
        }
    }

    fn next(self) -> &'static str {
        match self {
            Self::Credentials => "mend them; `asin doctor` tells which credentials",
            Self::Limits => "wait a little, then run it again",
            Self::Funds => "pay in; `asin balance` tells what there is",
        }
    }

    fn failure(self) -> Failure {
        const NOTHING: &str = "nothing was paid for and nothing was written";
        let failure = match self {
            Self::Credentials => Failure::auth(format!("credentials were refused: {NOTHING}")),
            Self::Limits => Failure::limits(format!("limits refused the calls: {NOTHING}")),
            Self::Funds => Failure::funds(format!("the account has no money: {NOTHING}")),
        };
        failure.next(self.next())
    }
}

/// What a run ends with. A row that is refused by itself, by a bound or by the vendor, is no failure of the run.
pub fn verdict(report: &Report, refused: bool) -> Ended {
    let did = report.totals.run.is_some() || !report.totals.usd.is_zero();
    if refused && !did {
        return Err(Failure::usage("no leave was given: nothing was paid for and no listing was written")
            .next("`--yes` gives it, `--dry-run` needs none"));
    }
    let outcomes = || report.rows.iter().map(|row| &row.outcome);
    let mut failed =
        outcomes().filter(|outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_))).peekable();
    let code = |outcome: &Outcome| outcome.reason().map_or("", |reason| reason.code);
    if !did
        && let Some(class) = failed.peek().and_then(|first| Class::of(code(first)))
        && failed.all(|outcome| Class::of(code(outcome)).is_some())
    {
        return Err(class.failure());
    }
    let braked =
        outcomes().chain(report.rows.iter().map(|row| &row.price)).any(|outcome| BRAKES.contains(&code(outcome)));
    Ok(if refused || braked || report.has_failures() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// One line per row, then the totals.
fn table(report: &Report) -> String {
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
        text(row.variants),
        row.observed.as_ref().map_or_else(String::new, |seen| observed(seen, row.marketplace)),
        change(row.old_price, row.new_price),
        change(row.old_quantity, row.new_quantity),
        outcome(row),
    ]
}

/// The price seen, and who said so; in which store, if that is not the row's own.
fn observed(seen: &Observation, own: &str) -> String {
    let text = match (seen.amount, seen.currency) {
        (Some(amount), Some(currency)) => Price::new(amount, currency).to_string(),
        (Some(amount), None) => amount.to_string(),
        (None, _) => "no price".to_owned(),
    };
    let store = seen.marketplace.map(|store| store.to_string()).filter(|store| store != own);
    let elsewhere = store.map_or_else(String::new, |store| format!(", {store}"));
    match source(seen.source) {
        "" => text,
        source => format!("{text} ({source}{elsewhere})"),
    }
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
fn totals(totals: &Totals) -> String {
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
