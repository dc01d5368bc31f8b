//! `asin listing validate` and `restrictions`: what Amazon would say, before anything is sent.

use super::Where;
use super::body::{PATCH, PUT, body};
use crate::failure::{Ended, Failure, Tally};
use crate::input::{Names, json};
use crate::output::Row;
use crate::progress::counting;
use crate::session::state_folder;
use crate::table::{Column, Content};
use asin_facade::core_http::Asin;
use asin_facade::sp_listings::product_types::{Finding, GetDefinitionsProductType, SchemaCache, Validator};
use asin_facade::sp_listings::restrictions::{GetListingsRestrictions, Reason, Restriction, Verdict};
use asin_facade::sp_listings::{ConditionType, PatchListingsItem, PutListingsItem, Sku};
use serde::Serialize;
use std::process::ExitCode;

/// Checks a listing, or a patch of one, against the schema of its product type, without sending it
///
/// The schema is downloaded once and kept in .asin/schemas. Amazon checks more than its schemas say: `put --dry-run` and
/// `patch --dry-run` ask Amazon itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
  0 the schema has nothing against it, 1 it has

Examples:
  asin listing validate -m DE --json @listing.json
  asin listing validate -m DE --json '{\"productType\":\"SHOES\",\"patches\":[…]}' --output json")]
pub struct Validate {
    /// The body of a put or a patch: JSON, `-` for standard input, or `@FILE`
    #[arg(long, value_name = "JSON")]
    json: String,
    #[command(flatten)]
    at: Where,
}

/// Tells whether products may be listed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin listing restrictions B07G82D89J --marketplace TR
  asin listing restrictions --file asins.txt -m DE --condition used_good")]
pub struct Restrictions {
    #[command(flatten)]
    asins: Names<Asin>,
    /// In which condition
    #[arg(long, value_name = "CONDITION", default_value = "new_new")]
    condition: String,
    #[command(flatten)]
    at: Where,
}

impl Row for Finding {
    const COLUMNS: &'static [Column] = &[
        Column("path", Content::Word),
        Column("rule", Content::Prose),
        Column("keyword", Content::Word),
        Column("value", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        vec![self.path.clone(), self.rule.clone(), self.keyword.clone(), self.value.clone()]
    }
}

pub async fn validate(arguments: Validate) -> Ended {
    let Where { marketplace: store, output, selling } = arguments.at;
    // Standard input can be read only once.
    let given = json(&arguments.json)?;
    let product_type = given["productType"].as_str().filter(|name| !name.is_empty());
    let product_type = product_type.ok_or_else(|| Failure::usage("--json: `productType` is missing"))?.to_owned();
    let seller = selling.seller().await?;
    let ask = GetDefinitionsProductType::in_store(product_type, store.listings()).seller_id(seller.id.clone());
    let schema = SchemaCache::new(state_folder("schemas")).fetch(&seller.client, ask).await?;
    let validator = Validator::new(&schema)?;
    let sku: Sku = "ANY".parse().map_err(Failure::usage)?;
    let (id, stores) = (seller.id, [store.listings()]);
    let findings = match given.get("patches").is_some() {
        true => validator.patch(&PatchListingsItem::new(id, sku, stores, body(&given, &PATCH)?))?,
        false => validator.put(&PutListingsItem::new(id, sku, stores, body(&given, &PUT)?))?,
    };
    let code = if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    output.all(findings)?;
    Ok(code)
}

/// What Amazon has against a product.
#[derive(Debug, Serialize)]
struct Answer {
    asin: Asin,
    store: asin_facade::Marketplace,
    condition: String,
    verdict: &'static str,
    reasons: Vec<String>,
    restrictions: Vec<Restriction>,
}

impl Row for Answer {
    const COLUMNS: &'static [Column] = &[
        Column("asin", Content::Word),
        Column("store", Content::Word),
        Column("condition", Content::Word),
        Column("verdict", Content::Word),
        Column("reasons", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        let Self { asin, store, condition, verdict, reasons, .. } = self;
        vec![asin.to_string(), store.to_string(), condition.clone(), (*verdict).to_owned(), reasons.join("; ")]
    }
}

pub async fn restrictions(arguments: Restrictions) -> Ended {
    let Where { marketplace: store, output, selling } = arguments.at;
    let asins = arguments.asins.read()?;
    let condition = ConditionType::from(arguments.condition.as_str());
    let seller = selling.seller().await?;
    let (mut rows, mut tally) = (output.rows(), Tally::default());
    let bar = counting("products", asins.len(), output.format());
    for asin in asins {
        bar.inc(1);
        let ask = GetListingsRestrictions::new(asin, seller.id.clone(), [store.listings()]);
        let answer = seller.client.call(ask.condition_type(condition.clone())).await;
        let Some(permission) = tally.note(asin.as_str(), answer) else { continue };
        tally.did();
        let words = |reasons: &[&Reason]| reasons.iter().map(|reason| reason.message.clone()).collect();
        let (verdict, reasons) = match permission.verdict(&store.listings(), &condition) {
            Verdict::Allowed => ("allowed", Vec::new()),
            Verdict::ApprovalRequired(reasons) => ("approval_required", words(&reasons)),
            Verdict::Refused(reasons) => ("refused", words(&reasons)),
            Verdict::NotAsked => ("not_asked", Vec::new()),
        };
        let (condition, restrictions) = (arguments.condition.clone(), permission.restrictions);
        rows.push(&Answer { asin, store, condition, verdict, reasons, restrictions })?;
    }
    bar.finish_and_clear();
    rows.end()?;
    Ok(tally.end())
}
