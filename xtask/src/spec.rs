//! The one model that every specification is read into, whatever its format: facts, with where each stands in its file.
//!
//! Order is kept (generated structs follow it) but means nothing; prose stays apart, so that a comparison cannot see it.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What went wrong, in words for the person at the terminal.
pub type Outcome<T> = Result<T, String>;
/// Named things in the order of the file.
pub type Named<T> = Vec<(String, T)>;
/// Keywords that state a fact and need no meaning here: `format`, `enum`, `maxItems`, `operationId`…
pub type Facts = BTreeMap<String, Fact>;
/// Keywords that start with `x-`; only ours have a meaning.
pub type Extensions = Map<String, Value>;

/// A whole specification.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    pub title: Option<String>,
    pub facts: Facts,
    pub operations: Vec<Operation>,
    pub schemas: Named<Schema>,
    /// Operations that the vendor marks `x-amzn-api-internal`: read, named, and left out.
    pub internal: Vec<Operation>,
    pub description: Option<String>,
    pub extensions: Extensions,
}

/// The value of a keyword and its JSON pointer.
#[derive(Debug, Clone)]
pub struct Fact {
    pub at: String,
    pub value: Value,
}

#[derive(Debug, Clone)]
pub struct Operation {
    pub at: String,
    /// Upper case.
    pub method: String,
    pub path: String,
    pub facts: Facts,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    pub responses: Named<Response>,
    pub description: Option<String>,
    pub extensions: Extensions,
}

#[derive(Debug, Clone)]
pub struct Parameter {
    pub at: String,
    pub name: String,
    /// `path`, `query`, `header` or `cookie`.
    pub place: String,
    pub required: bool,
    /// `csv` for one comma-separated value, `multi` for a repeated key; only lists have it.
    pub list: Option<String>,
    pub schema: Schema,
    pub description: Option<String>,
    pub extensions: Extensions,
}

#[derive(Debug, Clone)]
pub struct Body {
    pub at: String,
    pub required: bool,
    pub content: Named<Schema>,
    pub description: Option<String>,
    pub extensions: Extensions,
}

#[derive(Debug, Clone, Default)]
pub struct Response {
    pub at: String,
    pub headers: Named<Schema>,
    pub content: Named<Schema>,
}

#[derive(Debug, Clone)]
pub struct Schema {
    pub at: String,
    pub kind: Kind,
    pub nullable: bool,
    pub facts: Facts,
    pub description: Option<String>,
    pub extensions: Extensions,
}

#[derive(Debug, Clone)]
pub enum Kind {
    Any,
    /// `string`, `integer`, `number`, `boolean`.
    Scalar(String),
    Array(Box<Schema>),
    Object(Object),
    /// A named schema, and where the reference stands.
    Reference(String, String),
    All(Vec<Schema>),
    One(Vec<Schema>),
}

#[derive(Debug, Clone, Default)]
pub struct Object {
    pub properties: Named<Schema>,
    pub required: BTreeSet<String>,
    pub additional: Additional,
}

/// What an object may hold beside its properties.
#[derive(Debug, Clone, Default)]
pub enum Additional {
    #[default]
    Unsaid,
    Closed,
    Open(Box<Schema>),
}

/// A JSON pointer one step further down.
pub fn join(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Finds a named thing.
pub fn find<'a, T>(named: &'a [(String, T)], name: &str) -> Option<&'a T> {
    named.iter().find(|(known, _)| known == name).map(|(_, thing)| thing)
}

impl Spec {
    pub fn schema(&self, name: &str) -> Outcome<&Schema> {
        find(&self.schemas, name).ok_or_else(|| format!("there is no schema `{name}`"))
    }

    /// Leaves operations out, and the schemas that only they use; unused schemas stay.
    pub fn leave_out(&mut self, left_out: impl Fn(&Operation) -> bool) -> Vec<Operation> {
        let (gone, kept) = std::mem::take(&mut self.operations).into_iter().partition::<Vec<_>, _>(&left_out);
        self.operations = kept;
        self.forget_schemas_of(&gone);
        gone
    }

    /// Drops the schemas that only operations outside the specification use.
    pub fn forget_schemas_of(&mut self, outside: &[Operation]) {
        let used = self.reachable(&self.operations);
        let unused = self.reachable(outside);
        self.schemas.retain(|(name, _)| used.contains(name) || !unused.contains(name));
    }

