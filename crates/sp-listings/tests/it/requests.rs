//! What each operation sends.

use crate::{json, seller, sku};
use core_http::Operation;
use proptest::prelude::*;
use serde_json::json;
use sp_listings::{
    DeleteListingsItem, GetListingsItem, IdentifiersType, IncludedData, ItemStatus, ListingsItemPatchRequest,
    ListingsItemPutRequest, Marketplace, PatchListingsItem, PutListingsItem, SearchListingsItems, Severity, Sku,
    SortBy, SortOrder, SubmissionIncludedData, quantity_patch,
};

fn shown(operation: &impl Operation) -> String {
    let request = operation.request().unwrap();
    let body = std::str::from_utf8(request.body()).unwrap();
    format!("{} {}\n{body}", request.method(), request.uri()).trim_end().to_owned()
}

const ITEM: &str = "/listings/2021-08-01/items/AO0WPKWDI17JQ/A%2FB%20%C3%A7";

#[test]
fn get() {
    let plain = GetListingsItem::new(seller(), sku("A/B ç"), [Marketplace::TR]);
    assert_eq!(shown(&plain), format!("GET {ITEM}?marketplaceIds=A33AVAJ2PDY3EV"));
    let full = GetListingsItem::new(seller(), sku("A/B ç"), [Marketplace::TR, Marketplace::DE])
        .issue_locale("tr_TR")
        .included_data([IncludedData::Summaries, IncludedData::Attributes, IncludedData::FulfillmentAvailability]);
    let query = "marketplaceIds=A33AVAJ2PDY3EV,A1PA6795UKMFR9&issueLocale=tr_TR\
                 &includedData=summaries,attributes,fulfillmentAvailability";
    assert_eq!(shown(&full), format!("GET {ITEM}?{query}"));
}

#[test]
fn put() {
    let attributes = json!({"item_name": [{"value": "Ayakkabı"}]}).as_object().unwrap().clone();
    let put = PutListingsItem::new(
        seller(),
        sku("A/B ç"),
        [Marketplace::TR],
        ListingsItemPutRequest::new("SHOES", attributes),
    );
    let included = put.preview().included_data([SubmissionIncludedData::Identifiers, SubmissionIncludedData::Issues]);
    let body = r#"{"productType":"SHOES","attributes":{"item_name":[{"value":"Ayakkabı"}]}}"#;
    assert_eq!(shown(&put), format!("PUT {ITEM}?marketplaceIds=A33AVAJ2PDY3EV\n{body}"));
    let query = "marketplaceIds=A33AVAJ2PDY3EV&includedData=identifiers,issues&mode=VALIDATION_PREVIEW";
    assert_eq!(shown(&included), format!("PUT {ITEM}?{query}\n{body}"));
}

#[test]
fn patch() {
    let body = ListingsItemPatchRequest::offer([quantity_patch(3, None)]);
    let patch = PatchListingsItem::new(seller(), sku("A/B ç"), [Marketplace::TR], body);
    let sent = shown(&patch.preview().issue_locale("tr_TR"));
    let (head, body) = sent.split_once('\n').unwrap();
    assert_eq!(head, format!("PATCH {ITEM}?marketplaceIds=A33AVAJ2PDY3EV&mode=VALIDATION_PREVIEW&issueLocale=tr_TR"));
    let value = json!([{"fulfillment_channel_code": "DEFAULT", "quantity": 3}]);
    let change = json!({"op": "merge", "path": "/attributes/fulfillment_availability", "value": value});
    assert_eq!(json(body), json!({"productType": "PRODUCT", "patches": [change]}));
}

#[test]
fn delete() {
    let delete = DeleteListingsItem::new(seller(), sku("A/B ç"), [Marketplace::TR]).issue_locale("tr_TR");
    assert_eq!(shown(&delete), format!("DELETE {ITEM}?marketplaceIds=A33AVAJ2PDY3EV&issueLocale=tr_TR"));
}

#[test]
fn search() {
    let search = SearchListingsItems::new(seller(), [Marketplace::US])
        .included_data([IncludedData::Issues])
        .identifiers(["B0756FCPPN", "B0DJQQ38TG"])
        .identifiers_type(IdentifiersType::Asin)
        .created_after("2026-01-01T00:00:00Z")
        .with_issue_severity([Severity::Error])
        .with_status([ItemStatus::Buyable])
        .sort_by(SortBy::Sku)
        .sort_order(SortOrder::Asc)
        .page_size(20)
        .page_token("a=b/c");
    let query = "marketplaceIds=ATVPDKIKX0DER&includedData=issues&identifiers=B0756FCPPN,B0DJQQ38TG\
                 &identifiersType=ASIN&createdAfter=2026-01-01T00%3A00%3A00Z&withIssueSeverity=ERROR\
                 &withStatus=BUYABLE&sortBy=sku&sortOrder=ASC&pageSize=20&pageToken=a%3Db%2Fc";
    assert_eq!(shown(&search), format!("GET /listings/2021-08-01/items/AO0WPKWDI17JQ?{query}"));
}

