//! `asin operations`: what can be called, with what it risks and what limits it.

use crate::failure::{Ended, Failure, print};
use crate::table::{Column, Content, Place, render};
use std::process::ExitCode;

/// Lists every operation: vendor, name, method, path, safety, limits
///
/// Safety says what sending it twice would do: a `read-only` one changes nothing, an `idempotent` one ends in the same
/// state, a `once` one charges or changes something each time and is never sent again once it may have been applied.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin operations
  asin operations --json")]
pub struct Arguments {
    /// Print one JSON object per operation and line
    #[arg(long)]
    json: bool,
}

/// Lists every operation of every vendor.
pub fn run(arguments: &Arguments) -> Ended {
    let operations = asin_facade::operations();
    if arguments.json {
        for operation in operations {
            print(&serde_json::to_string(operation).map_err(Failure::work)?)?;
        }
    } else {
        let columns = [
            Column("vendor", Content::Word),
            Column("name", Content::Word),
            Column("method", Content::Word),
            Column("path", Content::Word),
            Column("safety", Content::Prose),
            Column("limits", Content::Prose),
        ];
        let rows = operations.into_iter().map(|operation| {
            let limits = operation.limits.join("; ");
            let cells = [operation.vendor, operation.name, operation.method, operation.path, operation.safety, &limits];
            cells.map(str::to_owned).to_vec()
        });
        print(&render(Place::Output, &columns, rows))?;
    }
    Ok(ExitCode::SUCCESS)
}
