//! Names that must not be mixed up: the vendor's id of a task, and the tag that a caller gives it.

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

/// The vendor's id of a task, such as `04171455-0696-0192-0000-4c69cc29b945`.
///
/// It looks like a UUID and is none (its first block is a date), so it is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(Box<str>);

impl TaskId {
    /// The id in this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The text as the vendor sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A caller's own name for a task, echoed in every answer about it: 1 to 255 characters (seed 000, field `tag`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Tag(Box<str>);

/// A text that cannot be a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tag has 1 to {most} characters, this one has {0}", most = Tag::LONGEST)]
pub struct InvalidTag(usize);

/// A UUID of version 7: the millisecond, a number that rises within it, and 62 bits that nobody else has. Those of one
/// process are in the order in which they were made, also when its clock stands still or goes back.
///
/// The standard library seeds its hashers from the operating system and never gives two the same keys; that is enough for
/// names, so that no generator of random numbers has to be compiled. Secrets are made elsewhere.
pub(crate) fn unique() -> uuid::Uuid {
    /// Milliseconds, then 12 bits of the number within one; a full one runs over into the next.
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default() << 12;
    let rise = |last: u64| Some(now.max(last + 1));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rise).unwrap_or_default();
    let moment = now.max(last + 1);
    let number = u16::try_from(moment & 0xfff).unwrap_or_default();
    let mut bits = [0; 10];
    bits[..2].copy_from_slice(&number.to_be_bytes());
    bits[2..].copy_from_slice(&RandomState::new().hash_one(std::process::id()).to_le_bytes());
    uuid::Builder::from_unix_timestamp_millis(moment >> 12, &bits).into_uuid()
}

impl Tag {
    /// The most characters of a tag.
    pub const LONGEST: usize = 255;
    /// What every tag of ours begins with.
    const OURS: &str = "asin-";
    /// The length of a tag of ours before the caller's own tag: the prefix and 32 hexadecimal digits.
    const KEY: usize = Self::OURS.len() + 32;

    /// A tag with this text.
    ///
    /// # Errors
    /// When it is empty or longer than 255 characters.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidTag> {
        let text = text.into();
        match text.chars().count() {
            1..=Self::LONGEST => Ok(Self(text.into())),
            length => Err(InvalidTag(length)),
        }
    }

    /// A tag that no other task has or will have.
    pub fn unique() -> Self {
        Self(format!("{}{}", Self::OURS, unique().simple()).into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This unique tag with the caller's own tag behind it, if both together are short enough.
    pub(crate) fn with(&self, own: Option<&Self>) -> Self {
        own.and_then(|own| Self::new(format!("{self}:{own}")).ok()).unwrap_or_else(|| self.clone())
    }

    /// The unique tag in a tag that an answer echoes; `None` when the task is not one of ours.
    pub(crate) fn ours(echoed: &str) -> Option<Self> {
        let (key, rest) = echoed.split_at_checked(Self::KEY)?;
        let digits = key.strip_prefix(Self::OURS)?;
        let ours = digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && (rest.is_empty() || rest.starts_with(':'));
        ours.then(|| Self(key.into()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<&str> for Tag {
    type Error = InvalidTag;
    fn try_from(text: &str) -> Result<Self, InvalidTag> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_1_to_255_characters() {
        assert_eq!(Tag::new(""), Err(InvalidTag(0)));
        assert!(Tag::new("ü".repeat(255)).is_ok());
        assert_eq!(Tag::new("a".repeat(256)), Err(InvalidTag(256)));
        assert!(serde_json::from_str::<Tag>("\"\"").is_err());
    }

    #[test]
    fn our_tag_is_found_in_front_of_the_callers() {
        let tag = Tag::unique();
        let own = Tag::new("some:string_123").unwrap();
        let sent = tag.with(Some(&own));
        assert_eq!(sent.as_str(), format!("{tag}:some:string_123"));
        assert_eq!(Tag::ours(sent.as_str()), Some(tag.clone()));
        assert_eq!(Tag::ours(tag.as_str()), Some(tag.clone()));
        assert_eq!(tag.with(Some(&Tag::new("x".repeat(250)).unwrap())), tag, "too long together");
        for foreign in ["", "some_string_123", "asin-é", &format!("asin-{}", "g".repeat(32)), &format!("{tag}x")] {
            assert_eq!(Tag::ours(foreign), None, "{foreign}");
        }
        assert_ne!(Tag::unique(), tag);
    }

    #[test]
    fn no_tag_is_made_twice() {
        let made = || (0..20_000).map(|_| Tag::unique()).collect::<Vec<_>>();
        assert!(made().is_sorted_by(|one, next| one.as_str() < next.as_str()), "in the order in which they were made");
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(made)).collect();
        let all: Vec<Tag> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        let different: std::collections::BTreeSet<&str> = all.iter().map(Tag::as_str).collect();
        assert_eq!((all.len(), different.len()), (80_000, 80_000));
        assert!(all.iter().all(|tag| &tag.as_str()[17..18] == "7"), "{}: version 7", all[0]);
    }
}
