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

/// `new` with every required field, and a setter for each other one; `extra` are arguments that set several fields.
pub fn constructor(owner: &str, fields: &[Field], choices: &[Several]) -> String {
    let of_choice = |field: &&Field| choices.iter().any(|choice| choice.fields.contains(&field.rust));
    let own: Vec<&Field> = fields.iter().filter(|field| !of_choice(field)).collect();
    let (mut arguments, mut lines, mut values) = (Vec::new(), String::new(), Vec::new());
    for field in &own {
        if field.required {
            let (argument, value) = argument(&field.rust, &field.kind);
            arguments.push(argument);
            values.push(if value == field.rust { value } else { format!("{}: {value}", field.rust) });
        } else {
            values.push(format!("{}: Default::default()", field.rust));
        }
    }
    for choice in choices {
        if choice.required {
            arguments.push(format!("{}: {}", choice.name, choice.rust));
            lines.push_str(&format!("let ({}) = {}.into_parts();\n", choice.fields.join(", "), choice.name));
            values.extend(choice.fields.iter().cloned());
        } else {
            values.extend(choice.fields.iter().map(|field| format!("{field}: Default::default()")));
        }
    }
    let summary = doc(&["With what it cannot do without.".to_owned()]);
    let mut out = if arguments.is_empty() {
        format!("{}pub fn new() -> Self {{ Self::default() }}\n", doc(&["With nothing set.".to_owned()]))
    } else {
        format!(
            "{summary}pub fn new({}) -> Self {{ {lines} Self {{ {} }} }}\n",
            arguments.join(", "),
            values.join(", ")
        )
    };
    for field in own.iter().filter(|field| !field.required) {
        let (argument, value) = argument("value", &field.kind);
        let value = if matches!(field.kind, Type::List(_)) { value } else { format!("Some({value})") };
        out.push_str(&doc_or_name(field.description.as_ref(), &field.wire));
        out.push_str(&format!("pub fn {0}(mut self, {argument}) -> Self {{ self.{0} = {value}; self }}\n", field.rust));
    }
    for choice in choices.iter().filter(|choice| !choice.required) {
        let targets: Vec<String> = choice.fields.iter().map(|field| format!("self.{field}")).collect();
        let Several { name, rust, description, .. } = choice;
        out.push_str(&doc_or_name(description.as_ref(), name));
        out.push_str(&format!(
            "pub fn {name}(mut self, value: {rust}) -> Self {{ ({}) = value.into_parts(); self }}\n",
            targets.join(", ")
        ));
    }
    format!("impl {owner} {{ {out} }}\n")
}

/// One argument that sets several fields which go together or exclude each other.
#[derive(Debug, Clone)]
pub struct Several {
    pub name: String,
    /// A hand-written type with `into_parts`, the fields' values in their order.
    pub rust: String,
    pub required: bool,
    pub fields: Vec<String>,
    pub description: Option<String>,
}
