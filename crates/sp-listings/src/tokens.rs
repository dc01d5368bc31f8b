//! Access tokens that clients of one application share, and the place where a user may keep them.

use crate::{
    Credentials, Token,
    lwa::{LONGEST_LIFE, MARGIN},
};
use async_trait::async_trait;
use core_http::{Credential, Result, auth::TokenCache};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::time::Instant;

/// Refusals do not make more than one new token in this time: Amazon answers 403 also to what a seller, an application
/// or a path is not allowed, and no token helps against that.
const BETWEEN_FORCED: Duration = Duration::from_secs(60);

/// Whose token it is. Shown as `CLIENT ID/ENDPOINT/HASH`: a key, and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenKey {
    client_id: String,
    endpoint: String,
    grant: String,
}

impl TokenKey {
    pub(crate) fn new(credentials: &Credentials, endpoint: String) -> Self {
        Self { client_id: credentials.client_id.clone(), endpoint, grant: credentials.grant_hash() }
    }

    /// The application.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The token endpoint without its path, such as `https://api.amazon.com`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The SHA-256 of the refresh token, or of the scopes where there is none, in hexadecimal.
    pub fn grant(&self) -> &str {
        &self.grant
    }
}

impl fmt::Display for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.client_id, self.endpoint, self.grant)
    }
}

/// A token as it is stored.
#[derive(Clone)]
pub struct StoredToken {
    /// The token.
    pub access_token: SecretString,
    /// When it expires.
    pub expires_at: SystemTime,
}

impl fmt::Debug for StoredToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Why a store did not do what it was asked for; it must not name a token.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// Keeps tokens where other processes find them.
///
/// It is asked when the process has no token of its own. A store that fails holds nobody up: Amazon is asked then.
///
/// ```
/// use sp_listings::{StoreError, StoredToken, TokenKey, TokenStore, Tokens};
/// use std::{collections::HashMap, sync::{Arc, Mutex}};
///
/// #[derive(Debug, Default)]
/// struct Shared(Mutex<HashMap<String, StoredToken>>); // in earnest: Redis, a table, a file
///
/// #[async_trait::async_trait]
/// impl TokenStore for Shared {
///     async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, StoreError> {
///         Ok(self.0.lock().map_err(|error| error.to_string())?.get(&key.to_string()).cloned())
///     }
///     async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), StoreError> {
///         self.0.lock().map_err(|error| error.to_string())?.insert(key.to_string(), token.clone());
///         Ok(())
///     }
/// }
///
/// let tokens = Tokens::stored_in(Arc::new(Shared::default())); // for `Builder::tokens`
/// # drop(tokens);
/// ```
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The token that was saved last, if there is one; it need not be valid any more.
    async fn load(&self, key: &TokenKey) -> Result<Option<StoredToken>, StoreError>;

    /// Keeps a new token in the place of the old one.
    async fn save(&self, key: &TokenKey, token: &StoredToken) -> Result<(), StoreError>;
}

/// The tokens of an application's clients: those of one application, seller and endpoint use one token, and ask for it
/// once.
///
/// In memory by default, one for each client; share it by [`Builder::tokens`](crate::Builder::tokens).
#[derive(Clone, Default)]
pub struct Tokens {
    held: Arc<Mutex<HashMap<TokenKey, Arc<Held>>>>,
    store: Option<Arc<dyn TokenStore>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Tokens {
    /// In the memory of this process.
    pub fn new() -> Self {
        Self::default()
    }

    /// In a store, too.
    pub fn stored_in(store: Arc<dyn TokenStore>) -> Self {
        Self { held: Arc::default(), store: Some(store) }
    }

    pub(crate) fn of(&self, key: TokenKey) -> Arc<Held> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.entry(key.clone()).or_insert_with(|| Arc::new(Held::new(key, self.store.clone()))).clone()
    }
}

/// The token of one key.
#[derive(Debug)]
pub(crate) struct Held {
    key: TokenKey,
    store: Option<Arc<dyn TokenStore>>,
    cache: TokenCache,
    refused: Mutex<Option<Refused>>,
}

/// The token that Amazon refused last, and when.
#[derive(Debug)]
struct Refused {
    token: HeaderValue,
    at: Instant,
}

impl Held {
    fn new(key: TokenKey, store: Option<Arc<dyn TokenStore>>) -> Self {
        Self { key, store, cache: TokenCache::new(MARGIN), refused: Mutex::new(None) }
    }

    /// The token, from memory, from the store, or by `ask`.
    pub(crate) async fn get(&self, ask: impl AsyncFnOnce() -> Result<Token>) -> Result<(HeaderValue, Credential)> {
        let fetch = async || {
            if let Some((token, lifetime)) = self.load().await {
                return Ok((token, lifetime));
            }
            let token = ask().await?;
            let lifetime = token.lifetime();
            self.save(&token.access_token, lifetime).await;
            Ok((token.access_token, lifetime))
        };
        self.cache.get_or_fetch(fetch).await
    }

    async fn load(&self) -> Option<(SecretString, Duration)> {
        let store = self.store.as_ref()?;
        let StoredToken { access_token, expires_at } = match store.load(&self.key).await {
            Ok(stored) => stored?,
            Err(error) => {
                tracing::warn!(%error, "the token store could not be read");
                return None;
            }
        };
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.as_ref().is_some_and(|refused| refused.token == access_token.expose_secret()) {
            return None;
        }
        let left = expires_at.duration_since(SystemTime::now()).ok()?.min(LONGEST_LIFE);
        (left > MARGIN).then_some((access_token, left))
    }

    async fn save(&self, token: &SecretString, lifetime: Duration) {
        let Some(store) = &self.store else { return };
        let token = StoredToken { access_token: token.clone(), expires_at: SystemTime::now() + lifetime };
        if let Err(error) = store.save(&self.key, &token).await {
            tracing::warn!(%error, "the token store could not be written");
        }
    }

    /// Amazon refused this token. Whether another one may help.
    pub(crate) fn refused(&self, credential: Credential) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = refused.as_ref().is_some_and(|refused| refused.at.elapsed() < BETWEEN_FORCED);
        if lately && self.cache.holds(credential) {
            return false;
        }
        if let Some(token) = self.cache.forget(credential) {
            *refused = Some(Refused { token, at: Instant::now() });
        }
        true
    }
}
