//! ASINs, SKUs and other names from arguments, a file, or standard input.

use crate::failure::Failure;
use crate::strict;
use crate::table::visible;
use asin_facade::core_http::Asin;
use asin_facade::sp_listings::Sku;
use asin_facade::sync::Lines;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::fmt::Display;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// What a command takes many of.
pub trait Named: FromStr<Err: Display> {
    /// The word for one.
    const ONE: &'static str;
    /// How the usage writes one.
    const VALUE: &'static str;
    /// What they are, for the help.
    const HELP: &'static str;
}

impl Named for Asin {
    const ONE: &'static str = "ASIN";
    const VALUE: &'static str = "ASIN";
    const HELP: &'static str = "The products";
}

impl Named for Sku {
    const ONE: &'static str = "SKU";
    const VALUE: &'static str = "SKU";
    const HELP: &'static str = "The seller's own names for the listings";
}

/// As many as one likes.
#[derive(Debug, clap::Args)]
pub struct Names<T: Named> {
    #[arg(value_name = T::VALUE, help = format!("{}; `-` reads standard input, one a line", T::HELP))]
    given: Vec<String>,
    /// A file with one a line; lines that are blank or begin with # are passed over
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[arg(skip)]
    of: PhantomData<fn() -> T>,
}

impl<T: Named> Names<T> {
    /// Whether none is given in any way.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.file.is_none()
    }

    /// Reads them all, each once; every one that is wrong is told with where it stands.
    pub fn read(&self) -> Result<Vec<T>, Failure> {
        let what = T::ONE;
        let mut texts: Vec<(String, String)> = Vec::new();
        for given in &self.given {
            match given.as_str() {
                "-" => texts.extend(lines("standard input", &text_of(Path::new("-"))?)),
                name => texts.push((what.to_owned(), name.to_owned())),
            }
        }
        if let Some(file) = &self.file {
            texts.extend(lines(&file.display().to_string(), &text_of(file)?));
        }
        let (mut names, mut wrong, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (place, text) in texts {
            match text.parse() {
                Ok(_) if seen.contains(&text) => {}
                Ok(name) => {
                    names.push(name);
                    seen.insert(text);
                }
                Err(error) => wrong.push(format!("{place} `{text}`: {error}")),
            }
        }
        if !wrong.is_empty() {
            return Err(Failure::usage(wrong.join("\nasin: ")));
        }
        if names.is_empty() {
            return Err(Failure::usage(format!("no {what}: give some, or `--file FILE`, or `-` for standard input")));
        }
        Ok(names)
    }
}

fn lines(place: &str, text: &str) -> Vec<(String, String)> {
    said(text).map(|(number, line)| (format!("{place}: line {}:", number + 1), line.trim().to_owned())).collect()
}

