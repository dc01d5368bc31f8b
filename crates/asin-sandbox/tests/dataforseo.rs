//! DataForSEO Merchant through the socket.

mod support;

use serde_json::json;
use support::*;

#[tokio::test]
async fn a_sellers_task_is_billed_queued_listed_collected() {
    let sandbox = sandbox(FAST).await;
    let posted = post(&sandbox, "sellers", &json!([task("B0CHILD001", "t1")])).await;
    assert_eq!(posted.status, 200);
    assert!(posted.header("date").is_some());
    let posted = posted.json();
    assert_eq!((&posted["status_code"], &posted["cost"]), (&json!(20000), &json!(0.001)));
    let created = &posted["tasks"][0];
    assert_eq!((&created["status_code"], &created["result"]), (&json!(20100), &json!(null)));
    assert_eq!(created["data"]["tag"], "t1");
    let id = created["id"].as_str().expect("an id");

    let answer = result(&sandbox, "sellers", id).await;
    let page = &answer["tasks"][0]["result"][0];
    assert_eq!(page["items_count"], 4);
    assert_eq!(page["items"][0]["type"], "amazon_seller_main_item");
    assert_eq!(page["items"][0]["price"]["current"], 19.99);
    assert_eq!(page["items"][0]["price"]["currency"], "USD");
    assert!(page["items"][0]["seller_url"].as_str().is_some_and(|url| url.contains("seller=OTHER1&")));
    assert_eq!(page["items"][1]["condition"], "Used - Good");
    assert_eq!((&page["items"][2]["price"], &page["items"][2]["delivery_info"]), (&json!(null), &json!(null)));
    assert!(page["items"][3]["seller_url"].as_str().is_some_and(|url| url.contains("seller=SELLERNA&")));

    let ledger = sandbox.ledger();
    assert_eq!(ledger.times_billed("t1"), 1);
    assert_eq!(ledger.balance_usd.to_string(), "9.999");
    assert_eq!(ledger.calls("AmazonSellersTaskPost"), 1);
}
