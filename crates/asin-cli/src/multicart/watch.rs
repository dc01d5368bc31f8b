//! `asin watch`: products into collections.

use super::Common;
use super::places::active;
use super::split::{self, At, Placed};
use crate::consent::Leave;
use crate::failure::{Ended, Failure, Tally, say};
use crate::input::Names;
use crate::output::{Row, counted};
use crate::session::state_folder;
use crate::stop::stoppable;
use crate::table::{Column, Content};
use asin_facade::Marketplace;
use asin_facade::core_http::Asin;
use asin_facade::multicart::CollectionId;
use asin_facade::multicart::enrol::{self, Outcome, Place, Way};
use asin_facade::watch::{self, Register};
use futures_util::stream;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Has products watched at stores and postcodes; what is watched already stays
///
/// Each store and postcode has a collection of its own, and another one where 5,000 do not suffice: which ones is remembered in
/// the folder of `--state`, and no other is touched. With `--collection` everything goes into that one instead. Nothing is
/// charged before a run, which then costs a credit for each product. Where `--run` could not start all runs, the same
/// command starts the rest, and those that were started not again before all were, unless `--again` says so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin watch --file asins.txt --at AU:4500 --at US:10001 --email me@example.com --dry-run
  asin watch B0DJQQ38TG@AU:4500 B0XYZ99999@US:10001 --email me@example.com --yes
  asin watch --file asins.txt --at AU:4500 --prune --run
  asin watch B0DJQQ38TG --collection 101 --marketplace AU --postcode 4500")]
pub struct Watch {
    #[command(flatten)]
    asins: Names<Placed>,
    /// A store and a postcode of it, such as AU:4500, as often as one likes; an ASIN may have its own: ASIN@AU:4500
    #[arg(long, value_name = "STORE:POSTCODE")]
    at: Vec<At>,
    /// The store: a country code such as AU, or Amazon's identifier
    #[arg(short, long, value_name = "STORE", requires = "postcode", conflicts_with = "at")]
    marketplace: Option<Marketplace>,
    /// Where it would be delivered to
    #[arg(long, value_name = "POSTCODE", requires = "marketplace")]
    postcode: Option<String>,
    /// The number of the one collection that everything goes into
    #[arg(long, value_name = "ID", requires = "marketplace")]
    collection: Option<CollectionId>,
    /// Who is told about the runs of a collection that must be made
    #[arg(long, value_name = "ADDRESS", conflicts_with = "collection")]
    email: Option<String>,
    /// How often a month the collections run, for what is said about credits
    #[arg(long, value_name = "N", conflicts_with = "collection")]
    runs_per_month: Option<u32>,
    /// Also remove what the collections of these stores and postcodes hold and is not given here
    #[arg(long, conflicts_with = "collection")]
    prune: bool,
    /// With more to remove than this, none is removed
    #[arg(long, value_name = "N", default_value_t = 100, requires = "prune")]
    max_pruned: usize,
    /// Also start a run of each of these collections
    #[arg(long, conflicts_with = "collection")]
    run: bool,
    /// Also start those that an earlier command, which could not start all, has started: they are paid for again
    #[arg(long, requires = "run")]
    again: bool,
    /// Only forget a collection that is not there any more: its place gets another one the next time
    #[arg(long, value_name = "ID", conflicts_with_all = ["given", "file", "at", "marketplace", "prune", "run"])]
    forget: Vec<CollectionId>,
    /// The folder that remembers which collection is for which store and postcode
    #[arg(long, value_name = "DIR", default_value_os_t = state_folder("watch"), conflicts_with = "collection")]
    state: PathBuf,
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    common: Common,
}

