//! Posting a stream of tasks: which go together, when each call is made, and the outcomes in their order.

use super::{
    Collected, Mode, NewTask, Tasks,
    send::{Fate, Lane, Sent},
};
use crate::{OverBudget, Tag, TaskId};
use core_http::{Error, ErrorKind, Fault};
use futures_core::Stream;
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{self, Fuse, FuturesUnordered},
};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, VecDeque},
    pin::Pin,
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// The most tasks of one call.
const CHUNK: usize = 100;
/// How often a task is sent that the vendor's limits keep refusing.
const ROUNDS: u32 = 5;
/// How long a task waits for our own limits, before it is given back.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long a task waits for others to fill its call, once the input has nothing to give.
const LINGER: Duration = Duration::from_secs(1);

/// What became of a task that was to be posted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Posted {
    /// Made and billed. Its result can be collected.
    Created {
        /// Our tag of it.
        tag: Tag,
        /// The vendor's id of it.
        id: TaskId,
        /// What it cost, USD.
        cost: Decimal,
    },
    /// Clearly refused by the vendor: neither made nor billed.
    Rejected {
        /// Our tag of it.
        tag: Tag,
        /// The vendor's words.
        fault: Fault,
    },
    /// Sent without a readable answer: perhaps made and billed. [`Tasks::settle`] finds out; do not post it again.
    Unknown {
        /// Our tag of it.
        tag: Tag,
        /// What happened.
        error: Arc<Error>,
    },
    /// Not sent: the budget does not allow it.
    OverBudget(OverBudget),
    /// Not made and not billed: it was not sent, or the call that it was part of was clearly refused as a whole.
    NotSent {
        /// Why.
        error: Arc<Error>,
    },
}

impl Posted {
    /// Our tag of it, if it was sent.
    pub fn tag(&self) -> Option<&Tag> {
        match self {
            Self::Created { tag, .. } | Self::Rejected { tag, .. } | Self::Unknown { tag, .. } => Some(tag),
            Self::OverBudget(_) | Self::NotSent { .. } => None,
        }
    }
}

/// A task with what became of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outcome {
    /// The task.
    pub task: NewTask,
    /// What became of it.
    pub posted: Posted,
    /// Its result, if it was answered at once ([`Mode::Live`]): store it, then [acknowledge](Tasks::acknowledge) its
    /// tag. The vendor does not keep it; see [`Tasks::take_answers`]. It is here also when the outcome is [`Unknown`](Posted::Unknown) because the answer
    /// names no id, or the ledger failed; such a task has to be [written off](Tasks::write_off).
    pub result: Option<Collected>,
}

impl Tasks {
    /// Posts tasks and says what became of each, in their order: [`post_all`](Self::post_all) for those who have them all
    /// and collect their results later. It gives no results: a task of [`Mode::Live`] is [`NotSent`](Posted::NotSent) here,
    /// for its answer would be paid for and lost.
    pub async fn post(&self, tasks: Vec<NewTask>) -> Vec<Posted> {
        let is_live: Vec<bool> = tasks.iter().map(|task| self.settings.mode_of(task) == Mode::Live).collect();
        let later: Vec<NewTask> =
            tasks.into_iter().zip(&is_live).filter_map(|(task, is_live)| (!is_live).then_some(task)).collect();
        let posted: Vec<Posted> = self.post_all(stream::iter(later)).map(|outcome| outcome.posted).collect().await;
        let message = "`post` gives no results: a task that is answered at once is posted by `post_all`";
        let refused = Posted::NotSent { error: Arc::new(Error::new(ErrorKind::Request, message)) };
        let mut posted = posted.into_iter();
        is_live.into_iter().filter_map(|is_live| if is_live { Some(refused.clone()) } else { posted.next() }).collect()
    }

