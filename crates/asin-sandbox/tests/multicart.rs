//! MultiCartAPI through the socket.

mod support;

use std::time::{Duration, Instant};

use asin_sandbox::Sandbox;
use serde_json::{Value, json};
use support::*;

const ASIN: &str = "schedules/amazon/asin";

fn code(answer: &Value) -> (i64, i64) {
    (answer["code"].as_i64().expect("a code"), answer["status"].as_i64().expect("a status"))
}

#[tokio::test]
async fn a_key_or_a_token_opens_and_slashes_are_exact() {
    let sandbox = sandbox(FAST).await;
    let demo = sandbox.demo().multicart;
    assert!(demo.base_url.ends_with("/api/v1"));
    let post = |path: &str| client().post(format!("{}/{path}", demo.base_url));
    assert_eq!(send(post("settings/domains/")).await.json()["data"][0]["domain"], "amazon.com");
    let stranger = send(post("users/credits/")).await;
    assert_eq!((stranger.status, code(&stranger.json()).1), (200, 0));
    let token = send(post("users/credits/").header("authorization", format!("Token {}", demo.api_key))).await.json();
    assert_eq!(token["data"], json!({"available_credits": 500, "used_credits": 0, "frozen_credits": 0}));
    let bearer = send(post("users/credits/").header("authorization", format!("Bearer {}", demo.api_key))).await.json();
    assert_eq!(code(&bearer).1, 0);
    let moved = send(post("users/credits").header("x-api-key", &demo.api_key)).await;
    assert_eq!((moved.status, moved.header("location")), (301, Some("/api/v1/users/credits/")));
    assert_eq!(code(&multicart(&sandbox, "users/nothing/", &json!({})).await), (404, 0));
    let read =
        send(client().get(format!("{}/users/credits/", demo.base_url)).header("x-api-key", &demo.api_key)).await.json();
    assert_eq!(code(&read), (405, 0));
}

#[tokio::test]
async fn an_item_is_created_by_identifiers_and_found_with_objects() {
    let sandbox = sandbox(FAST).await;
    let body = json!({"collection": 101, "domain": 1, "customer_postcode": 15, "asin": "B0CHILD002", "custom_id": "ref", "output": "HTML"});
    let created = multicart(&sandbox, &format!("{ASIN}/create/"), &body).await;
    assert_eq!(code(&created), (200, 1));
    assert_eq!((&created["data"]["domain"], &created["data"]["customer_postcode"]), (&json!(1), &json!(15)));
    let id = created["data"]["id"].clone();
    let again = multicart(&sandbox, &format!("{ASIN}/create/"), &body).await;
    assert_eq!((code(&again), again["data"].clone()), ((409, 0), json!("ASIN already exists")));

    let got = multicart(&sandbox, &format!("{ASIN}/get/"), &json!({"id": id})).await;
    assert_eq!(got["data"]["domain"], json!({"id": 1, "domain": "amazon.com"}));
    assert_eq!(got["data"]["customer_postcode"], json!({"id": 15, "zipcode": "04500"}));
    assert_eq!(code(&multicart(&sandbox, &format!("{ASIN}/get/"), &json!({"collection": 101})).await), (404, 0));

    let list = multicart(&sandbox, &format!("{ASIN}/list/"), &json!({"collection_id": 101})).await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    assert!(list["data"][0].get("collection").is_none());
    let counted = multicart(
        &sandbox,
        &format!("{ASIN}/list/"),
        &json!({"collection_id": 101, "with_count": 1, "limit": 1, "skip": 1}),
    )
    .await;
    assert_eq!(
        (&counted["data"]["total_count"], &counted["data"]["asin_list"][0]["asin"]),
        (&json!(2), &json!("B0CHILD002"))
    );

    let update = json!({"asin_id": id, "include_raw_html": true, "asin": "B0CHILD001"});
    assert_eq!(code(&multicart(&sandbox, &format!("{ASIN}/update/"), &update).await), (409, 0));
    let update = json!({"asin_id": id, "include_raw_html": true});
    let updated = multicart(&sandbox, &format!("{ASIN}/update/"), &update).await;
    assert_eq!((&updated["data"]["include_raw_html"], &updated["data"]["custom_id"]), (&json!(true), &json!("ref")));
    assert!(updated["data"].get("collection").is_none());
    let deleted = multicart(&sandbox, &format!("{ASIN}/delete/"), &json!({"asin_id": id})).await;
    assert_eq!(deleted["data"], "ASIN deleted successfully");
    assert_eq!(code(&multicart(&sandbox, &format!("{ASIN}/delete/"), &json!({"asin_id": id})).await), (404, 0));

    for wrong in [
        json!({"collection": 101, "domain": "amazon.com", "customer_postcode": 15, "asin": "B0CHILD002"}),
        json!({"collection": 101, "domain": 1, "customer_postcode": "04500", "asin": "B0CHILD002"}),
        json!({"collection": 999, "domain": 1, "customer_postcode": 15, "asin": "B0CHILD002"}),
        json!({"collection": 101, "domain": 2, "customer_postcode": 15, "asin": "B0CHILD002"}),
        json!({"collection": 101, "domain": 2, "customer_postcode": 16, "asin": "B0CHILD002"}),
        json!({"collection": 101, "domain": 1, "customer_postcode": 15, "asin": "b0child002"}),
        json!({"collection": 101, "domain": 1, "customer_postcode": 15, "asin": "B0CHILD002", "output": "XML"}),
    ] {
        let refused = multicart(&sandbox, &format!("{ASIN}/create/"), &wrong).await;
        assert_eq!(refused["status"], 0, "{wrong}");
        assert!(refused["data"].is_string(), "{wrong}");
    }
}

