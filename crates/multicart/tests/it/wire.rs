//! Over a real connection: every operation's exact path, header and body.

use crate::{asin, fixture, json};
use core_http::{Operation, TokenBuckets};
use httpmock::prelude::*;
use multicart::{
    AsinRowId, Builder, CALLS, CollectionId, CollectionStatus, CreateAsin, CreateAsins, CreateCollection,
    CreatePostcode, DeleteAsin, DomainId, Fields, GetAsin, GetCategory, GetCredits, GetFile, GetOutput, ImportAsins,
    ListAsins, ListDomains, ListOutputs, ListPostcodes, ListRuns, Login, McClient, MultiCart, OutputFormat, OutputId,
    PostcodeId, PostcodeStatus, Priority, RequestType, RunnerId, Schedule, ScrapeCategory, StartRun, UpdateAsin,
    UpdateCollection,
};
use serde_json::{Value, json};
use std::sync::Arc;

struct Service {
    server: MockServer,
    client: McClient,
}

impl Service {
    async fn start() -> Self {
        let server = MockServer::start_async().await;
        let limits = TokenBuckets::new();
        limits.set(core_http::Limit { quota: core_http::Quota { per_second: 1000.0, burst: 100 }, ..CALLS });
        let base = server.url("/api/v1").parse().unwrap();
        let client = Builder::new("prefix.secret").base_url(base).limits(Arc::new(limits)).build().unwrap();
        Self { server, client }
    }

    /// The operation must arrive at this path with this body; what it answers must decode.
    async fn expect<O: Operation<Vendor = MultiCart>>(
        &self,
        path: &str,
        body: Value,
        answer: &str,
        operation: O,
    ) -> O::Output {
        let mock = self
            .server
            .mock_async(|when, then| {
                when.method(POST)
                    .path(format!("/api/v1{path}"))
                    .header("x-api-key", "prefix.secret")
                    .header("content-type", "application/json")
                    .json_body(body);
                then.status(200).body(answer);
            })
            .await;
        let output = self.client.call(operation).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        mock.assert_async().await;
        output
    }

    async fn documented<O: Operation<Vendor = MultiCart>>(&self, path: &str, name: &str, operation: O) -> O::Output {
        let (body, answer) = (json(&format!("{name}.request")), fixture(&format!("{name}.answer")));
        self.expect(path, body, &answer, operation).await
    }
}

#[tokio::test]
async fn the_documented_calls_arrive_as_documented() {
    let service = Service::start().await;
    let prefix = "/schedules/amazon/asin";

    let create = CreateAsin::new(CollectionId(101), DomainId(1), PostcodeId(15), asin("B0DJQQ38TG"))
        .custom_id("ref-001")
        .include_raw_html(false)
        .output(OutputFormat::Json);
    let created = service.documented(&format!("{prefix}/create/"), "create", create).await;
    assert_eq!((created.id, created.domain, created.postcode), (AsinRowId(5), Some(DomainId(1)), Some(PostcodeId(15))));

    let asins = ["B0DJQQ38TG", "B0ABC12345", "B0XYZ99999"].map(asin);
    let many = CreateAsins::new(CollectionId(101), "amazon.com.au", "4500", asins).include_raw_html(false);
    let enrolled = service.documented(&format!("{prefix}/create/multiple/"), "create_multiple", many).await;
    assert_eq!((enrolled.success_count, enrolled.error_rows.len()), (Some(2), 1));

    let list = ListAsins::new(CollectionId(101)).skip(0).limit(100).with_count(1);
    let rows = service.documented(&format!("{prefix}/list/"), "list", list).await;
    assert_eq!((rows.total, rows.rows[0].id), (Some(5000), AsinRowId(5)));

    let row = service.documented(&format!("{prefix}/get/"), "get", GetAsin::new(AsinRowId(5))).await;
    assert_eq!(row.postcode.unwrap().zipcode, "4500");

    let update = UpdateAsin::new(AsinRowId(5)).include_raw_html(true).custom_id("ref-updated");
    let updated = service.documented(&format!("{prefix}/update/"), "update", update).await;
    assert_eq!(updated.custom_id.as_deref(), Some("ref-updated"));

    let said = service.documented(&format!("{prefix}/delete/"), "delete", DeleteAsin::new(AsinRowId(5))).await;
    assert_eq!(said, "ASIN deleted successfully");

    let list = ListOutputs::new(CollectionId(101)).skip(0).limit(100);
    let outputs = service.documented(&format!("{prefix}/output/list/"), "output_list", list).await;
    assert_eq!(outputs[0].id, OutputId(88));

    let output = service.documented(&format!("{prefix}/output/"), "output_get", GetOutput::new(OutputId(88))).await;
    assert_eq!(output.output_json.unwrap()["price"], "$49.99");
}

#[tokio::test]
async fn the_csv_arrives_as_a_file() {
    let service = Service::start().await;
    let csv = "domain,customer_postcode,asin,include_raw_html\namazon.com.au,4500,B0DJQQ38TG,true\n";
    let mock = service
        .server
        .mock_async(|when, then| {
            when.method(POST)
                .path("/api/v1/schedules/amazon/asin/create/bulk/")
                .header_prefix("content-type", "multipart/form-data; boundary=")
                .body_includes("name=\"collection_id\"\r\n\r\n101\r\n")
                .body_includes(format!(
                    "name=\"csv\"; filename=\"asins.csv\"\r\nContent-Type: text/csv\r\n\r\n{csv}\r\n"
                ));
            then.status(200).body(fixture("create_bulk.answer"));
        })
        .await;
    let enrolled = service.client.call(ImportAsins::new(CollectionId(101), csv)).await.unwrap();
    assert_eq!((enrolled.success_count, enrolled.error_rows.len()), (Some(2), 0));
    mock.assert_async().await;
}

