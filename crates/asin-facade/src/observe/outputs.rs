//! What MultiCart's outputs say.

use crate::{Asin, Currency, Marketplace, Observation, Source};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use multicart::{AsinRow, CollectionId, GetOutput, ListAsins, ListOutputs, McClient, Output};
use rust_decimal::Decimal;
use std::{collections::BTreeMap, str::FromStr};

/// Offers that MultiCart has seen, by product.
pub(crate) type Outputs = BTreeMap<Asin, Vec<Observation>>;

/// The newest outputs are read, at most this many.
const NEWEST_OUTPUTS: usize = 500;

/// Adds the newest outputs of a collection, all or none; free.
pub(crate) async fn read(client: &McClient, collection: CollectionId, all: &mut Outputs) -> core_http::Result<()> {
    let rows: Vec<AsinRow> = client.pages(ListAsins::new(collection)).items().try_collect().await?;
    let mut newest: Vec<_> = client.pages(ListOutputs::new(collection)).items().try_collect().await?;
    newest.sort_by_key(|output| std::cmp::Reverse((made(output), output.id)));
    let mut outputs = Outputs::new();
    for output in newest.into_iter().take(NEWEST_OUTPUTS) {
        let record = client.call(GetOutput::new(output.id)).await?;
        let at = made(&record).or(made(&output));
        let Some(content) = &record.output_json else { continue };
        let Some(mut observation) = scraped(content, at) else { continue };
        let Some(asin) = observation.asin else { continue };
        // An output does not say its place itself: it is that of the collection's rows of the product.
        observation.marketplace =
            agreed(asin, &rows, |row| Some(row.domain.as_ref()?.domain.as_str())).and_then(Marketplace::of_domain);
        observation.postcode =
            agreed(asin, &rows, |row| Some(row.postcode.as_ref()?.zipcode.as_str())).map(str::to_owned);
        if let (None, Some(store)) = (observation.currency, observation.marketplace) {
            observation.currency = content.get("price").and_then(|price| sign(price.as_str()?, store.currency()));
        }
        let known = outputs.entry(asin).or_default();
        // The list is newest first: one observation for each product and place, the newest.
        let place = |seen: &Observation| (seen.marketplace, seen.postcode.clone());
        if !known.iter().any(|known| place(known) == place(&observation)) {
            known.push(observation);
        }
    }
    outputs.into_iter().for_each(|(asin, seen)| all.entry(asin).or_default().extend(seen));
    Ok(())
}

/// When an output was last written.
fn made(output: &Output) -> Option<Timestamp> {
    let time = |text: &Option<String>| text.as_deref().and_then(core_http::lenient::timestamp);
    time(&output.updated_at).or(time(&output.created_at))
}

/// What the rows of a product say, if all agree.
fn agreed(asin: Asin, rows: &[AsinRow], says: impl Fn(&AsinRow) -> Option<&str>) -> Option<&str> {
    let mut said = rows.iter().filter(|row| row.asin == Some(asin)).map(says);
    let first = said.next()??;
    said.all(|other| other == Some(first)).then_some(first)
}

/// The currency that the sign in a displayed price stands for. A sign that many share says nothing where it fits, and
/// speaks against the price where it does not.
fn sign(displayed: &str, expected: Currency) -> Option<Currency> {
    const SIGNS: [(&str, &[&str]); 9] = [
        ("€", &["EUR"]),
        ("£", &["GBP", "EGP"]),
        ("₺", &["TRY"]),
        ("TL", &["TRY"]),
        ("zł", &["PLN"]),
        ("kr", &["SEK"]),
        ("₹", &["INR"]),
        ("￥", &["JPY"]),
        ("$", &["USD", "CAD", "AUD", "MXN", "SGD", "BRL"]),
    ];
    let (_, codes) = SIGNS.iter().find(|(sign, _)| displayed.contains(sign))?;
    match codes {
        [only] => Currency::from_code(only),
        several if several.contains(&expected.as_str()) => None,
        several => Currency::from_code(several.first()?),
    }
}

