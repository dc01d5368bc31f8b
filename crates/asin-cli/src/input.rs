//! Text and JSON from arguments, a file, or standard input.

use crate::failure::Failure;
use std::io::Read;
use std::path::Path;

/// The text of a file, or of standard input for `-`.
pub fn text_of(file: &Path) -> Result<String, Failure> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("{}: {error}", file.display())));
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("standard input: {error}")))?;
    Ok(text)
}

/// JSON as an argument: itself, `-` for standard input, `@FILE` for a file.
pub fn json(argument: &str) -> Result<serde_json::Value, Failure> {
    let (place, text) = match argument.strip_prefix('@') {
        Some(file) => (file, text_of(Path::new(file))?),
        None if argument == "-" => ("standard input", text_of(Path::new("-"))?),
        None => ("--json", argument.to_owned()),
    };
    serde_json::from_str(&text).map_err(|error| Failure::usage(format!("{place}: {error}")))
}
