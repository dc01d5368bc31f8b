//! Versions, and what CHANGELOG and Cargo.toml say of them.

use crate::spec::Outcome;

/// `1.2.3`, and nothing else.
pub fn parse(version: &str) -> Option<[u64; 3]> {
    let parts: Vec<&str> = version.split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !parts.iter().all(digits) {
        return None;
    }
    parts.iter().map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>()?.try_into().ok()
}

/// What a step from one version to another may break; before 1.0.0 the second number is the great one.
pub fn release_type(old: [u64; 3], new: [u64; 3]) -> &'static str {
    match (old, new) {
        ([a, ..], [b, ..]) if a != b => "major",
        ([0, a, _], [0, b, _]) if a != b => "major",
        ([0, ..], _) => "minor",
        ([_, a, _], [_, b, _]) if a != b => "minor",
        _ => "patch",
    }
}

/// The versions whose sections say a date.
pub fn releases(changelog: &str) -> impl Iterator<Item = &str> {
    changelog.lines().filter_map(|line| {
        let (version, date) = line.strip_prefix("## [")?.split_once("] - ")?;
        date.trim().parse::<jiff::civil::Date>().ok().map(|_| version)
    })
}

/// The words of a version's section, which must be there.
pub fn section<'a>(changelog: &'a str, version: &str) -> Outcome<&'a str> {
    let head = format!("\n## [{version}]");
    let at = changelog.find(&head).ok_or_else(|| format!("there is no section `{}`", head.trim()))?;
    let body = changelog[at + head.len()..].split_once('\n').map_or("", |(_, body)| body);
    let body = body.split("\n## ").next().unwrap_or_default().trim();
    if body.is_empty() { Err(format!("the section `{}` is empty", head.trim())) } else { Ok(body) }
}

/// The workspace's manifest with another version of ourselves, and how many places that were.
pub fn with_version(manifest: &str, old: &str, new: &str) -> (String, usize) {
    let (mut places, mut package) = (0, false);
    let (from, to) = (format!("version = \"{old}\""), format!("version = \"{new}\""));
    let line = |line: &str| {
        if line.starts_with('[') {
            package = line.trim() == "[workspace.package]";
        }
        let ours = package && line.starts_with(&from) || line.contains("path = \"crates/") && line.contains(&from);
        places += usize::from(ours);
        if ours { line.replace(&from, &to) } else { line.to_owned() }
    };
    let text = manifest.lines().map(line).map(|line| line + "\n").collect();
    (text, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers() {
        assert_eq!(parse("1.20.3"), Some([1, 20, 3]));
        assert!(parse("1.10.0") > parse("1.9.9"));
        for wrong in ["", "1", "1.2", "1.2.3.4", "v1.2.3", "1.2.3-rc.1", "1.2.+3", "1..3"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_release_may_break() {
        assert_eq!(release_type([0, 1, 0], [0, 1, 1]), "minor");
        assert_eq!(release_type([0, 1, 0], [0, 2, 0]), "major");
        assert_eq!(release_type([1, 1, 0], [1, 1, 1]), "patch");
        assert_eq!(release_type([1, 1, 0], [1, 2, 0]), "minor");
        assert_eq!(release_type([1, 1, 0], [2, 0, 0]), "major");
    }

    #[test]
    fn a_section_has_words() {
        let text = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - unreleased\n\n- a\n- b\n\n## [0.1.0]\n";
        assert_eq!(section(text, "0.2.0"), Ok("- a\n- b"));
        assert!(
            section(text, "0.1.0").is_err() && section(text, "0.3.0").is_err() && section(text, "Unreleased").is_err()
        );
    }

    #[test]
    fn a_release_says_its_date() {
        let text = "## [Unreleased]\n## [0.3.0] - unreleased\n## [0.2.0]\n## [0.1.1] - soon\n## [0.1.0] - 2026-01-01\n";
        assert_eq!(releases(text).collect::<Vec<_>>(), ["0.1.0"]);
    }

    #[test]
    fn only_our_versions_are_set() {
        let text = "[workspace.package]\nversion = \"0.1.0\"\n[workspace.dependencies]\n\
                    a = { path = \"crates/a\", version = \"0.1.0\" }\nother = { version = \"0.1.0\" }\n";
        let (set, places) = with_version(text, "0.1.0", "0.2.0");
        assert_eq!(places, 2);
        assert!(
            set.contains("[workspace.package]\nversion = \"0.2.0\"") && set.contains("other = { version = \"0.1.0\" }")
        );
    }
}
