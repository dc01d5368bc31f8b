//! One complete look at the vendor's list of what was posted in a window of time.
//!
//! The list is sorted by time of execution, so rows move while it is read: pages overlap, and a page that shares no row
//! with the one before it means that rows may have slipped through between them. It also lags behind what was posted.

use super::Tasks;
use crate::{Entry, IdList, IdListQuery, Tag, TaskId, clock::vendor_text};
use core_http::Result;
use jiff::Timestamp;
use rust_decimal::Decimal;
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

/// The most rows of a page.
const PAGE: usize = 1000;
/// How many rows of a page are read again with the next one.
const OVERLAP: usize = 100;
/// No look reads more pages.
const MOST_PAGES: usize = 200;
/// How long one page may take, the wait for 10 calls a minute included.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a look saw.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Our tasks: the vendor's id and the cost.
    ours: HashMap<Tag, (TaskId, Option<Decimal>)>,
    ids: HashSet<TaskId>,
    complete: bool,
}

impl Look {
    /// What it says about a task of ours.
    pub fn found(&self, tag: &Tag) -> Option<&(TaskId, Option<Decimal>)> {
        self.ours.get(tag)
    }

    /// Whether a known task is among what it saw.
    pub fn shows(&self, known: &Entry) -> bool {
        self.ours.contains_key(&known.tag) || known.state.id().is_some_and(|id| self.ids.contains(id))
    }

    /// Whether every row of the window was read and could be told to be ours or not.
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}

impl Tasks {
    /// Looks at everything that was posted between two moments of the vendor's time.
    pub(super) async fn look(&self, from: Timestamp, to: Timestamp, sort: &str) -> Result<Look> {
        let line = self.line(PATIENCE);
        let query = IdListQuery::new(vendor_text(from), vendor_text(to)).include_metadata(true).sort(sort);
        let mut look = Look { complete: true, ..Look::default() };
        let (mut offset, mut page) = (0, HashSet::new());
        for _ in 0..MOST_PAGES {
            let query = query.clone().limit(PAGE as i64).offset(offset as i64);
            let rows = line.call(IdList::new(query)).await?;
            let count = rows.len();
            let mut ids = HashSet::with_capacity(count);
            for row in rows {
                let Some(id) = row.id else {
                    look.complete = false;
                    continue;
                };
                match &row.metadata {
                    Some(posted) => {
                        let tag = posted.get("tag").and_then(|tag| tag.as_str()).and_then(Tag::ours);
                        look.ours.extend(tag.map(|tag| (tag, (id.clone(), row.cost))));
                    }
                    // A row that does not say what was posted may be any task.
                    None => look.complete = false,
                }
                ids.insert(id);
            }
            look.complete &= offset == 0 || !page.is_disjoint(&ids);
            look.ids.extend(ids.iter().cloned());
            if count < PAGE {
                return Ok(look);
            }
            (offset, page) = (offset + count - OVERLAP, ids);
        }
        look.complete = false;
        Ok(look)
    }
}
