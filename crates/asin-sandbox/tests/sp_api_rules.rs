//! What Amazon finds wrong: by the schema of a product type, in a language, and with what it enforces.

mod support;

use asin_sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};
use support::*;

async fn call(sandbox: &Sandbox, method: Method, path: &str, body: &Value) -> Value {
    let token = access_token(sandbox, 1).await;
    let request = sp_api(sandbox, &token, method.clone(), path);
    send(if method == Method::GET { request } else { json_body(request, body) }).await.json()
}

/// What the schema of the luggage asks for, in a store.
fn luggage(store: &str, currency: &str, color: &str) -> Value {
    json!({
        "item_name": [{"value": "Trolley", "language_tag": "de_DE", "marketplace_id": store}],
        "brand": [{"value": "Generic"}],
        "bullet_point": [{"value": "Rolls"}, {"value": "Light"}],
        "color": [{"value": color}],
        "number_of_wheels": [{"value": 4}],
        "wheel_type": [{"value": "spinner"}],
        "condition_type": [{"value": "new_new"}],
        "purchasable_offer": [{"currency": currency, "our_price": [{"schedule": [{"value_with_tax": 80}]}], "marketplace_id": store}],
        "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 3}],
    })
}

fn found(answer: &Value) -> Vec<(&str, &str)> {
    let issues = answer["issues"].as_array().expect("issues");
    let words =
        |issue: &'_ Value| (issue["code"].as_str().map(str::len), issue["attributeNames"][0].as_str().map(str::len));
    assert!(issues.iter().map(words).all(|(code, name)| code.is_some() && name.is_some()), "{answer}");
    issues.iter().filter_map(|issue| Some((issue["code"].as_str()?, issue["attributeNames"][0].as_str()?))).collect()
}

#[tokio::test]
async fn a_put_obeys_the_schema_of_its_product_type() {
    let sandbox = unlimited().await;
    let path = format!("SELLEREU/CASE?marketplaceIds={DE}");
    let put = |attributes: Value, requirements: &'static str| {
        let body = json!({"productType": "LUGGAGE", "requirements": requirements, "attributes": attributes});
        let (sandbox, path) = (&sandbox, &path);
        async move { call(sandbox, Method::PUT, path, &body).await }
    };
    let good = || luggage(DE, "EUR", "Rot");
    let with = |name: &str, value: Value| {
        let mut attributes = good();
        match value {
            Value::Null => drop(attributes.as_object_mut().expect("an object").shift_remove(name)),
            value => attributes[name] = value,
        }
        attributes
    };
    for (attributes, issue) in [
        (with("brand", Value::Null), ("90220", "brand")),
        // A case that rolls has wheels of some kind.
        (with("wheel_type", Value::Null), ("90220", "wheel_type")),
        (with("number_of_wheels", json!([{"value": 9}])), ("4000001", "number_of_wheels")),
        (with("number_of_wheels", json!([{"value": "four"}])), ("4000001", "number_of_wheels")),
        // The values of an enumeration are those of the store's language.
        (with("color", json!([{"value": "Red"}])), ("4000001", "color")),
        // Fifty characters, but more than sixty bytes.
        (with("item_name", json!([{"value": "ü".repeat(40), "language_tag": "de_DE"}])), ("4000001", "item_name")),
        (with("item_name", json!([{"value": "T".repeat(51), "language_tag": "de_DE"}])), ("4000001", "item_name")),
        (with("merchant_suggested_asin", json!([{"value": "no ASIN"}])), ("4000001", "merchant_suggested_asin")),
        (with("brand", json!([{"value": "Generic", "colour": "red"}])), ("4000001", "brand")),
        (
            with("main_product_image_locator", json!([{"value": "https://shop.example/1.jpg"}])),
            ("4000001", "main_product_image_locator"),
        ),
        (
            with("other_product_image_locator_8", json!([{"media_location": "1.jpg"}])),
            ("4000001", "other_product_image_locator_8"),
        ),
        (
            with("other_product_image_locator_9", json!([{"media_location": "https://shop.example/9.jpg"}])),
            ("4000001", "other_product_image_locator_9"),
        ),
        (with("no_such_attribute", json!([{"value": 1}])), ("4000001", "no_such_attribute")),
    ] {
        let answer = put(attributes, "LISTING").await;
        assert_eq!((answer["status"].as_str(), found(&answer)), (Some("INVALID"), vec![issue]), "{answer}");
    }
    assert_eq!(sandbox.ledger().writes.len(), 0);
    let product = with("purchasable_offer", Value::Null);
    assert_eq!(put(product, "LISTING_PRODUCT_ONLY").await["status"], "ACCEPTED");
    let answer = put(good(), "LISTING").await;
    assert_eq!(answer["status"], "ACCEPTED", "{answer}");

    // Afterwards a patch obeys it in what it touches.
    let patch = |attribute: &str, value: Value| {
        let body = json!({"productType": "LUGGAGE", "patches": [{"op": "replace", "path": format!("/attributes/{attribute}"), "value": [value]}]});
        let (sandbox, path) = (&sandbox, &path);
        async move { call(sandbox, Method::PATCH, path, &body).await }
    };
    assert_eq!(found(&patch("number_of_wheels", json!({"value": 12})).await), [("4000001", "number_of_wheels")]);
    assert_eq!(patch("number_of_wheels", json!({"value": 2})).await["status"], "ACCEPTED");
    for attribute in ["main_product_image_locator", "other_product_image_locator_1", "other_product_image_locator_8"] {
        let picture = json!({"media_location": "https://shop.example/case.jpg", "marketplace_id": DE});
        assert_eq!(patch(attribute, picture).await["status"], "ACCEPTED", "{attribute}");
    }
    assert_eq!(patch("purchasable_offer", price(json!(79.9))).await["issues"][0]["code"], "4000001");
}

