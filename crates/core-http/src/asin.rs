//! The one word that all vendors share.

use serde::{Deserialize, Deserializer, Serialize};
use std::{fmt, str::FromStr};

/// An Amazon Standard Identification Number: ten of `A`–`Z` and `0`–`9`.
///
/// ```
/// use core_http::Asin;
/// let asin: Asin = "B0756FCPPN".parse()?;
/// assert_eq!(asin.as_str(), "B0756FCPPN");
/// assert!("b0756fcppn".parse::<Asin>().is_err());
/// # Ok::<(), core_http::InvalidAsin>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Asin([u8; 10]);

/// A text that is no ASIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an ASIN: exactly ten of A–Z and 0–9")]
pub struct InvalidAsin(String);

impl Asin {
    /// The ten characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an Asin is made of ASCII characters only")
    }
}

impl FromStr for Asin {
    type Err = InvalidAsin;
    fn from_str(text: &str) -> Result<Self, InvalidAsin> {
        match <[u8; 10]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) => Ok(Self(bytes)),
            _ => Err(InvalidAsin(text.chars().take(40).collect())),
        }
    }
}

impl TryFrom<&str> for Asin {
    type Error = InvalidAsin;
    fn try_from(text: &str) -> Result<Self, InvalidAsin> {
        text.parse()
    }
}

impl fmt::Display for Asin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Asin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl AsRef<str> for Asin {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Serialize for Asin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Asin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
