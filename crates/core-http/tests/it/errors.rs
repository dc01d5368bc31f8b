//! What an error says, and what clients refuse to be built from.

use crate::common::{OK, ask, builder, client, read, script};
use core_http::{Client, Error, ErrorKind, Fault, Safety, TransportError, TransportErrorKind, json, testing::response};
use serde::Deserialize;
use std::error::Error as _;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn an_error_says_operation_kind_attempts_and_the_vendors_words_in_one_line() {
    let script = script();
    script.always(|_| {
        let mut answer = response(503, r#"{"code":503,"message":"down for maintenance"}"#);
        answer.headers_mut().insert("x-request-id", "r-9".parse().expect("a value"));
        answer.headers_mut().insert("date", "Thu, 26 Nov 2026 12:00:00 GMT".parse().expect("a value"));
        Ok(answer)
    });
    let error = client(script).call(ask(Safety::ReadOnly)).await.expect_err("down");
    assert_eq!(error.request_id(), Some("r-9"));
    assert_eq!(error.date().map(|date| date.as_bytes()), Some(&b"Thu, 26 Nov 2026 12:00:00 GMT"[..]));
    let expected = "ask: vendor unavailable after 4 attempts: HTTP 503 503: down for maintenance (request r-9)";
    assert_eq!(error.to_string(), expected);
    let fault = error.fault().expect("the vendor's words");
    assert_eq!((fault.code.as_str(), fault.request_id.as_deref()), ("503", Some("r-9")));
    assert_eq!((fault.status.map(|status| status.as_u16()), error.operation()), (Some(503), "ask"));
}

#[test]
fn a_long_message_is_cut_where_it_is_shown_and_kept_whole_where_it_is_asked_for() {
    let words = "ü".repeat(3000);
    let error = Error::from(Fault::new(core_http::ErrorKind::Rejected, "40501", words.clone()));
    assert_eq!(error.to_string().matches('ü').count(), 500, "{error}");
    assert!(error.to_string().ends_with('…'));
    assert_eq!(error.fault().unwrap().message, words);
}

#[tokio::test(start_paused = true)]
async fn an_error_shows_its_innermost_cause_and_keeps_the_chain() {
    let script = script();
    script.fail(TransportErrorKind::Tls);
    let error = client(script).call(read()).await.expect_err("no connection");
    assert_eq!(error.to_string(), "ask: could not be sent: scripted");
    let source = error.source().expect("a source");
    let transport = source.downcast_ref::<TransportError>().expect("the transport's own error");
    assert_eq!(transport.kind(), TransportErrorKind::Tls);
    assert_eq!(transport.source().expect("its source").to_string(), "scripted");
}

#[tokio::test(start_paused = true)]
async fn a_fault_in_a_200_has_the_delay_and_the_request_id_of_its_head() {
    let script = script();
    script.then(|_| {
        let mut answer = response(200, r#"{"code":429}"#);
        answer.headers_mut().insert("x-request-id", "r-1".parse().expect("a value"));
        answer.headers_mut().insert("retry-after", 100.into());
        Ok(answer)
    });
    let error = client(script).call(read()).await.expect_err("no time to wait");
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(Duration::from_secs(100))));
    assert_eq!(error.fault().and_then(|fault| fault.request_id.as_deref()), Some("r-1"));
}

