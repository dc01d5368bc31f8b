//! AWS Signature Version 4, for gateways in front of SP-API that still want it. Amazon itself ignores signatures since
//! 2023-10-02.

use crate::{
    Region,
    auth::{ACCESS_TOKEN, DATE},
};
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use core_http::{Error, ErrorKind, Request, Result};
use http::header;
use secrecy::{ExposeSecret, SecretString};
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

/// The service that SP-API's gateways are.
const SERVICE: &str = "execute-api";

/// The AWS keys that requests are signed with (feature `sigv4`); they can be replaced while calls run.
///
/// ```
/// use sp_listings::{Builder, Credentials, Region, SigV4};
/// # fn main() -> core_http::Result<()> {
/// # let transport = std::sync::Arc::new(core_http::testing::Script::new());
/// let keys = SigV4::temporary("ASIAEXAMPLE", "secret key", "session token");
/// let credentials = Credentials::new("amzn1.application-oa2-client.1", "secret", "Atzr|token");
/// let client = Builder::new(Region::Europe, credentials).sign(keys.clone()).transport(transport).build()?;
/// keys.rotate(&SigV4::temporary("ASIAEXAMPLE2", "another key", "another token")); // from the next attempt on
/// # drop(client);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SigV4(Arc<RwLock<Keys>>);

#[derive(Clone)]
struct Keys {
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
}

impl fmt::Debug for SigV4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigV4").finish_non_exhaustive()
    }
}

impl SigV4 {
    /// The keys of a user.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<SecretString>) -> Self {
        let (access_key_id, secret_access_key) = (access_key_id.into(), secret_access_key.into());
        Self(Arc::new(RwLock::new(Keys { access_key_id, secret_access_key, session_token: None })))
    }

    /// The keys of a role, with the session token that goes into `X-Amz-Security-Token`.
    pub fn temporary(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<SecretString>,
        session_token: impl Into<SecretString>,
    ) -> Self {
        let keys = Self::new(access_key_id, secret_access_key);
        keys.0.write().unwrap_or_else(PoisonError::into_inner).session_token = Some(session_token.into());
        keys
    }

    /// Takes over other keys, for this and every clone.
    pub fn rotate(&self, keys: &Self) {
        let keys = keys.keys();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn keys(&self) -> Keys {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds `Authorization`, and with temporary keys `X-Amz-Security-Token`.
    pub(crate) fn sign(&self, request: &mut Request, region: Region, now: SystemTime) -> Result<()> {
        self.sign_for(SERVICE, region.aws_region(), request, now)
    }

    fn sign_for(&self, service: &str, region: &str, request: &mut Request, now: SystemTime) -> Result<()> {
        // Neither error names a key.
        let failed = |error: &dyn fmt::Display| Error::new(ErrorKind::Request, format!("cannot be signed: {error}"));
        let Keys { access_key_id, secret_access_key, session_token } = self.keys();
        let session_token = session_token.map(|token| token.expose_secret().to_owned());
        let secret = secret_access_key.expose_secret();
        let identity = Credentials::new(access_key_id, secret, session_token, None, "sp-listings").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| failed(&error))?
            .into();
        let uri = request.uri().to_string();
        // What a gateway may change on the way is not signed; the host is, by its place in the address.
        let signed = [ACCESS_TOKEN, header::CONTENT_TYPE];
        let headers =
            signed.iter().filter_map(|name| Some((name.as_str(), request.headers().get(name)?.to_str().ok()?)));
        let signable =
            SignableRequest::new(request.method().as_str(), uri, headers, SignableBody::Bytes(request.body()));
        let signable = signable.map_err(|error| failed(&error))?;
        let (instructions, _) = sign(signable, &parameters).map_err(|error| failed(&error))?.into_parts();
        request.headers_mut().remove(DATE);
        instructions.apply_to_request_http1x(request);
        for name in [header::AUTHORIZATION, http::HeaderName::from_static("x-amz-security-token")] {
            if let Some(value) = request.headers_mut().get_mut(name) {
                value.set_sensitive(true);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::time::Duration;

    /// The keys and the time of AWS's published test suite.
    fn keys() -> SigV4 {
        SigV4::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    }

    fn time() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
    }

    fn signed(keys: &SigV4, method: &str, url: &str, service: &str) -> Request {
        let mut request = http::Request::builder().method(method).uri(url).body(Bytes::new()).unwrap();
        keys.sign_for(service, "us-east-1", &mut request, time()).unwrap();
        request
    }

    #[test]
    fn signatures_are_those_of_awss_test_suite() {
        for (case, method, path, signature) in [
            ("get-vanilla", "GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("post-vanilla", "POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "get-vanilla-query-order-key-case",
                "GET",
                "/?Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
        ] {
            let request = signed(&keys(), method, &format!("https://example.amazonaws.com{path}"), "service");
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature={signature}"
            );
            assert_eq!(request.headers()["authorization"], expected.as_str(), "{case}");
            assert_eq!(request.headers()["x-amz-date"], "20150830T123600Z");
            assert!(request.headers()["authorization"].is_sensitive());
        }
    }

    /// The signature was computed apart from this crate, by the rules of the AWS documentation "Create a signed AWS API
    /// request": outside S3, the path is encoded a second time.
    #[test]
    fn a_session_token_is_sent_and_signed_with_the_path_as_it_travels() {
        let keys = SigV4::temporary("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session");
        let url = "https://sellingpartnerapi-eu.amazon.com/listings/2021-08-01/items/A1/A%2FB%20C?marketplaceIds=A33AVAJ2PDY3EV";
        let request = http::Request::patch(url)
            .header("x-amz-access-token", "Atza|t")
            .header("content-type", "application/json")
            .header("user-agent", "changes on the way/1");
        let mut request = request.body(Bytes::from_static(b"{}")).unwrap();
        keys.sign(&mut request, Region::Europe, time()).unwrap();
        assert_eq!(request.headers()["x-amz-security-token"], "session");
        assert!(request.headers()["x-amz-security-token"].is_sensitive());
        let signed = "content-type;host;x-amz-access-token;x-amz-date;x-amz-security-token";
        let signature = "f6e696c4462c947219a5303795dae94bf0e6cccbf7a316696a35c58e4e9e4183";
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/execute-api/aws4_request, \
             SignedHeaders={signed}, Signature={signature}"
        );
        assert_eq!(request.headers()["authorization"], expected.as_str());
        assert!(!format!("{keys:?}").contains("wJalr"));
    }

    #[test]
    fn rotated_keys_are_used_by_every_clone() {
        let first = keys();
        let clone = first.clone();
        first.rotate(&SigV4::new("OTHER", "secret"));
        let request = signed(&clone, "GET", "https://example.amazonaws.com/", SERVICE);
        assert!(request.headers()["authorization"].to_str().unwrap().contains("Credential=OTHER/"));
    }
}
