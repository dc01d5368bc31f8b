//! Searches: the keyword, and which of its results.

use super::{
    InvalidRequest, invalid,
    subject::Subject,
    wire::{Part, Wire},
};
use std::{fmt::Debug, marker::PhantomData};

/// What is searched for: 1 to 700 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Keyword(String);

impl Keyword {
    /// The most characters, as they are sent.
    pub const LONGEST: usize = 700;

    /// A keyword as a person writes it. The vendor decodes `%##` and takes `+` for a space, so both are sent encoded.
    ///
    /// ```
    /// use dataforseo_merchant::Keyword;
    /// assert_eq!(Keyword::new("C++ 100%")?.as_str(), "C%2B%2B 100%25");
    /// # Ok::<(), dataforseo_merchant::InvalidRequest>(())
    /// ```
    ///
    /// # Errors
    /// When it is blank, or has more than 700 characters after that.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidRequest> {
        Self::encoded(text.as_ref().replace('%', "%25").replace('+', "%2B"))
    }

    /// A keyword that is sent as it stands: `%##` in it is decoded by the vendor, `+` is a space.
    ///
    /// # Errors
    /// When it is blank, has more than 700 characters, or a `%` that no two hexadecimal digits follow.
    pub fn encoded(text: impl Into<String>) -> Result<Self, InvalidRequest> {
        let text = text.into();
        let digits = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
        match text.chars().count() {
            _ if text.trim().is_empty() => Err(invalid("keyword", "must not be empty")),
            0..=Self::LONGEST if text.split('%').skip(1).all(digits) => Ok(Self(text)),
            0..=Self::LONGEST => Err(invalid("keyword", "has a `%` that must be written `%25`")),
            _ => Err(invalid("keyword", "has at most 700 characters")),
        }
    }

    /// The text as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Prices between two bounds, in whole units of the shop's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PriceRange {
    lowest: Option<u32>,
    highest: Option<u32>,
}

impl PriceRange {
    /// From this price on.
    pub fn at_least(lowest: u32) -> Self {
        Self { lowest: Some(lowest), highest: None }
    }

    /// Up to this price.
    pub fn at_most(highest: u32) -> Self {
        Self { lowest: None, highest: Some(highest) }
    }

    /// From one price up to another.
    ///
    /// # Errors
    /// When the first is above the second.
    pub fn between(lowest: u32, highest: u32) -> Result<Self, InvalidRequest> {
        if lowest > highest {
            return Err(invalid("price_min", "must not be above `price_max`"));
        }
        Ok(Self { lowest: Some(lowest), highest: Some(highest) })
    }
}

/// Which results, in which order: by prices and sorting, or by parameters of the engine's own address; the vendor ignores
/// the latter beside the former.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selection<S>(Choice<S>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Choice<S> {
    Filters(Option<PriceRange>, Option<S>),
    Parameters(String),
}

impl<S> Selection<S> {
    /// By price and in an order.
    pub fn filters(prices: Option<PriceRange>, sort_by: Option<S>) -> Self {
        Self(Choice::Filters(prices, sort_by))
    }

    /// By parameters of the engine's search address, such as `&low-price=52&sort=review-rank`.
    pub fn parameters(text: impl Into<String>) -> Self {
        Self(Choice::Parameters(text.into()))
    }
}

core_http::open_enum! {
    /// The order of what Amazon shows.
    pub enum SortBy {
        /// By relevance.
        Relevance = "relevance",
        /// The cheapest first.
        PriceLowToHigh = "price_low_to_high",
        /// The dearest first.
        PriceHighToLow = "price_high_to_low",
        /// Amazon's own choice first.
        Featured = "featured",
        /// The best rated first.
        AverageCustomerReview = "avg_customer_review",
        /// The newest first.
        NewestArrival = "newest_arrival",
    }
}

core_http::open_enum! {
    /// The order of what Google Shopping shows.
    pub enum GoogleSortBy {
        /// The best rated first.
        ReviewScore = "review_score",
        /// The cheapest first.
        PriceLowToHigh = "price_low_to_high",
        /// The dearest first.
        PriceHighToLow = "price_high_to_low",
    }
}

core_http::open_enum! {
    /// A department of Amazon.
    pub enum Department {
        /// Arts & Crafts.
        ArtsAndCrafts = "Arts & Crafts",
        /// Automotive.
        Automotive = "Automotive",
        /// Baby.
        Baby = "Baby",
        /// Beauty & Personal Care.
        BeautyAndPersonalCare = "Beauty & Personal Care",
        /// Books.
        Books = "Books",
        /// Computers.
        Computers = "Computers",
        /// Digital Music.
        DigitalMusic = "Digital Music",
        /// Electronics.
        Electronics = "Electronics",
        /// Kindle Store.
        KindleStore = "Kindle Store",
        /// Prime Video.
        PrimeVideo = "Prime Video",
        /// Women's Fashion.
        WomensFashion = "Women's Fashion",
        /// Men's Fashion.
        MensFashion = "Men's Fashion",
        /// Girls' Fashion.
        GirlsFashion = "Girls' Fashion",
        /// Boys' Fashion.
        BoysFashion = "Boys' Fashion",
        /// Deals.
        Deals = "Deals",
        /// Health & Household.
        HealthAndHousehold = "Health & Household",
        /// Home & Kitchen.
        HomeAndKitchen = "Home & Kitchen",
        /// Industrial & Scientific.
        IndustrialAndScientific = "Industrial & Scientific",
        /// Luggage.
        Luggage = "Luggage",
        /// Movies & TV.
        MoviesAndTv = "Movies & TV",
        /// Music, CDs & Vinyl.
        MusicCdsAndVinyl = "Music, CDs & Vinyl",
        /// Pet Supplies.
        PetSupplies = "Pet Supplies",
        /// Software.
        Software = "Software",
        /// Sports & Outdoors.
        SportsAndOutdoors = "Sports & Outdoors",
        /// Tools & Home Improvement.
        ToolsAndHomeImprovement = "Tools & Home Improvement",
        /// Toys & Games.
        ToysAndGames = "Toys & Games",
        /// Video Games.
        VideoGames = "Video Games",
    }
}

