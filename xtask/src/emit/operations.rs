//! `operations.rs`: a struct for each operation, the table of them, and the reader of saved answers.

use super::{
    limits, models, names,
    text::{self, constructor},
    types::{Field, Type, Types, texts},
};
use crate::spec::{Kind, Operation, Outcome, Parameter, Schema, Use, find};
use serde_json::Value;

const REQUEST: Use = Use { request: true, response: false };

/// The whole file without its table; the names of the public types go with it.
pub fn operations(types: &Types) -> Outcome<(String, Vec<String>)> {
    let (mut out, mut public) = (vec![limits::constants(types)?], Vec::new());
    for operation in &types.spec.operations {
        let one = One::new(types, operation)?;
        out.push(one.code()?);
        public.push(one.rust);
    }
    out.retain(|code| !code.is_empty());
    Ok((out.join("\n"), public))
}

/// The table of a crate's operations and the reader of their saved answers, over all of its APIs: each with the path
/// from `operations.rs` to its types.
pub fn table(apis: &[(String, &Types)]) -> Outcome<String> {
    let (mut rows, mut arms, mut calls) = (String::new(), String::new(), String::new());
    for (path, types) in apis {
        for operation in &types.spec.operations {
            let one = One::new(types, operation)?;
            rows.push_str(&one.row()?);
            arms.push_str(&format!("{:?} => inspect_as::<{path}{}>(body),\n", one.name, one.rust));
            calls.push_str(&format!("{:?} => client.named::<{path}{}>(arguments),\n", one.name, one.rust));
        }
    }
    let vendor = apis.first().map_or_else(String::new, |(_, types)| vendor(types));
    text::pretty(&format!(
        "/// Every operation, in the order of the specification.\n\
         pub const OPERATIONS: &[core_http::OperationInfo] = &[{rows}];\n\
         /// Reads a saved body as the answer of the operation of that name; `None` if there is no such operation.\n\
         pub fn inspect(name: &str, body: &[u8]) -> Option<core_http::Result<core_http::Inspection>> {{\n\
             Some(match name {{ {arms} _ => return None }})\n\
         }}\n\
         fn inspect_as<O: core_http::Operation<Vendor = {vendor}>>(body: &[u8]) -> core_http::Result<core_http::Inspection> {{\n\
             core_http::inspect::<O::Vendor, O::Wire>(body)\n\
         }}\n\
         /// The operation of that name, its arguments as JSON under the vendor's names, ready to be sent by\n\
         /// [`exchange_named`](core_http::Client::exchange_named); `None` if there is no such operation.\n\
         pub fn named(client: &core_http::Client<{vendor}>, name: &str, arguments: serde_json::Value)\n\
         -> Option<core_http::Result<core_http::Named<{vendor}>>> {{\n\
             Some(match name {{ {calls} _ => return None }})\n\
         }}\n\
         /// Sends the operation of that name; `None` if there is no such operation. See [`named`].\n\
         pub async fn call(client: &core_http::Client<{vendor}>, name: &str, arguments: serde_json::Value)\n\
         -> Option<core_http::Result<core_http::Answer<serde_json::Value>>> {{\n\
             Some(match named(client, name, arguments)? {{\n\
                 Ok(operation) => client.exchange_named(operation).await,\n\
                 Err(error) => Err(error),\n\
             }})\n\
         }}\n"
    ))
}

/// The rows of the table for people: type, vendor's name, request, what sending it twice does.
pub fn words(types: &Types) -> Outcome<Vec<[String; 4]>> {
    let row = |operation: &Operation| {
        let one = One::new(types, operation)?;
        let request = format!("{} `{}`", operation.method, operation.path);
        Ok([one.rust.clone(), one.name.clone(), request, one.safety()?.1])
    };
    types.spec.operations.iter().map(row).collect()
}

fn vendor(types: &Types) -> String {
    let name = types.spec.extensions.get("x-vendor").and_then(Value::as_str);
    format!("crate::{}", name.unwrap_or("Vendor"))
}

/// Where the arguments of the body go.
enum Payload {
    None,
    /// One argument, sent as JSON; alone in a list if `true`.
    Field(String, bool),
    /// The operation itself is the body.
    Whole,
    /// `multipart/form-data`: the field with the file, its name and media type; the other fields are texts.
    Form {
        file: Field,
        name: String,
        media: String,
        fields: Vec<Field>,
    },
}

struct One<'a> {
    types: &'a Types<'a>,
    operation: &'a Operation,
    name: String,
    rust: String,
    fields: Vec<Field>,
    payload: Payload,
    wire: Type,
}

