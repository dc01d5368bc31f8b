//! Files: named only when everything is there, and never with our credentials to an address out of an answer.

use crate::chunks::{Chunks, Step, drip, fails, kind, whole};
use crate::common::{builder, read, script};
use core_http::{
    Client, Content, ErrorKind, Limit, Quota, RetryPolicy, TransportErrorKind, auth::Basic, testing::response,
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::time::Instant;

fn client(transport: Arc<dyn core_http::Transport>) -> Client<crate::common::Shop> {
    let basic = Basic::new("login", &"hunter2".into()).expect("good credentials");
    builder(transport).authorize(Arc::new(basic)).build().expect("a client")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
}

fn elsewhere() -> url::Url {
    "https://storage.test/feed.json?X-Amz-Signature=topsecret".parse().expect("an address")
}

#[tokio::test(start_paused = true)]
async fn a_download_is_streamed_into_its_file() {
    let folder = folder();
    let to = folder.path().join("result.zip");
    std::fs::write(&to, "old").expect("a file");
    let content: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    let transport = Arc::new(Chunks::new([kind("application/octet-stream", 200, content.clone(), 4096, false)]));
    let got = client(transport.clone()).download(read(), &to).await.expect("a file");
    assert_eq!((got.bytes, got.content_type.as_deref()), (300_000, Some("application/octet-stream")));
    assert_eq!(
        (std::fs::read(&got.path).expect("the file"), names(folder.path())),
        (content, vec!["result.zip".into()])
    );
    let seen = transport.seen.lock().expect("no panic");
    assert!(seen[0].headers().contains_key("authorization") && seen[0].headers()["accept"] == "*/*");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_file_never_replaces_one() {
    let refusal = r#"{"code":404,"message":"no such file"}"#;
    let answers: [(ErrorKind, Step); 8] = [
        (ErrorKind::NotFound, whole(200, refusal, 9, false)),
        (ErrorKind::NotFound, whole(404, refusal, 9, false)),
        (ErrorKind::Rejected, whole(302, "elsewhere", 9, false)),
        (ErrorKind::Decode, kind("text/html; charset=utf-8", 200, "Please log in", 9, false)),
        (ErrorKind::Decode, kind("application/octet-stream", 200, " \n<!DOCTYPE HTML><html>", 9, false)),
        (ErrorKind::Decode, kind("application/octet-stream", 200, "", 9, false)),
        (ErrorKind::Interrupted, kind("application/octet-stream", 200, vec![7; 100_000], 4096, true)),
        (ErrorKind::Timeout, drip("x")),
    ];
    for (expected, answer) in answers {
        let folder = folder();
        let to = folder.path().join("result");
        std::fs::write(&to, "old").expect("a file");
        let start = Instant::now();
        let error = client(Arc::new(Chunks::new([answer]))).download(read(), &to).await.expect_err("no file");
        assert_eq!(error.kind(), expected, "{error}");
        assert!(start.elapsed() <= Duration::from_secs(60));
        assert_eq!(std::fs::read_to_string(&to).expect("the file"), "old");
        assert_eq!(names(folder.path()), ["result"], "nothing is left behind");
    }
}

#[tokio::test(start_paused = true)]
async fn what_begins_like_a_refusal_and_is_long_is_a_file() {
    let folder = folder();
    let to = folder.path().join("result");
    let content = format!(r#"{{"code":404,"message":"{}"}}"#, "x".repeat(200_000));
    client(Arc::new(Chunks::new([whole(200, content.clone(), 4096, false)])))
        .download(read(), &to)
        .await
        .expect("a file");
    assert_eq!(std::fs::read_to_string(&to).expect("the file"), content);
}

#[tokio::test(start_paused = true)]
async fn a_download_that_broke_off_starts_again() {
    let folder = folder();
    let to = folder.path().join("result");
    let transport = Arc::new(Chunks::new([whole(200, "half", 2, true), whole(200, "the whole", 2, false)]));
    client(transport.clone()).download(read(), &to).await.expect("the second attempt succeeds");
    assert_eq!((transport.sent(), std::fs::read_to_string(&to).expect("the file")), (2, "the whole".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_download_leaves_nothing_behind_and_holds_its_place_until_then() {
    let folder = folder();
    let to = folder.path().join("result");
    let client = client(Arc::new(Chunks::new([drip("x")])));
    let one = read().limits([Limit::account("one", Quota { per_second: 1e6, burst: 100 }).in_flight(1)]);
    let download = client.download(one.clone(), &to);
    let second = client.with(|options| options.deadline = Duration::from_secs(5));
    let (cut, error) = tokio::join!(tokio::time::timeout(Duration::from_secs(10), download), second.download(one, &to));
    assert!(cut.is_err());
    assert_eq!(error.expect_err("the place is taken").kind(), ErrorKind::Throttled);
    assert_eq!(names(folder.path()), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_written_is_said_and_not_tried_again() {
    let folder = folder();
    let transport = Arc::new(Chunks::new([whole(200, "content", 2, false)]));
    let to = folder.path().join("no such folder").join("result");
    let error = client(transport.clone()).download(read(), &to).await.expect_err("no such folder");
    assert_eq!((error.kind(), transport.sent()), (ErrorKind::Request, 1));
    assert!(error.to_string().contains("no such folder"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_address_out_of_an_answer_gets_no_credentials() {
    let folder = folder();
    let script = script();
    script.always(|_| Ok(response(200, "content")));
    let client = client(script.clone());
    assert_eq!(client.fetch_url(&elsewhere()).await.expect("content"), "content");
    client.download_url(&elsewhere(), folder.path().join("a")).await.expect("a file");
    client.upload_url(&elsewhere(), "application/json", Content::Bytes("{}".into())).await.expect("accepted");
    client.upload_url(&elsewhere(), "text/csv", Content::File(folder.path().join("a"))).await.expect("accepted");
    let seen = script.seen();
    assert_eq!(seen.len(), 4);
    for request in &seen {
        assert_eq!(request.uri().to_string(), elsewhere().to_string());
        let mut names: Vec<&str> = request.headers().keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        assert!(names.iter().all(|name| ["accept", "content-type", "user-agent"].contains(name)), "{names:?}");
    }
    assert_eq!((seen[2].method().as_str(), seen[2].body().as_ref()), ("PUT", &b"{}"[..]));
    assert_eq!(
        (seen[3].body().as_ref(), &seen[3].headers()["content-type"]),
        (&b"content"[..], &"text/csv".parse().expect("a value"))
    );
}

#[tokio::test(start_paused = true)]
async fn failures_of_such_an_address_are_sent_again_and_show_no_signature() {
    let client = client(Arc::new(Chunks::new([whole(503, "", 1, false), whole(200, "content", 1, false)])));
    assert_eq!(client.fetch_url(&elsewhere()).await.expect("the second attempt succeeds"), "content");
    for step in
        [whole(403, "<Error><Code>AccessDenied</Code></Error>", 9, false), fails(TransportErrorKind::Interrupted)]
    {
        let client =
            crate::common::client(Arc::new(Chunks::new([step]))).with(|options| options.retry = RetryPolicy::never());
        let error = client.fetch_url(&elsewhere()).await.expect_err("refused");
        assert!(!format!("{error} {error:?}").contains("topsecret"), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_sent_again_from_the_start() {
    let folder = folder();
    let from = folder.path().join("feed");
    std::fs::write(&from, vec![b'x'; 200_000]).expect("a file");
    let script = script();
    script.fail(TransportErrorKind::Interrupted).answer(200, "");
    let client = client(script.clone());
    client.upload_url(&elsewhere(), "text/csv", Content::File(from)).await.expect("the second attempt succeeds");
    let bodies: Vec<usize> = script.seen().iter().map(|request| request.body().len()).collect();
    assert_eq!(bodies, [200_000, 200_000]);
    let missing = Content::File(folder.path().join("missing"));
    let error = client.upload_url(&elsewhere(), "text/csv", missing).await.expect_err("no such file");
    assert_eq!((error.kind(), script.sent()), (ErrorKind::Request, 2));
    let error = client.upload_url(&elsewhere(), "text\n", Content::Bytes("".into())).await.expect_err("a bad header");
    assert_eq!(error.kind(), ErrorKind::Request);
}

#[tokio::test(start_paused = true)]
async fn a_transport_within_an_arc_is_that_transport() {
    let script = script();
    script.answer(200, "").answer(200, "content");
    let client = crate::common::client(Arc::new(script.clone()));
    let folder = folder();
    let from = folder.path().join("feed");
    std::fs::write(&from, "sku").expect("a file");
    client.upload_url(&elsewhere(), "text/csv", Content::File(from)).await.expect("accepted");
    client.download_url(&elsewhere(), folder.path().join("a")).await.expect("a file");
    assert_eq!((script.sent(), &script.seen()[0].body()[..]), (2, &b"sku"[..]));
}

#[tokio::test(start_paused = true)]
async fn s4_only_https_addresses_are_fetched() {
    let client = client(script());
    for address in ["http://storage.test/x", "ftp://storage.test/x", "file:///etc/hosts", "https://u:p@storage.test/"] {
        let url = address.parse().expect("an address");
        let error = client.fetch_url(&url).await.expect_err(address);
        assert_eq!(error.kind(), ErrorKind::Request, "{address}");
        assert!(!error.to_string().contains("u:p"), "{error}");
    }
}
