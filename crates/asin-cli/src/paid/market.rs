//! `asin products`, `sellers` and `variants`: asked by paid tasks, printed as rows.

use super::rows::{Product, Seller, Variant};
use super::{Ledgered, Paying, acknowledge, stats, stopped};
use crate::failure::{Ended, Failure, Tally, say};
use crate::input::{Names, duration};
use crate::output::Row;
use crate::progress::counting;
use crate::stop::stoppable;
use asin_facade::Marketplace;
use asin_facade::core_http::Asin;
use asin_facade::dataforseo_merchant::{
    AsinTask, Collected, Entry, Keyword, Language, Location, Mode, NewTask, Posted, ProductsTask, SellersTask,
    TaskRequest, TaskResult, Tasks,
};
use futures_util::{StreamExt, TryStreamExt, pin_mut, stream};
use std::time::Duration;

/// Who sells products for how much in a store (paid)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin sellers B085RFFC9Q --marketplace DE
  asin sellers --file asins.txt -m DE --budget 0.50 --yes --output csv > offers.csv
  asin variants B085RFFC9Q -m DE --output json | jq -r .variant | asin sellers - -m DE --yes")]
pub struct Sellers {
    #[command(flatten)]
    asins: Names,
    #[command(flatten)]
    how: How,
}

/// Every variant of products in a store (paid)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin variants B085RFFC9Q --marketplace DE
  asin variants --file asins.txt -m US --dry-run")]
pub struct Variants {
    #[command(flatten)]
    asins: Names,
    #[command(flatten)]
    how: How,
}

/// What a store shows for search words (paid)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin products \"trekking shoes\" --marketplace DE
  asin products --file keywords.txt -m TR --budget 1 --yes")]
pub struct Products {
    #[command(flatten)]
    keywords: Names,
    /// How many results
    #[arg(long, value_name = "N")]
    depth: Option<u32>,
    #[command(flatten)]
    how: How,
}

/// Where, how soon, and who pays.
#[derive(Debug, clap::Args)]
struct How {
    /// The store: a country code such as DE, or Amazon's identifier
    #[arg(short, long, value_name = "STORE")]
    marketplace: Marketplace,
    /// How soon it is answered: standard within 45 minutes, priority within minutes for twice the price, live at once
    #[arg(long, value_name = "MODE", default_value = "standard", value_parser = mode)]
    mode: Mode,
    /// How long results are waited for; what comes later can be collected
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "50m")]
    patience: Duration,
    #[command(flatten)]
    paying: Paying,
    #[command(flatten)]
    ledger: Ledgered,
}

fn mode(text: &str) -> Result<Mode, String> {
    serde_json::from_value(text.into()).map_err(|_| "give standard, priority or live".to_owned())
}

/// DataForSEO's names of a store.
fn place(store: Marketplace) -> (Location, Language) {
    (Location::code(store.location_code()), Language::code(store.language_code()))
}

pub async fn sellers(arguments: Sellers) -> Ended {
    let store = arguments.how.marketplace;
    let (location, language) = place(store);
    let asins: Vec<Asin> = arguments.asins.read("ASIN")?;
    let requests = asins.into_iter().map(|asin| SellersTask::new(asin, location.clone(), language.clone()).into());
    ask(requests.collect(), arguments.how, |request, result| match (request.asin(), result) {
        (Some(asin), TaskResult::Sellers(page)) => {
            page.offers().map(|offer| Seller::of(asin, store.country(), offer)).collect()
        }
        _ => Vec::new(),
    })
    .await
}

pub async fn variants(arguments: Variants) -> Ended {
    let store = arguments.how.marketplace;
    let (location, language) = place(store);
    let asins: Vec<Asin> = arguments.asins.read("ASIN")?;
    let requests = asins.into_iter().map(|asin| AsinTask::new(asin, location.clone(), language.clone()).into());
    ask(requests.collect(), arguments.how, |request, result| match (request.asin(), result) {
        (Some(asin), TaskResult::Asin(page)) => {
            let family = page.family();
            let (parent, store) = (family.parent, store.country());
            family.variants.into_iter().map(|variant| Variant { asin, store, parent, variant }).collect()
        }
        _ => Vec::new(),
    })
    .await
}

pub async fn products(arguments: Products) -> Ended {
    let store = arguments.how.marketplace;
    let (location, language) = place(store);
    let words: Vec<String> = arguments.keywords.read("keyword")?;
    let mut requests: Vec<TaskRequest> = Vec::new();
    for words in words {
        let keyword = Keyword::new(&words).map_err(Failure::usage)?;
        let mut task = ProductsTask::new(keyword, location.clone(), language.clone());
        if let Some(depth) = arguments.depth {
            task = task.depth(depth).map_err(Failure::usage)?;
        }
        requests.push(task.into());
    }
    ask(requests, arguments.how, |request, result| match result {
        TaskResult::Products(page) => {
            let keyword = request.summary().subject;
            page.items.iter().filter_map(|item| Product::of(keyword, store.country(), item)).collect()
        }
        _ => Vec::new(),
    })
    .await
}

