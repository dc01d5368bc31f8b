//! What changed between two specifications, in words: each change with its JSON pointer and what it means for a caller.
//!
//! The pointer is that of the new file; of the old one for what was removed.

mod schemas;

use crate::spec::{Fact, Facts, Named, Operation, Parameter, Schema, Spec, Use, find, join};
use schemas::Side;
use serde_json::Value;
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

/// What a change does to callers that were written before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// They may fail.
    Breaking,
    /// They go on working.
    Additive,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub at: String,
    pub impact: Impact,
    pub words: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let impact = match self.impact {
            Impact::Breaking => "breaking",
            Impact::Additive => "additive",
        };
        write!(f, "{impact}: {} ({})", self.words, self.at)
    }
}

/// Compares facts; prose, examples and order do not count.
pub fn diff(old: &Spec, new: &Spec) -> Vec<Change> {
    let mut uses = old.uses();
    for (name, found) in new.uses() {
        let known = uses.entry(name).or_default();
        *known = Use { request: known.request | found.request, response: known.response | found.response };
    }
    let mut differ = Differ { changes: Vec::new(), uses };
    differ.specs(old, new);
    differ.changes
}

struct Differ {
    changes: Vec<Change>,
    uses: HashMap<String, Use>,
}

impl Differ {
    fn say(&mut self, impact: Impact, at: impl Into<String>, words: String) {
        self.changes.push(Change { at: at.into(), impact, words });
    }

    fn specs(&mut self, old: &Spec, new: &Spec) {
        self.facts(&old.facts, &new.facts, "the API", |_| Impact::Breaking);
        let key = |operation: &Operation| (operation.path.clone(), operation.method.clone());
        for gone in old.operations.iter().filter(|old| !new.operations.iter().any(|new| key(new) == key(old))) {
            self.say(Impact::Breaking, &gone.at, format!("operation {} removed", gone.name()));
        }
        for operation in &new.operations {
            match old.operations.iter().find(|old| key(old) == key(operation)) {
                Some(old) => self.operations(old, operation),
                None => self.say(Impact::Additive, &operation.at, format!("operation {} added", operation.name())),
            }
        }
        for (name, gone) in old.schemas.iter().filter(|(name, _)| find(&new.schemas, name).is_none()) {
            self.say(Impact::Breaking, &gone.at, format!("schema {name} removed"));
        }
        for (name, schema) in &new.schemas {
            let uses = self.uses.get(name).copied().unwrap_or(Use { request: false, response: true });
            match find(&old.schemas, name) {
                Some(old) => self.schema(old, schema, name, uses.into()),
                None => self.say(Impact::Additive, &schema.at, format!("schema {name} added")),
            }
        }
    }

    fn operations(&mut self, old: &Operation, new: &Operation) {
        let name = new.name();
        self.facts(&old.facts, &new.facts, &name, |key| match key {
            "deprecated" => Impact::Additive,
            _ => Impact::Breaking,
        });
        let known = |list: &[Parameter], one: &Parameter| {
            list.iter().find(|other| other.name == one.name && other.place == one.place).cloned()
        };
        for gone in old.parameters.iter().filter(|one| known(&new.parameters, one).is_none()) {
            let words = format!("{} parameter {} of {name} removed", gone.place, gone.name);
            self.say(Impact::Breaking, &gone.at, words);
        }
        for parameter in &new.parameters {
            match known(&old.parameters, parameter) {
                Some(old) => self.parameters(&old, parameter, &name),
                None => {
                    let kind = if parameter.required { "required" } else { "optional" };
                    let words = format!(
                        "{kind} {} parameter {} of {name} added ({})",
                        parameter.place,
                        parameter.name,
                        parameter.schema.words()
                    );
                    let impact = if parameter.required { Impact::Breaking } else { Impact::Additive };
                    self.say(impact, &parameter.at, words);
                }
            }
        }
        match (&old.body, &new.body) {
            (Some(old), Some(new)) => {
                self.required(old.required, new.required, &new.at, &format!("the body of {name}"));
                self.named(&old.content, &new.content, &format!("the body of {name}"), Side::Request);
            }
            (Some(old), None) => self.say(Impact::Breaking, &old.at, format!("the body of {name} removed")),
            (None, Some(new)) => {
                let impact = if new.required { Impact::Breaking } else { Impact::Additive };
                self.say(impact, &new.at, format!("{name} takes a body"));
            }
            (None, None) => {}
        }
        for (status, gone) in old.responses.iter().filter(|(status, _)| find(&new.responses, status).is_none()) {
            self.say(Impact::Breaking, &gone.at, format!("answer {status} of {name} removed"));
        }
        for (status, response) in &new.responses {
            let what = format!("answer {status} of {name}");
            match find(&old.responses, status) {
                None => self.say(Impact::Additive, &response.at, format!("{what} added")),
                Some(old) => {
                    self.named(&old.content, &response.content, &what, Side::Response);
                    self.named(&old.headers, &response.headers, &format!("header of {what}"), Side::Response);
                }
            }
        }
    }

