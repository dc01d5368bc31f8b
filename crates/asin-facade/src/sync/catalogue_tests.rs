use super::*;
use crate::sync::{Account, UnknownColumn};
use proptest::prelude::*;
use sp_listings::Region;

const HEADER: &str = "account,sku,asin,marketplace,postcode,min_price,max_price,quantity,max_handling_days";

fn accounts() -> Accounts {
    let account = |region| Account { seller_id: "A1SELLER".parse().unwrap(), region };
    [("eu".to_owned(), account(Region::Europe)), ("na".to_owned(), account(Region::NorthAmerica))].into_iter().collect()
}

fn read(lines: &[&str]) -> Result<Catalogue, Vec<String>> {
    let text = std::iter::once(HEADER).chain(lines.iter().copied()).collect::<Vec<_>>().join("\n");
    Catalogue::read(text.as_bytes(), &accounts()).map_err(|errors| errors.0.iter().map(ToString::to_string).collect())
}

fn error(lines: &[&str]) -> String {
    let errors = read(lines).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.into_iter().next().unwrap()
}

#[test]
fn a_full_row_and_a_row_with_only_what_is_mandatory_are_read() {
    let catalogue =
        read(&["eu,SÜET 41/42,B0756FCPPN,TR,34000,75.50,890.9,100,2", "eu,B,B0756FCPPN,A1PA6795UKMFR9,10115,,,,"])
            .unwrap();
    let [full, bare] = &catalogue.rows[..] else { panic!() };
    assert_eq!((full.line, full.sku.as_str(), full.marketplace.country()), (2, "SÜET 41/42", "TR"));
    assert_eq!((full.min_price, full.max_price), ("75.50".parse().ok(), "890.9".parse().ok()));
    assert_eq!((full.quantity, full.max_handling_days), (Some(100), Some(2)));
    assert_eq!((bare.marketplace.country(), bare.min_price, bare.quantity), ("DE", None, None));
}

#[test]
fn each_broken_rule_is_told_with_its_line_its_column_and_the_value() {
    let cases = [
        ("xx,S,B0756FCPPN,TR,1,,,,", "line 2: account: `xx` is not configured; known: eu, na"),
        ("eu,,B0756FCPPN,TR,1,,,,", "line 2: sku: must not be empty"),
        ("eu,S,B0756FCPPN,TR,,,,,", "line 2: postcode: must not be empty"),
        ("eu,S,b0756fcppn,TR,1,,,,", "line 2: asin: `b0756fcppn` is not an ASIN"),
        ("eu,S,B0756FCPPN,XX,1,,,,", "line 2: marketplace: `XX` is no marketplace"),
        ("eu,..,B0756FCPPN,TR,1,,,,", "line 2: sku: "),
        ("eu,S,B0756FCPPN,TR,1,\"75,50\",,,", "line 2: min_price: `75,50` is no price"),
        ("eu,S,B0756FCPPN,TR,1,-1,,,", "line 2: min_price: `-1` is no price"),
        ("eu,S,B0756FCPPN,TR,1,0,,,", "line 2: min_price: `0` is no price"),
        ("eu,S,B0756FCPPN,TR,1,1e3,,,", "line 2: min_price: `1e3` is no price"),
        ("eu,S,B0756FCPPN,TR,1,1.005,,,", "line 2: min_price: `1.005` has more decimals than TRY has (2)"),
        ("eu,S,B0756FCPPN,TR,1,1.230,,,", "line 2: min_price: `1.230` may mean 1.23 or 1230"),
        ("na,S,B0756FCPPN,JP,1,,1.000,,", "line 2: max_price: `1.000` may mean 1 or 1000"),
        ("na,S,B0756FCPPN,JP,1,10.5,,,", "line 2: min_price: `10.5` has more decimals than JPY has (0)"),
        ("eu,S,B0756FCPPN,TR,1,5,4,,", "line 2: max_price: 4 is below min_price 5"),
        ("eu,S,B0756FCPPN,TR,1,,,1.5,", "line 2: quantity: `1.5` is no whole number"),
        ("eu,S,B0756FCPPN,TR,1,,,+3,", "line 2: quantity: `+3` is no whole number"),
        ("eu,S,B0756FCPPN,TR,1,,,,x", "line 2: max_handling_days: `x` is no whole number"),
        ("eu,S,B0756FCPPN,TR,1,,,", "line 2: 8 fields, the header has 9"),
    ];
    for (line, expected) in cases {
        let error = error(&[line]);
        assert!(error.starts_with(expected), "{line}\n  said     {error}\n  expected {expected}");
    }
}

#[test]
fn all_errors_are_told_at_once_and_nothing_is_read() {
    let errors = read(&["xx,S,bad,TR,1,,,,", "eu,T,B0756FCPPN,TR,1,,,,", "eu,U,B0756FCPPN,TR,1,x,y,,"]).unwrap_err();
    assert_eq!(errors.len(), 4, "{errors:?}");
}

