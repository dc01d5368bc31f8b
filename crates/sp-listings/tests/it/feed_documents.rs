//! The documents of feeds: what stands in them, and where they are split.

use crate::{seller, sku};
use core_http::Result;
use futures_util::stream;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sp_listings::feeds::{FeedMessage, FeedPart, ListingsFeed};
use sp_listings::{
    IncludedData, ListingsItemPatchRequest, ListingsItemPutRequest, Marketplace, PatchOp, PatchOperation, Requirements,
    new_price, quantity_patch,
};

fn feed() -> ListingsFeed {
    ListingsFeed::new(seller(), [Marketplace::TR])
}

fn attributes(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

async fn write(feed: &ListingsFeed, messages: Vec<FeedMessage>) -> (tempfile::TempDir, Result<Vec<FeedPart>>) {
    let folder = tempfile::tempdir().unwrap();
    let parts = feed.write(stream::iter(messages.into_iter().map(Ok)), folder.path()).await;
    (folder, parts)
}

fn read(part: &FeedPart) -> Value {
    let text = std::fs::read_to_string(&part.path).unwrap();
    assert_eq!(text.len() as u64, part.bytes, "bytes are counted exactly");
    crate::json(&text)
}

#[tokio::test]
async fn a_document_is_what_the_schema_of_feeds_wants() {
    let listing = ListingsItemPutRequest::new("SHOES", attributes(json!({"item_name": [{"value": "Ayakkabı"}]})))
        .requirements(Requirements::Listing);
    let messages = vec![
        FeedMessage::update(sku("A"), listing),
        FeedMessage::partial_update(sku("B ç/1"), "SHOES", attributes(json!({"color": [{"value": "Mavi"}]}))),
        FeedMessage::patch(sku("C"), ListingsItemPatchRequest::offer([quantity_patch(7, None)])).id(90),
        FeedMessage::delete(sku("D")),
    ];
    let feed = feed().issue_locale("tr_TR").included_data([IncludedData::Issues, IncludedData::Summaries]);
    let (_folder, parts) = write(&feed, messages).await;
    let parts = parts.unwrap();
    assert_eq!((parts.len(), parts[0].messages, parts[0].of), (1, 4, 1));
    let written = read(&parts[0]);
    let first = written["messages"][0]["messageId"].as_u64().unwrap();
    let expected = json!({
        "header": {"sellerId": "AO0WPKWDI17JQ", "version": "2.0", "issueLocale": "tr_TR",
                   "report": {"includedData": ["issues", "summaries"], "apiVersion": "2021-08-01"}},
        "messages": [
            {"messageId": first, "sku": "A", "operationType": "UPDATE", "productType": "SHOES", "requirements": "LISTING",
             "attributes": {"item_name": [{"value": "Ayakkabı"}]}},
            {"messageId": first + 1, "sku": "B ç/1", "operationType": "PARTIAL_UPDATE", "productType": "SHOES",
             "attributes": {"color": [{"value": "Mavi"}]}},
            {"messageId": 90, "sku": "C", "operationType": "PATCH", "productType": "PRODUCT",
             "patches": [{"op": "merge", "path": "/attributes/fulfillment_availability",
                          "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 7}]}]},
            {"messageId": 91, "sku": "D", "operationType": "DELETE"},
        ],
    });
    assert_eq!(written, expected);
}

#[tokio::test]
async fn a_document_ends_where_amazons_limits_are() {
    let most = feed().most_messages(1_000_000).most_bytes(1 << 40);
    let (_folder, parts) =
        write(&most, (0..25_001).map(|n| FeedMessage::delete(sku(&format!("S{n}")))).collect()).await;
    let parts = parts.unwrap();
    assert_eq!(
        parts.iter().map(|part| (part.number, part.of, part.messages)).collect::<Vec<_>>(),
        [(1, 2, 25_000), (2, 2, 1)]
    );
    let starts = parts.iter().map(|part| read(part)["messages"][0]["messageId"].as_u64().unwrap()).collect::<Vec<_>>();
    assert!(starts.iter().all(|start| (1..=2_147_483_647 - 24_999).contains(start)), "{starts:?}");
    assert!(starts[1].abs_diff(starts[0]) > 25_000, "numbers tell documents apart: {starts:?}");

    // 11 messages of a megabyte: nine fit below 10 MiB with the header.
    let big = |n: usize| {
        let value = attributes(json!({"item_name": [{"value": "x".repeat(1 << 20)}]}));
        FeedMessage::partial_update(sku(&format!("S{n}")), "SHOES", value)
    };
    let (_folder, parts) = write(&most, (0..11).map(big).collect()).await;
    let parts = parts.unwrap();
    assert_eq!(parts.iter().map(|part| part.messages).collect::<Vec<_>>(), [9, 2]);
    assert!(parts.iter().all(|part| part.bytes <= 10 << 20));
}

#[tokio::test]
async fn what_cannot_be_sent_stops_the_whole_and_says_why() {
    let none = ListingsItemPatchRequest::offer(Vec::<PatchOperation>::new());
    let cases = [
        (vec![], "a feed without messages"),
        (
            vec![FeedMessage::delete(sku("A")), FeedMessage::delete(sku("A"))],
            "`sku` must come once in a submission; `A` comes again",
        ),
        (vec![FeedMessage::delete(sku("A")).id(0)], "`A`: `messageId` is 0, and must be 1 to 2147483647"),
        (vec![FeedMessage::delete(sku("A")).id(2_147_483_648)], "`messageId` is 2147483648"),
        (
            vec![FeedMessage::delete(sku("A")).id(2_147_483_647), FeedMessage::delete(sku("B"))],
            "`B`: `messageId` is 2147483648",
        ),
        (
            vec![FeedMessage::delete(sku("A")).id(5), FeedMessage::delete(sku("B")).id(5)],
            "`B`: `messageId` 5 is in the document already",
        ),
        (vec![FeedMessage::patch(sku("A"), none)], "`patches` must hold at least one change"),
        (
            vec![FeedMessage::partial_update(sku("A"), "SHOES", Map::new())],
            "`attributes` must hold at least one attribute",
        ),
        (
            vec![FeedMessage::update(sku("A"), ListingsItemPutRequest::new("", attributes(json!({"a": []}))))],
            "`productType` must not be empty",
        ),
    ];
    for (messages, rule) in cases {
        let (_folder, result) = write(&feed(), messages).await;
        let error = result.expect_err(rule);
        assert_eq!(error.kind(), core_http::ErrorKind::Request);
        assert!(error.to_string().contains(rule), "{error}");
    }
    let (_folder, result) = write(
        &feed().most_bytes(300),
        vec![FeedMessage::partial_update(sku("A"), "SHOES", attributes(json!({"a": ["x".repeat(300)]})))],
    )
    .await;
    assert!(result.unwrap_err().to_string().contains("the message for `A` alone is more than 300 bytes"));
    let (_folder, result) = write(&ListingsFeed::new(seller(), []), vec![FeedMessage::delete(sku("A"))]).await;
    assert!(result.unwrap_err().to_string().contains("1 to 25 marketplaces"));
    let failing = stream::iter([
        Ok(FeedMessage::delete(sku("A"))),
        Err(core_http::Error::new(core_http::ErrorKind::Request, "row 2")),
    ]);
    let folder = tempfile::tempdir().unwrap();
    assert!(feed().write(failing, folder.path()).await.unwrap_err().to_string().contains("row 2"));
}

/// The rules of single calls hold for messages of feeds, of which 25,000 leave at once.
#[tokio::test]
async fn a_message_that_a_single_call_would_refuse_is_not_written_unless_it_is_unchecked() {
    let patch = |operation| FeedMessage::patch(sku("A"), ListingsItemPatchRequest::new("SHOES", [operation]));
    let operation = |op, path: &str, value: Value| PatchOperation::new(op, path).value([value]);
    let elsewhere = json!({"marketplace_id": "A1PA6795UKMFR9", "value": "x"});
    let price = |amount: u32| json!([{"schedule": [{"value_with_tax": amount}]}]);
    let dear = json!({"currency": "TRY", "our_price": price(100), "maximum_seller_allowed_price": price(99)});
    let cases = [
        (
            FeedMessage::patch(sku("A"), ListingsItemPatchRequest::offer([new_price("TRY", "0".parse().unwrap())])),
            "above zero, not `0",
        ),
        (patch(operation(PatchOp::Replace, "/attributes/item_name/0", json!({"value": "x"}))), "is nested"),
        (patch(operation(PatchOp::Replace, "/attributes/purchasable_offer", dear.clone())), "above the greatest"),
        (
            FeedMessage::partial_update(sku("A"), "SHOES", attributes(json!({"purchasable_offer": [dear]}))),
            "above the greatest",
        ),
        (patch(PatchOperation::new(PatchOp::Delete, "/attributes/item_name")), "must hold the selectors"),
        (
            patch(operation(PatchOp::Replace, "/attributes/itemName", json!({"value": "x"}))),
            "did you mean `item_name`?",
        ),
        (patch(operation(PatchOp::Replace, "/attributes/item_name", elsewhere.clone())), "not in `marketplaceIds`"),
        (FeedMessage::partial_update(sku("A"), "SHOES", attributes(json!({"itemName": []}))), "snake_case"),
        (FeedMessage::partial_update(sku("A"), "SHOES", attributes(json!({"item_name": "x"}))), "list of instances"),
        (
            FeedMessage::update(
                sku("A"),
                ListingsItemPutRequest::new("SHOES", attributes(json!({"item_name": [elsewhere]}))),
            ),
            "not in `marketplaceIds`",
        ),
    ];
    for (message, rule) in cases {
        let (_folder, result) = write(&feed(), vec![FeedMessage::delete(sku("B")), message.clone()]).await;
        let error = result.expect_err(rule);
        assert_eq!(error.kind(), core_http::ErrorKind::Request);
        assert!(error.to_string().contains("the message for `A`: ") && error.to_string().contains(rule), "{error}");
        let (_folder, result) = write(&feed(), vec![message.unchecked()]).await;
        assert_eq!(result.unwrap()[0].messages, 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_message_is_lost_and_no_limit_is_passed(lengths in prop::collection::vec(0_usize..400, 1..60), bytes in 700_u64..3000, most in 1_u32..20) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let messages: Vec<FeedMessage> = lengths.iter().enumerate().map(|(n, length)| {
            FeedMessage::partial_update(sku(&format!("S{n}")), "SHOES", attributes(json!({"a": ["ç".repeat(*length / 2)]})))
        }).collect();
        let feed = feed().most_bytes(bytes).most_messages(most);
        let (_folder, parts) = runtime.block_on(write(&feed, messages));
        let mut skus = Vec::new();
        for part in parts.unwrap() {
            prop_assert!(part.bytes <= bytes && part.messages <= most);
            let document = read(&part);
            let written = document["messages"].as_array().unwrap();
            prop_assert_eq!(written.len(), part.messages as usize);
            skus.extend(written.iter().map(|message| message["sku"].as_str().unwrap().to_owned()));
        }
        prop_assert_eq!(skus, (0..lengths.len()).map(|n| format!("S{n}")).collect::<Vec<_>>());
    }
}
