//! `asin listing delete`.

use super::Where;
use super::read::{read, summary};
use super::write::Written;
use crate::consent::Leave;
use crate::failure::{Ended, Tally};
use crate::input::Names;
use crate::progress::counting;
use crate::stop::stoppable;
use crate::table::{Column, Content, Place, render};
use asin_facade::core_http::Once;
use asin_facade::sp_listings::{DeleteListingsItem, Sku};
use std::cell::Cell;

/// Deletes listings in one store, after showing store, SKU and title of each
///
/// A deleted listing does not come back. To stop selling for a while, end the offer (`end_at` of `purchasable_offer`, by
/// `asin listing patch`): a stock of 0 stops it too, but in all stores of a region, and not where Amazon fulfils.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin listing delete OLD-1 --marketplace DE --dry-run
  asin listing delete --file old.txt -m DE --yes")]
pub struct Delete {
    #[command(flatten)]
    skus: Names<Sku>,
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    at: Where,
}

/// How it is found out whether a listing was deleted.
const LOOK: &str = "the same command looks which are still there, and deletes those";

pub async fn delete(arguments: Delete) -> Ended {
    let Where { marketplace: store, output, selling } = arguments.at;
    let skus: Vec<Sku> = arguments.skus.read()?;
    let seller = selling.seller().await?;
    let (mut found, mut tally) = (Vec::new(), Tally::default());
    for sku in skus {
        if let Some(item) = tally.note(sku.as_str(), read(&seller, sku.clone(), store).await) {
            let title = summary(&item, store).and_then(|summary| summary.item_name.clone()).unwrap_or_default();
            found.push((sku, title));
        }
    }
    if found.is_empty() {
        return Ok(tally.end());
    }
    let columns =
        [Column("store", Content::Word), Column("sku", Content::Word), Column("title to be deleted", Content::Prose)];
    let rows = found.iter().map(|(sku, title)| vec![store.to_string(), sku.to_string(), title.clone()]);
    let subject = render(Place::Error, &columns, rows);
    if arguments.leave.refused(subject, "Delete for good?").await?.is_some() {
        return Ok(tally.end());
    }
    let (total, sent) = (found.len(), Cell::new(0));
    let work = async {
        let (mut rows, bar) = (output.rows(), counting("deletions", total, output.format()));
        for (sku, _) in found {
            bar.inc(1);
            let delete = DeleteListingsItem::new(seller.id.clone(), sku.clone(), [store.listings()]);
            sent.set(sent.get() + 1);
            let answer = seller.client.call(Once(delete)).await;
            let row = Written::new(store, sku);
            let row = match answer {
                Ok(submission) => row.answered(&submission),
                Err(error) => {
                    tally.doubt(row.sku.as_str(), &error, LOOK);
                    row.failed(&error)
                }
            };
            tally.mark(row.is_well());
            rows.push(&row)?;
        }
        bar.finish_and_clear();
        rows.end()?;
        Ok(tally.end())
    };
    let go_on = async { format!("{} of {total} were sent; {LOOK}", sent.get()) };
    stoppable(work, go_on).await
}
