//! Credentials: one refresh for all, fresh ones in every attempt, old ones as long as they live.

use crate::common::{OK, builder, read, script};
use core_http::{
    Authorize, Client, Credential, Error, ErrorKind, Request, Result,
    auth::{ApiKey, Basic, TokenCache, sensitive},
    testing::{Script, response},
};
use futures_util::future::join_all;
use secrecy::SecretString;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, advance, sleep, timeout};

/// A token endpoint that takes 100 ms, and whose nth answer is scripted.
#[derive(Debug)]
struct Tokens {
    cache: TokenCache,
    fetched: AtomicU32,
    failure: Mutex<Option<ErrorKind>>,
    takes: Mutex<Duration>,
    lifetime: Duration,
}

impl Tokens {
    fn new() -> Arc<Self> {
        Self::living(Duration::from_secs(3600))
    }

    fn living(lifetime: Duration) -> Arc<Self> {
        let cache = TokenCache::new(Duration::from_secs(60));
        let takes = Mutex::new(Duration::from_millis(100));
        Arc::new(Self { cache, fetched: AtomicU32::new(0), failure: Mutex::new(None), takes, lifetime })
    }

    fn take(&self, duration: Duration) {
        *self.takes.lock().expect("no panic") = duration;
    }

    fn fetched(&self) -> u32 {
        self.fetched.load(Ordering::Relaxed)
    }

    fn fail(&self, failure: Option<ErrorKind>) {
        *self.failure.lock().expect("no panic") = failure;
    }
}

#[async_trait::async_trait]
impl Authorize for Tokens {
    async fn authorize(&self, request: &mut Request) -> Result<Credential> {
        let fetch = async || {
            let takes = *self.takes.lock().expect("no panic");
            sleep(takes).await;
            let number = self.fetched.fetch_add(1, Ordering::Relaxed) + 1;
            match *self.failure.lock().expect("no panic") {
                Some(kind) => Err(Error::new(kind, "the token endpoint failed")),
                None => Ok((SecretString::from(format!("token-{number}")), self.lifetime)),
            }
        };
        let (value, credential) = self.cache.get_or_fetch(fetch).await?;
        request.headers_mut().insert("x-token", value);
        Ok(credential)
    }

    async fn refused(&self, credential: Credential) -> bool {
        self.cache.forget(credential);
        true
    }
}

fn client(script: &Arc<Script>, tokens: &Arc<Tokens>) -> Client<crate::common::Shop> {
    builder(script.clone()).authorize(tokens.clone()).build().expect("a client")
}

fn tokens_of(script: &Script) -> Vec<String> {
    let seen = script.seen();
    seen.iter().map(|request| request.headers()["x-token"].to_str().expect("text").to_owned()).collect()
}

