use super::*;
use crate::{AsinTask, AsinTaskGet, AsinTaskPost, Builder, DfsClient, Language, Location, TaskId, TasksReady};
use core_http::{
    Error, RetryPolicy, Safety,
    retry::may_resend,
    testing::{Script, response},
};
use std::sync::Arc;

/// The vendor's codes with the class that its error page puts them in.
const PAGE: &str = "
    40000 validation  40001 validation  40002 validation  40003 validation  40004 validation  40006 validation
    40100 auth        40101 upstream    40103 upstream    40104 auth        40200 billing     40201 auth
    40202 rate        40203 budget      40204 auth        40205 duplicate   40206 duplicate   40207 auth
    40209 rate        40210 billing     40400 not-found   40401 not-found   40402 not-found   40403 not-found
    40404 not-found   40405 validation  40406 validation  40407 validation  40408 validation  40501 validation
    40502 validation  40503 validation  40504 validation  40505 validation  40506 validation  50000 server
    50001 server      50100 validation  50301 server      50303 server      50304 server      50401 server
    50402 server";

fn page() -> impl Iterator<Item = (i64, ErrorKind)> {
    let words: Vec<&str> = PAGE.split_whitespace().collect();
    let rows: Vec<_> = words.chunks(2).map(|row| (row[0].parse().unwrap(), row[1])).collect();
    rows.into_iter().map(|(code, class)| {
        let kind = match class {
            "validation" | "duplicate" | "upstream" => Rejected,
            "auth" => Auth,
            "billing" | "budget" => Funds,
            "rate" => Throttled,
            "not-found" => NotFound,
            "server" => Unavailable,
            other => panic!("{other}"),
        };
        (code, kind)
    })
}

fn client(script: Script) -> (DfsClient, Arc<Script>) {
    let script = Arc::new(script);
    let client = Builder::new("login", "password").transport(script.clone()).build().unwrap();
    (client.with(|options| options.retry = RetryPolicy::never()), script)
}

fn post() -> AsinTaskPost {
    let asin = "B0EXAMPLE1".parse().unwrap();
    AsinTaskPost::new([AsinTask::new(asin, Location::code(2840), Language::code("en_US"))])
}

