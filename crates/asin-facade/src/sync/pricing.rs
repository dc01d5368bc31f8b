//! What a price follows: rules that see one row and the lowest confirmed offer of others.
//!
//! A rule only says what it wants. The row's bounds and the brakes come after every rule, so none of them can pass the
//! floor; and none of them ever sees an offer of our own, so several SKUs of one product cannot undercut each other.

use super::{Observation, Reason, Row};
use crate::Price;
use rust_decimal::{Decimal, RoundingStrategy};
use std::fmt;

/// What a rule is told.
#[derive(Debug, Clone, Copy)]
pub struct Offered<'a> {
    /// What the seller wants of the listing.
    pub row: &'a Row,
    /// The price that the listing has, in the store's currency.
    pub old: Price,
    /// The lowest confirmed price of another seller, in the store's currency.
    pub lowest: Price,
    /// The whole of that offer.
    pub observation: &'a Observation,
}

/// Chooses a price.
///
/// ```
/// use asin_facade::{Price, sync::{Offered, Pricing, Reason}};
///
/// /// Follows the market down, never up.
/// #[derive(Debug)]
/// struct OnlyDown;
///
/// impl Pricing for OnlyDown {
///     fn price(&self, offered: &Offered<'_>) -> Result<Price, Reason> {
///         if offered.lowest.amount < offered.old.amount { Ok(offered.lowest) } else { Ok(offered.old) }
///     }
/// }
/// ```
pub trait Pricing: fmt::Debug + Send + std::marker::Sync {
    /// The price that the listing should have, in the currency of [`Offered::lowest`]. It is rounded to what the
    /// currency can express, then clamped into the row's bounds.
    ///
    /// # Errors
    /// Why this rule has no price for the row; the listing's price is then left alone.
    fn price(&self, offered: &Offered<'_>) -> Result<Price, Reason>;
}

/// The same price as the lowest one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MatchLowest;

impl Pricing for MatchLowest {
    fn price(&self, offered: &Offered<'_>) -> Result<Price, Reason> {
        Ok(offered.lowest)
    }
}

/// Below the lowest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undercut {
    /// By this much, in the store's currency.
    Amount(Decimal),
    /// By this many percent of it.
    Percent(Decimal),
}

impl Pricing for Undercut {
    fn price(&self, offered: &Offered<'_>) -> Result<Price, Reason> {
        let lowest = offered.lowest;
        let less = match self {
            Self::Amount(less) => Some(Price::new(*less, lowest.currency)),
            Self::Percent(percent) => lowest.percent(*percent),
        };
        less.and_then(|less| lowest.checked_sub(less)).ok_or_else(out_of_range)
    }
}

/// What another rule says, but never so low that less than a margin stays.
///
/// The margin is a share of the price: at 20 %, a piece that costs 80.00 is never priced below 100.00. The row's `cost`
/// has to be on the terms of its prices, tax included and in the store's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepMargin<R = MatchLowest> {
    /// The other rule.
    pub rule: R,
    /// The least margin, in percent of the price; below 100.
    pub percent: Decimal,
}

impl<R: Pricing> Pricing for KeepMargin<R> {
    fn price(&self, offered: &Offered<'_>) -> Result<Price, Reason> {
        let Price { amount, currency } = self.rule.price(offered)?;
        let Some(cost) = offered.row.cost else {
            return Err(Reason::new("no_cost", "the row has no cost, which the margin is counted from"));
        };
        if self.percent >= Decimal::ONE_HUNDRED {
            return Err(Reason::new("margin", format!("no price leaves a margin of {} %", self.percent)));
        }
        let share = Decimal::ONE_HUNDRED - self.percent;
        let least = cost.checked_mul(Decimal::ONE_HUNDRED).and_then(|cost| cost.checked_div(share));
        let least = least.ok_or_else(out_of_range)?;
        let least = least.round_dp_with_strategy(currency.decimals(), RoundingStrategy::AwayFromZero);
        if let Some(max) = offered.row.max_price.filter(|max| *max < least) {
            let message = format!("the row's max_price {max} leaves less than {} % over its cost", self.percent);
            return Err(Reason::new("margin", message));
        }
        Ok(Price::new(amount.max(least), currency))
    }
}

fn out_of_range() -> Reason {
    Reason::new("out_of_range", "the price is beyond what a decimal holds")
}

impl<P: Pricing + ?Sized> Pricing for Box<P> {
    fn price(&self, offered: &Offered<'_>) -> Result<Price, Reason> {
        (**self).price(offered)
    }
}
