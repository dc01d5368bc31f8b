//! Rate limits counted inside the process.

use crate::{Caller, Late, Learnt, Lesson, Limit, Permit, Quota, RateLimit, Scope};
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// Token buckets behind one lock: all buckets of a call are taken or none, first come first served among the calls that
/// want the same bucket, and a slow bucket does not hold up the fast ones that it is taken together with.
#[derive(Debug, Clone, Default)]
pub struct TokenBuckets(Arc<Mutex<State>>);

/// A bucket of one owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    scope: Scope,
    owner: Arc<str>,
    name: &'static str,
}

impl Key {
    fn of(caller: &Caller, limit: &Limit) -> Self {
        let owner = match limit.scope {
            Scope::Account => &caller.account,
            Scope::Application => &caller.application,
        };
        Self { scope: limit.scope, owner: owner.clone(), name: limit.name }
    }
}

#[derive(Debug, Default)]
struct State {
    buckets: HashMap<Key, Bucket>,
    /// Those who wait for the same set of buckets stand in one line.
    lines: BTreeMap<Vec<Key>, VecDeque<Arc<Turn>>>,
    settings: HashMap<(Scope, &'static str), (Quota, Option<u32>)>,
    tickets: u64,
}

#[derive(Debug)]
struct Turn {
    ticket: u64,
    granted: AtomicBool,
    wake: Notify,
}

/// A rate that was refused is at least this share of the allowed one, …
const LOWEST_FACTOR: f64 = 0.1;
/// … and comes back by this share a second.
const RECOVERY_PER_SECOND: f64 = 0.005;
/// Above this many buckets, those at rest are dropped: a full bucket is as good as none.
const MANY_BUCKETS: usize = 4096;

#[derive(Debug)]
struct Bucket {
    quota: Quota,
    /// Lowered by refusals, recovering slowly.
    factor: f64,
    tokens: f64,
    at: Instant,
    closed_until: Instant,
    in_flight: u32,
    most_in_flight: Option<u32>,
    taught: bool,
}

impl Bucket {
    fn new(quota: Quota, most_in_flight: Option<u32>, now: Instant) -> Self {
        let tokens = quota.burst.max(1).into();
        Self { quota, factor: 1.0, tokens, at: now, closed_until: now, in_flight: 0, most_in_flight, taught: false }
    }

    fn rate(&self) -> f64 {
        (self.quota.per_second * self.factor).max(1e-6)
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate()).min(self.quota.burst.max(1).into());
        self.factor = (self.factor + passed * RECOVERY_PER_SECOND).min(1.0);
        self.at = self.at.max(now);
    }

    fn has_place(&self) -> bool {
        self.most_in_flight.is_none_or(|most| self.in_flight < most.max(1))
    }

    /// When there will be a token for the one who has `ahead` others before it.
    fn ready(&self, ahead: usize) -> Instant {
        let missing = (1.0 + ahead as f64 - self.tokens).max(0.0);
        let wait = if missing < 1e-9 { 0.0 } else { (missing / self.rate()).min(1e9) };
        // A nanosecond on top: rounding must never let a call out early.
        let wait = if wait > 0.0 { Duration::from_secs_f64(wait) + Duration::from_nanos(1) } else { Duration::ZERO };
        self.closed_until.max(self.at + wait)
    }

    fn at_rest(&self, now: Instant) -> bool {
        !self.taught
            && self.in_flight == 0
            && self.closed_until <= now
            && self.ready(self.quota.burst.max(1) as usize - 1) <= now
    }
}

