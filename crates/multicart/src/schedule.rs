//! Times of a schedule, in the two forms that the service writes as texts.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

/// How many minutes lie between two runs: on the wire a number in a text. The vendor's own form offers 1 to 60.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Minutes(pub u16);

impl fmt::Display for Minutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Minutes {
    type Err = InvalidTime;
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        text.trim().parse().map(Self).map_err(|_| InvalidTime)
    }
}

/// A time of day in UTC+10, the service's clock the whole year: on the wire `08.30`, with a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hour {
    hour: u8,
    minute: u8,
}

impl Hour {
    /// A time of day in UTC+10; none if there is no such time.
    pub fn new(hour: u8, minute: u8) -> Option<Self> {
        (hour < 24 && minute < 60).then_some(Self { hour, minute })
    }

    /// A time of day in UTC; none if there is no such time.
    pub fn from_utc(hour: u8, minute: u8) -> Option<Self> {
        Self::new(hour, minute)?;
        Self::new((hour + 10) % 24, minute)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}.{:02}", self.hour, self.minute)
    }
}

impl FromStr for Hour {
    type Err = InvalidTime;
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let (hour, minute) = text.split_once('.').ok_or(InvalidTime)?;
        let number = |text: &str| text.parse().map_err(|_| InvalidTime);
        Self::new(number(hour)?, number(minute)?).ok_or(InvalidTime)
    }
}

/// A text that is no number of minutes and no time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a number of minutes nor a time of day such as `08.30`")]
pub struct InvalidTime;

macro_rules! as_text {
    ($($name:ident)+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )+};
}

as_text!(Minutes Hour);
