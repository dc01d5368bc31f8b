//! LWA and SP-API through the socket: who may call, how often, and what a read gives.

mod support;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use support::*;

const RED: &str = "SELLERNA/RED%201%2F%C3%A9";

#[tokio::test]
async fn lwa_takes_forms_and_json_and_refuses_as_lwa_does() {
    let sandbox = sandbox(1.0).await;
    let demo = sandbox.demo();
    let form = |fields: &[(&str, &str)]| {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        client().post(&demo.sp_api.lwa_url).header("content-type", "application/x-www-form-urlencoded").body(body)
    };
    let (id, secret) = (demo.sp_api.client_id.as_str(), demo.sp_api.client_secret.as_str());
    let refresh = demo.accounts[0].refresh_token.as_str();
    let good =
        [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", id), ("client_secret", secret)];
    let answer = send(form(&good)).await;
    assert_eq!(answer.status, 200);
    let token = answer.json();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("bearer"), &json!(3600)));
    assert_eq!(token["refresh_token"], refresh);
    assert!(token["access_token"].as_str().is_some_and(|token| token.starts_with("Atza|")));
    assert!(access_token(&sandbox, 1).await.starts_with("Atza|"));

    let mut wrong = good;
    wrong[3].1 = "wrong";
    let answer = send(form(&wrong)).await;
    assert_eq!((answer.status, answer.json()["error"].clone()), (401, json!("invalid_client")));
    let mut wrong = good;
    wrong[1].1 = "Atzr|nobody";
    let answer = send(form(&wrong)).await;
    assert_eq!((answer.status, answer.json()["error"].clone()), (400, json!("invalid_grant")));
    let mut wrong = good;
    wrong[0].1 = "password";
    assert_eq!(send(form(&wrong)).await.json()["error"], "unsupported_grant_type");
    assert_eq!(send(form(&good[..2])).await.json()["error"], "invalid_request");

    let scope = ("scope", "sellingpartnerapi::notifications");
    let grantless = [("grant_type", "client_credentials"), scope, good[2], good[3]];
    assert_eq!(send(form(&grantless)).await.status, 200);
    let grantless = [("grant_type", "client_credentials"), ("scope", "everything"), good[2], good[3]];
    assert_eq!(send(form(&grantless)).await.json()["error"], "invalid_scope");
}

#[tokio::test]
async fn the_gateway_keeps_its_rules() {
    let sandbox = sandbox(STEADY).await;
    let token = access_token(&sandbox, 0).await;
    let path = format!("{RED}?marketplaceIds={US}");
    let answer = send(sp_api(&sandbox, &token, Method::GET, &path)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("x-amzn-RequestId").is_some());
    assert_eq!(answer.header("x-amzn-RateLimit-Limit"), Some("500.0"));

    let with_body = send(sp_api(&sandbox, &token, Method::GET, &path).body("{}")).await;
    assert_eq!((with_body.status, with_body.header("content-type")), (400, Some("text/html")));
    assert!(with_body.header("x-amzn-RequestId").is_some());

    let slash =
        send(sp_api(&sandbox, &token, Method::GET, &format!("SELLERNA/RED%201/%C3%A9?marketplaceIds={US}"))).await;
    assert_eq!((slash.status, slash.json()["errors"][0]["code"].clone()), (403, json!("Unauthorized")));
    let plus =
        send(sp_api(&sandbox, &token, Method::GET, &format!("SELLERNA/RED+1%2F%C3%A9?marketplaceIds={US}"))).await;
    assert_eq!((plus.status, plus.json()["errors"][0]["code"].clone()), (404, json!("NOT_FOUND")));
    assert!(plus.header("x-amzn-RateLimit-Limit").is_some());

    let no_token =
        send(client().get(format!("{}/listings/2021-08-01/items/{path}", sandbox.demo().sp_api.base_url))).await;
    assert_eq!(no_token.status, 403);
    assert_eq!(send(sp_api(&sandbox, "Atza|made-up", Method::GET, &path)).await.status, 403);
    let others = access_token(&sandbox, 1).await;
    assert_eq!(send(sp_api(&sandbox, &others, Method::GET, &path)).await.status, 403);

    for wrong in [
        RED.to_owned(),
        format!("{RED}?marketplaceIds="),
        format!("{RED}?marketplaceIds={DE}"),
        format!("{path}&includedData=prices"),
    ] {
        let answer = send(sp_api(&sandbox, &token, Method::GET, &wrong)).await;
        assert_eq!(
            (answer.status, answer.json()["errors"][0]["code"].clone()),
            (400, json!("InvalidInput")),
            "{wrong}"
        );
    }
    let elsewhere = send(client().get(sandbox.url().join("catalog/2022-04-01/items").expect("a URL"))).await;
    assert_eq!(elsewhere.status, 403);
    assert!(elsewhere.json()["errors"].is_array());
}

