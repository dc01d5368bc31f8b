//! The `User-Agent` in Amazon's form: `Application/Version (Language=Rust/1.88; Platform=Linux)`.

use core_http::{Error, ErrorKind, Result};
use std::fmt;

/// Amazon refuses longer ones.
const LONGEST: usize = 500;

/// How an application names itself (SP-API docs "Include a User-Agent Header in All Requests").
///
/// ```
/// use sp_listings::UserAgent;
/// let agent = UserAgent::new("My Shop", "2.0 (beta)").attribute("Platform", "Linux").attribute("Host", "shop;1");
/// assert_eq!(agent.to_string(), r"My Shop/2.0 \(beta) (Language=Rust/1.88; Platform=Linux; Host=shop\;1)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it is given to a builder"]
pub struct UserAgent {
    application: String,
    version: String,
    attributes: Vec<(String, String)>,
}

impl UserAgent {
    /// The application's name and version, with the language and platform as attributes.
    pub fn new(application: impl Into<String>, version: impl Into<String>) -> Self {
        let language = concat!("Rust/", env!("CARGO_PKG_RUST_VERSION")).to_owned();
        let platform = match std::env::consts::OS {
            "linux" => "Linux",
            "macos" => "macOS",
            "windows" => "Windows",
            other => other,
        };
        let attributes = vec![("Language".to_owned(), language), ("Platform".to_owned(), platform.to_owned())];
        Self { application: application.into(), version: version.into(), attributes }
    }

    /// Sets an attribute; one of the same name is replaced.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((name, value)),
        }
        self
    }

    /// The header's text.
    pub(crate) fn text(&self) -> Result<String> {
        let refuse = |message: String| Err(Error::new(ErrorKind::Request, message));
        let mut parts = vec![("application", &self.application), ("version", &self.version)];
        parts.extend(self.attributes.iter().flat_map(|(name, value)| [("attribute", name), ("attribute", value)]));
        for (what, part) in parts {
            if part.is_empty() {
                return refuse(format!("the user agent's {what} must not be empty"));
            }
            if !part.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
                return refuse(format!("the user agent's {what} `{}` must be visible ASCII", part.escape_debug()));
            }
        }
        match self.to_string() {
            text if text.len() > LONGEST => {
                refuse(format!("the user agent has {} characters, Amazon takes {LONGEST}", text.len()))
            }
            text => Ok(text),
        }
    }
}

impl Default for UserAgent {
    /// This library.
    fn default() -> Self {
        Self::new("asin-rust", env!("CARGO_PKG_VERSION"))
    }
}

impl fmt::Display for UserAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} (", escape(&self.application, &['/']), escape(&self.version, &['(']))?;
        for (place, (name, value)) in self.attributes.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{}={}", escape(name, &['=']), escape(value, &[')', ';']))?;
        }
        f.write_str(")")
    }
}

/// A backslash before itself and before what would end the part.
fn escape(part: &str, ends: &[char]) -> String {
    let mut text = String::with_capacity(part.len());
    for c in part.chars() {
        if c == '\\' || ends.contains(&c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_part_is_escaped_there_and_nowhere_else() {
        let agent = UserAgent::new(r"a/(=);\", r"b/(=);\").attribute(r"c/(=);\", r"d/(=);\");
        let expected = r"a\/(=);\\/b/\(=);\\ (Language=Rust/1.88; Platform=";
        let text = agent.to_string();
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with(r"; c/(\=);\\=d/(=\)\;\\)"), "{text}");
    }

    #[test]
    fn the_default_says_language_and_platform() {
        let text = UserAgent::default().text().unwrap();
        assert!(text.starts_with("asin-rust/0.") && text.contains(" (Language=Rust/1."), "{text}");
        assert!(text.contains("; Platform="), "{text}");
        assert_eq!(UserAgent::new("a", "1").attribute("Language", "Rust/2").to_string().matches("Language").count(), 1);
    }

    #[test]
    fn what_amazon_or_a_header_does_not_take_is_refused() {
        for (agent, reason) in [
            (UserAgent::new("", "1"), "application must not be empty"),
            (UserAgent::new("a", "1\n2"), r"version `1\n2` must be visible ASCII"),
            (UserAgent::new("ş", "1"), "application `ş` must be visible ASCII"),
            (UserAgent::new("a", "1").attribute("Host", ""), "attribute must not be empty"),
            (UserAgent::new("a", "1").attribute("Host", "x".repeat(500)), "characters, Amazon takes 500"),
        ] {
            let error = agent.text().unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert_eq!(error.kind(), ErrorKind::Request);
        }
        let rest = UserAgent::new("a", "1").attribute("Host", "").to_string().len();
        assert!(UserAgent::new("a", "1").attribute("Host", "x".repeat(500 - rest)).text().is_ok());
    }
}
