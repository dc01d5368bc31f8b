//! A task as the answers show it, and what its code says.

use crate::{Meaning, Tag, TaskId, vendor};
use core_http::{Error, ErrorKind, Fault, Result, lenient};
use rust_decimal::Decimal;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value};
use std::{fmt, marker::PhantomData};

/// One task of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "R: Deserialize<'de>"))]
#[non_exhaustive]
pub struct Task<R> {
    /// The vendor's id.
    #[serde(default, deserialize_with = "lenient::option", skip_serializing_if = "Option::is_none")]
    pub id: Option<TaskId>,
    /// The verdict on this task.
    #[serde(default, deserialize_with = "lenient::option_i64", skip_serializing_if = "Option::is_none")]
    pub status_code: Option<i64>,
    /// Words to the verdict.
    #[serde(default, deserialize_with = "lenient::option_string", skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// How long the vendor took, such as `0.0178 sec.`.
    #[serde(default, deserialize_with = "lenient::option_string", skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What this call cost for this task, USD.
    #[serde(
        default,
        deserialize_with = "lenient::option_decimal",
        serialize_with = "rust_decimal::serde::float_option::serialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub cost: Option<Decimal>,
    /// How many results there are.
    #[serde(default, deserialize_with = "lenient::option_i64", skip_serializing_if = "Option::is_none")]
    pub result_count: Option<i64>,
    /// The path that was called.
    #[serde(default, deserialize_with = "lenient::list", skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// The request, repeated by the vendor, with what it added; holds the tag.
    #[serde(default, deserialize_with = "lenient::option", skip_serializing_if = "Option::is_none")]
    pub data: Option<Map<String, Value>>,
    /// The results; `None` where the vendor sent `null` or nothing.
    #[serde(default = "none", deserialize_with = "results", skip_serializing_if = "Option::is_none")]
    pub result: Option<Vec<R>>,
}

fn none<R>() -> Option<Vec<R>> {
    None
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
            Meaning::Done => TaskOutcome::Done,
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

batch! { AsinTaskPost SellersTaskPost ProductsTaskPost GoogleProductsTaskPost GoogleSellersTaskPost GoogleProductInfoTaskPost }

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
        TaskOutcome::Refused(fault) => Err(fault.into()),
        _ => Ok(task.result.unwrap_or_default()),
    }
}

/// Results as a list without its nulls, as a single object, or as nothing.
fn results<'de, D: Deserializer<'de>, R: Deserialize<'de>>(deserializer: D) -> Result<Option<Vec<R>>, D::Error> {
    struct Results<R>(PhantomData<R>);
    impl<'de, R: Deserialize<'de>> Visitor<'de> for Results<R> {
        type Value = Option<Vec<R>>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of results, or null")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            R::deserialize(MapAccessDeserializer::new(map)).map(|result| Some(vec![result]))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut results = Vec::new();
            while let Some(result) = list.next_element::<Option<R>>()? {
                results.extend(result);
            }
            Ok(Some(results))
        }
    }
    deserializer.deserialize_any(Results(PhantomData))
}
