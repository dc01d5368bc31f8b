//! What should be changed: pure functions from what was read to what will be sent.

use super::{Market, Offered, Outcome, PriceDecision, Pricing, Reason, Row};
use crate::{Price, publish::codes};
use rust_decimal::Decimal;

/// The brakes on a price.
#[derive(Debug, Clone, Copy)]
pub struct Brakes {
    /// The most that a price may move, in percent of the old one.
    pub max_change: Decimal,
}

/// What the rule makes of the lowest confirmed price, clamped into the row's bounds; no confirmed observation, no change.
pub fn price(row: &Row, old: Option<Price>, market: &Market, rule: &dyn Pricing, brakes: Brakes) -> PriceDecision {
    let skip = |code, message: String| PriceDecision::Keep(Outcome::Skipped(Reason::new(code, message)));
    let Some(min) = row.min_price else { return PriceDecision::Keep(Outcome::Unchanged) };
    let (observation, lowest) = match market {
        Market::Usable(observation, price) => (observation, *price),
        Market::Unusable(None) => return skip(codes::NO_OBSERVATION, "nothing was observed for this product".into()),
        Market::Unusable(Some((_, doubts))) => {
            let doubts: Vec<_> = doubts.iter().map(|doubt| doubt.as_str()).collect();
            return skip(
                codes::UNCONFIRMED,
                format!("no confirmed observation; the best one seen: {}", doubts.join(", ")),
            );
        }
    };
    let currency = row.marketplace.currency();
    let Some(old) = old.filter(|old| old.currency == currency && old.amount > Decimal::ZERO) else {
        return skip("no_old_price", "the listing shows no price to start from".into());
    };
    let wanted = match rule.price(&Offered { row, old, lowest, observation }) {
        Ok(wanted) if wanted.currency == currency => wanted.amount.round_dp(currency.decimals()),
        Ok(wanted) => return skip("other_currency", format!("the rule says {wanted}, the store sells in {currency}")),
        Err(reason) => return PriceDecision::Keep(Outcome::Skipped(reason)),
    };
    // The floor comes last: nothing that a rule says, and no rounding, gets below it.
    let target = row.max_price.map_or(wanted, |max| wanted.min(max)).max(min);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Currency, Marketplace,
        sync::{Doubt, KeepMargin, MatchLowest, Observation, Question, Source, Undercut, lowest},
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
            cost: None,
            stock_at: None,
        }
    }

    fn confirmed(amount: &str) -> Observation {
        Observation {
            source: Source::DataforseoSellers,
            asin: "B000000001".parse().ok(),
            marketplace: "TR".parse().ok(),
            postcode: None,
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
        let question = Question {
            asin,
            marketplace,
            postcode: Some("34000"),
            own: &own,
            now: Timestamp::UNIX_EPOCH,
            max_age: Duration::from_secs(7200),
        };
        lowest(observations, &question, accept)
    }

    fn decided(row: &Row, old: &str, observations: &[Observation]) -> PriceDecision {
        ruled(row, old, observations, &MatchLowest)
    }

    fn ruled(row: &Row, old: &str, observations: &[Observation], rule: &dyn Pricing) -> PriceDecision {
        let lira = Currency::from_code("TRY").unwrap();
        let brakes = Brakes { max_change: decimal("20") };
        price(row, Some(Price::new(decimal(old), lira)), &market(observations, false), rule, brakes)
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
    fn a_rule_chooses_the_price_and_passes_neither_floor_nor_ceiling_nor_brake() {
        let seen = [confirmed("95"), confirmed("92")];
        let with = |min: &str, max: &str, rule: &dyn Pricing| ruled(&row(min, max), "100", &seen, rule);
        let (less, percent) = (Undercut::Amount(decimal("0.10")), Undercut::Percent(decimal("1.5")));
        assert_eq!(amount(&with("80", "", &less)), Some(decimal("91.90")));
        assert_eq!(amount(&with("80", "", &percent)), Some(decimal("90.62")));
        assert_eq!(amount(&with("91.95", "", &less)), Some(decimal("91.95")), "the floor");
        assert_eq!(amount(&with("80", "90", &less)), Some(decimal("90")), "the ceiling");
        assert_eq!(amount(&with("85", "", &Undercut::Amount(decimal("1000")))), Some(decimal("85")), "below zero");
        assert_eq!(code(&with("1", "", &Undercut::Amount(decimal("50")))), "max_change");
        assert_eq!(code(&with("1", "", &Undercut::Percent(Decimal::MAX))), "out_of_range");
    }

    #[test]
    fn a_margin_is_a_share_of_the_price_and_is_kept_against_any_rule() {
        let keeps = |cost: &str, percent: &str| {
            let row = Row { cost: cost.parse().ok(), ..row("1", "") };
            let rule = KeepMargin { rule: Undercut::Amount(Decimal::ONE), percent: decimal(percent) };
            ruled(&row, "100", &[confirmed("92")], &rule)
        };
        assert_eq!(amount(&keeps("60", "20")), Some(decimal("91")), "it is there anyway");
        assert_eq!(amount(&keeps("76", "20")), Some(decimal("95")));
        assert_eq!(amount(&keeps("70", "30.01")), Some(decimal("100.02")), "up, or the margin would be less");
        assert_eq!(code(&keeps("", "20")), "no_cost");
        assert_eq!(code(&keeps("1", "100")), "margin");
        let row = Row { cost: Some(decimal("80")), ..row("1", "90") };
        let rule = KeepMargin { rule: MatchLowest, percent: decimal("20") };
        let capped = ruled(&row, "95", &[confirmed("92")], &rule);
        assert_eq!(code(&capped), "margin", "a ceiling below the least price would break it");
    }

    #[test]
    fn skus_of_one_product_do_not_undercut_each_other() {
        let own = Observation { seller_id: Some("OWN".into()), ..confirmed("80") };
        let seen = [own, confirmed("92")];
        let rule = Undercut::Amount(Decimal::ONE);
        for old in ["100", "91", "80"] {
            let decided = ruled(&row("50", ""), old, &seen, &rule);
            assert!(amount(&decided).is_none_or(|price| price == decimal("91")), "{old}: {decided:?}");
        }
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
        let output = |postcode: Option<&str>| {
            let postcode = postcode.map(str::to_owned);
            Observation { source: Source::MulticartOutput, postcode, ..base.clone() }
        };
        assert!(matches!(market(&[output(Some("34000"))], false), Market::Usable(..)));
        let spoiled: [(Doubt, Observation); 17] = [
            (Doubt::PostcodeNotSaid, output(None)),
            (Doubt::OtherPostcode, output(Some("34001"))),
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
