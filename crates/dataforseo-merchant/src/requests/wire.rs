//! All requests have one form on the wire.

use super::{
    Department, InvalidRequest, Language, Location, PostbackData, Priority, Summary, delivery::Delivery, invalid,
    subject::Subject,
};
use crate::Tag;
use core_http::Asin;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

macro_rules! wire {
    ($($field:ident: $kind:ty,)+) => {
        /// Every field that a request may have, in the order of the vendor's examples (seed 000).
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Wire {
            $(#[serde(skip_serializing_if = "Option::is_none")]
            pub(super) $field: Option<$kind>,)+
        }

        impl Wire {
            /// A field that no part has taken.
            fn left(&self) -> Option<&'static str> {
                $(if self.$field.is_some() {
                    return Some(stringify!($field));
                })+
                None
            }
        }
    };
}

wire! {
    language_code: String,
    location_code: i64,
    location_name: String,
    location_coordinate: String,
    language_name: String,
    asin: Asin,
    keyword: String,
    url: String,
    product_id: String,
    data_docid: String,
    gid: String,
    pvf: String,
    priority: i64,
    se_domain: String,
    depth: u32,
    max_crawl_pages: u32,
    department: Department,
    search_param: String,
    price_min: u32,
    price_max: u32,
    sort_by: String,
    get_shops_on_google: bool,
    additional_specifications: BTreeMap<String, String>,
    tag: Tag,
    postback_data: PostbackData,
    postback_url: String,
    pingback_url: String,
}

/// A part of a request.
pub trait Part: Sized {
    /// Fills its fields in.
    fn write(self, wire: &mut Wire);

    /// Takes its fields out: whatever `write` can have filled in, or a ledger could not read what it wrote.
    fn take(wire: &mut Wire) -> Result<Self, InvalidRequest>;

    /// Refuses what the vendor would.
    fn check(&self) -> Result<(), InvalidRequest> {
        Ok(())
    }
}

/// A request: what is looked at, from where, and how it is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form<S, D> {
    pub(super) subject: S,
    location: Location,
    language: Language,
    pub(super) domain: Option<String>,
    pub(super) tag: Option<Tag>,
    pub(super) delivery: D,
}

impl<S, D: Default> Form<S, D> {
    pub(super) fn new(subject: S, location: Location, language: Language) -> Self {
        Self { subject, location, language, domain: None, tag: None, delivery: D::default() }
    }
}

impl<S> Form<S, Delivery> {
    pub(super) fn live(self) -> Form<S, ()> {
        let Self { subject, location, language, domain, tag, .. } = self;
        Form { subject, location, language, domain, tag, delivery: () }
    }
}

/// How soon a request is done.
pub trait Delivered: Part {
    /// Its priority.
    fn priority(&self) -> Priority;

    /// What is posted to an address.
    fn posted(&self) -> Option<PostbackData>;
}

impl Delivered for Delivery {
    fn priority(&self) -> Priority {
        self.priority.unwrap_or_default()
    }

    fn posted(&self) -> Option<PostbackData> {
        self.postback.as_ref().map(|(_, data)| *data)
    }
}

impl Delivered for () {
    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn posted(&self) -> Option<PostbackData> {
        None
    }
}

impl<S: Subject, D: Delivered> Form<S, D> {
    pub(super) fn check(&self) -> Result<(), InvalidRequest> {
        self.subject.check()?;
        self.location.check()?;
        self.language.check()
    }

    pub(super) fn summary(&self) -> Summary<'_> {
        Summary {
            subject: self.subject.text(),
            asin: self.subject.asin(),
            location: &self.location,
            language: &self.language,
            priority: self.delivery.priority(),
            tag: self.tag.as_ref(),
            pages: self.subject.charged(),
            posted: self.delivery.posted(),
        }
    }
}

impl<S: Subject, D: Delivered> From<Form<S, D>> for Wire {
    fn from(form: Form<S, D>) -> Self {
        let mut wire = Self { se_domain: form.domain, tag: form.tag, ..Self::default() };
        form.location.write(&mut wire);
        form.language.write(&mut wire);
        form.subject.write(&mut wire);
        form.delivery.write(&mut wire);
        wire
    }
}

impl<S: Subject, D: Delivered> TryFrom<Wire> for Form<S, D> {
    type Error = InvalidRequest;

    fn try_from(mut wire: Wire) -> Result<Self, InvalidRequest> {
        let form = Self {
            subject: S::take(&mut wire)?,
            location: Location::take(&mut wire)?,
            language: Language::take(&mut wire)?,
            domain: wire.se_domain.take(),
            tag: wire.tag.take(),
            delivery: D::take(&mut wire)?,
        };
        if !S::HAS_PAGES && form.delivery.posted() == Some(PostbackData::Html) {
            return Err(invalid("postback_data", "must be `advanced`: there are no pages as they came"));
        }
        match wire.left() {
            Some(field) => Err(invalid(field, "is not a field of this request")),
            None => Ok(form),
        }
    }
}
