//! `asin products`, `sellers` and `variants`: asked by paid tasks, printed as rows.

use super::rows::{Product, Seller, Variant};
use super::{LOOK, Ledgered, Paying, earlier, is_done_with, question, stats, stopped, unreadable, unsettled};
use crate::failure::{Ended, Failure, Tally, on_disk, say};
use crate::input::{Named, Names, duration};
use crate::output::{Output, Row, Rows};
use crate::progress::counting;
use crate::stop::{broken_off, unless_stopped};
use asin_facade::Marketplace;
use asin_facade::core_http::Asin;
use asin_facade::dataforseo_merchant::{
    AsinTask, Collected, Entry, InvalidRequest, Keyword, Language, Location, Mode, NewTask, Posted, ProductsTask,
    SellersTask, Tag, TaskRequest, TaskResult, Tasks,
};
use futures_util::{StreamExt, TryStreamExt, pin_mut, stream};
use indicatif::ProgressBar;
use std::collections::HashSet;
use std::str::FromStr;
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
    asins: Names<Asin>,
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
    asins: Names<Asin>,
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
    keywords: Names<SearchWords>,
    /// How many results
    #[arg(long, value_name = "N")]
    depth: Option<u32>,
    #[command(flatten)]
    how: How,
}

/// What a person would type into the store's search.
#[derive(Debug)]
struct SearchWords(Keyword);

impl FromStr for SearchWords {
    type Err = InvalidRequest;

    fn from_str(text: &str) -> Result<Self, InvalidRequest> {
        Keyword::new(text).map(Self)
    }
}

impl Named for SearchWords {
    const ONE: &'static str = "keyword";
    const VALUE: &'static str = "KEYWORD";
    const HELP: &'static str = "What is searched for, each with all its words in one argument";
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
    output: Output,
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
    let asins = arguments.asins.read()?;
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
    let asins = arguments.asins.read()?;
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
    let mut requests: Vec<TaskRequest> = Vec::new();
    for SearchWords(keyword) in arguments.keywords.read()? {
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
    let earlier = earlier(&tasks, &wanted).await?;
    let known: HashSet<String> = earlier.iter().map(|entry| question(&entry.request)).collect();
    let (paid, open): (Vec<Entry>, Vec<Entry>) = earlier.into_iter().partition(|entry| entry.state.id().is_some());
    let new: Vec<NewTask> = wanted
        .into_iter()
        .filter(|request| !known.contains(&question(request)))
        .map(|request| NewTask::new(request).mode(how.mode))
        .collect();
    if (how.paying.is_dry_run() || !new.is_empty())
        && let Some(ended) = how.paying.refused(&mut tasks, &new).await?
    {
        return Ok(ended);
    }
    let go_on = how.ledger.how_to_collect();
    let output = how.output;
    let bar = counting("results", paid.len() + new.len(), output.format());
    let (rows, held) = (output.paid_rows(), Vec::new());
    let mut arrived = Arrived { tasks: &tasks, rows_of, rows, held, count: 0, bar };
    let work = async {
        let mut tally = Tally::default();
        open.iter().for_each(|entry| unsettled(entry, &mut tally));
        let posted = post(new, &mut arrived, &mut tally).await?;
        let mut results = tasks.collect(paid.into_iter().chain(posted), how.patience);
        while let Some(result) = results.next().await {
            match result {
                Ok(collected) => arrived.take(collected, &mut tally).await?,
                Err(error) => tally.fail("the results", &error),
            }
        }
        for entry in results.pending() {
            tally.refuse(entry.request.summary().subject, "no result yet");
        }
        Ok(tally)
    };
    // What has come is written, whatever has ended the work.
    let worked = unless_stopped(work).await;
    // Who cannot be written to has not got them: they stay pending.
    let written = arrived.end().await.map_err(|failure| failure.next(go_on.clone()));
    let worked = worked.map_err(|failure| failure.or_next(&go_on));
    let tally = worked?;
    let count = written?;
    match tally {
        Some(tally) => {
            say(&format!("asin: {}", stats(&tasks, count, &go_on).await?));
            Ok(tally.end())
        }
        None => Err(broken_off(&stopped(&tasks, &go_on).await)),
    }
}

/// Results on their way to standard output. What is written is acknowledged, and not collected again.
struct Arrived<'a, R, F> {
    tasks: &'a Tasks,
    rows_of: F,
    rows: Rows<R>,
    /// What is acknowledged when the rows that wait are written.
    held: Vec<Tag>,
    count: usize,
    bar: ProgressBar,
}

impl<R: Row, F: Fn(&TaskRequest, &TaskResult) -> Vec<R>> Arrived<'_, R, F> {
    async fn take(&mut self, collected: Collected, tally: &mut Tally) -> Result<(), Failure> {
        self.bar.inc(1);
        told(&collected, tally);
        for row in (self.rows_of)(&collected.entry.request, &collected.result) {
            self.rows.push(&row)?;
        }
        self.count += 1;
        match is_done_with(&collected) {
            true if self.rows.waits() => self.held.push(collected.entry.tag),
            true => {
                on_disk()?;
                self.tasks.acknowledge(&collected.entry.tag).await?;
            }
            false => {}
        }
        Ok(())
    }

    /// Writes what is left, and says how many results there were.
    async fn end(mut self) -> Result<usize, Failure> {
        for live in self.tasks.take_answers() {
            self.take(live, &mut Tally::default()).await?;
        }
        self.bar.finish_and_clear();
        self.rows.end()?;
        if !self.held.is_empty() {
            on_disk()?;
        }
        for tag in &self.held {
            self.tasks.acknowledge(tag).await?;
        }
        Ok(self.count)
    }
}

/// Posts, says what was not made, takes what is answered at once, and gives the entries of what is to be collected.
async fn post<R: Row, F: Fn(&TaskRequest, &TaskResult) -> Vec<R>>(
    new: Vec<NewTask>,
    arrived: &mut Arrived<'_, R, F>,
    tally: &mut Tally,
) -> Result<Vec<Entry>, Failure> {
    let mut made = HashSet::new();
    let tasks = arrived.tasks;
    let outcomes = tasks.post_all(stream::iter(new));
    pin_mut!(outcomes);
    while let Some(outcome) = outcomes.next().await {
        let subject = outcome.task.request().summary().subject;
        match &outcome.posted {
            Posted::Rejected { fault, .. } => tally.fail(subject, &fault.clone().into()),
            Posted::Unknown { error, .. } => tally.doubt(subject, error, LOOK),
            Posted::NotSent { error } => tally.fail(subject, error),
            Posted::OverBudget(over) => tally.unpaid(subject, over),
            _ => {}
        }
        match (outcome.result, outcome.posted) {
            // The vendor does not keep it: it is written before the next one is waited for.
            (Some(live), _) => arrived.take(live, tally).await?,
            (None, Posted::Created { tag, .. }) => drop(made.insert(tag)),
            _ => {}
        }
    }
    let pending: Vec<Entry> = tasks.pending().try_collect().await?;
    Ok(pending.into_iter().filter(|entry| made.contains(&entry.tag)).collect())
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
        _ if unreadable(collected, tally) => {}
        _ => tally.did(),
    }
}
