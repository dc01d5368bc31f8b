//! How Amazon SP-API's answers are read, and what they teach.
//!
//! A refusal is an HTTP status with `errors: [{code, message, details}]`. An answer in any other form comes from the
//! gateway in front of the API (HTML since 2023-06-05 for a malformed request) and is reported as such by the kernel.

use core_http::{Error, ErrorKind, Fault, Head, Learnt, Lesson, Limit, Request, Response, Safety, Scope, Vendor};
use http::{Method, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use std::time::Duration;

/// Amazon's own failure, said inside a 200 with status `INVALID`: "An internal error has occurred. Please try again."
/// (selling-partner-api-models #4603, #4362: the same call is taken another day).
pub(crate) const INTERNAL_FAILURE: &str = "4000000";

/// Amazon's Selling Partner API.
///
/// What its answers mean ([`ErrorKind`]), by HTTP status and, where the status says nothing, by the code of the first of
/// its `errors`:
///
/// | HTTP | codes seen | kind | what to do |
/// | --- | --- | --- | --- |
/// | 400 | `InvalidInput`, `BAD_REQUEST` | `Rejected` | mend the arguments: the message names them |
/// | 400, HTML | | `Rejected` | the gateway refused the form of the request: ask what stands between you and Amazon |
/// | 401 | `Unauthorized` | `Auth` | as 403 |
/// | 403 | `Unauthorized`, `MissingAuthenticationToken` | `Auth` | one new token was tried; else the application lacks a role, the seller's consent, or the path was damaged on the way |
/// | 404 | `NOT_FOUND`, `NotFound` | `NotFound` | the seller has no such SKU in this store |
/// | 413, 415 | `RequestTooLarge`, `UnsupportedMediaType` | `Rejected` | send less, or as JSON |
/// | 429, or any with the code `QuotaExceeded` | `QuotaExceeded` | `Throttled` | was sent again after waits; give it more time, or call less |
/// | 500, 502, 503, 504 | `InternalFailure`, `ServiceUnavailable` | `Unavailable` | was sent again where that is safe; a write may have been applied: read the listing |
/// | 2xx with `errors` | `InternalFailure`, `ServiceUnavailable`; `NotFound`; `Unauthorized`; others | `Unavailable`; `NotFound`; `Auth`; `Rejected` | as above |
/// | 2xx that is cut short or no JSON | | `Decode` | a write may have been applied: read the listing |
///
/// LWA refuses with `invalid_grant`, `invalid_client` and their like: `Auth`, at once, in its words, with what can be done
/// about it in [`Fault::advice`]; `server_error` and `temporarily_unavailable` mean that the call was not sent (`Connect`).
#[derive(Debug)]
pub enum SpApi {}

impl Vendor for SpApi {
    const NAME: &'static str = "sp-api";

    type Envelope<W: DeserializeOwned> = W;

    fn unwrap<W: DeserializeOwned>(envelope: W) -> Result<W, Fault> {
        Ok(envelope)
    }

    fn refusal(response: &Response) -> Option<Fault> {
        let ErrorList { errors } = serde_json::from_slice(response.body()).ok()?;
        let code = errors.first()?.code.clone().unwrap_or_default();
        let message: Vec<String> = errors.iter().map(Refusal::text).collect();
        let mut fault = Fault::new(kind(response.status(), &code), code, message.join("; "));
        if response.status() == StatusCode::BAD_REQUEST && fault.message.contains(TOKEN_MISMATCH) {
            (fault.kind, fault.retry_after) = (ErrorKind::Busy, Some(TOKEN_PAUSE));
        }
        Some(fault)
    }

    fn lessons(head: &Head<'_>, fault: Option<&Fault>, limits: &[Limit]) -> Vec<Lesson> {
        let mut lessons: Vec<Lesson> = announced(head, limits).into_iter().collect();
        if let Some(fault) = fault.filter(|fault| fault.kind == ErrorKind::Throttled) {
            let refused = Learnt::Refused(fault.retry_after);
            lessons.extend(exceeded(fault, limits).map(|limit| Lesson { limit, what: refused }));
        }
        lessons
    }

    fn request_id(head: &Head<'_>) -> Option<String> {
        head.header("x-amzn-requestid").map(str::to_owned)
    }

    /// A listing: its seller and SKU, in whatever store.
    fn changes(request: &Request, safety: Safety) -> Option<String> {
        let writes = [Method::PUT, Method::PATCH, Method::DELETE].contains(request.method());
        let path = request.uri().path();
        (writes && safety != Safety::ReadOnly && path.starts_with(LISTINGS)).then(|| path.to_owned())
    }

    /// Amazon answers 403, and not 404, to a path that it does not know (selling-partner-api-models #4429).
    fn advice(request: &Request, fault: &Fault) -> Option<&'static str> {
        let forbidden = fault.status == Some(StatusCode::FORBIDDEN);
        (forbidden && request.uri().path().contains('%')).then_some(
            "the path was sent percent-encoded: Amazon answers so, too, when a proxy or transport on the way has decoded \
             it or encoded it again",
        )
    }
}

