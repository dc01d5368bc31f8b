//! What a receiver remembers: counts, what was stored a moment ago, and what is missing.

use crate::TaskId;
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// How many webhooks came to what since the receiver began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Stored and acknowledged.
    pub stored: u64,
    /// Acknowledged without being stored: they had been before.
    pub repeated: u64,
    /// Of tasks that nobody here has posted, or not with the address that they came to, dropped.
    pub unknown: u64,
    /// Without the right token, dropped.
    pub forged: u64,
    /// Too large, too slow, damaged, or not what the vendor sends.
    pub unreadable: u64,
    /// Not stored in time.
    pub late: u64,
    /// Refused by the store.
    pub failed: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Count {
    Stored,
    Repeated,
    Unknown,
    Forged,
    Unreadable,
    Late,
    Failed,
}

/// A task, whether its result or only the word that it is done, and the part whose address it came to: what one part's
/// says is not believed about another's tasks.
type Key = (TaskId, bool, Option<u64>);

/// How many stored ones are remembered; what is older is known to whoever says which tasks are expected.
const RECENT: usize = 10_000;
/// How many missing ones are remembered.
const MISSING: usize = 100_000;

#[derive(Debug)]
pub(super) struct Memory {
    counts: [AtomicU64; 7],
    places: Arc<Semaphore>,
    recent: Mutex<Recent>,
    missing: Mutex<BTreeSet<TaskId>>,
}

#[derive(Debug, Default)]
struct Recent {
    done: HashSet<Key>,
    order: VecDeque<Key>,
    turns: HashMap<Key, Arc<tokio::sync::Mutex<()>>>,
}

/// The right to store something; deliveries of the same wait for it.
pub(super) struct Turn<'a> {
    memory: &'a Memory,
    key: Key,
    lock: Arc<tokio::sync::Mutex<()>>,
    _held: OwnedMutexGuard<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    pub fn new(at_once: usize) -> Self {
        let (counts, recent, missing) = Default::default();
        Self { counts, places: Arc::new(Semaphore::new(at_once.max(1))), recent, missing }
    }

    pub fn count(&self, what: Count) {
        self.counts[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub fn counts(&self) -> Counts {
        let [stored, repeated, unknown, forged, unreadable, late, failed] =
            std::array::from_fn(|place| self.counts[place].load(Ordering::Relaxed));
        Counts { stored, repeated, unknown, forged, unreadable, late, failed }
    }

    pub fn missed(&self, id: Option<TaskId>) {
        let mut missing = lock(&self.missing);
        if missing.len() < MISSING {
            missing.extend(id);
        }
    }

    pub fn take_missed(&self) -> Vec<TaskId> {
        std::mem::take(&mut *lock(&self.missing)).into_iter().collect()
    }

    /// A place among those that are worked on at once.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().acquire_owned().await.ok()
    }

    /// Waits until no other delivery of the same is being stored.
    pub async fn turn(&self, key: &Key) -> Turn<'_> {
        let lock = lock(&self.recent).turns.entry(key.clone()).or_default().clone();
        let held = lock.clone().lock_owned().await;
        Turn { memory: self, key: key.clone(), lock, _held: held }
    }
}

impl Turn<'_> {
    /// Whether it was stored while this one waited, or a moment ago.
    pub fn is_done(&self) -> bool {
        lock(&self.memory.recent).done.contains(&self.key)
    }

    /// Remembers whether it is stored now.
    pub fn end(self, is_stored: bool) {
        if !is_stored {
            return;
        }
        lock(&self.memory.missing).remove(&self.key.0);
        let mut recent = lock(&self.memory.recent);
        if recent.done.insert(self.key.clone()) {
            recent.order.push_back(self.key.clone());
        }
        while recent.order.len() > RECENT {
            if let Some(oldest) = recent.order.pop_front() {
                recent.done.remove(&oldest);
            }
        }
    }
}

impl Drop for Turn<'_> {
    /// The last one in line takes the line away: one reference is its own, one the map's, one its guard's.
    fn drop(&mut self) {
        let mut recent = lock(&self.memory.recent);
        if Arc::strong_count(&self.lock) <= 3 {
            recent.turns.remove(&self.key);
        }
    }
}
