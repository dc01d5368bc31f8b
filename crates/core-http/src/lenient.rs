//! Readers for fields that vendors are known to send in more than one form.
//!
//! Each is a `deserialize_with` function. What cannot be read as the field's type becomes `None`, so that one odd field
//! never costs the whole answer; [`Answer::drift`](crate::Answer::drift) shows where that happened.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use std::str::FromStr;

/// `null` is the type's default (an empty list, an empty text).
pub fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A list in which `null` elements are left out; `null` itself is the empty list.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<Option<T>>>::deserialize(deserializer)?.unwrap_or_default().into_iter().flatten().collect())
}

/// An integer: `3`, `3.0`, `"3"`.
pub fn option_i64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Scalar::deserialize(deserializer).map(|scalar| scalar.decimal().filter(Decimal::is_integer)?.try_into().ok())
}

/// A decimal number, exact: `24.99`, `"24.99"`.
pub fn option_decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    Scalar::deserialize(deserializer).map(|scalar| scalar.decimal())
}

/// A text; a number or a truth value is taken as its text.
pub fn option_string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Scalar::deserialize(deserializer).map(|scalar| match scalar.0 {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    })
}

/// A truth value: `true`, `1`, `"true"`.
pub fn option_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Scalar::deserialize(deserializer).map(|scalar| match scalar.0 {
        Value::Bool(truth) => Some(truth),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        Value::String(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    })
}

/// A value of any type that has a lenient or absent form: what does not fit becomes `None`.
pub fn option<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = Option::<Box<serde_json::value::RawValue>>::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
}

/// A point in time, as RFC 3339 or in DataForSEO's form `2026-07-20 09:37:13 +00:00`.
pub fn option_timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<jiff::Timestamp>, D::Error> {
    Scalar::deserialize(deserializer).map(|scalar| timestamp(scalar.0.as_str()?))
}

/// Reads a point in time, as RFC 3339 or in DataForSEO's form `2026-07-20 09:37:13 +00:00`.
pub fn timestamp(text: &str) -> Option<jiff::Timestamp> {
    let spaced = || jiff::Timestamp::strptime("%Y-%m-%d %H:%M:%S %:z", text).ok();
    text.parse().ok().or_else(spaced)
}

/// Any JSON value of which only a scalar is of interest.
struct Scalar(Value);

impl Scalar {
    fn decimal(&self) -> Option<Decimal> {
        let text = match &self.0 {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_owned(),
            _ => return None,
        };
        Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text)).ok()
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self)
    }
}
