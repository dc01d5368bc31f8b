//! The receiver without a network, under paused time. Rows of the fault matrix are named.

use super::*;
use crate::webhook::tests::gzip;
use async_trait::async_trait;
use futures_util::{StreamExt, future::join_all, stream};
use http_body_util::BodyExt;
use std::sync::Mutex;
use tokio::time::sleep;
use tower::ServiceExt;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A place for what arrives, of which tasks `known-…` are expected.
#[derive(Clone, Default)]
pub struct Shelf {
    stored: Arc<Mutex<Vec<String>>>,
    takes: Duration,
    broken: Arc<Mutex<bool>>,
}

impl Shelf {
    fn stored(&self) -> Vec<String> {
        self.stored.lock().unwrap().clone()
    }

    async fn put(&self, what: String) -> Result<(), StoreError> {
        sleep(self.takes).await;
        if *self.broken.lock().unwrap() {
            return Err("disk full".into());
        }
        self.stored.lock().unwrap().push(what);
        Ok(())
    }
}

#[async_trait]
impl Expects for Shelf {
    async fn expects(&self, delivery: Delivery<'_>) -> Result<Expectation, StoreError> {
        Ok(match (delivery.id.as_str(), delivery.tag, delivery.part) {
            ("done", ..) => Expectation::Stored,
            (id, Some("mine"), None | Some(7)) if id.starts_with("known-") => Expectation::Expected,
            _ => Expectation::Unknown,
        })
    }
}

#[async_trait]
impl Store for Shelf {
    async fn postback(&self, postback: Postback) -> Result<(), StoreError> {
        self.put(postback.id().to_string()).await
    }

    async fn pingback(&self, pingback: Pingback) -> Result<(), StoreError> {
        self.put(format!("ping {}", pingback.id)).await
    }
}

pub fn receiver(shelf: &Shelf) -> Receiver {
    Receiver::of(Token::new(TOKEN.to_owned()).unwrap(), shelf.clone())
}

fn result(id: &str) -> Vec<u8> {
    let json = format!(
        r#"{{"status_code":20000,"tasks":[{{"id":"{id}","status_code":20000,"data":{{"tag":"mine"}},"result":[]}}]}}"#
    );
    gzip(json.as_bytes())
}

async fn sent(receiver: &Receiver, method: &str, path: &str, body: impl Into<Body>) -> u16 {
    let request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
    receiver.router().oneshot(request).await.unwrap().status().as_u16()
}

async fn posted(receiver: &Receiver, id: &str) -> u16 {
    sent(receiver, "POST", &format!("/{TOKEN}/postback?id={id}&tag=mine"), result(id)).await
}

