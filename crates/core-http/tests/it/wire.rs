//! The built-in transport against real sockets on this machine.

use crate::common::{OK, ask, local, read};
use crate::server::{Server, answer};
use core_http::{
    ErrorKind, RequestBuilder, ReqwestTransport, RetryPolicy, Safety, Transport, TransportErrorKind, testing,
};
use httpmock::{Method::GET, Method::POST, MockServer};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn transport() -> ReqwestTransport {
    ReqwestTransport::builder().connect_timeout(Duration::from_millis(300)).build().expect("a transport")
}

fn hasty() -> ReqwestTransport {
    ReqwestTransport::builder().stall_timeout(Duration::from_millis(100)).build().expect("a transport")
}

fn once(client: core_http::Client<crate::common::Shop>) -> core_http::Client<crate::common::Shop> {
    client.with(|options| options.retry = RetryPolicy::never())
}

fn quick(options: &mut core_http::Options) {
    options.retry.first_delay = Duration::from_millis(1);
}

#[tokio::test]
async fn a_call_arrives_as_it_was_built() {
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            let when = when.method(POST).path("/v1/ask").json_body(json!({"a": 1}));
            when.header("user-agent", "my-app/1.0").header("accept", "application/json");
            let then = then.status(200).header("x-request-id", "r-1");
            then.body(OK);
        })
        .await;
    let base = format!("http://{}/v1/", server.address()).parse().expect("a base URL");
    let client = core_http::Client::<crate::common::Shop>::builder(base, std::sync::Arc::new(transport()));
    let client = client.user_agent("my-app/1.0").build().expect("a client");
    let answer = client.exchange(ask(Safety::Once).body(json!({"a": 1}))).await.expect("an answer");
    assert_eq!((answer.value, answer.request_id.as_deref(), answer.attempts), (json!(7), Some("r-1"), 1));
    assert_eq!(answer.status, 200);
    mock.assert_async().await;
}

#[tokio::test]
async fn a_get_has_neither_body_nor_length() {
    let server = Server::answering(|_| answer(200, OK)).await;
    local(transport(), server.address).call(read()).await.expect("an answer");
    let seen = server.seen();
    assert!(seen[0].starts_with("GET /ask?q=1 HTTP/1.1\r\n"), "{}", seen[0]);
    assert!(!seen[0].to_lowercase().contains("content-length") && seen[0].ends_with("\r\n\r\n"), "{}", seen[0]);
}

#[tokio::test]
async fn n1_a_name_that_does_not_resolve_is_no_connection() {
    let base = "https://no-such-host.invalid/".parse().expect("a base URL");
    let client = core_http::Client::<crate::common::Shop>::builder(base, std::sync::Arc::new(transport()));
    let client = client.build().expect("a client").with(quick);
    let error = client.call(ask(Safety::Once)).await.expect_err("no such host");
    assert_eq!((error.kind(), error.attempts(), error.may_have_been_applied()), (ErrorKind::Connect, 4, false));
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
}

#[tokio::test]
async fn n2_a_refused_connection_is_tried_again_whatever_the_safety() {
    let address = crate::server::closed_port().await;
    let client = local(transport(), address).with(quick);
    for safety in [Safety::ReadOnly, Safety::Once] {
        let error = client.call(ask(safety)).await.expect_err("nobody listens");
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connect, 4), "{error}");
        assert!(!error.may_have_been_applied());
    }
}

#[tokio::test]
async fn n3_a_connection_that_is_not_made_ends_at_the_connect_time_out() {
    // A full queue of connections: the kernel drops what comes after, as a black hole does.
    let full = crate::server::full_backlog();
    let address = full.address;
    let start = Instant::now();
    let error = once(local(transport(), address)).call(ask(Safety::Once)).await.expect_err("a black hole");
    assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Connect, false), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(300) && start.elapsed() < Duration::from_secs(3));
    drop(full);
}

