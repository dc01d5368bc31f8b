//! Product types: two of them, with schemas that use every keyword of Amazon's vocabulary.
//!
//! The schemas are the sandbox's own. What differs between stores and languages is put in when one is asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use super::issues::issue;
use super::listings::Row;
use super::patch::{self, PatchOperation};
use super::schema;
use super::{documents, error, invalid, lwa, marketplaces};
use crate::call::{Call, Reply};
use crate::marketplace::Marketplace;
use crate::world::World;

/// A product type: its name, its name for people, words that suggest it, its schema.
const TYPES: [(&str, &str, &[&str], &str); 2] = [
    ("LUGGAGE", "Luggage", &["suitcase", "luggage", "trolley"], include_str!("schemas/luggage.json")),
    ("SHOES", "Shoes", &["shoes", "sneaker", "boots", "running"], include_str!("schemas/shoes.json")),
];
const META: &str = include_str!("schemas/meta.json");
const VERSION: &str = "UHqSqmb4FNUk=";

/// The attributes of an offer; all others are facts about the product.
const OFFER: [&str; 4] = ["condition_type", "purchasable_offer", "fulfillment_availability", "merchant_suggested_asin"];

pub(super) fn search(world: &World, call: &Call, seller: &str) -> Result<Reply, Reply> {
    let stores = marketplaces(world, call, seller, usize::MAX)?;
    let stores: Vec<&str> = stores.iter().map(|store| store.id).collect();
    let (keywords, title) = (call.list("keywords"), call.query("itemName"));
    if !keywords.is_empty() && title.is_some() {
        return Err(invalid("'keywords' and 'itemName' exclude each other."));
    }
    let wanted = |(name, _, words, _): &&(&str, &str, &[&str], &str)| {
        let says = |text: &str| {
            let text = text.to_lowercase();
            name.to_lowercase().contains(&text) || words.contains(&text.as_str())
        };
        match &title {
            Some(title) => title.split_whitespace().any(says),
            None => keywords.is_empty() || keywords.iter().any(|word| says(word)),
        }
    };
    let found: Vec<Value> = TYPES
        .iter()
        .filter(wanted)
        .map(|(name, shown, ..)| json!({"name": name, "displayName": shown, "marketplaceIds": stores}))
        .collect();
    Ok(Reply::json(StatusCode::OK, &json!({"productTypes": found, "productTypeVersion": VERSION})))
}

/// What a schema is made for.
struct Made<'a> {
    store: &'static Marketplace,
    locale: &'a str,
    requirements: &'a str,
    enforced: bool,
}

pub(super) fn definition(world: &World, call: &Call, seller: &str, product_type: &str) -> Result<Reply, Reply> {
    if let Some(other) = call.query("sellerId") {
        lwa::authorise(world, call, &other)?;
    }
    let stores = marketplaces(world, call, seller, 1)?;
    let store = stores.first().ok_or_else(|| invalid("'marketplaceIds' is required."))?;
    let Some((name, shown, _, template)) = TYPES.iter().find(|(name, ..)| *name == product_type) else {
        let message = format!("Product type '{product_type}' not found in marketplace {}.", store.id);
        return Err(error(StatusCode::NOT_FOUND, "NOT_FOUND", &message, ""));
    };
    let asked = call.query("requirements").unwrap_or_else(|| "LISTING".to_owned());
    if !["LISTING", "LISTING_PRODUCT_ONLY", "LISTING_OFFER_ONLY"].contains(&asked.as_str()) {
        return Err(invalid(&format!("Invalid 'requirements' provided: {asked}.")));
    }
    let enforced = match call.query("requirementsEnforced").as_deref() {
        None | Some("ENFORCED") => true,
        Some("NOT_ENFORCED") => false,
        Some(other) => return Err(invalid(&format!("Invalid 'requirementsEnforced' provided: {other}."))),
    };
    let locale = match call.query("locale").as_deref() {
        None | Some("DEFAULT") => store.language.to_owned(),
        Some(locale) => locale.to_owned(),
    };
    let made = Made { store, locale: &locale, requirements: &asked, enforced };
    let schema = text(template, &made);
    let mut path = format!("schemas/{name}/{}/{locale}/{asked}", store.id);
    if !enforced {
        path.push_str("/free");
    }
    let link = |path: &str, content: &str| {
        json!({
            "link": {"resource": documents::address(call, path, ""), "verb": "GET"},
            "checksum": STANDARD.encode(Md5::digest(content)),
        })
    };
    Ok(Reply::json(
        StatusCode::OK,
        &json!({
            "metaSchema": link("schemas/meta", META),
            "schema": link(&path, &schema),
            "requirements": asked,
            "requirementsEnforced": if enforced { "ENFORCED" } else { "NOT_ENFORCED" },
            "propertyGroups": {
                "offer": {"title": "Offer", "description": "Sales terms", "propertyNames": OFFER},
                "product": {"title": "Product", "propertyNames": ["item_name", "brand", "color"]},
            },
            "locale": locale,
            "marketplaceIds": [store.id],
            "productType": name,
            "displayName": shown,
            "productTypeVersion": {"version": VERSION, "latest": true},
        }),
    ))
}

