//! Transports for tests (feature `testing`): no network, no clock but tokio's.
//!
//! [`Script`] answers from a list. [`Faulty`] spoils what another transport does, by a seed. [`Recorder`] writes down
//! what another transport did, without secrets, and [`Replayer`] answers from that.

mod faulty;
mod record;

pub use faulty::Faulty;
pub use record::{Recorder, Replayer};

use crate::{Request, Response, Transport, TransportError, TransportErrorKind};
use async_trait::async_trait;
use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

type Step = Box<dyn FnMut(&Request) -> Result<Response, TransportError> + Send>;

/// Answers from a list, and remembers what was asked.
#[derive(Default)]
pub struct Script {
    steps: Mutex<VecDeque<(Step, bool)>>,
    seen: Mutex<Vec<Request>>,
    delay: Mutex<Duration>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("sent", &self.sent()).finish_non_exhaustive()
    }
}

impl Script {
    /// An empty script: add steps with `then`, `answer` or `always`.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next request is answered by this function.
    pub fn then(&self, step: impl FnMut(&Request) -> Result<Response, TransportError> + Send + 'static) -> &Self {
        lock(&self.steps).push_back((Box::new(step), false));
        self
    }

    /// This and every later request is answered by this function.
    pub fn always(&self, step: impl FnMut(&Request) -> Result<Response, TransportError> + Send + 'static) -> &Self {
        lock(&self.steps).push_back((Box::new(step), true));
        self
    }

    /// The next request is answered with this status and body.
    pub fn answer(&self, status: u16, body: &'static str) -> &Self {
        self.then(move |_| Ok(response(status, body)))
    }

    /// The next request fails this way.
    pub fn fail(&self, kind: TransportErrorKind) -> &Self {
        self.then(move |_| Err(TransportError::new(kind, "scripted")))
    }

    /// Every answer takes this long.
    pub fn delay(&self, delay: Duration) -> &Self {
        *lock(&self.delay) = delay;
        self
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Request> {
        lock(&self.seen).clone()
    }

    /// How many requests were sent so far.
    pub fn sent(&self) -> usize {
        lock(&self.seen).len()
    }
}

/// An answer with this status and body.
pub fn response(status: u16, body: &str) -> Response {
    let mut response = http::Response::new(bytes::Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a test names a status that exists");
    response
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        lock(&self.seen).push(request.clone());
        let delay = *lock(&self.delay);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let mut steps = lock(&self.steps);
        let Some((mut step, always)) = steps.pop_front() else {
            let message = format!("the script has no answer for {} {}", request.method(), request.uri());
            return Err(TransportError::new(TransportErrorKind::Other, message));
        };
        let answer = step(&request);
        if always {
            steps.push_front((step, true));
        }
        answer
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
