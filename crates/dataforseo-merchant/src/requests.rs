//! What is asked for: requests that cannot say what the vendor would refuse.
//!
//! A request is what is looked at (an ASIN, a keyword, a product of Google), from where (exactly one location, exactly one
//! language), and, unless it is answered at once, how it is delivered. Rules: seed 000 and the vendor's specification.

mod delivery;
mod place;
mod search;
mod subject;
mod webhook_url;
mod wire;

pub use delivery::{PostbackData, Priority};
pub use place::{Language, Location};
pub use search::{Department, GoogleSortBy, Keyword, PriceRange, Selection, SortBy};
pub use subject::GoogleProduct;
pub use webhook_url::WebhookUrl;

use crate::Tag;
use core_http::Asin;
use delivery::Delivery;
use search::{Amazon, Google, Search};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use subject::GoogleSellers;
use wire::{Form, Wire};

/// A request that the vendor would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {rule}")]
pub struct InvalidRequest {
    field: &'static str,
    rule: &'static str,
}

const fn invalid(field: &'static str, rule: &'static str) -> InvalidRequest {
    InvalidRequest { field, rule }
}

/// Refuses a text that says nothing.
fn said(field: &'static str, text: &str) -> Result<(), InvalidRequest> {
    if text.trim().is_empty() { Err(invalid(field, "must not be empty")) } else { Ok(()) }
}

/// What a request asks for, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary<'a> {
    /// The ASIN, the keyword as it is sent, or Google's id of the product.
    pub subject: &'a str,
    /// The ASIN, if it asks for one.
    pub asin: Option<Asin>,
    /// From where the page is looked at.
    pub location: &'a Location,
    /// In which language.
    pub language: &'a Language,
    /// How soon it is done; [`Priority::Normal`] for what is answered at once.
    pub priority: Priority,
    /// The caller's own name for it.
    pub tag: Option<&'a Tag>,
    /// How many times the price of one page it can cost at most: results are charged by the page.
    pub pages: u32,
    /// What is posted to an address, if anything is.
    pub posted: Option<PostbackData>,
}

macro_rules! request {
    ($(#[$meta:meta])* $name:ident of $subject:ty, $argument:ident: $what:ty, $($delivery:tt)*) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(into = "Wire", try_from = "Wire")]
        pub struct $name(Form<$subject, request!(@delivery $($delivery)*)>);

        impl From<$name> for Wire {
            fn from(request: $name) -> Self {
                request.0.into()
            }
        }

        impl TryFrom<Wire> for $name {
            type Error = InvalidRequest;
            fn try_from(wire: Wire) -> Result<Self, InvalidRequest> {
                wire.try_into().map(Self)
            }
        }

        impl $name {
            /// With what it cannot do without.
            pub fn new($argument: $what, location: Location, language: Language) -> Self {
                Self(Form::new($argument.into(), location, language))
            }

            /// The shop or search engine, such as `amazon.co.uk`; by default the vendor takes it from location and language.
            pub fn domain(mut self, domain: impl Into<String>) -> Self {
                self.0.domain = Some(domain.into());
                self
            }

            /// The caller's own name for it.
            pub fn tag(mut self, tag: Tag) -> Self {
                self.0.tag = Some(tag);
                self
            }

            /// What it asks for, in short.
            pub fn summary(&self) -> Summary<'_> {
                self.0.summary()
            }

            /// Whether it says what it must; [`Tasks`](crate::Tasks) sends nothing that does not.
            ///
            /// # Errors
            /// For an empty identifier, by field and rule.
            pub fn check(&self) -> Result<(), InvalidRequest> {
                self.0.check()
            }
        }

        request!(@setters $name $($delivery)*);
    };
    (@delivery live) => { () };
    (@delivery $($other:tt)*) => { Delivery };
    (@setters $name:ident live) => {};
    (@setters $name:ident queued) => {
        impl $name {
            /// How soon it is done; [`Priority::Normal`] where nothing is said.
            pub fn priority(mut self, priority: Priority) -> Self {
                self.0.delivery.priority = Some(priority);
                self
            }

            /// Has an address called when the task is done.
            pub fn pingback(mut self, url: WebhookUrl) -> Self {
                self.0.delivery.pingback = Some(url);
                self
            }

            /// Has the result posted to an address, whatever else the kind could post.
            pub(crate) fn result_to(mut self, url: WebhookUrl) -> Self {
                self.0.delivery.postback = Some((url, PostbackData::Advanced));
                self
            }
        }
    };
    (@setters $name:ident queued with pages) => {
        request!(@setters $name queued);

        impl $name {
            /// Has the result, or the pages as they came, posted to an address.
            pub fn postback(mut self, url: WebhookUrl, data: PostbackData) -> Self {
                self.0.delivery.postback = Some((url, data));
                self
            }
        }
    };
    (@setters $name:ident queued without pages) => {
        request!(@setters $name queued);

        impl $name {
            /// Has the result posted to an address.
            pub fn postback(self, url: WebhookUrl) -> Self {
                self.result_to(url)
            }
        }
    };
    (@setters $name:ident queued with pages, at once $live:ident) => {
        request!(@setters $name queued with pages);

        impl $name {
            /// The same request to be answered at once; priority and addresses have no meaning there and are left out.
            pub fn live(self) -> $live {
                $live(self.0.live())
            }
        }
    };
}

