//! Products asked about through paid tasks: what earlier runs left open first, nothing twice, nothing without leave.

use crate::{
    Marketplace, Product, Unanswered, Why,
    event::{About, Event, Events, Hears, Spending, Step},
};
use core_http::{Error, ErrorKind};
use dataforseo_merchant::{
    AsinTask, Collected, Entry, Kind, Language, Location, NewTask, Posted, SellersTask, Summary, TaskRequest,
    TaskResult, Tasks,
};
use futures_util::{StreamExt, TryStreamExt, pin_mut, stream};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How often tasks of unknown outcome are looked for at the beginning of a run, …
const LOOKS: u32 = 4;
/// … if they were sent no longer ago than this.
const LAG: Duration = Duration::from_secs(120);
/// How long DataForSEO keeps results, and lists what was posted: what nobody can look up or collect any more is no reason
/// not to ask again.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

impl Product {
    /// A paid task that learns its family.
    pub(crate) fn family_task(self) -> NewTask {
        NewTask::new(AsinTask::new(self.asin, self.location(), self.language())).label(self.to_string())
    }

    /// A paid task that observes its offers.
    pub(crate) fn sellers_task(self) -> NewTask {
        NewTask::new(SellersTask::new(self.asin, self.location(), self.language())).label(self.to_string())
    }

    fn location(self) -> Location {
        Location::code(self.marketplace.location_code())
    }

    fn language(self) -> Language {
        Language::code(self.marketplace.language_code())
    }

    /// The product that a task asks about, in its store's own place and language; whoever posted it.
    pub(crate) fn of(request: &TaskRequest) -> Option<Self> {
        let Summary { asin, location, language, .. } = request.summary();
        let asin = asin?;
        let mut all = Marketplace::all().map(|store| Self::new(asin, store));
        all.find(|product| product.location() == *location && product.language() == *language)
    }
}

/// What was found of tasks that earlier runs sent without learning their outcome.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// So many had been accepted after all.
    created: usize,
    /// So many may have been paid for still.
    unknown: usize,
    /// Why nobody could look.
    failure: Option<Error>,
}

/// Looks up what earlier runs sent without learning its outcome. The vendor's list lags, so that what was sent a moment ago is
/// looked for more than once.
pub(crate) async fn settle(tasks: &Tasks, pause: Duration, patience: Duration) -> Settled {
    let end = core_http::from_now(patience);
    let pause = pause.min(LAG);
    let mut settled = Settled::default();
    for look in 1..=LOOKS {
        let settlement = match tasks.settle().await {
            Ok(settlement) => settlement,
            Err(error) => return Settled { failure: Some(error), ..settled },
        };
        settled.created += settlement.created.len();
        settled.unknown = settlement.unknown.len();
        let is_recent = |entry: &Entry| age(entry) < LAG.as_secs_f64();
        if look == LOOKS || !settlement.unknown.iter().any(is_recent) || Instant::now() + pause > end {
            break;
        }
        sleep(pause).await;
    }
    settled
}

impl Settled {
    /// The sentences for a person.
    pub(crate) fn notes(self) -> impl Iterator<Item = String> {
        let Self { created, unknown, failure } = self;
        let failure =
            failure.map(|error| format!("earlier tasks could not be looked up, so they count as paid for: {error}"));
        let created = (created > 0).then(|| format!("{created} task(s) of an earlier run had been accepted after all"));
        let unknown = (unknown > 0)
            .then(|| format!("{unknown} task(s) of an earlier run may have been paid for; they are not posted again"));
        [failure, created, unknown].into_iter().flatten()
    }
}

/// The tasks that may have been paid for without anybody knowing, and can still be looked up.
pub(crate) async fn unknown(tasks: &Tasks) -> core_http::Result<Vec<Entry>> {
    let mut entries = tasks.unsettled().await?;
    entries.retain(|entry| age(entry) < KEPT.as_secs_f64());
    Ok(entries)
}

fn age(entry: &Entry) -> f64 {
    Timestamp::now().duration_since(entry.sent).as_secs_f64()
}

impl Why {
    /// Why a task brings no answer; nothing, if it was made.
    pub(crate) fn not_made(posted: Posted) -> Option<Self> {
        Some(match posted {
            Posted::Created { .. } => return None,
            Posted::Rejected { fault, .. } => Self::Refused(fault),
            Posted::Unknown { error, .. } => Self::Unknown(error.to_string()),
            Posted::OverBudget(over) => Self::OverBudget(over),
            Posted::NotSent { error } => Self::NotSent(error),
            _ => Self::NotSent(Arc::new(Error::new(ErrorKind::Request, "the task was not made"))),
        })
    }
}

/// What is wanted of paid tasks of one kind.
pub(crate) struct Question<T> {
    /// In which step.
    pub(crate) step: Step,
    /// The kind of task.
    pub(crate) kind: Kind,
    /// The task for a product.
    pub(crate) task: fn(Product) -> NewTask,
    /// What a task has brought.
    pub(crate) read: fn(Product, TaskResult) -> Result<T, Why>,
}

/// Where answers are told and counted.
struct Answers<'a, T> {
    events: &'a Events<Result<T, Unanswered>>,
    step: Step,
    done: usize,
}

