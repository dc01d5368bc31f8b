//! Listings Restrictions 2021-08-01: whether a seller may list a product, and if not, why and what can be done about it.
//!
//! ```
//! use core_http::testing::Script;
//! use sp_listings::{Builder, ConditionType, Credentials, Marketplace, Region, SellerId};
//! use sp_listings::restrictions::{GetListingsRestrictions, Verdict};
//! use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let script = Arc::new(Script::new()); // without a transport of your own, requests go to Amazon
//! script.answer(200, r#"{"access_token":"Atza|token","expires_in":3600}"#).answer(200, r#"{"restrictions":[
//!     {"marketplaceId":"A33AVAJ2PDY3EV","conditionType":"used_good","reasons":[{"message":"Approval is needed.",
//!      "reasonCode":"APPROVAL_REQUIRED","links":[{"resource":"https://example.com/form","verb":"GET"}]}]}]}"#);
//! let credentials = Credentials::new("amzn1.application-oa2-client.1", "client secret", "Atzr|refresh token");
//! let client = Builder::new(Region::Europe, credentials).transport(script).build()?;
//!
//! let ask = GetListingsRestrictions::new("B07G82D89J".parse()?, SellerId::new("AO0WPKWDI17JQ")?, [Marketplace::TR]);
//! let permission = client.call(ask).await?;
//! assert_eq!(permission.verdict(&Marketplace::TR, &ConditionType::New), Verdict::Allowed);
//! if let Verdict::ApprovalRequired(reasons) = permission.verdict(&Marketplace::TR, &ConditionType::UsedGood) {
//!     assert_eq!(reasons[0].links[0].resource, "https://example.com/form");
//! }
//! assert_eq!(permission.verdict(&Marketplace::DE, &ConditionType::New), Verdict::NotAsked);
//! # Ok(())
//! # }
//! ```

pub use crate::generated::restrictions::{
    GetListingsRestrictions, Link, Reason, ReasonCode, Restriction, RestrictionList, Verb,
};

use crate::{ConditionType, Marketplace};
use core_http::Result;

/// What was asked about a product, and what Amazon has against it.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "the product may not be listed"]
pub struct Permission {
    marketplaces: Vec<Marketplace>,
    condition: Option<ConditionType>,
    /// Everything that Amazon has against it, in every store and condition that was asked for.
    pub restrictions: Vec<Restriction>,
}

/// Whether a product may be listed in a store in a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<'a> {
    /// Nothing stands against it.
    Allowed,
    /// Only once Amazon has approved it: the links of the reasons lead there.
    ApprovalRequired(Vec<&'a Reason>),
    /// It may not; the reasons that Amazon gives, which may be none.
    Refused(Vec<&'a Reason>),
    /// The question was about another store or condition, so its answer says nothing about this one.
    NotAsked,
}

impl Permission {
    /// Whether the product may be listed in this store in this condition.
    pub fn verdict(&self, marketplace: &Marketplace, condition: &ConditionType) -> Verdict<'_> {
        let asked = self.condition.as_ref().is_none_or(|asked| asked == condition);
        if !asked || !self.marketplaces.contains(marketplace) {
            return Verdict::NotAsked;
        }
        let meant = |restriction: &&Restriction| {
            restriction.marketplace_id == *marketplace
                && restriction.condition_type.as_ref().is_none_or(|restricted| restricted == condition)
        };
        let against: Vec<&Restriction> = self.restrictions.iter().filter(meant).collect();
        let reasons: Vec<&Reason> = against.iter().flat_map(|restriction| &restriction.reasons).collect();
        let approval = |reason: &Reason| reason.reason_code == Some(ReasonCode::ApprovalRequired);
        // A restriction without a reason, or with one that is new, is no invitation to ask for approval.
        let all =
            |restriction: &&Restriction| !restriction.reasons.is_empty() && restriction.reasons.iter().all(approval);
        match against.as_slice() {
            [] => Verdict::Allowed,
            some if some.iter().all(all) => Verdict::ApprovalRequired(reasons),
            _ => Verdict::Refused(reasons),
        }
    }
}

pub(crate) fn permission(ask: &GetListingsRestrictions, list: RestrictionList) -> Result<Permission> {
    Ok(Permission {
        marketplaces: ask.marketplace_ids.clone(),
        condition: ask.condition_type.clone(),
        restrictions: list.restrictions,
    })
}
