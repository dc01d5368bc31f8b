//! What a call counts against, what sending it twice would do, and what answers teach.

use crate::{TOKEN, builder, is_token_call, seller, sku};
use core_http::{
    ErrorKind, Fault, Head, Learnt, Lesson, Limit, Operation, Quota, Safety, Scope, Vendor,
    testing::{Script, response},
};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use sp_listings::{
    DeleteListingsItem, GetListingsItem, ListingsItemPatchRequest, ListingsItemPutRequest, Marketplace,
    PatchListingsItem, PatchOp, PatchOperation, PutListingsItem, SearchListingsItems, SpApi, new_price, quantity_patch,
};
use std::{sync::Arc, time::Duration};

fn patch(changes: impl IntoIterator<Item = PatchOperation>) -> PatchListingsItem {
    let body = ListingsItemPatchRequest::offer(changes);
    PatchListingsItem::new(seller(), sku("S"), [Marketplace::TR], body)
}

fn put(attributes: serde_json::Value) -> PutListingsItem {
    let attributes = attributes.as_object().unwrap().clone();
    PutListingsItem::new(seller(), sku("S"), [Marketplace::TR], ListingsItemPutRequest::new("SHOES", attributes))
}

fn price() -> PatchOperation {
    new_price("TRY", "75.50".parse().unwrap())
}

fn names(operation: &impl Operation) -> Vec<(Scope, &'static str)> {
    operation.limits().iter().map(|limit| (limit.scope, limit.name)).collect()
}

#[test]
fn a_patch_counts_by_what_it_changes() {
    let account = (Scope::Account, "patchListingsItem");
    let application = (Scope::Application, "patchListingsItem.application");
    let relationships = (Scope::Application, "patchListingsItem.relationships");
    let product_data = (Scope::Application, "patchListingsItem.productData");
    let previews = [(Scope::Account, "validationPreview"), (Scope::Application, "patchListingsItem.validationPreview")];
    assert_eq!(names(&patch([price(), quantity_patch(1, None)])), [account, application]);
    assert_eq!(names(&patch([price()]).preview()), [account, application, previews[0], previews[1]]);
    let parent = PatchOperation::replace("child_parent_sku_relationship", [json!({})]);
    assert_eq!(names(&patch([parent.clone()])), [account, application, relationships]);
    let title = PatchOperation::replace("item_name", [json!({"value": "x"})]);
    assert_eq!(names(&patch([title.clone()])), [account, application, product_data]);
    assert_eq!(names(&patch([title, parent, price()])), [account, application, relationships, product_data]);
}

#[test]
fn a_put_counts_by_what_it_holds() {
    let base = [(Scope::Account, "putListingsItem"), (Scope::Application, "putListingsItem.application")];
    assert_eq!(names(&put(json!({"item_name": []}))), base);
    assert_eq!(names(&put(json!({}))).len() + 1, names(&put(json!({})).preview()).len());
    let related = names(&put(json!({"package_contains_sku": []})));
    assert_eq!(related[2], (Scope::Application, "putListingsItem.relationships"));
}

#[test]
fn every_operation_counts_against_its_account() {
    let get = GetListingsItem::new(seller(), sku("S"), [Marketplace::TR]);
    let delete = DeleteListingsItem::new(seller(), sku("S"), [Marketplace::TR]);
    let search = SearchListingsItems::new(seller(), [Marketplace::TR]);
    let limits = [get.limits(), put(json!({})).limits(), patch([price()]).limits(), delete.limits(), search.limits()];
    for limits in limits {
        let account: Vec<&Limit> = limits.iter().filter(|limit| limit.scope == Scope::Account).collect();
        assert_eq!(account.len(), 1);
        assert_eq!(account[0].quota.per_second, 5.0);
    }
}

#[test]
fn only_what_ends_in_the_same_state_is_idempotent() {
    let delete = PatchOperation::delete("item_name", [json!({"language_tag": "tr_TR"})]);
    let merge = quantity_patch(1, None);
    let add = PatchOperation::add("bullet_point", [json!({"value": "x"})]);
    let new = PatchOperation::new(PatchOp::from("invented"), "/attributes/x");
    assert_eq!(patch([price(), delete]).safety(), Safety::Idempotent);
    for change in [merge, add, new] {
        assert_eq!(patch([price(), change.clone()]).safety(), Safety::Once, "{change:?}");
        assert_eq!(patch([change]).preview().safety(), Safety::ReadOnly);
    }
    assert_eq!(put(json!({})).safety(), Safety::Idempotent);
    assert_eq!(put(json!({})).preview().safety(), Safety::ReadOnly);
}

