//! The traps of the documented interface, one test each, on the documented JSON.

use crate::{asin, fixture, json};
use core_http::{Operation, Safety};
use multicart::{
    AsinRowId, AsinRows, CollectionId, CreateAsin, CreateAsins, DeleteAsin, DomainId, GetAsin, GetOutput, ImportAsins,
    ListAsins, ListDomains, ListOutputs, ListPostcodes, OutputFormat, OutputId, PostcodeId, UpdateAsin, inspect,
};
use serde_json::{Value, json};

fn body(operation: &impl Operation) -> Value {
    serde_json::from_slice(operation.request().unwrap().body()).unwrap()
}

/// The content of a documented answer, read by our model and written again.
fn read(operation: &str, name: &str) -> Value {
    let read = inspect(operation, fixture(name).as_bytes()).unwrap().unwrap();
    assert_eq!(read.drift, [], "{name}");
    read.value
}

fn create() -> CreateAsin {
    CreateAsin::new(CollectionId(101), DomainId(1), PostcodeId(15), asin("B0DJQQ38TG"))
        .custom_id("ref-001")
        .include_raw_html(false)
        .output(OutputFormat::Json)
}

fn create_many() -> CreateAsins {
    let asins = ["B0DJQQ38TG", "B0ABC12345", "B0XYZ99999"].map(asin);
    CreateAsins::new(CollectionId(101), "amazon.com.au", "4500", asins).include_raw_html(false)
}

#[test]
fn a_collection_is_called_collection_or_collection_id() {
    assert_eq!(body(&create())["collection"], 101);
    assert_eq!(body(&create_many())["collection"], 101);
    assert_eq!(body(&ListAsins::new(CollectionId(101))), json!({"collection_id": 101}));
    assert_eq!(body(&ListOutputs::new(CollectionId(101))), json!({"collection_id": 101}));
}

#[test]
fn raw_html_is_asked_for_under_two_names() {
    assert_eq!(body(&create()), json("create.request"));
    assert_eq!(body(&create_many()), json("create_multiple.request"));
    assert!(body(&create()).get("including_raw_html").is_none());
    assert!(body(&create_many()).get("include_raw_html").is_none());
}

#[test]
fn domain_and_postcode_are_ids_names_or_objects() {
    assert_eq!(body(&create())["customer_postcode"], 15);
    assert_eq!(body(&create_many())["customer_postcode"], "4500");
    let created = read("amazon.asin.create", "create.answer");
    assert_eq!((&created["domain"], &created["customer_postcode"]), (&json!(1), &json!(15)));
    let got = read("amazon.asin.get", "get.answer");
    assert_eq!(
        (&got["domain"]["domain"], &got["customer_postcode"]["zipcode"]),
        (&json!("amazon.com.au"), &json!("4500"))
    );
}

#[test]
fn a_row_is_an_id_or_an_asin_id_and_an_output_is_an_asin_id_too() {
    assert_eq!(body(&GetAsin::new(AsinRowId(5))), json("get.request"));
    assert_eq!(body(&DeleteAsin::new(AsinRowId(5))), json("delete.request"));
    let update = UpdateAsin::new(AsinRowId(5)).include_raw_html(true).custom_id("ref-updated");
    assert_eq!(body(&update), json("update.request"));
    assert_eq!(body(&GetOutput::new(OutputId(88))), json("output_get.request"));
}

#[test]
fn a_list_is_an_array_or_an_object_whatever_was_asked() {
    let asked = ListAsins::new(CollectionId(101)).skip(0).limit(100).with_count(1);
    assert_eq!(body(&asked), json("list.request"));
    let counted = json("list.answer")["data"].clone();
    let rows: AsinRows = serde_json::from_value(counted.clone()).unwrap();
    assert_eq!((rows.total, rows.rows.len()), (Some(5000), 1));
    assert_eq!(serde_json::to_value(&rows).unwrap(), counted);
    let bare: AsinRows = serde_json::from_value(counted["asin_list"].clone()).unwrap();
    assert_eq!((bare.total, &bare.rows), (None, &rows.rows));
    assert_eq!(serde_json::to_value(&bare).unwrap(), counted["asin_list"]);
    assert_eq!(rows.rows[0].asin, Some(asin("B0DJQQ38TG")));
    read("amazon.asin.list", "list.answer");
    for other in [json!({}), json!("none"), json!(null), json!({"rows": []})] {
        assert!(serde_json::from_value::<AsinRows>(other.clone()).is_err(), "{other}");
    }
    let empty: AsinRows = serde_json::from_value(json!({"total_count": 0, "asin_list": null})).unwrap();
    assert_eq!((empty.total, empty.rows.len()), (Some(0), 0));
}

