//! How a client is made.

use crate::{Credentials, Lwa, LwaAuthorize, Region, SellerId, SpApi, auth};
use core_http::{Caller, Client, Error, ErrorKind, Options, RateLimit, Result, TokenBuckets, Transport};
use std::sync::Arc;
use url::Url;

/// Sends operations of SP-API.
pub type SpClient = Client<SpApi>;

/// Settings of a client for one seller in one region.
///
/// ```
/// use sp_listings::{Builder, Credentials, Region, SellerId};
/// # fn main() -> core_http::Result<()> {
/// # let transport = std::sync::Arc::new(core_http::testing::Script::new());
/// let credentials = Credentials::new("amzn1.application-oa2-client.1", "secret", "Atzr|token");
/// let client = Builder::new(Region::Europe, credentials)
///     .seller(SellerId::new("AO0WPKWDI17JQ").expect("letters and digits"))
///     .transport(transport) // without this line: the built-in transport
///     .build()?;
/// assert_eq!(client.base(), "https://sellingpartnerapi-eu.amazon.com");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a client is made by `build`"]
pub struct Builder {
    region: Region,
    credentials: Credentials,
    base_url: Option<Url>,
    lwa_url: Option<Url>,
    application: Option<String>,
    seller: Option<SellerId>,
    limits: Option<Arc<dyn RateLimit>>,
    transport: Option<Arc<dyn Transport>>,
    user_agent: Option<String>,
    options: Option<Options>,
}

impl Builder {
    /// A client for this region's endpoint.
    pub fn new(region: Region, credentials: Credentials) -> Self {
        Self {
            region,
            credentials,
            base_url: None,
            lwa_url: None,
            application: None,
            seller: None,
            limits: None,
            transport: None,
            user_agent: None,
            options: None,
        }
    }

    /// Another endpoint than the region's.
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }

    /// Another token endpoint than Amazon's, with or without its path `/auth/o2/token`.
    pub fn lwa_url(mut self, url: Url) -> Self {
        self.lwa_url = Some(url);
        self
    }

    /// Names the application, whose clients share the limits that count per application.
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.application = Some(name.into());
        self
    }

    /// Names the seller, by whom the limits of an account are counted.
    pub fn seller(mut self, seller: SellerId) -> Self {
        self.seller = Some(seller);
        self
    }

    /// Who counts the calls; share one between the clients of an application.
    pub fn limits(mut self, limits: Arc<dyn RateLimit>) -> Self {
        self.limits = Some(limits);
        self
    }

    /// The transport; the built-in one by default.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// The `User-Agent`. Amazon wants the form `Application/Version (Language=Rust; Platform=Linux)`, at most 500
    /// characters, `Language` included.
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
    /// [`ErrorKind::Request`] for a URL that is not https (loopback excepted), a user agent that cannot be sent, or no
    /// transport: without the features `rustls` and `rustls-no-provider` there is no built-in one.
    pub fn build(self) -> Result<SpClient> {
        let transport = match self.transport {
            Some(transport) => transport,
            None => core_http::built_in()?,
        };
        let region = self.region;
        // An account without a name is told apart by its region at least.
        let account = self.seller.map_or_else(|| region.to_string(), |seller| format!("{seller}@{region}"));
        let application = self.application.unwrap_or_else(|| "sp-api".to_owned());
        let caller = Caller::new(format!("{application}@{region}"), account);
        let limits = self.limits.unwrap_or_else(|| Arc::new(TokenBuckets::new()));

        let mut lwa = Client::<Lwa>::builder(token_base(self.lwa_url)?, transport.clone()).limits(limits.clone());
        let mut client = SpClient::builder(self.base_url.map_or_else(|| parse(region.endpoint()), Ok)?, transport)
            .limits(limits)
            .caller(caller);
        if let Some(text) = self.user_agent {
            (lwa, client) = (lwa.user_agent(text.clone()), client.user_agent(text));
        }
        if let Some(options) = self.options {
            client = client.options(options);
        }
        client.authorize(Arc::new(LwaAuthorize::new(lwa.build()?, self.credentials))).build()
    }
}

/// The token endpoint without its path, which stands in the operation.
fn token_base(url: Option<Url>) -> Result<Url> {
    let mut url = url.map_or_else(|| parse(auth::TOKEN_URL), Ok)?;
    if let Some(root) = url.path().strip_suffix(auth::TOKEN_PATH) {
        let root = root.to_owned();
        url.set_path(&root);
    }
    Ok(url)
}

fn parse(url: &str) -> Result<Url> {
    url.parse().map_err(|error| Error::new(ErrorKind::Request, format!("{url}: {error}")))
}
