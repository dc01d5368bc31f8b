//! What goes into a request cannot break out of its place, and what vendors are loose about is read.

use core_http::{
    Asin, ErrorKind, RequestBuilder,
    encode::{File, encode},
    lenient, open_enum, tagged_union,
};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

fn target(builder: RequestBuilder) -> String {
    builder.build().expect("a request").uri().to_string()
}

#[test]
fn path_arguments_are_one_segment_each() {
    let item =
        |seller: &str, sku: &str| RequestBuilder::get("/items/{seller}/{sku}").path("seller", seller).path("sku", sku);
    assert_eq!(target(item("A1", "a/b c#d?e%f+g")), "/items/A1/a%2Fb%20c%23d%3Fe%25f%2Bg");
    assert_eq!(target(item("A1", "ŞAPKA-ß")), "/items/A1/%C5%9EAPKA-%C3%9F");
    assert_eq!(target(item("{sku}", "x")), "/items/%7Bsku%7D/x");
    for bad in ["", ".", ".."] {
        let error = item("A1", bad).build().expect_err("it would change the path");
        assert!(error.kind() == ErrorKind::Request && error.to_string().contains("`sku`"), "{error}");
    }
}

#[test]
fn queries_are_encoded_and_lists_keep_their_commas() {
    let built =
        RequestBuilder::get("/x").query("a b", "1&2=3").query_opt("none", None::<u8>).query_opt("some", Some(4));
    assert_eq!(
        target(built.csv("ids", ["x", "ü"]).csv("empty", [] as [&str; 0])),
        "/x?a%20b=1%262%3D3&some=4&ids=x,%C3%BC"
    );
    let error = RequestBuilder::get("/x").csv("ids", ["a,b"]).build().expect_err("it would be two");
    assert!(error.to_string().contains("`ids`") && error.to_string().contains("`a,b`"), "{error}");
}

#[test]
fn r10_line_breaks_do_not_get_into_headers_or_the_heads_of_parts() {
    for evil in ["a\r\nX-Evil: 1", "a\nb", "a\0b"] {
        let error = RequestBuilder::get("/x").header("x-own", evil).build().expect_err("no header value");
        assert!(error.kind() == ErrorKind::Request && error.to_string().contains("x-own"), "{error}");
        let file = File { field: "csv", name: "a.csv", content_type: evil, content: b"" };
        assert!(RequestBuilder::post("/x").multipart(&[], file).build().is_err());
        assert!(!target(RequestBuilder::get("/x/{y}").path("y", evil)).contains(['\r', '\n', '\0']));
    }
    let evil = "a\"\r\nContent-Type: text/html\r\n\r\n<script>";
    let file = File { field: evil, name: evil, content_type: "text/csv", content: b"asin\r\n" };
    let request = RequestBuilder::post("/x").multipart(&[(evil, "value\r\nis free")], file).build().expect("a request");
    let body = String::from_utf8(request.body().to_vec()).expect("text");
    let escaped = "a%22%0D%0AContent-Type: text/html%0D%0A%0D%0A<script>";
    let boundary = request.headers()["content-type"].to_str().expect("text").split_once("boundary=").expect("one").1;
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{escaped}\"\r\n\r\nvalue\r\nis free\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"{escaped}\"; filename=\"{escaped}\"\r\n\
         Content-Type: text/csv\r\n\r\nasin\r\n\r\n--{boundary}--\r\n"
    );
    assert_eq!(body, expected);
}

