//! A network that fails, the same way for the same seed.

use crate::{Request, Response, Streamed, Transport, TransportError, TransportErrorKind, testing::response};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Passes requests on to another transport and spoils some of them.
///
/// What happens to the nth request depends on the seed and n alone. Shares are from 0 to 1 and together at most 1.
///
/// ```
/// use core_http::testing::{Faulty, Script};
/// let flaky = Faulty::new(Script::new(), 7).refuse(0.1).lose(0.1).throttle(0.2);
/// # drop(flaky);
/// ```
#[derive(Debug)]
pub struct Faulty<T> {
    inner: T,
    faults: Vec<(f64, Fault)>,
    delay: Duration,
    state: Mutex<(fastrand::Rng, BTreeMap<&'static str, usize>)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Refuse,
    Lose,
    Cut,
    Throttle,
    Garbage,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Lose => "lose",
            Self::Cut => "cut",
            Self::Throttle => "throttle",
            Self::Garbage => "garbage",
        }
    }
}

impl<T: Transport> Faulty<T> {
    /// Spoils nothing yet.
    pub fn new(inner: T, seed: u64) -> Self {
        let state = Mutex::new((fastrand::Rng::with_seed(seed), BTreeMap::new()));
        Self { inner, faults: Vec::new(), delay: Duration::ZERO, state }
    }

    /// Every request takes up to this long before anything happens to it.
    pub fn delay(mut self, longest: Duration) -> Self {
        self.delay = longest;
        self
    }

    /// This share finds no connection: nothing is passed on.
    pub fn refuse(self, share: f64) -> Self {
        self.with(share, Fault::Refuse)
    }

    /// This share is processed, and then the answer is lost.
    pub fn lose(self, share: f64) -> Self {
        self.with(share, Fault::Lose)
    }

    /// This share is processed, and then the answer breaks off in the middle of its body.
    pub fn cut(self, share: f64) -> Self {
        self.with(share, Fault::Cut)
    }

    /// This share is answered with 429 and not passed on.
    pub fn throttle(self, share: f64) -> Self {
        self.with(share, Fault::Throttle)
    }

    /// This share is processed, and then answered with an HTML page under status 200.
    pub fn garbage(self, share: f64) -> Self {
        self.with(share, Fault::Garbage)
    }

    fn with(mut self, share: f64, fault: Fault) -> Self {
        self.faults.push((share, fault));
        self
    }

    /// The transport that requests are passed on to.
    pub fn inner(&self) -> &T {
        &self.inner
    }

    /// How often which fault has happened: `refuse`, `lose`, `cut`, `throttle`, `garbage`.
    pub fn happened(&self) -> BTreeMap<&'static str, usize> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// What happens to the next request, after its delay.
    async fn next(&self) -> Option<Fault> {
        let (delay, fault) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let (delay, mut drawn) = (self.delay.mul_f64(state.0.f64()), state.0.f64());
            let hit = self.faults.iter().find(|(share, _)| {
                drawn -= share;
                drawn < 0.0
            });
            let fault = hit.map(|(_, fault)| *fault);
            if let Some(fault) = fault {
                *state.1.entry(fault.name()).or_default() += 1;
            }
            (delay, fault)
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        fault
    }
}

fn broke() -> TransportError {
    TransportError::new(TransportErrorKind::Interrupted, "injected")
}

#[async_trait]
impl<T: Transport> Transport for Faulty<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        match self.next().await {
            None => self.inner.send(request).await,
            Some(Fault::Refuse) => Err(TransportError::new(TransportErrorKind::Connect, "injected")),
            Some(Fault::Throttle) => Ok(response(429, "")),
            Some(Fault::Lose | Fault::Cut) => self.inner.send(request).await.and(Err(broke())),
            Some(Fault::Garbage) => self.inner.send(request).await.map(|_| response(200, "<html>injected</html>")),
        }
    }

    async fn open(&self, request: Request) -> Result<Streamed, TransportError> {
        match self.next().await {
            None => self.inner.open(request).await,
            Some(Fault::Cut) => {
                let (head, body) = self.inner.send(request).await?.into_parts();
                let half = body.slice(..body.len() / 2);
                Ok(Streamed { head, body: stream::iter([Ok(half), Err(broke())]).boxed() })
            }
            Some(Fault::Refuse) => Err(TransportError::new(TransportErrorKind::Connect, "injected")),
            Some(Fault::Lose) => self.inner.open(request).await.and(Err(broke())),
            Some(fault) => {
                let answer = match fault {
                    Fault::Garbage => self.inner.send(request).await.map(|_| response(200, "<html>injected</html>"))?,
                    _ => response(429, ""),
                };
                let (head, body) = answer.into_parts();
                Ok(Streamed { head, body: stream::iter([Ok(body)]).boxed() })
            }
        }
    }
}
