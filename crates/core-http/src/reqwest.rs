//! The built-in transport.

use crate::{Request, Response, Streamed, Transport, TransportError, TransportErrorKind};
use ::reqwest as http_client;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt};
use std::{error::Error as _, time::Duration};

/// HTTP over TCP and TLS by the crate `reqwest`.
///
/// Redirects, automatic resends and the environment's proxies are off: each would send a request, with its
/// credentials, where or when nobody asked for it.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: http_client::Client,
    max_body: usize,
}

/// Settings of a [`ReqwestTransport`].
#[derive(Debug, Clone)]
#[must_use = "a transport is made by `build`"]
pub struct ReqwestTransportBuilder {
    connect_timeout: Duration,
    stall_timeout: Duration,
    max_body: usize,
    http2: bool,
    proxy: Option<url::Url>,
}

impl ReqwestTransportBuilder {
    /// How long a connection, TLS included, may take to be made; 3 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an answer may stand still; 20 s by default. Paid live calls are silent for up to two minutes: see
    /// [`Operation::time_out`](crate::Operation::time_out), which bounds an attempt as a whole.
    pub fn stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = timeout;
        self
    }

    /// The most bytes of a whole body, after decompression; 64 MiB by default.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Allows HTTP/2 where the server offers it; off by default.
    pub fn http2(mut self, allow: bool) -> Self {
        self.http2 = allow;
        self
    }

    /// Sends everything through this proxy; credentials for it go into its URL.
    pub fn proxy(mut self, url: url::Url) -> Self {
        self.proxy = Some(url);
        self
    }

    /// The transport.
    ///
    /// # Errors
    /// When no TLS provider is there: enable the feature `rustls`, or with `rustls-no-provider` install one first.
    pub fn build(self) -> Result<ReqwestTransport, TransportError> {
        let mut builder = http_client::Client::builder()
            .redirect(http_client::redirect::Policy::none())
            .retry(http_client::retry::never())
            .no_proxy()
            .tcp_nodelay(true)
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.stall_timeout)
            .pool_idle_timeout(Duration::from_secs(50));
        if !self.http2 {
            builder = builder.http1_only();
        }
        if let Some(url) = self.proxy {
            builder = builder.proxy(http_client::Proxy::all(url).map_err(failed)?);
        }
        // Without a provider the builder panics deep inside rustls; a caller gets an error instead.
        let built = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| builder.build()));
        let client = built
            .map_err(|_| {
                TransportError::new(
                    TransportErrorKind::Other,
                    "no TLS provider: enable the feature `rustls`, or install one",
                )
            })?
            .map_err(failed)?;
        Ok(ReqwestTransport { client, max_body: self.max_body })
    }
}

impl ReqwestTransport {
    /// A transport with the default settings.
    ///
    /// # Errors
    /// As [`ReqwestTransportBuilder::build`].
    pub fn new() -> Result<Self, TransportError> {
        Self::builder().build()
    }

    /// Settings for a transport.
    pub fn builder() -> ReqwestTransportBuilder {
        let (connect_timeout, stall_timeout) = (Duration::from_secs(3), Duration::from_secs(20));
        ReqwestTransportBuilder { connect_timeout, stall_timeout, max_body: 64 << 20, http2: false, proxy: None }
    }

    async fn execute(&self, request: Request) -> Result<http_client::Response, TransportError> {
        let (head, body) = request.into_parts();
        let url = head
            .uri
            .to_string()
            .parse()
            .map_err(|error: url::ParseError| TransportError::new(TransportErrorKind::Other, error))?;
        let mut outgoing = http_client::Request::new(head.method, url);
        *outgoing.headers_mut() = head.headers;
        // A GET carries no body and no Content-Length: Amazon's gateway answers 400 to one.
        if !body.is_empty() {
            *outgoing.body_mut() = Some(body.into());
        }
        self.client.execute(outgoing).await.map_err(failed)
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let mut answer = self.execute(request).await?;
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(interrupted)? {
            if body.len() + chunk.len() > self.max_body {
                let message = format!("the body is larger than {} bytes", self.max_body);
                return Err(TransportError::new(TransportErrorKind::TooLarge, message));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::new(Bytes::from(body));
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }

    async fn open(&self, request: Request) -> Result<Streamed, TransportError> {
        let answer = self.execute(request).await?;
        let mut head = http::Response::new(()).into_parts().0;
        (head.status, head.headers) = (answer.status(), answer.headers().clone());
        Ok(Streamed { head, body: answer.bytes_stream().map_err(interrupted).boxed() })
    }
}

/// How far the request got. `is_connect` comes first: a connect time-out is both.
fn failed(error: http_client::Error) -> TransportError {
    let kind = if error.is_connect() {
        if names_certificate(&error) { TransportErrorKind::Tls } else { TransportErrorKind::Connect }
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if error.is_builder() {
        TransportErrorKind::Other
    } else if never_written(&error) {
        TransportErrorKind::Connect
    } else {
        TransportErrorKind::Interrupted
    };
    TransportError::new(kind, error.without_url())
}

/// After the head has come, a failure is never "not sent".
fn interrupted(error: http_client::Error) -> TransportError {
    let kind = if error.is_timeout() { TransportErrorKind::Timeout } else { TransportErrorKind::Interrupted };
    TransportError::new(kind, error.without_url())
}

fn causes(error: &http_client::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// hyper says that the request was dropped before a byte of it was written.
fn never_written(error: &http_client::Error) -> bool {
    causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>()).any(hyper::Error::is_canceled)
}

/// rustls refused the server's certificate: trying again cannot help.
fn names_certificate(error: &http_client::Error) -> bool {
    let certificate = |cause: &(dyn std::error::Error + 'static)| {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
        let text = inner.map_or_else(|| cause.to_string(), ToString::to_string);
        text.contains("invalid peer certificate") || text.contains("UnknownIssuer")
    };
    causes(error).any(certificate)
}
