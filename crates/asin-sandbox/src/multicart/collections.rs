//! Collections: made and rescheduled. No path that lists or deletes them is documented.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Carts, CollectionRow, body, failure, success, text};
use crate::call::{Call, Reply};
use crate::clock::today;

const SCHEDULES: [&str; 5] = ["Every X Minutes", "Daily", "Weekly", "Monthly", "Manual"];
const PRIORITIES: [&str; 5] = ["Highest", "High", "Normal", "Low", "Lowest"];

pub(super) fn create(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    let name = text(&body, "name")?;
    if !["amazon", "officeworks.com.au"].contains(&text(&body, "request_type")?) {
        return Err(failure(400, "request_type must be amazon or officeworks.com.au"));
    }
    if !PRIORITIES.contains(&text(&body, "priority")?) {
        return Err(failure(400, "priority is not valid"));
    }
    text(&body, "notification_email")?;
    check_schedule(&body)?;
    let id = carts.add_collection(name, &body);
    let answer = json!({
        "id": id,
        "name": name,
        "status": "draft",
        "schedule_status": "Pending",
        "request_type": body["request_type"],
        "fetch_mode": body.get("fetch_mode").cloned().unwrap_or_else(|| json!("full")),
        "created_at": today().to_string(),
    });
    Ok(success(&answer).did(format!("collection {id} made")))
}

/// The field that names the collection is not documented: any of the usual ones is taken.
pub(super) fn update(carts: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    let id = named(&body).ok_or_else(|| failure(400, "id is required and must be an integer"))?;
    let found = carts.collections.iter_mut().find(|collection| collection.id == id);
    let collection = found.ok_or_else(|| failure(404, "Collection not found"))?;
    let mut made = collection.made.clone();
    made.extend(body);
    if made.contains_key("schedule") {
        check_schedule(&made)?;
    }
    collection.made = made;
    Ok(success(&json!("Schedule updated successfully")).did(format!("collection {id} rescheduled")))
}

/// The collection that a body names.
pub(super) fn named(body: &Map<String, Value>) -> Option<u64> {
    ["collection_id", "id", "collection"].into_iter().find_map(|name| body.get(name)?.as_u64())
}

/// A schedule with its times: minutes are a number in a text, hours have a dot.
fn check_schedule(body: &Map<String, Value>) -> Result<(), Reply> {
    let schedule = text(body, "schedule")?;
    if !SCHEDULES.contains(&schedule) {
        return Err(failure(400, "schedule is not valid"));
    }
    let time = body.get("schedule_time").filter(|time| !time.is_null());
    let minutes = time.and_then(|time| time["minutes_frequency"].as_str()?.parse::<u32>().ok());
    if schedule == "Every X Minutes" && minutes.is_none() {
        return Err(failure(400, "minutes_frequency is required and must be a string"));
    }
    let hours = time.and_then(|time| time["hours"].as_array());
    let is_hour = |hour: &Value| {
        let parts = hour.as_str().and_then(|hour| hour.split_once('.'));
        parts.is_some_and(|(hour, minute)| hour.len() == 2 && minute.len() == 2)
    };
    if hours.is_some_and(|hours| !hours.iter().all(is_hour)) {
        return Err(failure(400, "hours must be written HH.MM"));
    }
    Ok(())
}

impl Carts {
    pub(super) fn add_collection(&mut self, name: &str, made: &Map<String, Value>) -> u64 {
        let id = self.collections.iter().map(|collection| collection.id).max().unwrap_or(100) + 1;
        self.collections.push(CollectionRow { id, name: name.to_owned(), made: made.clone() });
        id
    }
}
