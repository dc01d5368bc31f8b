//! The rows of the fault matrix that are about limits, writes and paths; A1 to A4 are in `auth.rs`.

use crate::{TOKEN, builder, is_token_call, seller, sku, unlimited};
use core_http::{
    ErrorKind, Operation, Response, TransportErrorKind,
    testing::{Script, response},
};
use futures_util::future::join_all;
use serde_json::json;
use sp_listings::{
    Builder, Credentials, DeleteListingsItem, GetListingsItem, ListingsItemPatchRequest, ListingsItemPutRequest,
    Marketplace, PatchListingsItem, PutListingsItem, Region, Sku, SpApi, SpClient, Submission, new_price,
    quantity_patch,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::{Instant, timeout},
};

const SECOND: Duration = Duration::from_secs(1);
const ITEM: &str = r#"{"sku":"S"}"#;
const ACCEPTED: &str = r#"{"sku":"S","status":"ACCEPTED","submissionId":"id-1","issues":[]}"#;

fn get(sku: Sku) -> GetListingsItem {
    GetListingsItem::new(seller(), sku, [Marketplace::TR])
}

fn patch(price: &str) -> PatchListingsItem {
    let body = ListingsItemPatchRequest::offer([new_price("TRY", price.parse().unwrap())]);
    PatchListingsItem::new(seller(), sku("S"), [Marketplace::TR], body)
}

fn put(title: &str) -> PutListingsItem {
    let attributes = json!({"item_name": [{"value": title}]}).as_object().unwrap().clone();
    PutListingsItem::new(seller(), sku("S"), [Marketplace::TR], ListingsItemPutRequest::new("SHOES", attributes))
}

async fn accepted<O: Operation<Vendor = SpApi, Output = Submission>>(client: &SpClient, write: O) {
    assert!(matches!(client.call(write).await.unwrap(), Submission::Accepted(_)));
}

/// What Amazon really allows, whatever it documents: all who call the account share it.
struct Account {
    per_second: f64,
    tokens: f64,
    at: Instant,
    refused: usize,
}

impl Account {
    fn new(per_second: f64) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { per_second, tokens: 1.0, at: Instant::now(), refused: 0 }))
    }

    fn answer(&mut self) -> Response {
        self.tokens = (self.tokens + self.at.elapsed().as_secs_f64() * self.per_second).min(2.0);
        self.at = Instant::now();
        if self.tokens < 1.0 {
            self.refused += 1;
            return response(429, r#"{"errors":[{"code":"QuotaExceeded","message":"You exceeded your quota."}]}"#);
        }
        self.tokens -= 1.0;
        response(200, ITEM)
    }
}

/// An application's way to the account.
fn application(account: &Arc<Mutex<Account>>, header: Option<&'static str>) -> Arc<Script> {
    let (script, account) = (Arc::new(Script::new()), account.clone());
    script.delay(Duration::from_millis(80)).always(move |request| {
        if is_token_call(request) {
            return Ok(response(200, TOKEN));
        }
        let mut answer = account.lock().unwrap().answer();
        if let Some(rate) = header.filter(|_| answer.status().is_success()) {
            answer.headers_mut().insert("x-amzn-ratelimit-limit", rate.parse().unwrap());
        }
        Ok(answer)
    });
    script
}

