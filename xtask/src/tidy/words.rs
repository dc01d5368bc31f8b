//! Words that no file of the project holds, and how long a file may be.

use super::{Finding, House, finding};
use crate::spec::Outcome;

/// Put together here, so that this file does not hold them.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "work that is left to do stands in an issue"),
    (concat!("FIX", "ME"), "work that is left to do stands in an issue"),
    (concat!("#[", "ignore"), "a test that does not run proves nothing"),
    (concat!("db", "g!("), "left behind from a search for a mistake"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/Us", "ers/"), "a path of one machine"),
    (concat!("crates", ".io/"), "a registry's host"),
    (concat!("pypi", ".org"), "a registry's host"),
    (concat!("python", "hosted.org"), "a registry's host"),
    (concat!("npm", "js.org"), "a registry's host"),
    (concat!("debian", ".org"), "a registry's host"),
];

/// Files in which a word is a fact about something else.
const EXCEPT: &[&str] = &["Cargo.lock"];

/// The most lines of a file that people write.
const LINES: usize = 400;

/// Every text file.
pub fn check(house: &House) -> Outcome<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in &house.files {
        // What is no text has no words.
        let Ok(text) = std::fs::read_to_string(house.root.join(file)) else { continue };
        findings.extend(words(file, &text));
        findings.extend(too_long(file, &text));
    }
    Ok(findings)
}

fn words(file: &str, text: &str) -> Vec<Finding> {
    if EXCEPT.contains(&file) {
        return Vec::new();
    }
    let found = |(number, line): (usize, &str)| {
        let word = FORBIDDEN.iter().find(|(word, _)| line.contains(word))?;
        Some(finding(format!("{file}:{}", number + 1), format!("`{}`: {}", word.0, word.1)))
    };
    text.lines().enumerate().filter_map(found).collect()
}

fn too_long(file: &str, text: &str) -> Option<Finding> {
    let written = [".rs", ".md", ".sh", ".py", ".mjs"].iter().any(|end| file.ends_with(end));
    let lines = text.lines().count();
    let generated = file.contains("/generated/") || file.starts_with("xtask/golden/");
    (written && !generated && lines > LINES).then(|| finding(file, format!("{lines} lines, more than {LINES}")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_forbidden_word_is_found_where_it_stands() {
        for (word, _) in super::FORBIDDEN {
            let text = format!("fine\n  // {word} later\n");
            let found = super::words("a.rs", &text);
            assert_eq!(found.len(), 1, "{word}");
            assert_eq!(found[0].place, "a.rs:2");
            assert_eq!(super::words("Cargo.lock", &text), []);
        }
    }

    #[test]
    fn a_file_may_have_400_lines() {
        let text = "line\n".repeat(400);
        assert_eq!(super::too_long("a.rs", &text), None);
        assert!(super::too_long("a.rs", &format!("{text}\n")).is_some());
        assert_eq!(super::too_long("src/generated/a.rs", &format!("{text}\n")), None);
    }
}
