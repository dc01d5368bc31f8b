//! What should be changed: pure functions from what was read to what will be sent.

use super::{Market, Outcome, Reason, Row};
use crate::Price;
use rust_decimal::Decimal;

/// The brakes on a price.
#[derive(Debug, Clone, Copy)]
pub struct Brakes {
    /// The most that a price may move, in percent of the old one.
    pub max_change: Decimal,
}

/// What should happen to a price.
#[derive(Debug, Clone, PartialEq)]
pub enum PriceDecision {
    /// Nothing, and how that is reported.
    Keep(Outcome),
    /// It should become this.
    Change(Price),
}

/// The lowest confirmed price, clamped into the row's bounds; no confirmed observation, no change.
pub fn price(row: &Row, old: Option<Price>, market: &Market, brakes: Brakes) -> PriceDecision {
    let skip = |code, message: String| PriceDecision::Keep(Outcome::Skipped(Reason::new(code, message)));
    let Some(min) = row.min_price else { return PriceDecision::Keep(Outcome::Unchanged) };
    let lowest = match market {
        Market::Usable(_, price) => *price,
        Market::Unusable(None) => return skip("no_observation", "nothing was observed for this product".into()),
        Market::Unusable(Some((_, doubts))) => {
            let doubts: Vec<_> = doubts.iter().map(|doubt| doubt.as_str()).collect();
            return skip("unconfirmed", format!("no confirmed observation; the best one seen: {}", doubts.join(", ")));
        }
    };
    let currency = row.marketplace.currency();
    let floored = lowest.amount.max(min);
    let target = row.max_price.map_or(floored, |max| floored.min(max)).round_dp(currency.decimals());
    let Some(old) = old.filter(|old| old.currency == currency && old.amount > Decimal::ZERO) else {
        return skip("no_old_price", "the listing shows no price to start from".into());
    };
    if target == old.amount {
        return PriceDecision::Keep(Outcome::Unchanged);
    }
    let change = (target - old.amount).abs() / old.amount * Decimal::ONE_HUNDRED;
    if change > brakes.max_change {
        let message =
            format!("{old} to {} is {:.1} %, more than {} %", Price::new(target, currency), change, brakes.max_change);
        return skip("max_change", message);
    }
    PriceDecision::Change(Price::new(target, currency))
}

