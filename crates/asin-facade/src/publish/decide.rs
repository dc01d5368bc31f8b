//! What a plan, and bounds, make of a price: pure functions.

use super::{Change, FromTo, Outcome, Reason, Row, report::codes, row::Slot};
use crate::Price;
use rust_decimal::Decimal;

/// What should happen to a price.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PriceDecision {
    /// Nothing, and how that is reported.
    Keep(Outcome),
    /// It should become this.
    Change(Price),
}

/// Who decides about prices.
pub(crate) trait Decide: Sync {
    /// Whether a price is asked for at all; what it would follow goes into the report.
    fn asks(&self, slot: &mut Slot) -> bool;

    /// What should happen to the price of a listing that shows `old`. `quiet`: nothing sent earlier is still to show.
    fn price(&self, slot: &Slot, old: Option<Price>, quiet: bool) -> PriceDecision;

    /// A better reason for leaving a price alone, where one is known.
    fn explain(&self, _slot: &Slot, outcome: Outcome) -> Outcome {
        outcome
    }
}

/// A plan has decided already.
pub(super) struct AsPlanned;

impl Decide for AsPlanned {
    fn asks(&self, slot: &mut Slot) -> bool {
        let Some(change) = &slot.planned else { return false };
        slot.report.observed.clone_from(&change.observed);
        change.price.is_some()
    }

    fn price(&self, slot: &Slot, old: Option<Price>, quiet: bool) -> PriceDecision {
        let Some(change) = &slot.planned else { return PriceDecision::Keep(Outcome::Unchanged) };
        planned(change, old, quiet)
    }
}

/// What was planned, for a listing that shows either value of the plan. `quiet`: nothing sent earlier is still to show.
fn planned(change: &Change, old: Option<Price>, quiet: bool) -> PriceDecision {
    let refuse = |code, message: String| PriceDecision::Keep(Outcome::Refused(Reason::new(code, message)));
    let Some(FromTo { to, .. }) = change.price else { return PriceDecision::Keep(Outcome::Unchanged) };
    if to.currency != change.marketplace.currency() || !within(change.min_price, change.max_price, to.amount) {
        return refuse("out_of_bounds", format!("{to} is outside the bounds of the plan's row"));
    }
    match old {
        Some(old) if old == to && quiet => PriceDecision::Keep(Outcome::Unchanged),
        Some(old) if old == to => {
            refuse(codes::LISTING_CHANGED, "a price that was sent earlier is still to show".to_owned())
        }
        _ => PriceDecision::Change(to),
    }
}

/// Whether the price as it stands lies within the row's bounds; without bounds it always does.
pub fn within_bounds(row: &Row, price: Option<Price>) -> bool {
    match (row.min_price, price) {
        (None, _) => true,
        (Some(_), Some(price)) => within(row.min_price, row.max_price, price.amount),
        (Some(_), None) => false,
    }
}

fn within(min: Option<Decimal>, max: Option<Decimal>, amount: Decimal) -> bool {
    amount > Decimal::ZERO && min.is_none_or(|min| amount >= min) && max.is_none_or(|max| amount <= max)
}