#[tokio::test]
async fn many_items_succeed_in_part() {
    let sandbox = sandbox(FAST).await;
    let body =
        |asins: &str| json!({"collection": 101, "domain": "amazon.com", "customer_postcode": "04500", "asins": asins});
    let path = format!("{ASIN}/create/multiple/");
    let answer = multicart(&sandbox, &path, &body("B0CHILD001,B0CHILD002,B0CHILD002, B0CHILD003")).await;
    assert_eq!(code(&answer), (200, 1));
    assert_eq!(answer["data"]["success_count"], 1);
    assert_eq!(
        answer["data"]["error_rows"],
        json!([
            {"asin": "B0CHILD001", "error": "Duplicate entry"},
            {"asin": "B0CHILD002", "error": "Duplicate entry"},
            {"asin": " B0CHILD003", "error": "Invalid ASIN"},
        ])
    );
    let mut unknown = body("B0CHILD009");
    unknown["customer_postcode"] = json!("99999");
    assert_eq!(code(&multicart(&sandbox, &path, &unknown).await).1, 0);
    unknown["customer_postcode"] = json!(15);
    assert_eq!(code(&multicart(&sandbox, &path, &unknown).await), (400, 0));

    let many: Vec<String> = (0..5000).map(|number| format!("B1{number:08}")).collect();
    let answer = multicart(&sandbox, &path, &body(&many.join(","))).await;
    assert_eq!(answer["data"]["success_count"], 4998);
    assert_eq!(answer["data"]["error_rows"].as_array().map(Vec::len), Some(2));
}

async fn upload(sandbox: &Sandbox, csv: &str) -> Value {
    let demo = sandbox.demo().multicart;
    let body = format!(
        "--B\r\nContent-Disposition: form-data; name=\"collection_id\"\r\n\r\n101\r\n--B\r\nContent-Disposition: form-data; \
         name=\"csv\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\n{csv}\r\n--B--\r\n"
    );
    let request = client().post(format!("{}/{ASIN}/create/bulk/", demo.base_url)).header("x-api-key", demo.api_key);
    send(request.header("content-type", "multipart/form-data; boundary=B").body(body)).await.json()
}