#[test]
fn a_second_row_of_one_listing_and_two_stocks_of_one_sku_contradict_each_other() {
    let twice = error(&["eu,S,B0756FCPPN,TR,1,,,,", "eu,S,B0756FCPPN,TR,2,,,,"]);
    assert!(twice.starts_with("line 3: sku: a second row") && twice.ends_with("line 2"), "{twice}");
    let stocks = error(&["eu,S,B0756FCPPN,TR,1,,,5,", "eu,S,B0756FCPPN,DE,1,,,6,"]);
    assert!(stocks.starts_with("line 3: quantity: 6, but line 2 says 5"), "{stocks}");
    assert!(read(&["eu,S,B0756FCPPN,TR,1,,,5,", "eu,S,B0756FCPPN,DE,1,,,,", "na,S,B0756FCPPN,US,1,,,6,"]).is_ok());
}

#[test]
fn the_header_is_mandatory_and_holds_no_unknown_column() {
    let whole = |text: &str| Catalogue::read(text.as_bytes(), &accounts()).map_err(|errors| errors.0[0].to_string());
    assert!(whole("eu,S,B0756FCPPN,TR,1,,,,").unwrap_err().starts_with("line 1: unknown column `eu`"));
    assert!(whole(&format!("{HEADER},note\n")).unwrap_err().contains("unknown column `note`"));
    assert!(whole("account,sku,asin,marketplace\n").unwrap_err().contains("postcode: the column is missing"));
    assert!(whole("account,sku,sku,asin,marketplace,postcode\n").unwrap_err().contains("stands twice"));
    let reordered = "\u{feff}sku,account,asin,postcode,marketplace\r\nS,eu,B0756FCPPN,34000,TR\r\n";
    assert_eq!(whole(reordered).unwrap().rows[0].postcode, "34000");
}

#[test]
fn another_form_is_read_where_it_is_asked_for_and_told_by_its_own_names() {
    let mut layout = Layout::default();
    (layout.delimiter, layout.decimal_comma) = (b';', true);
    layout.written = "2026-11-25T10:00:00Z".parse().ok();
    for (column, theirs) in
        [("sku", "Artikelnummer"), ("asin", "ASIN"), ("min_price", "Mindestpreis"), ("quantity", "Bestand")]
    {
        layout.map(column, theirs).unwrap();
    }
    for (column, value) in [("account", "eu"), ("marketplace", "DE"), ("postcode", "10115")] {
        layout.set(column, value).unwrap();
    }
    assert_eq!(layout.map("price", "Preis"), Err(UnknownColumn("price".into())));
    let read = |text: &str| Catalogue::read_as(&layout, text.as_bytes(), &accounts());
    let catalogue = read(
        "\u{feff}Artikelnummer;Farbe;ASIN;Mindestpreis;Bestand;marketplace;stock_at\n\
        S;rot;B0756FCPPN;75,50;7;FR;\nT;;B0756FCPPN;;;;2026-11-24T09:00:00+01:00\n",
    )
    .unwrap();
    let [first, second] = &catalogue.rows[..] else { panic!() };
    assert_eq!((first.sku.as_str(), first.marketplace.country(), first.quantity), ("S", "DE", Some(7)));
    assert_eq!((first.min_price, first.stock_at), ("75.50".parse().ok(), layout.written));
    assert_eq!(second.stock_at, "2026-11-24T08:00:00Z".parse().ok());
    assert_eq!(catalogue.ignored, ["Farbe", "marketplace"], "what is the same for every row is not read");

    let told = |text: &str| read(text).unwrap_err().0.iter().map(ToString::to_string).collect::<Vec<_>>();
    let header = "Artikelnummer;ASIN;Mindestpreis;Bestand";
    let errors = told(&format!("{header}\nS;B0756FCPPN;75.50;x\n;B0756FCPPN;;\n"));
    assert!(
        errors[0].starts_with("line 2: Mindestpreis (min_price): `75.50` is no price: digits with a comma"),
        "{errors:?}"
    );
    assert!(errors[1].starts_with("line 2: Bestand (quantity): `x`"), "{errors:?}");
    let thousands = told(&format!("{header}\nS;B0756FCPPN;1,230;\n"));
    assert_eq!(
        thousands,
        ["line 2: Mindestpreis (min_price): `1,230` may mean 1,23 or 1230: no three digits after the comma"]
    );
    assert_eq!(errors[2..], ["line 3: Artikelnummer (sku): must not be empty"]);
    let missing = told("Artikelnummer;ASIN;Bestand\n");
    assert_eq!(missing, ["line 1: Mindestpreis (min_price): the column is missing in the header"]);
    assert!(told(&format!("{header};ASIN\n"))[0].contains("ASIN (asin): the column stands twice"));
}

#[test]
fn text_that_is_not_utf8_is_told_with_its_line() {
    let mut text = format!("{HEADER}\neu,S,B0756FCPPN,TR,1,,,,\neu,").into_bytes();
    text.extend_from_slice(b"S\xfcET,B0756FCPPN,TR,1,,,,\n");
    let errors = Catalogue::read(&text[..], &accounts()).unwrap_err();
    assert_eq!(errors.0[0].to_string(), "line 3: not UTF-8 text");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_or_accept_a_price_of_zero(text in "[ -~\n\"ü]{0,200}") {
        let whole = format!("{HEADER}\n{text}");
        if let Ok(catalogue) = Catalogue::read(whole.as_bytes(), &accounts()) {
            for row in catalogue.rows {
                prop_assert!(row.min_price.is_none_or(|price| price > Decimal::ZERO));
            }
        }
    }
}
