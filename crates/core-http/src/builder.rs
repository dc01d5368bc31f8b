//! How a client is made, and what may differ from call to call.

use crate::{
    Authorize, Caller, Client, Error, ErrorKind, Exclusive, Quota, RateLimit, Request, Result, RetryPolicy,
    TokenBuckets, Transport, Vendor,
    auth::Anonymous,
    client::{Base, Shared},
    plan::Check,
};
use http::HeaderValue;
use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

/// What may differ from call to call; see [`Client::with`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How long a call may take, waits and resends included, a streamed body to its end; 60 s by default.
    pub deadline: Duration,
    /// Overrides the operation's own time-out of one attempt.
    pub time_out: Option<Duration>,
    /// How often and how fast failed requests are sent again.
    pub retry: RetryPolicy,
    /// Asked beside the deadline whether a request may still be sent.
    pub gate: Option<Gate>,
}

impl Default for Options {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(60), time_out: None, retry: RetryPolicy::default(), gate: None }
    }
}

/// Says, immediately before the transport has the request, whether it may still be sent: a deadline does not count the time
/// for which the machine is suspended. What may not be sent any more fails as what comes too late:
/// [`ErrorKind::Throttled`]. It is not asked again while the transport connects: what a machine was sending when it was
/// suspended leaves when it wakes.
#[derive(Clone)]
pub struct Gate(Arc<dyn Fn() -> bool + Send + Sync>);

impl Gate {
    /// A gate that is open as long as this says so.
    pub fn new(is_open: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_open))
    }

    pub(crate) fn is_open(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

/// Settings of a client.
#[must_use = "a client is made by `build`"]
pub struct ClientBuilder<V: Vendor> {
    base: url::Url,
    transport: Arc<dyn Transport>,
    authorize: Arc<dyn Authorize>,
    limits: Arc<dyn RateLimit>,
    caller: Caller,
    user_agent: String,
    options: Options,
    check: Option<Check>,
    quotas: Vec<(String, Quota)>,
    exclusive: Exclusive,
    plain_http: bool,
    vendor: PhantomData<fn() -> V>,
}

impl<V: Vendor> fmt::Debug for ClientBuilder<V> {
    /// Without the login that a wrong base URL may hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("vendor", &V::NAME)
            .field("host", &self.base.host_str().unwrap_or_default())
            .field("account", &self.caller.account)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<V: Vendor> ClientBuilder<V> {
    /// A client of the service at this base URL.
    pub fn new(base: url::Url, transport: Arc<dyn Transport>) -> Self {
        let user_agent = concat!("asin-rust/", env!("CARGO_PKG_VERSION"), " (Language=Rust)").to_owned();
        let caller = Caller::new(V::NAME, V::NAME);
        let (authorize, limits) = (Arc::new(Anonymous), Arc::new(TokenBuckets::new()));
        Self {
            base,
            transport,
            authorize,
            limits,
            caller,
            user_agent,
            options: Options::default(),
            check: None,
            quotas: Vec::new(),
            exclusive: Exclusive::new(),
            plain_http: false,
            vendor: PhantomData,
        }
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

    /// What every operation's request must pass before anything is waited for; `Err` says why it must not be sent.
    pub fn check(mut self, check: impl Fn(&Request) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.check = Some(Check(Arc::new(check)));
        self
    }

    /// What this account or application is allowed in the bucket of this name, instead of the limit's default. A rate
    /// that the vendor announces is then followed down, and up no further than this.
    pub fn quota(mut self, limit: impl Into<String>, quota: Quota) -> Self {
        let limit = limit.into();
        self.quotas.retain(|(name, _)| *name != limit);
        self.quotas.push((limit, quota));
        self
    }

    /// What is being changed right now; share one between clients that may change the same things.
    pub fn exclusive(mut self, exclusive: Exclusive) -> Self {
        self.exclusive = exclusive;
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
        may_send_to(&self.base, self.plain_http).map_err(request)?;
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
        let Self { transport, authorize, limits, caller, options, check, quotas, exclusive, .. } = self;
        let shared = Shared { base, transport, authorize, limits, caller, user_agent, check, quotas, exclusive };
        Ok(Client::from_parts(Arc::new(shared), options))
    }
}

/// Whether a request may go to this address: over TLS, or without it to this machine; a login has no place in an address.
pub(crate) fn may_send_to(url: &url::Url, plain_http: bool) -> Result<(), &'static str> {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => return Err("it names no host"),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback || plain_http => {}
        _ => return Err("only https is allowed, except on this machine"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold a login or password");
    }
    Ok(())
}
