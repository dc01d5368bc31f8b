//! What is set aside for which task, so that no reservation is given back or replaced twice.

use crate::{Budget, OverBudget, State, Tag};
use rust_decimal::Decimal;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A budget with its reservations by task.
#[derive(Debug, Clone)]
pub(super) struct Purse {
    budget: Budget,
    reserved: Arc<Mutex<HashMap<Tag, Decimal>>>,
}

impl Purse {
    pub fn new(budget: Budget) -> Self {
        Self { budget, reserved: Arc::default() }
    }

    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Sets the cost of a new task aside, if the budget allows it.
    pub fn reserve(&self, tag: &Tag, amount: Decimal) -> Result<(), OverBudget> {
        self.budget.reserve(amount)?;
        self.lock().insert(tag.clone(), amount);
        Ok(())
    }

    /// Sets aside what a task may have cost already, whether or not the budget allows it.
    pub fn hold(&self, tag: &Tag, amount: Decimal) {
        if self.lock().insert(tag.clone(), amount).is_none() {
            self.budget.hold(amount);
        }
    }

    /// Gives back what was set aside for a task that was not made.
    pub fn release(&self, tag: &Tag) {
        if let Some(amount) = self.take(tag) {
            self.budget.release(amount);
        }
    }

    /// Draws the consequence of what became of a task; what is unknown stays set aside.
    pub fn became(&self, tag: &Tag, state: &State) {
        match state {
            State::Created { cost, .. } | State::Collected { cost, .. } | State::WrittenOff { cost, .. } => {
                if let Some(amount) = self.take(tag) {
                    self.budget.settle(amount, *cost);
                }
            }
            State::Rejected { .. } | State::Absent => self.release(tag),
            State::Intended | State::Unknown { .. } => {}
        }
    }

    fn take(&self, tag: &Tag) -> Option<Decimal> {
        self.lock().remove(tag)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Tag, Decimal>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
