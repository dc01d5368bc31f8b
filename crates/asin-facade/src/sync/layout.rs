//! How somebody's CSV file writes a catalogue: under which names, with which marks, and what goes without saying.

use super::COLUMNS;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// How a file writes a catalogue; the default is the form that is documented.
///
/// ```
/// use asin_facade::sync::Layout;
///
/// let mut layout = Layout::default();
/// (layout.delimiter, layout.decimal_comma) = (b';', true);
/// layout.map("sku", "Artikelnummer")?;
/// layout.set("marketplace", "DE")?;
/// # Ok::<(), asin_facade::sync::UnknownColumn>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// What stands between two fields; a comma by default.
    pub delimiter: u8,
    /// Whether prices have a comma before the decimals; a dot by default.
    pub decimal_comma: bool,
    /// When the file was written: its stocks are of that moment, where a row does not say its own.
    pub written: Option<Timestamp>,
    names: BTreeMap<usize, String>,
    constants: BTreeMap<usize, String>,
}

impl Default for Layout {
    fn default() -> Self {
        let (names, constants) = (BTreeMap::new(), BTreeMap::new());
        Self { delimiter: b',', decimal_comma: false, written: None, names, constants }
    }
}

/// A catalogue has no column of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no column of a catalogue; the columns are {columns}", columns = COLUMNS.join(","))]
pub struct UnknownColumn(pub String);

impl Layout {
    /// The file has another name for this column. From then on, columns that nobody asks for may stand in it.
    ///
    /// # Errors
    /// If a catalogue has no such column.
    pub fn map(&mut self, column: &str, theirs: impl Into<String>) -> Result<(), UnknownColumn> {
        self.names.insert(place(column)?, theirs.into());
        Ok(())
    }

    /// Every row has this value, whatever stands in the file. From then on, columns that nobody asks for may stand in it.
    ///
    /// # Errors
    /// If a catalogue has no such column.
    pub fn set(&mut self, column: &str, value: impl Into<String>) -> Result<(), UnknownColumn> {
        self.constants.insert(place(column)?, value.into());
        Ok(())
    }

    /// Whether columns that nobody asks for may stand in the file.
    pub(super) fn is_open(&self) -> bool {
        !(self.names.is_empty() && self.constants.is_empty())
    }

    /// What the file calls a column.
    pub(super) fn name(&self, column: usize) -> &str {
        self.names.get(&column).map_or(COLUMNS[column], String::as_str)
    }

    /// What every row has in a column.
    pub(super) fn constant(&self, column: usize) -> Option<&str> {
        self.constants.get(&column).map(String::as_str)
    }

    /// A column for a message: what the file calls it, and what we do where that is something else.
    pub(super) fn label(&self, field: &str) -> String {
        let theirs = COLUMNS.iter().position(|column| *column == field).map(|column| self.name(column));
        match theirs.filter(|theirs| *theirs != field) {
            Some(theirs) => format!("{theirs} ({field})"),
            None => field.to_owned(),
        }
    }
}

fn place(column: &str) -> Result<usize, UnknownColumn> {
    COLUMNS.iter().position(|known| *known == column).ok_or_else(|| UnknownColumn(column.to_owned()))
}
