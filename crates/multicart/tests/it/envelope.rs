//! The envelope decides: `status`, then `code`; whatever does not fit it survives as a clear error.

use crate::client;
use core_http::{Error, ErrorKind as Kind, ErrorKind, Vendor, records::Scalars, testing::response};
use multicart::{AsinRowId, CollectionId, DeleteAsin, GetAsin, ListAsins, ListDomains, MultiCart};
use serde_json::{Value, json};

async fn refused(status: u16, body: &'static str) -> Error {
    let (client, _) = client(move |_| Ok(response(status, body)));
    client.call(GetAsin::new(AsinRowId(5))).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn every_code_has_its_kind() {
    for (code, kind) in [
        (400, Kind::Rejected),
        (401, Kind::Auth),
        (402, Kind::Funds),
        (403, Kind::Auth),
        (404, Kind::NotFound),
        (409, Kind::Rejected),
        (418, Kind::Rejected),
        (429, Kind::Throttled),
        (500, Kind::Unavailable),
        (503, Kind::Unavailable),
    ] {
        let body = format!(r#"{{"code":{code},"data":"Some reason","status":0}}"#);
        let (client, _) = client(move |_| Ok(response(200, &body)));
        let error = client.call(GetAsin::new(AsinRowId(5))).await.unwrap_err();
        let fault = error.fault().unwrap();
        assert_eq!((error.kind(), fault.code.as_str()), (kind, code.to_string().as_str()));
        assert_eq!(fault.message, "Some reason");
        assert_eq!(error.to_string(), format!("amazon.asin.get: {kind}: {code}: Some reason"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_one_even_where_the_content_is_a_text() {
    let (client, _) = client(|_| Ok(response(200, r#"{"code":404,"data":"No such row","status":0}"#)));
    let error = client.call(DeleteAsin::new(AsinRowId(5))).await.unwrap_err();
    assert_eq!((error.kind(), error.fault().unwrap().message.as_str()), (Kind::NotFound, "No such row"));
}

#[tokio::test(start_paused = true)]
async fn refusals_in_every_form_are_refusals() {
    let rows: &[(u16, &'static str, ErrorKind, &str, &str)] = &[
        (200, r#"{"code":402,"data":{"needed":7},"status":0}"#, Kind::Funds, "402", r#"{"needed":7}"#),
        (200, r#"{"code":409,"data":null,"status":0}"#, Kind::Rejected, "409", "no reason given"),
        (200, r#"{"code":409,"status":0}"#, Kind::Rejected, "409", "no reason given"),
        (200, r#"{"code":"404","data":"x","status":"0"}"#, Kind::NotFound, "404", "x"),
        (200, r#"{"code":404,"data":"x","status":false}"#, Kind::NotFound, "404", "x"),
        (200, r#"{"code":404,"data":"x"}"#, Kind::NotFound, "404", "x"),
        (200, r#"{"data":"x","status":0}"#, Kind::Rejected, "", "x"),
        (200, r#"{"code":200,"data":"x","status":0}"#, Kind::Rejected, "200", "x"),
        (403, r#"{"data":"x","status":0}"#, Kind::Auth, "", "x"),
        (502, r#"{"code":404,"data":"x","status":0}"#, Kind::NotFound, "404", "x"),
    ];
    for (status, body, kind, code, message) in rows {
        let error = refused(*status, body).await;
        let fault = error.fault().unwrap_or_else(|| panic!("{body}: {error}"));
        assert_eq!((error.kind(), fault.code.as_str(), fault.message.as_str()), (*kind, *code, *message), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_envelope_survives_as_an_error() {
    for (status, body, kind) in [
        (200, "<html>maintenance</html>", Kind::Decode),
        (200, "", Kind::Decode),
        (200, r#"{"code":200,"data":{"id":5"#, Kind::Decode),
        (200, r#"{"detail":"x"}"#, Kind::Decode),
        (200, r#"[1,2]"#, Kind::Decode),
        (200, r#"{"code":200,"data":"a text","status":1}"#, Kind::Decode),
        (200, r#"{"code":200,"status":1}"#, Kind::Decode),
        (401, r#"{"detail":"Invalid token."}"#, Kind::Auth),
        (403, "<html>", Kind::Auth),
        (404, "", Kind::NotFound),
        (301, "", Kind::Rejected),
        (429, "slow down", Kind::Throttled),
        (502, "<html>Bad Gateway</html>", Kind::Unavailable),
        (504, "", Kind::Unavailable),
    ] {
        let error = refused(status, body).await;
        assert_eq!(error.kind(), kind, "{status} {body}: {error}");
    }
    let error = refused(200, r#"{"code":200,"data":{"id":"five"},"status":1}"#).await;
    assert!(error.to_string().contains("data.id"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_success_may_lack_status_or_say_it_in_another_type() {
    for body in [
        r#"{"code":200,"data":[],"status":1}"#,
        r#"{"code":200,"data":[],"status":true}"#,
        r#"{"code":"200","data":[],"status":"1"}"#,
        r#"{"code":200,"data":[]}"#,
        r#"{"data":[],"status":1}"#,
    ] {
        let (client, _) = client(move |_| Ok(response(200, body)));
        assert_eq!(client.call(ListDomains::new()).await.unwrap(), [], "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_list_is_never_an_empty_one() {
    let (client, _) = client(|_| Ok(response(200, r#"{"code":500,"data":[],"status":0}"#)));
    let error = client.call(ListAsins::new(CollectionId(101))).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
}

fn seen(scalars: Value) -> Scalars {
    Scalars(scalars.as_object().unwrap().clone().into_iter().collect())
}

#[test]
fn a_stream_is_judged_again_at_its_end() {
    let verdict =
        |scalars: Value, end| MultiCart::verdict(&seen(scalars), end).map_err(|fault| (fault.kind, fault.message));
    assert_eq!(verdict(json!({"code": 200}), false), Ok(()));
    assert_eq!(verdict(json!({"code": 200, "status": 1}), true), Ok(()));
    let reason = "Insufficient".to_owned();
    let refusal = json!({"code": 402, "data": "Insufficient", "status": 0});
    assert_eq!(verdict(refusal.clone(), false), Err((Kind::Funds, reason.clone())));
    assert_eq!(verdict(refusal, true), Err((Kind::Funds, reason)));
    let cut = "the answer ended without a `status`".to_owned();
    assert_eq!(verdict(json!({}), true), Err((Kind::Decode, cut)));
}
