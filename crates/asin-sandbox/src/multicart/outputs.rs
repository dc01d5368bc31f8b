//! What runs have scraped: rows without the payload, and one payload at a time.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Carts, OutputRow, USER, body, failure, number, page, success};
use crate::call::{Call, Reply};

/// The rows of a collection, oldest first: the vendor documents no order.
pub(super) fn list(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    let collection = number(&body, "collection_id")?;
    let (skip, limit) = page(&body)?;
    if !carts.has_collection(collection) {
        return Err(failure(404, "Collection not found"));
    }
    let rows = carts.outputs.iter().filter(|row| row.collection == collection).skip(skip).take(limit);
    Ok(success(&rows.map(|row| object(row, false)).collect()))
}

/// `asin_id` is the output's identifier here, whatever its name says.
pub(super) fn get(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let id = number(&body(call)?, "asin_id")?;
    let row = carts.outputs.iter().find(|row| row.id == id).ok_or_else(|| failure(404, "Output not found"))?;
    Ok(success(&object(row, true)))
}

fn object(row: &OutputRow, with_payload: bool) -> Value {
    let mut object = json!({"id": row.id, "user": USER, "collection": row.collection});
    if with_payload {
        object["output_json"] = payload(row);
    }
    object["output_json_count"] = json!(1);
    object["created_at"] = json!(row.scraped.to_string());
    if !with_payload {
        object["updated_at"] = json!(row.scraped.to_string());
    }
    object
}

pub(super) fn payload(row: &OutputRow) -> Value {
    let output = &row.output;
    let mut payload = Map::new();
    payload.insert("asin".to_owned(), json!(output.asin));
    let told = [("title", &row.title), ("price", &output.price), ("availability", &output.availability)];
    payload.extend(told.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?)))));
    payload.extend(output.extra.clone());
    Value::Object(payload)
}
