//! Whether a price may follow what the market shows.

use crate::{Asin, Marketplace, Observation, Price, Source};
#[cfg(feature = "dataforseo-merchant")]
use dataforseo_merchant::Condition;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use std::{collections::BTreeSet, fmt, time::Duration};

/// What keeps an observation from being confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Doubt {
    /// The vendor does not say for which product.
    AsinNotSaid,
    /// It is of another product, a variant for example.
    OtherAsin,
    /// The vendor does not say in which store.
    MarketplaceNotSaid,
    /// It is of another store.
    OtherMarketplace,
    /// It may be of another place than the postcode: MultiCart looks at each product for places of its own.
    PostcodeNotSaid,
    /// It is of another postcode.
    OtherPostcode,
    /// There is no price.
    NoPrice,
    /// The vendor does not say in which currency.
    CurrencyNotSaid,
    /// It is in another currency than the store's.
    OtherCurrency,
    /// The vendor does not say in which condition.
    ConditionNotSaid,
    /// The condition is said, and it is not New.
    NotNew,
    /// The vendor does not say whether it is in stock.
    StockNotSaid,
    /// It is out of stock.
    OutOfStock,
    /// The vendor does not say who sells it, so it may be ourselves.
    SellerNotSaid,
    /// We sell it ourselves.
    Own,
    /// The vendor does not say when it was read.
    TimeNotSaid,
    /// It was read too long ago.
    TooOld,
}

impl Doubt {
    /// Whether the vendor only left it open; what it said against an offer no option overrides.
    pub fn is_open(self) -> bool {
        use Doubt::*;
        matches!(
            self,
            ConditionNotSaid | StockNotSaid | SellerNotSaid | CurrencyNotSaid | TimeNotSaid | PostcodeNotSaid
        )
    }

    /// The words for a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsinNotSaid => "ASIN not said",
            Self::OtherAsin => "another ASIN",
            Self::MarketplaceNotSaid => "store not said",
            Self::OtherMarketplace => "another store",
            Self::PostcodeNotSaid => "postcode not said",
            Self::OtherPostcode => "another postcode",
            Self::NoPrice => "no price",
            Self::CurrencyNotSaid => "currency not said",
            Self::OtherCurrency => "another currency",
            Self::ConditionNotSaid => "condition not said",
            Self::NotNew => "not New",
            Self::StockNotSaid => "stock not said",
            Self::OutOfStock => "out of stock",
            Self::SellerNotSaid => "seller not said",
            Self::Own => "our own offer",
            Self::TimeNotSaid => "time not said",
            Self::TooOld => "too old",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What an observation is held against.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The product.
    pub asin: Asin,
    /// The store.
    pub marketplace: Marketplace,
    /// The place whose prices count; `None`: any.
    pub postcode: Option<&'a str>,
    /// The sellers that are ourselves.
    pub own: &'a BTreeSet<String>,
    /// The time now.
    pub now: Timestamp,
    /// The greatest age.
    pub max_age: Duration,
}

impl Observation {
    /// Everything that keeps it from being confirmed; nothing, when it is.
    pub fn doubts(&self, question: &Question<'_>) -> BTreeSet<Doubt> {
        let mut doubts = BTreeSet::new();
        let mut check = |said: Option<bool>, open: Doubt, against: Doubt| match said {
            Some(true) => {}
            Some(false) => drop(doubts.insert(against)),
            None => drop(doubts.insert(open)),
        };
        let store = question.marketplace;
        let is_here = match (question.postcode, &self.postcode) {
            (Some(wanted), Some(said)) => Some(said == wanted),
            (Some(_), None) if self.source == Source::MulticartOutput => None,
            _ => Some(true),
        };
        check(is_here, Doubt::PostcodeNotSaid, Doubt::OtherPostcode);
        check(self.asin.map(|asin| asin == question.asin), Doubt::AsinNotSaid, Doubt::OtherAsin);
        check(self.marketplace.map(|place| place == store), Doubt::MarketplaceNotSaid, Doubt::OtherMarketplace);
        check(self.amount.map(|amount| amount > Decimal::ZERO), Doubt::NoPrice, Doubt::NoPrice);
        check(self.currency.map(|currency| currency == store.currency()), Doubt::CurrencyNotSaid, Doubt::OtherCurrency);
        let is_new = self.condition.as_deref().and_then(|words| is_new(words, store));
        check(is_new, Doubt::ConditionNotSaid, Doubt::NotNew);
        check(self.in_stock, Doubt::StockNotSaid, Doubt::OutOfStock);
        check(self.seller_id.as_ref().map(|seller| !question.own.contains(seller)), Doubt::SellerNotSaid, Doubt::Own);
        check(self.at.map(|at| is_fresh(at, question.now, question.max_age)), Doubt::TimeNotSaid, Doubt::TooOld);
        doubts
    }

    /// The price, if it is complete, in the store's currency.
    pub fn price(&self, marketplace: Marketplace) -> Option<Price> {
        let currency = self.currency.unwrap_or(marketplace.currency());
        (currency == marketplace.currency()).then_some(Price::new(self.amount?, currency))
    }
}

/// Whether a page's words say that the product is new.
#[cfg(feature = "dataforseo-merchant")]
fn is_new(words: &str, store: Marketplace) -> Option<bool> {
    Some(Condition::read(words, store.language_code()) == Some(Condition::New))
}

/// The words of all languages come with DataForSEO's crate: without it only English ones say anything.
#[cfg(not(feature = "dataforseo-merchant"))]
fn is_new(words: &str, _: Marketplace) -> Option<bool> {
    words.eq_ignore_ascii_case("new").then_some(true)
}

/// A page read in the future is as doubtful as an old one; a minute allows for clocks.
fn is_fresh(at: Timestamp, now: Timestamp, max_age: Duration) -> bool {
    let age = now.duration_since(at).as_secs_f64();
    (-60.0..=max_age.as_secs_f64()).contains(&age)
}

/// The observation that a price follows, or the best that was seen without being usable.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Market {
    /// The lowest usable one.
    Usable(Observation, Price),
    /// Nothing usable; the lowest that was seen, with what is against it.
    Unusable(Option<(Observation, BTreeSet<Doubt>)>),
}

impl Market {
    /// The observation to be shown to a person.
    #[cfg(feature = "sync")]
    pub(crate) fn shown(&self) -> Option<&Observation> {
        match self {
            Self::Usable(observation, _) | Self::Unusable(Some((observation, _))) => Some(observation),
            Self::Unusable(None) => None,
        }
    }
}

/// The lowest confirmed price; with `accept_open`, what vendors left open counts as confirmed.
pub fn lowest(observations: &[Observation], question: &Question<'_>, accept_open: bool) -> Market {
    let judged = observations.iter().map(|observation| (observation, observation.doubts(question)));
    let (usable, unusable): (Vec<_>, Vec<_>) =
        judged.partition(|(_, doubts)| doubts.iter().all(|doubt| accept_open && doubt.is_open()));
    let priced =
        usable.iter().filter_map(|(observation, _)| Some((*observation, observation.price(question.marketplace)?)));
    if let Some((observation, price)) = priced.min_by_key(|(_, price)| price.amount) {
        return Market::Usable(observation.clone(), price);
    }
    let shown = unusable.into_iter().min_by_key(|(observation, doubts)| {
        // Our own offer and offers without a price tell a person the least.
        (
            doubts.contains(&Doubt::OtherAsin),
            doubts.contains(&Doubt::Own),
            observation.amount.is_none(),
            doubts.len(),
            observation.amount,
        )
    });
    Market::Unusable(shown.map(|(observation, doubts)| (observation.clone(), doubts)))
}