#[tokio::test(start_paused = true)]
async fn a5_an_account_that_allows_less_than_documented_costs_time_and_no_call() {
    for (header, most_refused) in [(None, 25), (Some("1.0"), 8)] {
        let account = Account::new(1.0);
        let client = builder(&application(&account, header)).build().unwrap();
        let client = client.with(|options| options.deadline = 300 * SECOND);
        let start = Instant::now();
        let answers = join_all((0..50).map(|_| client.call(get(sku("S"))))).await;
        let failed: Vec<String> = answers.into_iter().filter_map(|answer| Some(answer.err()?.to_string())).collect();
        assert!(failed.is_empty(), "{header:?}: {} of 50 failed: {failed:?}", failed.len());
        let refused = account.lock().unwrap().refused;
        assert!(refused <= most_refused, "{header:?}: {refused} refusals");
        assert!(start.elapsed() < 60 * SECOND, "{header:?}: {:?}, where 48 s are the least", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a5_two_applications_that_know_nothing_of_each_other_share_an_account() {
    let account = Account::new(2.0);
    let client =
        |_| builder(&application(&account, None)).build().unwrap().with(|options| options.deadline = 300 * SECOND);
    let clients: Vec<_> = (0..2).map(client).collect();
    let start = Instant::now();
    let answers = join_all((0..80).map(|i| clients[i % 2].call(get(sku("S"))))).await;
    let failed: Vec<String> = answers.into_iter().filter_map(|answer| Some(answer.err()?.to_string())).collect();
    assert!(failed.is_empty(), "{} of 80 failed: {failed:?}", failed.len());
    assert!(start.elapsed() < 60 * SECOND, "{:?}, where 39 s are the least", start.elapsed());
}

fn bodies(script: &Script) -> Vec<String> {
    let calls = script.seen().into_iter().filter(|request| !is_token_call(request));
    calls.map(|request| String::from_utf8(request.body().to_vec()).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a8_a_write_that_times_out_is_sent_again_as_it_was() {
    for lost in [TransportErrorKind::Timeout, TransportErrorKind::Interrupted] {
        let script = Arc::new(Script::new());
        script.answer(200, TOKEN).fail(lost).fail(lost).answer(200, ACCEPTED);
        let submission = unlimited(&script).call(put("A")).await.unwrap();
        assert!(matches!(submission, Submission::Accepted(_)));
        let sent = bodies(&script);
        assert_eq!((sent.len(), &sent[0], &sent[1]), (3, &sent[1], &sent[2]));
    }
}

#[tokio::test(start_paused = true)]
async fn a8_a_write_whose_repetition_is_not_harmless_is_not_sent_again() {
    let script = Arc::new(Script::new());
    script.answer(200, TOKEN).fail(TransportErrorKind::Timeout);
    let body = ListingsItemPatchRequest::offer([quantity_patch(3, None)]);
    let patch = PatchListingsItem::new(seller(), sku("S"), [Marketplace::TR], body);
    let error = unlimited(&script).call(patch).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), script.sent()), (ErrorKind::Timeout, 1, 2));
    assert!(error.may_have_been_applied());
}

#[tokio::test(start_paused = true)]
async fn a8_no_two_writes_to_one_sku_are_under_way_at_once() {
    let script = Arc::new(Script::new());
    script.always(|request| Ok(response(200, if is_token_call(request) { TOKEN } else { ACCEPTED })));
    let client = unlimited(&script);
    accepted(&client, put("first")).await;
    script.delay(SECOND);
    let start = Instant::now();
    let delete = DeleteListingsItem::new(seller(), sku("S"), [Marketplace::DE]);
    let clone = client.clone().with(|options| options.deadline = 90 * SECOND);
    let writes = async {
        tokio::join!(
            accepted(&client, put("a")),
            accepted(&clone, patch("1.5")),
            accepted(&client, delete),
            accepted(&clone, core_http::Once(put("b"))),
        );
        start.elapsed()
    };
    let others = async {
        let other = DeleteListingsItem::new(seller(), sku("T"), [Marketplace::TR]);
        let read = async { client.call(get(sku("S"))).await.unwrap() };
        tokio::join!(read, accepted(&client, put("c").preview()), accepted(&client, other));
        start.elapsed()
    };
    assert_eq!(tokio::join!(writes, others), (4 * SECOND, SECOND), "previews, reads and other SKUs wait for nobody");
}

#[tokio::test(start_paused = true)]
async fn a8_a_write_that_was_given_up_is_not_overtaken() {
    let script = Arc::new(Script::new());
    script.always(|request| Ok(response(200, if is_token_call(request) { TOKEN } else { ACCEPTED })));
    let client = unlimited(&script);
    client.call(get(sku("S"))).await.unwrap();
    script.delay(20 * SECOND);
    let start = Instant::now();
    assert!(timeout(SECOND, client.call(put("old"))).await.is_err());
    script.delay(Duration::ZERO);
    accepted(&client, put("new")).await;
    assert_eq!(start.elapsed(), 40 * SECOND, "Amazon may still be at work on the old one until then");
    assert!(timeout(SECOND, client.call(put("newer"))).await.is_ok(), "an answered one holds nobody up");
}

/// Reads one request's head from a socket, and answers the token call and then everything else.
async fn heads(listener: TcpListener, count: usize) -> Vec<String> {
    let mut heads = Vec::new();
    while heads.len() < count {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let token = head.starts_with("POST /auth/o2/token ");
        if token {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            stream.read_exact(&mut vec![0; length.parse().unwrap()]).await.unwrap();
        }
        let body = if token { TOKEN } else { r#"{"sku":"S","status":"ACCEPTED","submissionId":"id"}"# };
        let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        if !token {
            let mut rest = Vec::new();
            stream.shutdown().await.unwrap();
            stream.read_to_end(&mut rest).await.unwrap();
            heads.push(format!("{head}{}", String::from_utf8(rest).unwrap()));
        }
    }
    heads
}

#[tokio::test]
async fn a10_any_sku_travels_as_one_encoded_segment_and_without_a_body() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: url::Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let credentials = Credentials::new("client", "secret", "Atzr|r");
    let client = Builder::new(Region::Europe, credentials).base_url(base.clone()).lwa_url(base).build().unwrap();
    let skus = ["a/b", "100%", "a b", "a+b", "ş漢😀", "%2F", "a;b=c&d#e?f", "~-._"].map(sku);
    let sending = async {
        for sku in &skus {
            client.call(get(sku.clone())).await.unwrap();
        }
        let delete = DeleteListingsItem::new(seller(), skus[0].clone(), [Marketplace::TR]);
        accepted(&client, delete).await;
    };
    let ((), heads) = tokio::join!(sending, heads(listener, skus.len() + 1));
    let segments = [
        "a%2Fb",
        "100%25",
        "a%20b",
        "a%2Bb",
        "%C5%9F%E6%BC%A2%F0%9F%98%80",
        "%252F",
        "a%3Bb%3Dc%26d%23e%3Ff",
        "~-._",
        "a%2Fb",
    ];
    for (place, (head, segment)) in heads.iter().zip(segments).enumerate() {
        let method = if place < skus.len() { "GET" } else { "DELETE" };
        let line = format!(
            "{method} /listings/2021-08-01/items/AO0WPKWDI17JQ/{segment}?marketplaceIds=A33AVAJ2PDY3EV HTTP/1.1\r\n"
        );
        assert!(head.starts_with(&line), "{head}");
        let lower = head.to_ascii_lowercase();
        assert!(!lower.contains("content-length") && !lower.contains("transfer-encoding"), "{head}");
        assert_eq!(lower.matches("\r\nhost: ").count(), 1);
        assert!(head.ends_with("\r\n\r\n"), "nothing follows the head: {head}");
    }
}

#[test]
fn a10_what_amazon_or_the_path_would_not_bear_is_refused_by_name() {
    for (text, rule) in [
        ("", "must not be empty"),
        (".", "must not be `.` or `..`"),
        ("..", "must not be `.` or `..`"),
        ("ş23456789012345678901234567890123456789_1", "must not be longer than 40 characters"),
    ] {
        assert!(Sku::new(text).unwrap_err().to_string().contains(&format!("a SKU {rule}")), "{text}");
    }
    assert!(Sku::new("/".repeat(40)).is_ok(), "40 characters, however long they are on the wire");
}

#[tokio::test(start_paused = true)]
async fn a11_a_patch_that_is_too_large_or_wrong_is_not_sent_again_and_says_why() {
    for (status, code) in [(413, "RequestEntityTooLarge"), (400, "InvalidInput")] {
        let script = Arc::new(Script::new());
        let body = format!(
            r#"{{"errors":[{{"code":"{code}","message":"Too much.","details":"At index 7."}},{{"code":"x","message":"Also."}}]}}"#
        );
        script.answer(200, TOKEN).then(move |_| {
            let mut answer = response(status, &body);
            answer.headers_mut().insert("x-amzn-requestid", "r-9".parse().unwrap());
            Ok(answer)
        });
        let changes = (0..2000).map(|i| sp_listings::PatchOperation::replace("bullet_point", [json!({"value": i})]));
        let patch =
            PatchListingsItem::new(seller(), sku("S"), [Marketplace::TR], ListingsItemPatchRequest::offer(changes));
        let error = unlimited(&script).call(patch).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts(), script.sent()), (ErrorKind::Rejected, 1, 2));
        assert!(!error.may_have_been_applied());
        let expected =
            format!("patchListingsItem: rejected: HTTP {status} {code}: Too much. At index 7.; Also. (request r-9)");
        assert_eq!(error.to_string(), expected);
    }
}
