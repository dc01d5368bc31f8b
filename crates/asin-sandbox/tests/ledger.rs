//! The ledger's invariants, its bounds, and the page.

mod support;

use asin_sandbox::{Fault, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};
use support::*;

async fn patch(sandbox: &Sandbox, value: i64) -> Value {
    let token = access_token(sandbox, 0).await;
    let path = format!("SELLERNA/RED%201%2F%C3%A9?marketplaceIds={US}");
    let body = replace("purchasable_offer", price(json!(value)));
    send(json_body(sp_api(sandbox, &token, Method::PATCH, &path), &body)).await.json()
}

#[tokio::test]
async fn what_is_billed_or_written_twice_is_found() {
    let sandbox = unlimited().await;
    post(&sandbox, "asin", &json!([task("B0CHILD001", "one"), task("B0CHILD001", "two")])).await;
    patch(&sandbox, 18).await;
    patch(&sandbox, 19).await;
    patch(&sandbox, 18).await;
    let ledger = sandbox.ledger();
    ledger.each_tag_billed_once().expect("two tags, two tasks");
    ledger.each_billed_once(["one", "two"]).expect("both");
    ledger.each_write_once().expect("there and back again is no repetition");
    ledger.each_write_applied().expect("at once");
    ledger.books_balance().expect("0.003 USD");
    let missing = ledger.each_billed_once(["one", "three"]).expect_err("three was never posted").to_string();
    assert_eq!(missing, "tag \"three\": billed 0 times");

    post(&sandbox, "sellers", &json!([task("B0CHILD001", "one")])).await;
    patch(&sandbox, 18).await;
    let ledger = sandbox.ledger();
    let twice = ledger.each_tag_billed_once().expect_err("one was posted twice").to_string();
    assert_eq!(twice, "tag \"one\": billed 2 times, 0.0025 USD");
    let said = ledger.each_write_once().expect_err("18 after 18").to_string();
    assert!(said.contains("RED 1/é") && said.contains("say the same"), "{said}");
    ledger.books_balance().expect("twice is still counted");
}

#[tokio::test]
async fn a_write_that_is_not_applied_is_found() {
    let sandbox = unlimited().await;
    let token = access_token(&sandbox, 1).await;
    let path = format!("SELLEREU/LOST?marketplaceIds={DE}");
    let body = replace("purchasable_offer", price(json!(31)));
    send(json_body(sp_api(&sandbox, &token, Method::PATCH, &path), &body)).await;
    let lost = sandbox.ledger().each_write_applied().expect_err("accepted and lost").to_string();
    assert!(lost.starts_with("LOST in A1PA6795UKMFR9, request "), "{lost}");
}

#[tokio::test]
async fn only_the_newest_requests_and_writes_are_remembered() {
    let builder = Sandbox::builder().market(market(world())).speed(STEADY).limits(false).remember(10);
    let sandbox = builder.start().await.expect("a sandbox");
    for number in 0..50 {
        patch(&sandbox, 18 + number).await;
    }
    let ledger = sandbox.ledger();
    assert!((10..=20).contains(&ledger.requests.len()), "{}", ledger.requests.len());
    assert_eq!(ledger.forgotten_requests + ledger.requests.len() as u64, 100);
    assert_eq!(ledger.forgotten_writes + ledger.writes.len() as u64, 50);
    assert!(ledger.writes.iter().all(|write| write.applied));
    assert_eq!(ledger.requests.last().map(|entry| entry.number), Some(100));
    assert_eq!(ledger.calls("patchListingsItem"), 50);
}

#[tokio::test]
async fn late_writes_are_applied_whatever_is_forgotten() {
    let builder = Sandbox::builder().market(market(world())).speed(1.0).limits(false).remember(2);
    let sandbox = builder.start().await.expect("a sandbox");
    let token = access_token(&sandbox, 1).await;
    let path = format!("SELLEREU/SLOW?marketplaceIds={DE}");
    for number in 0..6 {
        let body = replace("purchasable_offer", price(json!(31 + number)));
        send(json_body(sp_api(&sandbox, &token, Method::PATCH, &path), &body)).await;
    }
    assert!(sandbox.ledger().writes.iter().all(|write| !write.applied));
    sandbox.fault(Fault::on("POST", "/api/v1/users/credits/").call(1).clock_jump(std::time::Duration::from_secs(301)));
    multicart(&sandbox, "users/credits/", &json!({})).await;
    let ledger = sandbox.ledger();
    assert!(ledger.forgotten_writes > 0 && ledger.writes.iter().all(|write| write.applied));
    let listings = sandbox.market().listings;
    let slow = listings.iter().find(|listing| listing.sku == "SLOW").expect("a listing");
    assert_eq!(slow.price.map(|price| price.to_string()).as_deref(), Some("36"));
}

