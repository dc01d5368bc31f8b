//! `cargo xtask api`: the public interface of each library as text in `api/`, read from what rustdoc says of it.
//!
//! One line for each declaration: items with their fields, variants and methods, and the traits that a type implements
//! by its own hand. What a compiler adds by itself (auto traits, blanket implementations) is left out.

use crate::{
    ci::LISTED,
    shell::{self, cargo},
    spec::Outcome,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// One library's listing, and the file that keeps it.
pub struct Listing {
    pub file: PathBuf,
    pub text: String,
}

impl Listing {
    /// The lines that were added (`+`) and removed (`-`) since another text of it.
    pub fn changes(&self, known: &str) -> Vec<String> {
        let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (known.lines().collect(), self.text.lines().collect());
        let removed = old.difference(&new).map(|line| format!("- {line}"));
        removed.chain(new.difference(&old).map(|line| format!("+ {line}"))).collect()
    }
}

/// Writes the listings, or with `check` compares them; `false` if one of them is not what the code says.
pub fn command(root: &Path, check: bool) -> Outcome<bool> {
    let mut same = true;
    for listing in listings(root)? {
        let changes = listing.changes(&std::fs::read_to_string(root.join(&listing.file)).unwrap_or_default());
        same &= changes.is_empty();
        println!("{}: {} lines, {} changed", listing.file.display(), listing.text.lines().count(), changes.len());
        changes.iter().for_each(|change| println!("{change}"));
        if !check {
            write(root, &listing)?;
        }
    }
    Ok(same || !check)
}

/// Writes one listing.
pub fn write(root: &Path, listing: &Listing) -> Outcome<()> {
    let path = root.join(&listing.file);
    let failed = |error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(root.join("api")).map_err(failed)?;
    std::fs::write(&path, &listing.text).map_err(failed)
}

/// Every library's interface with all features.
pub fn listings(root: &Path) -> Outcome<Vec<Listing>> {
    // A folder of its own: other documentation may lie in the usual one.
    let target = shell::target(root).join("api");
    let packages = LISTED.iter().flat_map(|name| ["-p", name]);
    let mut command = cargo(root, ["doc", "--quiet", "--no-deps", "--all-features", "--target-dir"]);
    let docs = target.join("doc");
    if docs.exists() {
        // Pages of what is gone would stay.
        std::fs::remove_dir_all(&docs).map_err(|error| format!("{}: {error}", docs.display()))?;
    }
    shell::run(command.arg(&target).args(packages))?;
    LISTED.iter().map(|name| listing(&docs, name)).collect()
}

fn listing(docs: &Path, name: &str) -> Outcome<Listing> {
    let module = name.replace('-', "_");
    let mut lines = BTreeSet::new();
    pages(&docs.join(&module), &module, &mut lines)?;
    if lines.is_empty() {
        return Err(format!("{name}: nothing was found in what rustdoc wrote; has its HTML changed?"));
    }
    let text = lines.into_iter().map(|line| line + "\n").collect();
    Ok(Listing { file: Path::new("api").join(format!("{name}.txt")), text })
}

/// Every page below a module's folder.
fn pages(folder: &Path, module: &str, lines: &mut BTreeSet<String>) -> Outcome<()> {
    let failed = |error| format!("{}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            pages(&path, &format!("{module}::{name}"), lines)?;
            continue;
        }
        // `struct.Asin.html`; pages with other names are indexes.
        let [kind, item, "html"] = name.split('.').collect::<Vec<_>>()[..] else { continue };
        let page = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        lines.extend(declarations(&page).into_iter().map(|line| format!("{module}::{item} ({kind}): {line}")));
    }
    Ok(())
}

/// The item's own declaration and the headings of what belongs to it, each as one line.
fn declarations(page: &str) -> Vec<String> {
    // What follows is the same for every type, or not by its own hand.
    let own = ["id=\"synthetic-implementations\"", "id=\"blanket-implementations\""];
    let end = own.iter().filter_map(|mark| page.find(mark)).min().unwrap_or(page.len());
    let page = &page[..end];
    // The methods of a trait are the trait's; which traits there are is said by headings.
    let methods = &page[..page.find("id=\"trait-implementations\"").unwrap_or(page.len())];
    let mut found = Vec::new();
    for (page, open, close) in [
        (page, "<pre class=\"rust item-decl\">", "</pre>"),
        (methods, "<h4 class=\"code-header\">", "</h4>"),
        (page, "<h3 class=\"code-header\">", "</h3>"),
    ] {
        for piece in page.split(open).skip(1) {
            let html = piece.split(close).next().unwrap_or_default();
            let line = text(html);
            if !line.starts_with("impl StructuralPartialEq ") {
                found.push(line);
            }
        }
    }
    found
}

/// What a reader of this HTML sees, on one line.
fn text(html: &str) -> String {
    let mut plain = String::new();
    let mut tag = false;
    for c in html.chars() {
        match c {
            '<' => tag = true,
            '>' if tag => tag = false,
            c if !tag => plain.push(c),
            _ => {}
        }
    }
    let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    let plain = plain.replace("&nbsp;", " ").replace('\u{a0}', " ").replace("&amp;", "&");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_page_becomes_lines() {
        let page = "<pre class=\"rust item-decl\"><code>pub struct <a href=\"x\">A</a>&lt;T&gt; {\n    pub b: u8,\n}</code></pre>\
                    <h3 class=\"code-header\">impl Clone for A</h3><h4 class=\"code-header\">pub fn c(&amp;self)</h4>\
                    <h2 id=\"blanket-implementations\"></h2><h3 class=\"code-header\">impl Any for A</h3>";
        assert_eq!(
            super::declarations(page),
            ["pub struct A<T> { pub b: u8, }", "pub fn c(&self)", "impl Clone for A"]
        );
    }
}
