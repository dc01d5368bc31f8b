//! An entry of the ledger as columns: what was intended never changes, what became of it does.

use crate::run::{RunId, cost, nanos};
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
}

/// The rows of new entries.
pub(crate) fn intents(entries: &[Entry]) -> Result<String, LedgerError> {
    rows(entries.iter().map(|entry| Ok((&entry.tag, &entry.state, Some(text(entry)?)))))
}

/// The rows of changes; of several to one entry the last.
pub(crate) fn states(changes: &[(Tag, State)]) -> Result<String, LedgerError> {
    let last: BTreeMap<&Tag, &State> = changes.iter().map(|(tag, state)| (tag, state)).collect();
    rows(last.into_iter().map(|(tag, state)| Ok((tag, state, None))))
}

/// The changes that say something new, each to what the one before has left.
pub(crate) fn news(
    known: impl IntoIterator<Item = (String, String)>,
    changes: &[(Tag, State)],
) -> Result<Vec<(Tag, State)>, LedgerError> {
    let mut latest: BTreeMap<String, State> = BTreeMap::new();
    for (tag, state) in known {
        latest.insert(tag, read(&state)?);
    }
    let mut news = Vec::new();
    for (tag, state) in changes {
        if let Some(now) = latest.get_mut(tag.as_str()).filter(|now| now.may_become(state)) {
            *now = state.clone();
            news.push((tag.clone(), state.clone()));
        }
    }
    Ok(news)
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

/// The task's place, if the entry is of this run.
pub(crate) fn number(run: RunId, label: &str) -> Option<i64> {
    let (of, number) = label.split_once('/')?;
    (of == run.to_string()).then(|| number.parse().ok())?
}

/// A task of a run with the intent to post it.
#[derive(Serialize)]
struct Binding<'a> {
    number: i64,
    tag: &'a Tag,
    cost: i64,
}

/// The tasks of a run with their intents, and what is taken for all of them.
pub(crate) fn bindings(run: RunId, entries: &[Entry]) -> Result<(String, i64), LedgerError> {
    let mut total = 0_i64;
    let mut bindings = Vec::with_capacity(entries.len());
    for entry in entries {
        let number = number(run, &entry.label)
            .ok_or_else(|| LedgerError::new(format!("`{}` is no task of run {run}", entry.label)))?;
        let cost = nanos(entry.reserved)?;
        total = total.saturating_add(cost);
        bindings.push(Binding { number, tag: &entry.tag, cost });
    }
    Ok((text(&bindings)?, total))
}

/// What a task has cost, and whether it was made.
#[derive(Serialize)]
struct Charge<'a> {
    tag: &'a Tag,
    cost: i64,
    made: &'static str,
}

/// What is known now of what tasks have cost; `None` if nothing is.
pub(crate) fn charges(news: &[(Tag, State)]) -> Result<Option<String>, LedgerError> {
    let mut last: BTreeMap<&Tag, Charge<'_>> = BTreeMap::new();
    for (tag, state) in news {
        if let Some(usd) = cost(state) {
            let made = if matches!(state, State::Absent | State::Rejected { .. }) { "false" } else { "true" };
            last.insert(tag, Charge { tag, cost: nanos(usd)?, made });
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
    let item = |(number, task): (i64, &TaskRequest)| Ok(Item { number, request: text(task)? });
    text(&(first..).zip(tasks).map(item).collect::<Result<Vec<_>, LedgerError>>()?)
}

fn rows<'a>(
    rows: impl Iterator<Item = Result<(&'a Tag, &'a State, Option<String>), LedgerError>>,
) -> Result<String, LedgerError> {
    let row = |(tag, state, intent): (&'a Tag, &'a State, _)| {
        Ok(Row { tag: tag.as_str(), stage: state.stage().as_str(), intent, state: text(state)? })
    };
    text(&rows.map(|parts| row(parts?)).collect::<Result<Vec<_>, LedgerError>>()?)
}

pub(crate) fn text<T: Serialize>(value: &T) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|error| LedgerError::new(format!("an entry cannot be written: {error}")))
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, LedgerError> {
    serde_json::from_str(text).map_err(|error| LedgerError::new(format!("an entry cannot be read: {error}")))
}
