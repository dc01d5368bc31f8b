//! What a model does not know of an answer.

use crate::common::{Shop, client, script};
use core_http::{
    Drift, DriftKind, ErrorKind, Limits, Operation, Request, Result, Safety, encode::RequestBuilder, inspect,
    open_enum, tagged_union,
};
use serde::{Deserialize, Serialize};

open_enum! {
    /// How it is sold.
    pub enum Condition {
        /// New.
        New = "new",
        /// Used.
        Used = "used",
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Offer {
    #[serde(default, deserialize_with = "core_http::lenient::option_decimal")]
    price: Option<rust_decimal::Decimal>,
    condition: Option<Condition>,
}

tagged_union! {
    /// What stands on a page.
    pub enum Item by "type" {
        /// An offer.
        Offer(Offer) = "offer",
    }
}

/// What stands on a page, and where the vendor leaves gaps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Page {
    #[serde(deserialize_with = "core_http::lenient::list")]
    items: Vec<Item>,
    places: Vec<Option<Offer>>,
}

/// Reads it.
#[derive(Debug)]
struct Look;

impl Operation for Look {
    type Vendor = Shop;
    type Wire = Page;
    type Output = Page;
    const NAME: &'static str = "look";

    fn safety(&self) -> Safety {
        Safety::ReadOnly
    }
    fn limits(&self) -> Limits {
        Limits::new()
    }
    fn request(&self) -> Result<Request> {
        RequestBuilder::get("/look").build()
    }
    fn output(&self, wire: Page) -> Result<Page> {
        Ok(wire)
    }
}

fn told(drift: &[Drift]) -> Vec<String> {
    drift.iter().map(ToString::to_string).collect()
}

#[test]
fn c7_drift_lists_what_the_model_does_not_know_by_path() {
    let body = br#"{"code":200,"data":[
        {"type":"offer","price":"1.50","condition":"new"},
        {"type":"offer","price":2,"condition":"refurbished","color":"red"},
        {"type":"advert","x":1},
        {"type":"offer","price":{"value":3},"condition":null,"nothing":null,"none":[]},
        {"type":"offer","price":[],"condition":"used"}
    ]}"#;
    let seen = inspect::<Shop, Vec<Item>>(body).expect("readable");
    let expected = [
        r#"[1].condition: unknown value "refurbished""#,
        r#"[1].color: unknown field "red""#,
        r#"[2]: unknown value "advert""#,
        r#"[3].price: unknown field {"value":3}"#,
    ];
    assert_eq!(told(&seen.drift), expected);
    use DriftKind::{Field, Value};
    assert_eq!(seen.drift.iter().map(|drift| drift.kind).collect::<Vec<_>>(), [Value, Field, Value, Field]);
    assert_eq!(seen.value[1]["condition"], "refurbished", "an unknown value is kept as it came");
    assert_eq!(seen.value[2], serde_json::json!({"type": "advert", "x": 1}));
    let refused = inspect::<Shop, Vec<Item>>(br#"{"code":402,"message":"pay"}"#).expect_err("a refusal");
    assert_eq!(refused.kind(), ErrorKind::Funds);
}

#[tokio::test(start_paused = true)]
async fn an_answer_shows_its_own_drift_at_the_places_where_it_stands() {
    let body = r#"{"code":200,"data":{
        "items":[null,{"type":"offer","size":1},null,{"type":"offer"},{"type":"offer","size":2}],
        "places":[null,{"size":3}]
    }}"#;
    let script = script();
    script.answer(200, body);
    let answer = client(script).exchange(Look).await.expect("an answer");
    assert_eq!((answer.value.items.len(), answer.value.places.len()), (3, 2));
    assert_eq!((answer.attempts, &answer.body[..]), (1, body.as_bytes()));
    let expected =
        ["items[1].size: unknown field 1", "items[4].size: unknown field 2", "places[1].size: unknown field 3"];
    assert_eq!(told(&answer.drift().expect("decoded before")), expected);
}

#[test]
fn a_long_value_is_cut_where_it_is_shown() {
    for (letters, shown) in [(78, "x".repeat(78) + "\""), (79, "x".repeat(78) + "…")] {
        let body = format!(r#"{{"code":200,"data":[{{"type":"offer","x":"{}"}}]}}"#, "x".repeat(letters));
        let seen = inspect::<Shop, Vec<Item>>(body.as_bytes()).expect("readable");
        assert_eq!(seen.drift[0].value, format!("\"{shown}"));
    }
}
