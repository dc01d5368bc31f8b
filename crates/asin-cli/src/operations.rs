//! `asin operations`: what can be called, with what it risks and what limits it.

use crate::failure::Ended;
use crate::output::{Output, Row};
use crate::table::{Column, Content};
use asin_facade::core_http::OperationInfo;
use std::process::ExitCode;

/// Lists every operation: vendor, name, method, path, safety, limits
///
/// Safety says what sending it twice would do: a `read-only` one changes nothing, an `idempotent` one ends in the same
/// state, a `once` one charges or changes something each time and is never sent again once it may have been applied.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin operations
  asin operations --output json | jq -r .name")]
pub struct Arguments {
    #[command(flatten)]
    output: Output,
}

impl Row for &OperationInfo {
    const COLUMNS: &'static [Column] = &[
        Column("vendor", Content::Word),
        Column("name", Content::Word),
        Column("method", Content::Word),
        Column("path", Content::Word),
        Column("safety", Content::Prose),
        Column("limits", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        let OperationInfo { vendor, name, method, path, safety, limits } = self;
        [vendor, name, method, path, safety].map(ToString::to_string).into_iter().chain([limits.join("; ")]).collect()
    }
}

/// Lists every operation of every vendor.
pub fn run(arguments: &Arguments) -> Ended {
    arguments.output.all(asin_facade::operations())?;
    Ok(ExitCode::SUCCESS)
}
