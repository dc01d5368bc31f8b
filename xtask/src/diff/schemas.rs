//! The part of the comparison that looks into schemas.

use super::{Differ, Impact};
use crate::spec::{Additional, Fact, Facts, Kind, Object, Schema, Use, join};
use serde_json::Value;
use std::collections::BTreeSet;

/// Which way the compared value travels: what is a promise in an answer is a demand in a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Side {
    Request,
    Response,
    Both,
}

impl From<Use> for Side {
    fn from(uses: Use) -> Self {
        match uses {
            Use { request: true, response: true } => Self::Both,
            Use { request: true, response: false } => Self::Request,
            Use { request: false, .. } => Self::Response,
        }
    }
}

impl Side {
    /// The impact of asking for more in a request, or promising less in an answer.
    fn stricter(self) -> Impact {
        if self == Self::Response { Impact::Additive } else { Impact::Breaking }
    }

    fn looser(self) -> Impact {
        if self == Self::Request { Impact::Additive } else { Impact::Breaking }
    }
}

impl Differ {
    pub(super) fn schema(&mut self, old: &Schema, new: &Schema, what: &str, side: Side) {
        match (old.nullable, new.nullable) {
            (false, true) => self.say(side.looser(), join(&new.at, "nullable"), format!("{what} may be null")),
            (true, false) => {
                self.say(side.stricter(), join(&new.at, "nullable"), format!("{what} may no longer be null"))
            }
            _ => {}
        }
        self.schema_facts(&old.facts, &new.facts, what, side);
        match (&old.kind, &new.kind) {
            (Kind::Any, Kind::Any) => {}
            (Kind::Scalar(before), Kind::Scalar(now)) if before == now => {}
            (Kind::Reference(before, _), Kind::Reference(now, _)) if before == now => {}
            (Kind::Array(before), Kind::Array(now)) => self.schema(before, now, &format!("element of {what}"), side),
            (Kind::Object(before), Kind::Object(now)) => self.objects((before, &old.at), (now, &new.at), what, side),
            (Kind::All(before), Kind::All(now)) | (Kind::One(before), Kind::One(now)) => {
                self.parts(before, now, &new.at, what, side);
            }
            _ => {
                let words = format!("{what} is {}, was {}", new.words(), old.words());
                self.say(Impact::Breaking, type_pointer(new), words);
            }
        }
    }

    /// References are matched by name, whatever is written in place by its position among its like.
    fn parts(&mut self, old: &[Schema], new: &[Schema], at: &str, what: &str, side: Side) {
        let name = |schema: &Schema| match &schema.kind {
            Kind::Reference(name, _) => Some(name.clone()),
            _ => None,
        };
        let names = |list: &[Schema]| list.iter().filter_map(name).collect::<BTreeSet<_>>();
        let (before, now) = (names(old), names(new));
        for schema in old.iter().filter(|schema| name(schema).is_some_and(|name| !now.contains(&name))) {
            let words = format!("{what} no longer takes in {}", schema.words());
            self.say(Impact::Breaking, reference_pointer(schema), words);
        }
        for schema in new.iter().filter(|schema| name(schema).is_some_and(|name| !before.contains(&name))) {
            self.say(Impact::Breaking, reference_pointer(schema), format!("{what} takes in {}", schema.words()));
        }
        for schema in new.iter().filter(|schema| name(schema).is_some()) {
            if let Some(old) = old.iter().find(|old| name(old) == name(schema)) {
                self.schema(old, schema, what, side);
            }
        }
        let written =
            |list: &[Schema]| list.iter().filter(|schema| name(schema).is_none()).cloned().collect::<Vec<_>>();
        let (before, now) = (written(old), written(new));
        if before.len() != now.len() {
            self.say(Impact::Breaking, at, format!("{what} is made of {} parts, was {}", new.len(), old.len()));
        }
        for (before, now) in before.iter().zip(&now) {
            self.schema(before, now, what, side);
        }
    }