impl<'a> One<'a> {
    fn new(types: &'a Types<'a>, operation: &'a Operation) -> Outcome<Self> {
        let name = operation.name();
        let rust = super::type_name(operation);
        let mut fields = Vec::new();
        for parameter in &operation.parameters {
            fields.push(argument(types, parameter)?);
        }
        let wire = types.content(operation)?;
        let mut one = Self { types, operation, name, rust, fields, payload: Payload::None, wire };
        one.payload = one.payload()?;
        Ok(one)
    }

    fn payload(&mut self) -> Outcome<Payload> {
        let Some(body) = &self.operation.body else { return Ok(Payload::None) };
        let (media, schema) = body.content.first().ok_or_else(|| format!("{}: an empty body", self.name))?;
        if let (Kind::Object(object), None) = (&schema.kind, super::types::text(schema, "x-name")) {
            if !self.fields.is_empty() {
                return Err(format!(
                    "{}: a body written in place beside parameters; name it in `components`",
                    self.name
                ));
            }
            let binary = |schema: &Schema| schema.facts.get("format").is_some_and(|fact| fact.value == "binary");
            self.fields = self.types.fields(&self.rust, schema, REQUEST)?;
            if media != "multipart/form-data" {
                return Ok(Payload::Whole);
            }
            let is_file = |field: &&Field| find(&object.properties, &field.wire).is_some_and(binary);
            let file = self
                .fields
                .iter()
                .find(is_file)
                .cloned()
                .ok_or_else(|| format!("{}: a form without a file", self.name))?;
            let fields = self.fields.iter().filter(|field| field.wire != file.wire).cloned().collect();
            let said = body.extensions.get("x-file").cloned().unwrap_or(Value::Null);
            let word = |key: &str, otherwise: &str| said[key].as_str().unwrap_or(otherwise).to_owned();
            return Ok(Payload::Form {
                name: word("name", "file"),
                media: word("type", "application/octet-stream"),
                file,
                fields,
            });
        }
        let name = body.extensions.get("x-name").and_then(Value::as_str).unwrap_or("body");
        let alone = body.extensions.get("x-single") == Some(&Value::Bool(true));
        let schema = match (&schema.kind, alone) {
            (Kind::Array(items), true) => items,
            _ => schema,
        };
        let mut field = self.types.field(&self.rust, name, schema, true, REQUEST)?;
        field.description = body.description.clone().or(field.description);
        self.fields.push(field);
        Ok(Payload::Field(name.to_owned(), alone))
    }

    fn code(&self) -> Outcome<String> {
        let rust = &self.rust;
        let mut derives = "Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize".to_owned();
        if self.fields.iter().all(|field| !field.required) {
            derives = derives.replace("Clone, ", "Clone, Default, ");
        }
        let camel = models::camel_case(&self.fields);
        let rename = if camel {
            "#[serde(rename_all = \"camelCase\", deny_unknown_fields)]\n"
        } else {
            "#[serde(deny_unknown_fields)]\n"
        };
        let fields: String =
            self.fields.iter().map(|field| models::field(field, REQUEST, camel, "pub(crate)")).collect();
        let source = format!(
            "{doc}#[derive({derives})]\n{rename}#[must_use = \"an operation does nothing until a client calls it\"]\n\
             pub struct {rust} {{ {fields} }}\n{constructor}{operation}{paged}",
            doc = self.doc()?,
            constructor = constructor(rust, &self.fields),
            operation = self.operation()?,
            paged = self.paged()?,
        );
        text::pretty(&source)
    }

    fn doc(&self) -> Outcome<String> {
        let Operation { method, path, description, .. } = self.operation;
        let source = self.operation.extensions.get("x-source").or_else(|| self.types.spec.extensions.get("x-source"));
        let source = source
            .and_then(|source| Some(format!(" Source: {} of {}.", source["file"].as_str()?, source["date"].as_str()?)));
        let limits: Vec<String> = self.limit_words()?.into_iter().map(|(_, words)| words).collect();
        let limits = limits.join("; ");
        let facts = format!("{method} `{path}`, {}. Limits: {limits}.{}", self.safety()?.1, source.unwrap_or_default());
        Ok(text::doc(&[
            description.clone().unwrap_or_else(|| format!("`{}`.", self.name)),
            format!("`{}`: {facts}", self.name),
        ]))
    }

    /// The Rust expression, and what a person reads.
    fn safety(&self) -> Outcome<(String, String)> {
        let said = self.operation.extensions.get("x-safety");
        if let Some(with) = said.and_then(|said| said["with"].as_str()) {
            let words = said.and_then(|said| said["says"].as_str()).unwrap_or("depends on the arguments");
            return Ok((format!("{with}(self)"), words.to_owned()));
        }
        let word = said.and_then(Value::as_str).or((self.operation.method == "GET").then_some("read-only"));
        let variant = match word {
            Some("read-only") => "ReadOnly",
            Some("idempotent") => "Idempotent",
            Some("once") => "Once",
            _ => return Err(format!("{}: x-safety must say read-only, idempotent or once", self.name)),
        };
        Ok((format!("core_http::Safety::{variant}"), word.unwrap_or_default().to_owned()))
    }

