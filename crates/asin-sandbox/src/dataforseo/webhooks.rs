//! Webhooks: what is sent when a task is done, what became of it, and sending it again.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::id_list::moment;
use super::tasks::{Task, task_id};
use super::{TaskAnswer, body, collect, envelope, posted};
use crate::call::{Call, Reply};
use crate::clock::{spaced, today};
use crate::faults::Strike;
use crate::ledger::Delivery;
use crate::world::World;

/// How long a server may take, in sandbox time.
const PATIENCE: Duration = Duration::from_secs(10);
/// But a speed does not make every server too slow.
const LEAST_PATIENCE: Duration = Duration::from_millis(100);
/// The most identifiers of one call to `webhook_resend`.
const IDS: usize = 100;
/// What stands in an address as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The two webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    /// The result, by POST.
    Postback,
    /// That it is there, by GET.
    Pingback,
}

impl Hook {
    fn field(self) -> &'static str {
        match self {
            Self::Postback => "postback_url",
            Self::Pingback => "pingback_url",
        }
    }

    fn method(self) -> http::Method {
        match self {
            Self::Postback => http::Method::POST,
            Self::Pingback => http::Method::GET,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Postback => "postback",
            Self::Pingback => "pingback",
        }
    }
}

/// A webhook that is to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    pub(super) task: String,
    pub(super) hook: Hook,
    /// When, in sandbox time.
    pub(crate) due: Duration,
}

/// One that did not arrive.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    at: Timestamp,
    hook: Hook,
    task: String,
    url: String,
    status: u16,
    seconds: f64,
    response: String,
    why: String,
}

/// A request that is about to leave.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: http::Method,
    pub(crate) url: String,
    pub(crate) body: Bytes,
    pub(crate) patience: Duration,
    pub(crate) strike: Option<Strike>,
}

/// What came of it: the answer's status and body, or why there is none, and how long it took.
pub(crate) struct Outcome {
    pub(crate) answer: Result<(u16, String), String>,
    pub(crate) took: Duration,
}

/// The webhooks that a request asks for.
pub(super) fn asked(data: &Map<String, Value>) -> Vec<Hook> {
    [Hook::Postback, Hook::Pingback].into_iter().filter(|hook| data.contains_key(hook.field())).collect()
}

/// Makes the request of an errand that is due; none when its task is gone.
pub(crate) fn prepare(world: &mut World, errand: &Errand) -> Option<Outgoing> {
    let task = world.tasks.find(&errand.task)?.clone();
    let url = address(&task, errand.hook)?;
    let path = url::Url::parse(&url).map_or_else(|_| String::new(), |url| url.path().to_owned());
    let strike = world.strike(&errand.hook.name().to_uppercase(), &path);
    let body = match errand.hook {
        Hook::Postback => gzip(&result(world, &task)),
        Hook::Pingback => Bytes::new(),
    };
    let patience = world.clock.wall(PATIENCE).max(LEAST_PATIENCE);
    Some(Outgoing { method: errand.hook.method(), url, body, patience, strike })
}

/// The address with the task's own identifier and tag.
fn address(task: &Task, hook: Hook) -> Option<String> {
    let encoded = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
    let data = task.data();
    let url = data.get(hook.field())?.as_str()?;
    Some(url.replace("$id", &encoded(&task.id)).replace("$tag", &encoded(task.tag().unwrap_or_default())))
}

/// What is posted: the answer that `task_get` would give.
fn result(world: &World, task: &Task) -> Value {
    let data = task.data();
    let form = data.get("postback_data").and_then(Value::as_str).unwrap_or("advanced");
    let is_html = form == "html";
    let path = format!("{}/task_get/{form}/{}", task.function.path(), task.id);
    let path: Vec<String> = path.trim_start_matches('/').split('/').map(str::to_owned).collect();
    body(&path, &[collect::finished(world, task, is_html)])
}

fn gzip(value: &Value) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(value.to_string().as_bytes()).and_then(|()| encoder.finish());
    written.expect("a vector takes all bytes").into()
}