    fn parameters(&mut self, old: &Parameter, new: &Parameter, operation: &str) {
        let what = format!("parameter {} of {operation}", new.name);
        self.required(old.required, new.required, &new.at, &what);
        if let (Some(before), Some(now)) = (&old.list, &new.list)
            && before != now
        {
            let words = format!("{what} is sent as a {now} list, was {before}");
            self.say(Impact::Breaking, join(&new.at, "collectionFormat"), words);
        }
        self.schema(&old.schema, &new.schema, &what, Side::Request);
    }

    fn required(&mut self, old: bool, new: bool, at: &str, what: &str) {
        let at = join(at, "required");
        match (old, new) {
            (false, true) => self.say(Impact::Breaking, at, format!("{what} became required")),
            (true, false) => self.say(Impact::Additive, at, format!("{what} became optional")),
            _ => {}
        }
    }

    /// Headers, and bodies by media type.
    fn named(&mut self, old: &Named<Schema>, new: &Named<Schema>, what: &str, side: Side) {
        for (name, gone) in old.iter().filter(|(name, _)| find(new, name).is_none()) {
            self.say(Impact::Breaking, &gone.at, format!("{name}: {what} removed"));
        }
        for (name, schema) in new {
            match find(old, name) {
                Some(old) => self.schema(old, schema, what, side),
                None => self.say(Impact::Additive, &schema.at, format!("{name}: {what} added")),
            }
        }
    }

    /// Keywords without a meaning of their own here.
    fn facts(&mut self, old: &Facts, new: &Facts, what: &str, impact: impl Fn(&str) -> Impact) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            match (old.get(key), new.get(key)) {
                (Some(old), Some(new)) => {
                    self.values(&old.value, &new.value, &new.at, &format!("{key} of {what}"), impact(key))
                }
                (Some(Fact { at, value }), None) => {
                    self.say(impact(key), at, format!("{key} of {what} removed, was {value}"));
                }
                (None, Some(Fact { at, value })) => {
                    self.say(impact(key), at, format!("{key} of {what} is now stated: {value}"))
                }
                (None, None) => {}
            }
        }
    }

    /// Any JSON; lists are compared without their order.
    fn values(&mut self, old: &Value, new: &Value, at: &str, what: &str, impact: Impact) {
        match (old, new) {
            (Value::Object(before), Value::Object(now)) => {
                for (key, value) in before.iter().filter(|(key, _)| !now.contains_key(*key)) {
                    self.say(impact, join(at, key), format!("{what}: {key} removed, was {value}"));
                }
                for (key, value) in now {
                    match before.get(key) {
                        Some(old) => self.values(old, value, &join(at, key), what, impact),
                        None => self.say(Impact::Additive, join(at, key), format!("{what}: {key} added, {value}")),
                    }
                }
            }
            (Value::Array(before), Value::Array(now)) => {
                let texts = |list: &[Value]| list.iter().map(Value::to_string).collect::<BTreeSet<_>>();
                if texts(before) != texts(now) {
                    self.say(impact, at, format!("{what} is {new}, was {old}"));
                }
            }
            _ if old != new => self.say(impact, at, format!("{what} is {new}, was {old}")),
            _ => {}
        }
    }
}
