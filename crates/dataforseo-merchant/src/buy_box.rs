//! The price of a new one in the buy box: confirmed, left open, or of something used. Nothing is guessed.

use crate::{Condition, Offer, SellerOffer, SellersItem, SellersResult};
use rust_decimal::Decimal;

/// What a page says about the offer in its buy box.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum BuyBox {
    /// New, for one price in one currency.
    Confirmed {
        /// The price, without delivery.
        amount: Decimal,
        /// The currency, ISO 4217. Whether it is the shop's own is for the caller to see to.
        currency: String,
        /// The offer.
        offer: Offer,
    },
    /// The page leaves something open. Do not take it for the price of a new one.
    Unconfirmed {
        /// What.
        doubts: Vec<BuyBoxDoubt>,
        /// The offer.
        offer: Offer,
    },
    /// Said to be used, renewed, opened or collectible.
    Used {
        /// The offer.
        offer: Offer,
    },
}

/// What keeps the offer in a buy box from being confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BuyBoxDoubt {
    /// The page does not say in which condition it is, as is usual for a buy box. It may be new or used.
    ConditionNotSaid,
    /// It says so in words that are not known.
    ConditionNotUnderstood,
    /// There is no price: it is sold out, or the price is shown later.
    NoPrice,
    /// There is a lowest and a highest price.
    PriceRange,
    /// The page does not say in which currency.
    CurrencyNotSaid,
    /// There are several offers in the buy box that are not used; this is the first.
    Several,
}

impl BuyBox {
    /// The offer.
    pub fn offer(&self) -> &Offer {
        match self {
            Self::Confirmed { offer, .. } | Self::Unconfirmed { offer, .. } | Self::Used { offer } => offer,
        }
    }
}

impl SellersResult {
    /// What the page says about its buy box; `None` when it shows none.
    ///
    /// ```
    /// use dataforseo_merchant::{BuyBox, BuyBoxDoubt, SellersResult};
    /// let page: SellersResult = serde_json::from_str(
    ///     r#"{"language_code": "de_DE", "items": [{"type": "amazon_seller_main_item", "seller_name": "A shop",
    ///         "condition": null, "price": {"current": 24.99, "currency": "EUR"}}]}"#,
    /// )?;
    /// match page.buy_box() {
    ///     Some(BuyBox::Unconfirmed { doubts, .. }) => assert_eq!(doubts, [BuyBoxDoubt::ConditionNotSaid]),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn buy_box(&self) -> Option<BuyBox> {
        let language = self.language_code.as_deref().unwrap_or_default();
        let condition = |offer: &SellerOffer| Condition::read(offer.condition.as_deref()?, language);
        let shown = self.items.iter().filter_map(|item| match item {
            SellersItem::BuyBox(offer) => Some(offer),
            SellersItem::Offer(_) | SellersItem::Unknown(_) => None,
        });
        let (used, open): (Vec<_>, Vec<_>) = shown.partition(|offer| condition(offer) == Some(Condition::Used));
        let Some(item) = open.first() else {
            return used.first().map(|item| BuyBox::Used { offer: Offer::read(item, true) });
        };
        let offer = Offer::read(item, true);
        let said = item.condition.as_deref().map(str::trim).filter(|words| !words.is_empty());
        let is_range = item.price.as_ref().is_some_and(crate::offers::is_range);
        let amount = offer.price.filter(|price| *price > Decimal::ZERO);
        let currency = offer.currency.clone().filter(|code| !code.trim().is_empty());
        let doubts = [
            (said.is_none(), BuyBoxDoubt::ConditionNotSaid),
            (said.is_some() && condition(item).is_none(), BuyBoxDoubt::ConditionNotUnderstood),
            (amount.is_none() && !is_range, BuyBoxDoubt::NoPrice),
            (is_range, BuyBoxDoubt::PriceRange),
            (currency.is_none(), BuyBoxDoubt::CurrencyNotSaid),
            (open.len() > 1, BuyBoxDoubt::Several),
        ];
        let doubts: Vec<BuyBoxDoubt> = doubts.into_iter().filter_map(|(is_so, doubt)| is_so.then_some(doubt)).collect();
        Some(match (amount, currency) {
            (Some(amount), Some(currency)) if doubts.is_empty() => BuyBox::Confirmed { amount, currency, offer },
            _ => BuyBox::Unconfirmed { doubts, offer },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BuyBoxDoubt::*;
    use serde_json::{Value, json};

    fn page(items: Value) -> SellersResult {
        serde_json::from_value(json!({"language_code": "de_DE", "items": items})).unwrap()
    }

    fn item(condition: Value, price: Value) -> Value {
        json!({"type": "amazon_seller_main_item", "condition": condition, "price": price})
    }

    fn euros() -> Value {
        json!({"current": 24.99, "currency": "EUR", "is_price_range": false})
    }

    fn doubts(items: Value) -> Vec<BuyBoxDoubt> {
        match page(items).buy_box() {
            Some(BuyBox::Unconfirmed { doubts, .. }) => doubts,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_what_is_said_to_be_new_for_one_price_is_confirmed() {
        let other =
            json!({"type": "amazon_seller_item", "condition": "Neu", "price": {"current": 1, "currency": "EUR"}});
        match page(json!([other, item(json!("Neu"), euros())])).buy_box().unwrap() {
            BuyBox::Confirmed { amount, currency, offer } => {
                assert_eq!((amount.to_string().as_str(), currency.as_str(), offer.buy_box), ("24.99", "EUR", true));
            }
            other => panic!("{other:?}"),
        }
        assert!(page(json!([other])).buy_box().is_none());
    }

    #[test]
    fn what_the_page_leaves_open_stays_open() {
        assert_eq!(doubts(json!([item(json!(null), euros())])), [ConditionNotSaid]);
        assert_eq!(doubts(json!([item(json!(" "), euros())])), [ConditionNotSaid]);
        assert_eq!(doubts(json!([item(json!("Neuf"), euros())])), [ConditionNotUnderstood]);
        assert_eq!(doubts(json!([item(json!("Neu"), json!(null))])), [NoPrice, CurrencyNotSaid]);
        assert_eq!(doubts(json!([item(json!("Neu"), json!({"current": null, "currency": "EUR"}))])), [NoPrice]);
        assert_eq!(doubts(json!([item(json!("Neu"), json!({"current": 0, "currency": "EUR"}))])), [NoPrice]);
        assert_eq!(doubts(json!([item(json!("Neu"), json!({"current": 5, "currency": null}))])), [CurrencyNotSaid]);
        for range in [
            json!({"current": 5, "currency": "EUR", "is_price_range": true}),
            json!({"current": 5, "max_value": 9, "currency": "EUR"}),
        ] {
            assert_eq!(doubts(json!([item(json!("Neu"), range)])), [PriceRange]);
        }
        assert_eq!(doubts(json!([item(json!("Neu"), euros()), item(json!(null), euros())])), [Several]);
    }

    #[test]
    fn a_used_one_is_said_to_be_used_and_never_hides_a_new_one() {
        let used = item(json!("Gebraucht - Gut"), euros());
        assert!(matches!(page(json!([used])).buy_box(), Some(BuyBox::Used { .. })));
        let both = page(json!([used, item(json!("Neu"), euros())])).buy_box();
        assert!(matches!(both, Some(BuyBox::Confirmed { .. })));
    }
}
