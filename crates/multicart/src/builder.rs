//! How a client is made.

use crate::MultiCart;
use core_http::{
    Authorize, Caller, Client, Error, ErrorKind, Options, RateLimit, Result, TokenBuckets, Transport, auth::ApiKey,
};
use http::HeaderName;
use secrecy::SecretString;
use std::{fmt, sync::Arc};
use url::Url;

/// Sends operations of MultiCartAPI.
pub type McClient = Client<MultiCart>;

/// The service's base URL.
pub const BASE_URL: &str = "https://multicartapi.com/api/v1";

/// Settings of a client.
///
/// ```
/// # fn main() -> core_http::Result<()> {
/// # let transport = std::sync::Arc::new(core_http::testing::Script::new());
/// let client = multicart::Builder::new("prefix.secret")
///     .transport(transport) // without this line: the built-in transport
///     .build()?;
/// assert_eq!(client.base(), "https://multicartapi.com/api/v1");
/// # Ok(())
/// # }
/// ```
#[must_use = "a client is made by `build`"]
pub struct Builder {
    header: HeaderName,
    prefix: &'static str,
    secret: SecretString,
    base_url: Option<Url>,
    account: Option<String>,
    limits: Option<Arc<dyn RateLimit>>,
    transport: Option<Arc<dyn Transport>>,
    user_agent: Option<String>,
    options: Option<Options>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("header", &self.header).finish_non_exhaustive()
    }
}

impl Builder {
    /// With an API key, sent as `x-api-key`.
    pub fn new(api_key: impl Into<SecretString>) -> Self {
        Self::with(HeaderName::from_static("x-api-key"), "", api_key.into())
    }

    /// With the token of a login, sent as `Authorization: Token …`; it has the same rights.
    pub fn with_token(token: impl Into<SecretString>) -> Self {
        Self::with(http::header::AUTHORIZATION, "Token ", token.into())
    }

    fn with(header: HeaderName, prefix: &'static str, secret: SecretString) -> Self {
        let (base_url, account, limits, transport, user_agent, options) = Default::default();
        Self { header, prefix, secret, base_url, account, limits, transport, user_agent, options }
    }

    /// Another service than [`BASE_URL`].
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }

    /// Names the account, by which calls are counted; no secret.
    pub fn account(mut self, name: impl Into<String>) -> Self {
        self.account = Some(name.into());
        self
    }

    /// Who counts the calls; by default 2 a second and 4 in flight ([`CALLS`](crate::CALLS)).
    pub fn limits(mut self, limits: Arc<dyn RateLimit>) -> Self {
        self.limits = Some(limits);
        self
    }

    /// The transport; the built-in one by default.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// The `User-Agent`.
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = Some(text.into());
        self
    }

    /// What calls do unless told otherwise.
    pub fn options(mut self, options: Options) -> Self {
        self.options = Some(options);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] for a secret that no header can hold; [`ErrorKind::Request`] for a base URL that is not https
    /// (loopback excepted), a user agent that cannot be sent, or no transport: without the features `rustls` and
    /// `rustls-no-provider` there is no built-in one.
    pub fn build(self) -> Result<McClient> {
        let key: Arc<dyn Authorize> = Arc::new(ApiKey::new(self.header, self.prefix, &self.secret)?);
        let base = match self.base_url {
            Some(url) => url,
            None => BASE_URL.parse().map_err(|error| Error::new(ErrorKind::Request, format!("{BASE_URL}: {error}")))?,
        };
        let transport = match self.transport {
            Some(transport) => transport,
            None => built_in()?,
        };
        let limits = self.limits.unwrap_or_else(|| Arc::new(TokenBuckets::new()));
        let account = self.account.unwrap_or_else(|| "multicart".to_owned());
        let mut client =
            McClient::builder(base, transport).authorize(key).limits(limits).caller(Caller::new("multicart", account));
        if let Some(text) = self.user_agent {
            client = client.user_agent(text);
        }
        if let Some(options) = self.options {
            client = client.options(options);
        }
        client.build()
    }
}

#[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
fn built_in() -> Result<Arc<dyn Transport>> {
    Ok(Arc::new(core_http::ReqwestTransport::new()?))
}

#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
fn built_in() -> Result<Arc<dyn Transport>> {
    let message = "no transport: call `transport`, or enable the feature `rustls` of multicart";
    Err(Error::new(ErrorKind::Request, message))
}
