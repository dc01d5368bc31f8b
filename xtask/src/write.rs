//! Writes the model as an OpenAPI 3.1 tree, and a tree as YAML that is meant to be read.

use crate::spec::{Additional, Extensions, Facts, Kind, Named, Object, Operation, Parameter, Schema, Spec};
use serde_json::{Map, Value, json};

/// The tree of a specification; prose and extensions of the model go with it.
pub fn tree(spec: &Spec) -> Value {
    let nullable = spec.extensions.get("x-nullable") == Some(&json!(true));
    let writer = Writer { nullable };
    let mut root = Map::new();
    root.insert("openapi".into(), json!("3.1.0"));
    let mut info = Map::new();
    info.insert("title".into(), json!(spec.title.as_deref().unwrap_or("")));
    info.insert("version".into(), spec.facts.get("version").map_or(json!("1"), |fact| fact.value.clone()));
    describe(&mut info, spec.description.as_deref());
    root.insert("info".into(), Value::Object(info));
    root.extend(spec.extensions.clone());
    if let Some(Value::Array(urls)) = spec.facts.get("servers").map(|fact| &fact.value) {
        root.insert("servers".into(), urls.iter().map(|url| json!({ "url": url })).collect());
    }
    if let Some(security) = spec.facts.get("security") {
        root.insert("security".into(), security.value.clone());
    }
    let mut paths = Map::new();
    for operation in &spec.operations {
        let item = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        item[operation.method.to_ascii_lowercase()] = writer.operation(operation);
    }
    root.insert("paths".into(), Value::Object(paths));
    let mut components = Map::new();
    if let Some(schemes) = spec.facts.get("securitySchemes") {
        components.insert("securitySchemes".into(), schemes.value.clone());
    }
    let schemas = spec.schemas.iter().map(|(name, schema)| (name.clone(), writer.schema(schema, false)));
    components.insert("schemas".into(), Value::Object(schemas.collect()));
    root.insert("components".into(), Value::Object(components));
    Value::Object(root)
}

struct Writer {
    nullable: bool,
}

impl Writer {
    fn operation(&self, operation: &Operation) -> Value {
        let mut map = Map::new();
        if let Some(id) = operation.facts.get("operationId") {
            map.insert("operationId".into(), id.value.clone());
        }
        describe(&mut map, operation.description.as_deref());
        map.extend(operation.extensions.clone());
        state(&mut map, &operation.facts);
        if !operation.parameters.is_empty() {
            let parameters = operation.parameters.iter().map(|parameter| self.parameter(parameter));
            map.insert("parameters".into(), parameters.collect());
        }
        if let Some(body) = &operation.body {
            let mut request = Map::new();
            describe(&mut request, body.description.as_deref());
            request.extend(body.extensions.clone());
            if body.required {
                request.insert("required".into(), json!(true));
            }
            request.insert("content".into(), self.content(&body.content));
            map.insert("requestBody".into(), Value::Object(request));
        }
        let mut responses = Map::new();
        for (status, response) in &operation.responses {
            let mut entry = Map::from_iter([("description".to_owned(), json!(""))]);
            if !response.headers.is_empty() {
                let header =
                    |(name, schema): &(String, Schema)| (name.clone(), json!({ "schema": self.schema(schema, false) }));
                entry.insert("headers".into(), Value::Object(response.headers.iter().map(header).collect()));
            }
            if !response.content.is_empty() {
                entry.insert("content".into(), self.content(&response.content));
            }
            responses.insert(status.clone(), Value::Object(entry));
        }
        map.insert("responses".into(), Value::Object(responses));
        Value::Object(map)
    }

    fn parameter(&self, parameter: &Parameter) -> Value {
        let mut map = Map::new();
        map.insert("name".into(), json!(parameter.name));
        map.insert("in".into(), json!(parameter.place));
        if parameter.required {
            map.insert("required".into(), json!(true));
        }
        if parameter.list.as_deref() == Some("csv") {
            map.insert("explode".into(), json!(false));
        }
        describe(&mut map, parameter.description.as_deref());
        map.extend(parameter.extensions.clone());
        map.insert("schema".into(), self.schema(&parameter.schema, false));
        Value::Object(map)
    }

    fn content(&self, content: &Named<Schema>) -> Value {
        let entry =
            |(media, schema): &(String, Schema)| (media.clone(), json!({ "schema": self.schema(schema, true) }));
        Value::Object(content.iter().map(entry).collect())
    }

