//! The files of runs: bytes without an envelope, of any size.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::runs::RunRow;
use super::{Carts, failure, outputs};
use crate::call::{Call, Reply};

/// Where files are.
pub(super) const PREFIX: &str = "/api/v1/results/";

/// One page of a run. `?rows=` asks for that many rows of a kilobyte instead, for tests of size.
pub(super) fn get(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let segments = call.segments();
    let missing = || failure(404, "File not found");
    let [_, _, _, collection, runner, name] = segments.as_slice() else { return Err(missing()) };
    let run = carts.runs.iter().find(|run| run.id.to_string() == *runner && run.collection.to_string() == *collection);
    let run = run.filter(|run| run.finished() && carts.file_name(run) == *name).ok_or_else(missing)?;
    let reply = |body: Vec<u8>| Reply::new(StatusCode::OK, "application/octet-stream", body);
    if let Some(rows) = call.query("rows") {
        let rows: u32 = rows.parse().map_err(|_| failure(400, "rows must be an integer"))?;
        return Ok(reply(b"[]".to_vec()).rows(rows.into()));
    }
    let shown: Vec<Value> =
        carts.outputs.iter().filter(|row| row.collection == run.collection).map(outputs::payload).collect();
    Ok(reply(json!(shown).to_string().into_bytes()))
}

impl Carts {
    fn file_name(&self, run: &RunRow) -> String {
        let collection = self.collections.iter().find(|collection| collection.id == run.collection);
        let name = collection.map(|collection| collection.name.as_str()).unwrap_or_default();
        format!("{name}_{}_Results_Page_1.json", run.id)
    }

    /// The path of the file, its name encoded.
    pub(super) fn link(&self, run: &RunRow) -> String {
        let name = self.file_name(run);
        let name = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
        format!("{PREFIX}{}/{}/{name}", run.collection, run.id)
    }
}
