//! A task as the answers show it, and what its code says.

use crate::{Echo, Meaning, Tag, TaskId, vendor};
use core_http::{Error, ErrorKind, Fault, Result, lenient};
use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value, value::RawValue};
use std::{fmt, marker::PhantomData};

/// One task of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Wire<R>", bound(deserialize = "R: Deserialize<'de>"))]
#[non_exhaustive]
pub struct Task<R> {
    /// The vendor's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<TaskId>,
    /// The verdict on this task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<i64>,
    /// Words to the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// How long the vendor took, such as `0.0178 sec.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What this call cost for this task, USD.
    #[serde(serialize_with = "rust_decimal::serde::float_option::serialize", skip_serializing_if = "Option::is_none")]
    pub cost: Option<Decimal>,
    /// How many results there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_count: Option<i64>,
    /// The path that was called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// The request, repeated by the vendor, with what it added; holds the tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Echo>,
    /// The results; `None` where the vendor sent `null` or nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Vec<R>>,
    /// Results that do not fit their type: an error of this task alone, not of the others in the answer.
    #[serde(skip)]
    pub misfits: Vec<Misfit>,
}

/// A result that does not fit its type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misfit {
    /// Where in the task the trouble is, such as `result[0].items[3].price`.
    pub path: String,
    /// What the trouble is.
    pub message: String,
    /// The whole result as it came.
    pub raw: String,
}

/// A task as it is read.
#[derive(Deserialize)]
#[serde(bound = "R: Deserialize<'de>")]
struct Wire<R> {
    #[serde(default, deserialize_with = "lenient::option")]
    id: Option<TaskId>,
    #[serde(default, deserialize_with = "lenient::option_i64")]
    status_code: Option<i64>,
    #[serde(default, deserialize_with = "lenient::option_string")]
    status_message: Option<String>,
    #[serde(default, deserialize_with = "lenient::option_string")]
    time: Option<String>,
    #[serde(default, deserialize_with = "lenient::option_decimal")]
    cost: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::option_i64")]
    result_count: Option<i64>,
    #[serde(default, deserialize_with = "lenient::option")]
    path: Option<Vec<String>>,
    #[serde(default, deserialize_with = "lenient::option")]
    data: Option<Echo>,
    #[serde(default = "Results::none")]
    result: Results<R>,
}

impl<R> From<Wire<R>> for Task<R> {
    fn from(wire: Wire<R>) -> Self {
        let Wire { id, status_code, status_message, time, cost, result_count, path, data, result } = wire;
        let (path, Results { fit, misfits }) = (path.unwrap_or_default(), result);
        Self { id, status_code, status_message, time, cost, result_count, path, data, result: fit, misfits }
    }
}

/// What the code of a task says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TaskOutcome {
    /// It was made and billed.
    Created,
    /// It is done; its results may still be none (the product is gone).
    Done,
    /// It waits or runs.
    Pending,
    /// It ran and found nothing.
    Empty,
    /// It is done, but a result does not fit its type; those that do, if any, and the text of the others are in the task.
    Unreadable(Fault),
    /// It was not made, or it failed.
    Refused(Fault),
}

impl<R> Task<R> {
    /// What the task's code says.
    pub fn outcome(&self) -> TaskOutcome {
        let Some(code) = self.status_code else {
            return TaskOutcome::Refused(Fault::new(ErrorKind::Decode, "", "a task without `status_code`"));
        };
        match Meaning::of(code) {
            Meaning::Done => match self.misfits.first() {
                None => TaskOutcome::Done,
                Some(Misfit { path, message, .. }) => {
                    let message = format!("a result that does not fit, at `{path}`: {message}");
                    TaskOutcome::Unreadable(Fault::new(ErrorKind::Decode, code.to_string(), message))
                }
            },
            Meaning::Created => TaskOutcome::Created,
            Meaning::Empty => TaskOutcome::Empty,
            Meaning::Pending => TaskOutcome::Pending,
            Meaning::Failed(kind) | Meaning::Refused(kind) => {
                TaskOutcome::Refused(vendor::fault(kind, Some(code), self.status_message.clone()))
            }
        }
    }

    /// The tag that the request carried.
    pub fn tag(&self) -> Option<&str> {
        self.data.as_ref()?.get("tag")?.as_str()
    }

    /// Whether the vendor charged for it.
    pub(crate) fn is_billed(&self) -> bool {
        self.cost.is_some_and(|cost| cost > Decimal::ZERO)
    }

    /// Our own unique tag in it, if the task is one of ours.
    pub(crate) fn our_tag(&self) -> Option<Tag> {
        Tag::ours(self.tag()?)
    }
}

/// An operation that makes several tasks.
pub(crate) trait Batch {
    /// How many.
    fn size(&self) -> usize;
}

macro_rules! batch {
    ($($operation:ident)+) => { $(
        impl Batch for crate::$operation {
            fn size(&self) -> usize {
                self.tasks.len()
            }
        }
    )+ };
}

batch! { WebhookResend AsinTaskPost SellersTaskPost ProductsTaskPost GoogleProductsTaskPost GoogleSellersTaskPost GoogleProductInfoTaskPost }

