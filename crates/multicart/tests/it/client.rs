//! Credentials, limits and pages of a client.

use crate::{asin, client};
use core_http::{
    ErrorKind, Operation, RetryPolicy, TransportErrorKind,
    testing::{Script, response},
};
use futures_util::TryStreamExt;
use multicart::{
    AsinRowId, Builder, CALLS, CollectionId, CreateAsin, DomainId, GetAsin, ListAsins, ListDomains, PostcodeId,
};
use proptest::prelude::*;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

const EMPTY: &str = r#"{"code":200,"data":[],"status":1}"#;

#[tokio::test(start_paused = true)]
async fn both_credentials_go_into_their_header() {
    for (builder, header, value) in [
        (Builder::new("prefix.secret"), "x-api-key", "prefix.secret"),
        (Builder::with_token("abc"), "authorization", "Token abc"),
    ] {
        let script = Arc::new(Script::new());
        script.answer(200, EMPTY);
        let client = builder.transport(script.clone()).build().unwrap();
        client.call(ListDomains::new()).await.unwrap();
        let request = &script.seen()[0];
        assert_eq!(request.headers()[header], value);
        assert!(request.headers()[header].is_sensitive());
        assert_eq!(request.uri(), "https://multicartapi.com/api/v1/settings/domains/");
    }
}

#[test]
fn a_secret_that_no_header_holds_is_refused_unseen() {
    for secret in ["", "a\nb"] {
        let builder = Builder::new(secret).transport(Arc::new(Script::new()));
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(!error.to_string().contains("a\nb"));
    }
}

#[tokio::test(start_paused = true)]
async fn two_calls_a_second_by_default() {
    let (client, _) = client(|_| Ok(response(200, EMPTY)));
    let start = Instant::now();
    let calls = (0..12).map(|_| client.call(ListDomains::new()));
    futures_util::future::try_join_all(calls).await.unwrap();
    // Two go at once, then one every half second.
    assert!(start.elapsed() >= Duration::from_secs(5) && start.elapsed() < Duration::from_millis(5100));
    assert_eq!(ListDomains::new().limits(), [CALLS]);
    assert_eq!(CALLS.in_flight, Some(4));
}

#[tokio::test(start_paused = true)]
async fn a_lost_create_is_sent_again_with_the_same_bytes() {
    let script = Arc::new(Script::new());
    script.fail(TransportErrorKind::Interrupted).answer(200, r#"{"code":400,"data":"ASIN already exists","status":0}"#);
    let client = Builder::new("k").transport(script.clone()).build().unwrap();
    let create = CreateAsin::new(CollectionId(101), DomainId(1), PostcodeId(15), asin("B0DJQQ38TG"));
    let error = client.call(create).await.unwrap_err();
    // Whether the refusal means that the first one arrived is for `list/` to say, not for this message.
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Rejected, 2));
    assert!(error.may_have_been_applied());
    let bodies: Vec<_> = script.seen().iter().map(|request| request.body().clone()).collect();
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test(start_paused = true)]
async fn pages_go_on_until_an_empty_one() {
    let row = |id: u64| format!(r#"{{"id":{id},"asin":"B0DJQQ38TG"}}"#);
    let page = |rows: &[String]| format!(r#"{{"code":200,"data":[{}],"status":1}}"#, rows.join(","));
    let pages = [page(&[row(1), row(2)]), page(&[row(3)]), page(&[])];
    let mut pages = pages.into_iter();
    let (client, script) = client(move |_| Ok(response(200, &pages.next().expect("three pages are asked for"))));
    let rows = client.pages(ListAsins::new(CollectionId(101)).limit(2)).items();
    let rows: Vec<_> = rows.map_ok(|row| row.id).try_collect().await.unwrap();
    assert_eq!(rows, [1, 2, 3].map(AsinRowId));
    let skips: Vec<serde_json::Value> = script
        .seen()
        .iter()
        .map(|request| serde_json::from_slice::<serde_json::Value>(request.body()).unwrap()["skip"].clone())
        .collect();
    assert_eq!(skips, [serde_json::json!(null), serde_json::json!(2), serde_json::json!(3)]);
}

proptest! {
    #[test]
    fn no_secret_is_ever_shown(secret in "[!-~]{12,40}") {
        for builder in [Builder::new(secret.clone()), Builder::with_token(secret.clone())] {
            let script = Arc::new(Script::new());
            script.always(|_| Ok(response(401, "")));
            let builder = builder.transport(script);
            let shown = format!("{builder:?} {builder:#?}");
            prop_assert!(!shown.contains(&secret));
            let client = builder.build().unwrap().with(|options| options.retry = RetryPolicy::never());
            let shown = format!("{client:?} {client:#?}");
            prop_assert!(!shown.contains(&secret));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let error = runtime.block_on(client.call(GetAsin::new(AsinRowId(1)))).unwrap_err();
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains(&secret));
        }
    }
}