/// The document at the rest of an address.
pub(super) fn document(path: &[&str]) -> Option<String> {
    match path {
        ["meta"] => Some(META.to_owned()),
        [name, store, locale, requirements, rest @ ..] => {
            let (.., template) = TYPES.iter().find(|(known, ..)| known == name)?;
            let store = Marketplace::of(store)?;
            Some(text(template, &Made { store, locale, requirements, enforced: rest.is_empty() }))
        }
        _ => None,
    }
}

/// The text of a schema as it is sent.
fn text(template: &str, made: &Made<'_>) -> String {
    format!("{:#}", tree(template, made))
}

fn tree(template: &str, made: &Made<'_>) -> Value {
    let mut tree: Value = serde_json::from_str(template).unwrap_or_default();
    fill(&mut tree, made);
    if let Some(root) = tree.as_object_mut() {
        require(root, made);
    }
    tree
}

/// The schemas that were made to judge by, by product type, store and requirements.
static RULES: Mutex<BTreeMap<RuleKey, Arc<Value>>> = Mutex::new(BTreeMap::new());
type RuleKey = (&'static str, &'static str, String);

/// The schema that listings of a product type obey in a store; other types than the two here have none.
fn rule(product_type: &str, store: &'static Marketplace, requirements: &str) -> Option<Arc<Value>> {
    let (name, .., template) = TYPES.iter().find(|(name, ..)| *name == product_type)?;
    let make = || Arc::new(tree(template, &Made { store, locale: store.language, requirements, enforced: true }));
    let mut rules = RULES.lock().unwrap_or_else(PoisonError::into_inner);
    Some(rules.entry((name, store.id, requirements.to_owned())).or_insert_with(make).clone())
}

/// What the schema finds wrong with the attributes of a PUT.
pub(super) fn put(
    product_type: &str,
    store: &'static Marketplace,
    requirements: &str,
    attributes: &Map<String, Value>,
) -> Vec<Value> {
    let Some(rule) = rule(product_type, store, requirements) else { return Vec::new() };
    let mut held = Map::new();
    for operation in PatchOperation::replacing(attributes) {
        patch::apply(&mut held, &operation, store.id);
    }
    issues(schema::check(&rule, &held, None))
}

/// What the schema of a listing's product type finds wrong with the attributes that a patch leaves behind; what it does not
/// touch may be as it was.
pub(super) fn patched(row: Option<&Row>, store: &'static Marketplace, operations: &[PatchOperation]) -> Vec<Value> {
    let Some(row) = row.filter(|row| row.exists) else { return Vec::new() };
    let Some(rule) = rule(&row.listing.product_type, store, "LISTING") else { return Vec::new() };
    let mut held = row.attributes.clone();
    operations.iter().for_each(|operation| patch::apply(&mut held, operation, store.id));
    let touched: Vec<String> = operations.iter().map(|operation| operation.attribute.clone()).collect();
    issues(schema::check(&rule, &held, Some(&touched)))
}

fn issues(wrong: Vec<schema::Wrong>) -> Vec<Value> {
    let words = |wrong: schema::Wrong| match wrong.missing {
        true => issue("90220", &wrong.attribute, "MISSING_ATTRIBUTE"),
        false => issue("4000001", &wrong.attribute, "INVALID_ATTRIBUTE"),
    };
    wrong.into_iter().map(words).collect()
}

/// The required attributes, by what a listing is to hold.
fn require(root: &mut Map<String, Value>, made: &Made<'_>) {
    if !made.enforced {
        root.shift_remove("required");
        root.shift_remove("allOf");
        return;
    }
    let listed = root.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_offer = |name: &Value| name.as_str().is_some_and(|name| OFFER.contains(&name));
    match made.requirements {
        "LISTING_OFFER_ONLY" => {
            root.insert(
                "required".to_owned(),
                json!(["condition_type", "merchant_suggested_asin", "purchasable_offer"]),
            );
            root.shift_remove("allOf");
        }
        "LISTING_PRODUCT_ONLY" => {
            root.insert("required".to_owned(), listed.into_iter().filter(|name| !is_offer(name)).collect());
        }
        _ => {}
    }
}

/// Puts in what depends on the store and the language.
fn fill(tree: &mut Value, made: &Made<'_>) {
    match tree {
        Value::String(text) => match text.as_str() {
            "@marketplace" => made.store.id.clone_into(text),
            "@locale" => made.locale.clone_into(text),
            "@currency" => made.store.currency.clone_into(text),
            "@colors" => *tree = json!(colors(made.locale)),
            _ => {}
        },
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, made)),
        Value::Object(object) => object.values_mut().for_each(|value| fill(value, made)),
        _ => {}
    }
}

/// Values that depend on the language, as Amazon's do (amzn/selling-partner-api-models #5239).
fn colors(locale: &str) -> [&'static str; 3] {
    match locale.split('_').next() {
        Some("de") => ["Schwarz", "Rot", "Blau"],
        Some("tr") => ["Siyah", "Kırmızı", "Mavi"],
        _ => ["Black", "Red", "Blue"],
    }
}