/// Judges an answer about several new tasks: if a limit refused every one that was sent, nothing was made, and the call
/// as a whole was refused.
pub(crate) fn all<O: Batch>(operation: &O, tasks: Vec<Task<Value>>) -> Result<Vec<Task<Value>>> {
    let throttled = |task: &Task<Value>| match task.outcome() {
        TaskOutcome::Refused(fault) if fault.kind == ErrorKind::Throttled && !task.is_billed() => Some(fault),
        _ => None,
    };
    let faults: Option<Vec<Fault>> = tasks.iter().map(throttled).collect();
    match faults.filter(|_| tasks.len() >= operation.size()).and_then(|faults| faults.into_iter().next()) {
        Some(fault) => Err(fault.into()),
        None => Ok(tasks),
    }
}

/// Judges an answer about one task. What can come out differently next time, or stops everything, is an error; what is
/// final for the task, a failure included, is left to [`Task::outcome`].
pub(crate) fn one<O, R>(_: &O, tasks: Vec<Task<R>>) -> Result<Task<R>> {
    let Some(task) = tasks.into_iter().next() else {
        return Err(Error::new(ErrorKind::Decode, "an answer without a task"));
    };
    match (task.outcome(), task.status_code.map(Meaning::of)) {
        (TaskOutcome::Refused(_), Some(Meaning::Failed(_))) => Ok(task),
        (TaskOutcome::Refused(fault), _) => Err(fault.into()),
        _ => Ok(task),
    }
}

/// Judges an answer that was waited for. One that was charged is given as it is, whatever it says, so that its cost is seen.
pub(crate) fn live<O, R>(operation: &O, tasks: Vec<Task<R>>) -> Result<Task<R>> {
    match &tasks[..] {
        [task] if task.is_billed() => tasks.into_iter().next().ok_or_else(|| Error::new(ErrorKind::Decode, "no task")),
        _ => one(operation, tasks),
    }
}

/// Judges an answer that is a list of rows.
pub(crate) fn rows<O, R>(operation: &O, tasks: Vec<Task<R>>) -> Result<Vec<R>> {
    let task = one(operation, tasks)?;
    match task.outcome() {
        // A list without one of its rows would say that what this row is about does not exist.
        TaskOutcome::Refused(fault) | TaskOutcome::Unreadable(fault) => Err(fault.into()),
        _ => Ok(task.result.unwrap_or_default()),
    }
}

/// Results as a list without its nulls, as a single object, or as nothing. Each is decoded by itself, out of the text of
/// the answer: neither are its bytes copied before, nor do those that do not fit spoil those that do.
struct Results<R> {
    fit: Option<Vec<R>>,
    misfits: Vec<Misfit>,
}

impl<R> Results<R> {
    fn none() -> Self {
        Self { fit: None, misfits: Vec::new() }
    }

    fn of(read: Result<R, Misfit>) -> Self {
        match read {
            Ok(result) => Self { fit: Some(vec![result]), misfits: Vec::new() },
            Err(misfit) => Self { fit: None, misfits: vec![misfit] },
        }
    }
}

/// Reads one result; the path is looked for only when it does not fit.
fn read<'de, R: Deserialize<'de>>(text: &'de str, place: &str) -> Result<R, Misfit> {
    if let Ok(result) = serde_json::from_str(text) {
        return Ok(result);
    }
    let again = serde_path_to_error::deserialize::<_, R>(&mut serde_json::Deserializer::from_str(text));
    let (path, message) = match again {
        Err(error) if error.path().iter().next().is_some() => (format!(".{}", error.path()), error.inner().to_string()),
        Err(error) => (String::new(), error.inner().to_string()),
        Ok(_) => (String::new(), "more text after the value".to_owned()),
    };
    Err(Misfit { path: format!("{place}{path}").replace(".[", "["), message, raw: text.to_owned() })
}

impl<'de, R: Deserialize<'de>> Deserialize<'de> for Results<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadResults(PhantomData))
    }
}

struct ReadResults<R>(PhantomData<R>);

impl<R> ReadResults<R> {
    fn scalar<E>(raw: String) -> Result<Results<R>, E> {
        let message = "neither a list of results nor null".to_owned();
        Ok(Results::of(Err(Misfit { path: "result".to_owned(), message, raw })))
    }
}

impl<'de, R: Deserialize<'de>> Visitor<'de> for ReadResults<R> {
    type Value = Results<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of results, or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Results::none())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Self::scalar(value.to_string())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Self::scalar(value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Self::scalar(value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Self::scalar(value.to_string())
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Self::scalar(value.to_owned())
    }

    /// No answer has been seen that has a single object here, so what it costs to read it does not matter.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let whole = Value::Object(Map::deserialize(MapAccessDeserializer::new(map))?);
        let raw = whole.to_string();
        let unfit = |error: serde_path_to_error::Error<serde_json::Error>| {
            let (path, message) = (format!("result.{}", error.path()), error.inner().to_string());
            Misfit { path, message, raw }
        };
        Ok(Results::of(serde_path_to_error::deserialize(whole).map_err(unfit)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let (mut fit, mut misfits, mut place) = (Vec::new(), Vec::new(), 0);
        while let Some(raw) = list.next_element::<&'de RawValue>()? {
            match raw.get() {
                "null" => {}
                text => match read(text, &format!("result[{place}]")) {
                    Ok(result) => fit.push(result),
                    Err(misfit) => misfits.push(misfit),
                },
            }
            place += 1;
        }
        Ok(Results { fit: Some(fit), misfits })
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
