//! `id_list`: what was posted in a window of time. It lags, and holds every program's tasks.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::tasks::{Task, task_id};
use super::{TaskAnswer, dollars, envelope, message, posted, throttled};
use crate::call::{Call, Reply};
use crate::clock::{spaced, today};
use crate::world::World;

const OPERATION: &str = "MerchantIdList";

/// A window, and the page of it that is asked for.
struct Question {
    from: Timestamp,
    to: Timestamp,
    limit: usize,
    offset: usize,
    newest_first: bool,
    metadata: bool,
}

pub(super) fn list(world: &mut World, call: &Call) -> Reply {
    let now = world.clock.now();
    if !world.tasks.limits.id_list.take(now) {
        return throttled().operation(OPERATION);
    }
    let entries = match posted(call) {
        Ok(entries) => entries,
        Err(refusal) => return refusal.operation(OPERATION),
    };
    let entry = entries.into_iter().next().unwrap_or_default();
    let mut data = entry.clone();
    data.insert("api".to_owned(), json!("merchant"));
    data.insert("function".to_owned(), json!("id_list"));
    let id = task_id(today(), &mut world.rng);
    let question = match Question::read(&entry) {
        Ok(question) => question,
        Err(field) => return envelope(call, OPERATION, &[TaskAnswer::invalid_field(id, field, data)]),
    };
    let shown = |task: &&Task| task.listed_at <= now && (question.from..=question.to).contains(&task.posted);
    let mut tasks: Vec<&Task> = world.tasks.each().filter(shown).collect();
    // By the time of execution: what still waits comes after what is done.
    tasks.sort_by_key(|task| (!task.is_done(now), task.done));
    if question.newest_first {
        tasks.reverse();
    }
    let page = tasks.into_iter().skip(question.offset).take(question.limit);
    let rows = page
        .map(|task| {
            let done = task.is_done(now);
            let mut row = json!({
                "id": task.id,
                "url": format!("https://api.dataforseo.com{}/task_post", task.function.path()),
                "datetime_posted": spaced(task.posted),
                "datetime_done": done.then(|| spaced(task.done)),
                "status": message(if done { 20000 } else { 40602 }),
                "cost": dollars(task.cost),
            });
            if question.metadata {
                row["metadata"] = json!(task.data());
            }
            row
        })
        .collect();
    envelope(call, OPERATION, &[TaskAnswer::rows(id, data, rows)])
}

impl Question {
    /// Reads the question, or names the field that is wrong.
    fn read(entry: &Map<String, Value>) -> Result<Self, &'static str> {
        let metadata = match entry.get("include_metadata") {
            None => false,
            Some(Value::Bool(metadata)) => *metadata,
            Some(_) => return Err("include_metadata"),
        };
        let time = |name: &'static str| entry.get(name).and_then(Value::as_str).and_then(moment).ok_or(name);
        let (from, to) = (time("datetime_from")?, time("datetime_to")?);
        let now = today();
        // Six months back, one month with metadata.
        let reach = SignedDuration::from_hours(24 * if metadata { 31 } else { 184 });
        if from > now || now.duration_since(from) > reach || from > to {
            return Err("datetime_from");
        }
        if to > now {
            return Err("datetime_to");
        }
        let number = |name: &'static str, default: u64| match entry.get(name) {
            None => Ok(default),
            Some(value) => value.as_u64().ok_or(name),
        };
        let limit = match number("limit", 1000)? {
            limit @ 1..=1000 => limit,
            _ => return Err("limit"),
        };
        let newest_first = match entry.get("sort").map(Value::as_str) {
            None | Some(Some("asc")) => false,
            Some(Some("desc")) => true,
            Some(_) => return Err("sort"),
        };
        let index = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Ok(Self { from, to, limit: index(limit), offset: index(number("offset", 0)?), newest_first, metadata })
    }
}

/// Reads `2026-07-20 09:37:13 +00:00`.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let (local, zone) = text.rsplit_once(' ')?;
    (zone == "+00:00").then(|| format!("{}Z", local.replacen(' ', "T", 1)).parse().ok()).flatten()
}
