//! The ASINs of a collection, one at a time: identifiers in, identifiers or objects out.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Carts, ItemRow, body, failure, number, page, success, text};
use crate::call::{Call, Reply};
use crate::clock::today;

/// The most items of a collection.
const ITEMS: usize = 5000;

/// Why an item cannot be enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    NoAsin,
    Duplicate,
    Full,
}

impl Carts {
    /// Enrols an ASIN, unless it is none, is there already or the collection is full.
    pub(super) fn try_enrol(
        &mut self,
        collection: u64,
        domain: u64,
        postcode: u64,
        asin: &str,
    ) -> Result<&mut ItemRow, Refused> {
        let is_asin = asin.len() == 10 && asin.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !is_asin {
            return Err(Refused::NoAsin);
        }
        let mut count = 0;
        for item in self.items.iter().filter(|item| item.collection == collection) {
            if item.domain == domain && item.postcode == postcode && item.asin == asin {
                return Err(Refused::Duplicate);
            }
            count += 1;
        }
        if count >= ITEMS {
            return Err(Refused::Full);
        }
        Ok(self.enrol(collection, domain, postcode, asin))
    }

    fn place(&self, id: u64) -> Value {
        let place = self.places.iter().find(|place| place.row.id == id);
        json!({"id": id, "zipcode": place.map(|place| &place.row.zipcode)})
    }

    fn joined(&self, item: &ItemRow, with_collection: bool) -> Value {
        let mut object = json!({"id": item.id, "asin": item.asin});
        if with_collection {
            object["collection"] = json!(item.collection);
        }
        object["domain"] = json!({"id": item.domain, "domain": self.domain(item.domain).map(|domain| &domain.domain)});
        object["customer_postcode"] = self.place(item.postcode);
        object["custom_id"] = json!(item.custom_id);
        object["include_raw_html"] = json!(item.include_raw_html);
        object["output"] = json!(item.output);
        if with_collection {
            object["created_at"] = json!(item.created.to_string());
        }
        object
    }
}

/// The fields that may be left out.
fn optional(item: &mut ItemRow, body: &Map<String, Value>) -> Result<(), Reply> {
    if let Some(output) = body.get("output") {
        match output.as_str() {
            Some(output @ ("JSON" | "HTML")) => output.clone_into(&mut item.output),
            _ => return Err(failure(400, "output must be JSON or HTML")),
        }
    }
    if let Some(raw) = body.get("include_raw_html") {
        item.include_raw_html = raw.as_bool().ok_or_else(|| failure(400, "include_raw_html must be a boolean"))?;
    }
    if let Some(custom) = body.get("custom_id") {
        item.custom_id = custom.as_str().map(str::to_owned);
    }
    Ok(())
}

pub(super) fn create(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    let collection = number(&body, "collection")?;
    let domain = number(&body, "domain")?;
    let postcode = number(&body, "customer_postcode")?;
    let asin = text(&body, "asin")?;
    if !carts.has_collection(collection) {
        return Err(failure(404, "Collection not found"));
    }
    if carts.domain(domain).is_none() {
        return Err(failure(404, "Domain not found"));
    }
    match carts.places.iter().find(|place| place.row.id == postcode && place.row.domain == domain) {
        None => return Err(failure(404, "Zipcode not found")),
        Some(place) if place.row.status != "active" => return Err(failure(400, "Zipcode is not active")),
        Some(_) => {}
    }
    let mut draft = ItemRow {
        id: 0,
        collection,
        domain,
        postcode,
        asin: asin.to_owned(),
        custom_id: None,
        include_raw_html: false,
        output: "JSON".to_owned(),
        created: today(),
    };
    optional(&mut draft, &body)?;
    let item = carts.try_enrol(collection, domain, postcode, asin).map_err(|refused| match refused {
        Refused::NoAsin => failure(400, "Invalid ASIN"),
        Refused::Duplicate => failure(409, "ASIN already exists"),
        Refused::Full => failure(400, "A collection holds at most 5000 ASINs"),
    })?;
    *item = ItemRow { id: item.id, ..draft };
    let answer = json!({
        "id": item.id,
        "asin": item.asin,
        "collection": collection,
        "domain": domain,
        "customer_postcode": postcode,
        "custom_id": item.custom_id,
        "include_raw_html": item.include_raw_html,
        "output": item.output,
        "created_at": item.created.to_string(),
    });
    Ok(success(&answer).did(format!("enrolled {asin} in {collection}")))
}

pub(super) fn list(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    let collection = number(&body, "collection_id")?;
    let (skip, limit) = page(&body)?;
    if !carts.has_collection(collection) {
        return Err(failure(404, "Collection not found"));
    }
    let items: Vec<&ItemRow> = carts.items.iter().filter(|item| item.collection == collection).collect();
    let rows: Value = items.iter().skip(skip).take(limit).map(|item| carts.joined(item, false)).collect();
    let counted = match body.get("with_count") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    };
    Ok(success(&if counted { json!({"total_count": items.len(), "asin_list": rows}) } else { rows }))
}

pub(super) fn get(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    // Only `id` finds: a collection alone finds nothing.
    let id = body.get("id").and_then(Value::as_u64);
    let item = carts.items.iter().find(|item| Some(item.id) == id).ok_or_else(|| failure(404, "ASIN not found"))?;
    Ok(success(&carts.joined(item, true)))
}

pub(super) fn update(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    let id = number(&body, "asin_id")?;
    let found = carts.items.iter().position(|item| item.id == id).ok_or_else(|| failure(404, "ASIN not found"))?;
    let mut item = carts.items[found].clone();
    optional(&mut item, &body)?;
    if body.contains_key("asin") {
        text(&body, "asin")?.clone_into(&mut item.asin);
        let same = |other: &ItemRow| {
            other.id != id
                && (other.collection, other.domain, other.postcode, &other.asin)
                    == (item.collection, item.domain, item.postcode, &item.asin)
        };
        if carts.items.iter().any(same) {
            return Err(failure(409, "ASIN already exists"));
        }
    }
    carts.items[found] = item.clone();
    let answer = json!({
        "id": item.id,
        "asin": item.asin,
        "include_raw_html": item.include_raw_html,
        "output": item.output,
        "custom_id": item.custom_id,
        "updated_at": today().to_string(),
    });
    Ok(success(&answer).did(format!("updated item {id}")))
}

pub(super) fn delete(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let id = number(&body(call)?, "asin_id")?;
    let found = carts.items.iter().position(|item| item.id == id).ok_or_else(|| failure(404, "ASIN not found"))?;
    carts.items.remove(found);
    Ok(success(&json!("ASIN deleted successfully")).did(format!("deleted item {id}")))
}
