//! Rust text: documentation comments, arguments, formatting.

use super::types::{Field, Type};
use crate::spec::Outcome;

/// Columns of a line of documentation.
const WIDTH: usize = 100;

/// A documentation comment of several paragraphs.
pub fn doc(paragraphs: &[String]) -> String {
    let lines: Vec<String> = paragraphs.iter().filter(|text| !text.is_empty()).map(|text| wrap(text)).collect();
    lines.join("///\n")
}

/// The documentation of something that may have a description; the vendor's name for it where there is none.
pub fn doc_or_name(description: Option<&String>, name: &str) -> String {
    doc(&[description.cloned().unwrap_or_else(|| format!("`{name}`."))])
}

fn wrap(text: &str) -> String {
    let (mut out, mut line) = (String::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&format!("/// {line}\n"));
            line.clear();
        }
        line.push_str(if line.is_empty() { "" } else { " " });
        line.push_str(word);
    }
    out + &format!("/// {line}\n")
}

/// Formats items, with a blank line between them and between their methods.
pub fn pretty(source: &str) -> Outcome<String> {
    let file = syn::parse_file(source).map_err(|error| format!("generated code does not parse: {error}\n{source}"))?;
    let item = |item| prettyplease::unparse(&syn::File { shebang: None, attrs: Vec::new(), items: vec![item] });
    let items: Vec<String> = file.items.into_iter().map(item).collect();
    // Inside `vec![]` the printer sets `crate` apart.
    Ok(spaced(&items.join("\n").replace("crate ::", "crate::")))
}

fn spaced(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if line == "    }" && lines.peek().is_some_and(|next| *next != "}") {
            out.push('\n');
        }
    }
    out
}

/// An enum inside one of the kernel's macros; `tail` follows its name.
pub fn in_macro(name: &str, tail: &str, source: &str) -> Outcome<String> {
    let plain = pretty(source)?;
    let body: String = plain.lines().map(|line| format!("    {line}\n")).collect();
    let body = body.replacen(" {\n", &format!("{tail} {{\n"), 1);
    Ok(format!("core_http::{name}! {{\n{body}}}\n"))
}

/// The argument that a field is set by, and the expression that turns it into the field's type.
pub fn argument(name: &str, kind: &Type) -> (String, String) {
    match kind {
        Type::Text => (format!("{name}: impl Into<String>"), format!("{name}.into()")),
        Type::Json => (format!("{name}: impl Into<serde_json::Value>"), format!("{name}.into()")),
        Type::List(item) if **item == Type::Text => (
            format!("{name}: impl IntoIterator<Item = impl Into<String>>"),
            format!("{name}.into_iter().map(Into::into).collect()"),
        ),
        Type::List(item) => {
            (format!("{name}: impl IntoIterator<Item = {}>", item.rust()), format!("{name}.into_iter().collect()"))
        }
        other => (format!("{name}: {}", other.rust()), name.to_owned()),
    }
}

/// `new` with every required field, and a setter for each other one.
pub fn constructor(owner: &str, fields: &[Field]) -> String {
    let (mut arguments, mut values) = (Vec::new(), Vec::new());
    for field in fields {
        if field.required {
            let (argument, value) = argument(&field.rust, &field.kind);
            arguments.push(argument);
            values.push(if value == field.rust { value } else { format!("{}: {value}", field.rust) });
        } else {
            values.push(format!("{}: Default::default()", field.rust));
        }
    }
    let mut out = if arguments.is_empty() {
        "/// With nothing set.\npub fn new() -> Self { Self::default() }\n".to_owned()
    } else {
        let (arguments, values) = (arguments.join(", "), values.join(", "));
        format!("/// With what it cannot do without.\npub fn new({arguments}) -> Self {{ Self {{ {values} }} }}\n")
    };
    for field in fields.iter().filter(|field| !field.required) {
        let (argument, value) = argument("value", &field.kind);
        let value = if matches!(field.kind, Type::List(_)) { value } else { format!("Some({value})") };
        out.push_str(&doc_or_name(field.description.as_ref(), &field.wire));
        out.push_str(&format!("pub fn {0}(mut self, {argument}) -> Self {{ self.{0} = {value}; self }}\n", field.rust));
    }
    format!("impl {owner} {{ {out} }}\n")
}
