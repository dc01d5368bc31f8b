//! Submissions through the socket: what a patch changes, what it leaves, and what it is refused for.

mod support;

use std::time::Duration;

use asin_sandbox::{Fault, Market, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};
use support::*;

const RED: &str = "SELLERNA/RED%201%2F%C3%A9";
const PREVIEW: &str = "&mode=VALIDATION_PREVIEW";

async fn patch(sandbox: &Sandbox, account: usize, path: &str, body: &Value) -> Answer {
    let token = access_token(sandbox, account).await;
    send(json_body(sp_api(sandbox, &token, Method::PATCH, path), body)).await
}

fn terms(market: &Market, sku: &str, marketplace: &str) -> (String, Option<u64>) {
    let here = |listing: &&asin_sandbox::Listing| listing.sku == sku && listing.marketplace == marketplace;
    let listing = market.listings.iter().find(here).expect("a listing");
    (listing.price.expect("a price").normalize().to_string(), listing.quantity)
}

#[tokio::test]
async fn prices_are_of_a_store_and_stock_is_of_the_region() {
    let sandbox = sandbox(FAST).await;
    let path = format!("{RED}?marketplaceIds={US}");
    let preview =
        patch(&sandbox, 0, &format!("{path}{PREVIEW}"), &replace("purchasable_offer", price(json!(18.5)))).await;
    assert_eq!(preview.json()["status"], "VALID");
    assert_eq!(terms(&sandbox.market(), "RED 1/é", US), ("20".into(), Some(5)));

    let real = patch(&sandbox, 0, &path, &replace("purchasable_offer", price(json!("18.50")))).await.json();
    assert_eq!(real["status"], "ACCEPTED");
    let stock = json!({"fulfillment_channel_code": "DEFAULT", "quantity": "100"});
    assert_eq!(
        patch(&sandbox, 0, &path, &replace("fulfillment_availability", stock)).await.json()["status"],
        "ACCEPTED"
    );
    assert_eq!(terms(&sandbox.market(), "RED 1/é", US), ("18.5".into(), Some(100)));
    assert_eq!(terms(&sandbox.market(), "RED 1/é", CA), ("27".into(), Some(100)));

    let ledger = sandbox.ledger();
    assert_eq!(ledger.writes.len(), 2);
    let write = &ledger.writes[0];
    assert_eq!(write.submission_id, real["submissionId"].as_str().expect("an id"));
    assert_eq!(
        (write.old.price.map(|price| price.to_string()), write.new.price.map(|price| price.to_string())),
        (Some("20".into()), Some("18.5".into()))
    );
    assert_eq!((write.old.quantity, write.new.quantity, write.applied), (Some(5), Some(5), true));
    assert_eq!(ledger.writes_to("SELLERNA", "RED 1/é").count(), 2);
}

