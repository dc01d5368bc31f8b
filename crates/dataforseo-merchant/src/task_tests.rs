use super::*;
use crate::{AsinResult, SellersResult, Voucher};
use core_http::ErrorKind;
use serde_json::json;

fn tasks<R: serde::de::DeserializeOwned>(answer: &Value) -> Vec<Task<R>> {
    core_http::json(answer.to_string().as_bytes()).unwrap()
}

#[test]
fn a_result_that_does_not_fit_is_an_error_of_its_task_alone() {
    let page = |items: Value| json!({"asin": "B0EXAMPLE1", "type": "asin", "items": items});
    let task = |id: &str, result: Value| json!({"id": id, "status_code": 20000, "cost": 0.0015, "result": result});
    let answer = json!([
        task("1", json!([page(json!([{"type": "amazon_product_info", "title": "A"}]))])),
        task("2", json!([null, page(json!("many")), page(json!(null))])),
        task("3", json!("gone")),
        task("4", json!({"items": 7})),
        task("5", json!([7])),
        task("6", Value::Null),
        task("7", page(json!([]))),
    ]);
    let tasks = tasks::<AsinResult>(&answer);
    let count = |index: usize| tasks[index].result.as_ref().map(Vec::len);
    assert_eq!((tasks[0].outcome(), count(0)), (TaskOutcome::Done, Some(1)));
    let unreadable = |index: usize| match tasks[index].outcome() {
        TaskOutcome::Unreadable(fault) => (fault.kind, tasks[index].misfits[0].path.clone(), fault.message),
        other => panic!("{index}: {other:?}"),
    };
    let (kind, path, message) = unreadable(1);
    assert_eq!((kind, path.as_str(), count(1)), (ErrorKind::Decode, "result[1].items", Some(1)));
    assert!(message.contains("at `result[1].items`: "), "{message}");
    assert_eq!(
        serde_json::from_str::<Value>(&tasks[1].misfits[0].raw).unwrap(),
        page(json!("many")),
        "nothing is lost"
    );
    assert_eq!(tasks[1].cost, Some("0.0015".parse().unwrap()));
    assert_eq!((unreadable(2).1.as_str(), count(2)), ("result", None));
    assert_eq!((unreadable(3).1.as_str(), count(3)), ("result.items", None));
    assert_eq!(unreadable(4).1, "result[0]");
    assert_eq!((tasks[5].outcome(), count(5)), (TaskOutcome::Done, None));
    assert_eq!((tasks[6].outcome(), count(6)), (TaskOutcome::Done, Some(1)));
}

#[test]
fn one_odd_item_spoils_neither_its_page_nor_its_neighbours() {
    let items = json!([
        {"type": "amazon_seller_item", "price": 7},
        {"type": "amazon_seller_item", "seller_name": "A", "price": {"current": "12.50"}},
        {"type": "an_item_of_tomorrow", "x": 1},
        null,
    ]);
    let answer = json!([{"id": "1", "status_code": 20000, "result": [{"items": items, "items_count": 3.0}]}]);
    let task = tasks::<SellersResult>(&answer).remove(0);
    assert_eq!(task.outcome(), TaskOutcome::Done);
    let page = &task.result.as_ref().unwrap()[0];
    assert_eq!((page.items.len(), page.items_count), (3, Some(3)));
    let prices: Vec<_> = page.offers().map(|offer| offer.price).collect();
    assert_eq!(prices, [Some("12.50".parse().unwrap())]);
}

