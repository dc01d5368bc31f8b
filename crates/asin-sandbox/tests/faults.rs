//! Faults, the ledger and `/_sandbox` through the socket.

mod support;

use std::time::{Duration, Instant};

use asin_sandbox::{Demo, Fault, Ledger, Market, Sandbox};
use reqwest::Method;
use serde_json::json;
use support::*;

const POST: &str = "/v3/merchant/amazon/sellers/task_post";

async fn try_post(sandbox: &Sandbox, tag: &str) -> Result<Answer, reqwest::Error> {
    let request = dataforseo(sandbox, Method::POST, "merchant/amazon/sellers/task_post");
    try_send(json_body(request, &json!([task("B0CHILD001", tag)]))).await
}

#[tokio::test]
async fn cut_calls_have_no_answer_and_the_ledger_knows_what_they_did() {
    let sandbox = sandbox(FAST).await;
    sandbox.fault(Fault::on("POST", POST).call(1).cut_after_work());
    sandbox.fault(Fault::on("POST", POST).call(2).cut_before_work());
    sandbox.fault(Fault::on("POST", POST).call(3).refuse());
    sandbox.fault(Fault::on("POST", "/v3/*/task_post").call(4).half_body());
    for tag in ["after", "before", "refused", "half"] {
        assert!(try_post(&sandbox, tag).await.is_err(), "{tag}");
    }
    assert_eq!(try_post(&sandbox, "well").await.map(|answer| answer.status).ok(), Some(200));
    let ledger = sandbox.ledger();
    let billed = |tag: &str| ledger.times_billed(tag);
    assert_eq!([billed("after"), billed("before"), billed("refused"), billed("half"), billed("well")], [1, 0, 0, 1, 1]);
    let faults: Vec<Option<&str>> = ledger.requests.iter().map(|entry| entry.fault.as_deref()).collect();
    assert_eq!(faults, [Some("cut_after_work"), Some("cut_before_work"), Some("refuse"), Some("half_body"), None]);
    assert_eq!(ledger.requests.iter().map(|entry| entry.status).collect::<Vec<_>>(), [200, 0, 0, 200, 200]);
    assert_eq!(ledger.charged_usd.to_string(), "0.003");
}

#[tokio::test]
async fn half_a_body_is_really_half() {
    let sandbox = sandbox(FAST).await;
    sandbox.fault(Fault::on("GET", "/v3/appendix/user_data").half_body());
    let response = dataforseo(&sandbox, Method::GET, "appendix/user_data").send().await.expect("a head");
    assert_eq!(response.status().as_u16(), 200);
    let promised = response.content_length().expect("a length");
    let mut response = response;
    let mut read = 0;
    let error = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => read += chunk.len() as u64,
            Ok(None) => panic!("the body ended well"),
            Err(error) => break error,
        }
    };
    assert!(read == promised / 2, "{read} of {promised}: {error}");
}

#[tokio::test]
async fn answers_can_be_replaced_before_and_after_the_work() {
    let sandbox = sandbox(STEADY).await;
    sandbox.fault(Fault::on("*", POST).call(1).html_502());
    sandbox.fault(Fault::on("*", POST).call(2).html_502().after_work());
    sandbox.fault(Fault::on("*", POST).call(3).garbage());
    sandbox.fault(Fault::on("*", POST).call(4).server_error(500));
    sandbox.fault(Fault::on("*", POST).call(5).too_many_requests());
    sandbox.fault(Fault::on("*", POST).call(6).expired_token());
    let mut seen = Vec::new();
    for number in 1..=6 {
        let answer = try_post(&sandbox, &number.to_string()).await.expect("an answer");
        let code =
            serde_json::from_str::<serde_json::Value>(&answer.body).ok().and_then(|body| body["status_code"].as_i64());
        seen.push((answer.status, code));
    }
    assert_eq!(
        seen,
        [(502, None), (502, None), (200, None), (500, Some(50000)), (200, Some(40202)), (401, Some(40100))]
    );
    let billed: Vec<u64> = (1..=6).map(|number| sandbox.ledger().times_billed(&number.to_string())).collect();
    assert_eq!(billed, [0, 1, 1, 0, 0, 0]);

    let token = access_token(&sandbox, 0).await;
    let path = format!("SELLERNA/FBA-1?marketplaceIds={US}");
    let read = || send(sp_api(&sandbox, &token, Method::GET, &path));
    sandbox.clear_faults();
    sandbox.fault(Fault::on("GET", "/listings/*").call(1).expired_token());
    sandbox.fault(Fault::on("GET", "/listings/*").call(2).server_error(503));
    sandbox.fault(Fault::on("GET", "/listings/*").call(3).too_many_requests());
    let expired = read().await;
    assert_eq!((expired.status, expired.body.contains("expired")), (403, true));
    assert_eq!(read().await.json()["errors"][0]["code"], "ServiceUnavailable");
    let throttled = read().await;
    assert_eq!((throttled.status, throttled.header("x-amzn-RequestId").is_some()), (429, true));
    assert_eq!(read().await.status, 200);
}