#[test]
fn a_decoding_error_names_the_path_and_shows_no_json() {
    #[derive(Debug, Deserialize)]
    struct Offer {
        #[serde(rename = "price")]
        _price: Price,
    }
    #[derive(Debug, Deserialize)]
    struct Price {
        #[serde(rename = "amount")]
        _amount: u32,
    }
    let said = |body: &str| json::<Vec<Offer>>(body.as_bytes()).expect_err(body).to_string();
    assert!(said(r#"[{"price":{"amount":1}},{"price":{"amount":"x"}}]"#).contains("`[1].price.amount`"));
    assert!(said(r#"[{"price":{}}]"#).contains("`[0].price`"));
    for damaged in [r#"[{"price":{"amount":1,"token":"hunter2"#, r#"{"token":"hunter2"#, r#""hunter2"#, "[hunter2]"] {
        assert!(!said(damaged).contains("hunter2"), "{}", said(damaged));
    }
    assert!(said("[").contains("1 bytes that begin like JSON"), "{}", said("["));
    assert!(said("Bad\u{1b}[31m Gateway").contains("`Bad [31m Gateway`"), "control characters are not passed on");
    assert!(json::<u32>(b"7 8").is_err());
    assert_eq!(json::<u32>(b"\xEF\xBB\xBF7").expect("a byte order mark means nothing"), 7);
}

#[test]
fn s4_a_base_url_is_https_or_this_machine_and_holds_no_login() {
    let build = |base: &str| {
        let base = base.parse().expect("a URL");
        Client::<crate::common::Shop>::builder(base, script()).build()
    };
    for good in ["https://api.test/v3", "http://localhost:8080", "http://127.0.0.1:1/x/", "http://[::1]:1"] {
        build(good).expect(good);
    }
    let bad = [
        "http://api.test",
        "http://localhost.evil.test",
        "http://192.168.0.1",
        "ftp://api.test",
        "file:///etc",
        "https://user:hunter2@api.test",
        "https://hunter2@api.test",
        "https://:hunter2@api.test",
        "https://api.test/?key=hunter2",
        "https://api.test/#x",
    ];
    for bad in bad {
        let error = build(bad).expect_err(bad);
        assert_eq!(error.kind(), ErrorKind::Request);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let plain: url::Url = "http://api.test".parse().expect("a URL");
    Client::<crate::common::Shop>::builder(plain, script()).danger_allow_plain_http().build().expect("asked for");
    let error = builder(script()).user_agent("two\nlines").build().expect_err("no header value");
    assert_eq!(error.kind(), ErrorKind::Request);
}

#[tokio::test(start_paused = true)]
async fn the_base_path_stays_before_the_operations_path() {
    for (base, target) in [
        ("https://a.test", "https://a.test/ask?q=1"),
        ("https://a.test/v3/", "https://a.test/v3/ask?q=1"),
        ("https://a.test:8443/x/y", "https://a.test:8443/x/y/ask?q=1"),
    ] {
        let script = script();
        script.answer(200, OK);
        let client = Client::<crate::common::Shop>::builder(base.parse().expect("a URL"), script.clone());
        let client = client.build().expect("a client");
        client.call(read()).await.expect("an answer");
        assert_eq!(script.seen()[0].uri().to_string(), target);
        let named = base.trim_end_matches('/');
        assert_eq!(client.base(), named);
        assert!(format!("{client:?}").contains(named.trim_start_matches("https://")), "{client:?}");
    }
}

#[test]
fn errors_tell_what_was_applied_by_their_kind() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::Interrupted, ErrorKind::Decode] {
        assert!(Error::new(kind, "x").may_have_been_applied(), "{kind}");
        assert!(Error::from(Fault::new(kind, "1", "x")).may_have_been_applied(), "{kind}");
    }
    for kind in [ErrorKind::Connect, ErrorKind::Throttled, ErrorKind::Rejected, ErrorKind::Funds] {
        assert!(!Error::new(kind, "x").may_have_been_applied(), "{kind}");
    }
}

#[test]
fn what_does_not_fit_is_told_with_its_place_and_with_what_was_expected_however_long_it_is() {
    let told = |body: &str| json::<std::collections::BTreeMap<String, u8>>(body.as_bytes()).unwrap_err().to_string();
    let long = "x".repeat(1000);
    let text = told(&format!(r#"{{"a":"{long}"}}"#));
    assert!(text.contains("at `a`: ") && text.contains("xx…") && text.contains("expected u8"), "{text}");
    assert!(text.chars().count() < 400, "{text}");
    let whole = told("5");
    assert!(whole.contains("expected a map") && !whole.contains("not JSON"), "it is JSON: {whole}");
    for (body, words) in [("{} {}", "more text after the JSON value"), ("<p>", "`<p>`")] {
        assert!(told(body).contains(words), "{body}: {}", told(body));
    }
}
