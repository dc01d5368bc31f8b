//! Previewing, writing and waiting. A9 is a row of the fault matrix.

use crate::{TOKEN, builder, fixture, is_token_call, seller, sku};
use core_http::{
    ErrorKind, Once, Request, Response, TransportError, TransportErrorKind,
    testing::{Script, response},
};
use serde_json::{Value, json};
use sp_listings::{
    DeleteListingsItem, Fate, Image, ListingsItemPatchRequest, ListingsItemPutRequest, Marketplace, PatchListingsItem,
    PatchOperation, PutListingsItem, Receipt, Settled, SpClient, Submission, Unchecked, new_price, preview_then_submit,
    quantity_patch, submit_and_wait,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

const ACCEPTED: &str = r#"{"sku":"S","status":"ACCEPTED","submissionId":"id-1","issues":[]}"#;
const VALID: &str = r#"{"sku":"S","status":"VALID","submissionId":"id-2"}"#;
const INTERNAL: &str = r#"{"sku":"S","status":"INVALID","submissionId":"id-3","issues":[
    {"code":"4000000","message":"An internal error has occurred. Please try again.","severity":"ERROR","categories":[]}]}"#;
const NOT_FOUND: &str = r#"{"errors":[{"code":"NOT_FOUND","message":"no such SKU"}]}"#;

fn patch(changes: impl IntoIterator<Item = PatchOperation>) -> PatchListingsItem {
    PatchListingsItem::new(seller(), sku("S"), [Marketplace::TR], ListingsItemPatchRequest::offer(changes))
}

fn price() -> PatchOperation {
    new_price("TRY", "75.50".parse().unwrap())
}

fn put(attributes: Value) -> PutListingsItem {
    let body = ListingsItemPutRequest::new("SHOES", attributes.as_object().unwrap().clone());
    PutListingsItem::new(seller(), sku("S"), [Marketplace::TR], body)
}

/// A client whose calls are answered in turn.
fn answering(answers: Vec<Result<Response, TransportErrorKind>>) -> (SpClient, Arc<Script>) {
    let script = Arc::new(Script::new());
    let mut answers = answers.into_iter();
    script.always(move |request| match is_token_call(request) {
        true => Ok(response(200, TOKEN)),
        false => match answers.next().expect("no more calls than answers") {
            Ok(answer) => Ok(answer),
            Err(kind) => Err(TransportError::new(kind, "scripted")),
        },
    });
    (builder(&script).build().unwrap(), script)
}

fn ok(body: &str) -> Result<Response, TransportErrorKind> {
    Ok(response(200, body))
}

fn calls(script: &Script) -> Vec<Request> {
    script.seen().into_iter().filter(|request| !is_token_call(request)).collect()
}

fn is_preview(request: &Request) -> bool {
    request.uri().query().unwrap().contains("mode=VALIDATION_PREVIEW")
}

#[tokio::test(start_paused = true)]
async fn a9_an_invalid_submission_is_never_taken_for_a_success() {
    let invalid = fixture("invalid");
    let (client, script) = answering(vec![ok(&invalid), ok(&invalid), ok(&invalid)]);
    for submission in [
        client.call(patch([price()])).await.unwrap(),
        client.call(put(json!({}))).await.unwrap(),
        client.call(DeleteListingsItem::new(seller(), sku("S"), [Marketplace::TR])).await.unwrap(),
    ] {
        assert!(matches!(submission, Submission::Invalid(_)));
        assert_eq!((submission.issues().len(), submission.errors().count()), (28, 28));
        let first = "90220: “item_name” özelliğinin sağlanması zorunlu ancak sağlanmadı.; 90220: ";
        assert!(submission.to_string().starts_with(first), "{submission}");
    }
    assert_eq!(calls(&script).len(), 3, "a refusal is not sent again");
}

#[tokio::test(start_paused = true)]
async fn a9_a_write_is_not_made_when_its_preview_is_invalid() {
    let invalid = fixture("invalid");
    let (client, script) = answering(vec![ok(&invalid), ok(&invalid)]);
    for answers in [
        preview_then_submit(&client, Once(patch([price()]))).await.unwrap(),
        preview_then_submit(&client, Unchecked(put(json!({"item_name": []})))).await.unwrap(),
    ] {
        assert!(matches!(answers.preview, Submission::Invalid(_)));
        assert_eq!(answers.write, None);
        assert_eq!(answers.last().issues().len(), 28);
    }
    assert!(calls(&script).iter().all(is_preview));
}

