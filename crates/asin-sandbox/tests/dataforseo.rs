//! DataForSEO Merchant through the socket.

mod support;

use reqwest::Method;
use serde_json::json;
use support::*;

#[tokio::test]
async fn a_sellers_task_is_billed_queued_listed_collected() {
    let sandbox = sandbox(FAST).await;
    let posted = post(&sandbox, "sellers", &json!([task("B0CHILD001", "t1")])).await;
    assert_eq!(posted.status, 200);
    assert!(posted.header("date").is_some());
    let posted = posted.json();
    assert_eq!((&posted["status_code"], &posted["cost"]), (&json!(20000), &json!(0.001)));
    let created = &posted["tasks"][0];
    assert_eq!((&created["status_code"], &created["result"]), (&json!(20100), &json!(null)));
    assert_eq!(created["data"]["tag"], "t1");
    let id = created["id"].as_str().expect("an id");

    let answer = result(&sandbox, "sellers", id).await;
    let page = &answer["tasks"][0]["result"][0];
    assert_eq!(page["items_count"], 4);
    assert_eq!(page["items"][0]["type"], "amazon_seller_main_item");
    assert_eq!(page["items"][0]["price"]["current"], 19.99);
    assert_eq!(page["items"][0]["price"]["currency"], "USD");
    assert!(page["items"][0]["seller_url"].as_str().is_some_and(|url| url.contains("seller=OTHER1&")));
    assert_eq!(page["items"][1]["condition"], "Used - Good");
    assert_eq!((&page["items"][2]["price"], &page["items"][2]["delivery_info"]), (&json!(null), &json!(null)));
    assert!(page["items"][3]["seller_url"].as_str().is_some_and(|url| url.contains("seller=SELLERNA&")));

    let ledger = sandbox.ledger();
    assert_eq!(ledger.times_billed("t1"), 1);
    assert_eq!(ledger.balance_usd.to_string(), "9.999");
    assert_eq!(ledger.calls("AmazonSellersTaskPost"), 1);
}

#[tokio::test]
async fn an_asin_task_tells_the_family() {
    let sandbox = sandbox(FAST).await;
    let posted = post(
        &sandbox,
        "asin",
        &json!({"0": task("B0CHILD001", "a"), "1": task("B0NOBODY00", "b"), "2": task("B0CHILD002", "c")}),
    )
    .await
    .json();
    assert_eq!((&posted["tasks_count"], &posted["cost"]), (&json!(3), &json!(0.0045)));
    let id = |index: usize| posted["tasks"][index]["id"].as_str().expect("an id").to_owned();
    let child = result(&sandbox, "asin", &id(0)).await;
    let info = &child["tasks"][0]["result"][0]["items"][0];
    assert_eq!(info["parent_asin"], "B0PARENT00");
    assert_eq!(info["product_asins"], json!(["B0CHILD001", "B0CHILD002"]));
    // Of any condition: the used one.
    assert_eq!((&info["price_from"], &info["currency"]), (&json!(9.5), &json!("USD")));

    let nobody = result(&sandbox, "asin", &id(1)).await;
    assert_eq!((&nobody["status_code"], &nobody["tasks_error"]), (&json!(20000), &json!(1)));
    let task = &nobody["tasks"][0];
    assert_eq!((&task["status_code"], &task["result_count"]), (&json!(40102), &json!(0)));
    assert_eq!((&task["result"][0]["items"], &task["result"][0]["items_count"]), (&json!(null), &json!(0)));

    let named = result(&sandbox, "asin", &id(2)).await;
    let info = &named["tasks"][0]["result"][0]["items"][0];
    assert_eq!(
        (&info["data_asin"], &info["price_from"], &info["is_available"]),
        (&json!("B0CHILD002"), &json!(null), &json!(false))
    );
}

