//! Every operation of all vendors, called by name as `asin operations` lists it, against the sandbox: it answers, the answer
//! decodes, and nothing in it is unknown to our model.

#![cfg(all(feature = "full", feature = "rustls"))]

use asin_facade::{core_http, dataforseo_merchant, multicart, sp_listings};
use asin_sandbox::{Market, Sandbox};
use core_http::{Limit, Quota, TokenBuckets};
use serde_json::{Value, json};
use std::{cell::RefCell, collections::BTreeSet, future::Future, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const SELLER: &str = "A1SELLER";
const STORE: &str = "ATVPDKIKX0DER";
const ASIN: &str = "B0CHILD001";

fn market() -> Market {
    let offer = json!({"marketplace": STORE, "seller_id": "A2OTHER", "price": "19.90", "buy_box": true});
    let market = json!({
        "accounts": [{"name": "shop", "seller_id": SELLER, "region": "na"}],
        "products": [
            {"asin": ASIN, "title": "Lamp", "variants": [ASIN], "offers": [offer]},
            {"asin": "B0CHILD002", "title": "Lamp, blue", "offers": [offer]},
        ],
        "listings": [{"seller_id": SELLER, "sku": "LAMP/1", "marketplace": STORE, "asin": ASIN, "price": "20", "quantity": 3}],
        "domains": [{"id": 1, "domain": "amazon.com", "country_code": "US"}],
        "postcodes": [{"id": 15, "domain": 1, "zipcode": "04500"}],
        "collections": [{"id": 101, "name": "Lamps", "items": [{"asin": ASIN, "domain": 1, "postcode": 15}],
                         "outputs": [{"asin": ASIN, "price": "$47.30"}]}],
    });
    serde_json::from_value(market).unwrap()
}

/// A sandbox without limits, a client of each vendor, and what was called.
struct House {
    sandbox: Sandbox,
    amazon: sp_listings::SpClient,
    dataforseo: dataforseo_merchant::DfsClient,
    multicart: multicart::McClient,
    called: RefCell<BTreeSet<String>>,
}

impl House {
    async fn new(speed: f64) -> Self {
        let sandbox = Sandbox::builder().market(market()).seed(7).speed(speed).limits(false).start().await.unwrap();
        let demo = sandbox.demo();
        let credentials = sp_listings::Credentials::new(
            demo.sp_api.client_id,
            demo.sp_api.client_secret,
            demo.accounts[0].refresh_token.clone(),
        );
        let amazon = sp_listings::Builder::new(sp_listings::Region::NorthAmerica, credentials)
            .seller(SELLER.parse().unwrap())
            .base_url(demo.sp_api.base_url.parse().unwrap())
            .lwa_url(demo.sp_api.lwa_url.parse().unwrap());
        let quick = TokenBuckets::new();
        quick.set(Limit { quota: Quota { per_second: 1e6, burst: 1000 }, ..multicart::CALLS });
        let multicart = multicart::Builder::new(demo.multicart.api_key)
            .base_url(demo.multicart.base_url.parse().unwrap())
            .limits(Arc::new(quick));
        let dataforseo = dataforseo_merchant::Builder::new(demo.dataforseo.login, demo.dataforseo.password)
            .base_url(demo.dataforseo.base_url.parse().unwrap());
        Self {
            sandbox,
            amazon: amazon.build().unwrap(),
            dataforseo: dataforseo.build().unwrap(),
            multicart: multicart.build().unwrap(),
            called: RefCell::default(),
        }
    }

    /// The body of an answer in which nothing is unknown.
    async fn call(&self, name: &str, arguments: Value) -> Value {
        let known = asin_facade::operations().into_iter().find(|known| known.name == name);
        let vendor = known.unwrap_or_else(|| panic!("{name} is no operation")).vendor;
        let answer = match vendor {
            "sp-api" => sp_listings::call(&self.amazon, name, arguments).await,
            "dataforseo" => dataforseo_merchant::call(&self.dataforseo, name, arguments).await,
            "multicart" => multicart::call(&self.multicart, name, arguments).await,
            other => panic!("{name}: no client of {other} here"),
        };
        let answer = answer.unwrap_or_else(|| panic!("{name} cannot be called by name"));
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
        self.called.borrow_mut().insert(name.to_owned());
        let drift = answer.drift().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(drift.is_empty(), "{name}: {drift:?}");
        answer.value
    }

    /// Asks again until the answer is there.
    async fn until(&self, name: &str, arguments: Value, is_there: impl Fn(&Value) -> bool) -> Value {
        let asked = async {
            loop {
                let answer = self.call(name, arguments.clone()).await;
                if is_there(&answer) {
                    break answer;
                }
            }
        };
        within(name, asked).await
    }

    /// A task from its POST to its result, by every way to take it.
    async fn task(&self, function: &str, task: Value, ways: &[&str]) -> Value {
        let posted = self.call(&format!("{function}TaskPost"), json!({"tasks": [task]})).await;
        let id = &posted["tasks"][0]["id"];
        self.call(&format!("{function}TasksReady"), json!({})).await;
        let mut first = Value::Null;
        for way in ways {
            let done = |answer: &Value| answer["tasks"][0]["status_code"] == 20000;
            let answer = self.until(&format!("{function}TaskGet{way}"), json!({"id": id}), done).await;
            first = if first.is_null() { answer["tasks"][0]["result"][0].clone() } else { first };
        }
        assert!(first["items"].as_array().is_some_and(|items| !items.is_empty()), "{function}: {first}");
        first
    }
}

async fn within<T>(what: &str, asked: impl Future<Output = T>) -> T {
    let patience = tokio::time::timeout(Duration::from_secs(60), asked).await;
    patience.unwrap_or_else(|_| panic!("{what}: not there within a minute"))
}

async fn amazon(house: &House) {
    let of = |sku: &str, more: Value| {
        let mut arguments = json!({"sellerId": SELLER, "sku": sku, "marketplaceIds": [STORE]});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let every = json!([
        "summaries",
        "attributes",
        "issues",
        "offers",
        "fulfillmentAvailability",
        "procurement",
        "relationships",
        "productTypes"
    ]);
    let item = house.call("getListingsItem", of("LAMP/1", json!({"includedData": every}))).await;
    assert_eq!(item["summaries"][0]["asin"], ASIN);
    let offer =
        json!([{"currency": "USD", "our_price": [{"schedule": [{"value_with_tax": 18.5}]}], "marketplace_id": STORE}]);
    let body = json!({
        "productType": "LAMP", "requirements": "LISTING_OFFER_ONLY",
        "attributes": {"condition_type": [{"value": "new_new"}], "merchant_suggested_asin": [{"value": ASIN}], "purchasable_offer": offer},
    });
    assert_eq!(house.call("putListingsItem", of("NEW", json!({"body": body}))).await["status"], "ACCEPTED");
    let body = json!({"productType": "LAMP", "patches": [{"op": "replace", "path": "/attributes/purchasable_offer", "value": offer}]});
    assert_eq!(house.call("patchListingsItem", of("LAMP/1", json!({"body": body}))).await["status"], "ACCEPTED");
    let seller = json!({"sellerId": SELLER, "marketplaceIds": [STORE], "includedData": every});
    assert_eq!(house.call("searchListingsItems", seller).await["numberOfResults"], 2);
    assert_eq!(house.call("deleteListingsItem", of("NEW", json!({}))).await["status"], "ACCEPTED");

    let restricted = json!({"asin": ASIN, "conditionType": "used_good", "sellerId": SELLER, "marketplaceIds": [STORE]});
    assert_eq!(
        house.call("getListingsRestrictions", restricted).await["restrictions"].as_array().map(Vec::len),
        Some(1)
    );
    let found =
        house.call("searchDefinitionsProductTypes", json!({"keywords": ["shoes"], "marketplaceIds": [STORE]})).await;
    let kind = &found["productTypes"][0]["name"];
    house.call("getDefinitionsProductType", json!({"productType": kind, "marketplaceIds": [STORE]})).await;
}

async fn feeds(house: &House) {
    let messages = json!({"header": {"sellerId": SELLER, "version": "2.0"}, "messages": []});
    let kind = json!({"body": {"contentType": "application/json; charset=UTF-8"}});
    let made = house.call("createFeedDocument", kind).await;
    let document = made["feedDocumentId"].clone();
    upload(made["url"].as_str().unwrap(), "application/json; charset=UTF-8", &messages.to_string()).await;
    house.call("getFeedDocument", json!({"feedDocumentId": document})).await;
    let feed =
        json!({"body": {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [STORE], "inputFeedDocumentId": document}});
    let feed = house.call("createFeed", feed).await["feedId"].clone();
    // Its answer has no content, which `call` cannot give as JSON.
    let cancel = sp_listings::feeds::CancelFeed::new(feed.as_str().unwrap().parse().unwrap());
    house.amazon.call(cancel).await.unwrap();
    house.called.borrow_mut().insert("cancelFeed".to_owned());
    let cancelled = |answer: &Value| answer["processingStatus"] == "CANCELLED";
    house.until("getFeed", json!({"feedId": feed}), cancelled).await;
    let listed = house.call("getFeeds", json!({"feedTypes": ["JSON_LISTINGS_FEED"]})).await;
    assert_eq!(listed["feeds"][0]["feedId"], feed);
}

/// What `createFeedDocument` wants next is no operation: the bytes, at the address that it gave.
async fn upload(url: &str, content_type: &str, body: &str) {
    let url = url::Url::parse(url).unwrap();
    let mut connection = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await.unwrap();
    let (path, length) = (&url[url::Position::BeforePath..], body.len());
    let head = format!("PUT {path} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\nContent-Type: {content_type}\r\n");
    connection.write_all(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

async fn tasks(house: &House) {
    let (place, google) = (
        json!({"location_code": 2840, "language_code": "en_US"}),
        json!({"location_code": 2840, "language_code": "en"}),
    );
    let at = |place: &Value, subject: Value| {
        let mut task = place.clone();
        task.as_object_mut().unwrap().extend(subject.as_object().unwrap().clone());
        task
    };
    for (function, subject) in [
        ("AmazonAsin", json!({"asin": ASIN})),
        ("AmazonSellers", json!({"asin": ASIN})),
        ("AmazonProducts", json!({"keyword": "lamp"})),
    ] {
        house.task(function, at(&place, subject.clone()), &["Advanced", "Html"]).await;
        for live in ["LiveAdvanced", "LiveHtml"] {
            let answer = house.call(&format!("{function}{live}"), json!({"task": at(&place, subject.clone())})).await;
            assert_eq!(answer["tasks"][0]["status_code"], 20000, "{function}{live}");
        }
    }
    let found = house.task("GoogleProducts", at(&google, json!({"keyword": "lamp"})), &["Advanced", "Html"]).await;
    let item =
        |kind: &str| found["items"].as_array().unwrap().iter().find(|item| item["type"] == kind).unwrap().clone();
    let click = item("google_shopping_paid")["shop_ad_aclk"].clone();
    house.call("GoogleSellersAdUrl", json!({"shop_ad_aclk": click})).await;
    let product = at(&google, json!({"gid": item("google_shopping_serp")["gid"]}));
    house.task("GoogleSellers", product.clone(), &["Advanced"]).await;
    house.task("GoogleProductInfo", product, &["Advanced"]).await;
}

async fn account(house: &House) {
    for name in [
        "MerchantTasksReady",
        "AmazonLocations",
        "AmazonLanguages",
        "MerchantGoogleLocations",
        "MerchantGoogleLanguages",
        "UserData",
        "Errors",
        "AppendixStatus",
    ] {
        let answer = house.call(name, json!({})).await;
        assert!(answer["tasks"][0]["result"].as_array().is_some_and(|rows| !rows.is_empty()), "{name}: {answer}");
    }
    for name in ["AmazonLocationsCountry", "MerchantGoogleLocationsCountry"] {
        house.call(name, json!({"country": "us"})).await;
    }
    let now = jiff::Timestamp::now();
    let spaced =
        |hours: i64| (now - jiff::SignedDuration::from_hours(hours)).strftime("%Y-%m-%d %H:%M:%S +00:00").to_string();
    let window = json!({"query": {"datetime_from": spaced(24), "datetime_to": spaced(0), "include_metadata": true}});
    let listed = house.call("MerchantIdList", window).await;
    assert!(
        listed["tasks"][0]["result"].as_array().is_some_and(|rows| !rows.is_empty()),
        "another program's: {listed}"
    );

    // Nobody listens there, so that the delivery fails, is listed, and is sent again.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let task = json!({"asin": ASIN, "location_code": 2840, "language_code": "en_US", "pingback_url": format!("http://{closed}/?id=$id")});
    let posted = house.call("AmazonAsinTaskPost", json!({"tasks": [task]})).await;
    let failed = |answer: &Value| !answer["tasks"][0]["result"].is_null();
    house.until("MerchantErrors", json!({"query": {}}), failed).await;
    let again = house.call("WebhookResend", json!({"tasks": [{"id": posted["tasks"][0]["id"]}]})).await;
    assert_eq!(again["tasks"][0]["status_code"], 20000);
}

async fn collections(house: &House) {
    house.call("settings.domains", json!({})).await;
    house.call("users.credits", json!({})).await;
    let demo = house.sandbox.demo().dataforseo;
    house.call("users.login", json!({"email": demo.login, "password": demo.password})).await;
    house.call("zipcodes.create", json!({"domain": 1, "zipcode": "10115"})).await;
    let active =
        |answer: &Value| answer["data"].as_array().is_some_and(|rows| rows.iter().all(|row| row["status"] == "active"));
    house.until("zipcodes.list", json!({"domain": 1}), active).await;
    let collection = json!({"name": "New", "request_type": "amazon", "schedule": "Manual", "priority": "Low", "notification_email": "a@b.test"});
    let id = house.call("collections.create", collection).await["data"]["id"].clone();
    house.call("collections.update", json!({"fields": {"collection_id": id, "schedule": "Daily"}})).await;
    let item = json!({"collection": id, "domain": 1, "customer_postcode": 15, "asin": ASIN});
    let item = house.call("amazon.asin.create", item).await["data"]["id"].clone();
    let more = json!({"collection": id, "domain": "amazon.com", "customer_postcode": "04500", "asins": "B000000001,B000000002"});
    house.call("amazon.asin.create_multiple", more).await;
    let csv = "domain,customer_postcode,asin,include_raw_html\namazon.com,04500,B000000003,false\n";
    house.call("amazon.asin.create_bulk", json!({"collection_id": id, "csv": csv})).await;
    house.call("amazon.asin.get", json!({"id": item})).await;
    house.call("amazon.asin.update", json!({"asin_id": item, "custom_id": "mine"})).await;
    let listed = house.call("amazon.asin.list", json!({"collection_id": id, "with_count": 1})).await;
    assert_eq!(listed["data"]["total_count"], 4);
    house.call("amazon.asin.list", json!({"collection_id": id})).await;
    house.call("amazon.asin.delete", json!({"asin_id": item})).await;

    house.call("runs.start", json!({"collection_id": id})).await;
    let finished = |answer: &Value| answer["data"][0]["is_download_generated"] == true;
    let runs = house.until("runs.results", json!({"fields": {"collection_id": id}}), finished).await;
    let run = &runs["data"][0];
    let link = run["download_links"][0].as_str().unwrap();
    let name = percent_decoded(link.rsplit_once('/').unwrap().1);
    // Bytes of any kind without an envelope, which `call` cannot judge: they are downloaded.
    let runner: multicart::RunnerId = serde_json::from_value(run["id"].clone()).unwrap();
    let file = multicart::GetFile::new(multicart::CollectionId(id.as_u64().unwrap()), runner, name);
    let folder = tempfile::tempdir().unwrap();
    let file = house.multicart.download(file, folder.path().join("page.json")).await.unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(file.path).unwrap()).unwrap();
    assert_eq!(rows.len(), 3);
    house.called.borrow_mut().insert("results.file".to_owned());
    let outputs = house.call("amazon.asin.output_list", json!({"collection_id": id})).await;
    house.call("amazon.asin.output_get", json!({"asin_id": outputs["data"][0]["id"]})).await;
    let scrape = json!({"category_url": "https://www.amazon.com/b?node=1", "amazon_node_id": "1", "domain": "amazon.com", "postcode": "04500"});
    let scraped = house.call("amazon.category.create", scrape).await["data"]["collection_id"].clone();
    house.call("amazon.category.result", json!({"fields": {"collection_id": scraped}})).await;
}

fn percent_decoded(text: &str) -> String {
    let url = url::Url::parse(&format!("x:/?{text}")).unwrap();
    url.query_pairs().next().unwrap().0.into_owned()
}

#[tokio::test]
async fn every_operation_of_every_vendor_answers_without_drift() {
    // A feed can be cancelled as long as it waits, so the first clock is a slow one.
    let slow = House::new(10.0).await;
    amazon(&slow).await;
    feeds(&slow).await;
    let fast = House::new(6000.0).await;
    tasks(&fast).await;
    account(&fast).await;
    collections(&fast).await;
    let called = &*slow.called.borrow() | &*fast.called.borrow();
    let known: BTreeSet<String> =
        asin_facade::operations().into_iter().map(|operation| operation.name.to_owned()).collect();
    let missing: Vec<_> = known.difference(&called).collect();
    assert!(missing.is_empty(), "no call here: {missing:?}");
}
