//! A search that cannot say what Amazon would refuse.
//!
//! How listings are found is chosen once, when the search is made; the filters that exclude each other have no way to
//! meet. More identifiers than one call takes become several calls. What reads it is [`Search::items`].

use crate::{
    IdentifiersType, IncludedData, InvalidTerms, ItemStatus, Marketplace, SearchListingsItems, SellerId, Severity, Sku,
    SortBy, SortOrder, check,
};
use core_http::Asin;
use jiff::Timestamp;

/// Which listings of a seller to find, and what to read of them.
///
/// ```
/// use futures_util::TryStreamExt;
/// use sp_listings::{IncludedData, Item, ItemStatus, Marketplace, Search, SpClient};
///
/// # async fn find(client: &SpClient) -> Result<(), Box<dyn std::error::Error>> {
/// let search = Search::all("AO0WPKWDI17JQ".try_into()?, [Marketplace::TR])
///     .included_data([IncludedData::Summaries, IncludedData::Issues])
///     .created_after("2026-01-01T00:00:00Z".parse()?)
///     .with_status([ItemStatus::Buyable]);
/// let found: Vec<Item> = search.items(client).try_collect().await?; // also where there are more than 1,000
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a search finds nothing until its items are read"]
pub struct Search {
    seller: SellerId,
    marketplaces: Vec<Marketplace>,
    how: How,
    pub(crate) window: Window,
    included_data: Vec<IncludedData>,
    issue_locale: Option<String>,
    with_issue_severity: Vec<Severity>,
    with_status: Vec<ItemStatus>,
    without_status: Vec<ItemStatus>,
    page_size: PageSize,
}

#[derive(Debug, Clone, PartialEq)]
enum How {
    All,
    Identifiers(Identifiers),
    VariationsOf(Sku),
    PackagesOf(Sku),
}

/// Identifiers of one kind, any number of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Identifiers {
    kind: IdentifiersType,
    values: Vec<String>,
    /// SKUs with a comma, which no list can hold: they are read one by one.
    alone: Vec<Sku>,
}

impl Identifiers {
    /// Listings on these ASINs.
    pub fn asins(asins: impl IntoIterator<Item = Asin>) -> Self {
        let values = asins.into_iter().map(|asin| asin.to_string()).collect();
        Self { kind: IdentifiersType::Asin, values, alone: Vec::new() }
    }

    /// Listings by the seller's own names.
    pub fn skus(skus: impl IntoIterator<Item = Sku>) -> Self {
        let (alone, listed): (Vec<Sku>, Vec<Sku>) = skus.into_iter().partition(|sku| sku.as_str().contains(','));
        let values = listed.iter().map(Sku::to_string).collect();
        Self { kind: IdentifiersType::Sku, values, alone }
    }

    /// Listings by identifiers of another kind.
    ///
    /// # Errors
    /// [`InvalidTerms`] for an empty value, one with a comma (the list that it goes into is separated by commas), or
    /// what is no SKU where SKUs are meant.
    pub fn of(
        kind: IdentifiersType,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, InvalidTerms> {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        if kind == IdentifiersType::Sku {
            let skus: Result<Vec<Sku>, _> = values.into_iter().map(Sku::new).collect();
            return skus.map(Self::skus).map_err(|error| InvalidTerms(error.to_string()));
        }
        match values.iter().find(|value| value.is_empty() || value.contains(',')) {
            Some(value) => {
                Err(InvalidTerms(format!("an identifier ({kind}) must not be empty or hold a comma: `{value}`")))
            }
            None => Ok(Self { kind, values, alone: Vec::new() }),
        }
    }
}

/// Listings on a page: 1 to 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(u8);

impl PageSize {
    /// The most that Amazon gives at once; the default of a [`Search`].
    pub const MAX: Self = Self(20);

    /// As many as Amazon would give, at most.
    pub const fn new(listings: u8) -> Option<Self> {
        match listings {
            1..=20 => Some(Self(listings)),
            _ => None,
        }
    }
}

impl Search {
    fn new(seller: SellerId, marketplaces: impl IntoIterator<Item = Marketplace>, how: How) -> Self {
        Self {
            seller,
            marketplaces: marketplaces.into_iter().collect(),
            how,
            window: Window::default(),
            included_data: Vec::new(),
            issue_locale: None,
            with_issue_severity: Vec::new(),
            with_status: Vec::new(),
            without_status: Vec::new(),
            page_size: PageSize::MAX,
        }
    }

    /// Every listing.
    pub fn all(seller: SellerId, marketplaces: impl IntoIterator<Item = Marketplace>) -> Self {
        Self::new(seller, marketplaces, How::All)
    }

    /// The listings with these identifiers. Twenty go into one call; a SKU with a comma is read by a call of its own.
    pub fn identified(seller: SellerId, marketplaces: impl IntoIterator<Item = Marketplace>, by: Identifiers) -> Self {
        Self::new(seller, marketplaces, How::Identifiers(by))
    }

    /// The variations of this parent.
    pub fn variations_of(parent: Sku, seller: SellerId, marketplaces: impl IntoIterator<Item = Marketplace>) -> Self {
        Self::new(seller, marketplaces, How::VariationsOf(parent))
    }

    /// What contains this package, or is contained by it.
    pub fn packages_of(sku: Sku, seller: SellerId, marketplaces: impl IntoIterator<Item = Marketplace>) -> Self {
        Self::new(seller, marketplaces, How::PackagesOf(sku))
    }

    /// What is read of each listing: summaries by default.
    pub fn included_data(mut self, data: impl IntoIterator<Item = IncludedData>) -> Self {
        self.included_data = data.into_iter().collect();
        self
    }