#[tokio::test]
async fn a_csv_file_is_imported_in_part() {
    let sandbox = sandbox(FAST).await;
    let header = "domain,customer_postcode,asin,include_raw_html";
    let rows = "amazon.com,04500,B0CHILD003,true\namazon.com,04500,B0CHILD001,false\namazon.de,10115,B0CHILD004,false\nnowhere,1,B0CHILD005,false\namazon.com,04500,B0CHILD006,maybe";
    let answer = upload(&sandbox, &format!("{header}\n{rows}")).await;
    assert_eq!((code(&answer), answer["data"]["success_count"].clone()), ((200, 1), json!(1)));
    let errors: Vec<&str> =
        answer["data"]["error_rows"].as_array().expect("rows").iter().filter_map(|row| row["error"].as_str()).collect();
    assert_eq!(
        errors,
        ["Duplicate entry", "Zipcode is not active", "Domain not found", "include_raw_html must be true or false"]
    );
    assert_eq!(code(&upload(&sandbox, "sku,customer_postcode,store_id\nx,1,2").await), (400, 0));
    assert_eq!(code(&upload(&sandbox, rows).await), (400, 0));
    let many = "amazon.com,04500,B0CHILD007,true\n".repeat(5001);
    assert_eq!(code(&upload(&sandbox, &format!("{header}\n{many}")).await), (400, 0));
}

#[tokio::test]
async fn a_postcode_is_made_and_becomes_active() {
    let sandbox = sandbox(FAST).await;
    let created = multicart(&sandbox, "zipcodes/create-zipcode/", &json!({"domain": 1, "zipcode": "90210"})).await;
    assert_eq!(
        (&created["data"]["status"], &created["data"]["domain"]["domain"]),
        (&json!("in-progress"), &json!("amazon.com"))
    );
    let again = multicart(&sandbox, "zipcodes/create-zipcode/", &json!({"domain": 1, "zipcode": "90210"})).await;
    assert_eq!(code(&again), (409, 0));
    let start = Instant::now();
    loop {
        let active = multicart(&sandbox, "zipcodes/get-zipcodes/", &json!({"status": "active", "domain": 1})).await;
        if active["data"].as_array().expect("a bare array").iter().any(|place| place["zipcode"] == "90210") {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "never active");
    }
    let failed = multicart(&sandbox, "zipcodes/get-zipcodes/", &json!({"domain": 2})).await;
    assert_eq!(failed["data"][0]["status"], "failed");
    assert_eq!(
        code(&multicart(&sandbox, "zipcodes/create-zipcode/", &json!({"domain": 9, "zipcode": "1"})).await),
        (404, 0)
    );
    assert_eq!(
        code(&multicart(&sandbox, "zipcodes/create-zipcode/", &json!({"domain": 1, "zipcode": 1})).await),
        (400, 0)
    );
}

#[tokio::test]
async fn outputs_are_listed_without_and_read_with_their_payload() {
    let sandbox = sandbox(FAST).await;
    let list = multicart(&sandbox, &format!("{ASIN}/output/list/"), &json!({"collection_id": 101})).await;
    let row = &list["data"][0];
    assert!(row.get("output_json").is_none() && row["updated_at"].is_string());
    let output = multicart(&sandbox, &format!("{ASIN}/output/"), &json!({"asin_id": row["id"]})).await;
    assert_eq!(
        output["data"]["output_json"],
        json!({
            "asin": "B0CHILD001", "title": "Lamp, red", "price": "$47.30", "availability": "In Stock", "seller": "x",
        })
    );
    let scraped: jiff::Timestamp = output["data"]["created_at"].as_str().expect("a time").parse().expect("a time");
    assert!((29..=31).contains(&jiff::Timestamp::now().duration_since(scraped).as_mins()));
    // An item's identifier is no output's.
    assert_eq!(code(&multicart(&sandbox, &format!("{ASIN}/output/"), &json!({"asin_id": 5})).await), (404, 0));
}

