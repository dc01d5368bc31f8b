//! Every operation over a real connection: method, path, credentials, body; and what an answer without words costs.

use core_http::{ErrorKind, Limit, Operation, Quota, TokenBuckets};
use dataforseo_merchant::{
    AsinTask, AsinTaskGet, AsinTaskPost, AsinTasksReady, Budget, Builder, DataForSeo, DfsClient, IdList, IdListQuery,
    Language, Location, MemoryLedger, NewTask, Posted, SellersTask, SellersTaskGet, SellersTaskPost, SellersTasksReady,
    TaskId, TaskOutcome, Tasks, TasksReady,
};
use httpmock::{Method, Method::GET, Method::POST, MockServer};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// `login:password`
const BASIC: &str = "Basic bG9naW46cGFzc3dvcmQ=";
const ID: &str = "04171455-0696-0192-0000-4c69cc29b945";

fn client(server: &MockServer) -> DfsClient {
    // No test waits for the vendor's limits in real time.
    let buckets = TokenBuckets::new();
    for limit in TasksReady::new().limits() {
        buckets.set(Limit { quota: Quota { per_second: 1000.0, burst: 100 }, ..limit });
    }
    let base_url = server.base_url().parse().unwrap();
    Builder::new("login", "password").base_url(base_url).limits(Arc::new(buckets)).build().unwrap()
}

fn answer(tasks: Value) -> Value {
    json!({"version": "0.1", "status_code": 20000, "status_message": "Ok.", "cost": 0, "tasks": tasks})
}

async fn call<O>(operation: O, method: Method, path: &str, body: Option<Value>, tasks: Value) -> O::Output
where
    O: Operation<Vendor = DataForSeo>,
{
    let server = MockServer::start_async().await;
    let mock = server
        .mock_async(|when, then| {
            let when = when.method(method).path(path).header("authorization", BASIC);
            if let Some(body) = body {
                when.json_body(body).header("content-type", "application/json");
            }
            then.status(200).json_body(answer(tasks));
        })
        .await;
    server.mock_async(|_, then| drop(then.status(500).body("no mock for this request"))).await;
    let output = client(&server).call(operation).await.unwrap();
    mock.assert_async().await;
    output
}

fn asin() -> core_http::Asin {
    "B0EXAMPLE1".parse().unwrap()
}

#[tokio::test]
async fn posting() {
    let task = json!({"asin": "B0EXAMPLE1", "location_code": 2840, "language_code": "en_US"});
    let created = json!([{"id": ID, "status_code": 20100, "cost": 0.0015, "data": task, "result": null}]);
    let (place, language) = (Location::code(2840), Language::code("en_US"));
    let operation = AsinTaskPost::new([AsinTask::new(asin(), place.clone(), language.clone())]);
    let path = "/v3/merchant/amazon/asin/task_post";
    let made = call(operation, POST, path, Some(json!([task])), created.clone()).await;
    assert_eq!((made[0].outcome(), made[0].id.as_ref().unwrap().as_str()), (TaskOutcome::Created, ID));
    let operation = SellersTaskPost::new([SellersTask::new(asin(), place, language)]);
    let path = "/v3/merchant/amazon/sellers/task_post";
    let made = call(operation, POST, path, Some(json!([task])), created).await;
    assert_eq!(made[0].cost, Some("0.0015".parse().unwrap()));
}