    /// The language of the issues, such as `en_US`; that of the first store by default.
    pub fn issue_locale(mut self, locale: impl Into<String>) -> Self {
        self.issue_locale = Some(locale.into());
        self
    }

    /// Only listings created at this moment or later.
    pub fn created_after(mut self, moment: Timestamp) -> Self {
        self.window.created.after = Some(moment);
        self
    }

    /// Only listings created at this moment or earlier.
    pub fn created_before(mut self, moment: Timestamp) -> Self {
        self.window.created.before = Some(moment);
        self
    }

    /// Only listings changed at this moment or later.
    pub fn updated_after(mut self, moment: Timestamp) -> Self {
        self.window.updated.after = Some(moment);
        self
    }

    /// Only listings changed at this moment or earlier.
    pub fn updated_before(mut self, moment: Timestamp) -> Self {
        self.window.updated.before = Some(moment);
        self
    }

    /// Only listings with an issue this bad.
    pub fn with_issue_severity(mut self, severities: impl IntoIterator<Item = Severity>) -> Self {
        self.with_issue_severity = severities.into_iter().collect();
        self
    }

    /// Only listings in one of these states.
    pub fn with_status(mut self, statuses: impl IntoIterator<Item = ItemStatus>) -> Self {
        self.with_status = statuses.into_iter().collect();
        self
    }

    /// Only listings in none of these states.
    pub fn without_status(mut self, statuses: impl IntoIterator<Item = ItemStatus>) -> Self {
        self.without_status = statuses.into_iter().collect();
        self
    }

    /// Listings on a page; as many as Amazon gives by default.
    pub fn page_size(mut self, listings: PageSize) -> Self {
        self.page_size = listings;
        self
    }

    /// The first page of each search that it takes, as raw operations: oldest listings first, so that what is created
    /// while they are read comes last. SKUs with a comma are not among them.
    pub fn operations(&self) -> Vec<SearchListingsItems> {
        let all = self.window.put_on(self.base());
        match &self.how {
            How::All => vec![all],
            How::VariationsOf(parent) => vec![all.variation_parent_sku(parent.clone())],
            How::PackagesOf(sku) => vec![all.package_hierarchy_sku(sku.clone())],
            How::Identifiers(Identifiers { kind, values, .. }) => {
                let call = |values: &[String]| all.clone().identifiers(values).identifiers_type(kind.clone());
                values.chunks(check::MOST).map(call).collect()
            }
        }
    }

    fn base(&self) -> SearchListingsItems {
        let mut search = SearchListingsItems::new(self.seller.clone(), self.marketplaces.iter().cloned())
            .included_data(self.included_data.iter().cloned())
            .with_issue_severity(self.with_issue_severity.iter().cloned())
            .with_status(self.with_status.iter().cloned())
            .without_status(self.without_status.iter().cloned())
            .sort_by(SortBy::CreatedDate)
            .sort_order(SortOrder::Asc)
            .page_size(self.page_size.0.into());
        search.issue_locale.clone_from(&self.issue_locale);
        search
    }

    /// The SKUs that must be read one by one, each as an operation.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](core_http::ErrorKind::Request) if there are any and the search has filters: a single read
    /// knows none.
    pub(crate) fn single_reads(&self) -> core_http::Result<Vec<crate::GetListingsItem>> {
        let How::Identifiers(Identifiers { alone, .. }) = &self.how else { return Ok(Vec::new()) };
        let filtered = self.window != Window::default()
            || !(self.with_issue_severity.is_empty() && self.with_status.is_empty() && self.without_status.is_empty());
        if let Some(sku) = alone.first().filter(|_| filtered) {
            let message =
                format!("the SKU `{sku}` holds a comma, so it is read by itself and cannot be searched with filters");
            return Err(core_http::Error::new(core_http::ErrorKind::Request, message));
        }
        let read = |sku: &Sku| {
            let mut read =
                crate::GetListingsItem::new(self.seller.clone(), sku.clone(), self.marketplaces.iter().cloned())
                    .included_data(self.included_data.iter().cloned());
            read.issue_locale.clone_from(&self.issue_locale);
            read
        };
        Ok(alone.iter().map(read).collect())
    }
}

/// When listings were created and last changed; both ends count, an open end is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Window {
    created: Span,
    updated: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Span {
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

/// No listing is older than the shop.
const FIRST: Timestamp = Timestamp::constant(805_852_800, 0);

impl Window {
    pub(crate) fn put_on(self, mut search: SearchListingsItems) -> SearchListingsItems {
        let text = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
        search.created_after = text(self.created.after);
        search.created_before = text(self.created.before);
        search.last_updated_after = text(self.updated.after);
        search.last_updated_before = text(self.updated.before);
        search
    }

    /// Its older and its newer half, which share one moment, so that nothing falls between them. By the date of creation,
    /// which stays as it is; by that of the last change only where all were created at one moment. What is changed
    /// meanwhile moves into the newer half, which is read later.
    pub(crate) fn halves(self, now: Timestamp) -> Option<(Self, Self)> {
        let with = |created, updated| Self { created, updated };
        if let Some((old, new)) = self.created.halves(now) {
            return Some((with(old, self.updated), with(new, self.updated)));
        }
        let (old, new) = self.updated.halves(now)?;
        Some((with(self.created, old), with(self.created, new)))
    }
}

impl Span {
    fn halves(self, now: Timestamp) -> Option<(Self, Self)> {
        let first = self.after.unwrap_or(FIRST).as_millisecond();
        let last = self.before.unwrap_or(now).as_millisecond();
        if last - first < 2 {
            return None;
        }
        let middle = Timestamp::from_millisecond(first + (last - first) / 2).ok()?;
        Some((Self { before: Some(middle), ..self }, Self { after: Some(middle), ..self }))
    }
}
