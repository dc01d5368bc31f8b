use super::*;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;

fn asin() -> Asin {
    "B0756FCPPN".parse().unwrap()
}

fn us() -> (Location, Language) {
    (Location::name("United States").unwrap(), Language::name("English (United States)").unwrap())
}

fn bytes(task: AsinTask, expected: &str) {
    assert_eq!(serde_json::to_string(&task).unwrap(), expected);
    assert_eq!(serde_json::from_str::<AsinTask>(expected).unwrap(), task);
}

fn same<T: serde::Serialize + DeserializeOwned + PartialEq + Debug>(task: T, expected: Value) {
    assert_eq!(serde_json::to_value(&task).unwrap(), expected);
    assert_eq!(serde_json::from_value::<T>(expected).unwrap(), task);
}

/// Byte for byte, but for white space between the words.
#[test]
fn the_four_examples_of_the_vendors_page() {
    bytes(
        AsinTask::new(asin(), Location::code(2840), Language::code("en_US")),
        r#"{"language_code":"en_US","location_code":2840,"asin":"B0756FCPPN"}"#,
    );
    let (place, english) = us();
    bytes(
        AsinTask::new(asin(), place.clone(), english.clone()),
        r#"{"location_name":"United States","language_name":"English (United States)","asin":"B0756FCPPN"}"#,
    );
    let pingback = WebhookUrl::new("https://your-server.com/pingscript?id=$id&tag=$tag").unwrap();
    bytes(
        AsinTask::new(asin(), place.clone(), english.clone())
            .priority(Priority::High)
            .tag(Tag::new("some_string_123").unwrap())
            .pingback(pingback),
        concat!(
            r#"{"location_name":"United States","language_name":"English (United States)","asin":"B0756FCPPN","#,
            r#""priority":2,"tag":"some_string_123","#,
            r#""pingback_url":"https://your-server.com/pingscript?id=$id&tag=$tag"}"#,
        ),
    );
    bytes(
        AsinTask::new(asin(), place, english)
            .postback(WebhookUrl::new("https://your-server.com/postbackscript").unwrap(), PostbackData::Html),
        concat!(
            r#"{"location_name":"United States","language_name":"English (United States)","asin":"B0756FCPPN","#,
            r#""postback_data":"html","postback_url":"https://your-server.com/postbackscript"}"#,
        ),
    );
}

#[test]
fn a_sellers_task_has_the_same_fields() {
    let place = Location::coordinate("53.476225".parse().unwrap(), "-2.243572".parse().unwrap(), Decimal::from(200));
    same(
        SellersTask::new(asin(), place.unwrap(), Language::code("en_GB"))
            .priority(Priority::Normal)
            .domain("amazon.co.uk"),
        json!({
            "asin": "B0756FCPPN",
            "priority": 1,
            "location_coordinate": "53.476225,-2.243572,200",
            "language_code": "en_GB",
            "se_domain": "amazon.co.uk",
        }),
    );
}

#[test]
fn what_is_answered_at_once_has_neither_priority_nor_addresses() {
    let (place, english) = us();
    let task = AsinTask::new(asin(), place, english)
        .priority(Priority::High)
        .tag(Tag::new("mine").unwrap())
        .domain("amazon.com")
        .pingback(WebhookUrl::new("https://your-server.com/").unwrap());
    let expected = json!({
        "asin": "B0756FCPPN",
        "location_name": "United States",
        "language_name": "English (United States)",
        "se_domain": "amazon.com",
        "tag": "mine",
    });
    same(task.live(), expected.clone());
    for (field, value) in [("priority", json!(2)), ("pingback_url", json!("https://your-server.com/"))] {
        let mut more = expected.clone();
        more[field] = value;
        let error = serde_json::from_value::<AsinLiveTask>(more).unwrap_err();
        assert!(error.to_string().contains(&format!("`{field}` is not a field of this request")), "{error}");
    }
}

