//! The catalogue: what the seller wants, one row for each listing in one store.

use super::{Accounts, Layout, Lines, Row};
use crate::{Asin, Currency, Marketplace};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use sp_listings::Sku;
use std::{
    collections::{HashMap, HashSet},
    fmt,
    io::Read,
};

/// The columns, in the order in which they are documented; the header is mandatory.
pub const COLUMNS: [&str; 11] = [
    "account",
    "sku",
    "asin",
    "marketplace",
    "postcode",
    "min_price",
    "max_price",
    "quantity",
    "max_handling_days",
    "cost",
    "stock_at",
];
/// How many of them must be there and filled in.
const MANDATORY: usize = 5;

/// A catalogue that has been read without an error.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalogue {
    /// Its rows, in the order of the file.
    pub rows: Vec<Row>,
    /// Columns of the file that nobody asks for.
    pub ignored: Vec<String>,
}

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineError {
    /// The line of the file, counted from 1.
    pub line: u64,
    /// The column, as the file calls it; nothing when it is the line as a whole.
    pub field: String,
    /// The rule, and the value that breaks it.
    pub message: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "line {}: {}", self.line, self.message),
            field => write!(f, "line {}: {field}: {}", self.line, self.message),
        }
    }
}

/// Everything that is wrong with a catalogue; nothing of it is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue has {} error(s); the first: {}", .0.len(), .0[0])]
pub struct CatalogueErrors(pub Vec<LineError>);

impl Catalogue {
    /// Reads a catalogue in CSV.
    ///
    /// # Errors
    /// Every line that breaks a rule, with its number, its column and the rule.
    pub fn read(input: impl Read, accounts: &Accounts) -> Result<Self, CatalogueErrors> {
        Self::read_as(&Layout::default(), input, accounts)
    }

    /// Reads a catalogue that is written in another form.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_as(layout: &Layout, mut input: impl Read, accounts: &Accounts) -> Result<Self, CatalogueErrors> {
        let mut text = Vec::new();
        if let Err(error) = input.read_to_end(&mut text) {
            return Err(CatalogueErrors(vec![LineError { line: 1, field: String::new(), message: error.to_string() }]));
        }
        let mut lines = Lines::of(&text);
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.flexible(true).trim(csv::Trim::All).delimiter(layout.delimiter).from_reader(&*text);
        let mut errors = Errors { layout, found: Vec::new() };
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => return Err(CatalogueErrors(vec![unreadable(&error, 1)])),
        };
        let (places, ignored) = errors.header(&header);
        if !errors.found.is_empty() {
            return Err(CatalogueErrors(errors.found));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            match record {
                Ok(record) => {
                    let line = lines.line(record.position().map_or(0, csv::Position::byte));
                    if record.len() != header.len() {
                        errors.add(line, "", format!("{} fields, the header has {}", record.len(), header.len()));
                        continue;
                    }
                    let text = |column: usize| {
                        let stated = || places[column].and_then(|place| record.get(place));
                        layout.constant(column).or_else(stated).unwrap_or_default()
                    };
                    rows.extend(errors.row(line, text, accounts));
                }
                Err(error) => {
                    let line = lines.line(error.position().map_or(0, csv::Position::byte));
                    errors.found.push(unreadable(&error, line));
                }
            }
        }
        errors.conflicts(&rows);
        errors.found.sort_by_key(|error| error.line);
        if errors.found.is_empty() { Ok(Self { rows, ignored }) } else { Err(CatalogueErrors(errors.found)) }
    }
}

/// A price in digits, above zero; what could be read in two ways, or has more decimals than the currency, is none.
///
/// # Errors
/// The text, and the rule that it breaks.
pub fn read_price(text: &str, decimal_comma: bool, currency: Option<Currency>) -> Result<Decimal, String> {
    let (mark, name) = if decimal_comma { (',', "comma") } else { ('.', "dot") };
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == mark);
    let price = Decimal::from_str_exact(&text.replace(mark, ".")).ok();
    let Some(price) = price.filter(|price| plain && *price > Decimal::ZERO) else {
        return Err(format!("`{text}` is no price: digits with a {name} before the decimals, above zero"));
    };
    if let Some(currency) = currency.filter(|currency| price.normalize().scale() > currency.decimals()) {
        return Err(format!("`{text}` has more decimals than {currency} has ({})", currency.decimals()));
    }
    if price.scale() == 3 {
        let [plain, whole] = [price.normalize().to_string().replace('.', &mark.to_string()), text.replace(mark, "")];
        return Err(format!("`{text}` may mean {plain} or {whole}: no three digits after the {name}"));
    }
    Ok(price)
}

fn unreadable(error: &csv::Error, line: u64) -> LineError {
    let message = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not UTF-8 text".to_owned(),
        _ => error.to_string(),
    };
    LineError { line, field: String::new(), message }
}

struct Errors<'a> {
    layout: &'a Layout,
    found: Vec<LineError>,
}

