//! TLS: who the server is, is never doubted into a plain connection.
//!
//! The certificates in `tls/` were made with `openssl` for these tests: `root` signs the others and its key was thrown
//! away; `good` is for localhost until 2125, `expired` was until 2020, `elsewhere` is for another host.

use crate::common::{OK, ask, read};
use core_http::{Client, ErrorKind, ReqwestTransport, ReqwestTransportBuilder, RetryPolicy, Safety, Transport};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

const ROOT: &[u8] = include_bytes!("tls/root.pem");
const GOOD: &[u8] = include_bytes!("tls/good.pem");
const EXPIRED: &[u8] = include_bytes!("tls/expired.pem");
const ELSEWHERE: &[u8] = include_bytes!("tls/elsewhere.pem");
const KEY: &[u8] = include_bytes!("tls/server.key.pem");

struct Server {
    base: url::Url,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn config(certificate: &[u8]) -> ServerConfig {
    let chain = vec![CertificateDer::from_pem_slice(certificate).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    config.with_single_cert(chain, key).expect("a key that fits")
}

/// A server with this certificate; with none it takes connections and says nothing.
async fn server(certificate: Option<&[u8]>) -> Server {
    let acceptor = certificate.map(|certificate| TlsAcceptor::from(Arc::new(config(certificate))));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    let task = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let Some(acceptor) = &acceptor else {
                kept.push(stream);
                continue;
            };
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _request = stream.read(&mut [0; 4096]).await;
            let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{OK}", OK.len());
            let _client_may_be_gone = stream.write_all(answer.as_bytes()).await;
            let _also = stream.shutdown().await;
        }
    });
    Server { base: base.parse().expect("a base URL"), connections, task }
}

fn client(server: &Server, transport: ReqwestTransportBuilder) -> Client<crate::common::Shop> {
    let transport: Arc<dyn Transport> = Arc::new(transport.build().expect("a transport"));
    let client = Client::builder(server.base.clone(), transport).build().expect("a client");
    client.with(|options| options.retry.first_delay = Duration::from_millis(1))
}

#[tokio::test]
async fn a_root_that_is_trusted_is_enough() {
    let server = server(Some(GOOD)).await;
    let client = client(&server, ReqwestTransport::builder().trust(ROOT));
    assert_eq!(client.call(read()).await.expect("an answer"), 7);
}

#[tokio::test]
async fn n4_a_certificate_that_is_no_good_is_not_tried_again_and_named() {
    let cases = [
        (GOOD, ReqwestTransport::builder(), "UnknownIssuer"),
        (EXPIRED, ReqwestTransport::builder().trust(ROOT), "expired"),
        (ELSEWHERE, ReqwestTransport::builder().trust(ROOT), "not valid for name"),
    ];
    for (certificate, transport, reason) in cases {
        let server = server(Some(certificate)).await;
        let client = client(&server, transport);
        for safety in [Safety::ReadOnly, Safety::Once] {
            let before = server.connections.load(Ordering::Relaxed);
            let error = client.call(ask(safety)).await.expect_err("an untrusted server");
            assert_eq!((error.kind(), error.attempts()), (ErrorKind::Request, 1), "{error}");
            assert!(!error.may_have_been_applied());
            let text = error.to_string();
            assert!(text.contains("localhost") && text.contains(reason), "{text}");
            assert_eq!(server.connections.load(Ordering::Relaxed), before + 1);
        }
    }
}

#[tokio::test]
async fn n5_a_handshake_that_stands_still_ends_at_the_connect_time_out() {
    let server = server(None).await;
    let start = Instant::now();
    let client = client(&server, ReqwestTransport::builder().connect_timeout(Duration::from_millis(200)));
    let error = client.call(ask(Safety::Once)).await.expect_err("no handshake");
    assert_eq!((error.kind(), error.attempts(), error.may_have_been_applied()), (ErrorKind::Connect, 4, false));
    assert!(start.elapsed() >= Duration::from_millis(800) && start.elapsed() < Duration::from_secs(5), "{error}");
}

#[tokio::test]
async fn http_2_is_spoken_only_where_it_was_allowed() {
    for (allowed, spoken) in [(false, &b"http/1.1"[..]), (true, b"h2")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut config = config(GOOD);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let base = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let negotiated = async {
            let (stream, _) = listener.accept().await.expect("a connection");
            let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.expect("a handshake");
            stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
        };
        let transport = ReqwestTransport::builder().trust(ROOT).http2(allowed).build().expect("a transport");
        let client = Client::builder(base.parse().expect("a base URL"), Arc::new(transport)).build().expect("a client");
        let client: Client<crate::common::Shop> = client.with(|options| options.retry = RetryPolicy::never());
        let (negotiated, answer) = tokio::join!(negotiated, client.call(read()));
        assert_eq!(negotiated.as_deref(), Some(spoken));
        assert!(answer.is_err(), "the server hangs up after the handshake");
    }
}

#[test]
fn what_is_no_certificate_is_said_when_the_transport_is_built() {
    let error = ReqwestTransport::builder().trust("no PEM").build().expect_err("no certificate");
    assert!(format!("{error:?}").contains("root certificate"), "{error:?}");
}