/// A page token that fits the search is now and then refused in these words, and taken some seconds later
/// (selling-partner-api-models #4977). Nothing but the message tells this `InvalidInput` from any other: it is the only
/// place where a message decides what an answer means.
const TOKEN_MISMATCH: &str = "do not match the provided 'pageToken'";
const TOKEN_PAUSE: Duration = Duration::from_secs(1);

/// Whether Amazon itself says that a seller has no such listing in a store. A 404 without its code comes from something
/// else, at a wrong address for example.
pub fn is_not_listed(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound && error.fault().is_some_and(|fault| !fault.code.is_empty())
}

/// Where the listings are, in every version of the API.
const LISTINGS: &str = "/listings/";

#[derive(Deserialize)]
struct ErrorList {
    errors: Vec<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: Option<String>,
    message: Option<String>,
    details: Option<String>,
}

impl Refusal {
    /// The message, and the details where there are any: they often are an empty text.
    fn text(&self) -> String {
        let parts = [&self.message, &self.details];
        let parts: Vec<&str> =
            parts.into_iter().flatten().map(String::as_str).filter(|part| !part.is_empty()).collect();
        parts.join(" ")
    }
}

/// What a refusal means: the status, and where that says nothing (errors inside a 2xx) the code.
fn kind(status: StatusCode, code: &str) -> ErrorKind {
    match (status.as_u16(), code) {
        (429, _) | (_, "QuotaExceeded") => ErrorKind::Throttled,
        (401 | 403, _) => ErrorKind::Auth,
        (404, _) => ErrorKind::NotFound,
        (408 | 500.., _) => ErrorKind::Unavailable,
        (400.., _) => ErrorKind::Rejected,
        (_, "Unauthorized" | "MissingAuthenticationToken") => ErrorKind::Auth,
        (_, "NotFound" | "NOT_FOUND") => ErrorKind::NotFound,
        (_, "InternalFailure" | "ServiceUnavailable") => ErrorKind::Unavailable,
        _ => ErrorKind::Rejected,
    }
}

/// The buckets that only some calls of an operation count against: the end of a [`Limit`]'s name.
pub(crate) mod tier {
    pub(crate) const RELATIONSHIPS: &str = "relationships";
    pub(crate) const PRODUCT_DATA: &str = "productData";
}

/// The rate in `x-amzn-RateLimit-Limit`: it is that of the account and the application together, never of the
/// application alone (docs "Usage Plans and Rate Limits").
fn announced(head: &Head<'_>, limits: &[Limit]) -> Option<Lesson> {
    let rate: f64 = head.header("x-amzn-ratelimit-limit")?.trim().parse().ok()?;
    let mut accounts = limits.iter().filter(|limit| limit.scope == Scope::Account);
    let (first, second) = (*accounts.next()?, accounts.next());
    // A preview counts against two buckets of the account and the header does not say which one it means: it may only
    // lower the narrower one.
    let (limit, rate) = match second {
        Some(narrow) => (*narrow, rate.min(narrow.quota.per_second)),
        None => (first, rate),
    };
    Some(Lesson { limit, what: Learnt::Rate(rate) })
}

/// The buckets that a 429 closes. Which tier refused stands in the message alone (wording of 2025-06-25); nothing else
/// is decided by it, and without it the account's buckets close.
fn exceeded(fault: &Fault, limits: &[Limit]) -> impl Iterator<Item = Limit> {
    let says = |text| fault.message.contains(text);
    let application = limits.iter().filter(|limit| limit.scope == Scope::Application);
    let named: Vec<Limit> = if says("for relationships") {
        application.filter(|limit| limit.name.ends_with(tier::RELATIONSHIPS)).copied().collect()
    } else if says("for product data") {
        application.filter(|limit| limit.name.ends_with(tier::PRODUCT_DATA)).copied().collect()
    } else if says("for the application") {
        application.copied().collect()
    } else {
        Vec::new()
    };
    let account = |limit: &&Limit| limit.scope == Scope::Account;
    let closed = if named.is_empty() { limits.iter().filter(account).copied().collect() } else { named };
    closed.into_iter()
}