impl TokenBuckets {
    /// Buckets with every limit's own default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what is allowed in every bucket of this name, instead of the limit's default.
    pub fn set(&self, limit: Limit) {
        let mut state = self.lock();
        state.settings.insert((limit.scope, limit.name), (limit.quota, limit.in_flight));
        for (key, bucket) in &mut state.buckets {
            if (key.scope, key.name) == (limit.scope, limit.name) {
                (bucket.quota, bucket.most_in_flight) = (limit.quota, limit.in_flight);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn bucket(&mut self, key: &Key, limit: &Limit, now: Instant) -> &mut Bucket {
        let (quota, most) =
            self.settings.get(&(key.scope, key.name)).copied().unwrap_or((limit.quota, limit.in_flight));
        let bucket = self.buckets.entry(key.clone()).or_insert_with(|| Bucket::new(quota, most, now));
        bucket.fill(now);
        bucket
    }

    /// Drops buckets that nobody would miss, so that memory follows the callers that are active.
    fn tidy(&mut self, now: Instant) {
        if self.buckets.len() < MANY_BUCKETS || !self.tickets.is_multiple_of(MANY_BUCKETS as u64) {
            return;
        }
        let lines = &self.lines;
        self.buckets.retain(|key, bucket| {
            bucket.fill(now);
            !bucket.at_rest(now) || lines.keys().any(|keys| keys.contains(key))
        });
    }

    /// The first moment at which one more waiter in this line could go, and the bucket it would wait for longest.
    fn estimate(&self, keys: &[Key]) -> Option<(Instant, &'static str)> {
        let ahead = self.lines.get(keys).map_or(0, VecDeque::len);
        keys.iter().map(|key| (self.buckets[key].ready(ahead), key.name)).max()
    }

    /// Lets everyone go whose buckets all have room and who overtakes nobody in any of them; returns when the first in
    /// this line should look again (`None`: when it is told to).
    fn dispatch(&mut self, mine: &[Key], now: Instant) -> Option<Instant> {
        let Self { buckets, lines, .. } = self;
        let shares = |keys: &[Key]| keys.iter().any(|key| mine.contains(key));
        loop {
            let mut heads: Vec<(u64, &Vec<Key>)> =
                lines.iter().filter(|(keys, _)| shares(keys)).map(|(keys, line)| (line[0].ticket, keys)).collect();
            heads.sort_unstable_by_key(|(ticket, _)| *ticket);
            let mut held: Vec<&Key> = Vec::new();
            let mut goes = None;
            let mut again = None;
            for (_, keys) in heads {
                let mut ready = Some(now);
                for key in keys {
                    let bucket = buckets.get_mut(key).expect("a line's buckets live as long as the line");
                    bucket.fill(now);
                    let at = bucket.ready(0);
                    ready = if bucket.has_place() { ready.map(|ready| ready.max(at)) } else { None };
                }
                let free = !keys.iter().any(|key| held.contains(&key));
                if free && ready.is_some_and(|ready| ready <= now) {
                    goes = Some(keys.clone());
                    break;
                }
                // Only the bottleneck is kept for the first in line; the fast buckets stay open to others.
                held.extend(keys.iter().filter(|key| !buckets[*key].has_place() || buckets[*key].ready(0) > now));
                if keys == mine {
                    again = ready.map(|ready| ready.max(now + Duration::from_nanos(1)));
                }
            }
            let Some(keys) = goes else { return again };
            for key in &keys {
                let bucket = buckets.get_mut(key).expect("a line's buckets live as long as the line");
                (bucket.tokens, bucket.in_flight) = (bucket.tokens - 1.0, bucket.in_flight + 1);
            }
            let line = lines.get_mut(&keys).expect("the line was found above");
            let turn = line.pop_front().expect("no empty line is kept");
            turn.granted.store(true, Ordering::Release);
            turn.wake.notify_one();
            match line.front() {
                Some(next) => next.wake.notify_one(),
                None => drop(lines.remove(&keys)),
            }
        }
    }

    /// Tells the first in every line that shares a bucket to look again.
    fn wake(&self, keys: &[Key]) {
        for (line_keys, line) in &self.lines {
            if line_keys.iter().any(|key| keys.contains(key)) {
                line[0].wake.notify_one();
            }
        }
    }
}

/// A waiter's place in its line; leaving it early spends nothing.
struct Place<'a> {
    buckets: &'a TokenBuckets,
    keys: &'a [Key],
    turn: Arc<Turn>,
    taken: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let mut state = self.buckets.lock();
        if self.turn.granted.load(Ordering::Acquire) {
            // Granted in the moment of leaving: everything goes back.
            for key in self.keys {
                if let Some(bucket) = state.buckets.get_mut(key) {
                    (bucket.tokens, bucket.in_flight) = (bucket.tokens + 1.0, bucket.in_flight.saturating_sub(1));
                }
            }
        } else if let Some(line) = state.lines.get_mut(self.keys) {
            line.retain(|turn| turn.ticket != self.turn.ticket);
            if line.is_empty() {
                state.lines.remove(self.keys);
            }
        }
        state.wake(self.keys);
    }
}

/// Calls under way; given back when the answer's body has ended.
struct InFlight {
    buckets: TokenBuckets,
    keys: Vec<Key>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.buckets.lock();
        for key in &self.keys {
            if let Some(bucket) = state.buckets.get_mut(key) {
                bucket.in_flight = bucket.in_flight.saturating_sub(1);
            }
        }
        state.wake(&self.keys);
    }
}

