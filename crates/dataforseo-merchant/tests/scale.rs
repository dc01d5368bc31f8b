//! The scale model: 100 million tasks a day within the documented limits, each divided by a thousand, against the sandbox on a
//! clock that moves by itself. How long such a day takes is set by calls alone: a POST holds a hundred tasks, a result that
//! was missed is one `task_get`, a hundred missed webhooks are one `webhook_resend`, and all of them share 2,000 calls a
//! minute. What is expected are the figures of a simulation by the minute that uses 97 % of that; each has to be met within
//! 5 %. A ten-thousandth is played, unless `DATAFORSEO_SCALE` says 1000.
#![cfg(feature = "webhook")]

use asin_sandbox::Sandbox;
use async_trait::async_trait;
use core_http::{
    Limit, Operation, Quota, Request, Response, TokenBuckets, Transport, TransportError, TransportErrorKind,
};
use dataforseo_merchant::{
    Budget, Builder, Collected, DfsClient, Language, Location, MemoryLedger, NewTask, PostbackData, Posted,
    SellersTask, SellersTaskGet, SellersTaskPost, Tag, TaskId, TaskOutcome, Tasks, WebhookResend,
    webhook::{Intake, Keep, Receiver, StoreError, Token, resend},
};
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::{
    collections::HashSet,
    future,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, sleep, sleep_until},
};

/// Those of a day.
const TASKS: u32 = 100_000_000;
/// A thousandth, by which the issue of an hour is counted in calls; a whole day in as many takes half a minute.
const FINE: u32 = 1000;
/// A thousandth of an hour's tasks, in full hundreds.
const HOUR: u32 = TASKS / FINE / 24 / 100 * 100;
/// After this a task of the sandbox is done.
const TURNAROUND: Duration = Duration::from_secs(120);

fn hours(hours: f64) -> Duration {
    Duration::from_secs_f64(hours * 3600.0)
}

/// How results that did not come by themselves are had after all.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Get,
    Resend,
}

/// A day of a part of 100 million tasks, which arrive evenly.
#[derive(Clone, Copy)]
struct Day {
    /// One of so many is played.
    scale: u32,
    /// Which results do not come by themselves: the task's number, of so many.
    is_missed: fn(u32, u32) -> bool,
    /// Nothing that was missed is asked for before.
    asked_from: f64,
    by: By,
    /// How many tasks a POST holds at most.
    filled: usize,
}

impl Day {
    /// One without trouble.
    fn new() -> Self {
        let scale = std::env::var("DATAFORSEO_SCALE").map_or(10_000, |scale| scale.parse().unwrap());
        Self { scale, is_missed: |_, _| false, asked_from: 0.0, by: By::Get, filled: 100 }
    }

    fn tasks(self) -> u32 {
        TASKS / self.scale
    }
}

/// A store that is down when a result first comes.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Had>>);

#[derive(Default)]
struct Had {
    refused: HashSet<Tag>,
    count: usize,
    last: Option<Instant>,
}

impl Shelf {
    fn add(&self) {
        let mut had = self.0.lock().unwrap();
        (had.count, had.last) = (had.count + 1, Some(Instant::now()));
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().count
    }
}

#[async_trait]
impl Keep for Shelf {
    async fn keep(&self, collected: &Collected) -> Result<(), StoreError> {
        if self.0.lock().unwrap().refused.insert(collected.entry.tag.clone()) {
            return Err("down".into());
        }
        self.add();
        Ok(())
    }
}

/// Straight into the sandbox.
#[derive(Debug)]
struct Direct(Arc<Sandbox>);

#[async_trait]
impl Transport for Direct {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let answer = self.0.answer(request).await;
        answer.map_err(|error| TransportError::new(TransportErrorKind::Interrupted, error))
    }
}

/// A client that has so small a part of the quota.
fn client(sandbox: &Arc<Sandbox>, scale: u32) -> DfsClient {
    let buckets = TokenBuckets::new();
    let (get, again) = (SellersTaskGet::new(TaskId::new("id")), WebhookResend::new([]));
    for limit in [SellersTaskPost::new([]).limits(), get.limits(), again.limits()].concat() {
        let quota = Quota { per_second: limit.quota.per_second / f64::from(scale), burst: 1 };
        buckets.set(Limit { quota, ..limit });
    }
    let demo = sandbox.demo().dataforseo;
    let client = Builder::new(demo.login, demo.password).base_url(demo.base_url.parse().unwrap());
    let client = client.transport(Arc::new(Direct(sandbox.clone())));
    client.limits(Arc::new(buckets)).build().unwrap().with(|options| options.deadline = hours(24.0))
}

