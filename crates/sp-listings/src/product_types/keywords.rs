//! Amazon's own keywords (docs "Amazon Product Type Definitions Meta-Schema (v1)"), on top of JSON Schema 2019-09.
//!
//! `maxUtf8ByteLength`, `minUtf8ByteLength`, `maxUniqueItems` and `minUniqueItems` are rules. `selectors` says which
//! properties tell the instances of an attribute apart, and belongs to the latter two. `editable`, `enumNames`, `hidden`
//! and `replaceable` inform and rule out nothing; keywords that are new are passed over.

use jsonschema::{Draft, Keyword, ValidationError, ValidationOptions, Validator};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A validator that knows them; it never asks the network.
pub(super) fn validator(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    options().build(schema)
}

fn options() -> ValidationOptions<'static> {
    // The draft is said, since `$schema` is the address of Amazon's meta-schema, which nothing answers.
    jsonschema::options()
        .with_draft(Draft::Draft201909)
        .offline()
        .with_keyword("maxUtf8ByteLength", |_, limit, _| Ok(boxed(Rule::Bytes(Bound::Most, limit.as_u64()))))
        .with_keyword("minUtf8ByteLength", |_, limit, _| Ok(boxed(Rule::Bytes(Bound::Least, limit.as_u64()))))
        .with_keyword("maxUniqueItems", |parent, limit, _| {
            Ok(boxed(Rule::Items(Bound::Most, limit.as_u64(), selectors(parent))))
        })
        .with_keyword("minUniqueItems", |parent, limit, _| {
            Ok(boxed(Rule::Items(Bound::Least, limit.as_u64(), selectors(parent))))
        })
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    Most,
    Least,
}

impl Bound {
    fn holds(self, number: u64, limit: u64) -> bool {
        match self {
            Self::Most => number <= limit,
            Self::Least => number >= limit,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Most => "at most",
            Self::Least => "at least",
        }
    }
}

/// A keyword with its limit; one whose limit is no number rules out nothing.
#[derive(Debug)]
enum Rule {
    /// Bytes of a text in UTF-8.
    Bytes(Bound, Option<u64>),
    /// Instances with the same selectors. Without selectors, all properties tell instances apart.
    Items(Bound, Option<u64>, Vec<String>),
}

fn boxed(rule: Rule) -> Box<dyn for<'i> Keyword<'i>> {
    Box::new(rule)
}

impl Rule {
    /// The rule in words, if the instance breaks it.
    fn broken(&self, instance: &Value) -> Option<String> {
        match (self, instance) {
            (Self::Bytes(bound, Some(limit)), Value::String(text)) if !bound.holds(text.len() as u64, *limit) => {
                Some(format!("{} {limit} bytes in UTF-8; it has {}", bound.words(), text.len()))
            }
            (Self::Items(bound, Some(limit), selectors), Value::Array(items)) => {
                let (key, number) = groups(items, selectors).into_iter().find(|(_, n)| !bound.holds(*n, *limit))?;
                let apart = if selectors.is_empty() { "all properties".to_owned() } else { selectors.join(", ") };
                Some(format!("{} {limit} for each combination of {apart}; there are {number} of {key}", bound.words()))
            }
            _ => None,
        }
    }
}

/// How many instances there are of each combination of selectors. An empty list has none of one that is not named.
fn groups(items: &[Value], selectors: &[String]) -> BTreeMap<String, u64> {
    if items.is_empty() {
        return BTreeMap::from([("any".to_owned(), 0)]);
    }
    let mut groups = BTreeMap::new();
    for item in items.iter().filter_map(Value::as_object) {
        let chosen = |name: &String| selectors.is_empty() || selectors.contains(name);
        let key: BTreeMap<&String, &Value> = item.iter().filter(|(name, _)| chosen(name)).collect();
        *groups.entry(serde_json::to_string(&key).unwrap_or_default()).or_default() += 1;
    }
    groups
}

fn selectors(parent: &Map<String, Value>) -> Vec<String> {
    let listed = parent.get("selectors").and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl<'i> Keyword<'i> for Rule {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        self.broken(instance).map_or(Ok(()), |rule| Err(ValidationError::custom(rule)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.broken(instance).is_none()
    }
}