#[tokio::test(start_paused = true)]
async fn what_arrives_is_stored_and_then_acknowledged() {
    let shelf = Shelf::default();
    let receiver = receiver(&shelf);
    assert_eq!(posted(&receiver, "known-1").await, 200);
    assert_eq!(sent(&receiver, "GET", &format!("/{TOKEN}/pingback?id=known-2&tag=mine"), Body::empty()).await, 200);
    assert_eq!(sent(&receiver, "POST", &format!("/behind/a/proxy/{TOKEN}/postback"), result("known-3")).await, 200);
    assert_eq!(shelf.stored(), ["known-1", "ping known-2", "known-3"]);
    assert_eq!(receiver.counts(), Counts { stored: 3, ..Counts::default() });
    assert_eq!(sent(&receiver, "GET", &format!("/{TOKEN}/postback"), Body::empty()).await, 405);
    assert_eq!(posted(&receiver, "done").await, 200, "stored by an earlier process");
    assert_eq!(shelf.stored().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn d12_the_same_result_is_stored_once_however_often_it_comes() {
    let shelf = Shelf { takes: Duration::from_secs(1), ..Shelf::default() };
    let receiver = receiver(&shelf);
    let at_once = join_all((0..5).map(|_| posted(&receiver, "known-1"))).await;
    assert_eq!(at_once, [200; 5]);
    assert_eq!(posted(&receiver, "known-1").await, 200);
    assert_eq!(shelf.stored(), ["known-1"]);
    let counts = receiver.counts();
    assert_eq!((counts.stored, counts.repeated), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn d14_what_nobody_asked_for_is_counted_and_stored_nowhere() {
    let shelf = Shelf::default();
    let receiver = receiver(&shelf);
    assert_eq!(posted(&receiver, "foreign").await, 404);
    let other = sent(&receiver, "POST", &format!("/{TOKEN}/postback?id=known-1&tag=mine"), result("known-2")).await;
    assert_eq!(other, 404, "the address names another task than the body");
    assert_eq!(receiver.counts().unknown, 2);
    let generous = receiver.clone().with(|settings| settings.unknown = 200);
    assert_eq!(posted(&generous, "foreign").await, 200, "by policy");
    assert_eq!((generous.counts().unknown, shelf.stored().len()), (1, 0));
}

/// Row D15: a store slower than the vendor's patience.
#[tokio::test(start_paused = true)]
async fn d15_who_is_slow_answers_in_time_that_it_is_not_stored_and_stores_on() {
    let shelf = Shelf { takes: Duration::from_secs(60), ..Shelf::default() };
    let receiver = receiver(&shelf);
    let begun = Instant::now();
    assert_eq!(posted(&receiver, "known-1").await, 503);
    let head = receiver.settings.head;
    assert!(begun.elapsed() + head <= Duration::from_secs(8), "with its head: {:?} + {head:?}", begun.elapsed());
    // Sent again meanwhile, it waits for the first, and is not stored twice.
    assert_eq!(posted(&receiver, "known-1").await, 503);
    assert_eq!(receiver.take_missed(), [TaskId::new("known-1")]);
    sleep(Duration::from_secs(120)).await;
    assert_eq!(shelf.stored(), ["known-1"]);
    assert_eq!(posted(&receiver, "known-1").await, 200);
    assert_eq!((shelf.stored().len(), receiver.counts().late), (1, 2));
    assert_eq!(receiver.take_missed(), [], "it is not missing any more");
}

#[tokio::test(start_paused = true)]
async fn a_place_is_held_until_what_arrived_is_stored() {
    let shelf = Shelf { takes: Duration::from_secs(60), ..Shelf::default() };
    let receiver = receiver(&shelf).with(|settings| settings.at_once = 2);
    assert_eq!(join_all(["known-1", "known-2"].map(|id| posted(&receiver, id))).await, [503; 2]);
    assert_eq!(posted(&receiver, "known-3").await, 503);
    assert_eq!(sent(&receiver, "GET", &format!("/{TOKEN}/pingback?id=known-4&tag=mine"), Body::empty()).await, 503);
    sleep(Duration::from_secs(200)).await;
    let mut stored = shelf.stored();
    stored.sort();
    assert_eq!(stored, ["known-1", "known-2"], "no third was begun while the two were being stored");
    assert_eq!(posted(&receiver, "known-1").await, 200);
}

#[tokio::test(start_paused = true)]
async fn d15_who_cannot_store_says_so_and_gets_it_again() {
    let shelf = Shelf::default();
    let receiver = receiver(&shelf);
    *shelf.broken.lock().unwrap() = true;
    assert_eq!(posted(&receiver, "known-1").await, 503);
    assert_eq!((receiver.counts().failed, receiver.take_missed()), (1, vec![TaskId::new("known-1")]));
    *shelf.broken.lock().unwrap() = false;
    assert_eq!(posted(&receiver, "known-1").await, 200);
    assert_eq!(shelf.stored(), ["known-1"]);
}

#[tokio::test(start_paused = true)]
async fn c1_c2_what_cannot_be_read_is_refused_and_asked_for_again() {
    let shelf = Shelf::default();
    let receiver = receiver(&shelf);
    let to = format!("/{TOKEN}/postback?id=known-1&tag=mine");
    let whole = result("known-1");
    assert_eq!(sent(&receiver, "POST", &to, whole[..whole.len() - 5].to_vec()).await, 400);
    assert_eq!(receiver.take_missed(), [TaskId::new("known-1")], "the address says whose result it was");
    assert_eq!(sent(&receiver, "POST", &to, gzip(&vec![b' '; 1 << 20])).await, 413);
    assert_eq!(sent(&receiver, "POST", &to, "<html>").await, 400);
    assert_eq!(sent(&receiver, "GET", &format!("/{TOKEN}/pingback"), Body::empty()).await, 400);
    assert_eq!((receiver.counts().unreadable, shelf.stored().len()), (4, 0));
}

/// Row S3: forged, replayed, oversized, slow.
#[tokio::test(start_paused = true)]
async fn s3_only_who_knows_the_token_is_heard() {
    let shelf = Shelf::default();
    let receiver = receiver(&shelf);
    let wrong = "x".repeat(TOKEN.len());
    for path in [
        "/".to_owned(),
        "/postback".to_owned(),
        "//postback".to_owned(),
        format!("/{wrong}/postback"),
        format!("/{}/postback", &TOKEN[1..]),
        format!("/{TOKEN}0/postback"),
        format!("/{TOKEN}"),
        format!("/{TOKEN}/other"),
        format!("/{TOKEN}/postback/"),
    ] {
        assert_eq!(sent(&receiver, "POST", &path, result("known-1")).await, 404, "{path}");
    }
    assert_eq!((receiver.counts().forged, shelf.stored().len()), (9, 0));
    for shown in [format!("{receiver:?}"), format!("{:?}", receiver.token)] {
        assert!(!shown.contains(&TOKEN[..8]), "{shown}");
    }
}

/// Row S3: who knows the secret of one part knows no other's, nor the whole.
#[tokio::test(start_paused = true)]
async fn s3_a_part_has_a_token_of_its_own() {
    let shelf = Shelf::default();
    let receiver = receiver(&shelf);
    let whole = Token::new(TOKEN.to_owned()).unwrap();
    let to = |token: &str| format!("/{token}/postback?id=known-1&tag=mine");
    let (seven, eight) = (whole.for_part(7), whole.for_part(8));
    let url = seven.postback_url(&"https://shop.example".parse().unwrap(), false).unwrap();
    assert!(url.as_str().starts_with(&format!("https://shop.example/7-{}", &seven.expose()[2..])));
    assert_eq!((seven.expose().len(), Token::new(seven.expose().to_owned()).is_ok()), (66, true));
    // The right secret, for another part than the task's.
    assert_eq!(sent(&receiver, "POST", &to(eight.expose()), result("known-1")).await, 404);
    assert_eq!((receiver.counts().unknown, receiver.counts().forged), (1, 0));
    let mac = &seven.expose()[2..];
    let other = Token::new("f".repeat(32)).unwrap().for_part(7);
    for forged in [format!("8-{mac}"), format!("07-{mac}"), format!("7{mac}"), format!("7-{mac}0"), "7-".to_owned()] {
        assert_eq!(sent(&receiver, "POST", &to(&forged), result("known-1")).await, 404, "{forged}");
    }
    let named = whole.derived("shop").for_part(7);
    assert_ne!(named.expose(), whole.derived("other").for_part(7).expose());
    for other in [other, named] {
        assert_eq!(sent(&receiver, "POST", &to(other.expose()), result("known-1")).await, 404);
    }
    assert_eq!((receiver.counts().forged, shelf.stored().len()), (7, 0));
    assert_eq!(sent(&receiver, "POST", &to(seven.expose()), result("known-1")).await, 200);
    assert_eq!(posted(&receiver, "known-2").await, 200, "the whole one is good for all");
    assert_eq!(shelf.stored(), ["known-1", "known-2"]);
}

/// Row S3: what comes to one part's address says nothing about deliveries to another's.
#[tokio::test(start_paused = true)]
async fn s3_a_part_has_no_say_about_what_was_stored_or_missed_elsewhere() {
    let shelf = Shelf::default();
    let receiver = receiver(&shelf);
    let whole = Token::new(TOKEN.to_owned()).unwrap();
    let to = |token: &Token, id: &str| format!("/{}/postback?id={id}&tag=mine", token.expose());
    assert_eq!(sent(&receiver, "POST", &to(&whole.for_part(7), "known-1"), result("known-1")).await, 200);
    assert_eq!(posted(&receiver, "known-1").await, 200);
    assert_eq!(shelf.stored(), ["known-1", "known-1"], "the address of part 7 is not believed about the others");
    assert_eq!(sent(&receiver, "POST", &to(&whole.for_part(8), "known-1"), result("known-1")).await, 404);
    // Damaged bodies: only of tasks that are expected there.
    for (token, id) in [(whole.for_part(8), "known-3"), (whole.for_part(7), "other"), (whole.for_part(7), "known-4")] {
        assert_eq!(sent(&receiver, "POST", &to(&token, id), vec![b'{'; 9]).await, 400);
    }
    assert_eq!(receiver.take_missed(), [TaskId::new("known-4")]);
}

#[tokio::test(start_paused = true)]
async fn s3_bodies_are_bounded_in_size_and_time() {
    let shelf = Shelf::default();
    let receiver = receiver(&shelf).with(|settings| settings.caps.body = 1000);
    let to = format!("/{TOKEN}/postback?id=known-1&tag=mine");
    assert_eq!(sent(&receiver, "POST", &to, vec![b'x'; 1001]).await, 413);
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 100])));
    assert_eq!(sent(&receiver, "POST", &to, Body::from_stream(endless)).await, 413);
    let begun = Instant::now();
    let dripping = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(b"x")));
    let dripping = dripping.then(|byte| async {
        sleep(Duration::from_secs(1)).await;
        byte
    });
    assert_eq!(sent(&receiver, "POST", &to, Body::from_stream(dripping)).await, 408);
    assert!(begun.elapsed() <= Duration::from_secs(3));
    let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("reset"))]);
    assert_eq!(sent(&receiver, "POST", &to, Body::from_stream(broken)).await, 400);
    assert_eq!((receiver.counts().unreadable, shelf.stored().len()), (4, 0));
}

