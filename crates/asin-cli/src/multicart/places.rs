//! `asin collections` and `postcodes`.

use super::{Common, domain, runs};
use crate::consent::Leave;
use crate::failure::{Ended, Failure, Tally};
use crate::input::duration;
use crate::output::{Row, text};
use crate::stop::stoppable;
use crate::table::{Column, Content};
use asin_facade::Marketplace;
use asin_facade::multicart::{
    AsinRow, AwaitPostcode, Collection, CollectionId, CreateCollection, ListAsins, ListPostcodes, Postcode,
    PostcodeStatus, Prepared, Priority, RequestType, Schedule, postcodes::register,
};
use futures_util::{TryStreamExt, pin_mut};
use std::process::ExitCode;
use std::time::Duration;

/// MultiCart's collections: what is in one, a new one, a run of one
///
/// The service lists no collections; its web pages show their numbers.
#[derive(Debug, clap::Args)]
pub struct Collections {
    #[command(subcommand)]
    command: OfCollections,
}

#[derive(Debug, clap::Subcommand)]
enum OfCollections {
    /// Lists the products of a collection
    #[command(after_help = "\
Examples:
  asin collections show 101
  asin collections show 101 --output csv > watched.csv")]
    Show {
        /// Its number
        collection: CollectionId,
        #[command(flatten)]
        common: Common,
    },
    /// Makes a collection that runs only when it is told to
    #[command(after_help = "\
Examples:
  asin collections create prices-au --email me@example.com --dry-run")]
    Create {
        /// Its name
        name: String,
        /// Who is told about its runs
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        #[command(flatten)]
        leave: Leave,
        #[command(flatten)]
        common: Common,
    },
    Run(runs::Run),
}

/// How it is found out whether a collection was made.
const LOOK: &str = "MultiCart's web pages show whether it is there; look before another is made";

/// The postcodes for which products can be watched in a store
#[derive(Debug, clap::Args)]
pub struct Postcodes {
    #[command(subcommand)]
    command: OfPostcodes,
}

#[derive(Debug, clap::Subcommand)]
enum OfPostcodes {
    /// Lists them with their states
    #[command(after_help = "\
Examples:
  asin postcodes list --marketplace AU")]
    List {
        /// Only those of this store
        #[arg(short, long, value_name = "STORE")]
        marketplace: Option<Marketplace>,
        #[command(flatten)]
        common: Common,
    },
    /// Registers one; it can be used when it is active
    #[command(after_help = "\
Examples:
  asin postcodes add 4500 --marketplace AU --wait 2m --yes")]
    Add {
        /// The postcode
        postcode: String,
        /// Its store
        #[arg(short, long, value_name = "STORE")]
        marketplace: Marketplace,
        /// Wait until it is active, at most this long
        #[arg(long, value_name = "TIME", value_parser = duration)]
        wait: Option<Duration>,
        #[command(flatten)]
        leave: Leave,
        #[command(flatten)]
        common: Common,
    },
}

impl Row for AsinRow {
    const COLUMNS: &'static [Column] = &[
        Column("id", Content::Number),
        Column("asin", Content::Word),
        Column("shop", Content::Word),
        Column("postcode", Content::Word),
        Column("custom id", Content::Word),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            text(self.asin),
            text(self.domain.as_ref().map(|domain| &domain.domain)),
            text(self.postcode.as_ref().map(|postcode| &postcode.zipcode)),
            text(self.custom_id.as_ref()),
        ]
    }
}

impl Row for Collection {
    const COLUMNS: &'static [Column] =
        &[Column("id", Content::Number), Column("name", Content::Word), Column("status", Content::Word)];

    fn cells(&self) -> Vec<String> {
        vec![self.id.to_string(), text(self.name.as_ref()), text(self.status.as_ref())]
    }
}

