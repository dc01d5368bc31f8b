//! Two hundred seeded changes of each file, one at a time: each is told, at its own JSON pointer; words and order are not.

use super::{here, upstream};
use crate::{diff::diff, read, spec::join};
use serde_json::{Map, Value, json};

/// A change of a tree: what is done and where it must be told.
struct Mutation {
    /// The object that is changed.
    site: String,
    /// Its keyword or member.
    key: String,
    /// The new value; `None` removes it.
    value: Option<Value>,
    /// The pointer under which the change must be told.
    told_at: String,
}

#[derive(Default)]
struct Sites {
    found: Vec<Mutation>,
    names: Vec<String>,
    reference: &'static str,
    swagger: bool,
}

impl Sites {
    fn of(tree: &Value) -> Vec<Mutation> {
        let swagger = tree.get("swagger").is_some();
        let root = if swagger { "/definitions" } else { "/components/schemas" };
        let reference = if swagger { "#/definitions/" } else { "#/components/schemas/" };
        let schemas = tree.pointer(root).unwrap().as_object().unwrap();
        let mut sites = Self { names: schemas.keys().cloned().collect(), reference, swagger, ..Self::default() };
        sites.add(root, "Added", Some(json!({"type": "string"})));
        for (name, schema) in schemas {
            sites.add(root, name, None);
            sites.schema(&join(root, name), schema);
        }
        for (path, item) in tree["paths"].as_object().unwrap() {
            let at = join("/paths", path);
            for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
                sites.add(&at, method, None);
                sites.operation(&join(&at, method), operation);
            }
        }
        sites.found
    }

    fn add(&mut self, site: &str, key: &str, value: Option<Value>) {
        let told_at = join(site, key);
        self.found.push(Mutation { site: site.to_owned(), key: key.to_owned(), value, told_at });
    }

    fn operation(&mut self, at: &str, operation: &Value) {
        self.add(at, "operationId", Some(json!("renamed")));
        self.add(at, "deprecated", Some(json!(true)));
        for (index, parameter) in operation["parameters"].as_array().into_iter().flatten().enumerate() {
            let list = join(at, "parameters");
            let at = join(&list, &index.to_string());
            self.add(&list, &index.to_string(), None);
            let required = parameter["required"] == json!(true);
            self.add(&at, "required", Some(json!(!required)));
            if parameter["collectionFormat"] == "csv" {
                self.add(&at, "collectionFormat", Some(json!("multi")));
            }
            match parameter.get("schema") {
                Some(schema) => self.schema(&join(&at, "schema"), schema),
                None => self.schema(&at, parameter),
            }
        }
        let body = join(at, "requestBody");
        for (media, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            self.schema(&join(&join(&join(&body, "content"), media), "schema"), &content["schema"]);
        }
        for (status, response) in operation["responses"].as_object().into_iter().flatten() {
            let list = join(at, "responses");
            self.add(&list, status, None);
            let at = join(&list, status);
            if let Some(schema) = response.get("schema") {
                self.schema(&join(&at, "schema"), schema);
            }
            for name in response["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
                let site = join(&at, "headers");
                let told_at = if self.swagger { join(&site, name) } else { join(&join(&site, name), "schema") };
                self.found.push(Mutation { site, key: name.clone(), value: None, told_at });
            }
            for (media, content) in response["content"].as_object().into_iter().flatten() {
                self.schema(&join(&join(&join(&at, "content"), media), "schema"), &content["schema"]);
            }
        }
    }

    fn schema(&mut self, at: &str, schema: &Value) {
        if let Some(reference) = schema["$ref"].as_str() {
            let other = self.names.iter().find(|name| !reference.ends_with(&format!("/{name}"))).unwrap();
            let value = json!(format!("{}{other}", self.reference));
            self.add(at, "$ref", Some(value));
            return;
        }
        if !self.swagger && schema["type"].is_string() {
            let nullable = schema["nullable"] == json!(true);
            self.add(at, "nullable", Some(json!(!nullable)));
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            for (index, part) in schema[key].as_array().into_iter().flatten().enumerate() {
                if part["type"] != "null" {
                    self.schema(&join(&join(at, key), &index.to_string()), part);
                }
            }
            if schema.get(key).is_some() {
                return;
            }
        }
        match schema["type"].as_str() {
            Some("string") => {
                self.add(at, "type", Some(json!("integer")));
                self.add(at, "maxLength", Some(json!(7)));
                self.add(at, "format", Some(json!("changed")));
            }
            Some("integer" | "number") => {
                self.add(at, "type", Some(json!("boolean")));
                self.add(at, "minimum", Some(json!(-3)));
            }
            Some("boolean") => self.add(at, "type", Some(json!("string"))),
            Some("array") => {
                self.add(at, "type", Some(json!("string")));
                self.add(at, "maxItems", Some(json!(99)));
                self.schema(&join(at, "items"), &schema["items"]);
            }
            _ => {}
        }
        if let Some(values) = schema["enum"].as_array() {
            let more = values.iter().cloned().chain([json!("ADDED")]).collect();
            self.add(at, "enum", Some(Value::Array(more)));
            self.add(at, "enum", Some(Value::Array(values[1..].to_vec())));
        }
        if let Some(mapping) = schema["discriminator"]["mapping"].as_object() {
            let site = join(&join(at, "discriminator"), "mapping");
            mapping.keys().for_each(|key| self.add(&site, key, Some(json!("Changed"))));
        }
        if let Some(properties) = schema["properties"].as_object() {
            let site = join(at, "properties");
            self.add(&site, "added", Some(json!({"type": "string"})));
            let required: Vec<Value> = schema["required"].as_array().cloned().unwrap_or_default();
            let closed = schema["additionalProperties"] == json!(false);
            self.add(at, "additionalProperties", Some(json!(closed)));
            for (name, property) in properties {
                self.add(&site, name, None);
                self.schema(&join(&site, name), property);
                let has = required.iter().any(|known| known == name);
                let changed = if has {
                    required.iter().filter(|known| *known != name).cloned().collect()
                } else {
                    required.iter().cloned().chain([json!(name)]).collect()
                };
                self.add(at, "required", Some(Value::Array(changed)));
            }
        }
    }
}

