//! Catalogues that other programs have written: their names for the columns, their marks, and what goes without saying.

use crate::failure::Failure;
use asin_facade::sync::Layout;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;

/// How the file writes a catalogue; nothing of it is guessed.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Form of the catalogue")]
pub struct Form {
    /// The file calls this column otherwise: `sku=Artikelnummer`; as in the table `[columns]` of asin.toml. Columns that
    /// nobody asks for may then stand in it
    #[arg(long, value_name = "COLUMN=THEIRS", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Every row has this value, whatever stands in the file: `marketplace=DE`
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// What stands between two fields, such as `;`, or `tab` [default: a comma]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Prices have a comma before the decimals, not a dot
    #[arg(long)]
    decimal_comma: bool,
}

impl Form {
    /// The layout of a file, with the names that asin.toml has for its columns. Its stocks are as old as the file.
    pub fn layout(&self, columns: &BTreeMap<String, String>, file: &File) -> Result<Layout, Failure> {
        let mut layout = Layout::default();
        layout.decimal_comma = self.decimal_comma;
        layout.delimiter = self.delimiter.unwrap_or(layout.delimiter);
        // What is no file, such as a pipe, has the time of its opening: that says nothing.
        let file = file.metadata().ok().filter(std::fs::Metadata::is_file);
        layout.written = file.and_then(|data| data.modified().ok()).and_then(|at| Timestamp::try_from(at).ok());
        once("--map", &self.map)?;
        once("--set", &self.set)?;
        for (column, theirs) in columns {
            layout.map(column, theirs).map_err(|error| Failure::usage(format!("asin.toml, [columns]: {error}")))?;
        }
        for (column, theirs) in &self.map {
            layout.map(column, theirs).map_err(|error| Failure::usage(format!("--map: {error}")))?;
        }
        for (column, value) in &self.set {
            layout.set(column, value).map_err(|error| Failure::usage(format!("--set: {error}")))?;
        }
        Ok(layout)
    }
}

/// Of two values for a column, the last would win without a word.
fn once(flag: &str, given: &[(String, String)]) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    match given.iter().find(|(column, _)| !seen.insert(column)) {
        Some((column, _)) => Err(Failure::usage(format!("{flag}: `{column}` comes twice"))),
        None => Ok(()),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, value)) if !column.is_empty() && !value.is_empty() => Ok((column.to_owned(), value.to_owned())),
        _ => Err("give COLUMN=TEXT".to_owned()),
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match (text, text.as_bytes()) {
        ("tab", _) => Ok(b'\t'),
        (_, [byte]) if !matches!(byte, b'"' | b'\r' | b'\n') && byte.is_ascii() => Ok(*byte),
        _ => Err("give one ASCII character that is no quote, or `tab`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_says_when_it_was_written() {
        let form = Form { map: Vec::new(), set: Vec::new(), delimiter: None, decimal_comma: false };
        let written = |file: &File| form.layout(&BTreeMap::new(), file).unwrap().written;
        assert!(written(&tempfile::tempfile().unwrap()).is_some());
        #[cfg(unix)]
        assert_eq!(written(&File::open("/dev/null").unwrap()), None);
    }

    #[test]
    fn a_flag_names_a_column_once_and_may_name_one_of_the_file_otherwise() {
        let pairs = |given: &[&str]| given.iter().map(|text| pair(text).unwrap()).collect::<Vec<_>>();
        let layout = |map: &[&str], set: &[&str]| {
            let form = Form { map: pairs(map), set: pairs(set), delimiter: None, decimal_comma: false };
            let columns = BTreeMap::from([("sku".to_owned(), "Nummer".to_owned())]);
            form.layout(&columns, &tempfile::tempfile().unwrap()).map_err(|failure| failure.message())
        };
        assert!(layout(&["sku=Artikel", "asin=Artikel"], &["marketplace=DE", "postcode=10115"]).is_ok());
        assert_eq!(layout(&["sku=A", "asin=B", "sku=A"], &[]).unwrap_err(), "--map: `sku` comes twice");
        assert_eq!(layout(&[], &["sku=A", "sku=B"]).unwrap_err(), "--set: `sku` comes twice");
    }
}
