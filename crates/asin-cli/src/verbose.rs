//! What the clients tell: always to the meter; with `-v` each attempt of each call, with its waits and why, a line each on standard error.

use crate::failure::say;
use crate::meter::Meter;
use crate::table::visible;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::IsTerminal;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Begins to listen to what the clients do, and to tell it as often as `-v` was given; they never tell a body or a secret.
pub fn trace(verbose: u8) {
    let quiet = "warn,core_http=debug,dataforseo_merchant=debug,multicart=debug,sp_listings=debug,asin_facade=debug";
    let all = "debug,core_http=trace,asin_facade=trace,asin_sandbox=trace";
    let counted = Meter.with_filter(Targets::new().with_target("core_http", LevelFilter::TRACE));
    let registry = tracing_subscriber::registry().with(counted);
    match verbose {
        0 => registry.init(),
        1 => registry.with(Calls.with_filter(EnvFilter::new(quiet))).init(),
        _ => {
            let told = tracing_subscriber::fmt::layer().with_ansi(std::io::stderr().is_terminal());
            registry.with(told.with_writer(std::io::stderr).with_filter(EnvFilter::new(all))).init();
        }
    }
}

/// Tells calls in words.
struct Calls;

/// The operation of a call, kept at its span.
struct Operation(String);

/// The fields of an event or a span, as texts.
#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Calls {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let (Some(span), Some(name)) = (context.span(id), fields.0.remove("operation")) {
            span.extensions_mut().insert(Operation(name));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let scope = context.event_scope(event).into_iter().flatten();
        let name = scope.into_iter().find_map(|span| Some(span.extensions().get::<Operation>()?.0.clone()));
        let words = words(fields.0);
        say(&visible(&name.map_or_else(|| words.clone(), |name| format!("{name}: {words}"))));
    }
}

/// An event in words; one that is not known here is told with its fields.
fn words(mut fields: BTreeMap<&'static str, String>) -> String {
    let message = fields.remove("message").unwrap_or_default();
    let mut field = |name: &str| fields.remove(name).unwrap_or_default();
    match message.as_str() {
        "sending" => {
            let resends = field("http.request.resend_count").parse::<u32>().unwrap_or_default();
            let (method, path) = (field("http.request.method"), field("url.template"));
            format!("attempt {}: {method} {path}", resends + 1)
        }
        "answered" => format!("HTTP {}", field("http.response.status_code")),
        "sending again" => format!("{}; sent again in {}", field("error.type"), field("delay")),
        "waited for limits" => format!("waited {} for limits of calls", field("waited")),
        _ => {
            let rest: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            [message].into_iter().chain(rest).collect::<Vec<_>>().join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::words;
    use std::collections::BTreeMap;

    #[test]
    fn events_become_words() {
        let event = |fields: &[(&'static str, &str)]| {
            words(fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<BTreeMap<_, _>>())
        };
        let sending = [
            ("message", "sending"),
            ("http.request.method", "GET"),
            ("url.template", "/items/{sku}"),
            ("http.request.resend_count", "1"),
        ];
        assert_eq!(event(&sending), "attempt 2: GET /items/{sku}");
        let again = [("message", "sending again"), ("error.type", "throttled"), ("delay", "2s"), ("attempt", "1")];
        assert_eq!(event(&again), "throttled; sent again in 2s");
        assert_eq!(event(&[("message", "something new"), ("why", "x")]), "something new why=x");
    }
}
