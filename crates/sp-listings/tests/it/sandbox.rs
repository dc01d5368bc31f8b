//! Feeds and restrictions against the sandbox: over a real connection, with faults, and its ledger as the truth.

use crate::{seller, sku};
use asin_sandbox::{Fault, Market, Sandbox};
use futures_util::{TryStreamExt, stream};
use serde_json::{Value, json};
use sp_listings::feeds::{
    CancelFeed, CreateFeed, CreateFeedDocument, CreateFeedDocumentSpecification, CreateFeedSpecification, FeedFolder,
    FeedMessage, GetFeed, GetFeedDocument, GetFeeds, ListingsFeed, MessageStatus, ProcessingStatus,
};
use sp_listings::restrictions::{GetListingsRestrictions, Verdict};
use sp_listings::{
    Builder, ConditionType, Credentials, ListingsItemPatchRequest, Marketplace, Region, SpClient, new_price,
    quantity_patch,
};
use std::time::Duration;

/// A sandbox with this market, and a client of its first account.
pub(crate) async fn start(world: Value, speed: f64) -> (Sandbox, SpClient) {
    let market: Market = serde_json::from_value(world).unwrap();
    let sandbox = Sandbox::builder().market(market).seed(7).speed(speed).start().await.unwrap();
    let demo = sandbox.demo();
    let account = &demo.accounts[0];
    let credentials = Credentials::new(demo.sp_api.client_id, demo.sp_api.client_secret, account.refresh_token.clone());
    let client = Builder::new(Region::Europe, credentials)
        .seller(account.seller_id.parse().unwrap())
        .base_url(demo.sp_api.base_url.parse().unwrap())
        .lwa_url(demo.sp_api.lwa_url.parse().unwrap())
        .build()
        .unwrap();
    (sandbox, client)
}

fn world() -> Value {
    let listing = |sku: &str, preview: &str| {
        json!({"seller_id": "AO0WPKWDI17JQ", "sku": sku, "marketplace": "A33AVAJ2PDY3EV", "asin": "B07G82D89J",
               "product_type": "SHOES", "price": "80", "quantity": 3, "preview": preview})
    };
    json!({
        "accounts": [{"name": "europe", "seller_id": "AO0WPKWDI17JQ", "region": "eu"}],
        "products": [{"asin": "B07G82D89J", "title": "Shoe"}],
        "listings": [listing("A/1 ç", "VALID"), listing("B", "VALID"), listing("BAD", "INVALID")],
    })
}

fn messages() -> Vec<core_http::Result<FeedMessage>> {
    let price = |name: &str| {
        let changes = [new_price("TRY", "75.50".parse().unwrap()), quantity_patch(9, None)];
        FeedMessage::patch(sku(name), ListingsItemPatchRequest::offer(changes))
    };
    [price("A/1 ç"), price("BAD"), price("NOBODY'S"), FeedMessage::delete(sku("B"))].map(Ok).into()
}

#[tokio::test]
async fn a_feed_changes_the_listings_and_reports_on_each_message() {
    let (sandbox, client) = start(world(), 600.0).await;
    let folder = tempfile::tempdir().unwrap();
    let feed = ListingsFeed::new(seller(), [Marketplace::TR]).most_messages(2);
    let run = FeedFolder::new(folder.path()).every(Duration::from_millis(20));
    let outcomes: Vec<_> = run.submit(&client, &feed, stream::iter(messages())).try_collect().await.unwrap();
    let told: Vec<_> = outcomes.iter().map(|one| (one.part, one.sku.as_str(), one.status)).collect();
    use MessageStatus::{Accepted, Invalid};
    assert_eq!(told, [(1, "A/1 ç", Accepted), (1, "BAD", Invalid), (2, "NOBODY'S", Invalid), (2, "B", Accepted)]);
    assert_eq!(outcomes[1].issues[0].code.as_deref(), Some("90220"));
    let ledger = sandbox.ledger();
    assert_eq!((ledger.calls("createFeed"), ledger.calls("upload"), ledger.writes.len()), (2, 2, 2));
    assert_eq!(ledger.writes[0].new.price, Some("75.5".parse().unwrap()));
    let left: Vec<_> = sandbox.market().listings.into_iter().map(|listing| (listing.sku, listing.quantity)).collect();
    assert_eq!(left, [("A/1 ç".to_owned(), Some(9)), ("BAD".to_owned(), Some(3))]);

    // What was rehearsed here is not taken for submitted elsewhere.
    let (elsewhere, stranger) = start(world(), 600.0).await;
    let refused = run.resume(&stranger).try_collect::<Vec<_>>().await.unwrap_err();
    let named = [client.base(), stranger.base()].iter().all(|base| refused.to_string().contains(base));
    assert!(refused.kind() == core_http::ErrorKind::Request && named, "{refused}");
    assert_eq!(elsewhere.ledger().requests.len(), 0);
    assert_eq!(run.resume(&client).try_collect::<Vec<_>>().await.unwrap().len(), 4);
}

