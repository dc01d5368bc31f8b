//! Over a real connection: path, headers and body as they arrive.

use crate::{TOKEN, fixture, json, seller, sku};
use futures_util::TryStreamExt;
use httpmock::prelude::*;
use serde_json::{Value, json};
use sp_listings::feeds::{
    CancelFeed, CreateFeed, CreateFeedDocument, CreateFeedDocumentSpecification, CreateFeedSpecification, GetFeed,
    GetFeedDocument, GetFeeds,
};
use sp_listings::{
    Builder, Credentials, DeleteListingsItem, GetListingsItem, IncludedData, Item, ListingsItemPatchRequest,
    ListingsItemPutRequest, Marketplace, PatchListingsItem, PutListingsItem, Region, SearchListingsItems, SpApi,
    SpClient, Submission, UserAgent, new_price, new_stock,
};

pub(crate) async fn server() -> (MockServer, SpClient) {
    let server = MockServer::start_async().await;
    server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/auth/o2/token")
                .header("content-type", "application/x-www-form-urlencoded;charset=UTF-8")
                .form_urlencoded_tuple("grant_type", "refresh_token")
                .form_urlencoded_tuple("refresh_token", "Atzr|r");
            then.status(200).body(TOKEN);
        })
        .await;
    let credentials = Credentials::new("client", "client-secret", "Atzr|r");
    let base = server.base_url().parse().unwrap();
    let lwa = server.url("/auth/o2/token").parse().unwrap();
    let client = Builder::new(Region::Europe, credentials)
        .seller(seller())
        .base_url(base)
        .lwa_url(lwa)
        .user_agent(UserAgent::new("Shop", "1.0").attribute("Language", "Rust").attribute("Platform", "Linux"))
        .build()
        .unwrap();
    (server, client)
}

const ACCEPTED: &str = r#"{"sku":"S","status":"ACCEPTED","submissionId":"id-1","issues":[]}"#;
const VALID: &str = r#"{"sku":"S","status":"VALID","submissionId":"id-2"}"#;

#[tokio::test]
async fn get_sends_no_body_and_an_encoded_sku() {
    let (server, client) = server().await;
    let target = "/listings/2021-08-01/items/AO0WPKWDI17JQ/A%2FB%20%C3%A7?marketplaceIds=A33AVAJ2PDY3EV";
    let mock = server
        .mock_async(|when, then| {
            when.method(GET)
                .is_true(move |request| request.uri_str().ends_with(target) && request.body_ref().is_empty())
                .header_missing("content-length")
                .header_missing("content-type")
                .header("x-amz-access-token", "Atza|first")
                .header("user-agent", "Shop/1.0 (Language=Rust; Platform=Linux)")
                .header_exists("x-amz-date");
            then.status(200).header("x-amzn-RequestId", "r-7").body(fixture("item"));
        })
        .await;
    let answer = client.exchange(GetListingsItem::new(seller(), sku("A/B ç"), [Marketplace::TR])).await.unwrap();
    assert_eq!(answer.value.sku.as_str(), "YNG-WTR-3");
    assert_eq!(answer.request_id.as_deref(), Some("r-7"));
    assert_eq!(answer.drift().unwrap(), []);
    mock.assert_async().await;
}

#[tokio::test]
async fn a_patch_arrives_as_documented() {
    let (server, client) = server().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(PATCH)
                .path("/listings/2021-08-01/items/AO0WPKWDI17JQ/YNG-WTR-3")
                .query_param("marketplaceIds", "A33AVAJ2PDY3EV")
                .query_param_missing("mode")
                .header("content-type", "application/json")
                .json_body(json(&fixture("patch-price-and-stock")));
            then.status(200).body(fixture("accepted-patch"));
        })
        .await;
    let changes = [new_stock("DEFAULT", "100"), new_price("TRY", "75.50".parse().unwrap())];
    let patch = ListingsItemPatchRequest::offer(changes);
    let patch = PatchListingsItem::new(seller(), sku("YNG-WTR-3"), [Marketplace::TR], patch);
    let submission = client.call(patch).await.unwrap();
    assert!(matches!(submission, Submission::Accepted(_)));
    mock.assert_async().await;
}

#[tokio::test]
async fn a_preview_says_so_in_the_query() {
    let (server, client) = server().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(PUT)
                .path("/listings/2021-08-01/items/AO0WPKWDI17JQ/SHOES")
                .query_param("mode", "VALIDATION_PREVIEW")
                .json_body(json!({"productType": "SHOES", "attributes": {}}));
            then.status(200).body(VALID);
        })
        .await;
    let put = ListingsItemPutRequest::new("SHOES", serde_json::Map::new());
    let put = PutListingsItem::new(seller(), sku("SHOES"), [Marketplace::TR], put);
    assert!(matches!(client.call(put.preview()).await.unwrap(), Submission::Valid(_)));
    mock.assert_async().await;
}

