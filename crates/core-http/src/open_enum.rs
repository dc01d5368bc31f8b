//! Enums that a vendor may extend at any time: an unknown value is kept as text and never fails an answer.

use std::cell::Cell;

/// A value that the vendor sent and that this version of the crate has no name for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unknown(Box<str>);

impl Unknown {
    #[doc(hidden)]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text as the vendor sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

thread_local! {
    static MARKING: Cell<bool> = const { Cell::new(false) };
}

/// Precedes unknown values while [`marking`] runs; no vendor sends a NUL.
pub(crate) const MARK: &str = "\0unknown:";

/// Serialises with every unknown value marked, so that a comparison finds where they are.
pub(crate) fn marking<T>(serialise: impl FnOnce() -> T) -> T {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            MARKING.set(self.0);
        }
    }
    let _reset = Reset(MARKING.replace(true));
    serialise()
}

pub(crate) fn marking_now() -> bool {
    MARKING.get()
}

#[doc(hidden)]
pub fn serialize_unknown<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if MARKING.get() { serializer.collect_str(&format_args!("{MARK}{text}")) } else { serializer.serialize_str(text) }
}

#[doc(hidden)]
pub struct TextVisitor;

impl serde::de::Visitor<'_> for TextVisitor {
    type Value = String;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a text")
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }
}

/// Declares an enum over the vendor's texts, open to values that are not listed.
///
/// ```
/// core_http::open_enum! {
///     /// How bad an issue is.
///     pub enum Severity {
///         /// Keeps the listing from being sold.
///         Error = "ERROR",
///         /// Worth a look.
///         Warning = "WARNING",
///     }
/// }
/// assert_eq!(Severity::from("ERROR"), Severity::Error);
/// assert_eq!(Severity::from("NEW").as_str(), "NEW");
/// ```
#[macro_export]
macro_rules! open_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        $vis enum $name {
            $($(#[$doc])* $variant,)+
            /// A value that this version does not know, kept as it came.
            Unknown($crate::open_enum::Unknown),
        }

        impl $name {
            /// Every value that this version knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// The value on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(unknown) => unknown.as_str(),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Unknown($crate::open_enum::Unknown::new(other)),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(text))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Unknown(unknown) => $crate::open_enum::serialize_unknown(unknown.as_str(), serializer),
                    known => serializer.serialize_str(known.as_str()),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::open_enum::TextVisitor).map(|text| Self::from(text.as_str()))
            }
        }
    };
}
