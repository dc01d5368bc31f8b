//! The client: the verbs, and the one loop that every call goes through.

use crate::{
    Answer, Authorize, Caller, ClientBuilder, Credential, Error, ErrorKind, Exclusive, Head, Learnt, Operation,
    Options, Paged, Pages, Permit, Quota, RateLimit, Request, Response, Result, Safety, Transport, TransportError,
    Vendor, answer,
    encode::UrlTemplate,
    exclusive::Change,
    plan::{Check, Plan},
};
use bytes::Bytes;
use http::{HeaderValue, response::Parts};
use std::{fmt, future::Future, marker::PhantomData, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, Span, field};

/// Sends the operations of one vendor. Cheap to clone; clones share limits, tokens and connections.
pub struct Client<V: Vendor> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Options,
    vendor: PhantomData<fn() -> V>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) base: Base,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) authorize: Arc<dyn Authorize>,
    pub(crate) limits: Arc<dyn RateLimit>,
    pub(crate) caller: Caller,
    pub(crate) user_agent: HeaderValue,
    pub(crate) check: Option<Check>,
    /// The user's own quotas, by the names of the limits.
    pub(crate) quotas: Vec<(String, Quota)>,
    pub(crate) exclusive: Exclusive,
}

/// The base URL, taken apart once.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) scheme: http::uri::Scheme,
    pub(crate) authority: http::uri::Authority,
    pub(crate) path: String,
}

/// How the answer of one attempt is taken in: read whole, record by record, or into a file.
pub(crate) trait Intake: Sync {
    type Got: Send;
    fn take(&self, sending: Sending) -> impl Future<Output = Result<(Parts, Self::Got), Failed>> + Send;
}

/// One attempt, admitted and ready to be sent.
pub(crate) struct Sending {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) request: Request,
    /// Held until the body has ended.
    pub(crate) permit: Permit,
    /// When this attempt ends …
    pub(crate) until: Instant,
    /// … and when the call does.
    pub(crate) deadline: Instant,
}

/// An attempt that failed, with the head of the answer if one came.
pub(crate) struct Failed {
    pub(crate) head: Option<Box<Parts>>,
    pub(crate) error: Error,
}

impl Failed {
    /// Whether the request may have left without anything having answered.
    fn is_unanswered(&self) -> bool {
        self.head.is_none() && matches!(self.error.kind(), ErrorKind::Timeout | ErrorKind::Interrupted)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { head: None, error }
    }
}

/// What a call got in the end.
pub(crate) struct Got<T> {
    pub(crate) head: Parts,
    pub(crate) value: T,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
}

/// Reads the whole body, unwraps the envelope, and lets the operation judge the content.
struct Whole<'a, O>(&'a O);

impl<O: Operation> Intake for Whole<'_, O> {
    type Got = (O::Output, Bytes);

    async fn take(&self, sending: Sending) -> Result<(Parts, Self::Got), Failed> {
        let response = receive(sending).await?;
        // 6. Read and unwrap in one pass.
        let result = answer::read::<O::Vendor, O::Wire>(&response).and_then(|wire| self.0.output(wire));
        let (head, body) = response.into_parts();
        match result {
            Ok(value) => Ok((head, (value, body))),
            Err(error) => Err(Failed { head: Some(Box::new(head)), error }),
        }
    }
}

/// 5. Sends, for as long as the operation and the deadline allow.
pub(crate) async fn receive(sending: Sending) -> Result<Response, Failed> {
    let Sending { transport, request, permit, until, .. } = sending;
    let response = in_time(until, (*transport).send(request)).await?;
    drop(permit);
    Ok(response)
}

/// Waits for a transport, no longer than until `until`.
pub(crate) async fn in_time<T>(
    until: Instant,
    sent: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, Failed> {
    let start = Instant::now();
    match timeout_at(until, sent).await {
        Ok(sent) => sent.map_err(|mut error| Failed { head: error.take_head(), error: error.into() }),
        Err(_) => {
            let message = format!("no complete answer within {:?}", start.elapsed());
            Err(Error::new(ErrorKind::Timeout, message).into())
        }
    }
}

/// This long from now; what is too long for the clock is some decades.
pub fn from_now(wait: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait).unwrap_or_else(|| now + Duration::from_secs(30 * 365 * 86_400))
}

impl<V: Vendor> Clone for Client<V> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), options: self.options.clone(), vendor: PhantomData }
    }
}

impl<V: Vendor> fmt::Debug for Client<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Base { authority, path, .. } = &self.shared.base;
        f.debug_struct("Client")
            .field("vendor", &V::NAME)
            .field("base", &format_args!("{authority}{path}"))
            .field("account", &self.shared.caller.account)
            .finish_non_exhaustive()
    }
}

