//! A transport whose answers arrive in pieces.
#![allow(dead_code, reason = "every test file uses a part of it")]

use bytes::Bytes;
use core_http::{Request, Response, Streamed, Transport, TransportError, TransportErrorKind};
use futures_util::{StreamExt, stream};
use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

pub type Step = Box<dyn Fn(&Request) -> Result<Streamed, TransportError> + Send + Sync>;

/// Answers in order; the last answer is given for ever.
pub struct Chunks {
    steps: Vec<Step>,
    pub sent: AtomicUsize,
    pub seen: Mutex<Vec<Request>>,
}

impl Chunks {
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), sent: AtomicUsize::new(0), seen: Mutex::default() }
    }

    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("sent", &self.sent()).finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl Transport for Chunks {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let Streamed { head, mut body } = self.open(request).await?;
        let mut whole = Vec::new();
        while let Some(piece) = body.next().await {
            whole.extend_from_slice(&piece?);
        }
        Ok(http::Response::from_parts(head, whole.into()))
    }

    async fn open(&self, request: Request) -> Result<Streamed, TransportError> {
        let number = self.sent.fetch_add(1, Ordering::Relaxed).min(self.steps.len() - 1);
        let answer = self.steps[number](&request);
        self.seen.lock().expect("no panic").push(request);
        answer
    }
}

pub fn head(status: u16, content_type: &str) -> http::response::Parts {
    let response = http::Response::builder().status(status).header("content-type", content_type).body(());
    response.expect("a head").into_parts().0
}

/// The body in pieces of this size; complete, or cut off after them.
pub fn whole(status: u16, body: impl Into<Bytes>, size: usize, cut: bool) -> Step {
    kind("application/json", status, body, size, cut)
}

pub fn kind(content_type: &'static str, status: u16, body: impl Into<Bytes>, size: usize, cut: bool) -> Step {
    let body: Bytes = body.into();
    Box::new(move |_| {
        let mut pieces: Vec<_> = body.chunks(size.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        if cut {
            pieces.push(Err(TransportError::new(TransportErrorKind::Interrupted, "cut off")));
        }
        Ok(Streamed { head: head(status, content_type), body: stream::iter(pieces).boxed() })
    })
}

pub fn fails(kind: TransportErrorKind) -> Step {
    Box::new(move |_| Err(TransportError::new(kind, "scripted")))
}

/// One piece a second, for ever.
pub fn drip(piece: &'static str) -> Step {
    Box::new(move |_| {
        let drop = move |()| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok(Bytes::from_static(piece.as_bytes())), ()))
        };
        Ok(Streamed { head: head(200, "application/json"), body: stream::unfold((), drop).boxed() })
    })
}
