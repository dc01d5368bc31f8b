//! Credentials: put on a request before every attempt, renewed once when the vendor refuses them.

use crate::{Error, ErrorKind, Request, Result, client::from_now};
use async_trait::async_trait;
use base64::Engine;
use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::time::{Instant, timeout_at};

/// Puts credentials on requests.
#[async_trait]
pub trait Authorize: fmt::Debug + Send + Sync + 'static {
    /// Puts credentials on the request and says which ones; asked again before every attempt.
    async fn authorize(&self, request: &mut Request) -> Result<Credential>;

    /// The vendor refused these credentials: forgets them. Returns whether another try can help.
    async fn refused(&self, credential: Credential) -> bool {
        let _ = credential;
        false
    }
}

/// Which credentials a request carried, so that a refusal of old ones does not drop newer ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Credential(pub u64);

/// A header value that is never printed.
///
/// # Errors
/// [`ErrorKind::Auth`] if the secret holds a character that no header may hold; the message does not show it.
pub fn sensitive(secret: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(secret)
        .map_err(|_| Error::new(ErrorKind::Auth, "the secret holds a character that no HTTP header may hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// No credentials at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous;

#[async_trait]
impl Authorize for Anonymous {
    async fn authorize(&self, _: &mut Request) -> Result<Credential> {
        Ok(Credential::default())
    }
}

/// HTTP Basic authentication.
#[derive(Debug, Clone)]
pub struct Basic(HeaderValue);

impl Basic {
    /// From a login and its password.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] if the login is empty or holds a colon.
    pub fn new(login: &str, password: &SecretString) -> Result<Self> {
        if login.is_empty() || login.contains(':') {
            return Err(Error::new(ErrorKind::Auth, "the login must not be empty and must not hold a colon"));
        }
        let pair = format!("{login}:{}", password.expose_secret());
        let header = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        sensitive(&header).map(Self)
    }
}

#[async_trait]
impl Authorize for Basic {
    async fn authorize(&self, request: &mut Request) -> Result<Credential> {
        request.headers_mut().insert(http::header::AUTHORIZATION, self.0.clone());
        Ok(Credential::default())
    }
}

/// A fixed secret in one header; it can be replaced while calls run.
#[derive(Debug, Clone)]
pub struct ApiKey {
    header: HeaderName,
    value: Arc<RwLock<(u64, HeaderValue)>>,
}

impl ApiKey {
    /// The secret goes into this header after `prefix` (such as `Token `, or nothing).
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] if the secret cannot stand in a header.
    pub fn new(header: HeaderName, prefix: &str, key: &SecretString) -> Result<Self> {
        let value = Self::value(prefix, key)?;
        Ok(Self { header, value: Arc::new(RwLock::new((0, value))) })
    }

    /// Replaces the key for this and every clone, from the next attempt on.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] if the secret cannot stand in a header.
    pub fn rotate(&self, prefix: &str, key: &SecretString) -> Result<()> {
        let value = Self::value(prefix, key)?;
        let mut entry = self.value.write().unwrap_or_else(PoisonError::into_inner);
        *entry = (entry.0 + 1, value);
        Ok(())
    }

    fn value(prefix: &str, key: &SecretString) -> Result<HeaderValue> {
        if key.expose_secret().is_empty() {
            return Err(Error::new(ErrorKind::Auth, "the key is empty"));
        }
        sensitive(&format!("{prefix}{}", key.expose_secret()))
    }
}

#[async_trait]
impl Authorize for ApiKey {
    async fn authorize(&self, request: &mut Request) -> Result<Credential> {
        let entry = self.value.read().unwrap_or_else(PoisonError::into_inner);
        request.headers_mut().insert(self.header.clone(), entry.1.clone());
        Ok(Credential(entry.0))
    }

    async fn refused(&self, credential: Credential) -> bool {
        // A key that was rotated while the call was under way deserves the second try.
        self.value.read().unwrap_or_else(PoisonError::into_inner).0 != credential.0
    }
}

/// No token is kept longer, whatever lifetime a vendor names.
const LONGEST_LIFETIME: Duration = Duration::from_secs(86_400);
/// As long as the old token lives, nobody waits longer for a new one, and after a failure it is not asked for again
/// before.
const PATIENCE: Duration = Duration::from_secs(5);

/// A token kept until shortly before it expires; concurrent callers share one refresh, a failed one included.
#[derive(Debug)]
pub struct TokenCache {
    current: RwLock<Option<Token>>,
    refresh: tokio::sync::Mutex<Refresh>,
    /// How many fetches have ended.
    ended: AtomicU64,
    margin: Duration,
}

#[derive(Debug, Default)]
struct Refresh {
    generation: u64,
    /// Why the last fetch failed, if it did, and when.
    failure: Option<(Error, Instant)>,
}

#[derive(Debug, Clone)]
struct Token {
    value: HeaderValue,
    generation: u64,
    margin: Duration,
    until: Instant,
    until_wall: SystemTime,
}

impl Token {
    /// A token is as old as the elder of two clocks says: the monotonic one stands still while a machine sleeps.
    fn lives(&self, margin: Duration, wall: SystemTime) -> bool {
        let margin = margin.min(self.margin);
        Instant::now() + margin < self.until && wall + margin < self.until_wall
    }
}

impl TokenCache {
    /// Tokens are renewed `margin` before they expire, short-lived ones when a quarter of their life is left.
    pub fn new(margin: Duration) -> Self {
        Self { current: RwLock::new(None), refresh: Default::default(), ended: AtomicU64::new(0), margin }
    }

    /// The token as a header value, and which one it is; `fetch` returns a new one and its lifetime.
    ///
    /// A token that is in its margin but not yet expired is still handed out while another caller fetches, while `fetch`
    /// fails, and when it takes longer than 5 s; not when it says that the credentials are refused.
    ///
    /// # Errors
    /// Those of `fetch`.
    pub async fn get_or_fetch<F>(&self, fetch: F) -> Result<(HeaderValue, Credential)>
    where
        F: AsyncFnOnce() -> Result<(SecretString, Duration)>,
    {
        if let Some(token) = self.living(self.margin) {
            return Ok(token);
        }
        // Whoever holds the lock refreshes; a caller that gives up leaves it to the next one in line.
        let ended = self.ended.load(Ordering::Acquire);
        let old = self.living(Duration::ZERO);
        let mut refresh = match (self.refresh.try_lock(), &old) {
            (Ok(refresh), _) => refresh,
            (Err(_), Some(old)) => return Ok(old.clone()),
            (Err(_), None) => self.refresh.lock().await,
        };
        if let Some(token) = self.living(self.margin) {
            return Ok(token);
        }
        let fetched = match &refresh.failure {
            // It failed while this caller stood in line: asking again at once, once for each, would do no good.
            Some((failure, _)) if self.ended.load(Ordering::Acquire) > ended => Err(failure.copy()),
            Some((failure, at)) if old.is_some() && failure.kind() != ErrorKind::Auth && at.elapsed() < PATIENCE => {
                Err(failure.copy())
            }
            _ => {
                let patience = if old.is_some() { PATIENCE } else { Duration::MAX };
                let late = |_| Err(Error::new(ErrorKind::Timeout, "no new token in time"));
                let fetched = timeout_at(from_now(patience), fetch()).await.unwrap_or_else(late);
                refresh.failure = fetched.as_ref().err().map(|error| (error.copy(), Instant::now()));
                self.ended.fetch_add(1, Ordering::Release);
                fetched
            }
        };
        match fetched {
            Ok((secret, lifetime)) => {
                refresh.generation += 1;
                let generation = refresh.generation;
                let value = sensitive(secret.expose_secret())?;
                let lifetime = lifetime.min(LONGEST_LIFETIME);
                let (until, until_wall) = (Instant::now() + lifetime, SystemTime::now() + lifetime);
                let margin = lifetime / 4;
                let token = Token { value: value.clone(), generation, margin, until, until_wall };
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(token);
                Ok((value, Credential(generation)))
            }
            Err(error) if error.kind() == ErrorKind::Auth => Err(error),
            Err(error) => self.living(Duration::ZERO).ok_or(error),
        }
    }

    fn living(&self, margin: Duration) -> Option<(HeaderValue, Credential)> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let token = current.as_ref().filter(|token| token.lives(margin, SystemTime::now()))?;
        Some((token.value.clone(), Credential(token.generation)))
    }

    /// Whether the token that a request carried is the one that is handed out now.
    pub fn holds(&self, credential: Credential) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().is_some_and(|token| token.generation == credential.0)
    }

    /// Forgets the token that a request carried and returns it, unless it has been renewed since.
    pub fn forget(&self, credential: Credential) -> Option<HeaderValue> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|token| token.generation == credential.0).map(|token| token.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn k6_a_token_is_as_old_as_the_elder_clock_says() {
        let (hour, now) = (Duration::from_secs(3600), SystemTime::now());
        let token = Token {
            value: HeaderValue::from_static("token"),
            generation: 1,
            margin: hour / 4,
            until: Instant::now() + hour,
            until_wall: now + hour,
        };
        let margin = Duration::from_secs(60);
        assert!(token.lives(margin, now));
        assert!(!token.lives(margin, now + hour), "the machine slept, or its clock was put forward");
        assert!(token.lives(margin, now - hour), "its clock was put back");
        tokio::time::advance(hour).await;
        assert!(!token.lives(margin, now - hour), "the clock was put back, but an hour has passed");
    }
}
