//! Ledgers in databases, and the limits that processes share.

#[cfg(all(feature = "postgres", feature = "sqlite", unix))]
mod chaos;
#[cfg(feature = "sqlite")]
mod crash;
#[cfg(feature = "sqlite")]
mod holding;
#[cfg(feature = "postgres")]
mod limits;
#[cfg(feature = "sqlite")]
mod mortal;
#[cfg(all(feature = "sqlite", feature = "webhook"))]
mod postbacks;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod refused;
#[cfg(feature = "sqlite")]
mod runs;
#[cfg(feature = "postgres")]
mod server;
#[cfg(feature = "sqlite")]
mod slow;
#[cfg(feature = "sqlite")]
mod sqlite;