impl Mutation {
    fn apply(&self, tree: &Value) -> Value {
        let mut tree = tree.clone();
        let site = &self.site;
        let target = tree.pointer_mut(site).unwrap_or_else(|| panic!("{site}"));
        match (target, &self.value) {
            (Value::Object(map), Some(value)) => drop(map.insert(self.key.clone(), value.clone())),
            (Value::Object(map), None) => drop(map.shift_remove(&self.key)),
            (Value::Array(list), _) => drop(list.remove(self.key.parse().unwrap())),
            (other, _) => panic!("{site} is {other}"),
        }
        tree
    }
}

fn two_hundred(text: &str) {
    let tree = read::parse(text).unwrap();
    let old = read::value(&tree).unwrap();
    let mut sites = Sites::of(&tree);
    assert!(sites.len() >= 200, "only {} places to change", sites.len());
    let mut random = fastrand::Rng::with_seed(20_261_121);
    random.shuffle(&mut sites);
    for mutation in &sites[..200] {
        let new = read::value(&mutation.apply(&tree)).unwrap();
        let told = diff(&old, &new);
        let expected = &mutation.told_at;
        let what = format!("{} at {}: {:?}", mutation.key, mutation.site, mutation.value);
        assert!(told.iter().any(|change| change.at == *expected), "{what} is told as {told:?}, not at {expected}");
        assert!(told.iter().all(|change| change.at.starts_with(expected)), "{what} is also told as {told:?}");
    }
}

/// New words everywhere, keys and lists in another order.
fn reworded(tree: &Value, random: &mut fastrand::Rng, names: bool) -> Value {
    match tree {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map
                .iter()
                .map(|(key, value)| {
                    let holds_names =
                        !names && ["properties", "definitions", "schemas", "paths", "headers"].contains(&key.as_str());
                    let prose =
                        !names && ["description", "summary", "title"].contains(&key.as_str()) && value.is_string();
                    let value = if prose { json!("Other words.") } else { reworded(value, random, holds_names) };
                    (key.clone(), value)
                })
                .collect();
            random.shuffle(&mut entries);
            if map.contains_key("type") && !names {
                entries.push(("example".to_owned(), json!("another")));
            }
            Value::Object(Map::from_iter(entries))
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| reworded(item, random, false)).collect();
            let plain = items.iter().all(|item| item.is_string() || item.get("name").is_some());
            if plain {
                random.shuffle(&mut items);
            }
            Value::Array(items)
        }
        other => other.clone(),
    }
}

fn words_and_order_are_no_change(text: &str) {
    let tree = read::parse(text).unwrap();
    let old = read::value(&tree).unwrap();
    for seed in 0..20 {
        let new = reworded(&tree, &mut fastrand::Rng::with_seed(seed), false);
        assert_ne!(new, tree);
        assert_eq!(diff(&old, &read::value(&new).unwrap()), []);
    }
}

fn texts() -> Vec<String> {
    let files = [
        upstream("sp-api/listingsItems_2021-08-01.json"),
        upstream("dataforseo/merchant-openapi-merged.json"),
        Some(here("golden/shop.yaml")),
    ];
    files.into_iter().flatten().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn each_change_is_told_where_it_is() {
    texts().iter().for_each(|text| two_hundred(text));
}

#[test]
fn words_and_order_are_never_told() {
    texts().iter().for_each(|text| words_and_order_are_no_change(text));
}

#[test]
fn of_what_has_not_changed_nothing_is_said() {
    let shop = here("golden/shop.yaml");
    let told = |against: &str| crate::diff_of(&here("../specs"), &shop, Some(against)).unwrap();
    assert_eq!(told(shop.to_str().unwrap()), (Vec::new(), true));
    let (changes, clean) = told("sp-listings");
    assert!(!clean && !changes.is_empty());
}
