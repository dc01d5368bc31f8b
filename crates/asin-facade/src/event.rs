//! A workflow as a stream of what happens: to be shown, stopped and resumed.

use core_http::Error;
use futures_core::Stream;
use futures_util::{FutureExt, future::BoxFuture};
use rust_decimal::Decimal;
use serde::Serialize;
use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::{mpsc, oneshot};

/// What happens while a workflow goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<T> {
    /// How far it has come.
    Progress(Progress),
    /// Leave is needed to go on.
    Asks(Ask),
    /// Something that the workflow is for. It counts as stored once the stream is asked for what comes next; what was paid
    /// for and did not get there comes again in the next run.
    Item(T),
}

/// How far a workflow has come.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Progress {
    /// This budget pays for it: what has been spent and what is reserved can be asked of it at any time.
    #[cfg(feature = "dataforseo-merchant")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dataforseo-merchant")))]
    Pays(dataforseo_merchant::Budget),
    /// A step begins.
    Began {
        /// Which one.
        step: Step,
        /// How many things it has to do.
        total: u64,
    },
    /// Some of a step's things are done.
    Advanced {
        /// Which step.
        step: Step,
        /// How many are done by now.
        done: u64,
    },
    /// A step has ended.
    Ended {
        /// Which one.
        step: Step,
    },
    /// A sentence for a person.
    Note(String),
}

/// Whoever hears how far a workflow has come.
pub(crate) trait Hears {
    fn hears(&self, progress: Progress);

    fn began(&self, step: Step, total: usize) {
        self.hears(Progress::Began { step, total: total as u64 });
    }

    fn advanced(&self, step: Step, done: usize) {
        self.hears(Progress::Advanced { step, done: done as u64 });
    }

    fn ended(&self, step: Step) {
        self.hears(Progress::Ended { step });
    }

    fn note(&self, text: impl Into<String>) {
        self.hears(Progress::Note(text.into()));
    }
}

/// The steps of workflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Look up what earlier runs paid for.
    Settle,
    /// Learn the families.
    Discover,
    /// Enrol with MultiCart.
    Watch,
    /// Remove from MultiCart's collections what is no longer wanted.
    Prune,
    /// Start runs of MultiCart's collections.
    Run,
    /// See what the market shows.
    Observe,
    /// Read the listings and decide.
    Decide,
    /// Preview and send the changes.
    Publish,
}

impl Step {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settle => "settle",
            Self::Discover => "discover",
            Self::Watch => "watch",
            Self::Prune => "prune",
            Self::Run => "run",
            Self::Observe => "observe",
            Self::Decide => "decide",
            Self::Publish => "publish",
        }
    }
}

/// A question that a workflow waits with. Dropped without an answer it is refused: silence never pays.
#[must_use = "dropped, it is refused"]
pub struct Ask {
    about: About,
    answer: oneshot::Sender<bool>,
}

impl Ask {
    /// What is asked.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Yes.
    pub fn allow(self) {
        self.answer(true);
    }

    /// No.
    pub fn refuse(self) {
        self.answer(false);
    }

    /// Yes or no.
    pub fn answer(self, allowed: bool) {
        // The workflow may have been stopped meanwhile.
        let _heard = self.answer.send(allowed);
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ask").field(&self.about).finish()
    }
}

/// What leave is asked for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum About {
    /// To post and pay for tasks.
    Pay(Spending),
    /// To enrol products with MultiCart: nothing is charged before a run.
    #[cfg(feature = "multicart")]
    #[cfg_attr(docsrs, doc(cfg(feature = "multicart")))]
    Enrol(Enrolment),
    /// To remove products from MultiCart's collections.
    #[cfg(feature = "multicart")]
    #[cfg_attr(docsrs, doc(cfg(feature = "multicart")))]
    Prune(Pruning),
    /// To start runs of MultiCart's collections.
    #[cfg(feature = "multicart")]
    #[cfg_attr(docsrs, doc(cfg(feature = "multicart")))]
    Start(Starting),
    /// To send these changes to Amazon.
    #[cfg(feature = "publish")]
    #[cfg_attr(docsrs, doc(cfg(feature = "publish")))]
    Write(Vec<crate::publish::Change>),
}

/// Paid tasks that are to be posted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Spending {
    /// DataForSEO `asin` tasks, which learn families.
    pub asin_tasks: usize,
    /// DataForSEO `sellers` tasks, which observe prices.
    pub sellers_tasks: usize,
    /// What they cost together, in US dollars; less, if the budget does not allow all of them.
    pub usd: Decimal,
}

/// Products that are to be enrolled with MultiCart.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Enrolment {
    /// How many are to be enrolled; a product at two postcodes counts twice.
    pub products: usize,
    /// How many collections are made for them.
    pub new_collections: usize,
    /// What a run of every collection concerned costs then, in credits: one for each product that they hold.
    pub credits_per_run: Option<u64>,
    /// How often a month they run, where the caller says it: MultiCart does not tell a collection's schedule.
    pub runs_per_month: Option<u32>,
    /// What the account can spend, in credits.
    pub spendable: Option<i64>,
}

impl Enrolment {
    /// What a month costs then, in credits; `None` where it is not known how often the collections run.
    pub fn credits_per_month(&self) -> Option<u64> {
        self.credits_per_run?.checked_mul(self.runs_per_month?.into())
    }
}

