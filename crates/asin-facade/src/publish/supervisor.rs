//! Who watches a run and is asked: a person in front of a terminal, a rule, or whoever reads its stream.

use super::Change;
use crate::event::{self, About, Events, Spending, Step};
use async_trait::async_trait;

/// Who watches a run, and is asked before it pays or writes.
#[async_trait]
pub trait Supervisor: Send + Sync {
    /// Something happened that a person may want to see.
    fn event(&self, event: Event);

    /// Whether these tasks may be paid for.
    async fn may_pay(&self, spending: &Spending) -> bool;

    /// Whether so many products may be enrolled with MultiCart.
    async fn may_enrol(&self, products: usize) -> bool;

    /// Whether these changes may be sent.
    async fn may_write(&self, changes: &[Change]) -> bool;
}

/// Agrees to everything and shows nothing: for programs that have made sure beforehand, by a plan that was read for example.
#[derive(Debug, Clone, Copy, Default)]
pub struct Agreed;

#[async_trait]
impl Supervisor for Agreed {
    fn event(&self, _: Event) {}

    async fn may_pay(&self, _: &Spending) -> bool {
        true
    }

    async fn may_enrol(&self, _: usize) -> bool {
        true
    }

    async fn may_write(&self, _: &[Change]) -> bool {
        true
    }
}

/// What happens while a run goes on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
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

impl dyn Supervisor + '_ {
    pub(crate) fn note(&self, text: impl Into<String>) {
        self.event(Event::Note(text.into()));
    }

    pub(crate) fn began(&self, step: Step, total: usize) {
        self.event(Event::Began { step, total: total as u64 });
    }

    pub(crate) fn advanced(&self, step: Step, done: usize) {
        self.event(Event::Advanced { step, done: done as u64 });
    }

    pub(crate) fn ended(&self, step: Step) {
        self.event(Event::Ended { step });
    }
}

/// A run as a stream is watched by whoever reads it.
#[async_trait]
impl<T: Send + Sync> Supervisor for Events<T> {
    fn event(&self, event: Event) {
        self.tell(match event {
            Event::Began { step, total } => event::Event::Began { step, total },
            Event::Advanced { step, done } => event::Event::Advanced { step, done },
            Event::Ended { step } => event::Event::Ended { step },
            Event::Note(text) => event::Event::Note(text),
        });
    }

    async fn may_pay(&self, spending: &Spending) -> bool {
        self.asks(About::Pay(spending.clone())).await
    }

    #[cfg(feature = "multicart")]
    async fn may_enrol(&self, products: usize) -> bool {
        self.asks(About::Enrol(event::Enrolment { products, ..Default::default() })).await
    }

    #[cfg(not(feature = "multicart"))]
    async fn may_enrol(&self, _: usize) -> bool {
        false
    }

    async fn may_write(&self, changes: &[Change]) -> bool {
        self.asks(About::Write(changes.to_vec())).await
    }
}
