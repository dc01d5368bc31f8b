//! Product types: the calls, and schemas that are downloaded once, checked, and kept.

use crate::{client, seller};
use base64::{Engine, engine::general_purpose::STANDARD};
use core_http::{ErrorKind, Operation, testing::response};
use httpmock::prelude::*;
use md5::{Digest, Md5};
use serde_json::{Value, json};
use sp_listings::product_types::{
    GetDefinitionsProductType, Locale, ParentageLevel, ProductTypeDefinition, RequirementsEnforced, SchemaCache,
    SchemaLink, SearchDefinitionsProductTypes,
};
use sp_listings::{Marketplace, Requirements};
use std::path::Path;

const SCHEMA: &str = r#"{"type":"object","properties":{"item_name":{"type":"array"}}}"#;

fn link(content: &str) -> Value {
    json!({"link": {"resource": "https://schemas.test/a?X-Amz-Signature=secret", "verb": "GET"},
           "checksum": STANDARD.encode(Md5::digest(content))})
}

fn schema_link(value: Value) -> SchemaLink {
    serde_json::from_value(value).unwrap()
}

fn definition() -> String {
    json!({
        "metaSchema": link("{}"), "schema": link(SCHEMA), "requirements": "LISTING", "requirementsEnforced": "ENFORCED",
        "propertyGroups": {"offer": {"title": "Teklif", "propertyNames": ["purchasable_offer"]}},
        "locale": "tr_TR", "marketplaceIds": ["A33AVAJ2PDY3EV"], "productType": "SHOES", "displayName": "Ayakkabı",
        "productTypeVersion": {"version": "U7", "latest": true, "releaseCandidate": false},
    })
    .to_string()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn names(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_store_is_asked_in_its_own_language() {
    let query = |ask: GetDefinitionsProductType| ask.request().unwrap().uri().query().unwrap().to_owned();
    let turkish = query(GetDefinitionsProductType::in_store("SHOES", Marketplace::TR));
    assert_eq!(turkish, "marketplaceIds=A33AVAJ2PDY3EV&locale=tr_TR");
    // Amazon's list of languages has none of Ireland; the default is a language of the store.
    let irish = query(GetDefinitionsProductType::in_store("SHOES", Marketplace::IE));
    assert_eq!(irish, "marketplaceIds=A28R8C7NBKEWEA&locale=DEFAULT");
    assert_eq!(Locale::of_store(&Marketplace::JP), Locale::JaJp);
    assert_eq!(Locale::of_store(&Marketplace::from("ANEWSTORE")), Locale::Default);
}

#[test]
fn the_address_of_a_schema_is_signed_and_not_shown() {
    let definition: ProductTypeDefinition = serde_json::from_str(&definition()).unwrap();
    let shown = format!("{definition:?} {definition:#?}");
    assert!(!shown.contains("schemas.test") && !shown.contains("secret"), "{shown}");
    let stored = serde_json::to_string(&definition).unwrap();
    assert!(
        stored.contains("https://schemas.test/a?X-Amz-Signature=secret"),
        "a stored definition is of use: {stored}"
    );
    assert_eq!(serde_json::from_str::<ProductTypeDefinition>(&stored).unwrap(), definition);
}

#[tokio::test]
async fn both_calls_arrive_as_documented() {
    let (server, client) = crate::wire::server().await;
    let search = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/definitions/2020-09-01/productTypes")
                .query_param("keywords", "shoes,boots")
                .query_param("marketplaceIds", "A33AVAJ2PDY3EV")
                .query_param("searchLocale", "en_US");
            then.status(200).body(r#"{"productTypes":[{"name":"SHOES","displayName":"Shoes","marketplaceIds":["A33AVAJ2PDY3EV"]}],"productTypeVersion":"U7"}"#);
        })
        .await;
    let get = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/definitions/2020-09-01/productTypes/SHOES")
                .query_param("sellerId", "AO0WPKWDI17JQ")
                .query_param("marketplaceIds", "A33AVAJ2PDY3EV")
                .query_param("productTypeVersion", "RELEASE_CANDIDATE")
                .query_param("requirements", "LISTING_OFFER_ONLY")
                .query_param("requirementsEnforced", "NOT_ENFORCED")
                .query_param("locale", "tr_TR")
                .query_param("parentageLevel", "CHILD");
            then.status(200).body(definition());
        })
        .await;
    let ask = SearchDefinitionsProductTypes::new([Marketplace::TR]).keywords(["shoes", "boots"]).search_locale("en_US");
    let found = client.exchange(ask).await.unwrap();
    assert_eq!((found.value.product_types[0].name.as_str(), found.drift().unwrap()), ("SHOES", vec![]));
    let ask = GetDefinitionsProductType::in_store("SHOES", Marketplace::TR)
        .seller_id(seller())
        .product_type_version("RELEASE_CANDIDATE")
        .requirements(Requirements::ListingOfferOnly)
        .requirements_enforced(RequirementsEnforced::NotEnforced)
        .parentage_level(ParentageLevel::Child);
    let got = client.exchange(ask).await.unwrap();
    assert_eq!(got.drift().unwrap(), []);
    assert_eq!(got.value.property_groups["offer"]["title"], "Teklif");
    search.assert_async().await;
    get.assert_async().await;
}