    fn limits(&self) -> Outcome<String> {
        let said =
            self.operation.extensions.get("x-limits").ok_or_else(|| format!("{}: x-limits is missing", self.name))?;
        if let Some(with) = said["with"].as_str() {
            return Ok(format!("{with}(self)"));
        }
        let known = &self.types.spec.extensions["x-limits"];
        let constant = |name: &String| known[name]["with"].as_str().map_or_else(|| names::upper(name), str::to_owned);
        Ok(format!("vec![{}]", texts(Some(said)).iter().map(constant).collect::<Vec<_>>().join(", ")))
    }

    /// Each limit's name, and what a person reads.
    fn limit_words(&self) -> Outcome<Vec<(String, String)>> {
        let said = self.operation.extensions.get("x-limits").cloned().unwrap_or(Value::Null);
        let listed = if said.is_array() { texts(Some(&said)) } else { texts(said.get("of")) };
        let known = self.types.spec.extensions.get("x-limits").cloned().unwrap_or(Value::Null);
        let words = |name: &String| limits::quota(&known[name]).map(|(_, words)| (name.clone(), words));
        listed.iter().map(|name| words(name).ok_or_else(|| format!("{}: no limit `{name}`", self.name))).collect()
    }

    fn row(&self) -> Outcome<String> {
        let limits: Vec<String> =
            self.limit_words()?.iter().map(|(name, words)| format!("{:?}", format!("{name}: {words}"))).collect();
        Ok(format!(
            "core_http::OperationInfo {{ vendor: <{} as core_http::Vendor>::NAME, name: {:?}, method: {:?}, path: {:?}, \
             safety: {:?}, limits: &[{}] }},\n",
            vendor(self.types),
            self.name,
            self.operation.method,
            self.operation.path,
            self.safety()?.1,
            limits.join(", ")
        ))
    }

    fn operation(&self) -> Outcome<String> {
        let output = self.operation.extensions.get("x-output");
        let (output, read) = match output.and_then(|output| Some((output["type"].as_str()?, output["with"].as_str()?)))
        {
            Some((output, with)) => (output.to_owned(), format!("{with}(self, wire)")),
            None => (self.wire.rust(), "Ok(wire)".to_owned()),
        };
        let time_out =
            self.operation.extensions.get("x-time-out").and_then(Value::as_u64).map_or_else(String::new, |seconds| {
                format!("fn time_out(&self) -> std::time::Duration {{ std::time::Duration::from_secs({seconds}) }}\n")
            });
        let (unchecked, request) = self.checked()?;
        Ok(format!(
            "{unchecked}impl core_http::Operation for {rust} {{\n\
             type Vendor = {vendor};\ntype Wire = {wire};\ntype Output = {output};\n\
             const NAME: &'static str = {name:?};\n\
             fn safety(&self) -> core_http::Safety {{ {safety} }}\n\
             fn limits(&self) -> core_http::Limits {{ {limits} }}\n{time_out}\
             fn request(&self) -> core_http::Result<core_http::Request> {{ {request} }}\n\
             fn output(&self, wire: Self::Wire) -> core_http::Result<Self::Output> {{ {read} }}\n}}\n",
            rust = self.rust,
            vendor = vendor(self.types),
            wire = self.wire.rust(),
            name = self.name,
            safety = self.safety()?.0,
            limits = self.limits()?,
        ))
    }

    /// `x-check`: the body of `request`, which refuses bad arguments first, and the way past the check.
    fn checked(&self) -> Outcome<(String, String)> {
        let request = self.request()?;
        let Some(check) = self.operation.extensions.get("x-check").and_then(Value::as_str) else {
            return Ok((String::new(), request));
        };
        let unchecked = format!(
            "impl {} {{\n/// The request with its arguments as they are.\n\
             pub(crate) fn unchecked(&self) -> core_http::Result<core_http::Request> {{ {request} }}\n}}\n\n",
            self.rust
        );
        Ok((unchecked, format!("{check}(self)?;\nself.unchecked()")))
    }

