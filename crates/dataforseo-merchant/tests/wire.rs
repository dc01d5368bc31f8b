//! Every operation over a real connection: method, path, credentials, body; and what an answer without words costs.

use core_http::{ErrorKind, Limit, Operation, Quota, TokenBuckets};
use dataforseo_merchant::{
    AmazonLanguages, AmazonLocations, AmazonLocationsIn, AsinLive, AsinLiveHtml, AsinTask, AsinTaskGet,
    AsinTaskGetHtml, AsinTaskPost, AsinTasksReady, Budget, Builder, DataForSeo, DfsClient, GoogleAdUrl,
    GoogleLanguages, GoogleLocations, GoogleLocationsIn, GoogleProduct, GoogleProductInfoTask,
    GoogleProductInfoTaskGet, GoogleProductInfoTaskPost, GoogleProductInfoTasksReady, GoogleProductsTask,
    GoogleProductsTaskGet, GoogleProductsTaskGetHtml, GoogleProductsTaskPost, GoogleProductsTasksReady,
    GoogleSellersTask, GoogleSellersTaskGet, GoogleSellersTaskPost, GoogleSellersTasksReady, IdList, IdListQuery,
    Keyword, Language, Location, MemoryLedger, MerchantErrors, MerchantErrorsQuery, NewTask, Posted, ProductsLive,
    ProductsLiveHtml, ProductsTask, ProductsTaskGet, ProductsTaskGetHtml, ProductsTaskPost, ProductsTasksReady,
    ResendTask, SellersLive, SellersLiveHtml, SellersTask, SellersTaskGet, SellersTaskGetHtml, SellersTaskPost,
    SellersTasksReady, ServiceStatus, StatusCodes, TaskId, TaskOutcome, Tasks, TasksReady, UserData, WebhookResend,
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

/// The request line and the body of an operation, as a server reads them.
async fn sent<O: Operation<Vendor = DataForSeo>>(operation: O) -> (String, Value) {
    let server = MockServer::start_async().await;
    let (send, seen) = std::sync::mpsc::channel();
    let read = move |request: &httpmock::HttpMockRequest| {
        let body = request.body_ref();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap() };
        let uri = request.uri_str();
        let target = uri.find("/v3/").map_or(uri, |start| &uri[start..]);
        send.send((format!("{} {target}", request.method_str()), body)).is_ok()
    };
    let task = json!([{"id": ID, "status_code": 20000, "result": []}]);
    let mock = server.mock_async(|when, then| {
        when.header("authorization", BASIC).is_true(read);
        then.status(200).json_body(answer(task));
    });
    let mock = mock.await;
    client(&server).call(operation).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME));
    mock.assert_async().await;
    seen.recv().unwrap()
}

#[tokio::test]
async fn what_is_read_about_a_task_is_a_get_with_its_id() {
    let id = || TaskId::new(ID);
    let got = [
        sent(AsinTaskGetHtml::new(id())).await,
        sent(SellersTaskGetHtml::new(id())).await,
        sent(ProductsTaskGet::new(id())).await,
        sent(ProductsTaskGetHtml::new(id())).await,
        sent(GoogleProductsTaskGet::new(id())).await,
        sent(GoogleProductsTaskGetHtml::new(id())).await,
        sent(GoogleSellersTaskGet::new(id())).await,
        sent(GoogleProductInfoTaskGet::new(id())).await,
    ];
    let expected = [
        "amazon/asin/task_get/html",
        "amazon/sellers/task_get/html",
        "amazon/products/task_get/advanced",
        "amazon/products/task_get/html",
        "google/products/task_get/advanced",
        "google/products/task_get/html",
        "google/sellers/task_get/advanced",
        "google/product_info/task_get/advanced",
    ];
    assert_eq!(got, expected.map(|path| (format!("GET /v3/merchant/{path}/{ID}"), Value::Null)));
}