#[test]
fn a_search_says_which_results() {
    let keyword = || Keyword::new("ütü 100% C++").unwrap();
    let (place, english) = (Location::code(2840), Language::code("en_US"));
    let task = ProductsTask::new(keyword(), place.clone(), english.clone())
        .department(Department::MusicCdsAndVinyl)
        .depth(201)
        .and_then(|task| task.max_crawl_pages(2))
        .and_then(|task| task.url("https://www.amazon.com/s/?field-keywords=shoes"))
        .unwrap()
        .selection(Selection::filters(Some(PriceRange::between(5, 100).unwrap()), Some(SortBy::AverageCustomerReview)));
    assert_eq!((task.summary().pages, task.summary().asin), (3, None));
    let search = json!({
        "keyword": "ütü 100%25 C%2B%2B",
        "url": "https://www.amazon.com/s/?field-keywords=shoes",
        "location_code": 2840,
        "language_code": "en_US",
        "department": "Music, CDs & Vinyl",
        "depth": 201,
        "max_crawl_pages": 2,
        "price_min": 5,
        "price_max": 100,
        "sort_by": "avg_customer_review",
    });
    same(task.clone(), search.clone());
    same(task.live(), search);
    let task = GoogleProductsTask::new(keyword(), place, english)
        .selection(Selection::parameters("&tbs=ppr_min:45"))
        .max_crawl_pages(7)
        .unwrap();
    assert_eq!(task.summary().pages, 7);
    same(
        task,
        json!({
            "keyword": "ütü 100%25 C%2B%2B",
            "location_code": 2840,
            "language_code": "en_US",
            "search_param": "&tbs=ppr_min:45",
            "max_crawl_pages": 7,
        }),
    );
}

#[test]
fn a_product_of_google_has_at_least_one_id() {
    let (place, english) = (Location::code(2840), Language::code("en"));
    let product = || GoogleProduct::gid("2").and(GoogleProduct::product_id("1")).and(GoogleProduct::gid("3"));
    let info = GoogleProductInfoTask::new(product(), place.clone(), english.clone())
        .postback(WebhookUrl::new("https://your-server.com/").unwrap());
    assert_eq!((info.summary().subject, info.summary().pages), ("1", 1));
    let json = json!({
        "product_id": "1",
        "gid": "2",
        "location_code": 2840,
        "language_code": "en",
        "postback_url": "https://your-server.com/",
        "postback_data": "advanced",
    });
    same(info, json.clone());
    let mut html = json.clone();
    html["postback_data"] = json!("html");
    assert!(serde_json::from_value::<GoogleProductInfoTask>(html).is_err(), "there are no such pages");
    let mut nameless = json;
    nameless["product_id"] = Value::Null;
    nameless["gid"] = Value::Null;
    assert!(serde_json::from_value::<GoogleProductInfoTask>(nameless).is_err());

    let sellers = GoogleSellersTask::new(GoogleProduct::data_docid("9"), place, english)
        .depth(25)
        .unwrap()
        .variant("Eg4i")
        .shops_on_google()
        .specifications([("eto".to_owned(), "16157121050167572763_0".to_owned())].into());
    assert_eq!(sellers.summary().pages, 6, "three pages of ten, each at twice the price");
    same(
        sellers,
        json!({
            "data_docid": "9",
            "location_code": 2840,
            "language_code": "en",
            "depth": 25,
            "pvf": "Eg4i",
            "get_shops_on_google": true,
            "additional_specifications": {"eto": "16157121050167572763_0"},
        }),
    );
}