    fn objects(&mut self, (old, old_at): (&Object, &str), (new, new_at): (&Object, &str), what: &str, side: Side) {
        let find = crate::spec::find::<Schema>;
        for (name, gone) in old.properties.iter().filter(|(name, _)| find(&new.properties, name).is_none()) {
            self.say(Impact::Breaking, &gone.at, format!("property {what}.{name} removed"));
        }
        for (name, property) in &new.properties {
            match find(&old.properties, name) {
                Some(old) => self.schema(old, property, &format!("{what}.{name}"), side),
                None => {
                    let required = new.required.contains(name);
                    let impact = if required { side.stricter() } else { Impact::Additive };
                    let kind = if required { "required property" } else { "property" };
                    self.say(impact, &property.at, format!("{kind} {what}.{name} added ({})", property.words()));
                }
            }
        }
        let there = |name: &&String| find(&old.properties, name).is_some() || find(&new.properties, name).is_none();
        for name in new.required.difference(&old.required).filter(there) {
            self.say(side.stricter(), join(new_at, "required"), format!("{what}.{name} became required"));
        }
        for name in old.required.difference(&new.required) {
            if find(&old.properties, name).is_none() || find(&new.properties, name).is_some() {
                self.say(side.looser(), join(new_at, "required"), format!("{what}.{name} is no longer required"));
            }
        }
        let (at, gone_at) = (join(new_at, "additionalProperties"), join(old_at, "additionalProperties"));
        match (&old.additional, &new.additional) {
            (Additional::Unsaid, Additional::Unsaid) | (Additional::Closed, Additional::Closed) => {}
            (Additional::Open(old), Additional::Open(new)) => {
                self.schema(old, new, &format!("additional property of {what}"), side);
            }
            (_, Additional::Unsaid) => {
                self.say(
                    Impact::Breaking,
                    gone_at,
                    format!("{what} no longer says whether it holds additional properties"),
                );
            }
            (_, Additional::Closed) => {
                self.say(side.stricter(), at, format!("{what} holds no additional properties any more"));
            }
            (_, Additional::Open(schema)) => {
                let words = format!("{what} may hold additional properties: {}", schema.words());
                self.say(Impact::Additive, at, words);
            }
        }
    }

    fn schema_facts(&mut self, old: &Facts, new: &Facts, what: &str, side: Side) {
        let (mut rest_old, mut rest_new) = (old.clone(), new.clone());
        if let (Some(before), Some(now)) = (old.get("enum"), new.get("enum")) {
            self.values_of_enum(&before.value, now, what, side);
            rest_old.remove("enum");
            rest_new.remove("enum");
        }
        let bounds: BTreeSet<&str> =
            old.keys().chain(new.keys()).map(String::as_str).filter(|key| upper(key).is_some()).collect();
        for key in bounds {
            let number = |facts: &Facts| facts.get(key).and_then(|fact| fact.value.as_f64());
            let (before, now) = (number(old), number(new));
            if before.is_none() && now.is_none() || before == now {
                continue;
            }
            let is_upper = upper(key) == Some(true);
            let tighter = match (before, now) {
                (None, _) => true,
                (_, None) => false,
                (Some(before), Some(now)) => (now < before) == is_upper,
            };
            let impact = if tighter { side.stricter() } else { Impact::Additive };
            let word = |value: Option<f64>| value.map_or("unlimited".to_owned(), |number| number.to_string());
            let at = new.get(key).or_else(|| old.get(key)).map_or("", |fact| fact.at.as_str()).to_owned();
            self.say(impact, at, format!("{key} of {what} is {}, was {}", word(now), word(before)));
            rest_old.remove(key);
            rest_new.remove(key);
        }
        let stated = new.keys().filter(|key| !old.contains_key(*key)).cloned().collect::<BTreeSet<_>>();
        self.facts(&rest_old, &rest_new, what, |key| match key {
            "default" if stated.contains(key) => Impact::Additive,
            "deprecated" | "readOnly" | "writeOnly" => Impact::Additive,
            _ => Impact::Breaking,
        });
    }

    fn values_of_enum(&mut self, old: &Value, new: &Fact, what: &str, side: Side) {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let (before, now) = (list(old), list(&new.value));
        for value in now.iter().filter(|value| !before.contains(value)) {
            // Our enums are open: a new value in an answer is kept as text.
            self.say(Impact::Additive, &new.at, format!("value {value} of {what} added"));
        }
        for value in before.iter().filter(|value| !now.contains(value)) {
            self.say(side.stricter(), &new.at, format!("value {value} of {what} removed"));
        }
    }
}

/// Whether a bound limits from above; `None` for what is no bound.
fn upper(key: &str) -> Option<bool> {
    match key {
        "maximum" | "exclusiveMaximum" | "maxItems" | "maxLength" | "maxProperties" => Some(true),
        "minimum" | "exclusiveMinimum" | "minItems" | "minLength" | "minProperties" => Some(false),
        _ => None,
    }
}

fn reference_pointer(schema: &Schema) -> String {
    match &schema.kind {
        Kind::Reference(_, at) => at.clone(),
        _ => schema.at.clone(),
    }
}

/// Where a schema says what it is.
fn type_pointer(schema: &Schema) -> String {
    match &schema.kind {
        Kind::Reference(_, at) => at.clone(),
        Kind::Any | Kind::All(_) | Kind::One(_) => schema.at.clone(),
        Kind::Scalar(_) | Kind::Array(_) | Kind::Object(_) => join(&schema.at, "type"),
    }
}
