//! The sandbox as a client: webhooks on their way to a server on this machine, and nowhere else.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::dataforseo::webhooks::{self, Errand, Outcome, Outgoing};
use crate::faults::Action;
use crate::world::World;

/// How much of an answer is read, and kept for the list of errors.
const ANSWER: usize = 1000;

fn with<T>(world: &Weak<Mutex<World>>, work: impl FnOnce(&mut World) -> T) -> Option<T> {
    let world = world.upgrade()?;
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    Some(work(&mut world))
}

/// Sends a webhook when it is due and writes down what became of it. A sandbox that has stopped sends nothing more.
pub(crate) async fn deliver(world: Weak<Mutex<World>>, errand: Errand) {
    let left =
        |world: &mut World| (world.clock.wall(errand.due.saturating_sub(world.clock.now())), world.clock.jumps());
    while let Some((wait, mut jumps)) = with(&world, left)
        && !wait.is_zero()
    {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // Set forward, or gone with its sandbox.
            _ = jumps.changed() => {}
        }
    }
    let Some(Some(mut outgoing)) = with(&world, |world| webhooks::prepare(world, &errand)) else { return };
    let fault = outgoing.strike.as_ref().map(|strike| strike.action.clone());
    match &fault {
        Some(Action::Delay { ms }) => tokio::time::sleep(Duration::from_millis(*ms)).await,
        Some(Action::HalfBody) => outgoing.body.truncate(outgoing.body.len() / 2),
        Some(Action::Garbage) => outgoing.body = Bytes::from_static(b"\x00\xffnot what you asked for{{{"),
        _ => {}
    }
    let lost = |why: &str| Outcome { answer: Err(why.to_owned()), took: Duration::ZERO };
    let outcomes = match fault {
        Some(Action::Refuse | Action::CutBeforeWork) => vec![lost("connection refused")],
        Some(Action::CutAfterWork) => {
            send(&outgoing).await;
            vec![lost("the answer got lost")]
        }
        Some(Action::DeliverTwice) => {
            let (one, other) = tokio::join!(send(&outgoing), send(&outgoing));
            vec![one, other]
        }
        _ => vec![send(&outgoing).await],
    };
    with(&world, |world| outcomes.into_iter().for_each(|outcome| webhooks::note(world, &errand, &outgoing, outcome)));
}

async fn send(outgoing: &Outgoing) -> Outcome {
    let begun = Instant::now();
    let answer = match tokio::time::timeout(outgoing.patience, exchange(outgoing)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the server did not answer in time".to_owned()),
    };
    Outcome { answer, took: begun.elapsed() }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(outgoing: &Outgoing) -> Result<(u16, String), Failure> {
    let url = Url::parse(&outgoing.url)?;
    let (address, port) = loopback(&url).ok_or("only http to a loopback address is called from here")?;
    let stream = TcpStream::connect((address, port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut request = Request::builder()
        .method(&outgoing.method)
        .uri(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, &url[url::Position::BeforeHost..url::Position::AfterPort])
        .header(header::CONNECTION, "close");
    if outgoing.method == http::Method::POST {
        request = request.header(header::CONTENT_TYPE, "application/json").header(header::CONTENT_ENCODING, "gzip");
    }
    let request = request.body(Full::new(outgoing.body.clone()))?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        // What is said beyond the first words does not matter, and neither does how it ends.
        let body = Limited::new(response.into_body(), ANSWER).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok::<_, Failure>((status, String::from_utf8_lossy(&body).into_owned()))
    };
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        ended = connection => {
            ended?;
            answer.await
        }
    }
}

/// The address and port of an `http` URL on this machine.
fn loopback(url: &Url) -> Option<(IpAddr, u16)> {
    let address = match url.host()? {
        Host::Domain(name) => (name == "localhost").then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
    };
    let port = url.port_or_known_default()?;
    address.filter(|address| address.is_loopback() && url.scheme() == "http").map(|address| (address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_beyond_this_machine_is_called() {
        let is_called = |text: &str| loopback(&Url::parse(text).expect("a URL")).is_some();
        for own in ["http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:1/", "http://127.9.9.9/"] {
            assert!(is_called(own), "{own}");
        }
        for other in [
            "https://127.0.0.1/",
            "http://example.com/",
            "http://169.254.169.254/",
            "http://10.0.0.1/",
            "http://localhost.example.com/",
            "http://0.0.0.0/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
        ] {
            assert!(!is_called(other), "{other}");
        }
    }
}
