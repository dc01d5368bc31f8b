//! What a run is doing: bars on a terminal, plain lines anywhere else. All of it on standard error.

use crate::failure::say;
use crate::meter;
use crate::output::Format;
use crate::table::visible;
use asin_facade::event::{Progress as Told, Step};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use std::collections::HashMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Shows events as they come.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: Option<MultiProgress>,
    steps: Arc<Mutex<HashMap<Step, Shown>>>,
}

/// What is shown of one step.
#[derive(Debug)]
struct Shown {
    total: u64,
    told: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Bars, or plain lines.
    pub fn new(bars: bool) -> Self {
        meter::takes_long();
        Self { bars: bars.then(MultiProgress::new), steps: Arc::default() }
    }

    /// Shows one event.
    pub fn show(&self, event: &Told) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Told::Pays(budget) => meter::pays(budget),
            Told::Began { step, total } => {
                let bar = self.bars.as_ref().map(|bars| bars.add(bar(*step, *total)));
                if bar.is_none() {
                    say(&format!("{}: {total} to do", step.as_str()));
                }
                steps.insert(*step, Shown { total: *total, told: 0, bar });
            }
            Told::Advanced { step, done } => {
                let Some(shown) = steps.get_mut(step) else { return };
                match &shown.bar {
                    Some(bar) => bar.set_position(*done),
                    None if *done == shown.told => {}
                    // Ten lines a step are enough, however many rows there are.
                    None if *done < shown.total && (done - shown.told.min(*done)) * 10 < shown.total => {}
                    None => {
                        shown.told = *done;
                        say(&format!("{}: {done} of {}", step.as_str(), shown.total));
                    }
                }
            }
            Told::Ended { step } => match steps.remove(step).and_then(|shown| shown.bar) {
                Some(bar) => bar.finish(),
                None => say(&format!("{}: done", step.as_str())),
            },
            Told::Note(text) => {
                drop(steps);
                self.aside(|| say(&visible(text)));
            }
            _ => {}
        }
    }

    /// Does something on the terminal while no bar is drawn.
    pub fn aside<T>(&self, act: impl FnOnce() -> T) -> T {
        match &self.bars {
            Some(bars) => bars.suspend(act),
            None => act(),
        }
    }
}

/// Counts what is done on standard error: rows go to a pipe, or come last as a table, and [`say`] draws around it.
/// The command then says in the end what it took, terminal or not.
pub fn counting(what: &'static str, total: usize, format: Format) -> ProgressBar {
    shown(what, ProgressBar::new(total as u64).with_style(style("{prefix} [{bar:32}] {pos}/{len}{msg}")), format)
}

/// The same for nobody knows how many.
pub fn counted(what: &'static str, format: Format) -> ProgressBar {
    shown(what, ProgressBar::no_length().with_style(style("{prefix} {pos}")), format)
}

fn shown(what: &'static str, bar: ProgressBar, format: Format) -> ProgressBar {
    meter::takes_long();
    let alone = format == Format::Table || !std::io::stdout().is_terminal();
    if !alone || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = bar.with_prefix(what);
    bar.enable_steady_tick(Duration::from_secs(1));
    *DRAWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
    bar
}

/// The bar that is drawn.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Writes to standard error while no bar is drawn there.
pub fn aside(write: impl FnOnce()) {
    match &*DRAWN.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

fn bar(step: Step, total: u64) -> ProgressBar {
    let bar =
        ProgressBar::new(total).with_style(style("{prefix:>9} [{bar:32}] {pos}/{len}")).with_prefix(step.as_str());
    // Paid results take minutes: the clock shows that the wait goes on.
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

/// How far it is, with rate and clock; behind them what it has cost so far, and which calls wait for limits.
fn style(how_far: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(&format!("{how_far} {{rate}} {{elapsed}} {{now}}"));
    let style = style.expect("the template is valid, as every command with a bar shows").progress_chars("=> ");
    let style = style.with_key("rate", |state: &ProgressState, line: &mut dyn Write| {
        let _drawn = write!(line, "{:.0}/min", state.per_sec() * 60.0);
    });
    style.with_key("now", |_: &ProgressState, line: &mut dyn Write| {
        let _drawn = line.write_str(&meter::now());
    })
}