/// What differs between the engines that are searched.
pub trait Engine: Debug + Clone + PartialEq + Eq {
    /// The orders that it knows.
    type Sort: Debug + Clone + PartialEq + Eq + From<String> + ToString;
    /// The most results.
    const DEEPEST: u32;
    /// The results of a page that is charged.
    const PAGE: u32;
    /// Whether it has departments.
    const DEPARTMENTS: bool;
}

/// Amazon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amazon {}

impl Engine for Amazon {
    type Sort = SortBy;
    const DEEPEST: u32 = 700;
    const PAGE: u32 = 100;
    const DEPARTMENTS: bool = true;
}

/// Google Shopping. Its newer pages go deeper, but only with a parameter of their own, which is not supported here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Google {}

impl Engine for Google {
    type Sort = GoogleSortBy;
    const DEEPEST: u32 = 120;
    const PAGE: u32 = 40;
    const DEPARTMENTS: bool = false;
}

impl From<String> for SortBy {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for GoogleSortBy {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

/// A search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search<E: Engine> {
    keyword: Keyword,
    pub(super) url: Option<String>,
    pub(super) depth: Option<u32>,
    pub(super) max_crawl_pages: Option<u32>,
    pub(super) department: Option<Department>,
    pub(super) selection: Option<Selection<E::Sort>>,
    engine: PhantomData<E>,
}

impl<E: Engine> From<Keyword> for Search<E> {
    fn from(keyword: Keyword) -> Self {
        let (url, depth, max_crawl_pages, department, selection, engine) = Default::default();
        Self { keyword, url, depth, max_crawl_pages, department, selection, engine }
    }
}

pub(super) fn depth(results: u32, deepest: u32) -> Result<u32, InvalidRequest> {
    match deepest {
        _ if (1..=deepest).contains(&results) => Ok(results),
        700 => Err(invalid("depth", "must be 1 to 700")),
        120 => Err(invalid("depth", "must be 1 to 120")),
        _ => Err(invalid("depth", "must be 1 to 200")),
    }
}

pub(super) fn pages(pages: u32) -> Result<u32, InvalidRequest> {
    if (1..=7).contains(&pages) { Ok(pages) } else { Err(invalid("max_crawl_pages", "must be 1 to 7")) }
}

pub(super) fn url(text: String) -> Result<String, InvalidRequest> {
    let url = text.parse::<url::Url>();
    if url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        return Ok(text);
    }
    Err(invalid("url", "must be a whole http or https address"))
}

impl<E: Engine> Part for Search<E> {
    fn write(self, wire: &mut Wire) {
        wire.keyword = Some(self.keyword.0);
        wire.url = self.url;
        wire.depth = self.depth;
        wire.max_crawl_pages = self.max_crawl_pages;
        wire.department = self.department;
        match self.selection.map(|selection| selection.0) {
            None => {}
            Some(Choice::Parameters(text)) => wire.search_param = Some(text),
            Some(Choice::Filters(prices, sort_by)) => {
                wire.price_min = prices.and_then(|prices| prices.lowest);
                wire.price_max = prices.and_then(|prices| prices.highest);
                wire.sort_by = sort_by.map(|order| order.to_string());
            }
        }
    }

    fn take(wire: &mut Wire) -> Result<Self, InvalidRequest> {
        let keyword = Keyword::encoded(wire.keyword.take().ok_or(invalid("keyword", "is missing"))?)?;
        let prices = match (wire.price_min.take(), wire.price_max.take()) {
            (None, None) => None,
            (Some(lowest), None) => Some(PriceRange::at_least(lowest)),
            (None, Some(highest)) => Some(PriceRange::at_most(highest)),
            (Some(lowest), Some(highest)) => Some(PriceRange::between(lowest, highest)?),
        };
        let sort_by = wire.sort_by.take().map(E::Sort::from);
        let selection = match (wire.search_param.take(), prices.is_some() || sort_by.is_some()) {
            (None, false) => None,
            (Some(text), false) => Some(Selection::parameters(text)),
            (None, true) => Some(Selection::filters(prices, sort_by)),
            (Some(_), true) => return Err(invalid("search_param", "is ignored beside prices and sorting")),
        };
        let department = if E::DEPARTMENTS { wire.department.take() } else { None };
        Ok(Self {
            url: wire.url.take().map(url).transpose()?,
            depth: wire.depth.take().map(|results| depth(results, E::DEEPEST)).transpose()?,
            max_crawl_pages: wire.max_crawl_pages.take().map(pages).transpose()?,
            department,
            selection,
            ..keyword.into()
        })
    }
}

impl<E: Engine> Subject for Search<E> {
    const HAS_PAGES: bool = true;

    fn text(&self) -> &str {
        &self.keyword.0
    }

    fn charged(&self) -> u32 {
        // The two bounds complement each other in a way that is not documented: the greater one is what it can cost.
        self.depth.unwrap_or(E::PAGE).div_ceil(E::PAGE).max(self.max_crawl_pages.unwrap_or(1))
    }
}