/// The lines that say something, with their numbers from 0: comments and blank lines do not.
fn said(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(str::trim).enumerate();
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// The text of a file, or of standard input for `-`; without the mark that some editors put before it.
pub fn text_of(file: &Path) -> Result<String, Failure> {
    let (place, text) = match file == Path::new("-") {
        true => ("standard input".to_owned(), std::io::read_to_string(std::io::stdin().lock())),
        false => (file.display().to_string(), std::fs::read_to_string(file)),
    };
    let text = text.map_err(|error| Failure::usage(format!("{place}: {error}")))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// JSON as an argument: itself, `-` for standard input, `@FILE` for a file. A key that comes twice is refused.
pub fn json(argument: &str) -> Result<serde_json::Value, Failure> {
    let (place, text) = match argument.strip_prefix('@') {
        Some(file) => (file, text_of(Path::new(file))?),
        None if argument == "-" => ("standard input", text_of(Path::new("-"))?),
        None => ("--json", argument.to_owned()),
    };
    strict::from_str(&text).map_err(|error| Failure::usage(format!("{place}: {error}")))
}

/// A file with a JSON object a line; every line that is wrong is told, as one is in which a key comes twice.
pub fn json_lines<T: DeserializeOwned>(file: &Path, what: &str) -> Result<Vec<T>, Failure> {
    let (mut read, mut wrong) = (Vec::new(), Vec::new());
    for (number, line) in said(&text_of(file)?) {
        match strict::from_str(line) {
            Ok(value) => read.push(value),
            Err(error) => wrong.push(format!("{}: line {}: {error}", file.display(), number + 1)),
        }
    }
    match (read.is_empty(), wrong.is_empty()) {
        (_, false) => Err(Failure::usage(wrong.join("\nasin: "))),
        (true, true) => Err(Failure::usage(format!("{}: no {what}", file.display()))),
        (false, true) => Ok(read),
    }
}

/// A CSV file with a header, of which two columns are read: a SKU and a value, each SKU once. `read` names the text that
/// it refuses.
pub fn pairs<T>(
    file: &Path,
    name: &str,
    value: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<(Sku, T)>, Failure> {
    pairs_of(&file.display().to_string(), &text_of(file)?, name, value, read)
}

fn pairs_of<T>(
    place: &str,
    text: &str,
    name: &str,
    value: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<(Sku, T)>, Failure> {
    let mut lines = Lines::of(text.as_bytes());
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| Failure::usage(format!("{place}: {error}")))?.clone();
    let column = |name: &str| {
        let mut places = header.iter().enumerate().filter(|(_, title)| *title == name);
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Ok(place),
            (None, _) => Err(Failure::usage(format!("{place}: the header has no column `{name}`"))),
            (Some(_), Some(_)) => Err(Failure::usage(format!("{place}: the header has two columns `{name}`"))),
        }
    };
    let (title, stands) = (name, value);
    let (name, value) = (column(name)?, column(value)?);
    let (mut pairs, mut wrong, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for record in reader.records() {
        let record = record.map_err(|error| Failure::usage(format!("{place}: {error}")))?;
        let line = lines.line(record.position().map_or(0, csv::Position::byte));
        if record.len() != header.len() {
            let (fields, titles) = (record.len(), header.len());
            wrong.push(format!("{place}: line {line}: {fields} fields, the header has {titles}"));
            continue;
        }
        let sku = record[name].parse::<Sku>().map_err(|error| format!("{title}: {error}"));
        let stated = |text: &str| read(text).map_err(|error| format!("{stands}: {}", visible(&error)));
        match sku.and_then(|sku| Ok((sku, stated(&record[value])?))) {
            Ok((sku, _)) if !seen.insert(sku.clone()) => wrong.push(format!("{place}: line {line}: `{sku}` once more")),
            Ok(pair) => pairs.push(pair),
            Err(error) => wrong.push(format!("{place}: line {line}: {error}")),
        }
    }
    match (wrong.is_empty(), pairs.is_empty()) {
        (false, _) => Err(Failure::usage(wrong.join("\nasin: "))),
        (true, true) => Err(Failure::usage(format!("{place}: no lines under the header"))),
        (true, false) => Ok(pairs),
    }
}

/// An amount of money.
pub fn amount(text: &str) -> Result<Decimal, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let amount = Decimal::from_str_exact(text).ok().filter(|_| plain);
    amount.ok_or_else(|| "give digits, with a dot before the decimals".to_owned())
}

/// A span of time.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = |_| "give a time such as 90m, 2h or 1d".to_owned();
    let span: jiff::Span = text.parse().map_err(wrong)?;
    let time = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(wrong)?;
    Duration::try_from(time).map_err(|_| "must not be below zero".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use asin_facade::sync::read_price;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn prices(text: &str) -> Result<Vec<(Sku, Decimal)>, Failure> {
        pairs_of("prices.csv", text, "sku", "price", |price| read_price(price, false, None))
    }

    proptest! {
        #[test]
        fn what_stands_in_a_file_is_read_whatever_the_columns_and_marks(
            rows in prop::collection::hash_map("[!-~é緑\n]{1,20}", (1_u64..10_000_000, 0_u32..3), 1..6),
            order in Just(vec!["sku", "price", "title"]).prop_shuffle(), crlf in any::<bool>(),
        ) {
            let rows: HashMap<Sku, Decimal> = rows
                .into_iter()
                .filter_map(|(sku, (units, scale))| Some((sku.trim().parse().ok()?, Decimal::new(units as i64, scale))))
                .collect();
            let ends = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut file = csv::WriterBuilder::new().terminator(ends).from_writer(Vec::new());
            file.write_record(&order).unwrap();
            for (sku, price) in &rows {
                let cell = |title: &&str| match *title {
                    "sku" => sku.to_string(),
                    "price" => format!(" {price} "),
                    _ => "nobody \"reads\",\nthis".to_owned(),
                };
                file.write_record(order.iter().map(cell)).unwrap();
            }
            let text = String::from_utf8(file.into_inner().unwrap()).unwrap();
            match prices(&text) {
                Ok(read) => prop_assert_eq!(read.into_iter().collect::<HashMap<_, _>>(), rows, "{}", text),
                Err(error) => prop_assert!(rows.is_empty(), "{} in {text}", error.message()),
            }
        }

        #[test]
        fn a_damaged_file_is_read_or_refused_with_lines_that_exist(
            flips in prop::collection::vec((any::<usize>(), prop::sample::select(vec!['"', ',', '\n', '\r', '.', 'é', '-', '#'])), 0..6),
            cut in any::<usize>(),
        ) {
            let mut text: Vec<char> = "sku,title,price\nYNG-1,\"Set, \"\"big\"\"\",75.50\r\nSHOES,,890.90\n".chars().collect();
            for (place, character) in flips {
                let place = place % text.len();
                text[place] = character;
            }
            text.truncate(cut % (text.len() + 1));
            let text: String = text.into_iter().collect();
            match prices(&text) {
                // Marks that are lost join cells, and lines; none is read twice.
                Ok(read) => {
                    let skus: HashSet<&Sku> = read.iter().map(|(sku, _)| sku).collect();
                    prop_assert!(skus.len() == read.len() && read.len() <= text.matches(['\n', '\r']).count(), "{read:?} in {text}");
                }
                Err(error) => {
                    let last = text.matches(['\n', '\r']).count() + 1;
                    for told in error.message().split("\nasin: ") {
                        let line = told.strip_prefix("prices.csv: line ").and_then(|rest| rest.split_once(':'));
                        let exists = line.is_none_or(|(line, _)| (2..=last).contains(&line.parse().unwrap()));
                        prop_assert!(told.starts_with("prices.csv: ") && exists, "{told} in {text}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_file_that_could_be_read_in_two_ways_is_not_read() {
        let refused = |text: &str| prices(text).unwrap_err().message().to_owned();
        assert_eq!(refused("sku,price,price\nA,1,2\n"), "prices.csv: the header has two columns `price`");
        let told =
            "prices.csv: line 2: 3 fields, the header has 2\nasin: prices.csv: line 3: 1 fields, the header has 2";
        assert_eq!(refused("sku,price\nA,1,000\nB\nC,1\n"), told);
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
    fn names_stand_one_a_line_beside_blank_lines_and_comments() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            let names =
                Names::<Sku> { given: vec!["#1".to_owned()], file: Some(file.path().to_owned()), of: PhantomData };
            names.read().map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let text = "\u{feff}ışık 1\r\n\r\n  # what is out of stock\n#old\n\t緑茶\nışık 1\n";
        assert_eq!(read(text).unwrap(), ["#1", "ışık 1", "緑茶"]);
        let told = read(&format!("# none\n{}\n", "x".repeat(300))).unwrap_err();
        assert!(told.message().contains("line 2:"), "{}", told.message());
    }
}
