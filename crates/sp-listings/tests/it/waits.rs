//! Waiting for what became of a write.

use crate::{
    TOKEN, builder, fixture, is_token_call, seller, sku,
    writes::{ACCEPTED, NOT_FOUND, calls, ok, patch, price, put},
};
use core_http::{
    ErrorKind, Once, Response, TransportError, TransportErrorKind,
    testing::{Script, response},
};
use serde_json::{Value, json};
use sp_listings::{
    DeleteListingsItem, Fate, Image, Marketplace, Receipt, Settled, SpClient, Submission, new_price, quantity_patch,
    submit_and_wait,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// How the listing looks, read by read; the last look stays.
fn looks(
    looks: Vec<Result<Response, TransportErrorKind>>,
    write: Result<Response, TransportErrorKind>,
) -> (SpClient, Arc<Script>) {
    let script = Arc::new(Script::new());
    let looks = Mutex::new(looks.into_iter().rev().collect::<Vec<_>>());
    let fail = |kind: TransportErrorKind| TransportError::new(kind, "scripted");
    let copy = |answer: &Result<Response, TransportErrorKind>| match answer {
        Ok(answer) => Ok(response(answer.status().as_u16(), std::str::from_utf8(answer.body()).unwrap())),
        Err(kind) => Err(*kind),
    };
    script.always(move |request| {
        if is_token_call(request) {
            return Ok(response(200, TOKEN));
        }
        if request.method() != "GET" {
            return copy(&write).map_err(fail);
        }
        let mut looks = looks.lock().unwrap();
        let answer = if looks.len() > 1 { looks.pop().unwrap() } else { copy(&looks[0]) };
        answer.map_err(fail)
    });
    let client = builder(&script).build().unwrap();
    (client.with(|options| options.retry = core_http::RetryPolicy::never()), script)
}

fn item(updated: &str, attributes: Value, issues: Value) -> Result<Response, TransportErrorKind> {
    let summary = json!({"marketplaceId": "A33AVAJ2PDY3EV", "productType": "SHOES", "status": ["BUYABLE"],
                         "createdDate": "2026-01-01T00:00:00Z", "lastUpdatedDate": updated});
    ok(&json!({"sku": "S", "summaries": [summary], "attributes": attributes, "issues": issues}).to_string())
}

fn offer(price: Value) -> Value {
    json!({"purchasable_offer": [{"currency": "TRY", "our_price": [{"schedule": [{"value_with_tax": price}]}],
                                  "marketplace_id": "A33AVAJ2PDY3EV", "audience": "ALL"}]})
}

const EARLY: &str = "2026-11-01T00:00:00Z";
const LATE: &str = "2026-11-25T15:00:00Z";
const EVERY: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

async fn wait(client: &SpClient, write: impl sp_listings::Write) -> Fate {
    submit_and_wait(client, write, EVERY, PATIENCE).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_write_has_settled_when_the_listing_shows_it() {
    let (before, after) = (item(EARLY, offer(json!(80)), json!([])), item(LATE, offer(json!("75.50")), json!([])));
    let still = item(LATE, offer(json!(80)), json!([]));
    let (client, script) = looks(vec![before, still, after], ok(ACCEPTED));
    let start = tokio::time::Instant::now();
    let Fate::Settled(Settled::Shown(item)) = wait(&client, patch([price()])).await else { panic!("not shown") };
    assert_eq!(item.summaries[0].last_updated_date, LATE);
    assert_eq!(calls(&script).len(), 4, "a look before, the write, two looks after");
    assert!(start.elapsed() >= EVERY && start.elapsed() < EVERY * 2);
}

#[tokio::test(start_paused = true)]
async fn a_price_has_not_settled_because_the_listing_was_changed_somehow() {
    let other = item(LATE, offer(json!(79)), json!([]));
    let (client, script) = looks(vec![item(EARLY, offer(json!(80)), json!([])), other], ok(ACCEPTED));
    let Fate::Pending { receipt, error } = wait(&client, patch([price()])).await else { panic!("settled") };
    assert!(error.is_none());
    assert_eq!(receipt.submission().map(|id| id.as_str()), Some("id-1"));
    assert_eq!(calls(&script).len(), 2 + 13, "every 5 s for 60 s");
}

#[tokio::test(start_paused = true)]
async fn another_process_goes_on_waiting() {
    let before = item(EARLY, offer(json!(80)), json!([]));
    let (client, _) = looks(vec![before], ok(ACCEPTED));
    let Fate::Pending { receipt, .. } = wait(&client, patch([price()])).await else { panic!("settled") };
    let stored = serde_json::to_string(&receipt).unwrap();

    let receipt: Receipt = serde_json::from_str(&stored).unwrap();
    let (client, script) = looks(vec![item(LATE, offer(json!(75.5)), json!([]))], ok(ACCEPTED));
    let settled = receipt.wait(&client, EVERY, PATIENCE).await.unwrap();
    assert!(matches!(settled, Some(Settled::Shown(_))));
    assert!(calls(&script).iter().all(|call| call.method() == "GET"), "nothing is written again");
}

#[tokio::test(start_paused = true)]
async fn a_receipt_from_before_the_write_tells_after_a_crash_what_became_of_it() {
    let old = json!([{"code": "1", "message": "alt", "severity": "ERROR"}]);
    let before = item(EARLY, offer(json!(80)), old.clone());
    let (client, script) = looks(vec![before], ok(ACCEPTED));
    let receipt = Receipt::before(&client, &patch([price()])).await.unwrap();
    assert_eq!((receipt.submission(), calls(&script).len()), (None, 1));
    let stored = serde_json::to_string(&receipt).unwrap();

    // The process goes while the write is under way.
    script.delay(EVERY);
    let write = receipt.submit_and_wait(&client, patch([price()]), EVERY, PATIENCE);
    assert!(tokio::time::timeout(EVERY / 2, write).await.is_err());
    assert_eq!(calls(&script)[1].method(), "PATCH");

    let receipt: Receipt = serde_json::from_str(&stored).unwrap();
    let looked = vec![item(EARLY, offer(json!(80)), old.clone()), item(LATE, offer(json!(75.5)), old)];
    let (client, script) = looks(looked, ok(ACCEPTED));
    let settled = receipt.wait(&client, EVERY, PATIENCE).await.unwrap();
    assert!(matches!(settled, Some(Settled::Shown(_))), "the old error is known from before: {settled:?}");
    assert_eq!(calls(&script).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_that_of_one_write_alone() {
    let (client, script) = looks(vec![item(EARLY, offer(json!(80)), json!([]))], ok(ACCEPTED));
    let receipt = Receipt::before(&client, &patch([price()])).await.unwrap();
    let other = patch([new_price("TRY", "7.55".parse().unwrap())]);
    let error = receipt.submit_and_wait(&client, other, EVERY, PATIENCE).await.unwrap_err();
    assert_eq!((error.kind(), calls(&script).len()), (ErrorKind::Request, 1));
}

#[tokio::test(start_paused = true)]
async fn errors_that_are_new_settle_a_write_and_old_ones_do_not() {
    let old = json!({"code": "1", "message": "alt", "severity": "ERROR", "attributeNames": ["color"]});
    let new = json!({"code": "1", "message": "neu", "severity": "ERROR", "attributeNames": ["size"]});
    let warning = json!({"code": "2", "message": "w", "severity": "WARNING"});
    let look = |issues: Value| item(EARLY, offer(json!(80)), issues);
    let looked = vec![look(json!([old])), look(json!([old, warning])), look(json!([old, new]))];
    let (client, script) = looks(looked, ok(ACCEPTED));
    let Fate::Settled(Settled::Errors(_, errors)) = wait(&client, patch([price()])).await else { panic!("no errors") };
    assert_eq!(errors.iter().map(|issue| issue.message.as_str()).collect::<Vec<_>>(), ["neu"]);
    assert_eq!(calls(&script).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_amazon_shows_in_its_own_form_has_settled_when_the_listing_was_changed() {
    let picture = |url: &str| json!({"main_product_image_locator": [{"media_location": url, "marketplace_id": "A33AVAJ2PDY3EV"}]});
    let before = item(EARLY, picture("https://m.media-amazon.com/images/I/old.jpg"), json!([]));
    let after = item(LATE, picture("https://m.media-amazon.com/images/I/new.jpg"), json!([]));
    let set = Image::Main.patch(&Marketplace::TR, "https://shop.example/new.jpg").unwrap();
    let (client, _) = looks(vec![before, after], ok(ACCEPTED));
    assert!(matches!(wait(&client, patch([set])).await, Fate::Settled(Settled::Changed(_))));
}

#[tokio::test(start_paused = true)]
async fn a_replacement_has_not_settled_while_what_it_drops_is_there() {
    let mut on_sale = offer(json!(75.5));
    on_sale["purchasable_offer"][0]["discounted_price"] = json!([{"schedule": []}]);
    let looked = vec![
        item(EARLY, on_sale.clone(), json!([])),
        item(LATE, on_sale, json!([])),
        item(LATE, offer(json!(75.5)), json!([])),
    ];
    let (client, script) = looks(looked, ok(ACCEPTED));
    assert!(matches!(wait(&client, patch([price()])).await, Fate::Settled(Settled::Shown(_))));
    assert_eq!(calls(&script).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_offer_to_another_audience_is_not_what_was_sent() {
    let mut business = offer(json!(75.5));
    business["purchasable_offer"][0]["audience"] = json!("B2B");
    let (client, _) = looks(vec![item(EARLY, business, json!([]))], ok(ACCEPTED));
    assert!(matches!(wait(&client, patch([price()])).await, Fate::Pending { .. }));
}

#[tokio::test(start_paused = true)]
async fn deletions_and_merges_settle_too() {
    let gone = Ok(response(404, NOT_FOUND));
    let delete = DeleteListingsItem::new(seller(), sku("S"), [Marketplace::TR]);
    let there = || item(EARLY, offer(json!(80)), json!([]));
    let (client, _) = looks(vec![there(), there(), gone], ok(ACCEPTED));
    assert!(matches!(wait(&client, delete).await, Fate::Settled(Settled::Gone)));

    let pictures = json!({"main_product_image_locator": [{"media_location": "x", "marketplace_id": "A33AVAJ2PDY3EV"}]});
    let looked = vec![
        item(EARLY, pictures.clone(), json!([])),
        item(EARLY, pictures, json!([])),
        item(LATE, json!({}), json!([])),
    ];
    let (client, script) = looks(looked, ok(ACCEPTED));
    let delete = patch([Image::Main.delete_patch(&Marketplace::TR)]);
    assert!(matches!(wait(&client, delete).await, Fate::Settled(Settled::Shown(_))));
    assert_eq!(calls(&script).len(), 4);

    let stock = |quantity: u32| {
        json!({"fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT",
        "quantity": quantity, "restock_date": "2027-01-01", "marketplace_id": "A33AVAJ2PDY3EV"}]})
    };
    let looked = vec![item(EARLY, stock(3), json!([])), item(LATE, stock(12), json!([]))];
    let (client, _) = looks(looked, ok(ACCEPTED));
    assert!(matches!(wait(&client, patch([quantity_patch(12, None)])).await, Fate::Settled(Settled::Shown(_))));
}

#[tokio::test(start_paused = true)]
async fn a_new_listing_has_settled_when_it_is_there() {
    let absent = || Ok(response(404, NOT_FOUND));
    let attributes = json!({"item_name": [{"value": "Ayakkabı"}]});
    let shown =
        json!({"item_name": [{"value": "Ayakkabı", "language_tag": "tr_TR", "marketplace_id": "A33AVAJ2PDY3EV"}]});
    let (client, script) = looks(vec![absent(), absent(), item(LATE, shown, json!([]))], ok(ACCEPTED));
    assert!(matches!(wait(&client, put(attributes)).await, Fate::Settled(Settled::Shown(_))));
    assert_eq!(calls(&script).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_looked_for_and_not_sent_again() {
    let before = || item(EARLY, offer(json!(80)), json!([]));
    let after = item(LATE, offer(json!(75.5)), json!([]));
    let (client, script) = looks(vec![before(), before(), after], Err(TransportErrorKind::Interrupted));
    assert!(matches!(wait(&client, Once(patch([price()]))).await, Fate::Settled(Settled::Shown(_))));
    assert_eq!(calls(&script).iter().filter(|call| call.method() == "PATCH").count(), 1);

    // Also one that could be repeated: what somebody else writes meanwhile must not be overwritten.
    let after = item(LATE, offer(json!(75.5)), json!([]));
    let (client, script) = looks(vec![before(), after], Err(TransportErrorKind::Timeout));
    assert!(matches!(wait(&client, patch([price()])).await, Fate::Settled(Settled::Shown(_))));
    assert_eq!(calls(&script).iter().filter(|call| call.method() == "PATCH").count(), 1);

    let (client, _) = looks(vec![before()], Err(TransportErrorKind::Interrupted));
    let Fate::Pending { receipt, error } = wait(&client, Once(patch([price()]))).await else { panic!("settled") };
    assert_eq!((receipt.submission(), error.unwrap().kind()), (None, ErrorKind::Interrupted));
}

#[tokio::test(start_paused = true)]
async fn looks_that_fail_for_a_moment_end_no_wait() {
    let before = item(EARLY, offer(json!(80)), json!([]));
    let after = item(LATE, offer(json!(75.5)), json!([]));
    let looked =
        vec![before, Ok(response(503, "")), Err(TransportErrorKind::Timeout), Ok(response(404, "<html>")), after];
    let (client, _) = looks(looked, ok(ACCEPTED));
    // A 404 that is not Amazon's is no answer about the listing; the write stays known.
    let Fate::Pending { receipt, error } = wait(&client, patch([price()])).await else { panic!("settled") };
    assert_eq!(error.unwrap().kind(), ErrorKind::NotFound);
    assert!(matches!(receipt.look(&client).await.unwrap(), Some(Settled::Shown(_))));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_waited_for() {
    let before = || item(EARLY, offer(json!(80)), json!([]));
    let (client, script) = looks(vec![before()], ok(&fixture("invalid")));
    assert!(matches!(wait(&client, patch([price()])).await, Fate::Answered(Submission::Invalid(_))));
    assert_eq!(calls(&script).len(), 2);

    // Nor is anything written where the listing cannot be read before.
    let (client, script) = looks(vec![Ok(response(403, NOT_FOUND))], ok(ACCEPTED));
    assert!(submit_and_wait(&client, patch([price()]), EVERY, PATIENCE).await.is_err());
    assert!(calls(&script).iter().all(|call| call.method() == "GET"));

    let (client, _) = looks(vec![before()], Err(TransportErrorKind::Connect));
    let error = submit_and_wait(&client, patch([price()]), EVERY, PATIENCE).await.unwrap_err();
    assert!(!error.may_have_been_applied());
}
