//! Domains and postcodes.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Carts, Place, body, failure, number, success, text};
use crate::call::{Call, Reply};
use crate::clock::today;
use crate::market::Postcode;

/// How long the vendor takes to make the cookie of a new postcode, in sandbox time ("up to a minute").
pub(super) const COOKIE_TIME: Duration = Duration::from_secs(45);

pub(super) fn domains(carts: &mut Carts, _: &Call, _: Duration) -> Result<Reply, Reply> {
    Ok(success(&carts.domains.iter().map(|domain| carts.domain_object(domain.id)).collect()))
}

pub(super) fn list(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    let status = body.get("status").filter(|status| !status.is_null());
    let domain = body.get("domain").filter(|domain| !domain.is_null());
    let wanted = |place: &&Place| {
        status.is_none_or(|status| *status == place.row.status.as_str())
            && domain.is_none_or(|domain| *domain == place.row.domain)
    };
    Ok(success(&carts.places.iter().filter(wanted).map(|place| carts.place_object(place)).collect()))
}

pub(super) fn create(carts: &mut Carts, call: &Call, now: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    let domain = number(&body, "domain")?;
    let zipcode = text(&body, "zipcode")?;
    if carts.domain(domain).is_none() {
        return Err(failure(404, "Domain not found"));
    }
    if zipcode.chars().count() > 12 {
        return Err(failure(400, "zipcode is longer than 12 characters"));
    }
    if carts.places.iter().any(|place| place.row.domain == domain && place.row.zipcode == zipcode) {
        return Err(failure(409, "Zipcode already exists"));
    }
    let id = carts.places.iter().map(|place| place.row.id).max().unwrap_or(14) + 1;
    let row = Postcode { id, domain, zipcode: zipcode.to_owned(), status: "in-progress".to_owned() };
    carts.places.push(Place { row, active_at: Some(now + COOKIE_TIME), created: today() });
    let place = carts.places.last().map(|place| carts.place_object(place)).unwrap_or_default();
    Ok(success(&place).did(format!("postcode {zipcode} added")))
}

impl Carts {
    fn domain_object(&self, id: u64) -> Value {
        let Some(domain) = self.domain(id) else { return Value::Null };
        json!({
            "id": domain.id,
            "domain": domain.domain,
            "country_code": domain.country_code,
            "supplier_type": "scraping",
            "status": "active",
        })
    }

    fn place_object(&self, place: &Place) -> Value {
        json!({
            "id": place.row.id,
            "zipcode": place.row.zipcode,
            "domain": self.domain_object(place.row.domain),
            "status": place.row.status,
            "created_at": place.created.to_string(),
            "updated_at": place.created.to_string(),
        })
    }
}