/// What a scraped output says. It has no schema: `asin`, `price` and `availability` are known from the vendor's example,
/// and a condition, seller or currency counts only where it is said.
fn scraped(content: &serde_json::Value, at: Option<Timestamp>) -> Option<Observation> {
    let text = |key: &str| content.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    // Without a price it still says more than an older output does.
    let price = content.get("price");
    let number = || Decimal::from_str(&price?.as_number()?.to_string()).ok();
    let amount = price.and_then(|price| price.as_str()).and_then(displayed).or_else(number);
    let said = text("availability").map(|said| said.trim().to_lowercase());
    let in_stock = match said.as_deref() {
        Some("in stock") => Some(true),
        Some(said) if said.contains("out of stock") || said.contains("unavailable") => Some(false),
        _ => None,
    };
    Some(Observation {
        source: Source::MulticartOutput,
        asin: text("asin")?.parse().ok(),
        marketplace: None,
        postcode: None,
        amount,
        currency: text("currency").as_deref().and_then(Currency::from_code),
        condition: text("condition"),
        in_stock,
        seller_id: text("seller_id"),
        seller: text("seller"),
        at,
    })
}

/// Reads a price as a page displays it: `$49.99`, `1.234,50 €`, `1 234,50 €`, `75,50 TL`, `￥1,200`. Unclear ones, such as
/// a range or two prices, are `None`.
fn displayed(text: &str) -> Option<Decimal> {
    let (first, last) = (text.find(|c: char| c.is_ascii_digit())?, text.rfind(|c: char| c.is_ascii_digit())?);
    let mut groups = text[first..=last].split(char::is_whitespace);
    let mut number = groups.next()?.to_owned();
    for group in groups {
        // A space within a price stands before three digits.
        if group.bytes().take_while(u8::is_ascii_digit).count() != 3 {
            return None;
        }
        number.push_str(group);
    }
    if number.bytes().any(|byte| !byte.is_ascii_digit() && !matches!(byte, b'.' | b',')) {
        return None;
    }
    let clean = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let plain = match number.rfind(['.', ',']) {
        None => number,
        // Three digits after the last mark are thousands, one or two are decimals.
        Some(at) => match number.len() - at - 1 {
            1 | 2 => format!("{}.{}", clean(&number[..at]), &number[at + 1..]),
            3 => clean(&number),
            _ => return None,
        },
    };
    Decimal::from_str(&plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn displayed_prices_of_all_stores_are_read_and_unclear_ones_are_not() {
        let read = |text| displayed(text).map(|price| price.to_string());
        let pairs = [
            ("$49.99", "49.99"),
            ("1.234,50 €", "1234.50"),
            ("75,50 TL", "75.50"),
            ("￥1,200", "1200"),
            ("£1,299.00", "1299.00"),
            ("R$ 12,5", "12.5"),
            ("890", "890"),
            ("1\u{202f}234,50\u{a0}€", "1234.50"),
            ("12 345 kr", "12345"),
        ];
        for (text, price) in pairs {
            assert_eq!(read(text).as_deref(), Some(price), "{text}");
        }
        for text in
            ["", "see price in cart", "1.2345", "$10.00 - $20.00", "$49 99", "2 x 3.50", "$49.99 ($5.00 / count)"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_sign_that_does_not_fit_the_store_speaks_against_a_price() {
        let currency = |code| Currency::from_code(code).unwrap();
        assert_eq!(sign("$49.99", currency("AUD")), None);
        assert_eq!(sign("$49.99", currency("TRY")), Some(currency("USD")));
        assert_eq!(sign("75,50 TL", currency("TRY")), Some(currency("TRY")));
        assert_eq!(sign("12,00 €", currency("SEK")), Some(currency("EUR")));
        assert_eq!(sign("49.99", currency("AUD")), None);
    }

    #[test]
    fn rows_of_one_place_say_it_and_rows_of_two_do_not() {
        let row = |id: u64, postcode: &str| -> AsinRow {
            let place = json!({"id": id, "zipcode": postcode});
            serde_json::from_value(json!({"id": id, "asin": "B0DJQQ38TG", "customer_postcode": place})).unwrap()
        };
        let asin = "B0DJQQ38TG".parse().unwrap();
        let said = |rows: &[AsinRow]| {
            agreed(asin, rows, |row| Some(row.postcode.as_ref()?.zipcode.as_str())).map(str::to_owned)
        };
        assert_eq!(said(&[row(1, "10115"), row(2, "10115")]).as_deref(), Some("10115"));
        assert_eq!(said(&[row(1, "10115"), row(2, "80331")]), None);
        assert_eq!(said(&[]), None);
    }

    #[test]
    fn an_output_says_only_what_stands_in_it() {
        let content =
            json!({"asin": "B0DJQQ38TG", "title": "Example Product", "price": "$49.99", "availability": "In Stock"});
        let seen = scraped(&content, None).unwrap();
        assert_eq!((seen.amount, seen.in_stock), (Some("49.99".parse().unwrap()), Some(true)));
        assert_eq!((seen.currency, seen.condition, seen.seller_id, seen.marketplace), (None, None, None, None));
    }
}
