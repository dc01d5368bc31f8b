use super::*;
use crate::Builder;
use core_http::testing::{Script, response};
use serde_json::json;
use std::sync::Arc;

fn rows<T: DeserializeOwned>(rows: serde_json::Value) -> Vec<T> {
    serde_json::from_value(rows).unwrap()
}

fn locations() -> serde_json::Value {
    json!([
        {"location_code": 2840, "location_name": "United States", "location_name_parent": null, "country_iso_code": "US", "location_type": "Country"},
        {"location_code": 2826, "location_name": "United Kingdom", "country_iso_code": "GB", "location_type": "Country"},
        {"location_code": 9_041_134, "location_name": "90290,California,United States", "country_iso_code": "US", "location_type": "Postal Code"},
        {"location_code": 1, "location_name": "Springfield,Illinois,United States", "country_iso_code": "US", "location_type": "City"},
        {"location_code": 2, "location_name": "Springfield,Oregon,United States", "country_iso_code": "US", "location_type": "City"},
        {"location_code": 3, "location_name": "Portland,Oregon,United States", "country_iso_code": "US", "location_type": "City"},
    ])
}

fn languages() -> serde_json::Value {
    json!([
        {"language_name": "English (United States)", "language_code": "en_US"},
        {"language_name": "German (Germany)", "language_code": "de_DE"},
    ])
}

fn places() -> Places {
    Places::new(rows(locations()), rows(languages()))
}

#[test]
fn a_place_is_found_by_country_name_or_code() {
    let places = places();
    for (name, code) in [
        ("United States", 2840),
        ("us", 2840),
        ("GB", 2826),
        ("2826", 2826),
        ("90290", 9_041_134),
        ("90290,california,united states", 9_041_134),
        (" portland ", 3),
        ("Springfield,Oregon,United States", 2),
    ] {
        assert_eq!(places.location(name), Ok(Location::code(code)), "{name}");
    }
    assert_eq!(places.country("united kingdom"), Ok(Location::code(2826)));
    assert_eq!(places.location_code(3), Ok(Location::code(3)));
    for name in ["en_US", "EN_us", "English (United States)"] {
        assert_eq!(places.language(name), Ok(Language::code("en_US")), "{name}");
    }
}

#[test]
fn what_is_not_found_is_named_with_what_is_like_it() {
    let places = places();
    let several = places.location("Springfield").unwrap_err();
    assert_eq!(several.near, ["Springfield,Illinois,United States", "Springfield,Oregon,United States"]);
    let mistyped = places.location("Portlnad").unwrap_err();
    assert_eq!(mistyped.near, ["Portland,Oregon,United States"]);
    assert_eq!(
        mistyped.to_string(),
        "no one location `Portlnad` in the vendor's list; it has `Portland,Oregon,United States`"
    );
    assert_eq!(places.country("Unted States").unwrap_err().near[0], "United States");
    assert_eq!(places.country("UK").unwrap_err().near, ["US"]);
    assert_eq!(places.language("english").unwrap_err().near, ["English (United States)"]);
    assert_eq!(places.location("Atlantis").unwrap_err().to_string(), "no one location `Atlantis` in the vendor's list");
    assert!(places.location_code(99).is_err() && places.location("").is_err() && places.language("").is_err());
}

#[test]
fn a_number_that_is_one_places_code_and_anothers_name_names_both() {
    let mut all = locations();
    let suburb = json!({"location_code": 9_071_000, "location_name": "2036,New South Wales,Australia"});
    let country = json!({"location_code": 2036, "location_name": "Australia", "location_type": "Country"});
    all.as_array_mut().unwrap().extend([suburb, country]);
    let places = Places::new(rows(all), Vec::new());
    assert_eq!(places.location("2036").unwrap_err().near, ["Australia", "2036,New South Wales,Australia"]);
    assert_eq!(places.location_code(2036), Ok(Location::code(2036)));
    assert_eq!(places.location("2036,new south wales,australia"), Ok(Location::code(9_071_000)));
}

#[tokio::test]
async fn a_list_that_was_fetched_in_the_future_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let lists = PlaceLists::new(folder.path());
    let (script, client) = client(true);
    lists.of_country(&client, "us").await.unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        kept["fetched"] = json!("2999-01-01T00:00:00Z");
        std::fs::write(&path, kept.to_string()).unwrap();
    }
    lists.of_country(&client, "us").await.unwrap();
    assert_eq!(script.sent(), 4);
}

/// A client whose vendor has both lists, or fails.
fn client(works: bool) -> (Arc<Script>, DfsClient) {
    let script = Arc::new(Script::new());
    script.always(move |request| {
        let rows = if request.uri().path().contains("languages") { languages() } else { locations() };
        let body = json!({"status_code": 20000, "tasks": [{"id": "1", "status_code": 20000, "result": rows}]});
        Ok(if works {
            response(200, &body.to_string())
        } else {
            response(401, r#"{"status_code":40100,"tasks":null}"#)
        })
    });
    (script.clone(), Builder::new("login", "password").transport(script).build().unwrap())
}

#[tokio::test]
async fn lists_are_fetched_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let lists = PlaceLists::new(folder.path().join("new/folder"));
    let (script, client) = client(true);
    let first = lists.of_country(&client, "US").await.unwrap();
    assert_eq!((first.locations().len(), first.languages().len(), script.sent()), (6, 2, 2));
    let (offline, no_client) = self::client(false);
    assert_eq!(lists.of_country(&no_client, "us").await.unwrap().location("us"), Ok(Location::code(2840)));
    assert_eq!((offline.sent(), script.sent()), (0, 2), "without the network");
    lists.all(&client).await.unwrap();
    assert_eq!(script.sent(), 3, "the languages are there already");
    let files = std::fs::read_dir(folder.path().join("new/folder")).unwrap().count();
    assert_eq!(files, 3, "and nothing half-written");
}

#[tokio::test]
async fn an_old_list_is_fetched_again_and_used_if_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let lists = PlaceLists::new(folder.path());
    let (_, broken) = client(false);
    assert_eq!(lists.of_country(&broken, "us").await.unwrap_err().kind(), ErrorKind::Auth);
    let (script, client) = client(true);
    lists.of_country(&client, "us").await.unwrap();
    let impatient = lists.clone().max_age(Duration::ZERO);
    impatient.of_country(&client, "us").await.unwrap();
    assert_eq!(script.sent(), 4);
    assert_eq!(impatient.of_country(&broken, "us").await.unwrap().locations().len(), 6);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        std::fs::write(file.unwrap().path(), "half a li").unwrap();
    }
    assert_eq!(lists.of_country(&client, "us").await.unwrap().languages().len(), 2);
    assert_eq!(script.sent(), 6, "a damaged list is as good as none");
    for bad in ["", "USA", "u/", "ü"] {
        let error = lists.of_country(&client, bad).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Request && error.to_string().contains("ISO 3166"), "{bad}: {error}");
    }
}
