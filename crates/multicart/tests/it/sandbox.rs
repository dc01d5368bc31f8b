//! Whole jobs against the sandbox, which speaks the wire and knows none of our types.

use crate::asin;
use asin_sandbox::{Fault, Market, Sandbox};
use core_http::{Limit, Quota, TokenBuckets};
use futures_util::{TryStreamExt, stream};
use multicart::{
    AwaitIngested, AwaitPostcode, AwaitRun, Builder, CALLS, CollectionId, CreateCollection, DomainId, Fields,
    GetCategory, GetCredits, GetFile, ListOutputs, ListRuns, Login, McClient, Prepared, Priority, Raw, RequestType,
    Schedule, ScrapeCategory,
    enrol::{self, Outcome, Place, Way},
    outputs, postcodes,
    runs::{self, Started},
};
use std::{sync::Arc, time::Duration};

const MARKET: &str = r#"{
    "domains": [{"id": 1, "domain": "amazon.com.au", "country_code": "AU"}],
    "postcodes": [{"id": 15, "domain": 1, "zipcode": "4500"}],
    "collections": [{"id": 101, "name": "Lamps / Kids", "items": [{"asin": "B0DJQQ38TG", "domain": 1, "postcode": 15}],
        "outputs": [{"asin": "B0DJQQ38TG", "price": "$49.99"}]}],
    "balances": {"multicart_credits": 12}
}"#;
const LAMPS: CollectionId = CollectionId(101);

async fn start() -> (Sandbox, McClient) {
    let market: Market = serde_json::from_str(MARKET).unwrap();
    let sandbox = Sandbox::builder().market(market).speed(6000.0).start().await.unwrap();
    let key = sandbox.demo().multicart.api_key;
    let client = connect(&sandbox, Builder::new(key));
    (sandbox, client)
}

fn connect(sandbox: &Sandbox, builder: Builder) -> McClient {
    let limits = TokenBuckets::new();
    limits.set(Limit { quota: Quota { per_second: 1000.0, burst: 100 }, ..CALLS });
    let base = sandbox.demo().multicart.base_url.parse().unwrap();
    builder.base_url(base).limits(Arc::new(limits)).build().unwrap()
}

fn history() -> ListRuns {
    ListRuns::new(Fields::naming("collection_id", LAMPS))
}