#[tokio::test]
async fn an_access_token_expires() {
    let sandbox = sandbox(36_000.0).await;
    let token = access_token(&sandbox, 0).await;
    let path = format!("{RED}?marketplaceIds={US}");
    let start = Instant::now();
    let refusal = loop {
        let answer = send(sp_api(&sandbox, &token, Method::GET, &path)).await;
        if answer.status != 200 {
            break answer;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "it lives for ever");
    };
    assert_eq!(refusal.status, 403);
    assert_eq!(refusal.json()["errors"][0]["details"], "The access token you provided has expired.");
}

#[tokio::test]
async fn each_account_has_its_own_usage_plan() {
    let sandbox = sandbox(0.01).await;
    let token = access_token(&sandbox, 0).await;
    let path = format!("FBA-1?marketplaceIds={US}");
    let path = format!("SELLERNA/{path}");
    for _ in 0..10 {
        assert_eq!(send(sp_api(&sandbox, &token, Method::GET, &path)).await.status, 200);
    }
    let refused = send(sp_api(&sandbox, &token, Method::GET, &path)).await;
    assert_eq!((refused.status, refused.json()["errors"][0]["code"].clone()), (429, json!("QuotaExceeded")));
    assert!(refused.header("x-amzn-RateLimit-Limit").is_none());
    assert!(refused.header("x-amzn-RequestId").is_some());
    let europe = access_token(&sandbox, 1).await;
    let other = sp_api(&sandbox, &europe, Method::GET, &format!("SELLEREU/SLOW?marketplaceIds={DE}"));
    assert_eq!(send(other).await.status, 200);
    let search = sp_api(&sandbox, &token, Method::GET, &format!("SELLERNA?marketplaceIds={US}"));
    assert_eq!(send(search).await.status, 200);
}

#[tokio::test]
async fn a_listing_is_read_by_its_data_sets() {
    let sandbox = sandbox(STEADY).await;
    let token = access_token(&sandbox, 0).await;
    let path = format!("{RED}?marketplaceIds={US}");
    let default = send(sp_api(&sandbox, &token, Method::GET, &path)).await.json();
    assert_eq!(
        default.as_object().map(|item| item.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["sku".into(), "summaries".into()])
    );
    assert_eq!(default["summaries"][0]["asin"], "B0CHILD001");
    assert_eq!(default["summaries"][0]["status"], json!(["BUYABLE", "DISCOVERABLE"]));

    let all = format!(
        "{RED}?marketplaceIds={US},{CA}&includedData=attributes,offers,fulfillmentAvailability,issues,productTypes,relationships"
    );
    let item = send(sp_api(&sandbox, &token, Method::GET, &all)).await.json();
    assert_eq!(item["attributes"]["purchasable_offer"].as_array().map(Vec::len), Some(2));
    assert_eq!(item["offers"][0]["price"], json!({"currencyCode": "USD", "amount": "20.00"}));
    assert_eq!(item["offers"][1]["marketplaceId"], CA);
    assert_eq!(item["fulfillmentAvailability"], json!([{"fulfillmentChannelCode": "DEFAULT", "quantity": 5}]));
    assert_eq!(item["productTypes"][0]["productType"], "LAMP");
    assert_eq!(item["issues"], json!([]));

    let amazons = send(sp_api(
        &sandbox,
        &token,
        Method::GET,
        &format!("SELLERNA/FBA-1?marketplaceIds={US}&includedData=fulfillmentAvailability"),
    ))
    .await;
    assert_eq!(amazons.json()["fulfillmentAvailability"], json!([{"fulfillmentChannelCode": "AMAZON_NA"}]));
}

