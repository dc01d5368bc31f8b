//! Sales, bounds, closing and pictures: one thing is changed, the rest stays.

use crate::sku;
use jiff::{Timestamp, civil::date};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sp_listings::{
    Image, Item, ListingsItemPatchRequest, Marketplace, NewOffer, Offer, PatchListingsItem, PatchOperation, Sale,
    Selectors, stock_patch,
};

fn amount(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn listed() -> Value {
    json!({
        "marketplace_id": "A33AVAJ2PDY3EV",
        "currency": "TRY",
        "our_price": [{"schedule": [{"value_with_tax": 75.5}]}],
        "discounted_price": [{"schedule": [
            {"start_at": "2026-07-01", "end_at": "2026-08-01T00:00:00.000Z", "value_with_tax": "60.5"},
            {"start_at": "2026-12-01", "end_at": "2026-12-24", "value_with_tax": 65},
        ]}],
        "minimum_seller_allowed_price": [{"schedule": [{"value_with_tax": 50}]}],
        "maximum_seller_allowed_price": [{"schedule": [{"value_with_tax": 99.99}]}],
        "quantity_discount_plan": [{"schedule": []}],
    })
}

fn business() -> Value {
    json!({"marketplace_id": "A33AVAJ2PDY3EV", "currency": "TRY", "audience": "B2B",
           "our_price": [{"schedule": [{"value_with_tax": 70}]}]})
}

fn offer(audience: &str) -> Offer {
    let attributes = json!({"purchasable_offer": [listed(), business()]});
    let item: Item = serde_json::from_value(json!({"sku": "S", "attributes": attributes})).unwrap();
    Offer::find_for(audience, &item, &Marketplace::TR, "TRY").unwrap()
}

fn sent(patch: PatchOperation) -> Value {
    let body = ListingsItemPatchRequest::offer([patch.clone()]);
    let call = PatchListingsItem::new(crate::seller(), sku("S"), [Marketplace::TR], body);
    core_http::Operation::request(&call).unwrap();
    serde_json::to_value(patch).unwrap()
}

#[test]
fn an_offer_tells_its_sales_bounds_and_end() {
    let everybody = offer("ALL");
    let sales = everybody.sales();
    assert_eq!(sales.len(), 2);
    assert_eq!(
        (sales[0].price(), sales[0].first(), sales[0].last()),
        (amount("60.5"), date(2026, 7, 1), date(2026, 8, 1))
    );
    assert_eq!(everybody.bounds(), (Some(amount("50")), Some(amount("99.99"))));
    assert_eq!(everybody.end(), None);
    let business = offer("B2B");
    assert_eq!((business.price(), business.sales().len(), business.bounds()), (amount("70"), 0, (None, None)));
}

#[test]
fn a_new_price_keeps_sales_and_bounds_of_its_offer_and_all_of_the_others() {
    let patch = sent(offer("B2B").with_price(amount("68.40")).patch());
    let mut changed = business();
    changed["our_price"][0]["schedule"][0]["value_with_tax"] = json!(68.4);
    assert_eq!(patch["value"], json!([listed(), changed]));
    let mut changed = listed();
    changed["our_price"][0]["schedule"][0]["value_with_tax"] = json!(80);
    assert_eq!(sent(offer("ALL").with_price(amount("80.00")).patch())["value"], json!([changed, business()]));
}

#[test]
fn a_price_that_its_own_offer_does_not_allow_is_not_sent() {
    for (price, said) in [
        ("99.99", None),
        ("100", Some("the price 100 is above the greatest that the seller allows, 99.99")),
        ("49.99", Some("the price 49.99 is below the least that the seller allows, 50")),
    ] {
        let body = ListingsItemPatchRequest::offer([offer("ALL").without_sale().with_price(amount(price)).patch()]);
        let call = PatchListingsItem::new(crate::seller(), sku("S"), [Marketplace::TR], body);
        let error = core_http::Operation::request(&call).map(drop).map_err(|error| error.to_string());
        let said = said.map(|said| format!("could not be sent: patches[0]: `purchasable_offer`: {said}"));
        assert_eq!(error.err(), said);
    }
}

#[test]
fn a_sale_is_set_and_taken_away_alone() {
    let sale = Sale::new(amount("49.90"), date(2026, 11, 27), date(2026, 11, 30)).unwrap();
    let mut expected = listed();
    let schedule = json!({"start_at": "2026-11-27", "end_at": "2026-11-30", "value_with_tax": 49.9});
    expected["discounted_price"] = json!([{"schedule": [schedule]}]);
    let on_sale = offer("ALL").with_sale(sale).unwrap();
    assert_eq!(on_sale.sales(), [sale]);
    assert_eq!(sent(on_sale.patch())["value"], json!([expected, business()]));

    expected.as_object_mut().unwrap().shift_remove("discounted_price");
    assert_eq!(sent(offer("ALL").without_sale().patch())["value"][0], expected);
}

#[test]
fn terms_that_contradict_themselves_are_refused() {
    let (first, last) = (date(2026, 11, 27), date(2026, 11, 30));
    let dear = Sale::new(amount("75.50"), first, last).unwrap();
    let error = offer("ALL").with_sale(dear).unwrap_err();
    assert_eq!(error.to_string(), "a sale price must be below the price 75.5, not 75.50");
    assert!(NewOffer::new("TRY", amount("75.50")).sale(dear).is_err());
    assert!(Sale::new(Decimal::ZERO, first, last).is_err());
    assert!(Sale::new(amount("1"), last, first).is_err());
    assert!(Sale::new(amount("1"), last, last).is_ok());
    let error = offer("ALL").with_bounds(amount("80"), amount("90")).unwrap_err();
    assert_eq!(error.to_string(), "the price 75.5 is below the least that the seller allows, 80");
    assert!(NewOffer::new("TRY", amount("1")).bounds(amount("3"), amount("0.5")).is_err());
    let bounded = offer("ALL").with_bounds(amount("60"), amount("90.10")).unwrap();
    assert_eq!(bounded.bounds(), (Some(amount("60")), Some(amount("90.1"))));
}

#[test]
fn an_offer_is_closed_by_its_end_and_opened_again_without_losing_anything() {
    let now: Timestamp = "2026-11-25T15:00:00.25Z".parse().unwrap();
    let closed = offer("ALL").closed(now);
    assert_eq!(closed.end(), Some(now));
    let mut expected = listed();
    expected["end_at"] = json!({"value": "2026-11-25T15:00:00.250Z"});
    assert_eq!(sent(closed.clone().patch())["value"], json!([expected]), "the other audience is left as it is");
    assert_eq!(sent(closed.reopened().patch())["value"], json!([listed(), business()]));
}

#[test]
fn nothing_keeps_an_offer_from_being_closed() {
    let mut odd = business();
    odd["maximum_seller_allowed_price"] = json!([{"schedule": [{"value_with_tax": 60}]}]);
    let mut free = listed();
    free["our_price"][0]["schedule"][0]["value_with_tax"] = json!(0);
    let attributes = json!({"purchasable_offer": [free, odd]});
    let item: Item = serde_json::from_value(json!({"sku": "S", "attributes": attributes})).unwrap();
    for audience in ["ALL", "B2B"] {
        let offer = Offer::find_for(audience, &item, &Marketplace::TR, "TRY").unwrap();
        let closed = sent(offer.closed(Timestamp::now()).patch());
        assert_eq!(closed["value"].as_array().unwrap().len(), 1);
    }

    let offer = Offer::find(&item, &Marketplace::TR, "TRY").unwrap();
    let body = ListingsItemPatchRequest::offer([offer.with_price(amount("75.50")).patch()]);
    let call = PatchListingsItem::new(crate::seller(), sku("S"), [Marketplace::TR], body);
    let said = core_http::Operation::request(&call).map(drop).unwrap_err().to_string();
    let whose = "`purchasable_offer` to B2B: the price 70 is above the greatest that the seller allows, 60";
    assert!(said.ends_with(whose), "{said}");
}

#[test]
fn one_offer_is_deleted_and_the_other_audience_keeps_its_own() {
    let selectors =
        |audience: &str| json!([{"marketplace_id": "A33AVAJ2PDY3EV", "currency": "TRY", "audience": audience}]);
    for audience in ["ALL", "B2B"] {
        let patch = sent(offer(audience).delete_patch());
        assert_eq!(
            patch,
            json!({"op": "delete", "path": "/attributes/purchasable_offer", "value": selectors(audience)})
        );
    }
}

#[test]
fn an_offer_from_scratch_holds_what_it_is_told() {
    let sale = Sale::new(amount("59.9"), date(2026, 11, 27), date(2026, 11, 30)).unwrap();
    let from: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let new = NewOffer::new("TRY", amount("75.50"))
        .marketplace(&Marketplace::TR)
        .audience("B2B")
        .sale(sale)
        .and_then(|new| new.bounds(amount("50"), amount("99.99")))
        .unwrap()
        .from(from)
        .until("2027-01-01T00:00:00Z".parse().unwrap());
    let price = |value: Value| json!([{"schedule": [{"value_with_tax": value}]}]);
    let sale = json!([{"schedule": [{"start_at": "2026-11-27", "end_at": "2026-11-30", "value_with_tax": 59.9}]}]);
    let expected = json!([{
        "currency": "TRY",
        "marketplace_id": "A33AVAJ2PDY3EV",
        "audience": "B2B",
        "our_price": price(json!(75.5)),
        "discounted_price": sale,
        "minimum_seller_allowed_price": price(json!(50)),
        "maximum_seller_allowed_price": price(json!(99.99)),
        "start_at": {"value": "2026-01-01T00:00:00.000Z"},
        "end_at": {"value": "2027-01-01T00:00:00.000Z"},
    }]);
    assert_eq!(sent(new.patch())["value"], expected);
}

#[test]
fn pictures_are_set_and_taken_away_by_their_place() {
    let store = &Marketplace::TR;
    for (image, attribute) in [
        (Image::Main, "main_product_image_locator"),
        (Image::other(1).unwrap(), "other_product_image_locator_1"),
        (Image::other(8).unwrap(), "other_product_image_locator_8"),
        (Image::Swatch, "swatch_product_image_locator"),
    ] {
        let set = sent(image.patch(store, "https://shop.example/shoe.jpg").unwrap());
        let instance = json!({"media_location": "https://shop.example/shoe.jpg", "marketplace_id": "A33AVAJ2PDY3EV"});
        assert_eq!(set, json!({"op": "replace", "path": format!("/attributes/{attribute}"), "value": [instance]}));
        let gone = sent(image.delete_patch(store));
        let selectors = json!([{"marketplace_id": "A33AVAJ2PDY3EV"}]);
        assert_eq!(gone, json!({"op": "delete", "path": format!("/attributes/{attribute}"), "value": selectors}));
    }
    assert!(Image::other(0).is_err() && Image::other(9).is_err());
    for wrong in ["", "shoe.jpg", "file:///shoe.jpg", "ftp://shop.example/shoe.jpg"] {
        let error = Image::Main.patch(store, wrong).unwrap_err();
        assert!(error.to_string().starts_with(&format!("the picture `{wrong}`")), "{error}");
    }
}

#[test]
fn stock_is_patched_only_where_something_is_named() {
    let value = |quantity, days| stock_patch(quantity, days).map(|patch| sent(patch)["value"][0].clone());
    assert_eq!(value(None, None), None);
    let channel = "DEFAULT";
    assert_eq!(value(Some(3), None), Some(json!({"fulfillment_channel_code": channel, "quantity": 3})));
    assert_eq!(
        value(None, Some(2)),
        Some(json!({"fulfillment_channel_code": channel, "lead_time_to_ship_max_days": 2}))
    );
}

#[test]
fn a_deletion_names_its_selectors() {
    let meant = Selectors::of(&Marketplace::TR).and("language_tag", "tr_TR");
    let raw = json!({"marketplace_id": "A33AVAJ2PDY3EV", "language_tag": "tr_TR"});
    let typed = PatchOperation::delete("bullet_point", [meant]);
    assert_eq!(
        sent(typed.clone()),
        json!({"op": "delete", "path": "/attributes/bullet_point", "value": [raw.clone()]})
    );
    assert_eq!(typed, PatchOperation::delete("bullet_point", [raw]));
}
