//! The documented requests and answers, as data: what we send is equal as JSON, what came back decodes without drift.

use crate::{fixture, json, seller, sku};
use core_http::Operation;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sp_listings::{
    Item, ListingsItemPatchRequest, ListingsItemPutRequest, ListingsItemSubmissionResponse, Marketplace, Offer,
    PatchListingsItem, PatchOperation, PutListingsItem, Requirements, Submission, new_price, new_stock,
};

fn body(operation: &impl Operation) -> Value {
    serde_json::from_slice(operation.request().unwrap().body()).unwrap()
}

fn patch(changes: impl IntoIterator<Item = PatchOperation>) -> PatchListingsItem {
    let body = ListingsItemPatchRequest::offer(changes);
    PatchListingsItem::new(seller(), sku("YNG-WTR-3"), [Marketplace::TR], body)
}

fn price() -> PatchOperation {
    new_price("TRY", Decimal::new(7550, 2))
}

/// The documented bodies send the quantity as a text.
fn stock() -> PatchOperation {
    new_stock("DEFAULT", "100")
}

#[test]
fn the_three_patches_come_out_of_our_builders() {
    assert_eq!(body(&patch([stock(), price()])), json(&fixture("patch-price-and-stock")));
    assert_eq!(body(&patch([stock()])), json(&fixture("patch-stock")));
    assert_eq!(body(&patch([price()])), json(&fixture("patch-price")));
}

#[test]
fn the_patches_go_to_the_documented_path() {
    let request = patch([price()]).request().unwrap();
    assert_eq!(request.method(), "PATCH");
    let target = "/listings/2021-08-01/items/AO0WPKWDI17JQ/YNG-WTR-3?marketplaceIds=A33AVAJ2PDY3EV";
    assert_eq!(request.uri(), target);
    assert_eq!(request.headers()["content-type"], "application/json");
}

#[test]
fn both_puts_come_out_of_our_builders() {
    for name in ["put-with-barcode", "put-without-barcode"] {
        // `color` stands there twice; in JSON as we read it the later one counts.
        let expected = json(&fixture(name));
        assert_eq!(expected["attributes"]["color"][0]["value"], "Bronz");
        let attributes = expected["attributes"].as_object().unwrap().clone();
        let put = ListingsItemPutRequest::new("SHOES", attributes).requirements(Requirements::ListingProductOnly);
        let put = PutListingsItem::new(seller(), sku("SHOES"), [Marketplace::TR], put);
        assert_eq!(body(&put), expected);
        let request = put.request().unwrap();
        let target = "/listings/2021-08-01/items/AO0WPKWDI17JQ/SHOES?marketplaceIds=A33AVAJ2PDY3EV";
        assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("PUT", target));
    }
}

#[test]
fn every_documented_answer_decodes_without_drift() {
    for (operation, name) in [
        ("patchListingsItem", "accepted-patch"),
        ("putListingsItem", "accepted-put"),
        ("putListingsItem", "invalid"),
        ("getListingsItem", "item"),
    ] {
        let read = sp_listings::inspect(operation, fixture(name).as_bytes()).unwrap().unwrap();
        assert_eq!(read.drift, [], "{name}");
    }
}

fn submission(name: &str) -> Submission {
    serde_json::from_str::<ListingsItemSubmissionResponse>(&fixture(name)).unwrap().into()
}

#[test]
fn an_invalid_submission_is_an_outcome_of_its_own() {
    let invalid = submission("invalid");
    assert!(matches!(invalid, Submission::Invalid(_)));
    assert_eq!((invalid.issues().len(), invalid.errors().count()), (28, 28));
    let first = &invalid.issues()[0];
    assert_eq!((first.code.as_str(), first.attribute_names.as_slice()), ("90220", &["item_name".to_owned()][..]));
    assert_eq!(first.message, "“item_name” özelliğinin sağlanması zorunlu ancak sağlanmadı.");
    assert!(first.categories.is_empty());
}

#[test]
fn an_accepted_submission_is_not_a_valid_one() {
    let accepted = submission("accepted-patch");
    assert!(matches!(accepted, Submission::Accepted(_)));
    assert_eq!(accepted.id().as_str(), "1b43a91ef4b943aeb633c71e38bf1020");
    for (status, valid) in [("VALID", true), ("NEW_STATUS", false)] {
        let answer = json!({"sku": "S", "status": status, "submissionId": "x", "issues": null});
        let submission = Submission::from(serde_json::from_value::<ListingsItemSubmissionResponse>(answer).unwrap());
        assert_eq!(matches!(submission, Submission::Valid(_)), valid);
        assert_eq!(matches!(submission, Submission::Unknown(_)), !valid);
    }
}

#[test]
fn the_documented_listing_shows_its_price_stock_and_issues() {
    let item: Item = serde_json::from_str(&fixture("item")).unwrap();
    assert_eq!(item.issues[0].code, "13013");
    assert_eq!(item.stock().unwrap().quantity, 100);
    assert_eq!(item.channels().into_iter().collect::<Vec<_>>(), ["DEFAULT"]);
    let offer = Offer::find(&item, &Marketplace::TR, "TRY").unwrap();
    assert_eq!(offer.price(), Decimal::ONE);
    let sent = serde_json::to_value(offer.price_patch(Decimal::new(7550, 2))).unwrap();
    let mut expected = json(&fixture("patch-price"))["patches"][0].clone();
    expected["value"][0]["marketplace_id"] = json!("A33AVAJ2PDY3EV");
    assert_eq!(sent, expected);
}
