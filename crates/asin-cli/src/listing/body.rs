//! The body of a write, as a person gives it.

use crate::failure::Failure;
use asin_facade::sp_listings::PatchOperation;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::{Map, Value};

/// The fields of the body of a put, …
pub const PUT: [&str; 3] = ["productType", "requirements", "attributes"];
/// … and of a patch.
pub const PATCH: [&str; 2] = ["productType", "patches"];

/// The body of a write, under Amazon's names; what does not fit is told by its path, and so is what is none of these fields.
pub fn body<T: DeserializeOwned>(given: &Value, fields: &[&str]) -> Result<T, Failure> {
    known(given, "", fields)
        .and_then(|()| changes(given.get("patches").unwrap_or(&Value::Null)))
        .map_err(|unknown| Failure::usage(format!("--json: {unknown}")))?;
    asin_facade::core_http::json(given.to_string().as_bytes())
        .map_err(|error| Failure::usage(format!("--json: {error}")))
}

/// The changes of a patch: what is none of an operation's fields would vanish, a deletion's selectors with it.
pub fn patches<'de, D: Deserializer<'de>>(json: D) -> Result<Vec<PatchOperation>, D::Error> {
    let given = Value::deserialize(json)?;
    changes(&given).map_err(D::Error::custom)?;
    serde_json::from_value(given).map_err(D::Error::custom)
}

fn changes(given: &Value) -> Result<(), String> {
    let mut all = given.as_array().into_iter().flatten().enumerate();
    all.try_for_each(|(place, one)| known(one, &format!("patches[{place}]."), &["op", "path", "value"]))
}

/// Whether an object at this path has no other fields than these.
fn known(given: &Value, path: &str, fields: &[&str]) -> Result<(), String> {
    let mut names = given.as_object().into_iter().flat_map(Map::keys);
    match names.find(|name| !fields.contains(&name.as_str())) {
        Some(name) => Err(format!("unknown field `{path}{name}`; the fields are {}", fields.join(", "))),
        None => Ok(()),
    }
}