#[tokio::test]
async fn an_old_page_bears_its_age() {
    let sandbox = sandbox(FAST).await;
    let german = json!([{"asin": "B0CHILD001", "location_name": "Germany", "language_name": "German (Germany)"}]);
    let posted = post(&sandbox, "sellers", &german).await.json();
    let answer = result(&sandbox, "sellers", posted["tasks"][0]["id"].as_str().expect("an id")).await;
    let page = &answer["tasks"][0]["result"][0];
    assert_eq!((&page["items"][0]["condition"], &page["se_domain"]), (&json!("Neu"), &json!("amazon.de")));
    let read = page["datetime"].as_str().expect("a time").replace(" +00:00", "Z").replace(' ', "T");
    let read: jiff::Timestamp = read.parse().expect("a time");
    let age = jiff::Timestamp::now().duration_since(read).as_mins();
    assert!((179..=181).contains(&age), "{age}");
}

#[tokio::test]
async fn each_task_is_judged_by_itself() {
    let sandbox = sandbox(FAST).await;
    let with = |key: &str, value: serde_json::Value| {
        let mut task = task("B0CHILD001", "x");
        task[key] = value;
        task
    };
    let tasks = json!([
        task("B0CHILD001", "good"),
        with("asin", json!("")),
        with("location_code", json!(1)),
        with("location_name", json!("United States")),
        with("language_code", json!("xx_XX")),
        with("tag", json!("x".repeat(256))),
        with("priority", json!(3)),
        with("postback_url", json!("http://localhost/")),
        with("colour", json!("red")),
        with("location_code", json!(null)),
        with("tag", json!(null)),
        {"asin": "B0CHILD001", "location_coordinate": "53.476225,-2.243572,200", "language_code": "en_US", "priority": 2},
        {"asin": "B0CHILD001", "location_coordinate": "53.476225,-2.243572,100", "language_code": "en_US"},
    ]);
    let answer = post(&sandbox, "asin", &tasks).await.json();
    let codes: Vec<i64> =
        answer["tasks"].as_array().expect("tasks").iter().filter_map(|task| task["status_code"].as_i64()).collect();
    assert_eq!(codes, [20100, 40501, 40501, 40501, 40501, 40501, 40501, 40501, 40506, 40501, 20100, 20100, 40501]);
    assert_eq!(
        (&answer["status_code"], &answer["tasks_error"], &answer["cost"]),
        (&json!(20000), &json!(10), &json!(0.006))
    );
    assert_eq!(answer["tasks"][4]["status_message"], "Invalid Field: 'language_code'.");
    let ledger = sandbox.ledger();
    assert_eq!((ledger.times_billed("good"), ledger.times_billed(""), ledger.times_billed("x")), (1, 2, 0));
}

#[tokio::test]
async fn a_post_takes_a_hundred_tasks() {
    let sandbox = sandbox(FAST).await;
    let tasks: Vec<_> = (0..103).map(|number| task("B0CHILD001", &format!("n{}", number % 102))).collect();
    let answer = post(&sandbox, "asin", &json!(tasks)).await.json();
    let count = |code: i64| {
        answer["tasks"].as_array().expect("tasks").iter().filter(|task| task["status_code"] == code).count()
    };
    assert_eq!((count(20100), count(40006)), (100, 3));
    // Tags are no keys to the vendor: the same one is billed again.
    post(&sandbox, "asin", &json!([task("B0CHILD001", "n0")])).await;
    assert_eq!((sandbox.ledger().times_billed("n0"), sandbox.ledger().times_billed("n100")), (2, 0));
}

