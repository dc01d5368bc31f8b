//! Product types, restrictions and feeds through the socket: what the sandbox takes, refuses and does.

mod support;

use std::io::Read;
use std::time::{Duration, Instant};

use asin_sandbox::Sandbox;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use md5::{Digest, Md5};
use reqwest::Method;
use serde_json::{Value, json};
use support::*;

async fn call(sandbox: &Sandbox, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let url = format!("{}{path}", sandbox.demo().sp_api.base_url);
    let request = client().request(method, url).header("x-amz-access-token", token);
    send(match body {
        Some(body) => json_body(request, &body),
        None => request,
    })
    .await
}

async fn get(sandbox: &Sandbox, token: &str, path: &str) -> Value {
    let answer = call(sandbox, token, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

#[tokio::test]
async fn a_schema_is_at_an_absolute_address_that_refuses_our_token() {
    let sandbox = sandbox(STEADY).await;
    let token = access_token(&sandbox, 1).await;
    let path = format!("/definitions/2020-09-01/productTypes/SHOES?marketplaceIds={TR}&locale=DEFAULT");
    let definition = get(&sandbox, &token, &path).await;
    assert_eq!((&definition["locale"], &definition["requirements"]), (&json!("tr_TR"), &json!("LISTING")));
    for link in ["schema", "metaSchema"] {
        let url = definition[link]["link"]["resource"].as_str().expect("an address");
        let schema = send(client().get(url)).await;
        assert_eq!(
            (schema.status, json!(STANDARD.encode(Md5::digest(&schema.body)))),
            (200, definition[link]["checksum"].clone())
        );
        for header in ["x-amz-access-token", "authorization"] {
            let refused = send(client().get(url).header(header, &token)).await;
            assert!(refused.status == 400 && refused.body.starts_with("<?xml"), "{}", refused.body);
        }
        let other = send(client().get(url.replace("Signature=", "Signature=0"))).await;
        assert_eq!(other.status, 403);
    }
    let german =
        format!("/definitions/2020-09-01/productTypes/SHOES?marketplaceIds={DE}&requirements=LISTING_OFFER_ONLY");
    let german = get(&sandbox, &token, &german).await;
    let german = send(client().get(german["schema"]["link"]["resource"].as_str().expect("an address"))).await;
    let german = german.json();
    assert_eq!(
        german["properties"]["color"]["items"]["properties"]["value"]["enum"],
        json!(["Schwarz", "Rot", "Blau"])
    );
    assert_eq!(german["required"], json!(["condition_type", "merchant_suggested_asin", "purchasable_offer"]));
    for (path, status) in [
        (format!("/definitions/2020-09-01/productTypes/LAMP?marketplaceIds={TR}"), 404),
        (format!("/definitions/2020-09-01/productTypes/SHOES?marketplaceIds={TR},{DE}"), 400),
        (format!("/definitions/2020-09-01/productTypes/SHOES?marketplaceIds={US}"), 400),
        (format!("/definitions/2020-09-01/productTypes?marketplaceIds={TR}&keywords=shoes&itemName=shoes"), 400),
    ] {
        assert_eq!(call(&sandbox, &token, Method::GET, &path, None).await.status, status, "{path}");
    }
    let found = format!("/definitions/2020-09-01/productTypes?marketplaceIds={TR}&itemName=red%20running%20shoes");
    assert_eq!(get(&sandbox, &token, &found).await["productTypes"][0]["name"], "SHOES");
}

#[tokio::test]
async fn restrictions_follow_the_condition() {
    let sandbox = sandbox(STEADY).await;
    let token = access_token(&sandbox, 0).await;
    let path = |asin: &str, more: &str| {
        format!("/listings/2021-08-01/restrictions?asin={asin}&sellerId=SELLERNA&marketplaceIds={US}{more}")
    };
    assert_eq!(get(&sandbox, &token, &path("B0CHILD001", "&conditionType=new_new")).await, json!({"restrictions": []}));
    let used = get(&sandbox, &token, &path("B0CHILD001", "&conditionType=used_good")).await;
    assert_eq!(used["restrictions"][0]["reasons"][0]["reasonCode"], "APPROVAL_REQUIRED");
    assert!(used["restrictions"][0]["reasons"][0]["links"][0]["resource"].is_string());
    let unknown = get(&sandbox, &token, &path("B0NOTHERE0", "")).await;
    assert_eq!(unknown["restrictions"][0]["reasons"][0]["reasonCode"], "ASIN_NOT_FOUND");
    let foreign = path("B0CHILD001", "").replace("SELLERNA", "SELLEREU");
    assert_eq!(call(&sandbox, &token, Method::GET, &foreign, None).await.status, 403);
    assert_eq!(call(&sandbox, "Atza|nobody's", Method::GET, &path("B0CHILD001", ""), None).await.status, 403);
}

/// Makes and uploads a document; gives its id.
async fn upload(sandbox: &Sandbox, token: &str, feed: &Value) -> String {
    let kind = json!({"contentType": "application/json"});
    let made = call(sandbox, token, Method::POST, "/feeds/2021-06-30/documents", Some(kind)).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    let url = made["url"].as_str().expect("an address");
    let put = |kind: &str| client().put(url).header("content-type", kind).body(feed.to_string());
    assert_eq!(send(put("text/plain")).await.status, 403, "the signature covers the media type");
    assert_eq!(send(put("application/json").header("authorization", "Bearer x")).await.status, 400);
    assert_eq!(send(put("application/json")).await.status, 200);
    made["feedDocumentId"].as_str().expect("an id").to_owned()
}

fn create(document: &str) -> Option<Value> {
    Some(json!({"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [US], "inputFeedDocumentId": document}))
}

#[tokio::test]
async fn a_feed_waits_works_and_reports() {
    let sandbox = sandbox(STEADY).await;
    let token = access_token(&sandbox, 0).await;
    let price = |id: i64, sku: &str, kind: &str| {
        let patches =
            json!([{"op": "replace", "path": "/attributes/purchasable_offer", "value": [price(json!(18.5))]}]);
        json!({"messageId": id, "sku": sku, "operationType": kind, "productType": "PRODUCT", "patches": patches})
    };
    let feed = json!({
        "header": {"sellerId": "SELLERNA", "version": "2.0", "report": {"includedData": ["issues"], "apiVersion": "2021-08-01"}},
        "messages": [price(1, "RED 1/é", "PATCH"), price(2, "NOBODY'S", "PATCH"), price(2, "FBA-1", "PATCH"), price(4, "FBA-1", "DELETE"),
                     {"messageId": 5, "sku": "NEW", "operationType": "UPDATE", "productType": "LAMP", "attributes": {"item_name": [{"value": "Lamp"}]}},
                     {"messageId": 6, "sku": "FBA-1", "operationType": "PARTIAL_UPDATE", "productType": "LAMP"}],
    });
    let document = upload(&sandbox, &token, &feed).await;
    let before = call(&sandbox, &token, Method::POST, "/feeds/2021-06-30/feeds", create("amzn1.none")).await;
    assert_eq!(before.status, 400);
    let made = call(&sandbox, &token, Method::POST, "/feeds/2021-06-30/feeds", create(&document)).await;
    assert_eq!(made.status, 202);
    let id = made.json()["feedId"].as_str().expect("an id").to_owned();
    let path = format!("/feeds/2021-06-30/feeds/{id}");
    assert_eq!(get(&sandbox, &token, &path).await["processingStatus"], "IN_QUEUE");
    assert!(sandbox.ledger().writes.is_empty(), "nothing is done before its turn");
    let start = Instant::now();
    let done = loop {
        let seen = get(&sandbox, &token, &path).await;
        if seen["processingStatus"] == "DONE" {
            break seen;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "never done: {seen}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        call(&sandbox, &token, Method::DELETE, &path, None).await.status,
        400,
        "what is done cannot be cancelled"
    );
    let report = done["resultFeedDocumentId"].as_str().expect("a report");
    let place = get(&sandbox, &token, &format!("/feeds/2021-06-30/documents/{report}")).await;
    assert_eq!(place["compressionAlgorithm"], "GZIP");
    let bytes = client().get(place["url"].as_str().expect("an address")).send().await.expect("an answer");
    let bytes = bytes.bytes().await.expect("a report");
    let mut text = String::new();
    GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("gzip");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let summary = &report["summary"];
    assert_eq!(
        (&summary["messagesProcessed"], &summary["messagesAccepted"], &summary["messagesInvalid"]),
        (&json!(6), &json!(2), &json!(4))
    );
    let refused: Vec<_> =
        report["issues"].as_array().expect("issues").iter().map(|issue| issue["messageId"].clone()).collect();
    assert_eq!(refused, [json!(2), json!(2), json!(4), json!(6)]);
    assert_eq!(report["items"].as_array().expect("items").len(), 2);
    let ledger = sandbox.ledger();
    assert_eq!(ledger.writes.len(), 2);
    assert_eq!(
        (ledger.writes[0].sku.as_str(), ledger.writes[0].new.price),
        ("RED 1/é", Some("18.5".parse().expect("a price")))
    );
}

#[tokio::test]
async fn feeds_are_listed_by_page_and_cancelled_in_the_queue() {
    let sandbox = sandbox(1.0).await;
    let token = access_token(&sandbox, 0).await;
    let feed = json!({"header": {"sellerId": "SELLERNA", "version": "2.0"}, "messages": []});
    let document = upload(&sandbox, &token, &feed).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let made = call(&sandbox, &token, Method::POST, "/feeds/2021-06-30/feeds", create(&document)).await.json();
        ids.push(made["feedId"].as_str().expect("an id").to_owned());
    }
    let cancelled = call(&sandbox, &token, Method::DELETE, &format!("/feeds/2021-06-30/feeds/{}", ids[0]), None).await;
    assert_eq!((cancelled.status, cancelled.body.as_str()), (200, ""));
    let list = "/feeds/2021-06-30/feeds?feedTypes=JSON_LISTINGS_FEED&pageSize=2";
    let first = get(&sandbox, &token, list).await;
    let next = first["nextToken"].as_str().expect("a second page");
    let second = get(&sandbox, &token, &format!("/feeds/2021-06-30/feeds?nextToken={next}")).await;
    let seen: Vec<_> =
        [&first, &second].iter().flat_map(|page| page["feeds"].as_array().expect("feeds")).cloned().collect();
    assert_eq!(
        seen.iter().map(|feed| feed["feedId"].as_str().expect("an id")).collect::<Vec<_>>(),
        [&ids[2], &ids[1], &ids[0]]
    );
    assert_eq!((&seen[2]["processingStatus"], &second["nextToken"]), (&json!("CANCELLED"), &Value::Null));
    let both = call(&sandbox, &token, Method::GET, &format!("{list}&nextToken={next}"), None).await;
    assert_eq!(both.status, 400, "a token comes alone");
    assert_eq!(call(&sandbox, &token, Method::GET, "/feeds/2021-06-30/feeds", None).await.status, 400);
    let other = access_token(&sandbox, 1).await;
    let foreign = call(&sandbox, &other, Method::GET, &format!("/feeds/2021-06-30/feeds/{}", ids[1]), None).await;
    assert_eq!(foreign.status, 404);
}

#[tokio::test]
async fn each_operation_has_its_plan() {
    let sandbox = sandbox(1.0).await;
    let token = access_token(&sandbox, 0).await;
    let path = format!("/definitions/2020-09-01/productTypes?marketplaceIds={US}");
    let mut statuses = Vec::new();
    for _ in 0..30 {
        let answer = call(&sandbox, &token, Method::GET, &path, None).await;
        if answer.status == 200 {
            assert!(answer.header("x-amzn-RateLimit-Limit").is_some());
        }
        statuses.push(answer.status);
    }
    assert!(statuses.iter().filter(|status| **status == 429).count() > 5, "{statuses:?}");
    let kind = json!({"contentType": "application/json"});
    let made = call(&sandbox, &token, Method::POST, "/feeds/2021-06-30/documents", Some(kind)).await;
    assert_eq!(made.status, 201, "another operation has a plan of its own");
}