impl<V: Vendor> Client<V> {
    /// Settings of a client of the service at this base URL.
    pub fn builder(base: url::Url, transport: Arc<dyn Transport>) -> ClientBuilder<V> {
        ClientBuilder::new(base, transport)
    }

    pub(crate) fn from_parts(shared: Arc<Shared>, options: Options) -> Self {
        Self { shared, options, vendor: PhantomData }
    }

    /// The same client with other options; it shares everything else.
    pub fn with(&self, change: impl FnOnce(&mut Options)) -> Self {
        let mut client = self.clone();
        change(&mut client.options);
        client
    }

    /// The service's host and base path, for messages and as a key of what is stored about it.
    pub fn base(&self) -> String {
        let Base { scheme, authority, path } = &self.shared.base;
        format!("{scheme}://{authority}{path}")
    }

    /// Sends an operation and returns its value.
    ///
    /// # Errors
    /// After the last attempt, the real failure of that attempt.
    pub async fn call<O: Operation<Vendor = V>>(&self, operation: O) -> Result<O::Output> {
        let Got { value: (value, _), .. } = self.run(self.plan(&operation)?, &Whole(&operation)).await?;
        Ok(value)
    }

    /// Sends an operation and returns its value with everything around it.
    ///
    /// # Errors
    /// As [`call`](Client::call).
    pub async fn exchange<O: Operation<Vendor = V>>(&self, operation: O) -> Result<Answer<O::Output>> {
        let got = self.run(self.plan(&operation)?, &Whole(&operation)).await?;
        let Got { head, value: (value, body), attempts, elapsed } = got;
        let request_id = V::request_id(&Head { status: head.status, headers: &head.headers });
        let (status, headers, compare) = (head.status, head.headers, answer::drift_of::<O> as _);
        Ok(Answer { value, status, request_id, headers, attempts, elapsed, body, compare })
    }

    /// Streams the pages of an operation, each fetched only when it is asked for.
    pub fn pages<O: Paged<Vendor = V>>(&self, first: O) -> Pages<V, O> {
        Pages::new(self.clone(), first)
    }

    pub(crate) async fn run<I: Intake>(&self, plan: Plan, intake: &I) -> Result<Got<I::Got>> {
        let span = self.span(plan.name);
        self.attempts(&plan, intake, &span).instrument(span.clone()).await
    }

    fn span(&self, name: &'static str) -> Span {
        let authority = &self.shared.base.authority;
        tracing::info_span!(
            "call",
            otel.kind = "client",
            otel.name = name,
            vendor = V::NAME,
            operation = name,
            server.address = authority.host(),
            server.port = authority.port_u16(),
            attempts = field::Empty,
            outcome = field::Empty,
        )
    }

