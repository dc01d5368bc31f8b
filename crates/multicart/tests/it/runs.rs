//! Runs cost credits: looked at before, started once, never again on their own.

use crate::client;
use core_http::{
    ErrorKind, Operation, Request, Response, Safety, TransportError, TransportErrorKind, Waited,
    testing::{Script, response},
};
use multicart::{
    AwaitIngested, AwaitPostcode, AwaitRun, CollectionId, Credits, DomainId, Fields, ListRuns, McClient, PostcodeId,
    Prepared, RunnerId, Runs, ScrapeCategory, StartRun, postcodes,
    runs::{self, Started},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

type Answer = Result<Response, TransportError>;

fn success(data: &Value) -> Answer {
    Ok(response(200, &json!({"code": 200, "data": data, "status": 1}).to_string()))
}

fn lost() -> Answer {
    Err(TransportError::new(TransportErrorKind::Interrupted, "scripted"))
}

/// A collection of 5 ASINs; the history is `history` at first and `later` after the start.
fn service(
    credits: Value,
    history: Value,
    later: Value,
    mut start: impl FnMut() -> Answer + Send + 'static,
) -> (McClient, Arc<Script>) {
    let mut started = false;
    client(move |request: &Request| match request.uri().path().strip_prefix("/api/v1").unwrap() {
        "/schedules/amazon/asin/list/" => success(&json!({"total_count": 5, "asin_list": []})),
        "/users/credits/" => success(&credits),
        "/schedules/collections/results/download/" => success(if started { &later } else { &history }),
        "/schedules/run/result/" => {
            started = true;
            start()
        }
        other => panic!("{other}"),
    })
}

fn credits(available: i64, used: i64, frozen: i64) -> Value {
    json!({"available_credits": available, "used_credits": used, "frozen_credits": frozen})
}

fn run(id: u64) -> Value {
    json!({"id": id, "is_download_generated": false})
}

fn history() -> ListRuns {
    ListRuns::new(Fields::naming("collection_id", CollectionId(101)))
}

fn ids<const N: usize>(ids: [u64; N]) -> std::collections::BTreeSet<RunnerId> {
    ids.into_iter().map(RunnerId::new).collect()
}

fn starts(script: &Script) -> usize {
    script.seen().iter().filter(|request| request.uri().path().ends_with("/run/result/")).count()
}

#[tokio::test(start_paused = true)]
async fn the_runs_so_far_are_read_before_the_start() {
    let (client, script) = service(credits(10, 3, 2), json!([run(700)]), json!([]), || success(&json!("Run started")));
    let Started::Accepted { answer, before } = runs::start(&client, CollectionId(101), history()).await.unwrap() else {
        panic!("not accepted");
    };
    assert_eq!((answer, before), (json!("Run started"), ids([700])));
    let paths: Vec<String> = script.seen().iter().map(|request| request.uri().path().to_owned()).collect();
    let expected = [
        "schedules/amazon/asin/list/",
        "users/credits/",
        "schedules/collections/results/download/",
        "schedules/run/result/",
    ];
    assert_eq!(paths, expected.map(|path| format!("/api/v1/{path}")));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_paid_is_not_started() {
    // Ten are available, but only four of them are left.
    let (client, script) = service(credits(10, 4, 2), json!([]), json!([]), || unreachable!("it costs too much"));
    match runs::start(&client, CollectionId(101), history()).await.unwrap() {
        Started::TooFewCredits { needed, spendable } => assert_eq!((needed, spendable), (5, 4)),
        other => panic!("{other:?}"),
    }
    assert_eq!(starts(&script), 0);
    let (client, script) = service(credits(10, 0, 0), json!([]), json!([]), || unreachable!("more than was allowed"));
    match runs::start_within(&client, CollectionId(101), history(), 4).await.unwrap() {
        Started::TooDear { needed, most } => assert_eq!((needed, most), (5, 4)),
        other => panic!("{other:?}"),
    }
    assert_eq!(starts(&script), 0);
    let (client, script) = service(json!({"available_credits": 10}), json!([]), json!([]), || unreachable!("unknown"));
    let error = runs::start(&client, CollectionId(101), history()).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_been_applied(), starts(&script)), (ErrorKind::Request, false, 0));
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_answer_a_new_run_suggests_that_it_started() {
    let (client, script) = service(credits(10, 0, 0), json!([run(700)]), json!([run(701), run(700)]), lost);
    match runs::start(&client, CollectionId(101), history()).await.unwrap() {
        Started::Suggested { new, .. } => assert_eq!(new, ids([701])),
        other => panic!("{other:?}"),
    }
    assert_eq!(starts(&script), 1);
}

#[tokio::test(start_paused = true)]
async fn what_stays_unclear_is_unknown_and_never_started_again() {
    for later in [json!([run(700)]), json!("nothing that names a run")] {
        let (client, script) = service(credits(10, 0, 0), json!([run(700)]), later, lost);
        // Even a client that resends what it may does not resend this.
        let client = client.with(|options| options.retry = core_http::RetryPolicy::default());
        match runs::start(&client, CollectionId(101), history()).await.unwrap() {
            Started::Unknown { before, error } => {
                assert_eq!((before, error.kind()), (ids([700]), ErrorKind::Interrupted));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(starts(&script), 1);
    }
    for body in ["<html>", r#"{"code":500,"data":"Something went wrong","status":0}"#] {
        let (client, script) = service(credits(10, 0, 0), json!([]), json!([]), move || Ok(response(200, body)));
        let client = client.with(|options| options.retry = core_http::RetryPolicy::default());
        let started = runs::start(&client, CollectionId(101), history()).await.unwrap();
        assert!(matches!(started, Started::Unknown { .. }), "{body}: {started:?}");
        assert_eq!(starts(&script), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_start_is_a_clear_no() {
    let refused = || Ok(response(200, r#"{"code":402,"data":"Insufficient credits","status":0}"#));
    let (client, _) = service(credits(10, 0, 0), json!([]), json!([]), refused);
    let error = runs::start(&client, CollectionId(101), history()).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Funds, false));
}

#[tokio::test(start_paused = true)]
async fn a_start_may_answer_nothing() {
    for body in [r#"{"code":200,"data":null,"status":1}"#, r#"{"code":200,"status":1}"#] {
        let (client, _) = client(move |_| Ok(response(200, body)));
        assert_eq!(client.call(StartRun::new(CollectionId(101))).await.unwrap(), Value::Null);
    }
}

#[test]
fn what_spends_credits_is_sent_once() {
    assert_eq!(StartRun::new(CollectionId(1)).safety(), Safety::Once);
    assert_eq!(ScrapeCategory::new("https://x.test/b?node=1", "1", "amazon.com.au", "4500").safety(), Safety::Once);
    assert_eq!(history().safety(), Safety::ReadOnly);
}

#[test]
fn spendable_is_less_than_available() {
    let credits = |value: Value| serde_json::from_value::<Credits>(value).unwrap().spendable();
    let said = json!({"available_credits": 1000, "used_credits": "250", "frozen_credits": 50});
    assert_eq!(credits(said), Some(700));
    assert_eq!(credits(json!({"available_credits": 1000})), None);
}

#[test]
fn runs_are_found_in_whatever_holds_them() {
    let one =
        json!({"id": 7, "is_download_generated": true, "download_links": [{"url": "/results/1/7/a%20b+c.json?x=1"}]});
    let named = json!({"runner_id": "r-8", "id": 1, "is_download_generated": false, "download_links": null});
    for data in
        [json!([one, named]), json!({"total": 2, "runners": [one, named]}), json!({"a": {"b": [one]}, "c": named})]
    {
        let runs: Runs = serde_json::from_value(data.clone()).unwrap();
        let found: Vec<_> = runs.iter().map(|run| (run.id.unwrap().to_string(), run.is_download_generated)).collect();
        assert_eq!(found, [("7".to_owned(), Some(true)), ("r-8".to_owned(), Some(false))], "{data}");
        assert_eq!(runs.iter().next().unwrap().file_names(), ["a b+c.json"]);
        assert_eq!(serde_json::to_value(&runs).unwrap(), data);
    }
    assert_eq!(Runs(json!("no runs yet")).iter().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_waited_for_until_its_files_are_there() {
    let (hour, pace) = (Duration::from_secs(3600), Duration::from_secs(30));
    let mut asked = 0;
    let (client, _) = client(move |_| {
        asked += 1;
        success(&json!([{"id": 701, "status": "Completed", "is_download_generated": asked > 10}]))
    });
    let job = AwaitRun::new(RunnerId::new(701), history());
    // The patience ends first; the handle is stored and another process goes on.
    let Waited::Pending(job) = client.wait(job, pace, Duration::from_secs(120)).await.unwrap() else {
        panic!("too early");
    };
    let stored = serde_json::to_string(&job).unwrap();
    let job: AwaitRun = serde_json::from_str(&stored).unwrap();
    let run = client.wait(job, pace, hour).await.unwrap().done().unwrap();
    assert_eq!(run.id, Some(RunnerId::new(701)));
}

#[tokio::test(start_paused = true)]
async fn ingestion_is_polled_by_the_count_alone() {
    let mut total = 0;
    let (client, script) = client(move |_| {
        total += 2;
        success(&json!({"total_count": total, "asin_list": []}))
    });
    let job = AwaitIngested::new(CollectionId(101), 5);
    let waited = client.wait(job, Duration::from_secs(2), Duration::from_secs(60)).await.unwrap();
    assert_eq!((waited.done(), script.sent()), (Some(6), 3));
    let body: Value = serde_json::from_slice(script.seen()[0].body()).unwrap();
    assert_eq!(body, json!({"collection_id": 101, "limit": 1, "with_count": 1}));
}

#[tokio::test(start_paused = true)]
async fn a_postcode_is_waited_for_until_it_can_or_cannot_be_used() {
    for (states, end) in [
        (vec!["pending", "in-progress", "warming-up", "active"], "active"),
        (vec!["in-progress", "failed"], "failed"),
        (vec!["inactive"], "inactive"),
    ] {
        let count = states.len();
        let mut states = states.into_iter();
        let (client, script) = client(move |_| {
            success(
                &json!([{"id": 14, "zipcode": "1", "status": "active"}, {"id": 15, "zipcode": "4500", "status": states.next().unwrap()}]),
            )
        });
        let job = AwaitPostcode::new(DomainId(1), PostcodeId(15));
        let done = client.wait(job, Duration::from_secs(5), Duration::from_secs(90)).await.unwrap().done().unwrap();
        let (postcode, usable) = match done {
            Prepared::Active(postcode) => (postcode, true),
            Prepared::Unusable(postcode) => (postcode, false),
        };
        assert_eq!((postcode.status.unwrap().as_str(), usable, script.sent()), (end, end == "active", count));
    }
}

#[tokio::test(start_paused = true)]
async fn a_postcode_that_was_refused_counts_only_if_the_list_shows_it() {
    for shown in [true, false] {
        let (client, script) = client(move |request| match request.uri().path().ends_with("create-zipcode/") {
            true => Ok(response(200, r#"{"code":409,"data":"Zipcode already exists","status":0}"#)),
            false if shown => success(&json!([{"id": 15, "zipcode": "4500", "status": "active"}])),
            false => success(&json!([{"id": 16, "zipcode": "4501", "status": "active"}])),
        });
        let registered = postcodes::register(&client, DomainId(1), "4500").await;
        assert_eq!(
            registered.map(|row| row.id).map_err(|error| error.kind()),
            if shown { Ok(PostcodeId(15)) } else { Err(ErrorKind::Rejected) }
        );
        assert_eq!(script.sent(), 2);
    }
}
