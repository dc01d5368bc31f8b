//! When a request is sent again, and when never.

use crate::common::{OK, ask, builder, client, read, script};
use core_http::{
    Authorize, Credential, Error, ErrorKind, Gate, Request, Result, RetryBudget, Safety, TransportErrorKind as Sent,
    retry,
    testing::{Script, response},
};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

const SAFE: [Safety; 2] = [Safety::ReadOnly, Safety::Idempotent];
const ALL: [Safety; 3] = [Safety::ReadOnly, Safety::Idempotent, Safety::Once];

/// Scripts the first answer.
type First = fn(&Script);

/// Sends an operation whose first attempt ends as scripted and whose second would succeed.
async fn second_try(safety: Safety, first: impl Fn(&Script)) -> (usize, Result<serde_json::Value>) {
    let script = script();
    first(&script);
    script.answer(200, OK);
    let result = client(script.clone()).call(ask(safety).body(json!({"paid": true}))).await;
    (script.sent(), result)
}

async fn is_sent_again(safety: Safety, first: impl Fn(&Script)) {
    let (sent, result) = second_try(safety, first).await;
    assert_eq!(result.expect("the second attempt succeeds"), 7);
    assert_eq!(sent, 2, "{safety:?}");
}

async fn is_not_sent_again(safety: Safety, kind: ErrorKind, first: impl Fn(&Script)) -> Error {
    let (sent, result) = second_try(safety, first).await;
    let error = result.expect_err("the first failure is the result");
    assert_eq!((sent, error.kind(), error.attempts()), (1, kind, 1), "{safety:?}: {error}");
    error
}

