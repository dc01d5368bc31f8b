//! Reads Swagger 2.0 and OpenAPI 3.0 and 3.1, as JSON or YAML.
//!
//! Spellings that mean the same become the same: `{type: object, oneOf: [$ref], nullable: true}` and `anyOf: [$ref, null]`
//! are a nullable reference, `type: [string, "null"]` is a nullable string, a Swagger body is a body.

mod schemas;

use crate::spec::{
    Body, Extensions, Fact, Facts, Kind, Named, Object, Operation, Outcome, Parameter, Response, Schema, Spec, join,
};
use serde_json::{Map, Value, json};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// Keywords that are words for people.
const PROSE: [&str; 8] = ["description", "summary", "title", "example", "examples", "externalDocs", "tags", "xml"];

/// Reads a file of either format.
pub fn file(path: &std::path::Path) -> Outcome<Spec> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    text_of_either_format(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads the text of a file of either format.
pub fn text_of_either_format(text: &str) -> Outcome<Spec> {
    value(&parse(text)?)
}

/// JSON or YAML as one tree; keys that YAML reads as numbers become text.
pub fn parse(text: &str) -> Outcome<Value> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    let tree: serde_norway::Value = serde_norway::from_str(text).map_err(|error| error.to_string())?;
    from_yaml(tree)
}

fn from_yaml(tree: serde_norway::Value) -> Outcome<Value> {
    use serde_norway::Value as Yaml;
    Ok(match tree {
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(from_yaml).collect::<Outcome<_>>()?),
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let key = match key {
                    Yaml::String(text) => text,
                    Yaml::Number(number) => number.to_string(),
                    Yaml::Bool(truth) => truth.to_string(),
                    other => return Err(format!("a key must be a text, not {other:?}")),
                };
                map.insert(key, from_yaml(value)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tagged) => from_yaml(tagged.value)?,
        scalar => serde_json::to_value(scalar).map_err(|error| error.to_string())?,
    })
}

/// Reads a tree.
pub fn value(root: &Value) -> Outcome<Spec> {
    let swagger = root["swagger"].as_str().is_some_and(|version| version.starts_with("2."));
    if !swagger && !root["openapi"].as_str().is_some_and(|version| version.starts_with("3.")) {
        return Err("neither Swagger 2.0 nor OpenAPI 3: no `swagger: \"2.0\"` and no `openapi: 3.x`".to_owned());
    }
    let nullable = root["x-nullable"].as_bool().unwrap_or(false);
    Reader { root, swagger, nullable }.spec()
}

/// Where a schema stands decides whether it may be null by default, if the file says so by `x-nullable: true` at its root.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// A property, an element, a body.
    Value,
    /// A named schema, a part of an `allOf`.
    Definition,
}

struct Reader<'a> {
    root: &'a Value,
    swagger: bool,
    nullable: bool,
}

impl<'a> Reader<'a> {
    fn spec(&self) -> Outcome<Spec> {
        let root = self.root;
        let mut spec = Spec {
            title: text(&root["info"]["title"]),
            description: text(&root["info"]["description"]),
            facts: self.root_facts(),
            extensions: extensions(root),
            ..Spec::default()
        };
        let (schemas, at) = if self.swagger {
            (&root["definitions"], "/definitions")
        } else {
            (&root["components"]["schemas"], "/components/schemas")
        };
        for (name, schema) in entries(schemas) {
            spec.schemas.push((name.clone(), self.schema(schema, &join(at, name), Place::Definition)?));
        }
        for (path, item) in entries(&root["paths"]) {
            let at = join("/paths", path);
            for method in METHODS {
                let Some(operation) = item.get(method) else { continue };
                let read = self.operation(path, method, item, operation, &join(&at, method))?;
                let internal = [item, operation].iter().any(|value| value["x-amzn-api-internal"] == json!(true));
                if internal { &mut spec.internal } else { &mut spec.operations }.push(read);
            }
        }
        let internal = std::mem::take(&mut spec.internal);
        spec.forget_schemas_of(&internal);
        spec.internal = internal;
        Ok(spec)
    }

