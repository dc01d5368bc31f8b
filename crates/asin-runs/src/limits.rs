//! Rate limits that many processes keep together: each call reserves its slot in the database, in one statement and by the
//! database's clock, and sleeps until it comes.

use async_trait::async_trait;
use core_http::{Caller, Late, Learnt, Lesson, Limit, Permit, Quota, RateLimit, Scope, TokenBuckets};
use serde::Serialize;
use sqlx::postgres::PgPool;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// One row for each bucket, one for each call under way where that is limited. Seconds since 1970, by the server's clock.
pub(crate) const TABLES: &str = "
CREATE TABLE limits (
    key TEXT PRIMARY KEY,
    -- When the bucket will be full again.
    full_at DOUBLE PRECISION NOT NULL DEFAULT 0,
    -- Nothing leaves before.
    closed_until DOUBLE PRECISION NOT NULL DEFAULT 0,
    -- What the vendor announced, calls a second.
    rate DOUBLE PRECISION,
    -- Lowered by refusals at this time, recovering since.
    factor DOUBLE PRECISION NOT NULL DEFAULT 1,
    fewer DOUBLE PRECISION NOT NULL DEFAULT 0,
    lowered DOUBLE PRECISION NOT NULL DEFAULT 0
);
CREATE TABLE places (
    place BIGINT GENERATED ALWAYS AS IDENTITY,
    key TEXT NOT NULL,
    until DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (key, place)
)";

/// The rules are those of `core_http::TokenBuckets`: a refused rate goes down to 0.7 of itself at once, to a tenth of the
/// allowed one at the least, and comes back by 0.005 a second; a place for a call under way comes back every 30 seconds.
/// A version of the schema that changes them makes them anew.
pub(crate) const RESERVE: &str = "
CREATE OR REPLACE FUNCTION asin_reserve(wanted JSON, patience DOUBLE PRECISION, lease DOUBLE PRECISION,
                                        OUT wait DOUBLE PRECISION, OUT booked TEXT[], OUT taken BIGINT[])
LANGUAGE plpgsql AS $body$
DECLARE
    asked TEXT[] := ARRAY(SELECT value->>'key' FROM json_array_elements(wanted) AS rows (value) ORDER BY 1);
    now DOUBLE PRECISION;
    locked BIGINT;
BEGIN
    -- A slot that is lost in a crash of the server needs no disk to have seen it: nobody waits for one here.
    PERFORM set_config('synchronous_commit', 'off', true);
    -- In one order for everybody, or two could wait for each other.
    PERFORM 1 FROM limits WHERE key = ANY (asked) ORDER BY key FOR UPDATE;
    -- Not how many there are: one that another call has made just now is not locked yet.
    GET DIAGNOSTICS locked = ROW_COUNT;
    IF locked < cardinality(asked) THEN
        INSERT INTO limits (key) SELECT unnest(asked) ORDER BY 1 ON CONFLICT (key) DO NOTHING;
        PERFORM 1 FROM limits WHERE key = ANY (asked) ORDER BY key FOR UPDATE;
    END IF;
    now := extract(epoch FROM clock_timestamp());
    -- Calls under way whose process died.
    DELETE FROM places WHERE key = ANY (asked) AND until <= now;
    IF EXISTS (
        SELECT 1 FROM json_to_recordset(wanted) AS w (key TEXT, most INTEGER) JOIN limits l USING (key)
        WHERE w.most IS NOT NULL AND (SELECT count(*) FROM places p WHERE p.key = w.key)
            >= greatest(1, w.most - ceil(greatest(0, l.fewer - (now - l.lowered) / 30)))
    ) THEN
        wait := -1;
        RETURN;
    END IF;
    SELECT max(greatest(0, l.closed_until - now, greatest(l.full_at, now) + s.slot - s.slot * w.burst - now)) INTO wait
    FROM json_to_recordset(wanted) AS w (key TEXT, rate DOUBLE PRECISION, burst DOUBLE PRECISION)
    JOIN limits l USING (key), LATERAL asin_slot(l, w.rate, now) AS s (slot);
    IF wait > patience THEN
        wait := NULL;
        RETURN;
    END IF;
    -- All at once, or the one that comes last alone: a token that is taken now for a call that leaves later would be
    -- there twice by then. Who has slept comes back for the others.
    IF wait = 0 THEN
        booked := asked;
    ELSE
        SELECT ARRAY[w.key] INTO booked
        FROM json_to_recordset(wanted) AS w (key TEXT, rate DOUBLE PRECISION, burst DOUBLE PRECISION)
        JOIN limits l USING (key), LATERAL asin_slot(l, w.rate, now) AS s (slot)
        ORDER BY greatest(l.closed_until, greatest(l.full_at, now) + s.slot - s.slot * w.burst) DESC LIMIT 1;
    END IF;
    UPDATE limits l SET full_at = greatest(l.full_at, now) + asin_slot(l, w.rate, now)
    FROM json_to_recordset(wanted) AS w (key TEXT, rate DOUBLE PRECISION) WHERE l.key = w.key AND l.key = ANY (booked);
    WITH entered AS (
        INSERT INTO places (key, until) SELECT key, now + wait + lease
        FROM json_to_recordset(wanted) AS w (key TEXT, most INTEGER)
        WHERE most IS NOT NULL AND key = ANY (booked) RETURNING place
    ) SELECT array_agg(place) INTO taken FROM entered;