#[tokio::test]
async fn work_can_come_after_the_client_has_left() {
    let sandbox = sandbox(FAST).await;
    sandbox.fault(Fault::on("POST", POST).call(1).apply_late(Duration::from_millis(30)));
    sandbox.fault(Fault::on("POST", POST).call(2).delay(Duration::from_millis(200)));
    assert!(try_post(&sandbox, "late").await.is_err());
    assert_eq!(sandbox.ledger().times_billed("late"), 0);
    let impatient =
        dataforseo(&sandbox, Method::POST, "merchant/amazon/sellers/task_post").timeout(Duration::from_millis(50));
    let gave_up = try_send(json_body(impatient, &json!([task("B0CHILD001", "delayed")]))).await;
    assert!(gave_up.is_err_and(|error| error.is_timeout()));
    let start = Instant::now();
    while sandbox.ledger().times_billed("late") + sandbox.ledger().times_billed("delayed") < 2 {
        assert!(start.elapsed() < Duration::from_secs(20), "the work never comes");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn everything_can_be_asked_and_set_over_http() {
    let sandbox = sandbox(FAST).await;
    let at = |path: &str| sandbox.url().join(path).expect("a URL");
    let set = json!([{"method": "POST", "path": POST, "call": 1, "action": "cut_after_work"},
        {"method": "GET", "path": "/v3/*", "action": {"server_error": {"status": 500}}, "after_work": true}]);
    assert_eq!(send(json_body(client().post(at("/_sandbox/faults")), &set)).await.status, 200);
    assert_eq!(send(client().get(at("/_sandbox/faults"))).await.json(), set);
    let wrong = json!({"method": "POST", "path": POST, "action": "explode"});
    assert_eq!(send(json_body(client().post(at("/_sandbox/faults")), &wrong)).await.status, 400);
    assert!(try_post(&sandbox, "x").await.is_err());
    assert_eq!(send(client().delete(at("/_sandbox/faults"))).await.json(), json!([]));
    assert!(try_post(&sandbox, "y").await.is_ok());

    let demo: Demo = serde_json::from_str(&send(client().get(at("/_sandbox/demo"))).await.body).expect("a demo");
    assert_eq!(demo, sandbox.demo());
    let ledger: Ledger =
        serde_json::from_str(&send(client().get(at("/_sandbox/ledger"))).await.body).expect("a ledger");
    assert_eq!(ledger, sandbox.ledger());
    let market: Market =
        serde_json::from_str(&send(client().get(at("/_sandbox/market"))).await.body).expect("a market");
    assert_eq!(market, sandbox.market());
    assert_eq!(send(client().get(at("/_sandbox/else"))).await.status, 404);
}

#[tokio::test]
async fn chance_is_drawn_from_the_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let sandbox = sandbox(FAST).await;
        sandbox.fault(Fault::on("GET", "/v3/*").chance(0.5).too_many_requests());
        let mut run = Vec::new();
        for _ in 0..20 {
            let answer = send(dataforseo(&sandbox, Method::GET, "merchant/amazon/languages")).await;
            run.push(answer.json()["status_code"].clone());
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&json!(40202)) && runs[0].contains(&json!(20000)));
}

#[tokio::test]
async fn a_sandbox_that_is_stopped_or_dropped_is_gone() {
    for dropped in [false, true] {
        let sandbox = sandbox(FAST).await;
        let url = sandbox.url();
        let client = client();
        assert_eq!(send(client.get(url.join("/_sandbox/demo").expect("a URL"))).await.status, 200);
        if dropped {
            drop(sandbox);
        } else {
            sandbox.stop().await;
        }
        let start = Instant::now();
        while try_send(client.get(url.join("/_sandbox/demo").expect("a URL"))).await.is_ok() {
            assert!(start.elapsed() < Duration::from_secs(20), "it still answers");
        }
    }
}

