//! Results as they become ready.
//!
//! A few tasks are asked for one by one, which only the general limit bounds. Many are looked up in the list of what is
//! ready, 20 calls a minute: it is the whole account's, so what is not ours is left alone. The list shows a thousand rows
//! of the last three days, without what is sent to a postback address; when it shows none of ours, some are asked for.

use super::{Cadence, Tasks, passes};
use crate::{
    AsinResult, AsinTaskGet, AsinTasksReady, Entry, Kind, Priority, ReadyTask, SellersResult, SellersTaskGet,
    SellersTasksReady, Task, TaskOutcome, vendor,
};
use core_http::{Error, ErrorKind, Fault, Operation, Result};
use futures_core::Stream;
use futures_util::{future::join_all, stream};
use jiff::SignedDuration;
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// So many pending tasks are asked for one by one.
const FEW: usize = 50;
/// How many are asked for by id when the list shows none of ours.
const UNLISTED: usize = 20;
/// How many tasks are asked for at once, of the 30 calls that the account may have under way.
const AT_ONCE: usize = 8;
/// How long a new task may not be known to `task_get`.
const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// What came of a task.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TaskResult {
    /// A product and its variants.
    Asin(Box<AsinResult>),
    /// The sellers of a product.
    Sellers(Box<SellersResult>),
    /// The task ran and found nothing.
    Empty,
    /// The task failed for good. It was paid for; a new one would be paid for again.
    Failed(Fault),
    /// There is an answer, but it does not fit our model. It can be collected again for 30 days.
    Unreadable(Arc<Error>),
}

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
    /// when `patience` has run out; what is pending then stays [pending](Tasks::pending), also for another process.
    ///
    /// Passing failures of the network or the vendor are waited out; if the last look before the end failed, its error
    /// is the last item. An error that cannot pass, such as refused credentials, ends the stream at once.
    pub fn collect(
        &self,
        entries: Vec<Entry>,
        patience: Duration,
    ) -> impl Stream<Item = Result<Collected>> + Send + use<> {
        let collector = Collector::new(self.clone(), entries, patience);
        stream::unfold(collector, |mut collector| async move {
            let item = collector.next().await?;
            Some((item, collector))
        })
    }
}

struct Collector {
    tasks: Tasks,
    cadence: Cadence,
    end: Instant,
    /// How long until the next look.
    wait: Duration,
    pending: VecDeque<Entry>,
    /// Those of them that this look asks for.
    due: Vec<Entry>,
    /// Whether this look has brought anything.
    fruitful: bool,
    out: VecDeque<Result<Collected>>,
    /// Why the last look failed.
    failure: Option<Error>,
    ended: bool,
}

impl Collector {
    fn new(tasks: Tasks, mut entries: Vec<Entry>, patience: Duration) -> Self {
        entries.retain(|entry| entry.state.id().is_some());
        let urgent = entries.iter().any(|entry| entry.request.priority() == Priority::High);
        let longest = Duration::from_secs(if urgent { 15 } else { 60 });
        let cadence = tasks.settings.cadence.unwrap_or(Cadence { first: Duration::from_secs(1), longest });
        let oldest = entries.iter().map(|entry| tasks.age(entry)).max().unwrap_or_default();
        let wait = cadence.first.saturating_sub(oldest.unsigned_abs()).min(patience);
        Self {
            tasks,
            cadence,
            end: Instant::now() + patience,
            wait,
            pending: entries.into(),
            due: Vec::new(),
            fruitful: false,
            out: VecDeque::new(),
            failure: None,
            ended: false,
        }
    }

    async fn next(&mut self) -> Option<Result<Collected>> {
        loop {
            if let Some(item) = self.out.pop_front() {
                return Some(item);
            }
            if self.ended || self.pending.is_empty() {
                return self.failure.take().filter(|_| !self.pending.is_empty()).map(Err);
            }
            if self.due.is_empty() {
                if Instant::now() + self.wait > self.end {
                    self.ended = true;
                    continue;
                }
                sleep(self.wait).await;
                (self.failure, self.fruitful) = (None, false);
                self.look().await;
            }
            if Instant::now() > self.end {
                self.due.clear();
            }
            let batch = self.due.split_off(self.due.len().saturating_sub(AT_ONCE));
            self.fetch(batch).await;
            if self.due.is_empty() {
                let longer = (self.wait + self.wait / 2).max(self.cadence.first).max(Duration::from_millis(100));
                self.wait = if self.fruitful { self.cadence.first } else { longer.min(self.cadence.longest) };
            }
        }
    }

