//! Any number of ASINs into a collection: what the list shows is what counts.

use crate::{asin, client};
use core_http::{
    Asin, ErrorKind, Request, Response, TransportError, TransportErrorKind,
    testing::{Script, response},
};
use futures_util::stream;
use multicart::{
    CollectionId, McClient,
    enrol::{self, Item, Outcome, Place, Way},
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the service answers what enrols.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    /// Takes the rows and loses its answer.
    LosesItsAnswer,
    /// Loses the request.
    LosesTheRequest,
    /// Says that the collection is not there.
    Refuses,
    /// Shows what it has taken only when the list was asked so many times more.
    TakesTime(usize),
}

#[derive(Default)]
struct State {
    shown: Vec<(String, String, String)>,
    taken: Vec<(String, String, String)>,
    lists: usize,
}

fn success(data: &Value) -> Result<Response, TransportError> {
    Ok(response(200, &json!({"code": 200, "data": data, "status": 1}).to_string()))
}

/// A service of one collection that refuses duplicates.
fn service(held: usize, mood: Mood) -> (McClient, Arc<Script>) {
    let shown = (0..held).map(|number| (format!("B1{number:08}"), "amazon.com.au".into(), "4500".into())).collect();
    let state = State { shown, ..State::default() };
    let state = Mutex::new(state);
    client(move |request| {
        let mut state = state.lock().unwrap();
        let state = &mut *state;
        match request.uri().path().strip_prefix("/api/v1/schedules/amazon/asin/").unwrap() {
            "list/" => list(state, request, mood),
            "create/multiple/" => {
                let body: Value = serde_json::from_slice(request.body()).unwrap();
                let text = |name: &str| body[name].as_str().unwrap().to_owned();
                let rows: Vec<_> = text("asins")
                    .split(',')
                    .map(|asin| (asin.to_owned(), text("domain"), text("customer_postcode")))
                    .collect();
                take(state, rows, mood)
            }
            "create/bulk/" => {
                let body = String::from_utf8(request.body().to_vec()).unwrap();
                let (_, file) = body.split_once("domain,customer_postcode,asin,include_raw_html\n").unwrap();
                let (file, _) = file.split_once("\r\n--").unwrap();
                let rows: Vec<_> = file
                    .lines()
                    .map(|line| line.split(',').collect::<Vec<_>>())
                    .map(|cells| (cells[2].to_owned(), cells[0].to_owned(), cells[1].to_owned()))
                    .collect();
                assert!(rows.len() <= 5000);
                take(state, rows, mood)
            }
            other => panic!("{other}"),
        }
    })
}

fn list(state: &mut State, request: &Request, mood: Mood) -> Result<Response, TransportError> {
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    if let Mood::TakesTime(lists) = mood
        && !state.taken.is_empty()
    {
        state.lists += 1;
        if state.lists > lists {
            state.shown.append(&mut state.taken);
        }
    }
    let skip = body["skip"].as_u64().unwrap_or(0) as usize;
    let limit = body["limit"].as_u64().unwrap_or(100) as usize;
    let row = |(number, (asin, domain, postcode)): (usize, &(String, String, String))| json!({"id": number + 1, "asin": asin, "domain": {"id": 1, "domain": domain}, "customer_postcode": {"id": 15, "zipcode": postcode}});
    let rows: Vec<Value> = state.shown.iter().enumerate().skip(skip).take(limit).map(row).collect();
    match body.get("with_count") {
        Some(_) => success(&json!({"total_count": state.shown.len(), "asin_list": rows})),
        None => success(&json!(rows)),
    }
}