#[test]
fn many_may_succeed_in_part() {
    let value = read("amazon.asin.create_multiple", "create_multiple.answer");
    assert_eq!(value["success_count"], 2);
    assert_eq!(value["error_rows"], json!([{"asin": "B0XYZ99999", "error": "Duplicate entry"}]));
    assert_eq!(read("amazon.asin.create_bulk", "create_bulk.answer")["success_count"], 2);
}

#[test]
fn many_asins_are_one_text() {
    assert_eq!(body(&create_many())["asins"], "B0DJQQ38TG,B0ABC12345,B0XYZ99999");
    let stored = serde_json::to_string(&create_many()).unwrap();
    assert_eq!(serde_json::from_str::<CreateAsins>(&stored).unwrap(), create_many());
}

#[test]
fn answers_may_be_a_text_or_a_part() {
    assert_eq!(read("amazon.asin.delete", "delete.answer"), "ASIN deleted successfully");
    let updated = read("amazon.asin.update", "update.answer");
    assert_eq!((&updated["id"], updated.get("collection")), (&json!(5), None));
    let listed = read("amazon.asin.output_list", "output_list.answer");
    assert_eq!((&listed[0]["id"], listed[0].get("output_json")), (&json!(88), None));
}

#[test]
fn an_output_is_kept_as_it_came() {
    let output = read("amazon.asin.output_get", "output_get.answer");
    assert_eq!(output["output_json"], json("output_get.answer")["data"]["output_json"]);
    assert_eq!(output["output_json_count"], 3);
}

#[test]
fn reads_may_be_sent_again_although_they_are_posts() {
    fn safety(operation: &impl Operation) -> (Safety, String) {
        (operation.safety(), operation.request().unwrap().method().to_string())
    }
    let post = |safety| (safety, "POST".to_owned());
    assert_eq!(safety(&ListAsins::new(CollectionId(1))), post(Safety::ReadOnly));
    assert_eq!(safety(&GetAsin::new(AsinRowId(1))), post(Safety::ReadOnly));
    assert_eq!(safety(&ListOutputs::new(CollectionId(1))), post(Safety::ReadOnly));
    assert_eq!(safety(&GetOutput::new(OutputId(1))), post(Safety::ReadOnly));
    assert_eq!(safety(&ListDomains::new()), post(Safety::ReadOnly));
    assert_eq!(safety(&ListPostcodes::new()), post(Safety::ReadOnly));
    // The server refuses what is there already.
    assert_eq!(safety(&create()), post(Safety::Idempotent));
    assert_eq!(safety(&create_many()), post(Safety::Idempotent));
}

#[test]
fn every_path_has_its_slash_and_none_is_deprecated() {
    let paths = [
        create().request().unwrap(),
        create_many().request().unwrap(),
        ImportAsins::new(CollectionId(1), "x").request().unwrap(),
        ListAsins::new(CollectionId(1)).request().unwrap(),
        GetAsin::new(AsinRowId(1)).request().unwrap(),
        UpdateAsin::new(AsinRowId(1)).request().unwrap(),
        DeleteAsin::new(AsinRowId(1)).request().unwrap(),
        ListOutputs::new(CollectionId(1)).request().unwrap(),
        GetOutput::new(OutputId(1)).request().unwrap(),
    ]
    .map(|request| request.uri().path().to_owned());
    let expected = [
        "create/",
        "create/multiple/",
        "create/bulk/",
        "list/",
        "get/",
        "update/",
        "delete/",
        "output/list/",
        "output/",
    ];
    assert_eq!(paths, expected.map(|path| format!("/schedules/amazon/asin/{path}")));
    assert_eq!(ListDomains::new().request().unwrap().uri(), "/settings/domains/");
    assert_eq!(ListPostcodes::new().request().unwrap().uri(), "/zipcodes/get-zipcodes/");
}

#[test]
fn the_csv_goes_in_a_part_of_that_name() {
    let csv = "domain,customer_postcode,asin,include_raw_html\namazon.com.au,4500,B0DJQQ38TG,true\n";
    let request = ImportAsins::new(CollectionId(101), csv).request().unwrap();
    let kind = request.headers()["content-type"].to_str().unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = std::str::from_utf8(request.body()).unwrap();
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"collection_id\"\r\n\r\n101\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"csv\"; filename=\"asins.csv\"\r\n\
         Content-Type: text/csv\r\n\r\n{csv}\r\n--{boundary}--\r\n"
    );
    assert_eq!(body, expected);
}

#[test]
fn an_output_format_or_a_postcode_state_that_is_new_fails_nothing() {
    let mut answer = json("get.answer");
    answer["data"]["output"] = json!("MARKDOWN");
    answer["data"]["domain"]["shelf"] = json!(3);
    let read = inspect("amazon.asin.get", answer.to_string().as_bytes()).unwrap().unwrap();
    let drift: Vec<String> = read.drift.iter().map(|drift| drift.path.clone()).collect();
    assert_eq!(drift, ["domain.shelf", "output"]);
    assert_eq!(read.value["output"], "MARKDOWN");
}
