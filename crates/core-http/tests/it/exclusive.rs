//! Changes of one thing: never two under way at once, whatever becomes of those who asked for them.

use crate::common::Envelope;
use async_trait::async_trait;
use core_http::{
    Client, ErrorKind, Exclusive, Fault, Limits, Operation, Quota, Request, RequestBuilder, Response, Result, Safety,
    Transport, TransportError, TransportErrorKind as Sent, Vendor,
    testing::{Script, response},
};
use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

/// A vendor whose writes change what their path names.
#[derive(Debug)]
struct Shelf;

impl Vendor for Shelf {
    const NAME: &'static str = "shelf";
    type Envelope<W: DeserializeOwned> = Envelope<W>;

    fn unwrap<W: DeserializeOwned>(envelope: Envelope<W>) -> Result<W, Fault> {
        crate::common::Shop::unwrap(envelope)
    }
    fn refusal(response: &Response) -> Option<Fault> {
        crate::common::Shop::refusal(response)
    }
    fn changes(request: &Request, safety: Safety) -> Option<String> {
        (safety != Safety::ReadOnly).then(|| request.uri().path().to_owned())
    }
    fn advice(request: &Request, fault: &Fault) -> Option<&'static str> {
        (fault.kind == ErrorKind::Rejected && request.uri().path().ends_with("/7")).then_some("do not touch 7")
    }
}

#[derive(Debug, Clone)]
struct Write(u32, Safety);

impl Operation for Write {
    type Vendor = Shelf;
    type Wire = Value;
    type Output = Value;
    const NAME: &'static str = "write";

    fn safety(&self) -> Safety {
        self.1
    }
    fn limits(&self) -> Limits {
        vec![core_http::Limit::account("writes", Quota { per_second: 1000.0, burst: 1000 })]
    }
    fn request(&self) -> Result<Request> {
        RequestBuilder::put("/things/{id}").path("id", self.0).build()
    }
    fn output(&self, wire: Value) -> Result<Value> {
        Ok(wire)
    }
}

fn write(id: u32) -> Write {
    Write(id, Safety::Idempotent)
}

/// Counts what is under way on each path; a request stays with the vendor for `works`, though the caller is gone.
#[derive(Debug)]
struct Watched {
    script: Arc<Script>,
    works: Duration,
    seen: Arc<Mutex<HashMap<String, (u32, u32)>>>,
}

impl Watched {
    fn new(script: &Arc<Script>, works: Duration) -> Arc<Self> {
        Arc::new(Self { script: script.clone(), works, seen: Arc::default() })
    }

    /// The most that were under way at once on this path.
    fn most(&self, path: &str) -> u32 {
        self.seen.lock().expect("no panic").get(path).map_or(0, |(_, most)| *most)
    }
}