fn take(state: &mut State, rows: Vec<(String, String, String)>, mood: Mood) -> Result<Response, TransportError> {
    match mood {
        Mood::LosesTheRequest => return Err(TransportError::new(TransportErrorKind::Interrupted, "scripted")),
        Mood::Refuses => return Ok(response(200, r#"{"code":404,"data":"Collection not found","status":0}"#)),
        _ => {}
    }
    let (mut errors, mut count) = (Vec::new(), 0);
    for row in rows {
        if row.2 == "0000" {
            errors.push(json!({"asin": row.0, "error": "Zipcode not found"}));
        } else if state.shown.contains(&row) {
            errors.push(json!({"asin": row.0, "error": "Duplicate entry"}));
        } else {
            count += 1;
            if matches!(mood, Mood::TakesTime(_)) { state.taken.push(row) } else { state.shown.push(row) }
        }
    }
    if mood == Mood::LosesItsAnswer {
        return Err(TransportError::new(TransportErrorKind::Timeout, "scripted"));
    }
    success(&json!({"success_count": count, "error_rows": errors}))
}

fn here() -> Place {
    Place::new("amazon.com.au", "4500")
}

fn many(from: usize, count: usize) -> impl Iterator<Item = Asin> {
    (from..from + count).map(|number| asin(&format!("B1{number:08}")))
}

fn items(from: usize, count: usize) -> stream::Iter<std::vec::IntoIter<Item>> {
    stream::iter(many(from, count).map(|asin| here().watch(asin)).collect::<Vec<_>>())
}

async fn enrolled(client: &McClient, wanted: stream::Iter<std::vec::IntoIter<Item>>, way: Way) -> Vec<(Item, Outcome)> {
    enrol::plan(client, CollectionId(101), wanted).await.unwrap().send(client, way).await.unwrap()
}

fn sent(script: &Script, path: &str) -> usize {
    script.seen().iter().filter(|request| request.uri().path().ends_with(path)).count()
}

#[tokio::test(start_paused = true)]
async fn each_asin_has_its_outcome() {
    for way in [Way::Csv, Way::Batches(2)] {
        let (client, script) = service(1, Mood::Well);
        let unknown = Place::new("amazon.com.au", "0000");
        let mut wanted: Vec<Item> = many(0, 3).map(|asin| here().watch(asin)).collect();
        wanted.push(here().watch(asin("B100000001")).with_raw_html());
        wanted.push(unknown.watch(asin("B0DJQQ38TG")));
        let outcomes = enrolled(&client, stream::iter(wanted), way).await;
        let said: Vec<_> =
            outcomes.iter().map(|(item, outcome)| (item.asin.as_str(), format!("{outcome:?}"))).collect();
        let mut expected = vec![
            ("B100000000", "AlreadyThere".to_owned()),
            ("B100000001", "Added".to_owned()),
            ("B100000002", "Added".to_owned()),
            ("B0DJQQ38TG", r#"Refused("Zipcode not found")"#.to_owned()),
        ];
        if way != Way::Csv {
            // Batches go place by place.
            expected.rotate_right(1);
            expected.swap(0, 1);
        }
        assert_eq!(said, expected, "{way:?}");
        assert_eq!(
            sent(&script, "create/bulk/") + sent(&script, "create/multiple/"),
            if way == Way::Csv { 1 } else { 2 }
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_there_already_costs_no_write() {
    let (client, script) = service(3, Mood::Well);
    let outcomes = enrolled(&client, items(0, 3), Way::Csv).await;
    assert!(outcomes.iter().all(|(_, outcome)| matches!(outcome, Outcome::AlreadyThere)));
    assert_eq!(sent(&script, "create/bulk/"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_collection_is_said_with_its_numbers_before_anything_is_sent() {
    let (client, script) = service(10, Mood::Well);
    let plan = enrol::plan(&client, CollectionId(101), items(0, 5001)).await.unwrap();
    assert_eq!((plan.holds(), plan.present().len(), plan.missing().len()), (10, 10, 4991));
    let full = plan.room().unwrap_err();
    assert_eq!((full.holds, full.missing), (10, 4991));
    let error = plan.send(&client, Way::Csv).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(!error.may_have_been_applied());
    let said = "the collection holds 10, 4991 more would pass MultiCart's limit of 5000; nothing was enrolled";
    assert!(error.to_string().contains(said), "{error}");
    assert_eq!(sent(&script, "create/bulk/"), 0);

    let plan = enrol::plan(&client, CollectionId(101), items(0, 5000)).await.unwrap();
    let outcomes = plan.send(&client, Way::Csv).await.unwrap();
    let added = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Added)).count();
    assert_eq!((outcomes.len(), added, sent(&script, "create/bulk/")), (5000, 4990, 1));
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_answer_the_list_decides() {
    for way in [Way::Csv, Way::Batches(500)] {
        let (client, _) = service(1, Mood::LosesItsAnswer);
        let outcomes = enrolled(&client, items(1, 2), way).await;
        assert!(outcomes.iter().all(|(_, outcome)| matches!(outcome, Outcome::Added)), "{outcomes:?}");

        let (client, _) = service(1, Mood::LosesTheRequest);
        let outcomes = enrolled(&client, items(1, 2), way).await;
        assert!(outcomes.iter().all(|(_, outcome)| matches!(outcome, Outcome::Unknown(_))), "{outcomes:?}");

        let (client, _) = service(1, Mood::Refuses);
        let outcomes = enrolled(&client, items(1, 2), way).await;
        let is_missing =
            |outcome: &Outcome| matches!(outcome, Outcome::Failed(error) if error.kind() == ErrorKind::NotFound);
        assert!(outcomes.iter().all(|(_, outcome)| is_missing(outcome)), "{outcomes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_in_over_time_is_waited_for() {
    let (client, _) = service(1, Mood::TakesTime(3));
    let plan = enrol::plan(&client, CollectionId(101), items(1, 2)).await.unwrap();
    let outcomes = plan.patience(Duration::from_secs(60)).send(&client, Way::Csv).await.unwrap();
    assert!(outcomes.iter().all(|(_, outcome)| matches!(outcome, Outcome::Added)), "{outcomes:?}");

    let (client, _) = service(1, Mood::TakesTime(1000));
    let plan = enrol::plan(&client, CollectionId(101), items(1, 2)).await.unwrap();
    let outcomes = plan.patience(Duration::from_secs(60)).send(&client, Way::Csv).await.unwrap();
    assert!(outcomes.iter().all(|(_, outcome)| matches!(outcome, Outcome::NotShownYet)), "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_csv_cell_cannot_break_out_of_its_place() {
    let (client, script) = client(|request| match request.uri().path().ends_with("list/") {
        true => success(&json!([])),
        false => success(&json!({"success_count": 1, "error_rows": []})),
    });
    let odd = Place::new("amazon.com.au", "45,\"00\n1");
    enrolled(&client, stream::iter(vec![odd.watch(asin("B0DJQQ38TG")).with_raw_html()]), Way::Csv).await;
    let body = script.seen().iter().map(|request| request.body().clone()).find(|body| body.starts_with(b"--"));
    let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
    assert!(body.contains("amazon.com.au,\"45,\"\"00\n1\",B0DJQQ38TG,true\n"), "{body}");
}
