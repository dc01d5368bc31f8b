//! getListingsRestrictions: what keeps a product from being listed.
//!
//! The sandbox's own rule: a product that its market does not know is not found; goods that are used or refurbished need
//! approval, collectibles are not eligible, new ones may be listed.

use http::StatusCode;
use serde_json::{Value, json};

use super::{invalid, lwa, marketplaces};
use crate::call::{Call, Reply};
use crate::world::World;

const CONDITIONS: [&str; 13] = [
    "new_new",
    "new_open_box",
    "new_oem",
    "refurbished_refurbished",
    "used_like_new",
    "used_very_good",
    "used_good",
    "used_acceptable",
    "collectible_like_new",
    "collectible_very_good",
    "collectible_good",
    "collectible_acceptable",
    "club_club",
];

pub(super) fn get(world: &World, call: &Call, _: &str) -> Result<Reply, Reply> {
    let seller = call.query("sellerId").ok_or_else(|| invalid("'sellerId' is required."))?;
    lwa::authorise(world, call, &seller)?;
    let asin = call.query("asin").ok_or_else(|| invalid("'asin' is required."))?;
    let stores = marketplaces(world, call, &seller, usize::MAX)?;
    let condition = call.query("conditionType");
    if condition.as_ref().is_some_and(|condition| !CONDITIONS.contains(&condition.as_str())) {
        return Err(invalid("Invalid 'conditionType' provided."));
    }
    let known = world.product(&asin).is_some();
    let mut restrictions: Vec<Value> = Vec::new();
    for store in stores {
        if !known {
            let message = format!("The product {asin} is not in this store.");
            let reason = json!({"message": message, "reasonCode": "ASIN_NOT_FOUND"});
            restrictions.push(json!({"marketplaceId": store.id, "reasons": [reason]}));
            continue;
        }
        let asked = CONDITIONS.iter().filter(|one| condition.as_ref().is_none_or(|condition| condition == *one));
        restrictions.extend(asked.filter_map(|condition| {
            let reason = reason(condition, store.domain, &asin)?;
            Some(json!({"marketplaceId": store.id, "conditionType": condition, "reasons": [reason]}))
        }));
    }
    Ok(Reply::json(StatusCode::OK, &json!({"restrictions": restrictions})))
}

fn reason(condition: &str, domain: &str, asin: &str) -> Option<Value> {
    let (kind, _) = condition.split_once('_')?;
    match kind {
        "used" | "refurbished" => Some(json!({
            "message": "You need approval to list this product in this condition.",
            "reasonCode": "APPROVAL_REQUIRED",
            "links": [{
                "resource": format!("https://sellercentral.{domain}/hz/approvalrequest?asin={asin}"),
                "verb": "GET",
                "title": "Request approval",
                "type": "text/html",
            }],
        })),
        "collectible" => Some(json!({
            "message": "You are not eligible to list this product in this condition.",
            "reasonCode": "NOT_ELIGIBLE",
        })),
        _ => None,
    }
}
