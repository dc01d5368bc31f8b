//! Without a TLS provider the built-in transport says so and does not panic; with one it can be built.
#![cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]

use core_http::{ReqwestTransport, TransportErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_rustls::rustls::crypto::aws_lc_rs;

static PANICKED: AtomicBool = AtomicBool::new(false);

#[test]
fn without_a_tls_provider_there_is_an_error_until_one_is_installed() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| PANICKED.store(true, Ordering::Relaxed)));
    let result = ReqwestTransport::new();
    std::panic::set_hook(usual);
    let error = result.expect_err("no provider is installed");
    assert_eq!(error.kind(), TransportErrorKind::Other);
    assert!(format!("{error:?}").contains("no TLS provider"), "{error:?}");
    assert!(!PANICKED.load(Ordering::Relaxed), "nothing was printed");
    aws_lc_rs::default_provider().install_default().expect("the first one");
    ReqwestTransport::new().expect("a transport");
}
