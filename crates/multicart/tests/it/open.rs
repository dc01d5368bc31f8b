//! What the documentation leaves open stays open, and secrets stay hidden.

use crate::client;
use core_http::{
    ErrorKind, Operation, RetryPolicy, Safety,
    testing::{Script, response},
};
use multicart::{
    Builder, Category, CollectionId, Content, CreateCollection, Day, FetchMode, Fields, GetCategory, GetCredits,
    GetFile, Hour, Key, Login, Minutes, Priority, Raw, RequestType, RunnerId, Schedule, ScheduleTime, ScrapeCategory,
    UpdateCollection, inspect,
};
use serde_json::{Value, json};
use std::sync::Arc;

fn sent(operation: &impl Operation) -> (String, Value) {
    let request = operation.request().unwrap();
    let body = if request.body().is_empty() { Value::Null } else { serde_json::from_slice(request.body()).unwrap() };
    (format!("{} {}", request.method(), request.uri()), body)
}

#[test]
fn a_collection_is_made_with_times_as_the_service_writes_them() {
    let time = ScheduleTime::new()
        .minutes_frequency(Minutes(30))
        .days_of_week([Day::Monday, Day::Friday])
        .hours([Hour::new(8, 0).unwrap(), Hour::from_utc(20, 30).unwrap()]);
    let create =
        CreateCollection::new("Lamps", RequestType::Amazon, Schedule::EveryXMinutes, Priority::Normal, "a@b.test")
            .fetch_mode(FetchMode::AvailabilityOnly)
            .schedule_time(time.clone());
    let body = json!({
        "name": "Lamps",
        "request_type": "amazon",
        "schedule": "Every X Minutes",
        "priority": "Normal",
        "notification_email": "a@b.test",
        "fetch_mode": "availability_only",
        "schedule_time": {"minutes_frequency": "30", "days_of_week": ["monday", "friday"], "hours": ["08.00", "06.30"]},
    });
    assert_eq!(sent(&create), ("POST /schedules/add_schedule/".to_owned(), body));
    assert_eq!(create.safety(), Safety::Once);
    assert_eq!((Hour::new(24, 0), Hour::new(0, 60), Hour::from_utc(30, 0)), (None, None, None));
    let written = serde_json::to_value(&time).unwrap();
    assert_eq!(serde_json::from_value::<ScheduleTime>(written).unwrap(), time);
    let office = CreateCollection::new("x", RequestType::Officeworks, Schedule::Manual, Priority::Low, "a@b.test");
    assert_eq!(sent(&office).1["request_type"], "officeworks.com.au");
}

#[test]
fn fields_that_are_not_documented_are_the_callers() {
    let update = UpdateCollection::new(Fields::naming("id", CollectionId(101)).set("schedule", "Daily"));
    let body = json!({"id": 101, "schedule": "Daily"});
    assert_eq!(sent(&update), ("POST /schedules/update_schedule/".to_owned(), body));
    let category = GetCategory::new(Fields::new());
    assert_eq!(sent(&category), ("POST /schedules/amazon/category/result/".to_owned(), json!({})));
}

#[test]
fn a_category_is_named_by_values_in_other_words() {
    let scrape =
        ScrapeCategory::new("https://www.amazon.com.au/b?node=1", "1", "amazon.com.au", "4500").price_max_cents(5000);
    let body = json!({"category_url": "https://www.amazon.com.au/b?node=1", "amazon_node_id": "1", "domain": "amazon.com.au",
        "postcode": "4500", "price_max_cents": 5000});
    assert_eq!(sent(&scrape), ("POST /schedules/amazon/category/add_schedule/".to_owned(), body));
    let found: Category = serde_json::from_value(json!({"asins": [{"asin": "B0DJQQ38TG"}], "state": "x"})).unwrap();
    assert_eq!(found.asins().map(Vec::len), Some(1));
    assert_eq!(Category(json!({"state": "waits"})).asins(), None);
}

#[test]
fn a_file_name_is_one_segment_of_its_path() {
    let file = GetFile::new(CollectionId(101), RunnerId::new(7), "Lamps / Kids?_7_Results_Page_1.json");
    assert_eq!(sent(&file).0, "GET /results/101/7/Lamps%20%2F%20Kids%3F_7_Results_Page_1.json");
    for odd in ["..", ".", ""] {
        assert_eq!(
            GetFile::new(CollectionId(1), RunnerId::new(1), odd).request().unwrap_err().kind(),
            ErrorKind::Request
        );
    }
}

