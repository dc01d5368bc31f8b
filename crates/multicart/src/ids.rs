//! MultiCartAPI's row numbers. The wire calls several of them `asin_id`, so each is a type of its own.

use serde::{Deserialize, Serialize};
use std::{fmt, num::ParseIntError, str::FromStr};

macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl From<u64> for $name {
            fn from(number: u64) -> Self {
                Self(number)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;
            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A collection of ASINs.
    CollectionId
}
id! {
    /// A watched ASIN: one row of a collection. `asin_id` in `update/` and `delete/`, `id` in `get/`.
    AsinRowId
}
id! {
    /// A scraped output. `asin_id` in `output/`, although it is no ASIN row.
    OutputId
}
id! {
    /// An Amazon domain, a row of `/settings/domains/`.
    DomainId
}
id! {
    /// A postcode of a domain, a row of `/zipcodes/get-zipcodes/`; not the postcode's own text.
    PostcodeId
}
