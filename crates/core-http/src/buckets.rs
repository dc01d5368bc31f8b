//! Rate limits counted inside the process: the queue before the buckets.

use crate::{
    Caller, Late, Lesson, Limit, Permit, Quota, RateLimit, Scope,
    bucket::{Bucket, Key, Status, Turn},
};
use async_trait::async_trait;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::time::{Instant, timeout_at};

/// Token buckets behind one lock: all buckets of a call are taken or none, first come first served among the calls that
/// want the same bucket; a call that waits for a slow bucket lets others take from the fast ones that it shares with
/// them, as long as that does not put off its own turn.
///
/// The memory grows with the calls that wait, the owners seen lately and those whose buckets were taught something (about
/// 300 bytes each), and deadlines bound the queue: whoever would wait past its deadline is turned away before it joins.
#[derive(Debug, Clone, Default)]
pub struct TokenBuckets(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    buckets: HashMap<Key, Bucket>,
    /// Those who wait for the same set of buckets stand in one line; no line is empty.
    lines: HashMap<Arc<[Key]>, VecDeque<Arc<Turn>>>,
    settings: HashMap<(Scope, &'static str), (Quota, Option<u32>)>,
    tickets: u64,
}

/// Above this many buckets, those at rest are dropped.
const MANY_BUCKETS: usize = 4096;

impl TokenBuckets {
    /// Buckets with every limit's own default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what is allowed in every bucket of this name, instead of the limit's default.
    pub fn set(&self, limit: Limit) {
        let now = Instant::now();
        let mut state = self.lock();
        state.settings.insert((limit.scope, limit.name), (limit.quota, limit.in_flight));
        let mut changed = Vec::new();
        for (key, bucket) in &mut state.buckets {
            if (key.scope, key.name) == (limit.scope, limit.name) {
                bucket.fill(now);
                (bucket.quota, bucket.most_in_flight) = (limit.quota, limit.in_flight);
                changed.push(key.clone());
            }
        }
        state.dispatch(&changed, now);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The bucket, filled up to now.
    fn open(&mut self, key: &Key, limit: &Limit, now: Instant) -> &mut Bucket {
        let setting = self.settings.get(&(key.scope, key.name)).copied();
        let (quota, most) = setting.unwrap_or((limit.quota, limit.in_flight));
        let bucket = self.buckets.entry(key.clone()).or_insert_with(|| Bucket::new(quota, most, now));
        bucket.fill(now);
        bucket
    }

    /// A bucket that somebody waits for or holds a permit of.
    fn bucket(&mut self, key: &Key) -> &mut Bucket {
        self.buckets.get_mut(key).expect("a bucket lives as long as somebody waits for it")
    }

    /// Drops buckets that nobody would miss, so that memory follows the callers that are active.
    fn tidy(&mut self, now: Instant) {
        if self.buckets.len() >= MANY_BUCKETS && self.tickets.is_multiple_of(MANY_BUCKETS as u64) {
            self.buckets.retain(|_, bucket| {
                bucket.fill(now);
                !bucket.at_rest(now)
            });
        }
    }

    /// The first moment at which one more waiter in this line could go, and the bucket it would wait for longest.
    fn estimate(&self, keys: &[Key]) -> Option<(Instant, &'static str)> {
        let ahead = self.lines.get(keys).map_or(0, VecDeque::len);
        keys.iter().map(|key| (self.buckets[key].ready(ahead), key.name)).max()
    }

    /// When every bucket has room; `None` while too many calls are under way.
    fn ready(&mut self, keys: &[Key], now: Instant) -> Option<Instant> {
        keys.iter().try_fold(now, |ready, key| {
            let bucket = self.bucket(key);
            bucket.fill(now);
            bucket.has_place().then(|| ready.max(bucket.ready(0)))
        })
    }

    fn take(&mut self, keys: &[Key]) {
        for key in keys {
            let bucket = self.bucket(key);
            (bucket.tokens, bucket.in_flight) = (bucket.tokens - 1.0, bucket.in_flight + 1);
        }
    }

    fn join(&mut self, keys: &Arc<[Key]>, turn: Arc<Turn>, now: Instant) {
        let line = self.lines.entry(keys.clone()).or_default();
        line.push_back(turn);
        if line.len() == 1 {
            self.announce(keys);
            self.dispatch(keys, now);
        }
    }

    /// Tells the buckets who is now the first of this line.
    fn announce(&mut self, keys: &Arc<[Key]>) {
        let Some(first) = self.lines.get(keys).and_then(VecDeque::front).cloned() else { return };
        for key in keys.iter() {
            self.bucket(key).heads.insert(first.ticket, (keys.clone(), first.clone()));
        }
    }

    /// Takes a waiter out of its line; true if it was the first.
    fn leave(&mut self, keys: &Arc<[Key]>, ticket: u64) -> bool {
        let Some(line) = self.lines.get_mut(keys) else { return false };
        let first = line.front().is_some_and(|turn| turn.ticket == ticket);
        if first {
            line.pop_front();
        } else {
            line.retain(|turn| turn.ticket != ticket);
        }
        if line.is_empty() {
            self.lines.remove(keys);
        }
        if first {
            for key in keys.iter() {
                self.bucket(key).heads.remove(&ticket);
            }
            self.announce(keys);
        }
        first
    }

    /// Lets everyone go at these buckets who can, in the order of arrival, as long as nobody who came earlier is put off
    /// by it. Of those who cannot, the first at each empty bucket is told when to look again; it does so for the others.
    /// Whoever goes or is told another time may have been the one that others at its other buckets rely on: these are
    /// looked at, too.
    fn dispatch(&mut self, touched: &[Key], now: Instant) {
        let mut touched = touched.to_vec();
        let mut empty: Vec<Key> = Vec::new();
        let mut promised: Vec<(Arc<[Key]>, Instant)> = Vec::new();
        let mut from = 0;
        while let Some((keys, turn)) = self.next(&touched, &empty, from) {
            from = turn.ticket + 1;
            if keys.iter().any(|key| empty.contains(key)) {
                continue;
            }
            for key in keys.iter() {
                if !touched.contains(key) {
                    touched.push(key.clone());
                }
            }
            let ready = self.ready(&keys, now);
            let room = ready.is_some_and(|ready| ready <= now);
            let later = if room { self.conflict(&keys, &promised) } else { ready };
            if room && later.is_none() {
                self.take(&keys);
                self.leave(&keys, turn.ticket);
                turn.set(Status::Granted);
                continue;
            }
            for key in keys.iter().filter(|_| !room) {
                let bucket = self.bucket(key);
                if !bucket.has_place() || later.is_some_and(|later| bucket.ready(0) >= later) {
                    empty.push(key.clone());
                }
            }
            promised.extend(later.map(|later| (keys, later)));
            turn.set(Status::Waits(later));
        }
    }

    /// The first head, from this ticket on, at one of the touched buckets that are not known to be empty.
    fn next(&self, touched: &[Key], empty: &[Key], from: u64) -> Option<(Arc<[Key]>, Arc<Turn>)> {
        let buckets = touched.iter().filter(|key| !empty.contains(key)).filter_map(|key| self.buckets.get(key));
        let heads = buckets.filter_map(|bucket| bucket.heads.range(from..).next());
        heads.min_by_key(|(ticket, _)| **ticket).map(|(_, head)| head.clone())
    }

    /// The latest of the promised turns that would be put off if these buckets were taken from now.
    fn conflict(&mut self, keys: &[Key], promised: &[(Arc<[Key]>, Instant)]) -> Option<Instant> {
        let mut latest = None;
        for key in keys {
            let mut turns: Vec<Instant> =
                promised.iter().filter(|(keys, _)| keys.contains(key)).map(|(_, ready)| *ready).collect();
            turns.sort_unstable();
            let bucket = self.bucket(key);
            let put_off = turns.iter().enumerate().filter(|(i, ready)| !bucket.spares(i + 1, **ready));
            latest = put_off.map(|(_, ready)| *ready).max().max(latest);
        }
        latest
    }
}

/// A waiter's place in its line; leaving it early spends nothing.
struct Place<'a> {
    buckets: &'a TokenBuckets,
    keys: &'a Arc<[Key]>,
    turn: Arc<Turn>,
    taken: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let mut state = self.buckets.lock();
        let granted = self.turn.status() == Status::Granted;
        if granted {
            // Granted in the moment of leaving: everything goes back.
            for key in self.keys.iter() {
                let bucket = state.bucket(key);
                (bucket.tokens, bucket.in_flight) = (bucket.tokens + 1.0, bucket.in_flight.saturating_sub(1));
            }
        }
        if granted || state.leave(self.keys, self.turn.ticket) {
            state.dispatch(self.keys, Instant::now());
        }
    }
}