#[tokio::test]
async fn n6_a_connection_that_is_reset_before_the_bytes_leave_was_not_used() {
    // The first call leaves a connection behind; then both it and the port are closed.
    let server = Server::closing_after(1, || answer(200, OK)).await;
    let client = local(transport(), server.address).with(quick);
    client.call(ask(Safety::Once).body(json!(1))).await.expect("an answer");
    server.gone().await;
    let error = client.call(ask(Safety::Once).body(json!(2))).await.expect_err("nobody listens any more");
    assert_eq!((error.kind(), error.attempts(), error.may_have_been_applied()), (ErrorKind::Connect, 4, false));
}

#[tokio::test]
async fn n7_a_reset_after_the_request_is_sent_again_only_if_that_is_safe() {
    let server = Server::cutting(|number| (number == 1).then(|| answer(200, OK))).await;
    let client = local(transport(), server.address).with(quick);
    assert_eq!(client.call(read()).await.expect("the second attempt succeeds"), 7);
    let server = Server::cutting(|_| None).await;
    let client = local(transport(), server.address).with(quick);
    let error = client.call(ask(Safety::Once).body(json!(1))).await.expect_err("no answer");
    assert_eq!((error.kind(), error.attempts(), server.count()), (ErrorKind::Interrupted, 1, 1), "{error}");
    assert!(error.may_have_been_applied());
}

#[tokio::test]
async fn n8_an_answer_that_never_begins_ends_at_the_operations_time_out() {
    let server = Server::silent(&[]).await;
    // The body's stall time-out is shorter: it does not run before the answer has begun.
    let start = Instant::now();
    let client = local(hasty(), server.address);
    let slow = ask(Safety::Once).body(json!(1)).time_out(Duration::from_millis(400));
    let error = client.call(slow).await.expect_err("no answer");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 1), "{error}");
    assert!(error.may_have_been_applied() && start.elapsed() >= Duration::from_millis(400));
    // On a busy machine the server has not even taken it yet.
    assert!(server.count() <= 1, "{}", server.count());
}

#[tokio::test]
async fn n9_a_body_that_stands_still_is_given_up() {
    let server = Server::silent(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\":").await;
    let error = once(local(hasty(), server.address)).call(ask(Safety::Once)).await.expect_err("half an answer");
    assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Timeout, true), "{error}");
    let open = hasty().open(absolute(server.address)).await.expect("a head");
    let pieces: Vec<_> = futures_util::StreamExt::collect(open.body).await;
    let error = pieces.last().expect("an error").as_ref().expect_err("it stands still");
    assert_eq!(error.kind(), TransportErrorKind::Timeout);
}

fn absolute(address: std::net::SocketAddr) -> core_http::Request {
    let mut request = RequestBuilder::get("/x").build().expect("a request");
    *request.uri_mut() = format!("http://{address}/x").parse().expect("an address");
    request
}

#[tokio::test]
async fn n10_n11_a_body_cut_short_is_never_taken_as_whole() {
    // What arrived would be JSON as it is.
    for head in ["content-length: 100\r\n\r\n", "transfer-encoding: chunked\r\n\r\n15\r\n"] {
        let body = format!("HTTP/1.1 200 OK\r\nx-request-id: r-1\r\n{head}{OK}");
        let server = Server::raw(move |_| body.clone().into_bytes()).await;
        let error = once(local(transport(), server.address)).call(ask(Safety::Once)).await.expect_err("cut short");
        assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Interrupted, true), "{head} {error}");
        assert_eq!(error.request_id(), Some("r-1"), "the head had come: {error}");
        assert!(error.to_string().ends_with(" (request r-1)"), "{error}");
        let client = local(transport(), server.address).with(quick);
        assert_eq!(client.call(read()).await.expect_err("cut short").attempts(), 4);
    }
}

#[tokio::test]
async fn n12_a_kept_connection_that_was_closed_in_between_is_not_noticed() {
    let server = Server::closing_each(|| answer(200, OK)).await;
    let client = once(local(transport(), server.address));
    for number in 1..=5 {
        assert_eq!(client.call(ask(Safety::Once).body(json!(number))).await.expect("an answer"), 7);
        server.closed(number).await;
    }
    assert_eq!(server.count(), 5, "each was charged once");
}