#[tokio::test(start_paused = true)]
async fn what_was_not_done_is_sent_again_whatever_the_safety() {
    for safety in ALL {
        is_sent_again(safety, |script| _ = script.fail(Sent::Connect)).await;
        is_sent_again(safety, |script| _ = script.answer(200, r#"{"code":429}"#)).await;
        is_sent_again(safety, |script| _ = script.answer(429, "slow down")).await;
        is_sent_again(safety, |script| _ = script.answer(200, r#"{"code":409}"#)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_sent_again_only_if_that_does_no_harm() {
    let lost: [(ErrorKind, First); 5] = [
        (ErrorKind::Timeout, |script| _ = script.fail(Sent::Timeout)),
        (ErrorKind::Interrupted, |script| _ = script.fail(Sent::Interrupted)),
        (ErrorKind::Unavailable, |script| _ = script.answer(500, "<html>oops</html>")),
        (ErrorKind::Unavailable, |script| _ = script.answer(500, r#"{"code":500}"#)),
        (ErrorKind::Unavailable, |script| _ = script.answer(200, r#"{"code":500}"#)),
    ];
    for (kind, first) in lost {
        for safety in SAFE {
            is_sent_again(safety, first).await;
        }
        let error = is_not_sent_again(Safety::Once, kind, first).await;
        assert!(error.may_have_been_applied());
    }
}

#[tokio::test(start_paused = true)]
async fn a_clear_no_is_never_sent_again() {
    let no: [(ErrorKind, First); 6] = [
        (ErrorKind::Auth, |script| _ = script.answer(200, r#"{"code":401}"#)),
        (ErrorKind::Funds, |script| _ = script.answer(200, r#"{"code":402}"#)),
        (ErrorKind::NotFound, |script| _ = script.answer(404, "nothing here")),
        (ErrorKind::Rejected, |script| _ = script.answer(200, r#"{"code":400}"#)),
        (ErrorKind::Request, |script| _ = script.fail(Sent::Tls)),
        (ErrorKind::Request, |script| _ = script.fail(Sent::Other)),
    ];
    for (kind, first) in no {
        for safety in ALL {
            let error = is_not_sent_again(safety, kind, first).await;
            assert!(!error.may_have_been_applied(), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_understood_is_never_sent_again() {
    let unread: [First; 4] = [
        |script| _ = script.answer(200, "<html>"),
        |script| _ = script.answer(200, ""),
        |script| _ = script.answer(200, r#"{"code":200,"data""#),
        |script| _ = script.fail(Sent::TooLarge),
    ];
    for first in unread {
        for safety in ALL {
            let error = is_not_sent_again(safety, ErrorKind::Decode, first).await;
            assert_eq!(error.may_have_been_applied(), safety != Safety::ReadOnly, "{safety:?}: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_table_is_the_whole_truth() {
    use ErrorKind::*;
    for kind in [Request, Auth, Connect, Throttled, Busy, Unavailable, Timeout, Interrupted, Funds, NotFound, Rejected]
    {
        let once = matches!(kind, Connect | Throttled | Busy);
        let safe = once || matches!(kind, Unavailable | Timeout | Interrupted);
        assert_eq!(retry::may_resend(kind, Safety::Once), once, "{kind}");
        assert_eq!(SAFE.map(|safety| retry::may_resend(kind, safety)), [safe, safe], "{kind}");
        assert!(!(once && kind.may_have_been_applied()), "{kind}");
    }
    assert_eq!(ALL.map(|safety| retry::may_resend(Decode, safety)), [false; 3]);
}

/// Credentials that a refusal renews as often as `good` says.
#[derive(Debug)]
struct Renewed {
    version: AtomicU32,
    good: u32,
}

#[async_trait::async_trait]
impl Authorize for Renewed {
    async fn authorize(&self, request: &mut Request) -> Result<Credential> {
        let version = self.version.load(Ordering::Relaxed);
        request.headers_mut().insert("x-version", version.into());
        Ok(Credential(version.into()))
    }
    async fn refused(&self, credential: Credential) -> bool {
        assert_eq!(credential.0, u64::from(self.version.fetch_add(1, Ordering::Relaxed)));
        self.good > 0
    }
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_renewed_once_and_no_more() {
    for safety in ALL {
        let script = script();
        script.always(|request| match request.headers()["x-version"].to_str() {
            Ok("1") => Ok(response(200, OK)),
            _ => Ok(response(401, "who are you?")),
        });
        let renewed = |version, good| Arc::new(Renewed { version: AtomicU32::new(version), good });
        let good = builder(script.clone()).authorize(renewed(0, 1)).build().expect("a client");
        assert_eq!(good.exchange(ask(safety)).await.expect("the new credentials are good").attempts, 2);
        let bad = builder(script.clone()).authorize(renewed(5, 1)).build().expect("a client");
        let error = bad.call(ask(safety)).await.expect_err("the new credentials are refused, too");
        assert_eq!((error.kind(), error.attempts(), script.sent()), (ErrorKind::Auth, 2, 4));
        let hopeless = builder(script.clone()).authorize(renewed(5, 0)).build().expect("a client");
        let error = hopeless.call(ask(safety)).await.expect_err("there are no other credentials");
        assert_eq!((error.kind(), error.attempts(), script.sent()), (ErrorKind::Auth, 1, 5));
    }
}

#[tokio::test(start_paused = true)]
async fn a_retried_body_is_byte_identical_and_only_credentials_are_fresh() {
    let script = script();
    script.fail(Sent::Connect).answer(429, "").answer(200, OK);
    let body = json!({"price": "75.50", "sku": "ÖZ/1 2", "at": [1, 2.5e30]});
    client(script.clone()).call(ask(Safety::Once).body(body)).await.expect("the third attempt succeeds");
    let seen = script.seen();
    assert_eq!(seen.len(), 3);
    for request in &seen {
        assert_eq!(request.body(), seen[0].body());
        assert_eq!((request.uri(), request.method()), (seen[0].uri(), seen[0].method()));
        assert_eq!(request.headers(), seen[0].headers());
    }
}

#[tokio::test(start_paused = true)]
async fn that_it_may_have_been_applied_sticks_over_attempts() {
    let script = script();
    script.fail(Sent::Timeout).answer(404, "gone");
    let error = client(script.clone()).call(ask(Safety::Idempotent)).await.expect_err("not found");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::NotFound, 2));
    assert!(error.may_have_been_applied(), "the first attempt may have done it");
    script.fail(Sent::Timeout).answer(404, "gone");
    let error = client(script).call(read()).await.expect_err("not found");
    assert!(!error.may_have_been_applied(), "reading does nothing");
}

#[tokio::test(start_paused = true)]
async fn the_attempts_are_bounded() {
    let script = script();
    script.always(|_| Ok(response(503, "")));
    let error = client(script.clone()).call(read()).await.expect_err("always down");
    assert_eq!((error.attempts(), script.sent(), error.kind()), (4, 4, ErrorKind::Unavailable));
    assert!(error.to_string().contains("after 4 attempts"), "{error}");
    let once = client(script.clone()).with(|options| options.retry = core_http::RetryPolicy::never());
    assert_eq!(once.call(read()).await.expect_err("always down").attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_budget_bounds_the_resends_of_all_calls_together() {
    let script = script();
    let budget = RetryBudget::new(25);
    let client = client(script.clone()).with(|options| options.retry.budget = budget.clone());
    script.always(|_| Ok(response(503, "")));
    assert_eq!(client.call(read()).await.expect_err("down").attempts(), 3, "25 tokens pay for two resends");
    assert_eq!(client.call(read()).await.expect_err("down").attempts(), 1);
    assert_eq!(budget.left(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_success_earns_one_and_being_throttled_costs_nothing() {
    let script = script();
    let budget = RetryBudget::new(25);
    let client = client(script.clone()).with(|options| options.retry.budget = budget.clone());
    script.answer(503, "").answer(200, OK);
    client.call(read()).await.expect("the second attempt succeeds");
    assert_eq!(budget.left(), 25 - 10 + 1);
    script.answer(429, "").answer(429, "").answer(200, OK);
    client.call(read()).await.expect("the third attempt succeeds");
    assert_eq!(budget.left(), 17);
}

#[tokio::test(start_paused = true)]
async fn the_servers_delay_is_a_minimum_with_jitter_on_top() {
    for _ in 0..20 {
        let script = script();
        script.then(|_| {
            let mut answer = response(429, "");
            answer.headers_mut().insert("retry-after", 5.into());
            Ok(answer)
        });
        script.answer(200, OK);
        let start = Instant::now();
        client(script).call(read()).await.expect("the second attempt succeeds");
        let waited = start.elapsed();
        assert!((Duration::from_secs(5)..Duration::from_millis(5_250)).contains(&waited), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_wait_goes_past_the_deadline() {
    let script = script();
    script.always(|_| {
        let mut answer = response(429, r#"{"code":429,"message":"slow down"}"#);
        answer.headers_mut().insert("retry-after", 11.into());
        Ok(answer)
    });
    let client = client(script.clone()).with(|options| options.deadline = Duration::from_secs(10));
    let start = Instant::now();
    let error = client.call(read()).await.expect_err("the wait is too long");
    assert_eq!(start.elapsed(), Duration::ZERO, "it is known at once that waiting is in vain");
    assert_eq!((error.kind(), error.attempts(), script.sent()), (ErrorKind::Throttled, 1, 1));
    assert_eq!(error.fault().map(|fault| fault.message.as_str()), Some("slow down"), "the real error is returned");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(11)));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_over_all_attempts() {
    let script = script();
    script.always(|_| Ok(response(503, "")));
    script.delay(Duration::from_secs(4));
    let client = client(script).with(|options| options.deadline = Duration::from_secs(10));
    let start = Instant::now();
    let error = client.call(read()).await.expect_err("always down");
    assert!(start.elapsed() <= Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(error.attempts() >= 2);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_with_its_own_time_out() {
    let script = script();
    script.always(|_| Ok(response(200, OK))).delay(Duration::from_secs(40));
    let start = Instant::now();
    let client = client(script.clone()).with(|options| options.deadline = Duration::from_secs(300));
    let error = client.call(ask(Safety::Once)).await.expect_err("no answer within 30 s");
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Timeout, Duration::from_secs(30)));
    assert!(error.may_have_been_applied());
    let patient = client.with(|options| options.time_out = Some(Duration::from_secs(120)));
    assert_eq!(patient.call(ask(Safety::Once)).await.expect("an answer after 40 s"), 7);
    assert_eq!(script.sent(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_leave_any_more_is_not_sent() {
    let script = script();
    script.fail(Sent::Connect);
    let seen = script.clone();
    let client = client(script.clone()).with(|options| options.gate = Some(Gate::new(move || seen.sent() == 0)));
    let error = client.call(ask(Safety::Once)).await.expect_err("the gate closed after the first attempt");
    assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Throttled, false));
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_without_end_is_no_panic() {
    let script = script();
    script.fail(Sent::Connect).answer(200, OK);
    let client = client(script).with(|options| {
        options.deadline = Duration::MAX;
        options.time_out = Some(Duration::MAX);
    });
    assert_eq!(client.call(read()).await.expect("the second attempt succeeds"), 7);
}

#[test]
fn r1_retry_after_in_every_form() {
    let read = |text: &str| {
        let mut headers = http::HeaderMap::new();
        headers.insert("retry-after", text.parse().expect("a header value"));
        retry::retry_after(&headers)
    };
    assert_eq!(read("7"), Some(Duration::from_secs(7)));
    assert_eq!(read("0.5"), Some(Duration::from_millis(500)));
    assert_eq!(read("-3"), Some(Duration::ZERO));
    assert_eq!(read("1e9"), Some(retry::LONGEST_RETRY_AFTER));
    assert_eq!(read("inf"), Some(retry::LONGEST_RETRY_AFTER));
    assert_eq!(read("NaN"), None);
    assert_eq!(read("soon"), None);
    assert_eq!(retry::retry_after(&http::HeaderMap::new()), None);
    let now = jiff::Timestamp::now();
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    let date = |time| read(&printer.timestamp_to_rfc9110_string(&time).unwrap()).expect("a date is understood");
    let wait = date(now + Duration::from_secs(60));
    assert!((Duration::from_secs(58)..=Duration::from_secs(60)).contains(&wait), "{wait:?}");
    assert_eq!(date(now - Duration::from_secs(3600)), Duration::ZERO);
    assert_eq!(date(now + Duration::from_secs(86_400)), retry::LONGEST_RETRY_AFTER);
}

#[tokio::test(start_paused = true)]
async fn r2_r3_every_5xx_is_sent_again_only_if_that_is_safe() {
    for status in [500, 502, 503, 504] {
        let script = script();
        script.always(move |_| Ok(response(status, "")));
        let client = client(script.clone());
        assert_eq!(client.call(read()).await.expect_err("down").attempts(), 4, "{status}");
        let error = client.call(ask(Safety::Once)).await.expect_err("down");
        assert_eq!((error.attempts(), script.sent(), error.may_have_been_applied()), (1, 5, true), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn r5_r6_html_or_nothing_with_200_is_said_with_its_first_bytes() {
    let script = script();
    script.answer(200, "<html>Enter the characters you see</html>").answer(200, "");
    let client = client(script);
    let error = client.call(ask(Safety::Once)).await.expect_err("no JSON");
    assert!(error.to_string().contains("not JSON") && error.to_string().contains("Enter the characters"), "{error}");
    assert!(error.may_have_been_applied(), "it may have been paid for");
    let error = client.call(ask(Safety::Once)).await.expect_err("no JSON");
    assert!(error.to_string().contains("empty body") && error.may_have_been_applied(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn r7_the_content_type_does_not_matter_when_the_body_is_json() {
    let script = script();
    script.then(|_| {
        let mut answer = response(200, OK);
        answer.headers_mut().insert("content-type", "text/html".parse().expect("a header value"));
        Ok(answer)
    });
    assert_eq!(client(script).call(read()).await.expect("valid JSON"), 7);
}
