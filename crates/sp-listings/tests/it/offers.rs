//! The one offer whose price may be changed, and what must stay as it was.

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sp_listings::{Item, Marketplace, NoOffer, Offer, new_price};

fn item(offers: Value) -> Item {
    serde_json::from_value(json!({"sku": "S", "attributes": {"purchasable_offer": offers}})).unwrap()
}

fn offer(price: Value) -> Value {
    json!({
        "currency": "TRY",
        "audience": "ALL",
        "start_at": {"value": "2026-01-01T00:00:00.000Z"},
        "our_price": [{"schedule": [{"value_with_tax": price}]}],
        "discounted_price": [{"schedule": [{"start_at": "2026-07-01", "end_at": "2026-08-01", "value_with_tax": 60.5}]}],
        "minimum_seller_allowed_price": [{"schedule": [{"value_with_tax": 50}]}],
        "maximum_seller_allowed_price": [{"schedule": [{"value_with_tax": 99.99}]}],
        "marketplace_id": "A33AVAJ2PDY3EV",
    })
}

fn business() -> Value {
    json!({
        "currency": "TRY",
        "audience": "B2B",
        "our_price": [{"schedule": [{"value_with_tax": 70}]}],
        "quantity_discount_plan": [{"schedule": [{"discount_type": "fixed"}]}],
        "marketplace_id": "A33AVAJ2PDY3EV",
    })
}

fn find(offers: Value) -> Result<Offer, NoOffer> {
    Offer::find(&item(offers), &Marketplace::TR, "TRY")
}

fn price(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn patch(offer: &Offer, new: &str) -> Value {
    serde_json::to_value(offer.price_patch(price(new))).unwrap()
}

#[test]
fn only_the_price_changes() {
    let before = offer(json!(75.5));
    let found = find(json!([before])).unwrap();
    assert_eq!(found.price(), price("75.5"));
    assert_eq!(*found.entry(), before);
    let changed = found.clone().with_price(price("71.90"));
    assert_eq!(changed.price(), price("71.90"));
    let after = changed.entry().clone();
    assert_eq!(after, offer(json!(71.9)));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&after), keys(&before));
    let expected = json!({"op": "replace", "path": "/attributes/purchasable_offer", "value": [after]});
    assert_eq!(patch(&found, "71.90"), expected);
}

#[test]
fn other_audiences_of_the_store_are_sent_again_unchanged() {
    let found = find(json!([business(), offer(json!(75.5))])).unwrap();
    assert_eq!(patch(&found, "80")["value"], json!([business(), offer(json!(80))]));
}

#[test]
fn other_stores_are_left_alone() {
    let mut german = offer(json!(9.9));
    german["marketplace_id"] = json!("A1PA6795UKMFR9");
    german["currency"] = json!("EUR");
    let found = find(json!([german, offer(json!(75.5))])).unwrap();
    assert_eq!(patch(&found, "80")["value"], json!([offer(json!(80))]));
}

#[test]
fn an_offer_without_store_and_audience_is_meant_for_all_of_this_store() {
    let plain = json!({"currency": "TRY", "our_price": [{"schedule": [{"value_with_tax": 75.5}]}]});
    assert_eq!(find(json!([plain])).unwrap().price(), price("75.5"));
}

#[test]
fn prices_are_read_from_numbers_and_texts() {
    for (stated, expected) in
        [(json!(890), "890"), (json!(890.9), "890.9"), (json!("890.90"), "890.90"), (json!(1e3), "1000")]
    {
        assert_eq!(find(json!([offer(stated)])).unwrap().price(), price(expected));
    }
}

#[test]
fn without_exactly_one_offer_nothing_can_be_changed() {
    let said = |offers: Value| find(offers).unwrap_err().to_string();
    let two = json!([offer(json!(1)), {"currency": "TRY", "our_price": [{"schedule": [{"value_with_tax": 2}]}]}]);
    assert_eq!(said(two), "ambiguous offer: 2 entries for A33AVAJ2PDY3EV, TRY, everybody");
    assert_eq!(said(json!([])), "no offer: the listing has no `purchasable_offer`");
    assert_eq!(
        said(json!([business()])),
        "no offer: none for A33AVAJ2PDY3EV, TRY, everybody; there is A33AVAJ2PDY3EV TRY B2B"
    );
    let mut unclear = offer(json!(1));
    unclear["audience"] = json!({"value": "B2B"});
    assert!(said(json!([unclear])).starts_with("no offer: none for"), "an audience that is no text may be anybody's");
    let mut dollars = offer(json!(1));
    dollars["currency"] = json!("USD");
    assert!(said(json!([dollars])).ends_with("there is A33AVAJ2PDY3EV USD ALL"));
    dollars.as_object_mut().unwrap().remove("currency");
    assert!(said(json!([dollars])).ends_with("there is A33AVAJ2PDY3EV unnamed ALL"));
}

#[test]
fn without_exactly_one_price_nothing_can_be_changed() {
    let with = |our_price: Value| {
        let mut entry = offer(json!(1));
        entry["our_price"] = our_price;
        find(json!([entry])).unwrap_err()
    };
    let schedule = json!({"schedule": [{"value_with_tax": 1}]});
    assert!(matches!(with(json!([schedule, schedule])), NoOffer::Ambiguous(_)));
    assert!(matches!(
        with(json!([{"schedule": [{"value_with_tax": 1}, {"value_with_tax": 2}]}])),
        NoOffer::Ambiguous(_)
    ));
    for nothing in [json!(null), json!([]), json!([{}]), json!([{"schedule": []}]), json!([{"schedule": [{}]}])] {
        assert!(matches!(with(nothing.clone()), NoOffer::Missing(_)), "{nothing}");
    }
    assert!(matches!(with(json!([{"schedule": [{"value_with_tax": "cheap"}]}])), NoOffer::Missing(_)));
}

#[test]
fn attributes_that_were_not_read_are_no_missing_offer() {
    let bare: Item = serde_json::from_value(json!({"sku": "S"})).unwrap();
    let error = Offer::find(&bare, &Marketplace::TR, "TRY").unwrap_err();
    assert_eq!(error.to_string(), "no offer: the listing was read without its attributes");
}

proptest! {
    #[test]
    fn a_price_goes_out_as_the_number_that_it_is(units in 0i64..10_000_000_000_000, scale in 0u32..5) {
        let amount = Decimal::new(units, scale);
        let body = serde_json::to_string(&new_price("TRY", amount)).unwrap();
        let back: Value = serde_json::from_str(&body).unwrap();
        let number = &back["value"][0]["our_price"][0]["schedule"][0]["value_with_tax"];
        prop_assert!(number.is_number());
        let found = find(json!([offer(number.clone())])).unwrap();
        prop_assert_eq!(found.price(), amount);
    }

    #[test]
    fn what_no_double_can_say_goes_out_as_a_text(units in 1i64 << 60.., scale in 5u32..10) {
        let amount = Decimal::new(units, scale);
        let back = serde_json::to_value(new_price("TRY", amount)).unwrap();
        let stated = &back["value"][0]["our_price"][0]["schedule"][0]["value_with_tax"];
        let text = stated.as_str().map(str::to_owned).unwrap_or_else(|| stated.to_string());
        prop_assert_eq!(text.parse::<Decimal>().unwrap(), amount);
    }
}
