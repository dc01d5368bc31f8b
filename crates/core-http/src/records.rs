//! Typed records, one at a time, out of a streamed body.

use serde_json::Value;
use std::collections::BTreeMap;

/// The scalars beside the records that a bounded look at a streamed body has shown so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scalars(pub BTreeMap<String, Value>);

impl Scalars {
    /// The scalar at a top-level key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }
}