#[test]
fn a_collection_may_be_in_a_state_that_is_new() {
    let answer = json!({"code": 200, "data": {"id": 9, "name": "x", "status": "disabled", "priority": 1}, "status": 1});
    let read = inspect("collections.create", answer.to_string().as_bytes()).unwrap().unwrap();
    let drift: Vec<String> = read.drift.iter().map(|drift| drift.path.clone()).collect();
    assert_eq!(
        (drift, read.value["status"].clone()),
        (vec!["status".to_owned(), "priority".to_owned()], json!("disabled"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_a_success_is_told_apart() {
    let (client, _) =
        client(|_| Ok(response(200, r#"{"code":200,"data":{"output":{"error":"Insufficient Credits"}},"status":1}"#)));
    let content = client.call(Raw::post("/playground/", json!({}))).await.unwrap();
    assert!(matches!(content, Content::HiddenFailure(_)));
    let error = content.plain().unwrap_err();
    assert_eq!((error.kind(), error.fault().unwrap().message.as_str()), (ErrorKind::Rejected, "Insufficient Credits"));
    let fine = Content::Plain(json!({"output": {"price": 1}}));
    assert_eq!(fine.plain().unwrap()["output"]["price"], 1);
}

#[tokio::test(start_paused = true)]
async fn raw_calls_go_exactly_where_they_are_told() {
    let (client, script) =
        client(|_| Ok(response(200, r#"{"code":200,"data":{"id":1,"output":{"error":null}},"status":1}"#)));
    let profile = Raw::post("/users/profile", json!({}));
    assert_eq!((profile.safety(), profile.clone().read_only().safety()), (Safety::Once, Safety::ReadOnly));
    assert!(matches!(client.call(profile).await.unwrap(), Content::Plain(_)));
    assert!(matches!(client.call(Raw::get("/plans/public/")).await.unwrap(), Content::Plain(_)));
    let seen: Vec<String> =
        script.seen().iter().map(|request| format!("{} {}", request.method(), request.uri().path())).collect();
    assert_eq!(seen, ["POST /api/v1/users/profile", "GET /api/v1/plans/public/"]);
    let error = client.call(Raw::get("plans")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
}

#[tokio::test(start_paused = true)]
async fn a_login_sends_no_key_and_shows_no_secret() {
    let script = Arc::new(Script::new());
    script.answer(
        200,
        r#"{"code":200,"data":{"token":"tok-12345","user":{"id":42,"name":"A","email":"a@b.test"}},"status":1}"#,
    );
    script.answer(200, r#"{"code":200,"data":{"available_credits":1},"status":1}"#);
    let login = Login::new("a@b.test", "hunter22".into());
    assert!(!format!("{login:?} {login:#?}").contains("hunter22"));
    let client = Builder::anonymous().transport(script.clone()).build().unwrap();
    let session = client.call(login).await.unwrap();
    assert!(!format!("{session:?}{}", serde_json::to_string(&session).unwrap()).contains("tok-12345"));
    assert_eq!(session.user.unwrap().id, Some(42));
    let client = Builder::with_token(session.token.secret()).transport(script.clone()).build().unwrap();
    client.call(GetCredits::new()).await.unwrap();
    let seen = script.seen();
    assert_eq!(seen[0].uri(), "https://multicartapi.com/api/v1/users/login");
    assert!(!seen[0].headers().contains_key("x-api-key") && !seen[0].headers().contains_key("authorization"));
    let body: Value = serde_json::from_slice(seen[0].body()).unwrap();
    assert_eq!(body, json!({"email": "a@b.test", "password": "hunter22"}));
    assert_eq!(
        (seen[1].uri().path(), &seen[1].headers()["authorization"]),
        ("/api/v1/users/credits/", &"Token tok-12345".parse().unwrap())
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_is_replaced_while_a_call_runs() {
    let key = Key::api_key("old-secret-1").unwrap();
    let script = Arc::new(Script::new());
    let rotated = key.clone();
    script.then(move |_| {
        // The old key dies while the call is under way.
        rotated.replace("new-secret-2").unwrap();
        Ok(response(200, r#"{"code":401,"data":"Invalid","status":0}"#))
    });
    script.answer(200, r#"{"code":200,"data":{},"status":1}"#);
    script.answer(200, r#"{"code":401,"data":"Invalid","status":0}"#);
    let client = Builder::with_key(&key).transport(script.clone()).build().unwrap();
    let client = client.with(|options| options.retry = RetryPolicy::never());
    client.call(GetCredits::new()).await.unwrap();
    // Refused with the newest key, it is refused.
    assert_eq!(client.call(GetCredits::new()).await.unwrap_err().kind(), ErrorKind::Auth);
    let keys: Vec<_> =
        script.seen().iter().map(|request| request.headers()["x-api-key"].to_str().unwrap().to_owned()).collect();
    assert_eq!(keys, ["old-secret-1", "new-secret-2", "new-secret-2"]);
    assert!(!format!("{key:?}").contains("secret-2"));
    assert_eq!(Key::token("a\nb").unwrap_err().kind(), ErrorKind::Auth);
}
