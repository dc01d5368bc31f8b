//! Which Rust type a schema becomes.

use super::names;
use crate::spec::{Additional, Kind, Named, Object, Operation, Outcome, Schema, Spec, Use, find};
use serde_json::Value;
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

/// A Rust type, as far as attributes and arguments depend on it.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    Text,
    Integer,
    Decimal,
    Truth,
    /// A map of anything.
    Map,
    /// Any JSON.
    Json,
    /// A type that reads one text or number: an enum, an identifier.
    Word(String),
    /// A generated struct or tagged union, or a hand-written type.
    Named(String),
    List(Box<Type>),
}

impl Type {
    /// Whether a value of it is handed over by copy.
    pub fn is_copied(&self) -> bool {
        matches!(self, Self::Integer | Self::Truth) || *self == Self::Word("core_http::Asin".to_owned())
    }

    /// The type's Rust text.
    pub fn rust(&self) -> String {
        match self {
            Self::Text => "String".to_owned(),
            Self::Integer => "i64".to_owned(),
            Self::Decimal => "rust_decimal::Decimal".to_owned(),
            Self::Truth => "bool".to_owned(),
            Self::Map => "serde_json::Map<String, serde_json::Value>".to_owned(),
            Self::Json => "serde_json::Value".to_owned(),
            Self::Word(name) | Self::Named(name) => name.clone(),
            Self::List(item) => format!("Vec<{}>", item.rust()),
        }
    }
}

/// An enum over the vendor's texts.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    pub description: Option<String>,
    /// Text on the wire, variant, description.
    pub values: Vec<(String, String, Option<String>)>,
}

/// A field of a struct, or an argument of an operation.
#[derive(Debug, Clone)]
pub struct Field {
    pub wire: String,
    pub rust: String,
    pub kind: Type,
    pub required: bool,
    pub lenient: bool,
    pub aliases: Vec<String>,
    pub description: Option<String>,
    /// A number on the wire, as opposed to a number in a text.
    pub number: bool,
    /// One text on the wire that holds a list.
    pub joined: bool,
}

/// A specification with what is learnt about it while types are made.
pub struct Types<'a> {
    pub spec: &'a Spec,
    pub uses: HashMap<String, Use>,
    choices: RefCell<Named<Choice>>,
    inline: RefCell<Vec<(String, Schema, Use)>>,
    wanted: RefCell<BTreeSet<String>>,
    /// Schemas that are variants of a union, and the field that tells them apart.
    tags: HashMap<String, String>,
    lenient: bool,
}

impl<'a> Types<'a> {
    pub fn new(spec: &'a Spec) -> Self {
        let lenient = spec.extensions.get("x-lenient") == Some(&Value::Bool(true));
        let mut tags = HashMap::new();
        spec.schemas.iter().for_each(|(_, schema)| collect_tags(schema, &mut tags));
        let (choices, inline, wanted) = Default::default();
        Self { spec, uses: spec.uses(), choices, inline, wanted, tags, lenient }
    }

    /// The enums met so far, in the order they were met.
    pub fn choices(&self) -> Named<Choice> {
        self.choices.borrow().clone()
    }

    /// The next struct that was found written in place.
    pub fn next_inline(&self) -> Option<(String, Schema, Use)> {
        let mut inline = self.inline.borrow_mut();
        if inline.is_empty() { None } else { Some(inline.remove(0)) }
    }

    /// The named schemas that some type refers to.
    pub fn wanted(&self) -> BTreeSet<String> {
        self.wanted.borrow().clone()
    }

    /// The type of a schema that only hand-written code refers to.
    pub fn named(&self, name: &str) -> Outcome<Type> {
        self.variant(name).map(Type::Named)
    }

    /// The Rust name of a schema that is a variant of a union.
    pub fn variant(&self, name: &str) -> Outcome<String> {
        self.wanted.borrow_mut().insert(name.to_owned());
        self.name_of(name)
    }

    /// The field that tells a variant apart; its union writes it.
    pub fn tag_of(&self, rust: &str) -> Option<&str> {
        let mut tags = self.tags.iter();
        tags.find(|(name, _)| self.name_of(name).is_ok_and(|known| known == rust)).map(|(_, tag)| tag.as_str())
    }

    /// The Rust name of a named schema.
    pub fn name_of(&self, name: &str) -> Outcome<String> {
        let schema = self.spec.schema(name)?;
        Ok(text(schema, "x-name").map_or_else(|| names::pascal(name), str::to_owned))
    }

