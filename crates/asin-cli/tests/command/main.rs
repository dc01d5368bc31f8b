//! The built `asin` command, from the outside: what it prints, where, and its exit codes.

mod asin;
mod call;
mod configure;
mod doctor;
mod errors;
mod feed;
mod input;
mod inspect;
mod listing;
mod multicart;
mod paid;
mod plan;
#[cfg(unix)]
mod receive;
#[cfg(feature = "runs")]
mod runs;
mod sandbox;
#[cfg(feature = "runs")]
#[path = "../../../asin-runs/tests/it/server.rs"]
mod server;
mod shell;
#[cfg(unix)]
mod stop;
mod sync;
