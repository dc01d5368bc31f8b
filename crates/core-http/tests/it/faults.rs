//! The transports for tests: faults by a seed, recordings without secrets.

use crate::common::{OK, builder, client, read, script};
use core_http::{
    Client, ErrorKind, RequestBuilder, Transport, TransportErrorKind,
    auth::{ApiKey, Basic, sensitive},
    testing::{Faulty, Recorder, Replayer, Script, response},
};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

fn always_ok() -> Arc<Script> {
    let script = script();
    script.always(|_| Ok(response(200, OK)));
    script
}

async fn outcomes(faulty: &Faulty<Arc<Script>>, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..count {
        let request = RequestBuilder::get("/ask").build().expect("a request");
        all.push(match faulty.send(request).await {
            Ok(answer) => format!("{} {}", answer.status(), answer.body().len()),
            Err(error) => error.to_string(),
        });
    }
    all
}

#[tokio::test(start_paused = true)]
async fn faults_are_the_same_for_the_same_seed_and_about_as_many_as_asked_for() {
    let faulty = |seed| {
        let all = Faulty::new(always_ok(), seed).refuse(0.1).lose(0.1).cut(0.1).throttle(0.1).garbage(0.1);
        all.delay(Duration::from_millis(5))
    };
    let (first, again, other) = (faulty(1), faulty(1), faulty(2));
    let seen = outcomes(&first, 1000).await;
    assert_eq!(seen, outcomes(&again, 1000).await);
    assert_ne!(seen, outcomes(&other, 1000).await);
    let happened = first.happened();
    assert_eq!(happened.keys().copied().collect::<Vec<_>>(), ["cut", "garbage", "lose", "refuse", "throttle"]);
    assert!(happened.values().all(|count| (60..140).contains(count)), "{happened:?}");
    let not_passed_on = happened["refuse"] + happened["throttle"];
    assert_eq!(first.inner().sent(), 1000 - not_passed_on, "what was lost had been processed");
}

#[tokio::test(start_paused = true)]
async fn a_call_survives_faults_that_may_be_met_again() {
    let faulty = Faulty::new(always_ok(), 3).refuse(0.1).throttle(0.1).lose(0.1);
    let client = client(Arc::new(faulty));
    let mut failed = 0;
    for _ in 0..100 {
        failed += usize::from(client.call(read()).await.is_err());
    }
    assert!(failed < 5, "30 % to the power of 4 is 1 %, and {failed} of 100 failed");
}