#[tokio::test(start_paused = true)]
async fn a_schema_is_downloaded_once_without_our_token() {
    let folder = folder();
    let (client, script) = client(|request| {
        Ok(response(200, if request.uri().host() == Some("schemas.test") { SCHEMA } else { "" })).map(|answer| {
            if request.uri().path().contains("productTypes") { response(200, &definition()) } else { answer }
        })
    });
    let cache = SchemaCache::new(folder.path().join("schemas"));
    for _ in 0..2 {
        let schema = cache.fetch(&client, GetDefinitionsProductType::new("SHOES", [Marketplace::TR])).await.unwrap();
        assert_eq!((&schema.document[..], schema.definition.locale.as_str()), (SCHEMA.as_bytes(), "tr_TR"));
    }
    let seen = script.seen();
    let elsewhere: Vec<_> = seen.iter().filter(|one| one.uri().host() == Some("schemas.test")).collect();
    assert_eq!(elsewhere.len(), 1, "the second time it is read from disk");
    assert!(!elsewhere[0].headers().contains_key("x-amz-access-token"));
    let asked = seen.iter().find(|one| one.uri().path().contains("productTypes")).unwrap();
    assert!(asked.uri().query().unwrap().ends_with("locale=tr_TR"), "the store's language is asked for");
    assert_eq!(names(&folder.path().join("schemas")), 1, "nothing else is left there");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_as_announced_is_neither_given_nor_kept() {
    let folder = folder();
    let (client, script) = client(|_| Ok(response(200, "something else")));
    let cache = SchemaCache::new(folder.path());
    let cases = [
        (link(SCHEMA), ErrorKind::Decode, "checksum"),
        (
            json!({"link": {"resource": "https://schemas.test/a", "verb": "GET"}, "checksum": "no"}),
            ErrorKind::Decode,
            "MD5",
        ),
        (
            json!({"link": {"resource": "/a", "verb": "GET"}, "checksum": link(SCHEMA)["checksum"]}),
            ErrorKind::Decode,
            "absolute",
        ),
        (
            json!({"link": {"resource": "http://schemas.test/a", "verb": "GET"}, "checksum": link(SCHEMA)["checksum"]}),
            ErrorKind::Request,
            "https",
        ),
    ];
    for (link, kind, said) in cases {
        let error = cache.read(&client, &schema_link(link)).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        let text = format!("{error} {error:?}");
        assert!(text.contains(said) && !text.contains("secret"), "{text}");
    }
    assert_eq!((names(folder.path()), script.sent()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_damaged_on_disk_is_downloaded_again() {
    let folder = folder();
    let (client, script) = client(|_| Ok(response(200, SCHEMA)));
    let cache = SchemaCache::new(folder.path());
    cache.read(&client, &schema_link(link(SCHEMA))).await.unwrap();
    let kept = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&kept, "half").unwrap();
    assert_eq!(cache.read(&client, &schema_link(link(SCHEMA))).await.unwrap(), SCHEMA);
    assert_eq!((script.sent(), std::fs::read_to_string(kept).unwrap().as_str()), (2, SCHEMA));
}

#[tokio::test(start_paused = true)]
async fn the_folder_stays_within_its_room() {
    let folder = folder();
    let content = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let (client, _) = {
        let content = content.clone();
        client(move |_| Ok(response(200, &content.lock().unwrap())))
    };
    let cache = SchemaCache::new(folder.path()).room(250);
    for n in 0..5 {
        let text = format!("{n}{}", "x".repeat(99));
        content.lock().unwrap().clone_from(&text);
        assert_eq!(cache.read(&client, &schema_link(link(&text))).await.unwrap(), text);
        assert_eq!(names(folder.path()), (n + 1).min(2));
    }
    let large = "y".repeat(400);
    content.lock().unwrap().clone_from(&large);
    assert_eq!(cache.read(&client, &schema_link(link(&large))).await.unwrap(), large, "what is needed now stays");
    assert_eq!(names(folder.path()), 1);
}
