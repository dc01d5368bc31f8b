//! What a run may do, as flags: what it follows, what it may spend, how far it may go.

use crate::failure::Failure;
use crate::input::{amount, duration};
use asin_facade::multicart::CollectionId;
use asin_facade::sync::{Catalogue, KeepMargin, MatchLowest, Options, Pricing, Undercut};
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
    /// Enrol the products with MultiCart (never starts a run)
    #[arg(long)]
    watch: bool,
    /// The MultiCart collection to enrol in and to read from [default with --watch: those that `asin watch` has for each store
    /// and postcode, by its register in the folder `watch` of the state; a sandbox has one to choose]
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
    /// Also follow offers of which the vendor did not say everything (condition, stock, seller, time, currency, postcode)
    #[arg(long)]
    accept_unconfirmed: bool,
    /// No price moves further than this from the old one, in percent
    #[arg(long, value_name = "PERCENT", value_parser = amount, default_value_t = defaults().max_change)]
    max_change: Decimal,
    /// With more rows to change than this, nothing is sent at all; a plan may hold more
    #[arg(long, value_name = "N", default_value_t = defaults().publish.max_rows_changed)]
    max_rows_changed: usize,
    /// With more changes than this in one store, a sample is previewed and they leave in feeds instead of one by one
    #[arg(long, value_name = "N", default_value_t = defaults().publish.feed_above)]
    feed_above: usize,
    /// A stock that was counted longer ago is not sent, its price is: 90m, 2h, 1d [default: no limit]. It is as old as the
    /// catalogue's file, or as its column `stock_at` says
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_stock_age: Option<Duration>,
}

/// What a price follows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    Lowest,
    Undercut(Undercut),
}

impl Policy {
    /// Refuses a rule that can hold for no row, before anything is paid for.
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), Failure> {
        let costs = catalogue.rows.iter().any(|row| row.cost.is_some());
        if self.margin.is_some() && !costs {
            return Err(Failure::usage("--margin: no row of the catalogue has a `cost`, which a margin is kept over"));
        }
        Ok(())
    }

    /// Puts the flags into the options of a run; a sandbox has a collection to choose; where it `is_quick`, minutes are seconds.
    pub fn set(&self, options: &mut Options, collection: Option<CollectionId>, is_quick: bool) {
        options.discover = self.discover;
        options.watch = self.watch;
        options.collection = self.collection.or(collection.filter(|_| !options.register().exists()));
        options.budget = self.budget;
        options.publish.max_observation_age = Some(self.max_observation_age);
        options.accept_unconfirmed = self.accept_unconfirmed;
        options.max_change = self.max_change;
        options.publish.max_rows_changed = self.max_rows_changed;
        options.publish.feed_above = self.feed_above;
        options.publish.max_stock_age = self.max_stock_age;
        options.pricing = self.rule();
        if is_quick {
            (options.publish.cadence, options.publish.patience) =
                (Duration::from_millis(500), Duration::from_secs(120));
        }
        options.publish.patience = self.patience.unwrap_or(options.publish.patience);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_in_the_help_is_the_one_that_holds() {
        assert_eq!(duration("2h").ok(), defaults().publish.max_observation_age);
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
