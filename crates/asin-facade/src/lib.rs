//! One place where DataForSEO Merchant, MultiCartAPI and Amazon SP-API Listings Items meet.
//!
//! Each vendor's crate is re-exported under its own name, behind the feature of that name; this crate adds one
//! vocabulary ([`Asin`], [`Marketplace`], [`Price`], with a vendor that observes also `Product`, `Observation` and `Family`)
//! and the workflows that cross vendors. A workflow is a stream of `event`s: it can be shown, is asked for leave before it pays,
//! stops when it is dropped, and goes on when it is called again. Left out with its vendor, it does not compile.
//!
//! ```
//! use asin_facade::{Asin, Marketplace, Price};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store: Marketplace = "TR".parse()?; // one value knows a store by every vendor's name for it
//! assert_eq!((store.id(), store.domain(), store.location_code()), ("A33AVAJ2PDY3EV", "amazon.com.tr", 2792));
//! let asin: Asin = "B0756FCPPN".parse()?;
//! let price = Price::new("890.90".parse()?, store.currency());
//! assert_eq!(format!("{asin} at {price} in {store}"), "B0756FCPPN at 890.90 TRY in TR");
//! # Ok(())
//! # }
//! ```
//!
//! Whatever fails is a [`core_http::Error`], of every vendor.
//!
//! # Features
//!
//! | feature | brings | workflows |
//! | --- | --- | --- |
//! | `sp-listings` | Amazon SP-API Listings Items | |
//! | `dataforseo-merchant` | DataForSEO Merchant | `Variants`, `Observe` by paid tasks |
//! | `multicart` | MultiCartAPI | `Observe` by scraped outputs, `watch` |
//! | `publish` | `sp-listings` with `feeds` | `publish` |
//! | `sync` | all three, and `publish` | `sync` |
//! | `feeds`, `schemas`, `validate` | of `sp-listings`: bulk changes, product types' schemas, validation against them | |
//! | `webhook` | of `dataforseo-merchant`: receiving results that the vendor posts | |
//! | `runs`, `runs-postgres` | `asin-runs` as `runs`: paid tasks of any number in SQLite, and in PostgreSQL for many machines (Rust 1.94) | |
//! | `full` | all of the above but `validate`, `webhook` and `runs` | |
//! | `rustls` (default) | the built-in transport with TLS | |
//! | `rustls-no-provider` | the same; the application installs the crypto provider | |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "dataforseo-merchant", feature = "multicart"))]
mod doubt;
#[cfg(any(feature = "dataforseo-merchant", feature = "multicart", feature = "publish"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "dataforseo-merchant", feature = "multicart", feature = "publish"))))]
pub mod event;
#[cfg(any(feature = "multicart", feature = "publish"))]
mod journal;
mod marketplace;
#[cfg(any(feature = "dataforseo-merchant", feature = "multicart", feature = "publish"))]
mod observation;
#[cfg(any(feature = "dataforseo-merchant", feature = "multicart"))]
mod observe;
mod operations;
#[cfg(feature = "dataforseo-merchant")]
mod paid;
#[cfg(any(feature = "dataforseo-merchant", feature = "multicart"))]
mod product;
#[cfg(feature = "publish")]
#[cfg_attr(docsrs, doc(cfg(feature = "publish")))]
pub mod publish;
#[cfg(feature = "sync")]
#[cfg_attr(docsrs, doc(cfg(feature = "sync")))]
pub mod sync;
#[cfg(feature = "dataforseo-merchant")]
mod variants;
#[cfg(feature = "multicart")]
#[cfg_attr(docsrs, doc(cfg(feature = "multicart")))]
pub mod watch;

#[cfg(feature = "runs")]
#[cfg_attr(docsrs, doc(cfg(feature = "runs")))]
pub use asin_runs as runs;
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
#[cfg(any(feature = "dataforseo-merchant", feature = "multicart"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "dataforseo-merchant", feature = "multicart"))))]
pub use doubt::{Doubt, Market, Question, lowest};
pub use marketplace::{Currency, Marketplace, Price, UnknownMarketplace};
#[cfg(any(feature = "dataforseo-merchant", feature = "multicart", feature = "publish"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "dataforseo-merchant", feature = "multicart", feature = "publish"))))]
pub use observation::{Observation, Source};
#[cfg(any(feature = "dataforseo-merchant", feature = "multicart"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "dataforseo-merchant", feature = "multicart"))))]
pub use observe::{Observe, Observed};
pub use operations::{inspect, operations};
#[cfg(any(feature = "dataforseo-merchant", feature = "multicart"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "dataforseo-merchant", feature = "multicart"))))]
pub use product::{Family, Product, Said, Unanswered, Why};
#[cfg(feature = "dataforseo-merchant")]
#[cfg_attr(docsrs, doc(cfg(feature = "dataforseo-merchant")))]
pub use variants::Variants;

/// The Rust of README.md, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