    fn reachable(&self, operations: &[Operation]) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        for operation in operations {
            operation.schemas().for_each(|(_, schema)| self.collect(schema, &mut seen));
        }
        seen
    }

    /// Adds the names of all schemas that `schema` leads to.
    pub fn collect(&self, schema: &Schema, seen: &mut BTreeSet<String>) {
        for name in schema.references() {
            if seen.insert(name.clone()) {
                find(&self.schemas, &name).into_iter().for_each(|schema| self.collect(schema, seen));
            }
        }
    }

    /// Where each schema is used: in requests, in answers.
    pub fn uses(&self) -> HashMap<String, Use> {
        let mut uses = HashMap::<String, Use>::new();
        for operation in &self.operations {
            for (asked, schema) in operation.schemas() {
                let mut seen = BTreeSet::new();
                self.collect(schema, &mut seen);
                for name in seen {
                    let entry = uses.entry(name).or_default();
                    entry.request |= asked;
                    entry.response |= !asked;
                }
            }
        }
        uses
    }
}

/// Which way a value travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Use {
    pub request: bool,
    pub response: bool,
}

impl Operation {
    /// The vendor's own name; method and path where it gave none.
    pub fn name(&self) -> String {
        let id = self.facts.get("operationId").and_then(|fact| fact.value.as_str());
        id.map_or_else(|| format!("{} {}", self.method, self.path), str::to_owned)
    }

    /// Every schema that it mentions; `true` for what is sent.
    pub fn schemas(&self) -> impl Iterator<Item = (bool, &Schema)> {
        let parameters = self.parameters.iter().map(|parameter| (true, &parameter.schema));
        let body = self.body.iter().flat_map(|body| &body.content).map(|(_, schema)| (true, schema));
        let answers = self.responses.iter().flat_map(|(_, response)| response.headers.iter().chain(&response.content));
        parameters.chain(body).chain(answers.map(|(_, schema)| (false, schema)))
    }

    /// The schema of the answer to a call that went well; `None` where such an answer has no content.
    pub fn success(&self) -> Outcome<Option<&Schema>> {
        let good = self.responses.iter().find(|(status, _)| status.starts_with('2'));
        let (_, response) = good.ok_or_else(|| format!("{}: no answer 2xx", self.name()))?;
        Ok(response.content.first().map(|(_, schema)| schema))
    }
}

impl Schema {
    /// A schema that says nothing yet.
    pub fn any(at: impl Into<String>) -> Self {
        let (facts, extensions) = Default::default();
        Self { at: at.into(), kind: Kind::Any, nullable: false, facts, description: None, extensions }
    }

    /// The schemas written inside this one.
    pub fn parts(&self) -> Vec<&Schema> {
        match &self.kind {
            Kind::Any | Kind::Scalar(_) | Kind::Reference(..) => Vec::new(),
            Kind::Array(items) => vec![items],
            Kind::All(parts) | Kind::One(parts) => parts.iter().collect(),
            Kind::Object(object) => {
                let open = match &object.additional {
                    Additional::Open(schema) => Some(schema.as_ref()),
                    _ => None,
                };
                object.properties.iter().map(|(_, schema)| schema).chain(open).collect()
            }
        }
    }

    /// The names that it refers to, also as the types of a discriminator.
    pub fn references(&self) -> Vec<String> {
        let own = match &self.kind {
            Kind::Reference(name, _) => Some(name.clone()),
            _ => None,
        };
        let mapped = self.mapping().into_iter().map(|(_, name)| name);
        let inner = self.parts().into_iter().flat_map(Schema::references);
        own.into_iter().chain(mapped).chain(inner).collect()
    }

    /// The types that the discriminator tells apart: the text on the wire and the schema's name.
    pub fn mapping(&self) -> Named<String> {
        let mapping = self.facts.get("discriminator").and_then(|fact| fact.value.get("mapping")?.as_object());
        let name = |value: &Value| value.as_str().map(|text| text.rsplit('/').next().unwrap_or(text).to_owned());
        mapping.into_iter().flatten().filter_map(|(text, value)| Some((text.clone(), name(value)?))).collect()
    }

    /// What it is, in a few words.
    pub fn words(&self) -> String {
        let kind = match &self.kind {
            Kind::Any => "anything".to_owned(),
            Kind::Scalar(name) => name.clone(),
            Kind::Array(items) => format!("array of {}", items.words()),
            Kind::Object(Object { additional: Additional::Open(schema), properties, .. }) if properties.is_empty() => {
                format!("map of {}", schema.words())
            }
            Kind::Object(_) => "object".to_owned(),
            Kind::Reference(name, _) => name.clone(),
            Kind::All(parts) => parts.iter().map(Schema::words).collect::<Vec<_>>().join(" and "),
            Kind::One(parts) => parts.iter().map(Schema::words).collect::<Vec<_>>().join(" or "),
        };
        kind + if self.nullable { " or null" } else { "" }
    }
}