#[tokio::test]
async fn issues_speak_the_language_that_is_asked_for() {
    let sandbox = unlimited().await;
    let body = replace("purchasable_offer", price(json!(31)));
    let message = |more: &'static str, store: &'static str| {
        let (sandbox, body) = (&sandbox, &body);
        async move {
            let path = format!("SELLEREU/NOBODY?marketplaceIds={store}{PREVIEW}{more}");
            call(sandbox, Method::PATCH, &path, body).await["issues"][0]["message"].as_str().expect("words").to_owned()
        }
    };
    // Without a wish it is the store's.
    assert!(message("", DE).await.starts_with("Zu der SKU"));
    assert!(message("", TR).await.starts_with("Güncellenmek istenen SKU"));
    assert!(message("&issueLocale=tr_TR", DE).await.starts_with("Güncellenmek istenen SKU"));
    assert!(message("&issueLocale=en_US", DE).await.starts_with("Your account has no record"));
    assert!(message("&issueLocale=ja_JP", DE).await.starts_with("Your account has no record"));
}

const PREVIEW: &str = "&mode=VALIDATION_PREVIEW";

#[tokio::test]
async fn what_is_enforced_shows_in_the_status() {
    let mut world = world();
    let issue = |action: &str, exempt: &str| {
        json!([{"code": "99300", "message": "x", "severity": "WARNING", "categories": ["MISSING_IMAGE"],
                "enforcements": {"actions": [{"action": action}], "exemption": {"status": exempt}}}])
    };
    let listings = world["listings"].as_array_mut().expect("listings");
    for (sku, issues) in [
        ("HIDDEN", issue("SEARCH_SUPPRESSED", "NOT_EXEMPT")),
        ("STOPPED", issue("LISTING_SUPPRESSED", "NOT_EXEMPT")),
        ("GONE", issue("CATALOG_ITEM_REMOVED", "NOT_EXEMPT")),
        ("SPARED", issue("LISTING_SUPPRESSED", "EXEMPT_UNTIL_EXPIRY_DATE")),
    ] {
        listings.push(json!({"seller_id": "SELLEREU", "sku": sku, "marketplace": DE, "asin": "B0CHILD001", "price": "9", "quantity": 1, "issues": issues}));
    }
    let sandbox =
        Sandbox::builder().market(market(world)).speed(STEADY).limits(false).start().await.expect("a sandbox");
    for (sku, status) in [
        ("HIDDEN", json!(["BUYABLE"])),
        ("STOPPED", json!(["DISCOVERABLE"])),
        ("GONE", json!([])),
        ("SPARED", json!(["BUYABLE", "DISCOVERABLE"])),
    ] {
        let path = format!("SELLEREU/{sku}?marketplaceIds={DE}&includedData=summaries,issues");
        let read = call(&sandbox, Method::GET, &path, &Value::Null).await;
        assert_eq!(read["summaries"][0]["status"], status, "{sku}");
        assert_eq!(read["issues"].as_array().map(Vec::len), Some(1));
    }
}