#[tokio::test]
async fn credentials_bodies_paths_and_money_are_checked() {
    let mut poor = world();
    poor["balances"] = json!({"dataforseo_usd": "0.002"});
    let sandbox = asin_sandbox::Sandbox::builder().market(market(poor)).speed(FAST).start().await.expect("a sandbox");
    let stranger = send(client().get(format!("{}/v3/appendix/user_data", sandbox.demo().dataforseo.base_url))).await;
    assert_eq!((stranger.status, stranger.json()["status_code"].clone()), (401, json!(40100)));
    assert!(stranger.header("www-authenticate").is_some_and(|value| value.starts_with("Basic")));
    let lost = send(dataforseo(&sandbox, Method::GET, "merchant/amazon/reviews/tasks_ready")).await;
    assert_eq!((lost.status, lost.json()["status_code"].clone()), (404, json!(40400)));
    let posting = || dataforseo(&sandbox, Method::POST, "merchant/amazon/asin/task_post");
    assert_eq!(send(posting()).await.json()["status_code"], 40502);
    assert_eq!(send(posting().body("[]")).await.json()["status_code"], 40502);
    assert_eq!(send(posting().body("{\"asin\":")).await.json()["status_code"], 40503);
    assert_eq!(send(posting().body("{\"asin\":\"B0CHILD001\"}")).await.json()["status_code"], 40503);

    let two = post(&sandbox, "asin", &json!([task("B0CHILD001", "1"), task("B0CHILD001", "2")])).await.json();
    assert_eq!((&two["tasks"][0]["status_code"], &two["tasks"][1]["status_code"]), (&json!(20100), &json!(40210)));
    let user = get(&sandbox, "appendix/user_data").await;
    assert_eq!(user["tasks"][0]["result"][0]["money"]["balance"], 0.0005);
    assert_eq!(sandbox.market().balances.dataforseo_usd.to_string(), "0.0005");
}

#[tokio::test]
async fn an_empty_balance_is_refused_as_a_whole() {
    let mut poor = world();
    poor["balances"] = json!({"dataforseo_usd": "0"});
    let sandbox = asin_sandbox::Sandbox::builder().market(market(poor)).speed(FAST).start().await.expect("a sandbox");
    let refused = post(&sandbox, "asin", &json!([task("B0CHILD001", "1")])).await;
    assert_eq!(
        (refused.status, refused.json()["status_code"].clone(), refused.json()["tasks"].clone()),
        (402, json!(40200), json!(null))
    );
}

#[tokio::test]
async fn ready_tasks_are_the_accounts_until_they_are_collected() {
    let sandbox = sandbox(FAST).await;
    let posted = post(&sandbox, "sellers", &json!([task("B0CHILD001", "mine")])).await.json();
    let id = posted["tasks"][0]["id"].as_str().expect("an id").to_owned();
    let pending = get(&sandbox, "merchant/amazon/asin/task_get/advanced/00000000-0000-0000-0000-000000000000").await;
    assert_eq!((&pending["status_code"], &pending["tasks"][0]["status_code"]), (&json!(20000), &json!(40401)));
    let start = std::time::Instant::now();
    let rows = loop {
        let ready = get(&sandbox, "merchant/amazon/sellers/tasks_ready").await;
        let rows = ready["tasks"][0]["result"].as_array().cloned().unwrap_or_default();
        if rows.iter().any(|row| row["id"] == id.as_str()) {
            break rows;
        }
        assert!(start.elapsed().as_secs() < 20, "never listed");
    };
    let mine = rows.iter().find(|row| row["id"] == id.as_str()).expect("a row");
    assert_eq!((&mine["tag"], &mine["se"]), (&json!("mine"), &json!("amazon")));
    assert!(rows.len() >= 3, "other programs' tasks are listed too: {rows:?}");
    let all = get(&sandbox, "merchant/tasks_ready").await;
    assert!(all["tasks"][0]["result"].as_array().is_some_and(|all| all.len() > rows.len()));

    let wrong = get(&sandbox, &format!("merchant/amazon/asin/task_get/advanced/{id}")).await;
    assert_eq!(wrong["tasks"][0]["status_code"], 40004);
    result(&sandbox, "sellers", &id).await;
    let after = get(&sandbox, "merchant/amazon/sellers/tasks_ready").await;
    let after = after["tasks"][0]["result"].as_array().cloned().unwrap_or_default();
    assert!(after.iter().all(|row| row["id"] != id.as_str()));
    assert_eq!(sandbox.ledger().foreign_collected, 0);
    let again = result(&sandbox, "sellers", &id).await;
    assert_eq!(again["tasks"][0]["status_code"], 20000);
}