impl Row for Postcode {
    const COLUMNS: &'static [Column] = &[
        Column("id", Content::Number),
        Column("shop", Content::Word),
        Column("postcode", Content::Word),
        Column("status", Content::Word),
    ];

    fn cells(&self) -> Vec<String> {
        let shop = self.domain.as_ref().map(|domain| &domain.domain);
        vec![self.id.to_string(), text(shop), self.zipcode.clone(), text(self.status.as_ref())]
    }
}

pub async fn collections(arguments: Collections) -> Ended {
    match arguments.command {
        OfCollections::Show { collection, common } => {
            let client = common.client().await?;
            let mut rows = common.output.rows();
            let watched = client.pages(ListAsins::new(collection)).items();
            pin_mut!(watched);
            while let Some(row) = watched.try_next().await? {
                rows.push(&row)?;
            }
            rows.end()?;
        }
        OfCollections::Create { name, email, leave, common } => {
            let client = common.client().await?;
            let subject = format!("MultiCart: a new collection `{name}`, which runs only when it is told to.");
            if let Some(ended) = leave.refused(subject, "Make it?").await? {
                return Ok(ended);
            }
            let create = CreateCollection::new(name, RequestType::Amazon, Schedule::Manual, Priority::Normal, email);
            let work = async {
                let made = client.call(create).await;
                common.output.all([made.map_err(|error| Failure::from(error).look(LOOK))?])?;
                Ok(ExitCode::SUCCESS)
            };
            let go_on = async { LOOK.to_owned() };
            return stoppable(work, go_on).await;
        }
        OfCollections::Run(run) => return runs::run(run).await,
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn postcodes(arguments: Postcodes) -> Ended {
    match arguments.command {
        OfPostcodes::List { marketplace, common } => {
            let client = common.client().await?;
            let mut ask = ListPostcodes::new();
            if let Some(store) = marketplace {
                ask = ask.domain(domain(&client, store).await?);
            }
            common.output.all(client.call(ask).await?)?;
            Ok(ExitCode::SUCCESS)
        }
        OfPostcodes::Add { postcode, marketplace: store, wait, leave, common } => {
            let client = common.client().await?;
            let shop = domain(&client, store).await?;
            let subject = format!("MultiCart: the postcode {postcode} of {}.", store.domain());
            if let Some(ended) = leave.refused(subject, "Register it?").await? {
                return Ok(ended);
            }
            let work = async {
                let mut row = register(&client, shop, &postcode).await?;
                if let Some(patience) = wait {
                    let every = (patience / 20).clamp(Duration::from_millis(500), Duration::from_secs(5));
                    let job = AwaitPostcode::new(shop, row.id);
                    match client.wait(job, every, patience).await?.done() {
                        Some(Prepared::Active(active)) => row = active,
                        Some(Prepared::Unusable(unusable)) => row = unusable,
                        None => {}
                    }
                }
                let mut tally = Tally::default();
                tally.mark(wait.is_none() || row.status == Some(PostcodeStatus::Active));
                common.output.all([row])?;
                Ok(tally.end())
            };
            let go_on =
                async { format!("`asin postcodes list --marketplace {store}` shows it; the same command goes on") };
            stoppable(work, go_on).await
        }
    }
}

/// What is wrong with a postcode that is to be watched, before anything is sent.
pub async fn active(
    client: &asin_facade::multicart::McClient,
    store: Marketplace,
    postcode: &str,
) -> Result<(), Failure> {
    let known = client.call(ListPostcodes::new().domain(domain(client, store).await?)).await?;
    let found = known.iter().find(|row| row.zipcode == postcode);
    match found.map(|row| row.status.as_ref()) {
        Some(Some(PostcodeStatus::Active)) => Ok(()),
        Some(status) => {
            let status = status.map_or("said to have no state", |status| status.as_str());
            Err(Failure::usage(format!("the postcode {postcode} of {} is {status}, not active", store.domain())))
        }
        None => {
            let add = format!("`asin postcodes add {postcode} --marketplace {store}` registers it");
            Err(Failure::usage(format!("no postcode {postcode} of {}: {add}", store.domain())))
        }
    }
}
