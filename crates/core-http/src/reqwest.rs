//! The built-in transport.

use crate::{Pieces, Request, Response, Streamed, Transport, TransportError, TransportErrorKind};
use ::reqwest as http_client;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use std::{error::Error as StdError, fmt, time::Duration};
use tokio::time::timeout;

/// HTTP over TCP and TLS by the crate `reqwest`.
///
/// Redirects, automatic resends and the environment's proxies are off: each would send a request, with its
/// credentials, where or when nobody asked for it. gzip is accepted.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: http_client::Client,
    stall_timeout: Duration,
    max_body: usize,
}

/// Settings of a [`ReqwestTransport`].
#[derive(Clone)]
#[must_use = "a transport is made by `build`"]
pub struct ReqwestTransportBuilder {
    connect_timeout: Duration,
    stall_timeout: Duration,
    max_body: usize,
    http2: bool,
    proxy: Option<url::Url>,
    roots: Vec<Vec<u8>>,
}

impl fmt::Debug for ReqwestTransportBuilder {
    /// Without the login of the proxy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransportBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("stall_timeout", &self.stall_timeout)
            .field("max_body", &self.max_body)
            .field("http2", &self.http2)
            .field("proxy", &self.proxy.as_ref().and_then(url::Url::host_str))
            .finish_non_exhaustive()
    }
}

impl ReqwestTransportBuilder {
    /// How long a connection, TLS included, may take to be made; 3 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long the body of an answer may stand still; 20 s by default. How long the answer may take to begin is said
    /// by [`Operation::time_out`](crate::Operation::time_out): paid live calls are silent for up to two minutes.
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

    /// Trusts this root certificate (PEM) beside those of the system, as behind a company's TLS inspection.
    pub fn trust(mut self, root: impl Into<Vec<u8>>) -> Self {
        self.roots.push(root.into());
        self
    }

    /// The transport.
    ///
    /// # Errors
    /// [`TransportErrorKind::Other`] when no TLS provider is there (enable the feature `rustls`, or with
    /// `rustls-no-provider` install one first), or when a certificate or the proxy's address cannot be read.
    pub fn build(self) -> Result<ReqwestTransport, TransportError> {
        if !cfg!(feature = "rustls") && rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(other("no TLS provider: enable the feature `rustls`, or install one"));
        }
        let mut builder = http_client::Client::builder()
            .redirect(http_client::redirect::Policy::none())
            .retry(http_client::retry::never())
            .no_proxy()
            .tcp_nodelay(true)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(50));
        if !self.http2 {
            builder = builder.http1_only();
        }
        if let Some(url) = self.proxy {
            let proxy = http_client::Proxy::all(url).map_err(|_| other("the proxy's address cannot be used"))?;
            builder = builder.proxy(proxy);
        }
        for pem in &self.roots {
            let roots = http_client::Certificate::from_pem_bundle(pem).unwrap_or_default();
            if roots.is_empty() {
                return Err(other("a root certificate cannot be read: PEM is expected"));
            }
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder.build().map_err(|error| other(cause(&error)))?;
        Ok(ReqwestTransport { client, stall_timeout: self.stall_timeout, max_body: self.max_body })
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
        let (max_body, http2, proxy, roots) = (64 << 20, false, None, Vec::new());
        ReqwestTransportBuilder { connect_timeout, stall_timeout, max_body, http2, proxy, roots }
    }

    async fn execute(
        &self,
        head: http::request::Parts,
        body: Option<http_client::Body>,
    ) -> Result<http_client::Response, TransportError> {
        let url = head.uri.to_string().parse().map_err(|error: url::ParseError| other(error.to_string()))?;
        let mut outgoing = http_client::Request::new(head.method, url);
        *outgoing.headers_mut() = head.headers;
        *outgoing.body_mut() = body;
        self.client.execute(outgoing).await.map_err(failed)
    }

    /// The next piece of a body; one that stands still is given up.
    async fn piece(
        answer: &mut http_client::Response,
        stall_timeout: Duration,
    ) -> Result<Option<Bytes>, TransportError> {
        match timeout(stall_timeout, answer.chunk()).await {
            Ok(piece) => piece.map_err(interrupted),
            Err(_) => {
                let message = format!("the answer stood still for {stall_timeout:?}");
                Err(TransportError::new(TransportErrorKind::Timeout, message))
            }
        }
    }

    async fn gather(&self, mut answer: http_client::Response) -> Result<Response, TransportError> {
        let head = head_of(&mut answer);
        match self.body(answer).await {
            Ok(body) => Ok(http::Response::from_parts(head, body)),
            Err(error) => Err(error.after(head)),
        }
    }

    async fn body(&self, mut answer: http_client::Response) -> Result<Bytes, TransportError> {
        // A short answer comes in one piece, and is read where it lies.
        let (mut first, mut joined) = (Bytes::new(), BytesMut::new());
        while let Some(piece) = Self::piece(&mut answer, self.stall_timeout).await? {
            if first.len().max(joined.len()) + piece.len() > self.max_body {
                let message = format!("the body is larger than {} bytes", self.max_body);
                return Err(TransportError::new(TransportErrorKind::TooLarge, message));
            }
            if first.is_empty() {
                first = piece;
                continue;
            }
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&piece);
        }
        Ok(if joined.is_empty() { first } else { joined.freeze() })
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (head, body) = parts(request);
        self.gather(self.execute(head, body).await?).await
    }

    async fn upload(
        &self,
        mut head: http::request::Parts,
        length: u64,
        body: Pieces,
    ) -> Result<Response, TransportError> {
        // Object stores refuse a chunked upload to a signed address.
        head.headers.insert(http::header::CONTENT_LENGTH, length.into());
        let body = http_client::Body::wrap_stream(body);
        self.gather(self.execute(head, Some(body)).await?).await
    }

    async fn open(&self, request: Request) -> Result<Streamed, TransportError> {
        let (head, body) = parts(request);
        let mut answer = self.execute(head, body).await?;
        let head = head_of(&mut answer);
        let stall_timeout = self.stall_timeout;
        let body = stream::try_unfold(answer, move |mut answer| async move {
            Ok(Self::piece(&mut answer, stall_timeout).await?.map(|piece| (piece, answer)))
        });
        Ok(Streamed { head, body: body.boxed() })
    }
}

