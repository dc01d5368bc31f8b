//! Results as they become ready.
//!
//! A few tasks, or more if they are urgent, are asked for one by one, which only the general limit bounds. Many are
//! looked up in the list of what is ready, 20 calls a minute: it is the whole account's, so what is not ours is left
//! alone. It shows a thousand rows at most and hides the rest until these are collected, perhaps by another program; it
//! shows three days, and not what is sent to a postback address. So some are asked for by id beside it: a few if it shows
//! none of ours, many if it is full or if they are too old for it.

use super::{Cadence, Kind, Line, TaskResult, Tasks, kinds, passes};
use crate::{Entry, Priority, TaskId, vendor};
use core_http::{Error, ErrorKind, Result};
use futures_core::Stream;
use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream, FuturesUnordered},
};
use jiff::SignedDuration;
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    fmt,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// So many pending tasks are asked for one by one, …
const FEW: usize = 50;
/// … and so many, if one of them is urgent.
const FEW_URGENT: usize = 200;
/// How many are asked for by id when the list shows none of ours, …
const UNLISTED: usize = 20;
/// … and when it may hide them.
const HIDDEN: usize = 200;
/// The most rows that the list shows.
const ROWS: usize = 1000;
/// How long the list shows a task.
const LISTED: SignedDuration = SignedDuration::from_hours(3 * 24);
/// How many tasks are asked for at once, of the 30 calls that the account may have under way.
const AT_ONCE: usize = 16;
/// How long a new task may not be known to `task_get`.
const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// A task that has ended. Store its result, then [acknowledge](Tasks::acknowledge) its tag.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Collected {
    /// The task.
    pub entry: Entry,
    /// What came of it.
    pub result: TaskResult,
}

impl Tasks {
    /// Streams what came of these tasks, in the order in which they end. The stream ends when none is pending any more or
    /// when `patience` has run out; what is [pending](Collecting::pending) then can be collected later, also by another
    /// process: an entry is a handle that can be stored, and needs no ledger to be collected.
    ///
    /// Passing failures of the network or the vendor are waited out, and so are answers that do not speak of the task; if the last look before the end failed, its error
    /// is the last item. An error that cannot pass, such as refused credentials, ends the stream at once; one that
    /// only a single task may have, such as a gateway's 404, once a look has heard nothing else.
    ///
    /// ```
    /// use dataforseo_merchant::{TaskResult, Tasks};
    /// use futures_util::TryStreamExt;
    /// use std::time::Duration;
    ///
    /// async fn collect(tasks: &Tasks) -> core_http::Result<usize> {
    ///     let pending: Vec<_> = tasks.pending().try_collect().await?;
    ///     let mut results = tasks.collect(pending, Duration::from_secs(3600));
    ///     while let Some(collected) = results.try_next().await? {
    ///         if let TaskResult::Sellers(page) = &collected.result {
    ///             println!("{}: {} offers", collected.entry.label, page.offers().count());
    ///         }
    ///         // Only when the result is stored:
    ///         tasks.acknowledge(&collected.entry.tag).await?;
    ///     }
    ///     Ok(results.pending().len())
    /// }
    /// # let script = std::sync::Arc::new(core_http::testing::Script::new());
    /// # let client = dataforseo_merchant::Builder::new("login", "password").transport(script).build().unwrap();
    /// # let ledger = std::sync::Arc::new(dataforseo_merchant::MemoryLedger::new());
    /// # let tasks = Tasks::new(client, ledger, dataforseo_merchant::Budget::unlimited());
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # assert_eq!(runtime.block_on(collect(&tasks)).unwrap(), 0);
    /// ```
    pub fn collect(&self, entries: impl IntoIterator<Item = Entry>, patience: Duration) -> Collecting {
        let collector = Collector::new(self.clone(), entries, patience);
        let (pending, looks) = (collector.pending.clone(), collector.looks.clone());
        let results = stream::unfold(collector, |mut collector| async move {
            let item = collector.next().await?;
            Some((item, collector))
        });
        Collecting { results: results.boxed(), pending, looks }
    }
}

