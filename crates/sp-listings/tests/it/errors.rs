//! Every documented refusal, one row each.

use crate::{client, sku};
use core_http::{Error, ErrorKind, ErrorKind as Kind, testing::response};
use sp_listings::{GetListingsItem, Marketplace};

const HTML: &str = "<html><body>Bad Request</body></html>";

async fn refused(status: u16, body: &'static str) -> Error {
    let (client, _) = client(move |_| {
        let mut answer = response(status, body);
        answer.headers_mut().insert("x-amzn-requestid", "r-1".parse().unwrap());
        Ok(answer)
    });
    client.call(GetListingsItem::new(crate::seller(), sku("S"), [Marketplace::TR])).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn every_status_and_code_has_its_kind() {
    let rows: &[(u16, &'static str, ErrorKind, &str)] = &[
        (400, r#"{"errors":[{"code":"InvalidInput","message":"m"}]}"#, Kind::Rejected, "InvalidInput"),
        (400, r#"{"errors":[{"code":"BAD_REQUEST","message":"m"}]}"#, Kind::Rejected, "BAD_REQUEST"),
        (400, r#"{"errors":[{"code":"QuotaExceeded","message":"m"}]}"#, Kind::Throttled, "QuotaExceeded"),
        (401, r#"{"errors":[{"code":"Unauthorized","message":"m"}]}"#, Kind::Auth, "Unauthorized"),
        (403, r#"{"errors":[{"code":"Unauthorized","message":"m","details":"d"}]}"#, Kind::Auth, "Unauthorized"),
        (
            403,
            r#"{"errors":[{"code":"MissingAuthenticationToken","message":"m"}]}"#,
            Kind::Auth,
            "MissingAuthenticationToken",
        ),
        (404, r#"{"errors":[{"code":"NOT_FOUND","message":"m"}]}"#, Kind::NotFound, "NOT_FOUND"),
        (404, r#"{"errors":[{"code":"NotFound","message":"m"}]}"#, Kind::NotFound, "NotFound"),
        // The status decides: a code says something only where the status does not.
        (400, r#"{"errors":[{"code":"InternalFailure","message":"m"}]}"#, Kind::Rejected, "InternalFailure"),
        (422, r#"{"errors":[{"code":"NOT_FOUND","message":"m"}]}"#, Kind::Rejected, "NOT_FOUND"),
        (413, r#"{"errors":[{"code":"RequestTooLarge","message":"m"}]}"#, Kind::Rejected, "RequestTooLarge"),
        (415, r#"{"errors":[{"code":"UnsupportedMediaType","message":"m"}]}"#, Kind::Rejected, "UnsupportedMediaType"),
        (429, r#"{"errors":[{"code":"QuotaExceeded","message":"m"}]}"#, Kind::Throttled, "QuotaExceeded"),
        (429, HTML, Kind::Throttled, ""),
        (500, r#"{"errors":[{"code":"InternalFailure","message":"m"}]}"#, Kind::Unavailable, "InternalFailure"),
        (503, r#"{"errors":[{"code":"ServiceUnavailable","message":"m"}]}"#, Kind::Unavailable, "ServiceUnavailable"),
        (400, HTML, Kind::Rejected, ""),
        (404, HTML, Kind::NotFound, ""),
        (403, HTML, Kind::Auth, ""),
        (502, HTML, Kind::Unavailable, ""),
        (504, HTML, Kind::Unavailable, ""),
        (400, r#"{"errors":[]}"#, Kind::Rejected, ""),
        (400, r#"{"errors":[{"message":"no code"}]}"#, Kind::Rejected, ""),
        (200, r#"{"errors":[{"code":"InternalFailure","message":"m"}]}"#, Kind::Unavailable, "InternalFailure"),
        (200, r#"{"errors":[{"code":"Unauthorized","message":"m"}]}"#, Kind::Auth, "Unauthorized"),
        (200, r#"{"errors":[{"code":"NotFound","message":"m"}]}"#, Kind::NotFound, "NotFound"),
        (200, r#"{"errors":[{"code":"InvalidInput","message":"m"}]}"#, Kind::Rejected, "InvalidInput"),
    ];
    for (status, body, kind, code) in rows {
        let error = refused(*status, body).await;
        let fault = error.fault().unwrap_or_else(|| panic!("{status} {body}: {error}"));
        assert_eq!((error.kind(), fault.code.as_str()), (*kind, *code), "{status} {body}");
        assert_eq!(fault.request_id.as_deref(), Some("r-1"), "{status} {body}");
        assert_eq!(fault.status.map(|status| status.as_u16()), Some(*status), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_shows_what_amazon_said_and_its_request_id() {
    let body =
        r#"{"errors":[{"code":"InvalidInput","message":"Wrong.","details":"Very."},{"code":"x","message":"Also."}]}"#;
    let error = refused(400, body).await;
    assert_eq!(
        error.to_string(),
        "getListingsItem: rejected: HTTP 400 InvalidInput: Wrong. Very.; Also. (request r-1)"
    );
}

#[tokio::test(start_paused = true)]
async fn html_names_the_gateway() {
    for status in [400, 502] {
        let error = refused(status, HTML).await.to_string();
        assert!(error.contains("a gateway's answer, not the vendor's own: `<html><body>Bad Request"), "{error}");
        assert!(error.ends_with("(request r-1)"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_path_with_an_encoded_character_hints_at_the_encoding() {
    const DENIED: &str =
        r#"{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied.","details":""}]}"#;
    for (text, status, body, hints) in [
        ("A/B", 403, DENIED, true),
        ("A B", 403, HTML, true),
        ("A-B", 403, DENIED, false),
        ("A/B", 401, DENIED, false),
        ("A/B", 400, DENIED, false),
    ] {
        let (client, _) = client(move |_| Ok(response(status, body)));
        let get = GetListingsItem::new(crate::seller(), sku(text), [Marketplace::TR]);
        let error = client.call(get).await.unwrap_err().to_string();
        assert_eq!(error.contains("; the path was sent percent-encoded"), hints, "{text} {status}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_truncated_answer_is_never_a_success() {
    for body in ["", r#"{"sku":"S""#, "null", "[]", HTML] {
        let error = refused(200, body).await;
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::Decode, Some("r-1")), "{body}");
        assert!(error.to_string().ends_with(" (request r-1)"), "{error}");
    }
}

#[test]
fn fixtures_of_refusals_keep_their_words() {
    let body = crate::fixture("error");
    let error = sp_listings::inspect("patchListingsItem", body.as_bytes()).unwrap().unwrap_err();
    let fault = error.fault().unwrap();
    assert_eq!(fault.code, "InvalidInput");
    assert_eq!(fault.message, "Request has missing or invalid parameters and cannot be parsed.");
}
