//! How a client is made.

use crate::{DataForSeo, generated::operations::CALLS};
use core_http::{
    Caller, Client, Error, ErrorKind, Options, Quota, RateLimit, Result, TokenBuckets, Transport, auth::Basic,
};
use secrecy::SecretString;
use std::{fmt, sync::Arc};
use url::Url;

/// Sends operations of DataForSEO.
pub type DfsClient = Client<DataForSeo>;

/// Where the service is.
pub const BASE_URL: &str = "https://api.dataforseo.com";

/// Settings of a client for one account.
///
/// ```
/// # fn main() -> core_http::Result<()> {
/// # let transport = std::sync::Arc::new(core_http::testing::Script::new());
/// let client = dataforseo_merchant::Builder::new("login", "password")
///     .transport(transport) // without this line: the built-in transport
///     .build()?;
/// assert_eq!(client.base(), "https://api.dataforseo.com");
/// # Ok(())
/// # }
/// ```
#[must_use = "a client is made by `build`"]
pub struct Builder {
    login: String,
    password: SecretString,
    base_url: Option<Url>,
    transport: Option<Arc<dyn Transport>>,
    limits: Option<Arc<dyn RateLimit>>,
    calls_a_minute: Option<u32>,
    options: Option<Options>,
    user_agent: Option<String>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl Builder {
    /// A client for the account with this login and API password.
    pub fn new(login: impl Into<String>, password: impl Into<SecretString>) -> Self {
        let (base_url, transport, limits, calls_a_minute, options, user_agent) = Default::default();
        let (login, password) = (login.into(), password.into());
        Self { login, password, base_url, transport, limits, calls_a_minute, options, user_agent }
    }

    /// Another endpoint than [`BASE_URL`].
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }

    /// The transport; the built-in one by default.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Who counts the calls; share one between the clients of an application.
    pub fn limits(mut self, limits: Arc<dyn RateLimit>) -> Self {
        self.limits = Some(limits);
        self
    }

    /// How many calls a minute the account may make, 2,000 by default; whoever counts them.
    pub fn calls_a_minute(mut self, calls: u32) -> Self {
        self.calls_a_minute = Some(calls);
        self
    }

    /// What calls do unless told otherwise.
    pub fn options(mut self, options: Options) -> Self {
        self.options = Some(options);
        self
    }

    /// The `User-Agent` header.
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = Some(text.into());
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] for a login that is empty or holds a colon; [`ErrorKind::Request`] for a URL that is not https
    /// (loopback excepted), a user agent that cannot be sent, or no transport: without the features `rustls` and
    /// `rustls-no-provider` there is no built-in one.
    pub fn build(self) -> Result<DfsClient> {
        let transport = self.transport.map_or_else(core_http::built_in, Ok)?;
        let limits = self.limits.unwrap_or_else(|| Arc::new(TokenBuckets::new()));
        let base_url = match self.base_url {
            Some(url) => url,
            None => BASE_URL.parse().map_err(|error| Error::new(ErrorKind::Request, error))?,
        };
        let mut client = DfsClient::builder(base_url, transport)
            .authorize(Arc::new(Basic::new(&self.login, &self.password)?))
            .limits(limits)
            .caller(Caller::new("dataforseo", self.login));
        if let Some(calls) = self.calls_a_minute {
            client = client.quota(CALLS.name, Quota::per_window(calls, 60));
        }
        if let Some(options) = self.options {
            client = client.options(options);
        }
        if let Some(text) = self.user_agent {
            client = client.user_agent(text);
        }
        client.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserData;
    use core_http::testing::{Script, response};
    use tokio::time::{Duration, Instant};

    #[tokio::test(start_paused = true)]
    async fn the_accounts_own_rate_holds_whoever_counts_the_calls() {
        let script = Arc::new(Script::new());
        script.always(|_| Ok(response(200, r#"{"status_code": 20000, "tasks": []}"#)));
        let shared: Arc<dyn RateLimit> = Arc::new(TokenBuckets::new());
        let client = Builder::new("login", "password").transport(script.clone()).limits(shared).calls_a_minute(60);
        let client = client.build().unwrap();
        let begun = Instant::now();
        for _ in 0..11 {
            drop(client.call(UserData::new()).await);
        }
        assert_eq!(script.sent(), 11);
        assert!(begun.elapsed() >= Duration::from_secs(9), "{:?}: one a second", begun.elapsed());
    }
}