#[tokio::test]
async fn n13_a_body_that_drips_ends_with_the_attempt() {
    let server = Server::dripping().await;
    let start = Instant::now();
    let client = local(transport(), server.address).with(|options| options.deadline = Duration::from_millis(500));
    let error = client.call(ask(Safety::Once)).await.expect_err("it never ends");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(start.elapsed() >= Duration::from_millis(500) && start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn r4_redirects_are_not_followed() {
    let (target, from) = (MockServer::start_async().await, MockServer::start_async().await);
    let reached = target.mock_async(|_, then| _ = then.status(200).body(OK)).await;
    for status in [301, 302, 303, 307, 308] {
        let location = target.url("/elsewhere");
        let redirect = from
            .mock_async(|when, then| {
                _ = {
                    when.path("/ask");
                    then.status(status).header("location", location)
                }
            })
            .await;
        for operation in [read(), ask(Safety::Once).body(json!(1))] {
            let error = local(transport(), from.address()).call(operation).await.expect_err("a redirect");
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::Rejected, 1));
            assert!(error.to_string().contains("redirect"), "{error}");
        }
        redirect.delete_async().await;
    }
    reached.assert_calls_async(0).await;
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    // RFC 1952 and 1951: a member with one stored block needs no compressor.
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
    let length = u16::try_from(bytes.len()).expect("a small body");
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(bytes);
    out.extend(crc32(bytes).to_le_bytes());
    out.extend(u32::from(length).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

fn gzipped(body: Vec<u8>) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.into_bytes(), body].concat()
}

#[tokio::test]
async fn gzip_is_asked_for_and_read() {
    let server = Server::raw(|_| gzipped(gzip(OK.as_bytes()))).await;
    assert_eq!(local(transport(), server.address).call(read()).await.expect("an answer"), 7);
    assert!(server.seen()[0].to_lowercase().contains("accept-encoding: gzip"), "{:?}", server.seen());
    let small = ReqwestTransport::builder().max_body(10).build().expect("a transport");
    let error = local(small, server.address).call(read()).await.expect_err("larger than 10 bytes");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Decode, 1));
    assert!(error.to_string().contains("larger than 10 bytes"), "{error}");
}

#[tokio::test]
async fn a_body_in_many_pieces_is_joined_and_bounded_as_a_whole() {
    let server = Server::raw(|_| {
        let pieces = OK.chars().map(|byte| format!("1\r\n{byte}\r\n")).collect::<String>();
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{pieces}0\r\n\r\n").into_bytes()
    })
    .await;
    let most = |bytes| ReqwestTransport::builder().max_body(bytes).build().expect("a transport");
    assert_eq!(local(most(OK.len()), server.address).call(read()).await.expect("an answer"), 7);
    let error = local(most(OK.len() - 1), server.address).call(read()).await.expect_err("a byte too many");
    assert!(error.to_string().contains(&format!("larger than {} bytes", OK.len() - 1)), "{error}");
}

