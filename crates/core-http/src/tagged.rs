//! Objects told apart by their field `type`, open to types that are not listed.
//!
//! `serde(tag)` fails a whole answer on an unknown type; here such an item is kept raw.

use serde_json::{Map, Value};

/// An item whose type this version of the crate does not know, kept as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownItem {
    /// The item's type as the vendor sent it; empty when it sent none.
    pub kind: String,
    /// The whole item.
    pub raw: Map<String, Value>,
}

#[doc(hidden)]
pub fn serialize_unknown<S: serde::Serializer>(item: &UnknownItem, serializer: S) -> Result<S::Ok, S::Error> {
    if crate::open_enum::marking_now() {
        return serializer.collect_str(&format_args!("{}{}", crate::open_enum::MARK, item.kind));
    }
    serde::Serialize::serialize(&item.raw, serializer)
}

/// Declares an enum of objects told apart by a field.
///
/// ```
/// #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
/// pub struct Offer { price: Option<f64> }
/// core_http::tagged_union! {
///     /// What a page lists.
///     pub enum Item by "type" {
///         /// An offer.
///         Offer(Offer) = "offer",
///     }
/// }
/// let items: Vec<Item> = serde_json::from_str(r#"[{"type":"offer","price":1.0},{"type":"new","x":2}]"#)?;
/// assert!(matches!(&items[1], Item::Unknown(item) if item.kind == "new" && item.raw["x"] == 2));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[macro_export]
macro_rules! tagged_union {
    ($(#[$meta:meta])* $vis:vis enum $name:ident by $tag:literal { $($(#[$doc:meta])* $variant:ident($content:ty) = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        $vis enum $name {
            $($(#[$doc])* $variant(Box<$content>),)+
            /// An item of a type that this version does not know, or that does not fit its type; kept as it came.
            Unknown($crate::tagged::UnknownItem),
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(content) => $crate::tagged::serialize_known($tag, $text, content, serializer),)+
                    Self::Unknown(item) => $crate::tagged::serialize_unknown(item, serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
                let kind = $crate::tagged::kind(raw.get(), $tag);
                match kind.as_deref() {
                    $(Some($text) => match serde_json::from_str::<$content>(raw.get()) {
                        Ok(content) => Ok(Self::$variant(Box::new(content))),
                        Err(_) => $crate::tagged::unknown(kind, raw.get()).map(Self::Unknown).map_err(serde::de::Error::custom),
                    },)+
                    _ => $crate::tagged::unknown(kind, raw.get()).map(Self::Unknown).map_err(serde::de::Error::custom),
                }
            }
        }
    };
}

#[doc(hidden)]
pub fn kind(raw: &str, tag: &'static str) -> Option<String> {
    struct Find(&'static str);
    impl<'de> serde::de::Visitor<'de> for Find {
        type Value = Option<String>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                if key == self.0 && found.is_none() {
                    found = map.next_value::<Value>()?.as_str().map(str::to_owned);
                } else {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    let mut json = serde_json::Deserializer::from_str(raw);
    serde::Deserializer::deserialize_map(&mut json, Find(tag)).ok().flatten()
}

#[doc(hidden)]
pub fn unknown(kind: Option<String>, raw: &str) -> Result<UnknownItem, serde_json::Error> {
    Ok(UnknownItem { kind: kind.unwrap_or_default(), raw: serde_json::from_str(raw)? })
}

#[doc(hidden)]
pub fn serialize_known<S: serde::Serializer, T: serde::Serialize>(
    tag: &'static str,
    text: &'static str,
    content: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    use serde::ser::{Error, SerializeMap};
    let Value::Object(fields) = serde_json::to_value(content).map_err(Error::custom)? else {
        return Err(Error::custom("a tagged item is an object"));
    };
    let mut map = serializer.serialize_map(Some(fields.len() + 1))?;
    map.serialize_entry(tag, text)?;
    for (key, value) in fields.iter().filter(|(key, _)| key.as_str() != tag) {
        map.serialize_entry(key, value)?;
    }
    map.end()
}