#[test]
fn the_answer_of_seed_000_decodes() {
    let answer = r#"[{"id": "04171455-0696-0192-0000-4c69cc29b945", "status_code": 20100,
        "status_message": "Task Created.", "time": "0.0178 sec.", "cost": 0.003, "result_count": 0,
        "path": ["v3", "merchant", "amazon", "asin", "task_post"],
        "data": {"api": "merchant", "function": "asin", "se": "amazon", "language_code": "en_US",
            "location_code": 2840, "asin": "B0756FCPPN", "priority": 2, "se_type": "shopping",
            "device": "desktop", "os": "windows"},
        "result": null}]"#;
    let body = format!(
        r#"{{"version": "0.1.20200416", "status_code": 20000, "status_message": "Ok.", "time": "0.0998 sec.",
        "cost": 0.003, "tasks_count": 1, "tasks_error": 0, "tasks": {answer}}}"#
    );
    let seen = core_http::inspect::<crate::DataForSeo, Vec<Task<Value>>>(body.as_bytes()).unwrap();
    assert_eq!(seen.drift, []);
    let mut expected: Value = serde_json::from_str(answer).unwrap();
    expected[0].as_object_mut().unwrap().remove("result");
    assert_eq!(seen.value, expected, "all but the null is kept");
    let task = core_http::json::<Vec<Task<Value>>>(answer.as_bytes()).unwrap().remove(0);
    assert_eq!((task.outcome(), task.is_billed(), task.result), (TaskOutcome::Created, true, None));
}

/// Row C7 of the fault matrix: what the vendor and its clients are known to disagree about.
#[test]
fn c7_a_field_in_another_form_is_read_or_left_out() {
    for (sent, read) in [
        (json!("10"), Some("10")),
        (json!(10), Some("10")),
        (json!(10.5), Some("10.5")),
        (json!(null), None),
        (json!(""), None),
        (json!({}), None),
        (json!("a tenth"), None),
    ] {
        let item = json!({"type": "amazon_product_info", "percentage_discount": sent, "title": "A"});
        let answer = json!([{"status_code": 20000, "result": [{"items": [item]}]}]);
        let task = tasks::<AsinResult>(&answer).remove(0);
        let page = &task.result.unwrap()[0];
        let [crate::AsinItem::ProductInfo(info)] = &page.items[..] else { panic!("{sent}: {:?}", page.items) };
        assert_eq!(info.percentage_discount, read.map(|text| text.parse().unwrap()), "{sent}");
        assert_eq!(info.title.as_deref(), Some("A"));
    }
    let whole = json!([{"status_code": 20000.0, "result_count": "1", "result": [{"location_code": 2840.0, "items_count": "1"}]}]);
    let task = tasks::<AsinResult>(&whole).remove(0);
    assert_eq!((task.outcome(), task.result_count), (TaskOutcome::Done, Some(1)));
    assert_eq!(
        (task.result.as_ref().unwrap()[0].location_code, task.result.unwrap()[0].items_count),
        (Some(2840), Some(1))
    );
    for nothing in [json!({}), json!({"applicable_vouchers": null}), json!({"applicable_vouchers": []})] {
        let mut item = nothing.clone();
        item["type"] = json!("amazon_product_info");
        let answer = json!([{"status_code": 20000, "result": [{"items": [item]}]}]);
        let page = tasks::<AsinResult>(&answer).remove(0).result.unwrap().remove(0);
        let [crate::AsinItem::ProductInfo(info)] = &page.items[..] else { panic!("{nothing}") };
        assert_eq!(info.applicable_vouchers, Vec::<Voucher>::new());
    }
}

#[test]
fn points_in_time_keep_their_text() {
    let answer = json!([{"status_code": 20000, "result": [
        {"datetime": "2026-07-20 09:37:13 +00:00"}, {"datetime": "20 July"}, {"datetime": 5}, {"datetime": null},
    ]}]);
    let task = tasks::<AsinResult>(&answer).remove(0);
    let times: Vec<_> = task.result.unwrap().into_iter().map(|page| page.datetime).collect();
    assert_eq!(times[0].as_ref().unwrap().timestamp(), Some("2026-07-20T09:37:13Z".parse().unwrap()));
    assert_eq!((times[1].as_ref().unwrap().timestamp(), times[1].as_ref().unwrap().as_str()), (None, "20 July"));
    assert_eq!((times[2].as_ref().unwrap().as_str(), &times[3]), ("5", &None));
}

