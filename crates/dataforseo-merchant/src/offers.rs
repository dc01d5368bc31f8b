//! Results as a seller thinks of them: a product's family, and who offers it for how much.
//!
//! Plainly what the page said: nothing is guessed, and what it did not say is `None`. Whether an offer counts is for the
//! caller to decide; [`Condition`](crate::Condition) and [`BuyBox`](crate::BuyBox) say what is known.

use crate::{AsinItem, AsinResult, Price, SellerOffer, SellersItem, SellersResult};
use core_http::Asin;
use rust_decimal::Decimal;

/// The variants of one product.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Family {
    /// The ASIN that stands for all variants; it is no product itself.
    pub parent: Option<Asin>,
    /// Every variant once, the product itself included where the page lists it.
    pub variants: Vec<Asin>,
}

impl AsinResult {
    /// The family of the product; empty when the page lists no variants.
    pub fn family(&self) -> Family {
        let mut family = Family::default();
        for item in &self.items {
            let AsinItem::ProductInfo(product) = item else { continue };
            family.parent = family.parent.or(product.parent_asin);
            for variant in product.product_asins.iter().filter_map(|text| text.parse().ok()) {
                if !family.variants.contains(&variant) {
                    family.variants.push(variant);
                }
            }
        }
        family
    }
}

/// What one seller asks for a product.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Offer {
    /// Whether it is the one in the buy box. Its condition and price are often not shown.
    pub buy_box: bool,
    /// The seller's name.
    pub seller_name: Option<String>,
    /// The seller's id, out of the link to the seller's page.
    pub seller_id: Option<String>,
    /// Who ships it.
    pub ships_from: Option<String>,
    /// The price without delivery, in `currency`; `None` also when a range is shown.
    pub price: Option<Decimal>,
    /// The currency of the price, ISO 4217; may be there without a price.
    pub currency: Option<String>,
    /// The condition in the page's words and language.
    pub condition: Option<String>,
    /// What delivery costs, in the same currency where that is said.
    pub delivery_price: Option<Decimal>,
    /// What the page says about delivery.
    pub delivery_message: Option<String>,
    /// The first day of delivery, as the vendor writes it.
    pub delivery_from: Option<crate::VendorTime>,
    /// The last day of delivery, as the vendor writes it.
    pub delivery_to: Option<crate::VendorTime>,
}

impl Offer {
    /// Whether it can be bought now: what can be has a day of delivery. `None` where the page shows none: no page says that
    /// an offer is sold out, and one without a price may only show it later, in the cart.
    pub fn in_stock(&self) -> Option<bool> {
        self.delivery_from.is_some().then_some(true)
    }

    pub(crate) fn read(item: &SellerOffer, buy_box: bool) -> Self {
        let delivery = item.delivery_info.as_ref();
        Self {
            buy_box,
            seller_name: item.seller_name.clone(),
            seller_id: item.seller_url.as_deref().and_then(seller_id),
            ships_from: item.ships_from.clone(),
            price: item.price.as_ref().and_then(amount),
            currency: item.price.as_ref().and_then(|price| price.currency.clone()),
            condition: item.condition.clone(),
            delivery_price: delivery.and_then(|delivery| amount(delivery.delivery_price.as_ref()?)),
            delivery_message: delivery.and_then(|delivery| delivery.delivery_message.clone()),
            delivery_from: delivery.and_then(|delivery| delivery.delivery_date_from.clone()),
            delivery_to: delivery.and_then(|delivery| delivery.delivery_date_to.clone()),
        }
    }
}

impl SellersResult {
    /// The offers in the order of the page.
    pub fn offers(&self) -> impl Iterator<Item = Offer> + '_ {
        self.items.iter().filter_map(|item| match item {
            SellersItem::BuyBox(offer) => Some(Offer::read(offer, true)),
            SellersItem::Offer(offer) => Some(Offer::read(offer, false)),
            SellersItem::Unknown(_) => None,
        })
    }
}

fn amount(price: &Price) -> Option<Decimal> {
    price.current.filter(|_| !is_range(price))
}

/// Whether there is a lowest and a highest price.
pub(crate) fn is_range(price: &Price) -> bool {
    price.is_price_range == Some(true) || price.max_value.is_some_and(|most| Some(most) != price.current)
}

/// The parameter `seller` of a link, which may lack scheme and host.
fn seller_id(link: &str) -> Option<String> {
    let query = link.split_once('?')?.1.split('#').next()?;
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    parameters.find(|(name, value)| name == "seller" && !value.is_empty()).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
#[path = "offers_tests.rs"]
mod tests;
