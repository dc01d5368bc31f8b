//! Feeds that were found, after the answer to `createFeed` was lost, and reports that do not fit.

use crate::amazon::{Amazon, Fate, report};
use crate::feeds::{folder, foreign, messages, statuses, submit, with_items};
use MessageStatus::{Accepted, Invalid, Unknown, Unreported};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sp_listings::feeds::{FeedFolder, FeedStage, MessageStatus};
use std::path::Path;

fn stage(folder: &Path) -> FeedStage {
    FeedFolder::new(folder).parts().unwrap().remove(0).stage
}

/// Two folders with the same listings: the first has its feed, the second's was never made.
async fn two_folders(
    names: &[&str],
) -> (std::sync::Arc<Amazon>, tempfile::TempDir, Vec<sp_listings::feeds::MessageOutcome>) {
    let (first, second) = (folder(), folder());
    let amazon = Amazon::new(|operation, number| match (operation, number) {
        ("createFeed", 2) => Fate::LostBefore,
        _ => Fate::Answer,
    });
    let reached = submit(&amazon, first.path(), names).await;
    assert_eq!(reached[0].status, Accepted);
    let outcomes = submit(&amazon, second.path(), names).await;
    (amazon, second, outcomes)
}

#[tokio::test(start_paused = true)]
async fn the_feed_of_another_folder_with_the_same_listings_is_no_evidence() {
    // Its counts fit, and its report names nothing that could tell it apart.
    let (_, folder, outcomes) = two_folders(&["A", "B"]).await;
    assert_eq!(statuses(&outcomes), [("A", Unknown), ("B", Unknown)]);
    assert!(outcomes[0].reason.as_deref().unwrap().contains("does not name it"), "{outcomes:?}");
    assert!(matches!(stage(folder.path()), FeedStage::Ended { certain: false, .. }));
}

