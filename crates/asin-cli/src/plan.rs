//! `asin plan`, `apply` and `undo`: a run in two halves with a person between them, and the way back.

use crate::consent::Consent;
use crate::failure::{Ended, Failure, say};
use crate::form::Form;
use crate::input::duration;
use crate::job::{Job, Place};
use crate::output::{Format, Output, Row};
use crate::policy::{Policy, defaults};
use crate::report::VERSION;
use crate::table::{Column, Content, visible};
use asin_facade::publish::{Options, Plan, PlanError, Publish, RunId, RunSummary};
use asin_facade::sync::Sync;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Does everything of `sync` but write: a plan, which a person can read and `asin apply` writes
///
/// Offers are observed (paid for, within --budget), every price is decided, every change is previewed. The plan is JSON:
/// each value from what the listing showed to what it should be, with the observation that it follows.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin plan catalogue.csv -o plan.json --yes
  asin plan catalogue.csv -o plan.json --pricing undercut=0.10 --budget 0.50
  asin apply plan.json")]
pub struct PlanArguments {
    /// The catalogue, a CSV file, as for `asin sync`
    catalogue: PathBuf,
    /// Where the plan is written; a file that is there is replaced
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    policy: Policy,
    /// Pay for nothing and write no plan: only tell what would be paid for
    #[arg(long)]
    dry_run: bool,
    /// Pay for observations without asking
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
}

/// Writes a plan: a listing that is not what the plan was made from is left alone
///
/// Each listing is read again, the change is previewed, and only then sent, once. Every write is in the audit log of the
/// state folder before it leaves, so that `asin undo` can take it back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin apply plan.json --dry-run
  asin apply plan.json --yes --json > report.jsonl")]
pub struct ApplyArguments {
    /// The plan, as `asin plan` wrote it; its state and asin.toml are looked for beside it
    plan: PathBuf,
    /// No price follows an offer that was seen longer ago: 90m, 2h, 1d [default: as the plan says; never more than that]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_observation_age: Option<Duration>,
    /// A stock that was counted longer ago is not sent, its price is: 90m, 2h, 1d [default: as the plan says; never more
    /// than that]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_stock_age: Option<Duration>,
    #[command(flatten)]
    write: WriteArguments,
}

/// Takes a run back: every listing that still shows what the run wrote gets its earlier values again
///
/// Without RUN the runs that wrote anything are listed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin undo
  asin undo 20261125T101500.250Z --dry-run
  asin undo 20261125T101500.250Z --yes")]
pub struct UndoArguments {
    /// The run, as its report names it
    run: Option<String>,
    #[command(flatten)]
    write: WriteArguments,
}

#[derive(Debug, clap::Args)]
struct WriteArguments {
    /// With more rows to change than this, nothing is sent at all
    #[arg(long, value_name = "N", default_value_t = defaults().publish.max_rows_changed)]
    max_rows_changed: usize,
    /// With more changes than this in one store, a sample is previewed and they leave in feeds instead of one by one
    #[arg(long, value_name = "N", default_value_t = defaults().publish.feed_above)]
    feed_above: usize,
    /// Only reads and previews
    #[arg(long)]
    dry_run: bool,
    /// Write without asking
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
}

/// Makes a plan, writes it to its file, and reports.
pub async fn plan(arguments: PlanArguments, verbose: bool) -> Ended {
    // Nothing is paid for a plan that cannot be written, or that would take the place of something else.
    check(&arguments.out)?;
    let mut job = arguments.place.open(&arguments.catalogue).await?;
    let catalogue = job.catalogue(&arguments.catalogue, &arguments.form)?;
    arguments.policy.check(&catalogue)?;
    let services = job.services(&catalogue.rows.iter().map(|row| row.account.as_str()).collect())?;
    let consent = Consent::of(arguments.yes);
    if consent == Consent::Withheld && !arguments.dry_run {
        say("asin: not on a terminal and without --yes: nothing is paid for");
    }
    let mut options = job.options();
    arguments.policy.set(&mut options, job.collection, job.is_quick);
    options.publish.dry_run = arguments.dry_run;
    let most = options.publish.max_rows_changed;
    let (sync, terminal) = (Sync::new(services, options), job.watcher(consent, verbose));
    let (report, plan) = job.wait(&terminal, sync.plan(&catalogue, &terminal)).await?;
    if arguments.dry_run {
        say(&format!("asin: --dry-run: nothing was paid for, and {} was not written", arguments.out.display()));
        return job.end(&report, terminal.has_refused()).await;
    }
    write(&arguments.out, &plan)?;
    let changes = plan.changes.len();
    say(&format!("asin: {changes} changes in {}", arguments.out.display()));
    if changes > defaults().publish.max_rows_changed.min(most) {
        say(&format!("asin: so many are written only where they are allowed: asin apply --max-rows-changed {changes}"));
    }
    job.end(&report, terminal.has_refused()).await
}

