//! The tasks of the account: our caller's, and those of another program that shares it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::function::Function;
use super::webhooks::{self, Errand, Failure, Hook};
use crate::clock::{Clock, MinuteWindow, minutes_ago, today};
use crate::market::Market;
use crate::marketplace::Marketplace;

/// How far a result has got that is to be posted to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// Nobody asked for it.
    NotAsked,
    /// Not yet: it is not done, or under way.
    NotYet,
    /// The server took it.
    Arrived,
    /// It did not: now it is listed, as if nobody had asked.
    Failed,
}

/// A task that was accepted and billed.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) function: Function,
    pub(super) posted: Timestamp,
    /// When its result is there: on the wall, and in sandbox time.
    pub(super) done: Timestamp,
    pub(super) handed_until: Duration,
    pub(super) ready_at: Duration,
    /// When `id_list` begins to show it.
    pub(super) listed_at: Duration,
    pub(super) collected: bool,
    pub(super) postback: Sent,
    /// Whether another program has posted it.
    pub(super) foreign: bool,
    pub(super) cost: Decimal,
    /// The echo of the request.
    pub(super) data: Map<String, Value>,
    pub(super) subject: String,
    pub(super) marketplace: &'static Marketplace,
}

impl Task {
    pub(super) fn is_done(&self, now: Duration) -> bool {
        self.ready_at <= now
    }

    /// A task that is answered at once.
    pub(super) fn at_once(id: String, order: Order) -> Self {
        let Order { function, subject, marketplace, data, cost, foreign, .. } = order;
        let (handed_until, ready_at, listed_at) = Default::default();
        let (posted, done, collected) = (today(), today(), true);
        Self {
            id,
            function,
            posted,
            done,
            handed_until,
            ready_at,
            listed_at,
            collected,
            postback: Sent::NotAsked,
            foreign,
            cost,
            data,
            subject,
            marketplace,
        }
    }

    /// Whether it is for those who come and collect: what is posted to an address is not, unless that failed.
    pub(super) fn is_listed(&self) -> bool {
        !self.collected && matches!(self.postback, Sent::NotAsked | Sent::Failed)
    }

    pub(super) fn tag(&self) -> Option<&str> {
        self.data.get("tag").and_then(Value::as_str)
    }
}

/// How many calls a minute are allowed.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Whether everybody may call as often, and with as many requests at once, as they like.
    pub(super) lifted: bool,
    pub(super) general: MinuteWindow,
    pub(super) id_list: MinuteWindow,
    ready: [MinuteWindow; 7],
}

impl Limits {
    /// Each limit with its name; of the listings of finished tasks those that were asked for.
    pub(super) fn each(&self) -> Vec<(String, &MinuteWindow)> {
        let mut limits =
            vec![("calls a minute".to_owned(), &self.general), ("id_list a minute".to_owned(), &self.id_list)];
        for (place, window) in self.ready.iter().enumerate().filter(|(_, window)| window.is_used()) {
            let whose = Function::ALL.get(place).map(|function| {
                let (engine, name) = function.names();
                format!("{engine} {name} ")
            });
            limits.push((format!("{}tasks_ready a minute", whose.unwrap_or_default()), window));
        }
        limits
    }

    /// Limits no more.
    pub(crate) fn lift(&mut self) {
        let windows = [&mut self.general, &mut self.id_list].into_iter().chain(&mut self.ready);
        windows.for_each(MinuteWindow::lift);
        self.lifted = true;
    }

    /// Each listing of finished tasks has its own twenty calls.
    pub(super) fn ready(&mut self, function: Option<Function>) -> &mut MinuteWindow {
        let place = function.and_then(|function| Function::ALL.iter().position(|known| *known == function));
        &mut self.ready[place.unwrap_or(Function::ALL.len())]
    }
}

/// All tasks, in the order of their POSTs.
#[derive(Debug)]
pub(crate) struct Tasks {
    pub(super) all: Vec<Task>,
    pub(crate) limits: Limits,
    posts: u64,
    /// When tasks that are equal in everything were posted.
    equal: HashMap<u64, Vec<Duration>>,
    /// Webhooks that were asked for since a call last began; the port sends them when they are due.
    pub(crate) errands: Vec<Errand>,
    pub(super) failures: Vec<Failure>,
}

/// A task to be added.
pub(super) struct Order {
    pub(super) function: Function,
    pub(super) subject: String,
    pub(super) marketplace: &'static Marketplace,
    pub(super) data: Map<String, Value>,
    pub(super) cost: Decimal,
    pub(super) urgent: bool,
    pub(super) foreign: bool,
}

/// How long after its POST a task appears in `id_list`, in sandbox time. The vendor does not say.
const LIST_LAG: Duration = Duration::from_secs(30);

impl Tasks {
    /// An account that another program has used before.
    pub(crate) fn new(market: &Market, rng: &mut fastrand::Rng) -> Self {
        let ready = std::array::from_fn(|_| MinuteWindow::new(20));
        let limits = Limits { lifted: false, general: MinuteWindow::new(2000), id_list: MinuteWindow::new(10), ready };
        let mut tasks = Self {
            all: Vec::new(),
            limits,
            posts: 0,
            equal: HashMap::new(),
            errands: Vec::new(),
            failures: Vec::new(),
        };
        for (minutes, function) in [
            (600, Function::GoogleProducts),
            (90, Function::Asin),
            (45, Function::Sellers),
            (12, Function::Asin),
            (3, Function::Sellers),
        ] {
            let asin = foreign_asin(market, rng);
            let posted = minutes_ago(minutes);
            let done =
                posted.saturating_add(SignedDuration::from_secs(90)).expect("a duration never fails to be added");
            tasks.all.push(Task {
                id: task_id(posted, rng),
                data: foreign_data(function, &asin, minutes),
                function,
                posted,
                done,
                handed_until: Duration::ZERO,
                ready_at: Duration::ZERO,
                listed_at: Duration::ZERO,
                collected: false,
                postback: Sent::NotAsked,
                foreign: true,
                cost: function.price(),
                subject: asin,
                marketplace: &crate::marketplace::MARKETPLACES[1],
            });
        }
        tasks
    }