END $body$;

CREATE OR REPLACE FUNCTION asin_learn(learning TEXT, allowed DOUBLE PRECISION, burst DOUBLE PRECISION, most INTEGER,
                                      announced DOUBLE PRECISION, pause DOUBLE PRECISION, crowded BOOLEAN)
RETURNS VOID LANGUAGE plpgsql AS $body$
DECLARE
    l limits;
    now DOUBLE PRECISION;
    cap DOUBLE PRECISION;
BEGIN
    INSERT INTO limits (key) VALUES (learning) ON CONFLICT (key) DO NOTHING;
    SELECT * INTO l FROM limits WHERE key = learning FOR UPDATE;
    now := extract(epoch FROM clock_timestamp());
    IF announced IS NOT NULL THEN
        UPDATE limits SET rate = announced, factor = 1 WHERE key = learning;
        RETURN;
    END IF;
    l.factor := least(1, l.factor + (now - l.lowered) * 0.005);
    l.fewer := greatest(0, l.fewer - (now - l.lowered) / 30);
    -- Those already under way when the first refusal came must not push it down once each.
    IF now >= l.closed_until THEN
        IF NOT crowded THEN
            l.factor := greatest(0.1, l.factor * 0.7);
        ELSIF most IS NOT NULL THEN
            cap := least(greatest(1, most - ceil(l.fewer)), (SELECT count(*) FROM places WHERE key = learning) + 1);
            l.fewer := most - greatest(1, floor(cap * 3 / 4));
        END IF;
    END IF;
    l.lowered := now;
    IF NOT crowded THEN
        l.full_at := greatest(l.full_at, now + (burst - 1) * asin_slot(l, allowed, now));
    END IF;
    pause := least(coalesce(pause, least(60, asin_slot(l, allowed, now))), 3600);
    UPDATE limits SET factor = l.factor, fewer = l.fewer, lowered = now, full_at = l.full_at,
        closed_until = greatest(closed_until, now + pause) WHERE key = learning;
END $body$";

/// How long one call takes of a bucket, seconds.
pub(crate) const SLOT: &str = "
CREATE FUNCTION asin_slot(l limits, allowed DOUBLE PRECISION, now DOUBLE PRECISION)
RETURNS DOUBLE PRECISION LANGUAGE sql IMMUTABLE AS $body$
    SELECT 1 / greatest(1e-6, coalesce(l.rate, allowed) * least(1, l.factor + (now - l.lowered) * 0.005))
$body$";

/// How long an answer of the database may take, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_secs(2);
/// So long nobody asks a database that gave no answer.
const REST: Duration = Duration::from_secs(5);
/// How often a full bucket of calls under way is looked at again.
const LOOK: Duration = Duration::from_millis(50);

/// Rate limits that all processes with one [`Postgres`](crate::Postgres) keep together.
///
/// A slot is reserved before it comes, first come first served, and only where it comes before the call's deadline; a
/// waiter that leaves wastes its slot. Of several buckets the slowest is waited for first. A call under way counts until it ends, or until its deadline if its process died.
/// While the database cannot be asked each process keeps to its share of every limit, of which what it had from the
/// database counts as used: never to none, and no second burst.
#[derive(Debug, Clone)]
#[must_use = "a setter gives it back"]
pub struct SharedLimits {
    pool: PgPool,
    share: u32,
    /// An answer of the database that takes longer counts as none.
    patience: Duration,
    /// What this process may do alone.
    alone: TokenBuckets,
    /// Nobody asks the database before.
    down_until: Arc<Mutex<Option<Instant>>>,
}

