//! Feature `validate`: attributes are checked against a product type's schema before anything is sent.

use super::{Locale, ProductTypeDefinition, ProductTypeSchema, RequirementsEnforced, keywords};
use crate::{Marketplace, PatchListingsItem, PatchOp, PatchOperation, PutListingsItem, Requirements};
use core_http::{Error, ErrorKind, Result};
use jsonschema::{ValidationError, error::ValidationErrorKind as Kind};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

/// What of the root of a schema is about several attributes at once, and not about one alone.
const TOGETHER: [&str; 13] = [
    "required",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "minProperties",
    "unevaluatedProperties",
];

/// What a part of an object or list cannot break: what it lacks may be in the rest.
const LACKING: [&str; 7] =
    ["required", "dependentRequired", "minProperties", "minItems", "minUniqueItems", "contains", "minContains"];
/// What holds in one case of several, which the rest of an object or list may decide.
const BY_CASE: [&str; 3] = ["anyOf", "oneOf", "not"];

/// One thing in attributes that the schema rules out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Where it stands, as `item_name[0].value`; what is missing is named too.
    pub path: String,
    /// The keyword of the schema that rules it out.
    pub keyword: String,
    /// The rule in words.
    pub rule: String,
    /// The value that breaks it as JSON, shortened; empty for what is missing.
    pub value: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.path, self.rule, self.keyword)?;
        if self.value.is_empty() { Ok(()) } else { write!(f, ": {}", self.value) }
    }
}

/// Checks listings of one product type in its stores. Made once, used often: making one reads the whole schema.
///
/// No finding means that the schema has nothing against it. Amazon checks more than its schemas say, so a preview
/// ([`PutListingsItem::preview`]) stays worth its call.
#[derive(Debug)]
pub struct Validator {
    definition: ProductTypeDefinition,
    /// The names of the attributes, if there are no others.
    names: Option<Vec<String>>,
    whole: jsonschema::Validator,
    single: jsonschema::Validator,
}

impl Validator {
    /// Reads a schema.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if it is no JSON Schema, or refers to another document: nothing is fetched.
    pub fn new(schema: &ProductTypeSchema) -> Result<Self> {
        let mut tree: Value = core_http::json(&schema.document)?;
        let unread = |error: ValidationError<'_>| Error::new(ErrorKind::Decode, format!("the schema: {error}"));
        let whole = keywords::validator(&tree).map_err(unread)?;
        let Some(root) = tree.as_object_mut() else {
            return Err(Error::new(ErrorKind::Decode, "the schema is no object"));
        };
        root.retain(|keyword, _| !TOGETHER.contains(&keyword.as_str()));
        let closed = root.get("additionalProperties") == Some(&Value::Bool(false));
        let names = root.get("properties").and_then(Value::as_object).filter(|_| closed);
        let names = names.map(|properties| properties.keys().cloned().collect());
        let single = keywords::validator(&tree).map_err(unread)?;
        Ok(Self { definition: schema.definition.clone(), names, whole, single })
    }

    /// What the schema has against a whole listing.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] if the schema is not the one that this listing is checked against: of another product type,
    /// store, language or set of requirements, or one that asks for nothing.
    pub fn put(&self, put: &PutListingsItem) -> Result<Vec<Finding>> {
        self.meant(&put.body.product_type, &put.marketplace_ids)?;
        let wanted = put.body.requirements.as_ref().unwrap_or(&Requirements::Listing);
        let known = &self.definition.requirements;
        if wanted != known {
            return Err(other("requirements", wanted, known));
        }
        if self.definition.requirements_enforced != RequirementsEnforced::Enforced {
            let message = "the schema enforces no requirements: fetch one that does for a whole listing";
            return Err(Error::new(ErrorKind::Request, message));
        }
        Ok(self.listing(&put.body.attributes))
    }

    /// What the schema has against the attributes that a patch touches; the others are not looked at. A patch of the
    /// product type `PRODUCT` is checked as one of the schema's.
    ///
    /// A `merge` names a part of a value, and the rest is not known here: it is checked by those rules alone that a part can
    /// break. What it may lack (`required`, `minItems` and the like), and what depends on the rest of an object or list
    /// (`anyOf`, `oneOf`, `not`, `if`), only Amazon can tell.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] if the schema is of another product type, store or language.
    pub fn patch(&self, patch: &PatchListingsItem) -> Result<Vec<Finding>> {
        let product_type = match patch.body.product_type.as_str() {
            "PRODUCT" => &self.definition.product_type,
            other => other,
        };
        self.meant(product_type, &patch.marketplace_ids)?;
        Ok(patch.body.patches.iter().flat_map(|change| self.change(change)).collect())
    }

    /// What the schema has against the attributes of a whole listing.
    pub fn listing(&self, attributes: &Map<String, Value>) -> Vec<Finding> {
        findings(&self.whole, attributes, |_| true)
    }

    /// What the schema has against each of these attributes, whatever others a listing needs.
    pub fn attributes(&self, attributes: &Map<String, Value>) -> Vec<Finding> {
        findings(&self.single, attributes, |_| true)
    }

