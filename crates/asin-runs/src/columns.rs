//! An entry of the ledger as columns: what was intended never changes, what became of it does.

use dataforseo_merchant::{Entry, LedgerError, State, Tag};
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

fn rows<'a>(
    rows: impl Iterator<Item = Result<(&'a Tag, &'a State, Option<String>), LedgerError>>,
) -> Result<String, LedgerError> {
    let row = |(tag, state, intent): (&'a Tag, &'a State, _)| {
        Ok(Row { tag: tag.as_str(), stage: state.stage().as_str(), intent, state: text(state)? })
    };
    text(&rows.map(|parts| row(parts?)).collect::<Result<Vec<_>, LedgerError>>()?)
}

fn text<T: Serialize>(value: &T) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|error| LedgerError::new(format!("an entry cannot be written: {error}")))
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, LedgerError> {
    serde_json::from_str(text).map_err(|error| LedgerError::new(format!("an entry cannot be read: {error}")))
}
