//! What is looked at.

use super::{
    InvalidRequest, invalid, said,
    wire::{Part, Wire},
};
use core_http::Asin;
use std::collections::BTreeMap;

/// What a request looks at.
pub trait Subject: Part {
    /// Whether its pages can be had as they came.
    const HAS_PAGES: bool;

    /// Its name in a line of text.
    fn text(&self) -> &str;

    /// The ASIN, if it is one.
    fn asin(&self) -> Option<Asin> {
        None
    }

    /// How many times the price of one page it can cost at most.
    fn charged(&self) -> u32 {
        1
    }
}

impl Part for Asin {
    fn write(self, wire: &mut Wire) {
        wire.asin = Some(self);
    }

    fn take(wire: &mut Wire) -> Result<Self, InvalidRequest> {
        wire.asin.take().ok_or(invalid("asin", "is missing"))
    }
}

impl Subject for Asin {
    const HAS_PAGES: bool = true;

    fn text(&self) -> &str {
        self.as_str()
    }

    fn asin(&self) -> Option<Asin> {
        Some(*self)
    }
}

/// A product in Google Shopping, by at least one of the ids that its results name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GoogleProduct {
    product_id: Option<String>,
    data_docid: Option<String>,
    gid: Option<String>,
}

const IDS: &str = "product_id, data_docid, gid";

impl GoogleProduct {
    /// By its id in Google Shopping, such as `4485466949985702538`.
    pub fn product_id(id: impl Into<String>) -> Self {
        Self { product_id: Some(id.into()), data_docid: None, gid: None }
    }

    /// By the id of its entry among the results, such as `13071766526042404278`.
    pub fn data_docid(id: impl Into<String>) -> Self {
        Self { product_id: None, data_docid: Some(id.into()), gid: None }
    }

    /// By its global id, such as `4702526954592161872`.
    pub fn gid(id: impl Into<String>) -> Self {
        Self { product_id: None, data_docid: None, gid: Some(id.into()) }
    }

    /// Also with the ids of the same product that this one lacks.
    pub fn and(self, other: Self) -> Self {
        Self {
            product_id: self.product_id.or(other.product_id),
            data_docid: self.data_docid.or(other.data_docid),
            gid: self.gid.or(other.gid),
        }
    }
}

impl Part for GoogleProduct {
    fn write(self, wire: &mut Wire) {
        wire.product_id = self.product_id;
        wire.data_docid = self.data_docid;
        wire.gid = self.gid;
    }

    fn take(wire: &mut Wire) -> Result<Self, InvalidRequest> {
        let product =
            Self { product_id: wire.product_id.take(), data_docid: wire.data_docid.take(), gid: wire.gid.take() };
        match product {
            Self { product_id: None, data_docid: None, gid: None } => Err(invalid(IDS, "must be at least one")),
            product => Ok(product),
        }
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        let Self { product_id, data_docid, gid } = self;
        let said = |field, id: &Option<String>| id.as_deref().map_or(Ok(()), |id| said(field, id));
        said("product_id", product_id)?;
        said("data_docid", data_docid)?;
        said("gid", gid)
    }
}

impl Subject for GoogleProduct {
    const HAS_PAGES: bool = false;

    fn text(&self) -> &str {
        let ids = [&self.product_id, &self.gid, &self.data_docid];
        ids.into_iter().flatten().next().map_or("", String::as_str)
    }
}

/// The shops of a product in Google Shopping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoogleSellers {
    product: GoogleProduct,
    pub(super) pvf: Option<String>,
    pub(super) depth: Option<u32>,
    pub(super) shops_on_google: Option<bool>,
    pub(super) specifications: Option<BTreeMap<String, String>>,
}

impl From<GoogleProduct> for GoogleSellers {
    fn from(product: GoogleProduct) -> Self {
        Self { product, pvf: None, depth: None, shops_on_google: None, specifications: None }
    }
}

impl Part for GoogleSellers {
    fn write(self, wire: &mut Wire) {
        self.product.write(wire);
        wire.pvf = self.pvf;
        wire.depth = self.depth;
        wire.get_shops_on_google = self.shops_on_google;
        wire.additional_specifications = self.specifications;
    }

    fn take(wire: &mut Wire) -> Result<Self, InvalidRequest> {
        Ok(Self {
            product: GoogleProduct::take(wire)?,
            pvf: wire.pvf.take(),
            depth: wire.depth.take().map(|shops| super::search::depth(shops, 200)).transpose()?,
            shops_on_google: wire.get_shops_on_google.take(),
            specifications: wire.additional_specifications.take(),
        })
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        self.product.check()
    }
}

impl Subject for GoogleSellers {
    const HAS_PAGES: bool = false;

    fn text(&self) -> &str {
        self.product.text()
    }

    fn charged(&self) -> u32 {
        let twice = if self.shops_on_google == Some(true) { 2 } else { 1 };
        self.depth.unwrap_or(10).div_ceil(10) * twice
    }
}