/// Calls under way; given back when the answer's body has ended.
struct InFlight {
    buckets: TokenBuckets,
    keys: Arc<[Key]>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.buckets.lock();
        let mut capped = Vec::new();
        for key in self.keys.iter() {
            let bucket = state.bucket(key);
            bucket.in_flight = bucket.in_flight.saturating_sub(1);
            // Without a cap nobody waits for a place.
            capped.extend(bucket.most_in_flight.map(|_| key.clone()));
        }
        state.dispatch(&capped, Instant::now());
    }
}

#[async_trait]
impl RateLimit for TokenBuckets {
    async fn acquire(&self, caller: &Caller, limits: &[Limit], deadline: Instant) -> Result<Permit, Late> {
        if limits.is_empty() {
            return Ok(Permit::free());
        }
        let mut keys: Vec<Key> = limits.iter().map(|limit| Key::of(caller, limit)).collect();
        let now = Instant::now();
        let (keys, turn) = {
            let mut state = self.lock();
            state.tickets += 1;
            state.tidy(now);
            let mut free = true;
            for (key, limit) in keys.iter().zip(limits) {
                free &= state.open(key, limit, now).is_free(now);
            }
            keys.sort_unstable();
            keys.dedup();
            let keys: Arc<[Key]> = keys.into();
            if free {
                state.take(&keys);
                return Ok(Permit::new(InFlight { buckets: self.clone(), keys }));
            }
            if let Some((ready, limit)) = state.estimate(&keys)
                && ready > deadline
            {
                return Err(Late { limit });
            }
            let turn = Turn::new(state.tickets);
            state.join(&keys, turn.clone(), now);
            (keys, turn)
        };
        let mut place = Place { buckets: self, keys: &keys, turn, taken: false };
        loop {
            let until = match place.turn.status() {
                Status::Granted => {
                    place.taken = true;
                    drop(place);
                    return Ok(Permit::new(InFlight { buckets: self.clone(), keys }));
                }
                Status::Waits(until) => until.unwrap_or(deadline),
            };
            if timeout_at(until.min(deadline), place.turn.wake.notified()).await.is_ok() {
                continue;
            }
            let now = Instant::now();
            let mut state = self.lock();
            if place.turn.status() != Status::Granted {
                if now >= deadline {
                    let limit = state.estimate(&keys).map_or(limits[0].name, |(_, name)| name);
                    return Err(Late { limit });
                }
                place.turn.set(Status::Waits(None));
                state.dispatch(&keys, now);
            }
        }
    }

    fn learn(&self, caller: &Caller, lesson: &Lesson) {
        let now = Instant::now();
        let key = Key::of(caller, &lesson.limit);
        let mut state = self.lock();
        if state.open(&key, &lesson.limit, now).learn(lesson.what, now) {
            state.dispatch(&[key], now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn buckets_of_those_who_have_gone_are_dropped_and_what_is_used_is_not_forgotten() {
        let (buckets, slow) = (TokenBuckets::new(), Limit::account("slow", Quota { per_second: 0.001, burst: 1 }));
        let fast = Limit::account("fast", Quota { per_second: 1000.0, burst: 1 });
        let caller = |number: usize| Caller::new("application", number.to_string());
        drop(buckets.acquire(&caller(0), &[slow], Instant::now()).await.expect("the first"));
        for number in 0..4 * MANY_BUCKETS {
            drop(buckets.acquire(&caller(number), &[fast], Instant::now()).await.expect("a new bucket is full"));
            tokio::time::advance(Duration::from_millis(2)).await;
        }
        assert!(buckets.lock().buckets.len() <= 2 * MANY_BUCKETS, "memory follows those who are active");
        assert!(buckets.acquire(&caller(0), &[slow], Instant::now()).await.is_err(), "its token is still gone");
    }
}
