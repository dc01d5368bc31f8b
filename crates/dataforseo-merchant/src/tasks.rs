//! Paid tasks that are never lost and never paid twice.
//!
//! 1. [`post_all`](Tasks::post_all) reserves the cost, writes the intent down, sends, and writes the outcome down before it
//!    reports it. A call whose outcome cannot be read is never sent again.
//! 2. [`settle`](Tasks::settle) finds out what became of such calls, and of those that a crash cut off.
//! 3. [`collect`](Tasks::collect) streams the results of what was paid for.
//! 4. [`acknowledge`](Tasks::acknowledge) ends a task once its result is stored.

mod answers;
mod collect;
mod kinds;
mod look;
mod new;
mod post;
mod purse;
#[cfg(feature = "webhook")]
mod receive;
mod send;
mod settle;

pub use collect::{Collected, Collecting};
pub use kinds::{Kind, TaskRequest, TaskResult};
pub use new::{Mode, NewTask};
pub use post::{Outcome, Posted};
pub use settle::Settlement;

use crate::{
    Bill, Budget, Counts, DataForSeo, DfsClient, Entry, Ledger, LedgerError, Order, Prices, Stage, State, Tag,
    TasksReady, UserData, clock::Clock, ledger,
};
use core_http::{Error, ErrorKind, Operation, Result};
use futures_core::Stream;
use futures_util::{TryStreamExt, pin_mut};
use jiff::{SignedDuration, Timestamp};
use purse::Purse;
use rust_decimal::Decimal;
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};
use tokio::sync::{Mutex, OnceCell, RwLock};

/// When results are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// How long after posting the first look is taken; each later wait is half as long again, …
    pub first: Duration,
    /// … up to this.
    pub longest: Duration,
}

/// How tasks are priced, sent, looked up and collected.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// What tasks are expected to cost.
    pub prices: Prices,
    /// How soon all tasks are to be answered; by default each says so itself, by its priority.
    pub mode: Option<Mode>,
    /// How many paid calls may be under way at once, of the 30 that the account has for everything; 8 by default.
    pub calls: usize,
    /// How many bytes of tasks one call may hold; a million by default, for the vendor documents no limit. A single task
    /// that is longer goes alone.
    pub body: usize,
    /// How long one paid call may take, its wait for our limits and its resends included, after which no try of it begins;
    /// a minute by default.
    pub life: Duration,
    /// When results are asked for. By default after a second, then up to every 15 s while a task of high priority is
    /// pending, up to every minute otherwise.
    pub cadence: Option<Cadence>,
    /// How long after its sending a task may still appear in the vendor's list; 10 minutes by default. Before that, a task
    /// that is not in the list is not taken for absent.
    pub absence: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            prices: Prices::default(),
            mode: None,
            calls: 8,
            body: 1_000_000,
            life: Duration::from_secs(60),
            cadence: None,
            absence: Duration::from_secs(600),
        }
    }
}

/// As what an unknown task is [written off](Tasks::write_off).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOff {
    /// Somebody has looked, and it was not made: its reservation is given back, and it can be posted again. If it was made
    /// after all, it was paid for in vain.
    NotMade,
    /// It is given up as paid for: what was reserved for it is spent.
    Lost,
}

/// Posts, finds and collects the paid tasks of one account. Cheap to clone.
#[derive(Clone)]
#[must_use = "a setter gives it back"]
pub struct Tasks {
    client: DfsClient,
    ledger: Arc<dyn Ledger>,
    purse: Purse,
    settings: Settings,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    clock: Clock,
    /// Held by every call that makes tasks until its outcome is written down; who asks which outcomes are not known
    /// waits for those calls.
    calls: Arc<RwLock<()>>,
    /// Set once the budget holds what earlier processes left unknown.
    adopted: OnceCell<()>,
    /// One settlement at a time.
    settling: Mutex<()>,
    answers: answers::Answers,
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("client", &self.client).field("budget", self.budget()).finish_non_exhaustive()
    }
}

/// A client whose answers tell the vendor's time.
struct Line {
    client: DfsClient,
    shared: Arc<Shared>,
}

impl Line {
    async fn call<O: Operation<Vendor = DataForSeo>>(&self, operation: O) -> Result<O::Output> {
        let answer = self.client.exchange(operation).await;
        self.shared.clock.learn(match &answer {
            Ok(answer) => answer.headers.get(http::header::DATE),
            // The vendor refuses with a code. What has none may be a gateway's answer, by the gateway's clock.
            Err(error) => error.date().filter(|_| error.fault().is_some_and(|fault| !fault.code.is_empty())),
        });
        answer.map(|answer| answer.value)
    }
}