    /// The life of a call; the numbers are those of the crate's front page.
    async fn attempts<I: Intake>(&self, plan: &Plan, intake: &I, span: &Span) -> Result<Got<I::Got>> {
        let start = Instant::now();
        let deadline = from_now(self.options.deadline);
        let (mut attempt, mut refreshed, mut applied) = (1, false, false);
        // 1. Held over all attempts: a change that came later must not be undone by a resend of this one.
        let mut change = match &plan.changes {
            Some(what) => Some(self.shared.exclusive.enter(what, deadline).await.map_err(|busy| {
                span.record("attempts", 0).record("outcome", ErrorKind::Throttled.as_str());
                Error::new(ErrorKind::Throttled, busy).at(plan.name, 0, false)
            })?),
            None => None,
        };
        loop {
            let (credential, result) = self.attempt(plan, intake, deadline, attempt, change.as_mut()).await;
            let error = match result {
                Ok((head, value)) => {
                    self.options.retry.budget.earn();
                    span.record("attempts", attempt).record("outcome", "ok");
                    return Ok(Got { head, value, attempts: attempt, elapsed: start.elapsed() });
                }
                Err(error) => error,
            };
            applied |= error.may_have_been_applied();
            // 8. Failure: once more with new credentials, or ask the table; never sleep past the deadline.
            let delay = match (error.kind(), credential) {
                (ErrorKind::Auth, Some(credential)) if !refreshed => {
                    refreshed = true;
                    let renewed = timeout_at(deadline, self.shared.authorize.refused(credential)).await;
                    renewed.unwrap_or(false).then_some(Duration::ZERO)
                }
                (ErrorKind::Throttled, _) if error.fault().is_none() => None,
                (kind, _) => self.options.retry.next(kind, plan.safety, attempt, error.retry_after()),
            };
            let Some(delay) = delay.filter(|delay| from_now(*delay) < deadline) else {
                span.record("attempts", attempt).record("outcome", error.kind().as_str());
                return Err(error.at(plan.name, attempt, applied).unapplied(plan.safety));
            };
            tracing::debug!(attempt, ?delay, error.r#type = error.kind().as_str(), "sending again");
            sleep(delay).await;
            attempt += 1;
        }
    }

    async fn attempt<I: Intake>(
        &self,
        plan: &Plan,
        intake: &I,
        deadline: Instant,
        attempt: u32,
        change: Option<&mut Change>,
    ) -> (Option<Credential>, Result<(Parts, I::Got)>) {
        // 2. to 4.
        let (permit, request, credential) = match self.admit(plan, deadline).await {
            Ok(admitted) => admitted,
            Err(error) => return (None, Err(error)),
        };
        let time_out = self.options.time_out.unwrap_or(plan.time_out);
        let until = deadline.min(from_now(time_out));
        trace_attempt(&request, attempt);
        // 5. and 6.
        let transport = self.shared.transport.clone();
        // A caller in a hurry does not make the vendor quicker.
        let change = change.map(|change| (change.sending(time_out.max(plan.time_out)), change));
        let taken = intake.take(Sending { transport, request, permit, until, deadline }).await;
        if let Some((before, change)) = change {
            match &taken {
                Err(failed) if failed.is_unanswered() => {}
                Err(failed) if failed.error.may_have_been_applied() => change.doubtful(before),
                _ => change.settled(before),
            }
        }
        let result = match taken {
            Ok((head, got)) => {
                self.teach(plan, &head, None);
                Ok((head, got))
            }
            Err(Failed { head: Some(head), error }) => {
                let error = circumstances::<V>(error, &plan.request, &head);
                self.teach(plan, &head, error.fault());
                Err(error)
            }
            Err(Failed { head: None, error }) => Err(error),
        };
        (credential, result)
    }

    /// 7. Teaches the limiter.
    fn teach(&self, plan: &Plan, head: &Parts, fault: Option<&crate::Fault>) {
        tracing::debug!(http.response.status_code = head.status.as_u16(), "answered");
        for mut lesson in V::lessons(&Head { status: head.status, headers: &head.headers }, fault, &plan.limits) {
            if let (Learnt::Rate(rate), Some(own)) = (&mut lesson.what, self.quota(lesson.limit.name)) {
                *rate = rate.min(own.per_second);
            }
            self.shared.limits.learn(&self.shared.caller, &lesson);
        }
    }

    /// Waits for every limit, puts credentials on, and looks at the clock a last time before the transport has the request.
    async fn admit(&self, plan: &Plan, deadline: Instant) -> Result<(Permit, Request, Option<Credential>)> {
        let Shared { limits: limiter, caller, authorize, .. } = &*self.shared;
        let mut request = plan.request.clone();
        // 2. Wait for every limit.
        tracing::trace!("asks for its turn");
        let asked = Instant::now();
        let permit = limiter.acquire(caller, &plan.limits, deadline).await;
        let permit = permit.map_err(|late| Error::new(ErrorKind::Throttled, late))?;
        let waited = asked.elapsed();
        if waited >= Duration::from_millis(1) {
            tracing::debug!(?waited, "waited for limits");
        }
        // 3. Authorise; a token that must be fetched first is bounded by the same deadline.
        let credential = if plan.credentials {
            let Ok(credential) = timeout_at(deadline, authorize.authorize(&mut request)).await else {
                let message = "no credentials before the deadline; the request was not sent";
                return Err(Error::new(ErrorKind::Connect, message));
            };
            Some(credential.map_err(|error| error.unapplied(Safety::ReadOnly))?)
        } else {
            None
        };
        // 4. Check the deadline once more.
        if deadline <= Instant::now() {
            return Err(Error::new(ErrorKind::Throttled, "the deadline passed before the request was sent"));
        }
        if self.options.gate.as_ref().is_some_and(|gate| !gate.is_open()) {
            return Err(Error::new(ErrorKind::Throttled, "the gate was closed before the request was sent"));
        }
        Ok((permit, request, credential))
    }
}

/// One event per attempt, in the words of OpenTelemetry's HTTP client; never a body, a query or a secret.
fn trace_attempt(request: &Request, attempt: u32) {
    let template = request.extensions().get::<UrlTemplate>().map_or("", |template| template.0);
    tracing::debug!(
        http.request.method = request.method().as_str(),
        url.template = template,
        http.request.resend_count = attempt - 1,
        "sending"
    );
}

/// Adds to an error what the request and the head of the answer say about it.
fn circumstances<V: Vendor>(mut error: Error, request: &Request, head: &Parts) -> Error {
    let answer = Head { status: head.status, headers: &head.headers };
    error.set_date(head.headers.get(http::header::DATE));
    let Some(fault) = error.fault_mut() else {
        error.set_request_id(V::request_id(&answer));
        return error;
    };
    fault.status.get_or_insert(head.status);
    fault.retry_after = fault.retry_after.or_else(|| crate::retry::retry_after(&head.headers));
    fault.request_id = fault.request_id.take().or_else(|| V::request_id(&answer));
    fault.advice = fault.advice.take().or_else(|| V::advice(request, fault).map(Into::into));
    error
}