impl<T> Answers<'_, T> {
    fn none(&mut self, product: Product, why: Why) {
        self.events.tell(Event::Item(Err(Unanswered { product, why })));
        self.count();
    }

    /// Returns once the answer is taken.
    async fn tell(&mut self, answer: Result<T, Unanswered>) {
        self.events.item(answer).await;
        self.count();
    }

    fn count(&mut self) {
        self.done += 1;
        self.events.advanced(self.step, self.done);
    }
}

impl<T> Question<T> {
    /// Asks, and tells an answer for every product.
    pub(crate) async fn ask(
        &self,
        mut tasks: Tasks,
        products: &BTreeSet<Product>,
        patience: Duration,
        events: &Events<Result<T, Unanswered>>,
    ) -> core_http::Result<()> {
        events.began(Step::Settle, 1);
        settle(&tasks, patience / 100, patience).await.notes().for_each(|note| events.note(note));
        events.ended(Step::Settle);

        events.began(self.step, products.len());
        let mut answers = Answers { events, step: self.step, done: 0 };
        let unknown = self.of_these(unknown(&tasks).await?, products);
        let paid = self.of_these(tasks.pending().try_collect().await?, products);
        let is_new = |product: &&Product| !unknown.contains_key(product) && !paid.contains_key(product);
        let new: Vec<Product> = products.iter().filter(is_new).copied().collect();
        for (product, entry) in unknown {
            answers.none(product, Why::Unknown(format!("task {}", entry.tag)));
        }
        if !new.is_empty() {
            self.pay(&mut tasks, new, &mut answers).await?;
        }
        let paid = self.of_these(tasks.pending().try_collect().await?, products);
        let mut results = tasks.collect(paid.into_values(), patience);
        while let Some(collected) = results.next().await {
            match collected {
                Ok(collected) => self.tell(&tasks, collected, &mut answers).await?,
                Err(error) => events.note(format!("results could not be collected: {error}")),
            }
        }
        for entry in results.pending() {
            Product::of(&entry.request).into_iter().for_each(|product| answers.none(product, Why::Pending));
        }
        events.ended(self.step);
        Ok(())
    }

    /// The tasks of this kind for these products.
    fn of_these(&self, entries: Vec<Entry>, products: &BTreeSet<Product>) -> BTreeMap<Product, Entry> {
        let of_kind = entries.into_iter().filter(|entry| entry.request.kind() == self.kind);
        let with_product = of_kind.filter_map(|entry| Some((Product::of(&entry.request)?, entry)));
        with_product.filter(|(product, _)| products.contains(product)).collect()
    }

    /// Asks whether these may be paid for, and posts them. What is answered at once is told at once: the vendor does not keep
    /// it.
    async fn pay(&self, tasks: &mut Tasks, new: Vec<Product>, answers: &mut Answers<'_, T>) -> core_http::Result<()> {
        if let Err(error) = tasks.learn_prices().await {
            let note = "the account's prices are not known, so those of the price page count";
            answers.events.note(format!("{note}: {error}"));
        }
        let posts: Vec<NewTask> = new.iter().map(|product| (self.task)(*product)).collect();
        let count = |kind| if self.kind == kind { posts.len() } else { 0 };
        let usd = posts.iter().map(|task| tasks.price(task)).sum();
        let spending = Spending { asin_tasks: count(Kind::Asin), sellers_tasks: count(Kind::Sellers), usd };
        if !answers.events.asks(About::Pay(spending)).await {
            new.into_iter().for_each(|product| answers.none(product, Why::NotAllowed));
            return Ok(());
        }
        let outcomes = tasks.post_all(stream::iter(posts));
        pin_mut!(outcomes);
        let mut new = new.into_iter();
        while let (Some(outcome), Some(product)) = (outcomes.next().await, new.next()) {
            match (outcome.result, Why::not_made(outcome.posted)) {
                (Some(result), _) => self.tell(tasks, result, answers).await?,
                (None, Some(why)) => answers.none(product, why),
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// Tells what a task has brought; acknowledged once it is taken.
    async fn tell(&self, tasks: &Tasks, collected: Collected, answers: &mut Answers<'_, T>) -> core_http::Result<()> {
        let Collected { entry, result, .. } = collected;
        let Some(product) = Product::of(&entry.request) else { return Ok(()) };
        let answer = (self.read)(product, result);
        // What cannot be read stays to be collected, unless this is the only copy.
        let is_done = entry.live || !matches!(answer, Err(Why::Unreadable(_)));
        answers.tell(answer.map_err(|why| Unanswered { product, why })).await;
        if is_done { tasks.acknowledge(&entry.tag).await } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_of_a_store_only_in_the_stores_own_place_and_language() {
        for store in Marketplace::all() {
            let product = Product::new("B085RFFC9Q".parse().unwrap(), store);
            for task in [product.family_task(), product.sellers_task()] {
                assert_eq!(Product::of(task.request()), Some(product));
            }
            let elsewhere = AsinTask::new(product.asin, product.location(), Language::code("xx_XX"));
            assert_eq!(Product::of(&elsewhere.into()), None);
        }
    }
}
