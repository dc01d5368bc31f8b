//! Pages and jobs: lazy, restartable, and never in a circle.

use crate::common::{Shop, client, script};
use core_http::{
    ErrorKind, Job, Limits, Operation, Paged, Request, RequestBuilder, Result, Safety, Waited,
    testing::{Script, response},
};
use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct List {
    token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Page {
    items: Vec<u32>,
    next: Option<String>,
}

impl Operation for List {
    type Vendor = Shop;
    type Wire = Page;
    type Output = Page;
    const NAME: &'static str = "list";
    fn safety(&self) -> Safety {
        Safety::ReadOnly
    }
    fn limits(&self) -> Limits {
        Vec::new()
    }
    fn request(&self) -> Result<Request> {
        RequestBuilder::get("/list").query_opt("token", self.token.as_deref()).build()
    }
    fn output(&self, wire: Page) -> Result<Page> {
        Ok(wire)
    }
}

impl Paged for List {
    type Item = u32;
    fn position(&self) -> Option<String> {
        self.token.clone()
    }
    fn next(&self, output: &Page) -> Option<Self> {
        output.next.clone().map(|token| Self { token: Some(token) })
    }
    fn items(output: Page) -> Vec<u32> {
        output.items
    }
}

const FIRST: &str = r#"{"code":200,"data":{"items":[1,2],"next":"b"}}"#;
const EMPTY: &str = r#"{"code":200,"data":{"items":[],"next":"c"}}"#;
const LAST: &str = r#"{"code":200,"data":{"items":[3]}}"#;

fn three() -> Arc<Script> {
    let script = script();
    script.answer(200, FIRST).answer(200, EMPTY).answer(200, LAST);
    script
}

#[tokio::test(start_paused = true)]
async fn items_come_from_all_pages_and_an_empty_page_is_not_the_end() {
    let script = three();
    let items: Vec<u32> =
        client(script.clone()).pages(List { token: None }).items().try_collect().await.expect("items");
    assert_eq!(items, [1, 2, 3]);
    let targets: Vec<String> = script.seen().iter().map(|request| request.uri().to_string()).collect();
    let list = "https://shop.test/v1/list";
    assert_eq!(targets, [list.to_owned(), format!("{list}?token=b"), format!("{list}?token=c")]);
}

#[tokio::test(start_paused = true)]
async fn a_page_is_fetched_only_when_it_is_asked_for() {
    let script = three();
    let client = client(script.clone());
    let mut items = Box::pin(client.pages(List { token: None }).items());
    assert_eq!(script.sent(), 0);
    for expected in [1, 2] {
        assert_eq!(items.next().await.expect("an item").expect("a good one"), expected);
        assert_eq!(script.sent(), 1);
    }
    drop(items);
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn paging_goes_on_from_a_page_that_was_stored() {
    let script = three();
    let client = client(script.clone());
    let mut pages = Box::pin(client.pages(List { token: None }).pages());
    let (page, next) = pages.next().await.expect("a page").expect("a good one");
    assert_eq!(page.items, [1, 2]);
    let stored = serde_json::to_string(&next.expect("there is more")).expect("JSON");
    drop(pages);
    let next: List = serde_json::from_str(&stored).expect("the operation");
    let rest: Vec<u32> = client.pages(next).items().try_collect().await.expect("items");
    assert_eq!((rest, script.sent()), (vec![3], 3));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_comes_twice_is_an_error_and_not_a_circle() {
    let script = script();
    script.always(|_| Ok(response(200, FIRST)));
    let pages = client(script.clone()).pages(List { token: None }).pages();
    let all: Vec<_> = pages.collect().await;
    assert_eq!((all.len(), script.sent()), (3, 2));
    let error = all[2].as_ref().expect_err("`b` leads to `b`");
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Decode, "list"));
    assert!(error.to_string().contains("`b` came twice"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_ends_the_stream_with_its_error() {
    let script = script();
    script.answer(200, FIRST).answer(200, r#"{"code":404}"#);
    let items: Vec<_> = client(script).pages(List { token: None }).items().collect().await;
    assert_eq!(items.len(), 3);
    assert_eq!(items[2].as_ref().expect_err("the second page").kind(), ErrorKind::NotFound);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ready {
    id: String,
}

impl Operation for Ready {
    type Vendor = Shop;
    type Wire = Option<u32>;
    type Output = Option<u32>;
    const NAME: &'static str = "ready";
    fn safety(&self) -> Safety {
        Safety::ReadOnly
    }
    fn limits(&self) -> Limits {
        Vec::new()
    }
    fn request(&self) -> Result<Request> {
        RequestBuilder::get("/ready/{id}").path("id", &self.id).build()
    }
    fn output(&self, wire: Option<u32>) -> Result<Option<u32>> {
        Ok(wire.filter(|number| *number > 0))
    }
}

impl Job for Ready {
    type Done = u32;
    fn done(&self, output: Option<u32>) -> Option<u32> {
        output
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_is_asked_at_a_steady_pace_until_it_is_done() {
    let script = script();
    for _ in 0..3 {
        script.answer(200, r#"{"code":200,"data":0}"#);
    }
    script.answer(200, r#"{"code":200,"data":9}"#);
    let (start, job) = (Instant::now(), Ready { id: "a b".to_owned() });
    let (every, patience) = (Duration::from_secs(10), Duration::from_secs(60));
    let waited = client(script.clone()).wait(job, every, patience).await.expect("an answer");
    assert_eq!((waited.done(), start.elapsed(), script.sent()), (Some(9), Duration::from_secs(30), 4));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_outlasts_the_patience_comes_back_to_be_asked_later() {
    let script = script();
    script.always(|_| Ok(response(200, r#"{"code":200,"data":0}"#)));
    let (start, job) = (Instant::now(), Ready { id: "a".to_owned() });
    let client = client(script.clone());
    let (every, patience) = (Duration::from_secs(10), Duration::from_secs(25));
    let waited = client.wait(job.clone(), every, patience).await.expect("an answer");
    assert_eq!((waited, start.elapsed(), script.sent()), (Waited::Pending(job.clone()), Duration::from_secs(20), 3));
    let last_moment = client.wait(job.clone(), every, 2 * every).await.expect("an answer");
    assert_eq!((last_moment, script.sent()), (Waited::Pending(job.clone()), 6), "the last moment is one to ask at");
    let no_patience = client.wait(job.clone(), every, Duration::ZERO).await.expect("an answer");
    assert_eq!((no_patience, script.sent()), (Waited::Pending(job), 7));
}