    /// `value` is true where `x-nullable` at the root speaks for a schema that says nothing.
    fn schema(&self, schema: &Schema, value: bool) -> Value {
        let mut map = Map::new();
        let types = |name: &str| if schema.nullable && !self.nullable { json!([name, "null"]) } else { json!(name) };
        match &schema.kind {
            Kind::Any => {}
            Kind::Scalar(name) => drop(map.insert("type".into(), types(name))),
            Kind::Reference(name, _) => {
                let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
                if schema.nullable && !self.nullable {
                    map.insert("anyOf".into(), json!([reference, { "type": "null" }]));
                } else {
                    map.insert("$ref".into(), reference["$ref"].clone());
                }
            }
            Kind::Array(items) => {
                map.insert("type".into(), types("array"));
                map.insert("items".into(), self.schema(items, true));
            }
            Kind::Object(_) => drop(map.insert("type".into(), types("object"))),
            Kind::All(parts) => {
                drop(map.insert("allOf".into(), parts.iter().map(|part| self.schema(part, false)).collect()))
            }
            Kind::One(parts) => {
                drop(map.insert("oneOf".into(), parts.iter().map(|part| self.schema(part, false)).collect()))
            }
        }
        let says_otherwise =
            if self.nullable { schema.nullable != value } else { schema.nullable && !map.contains_key("type") };
        if says_otherwise && !map.contains_key("anyOf") {
            map.insert("x-nullable".into(), json!(schema.nullable));
        }
        describe(&mut map, schema.description.as_deref());
        let own = schema.extensions.iter().filter(|(key, _)| key.as_str() != "x-nullable");
        map.extend(own.map(|(key, value)| (key.clone(), value.clone())));
        state(&mut map, &schema.facts);
        if let Kind::Object(object) = &schema.kind {
            self.object(&mut map, object);
        }
        Value::Object(map)
    }

    fn object(&self, map: &mut Map<String, Value>, object: &Object) {
        if !object.required.is_empty() {
            let order = object.properties.iter().map(|(name, _)| name).filter(|name| object.required.contains(*name));
            let unlisted = object.required.iter().filter(|name| crate::spec::find(&object.properties, name).is_none());
            map.insert("required".into(), order.chain(unlisted).map(|name| json!(name)).collect());
        }
        match &object.additional {
            Additional::Unsaid => {}
            Additional::Closed => drop(map.insert("additionalProperties".into(), json!(false))),
            Additional::Open(schema) => {
                let value = match schema.kind {
                    Kind::Any if !schema.nullable => json!(true),
                    _ => self.schema(schema, true),
                };
                map.insert("additionalProperties".into(), value);
            }
        }
        if !object.properties.is_empty() {
            let properties = object.properties.iter().map(|(name, schema)| (name.clone(), self.schema(schema, true)));
            map.insert("properties".into(), Value::Object(properties.collect()));
        }
    }
}

fn describe(map: &mut Map<String, Value>, description: Option<&str>) {
    description.into_iter().for_each(|text| drop(map.insert("description".into(), json!(text))));
}

fn state(map: &mut Map<String, Value>, facts: &Facts) {
    for (key, fact) in facts {
        map.entry(key.clone()).or_insert_with(|| fact.value.clone());
    }
}

/// Moves prose and extensions of the tree `from` to the places of `to` that are still there.
pub fn keep_words(to: &mut Value, from: &Value, names: bool) {
    match (to, from) {
        (Value::Object(to), Value::Object(from)) => {
            for (key, value) in from {
                let ours = !names && (key == "description" || key == "title" || key.starts_with("x-"));
                let nulls = key == "x-nullable" && !to.contains_key("openapi");
                if ours && !nulls {
                    to.insert(key.clone(), value.clone());
                } else if let Some(to) = to.get_mut(key) {
                    let holds_names =
                        !names && ["properties", "schemas", "paths", "responses", "headers"].contains(&key.as_str());
                    keep_words(to, value, holds_names);
                }
            }
        }
        (Value::Array(to), Value::Array(from)) => {
            for (index, item) in to.iter_mut().enumerate() {
                let same = item
                    .get("name")
                    .map_or_else(|| from.get(index), |name| from.iter().find(|old| old.get("name") == Some(name)));
                same.into_iter().for_each(|old| keep_words(item, old, false));
            }
        }
        _ => {}
    }
}

/// Extensions that only a whole specification has.
pub fn root_extensions(tree: &Value) -> Extensions {
    let entries = tree.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("x-"));
    entries.map(|(key, value)| (key.clone(), value.clone())).collect()
}
