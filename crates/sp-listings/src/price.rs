//! Prices as `purchasable_offer` holds them: amounts, sale prices with their dates, and an offer from scratch.
//!
//! Amounts are decimals from end to end. To change an offer that is there, see [`Offer`](crate::Offer).

use crate::{Marketplace, PatchOperation, patch::OFFERS};
use jiff::{Timestamp, civil::Date};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Number, Value, json};

/// Terms that contradict themselves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTerms(pub(crate) String);

/// A lower price for some days, tax included.
///
/// ```
/// use jiff::civil::date;
/// use sp_listings::Sale;
/// let price = "59.90".parse()?;
/// assert!(Sale::new(price, date(2026, 11, 27), date(2026, 11, 30)).is_ok());
/// assert!(Sale::new(price, date(2026, 11, 27), date(2026, 11, 26)).is_err());
/// # Ok::<(), rust_decimal::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sale {
    price: Decimal,
    first: Date,
    last: Date,
}

impl Sale {
    /// A price from one day to another.
    ///
    /// # Errors
    /// [`InvalidTerms`] if the price is not above zero, or the last day is before the first.
    pub fn new(price: Decimal, first: Date, last: Date) -> Result<Self, InvalidTerms> {
        if price <= Decimal::ZERO {
            return Err(InvalidTerms(format!("a sale price must be above zero, not {price}")));
        }
        if last < first {
            return Err(InvalidTerms(format!("a sale must not end ({last}) before it begins ({first})")));
        }
        Ok(Self { price, first, last })
    }

    /// The price, tax included.
    pub fn price(&self) -> Decimal {
        self.price
    }

    /// The day on which it begins.
    pub fn first(&self) -> Date {
        self.first
    }

    /// The day on which it ends.
    pub fn last(&self) -> Date {
        self.last
    }

    /// What a `schedule` of `discounted_price` says; times of day are left away.
    fn read(schedule: &Value) -> Option<Self> {
        let (first, last) = (day(schedule, "start_at")?, day(schedule, "end_at")?);
        Some(Self { price: decimal(&schedule["value_with_tax"])?, first, last })
    }

    /// Whether it is a sale beside this price.
    pub(crate) fn below(self, price: Decimal) -> Result<Self, InvalidTerms> {
        is_sale(self.price, price).map(|()| self)
    }
}

/// An offer from scratch: an instance of `purchasable_offer`.
///
/// Sent as [`patch`](NewOffer::patch), it takes the place of an instance with the same store, currency and audience, and
/// what that held beside the price is gone. To change an offer that is there, see [`Offer`](crate::Offer).
///
/// ```
/// use jiff::civil::date;
/// use sp_listings::{Marketplace, NewOffer, Sale};
///
/// let sale = Sale::new("59.90".parse()?, date(2026, 11, 27), date(2026, 11, 30))?;
/// let offer = NewOffer::new("TRY", "75.50".parse()?).marketplace(&Marketplace::TR).audience("ALL").sale(sale)?;
/// assert_eq!(offer.entry()["our_price"][0]["schedule"][0]["value_with_tax"], 75.5);
/// assert_eq!(offer.entry()["discounted_price"][0]["schedule"][0]["end_at"], "2026-11-30");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an offer is sent as a patch or within a PUT"]
pub struct NewOffer {
    entry: Value,
    price: Decimal,
}

impl NewOffer {
    /// An offer at this price, tax included, to everybody in the store of the call.
    pub fn new(currency: &str, price: Decimal) -> Self {
        Self { entry: json!({ "currency": currency, "our_price": amount(price) }), price }
    }

    /// Names the store.
    pub fn marketplace(mut self, marketplace: &Marketplace) -> Self {
        self.entry["marketplace_id"] = marketplace.as_str().into();
        self
    }

    /// Whom it is for: `ALL`, or `B2B` for business customers.
    pub fn audience(mut self, audience: &str) -> Self {
        self.entry["audience"] = audience.into();
        self
    }

    /// With a lower price for some days.
    ///
    /// # Errors
    /// [`InvalidTerms`] if the sale price is not below the price.
    pub fn sale(mut self, sale: Sale) -> Result<Self, InvalidTerms> {
        set_sale(&mut self.entry, sale.below(self.price)?);
        Ok(self)
    }

    /// The least and the greatest price that Amazon may let it have, for automated pricing.
    ///
    /// # Errors
    /// [`InvalidTerms`] if the price is not between them.
    pub fn bounds(mut self, least: Decimal, greatest: Decimal) -> Result<Self, InvalidTerms> {
        set_bounds(&mut self.entry, self.price, least, greatest)?;
        Ok(self)
    }

    /// When it begins.
    pub fn from(mut self, moment: Timestamp) -> Self {
        self.entry["start_at"] = date_time(moment);
        self
    }

    /// When it ends.
    pub fn until(mut self, moment: Timestamp) -> Self {
        self.entry["end_at"] = date_time(moment);
        self
    }

    /// The instance itself, for the attributes of a PUT.
    pub fn entry(&self) -> &Value {
        &self.entry
    }

    /// The patch that puts it in the place of what was there.
    pub fn patch(self) -> PatchOperation {
        PatchOperation::replace(OFFERS, [self.entry])
    }
}