const PACE: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn from_a_postcode_to_the_files_of_a_run() {
    let (sandbox, client) = start().await;
    let postcode = postcodes::register(&client, DomainId(1), "2000").await.unwrap();
    assert_eq!(postcodes::register(&client, DomainId(1), "2000").await.unwrap().id, postcode.id);
    let ready = client.wait(AwaitPostcode::new(DomainId(1), postcode.id), PACE, PATIENCE).await.unwrap();
    assert!(matches!(ready.done(), Some(Prepared::Active(_))));

    let (old, new) = (Place::new("amazon.com.au", "4500"), Place::new("amazon.com.au", "2000"));
    let wanted = ["B0DJQQ38TG", "B0ABC12345"].map(asin);
    let items: Vec<_> = wanted.into_iter().flat_map(|asin| [old.watch(asin), new.watch(asin)]).collect();
    let plan = enrol::plan(&client, LAMPS, stream::iter(items)).await.unwrap();
    assert_eq!((plan.holds(), plan.missing().len()), (1, 3));
    let outcomes = plan.send(&client, Way::Csv).await.unwrap();
    assert!(matches!(outcomes[0].1, Outcome::AlreadyThere));
    assert!(outcomes[1..].iter().all(|(_, outcome)| matches!(outcome, Outcome::Added)), "{outcomes:?}");
    let there = client.wait(AwaitIngested::new(LAMPS, 4), PACE, PATIENCE).await.unwrap();
    assert_eq!(there.done(), Some(4));

    let Started::Accepted { before, .. } = runs::start(&client, LAMPS, history()).await.unwrap() else {
        panic!("not accepted");
    };
    let after = runs::runner_ids(&client, history()).await.unwrap();
    let runner = after.difference(&before).next().unwrap().clone();
    let run = client.wait(AwaitRun::new(runner.clone(), history()), PACE, PATIENCE).await.unwrap().done().unwrap();
    assert_eq!(client.call(GetCredits::new()).await.unwrap().spendable(), Some(8));

    let folder = tempfile::tempdir().unwrap();
    let name = run.file_names().remove(0);
    assert!(name.starts_with("Lamps / Kids_"), "{name}");
    let file = client.download(GetFile::new(LAMPS, runner, name), folder.path().join("page.json")).await.unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(&file.path).unwrap()).unwrap();
    assert_eq!(rows.len(), 4, "what this run has scraped");
    let sized = Raw::get(format!("{}?rows=300", run.links()[0].strip_prefix("/api/v1").unwrap()));
    let sized = client.download(sized, folder.path().join("sized.json")).await.unwrap();
    assert_eq!(sized.bytes, 300 * 1024 + 1);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(&sized.path).unwrap()).unwrap();
    assert_eq!((rows.len(), rows[299]["asin"].as_str()), (300, Some("B000000299")));

    let listed: Vec<_> = client.pages(ListOutputs::new(LAMPS).limit(2)).items().try_collect().await.unwrap();
    assert_eq!(listed.len(), 5);
    let saved = outputs::save(&client, listed[0].id, folder.path().join("88.json")).await.unwrap();
    let saved: serde_json::Value = serde_json::from_slice(&std::fs::read(saved.path).unwrap()).unwrap();
    assert_eq!(saved["data"]["output_json"]["price"], "$49.99");
    assert_eq!(sandbox.ledger().calls("runs.start"), 1);
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_found_and_charged_once() {
    let (sandbox, client) = start().await;
    sandbox.fault(Fault::on("POST", "/api/v1/schedules/run/result/").cut_after_work());
    let started = runs::start(&client, LAMPS, history()).await.unwrap();
    assert!(matches!(&started, Started::Suggested { new, .. } if new.len() == 1), "{started:?}");
    assert_eq!(sandbox.ledger().calls("runs.start"), 1);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_counts_by_the_list() {
    let (sandbox, client) = start().await;
    sandbox.fault(Fault::on("POST", "/api/v1/schedules/amazon/asin/create/multiple/").call(1).cut_after_work());
    let wanted = stream::iter([Place::new("amazon.com.au", "4500").watch(asin("B0ABC12345"))]);
    let plan = enrol::plan(&client, LAMPS, wanted).await.unwrap();
    let outcomes = plan.send(&client, Way::Batches(500)).await.unwrap();
    // Sent again, it was refused as a duplicate; the list shows it.
    assert!(matches!(outcomes[0].1, Outcome::AlreadyThere), "{outcomes:?}");
    assert_eq!(sandbox.ledger().calls("amazon.asin.create_multiple"), 2);
}

#[tokio::test]
async fn login_collection_and_category() {
    let (sandbox, client) = start().await;
    let demo = sandbox.demo().dataforseo;
    let session =
        connect(&sandbox, Builder::anonymous()).call(Login::new(demo.login, demo.password.into())).await.unwrap();
    let client_by_token = connect(&sandbox, Builder::with_token(session.token.secret()));
    let create = CreateCollection::new("New", RequestType::Amazon, Schedule::Manual, Priority::Low, "a@b.test");
    let made = client_by_token.call(create).await.unwrap();
    assert_eq!((made.id, made.status.unwrap().as_str()), (CollectionId(102), "draft"));

    let scrape = ScrapeCategory::new("https://www.amazon.com.au/b?node=1", "1", "amazon.com.au", "4500");
    let answer = client.call(scrape).await.unwrap();
    let collection = CollectionId(answer["collection_id"].as_u64().unwrap());
    let found = client.call(GetCategory::new(Fields::naming("collection_id", collection))).await.unwrap();
    assert_eq!(found.asins().unwrap()[0]["asin"], "B0DJQQ38TG");
    let unknown = ScrapeCategory::new("https://www.amazon.com.au/b?node=1", "1", "amazon.com.au", "9999");
    assert_eq!(client.call(unknown).await.unwrap_err().fault().unwrap().code, "400");
}
