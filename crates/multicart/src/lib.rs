//! MultiCartAPI: ASINs watched in collections on a schedule, per postcode, and what was scraped of them.
//!
//! ```
//! use core_http::testing::Script;
//! use multicart::{Builder, CollectionId, CreateAsin, GetOutput, ListDomains, ListOutputs, ListPostcodes};
//! use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Without a transport of your own, requests go to the service; here they are answered from a list.
//! let script = Arc::new(Script::new());
//! script
//!     .answer(200, r#"{"code":200,"data":[{"id":1,"domain":"amazon.com.au"}],"status":1}"#)
//!     .answer(200, r#"{"code":200,"data":[{"id":15,"zipcode":"4500","status":"active"}],"status":1}"#)
//!     .answer(200, r#"{"code":200,"data":{"id":5,"asin":"B0DJQQ38TG"},"status":1}"#)
//!     .answer(200, r#"{"code":200,"data":[{"id":88}],"status":1}"#)
//!     .answer(200, r#"{"code":200,"data":{"id":88,"output_json":{"price":"$49.99"}},"status":1}"#);
//! let client = Builder::new("prefix.secret").transport(script).build()?;
//!
//! let domains = client.call(ListDomains::new()).await?;
//! let domain = domains.iter().find(|domain| domain.domain == "amazon.com.au").ok_or("no such domain")?.id;
//! let postcodes = client.call(ListPostcodes::new().domain(domain)).await?;
//! let postcode = postcodes.iter().find(|postcode| postcode.zipcode == "4500").ok_or("no such postcode")?.id;
//!
//! let collection = CollectionId(101);
//! let row = client.call(CreateAsin::new(collection, domain, postcode, "B0DJQQ38TG".parse()?)).await?;
//! println!("row {} is watched", row.id);
//!
//! for output in client.call(ListOutputs::new(collection)).await? {
//!     let output = client.call(GetOutput::new(output.id)).await?;
//!     assert_eq!(output.output_json.ok_or("no content")?["price"], "$49.99");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The wire calls two different things `asin_id`; here they do not compile in each other's place:
//!
//! ```compile_fail,E0308
//! let row = multicart::AsinRowId(5);
//! let wrong = multicart::GetOutput::new(row);
//! ```
//!
//! # What is where
//!
//! | to | look at |
//! | --- | --- |
//! | enrol many ASINs and know what became of each | [`enrol`] |
//! | enrol ASINs by single calls | [`CreateAsin`] (by ids), [`CreateAsins`] (by names, many), [`ImportAsins`] (CSV) |
//! | see and change what is enrolled | [`ListAsins`], [`GetAsin`], [`UpdateAsin`], [`DeleteAsin`] |
//! | make and change collections | [`CreateCollection`], [`UpdateCollection`] |
//! | start a run and see runs | [`runs::start`], [`runs::start_within`], [`StartRun`], [`ListRuns`], [`AwaitIngested`], [`AwaitRun`] |
//! | read what was scraped | [`ListOutputs`], [`GetOutput`]; into files: [`outputs::save`], [`GetFile`] |
//! | scrape a category | [`ScrapeCategory`], [`GetCategory`] |
//! | find or register domains and postcodes | [`ListDomains`], [`ListPostcodes`], [`postcodes::register`], [`AwaitPostcode`] |
//! | see what can be spent | [`GetCredits`] |
//! | make a client, change its key while it runs | [`Builder`], [`Key`], [`Login`] |
//! | call what has no type here | [`Raw`] |
//! | read a saved answer | [`inspect`], [`OPERATIONS`] |
//!
//! What the vendor's documentation leaves out stays open here: enums take any text, optional fields may be absent,
//! [`Fields`] are the caller's to name, [`Runs`] and [`Category`] keep what came.
//!
//! HTTP 200 is no success here: the envelope's `status` decides, and an answer that refuses is an
//! [`Error`](core_http::Error) with the vendor's `code` in its [`Fault`](core_http::Fault).
//!
//! # Features
//!
//! `rustls` (default): the built-in transport with TLS. `rustls-no-provider`: the same, the application installs the crypto
//! provider. Without either, bring a [`Transport`](core_http::Transport).
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
pub mod enrol;
// Every argument of a path is borrowed there, also one that could be copied.
#[allow(clippy::needless_borrows_for_generic_args)]
mod generated;
mod ids;
mod items;
mod jobs;
mod open;
pub mod outputs;
pub mod postcodes;
pub mod runs;
mod schedule;
mod secret;
mod vendor;

pub use builder::{BASE_URL, Builder, Key, McClient};
pub use generated::{
    AsinRow, Collection, CollectionStatus, CreateAsin, CreateAsins, CreateCollection, CreatePostcode, CreatedAsin,
    Credits, Day, DeleteAsin, DeliveryDay, Domain, Enrolled, FetchMode, GetAsin, GetCategory, GetCredits, GetFile,
    GetOutput, ImportAsins, ListAsins, ListDomains, ListOutputs, ListPostcodes, ListRuns, Login, OPERATIONS, Output,
    OutputFormat, Postcode, PostcodeStatus, Priority, RefusedRow, RequestType, Schedule, ScheduleStatus, ScheduleTime,
    ScrapeCategory, Session, StartRun, UpdateAsin, UpdateCollection, UpdatedAsin, User, call, inspect, named,
};
pub use ids::{AsinRowId, CollectionId, DomainId, OutputId, PostcodeId};
pub use items::AsinRows;
pub use jobs::{AwaitIngested, AwaitPostcode, AwaitRun, Prepared};
pub use open::{Category, Content, Fields, Raw};
pub use runs::{Run, RunnerId, Runs};
pub use schedule::{Hour, InvalidTime, Minutes};
pub use secret::{Password, SessionToken};
pub use vendor::{CALLS, Envelope, MultiCart};

use items::joined;

/// The Rust of README.md, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