/// A patch that sets a price where none is to be kept: sale prices, bounds and discounts of this store, currency and
/// audience are dropped. To change a price, see [`Offer::price_patch`](crate::Offer::price_patch).
pub fn new_price(currency: &str, price: Decimal) -> PatchOperation {
    NewOffer::new(currency, price).patch()
}

/// The sales that an instance of `purchasable_offer` names.
pub(crate) fn sales(entry: &Value) -> Vec<Sale> {
    schedules(entry, SALE).filter_map(Sale::read).collect()
}

/// Everything that a kind of price of an instance says.
fn schedules<'a>(entry: &'a Value, kind: &str) -> impl Iterator<Item = &'a Value> {
    let prices = entry[kind].as_array().into_iter().flatten();
    prices.filter_map(|price| price["schedule"].as_array()).flatten()
}

fn day(schedule: &Value, key: &str) -> Option<Date> {
    schedule[key].as_str()?.get(..10)?.parse().ok()
}

/// The rules for the prices of an instance of `purchasable_offer`, whatever carries it: none is free of charge or less; the
/// price is within the bounds that stand beside it, and above every sale that has not ended.
///
/// An offer that has ended is sold by nobody: closing one must not fail for how it stood.
pub(crate) fn terms(entry: &Value, now: Timestamp) -> Result<(), InvalidTerms> {
    if end(entry).is_some_and(|end| end <= now) {
        return Ok(());
    }
    for kind in [PRICE, SALE] {
        for stated in schedules(entry, kind).filter_map(|schedule| schedule.get("value_with_tax")) {
            if decimal(stated).is_none_or(|amount| amount <= Decimal::ZERO) {
                return Err(InvalidTerms(format!("`{kind}` must be an amount above zero, not `{stated}`")));
            }
        }
    }
    let said = |schedule: &Value| decimal(&schedule["value_with_tax"]);
    let amounts = |kind| schedules(entry, kind).filter_map(said);
    let (least, greatest) = (amounts(LEAST).max(), amounts(GREATEST).min());
    let sale = schedules(entry, SALE).filter(|sale| !has_ended(sale, now)).filter_map(said).max();
    amounts(PRICE).try_for_each(|price| {
        within(price, least, greatest)?;
        sale.map_or(Ok(()), |sale| is_sale(sale, price))
    })
}

/// A sale without an end goes on. A day is over when it is over everywhere: in UTC−12 at last.
fn has_ended(sale: &Value, now: Timestamp) -> bool {
    day(sale, "end_at").is_some_and(|last| last < jiff::tz::Offset::constant(-12).to_datetime(now).date())
}

fn is_sale(sale: Decimal, price: Decimal) -> Result<(), InvalidTerms> {
    if sale < price {
        return Ok(());
    }
    Err(InvalidTerms(format!("a sale price must be below the price {price}, not {sale}")))
}

fn within(price: Decimal, least: Option<Decimal>, greatest: Option<Decimal>) -> Result<(), InvalidTerms> {
    if let Some(least) = least.filter(|least| price < *least) {
        return Err(InvalidTerms(format!("the price {price} is below the least that the seller allows, {least}")));
    }
    if let Some(greatest) = greatest.filter(|greatest| price > *greatest) {
        return Err(InvalidTerms(format!(
            "the price {price} is above the greatest that the seller allows, {greatest}"
        )));
    }
    Ok(())
}

/// When an instance ends, if that is set.
pub(crate) fn end(entry: &Value) -> Option<Timestamp> {
    entry.pointer("/end_at/value")?.as_str()?.parse().ok()
}

pub(crate) fn set_sale(entry: &mut Value, sale: Sale) {
    let Sale { price, first, last } = sale;
    let schedule =
        json!({ "start_at": first.to_string(), "end_at": last.to_string(), "value_with_tax": number(price) });
    entry[SALE] = json!([{ "schedule": [schedule] }]);
}

const PRICE: &str = "our_price";
pub(crate) const SALE: &str = "discounted_price";
pub(crate) const LEAST: &str = "minimum_seller_allowed_price";
pub(crate) const GREATEST: &str = "maximum_seller_allowed_price";

pub(crate) fn set_bounds(
    entry: &mut Value,
    price: Decimal,
    least: Decimal,
    greatest: Decimal,
) -> Result<(), InvalidTerms> {
    within(price, Some(least), Some(greatest))?;
    (entry[LEAST], entry[GREATEST]) = (amount(least), amount(greatest));
    Ok(())
}

/// A price in the form that all prices of an offer have.
fn amount(price: Decimal) -> Value {
    json!([{ "schedule": [{ "value_with_tax": number(price) }] }])
}

/// A moment in the form that `start_at` and `end_at` of an offer have.
pub(crate) fn date_time(moment: Timestamp) -> Value {
    json!({ "value": moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string() })
}

/// A number, or a text that is one.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.parse().or_else(|_| Decimal::from_scientific(&text)).ok()
}

/// A JSON number, as attributes hold their amounts; a text in the rare case that a double could not say it exactly.
pub(crate) fn number(amount: Decimal) -> Value {
    let amount = amount.normalize();
    let whole = amount.is_integer().then(|| amount.to_i64().map(Number::from)).flatten();
    let number = whole.or_else(|| amount.to_f64().and_then(Number::from_f64)).map(Value::Number);
    number.filter(|number| decimal(number) == Some(amount)).unwrap_or_else(|| Value::String(amount.to_string()))
}
