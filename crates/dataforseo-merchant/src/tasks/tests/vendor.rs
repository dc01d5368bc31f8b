//! The vendor in memory: it makes tasks, bills them, loses answers, lags, and lists what was posted in the order in which
//! it was executed. It outlives the processes that call it.

use async_trait::async_trait;
use core_http::{Request, Response, Transport, TransportError, TransportErrorKind};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::time::Instant;

/// A task that was made and billed.
#[derive(Debug, Clone)]
pub struct Made {
    pub id: String,
    pub kind: &'static str,
    pub data: Value,
    pub posted: Timestamp,
    pub listed: Timestamp,
    pub done: Timestamp,
    pub collected: bool,
}

impl Made {
    pub fn tag(&self) -> &str {
        self.data["tag"].as_str().unwrap_or_default()
    }
}

pub struct World {
    pub rng: fastrand::Rng,
    pub made: Vec<Made>,
    /// Work that goes on although its caller gave up.
    late: Vec<(Timestamp, &'static str, Vec<Value>)>,
    time: Timestamp,
    /// By how much its clock is ahead of ours.
    pub skew: SignedDuration,
    started: Option<Instant>,
    /// How likely a call goes wrong.
    pub trouble: f64,
    last_went_wrong: bool,
    /// The answers to so many POSTs get lost.
    pub lose_answers: usize,
    /// What no client of ours may do.
    pub violations: Vec<String>,
    pub calls: Vec<(Timestamp, &'static str)>,
    /// Answers that tests want to have next, before anything is done.
    pub scripted: Vec<(&'static str, u16, Value)>,
}

#[derive(Clone)]
pub struct Vendor(pub Arc<Mutex<World>>);

impl std::fmt::Debug for Vendor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vendor")
    }
}

/// What goes wrong with a POST of tasks.
#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    None,
    /// Nothing is done.
    NoConnection,
    CutBefore,
    Rate,
    Refused,
    /// All is done, and the answer is lost or useless.
    CutAfter,
    Gateway,
    InternalError,
    Garbage,
    Half,
    /// All is done minutes after the client has gone.
    Late,
    /// Some tasks are refused, or not named in the answer.
    Partly,
}

impl Vendor {
    pub fn new(seed: u64, trouble: f64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        // Its clock and ours differ, by up to two hours.
        let skew = SignedDuration::from_secs(rng.i64(-7200..7200));
        let time = Timestamp::from_second((Timestamp::now() + skew).as_second()).unwrap();
        let (made, late, violations, calls, scripted) = Default::default();
        let world = World {
            rng,
            made,
            late,
            time,
            skew,
            started: None,
            trouble,
            last_went_wrong: false,
            lose_answers: 0,
            violations,
            calls,
            scripted,
        };
        Self(Arc::new(Mutex::new(world)))
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S +00:00").to_string()
}

fn envelope(code: u32, tasks: Option<Vec<Value>>) -> Value {
    json!({"version": "0.1", "status_code": code, "status_message": "words", "cost": 0, "tasks": tasks})
}

fn one(code: u32, result: Value) -> Value {
    envelope(
        20000,
        Some(vec![json!({"id": "x", "status_code": code, "status_message": "words", "cost": 0, "result": result})]),
    )
}

impl World {
    /// A process begins or has ended: the vendor's time goes on either way.
    pub fn pass(&mut self, away: Duration) {
        self.time = self.now() + SignedDuration::try_from(away).unwrap();
        self.started = None;
    }

    pub fn start(&mut self) {
        self.started = Some(Instant::now());
    }

    pub fn now(&self) -> Timestamp {
        self.time + self.started.map_or(SignedDuration::ZERO, |at| SignedDuration::try_from(at.elapsed()).unwrap())
    }

    /// The time by our wall clock.
    pub fn wall(&self) -> Timestamp {
        self.now() - self.skew
    }