    /// Chooses which tasks to ask for now.
    async fn look(&mut self) {
        if self.pending.len() > FEW {
            let mut ready = HashSet::new();
            for kind in [Kind::Asin, Kind::Sellers] {
                if self.pending.iter().any(|entry| entry.request.kind() == kind) {
                    let rows = match kind {
                        Kind::Asin => self.call(AsinTasksReady::new()).await,
                        Kind::Sellers => self.call(SellersTasksReady::new()).await,
                    };
                    match rows {
                        Ok(rows) => ready.extend(rows.into_iter().filter_map(|row: ReadyTask| row.id)),
                        Err(error) => self.failed(error),
                    }
                }
            }
            let listed = |entry: &&Entry| entry.state.id().is_some_and(|id| ready.contains(id));
            self.due = self.pending.iter().filter(listed).cloned().collect();
            tracing::debug!(pending = self.pending.len(), listed = ready.len(), ours = self.due.len(), "looked");
        }
        if self.due.is_empty() && !self.ended {
            let count = if self.pending.len() > FEW { UNLISTED } else { self.pending.len() };
            // Those asked for go to the end of the line, so that all have their turn.
            self.pending.rotate_left(count);
            self.due = self.pending.iter().rev().take(count).cloned().collect();
        }
    }

    /// Asks for tasks and takes those that have ended out of the line.
    async fn fetch(&mut self, batch: Vec<Entry>) {
        let this = &*self;
        let answers = join_all(batch.iter().map(|entry| this.get(entry))).await;
        for (entry, answer) in batch.into_iter().zip(answers) {
            match answer {
                Ok(Some(result)) => {
                    self.fruitful = true;
                    self.pending.retain(|pending| pending.tag != entry.tag);
                    self.out.push_back(Ok(Collected { entry, result }));
                }
                Ok(None) => {}
                Err(error) => self.failed(error),
            }
        }
        if self.ended {
            self.due.clear();
        }
    }

    async fn get(&self, entry: &Entry) -> Result<Option<TaskResult>> {
        let Some(id) = entry.state.id().cloned() else { return Ok(None) };
        let answer = match entry.request.kind() {
            Kind::Asin => self.call(AsinTaskGet::new(id)).await.map(|task| read(task, TaskResult::Asin)),
            Kind::Sellers => self.call(SellersTaskGet::new(id)).await.map(|task| read(task, TaskResult::Sellers)),
        };
        let error = match answer {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        match (error.kind(), error.fault()) {
            (ErrorKind::NotFound, Some(fault))
                if fault.code == vendor::UNKNOWN_TASK.to_string() && self.tasks.age(entry) < GRACE =>
            {
                Ok(None)
            }
            (ErrorKind::NotFound | ErrorKind::Rejected, Some(fault)) if vendor::judges_a_task(fault) => {
                Ok(Some(TaskResult::Failed(fault.clone())))
            }
            (ErrorKind::Decode, _) => Ok(Some(TaskResult::Unreadable(Arc::new(error)))),
            _ => Err(error),
        }
    }

    async fn call<O: Operation<Vendor = crate::DataForSeo>>(&self, operation: O) -> Result<O::Output> {
        let left = self.end.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        let client = self.tasks.client.with(|options| options.deadline = options.deadline.min(left));
        let answer = client.exchange(operation).await?;
        self.tasks.shared.clock.learn(&answer);
        Ok(answer.value)
    }

    fn failed(&mut self, error: Error) {
        let passes = passes(error.kind());
        tracing::debug!(%error, passes, "a look failed");
        if !self.ended {
            self.failure = Some(error);
        }
        self.ended |= !passes;
    }
}

fn read<R>(task: Task<R>, result: fn(Box<R>) -> TaskResult) -> Option<TaskResult> {
    match task.outcome() {
        TaskOutcome::Pending | TaskOutcome::Created => None,
        TaskOutcome::Refused(fault) | TaskOutcome::Unreadable(fault) => Some(TaskResult::Failed(fault)),
        TaskOutcome::Empty => Some(TaskResult::Empty),
        TaskOutcome::Done => {
            let first = task.result.and_then(|results| results.into_iter().next());
            Some(first.map_or(TaskResult::Empty, |first| result(Box::new(first))))
        }
    }
}
