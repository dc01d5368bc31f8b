//! Whole schedules against `asin-sandbox`: connections cut before, during and after the server's work, processes killed and
//! started again; then its bill is read. `DATAFORSEO_SCHEDULES` says how many.

use asin_sandbox::{Fault, Market, Sandbox};
use core_http::{Limit, Operation, Quota, TokenBuckets};
use dataforseo_merchant::{
    AsinTask, Budget, Builder, Cadence, FileLedger, IdList, IdListQuery, Language, Location, NewTask, SellersTask, Tag,
    TaskResult, Tasks, TasksReady,
};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::json;
use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::{Arc, Mutex, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

/// How many times faster than the vendor's the sandbox's clocks run: its list lags by 50 ms.
const SPEED: f64 = 600.0;
/// How long after its sending a task may appear in the list: a hundred times its lag, for this machine may be busy.
const ABSENCE: Duration = Duration::from_secs(5);
/// How many schedules go on at once: each does little but wait.
const AT_ONCE: u64 = 48;
const SOON: Duration = Duration::from_millis(50);

/// What the application has stored, by label; it survives the process.
type Delivered = Mutex<BTreeMap<String, usize>>;

fn market() -> Market {
    let product = |number: usize| {
        let offer = json!({"marketplace": "ATVPDKIKX0DER", "seller_id": "A1", "price": "12.50"});
        json!({"asin": format!("B{number:09}"), "offers": [offer]})
    };
    serde_json::from_value(json!({"products": (0..6).map(product).collect::<Vec<_>>()})).unwrap()
}

fn task(number: usize, label: String) -> NewTask {
    let asin = format!("B{number:09}").parse().unwrap();
    let (place, language, tag) = (Location::code(2840), Language::code("en_US"), Tag::new(label.clone()).unwrap());
    let task: NewTask = match number % 2 {
        0 => AsinTask::new(asin, place, language).tag(tag).into(),
        _ => SellersTask::new(asin, place, language).tag(tag).into(),
    };
    task.label(label)
}

fn tasks(sandbox: &Sandbox, dir: &Path) -> Tasks {
    let demo = sandbox.demo().dataforseo;
    let buckets = TokenBuckets::new();
    let list = IdList::new(IdListQuery::new("", ""));
    for limit in TasksReady::new().limits().into_iter().chain(list.limits()) {
        buckets.set(Limit { quota: Quota { per_second: 50.0, burst: 2 }, ..limit });
    }
    let ledger = FileLedger::open(dir, &demo.base_url, &demo.login).unwrap();
    let client = Builder::new(demo.login, demo.password).base_url(demo.base_url.parse().unwrap());
    let client = client.limits(Arc::new(buckets)).build().unwrap();
    Tasks::new(client, Arc::new(ledger), Budget::unlimited()).with(|settings| {
        settings.life = Duration::from_secs(2);
        settings.absence = ABSENCE;
        settings.cadence = Some(Cadence { first: SOON, longest: SOON });
    })
}

/// One life of the process: goes on where the last one was killed.
async fn life(sandbox: &Sandbox, dir: &Path, wanted: usize, delivered: &Delivered, witnesses: &AtomicU64) {
    let tasks = tasks(sandbox, dir);
    for _ in 0..100 {
        if tasks.settle().await.is_err() {
            tokio::time::sleep(SOON).await;
            continue;
        }
        let unsettled = tasks.unsettled().await.unwrap();
        let pending: Vec<_> = tasks.pending().try_collect().await.unwrap();
        let under_way: HashSet<String> =
            pending.into_iter().chain(unsettled.clone()).map(|entry| entry.label).collect();
        let label = |number: &usize| format!("task-{number}");
        let is_missing = |number: &usize| {
            !delivered.lock().unwrap().contains_key(&label(number)) && !under_way.contains(&label(number))
        };
        let mut missing: Vec<_> = (0..wanted).filter(is_missing).map(|number| task(number, label(&number))).collect();
        if !unsettled.is_empty() {
            // The list must show something that was sent later, or absence can never be proved.
            let number = witnesses.fetch_add(1, Ordering::SeqCst);
            missing.push(task(0, format!("witness-{number}")));
        }
        tasks.post(missing).await;
        let pending: Vec<_> = tasks.pending().try_collect().await.unwrap();
        let mut results = tasks.collect(pending, Duration::from_secs(3));
        while let Some(collected) = results.next().await {
            let Ok(collected) = collected else { continue };
            let asin = match &collected.result {
                TaskResult::Asin(result) => result.asin,
                TaskResult::Sellers(result) => result.asin,
                other => panic!("{other:?}"),
            };
            assert_eq!(asin, collected.entry.request.asin());
            *delivered.lock().unwrap().entry(collected.entry.label.clone()).or_default() += 1;
            tasks.acknowledge(&collected.entry.tag).await.unwrap();
        }
        let done = (0..wanted).all(|number| delivered.lock().unwrap().contains_key(&label(&number)));
        if done && tasks.unsettled().await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(if unsettled.is_empty() { 50 } else { 1000 })).await;
    }
    panic!("no end");
}

