//! `asin watch`: products into a collection.

use super::Common;
use super::places::active;
use crate::consent::Leave;
use crate::failure::{Ended, Failure, Tally, say};
use crate::input::Names;
use crate::output::{Row, counted};
use crate::table::{Column, Content};
use asin_facade::Marketplace;
use asin_facade::core_http::Asin;
use asin_facade::multicart::CollectionId;
use asin_facade::multicart::enrol::{self, Outcome, Place, Way};
use futures_util::stream;
use serde::Serialize;
use std::process::ExitCode;

/// Enrols products in a collection, to be watched at a postcode; what is there already stays
///
/// Nothing is charged before a run, which then costs a credit for each product.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin watch B0DJQQ38TG --collection 101 --marketplace AU --postcode 4500
  asin watch --file asins.txt --collection 101 -m AU --postcode 4500 --dry-run")]
pub struct Watch {
    #[command(flatten)]
    asins: Names,
    /// The collection's number
    #[arg(long, value_name = "ID")]
    collection: CollectionId,
    /// The store: a country code such as AU, or Amazon's identifier
    #[arg(short, long, value_name = "STORE")]
    marketplace: Marketplace,
    /// Where it would be delivered to
    #[arg(long, value_name = "POSTCODE")]
    postcode: String,
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    common: Common,
}

/// A product, and what became of it.
#[derive(Debug, Serialize)]
struct Watched {
    asin: Asin,
    shop: String,
    postcode: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    said: String,
}

impl Row for Watched {
    const COLUMNS: &'static [Column] = &[
        Column("asin", Content::Word),
        Column("shop", Content::Word),
        Column("postcode", Content::Word),
        Column("outcome", Content::Word),
        Column("said", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        let Self { asin, shop, postcode, outcome, said } = self;
        vec![asin.to_string(), shop.clone(), postcode.clone(), (*outcome).to_owned(), said.clone()]
    }
}

pub async fn watch(arguments: Watch) -> Ended {
    let Watch { asins, collection, marketplace: store, postcode, leave, common } = arguments;
    let asins: Vec<Asin> = asins.read("ASIN")?;
    let client = common.client().await?;
    active(&client, store, &postcode).await?;
    let place = Place::new(store.domain(), &postcode);
    let plan = enrol::plan(&client, collection, stream::iter(asins.into_iter().map(|asin| place.watch(asin)))).await?;
    plan.room().map_err(Failure::usage)?;
    let (holds, present, missing) = (plan.holds(), plan.present().len(), plan.missing().len());
    if missing == 0 {
        say(&format!("asin: all {present} are in collection {collection} already"));
        return Ok(ExitCode::SUCCESS);
    }
    let subject = format!(
        "MultiCart: {} into collection {collection}, which holds {holds} ({present} of these are there already). Each \
         costs a credit in every run.",
        counted(missing, "product")
    );
    if let Some(ended) = leave.refused(subject, "Enrol them?").await? {
        return Ok(ended);
    }
    let (mut rows, mut tally) = (common.output.rows(), Tally::default());
    for (item, outcome) in plan.send(&client, Way::Csv).await? {
        let (outcome, said) = match outcome {
            Outcome::AlreadyThere => ("already_there", String::new()),
            Outcome::Added => ("added", String::new()),
            Outcome::Refused(words) => ("refused", words),
            Outcome::NotShownYet => ("not_shown_yet", String::new()),
            Outcome::Unknown(error) => ("unknown", error.to_string()),
            Outcome::Failed(error) => ("failed", error.to_string()),
            _ => ("unknown", String::new()),
        };
        tally.mark(matches!(outcome, "already_there" | "added" | "not_shown_yet"));
        let (shop, postcode) = (item.place.domain().to_owned(), item.place.postcode().to_owned());
        rows.push(&Watched { asin: item.asin, shop, postcode, outcome, said })?;
    }
    rows.end()?;
    Ok(tally.end())
}
