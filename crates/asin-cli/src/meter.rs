//! What a command has done so far: calls, attempts, refusals by limits, cost, time; and how long calls wait at this moment.
//!
//! The clients tell it by their spans and events, whatever command makes them.

use crate::output::counted;
use asin_facade::dataforseo_merchant::Budget;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

static METER: LazyLock<Counted> = LazyLock::new(Counted::new);

/// A shorter wait is not worth a word.
const WORTH: Duration = Duration::from_secs(1);

struct Counted {
    begun: Instant,
    calls: AtomicU64,
    attempts: AtomicU64,
    throttled: AtomicU64,
    /// Which calls wait for a limit, or to be sent again, since when.
    waiting: Mutex<HashMap<span::Id, Instant>>,
    budget: OnceLock<Budget>,
    /// Whether what it took is said in the end.
    told: AtomicBool,
}

impl Counted {
    fn new() -> Self {
        let [calls, attempts, throttled] = Default::default();
        let (begun, waiting, budget, told) =
            (Instant::now(), Mutex::default(), OnceLock::new(), AtomicBool::new(false));
        Self { begun, calls, attempts, throttled, waiting, budget, told }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<span::Id, Instant>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// This budget pays for the command.
pub fn pays(budget: &Budget) {
    METER.budget.get_or_init(|| budget.clone());
}

/// This command takes long enough that what it took is said in the end.
pub fn takes_long() {
    LazyLock::force(&METER);
    METER.told.store(true, Relaxed);
}

/// How it goes at this moment, for a bar: what it has cost, and how many calls limits hold back, the longest since when.
pub fn now() -> String {
    let mut parts: Vec<String> = METER.budget.get().map(ToString::to_string).into_iter().collect();
    let waits: Vec<Duration> = METER.waiting().values().map(Instant::elapsed).filter(|wait| *wait >= WORTH).collect();
    if let Some(longest) = waits.iter().max() {
        parts.push(format!("{} held back by limits, {} s", counted(waits.len(), "call"), longest.as_secs()));
    }
    parts.join("; ")
}

/// What it took, if the command takes long and has called anybody.
pub fn summary() -> Option<String> {
    let number = |of: &AtomicU64| usize::try_from(of.load(Relaxed)).unwrap_or(usize::MAX);
    if !METER.told.load(Relaxed) || number(&METER.calls) == 0 {
        return None;
    }
    let (calls, attempts, throttled) = (number(&METER.calls), number(&METER.attempts), number(&METER.throttled));
    let mut text = format!("{}, {}, {throttled} throttled", counted(calls, "call"), counted(attempts, "attempt"));
    if let Some(budget) = METER.budget.get() {
        let _ = write!(text, "; {budget}");
    }
    let _ = write!(text, "; {:.1} s", METER.begun.elapsed().as_secs_f64());
    Some(text)
}

/// Listens to the clients.
pub struct Meter;

/// The fields that say something here.
#[derive(Default)]
struct Fields {
    message: String,
    kind: String,
    outcome: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "error.type" => value.clone_into(&mut self.kind),
            "outcome" => value.clone_into(&mut self.outcome),
            _ => {}
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Meter {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        if attributes.metadata().name() == "call" {
            METER.calls.fetch_add(1, Relaxed);
        }
    }

    fn on_record(&self, _: &span::Id, values: &span::Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        if fields.outcome == "throttled" {
            METER.throttled.fetch_add(1, Relaxed);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(call) = context.event_span(event) else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        match fields.message.as_str() {
            "asks for its turn" => drop(METER.waiting().insert(call.id(), Instant::now())),
            "sending" => {
                METER.attempts.fetch_add(1, Relaxed);
                METER.waiting().remove(&call.id());
            }
            "sending again" if fields.kind == "throttled" => {
                METER.throttled.fetch_add(1, Relaxed);
                METER.waiting().insert(call.id(), Instant::now());
            }
            _ => {}
        }
    }

    fn on_close(&self, id: span::Id, _: Context<'_, S>) {
        METER.waiting().remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn calls_attempts_refusals_and_waits_are_counted() {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Meter), || {
            let call = tracing::info_span!(target: "core_http::client", "call", outcome = tracing::field::Empty);
            let tell = |message: &str, kind: &str| {
                call.in_scope(|| tracing::debug!(target: "core_http::client", { error.r#type = kind }, "{message}"));
                METER.waiting().len()
            };
            let waiting = ["asks for its turn", "sending", "sending again", "asks for its turn", "sending"]
                .map(|message| tell(message, "throttled"));
            assert_eq!(waiting, [1, 0, 1, 1, 0]);
            assert_eq!(tell("sending again", "timed out"), 0, "that is no limit's doing");
            tell("asks for its turn", "");
            call.record("outcome", "throttled");
            drop(call);
        });
        assert!(METER.waiting().is_empty(), "a call that has ended waits no more");
        assert_eq!(summary(), None, "a short command says nothing");
        takes_long();
        let said = summary().unwrap();
        assert!(said.starts_with("1 call, 2 attempts, 2 throttled; "), "{said}");
    }
}