/// A GET carries no body and no Content-Length: Amazon's gateway answers 400 to one.
fn parts(request: Request) -> (http::request::Parts, Option<http_client::Body>) {
    let (head, body) = request.into_parts();
    (head, (!body.is_empty()).then(|| body.into()))
}

fn head_of(answer: &mut http_client::Response) -> http::response::Parts {
    let mut head = http::Response::new(()).into_parts().0;
    (head.status, head.headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    head
}

fn other(message: impl Into<String>) -> TransportError {
    TransportError::new(TransportErrorKind::Other, message.into())
}

/// How far the request got. `is_connect` comes first: a connect time-out is both.
fn failed(error: http_client::Error) -> TransportError {
    let kind = if error.is_connect() {
        if refused_certificate(&error) { TransportErrorKind::Tls } else { TransportErrorKind::Connect }
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if error.is_builder() {
        TransportErrorKind::Other
    } else if never_written(&error) {
        TransportErrorKind::Connect
    } else {
        TransportErrorKind::Interrupted
    };
    // Which host it was is part of the reason; the rest of the address may hold secrets.
    match (kind, error.url().and_then(url::Url::host_str)) {
        (TransportErrorKind::Tls | TransportErrorKind::Connect, Some(host)) => {
            TransportError::new(kind, format!("{host}: {}", cause(&error)))
        }
        _ => TransportError::new(kind, error.without_url()),
    }
}

/// After the head has come, a failure is never "not sent".
fn interrupted(error: http_client::Error) -> TransportError {
    let kind = if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if causes(&error).any(<dyn StdError>::is::<hyper::Error>) {
        TransportErrorKind::Interrupted
    } else {
        TransportErrorKind::Damaged
    };
    TransportError::new(kind, error.without_url())
}

/// The causes below an error; what an `io::Error` carries is one of them, though it is not its source.
fn causes(error: &http_client::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |&cause| {
        let carried = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        carried.map(|carried| carried as _).or_else(|| cause.source())
    })
}

/// What the innermost cause says.
fn cause(error: &http_client::Error) -> String {
    causes(error).last().map_or_else(|| "could not be sent".to_owned(), ToString::to_string)
}

/// hyper says that the request was dropped before a byte of it was written.
fn never_written(error: &http_client::Error) -> bool {
    causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>()).any(hyper::Error::is_canceled)
}

/// The server's certificate was refused: trying again cannot help.
fn refused_certificate(error: &http_client::Error) -> bool {
    let certificate = |error: &rustls::Error| matches!(error, rustls::Error::InvalidCertificate(_));
    causes(error).filter_map(|cause| cause.downcast_ref::<rustls::Error>()).any(certificate)
}
