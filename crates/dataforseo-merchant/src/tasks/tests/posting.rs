//! Posting, one rule at a time. Rows of the fault matrix are named.

use super::{hooked::Hooked, pending, task};
use crate::{
    AsinTask, Budget, Builder, FileLedger, GoogleProduct, GoogleProductInfoTask, GoogleSellersTask, Language, Ledger,
    LedgerError, Location, MemoryLedger, NewTask, Posted, Tag, Tasks, WriteOff,
};
use core_http::{
    ErrorKind, Request, Response, TransportErrorKind,
    testing::{Script, response},
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// Even numbers: tasks of one kind.
pub fn asins(count: usize) -> Vec<NewTask> {
    (0..count).map(|number| task(number * 2)).collect()
}

pub fn ready() -> Response {
    let mut response = response(200, r#"{"status_code":20000,"tasks":[{"status_code":20000,"result":null}]}"#);
    let date = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    response.headers_mut().insert(http::header::DATE, date.parse().unwrap());
    response
}

/// Answers a POST with what `answer` makes of each task.
pub fn answers(request: &Request, answer: impl Fn(usize, Value) -> Option<Value>) -> Response {
    let posted: Vec<Value> = serde_json::from_slice(request.body()).unwrap();
    let tasks: Vec<Value> = posted.into_iter().enumerate().filter_map(|(at, task)| answer(at, task)).collect();
    response(200, &json!({"status_code": 20000, "tasks": tasks}).to_string())
}

pub fn created(at: usize, data: Value) -> Value {
    json!({"id": format!("id-{at}"), "status_code": 20100, "cost": 0.0015, "data": data, "result": null})
}

pub fn refused(code: u32, data: Value) -> Value {
    json!({"id": "none", "status_code": code, "status_message": "words", "cost": 0, "data": data})
}

struct Case {
    script: Arc<Script>,
    ledger: Arc<dyn Ledger>,
    budget: Budget,
    tasks: Tasks,
}

fn case_with(ledger: Arc<dyn Ledger>, budget: Budget) -> Case {
    let script = Arc::new(Script::new());
    script.then(|_| Ok(ready()));
    let client = Builder::new("login", "password").transport(script.clone()).build().unwrap();
    let tasks = Tasks::new(client, ledger.clone(), budget.clone());
    Case { script, ledger, budget, tasks }
}

fn case() -> Case {
    case_with(Arc::new(MemoryLedger::new()), Budget::unlimited())
}

pub fn short(posted: &[Posted]) -> Vec<&'static str> {
    let word = |posted: &Posted| match posted {
        Posted::Created { .. } => "created",
        Posted::Rejected { .. } => "rejected",
        Posted::Unknown { .. } => "unknown",
        Posted::OverBudget(_) => "over budget",
        Posted::NotSent { .. } => "not sent",
    };
    posted.iter().map(word).collect()
}

#[tokio::test(start_paused = true)]
async fn d2_calls_hold_at_most_100_tasks_of_one_kind() {
    let case = case();
    case.script.always(|request| Ok(answers(request, |at, task| Some(created(at, task)))));
    let posted = case.tasks.post((0..250).map(task).collect()).await;
    assert!(short(&posted).iter().all(|word| *word == "created"));
    let mut sizes: Vec<(bool, usize)> = Vec::new();
    for request in &case.script.seen()[1..] {
        let tasks: Vec<Value> = serde_json::from_slice(request.body()).unwrap();
        sizes.push((request.uri().path().contains("/sellers/"), tasks.len()));
    }
    sizes.sort_unstable();
    assert_eq!(sizes, [(false, 25), (false, 100), (true, 25), (true, 100)]);
    let pending = pending(&case.tasks).await;
    for (number, posted) in posted.iter().enumerate() {
        let Posted::Created { tag, .. } = posted else { panic!() };
        let entry = pending.iter().find(|entry| entry.tag == *tag).unwrap();
        assert_eq!(entry.label, format!("task-{number}"), "outcomes stand in the order of the tasks");
    }
}

#[tokio::test(start_paused = true)]
async fn d2_what_was_one_too_many_is_sent_again_under_a_new_tag() {
    let case = case();
    let too_many = |at, task| Some(if at < 3 { created(at, task) } else { refused(40006, task) });
    case.script.then(move |request| Ok(answers(request, too_many)));
    case.script.always(|request| Ok(answers(request, |at, task| Some(created(at + 10, task)))));
    assert_eq!(short(&case.tasks.post(asins(5)).await), ["created"; 5]);
    let second: Vec<Value> = serde_json::from_slice(case.script.seen()[2].body()).unwrap();
    let asins: Vec<&str> = second.iter().map(|task| task["asin"].as_str().unwrap()).collect();
    assert_eq!(asins, ["B000000006", "B000000008"]);
}

#[tokio::test(start_paused = true)]
async fn d3_a_mixed_batch_keeps_what_was_made_and_sends_nothing_twice() {
    let case = case();
    let mixed = |at: usize, task| Some(if at % 4 == 3 { refused(40501, task) } else { created(at, task) });
    case.script.then(move |request| Ok(answers(request, mixed)));
    let posted = case.tasks.post(asins(8)).await;
    assert_eq!(short(&posted[..4]), ["created", "created", "created", "rejected"]);
    assert!(matches!(&posted[7], Posted::Rejected { fault, .. } if fault.code == "40501" && fault.message == "words"));
    assert_eq!(case.script.sent(), 2);
    assert_eq!((case.budget.spent(), case.budget.reserved()), (Decimal::new(90, 4), Decimal::ZERO));
}

#[tokio::test(start_paused = true)]
async fn d4_answers_are_matched_by_tag_and_the_missing_are_unknown() {
    let case = case();
    case.script.then(|request| {
        let mut posted: Vec<Value> = serde_json::from_slice(request.body()).unwrap();
        posted.remove(1);
        posted.reverse();
        let mut tasks: Vec<Value> =
            posted.into_iter().map(|task| created(task["asin"].as_str().unwrap().len(), task)).collect();
        tasks.iter_mut().for_each(|task| task["id"] = task["data"]["asin"].clone());
        tasks.push(created(99, json!({"tag": "of another program"})));
        Ok(response(200, &json!({"status_code": 20000, "tasks": tasks}).to_string()))
    });
    let posted = case.tasks.post(asins(3)).await;
    assert_eq!(short(&posted), ["created", "unknown", "created"]);
    assert!(matches!(&posted[2], Posted::Created { id, .. } if id.as_str() == "B000000004"));
    assert_eq!(case.budget.reserved(), Decimal::new(15, 4), "what is unknown stays reserved");
}

#[tokio::test(start_paused = true)]
async fn d4_a_throttled_answer_that_does_not_name_every_task_is_not_sent_again() {
    let case = case();
    case.script.then(|request| Ok(answers(request, |at, task| (at > 0).then(|| refused(40202, task)))));
    case.script.always(|request| Ok(answers(request, |at, task| Some(created(at, task)))));
    assert_eq!(short(&case.tasks.post(asins(3)).await), ["unknown", "created", "created"]);
    let again: Vec<Value> = serde_json::from_slice(case.script.seen()[2].body()).unwrap();
    assert_eq!(again.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn d5_without_money_no_further_call_is_made_and_what_was_made_is_kept() {
    for per_task in [false, true] {
        let mut case = case();
        case.tasks = case.tasks.with(|settings| settings.calls = 1);
        case.script.then(|request| Ok(answers(request, |at, task| Some(created(at, task)))));
        case.script.then(move |request| {
            Ok(if per_task {
                answers(request, |at, task| Some(if at < 50 { created(at, task) } else { refused(40210, task) }))
            } else {
                response(402, r#"{"status_code":40200,"status_message":"words","tasks":null}"#)
            })
        });
        let posted = case.tasks.post(asins(300)).await;
        let made = if per_task { 150 } else { 100 };
        assert!(short(&posted[..made]).iter().all(|word| *word == "created"));
        assert!(short(&posted[made..]).iter().all(|word| matches!(*word, "rejected" | "not sent")));
        assert_eq!(case.script.sent(), 3);
        assert!(case.budget.reserved().is_zero());
        assert_eq!(pending(&case.tasks).await.len(), made);
    }
}

#[tokio::test(start_paused = true)]
async fn d6_refused_credentials_or_a_wrong_address_are_found_out_by_a_free_call() {
    for (status, body) in [
        (401, r#"{"status_code":40100,"status_message":"words","tasks":null}"#),
        (404, "<html>no such page</html>"),
        (200, "<html>please log in to this network</html>"),
    ] {
        let script = Arc::new(Script::new());
        script.answer(status, body);
        let client = Builder::new("login", "password").transport(script.clone()).build().unwrap();
        let tasks = Tasks::new(client, Arc::new(MemoryLedger::new()), Budget::unlimited());
        assert_eq!(short(&tasks.post(asins(3)).await), ["not sent"; 3]);
        assert_eq!(script.sent(), 1);
    }
}

/// Rows N7, N8, R3, R5, R6: nothing is sent again, and everything stays reserved.
#[tokio::test(start_paused = true)]
async fn what_has_no_readable_answer_is_sent_once() {
    for how in 0..8 {
        let case = case();
        case.script.then(move |_| match how {
            0 => Err(core_http::TransportError::new(TransportErrorKind::Interrupted, "cut")),
            1 => Err(core_http::TransportError::new(TransportErrorKind::Timeout, "silence")),
            2 => Ok(response(502, "<html>")),
            3 => Ok(response(200, "<html>captcha</html>")),
            4 => Ok(response(200, "")),
            5 => Ok(response(302, "")),
            6 => Ok(response(400, "<html>said by a proxy</html>")),
            _ => Ok(response(200, r#"{"status_code":50100,"status_message":"words","tasks":null}"#)),
        });
        let posted = case.tasks.post(asins(2)).await;
        assert_eq!((short(&posted), case.script.sent()), (vec!["unknown"; 2], 2), "{how}");
        assert_eq!(case.budget.reserved(), Decimal::new(30, 4));
        assert_eq!(case.tasks.unsettled().await.unwrap().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn after_two_unclear_calls_no_third_is_made() {
    let case = case();
    case.script.always(|_| Ok(response(502, "<html>")));
    let posted = case.tasks.post(asins(301)).await;
    assert_eq!(short(&posted[199..201]), ["unknown", "not sent"]);
    assert_eq!(case.script.sent(), 3);
}

#[tokio::test(start_paused = true)]
async fn d1_limits_are_waited_out() {
    let case = case();
    case.script.answer(200, r#"{"status_code":40202,"status_message":"words","tasks":null}"#);
    case.script.always(|request| Ok(answers(request, |at, task| Some(created(at, task)))));
    let start = tokio::time::Instant::now();
    assert_eq!(short(&case.tasks.post(asins(2)).await), ["created"; 2]);
    assert!(start.elapsed() >= Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_reserved_before_sending() {
    let case = case_with(Arc::new(MemoryLedger::new()), Budget::new(Decimal::new(30, 4)));
    case.script.then(|_| Ok(response(502, "<html>")));
    assert_eq!(short(&case.tasks.post(asins(3)).await), ["unknown", "unknown", "over budget"]);
    assert_eq!(short(&case.tasks.post(asins(1)).await), ["over budget"]);
    assert_eq!(case.script.sent(), 2);
    // A new process holds the same amount before it spends anything.
    let budget = Budget::new(Decimal::new(40, 4));
    let next = case_with(case.ledger.clone(), budget.clone());
    assert_eq!(short(&next.tasks.post(asins(1)).await), ["over budget"]);
    assert_eq!(budget.left(), Some(Decimal::new(10, 4)));
    // Unless a person decides otherwise.
    let unsettled = next.tasks.unsettled().await.unwrap();
    let soon = next.tasks.write_off(&unsettled[0].tag, WriteOff::NotMade, "looked").await.unwrap_err();
    assert!(soon.to_string().contains("write it off in "), "the list lags: {soon}");
    next.tasks.write_off(&unsettled[0].tag, WriteOff::Lost, "looked").await.unwrap();
    next.tasks.write_off(&unsettled[0].tag, WriteOff::NotMade, "looked").await.unwrap();
    assert_eq!((budget.left(), budget.spent()), (Some(Decimal::new(10, 4)), Decimal::new(15, 4)));
}

#[tokio::test(start_paused = true)]
async fn what_says_too_little_is_neither_sent_nor_written_down_and_the_rest_of_its_call_is() {
    let case = case_with(Arc::new(MemoryLedger::new()), Budget::new(Decimal::ONE));
    case.script.always(|request| Ok(answers(request, |at, task| Some(created(at, task)))));
    let (place, language) = (|| Location::code(2840), || Language::code("en"));
    let info = |product| NewTask::new(GoogleProductInfoTask::new(product, place(), language()));
    let asin = |place, language| NewTask::new(AsinTask::new("B0EXAMPLE1".parse().unwrap(), place, language));
    let cases = [
        (info(GoogleProduct::product_id("")), "`product_id` must not be empty"),
        (info(GoogleProduct::gid("1").and(GoogleProduct::data_docid(" "))), "`data_docid` must not be empty"),
        (NewTask::new(GoogleSellersTask::new(GoogleProduct::gid(""), place(), language())), "`gid` must not be empty"),
        (asin(Location::code(0), language()), "`location_code` must be above 0"),
        (asin(place(), Language::code("")), "`language_code` must not be empty"),
    ];
    for (refused, rule) in cases {
        let good = asin(place(), language());
        let posted = case.tasks.post(vec![refused, good]).await;
        let Posted::NotSent { error } = &posted[0] else { panic!("{posted:?}") };
        assert_eq!((error.kind(), error.to_string().contains(rule)), (ErrorKind::Request, true), "{error}");
        assert_eq!(short(&posted[1..]), ["created"]);
    }
    assert_eq!(case.ledger.counts().await.unwrap().values().sum::<u64>(), 5, "of the good ones");
    assert!(case.budget.reserved().is_zero());
}

#[tokio::test(start_paused = true)]
async fn intents_are_on_the_disk_before_the_bytes_leave_with_the_callers_tag() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Arc::new(FileLedger::open(dir.path(), "https://api.dataforseo.com", "login").unwrap());
    let path = ledger.path().to_owned();
    let case = case_with(ledger, Budget::unlimited());
    case.script.then(move |request| {
        let written = std::fs::read_to_string(&path).unwrap();
        Ok(answers(request, |at, task| {
            let (ours, own) = task["tag"].as_str().unwrap().split_once(':').unwrap();
            assert!(written.contains(ours), "the tag is on the disk");
            assert_eq!(own, format!("task-{}", at * 2));
            Some(created(at, task))
        }))
    });
    assert_eq!(short(&case.tasks.post(asins(2)).await), ["created"; 2]);
    let pending = pending(&case.tasks).await;
    assert_eq!(pending[0].request.tag(), Some(&Tag::new("task-0").unwrap()));
}

/// Row K7: the caller is gone, the answer still ends in the ledger.
#[tokio::test(start_paused = true)]
async fn k7_a_dropped_call_ends_in_the_ledger() {
    let case = case();
    case.script.delay(Duration::from_secs(5));
    case.script.always(|request| Ok(answers(request, |at, task| Some(created(at, task)))));
    let posting = tokio::time::timeout(Duration::from_secs(7), case.tasks.post(asins(150)));
    assert!(posting.await.is_err(), "dropped while the first call was under way");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(pending(&case.tasks).await.len(), 100);
    assert_eq!(case.script.sent(), 2, "what had not been sent is not sent");
}

/// A ledger that cannot write what became of tasks, or nothing at all.
pub fn failing(intents_too: bool) -> Arc<dyn Ledger> {
    let fails = |fails: bool| if fails { Err(LedgerError::new("disk full")) } else { Ok(()) };
    Arc::new(Hooked::new().intending(move |_, _| fails(intents_too)).recording(move |_, _| fails(true)))
}

#[tokio::test(start_paused = true)]
async fn k3_what_cannot_be_written_down_is_not_sent() {
    let case = case_with(failing(true), Budget::unlimited());
    assert_eq!(short(&case.tasks.post(asins(2)).await), ["not sent"; 2]);
    assert_eq!((case.script.sent(), case.budget.reserved()), (1, Decimal::ZERO));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_cannot_be_written_down_is_unknown() {
    let case = case_with(failing(false), Budget::unlimited());
    case.script.then(|request| Ok(answers(request, |at, task| Some(created(at, task)))));
    let posted = case.tasks.post(asins(2)).await;
    assert_eq!(short(&posted), ["unknown"; 2]);
    assert!(matches!(&posted[0], Posted::Unknown { error, .. } if error.may_have_been_applied()), "{posted:?}");
    assert_eq!(case.budget.reserved(), Decimal::new(30, 4));
    assert_eq!(case.tasks.unsettled().await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn bills_are_told_by_the_callers_tag() {
    let case = case();
    let some = |at: usize, task| Some(if at == 1 { refused(40501, task) } else { created(at, task) });
    case.script.then(move |request| Ok(answers(request, some)));
    case.script.then(|_| Ok(response(502, "<html>")));
    let tagged = |count: usize| (0..count).map(|number| task(number * 2)).collect::<Vec<_>>();
    assert_eq!(short(&case.tasks.post(tagged(3)).await), ["created", "rejected", "created"]);
    assert_eq!(short(&case.tasks.post(tagged(1)).await), ["unknown"]);
    let bills = case.tasks.bills().await.unwrap();
    let of = |tag: &str| bills[&Some(Tag::new(tag).unwrap())];
    let (first, second, third) = (of("task-0"), of("task-2"), of("task-4"));
    assert_eq!(
        (first.tasks, first.usd, first.unknown, first.usd_unknown),
        (1, Decimal::new(15, 4), 1, Decimal::new(15, 4))
    );
    assert_eq!((second.tasks, second.usd, second.unknown), (0, Decimal::ZERO, 0));
    assert_eq!((third.tasks, third.usd), (1, Decimal::new(15, 4)));
}