#[tokio::test(start_paused = true)]
async fn the_preview_of_a_write_that_is_made_once_changes_nothing_and_is_asked_again() {
    let gateway = || Ok(response(502, "<html>"));
    let (client, script) = answering(vec![gateway(), ok(VALID), ok(ACCEPTED)]);
    let answers = preview_then_submit(&client, Once(patch([price()]))).await.unwrap();
    assert!(matches!(answers.write, Some(Submission::Accepted(_))));
    assert_eq!(calls(&script).iter().map(is_preview).collect::<Vec<_>>(), [true, true, false]);

    let (client, _) = answering(vec![gateway(), gateway(), gateway(), gateway()]);
    let error = preview_then_submit(&client, Once(patch([price()]))).await.unwrap_err();
    assert!(!error.may_have_been_applied(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_preview_is_followed_by_the_same_write_and_both_answers_are_told() {
    let invalid = fixture("invalid");
    let (client, script) = answering(vec![ok(VALID), ok(ACCEPTED), ok(VALID), ok(&invalid)]);
    let answers = preview_then_submit(&client, patch([price()])).await.unwrap();
    assert!(matches!((&answers.preview, &answers.write), (Submission::Valid(_), Some(Submission::Accepted(_)))));
    // A preview does not see everything (selling-partner-api-models #5337).
    let answers = preview_then_submit(&client, patch([price()])).await.unwrap();
    assert!(matches!((&answers.preview, answers.last()), (Submission::Valid(_), Submission::Invalid(_))));
    let sent = calls(&script);
    assert_eq!(sent.iter().map(is_preview).collect::<Vec<_>>(), [true, false, true, false]);
    assert_eq!(sent[0].body(), sent[1].body());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_valid_is_not_written_whatever_else_it_is() {
    for status in ["ACCEPTED", "SOMETHING_NEW"] {
        let body = json!({"sku": "S", "status": status, "submissionId": "x"}).to_string();
        let (client, script) = answering(vec![ok(&body)]);
        let answers = preview_then_submit(&client, patch([price()])).await.unwrap();
        assert_eq!((answers.write, calls(&script).len()), (None, 1), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn amazons_own_failure_in_a_200_is_sent_again_only_where_that_is_safe() {
    // A preview and a `replace` end in the same state however often they are applied.
    let (client, script) = answering(vec![ok(INTERNAL), ok(VALID), ok(INTERNAL), ok(INTERNAL), ok(ACCEPTED)]);
    assert!(matches!(client.call(patch([price()]).preview()).await.unwrap(), Submission::Valid(_)));
    assert!(matches!(client.call(patch([price()])).await.unwrap(), Submission::Accepted(_)));
    assert_eq!(calls(&script).len(), 5);

    // A `merge`, and whatever the caller wants sent once, are not.
    let (client, script) = answering(vec![ok(INTERNAL), ok(INTERNAL)]);
    for error in [
        client.call(patch([quantity_patch(3, None)])).await.unwrap_err(),
        client.call(Once(patch([price()]))).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Unavailable, 1));
        assert!(error.may_have_been_applied());
        let text = "4000000: An internal error has occurred. Please try again. (submission id-3)";
        assert!(error.to_string().ends_with(text), "{error}");
    }
    assert_eq!(calls(&script).len(), 2);

    // It does not go on for ever, and a preview cannot have done anything.
    let (client, script) = answering((0..4).map(|_| ok(INTERNAL)).collect());
    let error = client.call(patch([price()]).preview()).await.unwrap_err();
    assert_eq!((calls(&script).len(), error.may_have_been_applied()), (4, false));
}

#[tokio::test(start_paused = true)]
async fn amazons_own_failure_beside_an_error_of_the_submission_is_a_refusal() {
    let mut both: Value = serde_json::from_str(INTERNAL).unwrap();
    both["issues"].as_array_mut().unwrap().push(json!({"code": "90220", "message": "missing", "severity": "ERROR"}));
    let (client, script) = answering(vec![ok(&both.to_string())]);
    assert!(matches!(client.call(patch([price()])).await.unwrap(), Submission::Invalid(_)));
    assert_eq!(calls(&script).len(), 1);
}

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
