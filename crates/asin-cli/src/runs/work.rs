//! Working on a run: until it is done or somebody stops it, with how far it is all the while.

use super::EVERY;
use super::store::Account;
use crate::failure::{Ended, Failure, say};
use crate::input::duration;
use crate::meter;
use crate::output::{Format, quoted};
use crate::progress::counting;
use crate::stop::{broken_off, unless_stopped};
use asin_facade::dataforseo_merchant::LedgerError;
use asin_facade::runs::{Refusal, RunError, RunId, RunStatus, Runs, StoreError, Worker};
use indicatif::ProgressBar;
use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long and beside whom.
#[derive(Debug, clap::Args)]
pub struct Working {
    /// How long results are waited for [default: until all have come]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    patience: Option<Duration>,
    /// How many processes work with this database: while PostgreSQL cannot be reached, each keeps to its part of every limit
    #[arg(long, value_name = "N", default_value_t = 4)]
    processes: u32,
}

/// What a run that nobody bounds waits at most.
const LONG: Duration = Duration::from_secs(365 * 86_400);

impl Working {
    /// Posts and collects until nothing is left, or somebody stops it.
    pub async fn work(&self, mut account: Account, run: RunId, name: &str) -> Ended {
        account.share_limits(self.processes)?;
        let (store, flags) = (account.store.clone(), account.flags.clone());
        let worker = Worker::new(account.client.clone(), store.clone(), run);
        let mut worker = worker.with(|settings| account.session.hasten(settings));
        worker.learn_prices().await?;
        meter::pays(worker.spent());
        let go_on = format!("`asin run resume {}{flags}` goes on", quoted(name));
        let total = usize::try_from(store.status(run).await?.tasks).unwrap_or(usize::MAX);
        let bar = counting("tasks", total, Format::Table);
        let work = async {
            tokio::select! {
                ended = worker.work(self.patience.unwrap_or(LONG)) => Ok(ended),
                () = watch(&*store, run, &bar) => unreachable!("it looks for ever"),
            }
        };
        let ended = unless_stopped(work).await?;
        bar.finish_and_clear();
        match ended {
            None => {
                say("asin: stopping: what is being sent is waited for");
                let status = worker.wind_up().await.map_err(|error| Failure::from(error).next(go_on.clone()))?;
                Err(broken_off(&format!("{}; {go_on}", words(&status))))
            }
            Some(Ok(status)) => Ok(end(name, &status, &go_on, &flags)),
            Some(Err(error)) => {
                // What is being sent is waited for here too, or it would be paid for without anybody knowing.
                match worker.wind_up().await {
                    Ok(status) => say(&format!("asin: run `{name}`: {}", words(&status))),
                    Err(error) => say(&format!("asin: run `{name}`: how far it is cannot be read: {error}")),
                }
                Err(why(error, name, &flags, go_on))
            }
        }
    }
}

/// Why it had to stop, and what can be done.
fn why(error: RunError, name: &str, flags: &str, go_on: String) -> Failure {
    let resume = format!("`asin run resume {}{flags}", quoted(name));
    match error.refusal() {
        Some(refusal @ Refusal::Budget) => Failure::funds(refusal).next(format!("{resume} --budget USD` raises it")),
        Some(refusal @ Refusal::Late) => Failure::work(refusal).next(format!("{resume} --deadline TIME` sets another")),
        Some(refusal) => Failure::work(refusal).next(go_on),
        // Tasks may have been paid for before: nothing is wrong with the arguments.
        None if is_store(&error) => Failure::work(error).next(go_on),
        None => Failure::from(error),
    }
}

/// Whether the store failed, and not the vendor.
fn is_store(error: &RunError) -> bool {
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    causes.any(|cause| cause.is::<LedgerError>() || cause.is::<StoreError>())
}

fn end(name: &str, status: &RunStatus, go_on: &str, flags: &str) -> ExitCode {
    let mut text = format!("asin: run `{name}`: {}", words(status));
    if status.done > 0 {
        text += &format!("; `asin run results {}{flags}` writes its results", quoted(name));
    }
    if status.pending > 0 || status.to_post() > 0 {
        text += &format!("; {go_on}");
    }
    if status.unknown > 0 {
        text += &format!(
            "; `asin run write-off {}{flags} --as WHAT --reason TEXT` gives up what nobody finds out",
            quoted(name)
        );
    }
    say(&text);
    ExitCode::from(u8::from(!(status.is_done() && status.refused == 0)))
}

/// Shows how far it is, for ever.
async fn watch(store: &dyn Runs, run: RunId, bar: &ProgressBar) {
    let (mut pace, mut told) = (Pace::default(), None);
    loop {
        let begun = Instant::now();
        if let Ok(status) = store.status(run).await {
            pace.saw(&status);
            draw(bar, &status, &pace);
            // Ten lines are enough, however many tasks there are.
            let tenth = status.ended() * 10 / status.tasks.max(1);
            if bar.is_hidden() && told != Some(tenth) {
                told = Some(tenth);
                say(&format!("asin: {}{}", words(&status), pace.words(&status)));
            }
        }
        sleep(EVERY.max(begun.elapsed() * 10)).await;
    }
}

/// Puts how far it is into a bar.
pub fn draw(bar: &ProgressBar, status: &RunStatus, pace: &Pace) {
    bar.set_length(status.tasks);
    bar.set_position(status.ended());
    bar.set_message(format!(" {}{}", words(status), pace.words(status)));
}

/// A run's counts and cost, in words.
pub fn words(status: &RunStatus) -> String {
    let counts = [
        (status.done, "done"),
        (status.refused, "refused"),
        (status.pending - status.unknown.min(status.pending), "pending"),
        (status.unknown, "without an answer"),
        (status.held, "held"),
        (status.waiting, "waiting"),
    ];
    let counts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let state = match status.not_agreed() {
        _ if status.cancelled => "; cancelled".to_owned(),
        _ if status.late => "; its deadline has passed".to_owned(),
        0 => String::new(),
        open => format!("; {open} not agreed to yet"),
    };
    let expected = status.expected().filter(|usd| *usd > status.committed());
    let expected = expected.map_or_else(String::new, |usd| format!(", {} expected", usd.round_dp(4).normalize()));
    let counts = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
    format!("{counts} of {}; {} of {} USD{expected}{state}", status.tasks, status.committed(), status.budget())
}

/// How fast tasks come to an end, by the last minute of looks.
#[derive(Debug, Default)]
pub struct Pace(VecDeque<(Instant, u64)>);

/// Looks that are older do not count.
const WINDOW: Duration = Duration::from_secs(60);

impl Pace {
    /// A look.
    pub fn saw(&mut self, status: &RunStatus) {
        let now = Instant::now();
        self.0.push_back((now, status.ended()));
        while self.0.len() > 2 && self.0.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            self.0.pop_front();
        }
    }

    /// Results a minute and minutes left, once something has come between two looks.
    pub fn left(&self, status: &RunStatus) -> Option<(f64, f64)> {
        let ((first, before), (last, now)) = (self.0.front()?, self.0.back()?);
        let minutes = last.duration_since(*first).as_secs_f64() / 60.0;
        let rate = now.saturating_sub(*before) as f64 / minutes;
        let open = status.pending + status.to_post();
        (minutes > 0.0 && rate > 0.0).then(|| (rate, open as f64 / rate))
    }

    fn words(&self, status: &RunStatus) -> String {
        match self.left(status) {
            Some((rate, left)) => format!("; {rate:.0} a minute, {left:.0} min left"),
            None => String::new(),
        }
    }
}