#[test]
fn bodies_say_what_they_are() {
    let json = RequestBuilder::post("/x").json(&json!({"a": [1]})).build().expect("a request");
    assert_eq!(
        (&json.headers()["content-type"], &json.body()[..]),
        (&"application/json".parse().expect("a value"), &br#"{"a":[1]}"#[..])
    );
    let form = RequestBuilder::post("/x").form(&[("a b", "1&2"), ("ü", "+")]).build().expect("a request");
    assert_eq!(&form.body()[..], b"a+b=1%262&%C3%BC=%2B");
    let get = RequestBuilder::get("/x").build().expect("a request");
    assert!(get.body().is_empty() && !get.headers().contains_key("content-type"));
}

proptest! {
    #[test]
    fn any_text_is_one_path_segment_and_comes_back(text in "\\PC{1,40}") {
        prop_assume!(text != "." && text != "..");
        let target = target(RequestBuilder::get("/items/{sku}/x").path("sku", &text));
        let segments: Vec<&str> = target.split('/').collect();
        prop_assert_eq!(segments.len(), 4);
        let back = percent_encoding::percent_decode_str(segments[2]).decode_utf8()?;
        prop_assert_eq!(back.as_ref(), text.as_str());
        let url: url::Url = format!("https://a.test{target}").parse()?;
        prop_assert_eq!(url.path(), target.as_str(), "no parser sees another path in it");
        prop_assert_eq!(encode(&text).to_string(), segments[2]);
    }

    #[test]
    fn any_number_is_a_decimal_or_none_and_never_an_error(text in "-?[0-9]{1,20}(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,3})?") {
        for body in [format!(r#"{{"price":{text}}}"#), format!(r#"{{"price":"{text}"}}"#)] {
            // A number with leading zeros is no JSON.
            let Ok(_) = serde_json::from_str::<Value>(&body) else { continue };
            let loose: Loose = serde_json::from_str(&body)?;
            if let Ok(exact) = text.parse::<Decimal>() && body.contains('"') && !text.contains(['e', 'E']) {
                prop_assert!(loose.price.is_none_or(|price| (price - exact).abs() <= exact.abs() * Decimal::new(1, 14)));
            }
        }
    }

    #[test]
    fn any_text_of_an_open_enum_comes_back(text in "\\PC{0,20}") {
        let severity = Severity::from(text.as_str());
        prop_assert_eq!(severity.as_str(), text.as_str());
        let body = serde_json::to_string(&severity)?;
        prop_assert_eq!(&body, &serde_json::to_string(&text)?);
        prop_assert_eq!(serde_json::from_str::<Severity>(&body)?, severity);
    }

    #[test]
    fn only_ten_of_a_to_z_and_0_to_9_are_an_asin(text in "[A-Za-z0-9 ]{8,12}") {
        let good = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        prop_assert_eq!(text.parse::<Asin>().is_ok(), good);
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Loose {
    #[serde(deserialize_with = "lenient::option_decimal")]
    price: Option<Decimal>,
    #[serde(deserialize_with = "lenient::option_i64")]
    count: Option<i64>,
    #[serde(deserialize_with = "lenient::option_string")]
    name: Option<String>,
    #[serde(deserialize_with = "lenient::option_bool")]
    prime: Option<bool>,
    #[serde(deserialize_with = "lenient::option_timestamp")]
    at: Option<jiff::Timestamp>,
    #[serde(deserialize_with = "lenient::option")]
    offer: Option<Offer>,
    #[serde(deserialize_with = "lenient::list")]
    list: Vec<u8>,
    #[serde(deserialize_with = "lenient::null_as_default")]
    text: String,
}

fn loose(value: Value) -> Loose {
    serde_json::from_str(&value.to_string()).expect("loose fields never fail an answer")
}

#[test]
fn c7_loose_fields_are_read_in_every_form_and_never_fail_an_answer() {
    for form in [json!(24.99), json!("24.99"), json!(" 24.99 ")] {
        assert_eq!(loose(json!({"price": form})).price, Some("24.99".parse().expect("a decimal")));
    }
    for form in [json!(3), json!(3.0), json!("3"), json!("3.0")] {
        assert_eq!(loose(json!({"count": form})).count, Some(3), "{form}");
    }
    for form in [json!(true), json!(1), json!("true"), json!("1")] {
        assert_eq!(loose(json!({"prime": form})).prime, Some(true), "{form}");
    }
    for form in [json!(false), json!(0), json!("false"), json!("0")] {
        assert_eq!(loose(json!({"prime": form})).prime, Some(false), "{form}");
    }
    assert_eq!(loose(json!({"name": " Lamp "})).name.as_deref(), Some(" Lamp "));
    assert_eq!(loose(json!({"offer": {"price": 5}})).offer, Some(Offer { price: 5 }));
    assert_eq!(loose(json!({"name": 5})).name.as_deref(), Some("5"));
    assert_eq!(loose(json!({"name": false})).name.as_deref(), Some("false"));
    assert_eq!(loose(json!({"list": [1, null, 2], "text": null})), Loose { list: vec![1, 2], ..Loose::default() });
    let at = Some("2026-07-20T09:37:13Z".parse().expect("a time"));
    for form in ["2026-07-20T09:37:13Z", "2026-07-20 09:37:13 +00:00", "2026-07-20T11:37:13+02:00"] {
        assert_eq!(loose(json!({"at": form})).at, at, "{form}");
    }
    for odd in [json!({}), json!([1]), json!("n/a"), json!(null), json!("")] {
        let odd = json!({"price": odd, "count": odd, "prime": odd, "at": odd, "offer": odd.as_str(), "list": null});
        assert_eq!(Loose { name: None, ..loose(odd) }, Loose::default());
    }
    let big: Loose =
        serde_json::from_str(r#"{"count":123456789012345678901234567890,"price":1e300}"#).expect("readable");
    assert_eq!((big.count, big.price), (None, None), "what does not fit is nothing, and never wrong");
}

#[test]
fn c8_money_is_exact() {
    let sum: Decimal = ["0.1", "0.2"].iter().filter_map(|text| loose(json!({"price": text})).price).sum();
    assert_eq!(sum.to_string(), "0.3");
}

open_enum! {
    /// How bad it is.
    pub enum Severity {
        /// Bad.
        Error = "ERROR",
        /// Not so bad.
        Warning = "WARNING",
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Offer {
    price: u32,
}

tagged_union! {
    /// What stands on a page.
    pub enum Item by "type" {
        /// An offer.
        Offer(Offer) = "offer",
    }
}

#[test]
fn items_of_an_unknown_type_or_shape_are_kept_raw() {
    let body =
        r#"[{"type":"offer","price":1},{"price":2,"type":"offer"},{"type":"offer","price":"x"},{"x":1},{"type":7}]"#;
    let items: Vec<Item> = serde_json::from_str(body).expect("no item fails the list");
    assert_eq!(items[0], Item::Offer(Box::new(Offer { price: 1 })));
    assert_eq!(items[1], Item::Offer(Box::new(Offer { price: 2 })));
    for item in &items[2..] {
        assert!(matches!(item, Item::Unknown(_)), "{item:?}");
    }
    let back: Value = serde_json::to_value(&items).expect("JSON");
    assert_eq!(back, serde_json::from_str::<Value>(body).expect("JSON"), "nothing is lost on the way");
    assert!(serde_json::from_str::<Vec<Item>>("[7]").is_err());
    assert_eq!(Severity::KNOWN, [Severity::Error, Severity::Warning]);
}

#[test]
fn an_answer_that_says_nothing_may_be_empty_and_no_other_may() {
    for body in ["", "{}", "null", r#"{"more": [1]}"#] {
        assert_eq!(core_http::json::<core_http::Nothing>(body.as_bytes()).unwrap(), core_http::Nothing, "{body}");
    }
    assert!(core_http::json::<core_http::Nothing>(b"<html>").is_err(), "a gateway's page is no such answer");
    assert!(core_http::json::<serde_json::Value>(b"").is_err());
    assert!(core_http::json::<Option<String>>(b"").is_err());
}

#[test]
fn an_error_quotes_only_a_little_of_what_it_found() {
    let long = format!(r#"[{{"price":"{}"}}]"#, "x".repeat(100_000));
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its type is asked for")]
    struct Row {
        price: u64,
    }
    let error = core_http::json::<Vec<Row>>(long.as_bytes()).unwrap_err().to_string();
    assert!(error.len() < 500 && error.contains("at `[0].price`") && error.contains("expected u64"), "{error}");
}
