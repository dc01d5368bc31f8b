//! A task to be posted.

use super::{Settings, TaskRequest};
use crate::Priority;
use serde::{Deserialize, Serialize};

/// How soon a task is answered, and at which price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Posted, and done within up to 45 minutes.
    Standard,
    /// Posted, and done within minutes, for twice the price.
    Priority,
    /// Answered by the call that asks, within two minutes. The vendor keeps no result: if the answer is lost, so is what
    /// it cost. Only [`post_all`](super::Tasks::post_all) sends it, and gives the result.
    Live,
}

/// A task to be posted.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "nothing is posted before it is handed over"]
pub struct NewTask {
    pub(super) request: TaskRequest,
    pub(super) label: String,
    pub(super) mode: Option<Mode>,
}

impl NewTask {
    /// Asks for what the request says.
    pub fn new(request: impl Into<TaskRequest>) -> Self {
        Self { request: request.into(), label: String::new(), mode: None }
    }

    /// With a note that is kept with the task and given back with its result.
    pub fn label(mut self, note: impl Into<String>) -> Self {
        self.label = note.into();
        self
    }

    /// In this mode, whatever the [settings](Settings::mode) say.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// What it asks for.
    pub fn request(&self) -> &TaskRequest {
        &self.request
    }

    /// The note.
    pub fn note(&self) -> &str {
        &self.label
    }

    /// About how many bytes of a request it takes: the tag in front of the caller's own is as long as any.
    pub(super) fn length(&self) -> usize {
        let tag = r#","tag":"asin-0123456789abcdef0123456789abcdef:""#.len();
        serde_json::to_vec(&self.request).map_or(0, |json| json.len()) + tag
    }
}

impl<R: Into<TaskRequest>> From<R> for NewTask {
    fn from(request: R) -> Self {
        Self::new(request)
    }
}

impl Settings {
    /// The mode in which a task is sent: its own, that of all, or that of its priority.
    pub(super) fn mode_of(&self, task: &NewTask) -> Mode {
        task.mode.or(self.mode).unwrap_or(match task.request.priority() {
            Priority::Normal => Mode::Standard,
            Priority::High => Mode::Priority,
        })
    }

    /// The task as it is sent under these settings.
    pub(super) fn apply(&self, mut task: NewTask) -> NewTask {
        if let Some(mode) = task.mode.or(self.mode) {
            let priority = if mode == Mode::Priority { Priority::High } else { Priority::Normal };
            (task.request, task.mode) = (task.request.with_priority(priority), Some(mode));
        }
        task
    }
}
