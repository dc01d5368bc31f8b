//! The body of a write, as a person gives it.

use crate::failure::Failure;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The fields of the body of a put, …
pub const PUT: [&str; 3] = ["productType", "requirements", "attributes"];
/// … and of a patch.
pub const PATCH: [&str; 2] = ["productType", "patches"];

/// The body of a write, under Amazon's names; what does not fit is told by its path, and so is what is none of these fields.
pub fn body<T: DeserializeOwned>(given: &Value, fields: &[&str]) -> Result<T, Failure> {
    let mut names = given.as_object().into_iter().flat_map(Map::keys);
    if let Some(name) = names.find(|name| !fields.contains(&name.as_str())) {
        return Err(Failure::usage(format!("--json: unknown field `{name}`; the fields are {}", fields.join(", "))));
    }
    asin_facade::core_http::json(given.to_string().as_bytes())
        .map_err(|error| Failure::usage(format!("--json: {error}")))
}