#[tokio::test]
async fn a_run_holds_credits_then_spends_them_and_leaves_outputs_and_a_file() {
    let sandbox = sandbox(60.0).await;
    let history = json!({"collection_id": 101});
    assert_eq!(multicart(&sandbox, "schedules/collections/results/download/", &history).await["data"], json!([]));
    assert_eq!(code(&multicart(&sandbox, "schedules/run/result/", &history).await), (200, 1));
    assert_eq!(code(&multicart(&sandbox, "schedules/run/result/", &json!({"collection_id": 9})).await), (404, 0));
    let held = multicart(&sandbox, "users/credits/", &json!({})).await["data"].clone();
    let taken = held["used_credits"].as_u64().zip(held["frozen_credits"].as_u64()).map(|(used, frozen)| used + frozen);
    assert_eq!((&held["available_credits"], taken), (&json!(500), Some(1)));
    let start = Instant::now();
    let run = loop {
        let runs = multicart(&sandbox, "schedules/collections/results/download/", &history).await;
        if runs["data"][0]["is_download_generated"] == true {
            break runs["data"][0].clone();
        }
        assert!(start.elapsed() < Duration::from_secs(20), "never done: {runs}");
    };
    let spent = multicart(&sandbox, "users/credits/", &json!({})).await["data"].clone();
    assert_eq!(spent, json!({"available_credits": 500, "used_credits": 1, "frozen_credits": 0}));
    let outputs = multicart(&sandbox, &format!("{ASIN}/output/list/"), &history).await;
    assert_eq!(outputs["data"].as_array().map(Vec::len), Some(2));

    let demo = sandbox.demo().multicart;
    let link = format!(
        "{}{}",
        sandbox.url().as_str().trim_end_matches('/'),
        run["download_links"][0].as_str().expect("a link")
    );
    let file = send(client().get(&link).header("x-api-key", &demo.api_key)).await;
    assert_eq!((file.status, file.header("content-type")), (200, Some("application/octet-stream")));
    assert_eq!(file.json()[0]["asin"], "B0CHILD001");
    let sized = send(client().get(format!("{link}?rows=1000")).header("x-api-key", &demo.api_key)).await;
    assert_eq!((sized.body.len(), sized.json().as_array().map(Vec::len)), (1000 * 1024 + 1, Some(1000)));
    assert_eq!(code(&send(client().get(&link)).await.json()), (401, 0));
    let missing = send(client().get(format!("{link}x")).header("x-api-key", &demo.api_key)).await;
    assert_eq!(code(&missing.json()), (404, 0));
}

/// The files of an archive that is not compressed, read by its directory.
fn unzip(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let two = |at: usize| usize::from(u16::from_le_bytes([archive[at], archive[at + 1]]));
    let four = |at: usize| two(at) | two(at + 2) << 16;
    let end = archive.len() - 22;
    assert_eq!(&archive[end..end + 4], b"PK\x05\x06");
    let mut at = four(end + 16);
    assert_eq!(at + four(end + 12), end, "the directory is all that stands between the files and the end");
    let mut files = Vec::new();
    for _ in 0..two(end + 10) {
        assert_eq!(&archive[at..at + 4], b"PK\x01\x02");
        let (sum, size, length, local) = (four(at + 16), four(at + 20), two(at + 28), four(at + 42));
        let name = String::from_utf8(archive[at + 46..at + 46 + length].to_vec()).expect("a name");
        assert_eq!(&archive[local..local + 4], b"PK\x03\x04");
        assert_eq!(&archive[local + 30..local + 30 + length], name.as_bytes());
        let content = archive[local + 30 + length..local + 30 + length + size].to_vec();
        let mut computed = flate2::Crc::new();
        computed.update(&content);
        assert_eq!(computed.sum() as usize, sum);
        files.push((name, content));
        at += 46 + length;
    }
    files
}

