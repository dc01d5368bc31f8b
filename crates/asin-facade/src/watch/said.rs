//! What is wanted, and what the workflow says of it.

use super::{NoPlace, NotStarted};
#[cfg(doc)]
use super::{Register, Watch};
use crate::{Product, journal::StateError};
use core_http::Error;
use multicart::{CollectionId, enrol::Outcome, runs::Started};
use std::sync::Arc;

/// A product that is to be watched at a postcode.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wanted {
    /// The product and its store.
    pub product: Product,
    /// Where it would be delivered to.
    pub postcode: String,
}

impl Wanted {
    /// A product at a postcode.
    pub fn new(product: impl Into<Product>, postcode: impl Into<String>) -> Self {
        Self { product: product.into(), postcode: postcode.into() }
    }
}

/// What [`Watch`] did.
#[derive(Debug)]
#[non_exhaustive]
pub enum Watched {
    /// A collection was made for a store and postcode.
    Made {
        /// The collection.
        collection: CollectionId,
        /// Its name.
        name: String,
    },
    /// A product that is wanted.
    Product {
        /// Which.
        wanted: Wanted,
        /// The collection that it is in or was sent to and what became of it, or why it was not sent.
        outcome: Result<(CollectionId, Outcome), NotWatched>,
    },
    /// A product that was in a collection and is not wanted there.
    Removed {
        /// Which.
        product: Wanted,
        /// The collection.
        collection: CollectionId,
        /// Whether the collection shows it no longer.
        outcome: Result<(), NotWatched>,
    },
    /// A run of a collection.
    Run {
        /// The collection.
        collection: CollectionId,
        /// What came of starting it, once.
        outcome: Result<Started, NotStarted>,
    },
}

/// Why a product was not enrolled or removed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum NotWatched {
    /// Nothing can be watched there.
    #[error(transparent)]
    NoPlace(#[from] NoPlace),
    /// Nobody allowed it.
    #[error("nobody allowed it")]
    NotAllowed,
    /// So many are not wanted any more that none is removed.
    #[error("{removed} products are not wanted any more, more than {most}: none is removed")]
    TooMany {
        /// How many would be removed.
        removed: usize,
        /// How many may be.
        most: usize,
    },
    /// The collection holds something of another place, or of a place that is not said: it is left alone.
    #[error("collection {0} is kept for this postcode, but not all that it holds is of it: it is left alone")]
    Mixed(CollectionId),
    /// The collection cannot be read; if it is not there any more, see [`Register::forget`].
    #[error("collection {0}, which is kept for this postcode, cannot be read: {1}")]
    Unread(CollectionId, Arc<Error>),
    /// A new collection is needed, and nobody said who is told about its runs.
    #[error("it needs a new collection, and for that an e-mail address that is told about its runs")]
    NoEmail,
    /// The new collection for it could not be made.
    #[error("the collection for it was not made: {0}")]
    NotMade(Arc<Error>),
    /// The vendor could not be asked, or did not do it.
    #[error("{0}")]
    Failed(Arc<Error>),
}

impl NotWatched {
    /// What the vendor said, or that it said nothing, where that is why.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Unread(_, error) | Self::NotMade(error) | Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

/// Why watching could not begin or go on; what had been done by then is on the disk and with the vendor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The register cannot be written.
    #[error("the register of collections: {0}")]
    Register(#[from] StateError),
    /// MultiCart's lists cannot be read.
    #[error("MultiCart: {0}")]
    Vendor(#[from] Error),
}