/// Products that are to be removed from MultiCart's collections.
#[cfg(feature = "multicart")]
#[cfg_attr(docsrs, doc(cfg(feature = "multicart")))]
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Pruning {
    /// Which, each where it is not wanted any more.
    pub products: Vec<crate::watch::Wanted>,
    /// The collections that they are removed from.
    pub collections: Vec<multicart::CollectionId>,
    /// How many products these collections hold.
    pub held: usize,
}

/// Runs that are to be started.
#[cfg(feature = "multicart")]
#[cfg_attr(docsrs, doc(cfg(feature = "multicart")))]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Starting {
    /// The collections, one run each.
    pub collections: Vec<multicart::CollectionId>,
    /// What they cost together, in credits.
    pub credits: u64,
    /// What the account can spend, in credits.
    pub spendable: Option<i64>,
}

/// A workflow under way: nothing happens while it is not polled, dropped it stops, and called again it goes on from what is
/// on the disk and with the vendors. After an error it ends.
#[must_use = "nothing happens until it is polled"]
pub struct Workflow<'a, T, E = Error> {
    events: mpsc::UnboundedReceiver<Event<T>>,
    work: Option<BoxFuture<'a, Result<(), E>>>,
    failure: Option<E>,
}

impl<'a, T, E> Workflow<'a, T, E> {
    /// What this future tells, until it ends. It goes on only when everything that it has told is taken.
    pub(crate) fn new<F>(work: impl FnOnce(Events<T>) -> F) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'a,
    {
        let (told, events) = mpsc::unbounded_channel();
        Self { events, work: Some(work(Events(told)).boxed()), failure: None }
    }
}

impl<T, E: Unpin> Stream for Workflow<'_, T, E> {
    type Item = Result<Event<T>, E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            // What was told is taken before the work goes on.
            if let Ok(event) = self.events.try_recv() {
                return Poll::Ready(Some(Ok(event)));
            }
            let Some(work) = &mut self.work else { return Poll::Ready(self.failure.take().map(Err)) };
            let Poll::Ready(ended) = work.poll_unpin(context) else {
                let told = self.events.poll_recv(context);
                return told.map(|event| event.map(Ok));
            };
            (self.work, self.failure) = (None, ended.err());
        }
    }
}

impl<T, E> fmt::Debug for Workflow<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workflow").field("ended", &self.work.is_none()).finish_non_exhaustive()
    }
}

/// How a workflow tells what happens.
#[derive(Debug)]
pub(crate) struct Events<T>(mpsc::UnboundedSender<Event<T>>);

impl<T> Hears for Events<T> {
    fn hears(&self, progress: Progress) {
        self.tell(Event::Progress(progress));
    }
}

impl<T> Events<T> {
    /// Waits for a yes or a no.
    pub(crate) async fn asks(&self, about: About) -> bool {
        let (answer, answered) = oneshot::channel();
        self.tell(Event::Asks(Ask { about, answer }));
        answered.await.unwrap_or(false)
    }

    /// Returns once the item was taken and the stream asked for what comes next.
    pub(crate) async fn item(&self, item: T) {
        self.tell(Event::Item(item));
        let mut told = false;
        poll_fn(|context| {
            if std::mem::replace(&mut told, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// One event, whatever became of who listens.
    pub(crate) fn tell(&self, event: Event<T>) {
        let _heard = self.0.send(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn an_item_counts_as_taken_when_the_next_event_is_asked_for_and_work_never_runs_ahead() {
        let stored = AtomicUsize::new(0);
        let work = |events: Events<usize>| {
            let stored = &stored;
            async move {
                for number in 1..=3 {
                    events.note(format!("number {number}"));
                    events.item(number).await;
                    stored.store(number, Ordering::Relaxed);
                }
                Err("the end")
            }
        };
        let mut flow = Workflow::new(work);
        assert!(matches!(flow.next().await, Some(Ok(Event::Progress(_)))));
        assert!(matches!(flow.next().await, Some(Ok(Event::Item(1)))));
        assert_eq!(stored.load(Ordering::Relaxed), 0, "nobody asked for more yet");
        assert!(matches!(flow.next().await, Some(Ok(Event::Progress(_)))));
        assert_eq!(stored.load(Ordering::Relaxed), 1);
        let rest: Vec<_> = flow.collect().await;
        assert!(matches!(
            rest[..],
            [Ok(Event::Item(2)), Ok(Event::Progress(Progress::Note(_))), Ok(Event::Item(3)), Err("the end")]
        ));
    }

    #[cfg(feature = "multicart")]
    #[tokio::test]
    async fn only_a_yes_is_a_yes() {
        for (reply, allowed) in [(Some(true), true), (Some(false), false), (None, false)] {
            let mut flow = Workflow::<bool, Error>::new(|events| async move {
                let allowed = events.asks(About::Enrol(Enrolment::default())).await;
                events.item(allowed).await;
                Ok(())
            });
            let Some(Ok(Event::Asks(ask))) = flow.next().await else { panic!("it asks") };
            match reply {
                Some(reply) => ask.answer(reply),
                None => drop(ask),
            }
            assert!(matches!(flow.next().await, Some(Ok(Event::Item(said))) if said == allowed));
            assert!(flow.next().await.is_none());
        }
    }
}