#[tokio::test]
async fn listing() {
    let row = json!({"id": ID, "se": "amazon", "tag": "mine", "date_posted": "2026-07-20 09:37:13 +00:00"});
    let tasks = json!([{"id": "of the call itself", "status_code": 20000, "result": [row, null]}]);
    let ready = call(TasksReady::new(), GET, "/v3/merchant/tasks_ready", None, tasks.clone()).await;
    assert_eq!(ready[0].id.as_ref().unwrap().as_str(), ID);
    let path = "/v3/merchant/amazon/asin/tasks_ready";
    assert_eq!(call(AsinTasksReady::new(), GET, path, None, tasks.clone()).await.len(), 1);
    let path = "/v3/merchant/amazon/sellers/tasks_ready";
    assert_eq!(call(SellersTasksReady::new(), GET, path, None, tasks.clone()).await.len(), 1);
    let nothing = json!([{"status_code": 40102, "result": null}]);
    assert!(call(SellersTasksReady::new(), GET, path, None, nothing).await.is_empty());

    let (from, to) = ("2026-02-15 08:21:04 +00:00", "2026-02-17 08:21:04 +00:00");
    let query = json!([{"datetime_from": from, "datetime_to": to, "limit": 100, "offset": 0, "sort": "desc", "include_metadata": true}]);
    let list = IdList::new(IdListQuery::new(from, to).limit(100).offset(0).sort("desc").include_metadata(true));
    let rows = call(list, POST, "/v3/merchant/id_list", Some(query), tasks).await;
    assert_eq!(rows[0].id.as_ref().unwrap().as_str(), ID);
}

#[tokio::test]
async fn collecting() {
    let done = |kind: &str| json!([{"id": ID, "status_code": 20000, "result": [{"asin": "B0EXAMPLE1", "type": kind, "items": null}]}]);
    let path = format!("/v3/merchant/amazon/asin/task_get/advanced/{ID}");
    let task = call(AsinTaskGet::new(TaskId::new(ID)), GET, &path, None, done("asin")).await;
    assert_eq!(task.result.unwrap()[0].asin, Some(asin()));
    let path = format!("/v3/merchant/amazon/sellers/task_get/advanced/{ID}");
    let task = call(SellersTaskGet::new(TaskId::new(ID)), GET, &path, None, done("sellers")).await;
    assert_eq!(task.outcome(), TaskOutcome::Done);
    let pending = json!([{"id": ID, "status_code": 40602, "result": null}]);
    let task = call(SellersTaskGet::new(TaskId::new(ID)), GET, &path, None, pending).await;
    assert_eq!(task.outcome(), TaskOutcome::Pending);
}

#[tokio::test]
async fn a_paid_call_without_a_readable_answer_is_sent_once_and_a_free_one_again() {
    let server = MockServer::start_async().await;
    let post = server.mock_async(|when, then| drop((when.method(POST), then.status(502).body("<html>")))).await;
    let get = server.mock_async(|when, then| drop((when.method(GET), then.status(502).body("<html>")))).await;
    let client = client(&server).with(|options| options.retry.first_delay = Duration::from_millis(1));
    let error = client.call(TasksReady::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), get.calls_async().await), (ErrorKind::Unavailable, 4, 4));
    let budget = Budget::new("0.01".parse().unwrap());
    let tasks = Tasks::new(client, Arc::new(MemoryLedger::new()), budget.clone());
    let task = NewTask::new(AsinTask::new(asin(), Location::code(2840), Language::code("en_US")));
    let posted = tasks.post(vec![task]).await;
    assert!(matches!(&posted[..], [Posted::Unknown { error, .. }] if error.may_have_been_applied()));
    assert_eq!(post.calls_async().await, 1);
    assert_eq!(budget.reserved(), "0.0015".parse().unwrap());
}

#[tokio::test]
async fn refused_credentials_say_so() {
    let server = MockServer::start_async().await;
    let envelope = json!({"status_code": 40100, "status_message": "You are not authorized.", "tasks": null});
    let mock = server.mock_async(|_, then| drop(then.status(401).json_body(envelope))).await;
    let error = client(&server).call(TasksReady::new()).await.unwrap_err();
    assert_eq!((error.kind(), mock.calls_async().await), (ErrorKind::Auth, 1));
    let line = "MerchantTasksReady: credentials refused: HTTP 401 40100: You are not authorized.";
    assert_eq!(error.to_string(), line);
}