#[tokio::test]
async fn pending_tasks_are_handed_and_then_queued() {
    let sandbox = sandbox(0.001).await;
    let posted = post(&sandbox, "asin", &json!([task("B0CHILD001", "slow")])).await.json();
    let id = posted["tasks"][0]["id"].as_str().expect("an id");
    let pending = get(&sandbox, &format!("merchant/amazon/asin/task_get/advanced/{id}")).await;
    assert_eq!((&pending["tasks"][0]["status_code"], &pending["tasks"][0]["result"]), (&json!(40601), &json!(null)));
    assert_eq!(pending["tasks_error"], 1);
}

#[tokio::test]
async fn minutes_are_limited() {
    let sandbox = sandbox(0.001).await;
    let bounds = json!([{"datetime_from": "2026-01-01 00:00:00 +00:00", "datetime_to": "2026-01-02 00:00:00 +00:00"}]);
    for (allowed, method, path, body) in [
        (20, Method::GET, "merchant/amazon/asin/tasks_ready", None),
        (20, Method::GET, "merchant/tasks_ready", None),
        (10, Method::POST, "merchant/id_list", Some(&bounds)),
    ] {
        for number in 0..=allowed {
            let mut request = dataforseo(&sandbox, method.clone(), path);
            if let Some(body) = body {
                request = json_body(request, body);
            }
            let answer = send(request).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.json()["status_code"] == 40202, number == allowed, "{path}, call {number}");
        }
    }
}

#[tokio::test]
async fn the_id_list_lags_and_holds_everybodys_tasks() {
    let sandbox = sandbox(FAST).await;
    let spaced = |time: jiff::Timestamp| time.strftime("%Y-%m-%d %H:%M:%S +00:00").to_string();
    let asking = &sandbox;
    let ask = |entry: serde_json::Value| async move {
        loop {
            let request = json_body(dataforseo(asking, Method::POST, "merchant/id_list"), &json!([entry]));
            let answer = send(request).await.json();
            // Ten calls a minute, and a minute is ten milliseconds here.
            if answer["status_code"] != 40202 {
                break answer["tasks"][0].clone();
            }
        }
    };
    let from = spaced(jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1));
    let window = |extra: serde_json::Value| {
        let mut entry = json!({"datetime_from": from, "datetime_to": spaced(jiff::Timestamp::now())});
        entry.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        entry
    };
    let before = ask(window(json!({}))).await;
    let foreign = before["result"].as_array().expect("other programs' tasks").len();
    assert!(foreign > 0 && before["result"][0].get("metadata").is_none());

    let posted = post(&sandbox, "asin", &json!([task("B0CHILD001", "ours")])).await.json();
    let id = posted["tasks"][0]["id"].clone();
    let start = std::time::Instant::now();
    let row = loop {
        let listed = ask(window(json!({"include_metadata": true, "sort": "desc"}))).await;
        let rows = listed["result"].as_array().cloned().unwrap_or_default();
        if let Some(row) = rows.into_iter().find(|row| row["id"] == id) {
            break row;
        }
        assert!(start.elapsed().as_secs() < 20, "never listed");
    };
    assert_eq!((&row["metadata"]["tag"], &row["cost"]), (&json!("ours"), &json!(0.0015)));
    assert!(row["url"].as_str().is_some_and(|url| url.ends_with("/v3/merchant/amazon/asin/task_post")));
    result(&sandbox, "asin", id.as_str().expect("an id")).await;
    let page = ask(window(json!({"limit": 1, "offset": 1}))).await;
    assert_eq!(page["result_count"], 1);
    let by_execution = ask(window(json!({}))).await;
    let done: Vec<&str> = by_execution["result"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["datetime_done"].as_str())
        .collect();
    assert!(done.is_sorted(), "{done:?}");

    let now = jiff::Timestamp::now();
    let later = spaced(now + jiff::SignedDuration::from_mins(5));
    let old = spaced(now - jiff::SignedDuration::from_hours(24 * 40));
    for (entry, field) in [
        (json!({}), "datetime_from"),
        (json!({"datetime_from": from}), "datetime_to"),
        (json!({"datetime_from": from, "datetime_to": later}), "datetime_to"),
        (json!({"datetime_from": later, "datetime_to": later}), "datetime_from"),
        (json!({"datetime_from": spaced(now), "datetime_to": from}), "datetime_from"),
        (json!({"datetime_from": "2026-01-01T00:00:00Z", "datetime_to": from}), "datetime_from"),
        (json!({"datetime_from": old, "datetime_to": from, "include_metadata": true}), "datetime_from"),
        (json!({"datetime_from": from, "datetime_to": from, "limit": 1001}), "limit"),
        (json!({"datetime_from": from, "datetime_to": from, "sort": "up"}), "sort"),
    ] {
        let refused = ask(entry.clone()).await;
        assert_eq!(refused["status_code"], 40501, "{entry}");
        assert_eq!(refused["status_message"], format!("Invalid Field: '{field}'."), "{entry}");
    }
}

