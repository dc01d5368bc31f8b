//! A small world and the plainest of clients.
#![allow(dead_code)]

use std::time::{Duration, Instant};

use asin_sandbox::{Market, Sandbox};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

pub const US: &str = "ATVPDKIKX0DER";
pub const CA: &str = "A2EUQ1WTGCTBG2";
pub const DE: &str = "A1PA6795UKMFR9";
pub const TR: &str = "A33AVAJ2PDY3EV";

/// Speeds the vendors' clocks up so far that nothing has to be waited for.
pub const FAST: f64 = 6000.0;
/// Fast, yet an access token lives 36 s: longer than a test takes on a busy machine.
pub const STEADY: f64 = 100.0;

pub fn world() -> Value {
    json!({
        "accounts": [
            {"name": "americas", "seller_id": "SELLERNA", "region": "na"},
            {"name": "europe", "seller_id": "SELLEREU", "region": "eu"},
        ],
        "products": [
            {"asin": "B0PARENT00", "title": "Lamp", "variants": ["B0CHILD001", "B0CHILD002"]},
            {"asin": "B0CHILD001", "title": "Lamp, red", "parent": "B0PARENT00", "variants": ["B0CHILD001", "B0CHILD002"], "offers": [
                {"marketplace": US, "seller_id": "OTHER1", "seller": "Other", "price": "19.99", "condition": "New", "buy_box": true},
                {"marketplace": US, "seller_id": "OTHER2", "price": "9.50", "condition": "Used - Good"},
                {"marketplace": US, "seller_id": "OTHER3", "price": "18.00", "condition": "New", "in_stock": false},
                {"marketplace": US, "seller_id": "SELLERNA", "price": "21.00"},
                {"marketplace": DE, "seller_id": "OTHER4", "price": "30", "condition": "Neu", "currency": "EUR", "age_minutes": 180},
            ]},
        ],
        "listings": [
            {"seller_id": "SELLERNA", "sku": "RED 1/é", "marketplace": US, "asin": "B0CHILD001", "product_type": "LAMP", "price": "20.00", "quantity": 5},
            {"seller_id": "SELLERNA", "sku": "RED 1/é", "marketplace": CA, "asin": "B0CHILD001", "product_type": "LAMP", "price": "27.00", "quantity": 5},
            {"seller_id": "SELLERNA", "sku": "FBA-1", "marketplace": US, "asin": "B0CHILD002", "price": "20", "channel": "AMAZON_NA"},
            {"seller_id": "SELLEREU", "sku": "BAD", "marketplace": DE, "asin": "B0CHILD001", "price": "30", "quantity": 1, "preview": "INVALID"},
            {"seller_id": "SELLEREU", "sku": "SLOW", "marketplace": DE, "asin": "B0CHILD001", "price": "30", "quantity": 1, "applies": "later"},
            {"seller_id": "SELLEREU", "sku": "LOST", "marketplace": DE, "asin": "B0CHILD001", "price": "30", "quantity": 1, "applies": "never"},
        ],
        "domains": [{"id": 1, "domain": "amazon.com", "country_code": "US"}, {"id": 2, "domain": "amazon.de"}],
        "postcodes": [{"id": 15, "domain": 1, "zipcode": "04500"}, {"id": 16, "domain": 2, "zipcode": "10115", "status": "failed"}],
        "collections": [{"id": 101, "name": "Lamps",
            "items": [{"asin": "B0CHILD001", "domain": 1, "postcode": 15}],
            "outputs": [{"asin": "B0CHILD001", "price": "$47.30", "availability": "In Stock", "age_minutes": 30, "extra": {"seller": "x"}}]}],
    })
}

pub fn market(world: Value) -> Market {
    serde_json::from_value(world).expect("a market")
}

pub async fn sandbox(speed: f64) -> Sandbox {
    Sandbox::builder().market(market(world())).seed(7).speed(speed).start().await.expect("a sandbox")
}

/// Steady, and nobody is throttled however fast this machine is.
pub async fn unlimited() -> Sandbox {
    let builder = Sandbox::builder().market(market(world())).seed(7).speed(STEADY).limits(false);
    builder.start().await.expect("a sandbox")
}

/// An answer that was read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

pub async fn send(request: RequestBuilder) -> Answer {
    try_send(request).await.expect("an answer")
}

pub async fn try_send(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, body: response.text().await? })
}

pub fn json_body(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.header("content-type", "application/json").body(body.to_string())
}

// SP-API

pub async fn access_token(sandbox: &Sandbox, account: usize) -> String {
    let demo = sandbox.demo();
    let body = json!({
        "grant_type": "refresh_token",
        "refresh_token": demo.accounts[account].refresh_token,
        "client_id": demo.sp_api.client_id,
        "client_secret": demo.sp_api.client_secret,
    });
    let answer = send(json_body(client().post(&demo.sp_api.lwa_url), &body)).await;
    answer.json()["access_token"].as_str().expect("a token").to_owned()
}

pub fn sp_api(sandbox: &Sandbox, token: &str, method: Method, path: &str) -> RequestBuilder {
    let url = format!("{}/listings/2021-08-01/items/{path}", sandbox.demo().sp_api.base_url);
    client().request(method, url).header("x-amz-access-token", token)
}

pub fn replace(attribute: &str, instance: Value) -> Value {
    json!({"productType": "PRODUCT", "patches": [{"op": "replace", "path": format!("/attributes/{attribute}"), "value": [instance]}]})
}

pub fn price(value: Value) -> Value {
    json!({"our_price": [{"schedule": [{"value_with_tax": value}]}]})
}

// DataForSEO

pub fn dataforseo(sandbox: &Sandbox, method: Method, path: &str) -> RequestBuilder {
    let demo = sandbox.demo().dataforseo;
    let basic = STANDARD.encode(format!("{}:{}", demo.login, demo.password));
    client().request(method, format!("{}/v3/{path}", demo.base_url)).header("authorization", format!("Basic {basic}"))
}

pub fn task(asin: &str, tag: &str) -> Value {
    json!({"asin": asin, "location_code": 2840, "language_code": "en_US", "tag": tag})
}

pub async fn post(sandbox: &Sandbox, function: &str, tasks: &Value) -> Answer {
    send(json_body(dataforseo(sandbox, Method::POST, &format!("merchant/amazon/{function}/task_post")), tasks)).await
}

/// Asks until the minute has room.
pub async fn get(sandbox: &Sandbox, path: &str) -> Value {
    loop {
        let answer = send(dataforseo(sandbox, Method::GET, path)).await.json();
        if answer["status_code"] != 40202 {
            break answer;
        }
    }
}

/// Asks for a result until it is there.
pub async fn result(sandbox: &Sandbox, function: &str, id: &str) -> Value {
    let path = format!("merchant/amazon/{function}/task_get/advanced/{id}");
    let start = Instant::now();
    loop {
        let answer = get(sandbox, &path).await;
        match answer["tasks"][0]["status_code"].as_i64() {
            Some(40601 | 40602) => assert!(start.elapsed() < Duration::from_secs(20), "never ready: {answer}"),
            _ => return answer,
        }
    }
}

// MultiCart

pub async fn multicart(sandbox: &Sandbox, path: &str, body: &Value) -> Value {
    let demo = sandbox.demo().multicart;
    let request = client().post(format!("{}/{path}", demo.base_url)).header("x-api-key", demo.api_key);
    let answer = send(json_body(request, body)).await;
    assert_eq!(answer.status, 200);
    answer.json()
}
