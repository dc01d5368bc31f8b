//! The server side of webhooks: stores before it acknowledges, and answers well within the vendor's ten seconds.

use super::{
    Caps, Delivery, Expectation, Expects, Pingback, Postback, Store, StoreError, Token, WebhookError,
    memory::{Count, Counts, Memory},
};
use crate::{InvalidRequest, TaskId, WebhookUrl};
use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{Request, State},
};
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout_at},
};
use tracing::Instrument;
use url::Url;

/// How much a receiver takes in, and how long it waits.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Settings {
    /// How much of a postback is taken in.
    pub caps: Caps,
    /// How long the head of a request may take, 2 s by default. [`Receiver::serve`] sees to it.
    pub head: Duration,
    /// How long its body may take after that, 3 s by default.
    pub body: Duration,
    /// When the answer leaves at the latest, 8 s by default, counted from the first byte of the head, which is taken to
    /// have used all that it [may](Self::head): the vendor waits for 10 s in all. What is not stored by then is answered
    /// with 503, and the vendor lists the task in `tasks_ready`; storing goes on.
    pub answer: Duration,
    /// How many requests are worked on at once, 32 by default, until what they brought is stored; others wait.
    pub at_once: usize,
    /// How many connections there may be at once, 256 by default. [`Receiver::serve`] sees to it.
    pub connections: usize,
    /// The HTTP status for a task that nobody here has posted, 404 by default: the vendor keeps it for whoever has. A 200
    /// takes it off the vendor's hands; it is stored nowhere either way.
    pub unknown: u16,
    /// Whether its address may be of this machine or a private network, which the vendor cannot reach, and then http as
    /// well: for tests and tunnels. Off by default.
    pub private_address: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let [head, body, answer] = [2, 3, 8].map(Duration::from_secs);
        Self {
            caps: Caps::default(),
            head,
            body,
            answer,
            at_once: 32,
            connections: 256,
            unknown: 404,
            private_address: false,
        }
    }
}

/// Receives webhooks. Cheap to clone; clones share everything.
///
/// Its address holds a secret [`Token`], because webhooks are not signed, and the id of the task, so that a body that
/// cannot be read still says whose result is [missing](Receiver::take_missed).
///
/// ```
/// use async_trait::async_trait;
/// use dataforseo_merchant::{Collected, Tasks, webhook::{Intake, Keep, Receiver, StoreError, Token}};
///
/// struct Database;
///
/// #[async_trait]
/// impl Keep for Database {
///     async fn keep(&self, collected: &Collected) -> Result<(), StoreError> {
///         // INSERT … ON CONFLICT (tag) DO NOTHING; COMMIT
///         println!("{}: {:?}", collected.entry.tag, collected.result);
///         Ok(())
///     }
/// }
///
/// # async fn example(tasks: Tasks) -> Result<(), Box<dyn std::error::Error>> {
/// let receiver = Receiver::of(Token::random(), Intake::new(tasks, Database));
/// let postback = receiver.postback_url(&"https://shop.example".parse()?)?; // for the tasks to be posted
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?; // behind a proxy that speaks TLS
/// receiver.serve(listener, std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a setter gives it back"]
pub struct Receiver {
    token: Token,
    expects: Arc<dyn Expects>,
    store: Arc<dyn Store>,
    pub(super) settings: Settings,
    memory: Arc<Memory>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What arrived.
enum Arrived {
    Postback(Postback),
    Pingback(Pingback),
}

type Answer = (StatusCode, String);

impl Receiver {
    /// A receiver that asks one which tasks are expected, and the other to store what comes.
    pub fn new(token: Token, expects: Arc<dyn Expects>, store: Arc<dyn Store>) -> Self {
        let settings = Settings::default();
        Self { token, expects, store, settings, memory: Arc::new(Memory::new(settings.at_once)) }
    }

    /// A receiver of which both are one.
    pub fn of(token: Token, both: impl Expects + Store) -> Self {
        let both = Arc::new(both);
        Self::new(token, both.clone(), both)
    }

    /// With other settings. Forgets what has arrived.
    pub fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self.memory = Arc::new(Memory::new(self.settings.at_once));
        self
    }

    /// The address for results, where `public` is what the vendor sees of this server. It holds the token: a secret.
    ///
    /// # Errors
    /// When `public` is not https, holds a login, or is of a private network; see [`Settings::private_address`].
    pub fn postback_url(&self, public: &Url) -> Result<WebhookUrl, InvalidRequest> {
        self.token.postback_url(public, self.settings.private_address)
    }