#[test]
fn bounds_of_a_search() {
    let (place, english) = us();
    let amazon = || ProductsTask::new(Keyword::new("lamp").unwrap(), place.clone(), english.clone());
    assert!(amazon().depth(700).is_ok() && amazon().depth(1).is_ok());
    assert!(amazon().depth(701).is_err() && amazon().depth(0).is_err());
    assert!(amazon().max_crawl_pages(8).is_err() && amazon().max_crawl_pages(0).is_err());
    assert!(amazon().url("shoes").is_err());
    let google = GoogleProductsTask::new(Keyword::new("lamp").unwrap(), place.clone(), english.clone());
    assert!(google.clone().depth(120).is_ok() && google.depth(121).is_err());
    let sellers = GoogleSellersTask::new(GoogleProduct::gid("1"), place.clone(), english.clone());
    assert!(sellers.clone().depth(200).is_ok() && sellers.depth(201).is_err());
    assert!(PriceRange::between(6, 5).is_err());
    assert_eq!(Department::KNOWN.len(), 27);
    for wrong in ["", " ", "100%", "%2", "%zz"] {
        assert!(Keyword::encoded(wrong).is_err(), "{wrong}");
    }
    assert!(Keyword::new("%".repeat(233)).is_ok(), "699 characters on the wire");
    assert!(Keyword::new("%".repeat(234)).is_err(), "702 characters on the wire");
    assert!(Keyword::new("ü".repeat(700)).is_ok() && Keyword::new("ü".repeat(701)).is_err());
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

fn read<T: DeserializeOwned>(request: &Value, change: &Value) -> Result<T, serde_json::Error> {
    let mut task = request.clone();
    for (key, value) in change.as_object().unwrap() {
        task[key] = value.clone();
    }
    serde_json::from_value::<T>(task)
}

#[test]
fn what_the_vendor_would_refuse_is_not_read_back() {
    let task = json!({"asin": "B0756FCPPN", "location_code": 2840, "language_code": "en_US"});
    assert!(read::<AsinTask>(&task, &json!({})).is_ok());
    for wrong in [
        json!({"location_name": "United States"}),
        json!({"location_code": null}),
        json!({"location_code": null, "location_coordinate": "1,2"}),
        json!({"location_code": null, "location_coordinate": "1,2,100"}),
        json!({"location_code": null, "location_coordinate": "1,2,200,3"}),
        json!({"language_name": "English"}),
        json!({"language_code": null}),
        json!({"priority": 3}),
        json!({"tag": ""}),
        json!({"postback_url": "https://example.com"}),
        json!({"postback_data": "html"}),
        json!({"pingback_url": "ftp://example.com"}),
        json!({"asin": null}),
        json!({"keyword": "lamp"}),
        json!({"unheard_of": 1}),
    ] {
        assert!(read::<AsinTask>(&task, &wrong).is_err(), "{wrong}");
    }
    let search = json!({"keyword": "lamp", "location_code": 2840, "language_code": "en_US"});
    assert!(read::<ProductsTask>(&search, &json!({"department": "New"})).is_ok(), "an open list");
    for wrong in [
        json!({"keyword": null}),
        json!({"keyword": "100%"}),
        json!({"price_min": 2, "price_max": 1}),
        json!({"price_min": 2, "search_param": "&low-price=52"}),
        json!({"depth": 701}),
        json!({"max_crawl_pages": 8}),
        json!({"asin": "B0756FCPPN"}),
        json!({"pvf": "x"}),
    ] {
        assert!(read::<ProductsTask>(&search, &wrong).is_err(), "{wrong}");
    }
    let error = read::<GoogleProductsTask>(&search, &json!({"department": "Books"})).unwrap_err();
    assert!(error.to_string().contains("`department` is not a field of this request"), "{error}");
}

/// Row S2 of the fault matrix.
#[test]
fn s2_the_vendor_is_sent_to_public_addresses_only() {
    for right in [
        "https://your-server.com/postbackscript?id=$id&tag=$tag",
        "http://your-server.com/$id",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:8443/",
        "https://my-localhost.com/",
    ] {
        assert_eq!(WebhookUrl::new(right).unwrap().as_str(), right);
    }
    let reachable = [
        "http://localhost/",
        "http://LOCALHOST:8080/",
        "http://localhost./",
        "http://a.localhost/",
        "http://printer/",
        "http://printer.local/",
        "http://vault.internal/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://0/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://[::1]/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "https://me:secret@your-server.com/",
        "https://me@your-server.com/",
    ];
    for wrong in reachable {
        let error = WebhookUrl::new(wrong).unwrap_err();
        assert!(error.to_string().starts_with("`postback_url, pingback_url` must "), "{wrong}: {error}");
        assert_eq!(WebhookUrl::unrestricted(wrong).unwrap().as_str(), wrong, "allowed when asked for by name");
    }
    for never in [
        "",
        "your-server.com",
        "//your-server.com/",
        "file:///etc/passwd",
        "ftp://your-server.com/",
        "gopher://your-server.com/",
        "data:text/plain,x",
        "https://your-server.com/#part",
        "https://$tag.your-server.com/",
        "https://$tag/",
    ] {
        assert!(WebhookUrl::new(never).is_err() && WebhookUrl::unrestricted(never).is_err(), "{never}");
    }
}

#[test]
fn names_that_say_nothing_are_refused_by_field_and_rule() {
    for blank in ["", " "] {
        let said = |error: InvalidRequest| error.to_string();
        assert_eq!(said(Location::name(blank).unwrap_err()), "`location_name` must not be empty");
        assert_eq!(said(Language::name(blank).unwrap_err()), "`language_name` must not be empty");
        assert_eq!(said(Keyword::new(blank).unwrap_err()), "`keyword` must not be empty");
        let json = format!(r#"{{"asin":"B0EXAMPLE1","location_name":"{blank}","language_code":"en_US"}}"#);
        let stored = serde_json::from_str::<AsinTask>(&json).unwrap_err().to_string();
        assert!(stored.contains("`location_name` must not be empty"), "{stored}");
    }
}