fn always_ok() -> Arc<Script> {
    let script = script();
    script.always(|_| Ok(response(200, OK)));
    script
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_and_an_expired_token_make_one_refresh() {
    let (script, tokens) = (always_ok(), Tokens::new());
    let client = client(&script, &tokens);
    client.call(read()).await.expect("an answer");
    advance(Duration::from_secs(3601)).await;
    let answers = join_all((0..100).map(|_| client.call(read()))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(tokens.fetched(), 2);
    assert_eq!(tokens_of(&script)[1..], vec!["token-2"; 100]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_share_a_refresh_that_fails() {
    for kind in [ErrorKind::Auth, ErrorKind::Rejected] {
        let (script, tokens) = (always_ok(), Tokens::new());
        tokens.fail(Some(kind));
        let client = client(&script, &tokens);
        let answers = join_all((0..100).map(|_| client.call(read()))).await;
        for answer in answers {
            let error = answer.expect_err("no token");
            assert_eq!((error.kind(), error.to_string().contains("the token endpoint failed")), (kind, true));
            assert!(!error.may_have_been_applied());
        }
        assert_eq!((tokens.fetched(), script.sent()), (1, 0), "{kind}");
        assert!(client.call(read()).await.is_err());
        assert_eq!(tokens.fetched(), 2, "who comes later asks again");
        tokens.fail(None);
        client.call(read()).await.expect("the endpoint is back");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires() {
    let (script, tokens) = (always_ok(), Tokens::new());
    let client = client(&script, &tokens);
    client.call(read()).await.expect("an answer");
    advance(Duration::from_secs(3600 - 62)).await;
    client.call(read()).await.expect("an answer");
    assert_eq!(tokens.fetched(), 1);
    advance(Duration::from_secs(2)).await;
    client.call(read()).await.expect("an answer");
    assert_eq!(tokens.fetched(), 2, "60 s before its end it is renewed");
}

#[tokio::test(start_paused = true)]
async fn a_token_in_its_margin_is_used_while_the_endpoint_is_down() {
    let (script, tokens) = (always_ok(), Tokens::new());
    let client = client(&script, &tokens);
    client.call(read()).await.expect("an answer");
    advance(Duration::from_secs(3590)).await;
    tokens.fail(Some(ErrorKind::Rejected));
    client.call(read()).await.expect("the token lives for 10 s more");
    client.call(read()).await.expect("it does");
    assert_eq!(tokens.fetched(), 2, "the endpoint is not asked by every call while it is down");
    tokens.fail(Some(ErrorKind::Auth));
    advance(Duration::from_secs(5)).await;
    assert_eq!(client.call(read()).await.expect_err("refused").kind(), ErrorKind::Auth, "a clear no is no outage");
    tokens.fail(Some(ErrorKind::Rejected));
    advance(Duration::from_secs(5)).await;
    assert_eq!(client.call(read()).await.expect_err("the token is dead").kind(), ErrorKind::Rejected);
    assert_eq!(tokens_of(&script), ["token-1", "token-1", "token-1"]);
}

#[tokio::test(start_paused = true)]
async fn while_a_token_lives_a_slow_endpoint_holds_up_one_caller_and_that_one_not_for_long() {
    let (script, tokens) = (always_ok(), Tokens::new());
    let client = client(&script, &tokens);
    client.call(read()).await.expect("an answer");
    advance(Duration::from_secs(3590)).await;
    tokens.take(Duration::from_secs(60));
    let start = Instant::now();
    let waits = join_all((0..100).map(async |_| {
        client.call(read()).await.expect("the old token lives");
        start.elapsed()
    }))
    .await;
    assert_eq!(waits.iter().filter(|wait| wait.is_zero()).count(), 99);
    assert_eq!(waits.iter().max(), Some(&Duration::from_secs(5)));
    assert_eq!(tokens_of(&script), vec!["token-1"; 101]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_dropped_once_and_no_newer_one_with_it() {
    let (script, tokens) = (script(), Tokens::new());
    script.always(|request| match request.headers()["x-token"].to_str() {
        Ok("token-1") => Ok(response(401, "expired")),
        _ => Ok(response(200, OK)),
    });
    script.delay(Duration::from_secs(1));
    let client = client(&script, &tokens);
    let answers = join_all((0..50).map(|_| client.call(read()))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!((tokens.fetched(), script.sent()), (2, 100), "50 refusals of one token are one refresh");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_comes_late_leaves_the_newer_token() {
    let cache = TokenCache::new(Duration::from_secs(60));
    let fetch = async || Ok((SecretString::from("secret"), Duration::from_secs(3600)));
    let (_, first) = cache.get_or_fetch(fetch).await.expect("a token");
    assert!(cache.forget(first).is_some());
    let (_, second) = cache.get_or_fetch(fetch).await.expect("a newer one");
    assert_ne!(first, second);
    assert!(cache.forget(first).is_none());
    assert!(cache.holds(second));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_lives_no_longer_than_the_margin_serves_three_quarters_of_its_life() {
    let (script, tokens) = (always_ok(), Tokens::living(Duration::from_secs(60)));
    let client = client(&script, &tokens);
    client.call(read()).await.expect("an answer");
    advance(Duration::from_secs(44)).await;
    client.call(read()).await.expect("an answer");
    assert_eq!(tokens.fetched(), 1);
    advance(Duration::from_secs(2)).await;
    client.call(read()).await.expect("an answer");
    assert_eq!(tokens.fetched(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_bounded_by_the_deadline_and_left_to_the_next_in_line() {
    let (script, tokens) = (always_ok(), Tokens::new());
    let client = client(&script, &tokens);
    let hasty = client.with(|options| options.deadline = Duration::from_millis(50));
    let start = Instant::now();
    let (cut, patient) = tokio::join!(hasty.call(read()), client.call(read()));
    let error = cut.expect_err("the token takes 100 ms");
    assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Connect, false));
    patient.expect("who stood behind it fetches the token itself");
    assert_eq!((tokens.fetched(), start.elapsed()), (1, Duration::from_millis(150)));
}

#[tokio::test(start_paused = true)]
async fn k7_callers_dropped_while_they_refresh_leave_no_lock() {
    let (script, tokens) = (always_ok(), Tokens::new());
    let client = client(&script, &tokens);
    for milliseconds in [0, 1, 50, 99] {
        let leaving = (0..10).map(|_| timeout(Duration::from_millis(milliseconds), client.call(read())));
        assert!(join_all(leaving).await.iter().all(Result::is_err));
    }
    timeout(Duration::from_secs(1), client.call(read())).await.expect("no lock is held").expect("an answer");
    assert_eq!(tokens.fetched(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_failed_in_between_was_not_sent_and_so_not_applied() {
    let (script, tokens) = (always_ok(), Tokens::new());
    tokens.fail(Some(ErrorKind::Interrupted));
    let error = client(&script, &tokens).call(crate::common::ask(core_http::Safety::Once)).await.expect_err("no token");
    assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Interrupted, false));
    assert_eq!(script.sent(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_without_end_is_no_panic() {
    let (script, tokens) = (always_ok(), Tokens::living(Duration::MAX));
    let client = client(&script, &tokens);
    client.call(read()).await.expect("an answer");
    advance(Duration::from_secs(86_400)).await;
    client.call(read()).await.expect("an answer");
    assert_eq!(tokens.fetched(), 2, "no token is believed for more than a day");
}

#[tokio::test(start_paused = true)]
async fn basic_credentials_are_what_rfc_7617_says() {
    let script = always_ok();
    let basic = Arc::new(Basic::new("login", &"pass:word".into()).expect("credentials"));
    builder(script.clone()).authorize(basic).build().expect("a client").call(read()).await.expect("an answer");
    assert_eq!(script.seen()[0].headers()["authorization"], "Basic bG9naW46cGFzczp3b3Jk");
    for login in ["", "a:b"] {
        assert_eq!(Basic::new(login, &"x".into()).expect_err(login).kind(), ErrorKind::Auth);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_can_be_replaced_while_calls_run() {
    let script = script();
    script.always(|request| match request.headers()["authorization"].to_str() {
        Ok("Token new") => Ok(response(200, OK)),
        _ => Ok(response(401, "")),
    });
    script.delay(Duration::from_secs(1));
    let key = ApiKey::new(http::header::AUTHORIZATION, "Token ", &"old".into()).expect("a key");
    let client = builder(script.clone()).authorize(Arc::new(key.clone())).build().expect("a client");
    assert_eq!(client.call(read()).await.expect_err("the old key is refused").attempts(), 1);
    let rotate = async {
        sleep(Duration::from_millis(500)).await;
        key.rotate("Token ", &"new".into()).expect("a key");
    };
    let (answer, ()) = tokio::join!(client.exchange(read()), rotate);
    assert_eq!(answer.expect("the call is tried again with the new key").attempts, 2);
    for bad in ["", "new\nline"] {
        let error = key.rotate("", &bad.into()).expect_err("no key");
        assert!(error.kind() == ErrorKind::Auth && !error.to_string().contains("line"), "{error}");
    }
    assert!(sensitive("with\nline").expect_err("no header value").kind() == ErrorKind::Auth);
}