/// Asks for each result when it is done, one a call.
async fn get(client: &DfsClient, missed: UnboundedReceiver<(TaskId, Instant)>, shelf: &Shelf) {
    let missed = stream::unfold(missed, |mut missed| async { Some((missed.recv().await?, missed)) });
    let ask = |(id, done): (TaskId, Instant)| async move {
        sleep_until(done).await;
        let task = client.call(SellersTaskGet::new(id)).await.unwrap();
        assert!(matches!(task.outcome(), TaskOutcome::Done | TaskOutcome::Empty), "{task:?}");
        shelf.add();
    };
    missed.map(ask).buffered(2).collect::<()>().await;
}

/// Has webhooks sent again, a hundred a call, as soon as there are so many or nothing more is missed.
async fn send_again(client: &DfsClient, mut missed: UnboundedReceiver<(TaskId, Instant)>, shelf: &Shelf) {
    let (mut ids, mut asked, mut open) = (Vec::new(), 0, true);
    while open {
        match missed.recv().await {
            Some((id, done)) => {
                sleep_until(done).await;
                ids.push(id);
            }
            None => open = false,
        }
        if ids.len() == 100 || !open {
            asked += ids.len();
            let answers = resend(client, ids.drain(..)).await.unwrap();
            assert!(answers.iter().all(|answer| answer.refusal.is_none()), "{answers:?}");
        }
    }
    while shelf.count() < asked {
        sleep(Duration::from_secs(10)).await;
    }
}

impl Day {
    /// How many hours it takes until the last task is posted and the last missed result is there, of so many that are waited
    /// for. Beside it, how many results were missed at first and are there now.
    async fn takes(self, at_most: f64) -> (f64, usize) {
        let market = json!({"balances": {"dataforseo_usd": "1000000.00"}});
        let sandbox = Sandbox::builder().market(serde_json::from_value(market).unwrap()).limits(false).speed(1.0);
        let sandbox = Arc::new(sandbox.remember(self.tasks() as usize).start().await.unwrap());
        let (client, all) = (client(&sandbox, self.scale), self.tasks());
        let tasks = Tasks::new(client.clone(), Arc::new(MemoryLedger::new()), Budget::unlimited());
        let shelf = Shelf::default();
        let receiver = Receiver::of(Token::random(), Intake::new(tasks.clone(), shelf.clone()));
        let receiver = receiver.with(|settings| settings.private_address = true);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let url = receiver.postback_url(&public).unwrap();
        let serving = tokio::spawn(receiver.serve(listener, future::pending()));

        // What comes by itself costs no call: only what is missed at first has an address to come to.
        let new = move |number: u32| {
            let asin = format!("B{number:09}").parse().unwrap();
            let task = SellersTask::new(asin, Location::code(2840), Language::code("en_US"));
            let is_hooked = self.by == By::Resend && (self.is_missed)(number, all);
            let task = if is_hooked { task.postback(url.clone(), PostbackData::Advanced) } else { task };
            NewTask::new(task).label(number.to_string())
        };
        // About 150 bytes each; a full call has no other bound than the vendor's.
        let one = serde_json::to_string(&new(0).request()).unwrap().len() + 48;
        let tasks = tasks.with(|settings| {
            (settings.calls, settings.life) = (2, hours(24.0));
            settings.body = if self.filled < 100 { self.filled * one + 2 } else { usize::MAX };
        });
        let begun = Instant::now();
        let arrivals = stream::iter((0..all).step_by(100)).then(move |first| async move {
            sleep_until(begun + hours(24.0 * f64::from(first) / f64::from(all))).await;
            first
        });
        let arrivals = arrivals.flat_map(move |first| stream::iter((first..first + 100).map(new.clone())));
        let (missed, missing) = unbounded_channel();
        let post = async {
            let mut outcomes = Box::pin(tasks.post_all(Box::pin(arrivals)));
            while let Some(outcome) = outcomes.next().await {
                let Posted::Created { id, .. } = outcome.posted else { panic!("{:?}", outcome.posted) };
                if (self.is_missed)(outcome.task.note().parse().unwrap(), all) {
                    let asked = (Instant::now() + TURNAROUND).max(begun + hours(self.asked_from));
                    missed.send((id, asked)).unwrap();
                }
            }
            drop(missed);
            Instant::now()
        };
        let recover = async {
            match self.by {
                By::Get => get(&client, missing, &shelf).await,
                By::Resend => send_again(&client, missing, &shelf).await,
            }
        };
        let both = async { tokio::join!(post, recover) };
        let end = tokio::time::timeout(hours(at_most), both).await.ok().map(|(posted, ())| posted);
        serving.abort();
        let last = end.max(shelf.0.lock().unwrap().last).unwrap_or(begun);
        (last.duration_since(begun).as_secs_f64() / 3600.0, shelf.count())
    }
}

