//! Calls that are answered at once: reserve, intent, call, outcome and result.

use super::{
    pending,
    posting::{ready, short},
};
use crate::{
    AsinTask, Budget, Builder, Collected, GoogleProductsTask, Keyword, Kind, Language, Location, MemoryLedger, Mode,
    NewTask, Outcome, Posted, Priority, State, TaskResult, Tasks, WriteOff,
};
use core_http::{
    Request, TransportErrorKind,
    testing::{Script, response},
};
use futures_util::{StreamExt, stream};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

fn asin(number: usize) -> NewTask {
    let asin = format!("B{number:09}").parse().unwrap();
    NewTask::new(AsinTask::new(asin, Location::code(2840), Language::code("en_US")).priority(Priority::High))
}

fn case(budget: Decimal) -> (Arc<Script>, Budget, Tasks) {
    let (script, budget) = (Arc::new(Script::new()), Budget::new(budget));
    script.then(|_| Ok(ready()));
    let client = Builder::new("login", "password").transport(script.clone()).build().unwrap();
    let tasks = Tasks::new(client, Arc::new(MemoryLedger::new()), budget.clone());
    (script, budget, tasks.with(|settings| settings.mode = Some(Mode::Live)))
}

async fn posted(tasks: &Tasks, new: Vec<NewTask>) -> Vec<Posted> {
    tasks.post_all(stream::iter(new)).map(|outcome| outcome.posted).collect().await
}

fn done(request: &Request) -> core_http::Response {
    let posted: Value = serde_json::from_slice(request.body()).unwrap();
    let asin = posted[0]["asin"].clone();
    let task = json!({"id": format!("id-{asin}"), "status_code": 20000, "cost": 0.004, "data": posted[0],
        "result": [{"asin": asin, "type": "asin", "items": null}]});
    response(200, &json!({"status_code": 20000, "tasks": [task]}).to_string())
}