impl Errors<'_> {
    fn add(&mut self, line: u64, field: &str, message: impl Into<String>) {
        let (field, message) = (self.layout.label(field), message.into());
        self.found.push(LineError { line, field, message });
    }

    /// Where each column stands, and what stands there that nobody asks for.
    fn header(&mut self, header: &csv::StringRecord) -> ([Option<usize>; COLUMNS.len()], Vec<String>) {
        let layout = self.layout;
        let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
        let mut places = [None; COLUMNS.len()];
        for (column, field) in COLUMNS.iter().enumerate().filter(|(column, _)| layout.constant(*column).is_none()) {
            let mut found = names.iter().enumerate().filter(|(_, name)| **name == layout.name(column));
            places[column] = found.next().map(|(place, _)| place);
            if found.next().is_some() {
                self.add(1, field, "the column stands twice in the header");
            }
        }
        let is_known =
            |name: &&str| (0..COLUMNS.len()).any(|column| places[column].is_some() && layout.name(column) == *name);
        let ignored: Vec<String> = names.iter().filter(|name| !is_known(name)).map(ToString::to_string).collect();
        if !layout.is_open() {
            for name in &ignored {
                self.add(1, "", format!("unknown column `{name}`; the columns are {}", COLUMNS.join(",")));
            }
        }
        for (column, field) in COLUMNS.iter().enumerate() {
            let is_asked_for = column < MANDATORY || layout.name(column) != *field;
            if is_asked_for && places[column].is_none() && layout.constant(column).is_none() {
                self.add(1, field, "the column is missing in the header");
            }
        }
        (places, ignored)
    }

    fn row<'t>(&mut self, line: u64, text: impl Fn(usize) -> &'t str, accounts: &Accounts) -> Option<Row> {
        let before = self.found.len();
        for (column, name) in COLUMNS.iter().enumerate().take(MANDATORY) {
            if text(column).is_empty() {
                self.add(line, name, "must not be empty");
            }
        }
        if self.found.len() > before {
            return None;
        }
        let account = text(0);
        if !accounts.contains(account) {
            self.add(line, "account", format!("`{account}` is not configured; known: {}", accounts.names()));
        }
        let sku = self.parsed(line, "sku", text(1).parse::<Sku>());
        let asin = self.parsed(line, "asin", text(2).parse::<Asin>());
        let marketplace = self.parsed(line, "marketplace", text(3).parse::<Marketplace>());
        let currency = marketplace.map(Marketplace::currency);
        let min_price = self.price(line, "min_price", text(5), currency);
        let max_price = self.price(line, "max_price", text(6), currency);
        if let (Some(min), Some(max)) = (min_price, max_price)
            && min > max
        {
            self.add(line, "max_price", format!("{max} is below min_price {min}"));
        }
        let quantity = self.whole(line, "quantity", text(7));
        let max_handling_days = self.whole(line, "max_handling_days", text(8));
        let cost = self.price(line, "cost", text(9), currency);
        let stock_at = match text(10) {
            "" => self.layout.written,
            text => self.parsed(line, "stock_at", text.parse::<Timestamp>()),
        };
        if self.found.len() > before {
            return None;
        }
        let (account, postcode) = (account.to_owned(), text(4).to_owned());
        let (sku, asin, marketplace) = (sku?, asin?, marketplace?);
        Some(Row {
            line,
            account,
            sku,
            asin,
            marketplace,
            postcode,
            min_price,
            max_price,
            quantity,
            max_handling_days,
            cost,
            stock_at,
        })
    }

    fn parsed<T, E: fmt::Display>(&mut self, line: u64, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(line, field, error.to_string())).ok()
    }

    fn price(&mut self, line: u64, field: &str, text: &str, currency: Option<Currency>) -> Option<Decimal> {
        if text.is_empty() {
            return None;
        }
        self.parsed(line, field, read_price(text, self.layout.decimal_comma, currency))
    }

    fn whole(&mut self, line: u64, field: &str, text: &str) -> Option<u32> {
        if text.is_empty() {
            return None;
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if plain => Some(number),
            _ => {
                self.add(line, field, format!("`{text}` is no whole number from 0 to {}", u32::MAX));
                None
            }
        }
    }

    /// Rows that contradict each other.
    fn conflicts(&mut self, rows: &[Row]) {
        let mut seen = HashMap::new();
        let mut stock: HashMap<_, (u64, u32)> = HashMap::new();
        let mut handling: HashMap<_, (u64, u32)> = HashMap::new();
        let mut found = HashSet::new();
        for row in rows {
            let listing = (row.account.as_str(), row.sku.as_str());
            if let Some(first) = seen.insert((listing, row.marketplace), row.line) {
                let message = format!("a second row for this account, SKU and marketplace; the first is line {first}");
                self.add(row.line, "sku", message);
            }
            for (field, value, known) in
                [("quantity", row.quantity, &mut stock), ("max_handling_days", row.max_handling_days, &mut handling)]
            {
                let Some(value) = value else { continue };
                let (first, other) = *known.entry(listing).or_insert((row.line, value));
                if other != value && found.insert((row.line, field)) {
                    let message = format!(
                        "{value}, but line {first} says {other} for the same account and SKU, which have one stock"
                    );
                    self.add(row.line, field, message);
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