    fn change(&self, change: &PatchOperation) -> Vec<Finding> {
        let attribute = change.attribute();
        let lone = |value: &[Value]| Map::from_iter([(attribute.to_owned(), Value::Array(value.to_vec()))]);
        match change.op {
            PatchOp::Replace | PatchOp::Add => self.attributes(&lone(&change.value)),
            PatchOp::Merge => findings(&self.single, &lone(&change.value), can_be_broken_by_a_part),
            // Its value holds selectors alone.
            _ if self.names.as_ref().is_some_and(|names| !names.iter().any(|name| name == attribute)) => {
                vec![unknown(attribute.to_owned(), String::new())]
            }
            _ => Vec::new(),
        }
    }

    /// Whether the schema is about this product type in these stores, and in their language: the values that Amazon
    /// takes depend on it (amzn/selling-partner-api-models #5239).
    fn meant(&self, product_type: &str, marketplaces: &[Marketplace]) -> Result<()> {
        let ProductTypeDefinition { product_type: known, marketplace_ids, locale, .. } = &self.definition;
        if product_type != known {
            return Err(other("product type", product_type, known));
        }
        for marketplace in marketplaces {
            if !marketplace_ids.contains(marketplace) {
                let known: Vec<&str> = marketplace_ids.iter().map(Marketplace::as_str).collect();
                return Err(other("marketplace", marketplace, known.join(", ")));
            }
            match Locale::of_store(marketplace) {
                Locale::Default => {}
                wanted if wanted.as_str() == locale => {}
                wanted => return Err(other("language", wanted, locale)),
            }
        }
        Ok(())
    }
}

fn other(what: &str, wanted: impl fmt::Display, known: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Request, format!("the {what} is `{wanted}`, that of the schema is `{known}`"))
}

/// Whether an error stands whatever else the objects and lists hold of which a part is known.
fn can_be_broken_by_a_part(error: &ValidationError<'_>) -> bool {
    let keyword = error.kind().keyword();
    let is_scalar = !error.instance().is_object() && !error.instance().is_array();
    let conditional = error.schema_path().as_str().split('/').any(|part| ["then", "else"].contains(&part));
    !conditional && !LACKING.contains(&keyword) && (is_scalar || !BY_CASE.contains(&keyword))
}

fn findings(
    validator: &jsonschema::Validator,
    attributes: &Map<String, Value>,
    counts: fn(&ValidationError<'_>) -> bool,
) -> Vec<Finding> {
    let attributes = Value::Object(attributes.clone());
    let errors = validator.iter_errors(&attributes).filter(counts);
    let mut found: Vec<Finding> = errors.flat_map(|error| read(&error)).collect();
    // Branches of a schema that share a rule report it once each.
    let mut seen = std::collections::HashSet::new();
    found.retain(|finding| seen.insert((finding.path.clone(), finding.keyword.clone(), finding.rule.clone())));
    found
}

/// An error as findings: one for each property that is too many.
fn read(error: &ValidationError<'_>) -> Vec<Finding> {
    let at = path(error.instance_path().as_str());
    let value = || short(error.instance());
    let one = |path: String, rule: String, value: String| {
        vec![Finding { path, keyword: error.kind().keyword().to_owned(), rule, value }]
    };
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            one(below(&at, name), "required, and missing".to_owned(), String::new())
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let value = |name: &String| error.instance().get(name).map(short).unwrap_or_default();
            unexpected.iter().map(|name| unknown(below(&at, name), value(name))).collect()
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            let nearest = context.iter().min_by_key(|errors| errors.len()).into_iter().flatten();
            let nearest: Vec<String> =
                nearest.flat_map(|error| read(error)).map(|finding| finding.to_string()).collect();
            one(at, format!("one of {} alternatives; the nearest: {}", context.len(), nearest.join("; ")), value())
        }
        kind => one(at, rule(kind).unwrap_or_else(|| error.masked().to_string()), value()),
    }
}

/// The rule in words, where they are ours.
fn rule(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Custom { message, .. } => message.clone(),
        Kind::MaxLength { limit } => format!("at most {limit} characters"),
        Kind::MinLength { limit } => format!("at least {limit} characters"),
        Kind::MaxItems { limit } => format!("at most {limit} instances"),
        Kind::MinItems { limit } => format!("at least {limit} instances"),
        Kind::Maximum { limit } => format!("at most {limit}"),
        Kind::Minimum { limit } => format!("at least {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        Kind::Enum { options } => format!("one of {}", short(options)),
        Kind::Constant { expected_value } => format!("exactly {}", short(expected_value)),
        Kind::Pattern { pattern } => format!("of the form `{pattern}`"),
        _ => return None,
    })
}

fn unknown(path: String, value: String) -> Finding {
    let rule = "not an attribute of this product type".to_owned();
    Finding { path, keyword: "additionalProperties".to_owned(), rule, value }
}

/// `/item_name/0/value` as `item_name[0].value`.
fn path(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |path, part| match part.parse::<usize>() {
        Ok(number) => format!("{path}[{number}]"),
        Err(_) => below(&path, &part.replace("~1", "/").replace("~0", "~")),
    })
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 80 { text } else { text.chars().take(79).chain(['…']).collect() }
}
