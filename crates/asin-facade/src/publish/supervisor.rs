//! Who watches a run and is asked: a person in front of a terminal, a rule, or whoever reads its stream.

use super::Change;
use crate::event::{About, Enrolment, Events, Hears, Progress, Spending};
use async_trait::async_trait;

/// Who watches a run, and is asked before it pays or writes.
#[async_trait]
pub trait Supervisor: Send + Sync {
    /// Something happened that a person may want to see.
    fn event(&self, progress: Progress);

    /// Whether these tasks may be paid for.
    async fn may_pay(&self, spending: &Spending) -> bool;

    /// Whether these products may be enrolled with MultiCart.
    async fn may_enrol(&self, enrolment: &Enrolment) -> bool;

    /// Whether these changes may be sent.
    async fn may_write(&self, changes: &[Change]) -> bool;
}

/// Agrees to everything and shows nothing: for programs that have made sure beforehand, by a plan that was read for example.
#[derive(Debug, Clone, Copy, Default)]
pub struct Agreed;

#[async_trait]
impl Supervisor for Agreed {
    fn event(&self, _: Progress) {}

    async fn may_pay(&self, _: &Spending) -> bool {
        true
    }

    async fn may_enrol(&self, _: &Enrolment) -> bool {
        true
    }

    async fn may_write(&self, _: &[Change]) -> bool {
        true
    }
}

impl Hears for dyn Supervisor + '_ {
    fn hears(&self, progress: Progress) {
        self.event(progress);
    }
}

/// A run as a stream is watched by whoever reads it.
#[async_trait]
impl<T: Send + Sync> Supervisor for Events<T> {
    fn event(&self, progress: Progress) {
        self.hears(progress);
    }

    async fn may_pay(&self, spending: &Spending) -> bool {
        self.asks(About::Pay(spending.clone())).await
    }

    #[cfg(feature = "multicart")]
    async fn may_enrol(&self, enrolment: &Enrolment) -> bool {
        self.asks(About::Enrol(enrolment.clone())).await
    }

    #[cfg(not(feature = "multicart"))]
    async fn may_enrol(&self, _: &Enrolment) -> bool {
        false
    }

    async fn may_write(&self, changes: &[Change]) -> bool {
        self.asks(About::Write(changes.to_vec())).await
    }
}
