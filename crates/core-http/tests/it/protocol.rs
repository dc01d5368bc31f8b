//! The protocol's rarer turns on a real connection: what comes before an answer, beside it and in its place.

use crate::common::{OK, ask, builder, local, read};
use crate::server::{Server, answer};
use core_http::{Client, ErrorKind, ReqwestTransport, RetryPolicy, Safety, auth::ApiKey};
use secrecy::SecretString;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn transport() -> ReqwestTransport {
    ReqwestTransport::new().expect("a transport")
}

fn never(client: &Client<crate::common::Shop>) -> Client<crate::common::Shop> {
    client.with(|options| options.retry = RetryPolicy::never())
}

#[tokio::test]
async fn r9_what_comes_before_the_answer_is_not_the_answer() {
    for before in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n"] {
        let server = Server::answering(move |_| [before.as_bytes(), &answer(200, OK)].concat()).await;
        let client = never(&local(transport(), server.address));
        for _ in 0..3 {
            assert_eq!(client.call(read()).await.expect("the answer behind it"), 7, "{before:?}");
        }
        assert_eq!(server.count(), 3);
    }
}

#[tokio::test]
async fn r9_a_body_after_204_is_no_answer_to_the_next_request() {
    let with_body = || b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil".to_vec();
    let server = Server::answering(move |number| if number == 0 { with_body() } else { answer(200, OK) }).await;
    let client = never(&local(transport(), server.address));
    let error = client.call(read()).await.expect_err("204 has no content");
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    assert_eq!(client.call(read()).await.expect("an answer of its own"), 7);
}

#[tokio::test]
async fn r11_lengths_that_contradict_each_other_are_an_error() {
    let both = format!("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: {}\r\n\r\n{OK}", OK.len());
    let server = Server::answering(move |_| both.clone().into_bytes()).await;
    let error = never(&local(transport(), server.address)).call(ask(Safety::Once)).await.expect_err("which one?");
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    assert!(error.may_have_been_applied());
}

#[tokio::test]
async fn n15_a_proxy_that_refuses_is_named_and_never_gets_the_vendors_credentials() {
    let proxy = Server::raw(|_| answer(407, "")).await;
    let transport = ReqwestTransport::builder().proxy(format!("http://{}", proxy.address).parse().expect("a URL"));
    let transport = Arc::new(transport.build().expect("a transport"));
    let key = ApiKey::new(http::HeaderName::from_static("x-key"), "", &SecretString::from("the-vendors-key"));
    let key = Arc::new(key.expect("a key"));
    let client = never(&builder(transport).authorize(key).build().expect("a client"));
    let error = client.call(ask(Safety::Once)).await.expect_err("no way through");
    assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
    assert!(!error.may_have_been_applied());
    let seen = proxy.seen();
    assert!(seen[0].starts_with("CONNECT shop.test:443 "), "{seen:?}");
    assert!(!seen.concat().contains("the-vendors-key") && !error.to_string().contains("the-vendors-key"));
}

#[tokio::test]
async fn n16_a_connection_to_a_server_that_has_gone_is_not_used_again() {
    let old = Server::closing_after(1, || answer(200, OK)).await;
    let address = old.address;
    let client = local(transport(), address);
    assert_eq!(client.call(read()).await.expect("the old server answers"), 7);
    old.gone().await;
    let listener = tokio::net::TcpListener::bind(address).await.expect("the new server takes the address over");
    let serve = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = [0; 4096];
        let _read = stream.read(&mut request).await.expect("a request");
        stream.write_all(&answer(200, r#"{"code":200,"data":8}"#)).await.expect("sent");
        stream
    };
    let once = never(&client);
    let (value, _stream) = tokio::join!(once.call(ask(Safety::Once)), serve);
    assert_eq!(value.expect("the new server answers, and the pool has not been in the way"), 8);
}
