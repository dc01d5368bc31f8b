//! What a call counts against, what sending it twice would do, and what answers teach.

use crate::{seller, sku};
use core_http::{ErrorKind, Fault, Head, Learnt, Lesson, Limit, Operation, Safety, Scope, Vendor};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use sp_listings::{
    DeleteListingsItem, GetListingsItem, ListingsItemPatchRequest, ListingsItemPutRequest, Marketplace,
    PatchListingsItem, PatchOp, PatchOperation, PutListingsItem, SearchListingsItems, SpApi, new_price, quantity_patch,
};

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
