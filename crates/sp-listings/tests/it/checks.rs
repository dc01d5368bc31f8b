//! What is refused before anything is sent, and why; and the way past it.

use crate::{client, seller, sku};
use core_http::{ErrorKind, Operation, testing::response};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sp_listings::{
    DeleteListingsItem, IdentifiersType, Image, ListingsItemPatchRequest, ListingsItemPutRequest, Marketplace,
    PatchListingsItem, PatchOp, PatchOperation, PutListingsItem, SearchListingsItems, SubmissionIncludedData,
    Unchecked, new_price, new_stock, quantity_patch,
};

fn patch(change: PatchOperation) -> PatchListingsItem {
    patches([change])
}

fn patches(changes: impl IntoIterator<Item = PatchOperation>) -> PatchListingsItem {
    PatchListingsItem::new(seller(), sku("S"), [Marketplace::TR], ListingsItemPatchRequest::offer(changes))
}

fn change(op: &str, path: &str, value: Value) -> PatchOperation {
    let value = value.as_array().unwrap().clone();
    PatchOperation::new(PatchOp::from(op), path).value(value)
}

fn refusal(operation: &impl Operation) -> String {
    let error = operation.request().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    error.to_string().trim_start_matches("could not be sent: ").to_owned()
}

/// An offer that was read in one store and is sent to another would price the wrong one, or seem to.
#[test]
fn what_names_a_store_outside_the_call_is_refused() {
    let of = |store: &str| json!([{"marketplace_id": store, "value": "x"}]);
    let foreign = "names the store A1PA6795UKMFR9, which is not in `marketplaceIds`";
    for op in ["replace", "add", "delete"] {
        let said = refusal(&patch(change(op, "/attributes/item_name", of("A1PA6795UKMFR9"))));
        assert_eq!(said, format!("patches[0]: `item_name` {foreign}"));
        assert!(patch(change(op, "/attributes/item_name", of("A33AVAJ2PDY3EV"))).request().is_ok());
    }
    let put = |store: &str| {
        let attributes = json!({"item_name": of(store)}).as_object().unwrap().clone();
        PutListingsItem::new(seller(), sku("S"), [Marketplace::TR], ListingsItemPutRequest::new("SHOES", attributes))
    };
    assert_eq!(refusal(&put("A1PA6795UKMFR9")), format!("`item_name` {foreign}"));
    assert!(put("A33AVAJ2PDY3EV").request().is_ok());
    assert!(Unchecked(put("A1PA6795UKMFR9")).request().is_ok());
}

#[test]
fn a_patch_that_amazon_would_refuse_is_refused_with_the_reason() {
    let offer = |price: Value| json!([{"currency": "TRY", "our_price": [{"schedule": [{"value_with_tax": price}]}]}]);
    for (change, reason) in [
        (
            change("replace", "/attributes/fulfillmentAvailability", json!([{"quantity": 1}])),
            "the attribute of `/attributes/fulfillmentAvailability` must be in snake_case: did you mean \
             `fulfillment_availability`?",
        ),
        (
            change("replace", "/attributes/purchasable_offer/0/our_price", json!([{"a": 1}])),
            "`/attributes/purchasable_offer/0/our_price` is nested, and only a whole attribute can be patched: send \
             all of `/attributes/purchasable_offer`",
        ),
        (change("replace", "/attributes/", json!([{"a": 1}])), "the attribute of `/attributes/` must be named"),
        (change("replace", "", json!([{"a": 1}])), "the attribute of `` must be named"),
        (
            change("replace", "/attributes/größe", json!([{"a": 1}])),
            "the attribute of `/attributes/größe` may hold lower-case letters, digits and `_` only",
        ),
        (
            change("delete", "/attributes/bullet_point", json!([])),
            "to delete from `bullet_point`, `value` must hold the selectors of what is meant, such as its store",
        ),
        (
            change("delete", "/attributes/bullet_point", json!([{}])),
            "`value` of `bullet_point` is a list of objects with content, not `{}`",
        ),
        (change("replace", "/attributes/item_name", json!([])), "`value` of `item_name` must not be empty"),
        (
            change("replace", "/attributes/item_name", json!(["Shoe"])),
            "`value` of `item_name` is a list of objects with content, not `\"Shoe\"`",
        ),
        (
            change("test", "/attributes/item_name", json!([{"value": "Shoe"}])),
            "`op` is add, replace, merge or delete, not `test`",
        ),
        (
            change("merge", "/attributes/item_name", json!([{"value": "Shoe"}])),
            "`merge` exists for `fulfillment_availability` and `purchasable_offer`, not for `item_name` (docs \"Merge \
             a listing\")",
        ),
        (
            change("merge", "/attributes/fulfillment_availability", json!([{"quantity": 3}])),
            "`merge` into `fulfillment_availability` must name what it means by fulfillment_channel_code",
        ),
        (
            change("replace", "/attributes/fulfillment_availability", json!([{"fulfillmentChannelCode": "DEFAULT"}])),
            "`fulfillmentChannelCode` in `fulfillment_availability` must be in snake_case: did you mean \
             `fulfillment_channel_code`?",
        ),
        (
            change("replace", "/attributes/purchasable_offer", offer(json!(0))),
            "`purchasable_offer`: `our_price` must be an amount above zero, not `0`",
        ),
        (
            change("replace", "/attributes/purchasable_offer", offer(json!("-1.50"))),
            "`purchasable_offer`: `our_price` must be an amount above zero, not `\"-1.50\"`",
        ),
        (
            change("replace", "purchasable_offer", offer(json!("75,50"))),
            "`purchasable_offer`: `our_price` must be an amount above zero, not `\"75,50\"`",
        ),
    ] {
        assert_eq!(refusal(&patch(change.clone())), format!("patches[0]: {reason}"));
        // Not only the first change is looked at.
        let second = patches([quantity_patch(1, None), change.clone()]);
        assert_eq!(refusal(&second), format!("patches[1]: {reason}"));
        assert!(Unchecked(patch(change)).request().is_ok());
    }
    assert_eq!(refusal(&patches([])), "`patches` must hold at least one change");
}

