//! Runs: started for credits, finished after a while, with outputs and files.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Carts, OutputRow, body, collections, failure, number, success};
use crate::call::{Call, Reply};
use crate::clock::today;
use crate::market::Output;

/// How long a run takes, in sandbox time.
const RUN_TIME: Duration = Duration::from_secs(60);

/// A run of a collection.
#[derive(Debug)]
pub(super) struct RunRow {
    pub(super) id: u64,
    pub(super) collection: u64,
    /// How many items it scrapes, a credit for each.
    items: u64,
    /// None: finished.
    ends_at: Option<Duration>,
    started: Timestamp,
}

impl RunRow {
    pub(super) fn finished(&self) -> bool {
        self.ends_at.is_none()
    }
}

/// What a start answers is not documented; here it is words, so that a client has to find the run in the history.
pub(super) fn start(carts: &mut Carts, call: &Call, now: Duration) -> Result<Reply, Reply> {
    let collection = number(&body(call)?, "collection_id")?;
    if !carts.has_collection(collection) {
        return Err(failure(404, "Collection not found"));
    }
    let items = carts.items.iter().filter(|item| item.collection == collection).count() as u64;
    if !carts.credits.freeze(items) {
        let message = format!("Insufficient credits: {items} needed, {} available", carts.credits.spendable());
        return Err(failure(402, &message));
    }
    let id = carts.runs.iter().map(|run| run.id).max().unwrap_or(700) + 1;
    carts.runs.push(RunRow { id, collection, items, ends_at: Some(now + RUN_TIME), started: today() });
    Ok(success(&json!("Run started successfully")).did(format!("run {id} of {collection} started, {items} credits")))
}

/// Neither fields nor form are documented; here they are the usual name of the collection, and a bare list.
pub(super) fn list(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    let collection = collections::named(&body).ok_or_else(|| failure(400, "collection_id is required"))?;
    if !carts.has_collection(collection) {
        return Err(failure(404, "Collection not found"));
    }
    let runs = carts.runs.iter().rev().filter(|run| run.collection == collection);
    Ok(success(&runs.map(|run| carts.run_object(run)).collect()))
}

impl Carts {
    fn run_object(&self, run: &RunRow) -> Value {
        let links = if run.finished() { self.links(run) } else { Vec::new() };
        json!({
            "id": run.id,
            "collection": run.collection,
            "status": if run.finished() { "Completed" } else { "Processing" },
            "is_download_generated": run.finished(),
            "download_links": links,
            "created_at": run.started.to_string(),
        })
    }

    /// Finishes the runs whose time has come: every item has a new output, the credits are spent.
    pub(super) fn finish_runs(&mut self, now: Duration) {
        let due = |run: &&mut RunRow| run.ends_at.is_some_and(|at| at <= now);
        let mut finished = Vec::new();
        for run in self.runs.iter_mut().filter(due) {
            run.ends_at = None;
            self.credits.spend(run.items);
            finished.push((run.id, run.collection));
        }
        for (run, collection) in finished {
            let asins: Vec<String> =
                self.items.iter().filter(|item| item.collection == collection).map(|item| item.asin.clone()).collect();
            for asin in asins {
                self.scrape(run, collection, &asin);
            }
        }
    }

    /// A new output: what the last one of the product showed, if there was one.
    fn scrape(&mut self, run: u64, collection: u64, asin: &str) {
        let last = self.outputs.iter().rev().find(|row| row.output.asin == asin);
        let output =
            last.map_or_else(|| Output { asin: asin.to_owned(), ..Output::default() }, |row| row.output.clone());
        let title = last.and_then(|row| row.title.clone());
        self.outputs.push(OutputRow {
            id: self.next_output,
            collection,
            run: Some(run),
            output: Output { age_minutes: 0, ..output },
            title,
            scraped: today(),
        });
        self.next_output += 1;
    }
}