/// A bucket as the database takes it.
#[derive(Serialize)]
struct Wanted {
    key: String,
    rate: f64,
    burst: u32,
    most: Option<u32>,
}

impl Wanted {
    fn of(caller: &Caller, limit: &Limit) -> Self {
        let (scope, owner) = match limit.scope {
            Scope::Account => ("account", &caller.account),
            Scope::Application => ("application", &caller.application),
        };
        let key = serde_json::json!([scope, &**owner, limit.name]).to_string();
        Self {
            key,
            rate: limit.quota.per_second,
            burst: limit.quota.burst.max(1),
            most: limit.in_flight.map(|n| n.max(1)),
        }
    }
}

/// How long to wait, which buckets are reserved then, and the places for calls under way.
type Reservation = (Option<f64>, Option<Vec<String>>, Option<Vec<i64>>);

/// What the database said.
enum Turn {
    /// After this long it has a slot of these buckets.
    Reserved(Duration, Vec<String>, Option<Places>),
    Full,
    Late,
}

impl Turn {
    fn of((wait, booked, taken): Reservation, pool: PgPool) -> Self {
        match wait {
            None => Self::Late,
            Some(wait) if wait < 0.0 => Self::Full,
            Some(wait) => {
                let places = taken.map(|taken| Places { pool, taken });
                Self::Reserved(Duration::from_secs_f64(wait.min(1e9)), booked.unwrap_or_default(), places)
            }
        }
    }
}

/// Calls under way, given back when they have ended.
struct Places {
    pool: PgPool,
    taken: Vec<i64>,
}

impl Drop for Places {
    fn drop(&mut self) {
        let (pool, taken) = (self.pool.clone(), std::mem::take(&mut self.taken));
        let leave = async move {
            let query = sqlx::query("DELETE FROM places WHERE place = ANY ($1)").bind(taken);
            if let Err(error) = query.execute(&pool).await {
                // They end by themselves at the call's deadline.
                tracing::debug!(%error, "places of calls that have ended could not be given back");
            }
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(leave);
        }
    }
}

impl SharedLimits {
    pub(crate) fn new(pool: PgPool, share: u32) -> Self {
        Self { pool, share: share.max(1), patience: PATIENCE, alone: TokenBuckets::new(), down_until: Arc::default() }
    }

