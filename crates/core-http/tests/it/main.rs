//! Tests of the crate, from the outside. Those that need a process of their own stand beside this one.

mod auth;
mod codec;
mod crowd;
mod drift;
mod errors;
mod exclusive;
mod faults;
mod leaving;
mod limits;
mod pages;
#[cfg(feature = "rustls")]
mod protocol;
mod resend;
mod secrets;
mod streaming;
#[cfg(feature = "rustls")]
mod tls;
mod transfer;
#[cfg(feature = "rustls")]
mod wire;

#[path = "../common/chunks.rs"]
mod chunks;
#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "rustls")]
#[path = "../common/server.rs"]
mod server;