    /// The type of a schema; `hint` names what has no name of its own.
    pub fn of(&self, schema: &Schema, hint: &str, uses: Use) -> Outcome<Type> {
        if let Some(name) = text(schema, "x-newtype") {
            return Ok(self.newtype(name));
        }
        if let Some(item) = text(schema, "x-joined") {
            return Ok(Type::List(Box::new(self.newtype(item))));
        }
        if schema.extensions.contains_key("x-tagged") {
            let name = text(schema, "x-name").map_or_else(|| names::pascal(hint), str::to_owned);
            self.remember(&name, schema, uses);
            return Ok(Type::Named(name));
        }
        match &schema.kind {
            Kind::Any => Ok(Type::Json),
            Kind::Scalar(_) if schema.facts.contains_key("enum") || schema.extensions.contains_key("x-enum") => {
                let name = text(schema, "x-name").map_or_else(|| names::pascal(hint), str::to_owned);
                self.choice(&name, schema)?;
                Ok(Type::Word(name))
            }
            Kind::Scalar(kind) => match kind.as_str() {
                "string" => Ok(Type::Text),
                "integer" => Ok(Type::Integer),
                "number" => Ok(Type::Decimal),
                "boolean" => Ok(Type::Truth),
                other => Err(format!("{}: no Rust type for `{other}`", schema.at)),
            },
            Kind::Array(items) => Ok(Type::List(Box::new(self.of(items, hint, uses)?))),
            Kind::Object(object) if object.properties.is_empty() => Ok(Type::Map),
            Kind::Object(_) => {
                let name = text(schema, "x-name").map_or_else(|| names::pascal(hint), str::to_owned);
                self.remember(&name, schema, uses);
                Ok(Type::Named(name))
            }
            Kind::Reference(name, _) => self.reference(name, uses),
            Kind::All(_) => match self.generic(schema, uses)? {
                Some(found) => Ok(found),
                None => Err(format!("{}: an `allOf` needs a name: move it to `components`", schema.at)),
            },
            Kind::One(_) => Ok(Type::Json),
        }
    }

    fn newtype(&self, name: &str) -> Type {
        match name {
            "Asin" => Type::Word("core_http::Asin".to_owned()),
            "Decimal" => Type::Decimal,
            "Value" => Type::Json,
            "String" => Type::Text,
            other => Type::Word(format!("crate::{other}")),
        }
    }

    fn remember(&self, name: &str, schema: &Schema, uses: Use) {
        let mut inline = self.inline.borrow_mut();
        if !inline.iter().any(|(known, ..)| known == name) {
            inline.push((name.to_owned(), schema.clone(), uses));
        }
    }

    fn reference(&self, name: &str, uses: Use) -> Outcome<Type> {
        let schema = self.spec.schema(name)?;
        if text(schema, "x-newtype").is_some() {
            return self.of(schema, name, uses);
        }
        if let Some(generic) = self.generic(schema, uses)? {
            return Ok(generic);
        }
        let composed = matches!(schema.kind, Kind::All(_)) || !schema.mapping().is_empty();
        match &schema.kind {
            Kind::Object(object) if composed || !object.properties.is_empty() => {}
            Kind::All(_) => {}
            _ if composed => {}
            _ => return self.of(schema, name, uses),
        }
        self.wanted.borrow_mut().insert(name.to_owned());
        self.name_of(name).map(Type::Named)
    }

    /// `x-generic`, at the root of a base schema or on a schema itself: its one property that differs from use to use is
    /// what a hand-written generic type is over.
    fn generic(&self, schema: &Schema, uses: Use) -> Outcome<Option<Type>> {
        let bases = self.spec.extensions.get("x-generic");
        let of_base = |part: &Schema| match &part.kind {
            Kind::Reference(base, _) => bases?.get(base),
            _ => None,
        };
        let inherited = match &schema.kind {
            Kind::All(parts) => parts.iter().find_map(of_base),
            _ => None,
        };
        let Some(generic) = schema.extensions.get("x-generic").or(inherited) else { return Ok(None) };
        let (name, over) = (generic["type"].as_str().unwrap_or("Task"), generic["over"].as_str().unwrap_or("result"));
        let object = self.flat(schema)?;
        let content = find(&object.properties, over).ok_or_else(|| format!("{}: no `{over}`", schema.at))?;
        let content = match &content.kind {
            Kind::Array(items) => self.of(items, over, uses)?,
            _ => Type::Json,
        };
        Ok(Some(Type::Named(format!("{name}<{}>", content.rust()))))
    }

    /// The properties of an object, with those that it takes in by `allOf`.
    pub fn flat(&self, schema: &Schema) -> Outcome<Object> {
        match &schema.kind {
            Kind::Object(object) => Ok(object.clone()),
            Kind::Reference(name, _) => self.flat(self.spec.schema(name)?),
            Kind::All(parts) => {
                let mut whole = Object { additional: Additional::Unsaid, ..Object::default() };
                for part in parts {
                    let object = self.flat(part)?;
                    whole.properties.retain(|(name, _)| find(&object.properties, name).is_none());
                    whole.properties.extend(object.properties);
                    whole.required.extend(object.required);
                }
                Ok(whole)
            }
            _ => Err(format!("{}: is {}, not an object", schema.at, schema.words())),
        }
    }

