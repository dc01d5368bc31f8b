//! The client: the verbs, and the one loop that every call goes through.

use crate::{
    Answer, Authorize, Caller, Credential, Error, ErrorKind, Head, Operation, Paged, Pages, Permit, RateLimit, Request,
    Response, Result, RetryPolicy, TokenBuckets, Transport, Vendor, answer, auth::Anonymous, encode::UrlTemplate,
};
use http::{HeaderValue, header};
use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};
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
    base: Base,
    pub(crate) transport: Arc<dyn Transport>,
    authorize: Arc<dyn Authorize>,
    limits: Arc<dyn RateLimit>,
    caller: Caller,
    user_agent: HeaderValue,
}

/// The base URL, taken apart once.
#[derive(Debug)]
struct Base {
    scheme: http::uri::Scheme,
    authority: http::uri::Authority,
    path: String,
}

/// What may differ from call to call; see [`Client::with`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How long a call may take, waits and resends included; 60 s by default.
    pub deadline: Duration,
    /// Overrides the operation's own time-out of one attempt.
    pub time_out: Option<Duration>,
    /// How often and how fast failed requests are sent again.
    pub retry: RetryPolicy,
}

impl Default for Options {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(60), time_out: None, retry: RetryPolicy::default() }
    }
}

/// Settings of a client.
#[derive(Debug)]
#[must_use = "a client is made by `build`"]
pub struct ClientBuilder<V: Vendor> {
    base: url::Url,
    transport: Arc<dyn Transport>,
    authorize: Arc<dyn Authorize>,
    limits: Arc<dyn RateLimit>,
    caller: Caller,
    user_agent: String,
    options: Options,
    plain_http: bool,
    vendor: PhantomData<fn() -> V>,
}

impl<V: Vendor> ClientBuilder<V> {
    /// A client of the service at this base URL.
    pub fn new(base: url::Url, transport: Arc<dyn Transport>) -> Self {
        let user_agent = concat!("asin-rust/", env!("CARGO_PKG_VERSION"), " (Language=Rust)").to_owned();
        let caller = Caller::new(V::NAME, V::NAME);
        let (authorize, limits) = (Arc::new(Anonymous), Arc::new(TokenBuckets::new()));
        let options = Options::default();
        Self { base, transport, authorize, limits, caller, user_agent, options, plain_http: false, vendor: PhantomData }
    }

    /// Where the credentials come from; none by default.
    pub fn authorize(mut self, authorize: Arc<dyn Authorize>) -> Self {
        self.authorize = authorize;
        self
    }

    /// Who counts the calls; share one between the clients of an application.
    pub fn limits(mut self, limits: Arc<dyn RateLimit>) -> Self {
        self.limits = limits;
        self
    }

    /// Whose calls are counted; keys, not secrets.
    pub fn caller(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// The `User-Agent` header.
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = text.into();
        self
    }