/// Within 5 %.
fn is_about(what: &str, is: f64, expected: f64) {
    println!("{what}: {is:.2}, expected {expected}");
    assert!((is / expected - 1.0).abs() <= 0.05, "{what}: {is:.2} and not {expected}");
}

#[tokio::test(start_paused = true)]
async fn few_missed_results_are_sent_again_within_the_day() {
    let day = Day { is_missed: |number, _| number % 100 == 0, by: By::Resend, ..Day::new() };
    let (took, had) = day.takes(100.0).await;
    is_about("1 % missed and sent again, hours", took, 24.7);
    assert_eq!(had, day.tasks() as usize / 100);
}

#[tokio::test(start_paused = true)]
async fn missed_results_that_are_fetched_use_the_quota_up() {
    let day = Day { is_missed: |number, _| number % 20 == 0, ..Day::new() };
    let (took, had) = day.takes(100.0).await;
    is_about("5 % missed and fetched, hours", took, 52.0);
    assert_eq!(had, day.tasks() as usize / 20);
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_a_receiver_is_made_up_for_in_half_an_hour() {
    // Of the day only its beginning is played.
    let day = Day { is_missed: |number, _| number < HOUR, asked_from: 1.0, by: By::Resend, scale: FINE, ..Day::new() };
    let expected = 34.0 / 60.0 * f64::from(HOUR) / (f64::from(TASKS / FINE) / 24.0);
    let (took, had) = day.takes(2.0).await;
    is_about("an hour missed and sent again, hours since", took - 1.0, expected);
    assert_eq!(had, HOUR as usize);
}

#[tokio::test(start_paused = true)]
async fn four_hours_without_a_receiver_are_made_up_for_in_two_and_a_quarter() {
    // Of the day only its beginning is played; so many tasks are enough to count their calls.
    let day = Day {
        is_missed: |number, of| number < of / 600 * 100,
        asked_from: 4.0,
        by: By::Resend,
        scale: 2500,
        ..Day::new()
    };
    let (took, had) = day.takes(8.0).await;
    // Of four hours' tasks those in full hundreds.
    let missed = day.tasks() / 600 * 100;
    let expected = 136.0 / 60.0 * f64::from(missed) / (f64::from(day.tasks()) / 6.0);
    is_about("four hours missed and sent again, hours since", took - 4.0, expected);
    assert_eq!(had, missed as usize);
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_a_receiver_that_is_fetched_takes_two_days() {
    let day = Day { is_missed: |number, of| number < of / 24, asked_from: 1.0, ..Day::new() };
    let (took, had) = day.takes(100.0).await;
    is_about("an hour missed and fetched, hours", took, 45.0);
    assert_eq!(had, day.tasks() as usize / 24);
}

#[tokio::test(start_paused = true)]
async fn what_is_missed_decides_how_long_a_day_takes_and_sending_again_costs_nothing() {
    let fiftieth = Day { is_missed: |number, _| number % 50 == 0, ..Day::new() };
    is_about("2 % missed and fetched, hours", fiftieth.takes(100.0).await.0, 26.2);
    let twentieth = Day { is_missed: |number, _| number % 20 == 0, by: By::Resend, ..Day::new() };
    is_about("5 % missed and sent again, hours", twentieth.takes(100.0).await.0, 24.8);
    let half = Day { filled: 50, ..Day::new() };
    is_about("50 tasks a call, hours", half.takes(100.0).await.0, 24.0);
}

#[tokio::test(start_paused = true)]
async fn batches_of_thirty_saturate_the_quota() {
    let (took, _) = Day { filled: 30, ..Day::new() }.takes(100.0).await;
    is_about("30 tasks a call, hours", took, 29.4);
}

#[tokio::test(start_paused = true)]
async fn polling_alone_has_a_tenth_after_four_days() {
    let day = Day { is_missed: |_, _| true, ..Day::new() };
    let (_, had) = day.takes(96.0).await;
    is_about("polled within four days, per cent", 100.0 * had as f64 / f64::from(day.tasks()), 10.0);
}