    /// Posts a stream of tasks, of any length, and streams what became of each, in their order.
    ///
    /// Calls hold up to 100 tasks of one kind and [`Settings::body`](super::Settings::body) bytes, and up to
    /// [`Settings::calls`](super::Settings::calls) of them are under way at once: one at the beginning and after an answer
    /// that could not be read, more as answers come. Only so many tasks are taken from the input as these calls need; a
    /// call leaves before it is full when its first task has waited for a second and the input has nothing to give. Tasks that a limit refused, or
    /// that were one too many, are sent again.
    ///
    /// What a call has brought is never lost by the failure of another. When the account cannot go on (no money, refused
    /// credentials, no connection, two calls after each other without a readable answer), the rest of the input is
    /// [`NotSent`](Posted::NotSent). Nothing happens while the stream is not polled; when it is dropped, the calls under way
    /// still end in the ledger, and what they were answered at once is kept for [`take_answers`](Tasks::take_answers).
    ///
    /// ```
    /// use dataforseo_merchant::{AsinTask, Language, Location, NewTask, Posted, Tasks};
    /// use futures_util::{StreamExt, pin_mut, stream};
    ///
    /// async fn post(tasks: &Tasks, asins: Vec<core_http::Asin>) -> Vec<core_http::Asin> {
    ///     let task = |asin| AsinTask::new(asin, Location::code(2840), Language::code("en_US"));
    ///     let new = stream::iter(asins.into_iter().map(move |asin| NewTask::new(task(asin)).label(asin.to_string())));
    ///     let outcomes = tasks.post_all(new);
    ///     pin_mut!(outcomes);
    ///     let mut again = Vec::new();
    ///     while let Some(outcome) = outcomes.next().await {
    ///         match outcome.posted {
    ///             Posted::Created { id, cost, .. } => println!("{}: {id} for {cost} USD", outcome.task.note()),
    ///             Posted::Unknown { error, .. } => println!("{}: {error}; `settle` finds out", outcome.task.note()),
    ///             Posted::NotSent { .. } => again.extend(outcome.task.note().parse::<core_http::Asin>()),
    ///             other => println!("{}: {other:?}", outcome.task.note()),
    ///         }
    ///     }
    ///     again
    /// }
    /// # let script = std::sync::Arc::new(core_http::testing::Script::new());
    /// # script.answer(401, r#"{"status_code":40100,"status_message":"words","tasks":null}"#);
    /// # let client = dataforseo_merchant::Builder::new("login", "password").transport(script).build().unwrap();
    /// # let ledger = std::sync::Arc::new(dataforseo_merchant::MemoryLedger::new());
    /// # let tasks = Tasks::new(client, ledger, dataforseo_merchant::Budget::unlimited());
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # assert_eq!(runtime.block_on(post(&tasks, vec!["B0EXAMPLE1".parse().unwrap()])).len(), 1);
    /// ```
    pub fn post_all<S>(&self, tasks: S) -> impl Stream<Item = Outcome> + Send + use<S>
    where
        S: Stream<Item = NewTask> + Send + 'static,
    {
        let input: Pin<Box<dyn Stream<Item = NewTask> + Send>> = Box::pin(tasks);
        let poster = Poster::new(self.clone(), input);
        stream::unfold(poster, |mut poster| async move {
            let outcome = poster.next().await?;
            Some((outcome, poster))
        })
    }
}

/// A task on its way.
struct Waiting {
    place: u64,
    task: NewTask,
    /// Its length in a request.
    bytes: usize,
    round: u32,
    since: Instant,
}

type Call = BoxFuture<'static, (Vec<Waiting>, Sent)>;

struct Poster {
    tasks: Tasks,
    input: Fuse<Pin<Box<dyn Stream<Item = NewTask> + Send>>>,
    input_ended: bool,
    /// Whether the input had nothing to give when it was last asked.
    quiet: bool,
    /// Whether the clock is heard and the budget holds what earlier processes left.
    begun: bool,
    /// The place of the first of `outcomes`.
    first: u64,
    outcomes: VecDeque<Option<Outcome>>,
    lanes: BTreeMap<Lane, VecDeque<Waiting>>,
    calls: FuturesUnordered<Call>,
    /// How many calls may be under way.
    allowed: usize,
    /// No call is made before this.
    not_before: Instant,
    /// How many calls after each other could not be read.
    unclear: u32,
    stop: Option<Arc<Error>>,
}

impl Poster {
    fn new(tasks: Tasks, input: Pin<Box<dyn Stream<Item = NewTask> + Send>>) -> Self {
        let now = Instant::now();
        Self {
            tasks,
            input: input.fuse(),
            input_ended: false,
            quiet: false,
            begun: false,
            first: 0,
            outcomes: VecDeque::new(),
            lanes: BTreeMap::new(),
            calls: FuturesUnordered::new(),
            allowed: 1,
            not_before: now,
            unclear: 0,
            stop: None,
        }
    }

    async fn next(&mut self) -> Option<Outcome> {
        loop {
            if let Some(Some(_)) = self.outcomes.front() {
                self.first += 1;
                let mut outcome = self.outcomes.pop_front().flatten()?;
                outcome.result = outcome.posted.tag().and_then(|tag| self.tasks.shared.answers.take(tag));
                return Some(outcome);
            }
            if let Some(error) = self.stop.clone() {
                self.give_back(&error);
            }
            if self.outcomes.is_empty() && self.input_ended {
                return None;
            }
            while let Some((lane, chunk)) = self.next_chunk() {
                if !self.begun {
                    self.begun = true;
                    self.stop = self.tasks.begin().await.err().map(Arc::new);
                    if self.stop.is_some() {
                        self.lanes.entry(lane).or_default().extend(chunk);
                        break;
                    }
                }
                let (tasks, at) = (self.tasks.clone(), lane);
                let new = chunk.iter().map(|waiting| waiting.task.clone()).collect();
                self.calls.push(Box::pin(async move { (chunk, tasks.send(at, new).await) }));
            }
            self.wait().await;
        }
    }

