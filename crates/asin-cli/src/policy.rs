//! What a run may do, as flags: what it follows, what it may spend, how far it may go.

use asin_facade::multicart::CollectionId;
use asin_facade::sync::{KeepMargin, MatchLowest, Options, Pricing, Undercut};
use rust_decimal::Decimal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The flags of `sync` and `plan`.
#[derive(Debug, clap::Args)]
pub struct Policy {
    /// Learn each product's variants (paid; what is known is not asked for again for 30 days)
    #[arg(long)]
    discover: bool,
    /// Enrol the products in a MultiCart collection (never starts a run)
    #[arg(long)]
    watch: bool,
    /// The MultiCart collection to enrol in and to read from; a sandbox has one to choose
    #[arg(long, value_name = "ID")]
    collection: Option<CollectionId>,
    /// What a price follows: `lowest`, `undercut=0.10`, `undercut=1%`; whatever it says, the row's bounds hold
    #[arg(long, value_name = "RULE", value_parser = rule, default_value = "lowest")]
    pricing: Rule,
    /// No price leaves a smaller margin than this over the row's `cost`, in percent of the price
    #[arg(long, value_name = "PERCENT", value_parser = amount)]
    margin: Option<Decimal>,
    /// The most that this run may spend with DataForSEO, in US dollars
    #[arg(long, value_name = "USD", value_parser = amount, default_value_t = defaults().budget)]
    budget: Decimal,
    /// Offers that were seen longer ago do not count: 90m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "2h")]
    max_observation_age: Duration,
    /// How long to wait for paid results; the next run collects what comes later [default: 50m, in a sandbox 2m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    patience: Option<Duration>,
    /// Also follow offers of which the vendor did not say everything (condition, stock, seller, time, currency)
    #[arg(long)]
    accept_unconfirmed: bool,
    /// No price moves further than this from the old one, in percent
    #[arg(long, value_name = "PERCENT", value_parser = amount, default_value_t = defaults().max_change)]
    max_change: Decimal,
    /// With more rows to change than this, nothing is sent at all
    #[arg(long, value_name = "N", default_value_t = defaults().max_rows_changed)]
    max_rows_changed: usize,
}

/// What a price follows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    Lowest,
    Undercut(Undercut),
}

impl Policy {
    /// Puts the flags into the options of a run; a sandbox has a collection to choose, and its minutes are seconds.
    pub fn set(&self, options: &mut Options, collection: Option<CollectionId>, is_sandbox: bool) {
        options.discover = self.discover;
        options.watch = self.watch;
        options.collection = self.collection.or(collection);
        options.budget = self.budget;
        options.max_observation_age = self.max_observation_age;
        options.accept_unconfirmed = self.accept_unconfirmed;
        options.max_change = self.max_change;
        options.max_rows_changed = self.max_rows_changed;
        options.pricing = self.rule();
        if is_sandbox {
            (options.cadence, options.patience) = (Duration::from_millis(500), Duration::from_secs(120));
        }
        options.patience = self.patience.unwrap_or(options.patience);
    }

    fn rule(&self) -> Arc<dyn Pricing> {
        let rule: Box<dyn Pricing> = match self.pricing {
            Rule::Lowest => Box::new(MatchLowest),
            Rule::Undercut(undercut) => Box::new(undercut),
        };
        match self.margin {
            Some(percent) => Arc::new(KeepMargin { rule, percent }),
            None => Arc::new(rule),
        }
    }
}

/// What holds where no flag says otherwise.
pub fn defaults() -> Options {
    Options::new(PathBuf::new())
}

fn rule(text: &str) -> Result<Rule, String> {
    let less = match text.split_once('=') {
        None if text == "lowest" => return Ok(Rule::Lowest),
        Some(("undercut", less)) => less,
        _ => return Err("give `lowest`, `undercut=0.10` or `undercut=1%`".to_owned()),
    };
    Ok(Rule::Undercut(match less.strip_suffix('%') {
        Some(percent) => Undercut::Percent(amount(percent)?),
        None => Undercut::Amount(amount(less)?),
    }))
}

fn amount(text: &str) -> Result<Decimal, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let amount = Decimal::from_str_exact(text).ok().filter(|_| plain);
    amount.ok_or_else(|| "give digits, with a dot before the decimals".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = |_| "give a time such as 90m, 2h or 1d".to_owned();
    let span: jiff::Span = text.parse().map_err(wrong)?;
    let time = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(wrong)?;
    Duration::try_from(time).map_err(|_| "must not be below zero".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_in_the_help_is_the_one_that_holds() {
        assert_eq!(duration("2h"), Ok(defaults().max_observation_age));
    }

    #[test]
    fn times_and_amounts_are_read_as_people_write_them() {
        assert_eq!(duration("90m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("1h30m"), duration("90m"));
        assert_eq!(duration("1d"), Ok(Duration::from_secs(86_400)));
        assert!(duration("90").is_err());
        assert!(duration("-2h").is_err());
        assert_eq!(amount("0.50"), Ok(Decimal::new(50, 2)));
        assert!(amount("-1").is_err());
        assert!(amount("1e3").is_err());
    }

    #[test]
    fn a_rule_is_named_by_what_it_does() {
        assert_eq!(rule("lowest"), Ok(Rule::Lowest));
        assert_eq!(rule("undercut=0.10"), Ok(Rule::Undercut(Undercut::Amount(Decimal::new(10, 2)))));
        assert_eq!(rule("undercut=1.5%"), Ok(Rule::Undercut(Undercut::Percent(Decimal::new(15, 1)))));
        for wrong in ["", "highest", "undercut", "undercut=", "undercut=-1", "undercut=%", "undercut=1 %"] {
            assert!(rule(wrong).is_err(), "{wrong}");
        }
    }
}