    /// Counts a task with others that are equal in everything, or says that there are too many: the account may be told to
    /// take ten to a hundred an hour, here it takes a hundred, and a thousand a day.
    pub(super) fn count_equal(&mut self, data: &Map<String, Value>, now: Duration) -> Result<(), i64> {
        if self.limits.lifted {
            return Ok(());
        }
        let mut hasher = DefaultHasher::new();
        data.iter().for_each(|(name, value)| (name, value.to_string()).hash(&mut hasher));
        let seen = self.equal.entry(hasher.finish()).or_default();
        let within = |hours: u64| move |at: &&Duration| now.saturating_sub(**at) < Duration::from_secs(hours * 3600);
        seen.retain(|at| within(24)(&at));
        if seen.iter().filter(within(1)).count() >= 100 {
            return Err(40205);
        }
        if seen.len() >= 1000 {
            return Err(40206);
        }
        seen.push(now);
        Ok(())
    }

    pub(super) fn find(&mut self, id: &str) -> Option<&mut Task> {
        self.all.iter_mut().find(|task| task.id == id)
    }

    /// Adds a task and gives its identifier.
    pub(super) fn add(&mut self, order: Order, clock: &Clock, rng: &mut fastrand::Rng) -> String {
        let now = clock.now();
        let queue = if order.urgent { rng.u64(10_000..20_000) } else { rng.u64(60_000..110_000) };
        let queue = Duration::from_millis(queue);
        let posted = today();
        let wait = SignedDuration::try_from(clock.wall(queue)).unwrap_or_default();
        let done = Timestamp::now().saturating_add(wait).expect("a duration never fails to be added");
        let id = task_id(posted, rng);
        let asked = webhooks::asked(&order.data);
        self.errands.extend(asked.iter().map(|hook| Errand { task: id.clone(), hook: *hook, due: now + queue }));
        let postback = if asked.contains(&Hook::Postback) { Sent::NotYet } else { Sent::NotAsked };
        self.all.push(Task {
            id: id.clone(),
            function: order.function,
            posted,
            done,
            handed_until: now + queue / 4,
            ready_at: now + queue,
            listed_at: now + LIST_LAG,
            collected: false,
            postback,
            foreign: order.foreign,
            cost: order.cost,
            data: order.data,
            subject: order.subject,
            marketplace: order.marketplace,
        });
        id
    }

    /// Now and then the other program posts as well: once in three of our POSTs. It pays for itself.
    pub(super) fn neighbour(&mut self, market: &[crate::market::Product], clock: &Clock, rng: &mut fastrand::Rng) {
        self.posts += 1;
        if self.posts % 3 != 1 {
            return;
        }
        let asin = rng.choice(market).map_or_else(|| "B00FOREIGN".to_owned(), |product| product.asin.clone());
        let function = if rng.bool() { Function::Asin } else { Function::Sellers };
        let data = foreign_data(function, &asin, 0);
        let marketplace = &crate::marketplace::MARKETPLACES[1];
        let order = Order {
            function,
            subject: asin,
            marketplace,
            data,
            cost: function.price(),
            urgent: rng.bool(),
            foreign: true,
        };
        self.add(order, clock, rng);
    }
}

fn foreign_asin(market: &Market, rng: &mut fastrand::Rng) -> String {
    rng.choice(&market.products).map_or_else(|| "B00FOREIGN".to_owned(), |product| product.asin.clone())
}

fn foreign_data(function: Function, asin: &str, number: u32) -> Map<String, Value> {
    let mut posted = match function {
        Function::GoogleProducts => json!({"keyword": "desk lamp"}),
        _ => json!({"asin": asin}),
    };
    posted["location_code"] = json!(2840);
    posted["language_code"] = json!("en_US");
    if number.is_multiple_of(2) {
        posted["tag"] = json!(format!("another-program/{number}"));
    }
    let Value::Object(posted) = posted else { return Map::new() };
    echo(function, &posted)
}

/// The request as answers repeat it.
pub(super) fn echo(function: Function, posted: &Map<String, Value>) -> Map<String, Value> {
    let (engine, name) = function.names();
    let before = [("api", "merchant"), ("function", name), ("se", engine)];
    let after = [("se_type", name), ("device", "desktop"), ("os", "windows")];
    let text = |(key, value): (&str, &str)| (key.to_owned(), json!(value));
    let posted = posted.iter().map(|(key, value)| (key.clone(), value.clone()));
    before.into_iter().map(text).chain(posted).chain(after.into_iter().map(text)).collect()
}

/// An identifier in the vendor's form: its first block is month, day, hour and minute of the POST.
pub(super) fn task_id(posted: Timestamp, rng: &mut fastrand::Rng) -> String {
    let when = posted.strftime("%m%d%H%M");
    format!("{when}-{:04}-0209-0000-{:012x}", rng.u16(0..10_000), rng.u64(0..1 << 48))
}