async fn refused(status: u16, body: &str) -> Error {
    let (client, script) = client(Script::new());
    let body = body.to_owned();
    script.always(move |_| Ok(response(status, &body)));
    client.call(post()).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn every_code_at_the_top_has_its_kind() {
    assert_eq!(page().count() + 5, CODES.len(), "20000, 20100, 40102, 40601 and 40602 are no refusals");
    for (code, kind) in page() {
        let text = format!(r#"{{"status_code":{code},"status_message":"words","tasks":null}}"#);
        let error = refused(200, &text).await;
        assert_eq!(error.kind(), kind, "{code}");
        assert_eq!(error.fault().unwrap().code, code.to_string());
        assert_eq!(error.fault().unwrap().message, "words");
        let older = refused(200, &format!(r#"{{"code":{code},"message":"words"}}"#)).await;
        assert_eq!((older.kind(), older.fault().unwrap().message.as_str()), (kind, "words"), "{code}");
        let inside = refused(500, &text).await;
        assert!(inside.may_have_been_applied(), "{code} within HTTP 500 may have been billed");
    }
}

#[tokio::test(start_paused = true)]
async fn every_code_of_a_task_has_its_outcome() {
    for (code, kind) in page() {
        let (client, script) = client(Script::new());
        let body = format!(r#"{{"status_code":20000,"tasks":[{{"id":"1","status_code":{code},"result":null}}]}}"#);
        script.then(move |_| Ok(response(200, &body)));
        let answer = client.call(AsinTaskGet::new(TaskId::new("1"))).await;
        let dead = matches!(code, 40101 | 40103 | 40403 | 40404 | 50401 | 50402);
        match answer {
            Ok(task) if dead => {
                assert!(matches!(task.outcome(), crate::TaskOutcome::Refused(fault) if fault.kind == kind))
            }
            Err(error) if !dead => assert_eq!(error.kind(), kind, "{code}"),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn codes_that_nobody_knows_are_judged_by_their_family() {
    assert_eq!(Meaning::of(20999), Done);
    assert_eq!(Meaning::of(40999), Refused(Rejected));
    assert_eq!(Meaning::of(50999), Refused(Unavailable));
    assert_eq!(Meaning::of(10000), Refused(Decode));
    assert_eq!(Meaning::of(40102), Empty);
    assert_eq!((Meaning::of(40601), Meaning::of(40602)), (Pending, Pending));
}

#[tokio::test(start_paused = true)]
async fn http_statuses_with_an_envelope() {
    for (status, code, kind) in [
        (401, 40100, Auth),
        // What the status says goes before the code: the gateway speaks, whoever wrote the body.
        (401, 40501, Auth),
        (403, 40501, Auth),
        (404, 40501, NotFound),
        (429, 40501, Throttled),
        (402, 40200, Funds),
        (402, 99, Funds),
        (404, 40400, NotFound),
        (500, 50000, Unavailable),
        (500, 40202, Unavailable),
        (429, 40202, Throttled),
    ] {
        let error =
            refused(status, &format!(r#"{{"status_code":{code},"status_message":"words","tasks":null}}"#)).await;
        assert_eq!((error.kind(), error.fault().unwrap().code.clone()), (kind, code.to_string()), "HTTP {status}");
        assert_eq!(error.fault().unwrap().status.unwrap().as_u16(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_may_have_been_billed() {
    for (status, body) in [
        (200, "<html>captcha</html>"),
        (200, ""),
        (200, "{}"),
        (200, "[]"),
        (200, r#"{"status_code":20000}"#),
        (200, r#"{"status_code":20000,"tasks":null}"#),
        (200, r#"{"status_code":20000,"tasks":[{"id":"1","status_c"#),
        (200, r#"{"status_code":20100,"tasks":null}"#),
        (200, r#"{"status_code":"many","tasks":null}"#),
        // It says that it refused, and charges for it.
        (200, r#"{"status_code":40501,"cost":0.0015,"tasks":null}"#),
        (402, r#"{"status_code":40200,"cost":0.0015,"tasks":null}"#),
        (502, "<html>bad gateway</html>"),
        (503, r#"{"message":"try later"}"#),
    ] {
        let error = refused(status, body).await;
        assert!(error.may_have_been_applied(), "HTTP {status} {body}: {error}");
        assert!(!may_resend(error.kind(), Safety::Once), "HTTP {status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_and_costs_nothing_was_not_done() {
    for cost in ["0", "0.0", "null"] {
        let error = refused(200, &format!(r#"{{"status_code":40501,"cost":{cost},"tasks":null}}"#)).await;
        assert_eq!(error.kind(), Rejected, "{cost}");
        assert!(!error.may_have_been_applied(), "{cost}");
    }
}

/// Row D1 of the fault matrix.
#[tokio::test(start_paused = true)]
async fn d1_a_rate_refusal_inside_http_200_pauses_the_whole_account() {
    let (client, script) = client(Script::new());
    script.answer(200, r#"{"status_code":40202,"status_message":"words","tasks":null}"#);
    script.answer(200, r#"{"status_code":20000,"tasks":[{"status_code":20000,"result":null}]}"#);
    let error = client.call(AsinTaskGet::new(TaskId::new("1"))).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (Throttled, Some(Duration::from_secs(60))));
    let start = tokio::time::Instant::now();
    let patient = client.with(|options| options.deadline = Duration::from_secs(100));
    patient.call(TasksReady::new()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(60), "another operation of the account waits too");
}

#[test]
fn too_many_at_once_lowers_the_cap() {
    let limits = core_http::Operation::limits(&TasksReady::new());
    let too_many = fault(Throttled, Some(CONCURRENCY), None);
    let headers = http::HeaderMap::new();
    let head = Head { status: StatusCode::OK, headers: &headers };
    let lessons = DataForSeo::lessons(&head, Some(&too_many), &limits);
    let learnt: Vec<_> = lessons.iter().map(|lesson| (lesson.limit.name, lesson.what)).collect();
    assert_eq!(learnt, [(limits[0].name, Learnt::Crowded(Duration::from_secs(1)))], "not the rate");
    assert!(DataForSeo::lessons(&head, None, &limits).is_empty());
}

#[test]
fn a_client_shows_no_secret() {
    let builder = Builder::new("login", "hunter2");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let script = Arc::new(Script::new());
    let client = builder.transport(script).build().unwrap();
    let shown = format!("{client:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("bG9naW46aHVudGVyMg"), "{shown}");
}