#[tokio::test]
async fn whatever_breaks_a_document_gets_its_feed_once() {
    for fault in [
        Fault::on("POST", "/feeds/2021-06-30/feeds").call(1).cut_after_work(),
        Fault::on("POST", "/feeds/2021-06-30/feeds").call(1).half_body(),
        Fault::on("POST", "/feeds/2021-06-30/documents").call(1).cut_after_work(),
        Fault::on("PUT", "/sp-documents/*").call(1).cut_before_work(),
        Fault::on("GET", "/sp-documents/*").call(1).half_body(),
        Fault::on("GET", "/feeds/2021-06-30/feeds/*").call(1).garbage(),
    ] {
        let (sandbox, client) = start(world(), 600.0).await;
        sandbox.fault(fault.clone());
        let folder = tempfile::tempdir().unwrap();
        let feed = ListingsFeed::new(seller(), [Marketplace::TR]);
        let run = FeedFolder::new(folder.path()).every(Duration::from_millis(20));
        let mut outcomes: Vec<_> = run.submit(&client, &feed, stream::iter(messages())).try_collect().await.unwrap();
        for _ in 0..3 {
            if outcomes[0].status == MessageStatus::Accepted {
                break;
            }
            outcomes = run.resume(&client).try_collect().await.unwrap();
        }
        assert_eq!(outcomes[0].status, MessageStatus::Accepted, "{fault:?}: {outcomes:?}");
        let ledger = sandbox.ledger();
        assert_eq!(ledger.writes.len(), 2, "{fault:?}");
        assert_eq!(ledger.requests.iter().filter(|one| one.did.starts_with("feed ")).count(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn each_operation_of_feeds_can_be_called_by_itself() {
    let (_sandbox, client) = start(world(), 60.0).await;
    let kind = "application/json";
    let made = client.exchange(CreateFeedDocument::new(CreateFeedDocumentSpecification::new(kind))).await.unwrap();
    assert_eq!((made.status.as_u16(), made.drift().unwrap()), (201, vec![]));
    let (url, document) = (made.value.url.url().unwrap(), made.value.feed_document_id);
    let content = r#"{"header":{"sellerId":"AO0WPKWDI17JQ","version":"2.0"},"messages":[]}"#;
    let other = client.upload_url(&url, "text/plain", core_http::Content::Bytes(content.into())).await.unwrap_err();
    assert_eq!(other.kind(), core_http::ErrorKind::Auth, "the signature covers the media type: {other}");
    client.upload_url(&url, kind, core_http::Content::Bytes(content.into())).await.unwrap();
    let of = CreateFeedSpecification::new("JSON_LISTINGS_FEED", [Marketplace::TR], document.clone());
    let feed = client.call(CreateFeed::new(of)).await.unwrap().feed_id;
    let listed = client.call(GetFeeds::new().feed_types(["JSON_LISTINGS_FEED"])).await.unwrap();
    assert_eq!((listed.feeds.len(), &listed.feeds[0].feed_id), (1, &feed));
    client.call(CancelFeed::new(feed.clone())).await.unwrap();
    assert_eq!(client.call(GetFeed::new(feed)).await.unwrap().processing_status, ProcessingStatus::Cancelled);
    let read = client.call(GetFeedDocument::new(document)).await.unwrap();
    assert_eq!(client.fetch_url(&read.url.url().unwrap()).await.unwrap(), content);
}

#[tokio::test]
async fn a_product_may_be_listed_new_and_not_as_a_collectible() {
    let (_sandbox, client) = start(world(), 600.0).await;
    let ask = |asin: &str| GetListingsRestrictions::new(asin.parse().unwrap(), seller(), [Marketplace::TR]);
    let permission = client.call(ask("B07G82D89J")).await.unwrap();
    assert_eq!(permission.verdict(&Marketplace::TR, &ConditionType::New), Verdict::Allowed);
    assert!(matches!(permission.verdict(&Marketplace::TR, &ConditionType::CollectibleGood), Verdict::Refused(_)));
    let permission = client.call(ask("B000000000")).await.unwrap();
    assert!(matches!(permission.verdict(&Marketplace::TR, &ConditionType::New), Verdict::Refused(_)));
}
