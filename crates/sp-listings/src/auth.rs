//! Login with Amazon (LWA): a refresh token buys access tokens that live an hour.
//!
//! LWA is a vendor of its own, so that its calls go through the same loop as all others.

use async_trait::async_trait;
use core_http::{
    Authorize, Client, Credential, Error, ErrorKind, Fault, Head, Limits, Operation, Request, RequestBuilder, Response,
    Result, Safety, Vendor, auth::TokenCache, lenient,
};
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use std::{fmt, time::Duration};

/// The token endpoint for all regions.
pub(crate) const TOKEN_URL: &str = "https://api.amazon.com/auth/o2/token";
pub(crate) const TOKEN_PATH: &str = "/auth/o2/token";

/// A token is renewed so long before it expires.
const MARGIN: Duration = Duration::from_secs(60);
/// A token is used for at least a minute and lives at most an hour, whatever its answer says or leaves out.
const SHORTEST_USE: Duration = Duration::from_secs(60);
const LONGEST_LIFE: Duration = Duration::from_secs(3600);

/// An application's credentials at LWA, and the refresh token that one seller gave it.
#[derive(Clone)]
pub struct Credentials {
    client_id: String,
    client_secret: SecretString,
    refresh_token: SecretString,
}

impl Credentials {
    /// The application's id and secret, and the seller's refresh token (`Atzr|…`).
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
        refresh_token: impl Into<SecretString>,
    ) -> Self {
        let (client_secret, refresh_token) = (client_secret.into(), refresh_token.into());
        Self { client_id: client_id.into(), client_secret, refresh_token }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Login with Amazon.
#[derive(Debug)]
pub enum Lwa {}

impl Vendor for Lwa {
    const NAME: &'static str = "lwa";

    type Envelope<W: DeserializeOwned> = W;

    fn unwrap<W: DeserializeOwned>(envelope: W) -> Result<W, Fault> {
        Ok(envelope)
    }

    fn refusal(response: &Response) -> Option<Fault> {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
            #[serde(default)]
            error_description: Option<String>,
        }
        let Refusal { error, error_description } = serde_json::from_slice(response.body()).ok()?;
        let kind = match (response.status().as_u16(), error.as_str()) {
            (429, _) => ErrorKind::Throttled,
            (500.., _) | (_, "server_error" | "temporarily_unavailable") => ErrorKind::Unavailable,
            _ => ErrorKind::Auth,
        };
        Some(Fault::new(kind, error, error_description.unwrap_or_default()))
    }

    fn request_id(head: &Head<'_>) -> Option<String> {
        head.header("x-amzn-requestid").map(str::to_owned)
    }
}

/// Asks for an access token.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until a client calls it"]
pub struct GetToken(Credentials);

impl GetToken {
    /// With these credentials.
    pub fn new(credentials: Credentials) -> Self {
        Self(credentials)
    }
}

/// LWA's answer; serialised without its secret.
#[derive(Deserialize)]
pub struct Token {
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
    #[serde(default, deserialize_with = "lenient::option_i64")]
    expires_in: Option<i64>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            expires_in: Option<i64>,
        }
        Shown { expires_in: self.expires_in }.serialize(serializer)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

impl Token {
    /// How long the cache may keep it, its margin included.
    fn lifetime(&self) -> Duration {
        let stated = self.expires_in.map_or(LONGEST_LIFE, |seconds| Duration::from_secs(seconds.max(0).unsigned_abs()));
        stated.clamp(MARGIN + SHORTEST_USE, LONGEST_LIFE)
    }
}

impl Operation for GetToken {
    type Vendor = Lwa;
    type Wire = Token;
    type Output = Token;
    const NAME: &'static str = "getToken";

    /// A second token leaves the first one valid.
    fn safety(&self) -> Safety {
        Safety::ReadOnly
    }

    fn limits(&self) -> Limits {
        Limits::new()
    }

    fn time_out(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn request(&self) -> Result<Request> {
        let Credentials { client_id, client_secret, refresh_token } = &self.0;
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose_secret()),
            ("client_id", client_id),
            ("client_secret", client_secret.expose_secret()),
        ];
        RequestBuilder::post(TOKEN_PATH).form(&fields).build()
    }

    fn output(&self, wire: Token) -> Result<Token> {
        Ok(wire)
    }
}

/// Puts an access token and the date on requests; one token serves all calls until shortly before it expires.
#[derive(Debug)]
pub struct LwaAuthorize {
    client: Client<Lwa>,
    ask: GetToken,
    cache: TokenCache,
}

impl LwaAuthorize {
    /// Fetches tokens with this client.
    pub fn new(client: Client<Lwa>, credentials: Credentials) -> Self {
        Self { client, ask: GetToken(credentials), cache: TokenCache::new(MARGIN) }
    }

    async fn fetch(&self) -> Result<(SecretString, Duration)> {
        match self.client.call(self.ask.clone()).await {
            Ok(token) => Ok((token.access_token.clone(), token.lifetime())),
            Err(error) => Err(unsent(error)),
        }
    }
}

/// A token that could not be had means that the call itself was never sent.
fn unsent(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Auth | ErrorKind::Connect | ErrorKind::Request => error,
        ErrorKind::Rejected | ErrorKind::NotFound => Error::new(ErrorKind::Auth, error),
        _ => Error::new(ErrorKind::Connect, error),
    }
}

#[async_trait]
impl Authorize for LwaAuthorize {
    async fn authorize(&self, request: &mut Request) -> Result<Credential> {
        let (token, credential) = self.cache.get_or_fetch(async || self.fetch().await).await?;
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let date = HeaderValue::try_from(now).map_err(|error| Error::new(ErrorKind::Request, error))?;
        let headers = request.headers_mut();
        headers.insert(HeaderName::from_static("x-amz-access-token"), token);
        headers.insert(HeaderName::from_static("x-amz-date"), date);
        Ok(credential)
    }

    /// Amazon answers 403 to an expired token and to a forbidden call alike; a new token is tried once.
    async fn refused(&self, credential: Credential) -> bool {
        self.cache.forget(credential);
        true
    }
}