    /// Waits until there is something to do: a call has ended, the input has given a task, or a time has come.
    async fn wait(&mut self) {
        let any_waits = self.lanes.values().any(|lane| !lane.is_empty());
        if self.outcomes.front().is_some_and(Option::is_some) || (self.stop.is_some() && any_waits) {
            return;
        }
        let waits = any_waits && self.calls.len() < self.allowed;
        let lingers = self.lanes.values().filter_map(|lane| Some(lane.front()?.since + LINGER)).min();
        let wake = lingers.unwrap_or(self.not_before).max(self.not_before);
        let has_room = self.outcomes.len() < self.most();
        tokio::select! {
            biased;
            Some((chunk, sent)) = self.calls.next() => self.ended(chunk, sent),
            task = self.input.next(), if has_room && !self.input_ended => {
                self.quiet = false;
                match task {
                    Some(task) => self.accept(task),
                    None => self.input_ended = true,
                }
            }
            () = sleep_until(wake), if waits => self.quiet = true,
        }
    }

    /// How many tasks are held at most: those of the calls under way, and as many to fill the next ones from.
    fn most(&self) -> usize {
        2 * CHUNK * self.tasks.settings.calls.max(1)
    }

    fn accept(&mut self, task: NewTask) {
        let task = self.tasks.settings.apply(task);
        let place = self.first + self.outcomes.len() as u64;
        self.outcomes.push_back(None);
        let bytes = task.length();
        let lane = Lane::of(&task);
        let waiting = Waiting { place, task, bytes, round: 1, since: Instant::now() };
        self.lanes.entry(lane).or_default().push_back(waiting);
    }

    /// The tasks of the next call, if one may be made now: a full one, or any if no more come soon.
    fn next_chunk(&mut self) -> Option<(Lane, Vec<Waiting>)> {
        let now = Instant::now();
        if self.stop.is_some() || self.calls.len() >= self.allowed || now < self.not_before {
            return None;
        }
        let no_more = self.input_ended || self.outcomes.len() >= self.most();
        let lingered = |front: &Waiting| self.quiet && now >= front.since + LINGER;
        let most = self.tasks.settings.body;
        let fitting = |lane: &Lane, queue: &VecDeque<Waiting>| {
            let mut bytes = 2;
            let fits = queue.iter().take(lane.most(CHUNK)).take_while(|waiting| {
                bytes += waiting.bytes + 1;
                bytes <= most
            });
            fits.count().max(1).min(queue.len())
        };
        // Of several, that with the task that has waited longest.
        let ready = self.lanes.iter().filter_map(|(lane, queue)| {
            let count = fitting(lane, queue);
            let is_full = count == lane.most(CHUNK) || count < queue.len();
            let front = queue.front()?;
            (count > 0 && (is_full || no_more || lingered(front))).then_some((front.place, *lane, count))
        });
        let (_, lane, count) = ready.min()?;
        Some((lane, self.lanes.get_mut(&lane)?.drain(..count).collect()))
    }

    /// Takes in what a call has brought.
    fn ended(&mut self, chunk: Vec<Waiting>, sent: Sent) {
        let now = Instant::now();
        let mut again = Vec::new();
        for (fate, waiting) in sent.fates.into_iter().zip(chunk) {
            match fate {
                Fate::Posted(posted) => self.settle(waiting, posted),
                Fate::Again { error, by_us } => {
                    let given_up = if by_us { now - waiting.since > PATIENCE } else { waiting.round >= ROUNDS };
                    if given_up {
                        self.settle(waiting, Posted::NotSent { error });
                    } else {
                        again.push(Waiting { round: waiting.round + u32::from(!by_us), ..waiting });
                    }
                }
            }
        }
        for waiting in again.into_iter().rev() {
            self.lanes.entry(Lane::of(&waiting.task)).or_default().push_front(waiting);
        }
        self.not_before = self.not_before.max(now + sent.pause);
        (self.unclear, self.allowed) = match sent.unclear {
            true => (self.unclear + 1, 1),
            false => (0, (self.allowed * 2).min(self.tasks.settings.calls.max(1))),
        };
        self.stop = self.stop.take().or(sent.stop);
        if self.unclear >= 2 && self.stop.is_none() {
            let message = "not sent: the two calls before had no readable answer";
            self.stop = Some(Arc::new(Error::new(ErrorKind::Connect, message)));
        }
    }

    fn settle(&mut self, waiting: Waiting, posted: Posted) {
        let place = usize::try_from(waiting.place - self.first).ok();
        if let Some(outcome) = place.and_then(|place| self.outcomes.get_mut(place)) {
            *outcome = Some(Outcome { task: waiting.task, posted, result: None });
        }
    }

    /// Nothing more is sent: what waits is given back.
    fn give_back(&mut self, error: &Arc<Error>) {
        for waiting in std::mem::take(&mut self.lanes).into_values().flatten() {
            self.settle(waiting, Posted::NotSent { error: error.clone() });
        }
    }
}
