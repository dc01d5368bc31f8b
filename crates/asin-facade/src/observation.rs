//! What the market shows: a price with everything that was said about it.

use crate::{Asin, Currency, Marketplace};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Source {
    /// DataForSEO's `asin`.
    DataforseoAsin,
    /// DataForSEO's `sellers`.
    DataforseoSellers,
    /// MultiCart's outputs.
    MulticartOutput,
}

/// One offer as a vendor showed it. What it did not say is `None`: nothing is guessed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Who said it.
    pub source: Source,
    /// The product that the offer is for.
    pub asin: Option<Asin>,
    /// The store. An output of MultiCart does not say it: it is that of the collection's rows of the product, if all agree.
    pub marketplace: Option<Marketplace>,
    /// The postcode of the place that the page was shown for, as the store of an output; prices may differ by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// The amount, tax included, and delivery where the page says what it costs (DataForSEO).
    pub amount: Option<Decimal>,
    /// The currency.
    pub currency: Option<Currency>,
    /// The condition in the page's words.
    pub condition: Option<String>,
    /// Whether it can be bought now. DataForSEO has no field for it: an offer with a day of delivery can be
    /// ([`Offer::in_stock`](dataforseo_merchant::Offer::in_stock)).
    pub in_stock: Option<bool>,
    /// Amazon's identifier of who sells it.
    pub seller_id: Option<String>,
    /// The name of who sells it, for people.
    pub seller: Option<String>,
    /// When the page was read; of MultiCart, when the output was last written, for it says nothing else.
    pub at: Option<Timestamp>,
}