/// Writes down what became of an errand.
pub(crate) fn note(world: &mut World, errand: &Errand, outgoing: &Outgoing, outcome: Outcome) {
    let (status, response, failure) = match outcome.answer {
        Ok((status @ 200..300, response)) => (status, response, String::new()),
        Ok((status, response)) => (status, response, format!("HTTP {status}")),
        Err(why) => (0, String::new(), why),
    };
    let arrived = failure.is_empty();
    let Some(task) = world.tasks.find(&errand.task) else { return };
    let tag = task.tag().unwrap_or_default().to_owned();
    if errand.hook == Hook::Postback {
        world.tasks.delivered(&errand.task, arrived);
    }
    world.ledger.deliveries.push(Delivery {
        at: today(),
        webhook: errand.hook.name().to_owned(),
        task: errand.task.clone(),
        tag,
        url: outgoing.url.clone(),
        status,
        arrived,
        failure: failure.clone(),
        fault: outgoing.strike.as_ref().map(|strike| strike.action.name().to_owned()),
    });
    if !arrived {
        if world.tasks.failures.len() >= world.tasks.remembered {
            world.tasks.failures.pop_front();
        }
        world.tasks.failures.push_back(Failure {
            at: today(),
            hook: errand.hook,
            task: errand.task.clone(),
            url: outgoing.url.clone(),
            status,
            seconds: outcome.took.as_secs_f64() * world.clock.speed(),
            response,
            why: failure,
        });
    }
}

/// Sends webhooks again: free, and only for tasks that asked for one and are done.
pub(super) fn resend(world: &mut World, call: &Call) -> Reply {
    const OPERATION: &str = "WebhookResend";
    let entries = match posted(call) {
        Ok(entries) => entries,
        Err(refusal) => return refusal.operation(OPERATION),
    };
    let now = world.clock.now();
    let mut answers = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let mut data = entry.clone();
        data.insert("api".to_owned(), json!("appendix"));
        data.insert("function".to_owned(), json!("webhook_resend"));
        let own_id = task_id(today(), &mut world.rng);
        let Some(id) = entry.get("id").and_then(Value::as_str) else {
            answers.push(TaskAnswer::invalid_field(own_id, "id", data));
            continue;
        };
        let (code, hooks) = match world.tasks.find(id) {
            _ if index >= IDS => (40006, Vec::new()),
            Some(task) if !task.is_done(now) => (40602, Vec::new()),
            Some(task) => match asked(&task.data()) {
                hooks if hooks.is_empty() => (40501, hooks),
                hooks => (20000, hooks),
            },
            None => (40401, Vec::new()),
        };
        world.tasks.errands.extend(hooks.into_iter().map(|hook| Errand { task: id.to_owned(), hook, due: now }));
        answers.push(TaskAnswer::new(own_id, code, data));
    }
    let resent = answers.iter().filter(|answer| answer.code == 20000).count();
    envelope(call, OPERATION, &answers).did(format!("{resent} tasks' webhooks sent again"))
}

/// Lists the webhooks of the last seven days that did not arrive, the latest first.
pub(super) fn errors(world: &mut World, call: &Call) -> Reply {
    const OPERATION: &str = "MerchantErrors";
    let entry = match posted(call) {
        Ok(entries) => entries.into_iter().next().unwrap_or_default(),
        Err(refusal) => return refusal.operation(OPERATION),
    };
    let id = task_id(today(), &mut world.rng);
    let mut data = entry.clone();
    data.insert("api".to_owned(), json!("merchant"));
    data.insert("function".to_owned(), json!("errors"));
    let week_ago = today().saturating_sub(SignedDuration::from_hours(7 * 24)).unwrap_or(Timestamp::MIN);
    let time = |name: &'static str, default| match entry.get(name) {
        None => Ok(default),
        Some(value) => value.as_str().and_then(moment).ok_or(name),
    };
    let number = |name: &'static str, default: u64| match entry.get(name) {
        None => Ok(default),
        Some(value) => value.as_u64().ok_or(name),
    };
    let asked = || {
        let limit = number("limit", 1000)?;
        let bounds = (time("datetime_from", week_ago)?.max(week_ago), time("datetime_to", Timestamp::MAX)?);
        (1..=1000).contains(&limit).then_some((limit, number("offset", 0)?, bounds)).ok_or("limit")
    };
    let (limit, offset, (from, to)) = match asked() {
        Ok(asked) => asked,
        Err(field) => return envelope(call, OPERATION, &[TaskAnswer::invalid_field(id, field, data)]),
    };
    let function = entry.get("filtered_function").and_then(Value::as_str);
    let wanted = |failure: &&Failure| {
        function.is_none_or(|function| function == failure.hook.field()) && (from..=to).contains(&failure.at)
    };
    let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let failures = world.tasks.failures.iter().rev().filter(wanted);
    let rows = failures.skip(index(offset)).take(index(limit)).map(row).collect();
    envelope(call, OPERATION, &[TaskAnswer::rows(id, data, rows)])
}

fn row(failure: &Failure) -> Value {
    json!({
        "id": failure.task,
        "datetime": spaced(failure.at),
        "function": failure.hook.field(),
        "error_code": 0,
        "error_message": failure.why,
        "http_url": failure.url,
        "http_method": failure.hook.method().as_str(),
        "http_code": failure.status,
        "http_time": failure.seconds,
        "http_response": failure.response,
    })
}
