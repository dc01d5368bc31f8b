//! Every operation in `specs/` has its type, a fixture, a test over the wire and a route in the sandbox.

use super::{Finding, House, finding};
use crate::{codegen, emit, import, spec::Outcome};
use std::collections::BTreeSet;

/// What is missing.
pub fn check(house: &House) -> Outcome<Vec<Finding>> {
    let mut findings = Vec::new();
    let sandbox = Words::of(house, |file| file.starts_with("crates/asin-sandbox/src/"))?;
    for ours in import::all(&house.root.join("specs"))? {
        let name = ours.name();
        let (package, module) = codegen::split(&name);
        let module = module.map_or_else(String::new, |module| format!("{module}/"));
        let generated = format!("crates/{package}/src/generated/{module}operations.rs");
        let types = Words::of(house, |file| file == generated)?;
        let wire = wire_tests(house, package)?;
        for operation in &ours.spec.operations {
            let (name, rust) = (operation.name(), emit::type_name(operation));
            let mut missing = |has: bool, what: String| {
                if !has {
                    findings.push(finding(format!("{package}: {name}"), what));
                }
            };
            missing(types.names.contains(&rust), format!("no type `{rust}` in {generated}"));
            let fixture = format!("fuzz/corpus/answers/{name}.json");
            missing(house.files.contains(&fixture), format!("no fixture {fixture}"));
            let sent = wire.names.contains(&rust) || wire.texts.contains(&name);
            missing(sent, format!("no test over the wire in crates/{package} names `{rust}`"));
            missing(sandbox.texts.contains(&name), format!("no route in crates/asin-sandbox/src says \"{name}\""));
        }
    }
    Ok(findings)
}

/// What those files of a package say that read a request as a server does: only tests do.
fn wire_tests(house: &House, package: &str) -> Outcome<Words> {
    let folder = format!("crates/{package}/");
    let mut said = Words::default();
    for file in house.ending(".rs").filter(|file| file.starts_with(&folder) && !file.contains("/generated/")) {
        let words = Words::of(house, |other| other == file)?;
        // The sandbox is a proof of its own.
        if words.names.union(&words.brought_in).any(|known| ["httpmock", "MockServer"].contains(&known.as_str())) {
            said.names.extend(words.names);
            said.texts.extend(words.texts);
        }
    }
    Ok(said)
}

/// The names and texts in Rust code, comments left out.
#[derive(Default)]
struct Words {
    names: BTreeSet<String>,
    /// Names that stand in `use`, without those in braces.
    brought_in: BTreeSet<String>,
    texts: BTreeSet<String>,
}

impl Words {
    fn of(house: &House, wanted: impl Fn(&str) -> bool) -> Outcome<Self> {
        let mut words = Self::default();
        for file in house.ending(".rs").filter(|file| wanted(file)) {
            let tokens = house.read(file)?.parse().map_err(|error| format!("{file}: {error}"))?;
            words.take(tokens);
        }
        Ok(words)
    }

    fn take(&mut self, tokens: proc_macro2::TokenStream) {
        // What is only brought in by `use` is not used yet.
        let mut brought_in = false;
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Ident(word) if word == "use" => brought_in = true,
                proc_macro2::TokenTree::Punct(sign) if sign.as_char() == ';' => brought_in = false,
                proc_macro2::TokenTree::Ident(name) if brought_in => drop(self.brought_in.insert(name.to_string())),
                _ if brought_in => {}
                proc_macro2::TokenTree::Group(group) => self.take(group.stream()),
                proc_macro2::TokenTree::Ident(name) => drop(self.names.insert(name.to_string())),
                proc_macro2::TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        self.texts.insert(text.value());
                    }
                }
                proc_macro2::TokenTree::Punct(_) => {}
            }
        }
    }
}
