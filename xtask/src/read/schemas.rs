//! The part of the reader that looks into schemas.

use super::{Place, Reader, entries, extensions, facts, text};
use crate::spec::{Additional, Fact, Kind, Object, Outcome, Schema, join};
use serde_json::{Value, json};

/// Keywords that the model has a place for.
const STRUCTURE: &[&str] =
    &["type", "$ref", "oneOf", "anyOf", "allOf", "properties", "required", "additionalProperties", "items", "nullable"];

impl Reader<'_> {
    pub(super) fn schema(&self, value: &Value, at: &str, place: Place) -> Outcome<Schema> {
        let mut schema = Schema::any(at);
        schema.nullable = self.nullable && place == Place::Value;
        let Some(map) = value.as_object() else { return Ok(schema) };
        if let Some(truth) =
            [&map.get("x-nullable"), &map.get("nullable")].iter().find_map(|value| value.as_ref()?.as_bool())
        {
            schema.nullable = truth;
        }
        let types: Vec<&str> = match map.get("type") {
            Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
            other => other.and_then(Value::as_str).into_iter().collect(),
        };
        schema.nullable |= types.contains(&"null");
        let kind = types.into_iter().find(|name| *name != "null");
        schema.description = text(&value["description"]);
        schema.extensions = extensions(value);
        schema.facts = facts(value, at, STRUCTURE);

        if let Some(reference) = value["$ref"].as_str() {
            let Some(name) =
                ["#/definitions/", "#/components/schemas/"].iter().find_map(|root| reference.strip_prefix(root))
            else {
                return Err(format!("{at}: `{reference}` is not a schema of this file"));
            };
            schema.kind = Kind::Reference(name.replace("~1", "/").replace("~0", "~"), join(at, "$ref"));
            return Ok(schema);
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            let Some(parts) = map.get(key).and_then(Value::as_array) else { continue };
            return self.composed(schema, value, key, parts);
        }
        schema.kind = match kind {
            Some("array") => Kind::Array(Box::new(self.schema(&value["items"], &join(at, "items"), Place::Value)?)),
            Some("file") => {
                schema.facts.insert("format".into(), Fact { at: join(at, "type"), value: json!("binary") });
                Kind::Scalar("string".into())
            }
            Some("object") => Kind::Object(self.object(value, at)?),
            None if map.contains_key("properties") || map.contains_key("additionalProperties") => {
                Kind::Object(self.object(value, at)?)
            }
            Some(name) => Kind::Scalar(name.to_owned()),
            None if map.contains_key("enum") => Kind::Scalar("string".into()),
            None => Kind::Any,
        };
        if matches!(schema.kind, Kind::Array(_)) {
            schema.facts.entry("default".into()).and_modify(|fact| {
                if !fact.value.is_array() {
                    fact.value = json!([fact.value]);
                }
            });
        }
        Ok(schema)
    }

    /// `allOf`, `oneOf`, `anyOf`; one part alone is that part.
    fn composed(&self, mut schema: Schema, value: &Value, key: &str, parts: &[Value]) -> Outcome<Schema> {
        let at = join(&schema.at, key);
        let null = |part: &Value| part["type"] == "null";
        let mut read = Vec::new();
        for (index, part) in parts.iter().enumerate().filter(|(_, part)| !null(part)) {
            read.push(self.schema(part, &join(&at, &index.to_string()), Place::Definition)?);
        }
        schema.nullable |= parts.iter().any(null);
        if value.get("properties").is_some() {
            let own = self.object(value, &schema.at)?;
            read.push(Schema { kind: Kind::Object(own), ..Schema::any(schema.at.clone()) });
        } else if let Some(kind) = value["type"].as_str().filter(|kind| *kind != "object") {
            schema.facts.insert("type".into(), Fact { at: join(&schema.at, "type"), value: json!(kind) });
        }
        match (read.len(), key) {
            (1, _) => {
                let part = read.remove(0);
                schema.kind = part.kind;
                schema.nullable |= part.nullable;
                for (key, fact) in part.facts {
                    schema.facts.entry(key).or_insert(fact);
                }
                schema.description = schema.description.or(part.description);
                for (key, value) in part.extensions {
                    schema.extensions.entry(key).or_insert(value);
                }
            }
            (_, "allOf") => schema.kind = Kind::All(read),
            _ => schema.kind = Kind::One(read),
        }
        Ok(schema)
    }

    fn object(&self, value: &Value, at: &str) -> Outcome<Object> {
        let mut object = Object::default();
        for (name, property) in entries(&value["properties"]) {
            let at = join(&join(at, "properties"), name);
            object.properties.push((name.clone(), self.schema(property, &at, Place::Value)?));
        }
        object.required = value["required"].as_array().into_iter().flatten().filter_map(text).collect();
        object.additional = match value.get("additionalProperties") {
            None => Additional::Unsaid,
            Some(Value::Bool(false)) => Additional::Closed,
            Some(Value::Object(map)) if !map.is_empty() => {
                let at = join(at, "additionalProperties");
                Additional::Open(Box::new(self.schema(&value["additionalProperties"], &at, Place::Value)?))
            }
            Some(_) => Additional::Open(Box::new(Schema::any(join(at, "additionalProperties")))),
        };
        Ok(object)
    }
}
