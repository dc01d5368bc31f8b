//! The tasks of the account: our caller's, and those of another program that shares it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::function::Function;
use super::limits::Limits;
use super::webhooks::{self, Errand, Failure, Hook};
use crate::clock::{Clock, minutes_ago, today};
use crate::market::Market;
use crate::marketplace::Marketplace;
use crate::world::REMEMBERED;

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
    /// The echo of the request, as text: there may be very many tasks.
    data: Box<str>,
    tag: Option<Box<str>>,
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
        let (data, tag) = kept(&data);
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
            tag,
            subject,
            marketplace,
        }
    }

    /// The echo of the request.
    pub(super) fn data(&self) -> Map<String, Value> {
        serde_json::from_str(&self.data).unwrap_or_default()
    }

    /// Whether nobody will come for it any more.
    fn is_taken(&self) -> bool {
        self.collected || self.postback == Sent::Arrived
    }

    /// Whether it is for those who come and collect: what is posted to an address is not, unless that failed.
    pub(super) fn is_listed(&self) -> bool {
        !self.collected && matches!(self.postback, Sent::NotAsked | Sent::Failed)
    }

    pub(super) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }
}

/// The echo of a request as it is kept, and the tag in it.
fn kept(data: &Map<String, Value>) -> (Box<str>, Option<Box<str>>) {
    let text = serde_json::to_string(data).unwrap_or_default();
    (text.into(), data.get("tag").and_then(Value::as_str).map(Box::from))
}

/// How long a finished task is listed.
const LISTED: Duration = Duration::from_secs(3 * 24 * 3600);

/// The tasks, by number in the order of their POSTs.
#[derive(Debug)]
pub(crate) struct Tasks {
    all: BTreeMap<u64, Task>,
    numbers: HashMap<String, u64>,
    next: u64,
    /// When each will be done that is to be listed then.
    waiting: BTreeSet<(Duration, u64)>,
    /// What is listed, by function.
    ready: [BTreeSet<u64>; Function::ALL.len()],
    /// What was taken, in that order: the first is forgotten when more than `remembered` were.
    taken: VecDeque<u64>,
    pub(crate) remembered: usize,
    pub(super) forgotten: u64,
    pub(crate) limits: Limits,
    posts: u64,
    /// Webhooks that were asked for since a call last began; the port sends them when they are due.
    pub(crate) errands: Vec<Errand>,
    pub(super) failures: VecDeque<Failure>,
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
        let mut tasks = Self {
            all: BTreeMap::new(),
            numbers: HashMap::new(),
            next: 0,
            waiting: BTreeSet::new(),
            ready: Default::default(),
            taken: VecDeque::new(),
            remembered: REMEMBERED,
            forgotten: 0,
            limits: Limits::new(),
            posts: 0,
            errands: Vec::new(),
            failures: VecDeque::new(),
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
            let id = task_id(posted, rng);
            let (data, tag) = kept(&foreign_data(function, &asin, minutes));
            tasks.insert(Task {
                id,
                data,
                tag,
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

    fn insert(&mut self, task: Task) {
        let number = self.next;
        self.next += 1;
        self.numbers.insert(task.id.clone(), number);
        if task.is_listed() {
            self.waiting.insert((task.ready_at, number));
        }
        self.all.insert(number, task);
    }

    pub(super) fn find(&self, id: &str) -> Option<&Task> {
        self.all.get(self.numbers.get(id)?)
    }

    /// All that are remembered, in the order of their POSTs.
    pub(super) fn each(&self) -> impl DoubleEndedIterator<Item = &Task> {
        self.all.values()
    }

    /// The first of those that are done and wait to be collected, of one function or of all.
    pub(super) fn listed(&mut self, function: Option<Function>, now: Duration, most: usize) -> Vec<&Task> {
        while let Some((at, number)) = self.waiting.first().copied()
            && at <= now
        {
            self.waiting.pop_first();
            if let Some(task) = self.all.get(&number) {
                self.ready[task.function as usize].insert(number);
            }
        }
        let is_over =
            |number: &u64| self.all.get(number).is_none_or(|task| now.saturating_sub(task.ready_at) >= LISTED);
        let wanted = |known: &Function| function.is_none_or(|function| function == *known);
        let mut numbers: Vec<u64> = Vec::new();
        for known in Function::ALL.into_iter().filter(wanted) {
            let ready = &mut self.ready[known as usize];
            while ready.first().is_some_and(is_over) {
                ready.pop_first();
            }
            numbers.extend(ready.iter().filter(|number| !is_over(number)).take(most));
        }
        numbers.sort_unstable();
        numbers.truncate(most);
        numbers.iter().filter_map(|number| self.all.get(number)).collect()
    }

    /// A result was collected: it leaves the listing.
    pub(super) fn collect(&mut self, id: &str) {
        self.change(id, |task| task.collected = true);
    }

    /// A result was posted to its address, or was not: then it is listed, as if nobody had asked for that.
    pub(super) fn delivered(&mut self, id: &str, arrived: bool) {
        self.change(id, |task| {
            if task.postback != Sent::Arrived {
                task.postback = if arrived { Sent::Arrived } else { Sent::Failed };
            }
        });
    }

    /// Changes a task; what that means for the listing follows, and what was taken longest ago is forgotten.
    fn change(&mut self, id: &str, change: impl FnOnce(&mut Task)) {
        let Some(number) = self.numbers.get(id) else { return };
        let Some(task) = self.all.get_mut(number) else { return };
        let was_taken = task.is_taken();
        change(task);
        if task.is_listed() {
            self.waiting.insert((task.ready_at, *number));
        } else {
            self.waiting.remove(&(task.ready_at, *number));
            self.ready[task.function as usize].remove(number);
        }
        if task.is_taken() && !was_taken {
            self.taken.push_back(*number);
        }
        while self.taken.len() > self.remembered
            && let Some(task) = self.taken.pop_front().and_then(|number| self.all.remove(&number))
        {
            self.numbers.remove(&task.id);
            self.forgotten += 1;
        }
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
        let (data, tag) = kept(&order.data);
        self.errands.extend(asked.iter().map(|hook| Errand { task: id.clone(), hook: *hook, due: now + queue }));
        let postback = if asked.contains(&Hook::Postback) { Sent::NotYet } else { Sent::NotAsked };
        self.insert(Task {
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
            data,
            tag,
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
