//! No `unwrap` outside tests: it says nothing of why it cannot fail, where `expect` does.

use super::{Finding, House, finding};
use crate::spec::Outcome;
use proc_macro2::{TokenStream, TokenTree};
use std::path::{Path, PathBuf};
use syn::{Attribute, Item, visit::Visit};

/// The modules of every library and program, from their roots; files that only tests have are not among them.
pub fn check(house: &House) -> Outcome<Vec<Finding>> {
    let mut findings = Vec::new();
    let root = |file: &&str| {
        let program = file.contains("src/bin/") || file.starts_with("examples/");
        ["src/lib.rs", "src/main.rs"].iter().any(|end| file.ends_with(end)) || program
    };
    for file in house.ending(".rs").filter(root) {
        module(house, Path::new(file), true, &mut findings)?;
    }
    Ok(findings)
}

fn module(house: &House, file: &Path, is_root: bool, findings: &mut Vec<Finding>) -> Outcome<()> {
    let shown = file.to_string_lossy().into_owned();
    let parsed = syn::parse_file(&house.read(&shown)?).map_err(|error| format!("{shown}: {error}"))?;
    if parsed.attrs.iter().any(of_tests) {
        return Ok(());
    }
    let mut seen = Seen { lines: Vec::new(), modules: Vec::new() };
    seen.visit_file(&parsed);
    let says = "`unwrap` outside tests; `expect` says why it cannot happen";
    findings.extend(seen.lines.iter().map(|line| finding(format!("{shown}:{line}"), says)));
    let folder = file.parent().unwrap_or(Path::new(""));
    let own = is_root || file.file_name().is_some_and(|name| name == "mod.rs");
    let folder = if own { folder.to_owned() } else { folder.join(file.file_stem().unwrap_or_default()) };
    for (name, path) in seen.modules {
        let places: Vec<PathBuf> = match path {
            // A path is relative to the folder of the file that says it.
            Some(path) => vec![file.parent().unwrap_or(Path::new("")).join(path)],
            None => vec![folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")],
        };
        let place = places.iter().find(|place| house.root.join(place).is_file());
        module(house, place.ok_or_else(|| format!("{shown}: no file for `mod {name}`"))?, false, findings)?;
    }
    Ok(())
}

/// What stands outside tests in one file.
struct Seen {
    lines: Vec<usize>,
    modules: Vec<(String, Option<String>)>,
}

impl<'a> Visit<'a> for Seen {
    fn visit_item(&mut self, item: &'a Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            _ => return syn::visit::visit_item(self, item),
        };
        if attributes.iter().any(of_tests) {
            return;
        }
        if let Item::Mod(item) = item
            && item.content.is_none()
        {
            self.modules.push((item.ident.to_string(), attributes.iter().find_map(path)));
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        if call.method == "unwrap" {
            self.lines.push(call.method.span().start().line);
        }
        syn::visit::visit_expr_method_call(self, call);
    }

    // `Option::unwrap` is given away to be called.
    fn visit_expr_path(&mut self, path: &'a syn::ExprPath) {
        let names: Vec<_> = path.path.segments.iter().map(|segment| &segment.ident).collect();
        if let [.., of, name] = names[..]
            && (of == "Option" || of == "Result")
            && name == "unwrap"
        {
            self.lines.push(name.span().start().line);
        }
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        self.tokens(call.tokens.clone());
    }
}

impl Seen {
    /// What a macro is given has no meaning yet: `.unwrap(` is looked for as it stands.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut dot = false;
        for token in tokens {
            match &token {
                TokenTree::Ident(name) if dot && name == "unwrap" => self.lines.push(name.span().start().line),
                TokenTree::Group(group) => self.tokens(group.stream()),
                _ => {}
            }
            dot = matches!(&token, TokenTree::Punct(sign) if sign.as_char() == '.');
        }
    }
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]` and what is like them.
fn of_tests(attribute: &Attribute) -> bool {
    if attribute.path().segments.last().is_some_and(|last| last.ident == "test") {
        return true;
    }
    let Ok(list) = attribute.meta.require_list() else { return false };
    let words: Vec<String> = list.tokens.clone().into_iter().map(|token| token.to_string()).collect();
    let is_all_of_test = |words: &[String]| match words {
        [all, these] => all == "all" && these.trim_start_matches('(').split(',').any(|one| one.trim() == "test"),
        _ => false,
    };
    list.path.is_ident("cfg") && (words == ["test"] || is_all_of_test(&words))
}

fn path(attribute: &Attribute) -> Option<String> {
    let pair = attribute.meta.require_name_value().ok().filter(|pair| pair.path.is_ident("path"))?;
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, Visit};

    #[test]
    fn unwrap_is_found_outside_tests_only() {
        let text = "/// `a.unwrap()`\nfn a() {\n    b.unwrap();\n    c!(d.unwrap());\n    e.unwrap_or(1);\n    f.map(Option::unwrap);\n}\n\
                    #[cfg(test)]\nmod t { fn f() { g.unwrap(); } }\n#[tokio::test]\nasync fn h() { i.unwrap(); }\nmod j;\n#[cfg(test)]\nmod k;";
        let mut seen = Seen { lines: Vec::new(), modules: Vec::new() };
        seen.visit_file(&syn::parse_file(text).unwrap());
        assert_eq!(seen.lines, [3, 4, 6]);
        assert_eq!(seen.modules, [("j".to_owned(), None)]);
    }
}