#[test]
fn renamed_fields_are_read_under_either_name() {
    for name in ["asin", "product_id"] {
        let answer =
            json!([{"status_code": 20000, "result": [{name: "B0EXAMPLE1", "items": [{"page": 1, "html": "<html>"}]}]}]);
        let page = tasks::<crate::AsinHtml>(&answer).remove(0).result.unwrap().remove(0);
        assert_eq!(page.asin, Some("B0EXAMPLE1".parse().unwrap()), "{name}");
        assert_eq!(page.items[0].html.as_deref(), Some("<html>"));
    }
    for (newer, older, read) in [
        (json!("B0EXAMPLE1"), json!("B0EXAMPLE2"), Some("B0EXAMPLE1")),
        (Value::Null, json!("B0EXAMPLE2"), Some("B0EXAMPLE2")),
        (json!("none"), json!("B0EXAMPLE2"), Some("B0EXAMPLE2")),
        (Value::Null, Value::Null, None),
    ] {
        let answer = json!([{"status_code": 20000, "result": [{"product_id": older, "asin": newer}]}]);
        let page = tasks::<crate::AsinHtml>(&answer).remove(0).result.unwrap().remove(0);
        assert_eq!(page.asin.map(|asin| asin.to_string()).as_deref(), read, "under both names: {newer}, {older}");
    }
}

