//! Finding out what became of tasks whose POST had no readable answer, or that a crash cut off.
//!
//! The vendor has no key against duplicates, but lists what was posted, with our tag. A task that is listed was made. One
//! that is not listed may still come: the list lags, and a server may act on a request after its client gave up. So it is
//! taken for absent only after two complete looks, the second at least ten minutes after it can last have been sent,
//! each of which shows a known task of ours that was sent no earlier: then the list has caught up. Where nothing was sent
//! since, a known task that was sent before must do, and an hour must have passed.
//!
//! A look begins shortly before the first of them and ends when the last of them must have been made, as far as the
//! vendor's clock tells; only where that shows no known task of ours it goes on until now.

use super::{Tasks, ledger_failed, look::Look};
use crate::{Entry, Order, Stage, State, Tag, ledger};
use core_http::Result;
use futures_util::{StreamExt, TryStreamExt, future, pin_mut};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashSet;

/// How far before the sending the window begins.
const BEFORE: SignedDuration = SignedDuration::from_secs(60);
/// The same where only our own clock knows when that was, which may have been set since.
const BEFORE_BY_OUR_CLOCK: SignedDuration = SignedDuration::from_hours(1);
/// How far back the list says what was posted.
const REACH: SignedDuration = SignedDuration::from_hours(24 * 28);

/// How many times as long a task must have been gone if the list only shows what was sent before it.
const WITHOUT_LATER: i32 = 6;
/// How many tasks are settled at once, the oldest first.
const AT_ONCE: usize = 10_000;
/// So many of our known tasks in a look are enough to judge by, the newest first.
const WITNESSES: usize = 20;

/// What is known now about tasks whose outcome was unknown. A task of which somebody else has learnt more meanwhile, such
/// as the receiver of webhooks, is in none of these.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Settlement {
    /// They were made and billed; their results can be collected.
    pub created: Vec<Entry>,
    /// They were neither made nor billed; they can be posted again.
    pub absent: Vec<Entry>,
    /// It is still not known: settle again later. Their cost stays reserved.
    pub unknown: Vec<Entry>,
}

impl Tasks {
    /// Looks up the tasks whose outcome is not known, up to 10,000 of them. Does nothing, and costs no call, if there is
    /// none.
    ///
    /// To prove that a task is absent the list must show a known task of ours. As long as this account's ledger knows none,
    /// it stays unknown; so does a call that was to be answered at once. See [`write_off`](Tasks::write_off).
    ///
    /// # Errors
    /// Those of the ledger and of the free calls; what was found out before is recorded.
    pub async fn settle(&self) -> Result<Settlement> {
        let _one_at_a_time = self.shared.settling.lock().await;
        self.adopt().await?;
        let (live, unknown): (Vec<Entry>, Vec<Entry>) =
            self.unsettled_at_once().await?.into_iter().partition(|entry| entry.live);
        let mut settlement = Settlement { unknown, ..Settlement::default() };
        if !settlement.unknown.is_empty() {
            self.look_up(&mut settlement).await?;
        }
        settlement.unknown.extend(live);
        Ok(settlement)
    }

    async fn look_up(&self, settlement: &mut Settlement) -> Result<()> {
        self.hear_clock().await?;
        let (now, near) = (self.now(), self.last_made(&settlement.unknown));
        let mut gone = HashSet::new();
        // Of a busy account the list of a whole day is more than can be read.
        if (reach(now)..now).contains(&near) {
            gone = self.gone(settlement, None, near).await?;
        }
        if gone.len() < settlement.unknown.len() {
            let earlier = self.known_before(&settlement.unknown).await?;
            gone.extend(self.gone(settlement, earlier.as_ref(), now).await?);
        }
        let (absent, unknown) = settlement.unknown.drain(..).partition(|entry| gone.contains(&entry.tag));
        settlement.unknown = unknown;
        settlement.absent = self.became(absent, |_| State::Absent).await?;
        Ok(())
    }

    /// Those that two looks at what was posted until a moment would have shown, and did not.
    async fn gone(&self, settlement: &mut Settlement, earlier: Option<&Entry>, to: Timestamp) -> Result<HashSet<Tag>> {
        let gone = self.look_for(settlement, earlier, to, "asc").await?;
        if gone.is_empty() {
            return Ok(gone);
        }
        let still_gone = self.look_for(settlement, earlier, to, "desc").await?;
        Ok(gone.intersection(&still_gone).cloned().collect())
    }

    /// The moment of the vendor's time after which none of these can have been made, as far as that is known: of one that a
    /// crash cut off it is not, for what a suspended machine had begun to send leaves when that wakes.
    fn last_made(&self, unknown: &[Entry]) -> Timestamp {
        let sent = |entry: &Entry| match (&entry.state, entry.vendor_sent) {
            (State::Unknown { at, .. }, Some(_)) => Some(*at),
            _ => None,
        };
        let last = unknown.iter().map(sent).try_fold(Timestamp::MIN, |last, sent| Some(last.max(sent?)));
        last.and_then(|last| last.checked_add(self.absence().saturating_add(BEFORE)).ok()).unwrap_or(Timestamp::MAX)
    }

    async fn unsettled_at_once(&self) -> Result<Vec<Entry>> {
        let _no_call_under_way = self.shared.calls.write().await;
        self.entries(&Stage::OPEN).take(AT_ONCE).try_collect().await
    }