#[async_trait]
impl Transport for Watched {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let path = request.uri().path().to_owned();
        {
            let mut seen = self.seen.lock().expect("no panic");
            let (now, most) = seen.entry(path.clone()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        let (seen, works) = (self.seen.clone(), self.works);
        let done = tokio::spawn(async move {
            sleep(works).await;
            seen.lock().expect("no panic").get_mut(&path).expect("it has begun").0 -= 1;
        });
        let answer = self.script.send(request).await;
        if answer.is_ok() {
            done.await.expect("no panic");
        }
        answer
    }
}

fn client(transport: Arc<dyn Transport>) -> Client<Shelf> {
    Client::builder(crate::common::base(), transport).build().expect("a client")
}

fn always_ok() -> Arc<Script> {
    let script = crate::common::script();
    script.always(|_| Ok(response(200, crate::common::OK)));
    script
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn changes_of_one_thing_go_one_after_another_and_others_beside_them() {
    let watched = Watched::new(&always_ok(), SECOND);
    let client = client(watched.clone());
    let start = Instant::now();
    let calls = (0..5).flat_map(|_| [1, 2]).map(|id| {
        let client = client.clone();
        async move { client.call(write(id)).await }
    });
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!((watched.most("/v1/things/1"), watched.most("/v1/things/2")), (1, 1));
    assert_eq!(start.elapsed(), 5 * SECOND, "five turns, two things in each");
}

#[tokio::test(start_paused = true)]
async fn reading_waits_for_nobody() {
    let watched = Watched::new(&always_ok(), SECOND);
    let client = client(watched.clone());
    let start = Instant::now();
    join_all((0..5).map(|_| client.call(Write(1, Safety::ReadOnly)))).await;
    assert_eq!((watched.most("/v1/things/1"), start.elapsed()), (5, SECOND));
}

#[tokio::test(start_paused = true)]
async fn changes_go_in_the_order_of_their_arrival() {
    let script = always_ok();
    let client = client(script.clone());
    script.delay(SECOND);
    let order = Mutex::new(Vec::new());
    join_all((0..10).map(|number| {
        let (client, order) = (&client, &order);
        async move {
            client.call(write(1)).await.expect("an answer");
            order.lock().expect("no panic").push(number);
        }
    }))
    .await;
    assert_eq!(order.into_inner().expect("no panic"), (0..10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_resend_is_not_overtaken_by_a_later_change() {
    let script = crate::common::script();
    script.answer(503, "").answer(503, "").answer(200, crate::common::OK).answer(200, crate::common::OK);
    let client = client(script.clone());
    let call = async || {
        client.call(write(1)).await.expect("an answer");
        script.sent()
    };
    assert_eq!(
        tokio::join!(call(), call()),
        (3, 4),
        "the second one left when the first one's third attempt had ended"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_change_counts_as_under_way_until_the_vendor_must_be_done() {
    let watched = Watched::new(&always_ok(), 29 * SECOND);
    let client = client(watched.clone());
    let start = Instant::now();
    assert!(timeout(SECOND, client.call(write(1))).await.is_err(), "the caller has gone");
    client.call(write(2)).await.expect("another thing is free");
    client.call(write(1)).await.expect("its turn comes");
    assert_eq!(watched.most("/v1/things/1"), 1);
    assert_eq!(start.elapsed(), (30 + 10 + 29) * SECOND, "30 s after the first one has left, and the grace");
}

#[tokio::test(start_paused = true)]
async fn the_time_out_that_holds_is_the_longer_one() {
    for (time_out, works, ends) in [(90, 89, 90 + 10), (2, 29, 30 + 10)] {
        let watched = Watched::new(&always_ok(), works * SECOND);
        let client = client(watched.clone()).with(|options| {
            (options.time_out, options.deadline) = (Some(90 * SECOND), 600 * SECOND);
            options.retry = core_http::RetryPolicy::never();
        });
        let start = Instant::now();
        let first = client.with(|options| options.time_out = Some(time_out * SECOND));
        let gone = timeout(80 * SECOND, first.call(write(1))).await;
        assert!(!matches!(gone, Ok(Ok(_))), "nobody waits for the answer");
        client.call(write(1)).await.expect("its turn comes");
        assert_eq!(watched.most("/v1/things/1"), 1, "{time_out} s");
        assert_eq!(start.elapsed(), (ends + works) * SECOND, "{time_out} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_without_an_answer_counts_as_under_way() {
    for lost in [Sent::Timeout, Sent::Interrupted] {
        let script = crate::common::script();
        script.fail(lost).answer(200, crate::common::OK);
        let watched = Watched::new(&script, 10 * SECOND);
        let client = client(watched.clone()).with(|options| options.retry = core_http::RetryPolicy::never());
        let start = Instant::now();
        client.call(write(1)).await.expect_err("lost");
        client.call(write(1)).await.expect("its turn comes");
        assert_eq!((watched.most("/v1/things/1"), start.elapsed()), (1, (30 + 10 + 10) * SECOND));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_whole_time_out_the_vendor_may_still_be_at_work() {
    let script = always_ok();
    let client = client(script.clone()).with(|options| options.retry = core_http::RetryPolicy::never());
    let start = Instant::now();
    script.delay(100 * SECOND);
    let error = client.call(write(1)).await.expect_err("nobody waits for so long");
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Timeout, 30 * SECOND));
    script.delay(Duration::ZERO);
    client.call(write(1)).await.expect("its turn comes");
    assert_eq!(start.elapsed(), (30 + 10) * SECOND);
}

#[tokio::test(start_paused = true)]
async fn behind_a_gateway_that_has_answered_the_vendor_may_still_be_at_work() {
    for (status, body) in [(502, "<html>"), (503, ""), (504, ""), (408, ""), (500, r#"{"code":500}"#), (200, "<html>")]
    {
        let script = crate::common::script();
        script.answer(status, body).answer(200, crate::common::OK);
        let client = client(script.clone()).with(|options| options.retry = core_http::RetryPolicy::never());
        let start = Instant::now();
        assert!(client.call(write(1)).await.expect_err("as scripted").may_have_been_applied(), "{status}");
        client.call(write(1)).await.expect("its turn comes");
        assert_eq!(start.elapsed(), 10 * SECOND, "{status}");
    }

    // Also where a resend was answered in the end, and for as long as one likes.
    let script = crate::common::script();
    script.answer(502, "").answer(200, crate::common::OK).answer(200, crate::common::OK);
    let builder = Client::<Shelf>::builder(crate::common::base(), script as Arc<dyn Transport>);
    let client = builder.exclusive(Exclusive::new().grace(60 * SECOND)).build().expect("a client");
    let client = client.with(|options| options.deadline = 100 * SECOND);
    let start = Instant::now();
    client.call(write(1)).await.expect("the resend");
    assert!(start.elapsed() < 5 * SECOND, "a resend does not wait for its own call");
    client.call(write(1)).await.expect("its turn comes");
    assert_eq!(start.elapsed(), 60 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_clear_no_and_a_request_that_never_left_free_the_thing() {
    let script = crate::common::script();
    script.fail(Sent::Connect).answer(400, r#"{"code":400}"#).answer(404, "<html>").answer(403, "");
    script.answer(200, crate::common::OK);
    let client = client(script.clone()).with(|options| options.retry = core_http::RetryPolicy::never());
    let start = Instant::now();
    for _ in 0..4 {
        client.call(write(1)).await.expect_err("as scripted");
    }
    client.call(write(1)).await.expect("an answer");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn whoever_would_wait_past_its_deadline_is_not_sent() {
    let script = always_ok();
    let client = client(script.clone());
    assert!(timeout(SECOND, client.call(write(1))).await.is_ok());
    script.delay(10 * SECOND);
    assert!(timeout(SECOND, client.call(write(1))).await.is_err());
    let short = client.with(|options| options.deadline = 5 * SECOND);
    let start = Instant::now();
    let error = short.call(write(1)).await.expect_err("it would have to wait for 39 s");
    assert_eq!((error.kind(), error.attempts(), script.sent()), (ErrorKind::Throttled, 0, 2));
    assert_eq!(start.elapsed(), Duration::ZERO, "that is known at once");
    assert!(!error.may_have_been_applied());
    assert!(error.to_string().starts_with("write: throttled: an earlier change of the same thing"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn those_who_leave_the_line_hold_nobody_up() {
    let script = always_ok();
    let client = client(script.clone());
    script.delay(SECOND);
    let start = Instant::now();
    let leaving = join_all((0..50).map(|_| timeout(SECOND / 2, client.call(write(1)))));
    let (first, left) = tokio::join!(client.call(write(1)), leaving);
    first.expect("it was first");
    assert!(left.iter().all(Result::is_err));
    client.call(write(1)).await.expect("the next one");
    assert_eq!((script.sent(), start.elapsed()), (2, 2 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn clients_that_are_built_apart_can_share_it() {
    let watched = Watched::new(&always_ok(), SECOND);
    let exclusive = Exclusive::new();
    let clients: Vec<Client<Shelf>> = (0..2)
        .map(|_| {
            let builder = Client::builder(crate::common::base(), watched.clone() as Arc<dyn Transport>);
            builder.exclusive(exclusive.clone()).build().expect("a client")
        })
        .collect();
    join_all((0..6).map(|i| clients[i % 2].call(write(1)))).await;
    assert_eq!(watched.most("/v1/things/1"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_is_forgotten() {
    let script = crate::common::script();
    let mut count = 0;
    script.always(move |_| {
        count += 1;
        if count % 2 == 0 {
            Err(TransportError::new(Sent::Interrupted, "lost"))
        } else {
            Ok(response(200, crate::common::OK))
        }
    });
    let exclusive = Exclusive::new();
    let client = Client::<Shelf>::builder(crate::common::base(), script as Arc<dyn Transport>)
        .exclusive(exclusive.clone())
        .build()
        .expect("a client")
        .with(|options| options.retry = core_http::RetryPolicy::never());
    for id in 0..4000 {
        let _half_of_them_fail = client.call(write(id)).await;
        tokio::time::advance(SECOND).await;
    }
    let kept = format!("{exclusive:?}").matches("things").count();
    assert!(kept <= 1024, "{kept}");
}

#[tokio::test(start_paused = true)]
async fn a_client_refuses_what_its_check_refuses_before_anything_is_waited_for() {
    let script = always_ok();
    let builder = Client::<Shelf>::builder(crate::common::base(), script.clone() as Arc<dyn Transport>);
    let client = builder
        .check(|request| if request.uri().path() == "/things/7" { Err("7 is not ours".to_owned()) } else { Ok(()) })
        .build()
        .expect("a client");
    let error = client.call(write(7)).await.expect_err("refused");
    assert_eq!((error.kind(), error.attempts(), script.sent()), (ErrorKind::Request, 0, 0));
    assert_eq!(error.to_string(), "write: could not be sent: 7 is not ours");
    let path = std::env::temp_dir().join("asin-core-http-refused");
    assert_eq!(client.download(write(7), &path).await.expect_err("refused").kind(), ErrorKind::Request);
    client.call(write(8)).await.expect("an answer");
}

#[tokio::test(start_paused = true)]
async fn a_users_own_quota_holds() {
    let script = always_ok();
    let builder = Client::<Shelf>::builder(crate::common::base(), script.clone() as Arc<dyn Transport>);
    let own = Quota { per_second: 1.0, burst: 1 };
    let wide = Quota { per_second: 1000.0, burst: 1000 };
    let client = builder.quota("writes", wide).quota("writes", own).quota("others", wide).build().expect("a client");
    let start = Instant::now();
    join_all((0..4).map(|id| client.call(write(id)))).await;
    let waited = start.elapsed();
    assert!((3 * SECOND..4 * SECOND).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn advice_follows_from_the_request() {
    let script = crate::common::script();
    script.always(|_| Ok(response(400, r#"{"code":400,"message":"no"}"#)));
    let client = client(script);
    let error = client.call(write(7)).await.expect_err("refused");
    assert_eq!(error.to_string(), "write: rejected: HTTP 400 400: no; do not touch 7");
    assert_eq!(client.call(write(8)).await.expect_err("refused").fault().and_then(|fault| fault.advice.clone()), None);
}
