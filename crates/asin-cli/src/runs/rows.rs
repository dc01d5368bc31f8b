//! How far a run is, and what came of its tasks, as rows.

use crate::output::Row;
use crate::paid::rows::name;
use crate::table::{Column, Content};
use asin_facade::dataforseo_merchant::TaskId;
use asin_facade::runs::{RunResult, RunStatus};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

/// How far a run is.
#[derive(Debug, Serialize)]
pub struct Shown {
    run: String,
    #[serde(flatten)]
    counts: Counts,
    spent_usd: Decimal,
    /// What it will have cost in the end, if the rest costs what the others did.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_usd: Option<Decimal>,
    budget_usd: Decimal,
    cancelled: bool,
    late: bool,
    /// So many may be posted, from the first.
    agreed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_minute: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minutes_left: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Counts {
    tasks: u64,
    waiting: u64,
    held: u64,
    pending: u64,
    /// Of those that are pending, or held.
    unknown: u64,
    done: u64,
    refused: u64,
}

impl Shown {
    /// With results a minute and minutes left, where these are known.
    pub fn of(name: &str, status: &RunStatus, pace: Option<(f64, f64)>) -> Self {
        let RunStatus { tasks, waiting, held, pending, unknown, done, refused, .. } = *status;
        let rounded = |number: f64| (number * 10.0).round() / 10.0;
        Self {
            run: name.to_owned(),
            counts: Counts { tasks, waiting, held, pending, unknown, done, refused },
            spent_usd: status.committed(),
            expected_usd: status.expected().map(|usd| usd.round_dp(4).normalize()),
            budget_usd: status.budget(),
            cancelled: status.cancelled,
            late: status.late,
            agreed: status.agreed,
            per_minute: pace.map(|(rate, _)| rounded(rate)),
            minutes_left: pace.map(|(_, left)| rounded(left)),
        }
    }
}

impl Row for Shown {
    const COLUMNS: &'static [Column] = &[
        Column("run", Content::Word),
        Column("tasks", Content::Number),
        Column("waiting", Content::Number),
        Column("held", Content::Number),
        Column("pending", Content::Number),
        Column("unknown", Content::Number),
        Column("done", Content::Number),
        Column("refused", Content::Number),
        Column("spent USD", Content::Number),
        Column("expected USD", Content::Number),
        Column("budget USD", Content::Number),
        Column("a minute", Content::Number),
        Column("minutes left", Content::Number),
        Column("posts", Content::Word),
    ];

    fn cells(&self) -> Vec<String> {
        let Counts { tasks, waiting, held, pending, unknown, done, refused } = self.counts;
        let text = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let posts = match (self.cancelled, self.late) {
            (true, _) => "cancelled",
            (false, true) => "late",
            _ if self.agreed < tasks && waiting + held == tasks - self.agreed => "not agreed",
            _ if waiting + held == 0 => "all posted",
            _ => "yes",
        };
        let mut cells = vec![self.run.clone()];
        cells.extend([tasks, waiting, held, pending, unknown, done, refused].map(|count| count.to_string()));
        let expected = self.expected_usd.map_or_else(String::new, |usd| usd.to_string());
        cells.extend([self.spent_usd.to_string(), expected, self.budget_usd.to_string()]);
        cells.extend([text(self.per_minute), text(self.minutes_left), posts.to_owned()]);
        cells
    }
}

/// What came of a task.
#[derive(Debug, Serialize)]
pub struct Line {
    number: i64,
    kind: String,
    subject: String,
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<String>,
    /// The vendor's, by which it keeps the result for 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<TaskId>,
    result: Value,
}

impl From<RunResult> for Line {
    fn from(result: RunResult) -> Self {
        Self {
            number: result.number,
            kind: name(result.request.kind()),
            subject: result.request.summary().subject.to_owned(),
            outcome: result.outcome,
            said: result.error,
            id: result.id,
            result: result.result,
        }
    }
}

impl Row for Line {
    const COLUMNS: &'static [Column] = &[
        Column("number", Content::Number),
        Column("kind", Content::Word),
        Column("subject", Content::Word),
        Column("outcome", Content::Word),
        Column("said", Content::Prose),
        Column("id", Content::Word),
        Column("result", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.number.to_string(),
            self.kind.clone(),
            self.subject.clone(),
            self.outcome.clone(),
            self.said.clone().unwrap_or_default(),
            self.id.as_ref().map(ToString::to_string).unwrap_or_default(),
            if self.result.is_null() { String::new() } else { self.result.to_string() },
        ]
    }
}
