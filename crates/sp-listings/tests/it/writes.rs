//! Previewing and writing. A9 is a row of the fault matrix.

use crate::{TOKEN, builder, fixture, is_token_call, seller, sku};
use core_http::{
    ErrorKind, Once, Request, Response, TransportError, TransportErrorKind,
    testing::{Script, response},
};
use serde_json::{Value, json};
use sp_listings::{
    DeleteListingsItem, ListingsItemPatchRequest, ListingsItemPutRequest, Marketplace, PatchListingsItem,
    PatchOperation, PutListingsItem, SpClient, Submission, Unchecked, new_price, preview_then_submit, quantity_patch,
};
use std::sync::Arc;

pub(crate) const ACCEPTED: &str = r#"{"sku":"S","status":"ACCEPTED","submissionId":"id-1","issues":[]}"#;
const VALID: &str = r#"{"sku":"S","status":"VALID","submissionId":"id-2"}"#;
const INTERNAL: &str = r#"{"sku":"S","status":"INVALID","submissionId":"id-3","issues":[
    {"code":"4000000","message":"An internal error has occurred. Please try again.","severity":"ERROR","categories":[]}]}"#;
pub(crate) const NOT_FOUND: &str = r#"{"errors":[{"code":"NOT_FOUND","message":"no such SKU"}]}"#;

pub(crate) fn patch(changes: impl IntoIterator<Item = PatchOperation>) -> PatchListingsItem {
    PatchListingsItem::new(seller(), sku("S"), [Marketplace::TR], ListingsItemPatchRequest::offer(changes))
}

pub(crate) fn price() -> PatchOperation {
    new_price("TRY", "75.50".parse().unwrap())
}

pub(crate) fn put(attributes: Value) -> PutListingsItem {
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

pub(crate) fn ok(body: &str) -> Result<Response, TransportErrorKind> {
    Ok(response(200, body))
}

pub(crate) fn calls(script: &Script) -> Vec<Request> {
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
