//! Paid tasks that survive crashes, on one machine or on many.
//!
//! The engine of `dataforseo-merchant` writes every paid task down before it is sent, in a
//! [`Ledger`](dataforseo_merchant::Ledger). Here are ledgers in databases:
//!
//! | feature | type | for |
//! | --- | --- | --- |
//! | `sqlite` (default) | [`Sqlite`] | one process, one file, nothing to set up |
//! | `postgres` | [`Postgres`] | any number of processes and machines that share one database |
//!
//! and, with `postgres`, [`SharedLimits`]: rate limits that all of those processes keep together.
//!
//! On top of either ledger are **runs** ([`Runs`], [`Worker`]): tasks of any number with one budget, worked off by any number
//! of processes, each task posted once and each result stored once, whoever dies on the way. With the feature `webhook`
//! `Postbacks` stores results that the vendor posts by itself.
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # async fn ledger() -> Result<(), Box<dyn std::error::Error>> {
//! use asin_runs::Sqlite;
//! use dataforseo_merchant::{Budget, Builder, Tasks};
//! use std::sync::Arc;
//!
//! let client = Builder::new("login", String::from("password")).build()?;
//! let ledger = Sqlite::open("tasks.db").await?.ledger(&client.base(), "login").await?;
//! let tasks = Tasks::new(client, Arc::new(ledger), Budget::new("5".parse()?));
//! tasks.settle().await?; // what an earlier process left open
//! # Ok(())
//! # }
//! ```
//!
//! What one may rely on is said by [`Ledger`](dataforseo_merchant::Ledger) and held by its conformance suite: a batch is on
//! the disk, whole, when the call returns (SQLite: WAL with `synchronous=FULL`; PostgreSQL: `synchronous_commit` as the
//! server has it, `on` unless it was switched off).
//!
//! Needs a newer Rust than the other crates: 1.94, as sqlx 0.9 does.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod columns;
#[cfg(all(feature = "webhook", any(feature = "postgres", feature = "sqlite")))]
mod group;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod ledger;
#[cfg(feature = "postgres")]
mod limits;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod money;
#[cfg(all(feature = "webhook", any(feature = "postgres", feature = "sqlite")))]
mod postbacks;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod run;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod runs;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod statements;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod worker;

#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use limits::SharedLimits;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use postgres::{Postgres, PostgresLedger};
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sqlite::{Sqlite, SqliteLedger};

#[cfg(all(feature = "webhook", any(feature = "postgres", feature = "sqlite")))]
#[cfg_attr(docsrs, doc(cfg(feature = "webhook")))]
pub use postbacks::Postbacks;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use run::{Ended, NewRun, Refusal, RunId, RunResult, RunStatus};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use runs::Runs;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use worker::{RunError, Worker};

/// Why a store could not be opened or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database said no.
    #[error("{store}: {source}")]
    Database {
        /// Which store.
        store: String,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file system said no.
    #[error("{store}: {source}")]
    File {
        /// Which store.
        store: String,
        /// What it said.
        source: std::io::Error,
    },
    /// What is in it, or should be, cannot be written or read as JSON.
    #[error(transparent)]
    Content(#[from] dataforseo_merchant::LedgerError),
    /// A run has another task at a place than the one that was to be put there.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    #[error("run {run} has another task at place {number} already: it was filled from something else")]
    Differs {
        /// Which run.
        run: RunId,
        /// The place, from 0.
        number: i64,
    },
    /// A run has not as many tasks as were agreed to.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    #[error("run {run} has {found} of its first {tasks} tasks: it is not filled so far")]
    Filled {
        /// Which run.
        run: RunId,
        /// How many of them it has.
        found: u64,
        /// How many were agreed to.
        tasks: u64,
    },
    /// The store was asked and says nothing.
    #[error("the store gave no answer within {0:?}")]
    NoAnswer(std::time::Duration),
    /// The account has no such run.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    #[error("the account has no run {0}")]
    NoRun(RunId),
    /// Another process has it open.
    #[error("{0}: another process has it open; let that one end first, or share a PostgreSQL database")]
    Taken(String),
    /// What was to be read only was made by an older version, or by nobody.
    #[error("{0}: there is no run in it, or an older version made it, which opening it to write mends")]
    Older(String),
    /// A newer version of this crate has made it.
    #[error("{store}: its schema has version {found}, and this program knows {known}")]
    Newer {
        /// Which store.
        store: String,
        /// The version of its schema.
        found: i32,
        /// The newest that this program knows.
        known: i32,
    },
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl StoreError {
    fn database(store: &str, source: sqlx::Error) -> Self {
        Self::Database { store: store.to_owned(), source: source.into() }
    }
}