fn schedule(seed: u64, server: &tokio::runtime::Handle) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let sandbox = Sandbox::builder().market(market()).seed(seed).speed(SPEED).start();
    let sandbox = server.block_on(sandbox).unwrap();
    for call in 1..=rng.u64(1..4) {
        let route = Fault::on("POST", "/v3/merchant/amazon/*/task_post").call(call);
        // Before, during and after the work, in every way.
        sandbox.fault(match rng.u8(..10) {
            0 => route.refuse(),
            1 => route.cut_before_work(),
            2 => route.cut_after_work(),
            3 => route.half_body(),
            4 => route.garbage(),
            5 => route.html_502(),
            6 => route.html_502().after_work(),
            7 => route.server_error(500).after_work(),
            8 => route.delay(Duration::from_millis(rng.u64(..300))),
            _ => route.apply_late(Duration::from_millis(rng.u64(..300))),
        });
    }
    let (dir, wanted) = (tempfile::tempdir().unwrap(), rng.usize(1..=6));
    let (delivered, witnesses) = (Delivered::default(), AtomicU64::new(0));
    for lives in 0.. {
        let process = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let killed_after = Duration::from_millis(if lives < 3 { rng.u64(5..600) } else { 120_000 });
        let life = life(&sandbox, dir.path(), wanted, &delivered, &witnesses);
        if process.block_on(async { tokio::time::timeout(killed_after, life).await.is_ok() }) {
            break;
        }
        assert!(lives < 3, "seed {seed}: no end");
    }
    let ledger = sandbox.ledger();
    let mut billed: BTreeMap<String, u64> = BTreeMap::new();
    for (tag, charge) in &ledger.charges {
        let (_, own) = tag.split_once(':').expect("our tag, then the caller's");
        *billed.entry(own.to_owned()).or_default() += charge.times;
    }
    for number in 0..wanted {
        let label = format!("task-{number}");
        assert_eq!(billed.get(&label), Some(&1), "seed {seed}: {label} was billed so often: {billed:?}");
        assert!(delivered.lock().unwrap().contains_key(&label), "seed {seed}: {label} was not delivered");
    }
    assert!(billed.values().all(|times| *times == 1), "seed {seed}: {billed:?}");
    assert_eq!(ledger.foreign_collected, 0, "seed {seed}: another program's results were taken");
    server.block_on(sandbox.stop());
}

/// Rows N6, N7, N10, R3, R5, K1, K7 over real connections.
#[test]
fn against_the_sandbox_each_task_is_billed_once_and_each_result_delivered() {
    let count = std::env::var("DATAFORSEO_SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(count) {
            scope.spawn(|| {
                loop {
                    match next.fetch_add(1, Ordering::SeqCst) {
                        seed if seed < count => schedule(seed, server.handle()),
                        _ => break,
                    }
                }
            });
        }
    });
}
