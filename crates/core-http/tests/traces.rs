//! What a call leaves in a trace. Alone in its process: whether an event is wanted is remembered for all threads.

mod common;

use common::{ask, builder, read, script};
use core_http::{Authorize, Credential, Request, Result, Safety, TransportErrorKind, auth::sensitive};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;
    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

/// A secret that a refusal replaces by the next one.
#[derive(Debug)]
struct Renewable(Mutex<u64>);

#[async_trait::async_trait]
impl Authorize for Renewable {
    async fn authorize(&self, request: &mut Request) -> Result<Credential> {
        let number = *self.0.lock().expect("no panic");
        request.headers_mut().insert("x-api-key", sensitive(&format!("hunter2-{number}"))?);
        Ok(Credential(number))
    }
    async fn refused(&self, _: Credential) -> bool {
        *self.0.lock().expect("no panic") += 1;
        true
    }
}

#[tokio::test(start_paused = true)]
async fn s1_a_traced_call_names_what_happened_and_holds_no_secret_query_or_body() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false);
    let subscriber = subscriber.with_max_level(tracing::Level::TRACE);
    let spans = tracing_subscriber::fmt::format::FmtSpan::CLOSE;
    let guard = tracing::subscriber::set_default(subscriber.with_span_events(spans).finish());
    let script = script();
    script.fail(TransportErrorKind::Connect).answer(401, "body-in").answer(429, "<html>body-in</html>");
    script.answer(200, r#"{"code":200,"data":"body-in"}"#).answer(200, r#"{"code":402,"message":"body-in"}"#);
    let key = Renewable(Mutex::new(0));
    let client = builder(script.clone()).authorize(Arc::new(key)).build().expect("a client");
    client.call(ask(Safety::Once).body(serde_json::json!("body-out"))).await.expect("the fourth attempt succeeds");
    client.call(read()).await.expect_err("no funds");
    let url = "https://storage.test/x?X-Amz-Signature=hunter2-signature".parse().expect("an address");
    client.fetch_url(&url).await.expect_err("the script is over");
    drop(guard);
    assert_eq!(script.seen()[2].headers()["x-api-key"], "hunter2-1", "the secret was sent");
    let text = String::from_utf8(log.0.lock().expect("no panic").clone()).expect("text");
    let expected = [
        "otel.kind=\"client\"",
        "otel.name=\"ask\"",
        "operation=\"ask\"",
        "vendor=\"shop\"",
        "server.address=\"shop.test\"",
        "http.request.method=\"POST\"",
        "url.template=\"/ask\"",
        "http.request.resend_count=3",
        "http.response.status_code=401",
        "error.type=\"throttled\"",
        "attempts=4 outcome=\"ok\"",
        "outcome=\"not enough funds\"",
    ];
    for part in expected {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    for secret in ["hunter2", "body-in", "body-out", "?q=1", "Signature"] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
}