/// Whether the price as it stands lies within the row's bounds; without bounds it always does.
pub fn within_bounds(row: &Row, price: Option<Price>) -> bool {
    match (row.min_price, price) {
        (None, _) => true,
        (Some(min), Some(price)) => price.amount >= min && row.max_price.is_none_or(|max| price.amount <= max),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Currency, Marketplace,
        sync::{Doubt, Observation, Question, Source, lowest},
    };
    use jiff::Timestamp;
    use std::{collections::BTreeSet, time::Duration};

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn row(min: &str, max: &str) -> Row {
        let optional = |text: &str| (!text.is_empty()).then(|| decimal(text));
        Row {
            line: 2,
            account: "a".into(),
            sku: "S".parse().unwrap(),
            asin: "B000000001".parse().unwrap(),
            marketplace: "TR".parse().unwrap(),
            postcode: "34000".into(),
            min_price: optional(min),
            max_price: optional(max),
            quantity: None,
            max_handling_days: None,
        }
    }

    fn confirmed(amount: &str) -> Observation {
        Observation {
            source: Source::DataforseoSellers,
            asin: "B000000001".parse().ok(),
            marketplace: "TR".parse().ok(),
            amount: Some(decimal(amount)),
            currency: Currency::from_code("TRY"),
            condition: Some("Yeni".into()),
            in_stock: Some(true),
            seller_id: Some("OTHER".into()),
            seller: None,
            at: Some(Timestamp::UNIX_EPOCH),
        }
    }

    fn market(observations: &[Observation], accept: bool) -> Market {
        let own = BTreeSet::from(["OWN".to_owned()]);
        let (asin, marketplace) = ("B000000001".parse().unwrap(), "TR".parse().unwrap());
        let question =
            Question { asin, marketplace, own: &own, now: Timestamp::UNIX_EPOCH, max_age: Duration::from_secs(7200) };
        lowest(observations, &question, accept)
    }

    fn decided(row: &Row, old: &str, observations: &[Observation]) -> PriceDecision {
        let lira = Currency::from_code("TRY").unwrap();
        let brakes = Brakes { max_change: decimal("20") };
        price(row, Some(Price::new(decimal(old), lira)), &market(observations, false), brakes)
    }

    fn amount(decision: &PriceDecision) -> Option<Decimal> {
        match decision {
            PriceDecision::Change(price) => Some(price.amount),
            PriceDecision::Keep(_) => None,
        }
    }

    fn code(decision: &PriceDecision) -> &'static str {
        match decision {
            PriceDecision::Keep(outcome) => outcome.reason().map_or(outcome.name(), |reason| reason.code),
            PriceDecision::Change(_) => "change",
        }
    }

    #[test]
    fn the_lowest_confirmed_price_is_followed_within_the_bounds() {
        let seen = [confirmed("95"), confirmed("90.50"), confirmed("99")];
        assert_eq!(amount(&decided(&row("80", "120"), "100", &seen)), Some(decimal("90.50")));
        assert_eq!(amount(&decided(&row("92", "120"), "100", &seen)), Some(decimal("92")), "the floor");
        assert_eq!(amount(&decided(&row("50", "85"), "100", &seen)), Some(decimal("85")), "the ceiling");
        assert_eq!(code(&decided(&row("80", ""), "90.50", &seen)), "unchanged");
        assert_eq!(
            code(&decided(&row("", ""), "100", &seen)),
            "unchanged",
            "without min_price the price is not touched"
        );
    }

    #[test]
    fn the_brake_counts_from_the_old_price_and_includes_its_edge() {
        assert_eq!(amount(&decided(&row("1", ""), "100", &[confirmed("80")])), Some(decimal("80")));
        assert_eq!(code(&decided(&row("1", ""), "100", &[confirmed("79.99")])), "max_change");
        assert_eq!(
            code(&decided(&row("121", ""), "100", &[confirmed("110")])),
            "max_change",
            "bounds do not release the brake"
        );
    }

    #[test]
    fn every_doubt_keeps_a_price_from_being_followed() {
        let base = confirmed("90");
        let spoiled: [(Doubt, Observation); 15] = [
            (Doubt::AsinNotSaid, Observation { asin: None, ..base.clone() }),
            (Doubt::OtherAsin, Observation { asin: "B000000002".parse().ok(), ..base.clone() }),
            (Doubt::MarketplaceNotSaid, Observation { marketplace: None, ..base.clone() }),
            (Doubt::OtherMarketplace, Observation { marketplace: "DE".parse::<Marketplace>().ok(), ..base.clone() }),
            (Doubt::NoPrice, Observation { amount: None, ..base.clone() }),
            (Doubt::CurrencyNotSaid, Observation { currency: None, ..base.clone() }),
            (Doubt::OtherCurrency, Observation { currency: Currency::from_code("EUR"), ..base.clone() }),
            (Doubt::ConditionNotSaid, Observation { condition: None, ..base.clone() }),
            (Doubt::NotNew, Observation { condition: Some("Used - Good".into()), ..base.clone() }),
            (Doubt::StockNotSaid, Observation { in_stock: None, ..base.clone() }),
            (Doubt::OutOfStock, Observation { in_stock: Some(false), ..base.clone() }),
            (Doubt::SellerNotSaid, Observation { seller_id: None, ..base.clone() }),
            (Doubt::Own, Observation { seller_id: Some("OWN".into()), ..base.clone() }),
            (Doubt::TimeNotSaid, Observation { at: None, ..base.clone() }),
            (Doubt::TooOld, Observation { at: Timestamp::from_second(-7201).ok(), ..base.clone() }),
        ];
        for (doubt, observation) in spoiled {
            let Market::Unusable(Some((_, doubts))) = market(std::slice::from_ref(&observation), false) else {
                panic!("{doubt:?} was taken as confirmed");
            };
            assert_eq!(doubts, BTreeSet::from([doubt]));
            let accepted = matches!(market(&[observation], true), Market::Usable(..));
            assert_eq!(accepted, doubt.is_open(), "{doubt:?} with --accept-unconfirmed");
        }
        assert_eq!(code(&decided(&row("1", ""), "100", &[])), "no_observation");
    }
}
