//! Feeds in paused time: polled, lost, throttled, resumed; a document gets its feed once.

use crate::amazon::{Amazon, Fate, report};
use crate::{seller, sku};
use core_http::{ErrorKind, Waited};
use flate2::{Compression, write::GzEncoder};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use sp_listings::feeds::{
    AwaitFeed, FeedFolder, FeedMessage, FeedStage, GetFeeds, ListingsFeed, MessageOutcome, MessageStatus, Progress,
};
use sp_listings::{ListingsItemPatchRequest, Marketplace, new_price};
use std::{io::Write, path::Path, time::Duration};
use tokio::time::Instant;

pub(crate) fn feed() -> ListingsFeed {
    ListingsFeed::new(seller(), [Marketplace::TR])
}

pub(crate) fn price(name: &str) -> FeedMessage {
    let price = new_price("TRY", "75.50".parse().unwrap());
    FeedMessage::patch(sku(name), ListingsItemPatchRequest::offer([price]))
}

pub(crate) fn messages(names: &[&str]) -> impl Stream<Item = core_http::Result<FeedMessage>> + Send + use<> {
    stream::iter(names.iter().map(|name| Ok(price(name))).collect::<Vec<_>>())
}

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) async fn submit(amazon: &std::sync::Arc<Amazon>, folder: &Path, names: &[&str]) -> Vec<MessageOutcome> {
    FeedFolder::new(folder).submit(&amazon.client(), &feed(), messages(names)).try_collect().await.unwrap()
}

pub(crate) fn statuses(outcomes: &[MessageOutcome]) -> Vec<(&str, MessageStatus)> {
    outcomes.iter().map(|outcome| (outcome.sku.as_str(), outcome.status)).collect()
}

#[tokio::test(start_paused = true)]
async fn every_message_has_one_outcome() {
    let (folder, amazon) = (folder(), Amazon::good());
    let outcomes = submit(&amazon, folder.path(), &["A", "BAD", "C"]).await;
    use MessageStatus::{Accepted, Invalid};
    assert_eq!(statuses(&outcomes), [("A", Accepted), ("BAD", Invalid), ("C", Accepted)]);
    assert_eq!((outcomes[1].message_id, outcomes[1].part), (outcomes[0].message_id + 1, 1));
    assert_eq!(outcomes[1].issues[0].attribute_name.as_deref(), Some("item_name"));
    let state = amazon.state();
    // What leaves for an address out of an answer has none of our credentials.
    let elsewhere: Vec<_> = state.requests.iter().filter(|one| one.uri().host() == Some("storage.test")).collect();
    assert_eq!(elsewhere.len(), 2);
    assert!(elsewhere.iter().all(|one| !one.headers().contains_key("x-amz-access-token")));
    assert_eq!(elsewhere[0].headers()["content-type"], "application/json; charset=UTF-8");
    let made = state.requests.iter().find(|one| one.uri().path() == "/feeds/2021-06-30/documents").unwrap();
    assert_eq!(
        crate::json(std::str::from_utf8(made.body()).unwrap()),
        json!({"contentType": "application/json; charset=UTF-8"})
    );
}