#[tokio::test(start_paused = true)]
async fn items_without_a_number_are_no_evidence_by_themselves() {
    for lost in [true, false] {
        let folder = folder();
        let fate = if lost { Fate::LostAfter } else { Fate::Answer };
        let amazon = Amazon::new(move |operation, _| if operation == "createFeed" { fate } else { Fate::Answer });
        amazon.reports(with_items);
        let outcomes = submit(&amazon, folder.path(), &["A", "B"]).await;
        let status = if lost { Unknown } else { Accepted };
        assert_eq!(statuses(&outcomes), [("A", status), ("B", status)]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_issue_with_a_number_of_ours_tells_that_a_found_feed_is_ours() {
    let folder = folder();
    let amazon = Amazon::new(|operation, _| if operation == "createFeed" { Fate::LostAfter } else { Fate::Answer });
    amazon.reports(|document, feed| {
        let mut report: Value = serde_json::from_slice(&with_items(document, feed)).unwrap();
        report["items"].as_array_mut().unwrap().pop();
        report.to_string().into_bytes()
    });
    let outcomes = submit(&amazon, folder.path(), &["A", "BAD", "C"]).await;
    // The counts say of C no more than of any other feed.
    assert_eq!(statuses(&outcomes), [("A", Accepted), ("BAD", Invalid), ("C", Unknown)]);
}

#[tokio::test(start_paused = true)]
async fn numbers_of_the_callers_own_are_no_evidence() {
    let folder = folder();
    let amazon = Amazon::new(|operation, _| if operation == "createFeed" { Fate::LostAfter } else { Fate::Answer });
    amazon.reports(with_items);
    let numbered = [crate::feeds::price("A").id(1), crate::feeds::price("BAD").id(2)].map(Ok);
    let run = FeedFolder::new(folder.path());
    let sent = run.submit(&amazon.client(), &crate::feeds::feed(), futures_util::stream::iter(numbered));
    let outcomes: Vec<_> = sent.try_collect().await.unwrap();
    assert_eq!(statuses(&outcomes), [("A", Unknown), ("BAD", Unknown)]);
}

#[tokio::test(start_paused = true)]
async fn a_found_feed_that_is_not_ours_is_excluded_and_the_next_look_finds_ours() {
    let (amazon, folder, outcomes) = two_folders(&["A", "BAD"]).await;
    assert_eq!(statuses(&outcomes), [("A", Unknown), ("BAD", Unknown)]);
    assert!(matches!(stage(folder.path()), FeedStage::Creating { .. }));
    let run = FeedFolder::new(folder.path());
    let again: Vec<_> = run.resume(&amazon.client()).try_collect().await.unwrap();
    assert_eq!(again[0].status, Unknown, "what is excluded stays so in another process");
    assert!(matches!(stage(folder.path()), FeedStage::Creating { .. }));
    // It was made after all, and appears.
    amazon.reports(with_items);
    let mut late = foreign("f1", "A33AVAJ2PDY3EV");
    late["processingStatus"] = json!("IN_QUEUE");
    amazon.state().feeds.push((1, late));
    let outcomes: Vec<_> = run.resume(&amazon.client()).try_collect().await.unwrap();
    assert_eq!(statuses(&outcomes), [("A", Accepted), ("BAD", Invalid)]);
    assert_eq!(amazon.calls("createFeed"), 2);
}

type Spoil = fn(&mut Value, i64);

async fn spoiled(lost: bool, spoil: Spoil) -> Vec<(String, MessageStatus)> {
    let folder = folder();
    let fate = if lost { Fate::LostAfter } else { Fate::Answer };
    let amazon = Amazon::new(move |operation, _| if operation == "createFeed" { fate } else { Fate::Answer });
    amazon.reports(move |document, feed| {
        let mut report = report(document, feed);
        spoil(&mut report, document["messages"][0]["messageId"].as_i64().unwrap());
        report.to_string().into_bytes()
    });
    let run = FeedFolder::new(folder.path());
    let sent = run.submit(&amazon.client(), &crate::feeds::feed(), messages(&["A", "B", "C"]));
    let outcomes: Vec<_> = sent.try_collect().await.unwrap();
    outcomes.into_iter().map(|outcome| (outcome.sku.to_string(), outcome.status)).collect()
}

/// An issue of this number and SKU, which the summary counts.
fn refusal(report: &mut Value, number: i64, sku: Option<&str>) {
    report["issues"] = json!([{"messageId": number, "sku": sku, "severity": "ERROR", "message": "no"}]);
    report["summary"]["messagesInvalid"] = json!(1);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_in_the_report_of_our_feed_is_a_doubt_about_the_messages_concerned() {
    let cases: [(Spoil, [MessageStatus; 3]); 11] = [
        (|report, _| report["header"]["feedId"] = json!("another"), [Unknown; 3]),
        (|report, _| report["header"]["sellerId"] = json!("ANOTHER"), [Unknown; 3]),
        (|report, first| refusal(report, first, Some("B")), [Unknown, Unknown, Accepted]),
        (|report, first| refusal(report, first + 9, Some("C")), [Accepted, Accepted, Unknown]),
        (|report, _| report["items"] = json!([{"sku": "SOMEBODY'S"}]), [Accepted; 3]),
        // Somebody was refused, and nothing says who: those that are named are accepted.
        (|report, first| refusal(report, first + 9, None), [Unreported; 3]),
        (
            |report, first| {
                refusal(report, first + 9, None);
                report["items"] = json!([{"sku": "A"}, {"sku": "B"}]);
            },
            [Accepted, Accepted, Unreported],
        ),
        // What was processed is not what was sent: then silence about a message is no acceptance.
        (|report, _| report["summary"]["messagesProcessed"] = json!(2), [Unreported; 3]),
        (|report, _| report["summary"]["messagesProcessed"] = json!(4), [Unreported; 3]),
        (|report, _| report["summary"]["messagesProcessed"] = json!(null), [Unreported; 3]),
        (
            |report, first| {
                refusal(report, first + 1, Some("B"));
                report["summary"]["messagesProcessed"] = json!(-3);
            },
            [Unreported, Invalid, Unreported],
        ),
    ];
    for (number, (spoil, expected)) in cases.into_iter().enumerate() {
        let found: Vec<_> = spoiled(false, spoil).await.into_iter().map(|(_, status)| status).collect();
        assert_eq!(found, expected, "case {number}");
        // Of a feed that was found, nothing of that is believed.
        assert!(spoiled(true, spoil).await.iter().all(|(_, status)| *status == Unknown), "case {number}");
    }
}
