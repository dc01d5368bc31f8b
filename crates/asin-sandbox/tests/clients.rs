//! What clients do to a server: hosts, ports, odd bodies.

mod support;

use asin_sandbox::{Fault, Market, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends these bytes on a connection of their own and reads until the server closes it.
async fn raw(sandbox: &Sandbox, request: &str) -> String {
    let address = format!("127.0.0.1:{}", sandbox.url().port().expect("a port"));
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    connection.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.expect("an answer that ends");
    answer
}

#[tokio::test]
async fn each_vendor_can_have_a_port_of_its_own() {
    let builder = Sandbox::builder().market(serde_json::from_value::<Market>(world()).expect("a market"));
    let sandbox = builder.split_ports(true).start().await.expect("a sandbox");
    let demo = sandbox.demo();
    let roots = [&demo.sp_api.base_url, &demo.dataforseo.base_url, &demo.multicart.base_url];
    assert!(roots[0] != roots[1] && roots[1] != roots[2] && roots[0] != roots[2]);
    assert_eq!(demo.sp_api.lwa_url, format!("{}/auth/o2/token", roots[0]));

    let token = access_token(&sandbox, 0).await;
    let listing = send(sp_api(&sandbox, &token, Method::GET, &format!("SELLERNA/FBA-1?marketplaceIds={US}"))).await;
    assert_eq!(listing.status, 200);
    assert_eq!(post(&sandbox, "asin", &json!([task("B0CHILD001", "x")])).await.json()["tasks_error"], 0);
    assert_eq!(multicart(&sandbox, "users/credits/", &json!({})).await["status"], 1);

    // Behind its port a vendor answers everything, and in its own way.
    let nowhere = |root: &str| send(client().get(format!("{root}/nowhere")));
    assert_eq!(nowhere(roots[0]).await.json()["errors"][0]["code"], "Unauthorized");
    assert_eq!(nowhere(roots[1]).await.json()["status_code"], 40100);
    assert_eq!(nowhere(&roots[2].replace("/api/v1", "")).await.json()["status"], 0);
    for root in [roots[0], roots[1]] {
        let seen = send(client().get(format!("{root}/_sandbox/demo"))).await.json();
        assert_eq!(seen, serde_json::to_value(&demo).expect("JSON"));
    }
    assert_eq!(sandbox.ledger().requests.len(), 7);
    sandbox.stop().await;
}

#[tokio::test]
async fn without_limits_everybody_may_call() {
    let builder = Sandbox::builder().market(market(world())).speed(1.0).limits(false);
    let sandbox = builder.start().await.expect("a sandbox");
    let token = access_token(&sandbox, 0).await;
    let path = format!("SELLERNA/FBA-1?marketplaceIds={US}");
    for _ in 0..25 {
        assert_eq!(send(sp_api(&sandbox, &token, Method::GET, &path)).await.status, 200);
        let ready = send(dataforseo(&sandbox, Method::GET, "merchant/tasks_ready")).await;
        assert_eq!(ready.json()["status_code"], 20000);
    }
}

#[tokio::test]
async fn the_host_header_says_nothing() {
    let sandbox = unlimited().await;
    let token = access_token(&sandbox, 0).await;
    let path = format!("/listings/2021-08-01/items/SELLERNA/FBA-1?marketplaceIds={US}");
    // A client that knows only Amazon's hosts, one that cuts `https://` off `http://…`, and one that takes us for a proxy.
    for (target, host) in [
        (path.clone(), "sellingpartnerapi-eu.amazon.com"),
        (path.clone(), "27.0.0.1:4010"),
        (format!("http://sellingpartnerapi-na.amazon.com{path}"), "sellingpartnerapi-na.amazon.com"),
    ] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nx-amz-access-token: {token}\r\nConnection: close\r\n\r\n"
        );
        let answer = raw(&sandbox, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with('}'), "{answer}");
    }
}

#[tokio::test]
async fn tokens_come_for_a_form_and_for_json() {
    let sandbox = unlimited().await;
    let demo = sandbox.demo();
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", demo.accounts[0].refresh_token.as_str()),
        ("client_id", demo.sp_api.client_id.as_str()),
        ("client_secret", demo.sp_api.client_secret.as_str()),
    ];
    let form = fields.map(|(name, value)| format!("{name}={value}")).join("&");
    let object: Value = fields.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    for (kind, body) in [
        ("application/x-www-form-urlencoded;charset=UTF-8", form.clone()),
        // As the official JavaScript client sends it: nothing in it is encoded.
        ("application/x-www-form-urlencoded", form),
        ("application/json", object.to_string()),
    ] {
        let request = client().post(&demo.sp_api.lwa_url).header("content-type", kind).body(body);
        let answer = send(request).await;
        assert_eq!((answer.status, answer.json()["token_type"].as_str()), (200, Some("bearer")), "{kind}");
    }
}