#[tokio::test]
async fn a_search_is_paged_by_tokens_that_know_their_search() {
    let mut world = world();
    for number in 0..25 {
        world["listings"].as_array_mut().expect("listings").push(json!({
            "seller_id": "SELLEREU", "sku": format!("N-{number:02}"), "marketplace": TR, "asin": format!("B0NUMBER{number:02}"), "quantity": number % 2, "price": "5",
        }));
    }
    let sandbox =
        asin_sandbox::Sandbox::builder().market(market(world)).speed(STEADY).start().await.expect("a sandbox");
    let token = access_token(&sandbox, 1).await;
    let search =
        |query: String| send(sp_api(&sandbox, &token, Method::GET, &format!("SELLEREU?marketplaceIds={TR}{query}")));

    let mut skus: Vec<Value> = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = search(format!("&sortBy=sku&sortOrder=ASC&pageSize=10{page_token}")).await.json();
        assert_eq!(page["numberOfResults"], 25);
        skus.extend(page["items"].as_array().expect("items").iter().map(|item| item["sku"].clone()));
        let Some(next) = page["pagination"]["nextToken"].as_str() else { break };
        page_token = format!("&pageToken={next}");
    }
    let expected: Vec<Value> = (0..25).map(|number| json!(format!("N-{number:02}"))).collect();
    assert_eq!(skus, expected);

    let first = search("&sortBy=sku".to_owned()).await.json();
    let next = first["pagination"]["nextToken"].as_str().expect("a token");
    let other = search(format!("&sortBy=createdDate&pageToken={next}")).await;
    assert_eq!(other.status, 400);
    assert!(other.body.contains("do not match the provided 'pageToken'"));

    // The same token, given out two hours ago.
    let known = String::from_utf8(URL_SAFE_NO_PAD.decode(next).expect("base 64")).expect("text");
    let (bound, _) = known.rsplit_once(':').expect("a time");
    let old = URL_SAFE_NO_PAD.encode(format!("{bound}:-7200"));
    let expired = search(format!("&sortBy=sku&pageToken={old}")).await;
    assert_eq!(expired.status, 400);
    assert!(expired.body.contains("Invalid 'pageToken' provided."));

    let buyable = search("&withStatus=BUYABLE&pageSize=20".to_owned()).await.json();
    assert_eq!(buyable["numberOfResults"], 12);
    let two = search("&identifiersType=SKU&identifiers=N-01,N-02,N-99".to_owned()).await.json();
    assert_eq!(two["numberOfResults"], 2);
    for wrong in [
        "&pageSize=21",
        "&identifiers=N-01",
        "&identifiersType=SKU&identifiers=N-01&variationParentSku=P",
        "&withStatus=SOLD",
    ] {
        assert_eq!(search(wrong.to_owned()).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_search_ends_after_a_thousand_listings_and_windows_reach_the_rest() {
    let listing = |number: u32| json!({"seller_id": "SELLEREU", "sku": format!("N-{number:04}"), "marketplace": TR, "asin": "B0NUMBER01", "age_minutes": number});
    let mut world = world();
    world["listings"] = (0..1010).map(listing).collect();
    let sandbox =
        asin_sandbox::Sandbox::builder().market(market(world)).limits(false).start().await.expect("a sandbox");
    let token = access_token(&sandbox, 1).await;
    let search = async |query: &str| {
        let path = format!("SELLEREU?marketplaceIds={TR}&sortBy=createdDate&sortOrder=ASC&pageSize=20{query}");
        send(sp_api(&sandbox, &token, Method::GET, &path)).await.json()
    };
    let (mut shown, mut page_token) = (0, String::new());
    loop {
        let page = search(&page_token).await;
        assert_eq!(page["numberOfResults"], 1010);
        shown += page["items"].as_array().expect("items").len();
        let Some(next) = page["pagination"]["nextToken"].as_str() else { break };
        page_token = format!("&pageToken={next}");
    }
    assert_eq!(shown, 1000);
    let hour = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(60);
    let recent = search(&format!("&createdAfter={hour}")).await["numberOfResults"].clone();
    assert!(matches!(recent.as_u64(), Some(59..=61)), "{recent}");
}