#[tokio::test]
async fn tasks_that_were_collected_long_ago_are_forgotten() {
    let builder = Sandbox::builder().market(market(world())).speed(FAST).limits(false).remember(3);
    let sandbox = builder.start().await.expect("a sandbox");
    let tags: Vec<String> = (0..9).map(|number| format!("tag-{number}")).collect();
    let tasks: Vec<Value> = tags.iter().map(|tag| task("B0CHILD001", tag)).collect();
    let posted = post(&sandbox, "asin", &json!(tasks)).await.json();
    let ids: Vec<&str> = (0..9).filter_map(|at| posted["tasks"][at]["id"].as_str()).collect();
    for id in &ids[..8] {
        assert_eq!(result(&sandbox, "asin", id).await["tasks"][0]["status_code"], 20000);
    }
    let code = |id: &str| {
        let path = format!("merchant/amazon/asin/task_get/advanced/{id}");
        let sandbox = &sandbox;
        async move { get(sandbox, &path).await["tasks"][0]["status_code"].clone() }
    };
    assert_eq!((code(ids[0]).await, code(ids[4]).await), (json!(40401), json!(40401)));
    assert_eq!((code(ids[5]).await, code(ids[7]).await), (json!(20000), json!(20000)));
    // What nobody has collected is never forgotten, and neither is a bill.
    assert_eq!(result(&sandbox, "asin", ids[8]).await["tasks"][0]["status_code"], 20000);
    sandbox.ledger().each_billed_once(tags.iter().map(String::as_str)).expect("all nine");
    let live = send(client().get(sandbox.url().join("/_sandbox/live").expect("a URL"))).await.json();
    assert_eq!(live["tasks"]["counts"]["forgotten"], 6);
}

#[tokio::test]
async fn the_page_and_its_numbers_are_there() {
    let sandbox = unlimited().await;
    let at = |path: &str| sandbox.url().join(path).expect("a URL");
    let page = send(client().get(at("/_sandbox"))).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.body.contains("<title>asin sandbox</title>"));
    // One file: it asks nobody but the sandbox for anything.
    assert!(!page.body.contains("src=") && !page.body.contains("http://") && !page.body.contains("https://"));

    let live = |since: u64| send(client().get(at(&format!("/_sandbox/live?since={since}"))));
    post(&sandbox, "asin", &json!([task("B0CHILD001", "seen")])).await;
    patch(&sandbox, 18).await;
    multicart(&sandbox, "users/credits/", &json!({})).await;
    let seen = live(0).await.json();
    let numbers = |seen: &Value| {
        seen["requests"].as_array().expect("requests").iter().map(|one| one["number"].as_u64()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&seen), [Some(1), Some(2), Some(3), Some(4)]);
    assert_eq!(numbers(&live(3).await.json()), [Some(4)]);
    assert_eq!(seen["seen"], json!({"lwa": 1, "sp-api": 1, "dataforseo": 1, "multicart": 1}));
    assert_eq!((&seen["charged_usd"], &seen["multicart"]["credits"]), (&json!("0.0015"), &json!(500)));
    assert!(seen["tasks"]["rows"].as_array().is_some_and(|rows| rows.iter().any(|row| row["tag"] == "seen")));
    assert_eq!(seen["listings"]["total"], 6);
    assert_eq!(seen["writes"][0]["sku"], "RED 1/é");
}

#[tokio::test]
async fn one_fault_can_be_taken_back_alone() {
    let sandbox = unlimited().await;
    let at = |path: &str| sandbox.url().join(path).expect("a URL");
    sandbox.fault(Fault::on("GET", "/v3/appendix/*").call(2).garbage());
    sandbox.fault(Fault::on("GET", "/v3/*").html_error(503));
    for _ in 0..3 {
        send(dataforseo(&sandbox, Method::GET, "appendix/user_data")).await;
    }
    let faults = send(client().get(at("/_sandbox/live"))).await.json()["faults"].clone();
    let counts: Vec<_> =
        faults.as_array().expect("faults").iter().map(|one| (one["calls"].clone(), one["struck"].clone())).collect();
    assert_eq!(counts, [(json!(3), json!(1)), (json!(3), json!(2))]);
    let gone = client().delete(at(&format!("/_sandbox/faults/{}", faults[1]["id"])));
    assert_eq!(send(gone).await.json().as_array().map(Vec::len), Some(1));
    assert_eq!(send(client().delete(at("/_sandbox/faults/77"))).await.status, 404);
    assert_eq!(send(dataforseo(&sandbox, Method::GET, "appendix/user_data")).await.status, 200);
}