#[tokio::test]
async fn replace_takes_the_instance_of_its_selectors_and_what_it_leaves_out_is_gone() {
    let mut world = world();
    let schedule = |value: f64| json!([{"schedule": [{"value_with_tax": value}]}]);
    world["listings"][0]["attributes"] = json!({"purchasable_offer": [
        {"marketplace_id": US, "currency": "USD", "audience": "ALL", "our_price": schedule(20.0), "discounted_price": schedule(15.0)},
        {"marketplace_id": US, "currency": "USD", "audience": "B2B", "our_price": schedule(17.0)},
    ], "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 5, "lead_time_to_ship_max_days": 3, "marketplace_id": US}]});
    let sandbox = Sandbox::builder().market(market(world)).speed(FAST).start().await.expect("a sandbox");
    let path = format!("{RED}?marketplaceIds={US}");
    assert_eq!(
        patch(&sandbox, 0, &path, &replace("purchasable_offer", price(json!(18)))).await.json()["status"],
        "ACCEPTED"
    );
    let merge = json!({"productType": "PRODUCT", "patches": [{"op": "merge", "path": "fulfillment_availability",
        "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 7}]}]});
    assert_eq!(patch(&sandbox, 0, &path, &merge).await.json()["status"], "ACCEPTED");

    let market = sandbox.market();
    let red = market
        .listings
        .iter()
        .find(|listing| listing.sku == "RED 1/é" && listing.marketplace == US)
        .expect("a listing");
    let offers = red.attributes["purchasable_offer"].as_array().expect("offers");
    assert_eq!(offers.len(), 2);
    let all = offers.iter().find(|offer| offer["audience"] != "B2B").expect("the consumers' offer");
    assert_eq!((all["our_price"].clone(), all.get("discounted_price")), (schedule_of(18), None));
    assert_eq!(
        red.attributes["fulfillment_availability"][0],
        json!({
            "fulfillment_channel_code": "DEFAULT", "quantity": 7, "lead_time_to_ship_max_days": 3, "marketplace_id": US,
        })
    );

    let delete = json!({"productType": "PRODUCT", "patches": [{"op": "delete", "path": "/attributes/purchasable_offer",
        "value": [{"marketplace_id": US, "audience": "B2B"}]}]});
    assert_eq!(patch(&sandbox, 0, &path, &delete).await.json()["status"], "ACCEPTED");
    let market = sandbox.market();
    let red = market
        .listings
        .iter()
        .find(|listing| listing.sku == "RED 1/é" && listing.marketplace == US)
        .expect("a listing");
    assert_eq!(red.attributes["purchasable_offer"].as_array().map(Vec::len), Some(1));
}

fn schedule_of(value: i64) -> Value {
    json!([{"schedule": [{"value_with_tax": value}]}])
}

#[tokio::test]
async fn what_is_wrong_is_invalid_or_a_bad_request() {
    let sandbox = unlimited().await;
    let path = format!("{RED}?marketplaceIds={US}");
    let stock = |quantity: Value| json!({"fulfillment_channel_code": "DEFAULT", "quantity": quantity});
    let mut foreign = price(json!(5));
    foreign["currency"] = json!("EUR");
    for body in [
        replace("purchasable_offer", price(json!(0))),
        replace("purchasable_offer", price(json!(1.005))),
        replace("purchasable_offer", price(json!("free"))),
        replace("purchasable_offer", foreign),
        replace("fulfillment_availability", stock(json!(-1))),
        replace("fulfillment_availability", stock(json!(1.5))),
        replace("fulfillment_availability", json!({"quantity": 1})),
        json!({"productType": "PRODUCT", "patches": [{"op": "merge", "path": "/attributes/purchasable_offer", "value": [price(json!(5))]}]}),
    ] {
        for mode in ["", PREVIEW] {
            let answer = patch(&sandbox, 0, &format!("{path}{mode}"), &body).await;
            assert_eq!((answer.status, answer.json()["status"].clone()), (200, json!("INVALID")), "{body}");
            assert_eq!(answer.json()["issues"][0]["severity"], "ERROR");
        }
    }
    let bad = |patch: Value| json!({"productType": "PRODUCT", "patches": [patch]});
    for body in [
        json!({"patches": [{"op": "replace", "path": "/attributes/a", "value": [{}]}]}),
        json!({"productType": "PRODUCT", "patches": []}),
        bad(json!({"op": "move", "path": "/attributes/a", "value": [{}]})),
        bad(json!({"op": "replace", "path": "/attributes/fulfillmentAvailability", "value": [{}]})),
        bad(json!({"op": "replace", "path": "/attributes/purchasable_offer/0", "value": [{}]})),
        bad(json!({"op": "replace", "path": "/attributes/a", "value": {}})),
        bad(json!({"op": "delete", "path": "/attributes/a", "value": []})),
        bad(json!({"op": "delete", "path": "/attributes/a"})),
    ] {
        let answer = patch(&sandbox, 0, &path, &body).await;
        assert_eq!((answer.status, answer.json()["errors"][0]["code"].clone()), (400, json!("InvalidInput")), "{body}");
    }
    let token = access_token(&sandbox, 0).await;
    let text = sp_api(&sandbox, &token, Method::PATCH, &path).header("content-type", "text/plain").body("{}");
    assert_eq!(send(text).await.status, 415);
    let bad_listing = patch(
        &sandbox,
        1,
        &format!("SELLEREU/BAD?marketplaceIds={DE}"),
        &replace("purchasable_offer", price(json!(5))),
    )
    .await;
    assert_eq!(bad_listing.json()["status"], "INVALID");
    assert_eq!(sandbox.ledger().writes.len(), 0);
}

#[tokio::test]
async fn a_patch_of_nobodys_sku_is_accepted_and_shows_an_issue() {
    let sandbox = unlimited().await;
    let path = format!("SELLERNA/NOBODY?marketplaceIds={US}");
    let body = replace("purchasable_offer", price(json!(5)));
    assert_eq!(patch(&sandbox, 0, &format!("{path}{PREVIEW}"), &body).await.json()["status"], "INVALID");
    let token = access_token(&sandbox, 0).await;
    assert_eq!(send(sp_api(&sandbox, &token, Method::GET, &path)).await.status, 404);
    assert_eq!(patch(&sandbox, 0, &path, &body).await.json()["status"], "ACCEPTED");
    let read = send(sp_api(&sandbox, &token, Method::GET, &format!("{path}&includedData=summaries,issues,attributes")))
        .await
        .json();
    assert_eq!((&read["summaries"], &read["issues"][0]["code"]), (&json!([]), &json!("13013")));
    assert_eq!(sandbox.market().listings.len(), 6);
}

#[tokio::test]
async fn accepted_is_not_applied() {
    let sandbox = sandbox(1.0).await;
    let body = replace("purchasable_offer", price(json!(31)));
    for sku in ["LOST", "SLOW"] {
        let path = format!("SELLEREU/{sku}?marketplaceIds={DE}");
        assert_eq!(patch(&sandbox, 1, &path, &body).await.json()["status"], "ACCEPTED");
    }
    assert_eq!(terms(&sandbox.market(), "SLOW", DE).0, "30");
    sandbox.fault(Fault::on("GET", "/v3/*").call(1).clock_jump(Duration::from_secs(300)));
    send(dataforseo(&sandbox, Method::GET, "appendix/user_data")).await;
    assert_eq!(terms(&sandbox.market(), "SLOW", DE).0, "31");
    assert_eq!(terms(&sandbox.market(), "LOST", DE).0, "30");
    let applied: Vec<bool> = sandbox.ledger().writes.iter().map(|write| write.applied).collect();
    assert_eq!(applied, [false, true]);
}

#[tokio::test]
async fn put_creates_and_delete_removes() {
    let sandbox = unlimited().await;
    let token = access_token(&sandbox, 0).await;
    let path = format!("SELLERNA/NEW?marketplaceIds={US}");
    let offer = json!({"currency": "USD", "our_price": [{"schedule": [{"value_with_tax": "12.30"}]}]});
    let body = json!({"productType": "LAMP", "requirements": "LISTING_OFFER_ONLY", "attributes": {
        "condition_type": [{"value": "new_new"}],
        "merchant_suggested_asin": [{"value": "B0CHILD002"}],
        "purchasable_offer": [offer],
        "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": "50"}],
    }});
    let put = |path: String, body: &Value| send(json_body(sp_api(&sandbox, &token, Method::PUT, &path), body));
    assert_eq!(put(format!("{path}{PREVIEW}&includedData=issues,identifiers"), &body).await.json()["status"], "VALID");
    assert_eq!(put(format!("{path}&includedData=identifiers"), &body).await.status, 400);
    assert_eq!(put(format!("{path},{CA}"), &body).await.status, 400);
    let mut without = body.clone();
    without["attributes"].as_object_mut().expect("attributes").remove("condition_type");
    assert_eq!(put(path.clone(), &without).await.json()["issues"][0]["code"], "90220");
    assert_eq!(send(sp_api(&sandbox, &token, Method::GET, &path)).await.status, 404);

    assert_eq!(put(path.clone(), &body).await.json()["status"], "ACCEPTED");
    assert_eq!(terms(&sandbox.market(), "NEW", US), ("12.3".into(), Some(50)));
    let read = send(sp_api(&sandbox, &token, Method::GET, &path)).await.json();
    assert_eq!(
        (&read["summaries"][0]["asin"], &read["summaries"][0]["productType"]),
        (&json!("B0CHILD002"), &json!("LAMP"))
    );

    let removed = send(json_body(sp_api(&sandbox, &token, Method::DELETE, &path), &json!({}))).await;
    assert_eq!(removed.json()["status"], "ACCEPTED");
    assert_eq!(send(sp_api(&sandbox, &token, Method::GET, &path)).await.status, 404);
    assert_eq!(sandbox.ledger().calls("deleteListingsItem"), 1);
}

#[tokio::test]
async fn one_patch_can_price_several_stores() {
    let sandbox = sandbox(FAST).await;
    let offer = |store: &str, currency: &str, value: i64| json!({"marketplace_id": store, "currency": currency, "our_price": schedule_of(value)});
    let body = |instances: Vec<Value>| json!({"productType": "PRODUCT", "patches": [{"op": "replace", "path": "/attributes/purchasable_offer", "value": instances}]});
    let path = format!("{RED}?marketplaceIds={US},{CA}");
    let elsewhere = patch(&sandbox, 0, &path, &body(vec![offer(DE, "EUR", 5)])).await.json();
    assert_eq!(elsewhere["status"], "INVALID");
    let both = patch(&sandbox, 0, &path, &body(vec![offer(US, "USD", 6), offer(CA, "CAD", 7)])).await.json();
    assert_eq!(both["status"], "ACCEPTED");
    assert_eq!(terms(&sandbox.market(), "RED 1/é", US).0, "6");
    assert_eq!(terms(&sandbox.market(), "RED 1/é", CA).0, "7");
}

#[tokio::test]
async fn an_offer_whose_end_has_passed_cannot_be_bought() {
    let sandbox = sandbox(STEADY).await;
    let token = access_token(&sandbox, 0).await;
    let path = format!("{RED}?marketplaceIds={US}");
    for (end, status) in [
        ("2020-01-01T00:00:00.000Z", json!(["DISCOVERABLE"])),
        ("2120-01-01T00:00:00.000Z", json!(["BUYABLE", "DISCOVERABLE"])),
    ] {
        let mut offer = price(json!(20));
        offer["end_at"] = json!({"value": end});
        let body = replace("purchasable_offer", offer);
        let answer = send(json_body(sp_api(&sandbox, &token, Method::PATCH, &path), &body)).await;
        assert_eq!(answer.json()["status"], "ACCEPTED");
        let item = send(sp_api(&sandbox, &token, Method::GET, &path)).await.json();
        assert_eq!(item["summaries"][0]["status"], status, "{end}");
    }
}