#[tokio::test(start_paused = true)]
async fn the_result_comes_with_the_outcome() {
    let (script, budget, tasks) = case(Decimal::ONE);
    script.always(|request| Ok(done(request)));
    let outcomes: Vec<Outcome> = tasks.post_all(stream::iter((0..3).map(asin))).collect().await;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert!(matches!(&outcome.posted, Posted::Created { cost, .. } if *cost == Decimal::new(4, 3)));
        let collected = outcome.result.as_ref().unwrap();
        let TaskResult::Asin(page) = &collected.result else { panic!("{collected:?}") };
        assert_eq!(page.asin, outcome.task.request().asin());
        assert_eq!(page.asin.unwrap().to_string(), format!("B{number:09}"));
        assert!(collected.entry.live && collected.entry.state.id().is_some());
        tasks.acknowledge(&collected.entry.tag).await.unwrap();
    }
    assert!(pending(&tasks).await.is_empty());
    assert_eq!((budget.spent(), budget.reserved()), (Decimal::new(12, 3), Decimal::ZERO));
    for request in &script.seen()[1..] {
        assert_eq!(request.uri().path(), "/v3/merchant/amazon/asin/live/advanced");
        let posted: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(posted.as_array().unwrap().len(), 1, "one task a call");
        assert!(posted[0].get("priority").is_none() && posted[0]["tag"].as_str().unwrap().starts_with("asin-"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_stays_unknown_and_keeps_its_budget() {
    let (script, budget, tasks) = case(Decimal::new(31, 4));
    script.fail(TransportErrorKind::Interrupted);
    assert_eq!(short(&posted(&tasks, vec![asin(1), asin(2)]).await), ["unknown", "over budget"]);
    tokio::time::sleep(Duration::from_secs(100_000)).await;
    let settlement = tasks.settle().await.unwrap();
    assert_eq!((settlement.unknown.len(), settlement.absent.len(), script.sent()), (1, 0, 2), "and no list is asked");
    assert_eq!(budget.reserved(), Decimal::new(3, 3));
    let tag = &settlement.unknown[0].tag;
    tasks.write_off(tag, WriteOff::Lost, "the line was cut").await.unwrap();
    tasks.write_off(tag, WriteOff::NotMade, "a second thought changes nothing").await.unwrap();
    assert_eq!((budget.reserved(), budget.spent()), (Decimal::ZERO, Decimal::new(3, 3)));
    let bill = tasks.bills().await.unwrap()[&None];
    assert_eq!((bill.tasks, bill.usd, bill.unknown), (0, Decimal::new(3, 3), 0));
    let kept = tasks.ledger.entry(tag).await.unwrap().unwrap().state;
    assert!(matches!(kept, State::WrittenOff { reason, .. } if reason == "the line was cut"));
}

#[tokio::test(start_paused = true)]
async fn every_end_of_a_live_call_has_its_outcome() {
    for (code, cost, expected, reserved) in [
        (40102, 0.003, "created", false),
        (40501, 0.0, "rejected", false),
        (40103, 0.0, "rejected", false),
        (40103, 0.003, "created", false),
        (50401, 0.0, "unknown", true),
        (50000, 0.0, "unknown", true),
    ] {
        let (script, budget, tasks) = case(Decimal::ONE);
        let task = json!({"id": "1", "status_code": code, "status_message": "words", "cost": cost, "result": null});
        let body = json!({"status_code": 20000, "tasks": [task]}).to_string();
        script.then(move |_| Ok(response(200, &body)));
        let outcomes: Vec<Outcome> = tasks.post_all(stream::iter([asin(1)])).collect().await;
        let posted: Vec<Posted> = outcomes.iter().map(|outcome| outcome.posted.clone()).collect();
        assert_eq!((short(&posted), script.sent()), (vec![expected], 2), "{code} for {cost}");
        assert_eq!(!budget.reserved().is_zero(), reserved, "{code} for {cost}");
        let result = outcomes[0].result.as_ref().map(|collected| &collected.result);
        match (code, expected) {
            (40102, _) => assert!(matches!(result, Some(TaskResult::Empty))),
            (_, "created") => assert!(matches!(result, Some(TaskResult::Failed(fault)) if fault.code == "40103")),
            _ => assert!(result.is_none()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_no_live_form_is_not_sent() {
    let (script, budget, tasks) = case(Decimal::ONE);
    let keyword = Keyword::new("lamp").unwrap();
    let search = GoogleProductsTask::new(keyword, Location::code(2840), Language::code("en"));
    let posted = posted(&tasks, vec![search.into()]).await;
    assert_eq!((short(&posted), script.sent()), (vec!["not sent"], 1));
    assert!(budget.reserved().is_zero() && tasks.unsettled().await.unwrap().is_empty());
    let live: Vec<bool> = Kind::ALL.iter().map(|kind| kind.has_live()).collect();
    assert_eq!(live, [true, true, true, false, false, false]);
}

#[tokio::test(start_paused = true)]
async fn the_mode_is_one_setting_or_the_tasks_own() {
    let (script, _, tasks) = case(Decimal::ONE);
    let tasks = tasks.with(|settings| settings.mode = Some(Mode::Standard));
    script.always(|request| Ok(super::posting::answers(request, |at, task| Some(super::posting::created(at, task)))));
    let new = vec![asin(1), asin(2).mode(Mode::Priority)];
    let prices: Vec<Decimal> = new.iter().map(|task| tasks.price(task)).collect();
    assert_eq!(prices, [Decimal::new(15, 4), Decimal::new(30, 4)]);
    assert_eq!(tasks.price(&asin(3).mode(Mode::Live)), Decimal::new(30, 4));
    tasks.post(new).await;
    let posted: Value = serde_json::from_slice(script.seen()[1].body()).unwrap();
    assert_eq!([&posted[0]["priority"], &posted[1]["priority"]], [&json!(1), &json!(2)]);
    let own = tasks.with(|settings| settings.mode = None);
    assert_eq!(own.price(&asin(4)), Decimal::new(30, 4), "by its own priority");
}

#[tokio::test(start_paused = true)]
async fn what_gives_no_results_sends_nothing_that_is_answered_at_once() {
    let (script, budget, tasks) = case(Decimal::ONE);
    script.always(|request| Ok(super::posting::answers(request, |at, task| Some(super::posting::created(at, task)))));
    let posted = tasks.post(vec![asin(1), asin(2).mode(Mode::Standard), asin(3)]).await;
    assert_eq!(short(&posted), ["not sent", "created", "not sent"]);
    assert!(matches!(&posted[0], Posted::NotSent { error } if error.to_string().contains("`post_all`")));
    assert_eq!((script.sent(), budget.reserved(), pending(&tasks).await.len()), (2, Decimal::ZERO, 1));
    let (script, budget, tasks) = case(Decimal::ONE);
    assert_eq!(short(&tasks.post(vec![asin(1)]).await), ["not sent"]);
    assert_eq!((script.sent(), budget.left()), (0, Some(Decimal::ONE)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_hand_is_given_though_it_has_no_id_or_the_ledger_fails() {
    for fails in [false, true] {
        let (script, _, mut tasks) = case(Decimal::ONE);
        if fails {
            tasks.ledger = super::posting::failing(false);
        }
        script.then(move |request| {
            let whole = String::from_utf8(done(request).body().to_vec()).unwrap();
            let mut answer: Value = serde_json::from_str(&whole).unwrap();
            if !fails {
                answer["tasks"][0]["id"] = Value::Null;
            }
            Ok(response(200, &answer.to_string()))
        });
        let outcomes: Vec<Outcome> = tasks.post_all(stream::iter([asin(1)])).collect().await;
        assert!(matches!(outcomes[0].posted, Posted::Unknown { .. }), "{outcomes:?}");
        let collected = outcomes[0].result.as_ref().unwrap();
        assert!(matches!(collected.result, TaskResult::Asin(_)), "{collected:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_stream_was_dropped_is_found_later() {
    for collects in [true, false] {
        let (script, _, tasks) = case(Decimal::ONE);
        script.delay(Duration::from_secs(5));
        script.always(|request| Ok(done(request)));
        let dropped = tokio::time::timeout(Duration::from_secs(7), posted(&tasks, vec![asin(1)])).await;
        assert!(dropped.is_err(), "dropped while the call was under way");
        tokio::time::sleep(Duration::from_secs(10)).await;
        let handles = pending(&tasks).await;
        let found: Vec<Collected> = if collects {
            tasks.collect(handles, Duration::from_secs(60)).map(|item| item.unwrap()).collect().await
        } else {
            tasks.take_answers()
        };
        assert!(
            matches!(&found[..], [one] if matches!(one.result, TaskResult::Asin(_)) && one.entry.live),
            "{found:?}"
        );
        assert_eq!((script.sent(), tasks.take_answers().len()), (2, 0), "the vendor is not asked for it");
    }
    let (script, _, tasks) = case(Decimal::ONE);
    script.always(|request| Ok(done(request)));
    let outcomes: Vec<Outcome> = tasks.post_all(stream::iter([asin(1)])).collect().await;
    assert!(outcomes[0].result.is_some() && tasks.take_answers().is_empty(), "who is given it has it");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_comes_with_its_text() {
    let (script, _, tasks) = case(Decimal::ONE);
    let task =
        json!({"id": "1", "status_code": 20000, "cost": 0.003, "result": [{"asin": {"not": "a text"}, "items": 7}]});
    let body = json!({"status_code": 20000, "tasks": [task]}).to_string();
    script.then(move |_| Ok(response(200, &body)));
    let outcomes: Vec<Outcome> = tasks.post_all(stream::iter([asin(1)])).collect().await;
    let result = outcomes[0].result.as_ref().map(|collected| &collected.result);
    assert!(
        matches!(result, Some(TaskResult::Unreadable { raw: Some(raw), .. }) if raw.contains("a text")),
        "{result:?}"
    );
}