/// Setters of requests that search.
macro_rules! search {
    ($($name:ident: $sort:ty, deepest $deepest:literal, $page:literal a page;)+) => { $(
        impl $name {
            /// How many results to read. Each page of them is charged.
            #[doc = concat!("At most ", stringify!($deepest), "; ", stringify!($page), " a page, which is also the default.")]
            ///
            /// # Errors
            /// When it is none or more than that.
            pub fn depth(mut self, results: u32) -> Result<Self, InvalidRequest> {
                self.0.subject.depth = Some(search::depth(results, $deepest)?);
                Ok(self)
            }

            /// How many pages to read at most: 1 to 7.
            ///
            /// # Errors
            /// When it is outside of that.
            pub fn max_crawl_pages(mut self, pages: u32) -> Result<Self, InvalidRequest> {
                self.0.subject.max_crawl_pages = Some(search::pages(pages)?);
                Ok(self)
            }

            /// Which of the results, in which order.
            pub fn selection(mut self, selection: Selection<$sort>) -> Self {
                self.0.subject.selection = Some(selection);
                self
            }

            /// The address of the search, out of which the vendor takes what it needs; the vendor advises against it.
            ///
            /// # Errors
            /// When it is no whole http or https address.
            pub fn url(mut self, url: impl Into<String>) -> Result<Self, InvalidRequest> {
                self.0.subject.url = Some(search::url(url.into())?);
                Ok(self)
            }
        }
    )+ };
}

request! {
    /// Asks for a product by its ASIN: the page, and the ASINs of its variants.
    ///
    /// ```
    /// use dataforseo_merchant::{AsinTask, Language, Location};
    /// let task = AsinTask::new("B0EXAMPLE1".parse()?, Location::code(2840), Language::code("en_US"));
    /// let json = serde_json::to_value(task).expect("a request is JSON");
    /// assert_eq!(json, serde_json::json!({"asin": "B0EXAMPLE1", "location_code": 2840, "language_code": "en_US"}));
    /// # Ok::<(), core_http::InvalidAsin>(())
    /// ```
    AsinTask of Asin, asin: Asin, queued with pages, at once AsinLiveTask
}

request! {
    /// Asks for a product by its ASIN, to be answered at once.
    AsinLiveTask of Asin, asin: Asin, live
}

request! {
    /// Asks for the offers of all sellers of an ASIN.
    SellersTask of Asin, asin: Asin, queued with pages, at once SellersLiveTask
}

request! {
    /// Asks for the offers of all sellers of an ASIN, to be answered at once.
    SellersLiveTask of Asin, asin: Asin, live
}

request! {
    /// Asks what Amazon shows for a keyword.
    ///
    /// ```
    /// use dataforseo_merchant::{Department, Keyword, Language, Location, PriceRange, ProductsTask, Selection, SortBy};
    /// let task = ProductsTask::new(Keyword::new("desk lamp 50%")?, Location::code(2840), Language::code("en_US"))
    ///     .department(Department::HomeAndKitchen)
    ///     .depth(200)?
    ///     .selection(Selection::filters(Some(PriceRange::between(5, 100)?), Some(SortBy::PriceLowToHigh)));
    /// assert_eq!((task.summary().subject, task.summary().pages), ("desk lamp 50%25", 2));
    /// # Ok::<(), dataforseo_merchant::InvalidRequest>(())
    /// ```
    ProductsTask of Search<Amazon>, keyword: Keyword, queued with pages, at once ProductsLiveTask
}

request! {
    /// Asks what Amazon shows for a keyword, to be answered at once.
    ProductsLiveTask of Search<Amazon>, keyword: Keyword, live
}

request! {
    /// Asks what Google Shopping shows for a keyword.
    GoogleProductsTask of Search<Google>, keyword: Keyword, queued with pages
}

request! {
    /// Asks for the shops that sell a product, by Google Shopping.
    GoogleSellersTask of GoogleSellers, product: GoogleProduct, queued without pages
}

request! {
    /// Asks for the page of a product in Google Shopping.
    GoogleProductInfoTask of GoogleProduct, product: GoogleProduct, queued without pages
}

search! {
    ProductsTask: SortBy, deepest 700, 100 a page;
    ProductsLiveTask: SortBy, deepest 700, 100 a page;
    GoogleProductsTask: GoogleSortBy, deepest 120, 40 a page;
}

macro_rules! department {
    ($($name:ident)+) => { $(
        impl $name {
            /// The department to search in.
            pub fn department(mut self, department: Department) -> Self {
                self.0.subject.department = Some(department);
                self
            }
        }
    )+ };
}

department! { ProductsTask ProductsLiveTask }

impl GoogleSellersTask {
    /// How many shops to read: 200 at most; 10 a page, which is also the default. Each page of them is charged.
    ///
    /// # Errors
    /// When it is none or more than 200.
    pub fn depth(mut self, shops: u32) -> Result<Self, InvalidRequest> {
        self.0.subject.depth = Some(search::depth(shops, 200)?);
        Ok(self)
    }

    /// The variant of the product, as `pvf` of a product's variations names it.
    pub fn variant(mut self, pvf: impl Into<String>) -> Self {
        self.0.subject.pvf = Some(pvf.into());
        self
    }

    /// Also shops at Google itself; doubles the cost.
    pub fn shops_on_google(mut self) -> Self {
        self.0.subject.shops_on_google = Some(true);
        self
    }

    /// What `additional_specifications` of a product in Google Shopping said.
    pub fn specifications(mut self, specifications: BTreeMap<String, String>) -> Self {
        self.0.subject.specifications = Some(specifications);
        self
    }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