/// The tasks that have not ended, by their ids.
type Pending = Arc<Mutex<HashMap<TaskId, Entry>>>;

/// Results as they become ready; made by [`Tasks::collect`].
#[must_use = "nothing is asked for until it is polled"]
pub struct Collecting {
    results: BoxStream<'static, Result<Collected>>,
    pending: Pending,
    looks: Arc<AtomicU64>,
}

impl Collecting {
    /// How many looks have ended: for each, whatever it found to be ready has come, or failed.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// The tasks whose results have not come yet, the oldest first. Each can be stored and collected by another process.
    pub fn pending(&self) -> Vec<Entry> {
        let mut pending: Vec<Entry> = lock(&self.pending).values().cloned().collect();
        pending.sort_by(|one, other| (one.sent, &one.tag).cmp(&(other.sent, &other.tag)));
        pending
    }
}

impl Stream for Collecting {
    type Item = Result<Collected>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.results.poll_next_unpin(context)
    }
}

impl fmt::Debug for Collecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collecting").field("pending", &lock(&self.pending).len()).finish_non_exhaustive()
    }
}

fn lock(pending: &Pending) -> MutexGuard<'_, HashMap<TaskId, Entry>> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

type Asked = BoxFuture<'static, (TaskId, Result<Option<TaskResult>>)>;

struct Collector {
    tasks: Tasks,
    cadence: Cadence,
    end: Instant,
    /// How long until the next look.
    wait: Duration,
    pending: Pending,
    /// Those of them, the oldest first and then as they were asked for, and some that have ended.
    queue: VecDeque<TaskId>,
    /// Those that were answered at once: the answer may be in hand.
    live: Vec<TaskId>,
    /// Those that this look asks for.
    due: VecDeque<TaskId>,
    under_way: FuturesUnordered<Asked>,
    /// Whether the last look has brought anything.
    fruitful: Option<bool>,
    /// How many have ended.
    looks: Arc<AtomicU64>,
    /// Whether it has been told of any task that it is pending.
    told: bool,
    /// Why the last look failed.
    failure: Option<Error>,
    ended: bool,
}

impl Collector {
    fn new(tasks: Tasks, entries: impl IntoIterator<Item = Entry>, patience: Duration) -> Self {
        let mut entries: Vec<Entry> = entries.into_iter().filter(|entry| entry.state.id().is_some()).collect();
        entries.sort_by_key(|entry| entry.sent);
        let urgent = entries.iter().any(is_urgent);
        let longest = Duration::from_secs(if urgent { 15 } else { 60 });
        let cadence = tasks.settings.cadence.unwrap_or(Cadence { first: Duration::from_secs(1), longest });
        let oldest = entries.iter().map(|entry| tasks.age(entry)).max().unwrap_or_default();
        let wait = cadence.first.saturating_sub(oldest.unsigned_abs()).min(patience);
        let with_id = |entry: Entry| Some((entry.state.id()?.clone(), entry));
        let queue = entries.iter().filter_map(|entry| entry.state.id().cloned()).collect();
        let live = entries.iter().filter(|entry| entry.live).filter_map(|entry| entry.state.id().cloned()).collect();
        let (due, under_way) = (VecDeque::new(), FuturesUnordered::new());
        let pending = Arc::new(Mutex::new(entries.into_iter().filter_map(with_id).collect()));
        let (end, fruitful, told, failure, ended) = (core_http::from_now(patience), None, false, None, false);
        let looks = Arc::default();
        Self { tasks, cadence, end, wait, pending, queue, live, due, under_way, fruitful, looks, told, failure, ended }
    }