#[tokio::test]
async fn bodies_can_be_slow_or_of_another_kind_and_gateways_can_answer() {
    let sandbox = sandbox(FAST).await;
    let user = "/v3/appendix/user_data";
    sandbox.fault(Fault::on("GET", user).call(1).slow_body(Duration::from_millis(80)));
    sandbox.fault(Fault::on("GET", user).call(2).wrong_content_type());
    sandbox.fault(Fault::on("GET", user).call(3).html_error(503));
    let ask = || send(dataforseo(&sandbox, Method::GET, "appendix/user_data"));
    let begun = Instant::now();
    let slow = ask().await;
    assert!(begun.elapsed() >= Duration::from_millis(80), "{:?}", begun.elapsed());
    assert_eq!(slow.json()["status_code"], 20000);
    let odd = ask().await;
    assert_eq!((odd.header("content-type"), odd.json()["status_code"].as_i64()), (Some("text/plain"), Some(20000)));
    let gateway = ask().await;
    assert_eq!((gateway.status, gateway.header("content-type")), (503, Some("text/html")));
    assert_eq!(ask().await.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn the_vendors_time_can_jump() {
    let sandbox = sandbox(1.0).await;
    let created = post(&sandbox, "sellers", &json!([task("B0CHILD001", "x")])).await.json();
    let id = created["tasks"][0]["id"].as_str().expect("an id").to_owned();
    let path = format!("merchant/amazon/sellers/task_get/advanced/{id}");
    let look =
        || async { send(dataforseo(&sandbox, Method::GET, &path)).await.json()["tasks"][0]["status_code"].clone() };
    assert_eq!(look().await, 40601);
    let jump = |minutes: u64| {
        let route = Fault::on("GET", "/v3/merchant/amazon/sellers/task_get/*").call(1);
        sandbox.fault(route.clock_jump(Duration::from_secs(minutes * 60)));
    };
    jump(2);
    assert_eq!(look().await, 20000);
    sandbox.clear_faults();
    jump(31 * 24 * 60);
    assert_eq!(look().await, 40403);

    let token = access_token(&sandbox, 0).await;
    let path = format!("SELLERNA/FBA-1?marketplaceIds={US}");
    sandbox.fault(Fault::on("GET", "/listings/*").call(2).clock_jump(Duration::from_secs(3600)));
    let read = || send(sp_api(&sandbox, &token, Method::GET, &path));
    assert_eq!((read().await.status, read().await.status), (200, 403));
}

#[tokio::test]
async fn every_code_of_dataforseo_can_be_had() {
    let codes = [
        40000, 40001, 40002, 40003, 40004, 40006, 40100, 40101, 40102, 40103, 40104, 40200, 40201, 40202, 40203, 40204,
        40205, 40206, 40207, 40209, 40210, 40400, 40401, 40402, 40403, 40404, 40405, 40406, 40407, 40408, 40501, 40502,
        40503, 40504, 40505, 40506, 40601, 40602, 50000, 50001, 50100, 50301, 50303, 50304, 50401, 50402,
    ];
    let sandbox = sandbox(FAST).await;
    let mut words = std::collections::BTreeSet::new();
    for code in codes {
        sandbox.clear_faults();
        sandbox.fault(Fault::on("POST", POST).call(1).code(code));
        let answer = try_post(&sandbox, &code.to_string()).await.expect("an answer").json();
        let said = if answer["tasks"].is_null() { &answer } else { &answer["tasks"][0] };
        assert_eq!(said["status_code"], code);
        words.insert(said["status_message"].as_str().expect("words").to_owned());
    }
    assert_eq!(words.len(), codes.len());
    assert_eq!(sandbox.ledger().charged_usd.to_string(), "0");
    sandbox.clear_faults();
    let seen = try_post(&sandbox, "made").await.expect("an answer").json();
    assert_eq!((seen["status_code"].as_i64(), seen["tasks"][0]["status_code"].as_i64()), (Some(20000), Some(20100)));
}

#[tokio::test]
async fn other_vendors_refuse_in_their_own_way() {
    let sandbox = unlimited().await;
    sandbox.fault(Fault::on("POST", "/api/v1/users/credits/").code(402));
    sandbox.fault(Fault::on("GET", "/listings/*").code(413));
    let refused = multicart(&sandbox, "users/credits/", &json!({})).await;
    assert_eq!((refused["status"].as_i64(), refused["code"].as_i64()), (Some(0), Some(402)));
    let token = access_token(&sandbox, 0).await;
    let answer = send(sp_api(&sandbox, &token, Method::GET, &format!("SELLERNA/FBA-1?marketplaceIds={US}"))).await;
    assert_eq!((answer.status, answer.json()["errors"].as_array().map(Vec::len)), (413, Some(1)));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let sandbox = unlimited().await;
        sandbox.fault(Fault::on("POST", "/v3/*").chance(0.4).cut_after_work());
        sandbox.fault(Fault::on("GET", "/v3/*").chance(0.4).html_error(504));
        for number in 0..24 {
            drop(try_post(&sandbox, &format!("{number}")).await);
            drop(try_send(dataforseo(&sandbox, Method::GET, "merchant/amazon/languages")).await);
        }
        let ledger = sandbox.ledger();
        let seen: Vec<_> =
            ledger.requests.into_iter().map(|entry| (entry.path, entry.status, entry.did, entry.fault)).collect();
        runs.push((seen, ledger.charges, ledger.charged_usd));
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].0.iter().any(|(.., fault)| fault.is_some()) && runs[0].0.iter().any(|(.., fault)| fault.is_none()));
}
