//! Login with Amazon. The rows A1 to A4 are those of the fault matrix.

use crate::{TOKEN, builder, is_token_call, seller, sku, unlimited};
use core_http::{
    ErrorKind, RetryPolicy,
    testing::{Script, response},
};
use proptest::prelude::*;
use sp_listings::{Builder, Credentials, GetListingsItem, GetToken, Marketplace, Region, UserAgent};
use std::{sync::Arc, time::Duration};

const ITEM: &str = r#"{"sku":"S"}"#;

fn get() -> GetListingsItem {
    GetListingsItem::new(seller(), sku("S"), [Marketplace::TR])
}

fn token_calls(script: &Script) -> usize {
    script.seen().iter().filter(|request| is_token_call(request)).count()
}

/// Answers token calls with tokens that count up, and others with a listing.
fn counting(script: &Script, lifetime: u64) {
    let mut tokens = 0;
    script.always(move |request| {
        if is_token_call(request) {
            tokens += 1;
            return Ok(response(200, &format!(r#"{{"access_token":"Atza|{tokens}","expires_in":{lifetime}}}"#)));
        }
        Ok(response(200, ITEM))
    });
}

#[tokio::test(start_paused = true)]
async fn a1_a_token_that_expires_in_a_burst_is_fetched_once() {
    let script = Arc::new(Script::new());
    counting(&script, 3600);
    script.delay(Duration::from_millis(50));
    let client = unlimited(&script);
    for expected in 1..=2 {
        let calls = (0..1000).map(|_| client.call(get()));
        for answer in futures_util::future::join_all(calls).await {
            answer.unwrap();
        }
        assert_eq!(token_calls(&script), expected);
        tokio::time::advance(Duration::from_secs(3600)).await;
    }
    assert_eq!(script.sent(), 2002);
}

#[tokio::test(start_paused = true)]
async fn a2_an_expired_token_is_renewed_once_and_the_call_repeated_once() {
    let script = Arc::new(Script::new());
    let expired = r#"{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied.","details":"The access token you provided has expired."}]}"#;
    script.answer(200, TOKEN).answer(403, expired).answer(200, r#"{"access_token":"Atza|second"}"#).answer(200, ITEM);
    let item = unlimited(&script).call(get()).await.unwrap();
    assert_eq!(item.sku.as_str(), "S");
    let sent: Vec<String> = script
        .seen()
        .iter()
        .filter_map(|request| Some(request.headers().get("x-amz-access-token")?.to_str().unwrap().to_owned()))
        .collect();
    assert_eq!(sent, ["Atza|first", "Atza|second"]);
}

#[tokio::test(start_paused = true)]
async fn a2_a_call_that_stays_forbidden_ends_after_one_refresh() {
    let script = Arc::new(Script::new());
    let denied = r#"{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied."}]}"#;
    script.always(move |request| Ok(if is_token_call(request) { response(200, TOKEN) } else { response(403, denied) }));
    let client = unlimited(&script);
    let error = client.call(get()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), script.sent()), (ErrorKind::Auth, 2, 4));
    for _ in 0..100 {
        assert_eq!(client.call(get()).await.unwrap_err().attempts(), 1);
    }
    assert_eq!(token_calls(&script), 2, "what no token helps against does not ask for one with every call");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(client.call(get()).await.unwrap_err().attempts(), 2, "a minute later it is worth another try");
}

#[tokio::test(start_paused = true)]
async fn a3_a_failing_token_endpoint_is_asked_again() {
    let script = Arc::new(Script::new());
    let busy = r#"{"error":"temporarily_unavailable","error_description":"later"}"#;
    script.answer(503, busy).answer(500, "<html>").answer(200, TOKEN).answer(200, ITEM);
    unlimited(&script).call(get()).await.unwrap();
    assert_eq!(script.sent(), 4);
}

#[tokio::test(start_paused = true)]
async fn a3_a_throttled_token_endpoint_is_asked_again_as_late_as_it_says() {
    let throttled = |after: Option<&'static str>| {
        let mut answer = response(429, r#"{"error":"too_many_requests","error_description":"slower"}"#);
        if let Some(after) = after {
            answer.headers_mut().insert("retry-after", after.parse().unwrap());
        }
        answer
    };
    let script = Arc::new(Script::new());
    script.then(move |_| Ok(throttled(Some("7")))).answer(200, TOKEN).answer(200, ITEM);
    let start = tokio::time::Instant::now();
    unlimited(&script).call(get()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(7), "{:?}", start.elapsed());
    assert_eq!(token_calls(&script), 2);

    // Without a word about when, a crowd asks as often as one caller, and gives up: its calls do not begin again.
    let script = Arc::new(Script::new());
    script.always(move |_| Ok(throttled(None)));
    let client = unlimited(&script);
    let errors = futures_util::future::join_all((0..100).map(|_| client.call(get()))).await;
    assert!(errors.iter().all(|call| call.as_ref().is_err_and(|error| error.kind() == ErrorKind::Throttled)));
    assert!(errors.iter().all(|call| call.as_ref().is_err_and(|error| !error.may_have_been_applied())));
    assert_eq!((script.sent(), token_calls(&script)), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a3_the_old_token_is_used_while_it_lives_and_no_new_one_can_be_had() {
    let script = Arc::new(Script::new());
    let mut first = true;
    script.always(move |request| {
        let token = is_token_call(request);
        let fresh = token && std::mem::take(&mut first);
        Ok(if fresh {
            response(200, TOKEN)
        } else if token {
            response(503, "")
        } else {
            response(200, ITEM)
        })
    });
    let client = unlimited(&script);
    client.call(get()).await.unwrap();
    tokio::time::advance(Duration::from_secs(3600 - 55)).await;
    client.call(get()).await.unwrap();
    assert!(token_calls(&script) > 1);
}

#[tokio::test(start_paused = true)]
async fn a3_a_slow_token_endpoint_holds_nobody_up_for_long_while_the_old_token_lives() {
    let script = Arc::new(Script::new());
    counting(&script, 3600);
    let client = unlimited(&script);
    client.call(get()).await.unwrap();
    tokio::time::advance(Duration::from_secs(3600 - 55)).await;
    script.delay(Duration::from_secs(20));
    let start = tokio::time::Instant::now();
    client.call(get()).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(5 + 20), "5 s for a token that does not come, 20 s for the answer");
    assert_eq!(script.seen().last().unwrap().headers()["x-amz-access-token"], "Atza|1");
}

#[tokio::test(start_paused = true)]
async fn a3_refused_credentials_are_reported_at_once_in_amazons_words() {
    for (status, code) in [
        (400, "invalid_grant"),
        (401, "invalid_client"),
        (400, "unauthorized_client"),
        (400, "invalid_request"),
        (400, "invalid_scope"),
        (400, "unsupported_grant_type"),
        (403, "access_denied"),
    ] {
        let script = Arc::new(Script::new());
        let body = format!(
            r#"{{"error":"{code}","error_description":"The request has an invalid grant parameter : refresh_token"}}"#
        );
        script.always(move |_| Ok(response(status, &body)));
        let error = unlimited(&script).call(get()).await.unwrap_err();
        assert_eq!((error.kind(), script.sent()), (ErrorKind::Auth, 1), "{code}");
        let text = format!("HTTP {status} {code}: The request has an invalid grant parameter : refresh_token");
        assert!(error.to_string().contains(&text), "{error}");
        assert!(!error.may_have_been_applied());
        let instruction = error.fault().unwrap().advice.clone().unwrap_or_default();
        assert_eq!(instruction.contains("authorise the application again"), code == "invalid_grant", "{instruction}");
    }
}

#[tokio::test(start_paused = true)]
async fn a3_an_outage_of_the_token_endpoint_means_that_nothing_was_sent() {
    let script = Arc::new(Script::new());
    script.always(|_| Ok(response(503, r#"{"error":"temporarily_unavailable"}"#)));
    let client = unlimited(&script).with(|options| options.retry = RetryPolicy::never());
    let error = client.call(get()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(!error.may_have_been_applied());
    assert!(error.to_string().contains("temporarily_unavailable"), "{error}");
    assert!(script.seen().iter().all(is_token_call));
}

#[tokio::test(start_paused = true)]
async fn a4_lifetimes_are_taken_between_a_minute_and_an_hour() {
    for (body, lives) in [
        (r#"{"access_token":"t"}"#, 3500),
        (r#"{"access_token":"t","expires_in":null}"#, 3500),
        (r#"{"access_token":"t","expires_in":1000000000}"#, 3500),
        (r#"{"access_token":"t","expires_in":"3600"}"#, 3500),
        (r#"{"access_token":"t","expires_in":0}"#, 55),
        (r#"{"access_token":"t","expires_in":-5}"#, 55),
        (r#"{"access_token":"t","expires_in":600}"#, 535),
    ] {
        let script = Arc::new(Script::new());
        script.always(move |request| Ok(response(200, if is_token_call(request) { body } else { ITEM })));
        let client = unlimited(&script);
        client.call(get()).await.unwrap();
        tokio::time::advance(Duration::from_secs(lives)).await;
        client.call(get()).await.unwrap();
        assert_eq!(token_calls(&script), 1, "{body}: still good after {lives} s");
        tokio::time::advance(Duration::from_secs(60)).await;
        client.call(get()).await.unwrap();
        assert_eq!(token_calls(&script), 2, "{body}: no longer good {} s after it came", lives + 60);
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_call_is_a_form_whose_values_cannot_break_out() {
    let script = Arc::new(Script::new());
    script.answer(200, TOKEN).answer(200, ITEM);
    let credentials = Credentials::new("amzn1.application-oa2-client.1", "a+b&c=d%41/é|", "Atzr|Iw+B/=&x%2B ");
    Builder::new(Region::Europe, credentials).transport(script.clone()).build().unwrap().call(get()).await.unwrap();
    let token = &script.seen()[0];
    assert_eq!(token.uri(), "https://api.amazon.com/auth/o2/token");
    assert_eq!(token.headers()["content-type"], "application/x-www-form-urlencoded;charset=UTF-8");
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(token.body()).into_owned().collect();
    let expected = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "Atzr|Iw+B/=&x%2B "),
        ("client_id", "amzn1.application-oa2-client.1"),
        ("client_secret", "a+b&c=d%41/é|"),
    ];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_call_carries_the_token_and_the_date() {
    let script = Arc::new(Script::new());
    script.answer(200, TOKEN).answer(200, ITEM);
    unlimited(&script).call(get()).await.unwrap();
    let headers = script.seen()[1].headers().clone();
    assert_eq!(headers["x-amz-access-token"], "Atza|first");
    assert!(headers["x-amz-access-token"].is_sensitive());
    let date = headers["x-amz-date"].to_str().unwrap();
    let form: Vec<bool> = date.bytes().map(|byte| byte.is_ascii_digit()).collect();
    assert_eq!((date.len(), &date[8..9], &date[15..]), (16, "T", "Z"));
    assert_eq!(form.iter().filter(|digit| **digit).count(), 14);
}

#[tokio::test(start_paused = true)]
async fn the_date_is_that_of_each_attempt() {
    let script = Arc::new(Script::new());
    script.answer(200, TOKEN).answer(500, "").then(|request| {
        let date = request.headers()["x-amz-date"].to_str().unwrap().to_owned();
        let sent = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", &date).unwrap().to_datetime().unwrap();
        let age = jiff::Timestamp::now().duration_since(sent.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp());
        assert!((0..60).contains(&age.as_secs()), "{date}");
        Ok(response(200, ITEM))
    });
    unlimited(&script).call(get()).await.unwrap();
    assert!(script.seen()[1..].iter().all(|request| request.headers().get_all("x-amz-date").iter().count() == 1));
}

#[tokio::test(start_paused = true)]
async fn requests_say_who_sends_them_in_amazons_form() {
    let script = Arc::new(Script::new());
    script.answer(200, TOKEN).answer(200, ITEM);
    let agent = UserAgent::new("Shop", "1.0").attribute("Host", "a;b");
    let client = builder(&script).user_agent(agent).build().unwrap();
    client.call(get()).await.unwrap();
    for request in script.seen() {
        let agent = request.headers()["user-agent"].to_str().unwrap();
        assert!(agent.starts_with("Shop/1.0 (Language=Rust/1.") && agent.ends_with(r"; Host=a\;b)"), "{agent}");
    }
    let long = UserAgent::new("Shop", "1".repeat(500));
    let error = builder(&script).user_agent(long).build().unwrap_err();
    assert!(error.to_string().contains("Amazon takes 500"), "{error}");
}

#[test]
fn another_token_endpoint_is_named_with_or_without_its_path() {
    for url in ["http://127.0.0.1:9/base", "http://127.0.0.1:9/base/auth/o2/token"] {
        let script = Arc::new(Script::new());
        script.answer(200, TOKEN).answer(200, ITEM);
        let client = builder(&script).lwa_url(url.parse().unwrap()).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(client.call(get())).unwrap();
        assert_eq!(script.seen()[0].uri(), "http://127.0.0.1:9/base/auth/o2/token");
    }
}

proptest! {
    #[test]
    fn no_secret_is_ever_shown(secret in "[!-~]{12,40}") {
        let credentials = Credentials::new("client", secret.clone(), format!("Atzr|{secret}"));
        let token: sp_listings::Token =
            serde_json::from_value(serde_json::json!({"access_token": secret, "expires_in": 1})).unwrap();
        let script = Arc::new(Script::new());
        let builder = Builder::new(Region::Europe, credentials.clone()).transport(script);
        let shown = [
            format!("{credentials:?} {credentials:#?}"),
            format!("{:?}", GetToken::new(credentials)),
            format!("{builder:?}"),
            format!("{token:?} {}", serde_json::to_string(&token).unwrap()),
            format!("{:?}", builder.build().unwrap()),
        ];
        for text in shown {
            prop_assert!(!text.contains(&secret), "{text}");
        }
    }
}
