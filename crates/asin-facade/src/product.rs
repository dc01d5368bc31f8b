//! What workflows are asked about, and what they say of it.

use crate::{Asin, Marketplace, Source};
use core_http::{Error, Fault};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// One product in one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Product {
    /// The product.
    pub asin: Asin,
    /// The store.
    pub marketplace: Marketplace,
}

impl Product {
    /// A product in a store.
    pub fn new(asin: Asin, marketplace: Marketplace) -> Self {
        Self { asin, marketplace }
    }
}

impl From<(Asin, Marketplace)> for Product {
    fn from((asin, marketplace): (Asin, Marketplace)) -> Self {
        Self { asin, marketplace }
    }
}

/// `B085RFFC9Q@DE`.
impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.asin, self.marketplace)
    }
}

/// A value with who said it, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Said<T> {
    /// What was said.
    pub value: T,
    /// Who said it.
    pub source: Source,
    /// When the page was read; `None` where that is not said.
    pub at: Option<Timestamp>,
}

/// A product's parent and variants, as far as vendors said them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Family {
    /// The product that was asked about.
    pub product: Product,
    /// The ASIN that stands for all variants; it is no product itself.
    pub parent: Option<Said<Asin>>,
    /// Every variant that was said, once; the product itself where it is among them. Empty: the vendor names no variants.
    pub variants: Vec<Said<Asin>>,
}

/// A product of which nothing is said, and why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{product}: {why}")]
#[non_exhaustive]
pub struct Unanswered {
    /// The product.
    pub product: Product,
    /// Why.
    pub why: Why,
}

/// Why nothing is said of a product.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// Asking costs money, and nobody allowed it.
    #[error("asking costs money, which nobody allowed")]
    NotAllowed,
    /// Asking costs more than the budget has left; nothing was sent.
    #[cfg(feature = "dataforseo-merchant")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dataforseo-merchant")))]
    #[error(transparent)]
    OverBudget(dataforseo_merchant::OverBudget),
    /// The question was not sent, or the call that it was part of was refused as a whole; nothing was paid.
    #[error("not asked: {0}")]
    NotSent(Arc<Error>),
    /// The vendor refused the question; nothing was paid.
    #[error("refused: {0}")]
    Refused(Fault),
    /// The question may have been paid for, but no answer came. It is not sent again: the next run looks it up.
    #[error("it may have been paid for, but no answer came; the next run looks it up ({0})")]
    Unknown(String),
    /// Paid for, but not ready yet. The next run collects it.
    #[error("paid for, but not ready yet; the next run collects it")]
    Pending,
    /// Paid for, and the vendor could not do it.
    #[error("paid for, and failed: {0}")]
    Failed(Fault),
    /// Paid for, and the answer cannot be read. It stays to be collected, by a later version too.
    #[error("the answer cannot be read: {0}")]
    Unreadable(Arc<Error>),
}
