//! One place where DataForSEO Merchant, MultiCartAPI and Amazon SP-API Listings Items meet.
//!
//! Each vendor's crate is re-exported under its own name, behind the feature of that name; this crate adds one
//! vocabulary ([`Asin`], [`Marketplace`], [`Price`]) and the workflows that cross vendors (`sync`, with the feature
//! of that name).
//!
//! # Features
//!
//! | feature | brings |
//! | --- | --- |
//! | `sp-listings`, `dataforseo-merchant`, `multicart` | one vendor each |
//! | `sync` | all three, and the workflow |
//! | `feeds`, `schemas`, `validate` | of `sp-listings`: bulk changes, product types' schemas, validation against them |
//! | `full` | all of the above but `validate` |
//! | `rustls` (default) | the built-in transport with TLS |
//! | `rustls-no-provider` | the same; the application installs the crypto provider |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "dataforseo-merchant", feature = "multicart"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "dataforseo-merchant", feature = "multicart"))))]
pub mod event;
mod marketplace;
mod operations;
#[cfg(feature = "sync")]
#[cfg_attr(docsrs, doc(cfg(feature = "sync")))]
pub mod sync;

pub use core_http;
#[cfg(feature = "dataforseo-merchant")]
#[cfg_attr(docsrs, doc(cfg(feature = "dataforseo-merchant")))]
pub use dataforseo_merchant;
#[cfg(feature = "multicart")]
#[cfg_attr(docsrs, doc(cfg(feature = "multicart")))]
pub use multicart;
#[cfg(feature = "sp-listings")]
#[cfg_attr(docsrs, doc(cfg(feature = "sp-listings")))]
pub use sp_listings;

pub use core_http::Asin;
pub use marketplace::{Currency, Marketplace, Price, UnknownMarketplace};
pub use operations::{inspect, operations};