#[tokio::test]
async fn r8_a_body_that_is_not_what_its_encoding_says_is_an_error_and_no_garbage() {
    let mut broken = gzip(OK.as_bytes());
    let end = broken.len() - 8;
    broken[end] ^= 1;
    let truncated = gzip(OK.as_bytes())[..20].to_vec();
    for body in [OK.as_bytes().to_vec(), broken, truncated] {
        let server = Server::raw(move |_| gzipped(body.clone())).await;
        let error = local(transport(), server.address).call(ask(Safety::Once)).await.expect_err("damaged");
        assert_eq!(
            (error.kind(), error.attempts(), error.may_have_been_applied()),
            (ErrorKind::Decode, 1, true),
            "{error}"
        );
    }
    // The reverse: gzip that nobody announced is no JSON.
    let server = Server::raw(|_| {
        let body = gzip(OK.as_bytes());
        let mut whole = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        whole.extend(body);
        whole
    })
    .await;
    let error = local(transport(), server.address).call(read()).await.expect_err("no JSON");
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn r10_headers_without_end_are_refused() {
    let many = (0..2000).map(|number| format!("x-{number}: {number}\r\n")).collect::<String>();
    let long = format!("x-long: {}\r\n", "x".repeat(2 << 20));
    for headers in [many, long] {
        let body = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n{OK}", OK.len());
        let server = Server::raw(move |_| body.clone().into_bytes()).await;
        let error = once(local(transport(), server.address)).call(read()).await.expect_err("too many headers");
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    }
}

#[tokio::test]
async fn a_streamed_body_arrives_before_it_is_complete() {
    let server = Server::silent(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\":200,\"data\":[7,").await;
    let layout = core_http::records::Layout::at("data");
    let mut records = local(transport(), server.address).records::<_, u8>(read(), layout).await.expect("a head");
    assert_eq!(records.next().await.expect("a record").expect("a good one"), 7);
}

#[tokio::test]
async fn an_upload_is_streamed_with_its_length() {
    let server = MockServer::start_async().await;
    let content = "x".repeat(300_000);
    let expected = content.clone();
    let mock = server
        .mock_async(move |when, then| {
            let when = when.method("PUT").path("/feed").header("content-length", "300000");
            let when = when.header("content-type", "text/csv");
            when.header_missing("transfer-encoding").header_missing("authorization").body(expected);
            then.status(200);
        })
        .await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("feed.csv");
    std::fs::write(&path, content).expect("a file");
    let url = server.url("/feed").parse().expect("an address");
    let client = local(transport(), server.address());
    client.upload_url(&url, "text/csv", core_http::Content::File(path)).await.expect("accepted");
    mock.assert_async().await;
}

#[tokio::test]
async fn a_recording_of_a_real_exchange_replays() {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            _ = {
                when.method(GET);
                then.status(200).body(OK)
            }
        })
        .await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("exchanges.jsonl");
    let recorder = testing::Recorder::to_file(transport(), &path).expect("a file");
    assert_eq!(local(recorder, server.address()).call(read()).await.expect("an answer"), 7);
    let replayer = testing::Replayer::from_file(&path).expect("a recording");
    assert_eq!(local(replayer, "127.0.0.1:1").call(read()).await.expect("an answer"), 7);
}

#[tokio::test]
async fn s5_the_proxy_of_the_environment_is_not_used() {
    // A child of this test runs with the environment set; the parent looks at what it says.
    const INNER: &str = "CORE_HTTP_TEST_ADDRESS";
    if let Ok(address) = std::env::var(INNER) {
        local(transport(), address).call(read()).await.expect("reached without the proxy");
        return;
    }
    let server = Server::answering(|_| answer(200, OK)).await;
    let dead = format!("http://{}", crate::server::closed_port().await);
    let mut child = tokio::process::Command::new(std::env::current_exe().expect("this test"));
    child.args(["--exact", "wire::s5_the_proxy_of_the_environment_is_not_used"]).env(INNER, server.address.to_string());
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, &dead);
    }
    let output = child.env_remove("NO_PROXY").env_remove("no_proxy").output().await.expect("a child");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_proxy_that_was_asked_for_is_used() {
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://user:hunter2@{}", proxy.local_addr().expect("an address")).parse().expect("a URL");
    let transport = ReqwestTransport::builder().proxy(url).build().expect("a transport");
    let client = local(transport, "127.0.0.1:9");
    let serve = async {
        let (mut stream, _) = proxy.accept().await.expect("a connection");
        let mut bytes = vec![0; 4096];
        let length = stream.read(&mut bytes).await.expect("a request");
        stream.write_all(&answer(200, OK)).await.expect("an answer");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let (result, request) = tokio::join!(client.call(read()), serve);
    assert_eq!(result.expect("an answer"), 7);
    assert!(request.starts_with("GET http://127.0.0.1:9/ask?q=1 "), "{request}");
}
