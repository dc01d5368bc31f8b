//! The files of runs: bytes without an envelope, of any size.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::runs::RunRow;
use super::{Carts, OutputRow, failure, outputs, zip};
use crate::call::{Call, Reply};

/// Where files are.
pub(super) const PREFIX: &str = "/api/v1/results/";

/// The items of a page. How many the vendor writes is not documented.
const ITEMS: usize = 100;

/// A page of a run, or the archive of all. `?rows=` asks for a page of that many rows of a kilobyte instead, for tests of size.
pub(super) fn get(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let segments = call.segments();
    let missing = || failure(404, "File not found");
    let [_, _, _, collection, runner, name] = segments.as_slice() else { return Err(missing()) };
    let run = carts.runs.iter().find(|run| run.id.to_string() == *runner && run.collection.to_string() == *collection);
    let run = run.filter(|run| run.finished()).ok_or_else(missing)?;
    let reply = |body: Vec<u8>| Reply::new(StatusCode::OK, "application/octet-stream", body);
    let pages = carts.pages(run);
    if *name == carts.archive_name(run) {
        return Ok(reply(zip::archive(&pages)));
    }
    let (_, page) = pages.into_iter().find(|(page, _)| page == name).ok_or_else(missing)?;
    if let Some(rows) = call.query("rows") {
        let rows: u32 = rows.parse().map_err(|_| failure(400, "rows must be an integer"))?;
        return Ok(reply(b"[]".to_vec()).rows(rows.into()));
    }
    Ok(reply(page))
}

impl Carts {
    /// What the names of a run's files begin with.
    fn stem(&self, run: &RunRow) -> String {
        let collection = self.collections.iter().find(|collection| collection.id == run.collection);
        let name = collection.map(|collection| collection.name.as_str()).unwrap_or_default();
        format!("{name}_{}_Results", run.id)
    }

    fn archive_name(&self, run: &RunRow) -> String {
        format!("{}_All_Pages.zip", self.stem(run))
    }

    fn page_name(&self, run: &RunRow, number: usize) -> String {
        format!("{}_Page_{number}.json", self.stem(run))
    }

    fn scraped(&self, run: &RunRow) -> impl Iterator<Item = &OutputRow> {
        let id = run.id;
        self.outputs.iter().filter(move |row| row.run == Some(id))
    }

    /// The pages of what a run has scraped, from 1: names and contents. A run of nothing has an empty one.
    fn pages(&self, run: &RunRow) -> Vec<(String, Vec<u8>)> {
        let shown: Vec<Value> = self.scraped(run).map(outputs::payload).collect();
        let pages = if shown.is_empty() { vec![&[][..]] } else { shown.chunks(ITEMS).collect() };
        let page = |(number, rows)| (self.page_name(run, number), json!(rows).to_string().into_bytes());
        (1..).zip(pages).map(page).collect()
    }

    /// The paths of the files, their names encoded: the pages, and the archive last.
    pub(super) fn links(&self, run: &RunRow) -> Vec<String> {
        let pages = self.scraped(run).count().div_ceil(ITEMS).max(1);
        let names = (1..=pages).map(|number| self.page_name(run, number)).chain([self.archive_name(run)]);
        let link = |name: String| {
            let name = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
            format!("{PREFIX}{}/{}/{name}", run.collection, run.id)
        };
        names.map(link).collect()
    }
}
