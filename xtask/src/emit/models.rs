//! `models.rs`: structs, enums and unions of the answers and requests.

use super::{
    names, text,
    types::{Choice, Field, Type, Types},
};
use crate::spec::{Outcome, Schema, Use};
use serde_json::Value;
use std::collections::BTreeSet;

/// Everything that the operations refer to; the names of the public types go with it.
pub fn models(types: &Types) -> Outcome<(String, Vec<String>)> {
    let (mut out, mut public, mut done) = (Vec::<String>::new(), Vec::new(), BTreeSet::new());
    loop {
        let before = done.len();
        for (key, schema) in &types.spec.schemas {
            if types.wanted().contains(key) && done.insert(key.clone()) {
                let uses = types.uses.get(key).copied().unwrap_or_default();
                let name = types.name_of(key)?;
                add(&mut out, &mut public, &name, model(types, &name, schema, uses)?)?;
            }
        }
        while let Some((name, schema, uses)) = types.next_inline() {
            done.insert(format!("{name} in place"));
            add(&mut out, &mut public, &name, model(types, &name, &schema, uses)?)?;
        }
        if done.len() == before {
            break;
        }
    }
    for (name, choice) in types.choices() {
        add(&mut out, &mut public, &name, enumeration(&name, &choice)?)?;
    }
    Ok((out.join("\n"), public))
}

/// Two schemas may share a name if they are the same.
fn add(out: &mut Vec<String>, public: &mut Vec<String>, name: &str, code: String) -> Outcome<()> {
    if public.iter().any(|known| known == name) {
        if out.contains(&code) {
            return Ok(());
        }
        return Err(format!("two different schemas are called `{name}`; give one of them an `x-name`"));
    }
    public.push(name.to_owned());
    out.push(code);
    Ok(())
}

fn model(types: &Types, name: &str, schema: &Schema, uses: Use) -> Outcome<String> {
    match tagged(schema) {
        Some((by, variants)) => union(types, name, schema, &by, &variants),
        None => structure(types, name, schema, uses),
    }
}

/// The field that tells items apart, and the schema of each of its texts.
pub fn tagged(schema: &Schema) -> Option<(String, Vec<(String, String)>)> {
    if let Some(tagged) = schema.extensions.get("x-tagged") {
        let variants = tagged["of"].as_object()?.iter();
        let variants = variants.filter_map(|(text, name)| Some((text.clone(), name.as_str()?.to_owned()))).collect();
        return Some((tagged["by"].as_str()?.to_owned(), variants));
    }
    let by = schema.facts.get("discriminator")?.value["propertyName"].as_str()?;
    Some((by.to_owned(), schema.mapping())).filter(|(_, mapping)| !mapping.is_empty())
}

fn union(types: &Types, name: &str, schema: &Schema, by: &str, variants: &[(String, String)]) -> Outcome<String> {
    let names_of = schema.extensions.get("x-variants").cloned().unwrap_or(Value::Null);
    let mut body = String::new();
    for (wire, target) in variants {
        let content = types.variant(target)?;
        let variant = names_of[wire].as_str().map_or_else(|| names::pascal(wire), str::to_owned);
        let description = types.spec.schema(target)?.description.clone();
        body.push_str(&text::doc_or_name(description.as_ref(), wire));
        body.push_str(&format!("{variant}({content}) = {wire:?},\n"));
    }
    let doc = text::doc_or_name(schema.description.as_ref(), name);
    text::in_macro("tagged_union", &format!(" by {by:?}"), &format!("{doc}pub enum {name} {{ {body} }}"))
}

fn enumeration(name: &str, choice: &Choice) -> Outcome<String> {
    let mut body = String::new();
    for (wire, variant, description) in &choice.values {
        body.push_str(&text::doc_or_name(description.as_ref(), wire));
        body.push_str(&format!("{variant} = {wire:?},\n"));
    }
    let doc = text::doc_or_name(choice.description.as_ref(), name);
    text::in_macro("open_enum", "", &format!("{doc}pub enum {name} {{ {body} }}"))
}

fn structure(types: &Types, name: &str, schema: &Schema, uses: Use) -> Outcome<String> {
    let mut fields = types.fields(name, schema, uses)?;
    if let Some(tag) = types.tag_of(name) {
        fields.retain(|field| field.wire != tag);
    }
    let mut attributes = "#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]\n".to_owned();
    if fields.iter().all(|field| starts_empty(field, uses)) {
        attributes = attributes.replace("Clone, ", "Clone, Default, ");
    }
    if uses.response {
        attributes.push_str("#[non_exhaustive]\n");
    }
    let camel = camel_case(&fields);
    if camel {
        attributes.push_str("#[serde(rename_all = \"camelCase\")]\n");
    }
    let visible = if uses.response { "pub" } else { "pub(crate)" };
    let body: String = fields.iter().map(|one| field(one, uses, camel, visible)).collect();
    let doc = text::doc_or_name(schema.description.as_ref(), name);
    let is_renamed = fields.iter().any(|field| !field.aliases.is_empty());
    if is_renamed {
        attributes = attributes.replace(", serde::Deserialize", "");
    }
    let mut out = format!("{doc}{attributes}pub struct {name} {{ {body} }}\n");
    if is_renamed {
        out.push_str(&reader(name, &fields, uses, camel)?);
    }
    if uses.request {
        out.push_str(&text::constructor(name, &fields));
    }
    text::pretty(&out)
}