#[tokio::test]
async fn domains_and_postcodes_are_found() {
    let service = Service::start().await;
    let answer =
        r#"{"code":200,"data":[{"id":1,"domain":"amazon.com.au","country_code":"AU","status":"active"}],"status":1}"#;
    let domains = service.expect("/settings/domains/", json!({}), answer, ListDomains::new()).await;
    assert_eq!((domains[0].id, domains[0].domain.as_str()), (DomainId(1), "amazon.com.au"));

    let answer = r#"{"code":200,"data":[{"id":15,"zipcode":"4500","status":"in-progress",
        "domain":{"id":1,"domain":"amazon.com.au","country_code":"AU","supplier_type":"scraping","status":"active"}}],"status":1}"#;
    let ask = ListPostcodes::new().status(PostcodeStatus::InProgress).domain(DomainId(1));
    let body = json!({"status": "in-progress", "domain": 1});
    let postcodes = service.expect("/zipcodes/get-zipcodes/", body, answer, ask).await;
    assert_eq!((postcodes[0].id, postcodes[0].status.clone()), (PostcodeId(15), Some(PostcodeStatus::InProgress)));
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let service = Service::start().await;
    service
        .server
        .mock_async(|when, then| {
            when.method(POST).path("/api/v1/settings/domains/");
            then.status(301).header("location", "/elsewhere/");
        })
        .await;
    let elsewhere = service
        .server
        .mock_async(|when, then| {
            when.path("/elsewhere/");
            then.status(200).body(r#"{"code":200,"data":[],"status":1}"#);
        })
        .await;
    let error = service.client.call(ListDomains::new()).await.unwrap_err();
    assert!(error.to_string().contains("a redirect, which is never followed"), "{error}");
    assert_eq!(elsewhere.calls_async().await, 0);
}

#[tokio::test]
async fn what_is_not_about_items_arrives_at_its_exact_path_too() {
    let service = Service::start().await;
    let nothing = r#"{"code":200,"data":"done","status":1}"#;

    let answer = r#"{"code":200,"data":{"id":21,"zipcode":"2000","domain":{"id":1,"domain":"amazon.com.au","supplier_type":"scraping"},
        "status":"in-progress","created_at":"2026-06-20T10:00:00Z","updated_at":"2026-06-20T10:00:00Z"},"status":1}"#;
    let create = CreatePostcode::new(DomainId(1), "2000");
    let body = json!({"domain": 1, "zipcode": "2000"});
    let postcode = service.expect("/zipcodes/create-zipcode/", body, answer, create).await;
    assert_eq!((postcode.id, postcode.status), (PostcodeId(21), Some(PostcodeStatus::InProgress)));

    let answer = r#"{"code":200,"data":{"id":102,"name":"Lamps","status":"draft","schedule_status":"Pending","request_type":"amazon",
        "fetch_mode":"full","created_at":"2026-06-20T10:00:00Z"},"status":1}"#;
    let create = CreateCollection::new("Lamps", RequestType::Amazon, Schedule::Daily, Priority::Normal, "a@b.test");
    let body = json!({"name": "Lamps", "request_type": "amazon", "schedule": "Daily", "priority": "Normal",
        "notification_email": "a@b.test"});
    let made = service.expect("/schedules/add_schedule/", body, answer, create).await;
    assert_eq!((made.id, made.status), (CollectionId(102), Some(CollectionStatus::Draft)));

    let fields = || Fields::naming("collection_id", CollectionId(101));
    let body = || json!({"collection_id": 101});
    service.expect("/schedules/update_schedule/", body(), nothing, UpdateCollection::new(fields())).await;
    service.expect("/schedules/run/result/", body(), nothing, StartRun::new(CollectionId(101))).await;
    service.expect("/schedules/collections/results/download/", body(), nothing, ListRuns::new(fields())).await;
    service.expect("/schedules/amazon/category/result/", body(), nothing, GetCategory::new(fields())).await;
    let scrape = ScrapeCategory::new("https://www.amazon.com.au/b?node=1", "1", "amazon.com.au", "4500");
    let body = json!({"category_url": "https://www.amazon.com.au/b?node=1", "amazon_node_id": "1", "domain": "amazon.com.au",
        "postcode": "4500"});
    service.expect("/schedules/amazon/category/add_schedule/", body, nothing, scrape).await;

    let answer = r#"{"code":200,"data":{"available_credits":1000,"used_credits":250,"frozen_credits":50},"status":1}"#;
    let credits = service.expect("/users/credits/", json!({}), answer, GetCredits::new()).await;
    assert_eq!(credits.spendable(), Some(700));
    let answer = r#"{"code":200,"data":{"token":"abc","user":{"id":42,"name":"A","email":"a@b.test"}},"status":1}"#;
    let body = json!({"email": "a@b.test", "password": "hunter22"});
    service.expect("/users/login", body, answer, Login::new("a@b.test", "hunter22".into())).await;
}

#[tokio::test]
async fn a_file_is_asked_for_with_the_key_and_comes_without_an_envelope() {
    let service = Service::start().await;
    let mock = service
        .server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/api/v1/results/101/701/Lamps_701_Results_Page_1.json")
                .header("x-api-key", "prefix.secret");
            then.status(200).header("content-type", "application/octet-stream").body("[1,2]");
        })
        .await;
    let folder = tempfile::tempdir().unwrap();
    let file = GetFile::new(CollectionId(101), RunnerId::new(701), "Lamps_701_Results_Page_1.json");
    let download = service.client.download(file, folder.path().join("page.json")).await.unwrap();
    assert_eq!(std::fs::read_to_string(download.path).unwrap(), "[1,2]");
    mock.assert_async().await;
}
