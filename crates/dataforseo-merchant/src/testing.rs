//! What every ledger must do (feature `testing`): a suite that its own tests run over it.
//!
//! ```
//! use dataforseo_merchant::{Ledger, MemoryLedger, testing::{Store, check_ledger}};
//! use std::sync::Arc;
//!
//! struct Memory(Arc<MemoryLedger>);
//!
//! #[async_trait::async_trait]
//! impl Store for Memory {
//!     async fn open(&self) -> Arc<dyn Ledger> {
//!         self.0.clone()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! check_ledger(&Memory(Arc::new(MemoryLedger::new()))).await;
//! # }
//! ```

use crate::{
    AsinTask, Counts, Entry, Language, Ledger, Location, Order, Page, Priority, Stage, State, Tag, TaskId, TaskRequest,
};
use async_trait::async_trait;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use std::{collections::BTreeSet, sync::Arc};

/// Where a ledger keeps what it is told.
#[async_trait]
pub trait Store: Send + Sync {
    /// Opens the ledger as a new process would. The one that was opened before is dropped by then.
    async fn open(&self) -> Arc<dyn Ledger>;
}

/// Checks that a ledger keeps the rules of [`Ledger`]. It may hold other entries, as long as nobody else writes to it.
///
/// # Panics
/// When it breaks one, with the rule in the message.
pub async fn check_ledger(store: &dyn Store) {
    entries_come_back_as_they_were(store).await;
    a_batch_is_stored_whole_or_not_at_all(store).await;
    what_is_certain_stays(store).await;
    pages_show_each_entry_once(store).await;
    many_write_at_once(store).await;
}

/// A new entry, about to be sent.
pub fn entry(label: &str) -> Entry {
    let asin = "B0EXAMPLE1".parse().expect("ten letters and digits make an ASIN");
    let own = Tag::new("the caller's own: ü/'\"\\%_").expect("short enough");
    let task = AsinTask::new(asin, Location::code(2840), Language::code("en_US")).priority(Priority::High).tag(own);
    let sent = Timestamp::now();
    Entry {
        tag: Tag::unique(),
        request: TaskRequest::from(task),
        label: label.to_owned(),
        reserved: Decimal::new(15, 4),
        sent,
        vendor_sent: Some(sent - SignedDuration::from_secs(1)),
        not_after: sent + SignedDuration::from_secs(60),
        live: false,
        state: State::Intended,
    }
}

fn states() -> [State; 7] {
    let id = TaskId::new("10051020-2523-0209-0000-64b1acabfbeb");
    [
        State::Intended,
        State::Unknown { reason: "no answer: 'ü'".to_owned(), at: Timestamp::now() },
        State::Created { id: id.clone(), cost: Decimal::new(15, 4) },
        State::Rejected { code: "40501".to_owned(), message: "Invalid Field: 'asin'.".to_owned() },
        State::Absent,
        State::WrittenOff { reason: "looked: 'ü'".to_owned(), cost: Decimal::new(15, 4) },
        State::Collected { id, cost: Decimal::from_parts(1, 0, 0, false, 28) },
    ]
}

async fn intend(ledger: &dyn Ledger, entries: &[Entry]) {
    ledger.intend(entries).await.expect("new entries are stored");
}

async fn record(ledger: &dyn Ledger, changes: &[(Tag, State)]) -> Vec<(Tag, State)> {
    ledger.record(changes).await.expect("changes are stored, or left out")
}

async fn find(ledger: &dyn Ledger, tag: &Tag) -> Option<Entry> {
    ledger.entry(tag).await.expect("an entry can be read")
}

async fn counts(ledger: &dyn Ledger) -> Counts {
    ledger.counts().await.expect("entries can be counted")
}