#[tokio::test]
async fn places_and_languages_are_listed() {
    let sandbox = sandbox(FAST).await;
    let places = get(&sandbox, "merchant/amazon/locations").await;
    assert_eq!(places["tasks"][0]["result_count"], 23);
    let turkey = get(&sandbox, "merchant/amazon/locations/TR").await;
    assert_eq!(turkey["tasks"][0]["result"][0]["location_code"], 2792);
    let languages = get(&sandbox, "merchant/amazon/languages").await;
    let names = languages["tasks"][0]["result"].as_array().expect("languages");
    assert!(names.contains(&json!({"language_name": "English (United States)", "language_code": "en_US"})));
}

#[tokio::test]
async fn equal_tasks_are_too_many_at_some_time_and_other_paths_are_none() {
    let sandbox = sandbox(1.0).await;
    let hundred = json!(vec![task("B0CHILD001", "same"); 100]);
    assert_eq!(post(&sandbox, "asin", &hundred).await.json()["tasks_error"], 0);
    let codes = |answer: &serde_json::Value| {
        answer["tasks"].as_array().expect("tasks").iter().map(|task| task["status_code"].clone()).collect::<Vec<_>>()
    };
    let next = post(&sandbox, "asin", &json!([task("B0CHILD001", "same"), task("B0CHILD001", "other")])).await.json();
    assert_eq!(codes(&next), [json!(40205), json!(20100)]);
    assert_eq!(sandbox.ledger().times_billed("same"), 100);
    // Ten hours of a hundred are a day's worth.
    for _ in 0..9 {
        sandbox.clear_faults();
        sandbox.fault(asin_sandbox::Fault::on("POST", "*").call(1).clock_jump(std::time::Duration::from_secs(3601)));
        assert_eq!(post(&sandbox, "asin", &hundred).await.json()["tasks_error"], 0);
    }
    sandbox.clear_faults();
    sandbox.fault(asin_sandbox::Fault::on("POST", "*").call(1).clock_jump(std::time::Duration::from_secs(3601)));
    assert_eq!(codes(&post(&sandbox, "asin", &json!([task("B0CHILD001", "same")])).await.json()), [json!(40206)]);

    let foreign = send(dataforseo(&sandbox, Method::GET, "merchant/amazon/asin/task_get/basic/x")).await;
    assert_eq!((foreign.status, foreign.json()["status_code"].as_i64()), (404, Some(40402)));
}
