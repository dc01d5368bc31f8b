//! Tables in Markdown that `specs/` decides: what stands between `<!-- NAME: … -->` and `<!-- end of NAME -->`.

use crate::{codegen, emit, import::Ours, spec::Outcome};
use std::{collections::BTreeSet, path::Path};

/// Each file with its text as it should be.
pub fn files(root: &Path, specs: &[Ours]) -> Outcome<Vec<(&'static str, String)>> {
    let tables =
        [("README.md", "operations", operations(root, specs)?), ("docs/src/limits.md", "limits", limits(specs))];
    let filled = tables.into_iter().map(|(file, name, table)| {
        let text = std::fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))?;
        let text = fill(&text, name, &table).ok_or_else(|| format!("{file}: no place for the table of {name}"))?;
        Ok((file, text))
    });
    filled.collect()
}

/// The text with this table in its place; `None` where there is no such place.
fn fill(text: &str, name: &str, table: &str) -> Option<String> {
    let start = text.find(&format!("<!-- {name}: "))?;
    let start = start + text[start..].find("-->\n")? + "-->\n".len();
    let end = start + text[start..].find(&format!("<!-- end of {name} -->"))?;
    Some(format!("{}\n{table}\n{}", &text[..start], &text[end..]))
}

fn operations(root: &Path, specs: &[Ours]) -> Outcome<String> {
    let mut table =
        "| crate | type | vendor's name | request | sending it twice |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for ours in sorted(specs) {
        let name = ours.name();
        let (package, module) = codegen::split(&name);
        // Without a module of that name beside it, the crate itself re-exports what is generated.
        let is_public = |module: &&str| root.join(format!("crates/{package}/src/{module}.rs")).exists();
        let path = module.filter(is_public).map_or_else(String::new, |module| format!("{module}::"));
        for [rust, vendor, request, twice] in emit::operation_words(&ours.spec)? {
            table.push_str(&format!("| {package} | `{path}{rust}` | `{vendor}` | {request} | {twice} |\n"));
        }
    }
    Ok(table)
}

fn limits(specs: &[Ours]) -> String {
    let mut table = "| crate | bucket | allowed | |\n| --- | --- | --- | --- |\n".to_owned();
    let mut seen = BTreeSet::new();
    for ours in sorted(specs) {
        let name = ours.name();
        let package = codegen::split(&name).0;
        for [bucket, allowed, said] in emit::limit_words(&ours.spec) {
            // A crate's other APIs may count against its main one's buckets.
            if seen.insert((package.to_owned(), bucket.clone())) {
                table.push_str(&format!("| {package} | `{bucket}` | {allowed} | {said} |\n"));
            }
        }
    }
    table
}

/// A crate's main API before its others.
fn sorted(specs: &[Ours]) -> Vec<&Ours> {
    let mut specs: Vec<&Ours> = specs.iter().collect();
    specs.sort_by_key(|ours| ours.name());
    specs
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn a_table_is_put_between_its_marks_and_nowhere_else() {
        let text = "a\n<!-- limits: by x -->\nold\n<!-- end of limits -->\nb\n";
        let filled = "a\n<!-- limits: by x -->\n\n| new |\n\n<!-- end of limits -->\nb\n";
        assert_eq!(fill(text, "limits", "| new |\n").as_deref(), Some(filled));
        assert_eq!(fill(filled, "limits", "| new |\n").as_deref(), Some(filled));
        assert_eq!(fill(text, "operations", "| new |\n"), None);
        assert_eq!(fill("<!-- limits: -->\n", "limits", ""), None);
    }
}
