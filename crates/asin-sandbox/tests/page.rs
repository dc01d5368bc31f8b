//! The page in a browser: what its script makes of the sandbox's numbers. Without Chromium on this machine nothing is checked.

mod support;

use std::{io::Write as _, process::Command};

use asin_sandbox::Fault;
use reqwest::Method;
use serde_json::json;
use support::*;

/// Chromium by one of its names, if it is there.
fn chromium() -> Option<&'static str> {
    let works = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|said| said.status.success());
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(works)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_shows_what_happens() {
    let Some(browser) = chromium() else {
        // Seen also where the test passes: of what a macro prints the harness would show nothing.
        let _said = writeln!(std::io::stderr(), "skipped: no chromium on this machine");
        return;
    };
    let sandbox = sandbox(STEADY).await;
    post(&sandbox, "asin", &json!([task("B0CHILD001", "shown-on-the-page")])).await;
    let token = access_token(&sandbox, 0).await;
    let path = format!("SELLERNA/FBA-1?marketplaceIds={US}");
    let patch = replace("purchasable_offer", price(json!(18.75)));
    send(json_body(sp_api(&sandbox, &token, Method::PATCH, &path), &patch)).await;
    multicart(&sandbox, "users/credits/", &json!({})).await;
    sandbox.fault(Fault::on("*", "/listings/*").too_many_requests());
    send(sp_api(&sandbox, &token, Method::GET, &path)).await;

    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", folder.path().display()));
    command.arg(sandbox.url().join("/_sandbox").expect("a URL").as_str());
    let said = tokio::task::spawn_blocking(move || command.output()).await.expect("a task").expect("a browser");
    let page = String::from_utf8_lossy(&said.stdout);
    for shown in [
        "AmazonAsinTaskPost",
        "patchListingsItem",
        "users.credits",
        "shown-on-the-page",
        "FBA-1",
        "18.75",
        "too many requests",
        "struck 1 of 1",
        "04500 amazon.com: active",
        "calls a minute",
        "0.0015",
    ] {
        assert!(page.contains(shown), "{shown} is not on the page: {page}");
    }
    assert!(page.contains(r#"<span id="lost" role="status"></span>"#), "the sandbox was lost: {page}");
}