    /// The fields of a struct.
    pub fn fields(&self, owner: &str, schema: &Schema, uses: Use) -> Outcome<Vec<Field>> {
        let object = self.flat(schema)?;
        let promised = |name: &str| texts(schema.extensions.get("x-required")).iter().any(|known| known == name);
        let alias_of = |property: &Schema| text(property, "x-alias-of").map(str::to_owned);
        let mut fields: Vec<Field> = Vec::new();
        for (name, property) in &object.properties {
            // A property that has been renamed stands where its older name stands.
            let (name, property) = match alias_of(property) {
                None => (name, property),
                Some(newer) => {
                    let found = object.properties.iter().find(|(name, _)| *name == newer);
                    let (name, property) = found.ok_or_else(|| format!("{}: no `{newer}` beside it", property.at))?;
                    (name, property)
                }
            };
            if fields.iter().any(|known| known.wire == *name) {
                continue;
            }
            let required = object.required.contains(name) || promised(name);
            let mut field = self.field(owner, name, property, required, uses)?;
            let older = object.properties.iter().filter(|(_, other)| alias_of(other).as_ref() == Some(name));
            field.aliases.extend(older.map(|(older, _)| older.clone()));
            fields.push(field);
        }
        Ok(fields)
    }

    /// One field.
    pub fn field(&self, owner: &str, name: &str, schema: &Schema, required: bool, uses: Use) -> Outcome<Field> {
        let kind = self.of(schema, &format!("{owner}_{name}"), uses)?;
        let own = schema.extensions.get("x-lenient").and_then(Value::as_bool);
        let renamed = text(schema, "x-field");
        Ok(Field {
            wire: name.to_owned(),
            rust: renamed.map_or_else(|| names::snake(name), str::to_owned),
            joined: schema.extensions.contains_key("x-joined"),
            number: matches!(&schema.kind, Kind::Scalar(kind) if kind == "number"),
            lenient: own.unwrap_or(self.lenient && !required),
            required: required && !(uses.response && schema.nullable),
            kind,
            aliases: texts(schema.extensions.get("x-alias")),
            description: schema.description.clone(),
        })
    }

    fn choice(&self, name: &str, schema: &Schema) -> Outcome<()> {
        let listed = |key: &str| schema.extensions.get(key).cloned().unwrap_or(Value::Null);
        let (names, docs) = (listed("x-enum-names"), listed("x-enum-docs"));
        let mut values = texts(schema.facts.get("enum").map(|fact| &fact.value));
        values.extend(texts(schema.extensions.get("x-enum")));
        let mut choices = self.choices.borrow_mut();
        if find(&choices, name).is_none() {
            choices.push((name.to_owned(), Choice::default()));
        }
        let known = choices.iter_mut().find(|(known, _)| known == name);
        let (_, choice) = known.ok_or("an enum was lost")?;
        choice.description = choice.description.take().or_else(|| schema.description.clone());
        for value in values {
            let doc = docs[&value].as_str().map(str::to_owned);
            match choice.values.iter_mut().find(|(known, ..)| *known == value) {
                Some((.., known)) => *known = known.take().or(doc),
                None => {
                    let variant = names[&value].as_str().map_or_else(|| names::pascal(&value), str::to_owned);
                    choice.values.push((value, variant, doc));
                }
            }
        }
        Ok(())
    }

    /// What the vendor's envelope holds in the answer of an operation.
    pub fn content(&self, operation: &Operation) -> Outcome<Type> {
        let name = operation.name();
        let Some(whole) = operation.success()? else { return Ok(Type::Named("core_http::Nothing".to_owned())) };
        let response = Use { request: false, response: true };
        if whole.facts.get("format").is_some_and(|fact| fact.value == "binary") {
            // A file has no envelope; it is streamed past the types.
            return Ok(Type::Json);
        }
        let within = self.spec.extensions.get("x-envelope").and_then(|envelope| envelope["within"].as_str());
        match within {
            None => self.of(whole, &format!("{name}Answer"), response),
            Some(within) => {
                let object = self.flat(whole)?;
                let content =
                    find(&object.properties, within).ok_or_else(|| format!("{name}: no `{within}` in the answer"))?;
                self.of(content, &format!("{name}Answer"), response)
            }
        }
    }
}

fn collect_tags(schema: &Schema, tags: &mut HashMap<String, String>) {
    if let Some((by, variants)) = super::models::tagged(schema) {
        tags.extend(variants.into_iter().map(|(_, name)| (name, by.clone())));
    }
    schema.parts().into_iter().for_each(|part| collect_tags(part, tags));
}

/// A text extension.
pub fn text<'s>(schema: &'s Schema, key: &str) -> Option<&'s str> {
    schema.extensions.get(key).and_then(Value::as_str)
}

pub fn texts(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}
