//! Links in Markdown lead somewhere.

use super::{Finding, House, finding};
use crate::spec::Outcome;
use std::path::{Component, Path, PathBuf};

/// Every link to a file or a heading; addresses elsewhere are not looked up.
pub fn check(house: &House) -> Outcome<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in house.ending(".md") {
        let text = house.read(file)?;
        for (number, link) in links(&text) {
            let place = format!("{file}:{number}");
            let (path, heading) =
                link.split_once('#').map_or((link.as_str(), None), |(path, heading)| (path, Some(heading)));
            let target = if path.is_empty() { Some(file.to_owned()) } else { resolve(file, path) };
            let Some(target) = target.filter(|target| house.root.join(target).exists()) else {
                findings.push(finding(place, format!("`{link}` leads nowhere")));
                continue;
            };
            if let Some(heading) = heading
                && !headings(&house.read(&target)?).iter().any(|known| known == heading)
            {
                findings.push(finding(place, format!("{target} has no heading `#{heading}`")));
            }
        }
    }
    Ok(findings)
}

/// The targets of links within the project, with their lines; code is no link.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        // What stands between backticks is code: every second piece.
        let words: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        for (at, _) in words.match_indices("](") {
            let Some(target) = words[at + 2..].split([')', ' ']).next() else { continue };
            let elsewhere = ["http://", "https://", "mailto:"].iter().any(|scheme| target.starts_with(scheme));
            if !elsewhere {
                found.push((number, target.to_owned()));
            }
        }
    }
    found
}

/// The lines outside fenced code, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

/// The anchors of a file's headings, as GitHub makes them.
fn headings(text: &str) -> Vec<String> {
    let heading = |(_, line): (usize, &str)| {
        let words = line.strip_prefix('#')?.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        Some(kept.map(|c| if c == ' ' { '-' } else { c }).collect())
    };
    prose(text).filter_map(heading).collect()
}

/// A path relative to a file, from the root of the project; `None` if it leaves the project.
fn resolve(file: &str, path: &str) -> Option<String> {
    let mut whole = PathBuf::from(Path::new(file).parent()?);
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => whole.pop().then_some(())?,
            Component::Normal(name) => whole.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(whole.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::{headings, links, resolve};

    #[test]
    fn links_are_found_outside_code() {
        let text =
            "see [a](a.md#b-c) and `[x](y)`, [web](https://example.org)\n```\n[no](link)\n```\n[b](../b) [c](#d)";
        let targets = |text| links(text).into_iter().map(|(line, link)| format!("{line} {link}")).collect::<Vec<_>>();
        assert_eq!(targets(text), ["1 a.md#b-c", "5 ../b", "5 #d"]);
    }

    #[test]
    fn anchors_and_paths() {
        assert_eq!(
            headings("# With your own accounts\n```\n# no\n```\n## `sync`, once!"),
            ["with-your-own-accounts", "sync-once"]
        );
        assert_eq!(resolve("docs/a.md", "../README.md").as_deref(), Some("README.md"));
        assert_eq!(resolve("README.md", "../elsewhere"), None);
    }
}