    /// The address for the word that a task is done.
    ///
    /// # Errors
    /// As those of [`postback_url`](Self::postback_url).
    pub fn pingback_url(&self, public: &Url) -> Result<WebhookUrl, InvalidRequest> {
        self.token.url(public, "pingback", self.settings.private_address)
    }

    /// What has come of everything that arrived.
    pub fn counts(&self) -> Counts {
        self.memory.counts()
    }

    /// Takes the ids of tasks whose webhook arrived and was not stored: unreadable, refused by the store, or too slow.
    /// Give them to [`resend`](super::resend). At most 100,000 are kept.
    pub fn take_missed(&self) -> Vec<TaskId> {
        self.memory.take_missed()
    }

    /// The routes, for a server of one's own; its heads, connections and TLS are then that server's business. They may be
    /// nested under any path.
    pub fn router(&self) -> Router {
        Router::new().fallback(handle).with_state(self.clone())
    }

    /// The whole way from a request to its answer.
    async fn answer(&self, request: Request) -> Answer {
        let latest = Instant::now() + self.settings.answer.saturating_sub(self.settings.head);
        let (hook, part) = match self.hook(&request) {
            Ok(known) => known,
            Err(answer) => return answer,
        };
        let query = request.uri().query().unwrap_or_default().to_owned();
        // What the address says, for a body that cannot be read says nothing.
        let named = Pingback::from_query(&query);
        let Ok(place) = timeout_at(latest, self.memory.place()).await else { return self.late(named.ok()) };
        let arrived = match hook {
            Hook::Pingback => named.map(Arrived::Pingback),
            Hook::Postback => {
                let body = match self.body(request.into_body(), latest).await {
                    Ok(body) => body,
                    Err(answer) => {
                        self.missed(named.ok(), part, latest).await;
                        return answer;
                    }
                };
                let read = self.read(body).await;
                match (read, named) {
                    (Ok(postback), Ok(named)) if named.id != *postback.id() => {
                        return self.said(Count::Unknown, self.unknown(), "the address names another task");
                    }
                    (Ok(postback), _) => Ok(Arrived::Postback(postback)),
                    (Err(error), named) => {
                        self.missed(named.ok(), part, latest).await;
                        Err(error)
                    }
                }
            }
        };
        match arrived {
            Ok(arrived) => self.settle(arrived, part, place, latest).await,
            Err(error) => {
                tracing::warn!(%error, "a webhook that cannot be read");
                let too_much = matches!(error, WebhookError::TooLarge(_) | WebhookError::InflatesTooFar(_));
                let status = if too_much { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
                self.said(Count::Unreadable, status, &error.to_string())
            }
        }
    }

    /// What a request is about, if it comes from somebody who knows the token, or a part's; and which part's.
    fn hook(&self, request: &Request) -> Result<(Hook, Option<u64>), Answer> {
        let mut segments = request.uri().path().rsplit('/');
        let (last, token) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        let (hook, method) = match last {
            "postback" => (Hook::Postback, Method::POST),
            _ => (Hook::Pingback, Method::GET),
        };
        let scope = self.token.scope(token).filter(|_| matches!(last, "postback" | "pingback"));
        let part = scope.ok_or_else(|| self.said(Count::Forged, StatusCode::NOT_FOUND, ""))?;
        if *request.method() != method {
            return Err((StatusCode::METHOD_NOT_ALLOWED, String::new()));
        }
        Ok((hook, part))
    }

    async fn body(&self, body: Body, latest: Instant) -> Result<Bytes, Answer> {
        let most = self.settings.caps.body;
        let too_large = || self.said(Count::Unreadable, StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
        if body.size_hint().lower() > most as u64 {
            return Err(too_large());
        }
        let until = latest.min(Instant::now() + self.settings.body);
        match timeout_at(until, Limited::new(body, most).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(error)) => Err(self.said(Count::Unreadable, StatusCode::BAD_REQUEST, &error.to_string())),
            Err(_) => Err(self.said(Count::Unreadable, StatusCode::REQUEST_TIMEOUT, "the body took too long")),
        }
    }

    /// Reads a body; a large one away from the threads that must not be held up.
    async fn read(&self, body: Bytes) -> Result<Postback, WebhookError> {
        const LARGE: usize = 64 << 10;
        let caps = self.settings.caps;
        if body.len() < LARGE {
            return Postback::read(&body, &caps);
        }
        let read = tokio::task::spawn_blocking(move || Postback::read(&body, &caps)).await;
        read.unwrap_or_else(|error| Err(WebhookError::Damaged(std::io::Error::other(error))))
    }

    /// Has it stored, once, if it is expected.
    async fn settle(
        &self,
        arrived: Arrived,
        part: Option<u64>,
        place: Option<OwnedSemaphorePermit>,
        latest: Instant,
    ) -> Answer {
        let (id, is_postback) = match &arrived {
            Arrived::Postback(postback) => (postback.id().clone(), true),
            Arrived::Pingback(pingback) => (pingback.id.clone(), false),
        };
        let this = self.clone();
        let key = (id.clone(), is_postback, part);
        // In a task of its own: storing goes on when the vendor no longer waits, and the next delivery waits for it.
        let work = tokio::spawn(
            async move {
                // Until it is stored: what is still being stored counts among those that are worked on.
                let _place = place;
                let turn = this.memory.turn(&key).await;
                if turn.is_done() {
                    return Ok(Expectation::Stored);
                }
                let stored = this.store(arrived, part).await;
                turn.end(matches!(stored, Ok(Expectation::Expected | Expectation::Stored)));
                stored
            }
            .in_current_span(),
        );
        match timeout_at(latest, work).await {
            Ok(Ok(Ok(Expectation::Expected))) => self.said(Count::Stored, StatusCode::OK, ""),
            Ok(Ok(Ok(Expectation::Stored))) => self.said(Count::Repeated, StatusCode::OK, ""),
            Ok(Ok(Ok(Expectation::Unknown))) => self.said(Count::Unknown, self.unknown(), "no such task here"),
            Ok(Ok(Err(error))) => {
                tracing::error!(%error, task = %id, "a result could not be stored");
                self.memory.missed(Some(id));
                self.said(Count::Failed, StatusCode::SERVICE_UNAVAILABLE, "could not be stored")
            }
            Ok(Err(error)) => {
                tracing::error!(%error, task = %id, "storing a result panicked");
                self.memory.missed(Some(id));
                self.said(Count::Failed, StatusCode::SERVICE_UNAVAILABLE, "could not be stored")
            }
            Err(_) => self.late(Some(Pingback { id, tag: None })),
        }
    }

    async fn store(&self, arrived: Arrived, part: Option<u64>) -> Result<Expectation, StoreError> {
        let delivery = match &arrived {
            Arrived::Postback(postback) => Delivery::new(postback.id(), postback.tag()),
            Arrived::Pingback(pingback) => Delivery::new(&pingback.id, pingback.tag.as_deref()),
        };
        let expectation = self.expects.expects(delivery.within(part)).await?;
        if expectation == Expectation::Expected {
            match arrived {
                Arrived::Postback(postback) => self.store.postback(postback).await?,
                Arrived::Pingback(pingback) => self.store.pingback(pingback).await?,
            }
        }
        Ok(expectation)
    }

    /// Remembers a task whose result could not be read, if the address that names it can be believed.
    async fn missed(&self, named: Option<Pingback>, part: Option<u64>, latest: Instant) {
        let Some(Pingback { id, tag }) = named else { return };
        let delivery = Delivery::new(&id, tag.as_deref());
        let known = timeout_at(latest, self.expects.expects(delivery.within(part))).await;
        if !matches!(known, Ok(Ok(Expectation::Unknown | Expectation::Stored))) {
            self.memory.missed(Some(id));
        }
    }

    fn late(&self, named: Option<Pingback>) -> Answer {
        self.memory.missed(named.map(|named| named.id));
        self.said(Count::Late, StatusCode::SERVICE_UNAVAILABLE, "not stored in time")
    }

    fn unknown(&self) -> StatusCode {
        StatusCode::from_u16(self.settings.unknown).unwrap_or(StatusCode::NOT_FOUND)
    }

    fn said(&self, count: Count, status: StatusCode, words: &str) -> Answer {
        self.memory.count(count);
        (status, words.to_owned())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hook {
    Postback,
    Pingback,
}

async fn handle(State(receiver): State<Receiver>, request: Request) -> Answer {
    receiver.answer(request).await
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
pub(crate) mod tests;
