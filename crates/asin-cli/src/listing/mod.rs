//! `asin listing`: the seller's own listings, read, searched, checked and changed.

mod body;
mod bulk;
mod check;
mod delete;
mod price;
mod read;
mod write;

use crate::failure::Ended;
use crate::output::Output;
use crate::session::Selling;
use asin_facade::Marketplace;

/// The seller's own listings at Amazon: read, search, check, change
///
/// Every command names the store (`--marketplace`); none guesses it. What changes a listing is shown as old → new,
/// previewed by Amazon, and sent once after consent. What Amazon has accepted is `submitted`, not yet applied.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Get(read::Get),
    Search(read::Search),
    Price(price::Price),
    Stock(price::Stock),
    Put(write::Put),
    Patch(write::Patch),
    Delete(delete::Delete),
    Validate(check::Validate),
    Restrictions(check::Restrictions),
    Feed(bulk::Feed),
}

/// Whose listings in which store, and how they are printed.
#[derive(Debug, clap::Args)]
struct Where {
    /// The store: a country code such as DE, or Amazon's identifier
    #[arg(short, long, value_name = "STORE")]
    marketplace: Marketplace,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    selling: Selling,
}

/// Runs one of them.
pub async fn run(arguments: Arguments) -> Ended {
    match arguments.command {
        Command::Get(get) => read::get(get).await,
        Command::Search(search) => read::search(search).await,
        Command::Price(price) => price::price(price).await,
        Command::Stock(stock) => price::stock(stock).await,
        Command::Put(put) => write::put(put).await,
        Command::Patch(patch) => write::patch(patch).await,
        Command::Delete(delete) => delete::delete(delete).await,
        Command::Validate(validate) => check::validate(validate).await,
        Command::Restrictions(restrictions) => check::restrictions(restrictions).await,
        Command::Feed(feed) => bulk::feed(feed).await,
    }
}
