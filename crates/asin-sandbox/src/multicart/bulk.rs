//! Many ASINs in one call: names and values in, and an answer that succeeds in part.

use std::time::Duration;

use serde_json::{Value, json};

use super::items::Refused;
use super::{Carts, body, failure, number, success, text};
use crate::call::{Call, Reply};

/// The most rows of a CSV file.
const ROWS: usize = 5000;
const COLUMNS: [&str; 4] = ["domain", "customer_postcode", "asin", "include_raw_html"];

impl Carts {
    /// The identifiers of an active postcode that is given by its values.
    pub(super) fn place_by_value(&self, domain: &str, zipcode: &str) -> Result<(u64, u64), &'static str> {
        let domain = self.domains.iter().find(|row| row.domain == domain).ok_or("Domain not found")?;
        let here = self.places.iter().find(|place| place.row.domain == domain.id && place.row.zipcode == zipcode);
        match here {
            None => Err("Zipcode not found"),
            Some(place) if place.row.status != "active" => Err("Zipcode is not active"),
            Some(place) => Ok((domain.id, place.row.id)),
        }
    }
}

fn row_error(refused: Refused) -> &'static str {
    match refused {
        Refused::NoAsin => "Invalid ASIN",
        Refused::Duplicate => "Duplicate entry",
        Refused::Full => "Collection limit reached",
    }
}

pub(super) fn multiple(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    let collection = number(&body, "collection")?;
    let asins = text(&body, "asins")?;
    let raw = match body.get("including_raw_html") {
        None => false,
        Some(raw) => raw.as_bool().ok_or_else(|| failure(400, "including_raw_html must be a boolean"))?,
    };
    let place = carts.place_by_value(text(&body, "domain")?, text(&body, "customer_postcode")?);
    let (domain, postcode) = place.map_err(|message| failure(404, message))?;
    if !carts.has_collection(collection) {
        return Err(failure(404, "Collection not found"));
    }
    let mut errors: Vec<Value> = Vec::new();
    let mut created = 0;
    for asin in asins.split(',') {
        match carts.try_enrol(collection, domain, postcode, asin) {
            Ok(item) => {
                item.include_raw_html = raw;
                created += 1;
            }
            Err(refused) => errors.push(json!({"asin": asin, "error": row_error(refused)})),
        }
    }
    Ok(done(collection, created, &errors))
}

fn done(collection: u64, created: u64, errors: &[Value]) -> Reply {
    let did = format!("enrolled {created} in {collection}, {} refused", errors.len());
    success(&json!({"success_count": created, "error_rows": errors})).did(did)
}

pub(super) fn csv(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let part = |name: &str| call.form.iter().find(|(part, _)| part == name).map(|(_, content)| content);
    let collection =
        part("collection_id").and_then(|content| std::str::from_utf8(content).ok()?.trim().parse::<u64>().ok());
    let collection = collection.ok_or_else(|| failure(400, "collection_id is required and must be an integer"))?;
    let file = part("csv").ok_or_else(|| failure(400, "csv file is required"))?;
    if !carts.has_collection(collection) {
        return Err(failure(404, "Collection not found"));
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file.as_ref());
    let header = reader.headers().map_err(|_| failure(400, "The CSV file cannot be read"))?;
    if header.iter().ne(COLUMNS) {
        return Err(failure(400, "The CSV columns must be domain, customer_postcode, asin, include_raw_html"));
    }
    let rows: Vec<csv::StringRecord> =
        reader.into_records().collect::<Result<_, _>>().map_err(|_| failure(400, "The CSV file cannot be read"))?;
    if rows.len() > ROWS {
        return Err(failure(400, "A CSV file holds at most 5000 rows"));
    }
    let mut errors: Vec<Value> = Vec::new();
    let mut created = 0;
    for (index, row) in rows.iter().enumerate() {
        match csv_row(carts, collection, row) {
            Ok(()) => created += 1,
            Err(error) => errors.push(json!({"row": index + 2, "asin": row.get(2), "error": error})),
        }
    }
    Ok(done(collection, created, &errors))
}

fn csv_row(carts: &mut Carts, collection: u64, row: &csv::StringRecord) -> Result<(), &'static str> {
    let cells: Vec<&str> = row.iter().collect();
    let [domain, zipcode, asin, raw] = cells.as_slice() else { return Err("Wrong number of columns") };
    let raw = raw.parse().map_err(|_| "include_raw_html must be true or false")?;
    let (domain, postcode) = carts.place_by_value(domain, zipcode)?;
    carts.try_enrol(collection, domain, postcode, asin).map_err(row_error)?.include_raw_html = raw;
    Ok(())
}