    /// Another program of the account posts.
    pub fn foreign(&mut self, count: usize) {
        let now = self.now();
        (0..count).for_each(|i| self.make("asin", json!({"asin": "B000000000", "tag": format!("other/{i}")}), now));
    }

    fn make(&mut self, kind: &'static str, data: Value, posted: Timestamp) {
        let id =
            format!("{:08}-{:04}-0209-0000-{:012x}", self.made.len(), self.rng.u16(0..9999), self.rng.u64(..1 << 48));
        let listed = posted + SignedDuration::from_secs(self.rng.i64(0..120));
        let done = posted + SignedDuration::from_secs(self.rng.i64(1..600));
        self.made.push(Made { id, kind, data, posted, listed, done, collected: false });
    }

    fn answer(&mut self, request: &Request) -> Result<Response, TransportError> {
        let now = self.now();
        let mut late = std::mem::take(&mut self.late);
        late.retain(|(at, kind, tasks)| {
            if *at <= now {
                tasks.iter().for_each(|data| self.make(kind, data.clone(), *at));
            }
            *at > now
        });
        self.late.append(&mut late);

        let path = request.uri().path().to_owned();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        let kind = if path.contains("/sellers/") { "sellers" } else { "asin" };
        let name = ["task_post", "tasks_ready", "task_get", "id_list"].into_iter().find(|name| path.contains(name));
        let name = name.expect("a path that the client has");
        self.calls.push((now, name));
        if let Some(at) = self.scripted.iter().position(|(wanted, ..)| *wanted == name) {
            let (_, status, body) = self.scripted.remove(at);
            return self.said(status, &body);
        }
        if name == "task_post" {
            return self.post(kind, body.as_array().expect("an array of tasks").clone());
        }
        self.last_went_wrong = !self.last_went_wrong && self.rng.f64() < self.trouble;
        if self.last_went_wrong {
            let kind = if self.rng.bool() { TransportErrorKind::Interrupted } else { TransportErrorKind::Connect };
            return Err(TransportError::new(kind, "cut"));
        }
        let body = match name {
            "tasks_ready" => self.ready(path.contains("/amazon/").then_some(kind)),
            "task_get" => self.get(path.rsplit('/').next().unwrap_or_default()),
            _ => self.id_list(&body[0]),
        };
        self.said(200, &body)
    }

    fn said(&self, status: u16, body: &Value) -> Result<Response, TransportError> {
        // A text is a body by itself, and no JSON.
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        let mut response = core_http::testing::response(status, &body);
        let date = self.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().insert(http::header::DATE, date.parse().unwrap());
        Ok(response)
    }

    fn post(&mut self, kind: &'static str, tasks: Vec<Value>) -> Result<Response, TransportError> {
        use Trouble::*;
        if tasks.len() > 100 {
            self.violations.push(format!("{} tasks in one call", tasks.len()));
        }
        let troubles =
            [NoConnection, CutBefore, Rate, Refused, CutAfter, Gateway, InternalError, Garbage, Half, Late, Partly];
        let trouble = if self.rng.f64() < self.trouble { troubles[self.rng.usize(..troubles.len())] } else { None };
        let cut = |kind| Err(TransportError::new(kind, "cut"));
        let now = self.now();
        match trouble {
            NoConnection => return cut(TransportErrorKind::Connect),
            CutBefore => return cut(TransportErrorKind::Interrupted),
            Rate => return self.said(200, &envelope(40202, Option::None)),
            Refused => return self.said(402, &envelope(40200, Option::None)),
            Late => {
                let at = now + SignedDuration::from_secs(self.rng.i64(1..300));
                self.late.push((at, kind, tasks));
                return cut(TransportErrorKind::Timeout);
            }
            _ => {}
        }
        let mut answers = Vec::new();
        for task in tasks {
            let refused = if trouble == Partly { [0, 0, 40202, 40006, 40501, 50000][self.rng.usize(..6)] } else { 0 };
            if refused != 0 {
                answers.push(json!({"id": "refused", "status_code": refused, "status_message": "words", "cost": 0, "data": task}));
                continue;
            }
            self.make(kind, task.clone(), now);
            let id = self.made.last().expect("it was just made").id.clone();
            let cost = if kind == "asin" { 0.0015 } else { 0.001 };
            if trouble != Partly || self.rng.u8(..5) > 0 {
                answers.push(json!({"id": id, "status_code": 20100, "cost": cost, "data": task, "result": null}));
            }
        }
        self.rng.shuffle(&mut answers);
        let body = envelope(20000, Some(answers));
        if self.lose_answers > 0 {
            self.lose_answers -= 1;
            return cut(TransportErrorKind::Interrupted);
        }
        match trouble {
            CutAfter => cut(TransportErrorKind::Interrupted),
            Gateway => Ok(core_http::testing::response(502, "<html>bad gateway</html>")),
            InternalError => {
                let status = if self.rng.bool() { 200 } else { 500 };
                self.said(status, &envelope(50000, Option::None))
            }
            Garbage => Ok(core_http::testing::response(200, "<html>welcome</html>")),
            Half => {
                let whole = body.to_string();
                Ok(core_http::testing::response(200, &whole[..whole.len() / 2]))
            }
            _ => self.said(200, &body),
        }
    }