/// Reads a struct whose fields have been renamed. Serde's own `alias` refuses an answer that says one thing under both names.
fn reader(name: &str, fields: &[Field], uses: Use, camel: bool) -> Outcome<String> {
    let mut older = Vec::new();
    let mut values = Vec::new();
    for field in fields {
        if !field.aliases.is_empty() && (field.required || matches!(field.kind, Type::List(_))) {
            return Err(format!("{name}: `{}` cannot have another name, for it is always there", field.wire));
        }
        let mut value = if field.aliases.is_empty() { field.rust.clone() } else { format!("{0}: {0}", field.rust) };
        for alias in &field.aliases {
            let one = Field {
                wire: alias.clone(),
                rust: format!("older_{}", names::snake(alias)),
                aliases: Vec::new(),
                ..field.clone()
            };
            value.push_str(&format!(".or({})", one.rust));
            older.push(one);
        }
        values.push(value);
    }
    let all = || fields.iter().chain(&older);
    let body: String = all().map(|one| self::field(one, uses, camel, "")).collect();
    let body: String = body.lines().filter(|line| !line.starts_with("///")).map(|line| format!("{line}\n")).collect();
    let read = all().map(|one| one.rust.as_str()).collect::<Vec<_>>().join(", ");
    let camel = if camel { "#[serde(rename_all = \"camelCase\")]" } else { "" };
    let values = values.join(", ");
    Ok(format!(
        "/// What has been renamed is read under either name; where both say something, the newer one counts.
        impl<'de> serde::Deserialize<'de> for {name} {{
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {{
                #[derive(serde::Deserialize)]
                {camel}
                struct Read {{ {body} }}
                let Read {{ {read} }} = Read::deserialize(deserializer)?;
                Ok(Self {{ {values} }})
            }}
        }}\n"
    ))
}

/// Whether serde's `camelCase` says most of the wire names.
pub fn camel_case(fields: &[Field]) -> bool {
    fields.iter().any(|field| field.wire != field.rust && names::camel(&field.rust) == field.wire)
}

/// Whether a field has a value before anything is said about it.
fn starts_empty(field: &Field, uses: Use) -> bool {
    let empty = !field.required || field.lenient && defaults(&field.kind);
    empty || uses.response && matches!(field.kind, Type::List(_))
}

fn defaults(kind: &Type) -> bool {
    matches!(kind, Type::Text | Type::List(_) | Type::Map | Type::Json)
}

/// A field with its attributes.
pub fn field(field: &Field, uses: Use, camel: bool, visible: &str) -> String {
    let mut serde = Vec::new();
    let expected = if camel { names::camel(&field.rust) } else { field.rust.clone() };
    if expected != field.wire {
        serde.push(format!("rename = {:?}", field.wire));
    }
    let list = matches!(field.kind, Type::List(_));
    let empty = field.lenient && defaults(&field.kind);
    let optional = !(field.required && (!field.lenient || empty)) && !list;
    if optional || list && !field.required || (empty || list) && uses.response {
        serde.push("default".to_owned());
    }
    let reader = match &field.kind {
        _ if field.joined => None,
        Type::List(_) if !uses.response => None,
        Type::List(_) if field.lenient => Some("list"),
        Type::List(_) => Some("null_as_default"),
        _ if field.required && empty => Some("null_as_default"),
        _ if !field.lenient || !uses.response => None,
        Type::Text => Some("option_string"),
        Type::Integer => Some("option_i64"),
        Type::Decimal => Some("option_decimal"),
        Type::Truth => Some("option_bool"),
        Type::Word(_) | Type::Map => Some("option"),
        Type::Named(_) | Type::Json => None,
    };
    if field.joined {
        serde.push("with = \"crate::joined\"".to_owned());
    }
    serde.extend(reader.map(|reader| format!("deserialize_with = \"core_http::lenient::{reader}\"")));
    if field.number && field.kind == Type::Decimal {
        let module = if optional { "float_option" } else { "float" };
        serde.push(format!("serialize_with = \"rust_decimal::serde::{module}::serialize\""));
    }
    if list && !field.required {
        serde.push("skip_serializing_if = \"Vec::is_empty\"".to_owned());
    } else if optional {
        serde.push("skip_serializing_if = \"Option::is_none\"".to_owned());
    }
    let attribute = if serde.is_empty() { String::new() } else { format!("#[serde({})]\n", serde.join(", ")) };
    let rust = field.kind.rust();
    let rust = if optional { format!("Option<{rust}>") } else { rust };
    let doc = text::doc_or_name(field.description.as_ref(), &field.wire);
    format!("{doc}{attribute}{visible} {}: {rust},\n", field.rust)
}

/// The field that a path such as `pagination.nextToken` leads to, as an expression on `output`, and its type.
pub fn path(types: &Types, start: &Type, path: &str) -> Outcome<(String, Type)> {
    let (mut at, mut expression) = (start.clone(), "output".to_owned());
    let steps: Vec<&str> = path.split('.').collect();
    for (index, step) in steps.iter().enumerate() {
        let Type::Named(name) = &at else { return Err(format!("`{path}`: {} has no fields", at.rust())) };
        let mut schemas = types.spec.schemas.iter();
        let known = schemas.find(|(key, _)| types.name_of(key).is_ok_and(|rust| rust == *name));
        let (_, schema) = known.ok_or_else(|| format!("`{path}`: {name} is not generated"))?;
        let fields = types.fields(name, schema, Use { request: false, response: true })?;
        let field =
            fields.into_iter().find(|field| field.wire == *step).ok_or_else(|| format!("`{path}`: no `{step}`"))?;
        expression.push_str(&format!(".{}", field.rust));
        if !field.required && index + 1 < steps.len() {
            expression.push_str(".as_ref()?");
        }
        at = field.kind;
    }
    Ok((expression, at))
}