    /// The last known task before these, if one of them has been unknown for so long that it may be needed.
    async fn known_before(&self, unknown: &[Entry]) -> Result<Option<Entry>> {
        let wanted = unknown.iter().any(|entry| self.gone_for(entry) >= self.absence().saturating_mul(WITHOUT_LATER));
        let Some(oldest) = unknown.iter().map(|entry| entry.sent).min().filter(|_| wanted) else { return Ok(None) };
        let known = ledger::entries(self.ledger.clone(), &Stage::KNOWN, Order::NewestFirst).map_err(ledger_failed);
        let before = known.try_skip_while(|entry| future::ready(Ok(entry.sent >= oldest)));
        pin_mut!(before);
        let since = reach(oldest);
        Ok(before.try_next().await?.filter(|entry| entry.sent >= since))
    }

    /// The newest of our known tasks that a look shows.
    async fn witnesses(&self, look: &Look, unknown: &[Entry]) -> Result<Vec<Entry>> {
        let Some(oldest) = unknown.iter().map(|entry| entry.sent).min() else { return Ok(Vec::new()) };
        let since = reach(oldest);
        let known = ledger::entries(self.ledger.clone(), &Stage::KNOWN, Order::NewestFirst).map_err(ledger_failed);
        let near = known.try_take_while(|entry| future::ready(Ok(entry.sent >= since)));
        let shown = near.try_filter(|entry| future::ready(look.shows(entry)));
        shown.take(WITNESSES).try_collect().await
    }

    /// Takes one look, moves what it finds from `unknown` to `created`, and returns those whom it would have shown.
    async fn look_for(
        &self,
        settlement: &mut Settlement,
        earlier: Option<&Entry>,
        to: Timestamp,
        sort: &str,
    ) -> Result<HashSet<Tag>> {
        let now = self.now();
        let reach = reach(now);
        // What is older cannot be judged any more.
        let judged = settlement.unknown.iter().filter(|entry| entry.sent_from() >= reach);
        let begins = judged.chain(earlier).map(|entry| self.window_before(entry, now));
        let from = begins.min().unwrap_or(now).clamp(reach, now).min(to);
        let look = self.look(from, to, sort).await?;

        let (found, unknown): (Vec<Entry>, Vec<Entry>) =
            settlement.unknown.drain(..).partition(|entry| look.found(&entry.tag).is_some());
        settlement.unknown = unknown;
        let created = self.became(found, |entry| match look.found(&entry.tag) {
            Some((id, cost)) => State::Created { id: id.clone(), cost: cost.unwrap_or(entry.reserved) },
            None => entry.state.clone(),
        });
        settlement.created.extend(created.await?);
        let witnesses = self.witnesses(&look, &settlement.unknown).await?;
        let is_gone = |entry: &&Entry| entry.sent_from() >= reach && self.is_gone(entry, &look, &witnesses);
        Ok(settlement.unknown.iter().filter(is_gone).map(|entry| entry.tag.clone()).collect())
    }

    /// Whether a look that did not find the task would have shown it.
    fn is_gone(&self, entry: &Entry, look: &Look, witnesses: &[Entry]) -> bool {
        let times = match witnesses.iter().map(|known| is_no_earlier(known, entry)).max() {
            Some(true) => 1,
            Some(false) => WITHOUT_LATER,
            None => return false,
        };
        look.is_complete() && self.gone_for(entry) >= self.absence().saturating_mul(times)
    }

    pub(super) fn absence(&self) -> SignedDuration {
        SignedDuration::try_from(self.settings.absence).unwrap_or(SignedDuration::MAX)
    }

    /// The moment of the vendor's time before which it cannot have been posted.
    fn window_before(&self, entry: &Entry, now: Timestamp) -> Timestamp {
        let (sent, before) = match entry.vendor_sent {
            Some(sent) => (sent, BEFORE),
            None => (entry.sent.min(now - self.shared.clock.wall().duration_since(entry.sent)), BEFORE_BY_OUR_CLOCK),
        };
        sent.saturating_sub(before).unwrap_or(Timestamp::MIN)
    }

    /// How long ago it can last have been sent, at least.
    pub(super) fn gone_for(&self, entry: &Entry) -> SignedDuration {
        let (from, lease) = (entry.sent_from(), entry.lease());
        let could_be_sent_for = match &entry.state {
            State::Unknown { at, .. } => Some(at.duration_since(from)).filter(|passed| !passed.is_negative()),
            // After a crash nobody knows when the process ended: no sending began after the lease.
            _ => None,
        };
        // By both clocks, for ours may have been set, and the vendor's may not have been known then or now.
        let ours = self.shared.clock.wall().duration_since(entry.sent);
        let vendors = self.shared.clock.vendors().map(|now| now.duration_since(from));
        vendors.map_or(ours, |passed| passed.min(ours)) - could_be_sent_for.unwrap_or(lease)
    }

    /// Records what became of entries, and returns those so of which that was news.
    async fn became(&self, mut entries: Vec<Entry>, state: impl Fn(&Entry) -> State) -> Result<Vec<Entry>> {
        entries.iter_mut().for_each(|entry| entry.state = state(entry));
        let changes: Vec<(Tag, State)> = entries.iter().map(|entry| (entry.tag.clone(), entry.state.clone())).collect();
        let mut news = HashSet::new();
        for batch in changes.chunks(100) {
            news.extend(self.record(batch).await?.into_iter().map(|(tag, _)| tag));
        }
        entries.retain(|entry| news.contains(&entry.tag));
        Ok(entries)
    }
}

/// How far back the list reaches from a moment.
fn reach(from: Timestamp) -> Timestamp {
    from.saturating_sub(REACH).unwrap_or(Timestamp::MIN)
}

/// Whether one entry was sent at the same time as another or later, by the same clock.
fn is_no_earlier(one: &Entry, other: &Entry) -> bool {
    match (one.vendor_sent, other.vendor_sent) {
        (Some(one), Some(other)) => one >= other,
        _ => one.sent >= other.sent,
    }
}