/// Pays for what is not paid for yet, waits for results, and prints the rows of each.
async fn ask<R: Row>(
    wanted: Vec<TaskRequest>,
    how: How,
    rows_of: impl Fn(&TaskRequest, &TaskResult) -> Vec<R>,
) -> Ended {
    let mut tasks = how.ledger.tasks(how.paying.budget).await?;
    // What an earlier command has paid for is collected, not paid for again.
    let pending: Vec<Entry> = tasks.pending().try_collect().await?;
    let is_meant = |entry: &&Entry| wanted.iter().any(|request| same(request, &entry.request));
    let paid: Vec<Entry> = pending.iter().filter(is_meant).cloned().collect();
    let new: Vec<NewTask> = wanted
        .into_iter()
        .filter(|request| !paid.iter().any(|entry| same(request, &entry.request)))
        .map(|request| NewTask::new(request).mode(how.mode))
        .collect();
    if !new.is_empty()
        && let Some(ended) = how.paying.refused(&mut tasks, &new).await?
    {
        return Ok(ended);
    }
    let go_on = how.ledger.how_to_collect();
    let work = async {
        let mut tally = Tally::default();
        let mut collected = Vec::new();
        let posted = post(&tasks, new, &mut tally, &mut collected).await?;
        let mut results = tasks.collect(paid.into_iter().chain(posted), how.patience);
        let mut rows = how.ledger.output.paid_rows();
        let (mut written, mut failed) = (Vec::new(), None);
        let bar = counting("results", results.pending().len() + collected.len(), how.ledger.output.format());
        loop {
            // What was answered at once comes first.
            let next = match collected.pop() {
                Some(live) => live,
                None => match results.next().await {
                    Some(Ok(next)) => next,
                    Some(Err(error)) => {
                        failed = Some(error);
                        break;
                    }
                    None => break,
                },
            };
            bar.inc(1);
            bar.suspend(|| told(&next, &mut tally));
            for row in rows_of(&next.entry.request, &next.result) {
                rows.push(&row)?;
            }
            written.push(next);
        }
        bar.finish_and_clear();
        rows.end()?;
        acknowledge(&tasks, &written).await?;
        if let Some(error) = failed {
            tally.fail("the results", &error);
        }
        for entry in results.pending() {
            tally.refuse(entry.request.summary().subject, "no result yet");
        }
        say(&format!("asin: {}", stats(&tasks, written.len(), &go_on).await?));
        Ok(tally.end())
    };
    stoppable(work, stopped(&tasks, &go_on)).await
}

/// Whether both ask for the same; how soon it is answered makes no difference.
fn same(one: &TaskRequest, other: &TaskRequest) -> bool {
    let plain = |request: &TaskRequest| {
        let mut value = serde_json::json!(request);
        if let Some(fields) = value.as_object_mut().and_then(|kind| kind.values_mut().next()?.as_object_mut()) {
            fields.shift_remove("priority");
        }
        value
    };
    plain(one) == plain(other)
}

/// Posts, says what was not made, and gives the entries of what is to be collected.
async fn post(
    tasks: &Tasks,
    new: Vec<NewTask>,
    tally: &mut Tally,
    live: &mut Vec<Collected>,
) -> Result<Vec<Entry>, Failure> {
    let mut made = Vec::new();
    let outcomes = tasks.post_all(stream::iter(new));
    pin_mut!(outcomes);
    while let Some(outcome) = outcomes.next().await {
        let subject = outcome.task.request().summary().subject;
        match &outcome.posted {
            Posted::Created { tag, .. } => made.push(tag.clone()),
            Posted::Rejected { fault, .. } => tally.fail(subject, &fault.clone().into()),
            Posted::Unknown { error, .. } | Posted::NotSent { error } => tally.fail(subject, error),
            Posted::OverBudget(over) => tally.unpaid(subject, over),
            _ => {}
        }
        live.extend(outcome.result);
    }
    let pending: Vec<Entry> = tasks.pending().try_collect().await?;
    let is_live = |entry: &Entry| live.iter().any(|collected| collected.entry.tag == entry.tag);
    Ok(pending.into_iter().filter(|entry| made.contains(&entry.tag) && !is_live(entry)).collect())
}

/// Says what brought no result.
fn told(collected: &Collected, tally: &mut Tally) {
    let subject = collected.entry.request.summary().subject;
    match &collected.result {
        TaskResult::Empty => {
            say(&format!("asin: {}: nothing was found", crate::table::visible(subject)));
            tally.did();
        }
        TaskResult::Failed(fault) => tally.fail(subject, &fault.clone().into()),
        TaskResult::Unreadable { error, .. } => tally.fail(subject, error),
        _ => tally.did(),
    }
}
