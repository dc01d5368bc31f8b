//! Product Type Definitions 2020-09-01: what a listing of a product type must hold, as a schema.
//!
//! `SchemaCache::fetch` (feature `schemas`) asks for a definition in the language of its store, downloads the schema that it links to, and
//! keeps it on disk under its checksum. With the feature `validate`, a `Validator` checks a PUT or PATCH against it
//! before anything is sent:
//!
//! ```no_run
//! # #[cfg(feature = "schemas")]
//! use sp_listings::product_types::SchemaCache;
//! use sp_listings::{Marketplace, SpClient, product_types::GetDefinitionsProductType};
//!
//! # #[cfg(feature = "schemas")]
//! # async fn example(client: SpClient) -> core_http::Result<()> {
//! let cache = SchemaCache::new("schemas");
//! let schema = cache.fetch(&client, GetDefinitionsProductType::in_store("LUGGAGE", Marketplace::TR)).await?;
//! println!("{} in {}: {} bytes", schema.definition.display_name, schema.definition.locale, schema.document.len());
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "schemas")]
mod cache;
#[cfg(feature = "validate")]
mod keywords;
#[cfg(feature = "validate")]
mod validate;

pub use crate::generated::product_types::{
    GetDefinitionsProductType, Link, Locale, ParentageLevel, ProductType, ProductTypeDefinition, ProductTypeList,
    ProductTypeVersion, RequirementsEnforced, SchemaLink, SearchDefinitionsProductTypes, Verb,
};
#[cfg(feature = "schemas")]
pub use cache::{ProductTypeSchema, SchemaCache};
#[cfg(feature = "validate")]
pub use validate::{Finding, Validator};

use crate::Marketplace;

impl Locale {
    /// The language that the listings of a store are checked in. A store whose first language the API does not list has
    /// [`Locale::Default`], which Amazon turns into a language of that store.
    pub fn of_store(marketplace: &Marketplace) -> Self {
        match marketplace.language().map(Self::from) {
            Some(Self::Unknown(_)) | None => Self::Default,
            Some(locale) => locale,
        }
    }
}

impl GetDefinitionsProductType {
    /// The definition in a store, in the language of that store.
    pub fn in_store(product_type: impl Into<String>, marketplace: Marketplace) -> Self {
        let locale = Locale::of_store(&marketplace);
        Self::new(product_type, [marketplace]).locale(locale)
    }
}
