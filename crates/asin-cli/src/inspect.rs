//! `asin inspect`: a saved answer, read with our model.

use crate::failure::{Ended, Failure, print, say};
use crate::names::unknown;
use crate::table::visible;
use asin_facade::core_http::ErrorKind;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

/// The answer holds what the model does not know.
const DRIFT: u8 = 3;
/// The answer is the vendor's refusal.
const REFUSED: u8 = 4;

/// Decodes a saved response body and says what in it is unknown
///
/// Prints the value again as JSON. Unknown fields and enum values go to standard error, each with its JSON path.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
  0 everything is known, 3 something is not, 4 the body is the vendor's refusal (kind, code and message on
  standard error), 2 it does not decode (with the JSON path), or there is no such operation or file

Examples:
  asin inspect getListingsItem saved.json
  curl -s URL | asin inspect AmazonAsinTaskPost")]
pub struct Arguments {
    /// The vendor's own name of the operation, as `asin operations` lists it
    operation: String,
    /// The saved response body; standard input without it
    file: Option<PathBuf>,
}

/// Decodes a saved body; prints the value, and on standard error what does not fit.
pub fn run(arguments: &Arguments) -> Ended {
    let name = arguments.operation.as_str();
    if !asin_facade::operations().iter().any(|operation| operation.name == name) {
        return Err(unknown(name));
    }
    let body = body(arguments.file.as_ref())?;
    match asin_facade::inspect(name, &body) {
        None => Err(unknown(name)),
        Some(Ok(inspection)) => {
            print(&serde_json::to_string_pretty(&inspection.value).map_err(Failure::work)?)?;
            for drift in &inspection.drift {
                say(&visible(&drift.to_string()));
            }
            Ok(if inspection.drift.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DRIFT) })
        }
        Some(Err(error)) => match error.fault() {
            Some(fault) if error.kind() != ErrorKind::Decode => {
                say(&format!("kind: {}", fault.kind));
                say(&format!("code: {}", visible(&fault.code)));
                say(&format!("message: {}", visible(&fault.message)));
                Ok(ExitCode::from(REFUSED))
            }
            _ => Err(Failure::usage(visible(&format!("{name}: {error}")))),
        },
    }
}

fn body(file: Option<&PathBuf>) -> Result<Vec<u8>, Failure> {
    let Some(file) = file else {
        let mut body = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut body)
            .map_err(|error| Failure::usage(format!("standard input: {error}")))?;
        return Ok(body);
    };
    std::fs::read(file).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}
