//! The tasks and limits of the account, for the page.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::tasks::{Task, Tasks};
use crate::live::level;

/// How many tasks the page shows.
const ROWS: usize = 60;

impl Tasks {
    /// The newest tasks, and how many there are in each state.
    pub(crate) fn live(&self, now: Duration) -> Value {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for task in self.each() {
            *counts.entry(task.state(now)).or_default() += 1;
        }
        if self.forgotten > 0 {
            counts.insert("forgotten", usize::try_from(self.forgotten).unwrap_or(usize::MAX));
        }
        let row = |task: &Task| {
            let (engine, name) = task.function.names();
            json!({
                "id": task.id,
                "function": format!("{engine} {name}"),
                "asks": task.subject,
                "tag": task.tag(),
                "state": task.state(now),
                "foreign": task.foreign,
                "usd": task.cost,
            })
        };
        let rows: Vec<Value> = self.each().rev().take(ROWS).map(row).collect();
        json!({"counts": counts, "rows": rows})
    }

    /// What is left of each limit.
    pub(crate) fn levels(&self, now: Duration) -> Vec<Value> {
        let windows = if self.limits.lifted { Vec::new() } else { self.limits.each() };
        windows.into_iter().map(|(name, window)| level("dataforseo", "account", &name, window.left(now))).collect()
    }
}

impl Task {
    fn state(&self, now: Duration) -> &'static str {
        if self.collected {
            "collected"
        } else if self.is_done(now) {
            "ready"
        } else if now < self.handed_until {
            "handed"
        } else {
            "in queue"
        }
    }
}
