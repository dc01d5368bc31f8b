//! DataForSEO's webhooks, from the sandbox to a server on this machine.

mod support;

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use asin_sandbox::{Delivery, Fault, Sandbox};
use axum::extract::{Request, State};
use http::StatusCode;
use reqwest::Method;
use serde_json::{Value, json};
use support::*;

/// Method, target and body of a request.
type Arrived = (String, String, Vec<u8>);

/// A server that notes what it gets: method, address, body; and answers as it is told, or never.
#[derive(Clone, Default)]
struct Server {
    got: Arc<Mutex<Vec<Arrived>>>,
    status: Arc<Mutex<Option<u16>>>,
}

impl Server {
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = axum::Router::new().fallback(note).with_state(self.clone());
        tokio::spawn(axum::serve(listener, app).into_future());
        format!("http://{address}")
    }

    fn answers(&self, status: Option<u16>) {
        *self.status.lock().expect("no panic") = status;
    }

    fn got(&self) -> Vec<(String, String, Vec<u8>)> {
        self.got.lock().expect("no panic").clone()
    }
}

async fn note(State(server): State<Server>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body").to_vec();
    server.got.lock().expect("no panic").push((parts.method.to_string(), parts.uri.to_string(), body));
    let status = *server.status.lock().expect("no panic");
    match status {
        Some(status) => StatusCode::from_u16(status).expect("a status"),
        None => std::future::pending().await,
    }
}

fn urgent(tag: &str, hook: &str, url: &str) -> Value {
    let mut task = task("B0CHILD001", tag);
    task["priority"] = json!(2);
    task[hook] = json!(url);
    if hook == "postback_url" {
        task["postback_data"] = json!("advanced");
    }
    task
}

