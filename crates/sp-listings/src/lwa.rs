//! Login with Amazon (LWA): what buys an access token, and the call that does.
//!
//! LWA is a vendor of its own, so that its calls go through the same loop as all others.

use core_http::{
    ErrorKind, Fault, Head, Limits, Operation, Request, RequestBuilder, Response, Result, Safety, Vendor, lenient,
    open_enum,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use std::{fmt, time::Duration};

/// The token endpoint for all regions.
pub(crate) const TOKEN_URL: &str = "https://api.amazon.com/auth/o2/token";
pub(crate) const TOKEN_PATH: &str = "/auth/o2/token";

/// A token is renewed so long before it expires.
pub(crate) const MARGIN: Duration = Duration::from_secs(60);
/// A token is used for at least a minute and lives at most an hour, whatever its answer says or leaves out.
const SHORTEST_USE: Duration = Duration::from_secs(60);
pub(crate) const LONGEST_LIFE: Duration = Duration::from_secs(3600);

open_enum! {
    /// What an application may do without any seller's consent (LWA's `scope` of the grant `client_credentials`).
    pub enum GrantlessScope {
        /// Destinations and subscriptions of notifications.
        Notifications = "sellingpartnerapi::notifications",
        /// A new client secret for the application itself.
        ClientCredentialRotation = "sellingpartnerapi::client_credential:rotation",
    }
}

/// An application's credentials at LWA, and in whose name it acts.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) client_id: String,
    client_secret: SecretString,
    grant: Grant,
}

#[derive(Clone)]
enum Grant {
    RefreshToken(SecretString),
    ClientCredentials(String),
}

impl Credentials {
    /// The application's id and secret, and the refresh token that a seller gave it (`Atzr|…`): for everything that is a
    /// seller's.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
        refresh_token: impl Into<SecretString>,
    ) -> Self {
        let (client_secret, grant) = (client_secret.into(), Grant::RefreshToken(refresh_token.into()));
        Self { client_id: client_id.into(), client_secret, grant }
    }

    /// The application's id and secret alone, for the few operations that Amazon calls grantless.
    ///
    /// ```
    /// use sp_listings::{Builder, Credentials, GrantlessScope, Region};
    /// # fn main() -> core_http::Result<()> {
    /// # let transport = std::sync::Arc::new(core_http::testing::Script::new());
    /// let credentials = Credentials::grantless("amzn1.application-oa2-client.1", "secret", [GrantlessScope::Notifications]);
    /// let client = Builder::new(Region::Europe, credentials).transport(transport).build()?;
    /// # drop(client);
    /// # Ok(())
    /// # }
    /// ```
    pub fn grantless(
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
        scopes: impl IntoIterator<Item = GrantlessScope>,
    ) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(|scope| scope.to_string()).collect();
        let (client_secret, grant) = (client_secret.into(), Grant::ClientCredentials(scopes.join(" ")));
        Self { client_id: client_id.into(), client_secret, grant }
    }

    /// A name for what its tokens may do, from which no secret can be found out: SHA-256 in hexadecimal.
    pub(crate) fn grant_hash(&self) -> String {
        let text = match &self.grant {
            Grant::RefreshToken(token) => token.expose_secret(),
            Grant::ClientCredentials(scope) => scope.as_str(),
        };
        hmac_sha256::Hash::hash(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Login with Amazon.
///
/// A token is asked for again after a failure of the connection, a 5xx, and a 429: after that one no sooner than its
/// `Retry-After` says, or with growing pauses, four times in all and once for all who wait. Any other refusal is final.
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

    fn advice(_: &Request, fault: &Fault) -> Option<&'static str> {
        match fault.code.as_str() {
            "invalid_grant" => Some(
                "the refresh token was withdrawn, has expired or belongs to another application: the seller has to \
                 authorise the application again, and the new refresh token has to be set here",
            ),
            "invalid_client" => Some("check the application's client id and client secret"),
            "unauthorized_client" => Some("the application may not use this grant: check its client id and its roles"),
            "invalid_scope" => Some("the application may not ask for this scope"),
            _ => None,
        }
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
    pub(crate) access_token: SecretString,
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
    pub(crate) fn lifetime(&self) -> Duration {
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
        let Credentials { client_id, client_secret, grant } = &self.0;
        let (grant_type, (name, value)) = match grant {
            Grant::RefreshToken(token) => ("refresh_token", ("refresh_token", token.expose_secret())),
            Grant::ClientCredentials(scope) => ("client_credentials", ("scope", scope.as_str())),
        };
        let fields = [
            ("grant_type", grant_type),
            (name, value),
            ("client_id", client_id),
            ("client_secret", client_secret.expose_secret()),
        ];
        RequestBuilder::post(TOKEN_PATH).form(&fields).build()
    }

    fn output(&self, wire: Token) -> Result<Token> {
        Ok(wire)
    }
}
