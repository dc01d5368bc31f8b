use super::*;
use serde_json::{Value, json};

fn asin() -> Asin {
    "B0756FCPPN".parse().unwrap()
}

fn same(task: AsinTask, expected: Value) {
    assert_eq!(serde_json::to_value(&task).unwrap(), expected);
    assert_eq!(serde_json::from_value::<AsinTask>(expected).unwrap(), task);
}

#[test]
fn the_four_examples_of_the_vendors_page() {
    let english = || Language::name("English (United States)");
    let us = || Location::name("United States");
    same(
        AsinTask::new(asin(), Location::code(2840), Language::code("en_US")),
        json!({"language_code": "en_US", "location_code": 2840, "asin": "B0756FCPPN"}),
    );
    same(
        AsinTask::new(asin(), us(), english()),
        json!({"location_name": "United States", "language_name": "English (United States)", "asin": "B0756FCPPN"}),
    );
    same(
        AsinTask::new(asin(), us(), english())
            .priority(Priority::High)
            .tag(Tag::new("some_string_123").unwrap())
            .pingback(WebhookUrl::new("https://your-server.com/pingscript?id=$id&tag=$tag").unwrap()),
        json!({
            "location_name": "United States",
            "language_name": "English (United States)",
            "asin": "B0756FCPPN",
            "priority": 2,
            "tag": "some_string_123",
            "pingback_url": "https://your-server.com/pingscript?id=$id&tag=$tag",
        }),
    );
    same(
        AsinTask::new(asin(), us(), english())
            .postback(WebhookUrl::new("https://your-server.com/postbackscript").unwrap(), PostbackData::Html),
        json!({
            "location_name": "United States",
            "language_name": "English (United States)",
            "asin": "B0756FCPPN",
            "postback_data": "html",
            "postback_url": "https://your-server.com/postbackscript",
        }),
    );
}

#[test]
fn a_sellers_task_has_the_same_fields() {
    let place = Location::coordinate("53.476225".parse().unwrap(), "-2.243572".parse().unwrap(), Decimal::from(200));
    let task = SellersTask::new(asin(), place.unwrap(), Language::code("en_GB"))
        .priority(Priority::Normal)
        .domain("amazon.co.uk");
    let expected = json!({
        "asin": "B0756FCPPN",
        "priority": 1,
        "location_coordinate": "53.476225,-2.243572,200",
        "language_code": "en_GB",
        "se_domain": "amazon.co.uk",
    });
    assert_eq!(serde_json::to_value(&task).unwrap(), expected);
    assert_eq!(serde_json::from_value::<SellersTask>(expected).unwrap(), task);
}

#[test]
fn coordinates_are_checked() {
    let place = |latitude: &str, longitude: &str, radius: &str| {
        Location::coordinate(latitude.parse().unwrap(), longitude.parse().unwrap(), radius.parse().unwrap())
    };
    assert!(place("90", "-180.0000000000", "199.9").is_ok(), "zeros at the end are no decimals");
    assert!(place("90.0000001", "0", "200").is_err());
    assert!(place("0", "180.1", "200").is_err());
    assert!(place("0.12345678", "0", "200").is_err());
    let error = place("0", "0", "199.8").unwrap_err();
    assert_eq!(error.to_string(), "`location_coordinate` has a radius of at least 199.9");
}

#[test]
fn what_the_vendor_would_refuse_is_not_read_back() {
    let read = |change: Value| {
        let mut task = json!({"asin": "B0756FCPPN", "location_code": 2840, "language_code": "en_US"});
        for (key, value) in change.as_object().unwrap() {
            task[key] = value.clone();
        }
        serde_json::from_value::<AsinTask>(task)
    };
    assert!(read(json!({})).is_ok());
    for wrong in [
        json!({"location_name": "United States"}),
        json!({"location_code": null}),
        json!({"language_name": "English"}),
        json!({"language_code": null}),
        json!({"priority": 3}),
        json!({"tag": ""}),
        json!({"postback_url": "https://example.com"}),
        json!({"postback_data": "html"}),
        json!({"pingback_url": "ftp://example.com"}),
        json!({"asin": null}),
        json!({"unheard_of": 1}),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn webhook_addresses_are_http_without_a_login() {
    assert!(WebhookUrl::new("http://example.com/$id?tag=$tag").is_ok());
    for wrong in ["", "example.com", "file:///etc/passwd", "https://me:secret@example.com"] {
        assert!(WebhookUrl::new(wrong).is_err(), "{wrong}");
    }
}