async fn deliveries(sandbox: &Sandbox, count: usize) -> Vec<Delivery> {
    let start = Instant::now();
    loop {
        let deliveries = sandbox.ledger().deliveries;
        if deliveries.len() >= count {
            assert_eq!(deliveries.len(), count, "{deliveries:?}");
            return deliveries;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{deliveries:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn listed(sandbox: &Sandbox, id: &str) -> bool {
    let ready = get(sandbox, "merchant/amazon/sellers/tasks_ready").await;
    ready["tasks"][0]["result"].as_array().is_some_and(|rows| rows.iter().any(|row| row["id"] == id))
}

async fn asked(sandbox: &Sandbox, path: &str, body: Value) -> Value {
    send(json_body(dataforseo(sandbox, Method::POST, path), &body)).await.json()
}

async fn posted(sandbox: &Sandbox, tasks: Value) -> String {
    let answer = post(sandbox, "sellers", &tasks).await.json();
    answer["tasks"][0]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_result_is_posted_as_gzip_and_not_listed() {
    let (sandbox, server) = (sandbox(STEADY).await, Server::default());
    server.answers(Some(200));
    let url = format!("{}/in?id=$id&tag=$tag#top", server.start().await);
    let id = posted(&sandbox, json!([urgent("a b#é:1", "postback_url", &url)])).await;
    let delivery = deliveries(&sandbox, 1).await.remove(0);
    assert!(delivery.arrived && delivery.status == 200 && delivery.webhook == "postback");
    let (method, address, body) = server.got().remove(0);
    assert_eq!((method.as_str(), address), ("POST", format!("/in?id={id}&tag=a%20b%23%C3%A9%3A1")));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).expect("gzip");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    let taken = result(&sandbox, "sellers", &id).await;
    assert_eq!(body["tasks"][0]["result"], taken["tasks"][0]["result"], "what `task_get` gives");
    assert_eq!((&body["tasks"][0]["id"], &body["tasks"][0]["data"]["tag"]), (&json!(id), &json!("a b#é:1")));
    assert!(!listed(&sandbox, &id).await);
    assert_eq!(sandbox.ledger().times_billed("a b#é:1"), 1);
}

#[tokio::test]
async fn a_pingback_says_that_a_task_is_done_and_leaves_it_to_be_collected() {
    let (sandbox, server) = (sandbox(STEADY).await, Server::default());
    server.answers(Some(204));
    let url = format!("{}/ping?id=$id&tag=$tag", server.start().await);
    let id = posted(&sandbox, json!([urgent("t", "pingback_url", &url)])).await;
    assert!(deliveries(&sandbox, 1).await[0].arrived);
    assert_eq!(server.got(), [("GET".to_owned(), format!("/ping?id={id}&tag=t"), Vec::new())]);
    assert!(listed(&sandbox, &id).await);
}

#[tokio::test]
async fn what_does_not_arrive_is_listed_as_an_error_and_as_ready_and_sent_again_when_asked() {
    let (sandbox, server) = (sandbox(STEADY).await, Server::default());
    let url = format!("{}/in", server.start().await);
    // No answer at all, then a refusal.
    let slow = posted(&sandbox, json!([urgent("slow", "postback_url", &url)])).await;
    let failed = deliveries(&sandbox, 1).await.remove(0);
    assert_eq!(
        (failed.arrived, failed.status, failed.failure.as_str()),
        (false, 0, "the server did not answer in time")
    );
    server.answers(Some(503));
    let refused = posted(&sandbox, json!([urgent("refused", "postback_url", &url)])).await;
    assert_eq!(deliveries(&sandbox, 2).await[1].status, 503);
    assert!(listed(&sandbox, &slow).await && listed(&sandbox, &refused).await);

    let errors = asked(&sandbox, "merchant/errors", json!([{"filtered_function": "postback_url"}])).await;
    let rows = errors["tasks"][0]["result"].as_array().expect("rows").clone();
    let named: Vec<_> = rows.iter().map(|row| (&row["id"], &row["http_code"], &row["http_url"])).collect();
    assert_eq!(named, [(&json!(refused), &json!(503), &json!(url)), (&json!(slow), &json!(0), &json!(url))]);
    let none = asked(&sandbox, "merchant/errors", json!([{"filtered_function": "pingback_url"}])).await;
    assert_eq!(none["tasks"][0]["result"], json!(null));

    server.answers(Some(200));
    let ids = json!([{"id": slow}, {"id": refused}, {"id": "1"}, {}]);
    let resent = asked(&sandbox, "appendix/webhook_resend", ids).await;
    let codes: Vec<i64> =
        resent["tasks"].as_array().expect("tasks").iter().filter_map(|task| task["status_code"].as_i64()).collect();
    assert_eq!(codes, [20000, 20000, 40401, 40501]);
    assert!(deliveries(&sandbox, 4).await[2..].iter().all(|delivery| delivery.arrived));
    assert!(!listed(&sandbox, &slow).await && !listed(&sandbox, &refused).await);
    assert_eq!(sandbox.ledger().charged_usd.to_string(), "0.004", "sending again is free");
}

#[tokio::test]
async fn deliveries_go_wrong_when_asked_to() {
    let (sandbox, server) = (sandbox(STEADY).await, Server::default());
    server.answers(Some(200));
    let root = server.start().await;
    sandbox.fault(Fault::on("POSTBACK", "/twice").deliver_twice());
    sandbox.fault(Fault::on("POSTBACK", "/half").call(1).half_body());
    sandbox.fault(Fault::on("POSTBACK", "/lost").cut_after_work());
    sandbox.fault(Fault::on("POSTBACK", "/down").refuse());
    sandbox.fault(Fault::on("*", "*").call(2).html_502());
    let task = |path: &str| urgent(path, "postback_url", &format!("{root}/{path}"));
    posted(&sandbox, json!([task("twice"), task("half"), task("lost"), task("down")])).await;
    let deliveries = deliveries(&sandbox, 5).await;
    let of = |path: &str| deliveries.iter().filter(|one| one.tag == path).map(|one| one.arrived).collect::<Vec<_>>();
    assert_eq!((of("twice"), of("half")), (vec![true, true], vec![true]));
    assert_eq!((of("lost"), of("down")), (vec![false], vec![false]));
    let got = server.got();
    let bodies =
        |path: &str| got.iter().filter(|(_, address, _)| address == path).map(|got| got.2.clone()).collect::<Vec<_>>();
    assert_eq!((bodies("/twice").len(), bodies("/lost").len(), bodies("/down").len()), (2, 1, 0));
    let mut cut = String::new();
    assert!(flate2::read::GzDecoder::new(&bodies("/half")[0][..]).read_to_string(&mut cut).is_err());
}