#[tokio::test]
async fn odd_bodies_and_repeated_keys_are_taken() {
    let sandbox = unlimited().await;
    let token = access_token(&sandbox, 0).await;
    // python-amazon-sp-api names the store four times, with the key that counts among them.
    let keys = format!("MarketplaceId={US}&MarketplaceIds={US}&marketplace_ids={US}&marketplaceIds={US}");
    let put = json!({
        "productType": "LAMP", "requirements": "LISTING_OFFER_ONLY",
        "attributes": {"condition_type": [{"value": "new_new"}], "merchant_suggested_asin": [{"value": "B0CHILD001"}],
                       "purchasable_offer": [price(json!(12.5))]},
        "MarketplaceId": US, "MarketplaceIds": [US], "marketplace_ids": [US], "marketplaceIds": [US],
    });
    let answer = send(json_body(sp_api(&sandbox, &token, Method::PUT, &format!("SELLERNA/ODD?{keys}")), &put)).await;
    assert_eq!(answer.json()["status"], "ACCEPTED", "{}", answer.body);
    // A store that is named twice is one store.
    let twice = format!("SELLERNA/ODD?marketplaceIds={US}&marketplaceIds={US}");
    let read = send(sp_api(&sandbox, &token, Method::GET, &twice)).await.json();
    assert_eq!(read["summaries"].as_array().map(Vec::len), Some(1));
    // The official Python client sends a body with DELETE.
    let delete = sp_api(&sandbox, &token, Method::DELETE, &format!("SELLERNA/ODD?{keys}"));
    assert_eq!(send(json_body(delete, &json!({}))).await.json()["status"], "ACCEPTED");
    let writes = sandbox.ledger().writes;
    assert_eq!(writes.iter().map(|write| write.marketplace.as_str()).collect::<Vec<_>>(), [US, US]);
}

#[tokio::test]
async fn a_base_path_in_front_is_taken_off() {
    let sandbox = unlimited().await;
    let token = access_token(&sandbox, 0).await;
    let root = sandbox.url().as_str().trim_end_matches('/').to_owned();
    sandbox.fault(Fault::on("GET", "/v3/appendix/errors").html_error(502));
    // Nothing in front, a base URL that ends in a slash, a proxy's path, and both.
    for base in ["", "/", "/proxy/vendors", "/proxy/"] {
        let listing = format!("{root}{base}/listings/2021-08-01/items/SELLERNA/FBA-1?marketplaceIds={US}");
        let listing = send(client().get(listing).header("x-amz-access-token", &token)).await;
        assert_eq!(listing.status, 200, "{base}: {}", listing.body);
        let lwa = send(client().post(format!("{root}{base}/auth/o2/token")).body("grant_type=refresh_token")).await;
        assert_eq!(lwa.json()["error"], "invalid_request", "{base}");
        let credits = client().post(format!("{root}{base}/api/v1/users/credits/"));
        let credits = credits.header("x-api-key", sandbox.demo().multicart.api_key);
        assert_eq!(send(json_body(credits, &json!({}))).await.json()["status"], 1, "{base}");
        let basic = |path: &str| {
            let ours = dataforseo(&sandbox, Method::GET, "x").build().expect("a request");
            client().get(format!("{root}{base}{path}")).header("authorization", ours.headers()["authorization"].clone())
        };
        assert_eq!(send(basic("/v3/merchant/tasks_ready")).await.json()["status_code"], 20000, "{base}");
        // A fault strikes the vendor's path, whatever stands in front.
        assert_eq!(send(basic("/v3/appendix/errors")).await.status, 502, "{base}");
    }
    let asked: Vec<String> = sandbox.ledger().requests.into_iter().map(|entry| entry.path).collect();
    assert!(asked.contains(&"/proxy/vendors/v3/merchant/tasks_ready".to_owned()), "as on the wire: {asked:?}");
}

#[tokio::test]
async fn slashes_come_in_pairs_only_where_servers_take_them_together() {
    let sandbox = unlimited().await;
    let token = access_token(&sandbox, 0).await;
    // Clients that join a base URL with a slash at its end and a path with one at its beginning.
    let ready = send(dataforseo(&sandbox, Method::GET, "/merchant//tasks_ready")).await;
    assert_eq!(ready.json()["status_code"], 20000);
    assert_eq!(multicart(&sandbox, "/users/credits/", &json!({})).await["status"], 1);
    // At Amazon a segment may be empty or look like another vendor's root: it is a SKU whose slash was not encoded.
    for sku in ["/", "/FBA-1", "x/v3/merchant", "x/api/v1/users"] {
        let path = format!("SELLERNA/{sku}?marketplaceIds={US}");
        assert_eq!(send(sp_api(&sandbox, &token, Method::GET, &path)).await.status, 403, "{sku}");
    }
    // A base URL that holds the version already is a mistake, and stays one.
    assert_eq!(send(dataforseo(&sandbox, Method::GET, "v3/merchant/tasks_ready")).await.status, 404);
}

#[tokio::test]
async fn behind_a_port_of_its_own_a_vendor_has_base_paths_too() {
    let sandbox = Sandbox::builder().market(market(world())).split_ports(true).start().await.expect("a sandbox");
    let demo = sandbox.demo().multicart;
    let base = demo.base_url.replace("/api/v1", "/v3/proxy/api/v1");
    let credits = client().post(format!("{base}/users/credits/")).header("x-api-key", demo.api_key);
    assert_eq!(send(json_body(credits, &json!({}))).await.json()["status"], 1);
}
