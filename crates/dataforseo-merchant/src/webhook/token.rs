//! The secret in a receiver's address. Webhooks are not signed: only who knows it can be the vendor.

use crate::{InvalidRequest, WebhookUrl};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use subtle::ConstantTimeEq;
use url::Url;

/// A secret that stands in the path of a receiver's address.
#[derive(Clone)]
pub struct Token(SecretString);

/// A text that cannot be a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a token has at least {least} letters, digits, hyphens or underscores, and no other characters", least = Token::SHORTEST)]
pub struct InvalidToken;

impl Token {
    const SHORTEST: usize = 32;

    /// A new one, from the operating system's randomness. Tasks that are pending call the address with the token that they
    /// were posted with: keep it as long as they may be.
    pub fn random() -> Self {
        let half = || uuid::Uuid::new_v4().simple().to_string();
        Self((half() + &half()).into())
    }

    /// One that was kept.
    ///
    /// # Errors
    /// When it is short or does not fit into a path.
    pub fn new(text: impl Into<SecretString>) -> Result<Self, InvalidToken> {
        let text = text.into();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let secret = text.expose_secret();
        let is_good = secret.len() >= Self::SHORTEST && secret.bytes().all(fits);
        is_good.then_some(Self(text)).ok_or(InvalidToken)
    }

    /// One for a part of what is posted, such as a run, made from this one (HMAC-SHA-256): who learns it can forge results of
    /// that part alone. A receiver with this token knows it again, and tells its [`Expects`](super::Expects) the part; an
    /// [`Intake`](super::Intake) and a ledger by itself have no parts, and take nothing through it.
    pub fn for_part(&self, part: u64) -> Self {
        Self(format!("{part}-{}", self.mac(&format!("part {part}"))).into())
    }

    /// One for something of this name, such as one account, made from this one, which cannot be found from it. What is made
    /// from the two is not the same either.
    pub fn derived(&self, name: &str) -> Self {
        Self(self.mac(&format!("for {name}")).into())
    }

    fn mac(&self, what: &str) -> String {
        hmac_sha256::HMAC::mac(what, self.expose()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The text, to be kept in a secret place.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The address for results of a receiver with this token, where `public` is what the vendor sees of it; for who posts
    /// tasks without receiving.
    ///
    /// # Errors
    /// When `public` is not https, holds a login, or, unless it `may_be_private`, is of a private network.
    pub fn postback_url(&self, public: &Url, may_be_private: bool) -> Result<WebhookUrl, InvalidRequest> {
        self.url(public, "postback", may_be_private)
    }

    pub(super) fn url(&self, public: &Url, last: &str, may_be_private: bool) -> Result<WebhookUrl, InvalidRequest> {
        let before = &public[..url::Position::AfterPath];
        let url = format!("{}/{}/{last}?id=$id&tag=$tag", before.trim_end_matches('/'), self.expose());
        WebhookUrl::secret(url, may_be_private)
    }

    /// What an address with this text is for: everything, or one part; `None` if it is neither this token nor one of its parts'.
    pub(super) fn scope(&self, text: &str) -> Option<Option<u64>> {
        if self.is(text) {
            return Some(None);
        }
        let part = text.split_once('-')?.0.parse().ok()?;
        self.for_part(part).is(text).then_some(Some(part))
    }

    /// Whether this is it; how long that takes says nothing about how much of it is right.
    fn is(&self, text: &str) -> bool {
        self.expose().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