#[test]
fn an_offer_whose_prices_contradict_each_other_is_refused_whatever_carries_it() {
    let amount = |price: Value| json!([{"schedule": [{"value_with_tax": price}]}]);
    let offer = |price: Value, more: Value| {
        let mut offer = json!({"currency": "TRY", "our_price": amount(price)});
        offer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        offer
    };
    let bounds = json!({"minimum_seller_allowed_price": amount(json!("50.00")), "maximum_seller_allowed_price": amount(json!(99.99))});
    let sale = |last: Value| {
        json!({"discounted_price": [{"schedule": [
            {"start_at": "2001-01-01", "end_at": "2001-02-01", "value_with_tax": 80},
            {"start_at": "2001-01-01", "end_at": last, "value_with_tax": 60}]}]})
    };
    let closed = |end: &str| {
        let mut more = bounds.clone();
        more["end_at"] = json!({"value": end});
        more
    };
    let on_sale = "a sale price must be below the price 60, not 60";
    for (entry, said) in [
        (offer(json!(100), bounds.clone()), "the price 100 is above the greatest that the seller allows, 99.99"),
        (offer(json!(49.99), bounds.clone()), "the price 49.99 is below the least that the seller allows, 50.00"),
        (offer(json!(50), bounds.clone()), ""),
        (offer(json!(99.99), bounds.clone()), ""),
        (offer(json!(60), sale(json!("2999-12-31"))), on_sale),
        (offer(json!(60), sale(json!("2999-12-31T00:00:00Z"))), on_sale),
        (offer(json!(60), sale(json!(null))), on_sale),
        (offer(json!(60.01), sale(json!("2999-12-31"))), ""),
        (offer(json!(60), sale(json!("2001-12-31"))), ""),
        // Nobody buys at an offer that has ended.
        (offer(json!(100), closed("2001-01-01T00:00:00Z")), ""),
        (
            offer(json!(100), closed("2999-01-01T00:00:00Z")),
            "the price 100 is above the greatest that the seller allows, 99.99",
        ),
    ] {
        let fine = offer(json!(75), bounds.clone());
        let attributes = json!({"purchasable_offer": [fine, entry]}).as_object().unwrap().clone();
        let put = PutListingsItem::new(
            seller(),
            sku("S"),
            [Marketplace::TR],
            ListingsItemPutRequest::new("SHOES", attributes),
        );
        let mut merged = entry.clone();
        merged["audience"] = json!("ALL");
        let replaced = patch(change("replace", "/attributes/purchasable_offer", json!([fine, entry])));
        let merged = patch(change("merge", "/attributes/purchasable_offer", json!([merged])));
        if said.is_empty() {
            assert!(put.request().is_ok() && replaced.request().is_ok() && merged.request().is_ok(), "{entry}");
            continue;
        }
        let said = format!("`purchasable_offer`: {said}");
        assert_eq!(refusal(&put), said);
        assert_eq!(
            (refusal(&replaced), refusal(&merged)),
            (format!("patches[0]: {said}"), format!("patches[0]: {said}"))
        );
        assert!(Unchecked(put).request().is_ok() && Unchecked(replaced).request().is_ok());
    }
}

