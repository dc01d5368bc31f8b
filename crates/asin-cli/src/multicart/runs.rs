//! `asin collections run`, `outputs` and `credits`.

use super::Common;
use crate::consent::Leave;
use crate::failure::{Ended, Failure, say};
use crate::output::{Format, Row, json};
use crate::progress::counting;
use crate::session::Connect;
use crate::stop::stoppable;
use crate::table::{Column, Content};
use asin_facade::core_http::{Error, ErrorKind};
use asin_facade::multicart::runs::{self, Started};
use asin_facade::multicart::{
    self as service, CollectionId, Fields, GetCredits, GetOutput, ListAsins, ListOutputs, ListRuns, McClient, OutputId,
    outputs as saved,
};
use futures_util::{TryStreamExt, pin_mut};
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Starts a run of a collection, once: a credit for each of its products
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin collections run 101 --dry-run
  asin collections run 101 --yes")]
pub struct Run {
    /// The collection's number
    collection: CollectionId,
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    connect: Connect,
}

/// What was scraped of a collection's products
#[derive(Debug, clap::Args)]
pub struct Outputs {
    #[command(subcommand)]
    command: OfOutputs,
}

#[derive(Debug, clap::Subcommand)]
enum OfOutputs {
    /// Lists the outputs of a collection
    #[command(after_help = "\
Examples:
  asin outputs list 101 --output csv")]
    List {
        /// The collection's number
        collection: CollectionId,
        #[command(flatten)]
        common: Common,
    },
    /// Prints the content of one
    #[command(after_help = "\
Examples:
  asin outputs get 88 | jq .price")]
    Get {
        /// Its number
        output: OutputId,
        #[command(flatten)]
        connect: Connect,
    },
    /// Saves one to a file, however big it is
    #[command(after_help = "\
Examples:
  asin outputs save 88 --to output.json")]
    Save {
        /// Its number
        output: OutputId,
        /// The file
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        connect: Connect,
    },
}

/// What MultiCart's account has left
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin credits
  asin credits --output json | jq .spendable")]
pub struct Credits {
    #[command(flatten)]
    common: Common,
}

impl Row for service::Output {
    const COLUMNS: &'static [Column] = &[
        Column("id", Content::Number),
        Column("collection", Content::Number),
        Column("entries", Content::Number),
        Column("created", Content::Word),
    ];

    fn cells(&self) -> Vec<String> {
        let text = |value: Option<String>| value.unwrap_or_default();
        vec![
            self.id.to_string(),
            text(self.collection.map(|collection| collection.to_string())),
            text(self.output_json_count.map(|count| count.to_string())),
            text(self.created_at.clone()),
        ]
    }
}

/// The account's credits.
#[derive(Debug, Serialize)]
struct Left {
    spendable: Option<i64>,
    available: Option<i64>,
    used: Option<i64>,
    frozen: Option<i64>,
}

impl Row for Left {
    const COLUMNS: &'static [Column] = &[
        Column("spendable", Content::Number),
        Column("available", Content::Number),
        Column("used", Content::Number),
        Column("frozen", Content::Number),
    ];

    fn cells(&self) -> Vec<String> {
        let Self { spendable, available, used, frozen } = *self;
        let text = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
        [spendable, available, used, frozen].map(text).to_vec()
    }
}

async fn left(client: &McClient) -> Result<Left, Failure> {
    let credits = client.call(GetCredits::new()).await?;
    let (spendable, available) = (credits.spendable(), credits.available);
    Ok(Left { spendable, available, used: credits.used, frozen: credits.frozen })
}

pub async fn credits(arguments: Credits) -> Ended {
    let client = arguments.common.client().await?;
    arguments.common.output.all([left(&client).await?])?;
    Ok(ExitCode::SUCCESS)
}

pub async fn run(arguments: Run) -> Ended {
    let Run { collection, leave, connect } = arguments;
    let client = connect.open().await?.multicart()?;
    let counted = client.call(ListAsins::new(collection).with_count(1).limit(1)).await?;
    let most = counted.total.unwrap_or(u64::MAX);
    let needed = counted.total.map_or_else(|| "an unknown number of".to_owned(), |total| total.to_string());
    let has = left(&client).await?.spendable.map_or_else(|| "an unknown number".to_owned(), |left| left.to_string());
    let subject = format!("MultiCart: a run of collection {collection} costs {needed} of the {has} credits.");
    if let Some(ended) = leave.refused(subject, "Start it?").await? {
        return Ok(ended);
    }
    let look = format!("`asin outputs list {collection}` shows what runs bring; look before another is started");
    stoppable(start(&client, collection, most, &look), async { look.clone() }).await
}

async fn start(client: &McClient, collection: CollectionId, most: u64, look: &str) -> Ended {
    let told = |answer| json(&json!({ "collection": collection, "started": answer }));
    let history = ListRuns::new(Fields::naming("collection_id", collection));
    match runs::start_within(client, collection, history, most).await? {
        Started::Accepted { .. } => told(json!(true))?,
        Started::TooFewCredits { needed, spendable } => {
            return Err(Failure::funds(format!("{needed} credits are needed, the account has {spendable}: no run")));
        }
        Started::TooDear { needed, most } => {
            let grown =
                format!("the collection has grown: a run costs {needed} credits now, not {most}; none was started");
            return Err(Failure::work(grown));
        }
        Started::Suggested { new, error } => {
            told(json!("unknown"))?;
            let new: Vec<String> = new.iter().map(ToString::to_string).collect();
            say(&format!("asin: no readable answer, but a new run is there: {}", new.join(", ")));
            return Err(Failure::from(error).look(look));
        }
        Started::Unknown { error, .. } => {
            told(json!("unknown"))?;
            return Err(Failure::from(error).look(look));
        }
        _ => told(json!("unknown"))?,
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn outputs(arguments: Outputs) -> Ended {
    match arguments.command {
        OfOutputs::List { collection, common } => {
            let client = common.client().await?;
            let mut rows = common.output.rows();
            let all = client.pages(ListOutputs::new(collection)).items();
            pin_mut!(all);
            while let Some(output) = all.try_next().await? {
                rows.push(&output)?;
            }
            rows.end()?;
        }
        OfOutputs::Get { output, connect } => {
            let output = connect.open().await?.multicart()?.call(GetOutput::new(output)).await?;
            json(&json!(output.output_json))?;
        }
        OfOutputs::Save { output, to, connect } => {
            let client = connect.open().await?.multicart()?;
            let bar = counting("outputs", 1, Format::Table);
            let failed = |error: Error| match error.kind() {
                // The file is at fault, not the request: the vendor has answered, or was not asked.
                ErrorKind::Request => Failure::work(error),
                _ => error.into(),
            };
            saved::save(&client, output, &to).await.map_err(failed)?;
            bar.finish_and_clear();
            say(&format!("asin: {}", to.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