    fn root_facts(&self) -> Facts {
        let root = self.root;
        let mut facts = Facts::new();
        let mut fact = |key: &str, at: &str, value: Value| {
            if !value.is_null() {
                facts.insert(key.to_owned(), Fact { at: at.to_owned(), value });
            }
        };
        fact("version", "/info/version", root["info"]["version"].clone());
        if self.swagger {
            let (host, base) = (root["host"].as_str(), root["basePath"].as_str().unwrap_or(""));
            let scheme = root["schemes"][0].as_str().unwrap_or("https");
            fact("servers", "/host", host.map_or(Value::Null, |host| json!([format!("{scheme}://{host}{base}")])));
            fact("securitySchemes", "/securityDefinitions", without_prose(&root["securityDefinitions"]));
        } else {
            let urls = root["servers"].as_array().map(|list| list.iter().map(|server| server["url"].clone()).collect());
            fact("servers", "/servers", urls.map_or(Value::Null, Value::Array));
            let schemes = &root["components"]["securitySchemes"];
            fact("securitySchemes", "/components/securitySchemes", without_prose(schemes));
        }
        fact("security", "/security", root["security"].clone());
        facts
    }

    fn operation(&self, path: &str, method: &str, item: &Value, value: &Value, at: &str) -> Outcome<Operation> {
        let (mut parameters, mut body, mut form) = (Vec::<Parameter>::new(), None, Vec::new());
        let shared = (&item["parameters"], join(&join("/paths", path), "parameters"));
        for (list, at) in [shared, (&value["parameters"], join(at, "parameters"))] {
            for (index, parameter) in list.as_array().into_iter().flatten().enumerate() {
                let (parameter, at) = self.resolve(parameter, join(&at, &index.to_string()))?;
                match parameter["in"].as_str() {
                    Some("body") => body = Some(self.swagger_body(parameter, &at, item, value)?),
                    Some("formData") => form.push((parameter, at)),
                    _ => {
                        let read = self.parameter(parameter, at)?;
                        parameters.retain(|known| (&known.name, &known.place) != (&read.name, &read.place));
                        parameters.push(read);
                    }
                }
            }
        }
        if !form.is_empty() {
            body = Some(self.swagger_form(&form, join(at, "parameters"))?);
        }
        if let Some(request) = value.get("requestBody") {
            let (request, at) = self.resolve(request, join(at, "requestBody"))?;
            let content = self.content(&request["content"], &join(&at, "content"))?;
            let (description, extensions) = (text(&request["description"]), extensions(request));
            body = Some(Body { required: request["required"] == json!(true), content, description, extensions, at });
        }
        let mut responses = Named::new();
        for (status, response) in entries(&value["responses"]) {
            let (response, at) = self.resolve(response, join(&join(at, "responses"), status))?;
            responses.push((status.clone(), self.response(response, value, at)?));
        }
        let known = ["parameters", "requestBody", "responses", "consumes", "produces"];
        Ok(Operation {
            at: at.to_owned(),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            facts: facts(value, at, &known),
            parameters,
            body,
            responses,
            description: text(&value["description"]).or_else(|| text(&value["summary"])),
            extensions: extensions(value),
        })
    }

    /// Follows a `$ref` to a shared parameter, body or response.
    fn resolve(&self, value: &'a Value, at: String) -> Outcome<(&'a Value, String)> {
        let Some(reference) = value["$ref"].as_str() else { return Ok((value, at)) };
        let pointer = reference.strip_prefix('#').ok_or_else(|| format!("{at}: `{reference}` is outside this file"))?;
        let found = self.root.pointer(pointer).ok_or_else(|| format!("{at}: there is no `{reference}`"))?;
        Ok((found, pointer.to_owned()))
    }

