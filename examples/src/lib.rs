//! What the runnable examples beside this package share: the sandbox that they talk to.

use asin_sandbox::{Market, Sandbox};

/// What an example ends with when something goes wrong.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Starts the three vendors on a free loopback port, in the world of `market.json`. Dropped, they stop.
///
/// # Errors
/// When the market file cannot be read or no port can be had.
pub async fn sandbox() -> Result<Sandbox, Failure> {
    let market = Market::read(concat!(env!("CARGO_MANIFEST_DIR"), "/market.json"))?;
    Ok(Sandbox::builder().market(market).start().await?)
}

/// The Rust of README.md, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
