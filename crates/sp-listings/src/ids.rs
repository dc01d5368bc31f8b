//! Names that must not be mixed up. What is sent is checked; what Amazon sends back is taken as it comes.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A text that is not the kind of name that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {rule}")]
pub struct InvalidName {
    what: &'static str,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$meta:meta])* $name:ident: $what:literal, $check:expr) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Checks the text.
            ///
            /// # Errors
            /// [`InvalidName`] says which rule it breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                let check: fn(&str) -> Result<(), &'static str> = $check;
                match check(&text) {
                    Ok(()) => Ok(Self(text.into())),
                    Err(rule) => Err(InvalidName { what: $what, rule }),
                }
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidName;
            fn try_from(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

name! {
    /// The seller's id ("merchant token"), such as `AO0WPKWDI17JQ`.
    SellerId: "a seller id", |text| match text {
        "" => Err("must not be empty"),
        _ if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Err("is made of ASCII letters and digits only"),
        _ => Ok(()),
    }
}

name! {
    /// The seller's own name for an offer: up to 40 characters of any script.
    ///
    /// ```
    /// use sp_listings::Sku;
    /// assert!(Sku::new("A/B ç").is_ok());
    /// assert!(Sku::new("..").is_err());
    /// assert!(Sku::new("x".repeat(41)).is_err());
    /// ```
    Sku: "a SKU", |text| match text {
        "" => Err("must not be empty"),
        "." | ".." => Err("must not be `.` or `..`: it would change the path of the request"),
        _ if text.chars().any(char::is_control) => Err("must not hold control characters"),
        _ if text.chars().count() > 40 => Err("must not be longer than 40 characters"),
        _ => Ok(()),
    }
}

name! {
    /// Amazon's id of one submission, for its support.
    SubmissionId: "a submission id", |text| if text.is_empty() { Err("must not be empty") } else { Ok(()) }
}

name! {
    /// Amazon's id of a feed; unique together with the seller.
    FeedId: "a feed id", |text| if text.is_empty() { Err("must not be empty") } else { Ok(()) }
}

name! {
    /// Amazon's id of the document of a feed, or of its report; unique together with the seller.
    FeedDocumentId: "a feed document id", |text| if text.is_empty() { Err("must not be empty") } else { Ok(()) }
}
