//! The CSV that a person writes: read whole, or refused with lines that exist.

use asin_facade::sp_listings::Region;
use asin_facade::sync::{Account, Accounts, COLUMNS, Catalogue, Layout};
use fuzz::corpus;
use proptest::prelude::*;
use std::sync::LazyLock;

static CATALOGUES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| corpus("catalogues"));

fn accounts() -> Accounts {
    let account = |region| Account { seller_id: "A1SELLER".parse().expect("a seller"), region };
    let regions = [("europe", Region::Europe), ("america", Region::NorthAmerica), ("pacific", Region::FarEast)];
    regions.map(|(name, region)| (name.to_owned(), account(region))).into_iter().collect()
}

#[test]
fn the_corpus_is_read_as_its_names_say() {
    for (name, text) in CATALOGUES.iter() {
        assert_eq!(Catalogue::read(&text[..], &accounts()).is_ok(), name != "wrong", "{name}");
    }
}

fn read(text: &[u8]) -> Result<(), TestCaseError> {
    match Catalogue::read(text, &accounts()) {
        Ok(catalogue) => prop_assert!(catalogue.rows.len() <= text.split(|byte| *byte == b'\n').count()),
        Err(errors) => {
            prop_assert!(!errors.0.is_empty());
            let lines = text.iter().filter(|byte| [b'\n', b'\r'].contains(byte)).count() as u64 + 1;
            for error in &errors.0 {
                prop_assert!((1..=lines).contains(&error.line), "line {} of {lines}: {error}", error.line);
                prop_assert!(!error.message.is_empty());
            }
        }
    }
    Ok(())
}

/// A row of valid cells, in the order of the columns.
fn cells(number: usize, price: u32, quantity: Option<u16>) -> Vec<String> {
    let (least, most) = (format!("{}.{:02}", price / 100, price % 100), format!("{}.5", price / 100 + 1));
    let quantity = quantity.map(|quantity| quantity.to_string()).unwrap_or_default();
    let [account, asin, store, postcode] = ["europe", "B0756FCPPN", "DE", "10115"].map(str::to_owned);
    let sku = format!("S \"{number}\", 1");
    vec![account, sku, asin, store, postcode, least, most, quantity, "2".to_owned(), "0.75".to_owned()]
}

/// CSV with every cell in quotation marks.
fn csv(rows: impl IntoIterator<Item = Vec<String>>, delimiter: char) -> String {
    let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    let line = |row: Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(&delimiter.to_string()) + "\n";
    rows.into_iter().map(line).collect()
}

proptest! {
    #[test]
    fn a_catalogue_says_the_same_in_every_layout(
        rows in prop::collection::vec((1_u32..100_000, any::<Option<u16>>()), 1..5),
        order in Just((0..10).collect::<Vec<usize>>()).prop_shuffle(),
        renamed in prop::sample::subsequence((0..10).collect::<Vec<usize>>(), 0..=10),
        delimiter in prop::sample::select(vec![',', ';', '\t', '|']),
        decimal_comma in any::<bool>(), one_store in any::<bool>(),
    ) {
        let rows = rows.iter().enumerate().map(|(number, (price, quantity))| cells(number, *price, *quantity));
        let header = COLUMNS[..10].iter().map(|name| (*name).to_owned()).collect();
        let documented = csv([header].into_iter().chain(rows.clone()), ',');
        let documented = Catalogue::read(documented.as_bytes(), &accounts()).expect("every cell is valid");

        let mut layout = Layout::default();
        (layout.delimiter, layout.decimal_comma) = (delimiter as u8, decimal_comma);
        if one_store {
            layout.set("marketplace", "DE").expect("a column");
        }
        let names = order.iter().map(|column| match renamed.contains(column) {
            false => COLUMNS[*column].to_owned(),
            true => {
                let theirs = format!("their {column}");
                layout.map(COLUMNS[*column], theirs.clone()).expect("a column");
                theirs
            }
        });
        let header: Vec<String> = names.collect();
        let theirs = rows.map(|cells| {
            let written = |column: &usize| match column {
                3 if one_store => "FR".to_owned(),
                5 | 6 | 9 if decimal_comma => cells[*column].replace('.', ","),
                _ => cells[*column].clone(),
            };
            order.iter().map(written).collect()
        });
        let theirs = csv([header].into_iter().chain(theirs), delimiter);
        let read = Catalogue::read_as(&layout, theirs.as_bytes(), &accounts());
        prop_assert_eq!(read.expect("the same cells").rows, documented.rows, "{}", theirs);
    }

    #[test]
    fn a_damaged_catalogue_is_read_or_refused(
        which in any::<usize>(), flips in prop::collection::vec((any::<usize>(), prop::sample::select(b"\",;\n\r\t =+-@0.\xff\x00A".to_vec())), 0..6),
        cut in any::<usize>(),
    ) {
        let mut text = CATALOGUES[which % CATALOGUES.len()].1.clone();
        for (place, byte) in flips {
            let place = place % text.len();
            text[place] = byte;
        }
        text.truncate(cut % (text.len() + 1));
        read(&text)?;
    }

    #[test]
    fn any_cells_are_read_or_refused(cells in prop::collection::vec(prop::collection::vec("[^\u{0}]{0,12}", 0..11), 0..6)) {
        let mut text = "account,sku,asin,marketplace,postcode,min_price,max_price,quantity,max_handling_days\n".to_owned();
        for row in cells {
            let quoted: Vec<String> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            text.push_str(&quoted.join(","));
            text.push('\n');
        }
        read(text.as_bytes())?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(text in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&text)?;
    }
}
