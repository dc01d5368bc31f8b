//! The secret in a receiver's address: never in a flag.

use crate::failure::Failure;
use crate::profiles::private;
use asin_facade::dataforseo_merchant::WebhookUrl;
use asin_facade::dataforseo_merchant::webhook::Token;
use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use url::Url;

/// The variable that goes before the file.
const VARIABLE: &str = "ASIN_WEBHOOK_TOKEN";

/// That of an account's runs: what is known of another's, or of a sandbox's, says nothing about it.
pub fn of_runs(token: &Token, base: &str, login: &str) -> Token {
    token.derived(&format!("runs of {login} at {base}"))
}

/// The address that a task is posted with, behind what the vendor sees of the receiver.
pub fn address(token: &Token, is_sandbox: bool, public: &Url) -> Result<WebhookUrl, Failure> {
    let address = token.postback_url(public, is_sandbox);
    address.map_err(|error| Failure::usage(format!("--postback: {error}")))
}

/// Where it is kept.
pub fn file(state: &Path) -> PathBuf {
    state.join("webhook-token")
}

/// The secret of the environment, or of the file, which is made when there is none; and whether it was.
pub fn of(state: &Path) -> Result<(Token, bool), Failure> {
    if let Some(kept) = std::env::var(VARIABLE).ok().filter(|kept| !kept.is_empty()) {
        return Ok((Token::new(kept).map_err(|error| Failure::usage(format!("{VARIABLE}: {error}")))?, false));
    }
    let file = file(state);
    let named = |error: &dyn Display| Failure::usage(format!("{}: {error}", file.display()));
    if !file.exists() {
        std::fs::create_dir_all(state).map_err(|error| named(&error))?;
        let token = Token::random();
        // A temporary file is its owner's alone from the beginning; a token that another process has made meanwhile stays.
        let mut fresh = tempfile::NamedTempFile::new_in(state).map_err(|error| named(&error))?;
        writeln!(fresh, "{}", token.expose())
            .and_then(|()| fresh.as_file().sync_all())
            .map_err(|error| named(&error))?;
        if fresh.persist_noclobber(&file).is_ok() {
            return Ok((token, true));
        }
    }
    private(&file)?;
    let kept = std::fs::read_to_string(&file).map_err(|error| named(&error))?;
    Ok((Token::new(kept.trim().to_owned()).map_err(|error| named(&error))?, false))
}
