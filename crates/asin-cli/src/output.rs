//! Rows for people and for programs: a table on a terminal, JSON lines in a pipe.

use crate::failure::{Failure, deliver, print};
use crate::table::{Column, Place, render};
use asin_facade::{Currency, Price};
use rust_decimal::Decimal;
use serde::Serialize;
use std::fmt::Display;
use std::io::IsTerminal;
use std::marker::PhantomData;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns for people, once everything is there.
    Table,
    /// One JSON object a line, as they come.
    Json,
    /// A header and one line for each, as they come.
    Csv,
}

/// The flag of every command that prints rows.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Output {
    /// How rows are written [default: table on a terminal, json elsewhere]
    #[arg(long = "output", value_name = "FORMAT", hide_possible_values = false)]
    format: Option<Format>,
}

/// One line of output; as JSON it may say more than its cells.
pub trait Row: Serialize {
    /// What stands in the cells.
    const COLUMNS: &'static [Column];

    /// The cells, in the order of the columns.
    fn cells(&self) -> Vec<String>;
}

/// Rows on their way to standard output.
#[derive(Debug)]
pub struct Rows<R> {
    format: Format,
    /// Rows of a table, which are laid out together.
    kept: Vec<Vec<String>>,
    headed: bool,
    /// How a line is written.
    line: fn(&str) -> Result<(), Failure>,
    row: PhantomData<fn(R)>,
}

impl Output {
    /// This one.
    pub fn of(format: Format) -> Self {
        Self { format: Some(format) }
    }

    /// What was asked for, or what suits standard output.
    pub fn format(self) -> Format {
        self.format.unwrap_or(if std::io::stdout().is_terminal() { Format::Table } else { Format::Json })
    }

    /// Begins to write rows.
    pub fn rows<R: Row>(self) -> Rows<R> {
        Rows { format: self.format(), kept: Vec::new(), headed: false, line: print, row: PhantomData }
    }

    /// Begins to write rows that were paid for: it is a failure if nobody reads them.
    pub fn paid_rows<R: Row>(self) -> Rows<R> {
        Rows { line: deliver, ..self.rows() }
    }

    /// Writes all rows.
    pub fn all<R: Row>(self, all: impl IntoIterator<Item = R>) -> Result<(), Failure> {
        let mut rows = self.rows();
        for row in all {
            rows.push(&row)?;
        }
        rows.end()
    }
}

impl<R: Row> Rows<R> {
    /// Writes a row, or keeps it for the table.
    pub fn push(&mut self, row: &R) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.kept.push(row.cells()),
            Format::Json => (self.line)(&serde_json::to_string(row).map_err(Failure::work)?)?,
            Format::Csv => {
                self.head()?;
                (self.line)(&csv(row.cells())?)?;
            }
        }
        Ok(())
    }

    /// Whether rows are kept until the end.
    pub fn waits(&self) -> bool {
        self.format == Format::Table
    }

    /// Writes what is still to be written.
    pub fn end(&mut self) -> Result<(), Failure> {
        match self.format {
            Format::Table => (self.line)(&render(Place::Output, R::COLUMNS, std::mem::take(&mut self.kept))),
            Format::Json => Ok(()),
            Format::Csv => self.head(),
        }
    }

    fn head(&mut self) -> Result<(), Failure> {
        if !std::mem::replace(&mut self.headed, true) {
            (self.line)(&csv(R::COLUMNS.iter().map(|Column(title, _)| *title))?)?;
        }
        Ok(())
    }
}

/// Money as two cells: the amount, and its currency, where that is said.
pub fn money(amount: Option<Decimal>, currency: Option<&str>) -> [String; 2] {
    let amount = match (amount, currency.and_then(Currency::from_code)) {
        (Some(amount), Some(currency)) => Price::new(amount, currency).digits(),
        (amount, _) => text(amount),
    };
    [amount, text(currency)]
}

/// A cell that may be empty.
pub fn text(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A word as a shell reads it back.
pub fn quoted(text: impl Display) -> String {
    let text = text.to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-:@=".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// One line of CSV.
fn csv(cells: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(Failure::work)?;
    let line = writer.into_inner().map_err(Failure::work)?;
    Ok(String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned())
}

/// Prints one JSON value: over several lines for people, on one for programs.
pub fn json(value: &serde_json::Value) -> Result<(), Failure> {
    print(&if std::io::stdout().is_terminal() { format!("{value:#}") } else { value.to_string() })
}

/// So many of something, in words.
pub fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// `old → new`, or the new value alone where there is no old one.
pub fn from_to<T: Display>(old: Option<&T>, new: &T) -> String {
    match old {
        Some(old) => format!("{old} → {new}"),
        None => format!("→ {new}"),
    }
}

#[cfg(test)]
mod tests {
    use super::csv;

    #[test]
    fn a_cell_holds_whatever_was_scraped() {
        let cells = ["", "Çay, siyah", "ein \"guter\" Tee", "two\nlines\r\n", "緑茶", "e\u{301}"];
        let line = csv(cells).unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
        let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(read, [csv::StringRecord::from(cells.to_vec())]);
        assert_eq!(csv([""]).unwrap(), "\"\"", "a record of one empty cell is no blank line");
    }
}