    /// What calls do unless told otherwise.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Allows a base URL without TLS on another host than this one: credentials then travel in the clear.
    pub fn danger_allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] if the base URL is not https (loopback excepted), holds a login, query or fragment, or if
    /// the user agent cannot stand in a header.
    pub fn build(self) -> Result<Client<V>> {
        let request = |message: &str| Error::new(ErrorKind::Request, format!("base URL of {}: {message}", V::NAME));
        let loopback = match self.base.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(request("it names no host")),
        };
        match self.base.scheme() {
            "https" => {}
            "http" if loopback || self.plain_http => {}
            _ => return Err(request("only https is allowed, except on this machine")),
        }
        if !self.base.username().is_empty() || self.base.password().is_some() {
            return Err(request("it must not hold a login or password"));
        }
        if self.base.query().is_some() || self.base.fragment().is_some() {
            return Err(request("it must not hold a query or fragment"));
        }
        let uri: http::Uri = self.base.as_str().parse().map_err(|_| request("it is no URL that can be sent to"))?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(request("it names no host"));
        };
        let base = Base { scheme, authority, path: self.base.path().trim_end_matches('/').to_owned() };
        let user_agent = HeaderValue::from_str(&self.user_agent)
            .map_err(|_| Error::new(ErrorKind::Request, "the user agent holds a character that no header may hold"))?;
        let Self { transport, authorize, limits, caller, options, .. } = self;
        let shared = Shared { base, transport, authorize, limits, caller, user_agent };
        Ok(Client { shared: Arc::new(shared), options, vendor: PhantomData })
    }
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
        self.exchange(operation).await.map(|answer| answer.value)
    }

    /// Sends an operation and returns its value with everything around it.
    ///
    /// # Errors
    /// As [`call`](Client::call).
    pub async fn exchange<O: Operation<Vendor = V>>(&self, operation: O) -> Result<Answer<O::Output>> {
        let span = self.span::<O>();
        self.attempts(&operation).instrument(span).await
    }

    /// Streams the pages of an operation, each fetched only when it is asked for.
    pub fn pages<O: Paged<Vendor = V>>(&self, first: O) -> Pages<V, O> {
        Pages::new(self.clone(), first)
    }

    pub(crate) fn span<O: Operation>(&self) -> Span {
        tracing::info_span!(
            "call",
            otel.kind = "client",
            otel.name = O::NAME,
            vendor = V::NAME,
            operation = O::NAME,
            server.address = self.shared.base.authority.host(),
            attempts = field::Empty,
            outcome = field::Empty,
        )
    }

    /// The life of a call; the numbers are those of the crate's front page.
    async fn attempts<O: Operation<Vendor = V>>(&self, operation: &O) -> Result<Answer<O::Output>> {
        let start = Instant::now();
        let deadline = start + self.options.deadline;
        let safety = operation.safety();
        // 1. Build the request once: a resent body is the same bytes.
        let request = self.complete(operation.request().map_err(|error| error.at(O::NAME, 0, false))?)?;
        let (mut attempt, mut refreshed, mut applied) = (1, false, false);
        loop {
            let (credential, result) = self.attempt(operation, request.clone(), deadline, attempt).await;
            let error = match result {
                Ok((value, response)) => {
                    self.options.retry.budget.earn();
                    Span::current().record("attempts", attempt).record("outcome", "ok");
                    let (head, body) = response.into_parts();
                    let request_id = V::request_id(&Head { status: head.status, headers: &head.headers });
                    let (status, headers, elapsed) = (head.status, head.headers, start.elapsed());
                    let compare = answer::drift_of::<O>;
                    return Ok(Answer {
                        value,
                        status,
                        request_id,
                        headers,
                        attempts: attempt,
                        elapsed,
                        body,
                        compare,
                    });
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
                (kind, _) if error.fault().is_none() && kind == ErrorKind::Throttled => None,
                (kind, _) => self.options.retry.next(kind, safety, attempt, error.retry_after()),
            };
            let Some(delay) = delay.filter(|delay| Instant::now() + *delay < deadline) else {
                Span::current().record("attempts", attempt).record("outcome", error.kind().as_str());
                return Err(error.at(O::NAME, attempt, applied).unapplied(safety));
            };
            tracing::debug!(attempt, ?delay, error = %error, "sending again");
            sleep(delay).await;
            attempt += 1;
        }
    }

    async fn attempt<O: Operation<Vendor = V>>(
        &self,
        operation: &O,
        request: Request,
        deadline: Instant,
        attempt: u32,
    ) -> (Option<Credential>, Result<(O::Output, Response)>) {
        let limits = operation.limits();
        // 2. and 3.
        let (permit, request, credential) = match self.admit(&limits, request, deadline).await {
            Ok(admitted) => admitted,
            Err(error) => return (None, Err(error)),
        };
        // 5. Send, for as long as the operation and the deadline allow.
        let time_out = self.options.time_out.unwrap_or_else(|| operation.time_out());
        let until = deadline.min(Instant::now() + time_out);
        trace_attempt(&request, attempt);
        let sent = match timeout_at(until, self.shared.transport.send(request)).await {
            Ok(sent) => sent.map_err(Error::from),
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                format!("no answer within {:?}", time_out.min(self.options.deadline)),
            )),
        };
        drop(permit);
        let response = match sent {
            Ok(response) => response,
            Err(error) => return (Some(credential), Err(error)),
        };
        // 6. Read and unwrap in one pass, then let the operation judge the content.
        let result = answer::read::<V, O::Wire>(&response).and_then(|wire| operation.output(wire));
        // 7. Teach the limiter.
        let head = Head::from(&response);
        let fault = result.as_ref().err().and_then(Error::fault);
        tracing::debug!(http.response.status_code = response.status().as_u16(), attempt, "answered");
        for lesson in V::lessons(&head, fault, &limits) {
            self.shared.limits.learn(&self.shared.caller, &lesson);
        }
        (Some(credential), result.map_err(|error| with_request_id::<V>(error, &head)).map(|value| (value, response)))
    }

    /// Waits for every limit, puts credentials on, and looks at the clock a last time before the bytes leave.
    pub(crate) async fn admit(
        &self,
        limits: &[crate::Limit],
        mut request: Request,
        deadline: Instant,
    ) -> Result<(Permit, Request, Credential)> {
        let Shared { limits: limiter, caller, authorize, .. } = &*self.shared;
        // 2. Wait for every limit.
        let permit =
            limiter.acquire(caller, limits, deadline).await.map_err(|late| Error::new(ErrorKind::Throttled, late))?;
        // 3. Authorise; a token that must be fetched first is bounded by the same deadline.
        let Ok(credential) = timeout_at(deadline, authorize.authorize(&mut request)).await else {
            return Err(Error::new(ErrorKind::Connect, "no credentials before the deadline; the request was not sent"));
        };
        let credential = credential?;
        // 4. Check the deadline once more.
        if Instant::now() >= deadline {
            return Err(Error::new(ErrorKind::Throttled, "the deadline passed before the request was sent"));
        }
        Ok((permit, request, credential))
    }

    /// Puts the base URL before the relative path, and the headers that every request has.
    pub(crate) fn complete(&self, mut request: Request) -> Result<Request> {
        let Base { scheme, authority, path } = &self.shared.base;
        let relative = request.uri().path_and_query().map_or("/", |relative| relative.as_str());
        let target = http::Uri::builder()
            .scheme(scheme.clone())
            .authority(authority.clone())
            .path_and_query(format!("{path}{relative}"));
        *request.uri_mut() = target.build().map_err(|error| Error::new(ErrorKind::Request, error))?;
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, self.shared.user_agent.clone());
        if !headers.contains_key(header::ACCEPT) {
            headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }
}

/// One event per attempt, in the words of OpenTelemetry's HTTP client; never a body, a query or a secret.
pub(crate) fn trace_attempt(request: &Request, attempt: u32) {
    let template = request.extensions().get::<UrlTemplate>().map_or("", |template| template.0);
    tracing::debug!(
        http.request.method = request.method().as_str(),
        url.template = template,
        http.request.resend_count = attempt - 1,
        "sending"
    );
}

pub(crate) fn with_request_id<V: Vendor>(error: Error, head: &Head<'_>) -> Error {
    match (error.fault(), V::request_id(head)) {
        (Some(fault), Some(id)) if fault.request_id.is_none() => {
            let fault = crate::Fault { request_id: Some(id), ..fault.clone() };
            error.with_fault(fault)
        }
        _ => error,
    }
}
