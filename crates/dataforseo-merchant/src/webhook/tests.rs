//! What arrives, read without trust. Rows of the fault matrix are named.

use super::{Caps, Pingback, Postback, WebhookError};
use crate::{AsinResult, TaskOutcome};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const RESULT: &str = include_str!("../../tests/fixtures/asin.json");

fn postback(result: &str) -> String {
    let data = r#"{"api":"merchant","function":"asin","tag":"mine"}"#;
    format!(
        r#"{{"version":"0.1","status_code":20000,"tasks":[{{"id":"04171455-0696-0192-0000-4c69cc29b945","status_code":20000,"cost":0,"data":{data},"result":[{result}]}}]}}"#
    )
}

fn read(body: &[u8]) -> Result<Postback, WebhookError> {
    Postback::read(body, &Caps::default())
}

#[test]
fn gzip_of_several_members_and_plain_json_are_read() {
    let json = postback(RESULT);
    let (first, second) = json.as_bytes().split_at(100);
    let members = [gzip(first), gzip(second)].concat();
    for body in [json.clone().into_bytes(), gzip(json.as_bytes()), members] {
        let postback = read(&body).unwrap();
        assert_eq!((postback.id().as_str(), postback.tag()), ("04171455-0696-0192-0000-4c69cc29b945", Some("mine")));
        assert_eq!(postback.json(), &json);
        assert!(
            !format!("{postback:?}").contains("merchant"),
            "the request, with the receiver's token in it, is not shown"
        );
        let task = postback.task::<AsinResult>().unwrap();
        assert_eq!(task.outcome(), TaskOutcome::Done);
        assert_eq!(task.result.unwrap()[0].family().variants.len(), 2);
    }
}

/// Row C1: a bomb of a thousand to one, stopped by either cap, without its bytes ever being held.
#[test]
fn c1_a_bomb_is_stopped_at_the_cap_of_bytes_and_of_ratio() {
    assert_eq!((Caps::default().inflated, Caps::default().ratio), (64 << 20, 200));
    let bomb = gzip(&vec![b' '; 12 << 20]);
    assert!(bomb.len() < 15_000, "{}", bomb.len());
    let by_ratio = read(&bomb).unwrap_err();
    assert!(matches!(by_ratio, WebhookError::InflatesTooFar(most) if most == bomb.len() * 200), "{by_ratio}");
    let caps = Caps::default().with(|caps| (caps.inflated, caps.ratio) = (8 << 20, 10_000));
    let by_bytes = Postback::read(&bomb, &caps).unwrap_err();
    assert!(matches!(by_bytes, WebhookError::InflatesTooFar(most) if most == 8 << 20), "{by_bytes}");
    // Small members that are each harmless count together.
    let many = gzip(&vec![b' '; 1 << 20]).repeat(9);
    assert!(matches!(Postback::read(&many, &caps), Err(WebhookError::InflatesTooFar(_))));
    let caps = Caps::default().with(|caps| caps.body = 10);
    assert!(matches!(Postback::read(&bomb, &caps), Err(WebhookError::TooLarge(10))));
    let caps = Caps::default().with(|caps| caps.inflated = 10);
    assert!(matches!(Postback::read(b"plain, but too long", &caps), Err(WebhookError::TooLarge(10))));
}

/// Row C2: whatever is cut off and whichever bit is wrong, nothing of it is believed.
#[test]
fn c2_cut_short_or_damaged_is_an_error() {
    let whole = gzip(postback(RESULT).as_bytes());
    for end in 2..whole.len() {
        assert!(matches!(read(&whole[..end]), Err(WebhookError::Damaged(_))), "cut at {end}");
    }
    let mut wrong = whole.clone();
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    assert!(matches!(read(&wrong), Err(WebhookError::Damaged(_))), "the checksum is wrong");
    let second_cut = [whole.clone(), gzip(b"{}")[..10].to_vec()].concat();
    assert!(matches!(read(&second_cut), Err(WebhookError::Damaged(_))), "a second member is cut short");
    assert!(
        matches!(read(&[whole, b"rest".to_vec()].concat()), Err(WebhookError::Damaged(_))),
        "what follows is no gzip"
    );
}

#[test]
fn c3_depth_is_capped_without_recursion() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for (depth, fits) in [(100, true), (200, false), (200_000, false)] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let json = postback(&format!(r#"{{"unknown":{deep}}}"#));
            let caps = Caps::default().with(|caps| caps.ratio = 10_000);
            match Postback::read(&gzip(json.as_bytes()), &caps) {
                Ok(_) => assert!(fits, "{depth}"),
                Err(WebhookError::TooDeep(128)) => assert!(!fits, "{depth}"),
                Err(other) => panic!("{depth}: {other}"),
            }
        }
    }
    assert!(read(postback(r#"{"title":"[[[[\"[[[["}"#).as_bytes()).is_ok(), "brackets in a text are text");
}

#[test]
fn what_is_no_result_of_one_task_is_refused() {
    for body in [
        "",
        "null",
        "[]",
        "<html>",
        r#"{"status_code":20000,"tasks":[]}"#,
        r#"{"status_code":20000,"tasks":[{"id":"1"},{"id":"2"}]}"#,
        r#"{"status_code":20000,"tasks":[{"status_code":20000}]}"#,
        r#"{"status_code":20000,"tasks":[{"id":"../../etc/passwd"}]}"#,
        r#"{"status_code":40000,"tasks":null}"#,
    ] {
        assert!(matches!(read(body.as_bytes()), Err(WebhookError::Content(_))), "{body}");
    }
}

#[test]
fn a_pingback_names_one_task() {
    let read = |query| Pingback::from_query(query).map(|pingback| (pingback.id.to_string(), pingback.tag));
    assert_eq!(read("id=a-1&tag=x%3A%20y%2Bz&own=1").unwrap(), ("a-1".to_owned(), Some("x: y+z".to_owned())));
    for query in ["id=a-1", "id=a-1&tag=", "tag=$tag&id=a-1"] {
        assert_eq!(read(query).unwrap(), ("a-1".to_owned(), None), "{query}");
    }
    let long = format!("id=1&tag={}", "x".repeat(256));
    for query in ["", "tag=x", "id=", "id=$id", "id=a%2F1", "id=1&id=2", "id=1&tag=x&tag=y", &long] {
        assert!(matches!(read(query), Err(WebhookError::Query(_))), "{query}");
    }
}