#[tokio::test(start_paused = true)]
async fn faults_hit_streams_too() {
    let request = || RequestBuilder::get("/ask").build().expect("a request");
    let cut = Faulty::new(always_ok(), 0).cut(1.0).open(request()).await.expect("a head");
    let pieces: Vec<_> = futures_util::StreamExt::collect(cut.body).await;
    assert_eq!(pieces[0].as_ref().expect("half a body").len(), OK.len() / 2);
    assert_eq!(pieces[1].as_ref().expect_err("a cut").kind(), TransportErrorKind::Interrupted);
    let lost = Faulty::new(always_ok(), 0).lose(1.0).open(request()).await.expect_err("lost");
    assert_eq!(lost.kind(), TransportErrorKind::Interrupted);
    assert!(Faulty::new(always_ok(), 0).refuse(1.0).open(request()).await.is_err());
    let throttled = Faulty::new(always_ok(), 0).throttle(1.0).open(request()).await.expect("a head");
    assert_eq!(throttled.head.status, 429);
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_recorded_is_replayed() {
    let (sink, script) = (Sink::default(), script());
    script.answer(200, OK).answer(200, r#"{"code":404,"message":"gone"}"#).fail(TransportErrorKind::Tls);
    script.then(|_| Ok(http::Response::new(vec![0xff, 0x00].into())));
    let real = client(Arc::new(Recorder::new(script, sink.clone())));
    let recorded = [real.call(read()).await, real.call(read()).await, real.call(read()).await, real.call(read()).await];
    let text = sink.text();
    assert_eq!(text.lines().count(), 4);
    let replayer = Arc::new(Replayer::new(&text).expect("a recording"));
    let elsewhere: url::Url = "https://other.test/v1".parse().expect("a base");
    let again: Client<crate::common::Shop> = Client::builder(elsewhere, replayer.clone()).build().expect("a client");
    assert_eq!(replayer.left(), 4);
    for before in recorded {
        match (before, again.call(read()).await) {
            (Ok(before), Ok(after)) => assert_eq!(before, after),
            (Err(before), Err(after)) => assert_eq!((before.kind(), before.fault()), (after.kind(), after.fault())),
            (before, after) => panic!("{before:?} became {after:?}"),
        }
    }
    let error = again.call(read()).await.expect_err("all is used");
    assert!(error.kind() == ErrorKind::Request && error.to_string().contains("no answer left"), "{error}");
    assert!(Replayer::new("{}\n").expect_err("no exchange").to_string().contains("line 1"));
}

#[tokio::test(start_paused = true)]
async fn a_recording_holds_no_secret() {
    let (sink, script) = (Sink::default(), script());
    script.then(|_| {
        let mut answer = response(
            200,
            r#"{"access_token":"Atza|s3cret","expires_in":3600,"deep":[{"password":"s3cret","token":"s3cret",
                "url":"https://a.example/document?part=1&X-Amz-Signature=s3cret"}]}"#,
        );
        answer.headers_mut().insert("set-cookie", "s3cret".parse().expect("a value"));
        Ok(answer)
    });
    script.answer(200, r#"{"access_token":"Atza|s3cr"#).always(|_| Ok(response(200, OK)));
    let recorder = Recorder::new(script, sink.clone());
    let form = [("grant_type", "refresh_token"), ("refresh_token", "s3cret"), ("client_secret", "s3cret")];
    recorder.send(RequestBuilder::post("/token").form(&form).build().expect("a request")).await.expect("an answer");
    recorder.send(RequestBuilder::post("/token").form(&form).build().expect("a request")).await.expect("an answer");
    for name in ["authorization", "x-api-key", "x-amz-access-token", "cookie"] {
        let request = RequestBuilder::get("/x").header(name, "s3cret").query("X-Amz-Signature", "s3cret");
        recorder.send(request.build().expect("a request")).await.expect("an answer");
    }
    let posted = [("asin", "B0"), ("postback_url", "https://hooks.example/s3cret/postback?id=$id")];
    let post = RequestBuilder::post("/x").json(&[std::collections::BTreeMap::from(posted)]);
    recorder.send(post.build().expect("a request")).await.expect("an answer");
    let mut request = RequestBuilder::get("/x").build().expect("a request");
    request.headers_mut().insert("x-unheard-of", sensitive("s3cret").expect("a header value"));
    recorder.send(request).await.expect("an answer");
    let secret = "s3cret".into();
    let basic = Arc::new(Basic::new("s3cret", &secret).expect("credentials"));
    let key = Arc::new(ApiKey::new("x-own".parse().expect("a name"), "Token ", &secret).expect("a key"));
    let shared = Arc::new(recorder);
    builder(shared.clone()).authorize(basic).build().expect("a client").call(read()).await.expect("an answer");
    builder(shared).authorize(key).build().expect("a client").call(read()).await.expect("an answer");
    let text = sink.text();
    assert_eq!(text.lines().count(), 10);
    assert!(!text.contains("s3cr") && !text.contains("czNjcmV0"), "{text}");
    assert!(
        text.contains("expires_in") && text.contains("grant_type=refresh_token") && text.contains("part=1&"),
        "the rest is there: {text}"
    );
}

#[tokio::test(start_paused = true)]
async fn recordings_are_appended_to_their_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("exchanges.jsonl");
    for _ in 0..2 {
        let recorder = Recorder::to_file(always_ok(), &path).expect("a file");
        client(Arc::new(recorder)).call(read()).await.expect("an answer");
    }
    assert_eq!(Replayer::from_file(&path).expect("a recording").left(), 2);
    #[cfg(unix)]
    {
        let mode = std::fs::metadata(&path).expect("a file").permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600, "others must not read it");
    }
}
