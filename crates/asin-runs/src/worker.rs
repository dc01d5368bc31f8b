//! One process's part of a run: it posts what nobody else holds, and collects.

mod collect;

use self::collect::QUIET;
use crate::{
    StoreError, columns,
    run::{Ended, Refusal, RunId, RunStatus},
    runs::Runs,
};
use core_http::{Error, ErrorKind};
use dataforseo_merchant::{Budget, Collected, DfsClient, NewTask, Posted, Settings, TaskRequest, Tasks};
use futures_util::{Stream, StreamExt, future, stream};
use rust_decimal::Decimal;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

/// How many tasks are held at once, above what is in calls under way.
const BATCH: u32 = 100;
/// For how long a task is held that is about to be posted, unless somebody says otherwise.
const LEASE: Duration = Duration::from_secs(60);
/// The pause between two looks for what became of tasks without an answer.
const LOOK: Duration = Duration::from_secs(60);
/// A store that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// Calls under way have ended long before: what has not waits for a store that says nothing.
const ENDING: Duration = Duration::from_secs(600);
/// The pause where there is nothing to do yet.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a worker had to stop. Nothing is lost: another one, or the same once more, goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The store failed, or says that nothing more may be posted: the budget is used up, the deadline has passed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vendor, or the ledger, failed.
    #[error(transparent)]
    Tasks(#[from] Error),
    /// Nothing more is posted: the account, the budget or the connection does not allow it.
    #[error("not posted: {0}")]
    NotPosted(#[source] Arc<Error>),
}

impl RunError {
    /// Why the store does not let anything more be posted, if that is it.
    pub fn refusal(&self) -> Option<Refusal> {
        let mut causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.find_map(|cause| cause.downcast_ref()).copied()
    }
}

/// Posts and collects the tasks of a run, beside any number of others in other processes.
///
/// Dropping [`work`](Self::work) stops it at any moment: calls under way still end in the ledger.
#[derive(Debug)]
#[must_use = "nothing is done before `work`"]
pub struct Worker {
    store: Arc<dyn Runs>,
    tasks: Tasks,
    run: RunId,
    /// Holds what is about to be posted.
    holder: Arc<str>,
    /// Holds what waits for its result.
    collector: Arc<str>,
    /// Renewing what is held and giving it back take turns: neither waits for a row that the other has locked.
    holding: tokio::sync::Mutex<()>,
    lease: Duration,
    /// The pause between two looks for what became of tasks without an answer.
    look: Duration,
    /// How long a full set of results may bring nothing more.
    quiet: Duration,
    /// What was answered at once and is not stored yet: the vendor does not keep it.
    answers: Mutex<Vec<Ended>>,
}

/// What the stream of tasks and the one who posts them tell each other.
#[derive(Default)]
struct Claims {
    /// Nothing more is to be held.
    stopped: AtomicBool,
    failure: Mutex<Option<StoreError>>,
}

impl Worker {
    /// A worker of a run in this store, which must be the ledger of the client's account and base URL.
    pub fn new(client: DfsClient, store: Arc<dyn Runs>, run: RunId) -> Self {
        let holder: Arc<str> = store.holder().into();
        // The run's own budget is in the store, where all of its workers share it.
        let tasks = Tasks::new(client, store.working(run, &holder), Budget::unlimited());
        let collector = store.holder().into();
        let holding = tokio::sync::Mutex::default();
        let answers = Mutex::default();
        Self { store, tasks, run, holder, collector, holding, lease: LEASE, look: LOOK, quiet: QUIET, answers }
    }

    /// Takes over what the account pays, by a free call; until then the prices are those of the vendor's price page.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn learn_prices(&mut self) -> core_http::Result<()> {
        self.tasks.learn_prices().await
    }

    /// What a task is expected to cost, US dollars.
    pub fn price(&self, task: &TaskRequest) -> Decimal {
        self.tasks.price(&NewTask::new(task.clone()))
    }

    /// What this worker has spent itself.
    pub fn spent(&self) -> &Budget {
        self.tasks.budget()
    }

    /// For how long a task is held that is about to be posted: 60 s by default. Whoever lives holds it for longer in time;
    /// what a dead worker held is another's after it.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// With other settings for its tasks. What has no answer is looked up ten times as often as it takes to prove a task
    /// absent; a full set of results that brings nothing for four of the longest pauses that are given is left for another.
    pub fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        let (mut look, mut quiet) = (self.look, self.quiet);
        self.tasks = self.tasks.with(|settings| {
            change(settings);
            look = settings.absence / 10;
            quiet = settings.cadence.map_or(QUIET, |cadence| cadence.longest.saturating_mul(4).max(PAUSE));
        });
        (self.look, self.quiet) = (look, quiet);
        self
    }

    /// Works until nothing is left to do, or as long as patience allows.
    ///
    /// # Errors
    /// When it has to stop; what was posted before is collected first, as far as that can be.
    pub async fn work(&self, patience: Duration) -> Result<RunStatus, RunError> {
        // A store that says nothing is noticed by the one who renews what is held.
        tokio::select! {
            ended = self.works(core_http::from_now(patience)) => ended,
            failed = self.stay() => Err(failed.into()),
        }
    }

    async fn works(&self, end: Instant) -> Result<RunStatus, RunError> {
        self.store.inherit(self.run).await?;
        self.keep_answers(self.tasks.take_answers()).await?;
        loop {
            match self.tasks.settle().await {
                Err(error) if passes(error.kind()) => tracing::warn!(%error, "a look failed; the next one may not"),
                settled => drop(settled?),
            }
            match self.round(end).await {
                // Others hold what this one held: it was asleep, its machine perhaps.
                Err(error) if error.refusal() == Some(Refusal::Lost) => {
                    tracing::warn!(%error, "held for too long; what nobody holds is held anew");
                    sleep(PAUSE).await;
                    continue;
                }
                // The vendor cannot be reached for now, or its limits are used up by others.
                Err(RunError::NotPosted(error)) if passes(error.kind()) && Instant::now() + self.look < end => {
                    tracing::warn!(%error, "nothing is posted for now");
                    sleep(self.look).await;
                    continue;
                }
                ended => ended?,
            }
            let status = self.store.status(self.run).await?;
            // What may have been posted is looked up until that is known: it may have to be posted again.
            let left = end.saturating_duration_since(Instant::now());
            if status.unknown == 0 || left.is_zero() {
                return Ok(status);
            }
            sleep(self.look.min(left)).await;
        }
    }

    /// After [`work`](Self::work) was dropped: waits for the outcome of calls that are under way, gives back what is held,
    /// and says how far the run is.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn wind_up(&self) -> Result<RunStatus, RunError> {
        let ended = timeout(ENDING, self.tasks.unsettled()).await;
        ended.map_err(|_| StoreError::NoAnswer(ENDING))??;
        self.keep_answers(self.tasks.take_answers()).await?;
        self.hold(&self.holder, Duration::ZERO).await?;
        self.hold(&self.collector, Duration::ZERO).await?;
        Ok(self.store.status(self.run).await?)
    }

    /// Posts what is to be posted, and collects until nothing is pending.
    async fn round(&self, end: Instant) -> Result<(), RunError> {
        let posted = AtomicBool::new(false);
        let post = async {
            let ended = self.post(end).await;
            posted.store(true, Ordering::Release);
            Ok(ended)
        };
        // Where posting ends, what was posted is still collected; where collecting fails, nothing more is posted.
        future::try_join(post, self.collect(end, &posted)).await?.0
    }

    /// Stores what was answered at once, with what could not be stored before; it is in hand until it is stored.
    async fn keep_answers(&self, answers: Vec<Collected>) -> Result<(), StoreError> {
        let in_hand = || self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for answer in answers {
            match Ended::of(&answer) {
                Some(ended) => in_hand().push(ended),
                // Paid for, and nothing it could be stored as.
                None => {
                    tracing::error!(tag = %answer.entry.tag, result = %answer.result.json(), "an answer without an id")
                }
            }
        }
        let ended = in_hand().clone();
        if !ended.is_empty() {
            self.store.keep(&ended).await?;
            in_hand().retain(|answer| !ended.iter().any(|stored| stored.tag == answer.tag));
        }
        Ok(())
    }

    /// Holds what is held for longer, or gives it back.
    async fn hold(&self, holder: &str, lease: Duration) -> Result<(), StoreError> {
        let _turn = self.holding.lock().await;
        let held = timeout(SILENCE, self.store.hold(self.run, holder, lease)).await;
        held.unwrap_or(Err(StoreError::NoAnswer(SILENCE)))
    }

    /// Holds what this worker holds, again and again; ends only with an error.
    async fn stay(&self) -> StoreError {
        loop {
            sleep(self.lease / 3).await;
            for holder in [&self.holder, &self.collector] {
                if let Err(error) = self.hold(holder, self.lease).await {
                    return error;
                }
            }
        }
    }

    /// The tasks that this worker holds, so many at a time, until there is nothing more. As long as somebody else holds
    /// some it waits: that one may have died. Less than a batch is one claim alone.
    fn claims(
        &self,
        end: Instant,
        most: u32,
        claims: Arc<Claims>,
    ) -> impl Stream<Item = Vec<(i64, TaskRequest)>> + Send + 'static {
        let (store, run, holder, lease) = (self.store.clone(), self.run, self.holder.clone(), self.lease);
        stream::unfold(false, move |claimed_once| {
            let (store, holder, claims) = (store.clone(), holder.clone(), claims.clone());
            async move {
                if claimed_once && most < BATCH {
                    return None;
                }
                while !claims.stopped.load(Ordering::Acquire) && Instant::now() < end {
                    let claimed = async {
                        let claimed = store.claim(run, &holder, most, lease).await?;
                        let more = !claimed.is_empty() || store.waits(run).await?;
                        Ok(more.then_some(claimed))
                    };
                    match claimed.await {
                        Ok(Some(claimed)) if claimed.is_empty() => sleep(PAUSE).await,
                        Ok(claimed) => return claimed.map(|claimed| (claimed, true)),
                        Err(error) => {
                            *claims.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                            return None;
                        }
                    }
                }
                None
            }
        })
    }

    /// Posts what nobody holds, until there is nothing more. A budget that does not suffice for a batch may for a part of it.
    async fn post(&self, end: Instant) -> Result<(), RunError> {
        let mut most = BATCH;
        loop {
            match self.post_by(most, end).await {
                Err(error) if most > 1 && error.refusal() == Some(Refusal::Budget) => most /= 2,
                Ok(()) if most < BATCH && Instant::now() < end && self.store.waits(self.run).await? => {
                    most = BATCH.min(most * 2);
                }
                ended => return ended,
            }
        }
    }

    /// Posts so many at a time.
    async fn post_by(&self, most: u32, end: Instant) -> Result<(), RunError> {
        let (run, claims) = (self.run, Arc::new(Claims::default()));
        let task = move |(number, request)| NewTask::new(request).label(columns::label(run, number));
        let new =
            self.claims(end, most, claims.clone()).flat_map(move |claimed| stream::iter(claimed.into_iter().map(task)));
        let mut outcomes = Box::pin(self.tasks.post_all(Box::pin(new)));
        let mut not_posted = None;
        while let Some(outcome) = outcomes.next().await {
            // Answered at once: the vendor does not keep it.
            if let Some(answer) = outcome.result {
                self.keep_answers(vec![answer]).await?;
            }
            match outcome.posted {
                // The account or the path is refused; the task itself was not judged.
                Posted::Rejected { fault, .. }
                    if matches!(fault.kind, ErrorKind::Auth | ErrorKind::Funds | ErrorKind::NotFound) =>
                {
                    claims.stopped.store(true, Ordering::Release);
                    not_posted = Some(Arc::new(fault.into()));
                }
                Posted::Rejected { fault, .. } => {
                    if let Some(number) = columns::number(self.run, outcome.task.note()) {
                        self.store.refuse(self.run, &self.holder, number, &fault.to_string()).await?;
                    }
                }
                Posted::NotSent { error } => {
                    claims.stopped.store(true, Ordering::Release);
                    not_posted = Some(error);
                }
                _ => {}
            }
        }
        drop(outcomes);
        self.hold(&self.holder, Duration::ZERO).await?;
        let failed = claims.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(error) = failed {
            return Err(error.into());
        }
        not_posted.map_or(Ok(()), |error| Err(RunError::NotPosted(error)))
    }
}

/// Whether a failure may have passed when it is tried again.
fn passes(kind: ErrorKind) -> bool {
    !matches!(kind, ErrorKind::Auth | ErrorKind::Funds | ErrorKind::Request)
}
