//! Channels and quantities.

use serde_json::{Value, json};
use sp_listings::{Item, Marketplace, handling_patch, quantity_patch};

fn item(stated: Value, available: Value) -> Item {
    let attributes = json!({ "fulfillment_availability": stated });
    serde_json::from_value(json!({"sku": "S", "attributes": attributes, "fulfillmentAvailability": available})).unwrap()
}

fn quantity(item: &Item) -> Option<u64> {
    item.stock().map(|stock| stock.quantity)
}

#[test]
fn what_amazon_reports_counts_what_was_sold_and_goes_before_what_was_stated() {
    let both = item(
        json!([{"fulfillment_channel_code": "DEFAULT", "quantity": 100, "lead_time_to_ship_max_days": "3"}]),
        json!([{"fulfillmentChannelCode": "DEFAULT", "quantity": 98}]),
    );
    assert_eq!(both.stock().map(|stock| (stock.quantity, stock.lead_time)), Some((98, Some(3))));
    let text = item(json!([{"fulfillment_channel_code": "DEFAULT", "quantity": "100"}]), Value::Null);
    assert_eq!(quantity(&text), Some(100));
    let reported = item(json!([]), json!([{"fulfillmentChannelCode": "DEFAULT", "quantity": 98}]));
    assert_eq!(quantity(&reported), Some(98));
}

#[test]
fn stock_that_is_not_said_is_not_zero() {
    assert_eq!(quantity(&item(json!([]), json!([]))), None);
    assert_eq!(quantity(&item(json!([{"fulfillment_channel_code": "DEFAULT"}]), Value::Null)), None);
    assert_eq!(quantity(&item(json!([{"fulfillment_channel_code": "DEFAULT", "quantity": -1}]), Value::Null)), None);
    let amazon = json!([{"fulfillmentChannelCode": "AMAZON_EU", "quantity": 7}]);
    assert_eq!(quantity(&item(json!([]), amazon)), None);
    let days = item(json!([{"fulfillment_channel_code": "DEFAULT", "lead_time_to_ship_max_days": 2}]), Value::Null);
    assert_eq!((quantity(&days), days.lead_time()), (None, Some(2)));
}

#[test]
fn a_channel_of_amazons_shows_wherever_it_is_named() {
    let stated = item(json!([{"fulfillment_channel_code": "AMAZON_EU"}]), json!([]));
    assert_eq!(stated.channels().into_iter().collect::<Vec<_>>(), ["AMAZON_EU"]);
    let reported = item(
        json!([{"fulfillment_channel_code": "DEFAULT", "quantity": 1}]),
        json!([{"fulfillmentChannelCode": "AMAZON_EU"}, {"fulfillmentChannelCode": "DEFAULT"}]),
    );
    assert_eq!(reported.channels().into_iter().collect::<Vec<_>>(), ["AMAZON_EU", "DEFAULT"]);
}

#[test]
fn a_quantity_is_merged_so_that_its_neighbours_stay() {
    let body = serde_json::to_value(quantity_patch(12, Some(4))).unwrap();
    let stock = json!({"fulfillment_channel_code": "DEFAULT", "quantity": 12, "lead_time_to_ship_max_days": 4});
    assert_eq!(body, json!({"op": "merge", "path": "/attributes/fulfillment_availability", "value": [stock]}));
    let body = serde_json::to_value(quantity_patch(0, None)).unwrap();
    assert_eq!(body["value"], json!([{"fulfillment_channel_code": "DEFAULT", "quantity": 0}]));
    let body = serde_json::to_value(handling_patch(2)).unwrap();
    assert_eq!(body["value"], json!([{"fulfillment_channel_code": "DEFAULT", "lead_time_to_ship_max_days": 2}]));
    assert_eq!(body["op"], "merge");
}

#[test]
fn the_asin_is_that_of_the_store() {
    let summary = |marketplace: &str, asin: Value| {
        json!({"marketplaceId": marketplace, "asin": asin, "productType": "SHOES", "status": [],
               "createdDate": "2026-01-01T00:00:00Z", "lastUpdatedDate": "2026-01-01T00:00:00Z"})
    };
    let summaries =
        json!([summary("A1PA6795UKMFR9", json!("B0DJQQ38TG")), summary("A33AVAJ2PDY3EV", json!("B0756FCPPN"))]);
    let item: Item = serde_json::from_value(json!({"sku": "S", "summaries": summaries})).unwrap();
    assert_eq!(item.asin(&Marketplace::TR).map(|asin| asin.to_string()).as_deref(), Some("B0756FCPPN"));
    assert_eq!(item.asin(&Marketplace::US), None);
    let without: Item =
        serde_json::from_value(json!({"sku": "S", "summaries": [summary("A33AVAJ2PDY3EV", Value::Null)]})).unwrap();
    assert_eq!(without.asin(&Marketplace::TR), None);
}