impl Tasks {
    /// Tasks sent by this client, remembered in this ledger, paid from this budget.
    ///
    /// The ledger must be that of the client's account and base URL.
    pub fn new(client: DfsClient, ledger: Arc<dyn Ledger>, budget: Budget) -> Self {
        let purse = Purse::new(budget);
        Self { client, ledger, purse, settings: Settings::default(), shared: Arc::default() }
    }

    /// With other settings.
    pub fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The budget.
    pub fn budget(&self) -> &Budget {
        self.purse.budget()
    }

    /// What a task is expected to cost, USD: what will be reserved for it.
    pub fn price(&self, task: &NewTask) -> Decimal {
        let page = self.settings.prices.of(task.request.kind(), self.settings.mode_of(task));
        page * Decimal::from(task.request.summary().pages.max(1))
    }

    /// The tasks that were paid for and whose results nobody has acknowledged yet, of earlier processes too. Each is a
    /// handle that can be stored and [collected](Self::collect) by another process.
    pub fn pending(&self) -> impl Stream<Item = Result<Entry>> + Send + use<> {
        self.entries(&Stage::PENDING)
    }

    /// The tasks that may have been paid for without anybody knowing, of earlier processes too; see
    /// [`settle`](Tasks::settle). Waits for the outcome of a call that is under way.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn unsettled(&self) -> Result<Vec<Entry>> {
        let _no_call_under_way = self.shared.calls.write().await;
        self.entries(&Stage::OPEN).try_collect().await
    }

    /// How many tasks are in which stage.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn counts(&self) -> Result<Counts> {
        self.ledger.counts().await.map_err(ledger_failed)
    }

    /// What the tasks in the ledger have cost, by the caller's own tag; those without one stand under `None`. A ledger may
    /// have forgotten what ended long ago.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn bills(&self) -> Result<BTreeMap<Option<Tag>, Bill>> {
        let mut bills: BTreeMap<Option<Tag>, Bill> = BTreeMap::new();
        let entries = self.entries(&Stage::ALL);
        pin_mut!(entries);
        while let Some(entry) = entries.try_next().await? {
            let bill = bills.entry(entry.request.tag().cloned()).or_default();
            match entry.state {
                State::Created { cost, .. } | State::Collected { cost, .. } => {
                    (bill.tasks, bill.usd) = (bill.tasks + 1, bill.usd + cost);
                }
                State::WrittenOff { cost, .. } => bill.usd += cost,
                State::Intended | State::Unknown { .. } => {
                    (bill.unknown, bill.usd_unknown) = (bill.unknown + 1, bill.usd_unknown + entry.reserved);
                }
                State::Rejected { .. } | State::Absent => {}
            }
        }
        Ok(bills)
    }

    /// Takes over what the account pays, by a free call; until then the prices are those of the vendor's price page.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn learn_prices(&mut self) -> Result<()> {
        let line = Line { client: self.client.clone(), shared: self.shared.clone() };
        let account = line.call(UserData::new()).await?;
        let prices = account.into_iter().filter_map(|account| account.price);
        prices.for_each(|prices| self.settings.prices.learn(&prices));
        Ok(())
    }

    fn entries(&self, stages: &'static [Stage]) -> impl Stream<Item = Result<Entry>> + Send + use<> {
        ledger::entries(self.ledger.clone(), stages, Order::OldestFirst).map_err(ledger_failed)
    }

    /// Ends a task: its result is stored, and will not be collected again.
    ///
    /// # Errors
    /// When the ledger cannot be written; the task is still pending then.
    pub async fn acknowledge(&self, tag: &Tag) -> Result<()> {
        let entry = self.ledger.entry(tag).await.map_err(ledger_failed)?;
        if let Some(State::Created { id, cost }) = entry.map(|entry| entry.state) {
            let collected = State::Collected { id, cost };
            self.record(&[(tag.clone(), collected)]).await?;
        }
        Ok(())
    }

    /// Gives up an unknown task without proof, on a person's word, which the ledger keeps. This is the way out where
    /// [`settle`](Tasks::settle) can prove nothing: the answer to a live call was lost, or to an account's very first POST,
    /// and nothing known of ours is in the vendor's list. Does nothing to a task of which more is known. If the task turns
    /// out to be made after all, the ledger takes that in.
    ///
    /// ```
    /// use dataforseo_merchant::{Tasks, WriteOff};
    ///
    /// async fn give_up(tasks: &Tasks) -> core_http::Result<()> {
    ///     for task in tasks.settle().await?.unknown.iter().filter(|task| task.live) {
    ///         tasks.write_off(&task.tag, WriteOff::Lost, "the connection broke at 10:20").await?;
    ///     }
    ///     Ok(())
    /// }
    /// # let script = std::sync::Arc::new(core_http::testing::Script::new());
    /// # let client = dataforseo_merchant::Builder::new("login", "password").transport(script).build().unwrap();
    /// # let ledger = std::sync::Arc::new(dataforseo_merchant::MemoryLedger::new());
    /// # let tasks = Tasks::new(client, ledger, dataforseo_merchant::Budget::unlimited());
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(give_up(&tasks)).unwrap();
    /// ```
    ///
    /// # Errors
    /// When the ledger cannot be written; [`ErrorKind::Request`] while the [lease](Entry::not_after) of an intent runs, and as
    /// long after it as a task may need to appear ([`Settings::absence`]): whoever wrote it down may be sending it. So long
    /// after its answer was lost no task is taken for [not made](WriteOff::NotMade) either.
    pub async fn write_off(&self, tag: &Tag, how: WriteOff, reason: impl Into<String>) -> Result<()> {
        let _no_settlement = self.shared.settling.lock().await;
        self.adopt().await?;
        let _no_call_under_way = self.shared.calls.write().await;
        let entry = self.ledger.entry(tag).await.map_err(ledger_failed)?;
        if let Some(entry) = entry.filter(|entry| entry.state.is_open()) {
            let wait = self.absence().saturating_sub(self.gone_for(&entry));
            let is_open = entry.state == State::Intended || how == WriteOff::NotMade;
            if is_open && wait.is_positive() {
                let wait = SignedDuration::from_secs(wait.as_secs() + i64::from(wait.subsec_nanos() > 0));
                let message = format!("task `{tag}` may still be sent or be under way: write it off in {wait:#}");
                return Err(Error::new(ErrorKind::Request, message));
            }
            let cost = if how == WriteOff::Lost { entry.reserved } else { Decimal::ZERO };
            self.record(&[(tag.clone(), State::WrittenOff { reason: reason.into(), cost })]).await?;
        }
        Ok(())
    }

    /// Lets the budget hold what earlier processes left unknown.
    async fn adopt(&self) -> Result<()> {
        let adopt = || async {
            let open = self.entries(&Stage::OPEN);
            pin_mut!(open);
            while let Some(entry) = open.try_next().await? {
                self.purse.hold(&entry.tag, entry.reserved);
            }
            Ok(())
        };
        self.shared.adopted.get_or_try_init(adopt).await.copied()
    }

    /// The client, for calls that may take so long.
    fn line(&self, most: Duration) -> Line {
        let client = self.client.with(|options| options.deadline = most);
        Line { client, shared: self.shared.clone() }
    }

    /// Writes down what became of tasks, and draws the consequences for the budget from what the ledger says then:
    /// somebody else, such as the receiver of webhooks, may have known more. Returns the changes that were news.
    async fn record(&self, changes: &[(Tag, State)]) -> Result<Vec<(Tag, State)>> {
        let news = self.ledger.record(changes).await.map_err(ledger_failed)?;
        for change in changes {
            let (tag, state) = change;
            if news.contains(change) {
                self.purse.became(tag, state);
            } else if let Some(entry) = self.ledger.entry(tag).await.map_err(ledger_failed)? {
                self.purse.became(tag, &entry.state);
            }
        }
        Ok(news)
    }

    /// Hears the vendor's clock by a free call, unless an answer has told it before.
    ///
    /// # Errors
    /// Failures that do not pass, such as refused credentials or a wrong address: nothing that is paid for must be tried
    /// then.
    async fn hear_clock(&self) -> Result<()> {
        if self.shared.clock.vendors().is_some() {
            return Ok(());
        }
        let line = Line { client: self.client.clone(), shared: self.shared.clone() };
        match line.call(TasksReady::new()).await {
            Ok(_) => {}
            Err(error) if !passes(error.kind()) => return Err(error),
            Err(error) => tracing::debug!(%error, "the vendor's clock is not known yet"),
        }
        Ok(())
    }

    /// The vendor's time, or ours while that is not known.
    fn now(&self) -> Timestamp {
        self.shared.clock.vendors().unwrap_or_else(|| self.shared.clock.wall())
    }

    /// How long ago an entry was about to be sent, at least: by the vendor's clock where that was known then and is now,
    /// else by the one of both that says less.
    fn age(&self, entry: &Entry) -> SignedDuration {
        let ours = self.shared.clock.wall().duration_since(entry.sent);
        match (entry.vendor_sent, self.shared.clock.vendors()) {
            (Some(sent), Some(now)) => now.duration_since(sent),
            (None, Some(now)) => now.duration_since(entry.sent).min(ours),
            (_, None) => ours,
        }
    }
}

fn ledger_failed(error: LedgerError) -> Error {
    Error::new(ErrorKind::Request, error)
}

/// Whether the same call may succeed a little later.
fn passes(kind: ErrorKind) -> bool {
    use ErrorKind::{Busy, Connect, Interrupted, Throttled, Timeout, Unavailable};
    matches!(kind, Connect | Throttled | Busy | Unavailable | Timeout | Interrupted)
}

#[cfg(test)]
mod tests;
