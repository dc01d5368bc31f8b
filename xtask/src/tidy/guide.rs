//! Every page of the guide is in its table of contents, and its Rust in the tests; a table of calls shows only what is run.

use super::{Finding, House, finding};
use crate::spec::Outcome;

const PAGES: &str = "docs/src/";
const CONTENTS: &str = "docs/src/SUMMARY.md";
/// The crate whose doc tests the pages are.
const TESTS: &str = "examples/src/lib.rs";
/// The head of the column whose code must stand in a block of Rust on the same page.
const OURS: &str = "here";

/// What is not.
pub fn check(house: &House) -> Outcome<Vec<Finding>> {
    let (contents, tests) = (house.read(CONTENTS)?, house.read(TESTS)?);
    let mut findings = Vec::new();
    for file in house.ending(".md").filter(|file| *file != CONTENTS) {
        let Some(page) = file.strip_prefix(PAGES) else { continue };
        let text = house.read(file)?;
        if !contents.contains(&format!("]({page})")) {
            findings.push(finding(file, format!("{CONTENTS} does not name it")));
        }
        let rust = blocks(&text, "rust");
        if !rust.is_empty() && !tests.contains(&format!("include_str!(\"../../{file}\")")) {
            findings.push(finding(file, format!("its Rust is not tested: {TESTS} does not include it")));
        }
        let rust = plain(&rust);
        for code in shown(&text).filter(|code| !rust.contains(&plain(code))) {
            findings.push(finding(file, format!("no block of Rust on this page holds `{code}`")));
        }
    }
    Ok(findings)
}

/// What stands in the fenced blocks of a language.
fn blocks(text: &str, language: &str) -> String {
    let (mut found, mut inside) = (String::new(), None);
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), inside) {
            (Some(words), None) => inside = Some(words.split(',').next() == Some(language)),
            (Some(_), Some(_)) => inside = None,
            (None, Some(true)) => found = found + line + "\n",
            _ => {}
        }
    }
    found
}

/// Without what only lays it out (spaces, the comma after a last argument) or keeps a value for the next line.
fn plain(code: &str) -> String {
    let packed: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    packed.replace(",)", ")").replace(".clone()", "")
}

/// The code in that column of the page's tables.
fn shown(text: &str) -> impl Iterator<Item = String> {
    let mut column = None;
    let cells = text.lines().filter_map(move |line| {
        let Some(row) = line.strip_prefix("| ") else {
            column = None;
            return None;
        };
        let cells: Vec<&str> = row.trim_end().trim_end_matches('|').split(" | ").map(str::trim).collect();
        let known = *column.get_or_insert_with(|| cells.iter().position(|cell| *cell == OURS));
        cells.get(known?).map(|cell| (*cell).to_owned())
    });
    // What stands between backticks is code: every second piece.
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(|code| code.replace("\\|", "|")).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::{blocks, plain, shown};

    #[test]
    fn blocks_of_one_language() {
        let text = "```rust,no_run\nlet a = 1;\n```\nlet b = 2;\n```sh\nasin doctor\n```\n```rust\nlet c = 3;\n```\n";
        assert_eq!(blocks(text, "rust"), "let a = 1;\nlet c = 3;\n");
        assert_eq!(blocks(text, "sh"), "asin doctor\n");
    }

    #[test]
    fn code_of_one_column() {
        let text = "| theirs | here |\n| --- | --- |\n| `x()` | `a(b)` and `\\|c\\|` |\n| `y()` | nothing |\n\n| a | b |\n| `d` | `e` |\n";
        assert_eq!(shown(text).collect::<Vec<_>>(), ["a(b)", "|c|"]);
        assert!(plain("let x = a(\n    b.clone(),\n);").contains(&plain("a(b)")));
    }
}
