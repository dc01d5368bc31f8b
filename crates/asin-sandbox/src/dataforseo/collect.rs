//! `tasks_ready` and `task_get`: finding out what is done, and taking it.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::function::{Function, Step};
use super::tasks::{Task, task_id};
use super::{TaskAnswer, envelope, results, throttled};
use crate::call::{Call, Reply};
use crate::clock::{spaced, today};
use crate::world::World;

/// The most rows of a listing; the rest stays hidden until these are collected.
const ROWS: usize = 1000;
/// How long a result is kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Lists what is done and not collected. The list is the account's: other programs' tasks are on it too.
pub(super) fn ready(world: &mut World, call: &Call, function: Option<Function>) -> Reply {
    let operation = function.and_then(|function| function.operation(Step::Ready)).unwrap_or("MerchantTasksReady");
    let now = world.clock.now();
    if !world.tasks.limits.ready(function).take(now) {
        return throttled().operation(operation);
    }
    let rows = world.tasks.listed(function, now, ROWS).into_iter().map(row).collect();
    let id = task_id(today(), &mut world.rng);
    let data = data(function, "tasks_ready");
    envelope(call, operation, &[TaskAnswer::rows(id, data, rows)])
}

fn data(function: Option<Function>, last: &str) -> Map<String, Value> {
    let mut data = Map::new();
    data.insert("api".to_owned(), json!("merchant"));
    if let Some(function) = function {
        let (engine, name) = function.names();
        data.insert("function".to_owned(), json!(name));
        data.insert("se".to_owned(), json!(engine));
    } else {
        data.insert("function".to_owned(), json!(last));
    }
    data
}

fn row(task: &Task) -> Value {
    let (engine, name) = task.function.names();
    let endpoint = |step: Step, kind: &str| {
        task.function.operation(step).map(|_| format!("{}/task_get/{kind}/{}", task.function.path(), task.id))
    };
    let (advanced, html) = (endpoint(Step::Advanced, "advanced"), endpoint(Step::Html, "html"));
    json!({
        "id": task.id,
        "se": engine,
        "se_type": name,
        "date_posted": spaced(task.posted),
        "tag": task.tag().unwrap_or_default(),
        "endpoint_advanced": advanced,
        "endpoint_html": html,
    })
}

/// Takes a result, or its pages as they came. It stays there to be taken again, but leaves the listing.
pub(super) fn get(
    world: &mut World,
    call: &Call,
    function: Function,
    operation: &'static str,
    html: bool,
    id: &str,
) -> Reply {
    let now = world.clock.now();
    let Some(task) = world.tasks.find(id) else {
        return envelope(call, operation, &[TaskAnswer::new(id.to_owned(), 40401, data(Some(function), "task_get"))]);
    };
    if task.function != function {
        let code = if task.function.names().0 == function.names().0 { 40004 } else { 40002 };
        return envelope(call, operation, &[TaskAnswer::new(id.to_owned(), code, data(Some(function), "task_get"))]);
    }
    if !task.is_done(now) {
        let code = if now < task.handed_until { 40601 } else { 40602 };
        return envelope(call, operation, &[TaskAnswer::new(id.to_owned(), code, task.data())]);
    }
    if now.saturating_sub(task.ready_at) > KEPT {
        return envelope(call, operation, &[TaskAnswer::new(id.to_owned(), 40403, task.data())]);
    }
    let task = task.clone();
    world.tasks.collect(id);
    world.ledger.foreign_collected += u64::from(task.foreign);
    envelope(call, operation, &[finished(world, &task, html)]).did(format!("collected {}", task.id))
}

/// A finished task with its result, or with its pages as they came.
pub(super) fn finished(world: &World, task: &Task, html: bool) -> TaskAnswer {
    let result = if html { results::pages(world, task) } else { results::result(world, task) };
    let code = if result["items"].is_null() { 40102 } else { 20000 };
    TaskAnswer { result: Some(vec![result]), ..TaskAnswer::new(task.id.clone(), code, task.data()) }
}