async fn entries_come_back_as_they_were(store: &dyn Store) {
    let ledger = store.open().await;
    let mut written = vec![entry(""), entry("a note: \n ü 漢 '\"\\ %_; --")];
    written[0].vendor_sent = None;
    written[1].reserved = Decimal::MAX;
    written.extend((0..98).map(|number| entry(&number.to_string())));
    intend(&*ledger, &written).await;
    let changes: Vec<_> = written.iter().map(|entry| entry.tag.clone()).zip(states()).collect();
    record(&*ledger, &changes).await;
    written.iter_mut().zip(changes).for_each(|(entry, (_, state))| entry.state = state);
    let counted = counts(&*ledger).await;
    for entry in &written {
        assert_eq!(find(&*ledger, &entry.tag).await.as_ref(), Some(entry), "an entry comes back as it was");
    }
    drop(ledger);

    let ledger = store.open().await;
    for entry in &written {
        assert_eq!(find(&*ledger, &entry.tag).await.as_ref(), Some(entry), "what was stored outlives the process");
    }
    assert_eq!(counts(&*ledger).await, counted, "the counts are the same after opening it again");
    assert_eq!(find(&*ledger, &Tag::unique()).await, None, "a tag that nobody wrote is not there");
}

async fn a_batch_is_stored_whole_or_not_at_all(store: &dyn Store) {
    let ledger = store.open().await;
    let (old, new, twice) = (entry("old"), entry("new"), entry("twice"));
    intend(&*ledger, std::slice::from_ref(&old)).await;
    record(&*ledger, &[(old.tag.clone(), states()[2].clone())]).await;
    let again = Entry { label: "again".to_owned(), ..old.clone() };
    let refused = ledger.intend(&[new.clone(), again]).await;
    assert!(refused.is_err(), "a tag can be intended once");
    assert_eq!(find(&*ledger, &new.tag).await, None, "of a batch that is refused nothing is stored");
    let kept = find(&*ledger, &old.tag).await;
    assert_eq!(kept.map(|entry| (entry.label, entry.state.stage())), Some((old.label, Stage::Created)));
    assert!(ledger.intend(&[twice.clone(), twice.clone()]).await.is_err(), "not twice in one batch either");
    assert_eq!(find(&*ledger, &twice.tag).await, None);
    intend(&*ledger, &[]).await;
    record(&*ledger, &[]).await;
    intend(&*ledger, &[new, twice]).await;
}

async fn what_is_certain_stays(store: &dyn Store) {
    let ledger = store.open().await;
    let states = states();
    for first in &states {
        for next in &states {
            let entry = entry("certain");
            intend(&*ledger, std::slice::from_ref(&entry)).await;
            record(&*ledger, &[(entry.tag.clone(), first.clone())]).await;
            let unknown = (Tag::unique(), next.clone());
            let change = (entry.tag.clone(), next.clone());
            let news = record(&*ledger, &[unknown.clone(), change.clone()]).await;
            let is_news = first.may_become(next);
            assert_eq!(news, if is_news { vec![change] } else { vec![] }, "{first:?}, then {next:?}: what is news");
            let expected = if is_news { next } else { first };
            let found = find(&*ledger, &entry.tag).await.map(|entry| entry.state);
            assert_eq!(found.as_ref(), Some(expected), "{first:?}, then {next:?}");
            assert_eq!(find(&*ledger, &unknown.0).await, None, "a change of an entry that is not known is left out");
        }
    }
    // In one batch each change meets what the one before has left.
    let [_, unknown, created, _, absent, _, collected] = states;
    let entry = entry("in one batch");
    intend(&*ledger, std::slice::from_ref(&entry)).await;
    let changes = [unknown, created, absent, collected.clone()].map(|state| (entry.tag.clone(), state));
    let news = record(&*ledger, &changes).await;
    assert_eq!(news, [changes[0].clone(), changes[1].clone(), changes[3].clone()], "news comes in its order");
    assert_eq!(find(&*ledger, &entry.tag).await.map(|entry| entry.state), Some(collected));
}

