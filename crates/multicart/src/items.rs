//! Lists of watched ASINs as they are on the wire.

use crate::AsinRow;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::SeqAccessDeserializer},
    ser::SerializeMap,
};
use std::fmt;

/// What `list/` answers: bare rows, or with `with_count` an object that also counts them. Told apart by what came, not by
/// what was asked: `with_count: 0` is not documented.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct AsinRows {
    /// How many rows there are in all, if that was asked.
    pub total: Option<u64>,
    /// The rows of this page.
    pub rows: Vec<AsinRow>,
}

impl Serialize for AsinRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(total) = self.total else { return self.rows.serialize(serializer) };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("total_count", &total)?;
        map.serialize_entry("asin_list", &self.rows)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for AsinRows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = AsinRows;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of rows, or an object with `total_count` and `asin_list`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<AsinRows, A::Error> {
                let rows = Vec::deserialize(SeqAccessDeserializer::new(rows))?;
                Ok(AsinRows { total: None, rows })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AsinRows, A::Error> {
                let (mut total, mut rows) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "total_count" => total = map.next_value()?,
                        "asin_list" => rows = map.next_value::<Option<_>>()?,
                        _ => drop(map.next_value::<serde::de::IgnoredAny>()?),
                    }
                }
                // An object without rows and count is something else: an empty list would hide it.
                match (total, rows) {
                    (None, None) => Err(A::Error::missing_field("asin_list")),
                    (total, rows) => Ok(AsinRows { total, rows: rows.unwrap_or_default() }),
                }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// ASINs in one text, separated by commas.
pub(crate) mod joined {
    use core_http::Asin;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(asins: &[Asin], serializer: S) -> Result<S::Ok, S::Error> {
        let texts: Vec<&str> = asins.iter().map(Asin::as_str).collect();
        serializer.serialize_str(&texts.join(","))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Asin>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.split(',').filter(|part| !part.is_empty()).map(|part| part.parse().map_err(D::Error::custom)).collect()
    }
}