    /// How long an answer of the database may take, 2 s by default: one that takes longer counts as none.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Asks the database; `None` if it cannot be asked.
    async fn ask(&self, wanted: &[Wanted], left: Duration) -> Option<Turn> {
        let is_down = *self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        if is_down.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let rows = serde_json::to_string(wanted).expect("plain data");
        // A call has ended by its deadline; what comes after is the network's delay.
        let (pool, left, lease) =
            (self.pool.clone(), left.as_secs_f64(), left.saturating_add(self.patience).as_secs_f64());
        let ask = async move {
            let query = sqlx::query_as("SELECT wait, booked, taken FROM asin_reserve($1::json, $2, $3)");
            let answer: Reservation = query.bind(rows).bind(left).bind(lease).fetch_one(&pool).await?;
            Ok::<_, sqlx::Error>(Turn::of(answer, pool))
        };
        // In a task of its own: the places of an answer that comes when nobody waits any more are given back.
        let answer = match timeout(self.patience, tokio::spawn(ask)).await {
            Ok(Ok(answer)) => answer.map_err(|error| error.to_string()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {:?}", self.patience)),
        };
        match answer {
            Ok(turn) => Some(turn),
            Err(error) => {
                tracing::warn!(error, share = self.share, "shared limits: each process keeps to its share for now");
                *self.down_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
                None
            }
        }
    }

    /// Waits until none of these buckets is closed: a refusal may have been learnt while this call slept. A database that
    /// says nothing closes nothing.
    ///
    /// # Errors
    /// When that would be after the deadline.
    async fn reopened(&self, keys: &[String], deadline: Instant) -> Result<(), ()> {
        loop {
            let query = sqlx::query_scalar(
                "SELECT max(closed_until) - CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION) \
                 FROM limits WHERE key = ANY ($1)",
            );
            let answer = timeout(self.patience, query.bind(keys).fetch_one(&self.pool)).await;
            let closed: f64 = answer.ok().and_then(Result::ok).flatten().unwrap_or_default();
            if closed <= 0.0 {
                return Ok(());
            }
            let opens = Instant::now() + Duration::from_secs_f64(closed.min(1e9));
            if opens > deadline {
                return Err(());
            }
            sleep_until(opens).await;
        }
    }

    fn parts(&self, limits: &[Limit]) -> Vec<Limit> {
        limits.iter().map(|limit| self.part(limit)).collect()
    }

    /// This process's part of a limit.
    fn part(&self, limit: &Limit) -> Limit {
        let Quota { per_second, burst } = limit.quota;
        let quota = Quota { per_second: per_second / f64::from(self.share), burst: (burst / self.share).max(1) };
        Limit { quota, in_flight: limit.in_flight.map(|most| (most / self.share).max(1)), ..*limit }
    }
}

#[async_trait]
impl RateLimit for SharedLimits {
    async fn acquire(&self, caller: &Caller, limits: &[Limit], deadline: Instant) -> Result<Permit, Late> {
        let Some(first) = limits.first() else { return Ok(Permit::free()) };
        let mut wanted: Vec<Wanted> = limits.iter().map(|limit| Wanted::of(caller, limit)).collect();
        wanted.sort_by(|one, other| one.key.cmp(&other.key));
        wanted.dedup_by(|one, other| one.key == other.key);
        let (keys, mut held): (Vec<String>, Vec<Places>) = (wanted.iter().map(|one| one.key.clone()).collect(), vec![]);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.ask(&wanted, left).await {
                Some(Turn::Reserved(wait, booked, places)) => {
                    held.extend(places);
                    wanted.retain(|one| !booked.contains(&one.key));
                    // Counted from the answer on, which came after the database looked at its clock.
                    sleep(wait).await;
                    if !wait.is_zero() {
                        self.reopened(&keys, deadline).await.map_err(|()| Late { limit: first.name })?;
                    }
                    if wanted.is_empty() {
                        // Of its own share as far as that reaches: should the database be gone next, this call is counted.
                        let own = self.alone.acquire(caller, &self.parts(limits), Instant::now()).await.ok();
                        return Ok(Permit::new((held, own)));
                    }
                }
                Some(Turn::Full) if left > LOOK => sleep(LOOK).await,
                Some(Turn::Full | Turn::Late) => return Err(Late { limit: first.name }),
                None => return self.alone.acquire(caller, &self.parts(limits), deadline).await,
            }
        }
    }

    fn learn(&self, caller: &Caller, lesson: &Lesson) {
        self.alone.learn(caller, &Lesson { limit: self.part(&lesson.limit), what: self.part_of(lesson.what) });
        let Wanted { key, rate, burst, most } = Wanted::of(caller, &lesson.limit);
        let (announced, pause, crowded) = match lesson.what {
            Learnt::Rate(rate) if rate.is_finite() && rate > 0.0 => (Some(rate), None, false),
            Learnt::Refused(pause) => (None, pause, false),
            Learnt::Crowded(pause) => (None, Some(pause), true),
            _ => return,
        };
        let pool = self.pool.clone();
        let teach = async move {
            let query = sqlx::query("SELECT asin_learn($1, $2, $3, $4, $5, $6, $7)")
                .bind(key)
                .bind(rate)
                .bind(f64::from(burst))
                .bind(most.map(|most| i32::try_from(most).unwrap_or(i32::MAX)))
                .bind(announced)
                .bind(pause.map(|pause| pause.as_secs_f64()))
                .bind(crowded);
            if let Err(error) = query.execute(&pool).await {
                tracing::warn!(%error, "shared limits: the others could not be told what an answer taught");
            }
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(teach);
        }
    }
}

impl SharedLimits {
    /// What a lesson says about this process's part.
    fn part_of(&self, what: Learnt) -> Learnt {
        match what {
            Learnt::Rate(rate) => Learnt::Rate(rate / f64::from(self.share)),
            other => other,
        }
    }
}