    async fn next(&mut self) -> Option<Result<Collected>> {
        while let Some(id) = self.live.pop() {
            let mut pending = lock(&self.pending);
            if let Some(answer) = pending.get(&id).and_then(|entry| self.tasks.shared.answers.take(&entry.tag)) {
                pending.remove(&id);
                return Some(Ok(answer));
            }
        }
        loop {
            if self.ended || Instant::now() > self.end {
                self.due.clear();
            }
            while self.under_way.len() < AT_ONCE
                && let Some(id) = self.due.pop_front()
            {
                // Not in the future that asks: nobody polls that while what another has brought is stored, and of a ledger in a
                // database it must not keep a connection meanwhile.
                if let Some(entry) = self.posted(&id)
                    && self.tasks.is_acknowledged(&entry).await
                {
                    lock(&self.pending).remove(&id);
                    continue;
                }
                let asked = self.ask(id);
                self.under_way.extend(asked);
            }
            match self.under_way.next().await {
                Some((id, Ok(Some(result)))) => {
                    self.fruitful = Some(true);
                    let entry = lock(&self.pending).remove(&id);
                    match entry {
                        // Unless it was received, and is stored already.
                        Some(entry) if !self.tasks.is_acknowledged(&entry).await => {
                            return Some(Ok(Collected { entry, result }));
                        }
                        _ => continue,
                    }
                }
                Some((_, Ok(None))) => {
                    self.told = true;
                    continue;
                }
                Some((_, Err(error))) => {
                    self.failed(error);
                    continue;
                }
                None => {}
            }
            if lock(&self.pending).is_empty() {
                return None;
            }
            if let Some(fruitful) = self.fruitful.take() {
                self.looks.fetch_add(1, Ordering::Relaxed);
                self.ended |=
                    !fruitful && !self.told && self.failure.as_ref().is_some_and(|error| is_of_a_task(error.kind()));
                let longer = (self.wait + self.wait / 2).max(self.cadence.first).max(Duration::from_millis(100));
                self.wait = if fruitful { self.cadence.first } else { longer.min(self.cadence.longest) };
            }
            if self.ended || Instant::now() + self.wait > self.end {
                self.ended = true;
                return self.failure.take().map(Err);
            }
            sleep(self.wait).await;
            (self.failure, self.fruitful, self.told) = (None, Some(false), false);
            self.look().await;
        }
    }

    /// Chooses which tasks to ask for now.
    async fn look(&mut self) {
        let (count, urgent, kinds) = {
            let pending = lock(&self.pending);
            let kinds: BTreeSet<Kind> = pending.values().map(|entry| entry.request.kind()).collect();
            (pending.len(), pending.values().any(is_urgent), kinds)
        };
        if count <= if urgent { FEW_URGENT } else { FEW } {
            self.due = self.next_in_the_queue(count);
            return;
        }
        let (mut listed, mut is_full) = (0, false);
        for kind in kinds {
            let line = self.line();
            match kinds::ready(&line, kind).await {
                Ok(rows) => {
                    (listed, is_full) = (listed + rows.len(), is_full || rows.len() >= ROWS);
                    let pending = lock(&self.pending);
                    let ours = rows.into_iter().filter_map(|row| row.id).filter(|id| pending.contains_key(id));
                    self.due.extend(ours);
                }
                Err(error) => self.failed(error),
            }
        }
        tracing::debug!(pending = count, listed, ours = self.due.len(), "looked");
        let is_old = |id: &TaskId| lock(&self.pending).get(id).is_some_and(|entry| self.tasks.age(entry) > LISTED);
        let oldest_is_old = self.queue.iter().find(|id| lock(&self.pending).contains_key(*id)).is_some_and(is_old);
        let unlisted = match (self.due.is_empty(), is_full || oldest_is_old) {
            (true, true) => HIDDEN,
            (true, false) => UNLISTED,
            (false, _) => 0,
        };
        if !self.ended {
            let more = self.next_in_the_queue(unlisted);
            self.due.extend(more);
        }
    }

