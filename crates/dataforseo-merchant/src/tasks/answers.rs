//! What live calls were answered, until somebody takes it: the vendor does not keep it.

use super::{Collected, Tasks};
use crate::Tag;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Answers in hand, by their tags.
#[derive(Debug, Default)]
pub(super) struct Answers(Mutex<BTreeMap<Tag, Collected>>);

impl Answers {
    pub fn keep(&self, answer: Collected) {
        self.lock().insert(answer.entry.tag.clone(), answer);
    }

    pub fn take(&self, tag: &Tag) -> Option<Collected> {
        self.lock().remove(tag)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Tag, Collected>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tasks {
    /// Takes the results of live calls ([`Mode::Live`](super::Mode::Live)) that nobody was given, because the stream of
    /// [`post_all`](Tasks::post_all) was dropped before: store each, then [acknowledge](Tasks::acknowledge) its tag. They
    /// are kept by this value and its clones, until the process ends. [`collect`](Tasks::collect) gives those that it is
    /// asked for as well.
    pub fn take_answers(&self) -> Vec<Collected> {
        std::mem::take(&mut *self.shared.answers.lock()).into_values().collect()
    }
}
