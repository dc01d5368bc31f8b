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
