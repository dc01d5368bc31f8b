//! `task_post` and `live`: each task is judged and billed by itself, then queued or answered at once.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::form::{Understood, has_unknown, understood};
use super::function::{Function, Step};
use super::tasks::{Order, Task, echo, task_id};
use super::{TaskAnswer, collect, envelope, posted, refusal, search};
use crate::call::{Call, Reply};
use crate::clock::today;
use crate::world::World;

/// The most tasks of one POST; each one past them is refused by itself.
const TASKS: usize = 100;

pub(super) fn post(world: &mut World, call: &Call, function: Function) -> Reply {
    let operation = function.operation(Step::Post).unwrap_or_default();
    if world.ledger.balance_usd <= Decimal::ZERO {
        return refusal(http::StatusCode::PAYMENT_REQUIRED, 40200).operation(operation);
    }
    let entries = match posted(call) {
        Ok(entries) => entries,
        Err(refusal) => return refusal.operation(operation),
    };
    let mut answers = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        answers.push(one(world, function, index, entry));
    }
    let created: Vec<&str> = answers
        .iter()
        .filter(|answer| answer.code == 20100)
        .map(|answer| answer.data.get("tag").and_then(Value::as_str).unwrap_or(""))
        .collect();
    let did = format!("{} tasks created, tags {created:?}", created.len());
    if !created.is_empty() {
        world.tasks.neighbour(&world.products, &world.clock, &mut world.rng);
    }
    envelope(call, operation, &answers).did(did)
}

fn one(world: &mut World, function: Function, index: usize, entry: &Map<String, Value>) -> TaskAnswer {
    let data = echo(function, entry);
    let refused_id = task_id(today(), &mut world.rng);
    if index >= TASKS {
        return TaskAnswer::new(refused_id, 40006, data);
    }
    let (order, data) = match ordered(world, function, entry, refused_id, false) {
        Ok(order) => (order, data),
        Err(refused) => return refused,
    };
    let cost = order.cost;
    let id = world.tasks.add(order, &world.clock, &mut world.rng);
    TaskAnswer { cost, ..TaskAnswer::new(id, 20100, data) }
}

/// Judges a task and bills it.
fn ordered(
    world: &mut World,
    function: Function,
    entry: &Map<String, Value>,
    id: String,
    live: bool,
) -> Result<Order, TaskAnswer> {
    let data = echo(function, entry);
    if has_unknown(function, entry, live) {
        return Err(TaskAnswer::new(id, 40506, data));
    }
    let Understood { subject, marketplace, urgent, pages } = match understood(function, entry) {
        Ok(understood) => understood,
        Err(field) => return Err(TaskAnswer::invalid_field(id, field, data)),
    };
    // What is found is charged by the page, at least one. The price of what is answered at once is not published; here it
    // is that of high priority.
    let found = if function.is_search() {
        search::found(&world.products, &subject, marketplace, &data).len() as u64
    } else {
        u64::MAX
    };
    let page = function.depth().map_or(1, |(page, _)| page);
    let pages = pages.min(found.div_ceil(page).max(1));
    let cost = function.price() * Decimal::from(if urgent || live { 2 } else { 1 }) * Decimal::from(pages);
    if world.ledger.balance_usd < cost {
        return Err(TaskAnswer::new(id, 40210, data));
    }
    let now = world.clock.now();
    if let Err(code) = world.tasks.limits.count_equal(&data, now) {
        return Err(TaskAnswer::new(id, code, data));
    }
    world.ledger.bill(entry.get("tag").and_then(Value::as_str).unwrap_or_default(), cost);
    Ok(Order { function, subject, marketplace, data, cost, urgent, foreign: false })
}

/// Answers one task at once.
pub(super) fn live(world: &mut World, call: &Call, function: Function, operation: &'static str, html: bool) -> Reply {
    if world.ledger.balance_usd <= Decimal::ZERO {
        return refusal(http::StatusCode::PAYMENT_REQUIRED, 40200).operation(operation);
    }
    let entries = match posted(call) {
        Ok(entries) => entries,
        Err(refusal) => return refusal.operation(operation),
    };
    let [entry] = &entries[..] else { return super::codes::coded(call, 40000).operation(operation) };
    let id = task_id(today(), &mut world.rng);
    let order = match ordered(world, function, entry, id.clone(), true) {
        Ok(order) => order,
        Err(refused) => return envelope(call, operation, &[refused]),
    };
    let cost = order.cost;
    let task = Task::at_once(id, order);
    let answer = TaskAnswer { cost, ..collect::finished(world, &task, html) };
    let did = format!("answered {} at once, tag {:?}", task.id, task.tag().unwrap_or_default());
    envelope(call, operation, &[answer]).did(did)
}