/// Row C7 of the fault matrix: what is odd in one place leaves the rest as it is.
#[test]
fn c7_an_odd_field_costs_at_most_its_own_result() {
    let offer = |field: &str| format!(r#"{{"type":"amazon_seller_item","seller_name":"A",{field}}}"#);
    let plain = offer(r#""condition":"New""#);
    let read = |field: &str| {
        let odd = format!(r#"{{"id":"1","status_code":20000,"result":[{{"items":[{},{plain}]}}]}}"#, offer(field));
        let answer = format!(r#"[{odd},{{"id":"2","status_code":20000,"result":[{{"items":[{plain}]}}]}}]"#);
        let mut tasks = core_http::json::<Vec<Task<SellersResult>>>(answer.as_bytes()).unwrap();
        let other = tasks.pop().unwrap();
        assert_eq!((other.outcome(), other.result.unwrap()[0].offers().count()), (TaskOutcome::Done, 1), "{field}");
        tasks.remove(0)
    };
    for fits in [
        r#""unheard_of":{"a":[1]}"#,
        r#""condition":"Slightly moist""#,
        r#""applicable_vouchers":null"#,
        r#""rank_group":"3""#,
        r#""rank_group":3.0"#,
        r#""rank_group":123456789012345678901234567890"#,
        r#""rank_group":[3]"#,
    ] {
        let task = read(fits);
        assert_eq!((task.outcome(), task.result.unwrap()[0].offers().count()), (TaskOutcome::Done, 2), "{fits}");
    }
    // Two values for one field: which of them holds is not known, so the item is kept raw.
    let twice = read(r#""condition":"New","condition":"Used""#).result.unwrap().remove(0);
    assert!(matches!(&twice.items[..], [crate::SellersItem::Unknown(_), crate::SellersItem::Offer(_)]));
    // What is no JSON value of Rust's: the result is kept as text, and the place is named.
    for unfit in [r#""rank_group":1e999"#, r#""condition":"\ud800""#] {
        let task = read(unfit);
        let TaskOutcome::Unreadable(fault) = task.outcome() else { panic!("{unfit}: {:?}", task.outcome()) };
        assert!(fault.message.contains("at `result[0].items"), "{unfit}: {}", fault.message);
        assert!(task.misfits[0].raw.contains(unfit));
    }
}

/// Row C7 of the fault matrix.
#[test]
fn c7_marks_before_an_answer_are_passed_over_and_damaged_text_is_an_error() {
    let answer = b"\xEF\xBB\xBF[{\"id\":\"1\",\"status_code\":20000,\"result\":[{\"title\":\"A\"}]}]";
    let task = core_http::json::<Vec<Task<SellersResult>>>(answer).unwrap().remove(0);
    assert_eq!(task.result.unwrap()[0].title.as_deref(), Some("A"));
    let damaged = b"[{\"id\":\"1\",\"status_code\":20000,\"result\":[{\"title\":\"\xff\"}]}]";
    let error = core_http::json::<Vec<Task<SellersResult>>>(damaged).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "a free read, which can be asked for again");
}

/// Row D2 of the fault matrix, the part that an answer says.
#[tokio::test(start_paused = true)]
async fn d2_only_what_is_over_the_hundredth_task_is_refused() {
    let task = |number: usize| {
        let code = if number < 100 { 20100 } else { 40006 };
        json!({"id": number.to_string(), "status_code": code, "status_message": "words", "cost": if number < 100 { 0.0015 } else { 0.0 }})
    };
    let tasks: Vec<Value> = (0..101).map(task).collect();
    let body = json!({"status_code": 20000, "cost": 0.15, "tasks_error": 1, "tasks": tasks}).to_string();
    let script = std::sync::Arc::new(core_http::testing::Script::new());
    script.then(move |_| Ok(core_http::testing::response(200, &body)));
    let client = crate::Builder::new("login", "password").transport(script).build().unwrap();
    let ask = crate::AsinTask::new(
        "B0EXAMPLE1".parse().unwrap(),
        crate::Location::code(2840),
        crate::Language::code("en_US"),
    );
    let made = client.call(crate::AsinTaskPost::new(vec![ask; 101])).await.unwrap();
    assert!(made[..100].iter().all(|task| task.outcome() == TaskOutcome::Created));
    let TaskOutcome::Refused(fault) = made[100].outcome() else { panic!("{:?}", made[100]) };
    assert_eq!((fault.code.as_str(), fault.kind), ("40006", ErrorKind::Rejected));
}

/// Row D16 of the fault matrix: the product is gone.
#[tokio::test(start_paused = true)]
async fn d16_a_finished_task_without_a_result_is_a_value() {
    for result in [json!(null), json!([]), json!([null])] {
        let body =
            json!({"status_code": 20000, "tasks": [{"id": "1", "status_code": 20000, "result": result}]}).to_string();
        let script = std::sync::Arc::new(core_http::testing::Script::new());
        script.then(move |_| Ok(core_http::testing::response(200, &body)));
        let client = crate::Builder::new("login", "password").transport(script).build().unwrap();
        let task = client.call(crate::AsinTaskGet::new(crate::TaskId::new("1"))).await.unwrap();
        assert_eq!((task.outcome(), task.result.unwrap_or_default().len()), (TaskOutcome::Done, 0));
    }
}

#[test]
fn a_live_answer_that_was_charged_is_given_whatever_it_says() {
    let task =
        |code: i64, cost: f64| tasks::<Value>(&json!([{"id": "1", "status_code": code, "cost": cost, "result": null}]));
    let refused = live(&(), task(50000, 0.0)).unwrap_err();
    assert!(refused.may_have_been_applied(), "their 5xxxx may come after the work");
    let charged = live(&(), task(50000, 0.003)).unwrap();
    assert!(charged.is_billed() && matches!(charged.outcome(), TaskOutcome::Refused(_)));
    assert_eq!(live(&(), task(40202, 0.0)).unwrap_err().kind(), ErrorKind::Throttled);
    assert_eq!(live(&(), task(40102, 0.003)).unwrap().outcome(), TaskOutcome::Empty);
    assert_eq!(live(&(), Vec::<Task<Value>>::new()).unwrap_err().kind(), ErrorKind::Decode);
}
