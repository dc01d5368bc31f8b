//! The CSV that a person writes: read whole, or refused with lines that exist.

use asin_facade::sp_listings::Region;
use asin_facade::sync::{Account, Accounts, Catalogue};
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

proptest! {
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