#[test]
fn what_amazon_takes_is_not_refused() {
    for change in [
        new_price("TRY", Decimal::new(1, 2)),
        new_stock("DEFAULT", "100"),
        quantity_patch(0, Some(3)),
        Image::Main.delete_patch(&Marketplace::TR),
        PatchOperation::add("bullet_point", [json!({"value": "x"})]),
        change("replace", "item_name", json!([{"value": "x"}])),
        change("merge", "/attributes/purchasable_offer", json!([{"audience": "B2B", "quantity_discount_plan": null}])),
        change("delete", "/attributes/purchasable_offer", json!([{"marketplace_id": "A33AVAJ2PDY3EV"}])),
    ] {
        patch(change).request().unwrap();
    }
}

#[test]
fn puts_deletions_and_searches_that_amazon_would_refuse_are_refused_with_the_reason() {
    let put = |attributes: Value, stores: &[Marketplace]| {
        let body = ListingsItemPutRequest::new("SHOES", attributes.as_object().unwrap().clone());
        PutListingsItem::new(seller(), sku("S"), stores.iter().cloned(), body)
    };
    let (both, none) = ([Marketplace::TR, Marketplace::DE], [] as [Marketplace; 0]);
    assert_eq!(refusal(&put(json!({}), &both)), "`marketplaceIds` must name one store only, not 2");
    assert_eq!(refusal(&put(json!({}), &none)), "`marketplaceIds` must name a store");
    assert_eq!(
        refusal(&put(json!({"itemName": []}), &[Marketplace::TR])),
        "the attribute `itemName` must be in snake_case: did you mean `item_name`?"
    );
    let text = put(json!({"item_name": "Shoe"}), &[Marketplace::TR]);
    assert_eq!(refusal(&text), "the attribute `item_name` is a list of instances");
    assert!(Unchecked(text).request().is_ok());
    let identifiers = put(json!({}), &[Marketplace::TR]).included_data([SubmissionIncludedData::Identifiers]);
    assert_eq!(refusal(&identifiers), "`includedData` may hold `identifiers` in a preview only");
    assert!(identifiers.preview().request().is_ok());
    let body = ListingsItemPutRequest::new("", serde_json::Map::new());
    let untyped = PutListingsItem::new(seller(), sku("S"), [Marketplace::TR], body);
    assert_eq!(refusal(&untyped), "`productType` must not be empty");

    // A deletion in the wrong store is what a well-known client does with two of them.
    let delete = DeleteListingsItem::new(seller(), sku("S"), both);
    assert_eq!(refusal(&delete), "`marketplaceIds` must name one store only, not 2");

    let search = || SearchListingsItems::new(seller(), [Marketplace::TR]);
    let alone = "`identifiers` and `identifiersType` need each other";
    assert_eq!(refusal(&search().identifiers(["B0756FCPPN"])), alone);
    assert_eq!(refusal(&search().identifiers_type(IdentifiersType::Asin)), alone);
    let by = |identifiers: Vec<String>| search().identifiers(identifiers).identifiers_type(IdentifiersType::Asin);
    let many: Vec<String> = (0..21).map(|number| number.to_string()).collect();
    assert_eq!(refusal(&by(many.clone())), "`identifiers` holds at most 20, not 21");
    assert!(by(many[..20].to_vec()).request().is_ok());
    let exclusive = "`identifiers`, `variationParentSku` and `packageHierarchySku` exclude each other";
    assert_eq!(refusal(&by(many[..1].to_vec()).variation_parent_sku(sku("P"))), exclusive);
    assert_eq!(refusal(&search().package_hierarchy_sku(sku("K")).variation_parent_sku(sku("P"))), exclusive);
    for (size, fine) in [(0, false), (1, true), (20, true), (21, false), (-1, false)] {
        assert_eq!(search().page_size(size).request().is_ok(), fine, "{size}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_refused_patch_is_sent() {
    let (client, script) = client(|_| Ok(response(200, r#"{"sku":"S","status":"ACCEPTED","submissionId":"x"}"#)));
    let camel = patch(change("replace", "/attributes/itemName", json!([{"value": "x"}])));
    let error = client.call(camel.clone()).await.unwrap_err();
    assert_eq!((script.sent(), error.may_have_been_applied()), (0, false));
    assert!(error.to_string().starts_with("patchListingsItem: could not be sent: patches[0]:"), "{error}");
    let sent = client.call(core_http::Once(Unchecked(camel))).await.unwrap();
    assert_eq!(sent.id().as_str(), "x");
    assert_eq!(script.sent(), 2);
}
