//! Addresses that are keys.

use core_http::{Error, ErrorKind, Result};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// An absolute address that Amazon has signed: whoever has it reads or writes what is there, without a token.
///
/// So it is a secret, and `Debug` does not show it. Written as JSON it is whole, so that a stored answer is of use.
///
/// ```
/// use sp_listings::feeds::FeedDocument;
///
/// let answer = r#"{"feedDocumentId": "amzn1.tortuga.4.eu.1", "url": "https://d.example/1?X-Amz-Signature=5f3759df"}"#;
/// let document: FeedDocument = serde_json::from_str(answer)?;
/// assert!(!format!("{document:?}").contains("5f3759df"));
/// let address = document.url.url()?; // for `Client::download_url`
/// assert_eq!(address.query(), Some("X-Amz-Signature=5f3759df"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SignedUrl(SecretString);

impl SignedUrl {
    /// The address, for [`Client::upload_url`](core_http::Client::upload_url) and
    /// [`download_url`](core_http::Client::download_url). It is shown by whatever shows a `Url`.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if it is no absolute address; the message does not quote it.
    pub fn url(&self) -> Result<url::Url> {
        let parsed = self.0.expose_secret().parse();
        parsed.map_err(|_| Error::new(ErrorKind::Decode, "the signed address in the answer is no absolute one"))
    }
}

impl PartialEq for SignedUrl {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl<'de> Deserialize<'de> for SignedUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|address| Self(address.into()))
    }
}

impl Serialize for SignedUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}
