//! Restrictions: what an answer says about a store and a condition, and what it does not.

use crate::seller;
use httpmock::prelude::*;
use sp_listings::restrictions::{GetListingsRestrictions, ReasonCode, Verdict};
use sp_listings::{ConditionType, Marketplace};

#[tokio::test]
async fn a_restriction_has_reasons_and_links() {
    let (server, client) = crate::wire::server().await;
    let mock = server
        .mock_async(|when, then| {
            when.method(GET)
                .path("/listings/2021-08-01/restrictions")
                .query_param("asin", "B07G82D89J")
                .query_param("sellerId", "AO0WPKWDI17JQ")
                .query_param("marketplaceIds", "A33AVAJ2PDY3EV,A1PA6795UKMFR9")
                .query_param("reasonLocale", "tr_TR")
                .query_param("productType", "SHOES")
                .query_param_missing("conditionType");
            then.status(200).body(crate::fixture("restrictions"));
        })
        .await;
    let ask = GetListingsRestrictions::new("B07G82D89J".parse().unwrap(), seller(), [Marketplace::TR, Marketplace::DE])
        .reason_locale("tr_TR")
        .product_type("SHOES");
    let answer = client.exchange(ask).await.unwrap();
    assert_eq!(answer.drift().unwrap(), []);
    let permission = answer.value;
    let verdict = |store: &Marketplace, condition: ConditionType| permission.verdict(store, &condition);
    assert_eq!(verdict(&Marketplace::TR, ConditionType::New), Verdict::Allowed);
    let Verdict::ApprovalRequired(reasons) = verdict(&Marketplace::TR, ConditionType::UsedGood) else { panic!() };
    assert_eq!(reasons[0].links[0].title.as_deref(), Some("Onay iste"));
    // One reason of several is final; a restriction without a condition holds for every one.
    assert!(
        matches!(verdict(&Marketplace::TR, ConditionType::UsedAcceptable), Verdict::Refused(reasons) if reasons.len() == 2)
    );
    let Verdict::Refused(reasons) = verdict(&Marketplace::DE, ConditionType::New) else { panic!() };
    assert_eq!(reasons[0].reason_code, Some(ReasonCode::AsinNotFound));
    // No reason, or one that is new, is no invitation to ask for approval.
    assert_eq!(verdict(&Marketplace::TR, ConditionType::Club), Verdict::Refused(vec![]));
    assert!(matches!(verdict(&Marketplace::TR, ConditionType::NewOem), Verdict::Refused(_)));
    assert_eq!(verdict(&Marketplace::US, ConditionType::New), Verdict::NotAsked);
    mock.assert_async().await;
}

#[tokio::test]
async fn one_condition_says_nothing_about_the_others() {
    let (client, _) = crate::client(|_| Ok(core_http::testing::response(200, r#"{"restrictions":[]}"#)));
    let ask = GetListingsRestrictions::new("B07G82D89J".parse().unwrap(), seller(), [Marketplace::TR]);
    let permission = client.call(ask.condition_type(ConditionType::UsedGood)).await.unwrap();
    assert_eq!(permission.verdict(&Marketplace::TR, &ConditionType::UsedGood), Verdict::Allowed);
    assert_eq!(permission.verdict(&Marketplace::TR, &ConditionType::New), Verdict::NotAsked);
}