/// A product, and what became of it.
#[derive(Debug, Serialize)]
pub struct Watched {
    pub asin: Asin,
    pub shop: String,
    pub postcode: String,
    pub outcome: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub said: String,
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
    let Watch {
        asins,
        at,
        marketplace,
        postcode,
        collection,
        email,
        runs_per_month,
        prune,
        max_pruned,
        run,
        again,
        forget,
        state,
        ..
    } = arguments;
    let (leave, common) = (arguments.leave, arguments.common);
    if !forget.is_empty() {
        return forgotten(forget, &state, leave, &common).await;
    }
    let asins = asins.read()?;
    let place = marketplace.zip(postcode).map(|(store, postcode)| At { store, postcode });
    if let (Some(collection), Some(place)) = (collection, &place) {
        if let Some(Placed { asin, .. }) = asins.iter().find(|placed| placed.at.is_some()) {
            return Err(Failure::usage(format!("{asin}: with --collection the place is that of --postcode")));
        }
        let asins = asins.into_iter().map(|placed| placed.asin);
        return into(collection, asins.collect(), &place.postcode, place.store, leave, &common).await;
    }
    let places: Vec<At> = at.into_iter().chain(place).collect();
    let mut watch = watch::Watch::new(split::wanted(asins, &places)?);
    if let Some(address) = email {
        watch = watch.email(address);
    }
    if let Some(runs) = runs_per_month {
        watch = watch.runs_per_month(runs);
    }
    if prune {
        watch = watch.prune().prune_at_most(max_pruned);
    }
    if run {
        watch = if again { watch.start_again() } else { watch.start() };
    }
    let client = common.client().await?;
    let register = Register::open(&state, &client).map_err(Failure::usage)?;
    let register = if leave.is_dry_run() { register.look() } else { register };
    let go_on = if again { GO_ON_ONCE } else { GO_ON };
    split::watch(watch, &client, register, leave, common.output, go_on).await
}

/// Collections that no place has any more.
async fn forgotten(collections: Vec<CollectionId>, state: &Path, leave: Leave, common: &Common) -> Ended {
    let mut register = Register::open(state, &common.client().await?).map_err(Failure::usage)?;
    let names: Vec<String> = collections.iter().map(ToString::to_string).collect();
    let subject = format!("Collection {} is not used any more; nothing is sent to MultiCart.", names.join(", "));
    if let Some(ended) = leave.refused(subject, "Forget it?").await? {
        return Ok(ended);
    }
    for collection in collections {
        register.forget(collection).map_err(Failure::work)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything into one collection.
async fn into(
    collection: CollectionId,
    asins: Vec<Asin>,
    postcode: &str,
    store: Marketplace,
    leave: Leave,
    common: &Common,
) -> Ended {
    let client = common.client().await?;
    active(&client, store, postcode).await?;
    let place = Place::new(store.domain(), postcode);
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
    let work = async {
        let (mut rows, mut tally) = (common.output.rows(), Tally::default());
        for (item, outcome) in plan.send(&client, Way::Csv).await? {
            let (outcome, said) = told(item.asin.as_str(), outcome, &mut tally);
            let (shop, postcode) = (item.place.domain().to_owned(), item.place.postcode().to_owned());
            rows.push(&Watched { asin: item.asin, shop, postcode, outcome, said })?;
        }
        rows.end()?;
        Ok(tally.end())
    };
    stoppable(work, async { GO_ON.to_owned() }).await
}

/// How a watch that was stopped is gone on with.
const GO_ON: &str = "the same command goes on: it enrols what is missing, and starts no run twice";
/// The same where runs were to be started again.
const GO_ON_ONCE: &str = "the same command without --again goes on: it enrols what is missing, and starts no run twice";

/// What became of a product, and what was said of it; counted in the tally.
pub fn told(what: &str, outcome: Outcome, tally: &mut Tally) -> (&'static str, String) {
    match &outcome {
        Outcome::AlreadyThere | Outcome::Added | Outcome::NotShownYet => tally.did(),
        Outcome::Unknown(error) | Outcome::Failed(error) => tally.fail_row(what, error),
        _ => tally.mark(false),
    }
    match outcome {
        Outcome::AlreadyThere => ("already_there", String::new()),
        Outcome::Added => ("added", String::new()),
        Outcome::Refused(words) => ("refused", words),
        Outcome::NotShownYet => ("not_shown_yet", String::new()),
        Outcome::Unknown(error) => ("unknown", error.to_string()),
        Outcome::Failed(error) => ("failed", error.to_string()),
        _ => ("unknown", String::new()),
    }
}