/// The parameters and their order are those of the reference (seed 002); the three filters that exclude each other take
/// turns.
#[test]
fn every_documented_parameter_of_a_search_is_sent() {
    let search = SearchListingsItems::new(seller(), [Marketplace::TR, Marketplace::DE])
        .issue_locale("tr_TR")
        .included_data([IncludedData::Summaries, IncludedData::Attributes, IncludedData::Issues])
        .created_after("2026-01-01T00:00:00Z")
        .created_before("2026-02-01T00:00:00Z")
        .last_updated_after("2026-03-01T00:00:00Z")
        .last_updated_before("2026-04-01T00:00:00Z")
        .with_issue_severity([Severity::Warning, Severity::Error])
        .with_status([ItemStatus::Buyable])
        .without_status([ItemStatus::Discoverable])
        .sort_by(SortBy::LastUpdatedDate)
        .sort_order(SortOrder::Desc)
        .page_size(20)
        .page_token("t");
    let names = |search: &SearchListingsItems| {
        let uri = search.request().unwrap().uri().clone();
        let pairs = uri.query().unwrap().split('&').map(|pair| pair.split_once('=').unwrap().0.to_owned());
        pairs.collect::<Vec<_>>()
    };
    let common = [
        "createdAfter",
        "createdBefore",
        "lastUpdatedAfter",
        "lastUpdatedBefore",
        "withIssueSeverity",
        "withStatus",
        "withoutStatus",
        "sortBy",
        "sortOrder",
        "pageSize",
        "pageToken",
    ];
    for (search, filters) in [
        (
            search.clone().identifiers(["S"]).identifiers_type(IdentifiersType::Sku),
            &["identifiers", "identifiersType"][..],
        ),
        (search.clone().variation_parent_sku(sku("P")), &["variationParentSku"]),
        (search.clone().package_hierarchy_sku(sku("K")), &["packageHierarchySku"]),
    ] {
        let expected = [&["marketplaceIds", "issueLocale", "includedData"], filters, &common].concat();
        assert_eq!(names(&search), expected);
    }
}

#[test]
fn a_list_refuses_a_value_with_a_comma() {
    let search = SearchListingsItems::new(seller(), [Marketplace::US])
        .identifiers(["a,b"])
        .identifiers_type(IdentifiersType::Sku);
    let error = search.request().unwrap_err();
    assert!(error.to_string().contains("cannot hold the value `a,b`"), "{error}");
}

#[test]
fn skus_that_amazon_or_the_path_would_not_bear_are_refused() {
    for wrong in ["", ".", "..", "a\nb", "a\u{7f}", &"x".repeat(41)] {
        assert!(Sku::new(wrong).is_err(), "{wrong:?}");
    }
    assert!(Sku::new("ç".repeat(40)).is_ok());
    assert!(sp_listings::SellerId::new("A/B").is_err());
}

#[test]
fn operations_can_be_stored_and_read_again() {
    let get = GetListingsItem::new(seller(), sku("A/B ç"), [Marketplace::TR]).included_data([IncludedData::Issues]);
    let stored = serde_json::to_string(&get).unwrap();
    assert_eq!(serde_json::from_str::<GetListingsItem>(&stored).unwrap(), get);
}

proptest! {
    #[test]
    fn any_sku_is_one_segment_and_decodes_back(text in "[^\\p{Cc}]{1,40}") {
        prop_assume!(text != "." && text != "..");
        let get = GetListingsItem::new(seller(), Sku::new(text.clone()).unwrap(), [Marketplace::TR]);
        let request = get.request().unwrap();
        let segments: Vec<&str> = request.uri().path().split('/').collect();
        prop_assert_eq!(segments.len(), 6);
        let url = url::Url::parse(&format!("http://h{}", request.uri())).unwrap();
        let last = url.path_segments().unwrap().next_back().unwrap().to_owned();
        let pair = format!("sku={}", last.replace('+', "%2B"));
        let decoded = url::form_urlencoded::parse(pair.as_bytes()).next().unwrap().1.into_owned();
        prop_assert_eq!(decoded, text);
    }
}

/// Operations are reached by the vendor's names alone, as a command line does.
#[tokio::test(start_paused = true)]
async fn an_operation_is_called_by_name_with_the_vendors_names_of_its_arguments() {
    let (client, script) =
        crate::client(|_| Ok(core_http::testing::response(200, r#"{"sku":"A/B","somethingNew":1}"#)));
    let call = |arguments| sp_listings::call(&client, "getListingsItem", arguments);

    let asked = serde_json::json!({"sellerId": "A1", "sku": "A/B", "marketplaceIds": ["A33AVAJ2PDY3EV"]});
    let answer = call(asked).await.expect("an operation").expect("an answer");
    assert_eq!(answer.value["somethingNew"], 1, "the body as it came");
    assert_eq!(answer.drift().expect("read before").len(), 1);
    let sent = script.seen();
    assert_eq!(
        sent[1].uri().path_and_query().map(|sent| sent.as_str()),
        Some("/listings/2021-08-01/items/A1/A%2FB?marketplaceIds=A33AVAJ2PDY3EV")
    );

    for (wrong, says) in [
        (serde_json::json!({"sellerId": "A1", "sku": "A"}), "missing field `marketplaceIds`"),
        (
            serde_json::json!({"sellerId": "A1", "sku": "A", "marketplaceIds": ["A33AVAJ2PDY3EV"], "marketplaceId": "X"}),
            "unknown field `marketplaceId`",
        ),
        (serde_json::json!({"sellerId": "A1", "sku": "A", "marketplaceIds": "A33AVAJ2PDY3EV"}), "marketplaceIds: "),
    ] {
        let error = call(wrong).await.expect("an operation").expect_err(says);
        assert_eq!(error.kind(), core_http::ErrorKind::Request);
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(script.seen().len(), 2, "what is not understood is not sent");
    assert!(sp_listings::call(&client, "getEverything", serde_json::json!({})).await.is_none());
}
