//! Webhooks from the sandbox to a receiver on loopback, with a down-time: each result is stored once, and paid for once.
#![cfg(feature = "webhook")]

use asin_sandbox::{Fault, Sandbox};
use async_trait::async_trait;
use core_http::Asin;
use dataforseo_merchant::{
    Budget, Builder, Collected, DfsClient, Language, Location, MemoryLedger, NewTask, PostbackData, Posted, Priority,
    SellersTask, Tag, TaskId, Tasks, WebhookUrl,
    webhook::{Intake, Keep, Receiver, StoreError, Token, resend, undelivered},
};
use futures_util::TryStreamExt;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::sleep};

/// How often each result was stored.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<BTreeMap<Tag, u32>>>);

#[async_trait]
impl Keep for Shelf {
    async fn keep(&self, collected: &Collected) -> Result<(), StoreError> {
        *self.0.lock().unwrap().entry(collected.entry.tag.clone()).or_default() += 1;
        Ok(())
    }
}

impl Shelf {
    fn times(&self) -> Vec<u32> {
        self.0.lock().unwrap().values().copied().collect()
    }
}

struct World {
    sandbox: Sandbox,
    client: DfsClient,
    tasks: Tasks,
    shelf: Shelf,
    receiver: Receiver,
    address: SocketAddr,
}

impl World {
    async fn start() -> Self {
        // Ten seconds of the vendor's patience are half a second here.
        let sandbox = Sandbox::builder().seed(5).speed(20.0).start().await.unwrap();
        let demo = sandbox.demo().dataforseo;
        let client = Builder::new(demo.login, demo.password).base_url(demo.base_url.parse().unwrap()).build().unwrap();
        let tasks = Tasks::new(client.clone(), Arc::new(MemoryLedger::new()), Budget::unlimited());
        let shelf = Shelf::default();
        let receiver = Receiver::of(Token::random(), Intake::new(tasks.clone(), shelf.clone()))
            .with(|settings| settings.private_address = true);
        // A port that is free, and on which nobody listens yet.
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        Self { sandbox, client, tasks, shelf, receiver, address }
    }

    fn postback(&self) -> WebhookUrl {
        self.receiver.postback_url(&format!("http://{}", self.address).parse().unwrap()).unwrap()
    }

    async fn post(&self, count: u32, hook: impl Fn(SellersTask) -> SellersTask) {
        let task = |number: u32| {
            let asin: Asin = format!("B{number:09}").parse().unwrap();
            let task = SellersTask::new(asin, Location::code(2840), Language::code("en_US")).priority(Priority::High);
            NewTask::new(hook(task))
        };
        let posted = self.tasks.post((0..count).map(task).collect()).await;
        assert!(posted.iter().all(|posted| matches!(posted, Posted::Created { .. })), "{posted:?}");
    }

    async fn serve(&self) -> (oneshot::Sender<()>, JoinHandle<std::io::Result<()>>) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = self.receiver.clone().serve(listener, async move { drop(stopped.await) });
        (stop, tokio::spawn(serving))
    }

    async fn pending(&self) -> BTreeSet<TaskId> {
        let entries: Vec<_> = self.tasks.pending().try_collect().await.unwrap();
        entries.iter().filter_map(|entry| entry.state.id().cloned()).collect()
    }

    fn deliveries(&self) -> usize {
        self.sandbox.ledger().deliveries.len()
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Rows D12 to D15.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_receiver_missed_is_sent_again_and_each_result_stored_once() {
    let world = World::start().await;
    let url = world.postback();
    // Nobody listens: the vendor gives up on each.
    world.post(6, |task| task.postback(url.clone(), PostbackData::Advanced)).await;
    until("six attempts", || world.deliveries() == 6).await;
    assert!(world.sandbox.ledger().deliveries.iter().all(|delivery| !delivery.arrived));
    let missed: Vec<TaskId> =
        undelivered(&world.client).await.unwrap().intersection(&world.pending().await).cloned().collect();
    assert_eq!(missed.len(), 6, "without other programs' tasks");
    let (stop, serving) = world.serve().await;
    let resent = resend(&world.client, missed).await.unwrap();
    assert!(resent.iter().all(|resent| resent.refusal.is_none()), "{resent:?}");
    until("six results", || world.shelf.times().len() == 6).await;

    // Listening: one comes twice, one is cut short, the answer to one gets lost.
    world.sandbox.fault(Fault::on("POSTBACK", "*").call(1).deliver_twice());
    world.sandbox.fault(Fault::on("POSTBACK", "*").call(2).half_body());
    world.sandbox.fault(Fault::on("POSTBACK", "*").call(3).cut_after_work());
    world.post(4, |task| task.postback(url.clone(), PostbackData::Advanced)).await;
    until("five attempts more", || world.deliveries() == 17).await;
    let missed: BTreeSet<TaskId> = world.receiver.take_missed().into_iter().collect();
    assert_eq!(missed.len(), 1, "the one that was cut short");
    assert_eq!(missed, world.pending().await);
    assert!(undelivered(&world.client).await.unwrap().is_superset(&missed));
    resend(&world.client, missed).await.unwrap();
    until("ten results", || world.shelf.times().len() == 10).await;

    assert_eq!(world.shelf.times(), [1; 10]);
    assert!(world.pending().await.is_empty());
    // What is stored is counted a moment later.
    until("ten acknowledged", || world.receiver.counts().stored == 10).await;
    let counts = world.receiver.counts();
    assert_eq!((counts.repeated, counts.unreadable, counts.unknown), (1, 1, 0));
    let bill = world.sandbox.ledger();
    assert!(bill.charges.values().all(|charge| charge.times == 1));
    assert_eq!((bill.charges.len(), bill.foreign_collected), (10, 0));
    drop(stop);
    serving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pingback_has_the_result_fetched_and_stored() {
    let world = World::start().await;
    let url = world.receiver.pingback_url(&format!("http://{}", world.address).parse().unwrap()).unwrap();
    let (_stop, _serving) = world.serve().await;
    world.post(2, |task| task.pingback(url.clone())).await;
    until("two results", || world.shelf.times() == [1, 1]).await;
    until("two acknowledgements", || world.sandbox.ledger().deliveries.iter().filter(|one| one.arrived).count() == 2)
        .await;
    assert!(world.pending().await.is_empty());
}