#[tokio::test]
async fn a_large_run_has_pages_and_an_archive_of_them_all() {
    let mut large = world();
    let item = |number: usize| json!({"asin": format!("B{number:09}"), "domain": 1, "postcode": 15});
    large["collections"][0]["items"] = (0..250).map(item).collect();
    let sandbox = Sandbox::builder().market(market(large)).speed(FAST).start().await.expect("a sandbox");
    multicart(&sandbox, "schedules/run/result/", &json!({"collection_id": 101})).await;
    let start = Instant::now();
    let links = loop {
        let runs = multicart(&sandbox, "schedules/collections/results/download/", &json!({"collection_id": 101})).await;
        if runs["data"][0]["is_download_generated"] == true {
            break runs["data"][0]["download_links"].clone();
        }
        assert!(start.elapsed() < Duration::from_secs(20), "never done: {runs}");
    };
    let links: Vec<&str> = links.as_array().expect("links").iter().filter_map(Value::as_str).collect();
    assert_eq!(links.len(), 4);
    let mut files = Vec::new();
    for link in &links {
        let request = client().get(sandbox.url().join(link).expect("a URL"));
        let request = request.header("x-api-key", sandbox.demo().multicart.api_key);
        files.push(request.send().await.expect("an answer").bytes().await.expect("a file"));
    }
    let counts: Vec<_> =
        files[..3].iter().map(|file| serde_json::from_slice::<Vec<Value>>(file).expect("rows").len()).collect();
    assert_eq!(counts, [100, 100, 50], "what this run has scraped, and nothing of before");
    let archived = unzip(&files[3]);
    let names: Vec<&str> = archived.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [1, 2, 3].map(|page| format!("Lamps_701_Results_Page_{page}.json")));
    assert!(archived.iter().zip(&files).all(|((_, content), file)| content == file));
}

#[tokio::test]
async fn a_run_that_cannot_be_paid_is_refused_and_costs_nothing() {
    let mut poor = world();
    poor["balances"] = json!({"multicart_credits": 0});
    let sandbox = Sandbox::builder().market(market(poor)).start().await.expect("a sandbox");
    let refused = multicart(&sandbox, "schedules/run/result/", &json!({"collection_id": 101})).await;
    assert_eq!(code(&refused), (402, 0));
    let credits = multicart(&sandbox, "users/credits/", &json!({})).await["data"].clone();
    assert_eq!(credits, json!({"available_credits": 0, "used_credits": 0, "frozen_credits": 0}));
}

#[tokio::test]
async fn a_collection_begins_as_a_draft_with_its_times_in_texts() {
    let sandbox = sandbox(FAST).await;
    let path = "schedules/add_schedule/";
    let mut made = json!({"name": "New", "request_type": "amazon", "schedule": "Every X Minutes", "priority": "Low",
        "notification_email": "a@example.com", "schedule_time": {"minutes_frequency": "30", "hours": ["08.00"]}});
    let answer = multicart(&sandbox, path, &made).await;
    assert_eq!((&answer["data"]["id"], &answer["data"]["status"]), (&json!(102), &json!("draft")));
    for (pointer, wrong) in [
        ("/schedule_time/minutes_frequency", json!(30)),
        ("/schedule_time/hours/0", json!("08:00")),
        ("/schedule", json!("Minutes")),
        ("/priority", json!("low")),
        ("/request_type", json!("officeworks")),
    ] {
        let right = std::mem::replace(made.pointer_mut(pointer).expect("a field"), wrong);
        assert_eq!(code(&multicart(&sandbox, path, &made).await), (400, 0), "{pointer}");
        *made.pointer_mut(pointer).expect("a field") = right;
    }
    let update = json!({"id": 102, "schedule": "Daily"});
    assert_eq!(code(&multicart(&sandbox, "schedules/update_schedule/", &update).await), (200, 1));
    assert_eq!(code(&multicart(&sandbox, "schedules/update_schedule/", &json!({"schedule": "Daily"})).await), (400, 0));
}