#[tokio::test]
async fn its_addresses_hold_the_token_and_say_which_task() {
    let receiver = receiver(&Shelf::default());
    for (public, path) in [("https://shop.example", ""), ("https://shop.example/in/?x=1#top", "/in")] {
        let url = receiver.postback_url(&public.parse().unwrap()).unwrap();
        let expected = format!("https://shop.example{path}/{TOKEN}/postback?id=$id&tag=$tag");
        assert_eq!(url, WebhookUrl::new(expected).unwrap());
    }
    let own: Url = "http://127.0.0.1:8080".parse().unwrap();
    assert!(receiver.pingback_url(&"ftp://shop.example".parse().unwrap()).is_err());
    let plain = "http://shop.example".parse().unwrap();
    let refused = receiver.postback_url(&plain).unwrap_err().to_string();
    assert!(refused.contains("must be https"), "{refused}");
    let private = receiver.clone().with(|settings| settings.private_address = true);
    assert!(private.postback_url(&plain).is_err(), "its token would be read on the way, whoever else is let in");
    assert!(receiver.pingback_url(&own).is_err(), "the vendor cannot reach it");
    assert!(private.pingback_url(&own).is_ok());
    assert_ne!(Token::random().expose(), Token::random().expose());
    assert!(Token::new(Token::random().expose().to_owned()).is_ok());
    for bad in ["", "short", &"ä".repeat(32), &"a/".repeat(32)] {
        assert!(Token::new(bad.to_owned()).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn answers_say_nothing_about_what_is_inside() {
    let request = Request::builder().uri("/x/postback").method("POST").body(Body::empty()).unwrap();
    let answer = receiver(&Shelf::default()).router().oneshot(request).await.unwrap();
    assert!(answer.into_body().collect().await.unwrap().to_bytes().is_empty());
}
