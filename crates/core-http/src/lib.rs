#![doc = include_str!("../README.md")]
//!
//! # The life of a call
//!
//! One function in `client.rs`, top to bottom:
//!
//! 1. Build the request once, a resend sends the same bytes; refuse what the client must not send
//!    ([`ClientBuilder::check`]); wait until no other change of the same thing is under way ([`Vendor::changes`]).
//! 2. Wait for every limit that the operation counts against ([`RateLimit`]).
//! 3. Put credentials on ([`Authorize`]), fresh ones in every attempt.
//! 4. Check the deadline a last time, and the [gate](Gate) if there is one, immediately before the transport has it.
//! 5. Send ([`Transport`]), for as long as the operation and the deadline allow.
//! 6. Read the vendor's envelope and its content in one pass; the operation judges the content.
//! 7. Teach the limiter what the answer says about the limits.
//! 8. Return the value; or, after a failure, refresh refused credentials once, or ask the table in [`retry`] whether to
//!    send again; wait if the wait ends before the deadline, else return the real error with its attempts.
//!
//! # What is where
//!
//! | to | look at |
//! | --- | --- |
//! | add a vendor or an operation | [`Vendor`], [`Operation`], [`encode`], [`lenient`], [`open_enum!`], [`tagged_union!`] |
//! | send one | [`Client::call`], [`Client::exchange`], [`Client::pages`], [`Client::wait`] |
//! | send one by its name, its arguments as JSON | [`Client::named`], [`Client::exchange_named`] |
//! | take in what is too big for memory | [`Client::records`], [`Client::download`], [`Client::download_url`], [`Client::upload_url`] |
//! | understand a failure | [`Error`], [`ErrorKind`], [`Fault`], [`retry`] |
//! | bring your own network, limits or credentials | [`Transport`], [`RateLimit`], [`Authorize`] |
//! | test | `testing` (feature `testing`) |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod asin;
pub mod auth;
mod bucket;
mod buckets;
mod builder;
mod client;
pub mod encode;
mod error;
mod exclusive;
mod job;
pub mod lenient;
mod limit;
mod named;
pub mod open_enum;
mod operation;
mod page;
mod plan;
pub mod records;
#[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
mod reqwest;
pub mod retry;
mod splitter;
pub mod tagged;
#[cfg(feature = "testing")]
pub mod testing;
mod transfer;
mod transport;

pub use answer::{Answer, Drift, DriftKind, Inspection, Nothing, inspect, json};
pub use asin::{Asin, InvalidAsin};
pub use auth::{Authorize, Credential};
pub use buckets::TokenBuckets;
pub use builder::{ClientBuilder, Gate, Options};
pub use client::Client;
#[doc(hidden)] // For how long a caller is patient, of any length: shared by our crates.
pub use client::from_now;
pub use encode::RequestBuilder;
pub use error::{Error, ErrorKind, Fault, Result};
pub use exclusive::Exclusive;
pub use job::Waited;
pub use limit::{Caller, Late, Learnt, Lesson, Limit, Limits, Permit, Quota, RateLimit, Scope, pause_when_throttled};
pub use named::Named;
pub use operation::{Head, Job, Once, Operation, OperationInfo, Paged, Safety, Vendor};
pub use page::Pages;
pub use retry::{RetryBudget, RetryPolicy};
pub use transfer::{Content, Download};
pub use transport::{Pieces, Request, Response, Streamed, Transport, TransportError, TransportErrorKind, built_in};

#[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
pub use self::reqwest::{ReqwestTransport, ReqwestTransportBuilder};
