//! The seam to the network: one request out, one answer back.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use std::{fmt, sync::Arc};

/// A request with its whole body; bodies are `Bytes`, so a resend clones nothing.
pub type Request = http::Request<Bytes>;
/// An answer with its whole body.
pub type Response = http::Response<Bytes>;

/// Sends one HTTP request, once.
///
/// Any status is `Ok`; `Err` means that no complete answer arrived. An implementation neither repeats a request nor
/// follows a redirect: whether a request may be sent again is decided by [`Client`](crate::Client) alone.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends the request and reads the whole answer.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;

    /// Sends a request whose body of `length` bytes arrives in pieces; by default gathers them and sends the whole.
    async fn upload(&self, head: http::request::Parts, length: u64, body: Pieces) -> Result<Response, TransportError> {
        let room = usize::try_from(length.min(1 << 20)).unwrap_or_default();
        let gather = |mut whole: BytesMut, piece: Bytes| async move {
            whole.extend_from_slice(&piece);
            Ok(whole)
        };
        let whole = body.try_fold(BytesMut::with_capacity(room), gather).await?;
        self.send(http::Request::from_parts(head, whole.freeze())).await
    }

    /// Sends the request and hands over the body as it arrives; by default through [`send`](Transport::send).
    async fn open(&self, request: Request) -> Result<Streamed, TransportError> {
        let (head, body) = self.send(request).await?.into_parts();
        Ok(Streamed { head, body: futures_util::stream::once(async { Ok(body) }).boxed() })
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        (**self).send(request).await
    }
    async fn upload(&self, head: http::request::Parts, length: u64, body: Pieces) -> Result<Response, TransportError> {
        (**self).upload(head, length, body).await
    }
    async fn open(&self, request: Request) -> Result<Streamed, TransportError> {
        (**self).open(request).await
    }
}

/// A body in pieces; an `Err` ends it, a body cut short included.
pub type Pieces = BoxStream<'static, Result<Bytes, TransportError>>;

/// An answer whose body is still arriving.
pub struct Streamed {
    /// Status and headers.
    pub head: http::response::Parts,
    /// The body.
    pub body: Pieces,
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").field("status", &self.head.status).finish_non_exhaustive()
    }
}

/// Why no complete answer arrived.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct TransportError {
    kind: TransportErrorKind,
    head: Option<Box<http::response::Parts>>,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl TransportError {
    /// An error of the given kind; the source must not name secrets or query strings.
    pub fn new(kind: TransportErrorKind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, head: None, source: source.into() }
    }

    /// With the head of the answer whose body broke off: it holds the vendor's identifier of the answer.
    #[must_use]
    pub fn after(mut self, head: http::response::Parts) -> Self {
        self.head = Some(Box::new(head));
        self
    }

    pub(crate) fn take_head(&mut self) -> Option<Box<http::response::Parts>> {
        self.head.take()
    }

    /// How far the request got.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }
}

/// How far a failed request got: all that a decision about resending needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No byte of the request left this machine.
    #[error("no connection: the request was not sent")]
    Connect,
    /// The other side could not prove who it is; never downgraded, never tried again.
    #[error("the server's identity could not be verified: the request was not sent")]
    Tls,
    /// No answer within the time allowed.
    #[error("timed out: the request may have been processed")]
    Timeout,
    /// The connection broke after bytes had left.
    #[error("connection lost: the request may have been processed")]
    Interrupted,
    /// The answer is larger than the cap.
    #[error("the answer is larger than the configured limit: the request was processed")]
    TooLarge,
    /// The body is not what its `Content-Encoding` says.
    #[error("the answer is damaged: the request was processed")]
    Damaged,
    /// The request could not be put on the wire at all.
    #[error("the request could not be sent")]
    Other,
}

/// The built-in transport with its default settings.
///
/// # Errors
/// [`ErrorKind::Request`](crate::ErrorKind::Request) when there is none: without the features `rustls` and
/// `rustls-no-provider`, or without a TLS provider.
pub fn built_in() -> crate::Result<std::sync::Arc<dyn Transport>> {
    #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
    return Ok(std::sync::Arc::new(crate::ReqwestTransport::new()?));
    #[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
    Err(crate::Error::new(crate::ErrorKind::Request, "no transport: bring one, or enable the feature `rustls`"))
}
