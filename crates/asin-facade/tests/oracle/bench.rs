//! Where runs happen: a sandbox that serves a world, real sockets, and the state that runs leave to each other.

use crate::demo;
use crate::oracle::Place;
use crate::stores::Store;
use crate::world::{COLLECTION, Pass, World};
use asin_facade::core_http::{
    Pieces, Request, ReqwestTransport, Response, Streamed, Transport, TransportError, TransportErrorKind,
};
use asin_facade::event::Enrolment;
use asin_facade::sync::{
    Catalogue, Change, Options, Progress, Report, Services, Spending, Supervisor, Sync, SyncError,
};
use asin_sandbox::{Applies, Entry, Ledger, Listing, Market, Sandbox, Write};
use async_trait::async_trait;
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How many times faster than the wall the vendors' clocks run: a task is done after a fifth of a second, and an access
/// token ends after six seconds, so that long runs meet that too.
const SPEED: f64 = 600.0;

/// How long a run waits for results, which are there within a second.
const PATIENCE: Duration = Duration::from_secs(6);

/// A world that is being served.
pub struct Bench {
    pub world: World,
    pub sandbox: Sandbox,
    state: TempDir,
    wire: Arc<Wire>,
}

/// What has left for the vendors.
#[derive(Debug, Default)]
struct Wire {
    requests: AtomicUsize,
    tasks: Mutex<Vec<Posted>>,
    /// The writes and tasks that were done, or may have been.
    spent: Mutex<BTreeSet<String>>,
    /// Those of them that were sent again.
    repeated: Mutex<Vec<String>>,
}

/// A paid task as it left for the vendor.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    pub is_sellers: bool,
    pub place: Place,
    pub tag: String,
}

/// What a run did: by its own account, and by the sandbox's.
pub struct Record {
    pub pass: Pass,
    pub report: Report,
    pub asked: Asked,
    pub before: Market,
    pub after: Market,
    pub requests: Vec<Entry>,
    pub writes: Vec<Write>,
    pub charged: Decimal,
}

impl Record {
    pub fn may_pay(&self) -> bool {
        self.pass.pay && !self.pass.dry_run
    }
}

/// What a run asked its supervisor.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub spending: Option<Spending>,
    pub changes: Option<Vec<Change>>,
}

impl Bench {
    pub async fn new(world: World) -> Self {
        let sandbox = Sandbox::builder().market(world.market.clone()).seed(world.seed).speed(SPEED).start();
        let sandbox = sandbox.await.expect("a generated market is a possible one");
        let state = tempfile::tempdir().expect("a temporary folder");
        Self { world, sandbox, state, wire: Arc::default() }
    }

    /// Makes one run. `None`: it was killed after `life`.
    pub async fn run(&self, pass: Pass, life: Duration) -> Option<Result<Record, SyncError>> {
        let (ledger, before) = (self.sandbox.ledger(), self.sandbox.market());
        let transport = Witness { inner: ReqwestTransport::new().expect("TLS is built in"), wire: self.wire.clone() };
        let services = Services::over(demo::connection(&self.sandbox), Arc::new(transport))
            .expect("the sandbox's own credentials");
        let catalogue = self.world.catalogue();
        let catalogue =
            Catalogue::read(catalogue.as_slice(), services.accounts()).expect("a generated catalogue is right");
        assert_eq!(catalogue.rows.len(), self.world.rows.len());
        let supervisor = Consent { pass, asked: Mutex::default() };
        let sync = Sync::new(services, self.options(pass));
        let start = Instant::now();
        let mut report = tokio::time::timeout(life, sync.run(&catalogue, &supervisor)).await.ok()?;
        // What a killed run was about to post is still written down here, for its process has not really ended.
        while matches!(report, Err(SyncError::Ledger(_))) && start.elapsed() < Duration::from_secs(5) {
            tokio::task::yield_now().await;
            report = tokio::time::timeout(life, sync.run(&catalogue, &supervisor)).await.ok()?;
        }
        self.applied().await;
        let now = self.sandbox.ledger();
        Some(report.map(|report| Record {
            pass,
            report,
            asked: supervisor.asked.into_inner().unwrap(),
            before,
            after: self.sandbox.market(),
            requests: now.requests[ledger.requests.len()..].to_vec(),
            writes: now.writes[ledger.writes.len()..].to_vec(),
            charged: now.charged_usd - ledger.charged_usd,
        }))
    }

    /// The tasks that were sent, whatever became of them.
    pub fn sent(&self) -> Vec<Posted> {
        self.wire.tasks.lock().unwrap().clone()
    }

    /// What was sent again although it was done, or may have been.
    pub fn repeated(&self) -> Vec<String> {
        self.wire.repeated.lock().unwrap().clone()
    }

    /// The tasks that were billed, by the sandbox's ledger; what they are for, by the wire.
    pub fn billed(&self) -> Vec<Posted> {
        let ledger: Ledger = self.sandbox.ledger();
        let posted = self.sent();
        let known = |tag: &String| posted.iter().find(|task| task.tag == *tag).cloned();
        let unknown = |tag: &String| panic!("a task was billed that never was posted: {tag:?}");
        ledger.charges.keys().map(|tag| known(tag).unwrap_or_else(|| unknown(tag))).collect()
    }