    fn ready(&mut self, kind: Option<&str>) -> Value {
        let now = self.now();
        // What has been done for three days is no longer listed.
        let recent = |made: &Made| made.done <= now && now.duration_since(made.done) < SignedDuration::from_hours(72);
        let listed = |made: &&Made| kind.is_none_or(|kind| made.kind == kind) && recent(made) && !made.collected;
        let rows = self.made.iter().filter(listed).take(1000).map(|made| json!({"id": made.id, "tag": made.tag()}));
        one(20000, rows.collect())
    }

    fn get(&mut self, id: &str) -> Value {
        let now = self.now();
        let Some(made) = self.made.iter_mut().find(|made| made.id == id) else { return one(40401, Value::Null) };
        if made.tag().starts_with("other/") {
            self.violations.push(format!("collected the foreign task {id}"));
            return one(40401, Value::Null);
        }
        if made.done > now {
            return one(if self.rng.bool() { 40601 } else { 40602 }, Value::Null);
        }
        made.collected = true;
        one(20000, json!([{"asin": made.data["asin"], "type": made.kind, "items": []}]))
    }

    fn id_list(&mut self, query: &Value) -> Value {
        let now = self.now();
        let time = |key: &str| core_http::lenient::timestamp(query[key].as_str().unwrap()).unwrap();
        let (from, to) = (time("datetime_from"), time("datetime_to"));
        if to > now || from > to {
            self.violations.push(format!("id_list from {from} to {to} at {now}"));
            return one(40501, Value::Null);
        }
        let mut rows: Vec<&Made> =
            self.made.iter().filter(|made| made.listed <= now && made.posted >= from && made.posted <= to).collect();
        // What waits comes after what is done.
        rows.sort_by_key(|made| (made.done > now, made.done));
        if query["sort"] == "desc" {
            rows.reverse();
        }
        let number = |key: &str| usize::try_from(query[key].as_u64().unwrap()).unwrap();
        let page = rows.into_iter().skip(number("offset")).take(number("limit"));
        let row = |made: &Made| json!({"id": made.id, "datetime_posted": text(made.posted), "cost": 0.001, "metadata": made.data});
        one(20000, page.map(row).collect())
    }
}

#[async_trait]
impl Transport for Vendor {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        // Time passes on the way there and back, so that a process can end at either moment.
        let (there, back) = {
            let rng = &mut self.world().rng;
            (Duration::from_millis(rng.u64(1..1500)), Duration::from_millis(rng.u64(1..1500)))
        };
        tokio::time::sleep(there).await;
        let answer = self.world().answer(&request);
        tokio::time::sleep(back).await;
        answer
    }
}
