//! Giving up tasks of a run of which nobody can find out whether they were made.

use super::{find, store::Place};
use crate::consent::Leave;
use crate::failure::{Ended, Failure, say};
use crate::paid::Verdict;
use asin_facade::dataforseo_merchant::{Budget, Tasks};
use asin_facade::runs::Runs;
use std::process::ExitCode;
use std::sync::Arc;

/// Gives the tasks of a run up that have no answer, on your word, which the run keeps
///
/// First, with --dry-run too, all tasks of the account that have no answer are looked up in the vendor's list, which is free;
/// only what is not found there is given up. Mostly `resume` finds that out by itself: not before another task of the
/// account is known, and not for what the vendor lists no more (28 days).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin run status spring
  asin run write-off spring --as not-made --reason \"not in the vendor's list\" --dry-run
  asin run write-off spring --as lost --reason \"the connection broke\" --yes")]
pub struct Forsake {
    /// The run's name
    name: String,
    #[command(flatten)]
    verdict: Verdict,
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    place: Place,
}

/// So many are named before it is asked.
const NAMED: usize = 10;

pub async fn write_off(arguments: Forsake) -> Ended {
    let Forsake { name, verdict, leave, place } = arguments;
    let account = place.open().await?;
    let run = find(&*account.store, &name).await?;
    let store: Arc<dyn Runs> = account.store.clone();
    let tasks = Tasks::new(account.client.clone(), store.clone(), Budget::unlimited());
    let tasks = tasks.with(|settings| account.session.hasten(settings));
    if !store.unknown(run).await?.is_empty() {
        verdict.look(&tasks).await?;
    }
    let unknown = store.unknown(run).await?;
    if unknown.is_empty() {
        say(&format!("asin: run `{name}`: every task that was posted has an answer"));
        return Ok(ExitCode::SUCCESS);
    }
    let mut meant: Vec<String> = unknown
        .iter()
        .take(NAMED)
        .map(|entry| format!("{}: {}, about to be sent {}", entry.tag, entry.request.summary().subject, entry.sent))
        .collect();
    if unknown.len() > NAMED {
        meant.push(format!("and {} more", unknown.len() - NAMED));
    }
    let subject = format!("{}\n{}", meant.join("\n"), verdict.consequence());
    if let Some(ended) = leave.refused(subject, "Write them off?").await? {
        return Ok(ended);
    }
    // One that somebody may still be sending does not keep the others.
    let mut refused = Vec::new();
    for entry in &unknown {
        refused.extend(verdict.pass(&tasks, &entry.tag).await.err());
    }
    let count = refused.len();
    match refused.pop() {
        Some(error) => Err(Failure::work(format!("{count} of {} are not written off: {error}", unknown.len()))),
        None => Ok(ExitCode::SUCCESS),
    }
}