/// Writes a plan's changes.
pub async fn apply(arguments: ApplyArguments, verbose: bool) -> Ended {
    let file = &arguments.plan;
    let named = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", file.display()));
    let plan = std::fs::read(file).map_err(|error| named(&error))?;
    let plan = Plan::read(&plan).map_err(|error| named(&error))?;
    let mut job = arguments.write.place.open(file).await?;
    // The memory of what was sent, the lock and the audit log are there; a new folder would know of nothing.
    if !job.state.exists() {
        let message = format!("no state in {}; --state names the folder of the run that planned", job.state.display());
        return Err(Failure::usage(message));
    }
    let sellers = job.sellers(&accounts(&plan))?;
    let (mut options, consent) = arguments.write.options(&job);
    options.max_observation_age = arguments.max_observation_age;
    options.max_stock_age = arguments.max_stock_age;
    let (publish, terminal) = (Publish::new(sellers, options), job.watcher(consent, verbose));
    let report = job.wait(&terminal, publish.run(&plan, &terminal)).await?;
    job.end(&report, arguments.write.is_withheld(consent) || terminal.has_refused()).await
}

/// Lists runs, or takes one back.
pub async fn undo(arguments: UndoArguments, verbose: bool) -> Ended {
    if let Some(run) = arguments.run.as_ref().filter(|run| run.contains("://")) {
        return Err(Failure::usage(format!("RUN: `{}` is no run; a sandbox is named --sandbox=URL", visible(run))));
    }
    let mut job = arguments.write.place.open(Path::new("catalogue.csv")).await?;
    // The log is read without any seller's token.
    let publish = Publish::new(job.sellers(&BTreeSet::new())?, Options::new(&job.state));
    let Some(run) = &arguments.run else {
        return list(publish.runs().map_err(Failure::work)?, job.format);
    };
    let undo = publish.undo(&RunId::from(run.as_str())).map_err(Failure::work)?;
    let Some(undo) = undo else {
        return Err(Failure::usage(format!(
            "no run `{}` in {}; `asin undo` lists them",
            visible(run),
            job.state.display()
        )));
    };
    let (options, consent) = arguments.write.options(&job);
    for left in &undo.left {
        say(&visible(&format!("asin: cannot be undone: {left}")));
    }
    let publish = Publish::new(job.sellers(&accounts(&undo.plan))?, options);
    let terminal = job.watcher(consent, verbose);
    let report = job.wait(&terminal, publish.run(&undo.plan, &terminal)).await?;
    job.end(&report, arguments.write.is_withheld(consent) || terminal.has_refused()).await
}

impl WriteArguments {
    fn options(&self, job: &Job) -> (Options, Consent) {
        let (mut options, consent) = (Options::new(&job.state), Consent::of(self.yes));
        options.max_rows_changed = self.max_rows_changed;
        options.feed_above = self.feed_above;
        if job.is_quick {
            options.cadence = Duration::from_millis(500); // minutes are seconds
        }
        options.dry_run = self.dry_run || consent == Consent::Withheld;
        if self.is_withheld(consent) {
            say("asin: not on a terminal and without --yes: nothing is written, as with --dry-run");
        }
        (options, consent)
    }

    /// Whether it only reads because nobody gives leave.
    fn is_withheld(&self, consent: Consent) -> bool {
        consent == Consent::Withheld && !self.dry_run
    }
}

/// Refuses a place where a plan cannot be written, or where it would take the place of something else.
fn check(file: &Path) -> Result<(), Failure> {
    let named = |error: &dyn std::fmt::Display| Failure::usage(format!("-o {}: {error}", file.display()));
    match std::fs::metadata(file) {
        Ok(there) if !there.is_file() => return Err(named(&"it is no file")),
        Ok(there) if there.len() > 0 => match Plan::read(&std::fs::read(file).map_err(|error| named(&error))?) {
            Ok(_) | Err(PlanError::Version(_)) => {}
            Err(_) => return Err(named(&"it is there and is no plan: only a plan is replaced")),
        },
        _ => {}
    }
    // Gone at once: that it can be made is what was asked.
    let probe = tempfile::NamedTempFile::new_in(folder(file));
    probe.map(drop).map_err(|error| named(&format!("nothing can be written there: {}", error.kind())))
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes the file whole or not at all.
fn write(file: &Path, plan: &Plan) -> Result<(), Failure> {
    let named = |error: std::io::Error| Failure::work(format!("{}: {error}", file.display()));
    let mut fresh = tempfile::NamedTempFile::new_in(folder(file)).map_err(named)?;
    serde_json::to_writer_pretty(&mut fresh, plan).map_err(|error| named(error.into()))?;
    writeln!(fresh).and_then(|()| fresh.as_file().sync_all()).map_err(named)?;
    fresh.persist(file).map_err(|error| named(error.error))?;
    Ok(())
}

/// A run that wrote something.
#[derive(Debug, Serialize)]
struct Wrote {
    version: u32,
    run: RunId,
    at: Timestamp,
    writes: usize,
}

impl Row for Wrote {
    const COLUMNS: &'static [Column] =
        &[Column("run", Content::Word), Column("at", Content::Word), Column("writes", Content::Number)];

    fn cells(&self) -> Vec<String> {
        vec![self.run.to_string(), self.at.to_string(), self.writes.to_string()]
    }
}

fn list(runs: Vec<RunSummary>, format: Format) -> Ended {
    Output::of(format).all(runs.into_iter().map(|RunSummary { run, at, writes, .. }| Wrote {
        version: VERSION,
        run,
        at,
        writes,
    }))?;
    Ok(ExitCode::SUCCESS)
}

fn accounts(plan: &Plan) -> BTreeSet<&str> {
    plan.changes.iter().map(|change| change.account.as_str()).collect()
}