    /// Returns once every write can be seen that ever will be; that takes half a second at most.
    async fn applied(&self) {
        let is_late = |write: &Write| {
            !write.applied && self.listing(write).is_some_and(|listing| listing.applies != Applies::Never)
        };
        self.until(Duration::from_secs(10), |ledger| !ledger.writes.iter().any(is_late)).await;
    }

    /// Returns once everything that was sent has arrived, also what a fault lets work late. What has not arrived by the
    /// limit was lost with the process that sent it.
    pub async fn arrived(&self, limit: Duration) {
        self.until(limit, |ledger| ledger.requests.len() >= self.wire.requests.load(Ordering::Relaxed)).await;
        self.wire.requests.store(self.sandbox.ledger().requests.len(), Ordering::Relaxed);
        self.applied().await;
    }

    async fn until(&self, limit: Duration, holds: impl Fn(&Ledger) -> bool) {
        let start = Instant::now();
        while !holds(&self.sandbox.ledger()) && start.elapsed() < limit {
            tokio::task::yield_now().await;
        }
    }

    /// The listing of a write, as the world began with it.
    pub fn listing(&self, write: &Write) -> Option<&Listing> {
        let meant = |listing: &&Listing| {
            (&listing.seller_id, &listing.sku, &listing.marketplace)
                == (&write.seller_id, &write.sku, &write.marketplace)
        };
        self.world.market.listings.iter().find(meant)
    }

    fn options(&self, pass: Pass) -> Options {
        let settings = &self.world.settings;
        let mut options = Options::new(self.state.path());
        options.discover = settings.discover;
        options.watch = settings.watch;
        options.collection = settings.collection.then_some(COLLECTION.into());
        options.budget = settings.budget;
        options.accept_unconfirmed = settings.accept_unconfirmed;
        options.max_change = settings.max_change;
        options.publish.max_rows_changed = settings.max_rows_changed;
        options.publish.dry_run = pass.dry_run;
        (options.publish.patience, options.publish.cadence) = (PATIENCE, Duration::from_millis(100));
        options
    }
}

/// Says what a pass says, and notes what it was asked.
struct Consent {
    pass: Pass,
    asked: Mutex<Asked>,
}

#[async_trait]
impl Supervisor for Consent {
    fn event(&self, _: Progress) {}

    async fn may_pay(&self, spending: &Spending) -> bool {
        self.asked.lock().unwrap().spending = Some(spending.clone());
        self.pass.pay
    }

    async fn may_enrol(&self, _: &Enrolment) -> bool {
        self.pass.enrol
    }

    async fn may_write(&self, changes: &[Change]) -> bool {
        self.asked.lock().unwrap().changes = Some(changes.to_vec());
        self.pass.write
    }
}

/// The real transport, and a note of every task that goes through it.
#[derive(Debug)]
struct Witness {
    inner: ReqwestTransport,
    wire: Arc<Wire>,
}

impl Witness {
    /// Notes a request; returns what it does that must not be done again.
    fn note(&self, request: &Request) -> Vec<String> {
        self.wire.requests.fetch_add(1, Ordering::Relaxed);
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let body = String::from_utf8_lossy(request.body());
        let done: Vec<String> = if path.ends_with("/task_post") {
            let tasks = tasks(&path, request.body());
            self.wire.tasks.lock().unwrap().extend(tasks.iter().cloned());
            tasks.iter().map(|task| format!("{path} {:?}", task.place)).collect()
        } else if request.method() == http::Method::PATCH && !path.contains("mode=") {
            vec![format!("{path} {body}")]
        } else {
            Vec::new()
        };
        let mut spent = self.wire.spent.lock().unwrap();
        let again = done.iter().filter(|done| !spent.insert((*done).clone())).cloned();
        self.wire.repeated.lock().unwrap().extend(again);
        done
    }
}

fn tasks(path: &str, body: &[u8]) -> Vec<Posted> {
    let tasks: Vec<Value> = serde_json::from_slice(body).expect("tasks are a JSON array");
    assert!((1..=100).contains(&tasks.len()), "{} tasks in a POST", tasks.len());
    let posted = |task: &Value| {
        let store = task["location_code"].as_u64().and_then(Store::at).expect("a task names its place");
        let text = |key: &str| task[key].as_str().unwrap_or_default().to_owned();
        Posted { is_sellers: path.contains("/sellers/"), place: (text("asin"), store.id), tag: text("tag") }
    };
    tasks.iter().map(posted).collect()
}

/// Whether nothing was done, beyond doubt: it never left, or the vendor says no.
fn is_no(answer: &Result<Response, TransportError>) -> bool {
    match answer {
        Ok(answer) if answer.status().is_client_error() => true,
        Ok(answer) => {
            let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
            body.and_then(|body| body["status_code"].as_i64()).is_some_and(|code| (40000..50000).contains(&code))
        }
        Err(error) => error.kind() == TransportErrorKind::Connect,
    }
}

#[async_trait]
impl Transport for Witness {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let done = self.note(&request);
        let answer = self.inner.send(request).await;
        if is_no(&answer) {
            self.wire.spent.lock().unwrap().retain(|spent| !done.contains(spent));
        }
        answer
    }

    async fn upload(&self, head: http::request::Parts, length: u64, body: Pieces) -> Result<Response, TransportError> {
        self.wire.requests.fetch_add(1, Ordering::Relaxed);
        self.inner.upload(head, length, body).await
    }

    async fn open(&self, request: Request) -> Result<Streamed, TransportError> {
        self.note(&request);
        self.inner.open(request).await
    }
}