async fn pages_show_each_entry_once(store: &dyn Store) {
    let ledger = store.open().await;
    let before = counts(&*ledger).await;
    let written: Vec<Entry> = (0..250).map(|number| entry(&number.to_string())).collect();
    for batch in written.chunks(100) {
        intend(&*ledger, batch).await;
    }
    let changes: Vec<_> = written.iter().map(|entry| entry.tag.clone()).zip(states().into_iter().cycle()).collect();
    for batch in changes.chunks(100) {
        record(&*ledger, batch).await;
    }
    let stage = |tag: &Tag| changes.iter().find(|(changed, _)| changed == tag).map(|(_, state)| state.stage());
    for stages in
        [&Stage::ALL[..], &Stage::OPEN, &Stage::PENDING, &Stage::KNOWN, &[Stage::Absent, Stage::Rejected], &[]]
    {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            for limit in [1, 7, 1000] {
                // One entry at a time would take long over all of them.
                let most = if limit == 1 { 20 } else { usize::MAX };
                let read = pages(&*ledger, stages, order, limit, most).await;
                let in_order = |pair: &[Entry]| match order {
                    Order::OldestFirst => pair[0].tag < pair[1].tag,
                    Order::NewestFirst => pair[0].tag > pair[1].tag,
                };
                assert!(read.windows(2).all(in_order), "pages go by tag: {order:?}, {limit} at a time");
                assert!(
                    read.iter().all(|entry| stages.contains(&entry.state.stage())),
                    "only {stages:?} were asked for"
                );
                if limit > 1 {
                    let read: BTreeSet<&Tag> = read.iter().map(|entry| &entry.tag).collect();
                    let ours =
                        written.iter().filter(|entry| stage(&entry.tag).is_some_and(|stage| stages.contains(&stage)));
                    assert!(ours.into_iter().all(|entry| read.contains(&entry.tag)), "pages show every entry");
                }
            }
        }
    }
    let after = counts(&*ledger).await;
    for wanted in Stage::ALL {
        let count = |counts: &Counts| counts.get(&wanted).copied().unwrap_or_default();
        let ours = changes.iter().filter(|(_, state)| state.stage() == wanted).count() as u64;
        assert_eq!(count(&after) - count(&before), ours, "the count of {wanted:?}");
    }
}

async fn pages(ledger: &dyn Ledger, stages: &[Stage], order: Order, limit: usize, most: usize) -> Vec<Entry> {
    let mut read: Vec<Entry> = Vec::new();
    while read.len() < most {
        let after = read.last().map(|entry| entry.tag.clone());
        let page = ledger.page(Page { stages, order, after: after.as_ref(), limit }).await.expect("a page can be read");
        assert!(page.len() <= limit, "a page holds at most what was asked for");
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    read
}

async fn many_write_at_once(store: &dyn Store) {
    let ledger = store.open().await;
    let shared = entry("shared");
    let writer = |number: usize| {
        let (ledger, shared) = (ledger.clone(), shared.clone());
        async move {
            let took = ledger.intend(&[shared]).await.is_ok();
            let batch: Vec<Entry> = (0..25).map(|at| entry(&format!("{number}-{at}"))).collect();
            intend(&*ledger, &batch).await;
            let created = states()[2].clone();
            let changes: Vec<_> = batch.iter().map(|entry| (entry.tag.clone(), created.clone())).collect();
            record(&*ledger, &changes).await;
            for entry in batch {
                let found = find(&*ledger, &entry.tag).await;
                assert_eq!(found.map(|entry| entry.state), Some(created.clone()), "one sees what it has written");
            }
            took
        }
    };
    let took = join_all((0..8).map(|number| tokio::spawn(writer(number)))).await;
    let took = took.into_iter().filter(|took| *took.as_ref().expect("no writer panics")).count();
    assert_eq!(took, 1, "of several who intend the same task one has it");
}