fn lessons(header: Option<&str>, fault: Option<&Fault>, operation: &impl Operation) -> Vec<Lesson> {
    let mut headers = HeaderMap::new();
    if let Some(rate) = header {
        headers.insert("x-amzn-RateLimit-Limit", rate.parse().unwrap());
    }
    let head = Head { status: StatusCode::OK, headers: &headers };
    SpApi::lessons(&head, fault, &operation.limits())
}

fn taught(lessons: &[Lesson]) -> Vec<(&'static str, Learnt)> {
    lessons.iter().map(|lesson| (lesson.limit.name, lesson.what)).collect()
}

#[test]
fn the_announced_rate_is_that_of_the_account_alone() {
    let patch = patch([price()]);
    assert_eq!(taught(&lessons(Some("2.5"), None, &patch)), [("patchListingsItem", Learnt::Rate(2.5))]);
    assert_eq!(taught(&lessons(Some("20"), None, &patch)), [("patchListingsItem", Learnt::Rate(20.0))]);
    for nonsense in [None, Some(""), Some("fast")] {
        assert!(lessons(nonsense, None, &patch).is_empty());
    }
}

#[test]
fn on_a_preview_the_announced_rate_may_only_lower_the_narrower_bucket() {
    let preview = patch([price()]).preview();
    assert_eq!(taught(&lessons(Some("5.0"), None, &preview)), [("validationPreview", Learnt::Rate(1.0))]);
    assert_eq!(taught(&lessons(Some("0.5"), None, &preview)), [("validationPreview", Learnt::Rate(0.5))]);
}

#[test]
fn a_429_closes_the_tier_that_its_message_names() {
    let related = PatchOperation::replace("package_contains_sku", [json!({})]);
    let title = PatchOperation::replace("item_name", [json!({})]);
    let patch = patch([price(), related, title]);
    let start = "You exceeded your quota: the rate is greater than what is allowed";
    for (end, closed) in [
        (" for relationships.", &["patchListingsItem.relationships"][..]),
        (" for product data.", &["patchListingsItem.productData"]),
        (
            " for the application.",
            &["patchListingsItem.application", "patchListingsItem.relationships", "patchListingsItem.productData"],
        ),
        (".", &["patchListingsItem"]),
    ] {
        let fault = Fault::new(ErrorKind::Throttled, "QuotaExceeded", format!("{start}{end}"));
        let lessons = lessons(None, Some(&fault), &patch);
        let names: Vec<&str> = lessons.iter().map(|lesson| lesson.limit.name).collect();
        assert_eq!(names, closed, "{end}");
        assert!(lessons.iter().all(|lesson| lesson.what == Learnt::Refused(None)));
    }
}