    fn parameter(&self, value: &Value, at: String) -> Outcome<Parameter> {
        let name = text(&value["name"]).ok_or_else(|| format!("{at}: a parameter has no name"))?;
        let place = text(&value["in"]).ok_or_else(|| format!("{at}: parameter `{name}` does not say where it goes"))?;
        let schema = if self.swagger {
            let mut bare = value.as_object().cloned().unwrap_or_default();
            bare.retain(|key, _| {
                !["name", "in", "required", "collectionFormat", "description"].contains(&key.as_str())
            });
            bare.retain(|key, _| !key.starts_with("x-"));
            self.schema(&Value::Object(bare), &at, Place::Definition)?
        } else {
            self.schema(&value["schema"], &join(&at, "schema"), Place::Definition)?
        };
        let list = matches!(schema.kind, Kind::Array(_)).then(|| match (self.swagger, &value["explode"]) {
            (true, _) => value["collectionFormat"].as_str().unwrap_or("csv").to_owned(),
            (false, Value::Bool(false)) => "csv".to_owned(),
            _ => "multi".to_owned(),
        });
        let (description, extensions) = (text(&value["description"]), extensions(value));
        Ok(Parameter {
            required: value["required"] == json!(true),
            at,
            name,
            place,
            list,
            schema,
            description,
            extensions,
        })
    }

    fn swagger_body(&self, value: &Value, at: &str, item: &Value, operation: &Value) -> Outcome<Body> {
        let schema = self.schema(&value["schema"], &join(at, "schema"), Place::Value)?;
        let media =
            [operation, item, self.root].iter().find_map(|level| level["consumes"].as_array()?.first()?.as_str());
        let content = vec![(media.unwrap_or("application/json").to_owned(), schema)];
        let (description, extensions) = (text(&value["description"]), extensions(value));
        Ok(Body { at: at.to_owned(), required: value["required"] == json!(true), content, description, extensions })
    }

    fn swagger_form(&self, fields: &[(&Value, String)], at: String) -> Outcome<Body> {
        let (mut object, mut media) = (Object::default(), "application/x-www-form-urlencoded");
        for (value, at) in fields {
            let parameter = self.parameter(value, at.clone())?;
            if value["type"] == "file" {
                media = "multipart/form-data";
            }
            if parameter.required {
                object.required.insert(parameter.name.clone());
            }
            object.properties.push((parameter.name, parameter.schema));
        }
        let schema = Schema { kind: Kind::Object(object), ..Schema::any(at.clone()) };
        let (description, extensions) = Default::default();
        Ok(Body { at, required: true, content: vec![(media.to_owned(), schema)], description, extensions })
    }

    fn content(&self, value: &Value, at: &str) -> Outcome<Named<Schema>> {
        let schema = |(media, value): (&String, &Value)| {
            let at = join(&join(at, media), "schema");
            Ok((media.clone(), self.schema(&value["schema"], &at, Place::Value)?))
        };
        entries(value).map(schema).collect()
    }

    fn response(&self, value: &Value, operation: &Value, at: String) -> Outcome<Response> {
        let mut headers = Named::new();
        for (name, header) in entries(&value["headers"]) {
            let at = join(&join(&at, "headers"), name);
            let (header, at) = if self.swagger { (header, at) } else { (&header["schema"], join(&at, "schema")) };
            headers.push((name.clone(), self.schema(header, &at, Place::Definition)?));
        }
        let content = if !self.swagger {
            self.content(&value["content"], &join(&at, "content"))?
        } else if let Some(schema) = value.get("schema") {
            let media = [operation, self.root].iter().find_map(|level| level["produces"].as_array()?.first()?.as_str());
            let schema = self.schema(schema, &join(&at, "schema"), Place::Value)?;
            vec![(media.unwrap_or("application/json").to_owned(), schema)]
        } else {
            Named::new()
        };
        Ok(Response { at, headers, content })
    }
}

fn facts(value: &Value, at: &str, known: &[&str]) -> Facts {
    let fact = |key: &str| !known.contains(&key) && !PROSE.contains(&key) && !key.starts_with("x-");
    let entry = |(key, value): (&String, &Value)| (key.clone(), Fact { at: join(at, key), value: value.clone() });
    entries(value).filter(|(key, _)| fact(key)).map(entry).collect()
}

fn extensions(value: &Value) -> Extensions {
    entries(value).filter(|(key, _)| key.starts_with("x-")).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn without_prose(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| !PROSE.contains(&key.as_str()));
            Value::Object(kept.map(|(key, value)| (key.clone(), without_prose(value))).collect())
        }
        other => other.clone(),
    }
}