#[tokio::test]
async fn a_deletion_names_its_one_store() {
    let (server, client) = server().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(DELETE)
                .path("/listings/2021-08-01/items/AO0WPKWDI17JQ/S")
                .query_param("marketplaceIds", "A1PA6795UKMFR9")
                .is_true(|request| request.body_ref().is_empty());
            then.status(200).body(ACCEPTED);
        })
        .await;
    let delete = DeleteListingsItem::new(seller(), sku("S"), [Marketplace::DE]);
    assert_eq!(client.call(delete).await.unwrap().id().as_str(), "id-1");
    mock.assert_async().await;
}

#[tokio::test]
async fn a_search_follows_its_pages() {
    let (server, client) = server().await;
    let path = "/listings/2021-08-01/items/AO0WPKWDI17JQ";
    let first = server
        .mock_async(|when, then| {
            when.method(GET).path(path).query_param("includedData", "issues").query_param_missing("pageToken");
            then.status(200).body(r#"{"numberOfResults":2,"pagination":{"nextToken":"t/2"},"items":[{"sku":"a"}]}"#);
        })
        .await;
    let second = server
        .mock_async(|when, then| {
            when.method(GET).path(path).query_param("includedData", "issues").query_param("pageToken", "t/2");
            then.status(200)
                .body(r#"{"numberOfResults":2,"pagination":{"previousToken":"t/1"},"items":[{"sku":"b"}]}"#);
        })
        .await;
    let search = SearchListingsItems::new(seller(), [Marketplace::TR]).included_data([IncludedData::Issues]);
    let items: Vec<Item> = client.pages(search).items().try_collect().await.unwrap();
    assert_eq!(items.iter().map(|item| item.sku.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    first.assert_async().await;
    second.assert_async().await;
}

/// The request line and the body of an operation, as a server reads them that answers so.
async fn sent<O: core_http::Operation<Vendor = SpApi>>(operation: O, answer: &str) -> (String, Value) {
    let (server, client) = server().await;
    let (send, seen) = std::sync::mpsc::channel();
    let read = move |request: &httpmock::HttpMockRequest| {
        let body = request.body_ref();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap() };
        let uri = request.uri_str();
        let target = uri.find("/feeds/").map_or(uri, |start| &uri[start..]);
        send.send((format!("{} {target}", request.method_str()), body)).is_ok()
    };
    let mock = server.mock_async(|when, then| {
        when.path_prefix("/feeds/").header("x-amz-access-token", "Atza|first").is_true(read);
        then.status(200).body(answer);
    });
    let mock = mock.await;
    client.call(operation).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME));
    mock.assert_async().await;
    seen.recv().unwrap()
}

#[tokio::test]
async fn feeds_are_asked_for_made_and_cancelled_as_documented() {
    let feed = r#"{"feedId":"50/1","feedType":"x","createdTime":"2026-07-30T00:00:00Z","processingStatus":"DONE"}"#;
    let document = r#"{"feedDocumentId":"d-1","url":"https://storage.test/d-1"}"#;
    let made = CreateFeedSpecification::new("JSON_LISTINGS_FEED", [Marketplace::DE], "d-1".parse().unwrap());
    let got = [
        sent(GetFeeds::new().feed_types(["JSON_LISTINGS_FEED"]), r#"{"feeds":[]}"#).await,
        sent(GetFeed::new("50/1".parse().unwrap()), feed).await,
        sent(CancelFeed::new("50/1".parse().unwrap()), "").await,
        sent(GetFeedDocument::new("d-1".parse().unwrap()), document).await,
        sent(CreateFeedDocument::new(CreateFeedDocumentSpecification::new("application/json")), document).await,
        sent(CreateFeed::new(made), r#"{"feedId":"50/1"}"#).await,
    ];
    let feed =
        json!({"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": ["A1PA6795UKMFR9"], "inputFeedDocumentId": "d-1"});
    let expected = [
        ("GET /feeds/2021-06-30/feeds?feedTypes=JSON_LISTINGS_FEED", Value::Null),
        ("GET /feeds/2021-06-30/feeds/50%2F1", Value::Null),
        ("DELETE /feeds/2021-06-30/feeds/50%2F1", Value::Null),
        ("GET /feeds/2021-06-30/documents/d-1", Value::Null),
        ("POST /feeds/2021-06-30/documents", json!({"contentType": "application/json"})),
        ("POST /feeds/2021-06-30/feeds", feed),
    ];
    assert_eq!(got, expected.map(|(line, body)| (line.to_owned(), body)));
}
