//! What every request to SP-API carries: an access token, the date, and for gateways that still want it a signature.

use crate::{
    Credentials, GetToken, Lwa, Tokens,
    tokens::{Held, TokenKey},
};
use async_trait::async_trait;
use core_http::{Authorize, Client, Credential, Error, ErrorKind, Request, Result};
use http::{HeaderName, HeaderValue};
use std::{sync::Arc, time::SystemTime};

/// Carries the access token.
pub(crate) const ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-amz-access-token");
/// Carries the time of the attempt: `20260730T093000Z`, in UTC.
pub(crate) const DATE: HeaderName = HeaderName::from_static("x-amz-date");

/// Puts an access token and the date on requests; one token serves all calls until shortly before it expires.
#[derive(Debug)]
pub struct LwaAuthorize {
    client: Client<Lwa>,
    ask: GetToken,
    held: Arc<Held>,
    #[cfg(feature = "sigv4")]
    signing: Option<(crate::SigV4, crate::Region)>,
}

impl LwaAuthorize {
    /// Fetches tokens with this client, unless others who share `tokens` have one.
    pub fn new(client: Client<Lwa>, credentials: Credentials, tokens: &Tokens) -> Self {
        let held = tokens.of(TokenKey::new(&credentials, client.base()));
        Self {
            client,
            ask: GetToken::new(credentials),
            held,
            #[cfg(feature = "sigv4")]
            signing: None,
        }
    }

    /// Signs requests for the gateway of this region, too.
    #[cfg(feature = "sigv4")]
    pub fn sign(mut self, keys: crate::SigV4, region: crate::Region) -> Self {
        self.signing = Some((keys, region));
        self
    }
}

/// A token that could not be had means that the call itself was never sent.
fn unsent(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Auth | ErrorKind::Connect | ErrorKind::Request => error,
        ErrorKind::Rejected | ErrorKind::NotFound => Error::new(ErrorKind::Auth, error),
        // LWA has been asked again as often as is decent: the call does not ask from the beginning.
        ErrorKind::Throttled => Error::new(ErrorKind::Throttled, error),
        _ => Error::new(ErrorKind::Connect, error),
    }
}

#[async_trait]
impl Authorize for LwaAuthorize {
    async fn authorize(&self, request: &mut Request) -> Result<Credential> {
        let ask = async || Box::pin(self.client.call(self.ask.clone())).await.map_err(unsent);
        let (token, credential) = self.held.get(ask).await?;
        let now = SystemTime::now();
        let headers = request.headers_mut();
        headers.insert(ACCESS_TOKEN, token);
        headers.insert(DATE, date(now)?);
        #[cfg(feature = "sigv4")]
        if let Some((keys, region)) = &self.signing {
            keys.sign(request, *region, now)?;
        }
        Ok(credential)
    }

    /// Amazon answers 403 to an expired token and to a forbidden call alike; a new token is tried once, and not for every
    /// call again.
    async fn refused(&self, credential: Credential) -> bool {
        self.held.refused(credential)
    }
}

fn date(now: SystemTime) -> Result<HeaderValue> {
    let now = jiff::Timestamp::try_from(now).map_err(|error| Error::new(ErrorKind::Request, error))?;
    HeaderValue::try_from(now.strftime("%Y%m%dT%H%M%SZ").to_string())
        .map_err(|error| Error::new(ErrorKind::Request, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_date_is_in_amazons_form_and_in_utc() {
        for (seconds, text) in [(0, "19700101T000000Z"), (1_440_938_160, "20150830T123600Z"), (1, "19700101T000001Z")] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 999);
            assert_eq!(date(time).unwrap(), text);
        }
    }
}
