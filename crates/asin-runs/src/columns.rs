//! An entry of the ledger as columns: what was intended never changes, what became of it does.

use crate::run::{Ended, RunId, Work, cost, nanos};
use dataforseo_merchant::{Entry, LedgerError, State, Tag, TaskRequest};
use serde::Serialize;
use std::collections::BTreeMap;

/// A row as the statements take it, many in one JSON array.
#[derive(Serialize)]
pub(crate) struct Row<'a> {
    tag: &'a str,
    stage: &'static str,
    /// The entry as it was intended.
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<String>,
    state: String,
    /// The task of a run that it is for, and what is taken for it.
    #[serde(flatten)]
    task: Option<Place>,
}

/// A task of a run with what is taken for it.
#[derive(Serialize)]
pub(crate) struct Place {
    run: RunId,
    number: i64,
    cost: i64,
}

impl Place {
    fn of(entry: &Entry, work: &Work) -> Result<Self, LedgerError> {
        let number = number(work.run, &entry.label)
            .ok_or_else(|| LedgerError::new(format!("`{}` is no task of run {}", entry.label, work.run)))?;
        Ok(Self { run: work.run, number, cost: nanos(entry.reserved)? })
    }
}

impl<'a> Row<'a> {
    fn of(tag: &'a Tag, state: &State) -> Result<Self, LedgerError> {
        Ok(Self { tag: tag.as_str(), stage: state.stage().as_str(), intent: None, state: text(state)?, task: None })
    }
}

/// The rows of new entries, of a worker's with the tasks that they are for.
pub(crate) fn intents(entries: &[Entry], work: Option<&Work>) -> Result<String, LedgerError> {
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let task = work.map(|work| Place::of(entry, work)).transpose()?;
        rows.push(Row { intent: Some(text(entry)?), task, ..Row::of(&entry.tag, &entry.state)? });
    }
    text(&rows)
}

/// What is taken for all of a worker's entries, in billionths of a US dollar.
pub(crate) fn total(entries: &[Entry]) -> Result<i64, LedgerError> {
    entries.iter().try_fold(0_i64, |total, entry| Ok(total.saturating_add(nanos(entry.reserved)?)))
}

/// The rows of changes; of several to one entry the last.
pub(crate) fn states(changes: &[(Tag, State)]) -> Result<String, LedgerError> {
    let last: BTreeMap<&Tag, &State> = changes.iter().map(|(tag, state)| (tag, state)).collect();
    text(&last.into_iter().map(|(tag, state)| Row::of(tag, state)).collect::<Result<Vec<_>, _>>()?)
}

/// An entry as it is now.
pub(crate) fn entry(intent: &str, state: &str) -> Result<Entry, LedgerError> {
    let mut entry: Entry = read(intent)?;
    entry.state = read(state)?;
    Ok(entry)
}

/// How an entry remembers which task of which run it is for.
pub(crate) fn label(run: RunId, number: i64) -> String {
    format!("{run}/{number}")
}

/// Which task of which run an entry is for.
pub(crate) fn place(label: &str) -> Option<(RunId, i64)> {
    let (run, number) = label.split_once('/')?;
    Some((RunId(run.parse().ok()?), number.parse().ok()?))
}

/// The task's place, if the entry is of this run.
pub(crate) fn number(run: RunId, label: &str) -> Option<i64> {
    place(label).filter(|(of, _)| *of == run).map(|(_, number)| number)
}

/// The rows of tags.
pub(crate) fn tags(tags: &[Tag]) -> Result<String, LedgerError> {
    #[derive(Serialize)]
    struct Tagged<'a> {
        tag: &'a Tag,
    }
    text(&tags.iter().map(|tag| Tagged { tag }).collect::<Vec<_>>())
}

/// The rows of the tasks that have results.
pub(crate) fn places(ended: &[Ended]) -> Result<String, LedgerError> {
    #[derive(Serialize)]
    struct Place {
        run: RunId,
        number: i64,
    }
    text(&ended.iter().map(|one| Place { run: one.run, number: one.result.number }).collect::<Vec<_>>())
}

/// The rows of results.
pub(crate) fn results(ended: &[Ended]) -> Result<String, LedgerError> {
    #[derive(Serialize)]
    struct Body {
        run: RunId,
        number: i64,
        /// As a text: PostgreSQL unescapes what it takes out of JSON, and refuses the whole batch for one `\u0000`.
        body: String,
    }
    let row = |one: &Ended| Ok(Body { run: one.run, number: one.result.number, body: text(&one.result)? });
    text(&ended.iter().map(row).collect::<Result<Vec<_>, LedgerError>>()?)
}

/// What a task has cost, and whether it is to be posted again.
#[derive(Serialize)]
struct Charge<'a> {
    tag: &'a Tag,
    cost: i64,
    again: &'static str,
    /// Why nothing more will come of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<&'static str>,
}

/// What is known now of what tasks have cost; `None` if nothing is.
pub(crate) fn charges(news: &[(Tag, State)]) -> Result<Option<String>, LedgerError> {
    let mut last: BTreeMap<&Tag, Charge<'_>> = BTreeMap::new();
    for (tag, state) in news {
        if let Some(usd) = cost(state) {
            let (again, ended) = match state {
                // Whoever has sent it sends it again; what somebody else has found out is for anybody.
                State::Rejected { .. } => ("yes", None),
                State::Absent => ("free", None),
                State::WrittenOff { cost, .. } if cost.is_zero() => ("free", None),
                State::WrittenOff { .. } => ("no", Some("written off as lost")),
                _ => ("no", None),
            };
            last.insert(tag, Charge { tag, cost: nanos(usd)?, again, ended });
        }
    }
    if last.is_empty() { Ok(None) } else { text(&last.into_values().collect::<Vec<_>>()).map(Some) }
}

/// A task of a run.
#[derive(Serialize)]
struct Item {
    number: i64,
    request: String,
}

/// The rows of tasks, the first of them at this place.
pub(crate) fn items(first: i64, tasks: &[TaskRequest]) -> Result<String, LedgerError> {
    let item = |(number, task): (i64, &TaskRequest)| {
        task.check().map_err(|rule| LedgerError::new(format!("task {number}: {rule}")))?;
        Ok(Item { number, request: text(task)? })
    };
    text(&(first..).zip(tasks).map(item).collect::<Result<Vec<_>, LedgerError>>()?)
}

pub(crate) fn text<T: Serialize>(value: &T) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|error| LedgerError::new(format!("an entry cannot be written: {error}")))
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, LedgerError> {
    serde_json::from_str(text).map_err(|error| LedgerError::new(format!("an entry cannot be read: {error}")))
}
