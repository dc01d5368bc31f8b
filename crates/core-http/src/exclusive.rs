//! Changes of one thing, one after another.
//!
//! A change overtakes an earlier one if both are under way at once: the older value would be the one that stays. A call
//! holds its place from before the first attempt to after the last one, so that a resend cannot overtake either.

use crate::client::from_now;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::OwnedMutexGuard,
    time::{Instant, sleep_until, timeout_at},
};

/// Lets the calls that change the same thing ([`Vendor::changes`](crate::Vendor::changes)) go one after another, in the
/// order of their arrival.
///
/// The clones of a client share one; share it between clients that may change the same things. Other processes know
/// nothing of it. Its memory grows with the
/// things that are being changed, not with those that ever were.
#[derive(Debug, Clone)]
#[must_use = "a setter gives it back"]
pub struct Exclusive {
    places: Arc<Mutex<Places>>,
    grace: Duration,
}

#[derive(Debug, Default)]
struct Places {
    places: HashMap<Arc<str>, Arc<Place>>,
    /// So many places are few enough not to be looked through for those at rest.
    few: usize,
}

/// Held by the call that may change the thing; before this time a request may still be under way that nobody waits for.
type Place = tokio::sync::Mutex<Instant>;

/// How long the vendor may still be at work on a request behind whoever has answered or given up in its place.
const GRACE: Duration = Duration::from_secs(10);
/// Below this, places at rest are not looked for.
const FEW: usize = 1024;

/// Another change of the same thing is, or may be, under way until after the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an earlier change of the same thing may be under way until after the deadline; this one was not sent")]
pub(crate) struct Busy;

impl Default for Exclusive {
    fn default() -> Self {
        Self { places: Arc::default(), grace: GRACE }
    }
}

impl Exclusive {
    /// Nothing is being changed.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a thing rests after an attempt to change it that may have been applied although it failed; 10 s by default.
    ///
    /// It counts from the moment at which something has answered, such as a gateway behind which the vendor may still be
    /// at work. Where nothing has answered, it counts from the end of the operation's time-out, or of
    /// [`Options::time_out`](crate::Options::time_out) where that is longer, also if the caller has left before.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Waits until no other change of it can be under way.
    pub(crate) async fn enter(&self, what: &str, deadline: Instant) -> Result<Change, Busy> {
        let (what, place) = self.place(what);
        // From here on, whoever gives up leaves the place as it found it.
        let mut change = Change { all: self.clone(), what, held: None };
        let held = timeout_at(deadline, place.lock_owned()).await.map_err(|_| Busy)?;
        let quiet = *held;
        change.held = Some(held);
        if quiet > Instant::now() {
            if quiet >= deadline {
                return Err(Busy);
            }
            sleep_until(quiet).await;
        }
        Ok(change)
    }

    fn place(&self, what: &str) -> (Arc<str>, Arc<Place>) {
        let mut all = self.lock();
        if let Some((what, place)) = all.places.get_key_value(what) {
            return (what.clone(), place.clone());
        }
        if all.places.len() >= all.few.max(FEW) {
            let now = Instant::now();
            all.places.retain(|_, place| !at_rest(place, now));
            all.few = all.places.len() * 2;
        }
        let (what, place) = (Arc::<str>::from(what), Arc::new(Place::new(Instant::now())));
        all.places.insert(what.clone(), place.clone());
        (what, place)
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nobody would miss a place: whoever is about to enter it has its own share of it, taken under the same lock.
fn at_rest(place: &Arc<Place>, now: Instant) -> bool {
    Arc::strong_count(place) == 1 && place.try_lock().is_ok_and(|quiet| *quiet <= now)
}

/// The right to change one thing.
pub(crate) struct Change {
    all: Exclusive,
    what: Arc<str>,
    held: Option<OwnedMutexGuard<Instant>>,
}

impl Change {
    /// A request is about to leave. Whatever becomes of the caller, it counts as under way for as long as the vendor may
    /// take for it, and the grace; the answer takes that back with what is returned here.
    pub(crate) fn sending(&mut self, time_out: Duration) -> Instant {
        let (before, grace) = (*self.quiet(), self.all.grace);
        *self.quiet() = before.max(from_now(time_out.saturating_add(grace)));
        before
    }

    /// Its answer is final, or it has never left.
    pub(crate) fn settled(&mut self, before: Instant) {
        *self.quiet() = before;
    }

    /// Something has answered, and the vendor may still be at work.
    pub(crate) fn doubtful(&mut self, before: Instant) {
        *self.quiet() = before.max(from_now(self.all.grace));
    }

    fn quiet(&mut self) -> &mut Instant {
        self.held.as_mut().expect("it is held from `enter` to the end")
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        self.held = None;
        let mut all = self.all.lock();
        if all.places.get(&self.what).is_some_and(|place| at_rest(place, Instant::now())) {
            all.places.remove(&self.what);
        }
    }
}