    /// The next so many that are pending; they go to the end of the queue, so that all have their turn.
    fn next_in_the_queue(&mut self, count: usize) -> VecDeque<TaskId> {
        let pending = lock(&self.pending);
        let mut next = VecDeque::new();
        for _ in 0..self.queue.len() {
            if next.len() == count {
                break;
            }
            next.extend(self.queue.pop_front().filter(|id| pending.contains_key(id)));
        }
        self.queue.extend(next.iter().cloned());
        next
    }

    /// A task whose result is posted to an address: it may have come there, and then costs no call.
    fn posted(&self, id: &TaskId) -> Option<Entry> {
        lock(&self.pending).get(id).filter(|entry| entry.request.summary().posted.is_some()).cloned()
    }

    fn line(&self) -> Line {
        let left = self.end.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        let client = self.tasks.client.with(|options| options.deadline = options.deadline.min(left));
        Line { client, shared: self.tasks.shared.clone() }
    }

    fn ask(&self, id: TaskId) -> Option<Asked> {
        let entry = lock(&self.pending).get(&id)?.clone();
        let (tasks, line) = (self.tasks.clone(), self.line());
        Some(Box::pin(async move {
            let result = tasks.ask(&line, &entry, id.clone()).await;
            (id, result)
        }))
    }

    fn failed(&mut self, error: Error) {
        // What cannot be read at all, such as a gateway's page, says nothing of the task: the next answer may.
        let passes = passes(error.kind()) || error.kind() == ErrorKind::Decode || is_of_a_task(error.kind());
        tracing::debug!(%error, passes, "a look failed");
        if !self.ended {
            self.failure = Some(error);
        }
        self.ended |= !passes;
    }
}

impl Tasks {
    /// Whether somebody has acknowledged a task since this handle of it was made.
    async fn is_acknowledged(&self, entry: &Entry) -> bool {
        let is_collected = |entry: &Entry| matches!(entry.state, crate::State::Collected { .. });
        if is_collected(entry) {
            return false;
        }
        self.ledger.entry(&entry.tag).await.is_ok_and(|now| now.as_ref().is_some_and(is_collected))
    }

    /// Asks for a result; `None` while the task is pending. Where that panics, in a transport say, this one is not read and
    /// the others are: the vendor keeps it.
    async fn ask(&self, line: &Line, entry: &Entry, id: TaskId) -> Result<Option<TaskResult>> {
        match AssertUnwindSafe(kinds::get(line, entry.request.kind(), id)).catch_unwind().await {
            Ok(answer) => self.judge(entry, answer),
            Err(panic) => {
                let words =
                    panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
                let words = format!("asking for it panicked: {}", words.unwrap_or("without words"));
                let error = Arc::new(Error::new(ErrorKind::Decode, words));
                Ok(Some(TaskResult::Unreadable { error, raw: None }))
            }
        }
    }

    /// What an answer about a task says of it, whichever way it came; `None` while it is pending, and an error where the
    /// answer leaves open what became of it.
    pub(super) fn judge(&self, entry: &Entry, answer: Result<Option<TaskResult>>) -> Result<Option<TaskResult>> {
        let error = match answer {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        match (error.kind(), error.fault()) {
            (ErrorKind::NotFound, Some(fault))
                if fault.code == vendor::UNKNOWN_TASK.to_string() && self.age(entry) < GRACE =>
            {
                Ok(None)
            }
            (ErrorKind::NotFound | ErrorKind::Rejected, Some(fault)) if vendor::judges_a_task(fault) => {
                Ok(Some(TaskResult::Failed(fault.clone())))
            }
            _ => Err(error),
        }
    }
}

/// Whether an error may be the answer about one task, though it does not judge it: the others may have their results.
fn is_of_a_task(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::Rejected)
}

fn is_urgent(entry: &Entry) -> bool {
    entry.request.priority() == Priority::High
}