#[test]
fn a_tier_that_the_call_does_not_count_against_closes_the_account() {
    let fault = Fault::new(ErrorKind::Throttled, "QuotaExceeded", "greater than what is allowed for relationships.");
    let preview = patch([price()]).preview();
    let closed: Vec<&str> = lessons(None, Some(&fault), &preview).iter().map(|lesson| lesson.limit.name).collect();
    assert_eq!(closed, ["patchListingsItem", "validationPreview"]);
    let other = Fault::new(ErrorKind::Rejected, "InvalidInput", "for the application");
    assert!(lessons(None, Some(&other), &preview).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_users_own_quota_holds_whatever_amazon_announces() {
    let script = Arc::new(Script::new());
    script.always(|request| {
        let mut answer = response(200, if is_token_call(request) { TOKEN } else { r#"{"sku":"S"}"# });
        answer.headers_mut().insert("x-amzn-ratelimit-limit", "5.0".parse().unwrap());
        Ok(answer)
    });
    let own = Quota { per_second: 1.0, burst: 1 };
    let client = builder(&script).quota("getListingsItem", own).build().unwrap();
    let start = tokio::time::Instant::now();
    let get = || GetListingsItem::new(seller(), sku("S"), [Marketplace::TR]);
    futures_util::future::join_all((0..11).map(|_| client.call(get()))).await;
    let waited = start.elapsed();
    assert!((Duration::from_secs(10)..Duration::from_millis(10_100)).contains(&waited), "{waited:?}");
}

#[test]
fn a_quota_of_a_limit_that_does_not_exist_is_refused_with_those_that_do() {
    let script = Arc::new(Script::new());
    for name in ["getListingsItem", "validationPreview", "patchListingsItem.relationships"] {
        assert!(builder(&script).quota(name, Quota::documented(1.0, 1)).build().is_ok(), "{name}");
    }
    let error = builder(&script).quota("getListing", Quota::documented(1.0, 1)).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(error.to_string().contains("no limit `getListing`, there are: "), "{error}");
    assert!(error.to_string().contains("patchListingsItem.productData"), "{error}");
}

/// Answers everything but the first call whose body holds `tier`.
fn refusing_once(tier: &'static str, message: &'static str) -> Arc<Script> {
    let (script, mut refused) = (Arc::new(Script::new()), false);
    script.always(move |request| {
        if is_token_call(request) {
            return Ok(response(200, TOKEN));
        }
        let body = String::from_utf8_lossy(request.body()).into_owned();
        if body.contains(tier) && !std::mem::replace(&mut refused, true) {
            let text = json!({"errors": [{"code": "QuotaExceeded", "message": message}]}).to_string();
            return Ok(response(429, &text));
        }
        Ok(response(200, r#"{"sku":"S","status":"ACCEPTED","submissionId":"id"}"#))
    });
    script
}

#[tokio::test(start_paused = true)]
async fn a_tier_that_refuses_holds_up_its_own_calls_and_no_others() {
    let related = || {
        let change =
            PatchOperation::replace("child_parent_sku_relationship", [json!({"child_relationship_type": "variation"})]);
        PatchListingsItem::new(seller(), sku("A"), [Marketplace::TR], ListingsItemPatchRequest::offer([change]))
    };
    let start = "You exceeded your quota: the rate is greater than what is allowed";
    for (message, others_wait) in [("for relationships.", false), ("for the account.", true)] {
        let script = refusing_once("child_parent", Box::leak(format!("{start} {message}").into_boxed_str()));
        let client = builder(&script).build().unwrap();
        let begin = tokio::time::Instant::now();
        let refused = async {
            drop(client.call(related()).await.unwrap());
            begin.elapsed()
        };
        let other = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let sent = tokio::time::Instant::now();
            drop(client.call(patch([price()])).await.unwrap());
            sent.elapsed()
        };
        let (refused, other) = tokio::join!(refused, other);
        assert!(refused >= Duration::from_millis(200), "{message} {refused:?}");
        assert_eq!(other >= Duration::from_millis(100), others_wait, "{message} {other:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_is_a_seller_of_an_application_in_a_region() {
    let limits: Arc<core_http::TokenBuckets> = Arc::new(core_http::TokenBuckets::new());
    let script = Arc::new(Script::new());
    script.always(|request| Ok(response(200, if is_token_call(request) { TOKEN } else { r#"{"sku":"S"}"# })));
    let client = |id: &str, token: &str, seller: Option<&str>| {
        let credentials = sp_listings::Credentials::new(id, "secret", token);
        let builder = sp_listings::Builder::new(sp_listings::Region::Europe, credentials).limits(limits.clone());
        let named = match seller {
            Some(seller) => builder.seller(sp_listings::SellerId::new(seller).unwrap()),
            None => builder,
        };
        named.transport(script.clone()).build().unwrap()
    };
    let apart = [
        client("app", "a", Some("S1")),
        client("app", "a", Some("S2")),
        client("other", "a", Some("S1")),
        client("app", "a", None),
        client("app", "b", None),
    ];
    let start = tokio::time::Instant::now();
    for client in &apart {
        // Half of the documented burst of 10 goes out at once.
        for _ in 0..5 {
            client.call(GetListingsItem::new(seller(), sku("S"), [Marketplace::TR])).await.unwrap();
        }
    }
    assert!(start.elapsed() < Duration::from_millis(250), "{:?}", start.elapsed());
    let same = client("app", "z", Some("S1"));
    same.call(GetListingsItem::new(seller(), sku("S"), [Marketplace::TR])).await.unwrap();
    assert!(start.elapsed() > Duration::from_millis(150), "its bucket is that of the first one, and empty");
}