    fn request(&self) -> Outcome<String> {
        let mut out =
            format!("core_http::RequestBuilder::{}({:?})", self.operation.method.to_lowercase(), self.operation.path);
        for (parameter, field) in self.operation.parameters.iter().zip(&self.fields) {
            let Field { rust, wire, required, .. } = field;
            out.push_str(&match (parameter.place.as_str(), &field.kind, parameter.list.as_deref()) {
                ("path", ..) => format!(".path({wire:?}, &self.{rust})"),
                ("query", Type::List(_), Some("csv")) => format!(".csv({wire:?}, &self.{rust})"),
                ("query", kind, None) if !matches!(kind, Type::List(_)) => match required {
                    true if kind.is_copied() => format!(".query({wire:?}, self.{rust})"),
                    true => format!(".query({wire:?}, &self.{rust})"),
                    false => format!(".query_opt({wire:?}, self.{rust}.as_ref())"),
                },
                (place, kind, _) => {
                    return Err(format!("{}: no way to send {wire}, {} in {place}", self.name, kind.rust()));
                }
            });
        }
        out.push_str(&match &self.payload {
            Payload::None => String::new(),
            Payload::Field(field, true) => format!(".json(&[&self.{field}])"),
            Payload::Field(field, false) => format!(".json(&self.{field})"),
            Payload::Whole => ".json(self)".to_owned(),
            Payload::Form { file, name, media, fields } => {
                let pair = |field: &Field| format!("({:?}, self.{}.to_string().as_str())", field.wire, field.rust);
                let pairs: Vec<String> = fields.iter().map(pair).collect();
                format!(
                    ".multipart(&[{}], core_http::encode::File {{ field: {:?}, name: {name:?}, content_type: {media:?}, \
                     content: self.{}.as_bytes() }})",
                    pairs.join(", "),
                    file.wire,
                    file.rust
                )
            }
        });
        Ok(out + ".build()")
    }

    /// `x-paged`: `{token, into, items}` for tokens, `{skip, items}` for offsets; `complete` judges the last page.
    fn paged(&self) -> Outcome<String> {
        let Some(paged) = self.operation.extensions.get("x-paged") else { return Ok(String::new()) };
        let (items, element) = match (paged["items"].as_str(), paged["item"].as_str()) {
            (Some(path), Some(item)) => (format!("output.{path}"), Type::List(Box::new(self.types.named(item)?))),
            (Some(path), None) => models::path(self.types, &self.wire, path)?,
            (None, _) => ("output".to_owned(), self.wire.clone()),
        };
        let Type::List(item) = element else { return Err(format!("{}: x-paged: `{items}` is no list", self.name)) };
        let (position, next) = if let (Some(token), Some(into)) = (paged["token"].as_str(), paged["into"].as_str()) {
            let (token, _) = models::path(self.types, &self.wire, token)?;
            let into = names::snake(into);
            let next = format!(
                "let token = {token}.clone().filter(|token| !token.is_empty())?;\nSome(self.clone().{into}(token))"
            );
            (format!("self.{into}.clone()"), next)
        } else {
            let skip = names::snake(paged["skip"].as_str().unwrap_or("skip"));
            // How many a page holds at most is not documented, so only an empty page is the end.
            let next = format!(
                "let seen = i64::try_from({items}.len()).ok().filter(|seen| *seen > 0)?;\n\
                 Some(self.clone().{skip}(self.{skip}.unwrap_or(0) + seen))"
            );
            (format!("self.{skip}.map(|rows| rows.to_string())"), next)
        };
        let complete = paged["complete"].as_str().map_or_else(String::new, |with| {
            format!("fn complete(&self, last: &Self::Output) -> core_http::Result<()> {{ {with}(last) }}\n")
        });
        Ok(format!(
            "impl core_http::Paged for {rust} {{\n\
             type Item = {item};\n\
             fn position(&self) -> Option<String> {{ {position} }}\n\
             fn next(&self, output: &Self::Output) -> Option<Self> {{ {next} }}\n\
             fn items(output: Self::Output) -> Vec<Self::Item> {{ {items} }}\n{complete}}}\n",
            rust = self.rust,
            item = item.rust(),
        ))
    }
}

fn argument(types: &Types, parameter: &Parameter) -> Outcome<Field> {
    let mut schema = parameter.schema.clone();
    for (key, value) in &parameter.extensions {
        schema.extensions.entry(key.clone()).or_insert_with(|| value.clone());
    }
    if let (Some(newtype), Kind::Array(items)) = (schema.extensions.remove("x-newtype"), &mut schema.kind) {
        items.extensions.entry("x-newtype").or_insert(newtype);
    } else if let Some(newtype) = parameter.extensions.get("x-newtype") {
        schema.extensions.insert("x-newtype".into(), newtype.clone());
    }
    let mut field = types.field("", &parameter.name, &schema, parameter.required, REQUEST)?;
    field.description = parameter.description.clone().or(field.description);
    Ok(field)
}