#[async_trait]
impl RateLimit for TokenBuckets {
    async fn acquire(&self, caller: &Caller, limits: &[Limit], deadline: Instant) -> Result<Permit, Late> {
        if limits.is_empty() {
            return Ok(Permit::free());
        }
        let mut keys: Vec<Key> = limits.iter().map(|limit| Key::of(caller, limit)).collect();
        let mut place = {
            let now = Instant::now();
            let mut state = self.lock();
            state.tidy(now);
            for (key, limit) in keys.iter().zip(limits) {
                state.bucket(key, limit, now);
            }
            keys.sort_unstable();
            keys.dedup();
            if let Some((ready, limit)) = state.estimate(&keys)
                && ready > deadline
            {
                return Err(Late { limit });
            }
            state.tickets += 1;
            let turn = Arc::new(Turn { ticket: state.tickets, granted: AtomicBool::new(false), wake: Notify::new() });
            state.lines.entry(keys.clone()).or_default().push_back(turn.clone());
            Place { buckets: self, keys: &keys, turn, taken: false }
        };
        loop {
            let again = {
                let mut state = self.lock();
                let first = state.lines.get(&keys).is_some_and(|line| line[0].ticket == place.turn.ticket);
                if first { state.dispatch(&keys, Instant::now()) } else { None }
            };
            if place.turn.granted.load(Ordering::Acquire) {
                place.taken = true;
                drop(place);
                return Ok(Permit::new(InFlight { buckets: self.clone(), keys }));
            }
            if Instant::now() >= deadline {
                let limit = self.lock().estimate(&keys).map_or(limits[0].name, |(_, name)| name);
                return Err(Late { limit });
            }
            let until = again.map_or(deadline, |again| again.min(deadline));
            let _woken_or_due = timeout_at(until, place.turn.wake.notified()).await;
        }
    }

    fn learn(&self, caller: &Caller, lesson: &Lesson) {
        let now = Instant::now();
        let key = Key::of(caller, &lesson.limit);
        let mut state = self.lock();
        let bucket = state.bucket(&key, &lesson.limit, now);
        bucket.taught = true;
        match lesson.what {
            Learnt::Rate(rate) if rate.is_finite() && rate > 0.0 => {
                (bucket.quota.per_second, bucket.factor) = (rate, 1.0);
            }
            Learnt::Rate(_) => {}
            Learnt::Refused(pause) => {
                // Those already under way when the first refusal came must not push the rate down once each.
                if now >= bucket.closed_until {
                    bucket.factor = (bucket.factor * 0.7).max(LOWEST_FACTOR);
                }
                let pause = pause.unwrap_or_else(|| Duration::from_secs_f64((1.0 / bucket.rate()).min(60.0)));
                bucket.tokens = bucket.tokens.min(1.0);
                bucket.closed_until = bucket.closed_until.max(now + pause);
            }
            Learnt::InFlight(most) => bucket.most_in_flight = Some(most.max(1)),
        }
        state.wake(&[key]);
    }
}
