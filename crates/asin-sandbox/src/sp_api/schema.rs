//! A checker of product type schemas: the keywords that they use, Amazon's own among them.
//!
//! It is the sandbox's own reading on purpose. A client that validates with a library would else be tested by that library.

use serde_json::{Map, Value};

use super::patch::selected_by;

/// What is wrong with one attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) attribute: String,
    /// Whether it is not there; otherwise what is there is not right.
    pub(super) missing: bool,
}

/// Everything that is wrong with a listing's attributes; with `only`, of these attributes alone, whether all is there or not.
pub(super) fn check(schema: &Value, attributes: &Map<String, Value>, only: Option<&[String]>) -> Vec<Wrong> {
    let root = Root(schema);
    let mut wrong: Vec<Wrong> = Vec::new();
    let mut add = |attribute: &str, missing: bool| {
        if !wrong.iter().any(|known| known.attribute == attribute) {
            wrong.push(Wrong { attribute: attribute.to_owned(), missing });
        }
    };
    if only.is_none() {
        root.required(schema, attributes).into_iter().for_each(|name| add(&name, true));
    }
    let free = schema["additionalProperties"] != Value::Bool(false);
    for (name, value) in attributes {
        if only.is_some_and(|only| !only.contains(name)) {
            continue;
        }
        match schema["properties"].get(name) {
            Some(rule) if root.fits(rule, value) => {}
            None if free => {}
            _ => add(name, false),
        }
    }
    wrong
}

/// A schema to which references point.
struct Root<'a>(&'a Value);

impl Root<'_> {
    /// The attributes that must be there and are not, by `required` and by the conditions of `allOf`.
    fn required(&self, schema: &Value, attributes: &Map<String, Value>) -> Vec<String> {
        let named = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut missing: Vec<String> =
            named.filter(|name| !attributes.contains_key(*name)).map(str::to_owned).collect();
        let whole = Value::Object(attributes.clone());
        for part in schema["allOf"].as_array().into_iter().flatten() {
            match part.get("if") {
                None => missing.extend(self.required(part, attributes)),
                Some(condition) => {
                    let branch = if self.fits(condition, &whole) { "then" } else { "else" };
                    if let Some(branch) = part.get(branch) {
                        missing.extend(self.required(branch, attributes));
                    }
                }
            }
        }
        missing
    }

    /// Whether a value obeys a schema. A keyword that nobody knows says nothing.
    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let Some(schema) = schema.as_object() else { return schema != &Value::Bool(false) };
        schema.iter().all(|(keyword, rule)| self.obeys(schema, keyword, rule, value))
    }

    fn obeys(&self, schema: &Map<String, Value>, keyword: &str, rule: &Value, value: &Value) -> bool {
        let parts = || rule.as_array().into_iter().flatten();
        let most = |actual: usize| rule.as_u64().is_none_or(|most| actual as u64 <= most);
        let least = |actual: usize| rule.as_u64().is_none_or(|least| actual as u64 >= least);
        match (keyword, value) {
            ("$ref", _) => {
                let target = rule.as_str().and_then(|path| self.0.pointer(path.strip_prefix('#')?));
                target.is_none_or(|target| self.fits(target, value))
            }
            ("type", _) => match rule {
                Value::Array(types) => types.iter().any(|kind| is(kind, value)),
                kind => is(kind, value),
            },
            ("enum", _) => parts().any(|one| one == value),
            ("const", _) => rule == value,
            ("not", _) => !self.fits(rule, value),
            ("anyOf", _) => parts().any(|part| self.fits(part, value)),
            ("oneOf", _) => parts().filter(|part| self.fits(part, value)).count() == 1,
            ("allOf", _) => parts().all(|part| self.fits(part, value)),
            ("if", _) => {
                let branch = if self.fits(rule, value) { "then" } else { "else" };
                schema.get(branch).is_none_or(|branch| self.fits(branch, value))
            }
            ("minimum", Value::Number(number)) => {
                rule.as_f64().zip(number.as_f64()).is_none_or(|(least, is)| is >= least)
            }
            ("maximum", Value::Number(number)) => {
                rule.as_f64().zip(number.as_f64()).is_none_or(|(most, is)| is <= most)
            }
            ("minLength", Value::String(text)) => least(text.chars().count()),
            ("maxLength", Value::String(text)) => most(text.chars().count()),
            ("minUtf8ByteLength", Value::String(text)) => least(text.len()),
            ("maxUtf8ByteLength", Value::String(text)) => most(text.len()),
            ("pattern", Value::String(text)) => {
                let pattern = rule.as_str().and_then(|pattern| regex_lite::Regex::new(pattern).ok());
                pattern.is_none_or(|pattern| pattern.is_match(text))
            }
            ("required", Value::Object(object)) => {
                parts().filter_map(Value::as_str).all(|name| object.contains_key(name))
            }
            ("properties", Value::Object(object)) => {
                let named =
                    |(name, part): (&String, &Value)| object.get(name).is_none_or(|value| self.fits(part, value));
                rule.as_object().is_none_or(|properties| properties.iter().all(named))
            }
            ("additionalProperties", Value::Object(object)) => {
                let known = schema.get("properties").and_then(Value::as_object);
                let other = |name: &String| known.is_none_or(|known| !known.contains_key(name));
                object.iter().filter(|(name, _)| other(name)).all(|(_, value)| self.fits(rule, value))
            }
            ("items", Value::Array(items)) => items.iter().all(|item| self.fits(rule, item)),
            ("contains", Value::Array(items)) => items.iter().any(|item| self.fits(rule, item)),
            ("minItems", Value::Array(items)) => least(items.len()),
            ("maxItems", Value::Array(items)) => most(items.len()),
            ("minUniqueItems" | "maxUniqueItems", Value::Array(items)) => {
                let counts = selected_by(schema.get("selectors"), items);
                counts.into_iter().all(|count| if keyword == "minUniqueItems" { least(count) } else { most(count) })
            }
            _ => true,
        }
    }
}

fn is(kind: &Value, value: &Value) -> bool {
    match (kind.as_str(), value) {
        (Some("object"), Value::Object(_))
        | (Some("array"), Value::Array(_))
        | (Some("string"), Value::String(_))
        | (Some("boolean"), Value::Bool(_))
        | (Some("number"), Value::Number(_))
        | (Some("null"), Value::Null)
        | (None, _) => true,
        (Some("integer"), Value::Number(number)) => number.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    }
}
