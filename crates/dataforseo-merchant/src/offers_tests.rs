use super::*;
use crate::{AsinTaskGet, SellersTaskGet, TaskId, TaskOutcome};
use core_http::{
    DriftKind, inspect,
    testing::{Script, response},
};
use std::sync::Arc;

async fn get<O: core_http::Operation<Vendor = crate::DataForSeo>>(operation: O, result: &str) -> O::Output {
    let body = format!(r#"{{"status_code":20000,"tasks":[{{"id":"1","status_code":20000,"result":[{result}]}}]}}"#);
    let script = Arc::new(Script::new());
    script.then(move |_| Ok(response(200, &body)));
    let client = crate::Builder::new("login", "password").transport(script).build().unwrap();
    client.call(operation).await.unwrap()
}

async fn asin(result: &str) -> AsinResult {
    get(AsinTaskGet::new(TaskId::new("1")), result).await.result.unwrap().remove(0)
}

async fn sellers(result: &str) -> SellersResult {
    get(SellersTaskGet::new(TaskId::new("1")), result).await.result.unwrap().remove(0)
}

fn product(result: &AsinResult) -> &crate::AmazonProductInfo {
    match &result.items[0] {
        AsinItem::ProductInfo(product) => product,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_family_is_read_off_the_product_page() {
    let result = asin(include_str!("../tests/fixtures/asin.json")).await;
    let family = result.family();
    assert_eq!(family.parent.unwrap().as_str(), "B0EXAMPLE0");
    let variants: Vec<&str> = family.variants.iter().map(Asin::as_str).collect();
    assert_eq!(variants, ["B0EXAMPLE1", "B0EXAMPLE2"], "once each, without what is no ASIN");
    assert_eq!(product(&result).price_from, Some("24.99".parse().unwrap()));
    assert_eq!(product(&result).rating.as_ref().unwrap().votes_count, Some(12345), "12345.0 is an integer");
    assert_eq!(result.items_count, Some(1));
}

#[tokio::test]
async fn the_discount_is_a_text_or_a_number() {
    for (sent, read) in
        [("\"15\"", Some("15")), ("15", Some("15")), ("15.5", Some("15.5")), ("null", None), ("[]", None)]
    {
        let item = format!(r#"{{"type":"amazon_product_info","percentage_discount":{sent},"title":"kept"}}"#);
        let result = asin(&format!(r#"{{"asin":"B0EXAMPLE1","items":[{item}]}}"#)).await;
        assert_eq!(product(&result).percentage_discount, read.map(|read| read.parse().unwrap()), "{sent}");
        assert_eq!(product(&result).title.as_deref(), Some("kept"));
    }
}

#[tokio::test]
async fn nulls_and_absent_keys_are_nothing() {
    let nulls = r#"{"type":"amazon_product_info","product_asins":null,"parent_asin":null,"rating":null,
        "applicable_vouchers":null,"categories":null,"product_information":null,"top_local_reviews":null,"newer_model":null}"#;
    for item in [nulls, r#"{"type":"amazon_product_info"}"#] {
        let result = asin(&format!(r#"{{"items":[{item},null]}}"#)).await;
        assert_eq!((result.family(), result.items.len()), (Family::default(), 1));
        assert!(product(&result).rating.is_none() && product(&result).categories.is_empty());
    }
    assert!(asin(r#"{"asin":"B0EXAMPLE1","items":null,"items_count":0}"#).await.items.is_empty());
}

#[tokio::test]
async fn an_item_of_an_unknown_type_is_kept_raw() {
    let result = asin(r#"{"items":[{"type":"hologram","price":1},{"type":"amazon_product_info"}]}"#).await;
    assert!(matches!(&result.items[0], AsinItem::Unknown(item) if item.kind == "hologram" && item.raw["price"] == 1));
    assert!(matches!(&result.items[1], AsinItem::ProductInfo(_)));
}

/// The recorded answer of a task that found nothing: an error by its count, a result by its shape.
#[tokio::test]
async fn no_search_results_is_an_empty_result() {
    let script = Arc::new(Script::new());
    script.answer(200, include_str!("../tests/fixtures/no_search_results.json"));
    let client = crate::Builder::new("login", "password").transport(script).build().unwrap();
    let task = client.call(AsinTaskGet::new(TaskId::new("1"))).await.unwrap();
    assert_eq!(task.outcome(), TaskOutcome::Empty);
    assert!(task.result.unwrap()[0].items.is_empty());
}

#[tokio::test]
async fn offers_say_plainly_what_the_page_said() {
    let result = sellers(include_str!("../tests/fixtures/sellers.json")).await;
    let offers: Vec<Offer> = result.offers().collect();
    assert_eq!(offers.len(), 4, "an item of an unknown type is no offer");
    let [buy_box, used, range, sold_out] = &offers[..] else { panic!() };
    assert!(buy_box.buy_box && !used.buy_box);
    assert_eq!(buy_box.seller_id.as_deref(), Some("A2R2RITDJNW1Q6"));
    assert_eq!((buy_box.price, buy_box.condition.as_deref()), (Some("24.99".parse().unwrap()), None));
    assert_eq!(buy_box.currency.as_deref(), Some("USD"));
    assert_eq!(buy_box.delivery_message.as_deref(), Some("FREE delivery Tuesday, October 6"));
    assert_eq!(used.condition.as_deref(), Some("Used - Very Good"));
    assert_eq!((used.price, used.delivery_price), (Some("19.5".parse().unwrap()), Some("3.99".parse().unwrap())));
    assert_eq!(used.seller_id.as_deref(), Some("A3 B"), "the link is decoded");
    assert_eq!((range.price, range.seller_id.as_deref()), (None, None), "a range is no price");
    assert_eq!((sold_out.price, sold_out.currency.as_deref()), (None, Some("USD")));
    let in_stock: Vec<Option<bool>> = offers.iter().map(Offer::in_stock).collect();
    assert_eq!(
        in_stock,
        [Some(true), None, None, None],
        "a day of delivery; without a price it may be sold out or not"
    );
}

#[test]
fn seller_ids_are_read_off_links() {
    assert_eq!(seller_id("/sp?ie=UTF8&seller=A1&asin=B0").as_deref(), Some("A1"));
    assert_eq!(seller_id("https://www.amazon.com/gp/aag/main?seller=A1#top").as_deref(), Some("A1"));
    for none in ["", "https://www.amazon.com/", "/sp?seller=", "/sp?best_seller=A1", "/sp#?seller"] {
        assert_eq!(seller_id(none), None, "{none}");
    }
}

#[test]
fn the_seeds_answer_decodes_without_drift() {
    let body = include_bytes!("../tests/fixtures/task_post.json");
    let inspected = crate::inspect("AmazonAsinTaskPost", body).unwrap().unwrap();
    assert_eq!(inspected.drift, []);
    assert_eq!(inspected.value[0]["cost"], 0.003);
    let drifted = String::from_utf8_lossy(body).replace("\"result_count\"", "\"new\": 1, \"result_count\"");
    let drift = inspect::<crate::DataForSeo, Vec<crate::Task<serde_json::Value>>>(drifted.as_bytes()).unwrap().drift;
    assert_eq!((drift.len(), drift[0].kind, drift[0].path.as_str()), (1, DriftKind::Field, "[0].new"));
    let task: Vec<crate::Task<serde_json::Value>> = serde_json::from_value(inspected.value).unwrap();
    assert_eq!(task[0].outcome(), TaskOutcome::Created);
    assert_eq!(task[0].id.as_ref().unwrap().as_str(), "04171455-0696-0192-0000-4c69cc29b945");
}
