//! How a client is made.

use crate::MultiCart;
use core_http::{
    Authorize, Caller, Client, Error, ErrorKind, Options, RateLimit, Result, TokenBuckets, Transport,
    auth::{Anonymous, ApiKey},
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
    credentials: Credentials,
    base_url: Option<Url>,
    account: Option<String>,
    limits: Option<Arc<dyn RateLimit>>,
    transport: Option<Arc<dyn Transport>>,
    user_agent: Option<String>,
    options: Option<Options>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

/// What goes with every request.
enum Credentials {
    None,
    Secret { header: HeaderName, prefix: &'static str, secret: SecretString },
    Key(Key),
}

impl Builder {
    /// With an API key, sent as `x-api-key`.
    pub fn new(api_key: impl Into<SecretString>) -> Self {
        Self::with(secret(API_KEY, "", api_key.into()))
    }

    /// With the token of a login, sent as `Authorization: Token …`; it has the same rights.
    pub fn with_token(token: impl Into<SecretString>) -> Self {
        Self::with(secret(TOKEN, TOKEN_PREFIX, token.into()))
    }

    /// With a key or token that can be replaced while the client runs.
    pub fn with_key(key: &Key) -> Self {
        Self::with(Credentials::Key(key.clone()))
    }

    /// With neither: for [`Login`](crate::Login) and [`ListDomains`](crate::ListDomains), which are public.
    pub fn anonymous() -> Self {
        Self::with(Credentials::None)
    }

    fn with(credentials: Credentials) -> Self {
        let (base_url, account, limits, transport, user_agent, options) = Default::default();
        Self { credentials, base_url, account, limits, transport, user_agent, options }
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
        let credentials: Arc<dyn Authorize> = match self.credentials {
            Credentials::None => Arc::new(Anonymous),
            Credentials::Secret { header, prefix, secret } => Arc::new(ApiKey::new(header, prefix, &secret)?),
            Credentials::Key(key) => Arc::new(key.value),
        };
        let base = match self.base_url {
            Some(url) => url,
            None => BASE_URL.parse().map_err(|error| Error::new(ErrorKind::Request, format!("{BASE_URL}: {error}")))?,
        };
        let transport = match self.transport {
            Some(transport) => transport,
            None => core_http::built_in()?,
        };
        let limits = self.limits.unwrap_or_else(|| Arc::new(TokenBuckets::new()));
        let account = self.account.unwrap_or_else(|| "multicart".to_owned());
        let mut client = McClient::builder(base, transport)
            .authorize(credentials)
            .limits(limits)
            .caller(Caller::new("multicart", account));
        if let Some(text) = self.user_agent {
            client = client.user_agent(text);
        }
        if let Some(options) = self.options {
            client = client.options(options);
        }
        client.build()
    }
}

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const TOKEN: HeaderName = http::header::AUTHORIZATION;
/// The word is Token, not Bearer.
const TOKEN_PREFIX: &str = "Token ";

fn secret(header: HeaderName, prefix: &'static str, secret: SecretString) -> Credentials {
    Credentials::Secret { header, prefix, secret }
}

/// An API key or a token that can be replaced while clients run: a rotated key is refused by the service at once.
///
/// ```
/// # fn main() -> core_http::Result<()> {
/// # let transport = std::sync::Arc::new(core_http::testing::Script::new());
/// let key = multicart::Key::api_key("prefix.secret")?;
/// let client = multicart::Builder::with_key(&key).transport(transport).build()?;
/// key.replace("prefix.newer")?; // every clone of the client uses it from the next attempt on
/// # drop(client);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Key {
    value: ApiKey,
    prefix: &'static str,
}

impl Key {
    /// An API key.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] for a secret that no header can hold.
    pub fn api_key(secret: impl Into<SecretString>) -> Result<Self> {
        Ok(Self { value: ApiKey::new(API_KEY, "", &secret.into())?, prefix: "" })
    }

    /// The token of a [`Login`](crate::Login).
    ///
    /// # Errors
    /// As [`api_key`](Key::api_key).
    pub fn token(secret: impl Into<SecretString>) -> Result<Self> {
        Ok(Self { value: ApiKey::new(TOKEN, TOKEN_PREFIX, &secret.into())?, prefix: TOKEN_PREFIX })
    }

    /// Replaces it for every client that was made with it. A call that was just refused with the old one is sent again.
    ///
    /// # Errors
    /// As [`api_key`](Key::api_key).
    pub fn replace(&self, secret: impl Into<SecretString>) -> Result<()> {
        self.value.rotate(self.prefix, &secret.into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}
