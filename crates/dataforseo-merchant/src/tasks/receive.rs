//! Results that the vendor sends by itself: they come to the same place as those that are collected.
//!
//! A webhook may come before the answer to the POST, in spite of an answer that was lost, twice, and while its task is being
//! collected. What it says is matched by our tag, and believed only about a task that the ledger knows.

use super::{Collected, TaskResult, Tasks, kinds, ledger_failed};
use crate::{
    Entry, Ledger, PostbackData, State, Tag, TaskId,
    webhook::{Pingback, Postback},
};
use core_http::{Error, ErrorKind, Result};
use futures_util::StreamExt;
use rust_decimal::Decimal;
use std::{sync::Arc, time::Duration};

/// How long it may take to fetch a result of which the vendor says that it is there.
const FETCH: Duration = Duration::from_secs(5);

fn unfinished() -> Error {
    Error::new(ErrorKind::Busy, "a task that is said to be done is not")
}

impl Tasks {
    /// Takes in a result that was posted. Store what it gives, then [acknowledge](Tasks::acknowledge) its tag, as with what
    /// was [collected](Tasks::collect). `None` when there is nothing to store: the task is not of this ledger, or has been
    /// acknowledged.
    ///
    /// A task of which it was not known whether it had been made is known from then on, at the cost that was reserved for
    /// it. A result that was asked for as a page ([`PostbackData::Html`]) is [unreadable](TaskResult::Unreadable) here, with its
    /// text; [`Postback::task`] reads it as [`AsinHtml`](crate::AsinHtml) or [`KeywordHtml`](crate::KeywordHtml).
    ///
    /// # Errors
    /// When the ledger cannot be read or written, when what was posted leaves open what became of the task (the vendor's
    /// trouble, a limit), and [`ErrorKind::Busy`] when the task is not done after all. It stays pending then.
    pub async fn receive(&self, postback: &Postback) -> Result<Option<Collected>> {
        let Some(entry) = self.known(postback.id(), postback.tag(), postback.cost()).await? else { return Ok(None) };
        let mut result = self.judge(&entry, kinds::received(postback, entry.request.kind()))?.ok_or_else(unfinished)?;
        let is_page = entry.request.summary().posted == Some(PostbackData::Html);
        if is_page && !matches!(result, TaskResult::Empty | TaskResult::Failed(_)) {
            let error = Arc::new(Error::new(ErrorKind::Decode, "the result was asked for as a page"));
            result = TaskResult::Unreadable { error, raw: None };
        }
        if let TaskResult::Unreadable { raw: raw @ None, .. } = &mut result {
            *raw = Some(String::from_utf8_lossy(postback.json()).into_owned());
        }
        Ok(Some(Collected { entry, result }))
    }

    /// Fetches the result of a task that is said to be done, by a free call; otherwise like [`receive`](Tasks::receive).
    ///
    /// # Errors
    /// Those of the ledger and of the call, and [`ErrorKind::Busy`] when the task is not done after all.
    pub async fn fetch(&self, pingback: &Pingback) -> Result<Option<Collected>> {
        let Some(entry) = self.known(&pingback.id, pingback.tag.as_deref(), None).await? else { return Ok(None) };
        let mut collecting = self.collect([entry], FETCH);
        match collecting.next().await {
            Some(collected) => collected.map(Some),
            // It was acknowledged while it was being fetched.
            None if collecting.pending().is_empty() => Ok(None),
            None => Err(unfinished()),
        }
    }

    /// The entry of a task whose result nobody has acknowledged, under its id, whatever was known of it before.
    async fn known(&self, id: &TaskId, tag: Option<&str>, cost: Option<Decimal>) -> Result<Option<Entry>> {
        let Some(tag) = tag.and_then(Tag::ours) else { return Ok(None) };
        let Some(mut entry) = self.ledger.entry(&tag).await.map_err(ledger_failed)? else { return Ok(None) };
        match &entry.state {
            State::Created { id: known, .. } => return Ok((known == id).then_some(entry)),
            State::Collected { .. } => return Ok(None),
            _ => {}
        }
        self.adopt().await?;
        let cost = cost.unwrap_or(entry.reserved);
        match &entry.state {
            // It has been paid for in the budget.
            State::WrittenOff { cost, .. } if !cost.is_zero() => {}
            // Given back too early: it was made after all.
            state if state.is_final() => self.purse.hold(&tag, cost),
            _ => {}
        }
        entry.state = State::Created { id: id.clone(), cost };
        self.record(&[(tag, entry.state.clone())]).await?;
        Ok(Some(entry))
    }

    pub(crate) fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }
}