#[tokio::test(start_paused = true)]
async fn a_feed_is_polled_until_it_has_ended_or_patience_has() {
    let (folder, amazon) = (folder(), Amazon::good());
    amazon.state().polls = 10;
    let start = Instant::now();
    let run = FeedFolder::new(folder.path()).every(Duration::from_secs(60)).patience(Duration::from_secs(300));
    let outcomes: Vec<_> = run.submit(&amazon.client(), &feed(), messages(&["A"])).try_collect().await.unwrap();
    assert_eq!(outcomes[0].status, MessageStatus::Pending);
    assert!(start.elapsed() <= Duration::from_secs(301), "{:?}", start.elapsed());
    assert_eq!(amazon.calls("getFeed"), 6);
    // Another process goes on; nothing is made again.
    let outcomes: Vec<_> = run.resume(&amazon.client()).try_collect().await.unwrap();
    assert_eq!(outcomes[0].status, MessageStatus::Accepted);
    assert_eq!((amazon.calls("createFeed"), amazon.calls("upload"), amazon.calls("download")), (1, 1, 1));
    // What is finished is read again without another download.
    let outcomes: Vec<_> = run.settle(&amazon.client()).try_collect().await.unwrap();
    assert_eq!((outcomes[0].status, amazon.calls("download")), (MessageStatus::Accepted, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_create_feed_never_makes_a_second_feed() {
    for (fate, status) in [(Fate::LostAfter, MessageStatus::Accepted), (Fate::LostBefore, MessageStatus::Unknown)] {
        let folder = folder();
        let amazon = Amazon::new(move |operation, _| if operation == "createFeed" { fate } else { Fate::Answer });
        amazon.reports(with_items);
        let outcomes = submit(&amazon, folder.path(), &["A", "BAD"]).await;
        assert_eq!(outcomes[0].status, status);
        assert_eq!(amazon.calls("createFeed"), 1);
        let parts = FeedFolder::new(folder.path()).parts().unwrap();
        match &parts[0].stage {
            FeedStage::Ended { certain: false, .. } => assert_eq!(status, MessageStatus::Accepted),
            FeedStage::Creating { .. } => assert_eq!(status, MessageStatus::Unknown),
            other => panic!("{other:?}"),
        }
        // However often it is resumed.
        let again: Vec<_> = FeedFolder::new(folder.path()).resume(&amazon.client()).try_collect().await.unwrap();
        assert_eq!((again.len(), amazon.calls("createFeed")), (2, 1));
    }
}

/// A report with the accepted listings in it, as Amazon writes it where data of them are asked for: without a number.
pub(crate) fn with_items(document: &Value, feed: &str) -> Vec<u8> {
    let mut report = report(document, feed);
    let skus = document["messages"].as_array().unwrap().iter().map(|message| &message["sku"]);
    report["items"] = skus.filter(|sku| *sku != "BAD").map(|sku| json!({"sku": sku})).collect();
    report.to_string().into_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_list_that_lags_is_asked_again() {
    let folder = folder();
    let amazon = Amazon::new(|operation, _| if operation == "createFeed" { Fate::LostAfter } else { Fate::Answer });
    amazon.state().listed = false;
    let late = {
        let amazon = amazon.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(90)).await;
            amazon.state().listed = true;
        })
    };
    amazon.reports(with_items);
    let outcomes = submit(&amazon, folder.path(), &["A", "BAD"]).await;
    late.await.unwrap();
    assert_eq!(outcomes[0].status, MessageStatus::Accepted);
    assert_eq!((amazon.calls("getFeeds"), amazon.calls("createFeed")), (3, 1));
}

pub(crate) fn foreign(id: &str, store: &str) -> Value {
    json!({"feedId": id, "feedType": "JSON_LISTINGS_FEED", "processingStatus": "DONE", "marketplaceIds": [store],
           "createdTime": jiff::Timestamp::now().to_string()})
}

#[tokio::test(start_paused = true)]
async fn two_feeds_of_that_moment_leave_it_open() {
    let folder = folder();
    let amazon = Amazon::new(|operation, _| if operation == "createFeed" { Fate::LostAfter } else { Fate::Answer });
    amazon.state().foreign = vec![foreign("x", "A33AVAJ2PDY3EV")];
    amazon.reports(with_items);
    let outcomes = submit(&amazon, folder.path(), &["A", "BAD"]).await;
    assert_eq!((outcomes[0].status, amazon.calls("createFeed")), (MessageStatus::Unknown, 1));
    // One for another store, or of another time, is no candidate.
    let mut old = foreign("y", "A33AVAJ2PDY3EV");
    old["createdTime"] = json!("2020-01-01T00:00:00Z");
    amazon.state().foreign = vec![foreign("x", "A1PA6795UKMFR9"), old];
    let outcomes: Vec<_> = FeedFolder::new(folder.path()).resume(&amazon.client()).try_collect().await.unwrap();
    assert_eq!((outcomes[0].status, amazon.calls("createFeed")), (MessageStatus::Accepted, 1));
}

#[tokio::test(start_paused = true)]
async fn what_the_report_leaves_out_is_said_to_be_missing() {
    let (folder, amazon) = (folder(), Amazon::good());
    amazon.reports(|document, feed| {
        let mut report = report(document, feed);
        report["items"] = json!([{"sku": "A", "attributes": {"item_name": [{"value": "x".repeat(100_000)}]}}]);
        report.to_string().into_bytes()
    });
    let outcomes = submit(&amazon, folder.path(), &["A", "BAD", "GONE", "D"]).await;
    use MessageStatus::{Accepted, Invalid, Unreported};
    assert_eq!(statuses(&outcomes), [("A", Accepted), ("BAD", Invalid), ("GONE", Unreported), ("D", Unreported)]);
    assert_eq!(outcomes[2].reason.as_deref(), Some("it is missing from the report"));
}

#[tokio::test(start_paused = true)]
async fn a_report_is_read_compressed_or_not_and_never_half() {
    for (compress, cut, status) in [
        (true, false, MessageStatus::Accepted),
        (false, false, MessageStatus::Accepted),
        (true, true, MessageStatus::Unknown),
        (false, true, MessageStatus::Unknown),
    ] {
        let (folder, amazon) = (folder(), Amazon::good());
        amazon.reports(move |document, feed| {
            let mut bytes = report(document, feed).to_string().into_bytes();
            if compress {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(&bytes).unwrap();
                bytes = encoder.finish().unwrap();
            }
            if cut {
                bytes.truncate(bytes.len() / 2);
            }
            bytes
        });
        let outcomes = submit(&amazon, folder.path(), &["A"]).await;
        assert_eq!(outcomes[0].status, status, "{outcomes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_feed_as_a_whole_is_the_reason() {
    let (folder, amazon) = (folder(), Amazon::good());
    amazon.reports(|_, feed| {
        json!({"header": {"feedId": feed}, "issues": [{"severity": "ERROR", "message": "The feed is malformed."}],
               "summary": {"errors": 1, "warnings": 0, "messagesProcessed": 0, "messagesAccepted": 0, "messagesInvalid": 0}})
            .to_string()
            .into_bytes()
    });
    let outcomes = submit(&amazon, folder.path(), &["A"]).await;
    assert_eq!(outcomes[0].status, MessageStatus::Unreported);
    assert_eq!(outcomes[0].reason.as_deref(), Some("The feed is malformed."));
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_was_cancelled_did_nothing_and_one_that_broke_off_may_have() {
    for (end, status) in [("CANCELLED", MessageStatus::NotDone), ("FATAL", MessageStatus::Unknown)] {
        let (folder, amazon) = (folder(), Amazon::good());
        amazon.state().status = end;
        let outcomes = submit(&amazon, folder.path(), &["A"]).await;
        assert_eq!(outcomes[0].status, status);
        assert!(outcomes[0].reason.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_for_and_a_refusal_leaves_the_document_to_be_resumed() {
    let folder = folder();
    let refusal = r#"{"errors":[{"code":"InvalidInput","message":"no"}]}"#;
    let amazon = Amazon::new(move |operation, number| match (operation, number) {
        ("createFeed", 1) => Fate::Status(429, r#"{"errors":[{"code":"QuotaExceeded","message":"too fast"}]}"#),
        ("createFeed", 2) => Fate::Status(400, refusal),
        ("createFeedDocument", 1) => Fate::Status(500, "{}"),
        ("upload", 1) => Fate::LostBefore,
        _ => Fate::Answer,
    });
    let start = Instant::now();
    let outcomes = submit(&amazon, folder.path(), &["A"]).await;
    assert_eq!(outcomes[0].status, MessageStatus::NotDone);
    assert!(outcomes[0].reason.as_deref().unwrap().contains("InvalidInput"), "{outcomes:?}");
    assert!(start.elapsed() >= Duration::from_secs(60), "the bucket of createFeed was closed: {:?}", start.elapsed());
    let outcomes: Vec<_> = FeedFolder::new(folder.path()).settle(&amazon.client()).try_collect().await.unwrap();
    assert_eq!(
        (outcomes[0].status, amazon.calls("createFeed")),
        (MessageStatus::NotDone, 2),
        "it is not made any more"
    );
    let outcomes: Vec<_> = FeedFolder::new(folder.path()).resume(&amazon.client()).try_collect().await.unwrap();
    assert_eq!(outcomes[0].status, MessageStatus::Accepted);
    assert_eq!((amazon.calls("createFeed"), amazon.state().feeds.len()), (3, 1));
    assert_eq!(amazon.calls("createFeedDocument"), 2, "an upload that broke off is sent again to the same address");
}

#[tokio::test(start_paused = true)]
async fn a_handle_can_be_stored_before_each_step_and_goes_on_from_there() {
    let (folder, amazon) = (folder(), Amazon::good());
    let client = amazon.client();
    let mut part = feed().write(messages(&["A", "B"]), folder.path()).await.unwrap().remove(0);
    let (mut steps, mut waits) = (Vec::new(), 0);
    loop {
        // Every step starts from what was stored, as after a crash; the decision to make the feed is the exception, and
        // is tested on its own.
        if !matches!(part.stage, FeedStage::Creating { .. }) {
            part = serde_json::from_str(&serde_json::to_string(&part).unwrap()).unwrap();
        }
        match part.advance(&client, &[]).await.unwrap() {
            Progress::Moved => steps.push(serde_json::to_value(&part.stage).unwrap()["stage"].clone()),
            Progress::Waiting => waits += 1,
            other => break assert_eq!(other, Progress::Ended),
        }
    }
    assert_eq!(steps, ["uploaded", "creating", "created", "ended"]);
    assert_eq!((waits, amazon.calls("createFeed")), (1, 1));
    let outcomes: Vec<_> = part.outcomes(&client).await.unwrap().try_collect().await.unwrap();
    assert_eq!(statuses(&outcomes), [("A", MessageStatus::Accepted), ("B", MessageStatus::Accepted)]);
}

/// Between the stored decision and the request lies a crash that cannot be told from one after the request.
#[tokio::test(start_paused = true)]
async fn after_a_crash_the_feed_is_looked_for_and_never_made() {
    let (folder, amazon) = (folder(), Amazon::good());
    let client = amazon.client();
    let mut part = feed().write(messages(&["A"]), folder.path()).await.unwrap().remove(0);
    assert_eq!(part.advance(&client, &[]).await.unwrap(), Progress::Moved);
    assert_eq!(part.advance(&client, &[]).await.unwrap(), Progress::Moved);
    let mut stored: sp_listings::feeds::FeedPart =
        serde_json::from_str(&serde_json::to_string(&part).unwrap()).unwrap();
    assert_eq!(stored.advance(&client, &[]).await.unwrap(), Progress::Unsure);
    assert_eq!((amazon.calls("createFeed"), amazon.calls("getFeeds")), (0, 1));
    // The one that decided goes on, once.
    assert_eq!(part.advance(&client, &[]).await.unwrap(), Progress::Moved);
    assert_eq!(stored.advance(&client, &[]).await.unwrap(), Progress::Moved);
    assert_eq!((amazon.calls("createFeed"), stored.feed()), (1, part.feed()));
    // What another part has is no candidate.
    let mut third: sp_listings::feeds::FeedPart = serde_json::from_value({
        let mut value = serde_json::to_value(&stored).unwrap();
        value["stage"] = json!({"stage": "creating", "document": "d9", "since": jiff::Timestamp::now()});
        value
    })
    .unwrap();
    assert_eq!(third.advance(&client, &[stored.feed().unwrap().clone()]).await.unwrap(), Progress::Unsure);
}

#[tokio::test(start_paused = true)]
async fn a_folder_holds_one_submission_of_one_process() {
    let (folder, amazon) = (folder(), Amazon::good());
    let (client, run) = (amazon.client(), FeedFolder::new(folder.path()));
    let none: Vec<_> = run.resume(&client).collect().await;
    assert!(none[0].as_ref().unwrap_err().to_string().contains("no submission"));
    let running = run.submit(&client, &feed(), messages(&["A", "B"]));
    futures_util::pin_mut!(running);
    running.try_next().await.unwrap();
    let locked: Vec<_> = run.resume(&client).collect().await;
    assert!(locked[0].as_ref().unwrap_err().to_string().contains("in use"), "{locked:?}");
    while running.try_next().await.unwrap().is_some() {}
    let again: Vec<_> = run.submit(&client, &feed(), messages(&["A"])).collect().await;
    assert!(again[0].as_ref().unwrap_err().to_string().contains("resume"), "{again:?}");
    // A handle that is missing means that nothing was sent.
    std::fs::remove_file(folder.path().join("part-0001.handle")).unwrap();
    let other: Vec<_> =
        run.submit(&client, &feed().most_messages(1), messages(&["A", "B"])).try_collect().await.unwrap();
    assert_eq!(other.len(), 2);
    std::fs::remove_file(folder.path().join("part-0001.handle")).unwrap();
    let cut = run.parts().unwrap_err();
    assert!(cut.kind() == ErrorKind::Request && cut.to_string().contains("cut short"), "{cut}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_feed_outlives_its_process() {
    let amazon = Amazon::good();
    amazon.state().polls = 2;
    amazon.state().feeds.push((
        0,
        json!({"feedId": "f0", "feedType": "JSON_LISTINGS_FEED", "createdTime": "x", "processingStatus": "IN_QUEUE"}),
    ));
    let job = AwaitFeed::new("f0".parse().unwrap());
    let client = amazon.client();
    let waited = client.wait(job, Duration::from_secs(30), Duration::from_secs(10)).await.unwrap();
    let Waited::Pending(job) = waited else { panic!("{waited:?}") };
    let text = serde_json::to_string(&job).unwrap();
    let job: AwaitFeed = serde_json::from_str(&text).unwrap();
    let waited = client.wait(job, Duration::from_secs(30), Duration::from_secs(600)).await.unwrap();
    assert_eq!(waited.done().unwrap().result_feed_document_id.unwrap().as_str(), "r0");
}

#[tokio::test(start_paused = true)]
async fn a_page_of_feeds_is_asked_for_by_its_token_alone() {
    let (client, script) = crate::client(|request| {
        let second = request.uri().query().unwrap().contains("nextToken");
        let (id, more) = if second { ("b", "") } else { ("a", r#","nextToken":"t/2""#) };
        let feed = format!(
            r#"{{"feedId":"{id}","feedType":"x","createdTime":"2026-07-30T00:00:00Z","processingStatus":"DONE"}}"#
        );
        Ok(core_http::testing::response(200, &format!(r#"{{"feeds":[{feed}]{more}}}"#)))
    });
    let ask = GetFeeds::new().feed_types(["JSON_LISTINGS_FEED"]).page_size(100).created_since("2026-07-01T00:00:00Z");
    let feeds: Vec<_> = client.pages(ask).items().try_collect().await.unwrap();
    assert_eq!(feeds.iter().map(|feed| feed.feed_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let asked: Vec<String> = script.seen().iter().filter_map(|one| Some(one.uri().query()?.to_owned())).collect();
    assert_eq!(
        asked,
        ["feedTypes=JSON_LISTINGS_FEED&pageSize=100&createdSince=2026-07-01T00%3A00%3A00Z", "nextToken=t%2F2"]
    );
}

/// The usage plan of createFeed gives out some feeds at once, then one in two minutes.
#[tokio::test(start_paused = true)]
async fn a_feed_that_waits_for_its_quota_is_not_being_made_yet() {
    let (folder, amazon) = (folder(), Amazon::good());
    let names: Vec<String> = (0..17).map(|number| format!("S{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let run = FeedFolder::new(folder.path());
    let sent = run.submit(&amazon.client(), &feed().most_messages(1), messages(&names)).try_collect::<Vec<_>>();
    // Stopped in the middle of the wait.
    assert!(tokio::time::timeout(Duration::from_secs(60), sent).await.is_err());
    let parts = run.parts().unwrap();
    let made = amazon.calls("createFeed");
    assert!((1..17).contains(&made), "{made}");
    assert!(matches!(parts[made - 1].stage, FeedStage::Created { .. }), "{:?}", parts[made - 1]);
    assert!(matches!(parts[made].stage, FeedStage::Uploaded { .. }), "{:?}", parts[made]);
    let start = Instant::now();
    let outcomes: Vec<_> = run.resume(&amazon.client()).try_collect().await.unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.status == MessageStatus::Accepted), "{outcomes:?}");
    assert_eq!((outcomes.len(), amazon.calls("createFeed")), (17, 17));
    assert!(start.elapsed() < Duration::from_secs(122 * 17), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_for_the_quota_leaves_the_rest_not_done() {
    let (folder, amazon) = (folder(), Amazon::good());
    let names: Vec<String> = (0..17).map(|number| format!("S{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let run = FeedFolder::new(folder.path()).waits(0);
    let outcomes: Vec<_> =
        run.submit(&amazon.client(), &feed().most_messages(1), messages(&names)).try_collect().await.unwrap();
    let done = outcomes.iter().filter(|outcome| outcome.status == MessageStatus::Accepted).count();
    let left = outcomes.iter().filter(|outcome| outcome.status == MessageStatus::NotDone).count();
    assert!((1..17).contains(&done), "{done}");
    assert_eq!((done + left, amazon.calls("createFeed")), (17, done));
}