#[tokio::test]
async fn what_is_read_about_all_is_a_get() {
    let got = [
        sent(ProductsTasksReady::new()).await,
        sent(GoogleProductsTasksReady::new()).await,
        sent(GoogleSellersTasksReady::new()).await,
        sent(GoogleProductInfoTasksReady::new()).await,
        sent(AmazonLocations::new()).await,
        sent(AmazonLocationsIn::new("us")).await,
        sent(AmazonLanguages::new()).await,
        sent(GoogleLocations::new()).await,
        sent(GoogleLocationsIn::new("us")).await,
        sent(GoogleLanguages::new()).await,
        sent(GoogleAdUrl::new("DChcSEwi/4=")).await,
        sent(UserData::new()).await,
        sent(StatusCodes::new()).await,
        sent(ServiceStatus::new()).await,
    ];
    let expected = [
        "merchant/amazon/products/tasks_ready",
        "merchant/google/products/tasks_ready",
        "merchant/google/sellers/tasks_ready",
        "merchant/google/product_info/tasks_ready",
        "merchant/amazon/locations",
        "merchant/amazon/locations/us",
        "merchant/amazon/languages",
        "merchant/google/locations",
        "merchant/google/locations/us",
        "merchant/google/languages",
        "merchant/google/sellers/ad_url/DChcSEwi%2F4%3D",
        "appendix/user_data",
        "appendix/errors",
        "appendix/status",
    ];
    assert_eq!(got, expected.map(|path| (format!("GET /v3/{path}"), Value::Null)));
}

#[tokio::test]
async fn what_is_asked_for_is_posted_as_a_list() {
    let (place, language) = (Location::code(2840), Language::code("en_US"));
    let (asin_task, sellers) = (
        AsinTask::new(asin(), place.clone(), language.clone()),
        SellersTask::new(asin(), place.clone(), language.clone()),
    );
    let products = ProductsTask::new(Keyword::new("lamp 100%").unwrap(), place.clone(), language.clone());
    let google = GoogleProductsTask::new(Keyword::new("a+b").unwrap(), place.clone(), Language::code("en"));
    let shops = GoogleSellersTask::new(GoogleProduct::gid("g1"), place.clone(), Language::code("en"));
    let info = GoogleProductInfoTask::new(GoogleProduct::gid("g1"), place, Language::code("en"));
    let got = [
        sent(AsinLive::new(asin_task.clone().live())).await,
        sent(AsinLiveHtml::new(asin_task.live())).await,
        sent(SellersLive::new(sellers.clone().live())).await,
        sent(SellersLiveHtml::new(sellers.live())).await,
        sent(ProductsTaskPost::new([products.clone()])).await,
        sent(ProductsLive::new(products.clone().live())).await,
        sent(ProductsLiveHtml::new(products.live())).await,
        sent(GoogleProductsTaskPost::new([google])).await,
        sent(GoogleSellersTaskPost::new([shops])).await,
        sent(GoogleProductInfoTaskPost::new([info])).await,
        sent(MerchantErrors::new(MerchantErrorsQuery::new().filtered_function("postback_url"))).await,
        sent(WebhookResend::new([ResendTask::new(TaskId::new(ID))])).await,
    ];
    let place = |mut task: Value, language: &str| {
        task["location_code"] = json!(2840);
        task["language_code"] = json!(language);
        json!([task])
    };
    let (one, lamp) =
        (place(json!({"asin": "B0EXAMPLE1"}), "en_US"), place(json!({"keyword": "lamp 100%25"}), "en_US"));
    let product = place(json!({"gid": "g1"}), "en");
    let expected = [
        ("merchant/amazon/asin/live/advanced", one.clone()),
        ("merchant/amazon/asin/live/html", one.clone()),
        ("merchant/amazon/sellers/live/advanced", one.clone()),
        ("merchant/amazon/sellers/live/html", one),
        ("merchant/amazon/products/task_post", lamp.clone()),
        ("merchant/amazon/products/live/advanced", lamp.clone()),
        ("merchant/amazon/products/live/html", lamp),
        ("merchant/google/products/task_post", place(json!({"keyword": "a%2Bb"}), "en")),
        ("merchant/google/sellers/task_post", product.clone()),
        ("merchant/google/product_info/task_post", product),
        ("merchant/errors", json!([{"filtered_function": "postback_url"}])),
        ("appendix/webhook_resend", json!([{"id": ID}])),
    ];
    assert_eq!(got, expected.map(|(path, body)| (format!("POST /v3/{path}"), body)));
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
