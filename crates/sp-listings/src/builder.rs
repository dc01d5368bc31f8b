//! How a client is made.

use crate::{
    Credentials, Lwa, LwaAuthorize, OPERATIONS, Region, SellerId, SpApi, Tokens, UserAgent,
    lwa::{TOKEN_PATH, TOKEN_URL},
    region,
};
use core_http::{
    Caller, Client, Error, ErrorKind, Exclusive, Options, Quota, RateLimit, Result, TokenBuckets, Transport,
};
use std::{collections::BTreeSet, sync::Arc};
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
    sandbox: bool,
    base_url: Option<Url>,
    lwa_url: Option<Url>,
    application: Option<String>,
    seller: Option<SellerId>,
    limits: Option<Arc<dyn RateLimit>>,
    quotas: Vec<(String, Quota)>,
    exclusive: Exclusive,
    tokens: Tokens,
    #[cfg(feature = "sigv4")]
    keys: Option<crate::SigV4>,
    transport: Option<Arc<dyn Transport>>,
    user_agent: UserAgent,
    options: Option<Options>,
}

impl Builder {
    /// A client for this region's endpoint.
    pub fn new(region: Region, credentials: Credentials) -> Self {
        Self {
            region,
            credentials,
            sandbox: false,
            base_url: None,
            lwa_url: None,
            application: None,
            seller: None,
            limits: None,
            quotas: Vec::new(),
            exclusive: Exclusive::new(),
            tokens: Tokens::new(),
            #[cfg(feature = "sigv4")]
            keys: None,
            transport: None,
            user_agent: UserAgent::default(),
            options: None,
        }
    }

    /// Amazon's own sandbox for the region: static answers, and nothing is changed.
    pub fn sandbox(mut self) -> Self {
        self.sandbox = true;
        self
    }

    /// Another endpoint than the region's, or its sandbox's.
    pub fn base_url(mut self, url: Url) -> Self {
        self.base_url = Some(url);
        self
    }

    /// Another token endpoint than Amazon's, with or without its path `/auth/o2/token`.
    pub fn lwa_url(mut self, url: Url) -> Self {
        self.lwa_url = Some(url);
        self
    }

    /// Names the application, whose clients share the limits that count per application; its client id by default.
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

    /// What this application or seller is allowed under one limit, by its name in [`OPERATIONS`], instead of what Amazon
    /// documents. A rate that Amazon announces is then followed down, and up no further than this.
    ///
    /// ```
    /// use core_http::Quota;
    /// use sp_listings::{Builder, Credentials, Region};
    /// # fn main() -> core_http::Result<()> {
    /// # let transport = std::sync::Arc::new(core_http::testing::Script::new());
    /// let credentials = Credentials::new("amzn1.application-oa2-client.1", "secret", "Atzr|token");
    /// let client = Builder::new(Region::Europe, credentials)
    ///     .quota("patchListingsItem", Quota::documented(2.0, 2)) // the rest is for another program
    ///     .transport(transport)
    ///     .build()?;
    /// # drop(client);
    /// # Ok(())
    /// # }
    /// ```
    pub fn quota(mut self, limit: impl Into<String>, quota: Quota) -> Self {
        self.quotas.push((limit.into(), quota));
        self
    }

    /// Which listings are being changed right now: two changes of one are never under way at once. Clones of a client
    /// share it; share one between clients of the same seller that are built apart.
    pub fn exclusive(mut self, exclusive: Exclusive) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// Where the access tokens are; share one between the clients of an application.
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = tokens;
        self
    }

    /// Signs every request with these AWS keys, too. Amazon ignores signatures; a gateway of your own may not.
    #[cfg(feature = "sigv4")]
    pub fn sign(mut self, keys: crate::SigV4) -> Self {
        self.keys = Some(keys);
        self
    }

    /// The transport; the built-in one by default.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// How the application names itself; by default as this library.
    pub fn user_agent(mut self, agent: UserAgent) -> Self {
        self.user_agent = agent;
        self
    }

    /// What calls do unless told otherwise.
    pub fn options(mut self, options: Options) -> Self {
        self.options = Some(options);
        self
    }

    /// The client. It refuses, before anything is sent, a call to a marketplace of another region.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] for a URL that is not https (loopback excepted), a user agent that cannot be sent, a quota
    /// of a limit that does not exist, or no transport: without the features `rustls` and `rustls-no-provider` there is no
    /// built-in one.
    pub fn build(self) -> Result<SpClient> {
        let transport = match self.transport {
            Some(transport) => transport,
            None => core_http::built_in()?,
        };
        let region = self.region;
        // Amazon counts by application and seller; a seller without a name is told apart by whose tokens it uses.
        let application = self.application.unwrap_or_else(|| self.credentials.client_id.clone());
        let seller =
            self.seller.map_or_else(|| self.credentials.grant_hash()[..16].to_owned(), |seller| seller.to_string());
        let caller = Caller::new(format!("{application}@{region}"), format!("{seller}@{region} of {application}"));
        let limits = self.limits.unwrap_or_else(|| Arc::new(TokenBuckets::new()));
        let user_agent = self.user_agent.text()?;
        let endpoint = if self.sandbox { region.sandbox_endpoint() } else { region.endpoint() };

        let lwa = Client::<Lwa>::builder(token_base(self.lwa_url)?, transport.clone())
            .limits(limits.clone())
            .user_agent(user_agent.clone())
            .build()?;
        let authorize = LwaAuthorize::new(lwa, self.credentials, &self.tokens);
        #[cfg(feature = "sigv4")]
        let authorize = match self.keys {
            Some(keys) => authorize.sign(keys, region),
            None => authorize,
        };
        let mut client = SpClient::builder(self.base_url.map_or_else(|| parse(endpoint), Ok)?, transport)
            .authorize(Arc::new(authorize))
            .limits(limits)
            .caller(caller)
            .exclusive(self.exclusive)
            .check(move |request| region::is_served(region, request))
            .user_agent(user_agent);
        for (limit, quota) in self.quotas {
            client = client.quota(known(limit)?, quota);
        }
        if let Some(options) = self.options {
            client = client.options(options);
        }
        client.build()
    }
}

/// The name of a limit, if there is one of this name.
fn known(limit: String) -> Result<String> {
    let names = OPERATIONS.iter().flat_map(|operation| operation.limits);
    let names: BTreeSet<&str> = names.filter_map(|words| Some(words.split_once(": ")?.0)).collect();
    if names.contains(limit.as_str()) {
        return Ok(limit);
    }
    let names: Vec<&str> = names.into_iter().collect();
    Err(Error::new(ErrorKind::Request, format!("there is no limit `{limit}`, there are: {}", names.join(", "))))
}

/// The token endpoint without its path, which stands in the operation.
fn token_base(url: Option<Url>) -> Result<Url> {
    let mut url = url.map_or_else(|| parse(TOKEN_URL), Ok)?;
    if let Some(root) = url.path().strip_suffix(TOKEN_PATH) {
        let root = root.to_owned();
        url.set_path(&root);
    }
    Ok(url)
}

fn parse(url: &str) -> Result<Url> {
    url.parse().map_err(|error| Error::new(ErrorKind::Request, format!("{url}: {error}")))
}
