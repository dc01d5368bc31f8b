//! `asin sandbox`: the three services on a loopback port, for as long as somebody needs them.

use crate::failure::{Ended, Failure, print, say};
use crate::stop::{self, unless_stopped};
use crate::variables::{refresh_token_of, sandboxed};
use asin_sandbox::{Demo, Market, Sandbox};
use serde_json::json;
use std::fmt::Write;
use std::future::pending;
use std::path::PathBuf;
use std::process::ExitCode;

/// Serves stand-ins of DataForSEO, MultiCartAPI and Amazon SP-API on this machine until Ctrl-C
///
/// Prints base URLs and demo credentials, ready to be put into a shell's environment and an `asin.toml`. What is
/// posted is billed from a demo balance, what is written can be read again. `URL/_sandbox/ledger` tells what was done
/// and charged, `URL/_sandbox/market` the present state, and `URL/_sandbox/faults` takes faults to come.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin sandbox
  asin sandbox --port 4010 --market examples/market.json
  asin sync examples/catalogue.csv --sandbox=http://127.0.0.1:4010 --yes")]
pub struct Arguments {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Give each vendor a port of its own: Amazon, DataForSEO, MultiCart, counted up from --port
    #[arg(long)]
    split_ports: bool,
    /// Let everybody call as often as they like
    #[arg(long)]
    no_limits: bool,
    /// The world to serve; without it, one is made up from the seed
    #[arg(long, value_name = "FILE")]
    market: Option<PathBuf>,
    /// The seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How many times faster than the wall the vendors' clocks run
    #[arg(long, value_name = "X", default_value_t = 60.0)]
    speed: f64,
}

/// Serves until Ctrl-C.
pub async fn run(arguments: Arguments) -> Ended {
    let mut builder = Sandbox::builder().port(arguments.port).split_ports(arguments.split_ports);
    builder = builder.seed(arguments.seed).speed(arguments.speed).limits(!arguments.no_limits);
    if let Some(file) = arguments.market {
        builder = builder.market(Market::read(file).map_err(Failure::usage)?);
    }
    stop::listen()?;
    let sandbox = builder.start().await.map_err(Failure::usage)?;
    let url = sandbox.url();
    print(&introduction(url.as_str().trim_end_matches('/'), &sandbox.demo()))?;
    let _stopped = unless_stopped(pending::<Result<(), Failure>>()).await?;
    say("asin: the sandbox stops");
    sandbox.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Everything that a client needs: an environment that a shell takes as it is, and the accounts for an `asin.toml`.
fn introduction(url: &str, demo: &Demo) -> String {
    let mut accounts = String::new();
    for (number, account) in (1..).zip(&demo.accounts) {
        // A JSON string is a TOML string too.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let (name, seller_id, region) = (quoted(&account.name), quoted(&account.seller_id), json!(account.region));
        let _ = writeln!(accounts, "# [accounts.{name}]\n# seller_id = {seller_id}\n# region = {region}");
        let _ = writeln!(accounts, "# refresh_token_env = \"{}\"", refresh_token_of(number));
    }
    let mut text = format!("# sandbox at {url}; Ctrl-C stops it\n# asin sync CATALOGUE --sandbox={url}\n");
    for (variable, value) in sandboxed(demo) {
        let _ = writeln!(text, "export {variable}='{value}'");
    }
    text + "# asin.toml:\n" + accounts.trim_end()
}
