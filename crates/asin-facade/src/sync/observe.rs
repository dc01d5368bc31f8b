//! Observe: what the market shows, from paid `sellers` tasks and from MultiCart's outputs.

use super::{
    Observation, Outcome, Reason, Source, Step,
    run::{Run, Slot, SyncError},
    state::{Place, Seen},
};
use crate::{Asin, Currency, Marketplace};
use dataforseo_merchant::{Kind, SellersResult, TaskResult};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use multicart::{AsinRow, GetOutput, ListAsins, ListOutputs, Output};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    str::FromStr,
};

/// Offers that MultiCart has seen, by product.
pub(super) type Outputs = BTreeMap<Asin, Vec<Observation>>;

/// The newest outputs are read, at most this many.
const NEWEST_OUTPUTS: usize = 500;

impl Run<'_> {
    /// The products and stores whose price may move and of which nothing fresh is known.
    pub(super) fn unobserved(&self, slots: &[Slot], busy: &HashSet<(Kind, Place)>, outputs: &Outputs) -> Vec<Place> {
        let (state, now) = (self.state(), Timestamp::now());
        let confirmed = |slot: &Slot| {
            let mut seen = outputs.get(&slot.row.asin).into_iter().flatten();
            seen.any(|observation| observation.doubts(&self.question(slot, now)).is_empty())
        };
        let priced = slots.iter().filter(|slot| slot.row.min_price.is_some() && !confirmed(slot));
        let places: BTreeSet<Place> = priced.map(Slot::place).collect();
        let unseen =
            places.into_iter().filter(|place| state.seen(*place, now, self.options.max_observation_age).is_none());
        unseen.filter(|place| !busy.contains(&(Kind::Sellers, *place))).collect()
    }

    /// Collects the observations that have been paid for, in this run or an earlier one.
    pub(super) async fn collect_sellers(&self) -> Result<(), SyncError> {
        let entries = self.paid(Kind::Sellers).await?;
        let pending = Reason::new("observation_pending", "paid for, but not ready yet; the next run collects it");
        for place in entries.iter().filter_map(|entry| Place::from_label(&entry.label)) {
            self.excuse(place, Outcome::Skipped(pending.clone()));
        }
        let keep = |place: Place, result| {
            let observations = match result {
                TaskResult::Sellers(result) => {
                    self.observed(place);
                    offers(&result)
                }
                TaskResult::Empty => {
                    self.observed(place);
                    Vec::new()
                }
                TaskResult::Failed(fault) => {
                    self.excuse(place, Outcome::Failed(Reason::new("task_failed", fault.to_string())));
                    Vec::new()
                }
                TaskResult::Unreadable { error, .. } => {
                    self.excuse(place, Outcome::Failed(Reason::new("unreadable_answer", error.to_string())));
                    return Ok(false);
                }
                _ => return Ok(false),
            };
            self.state().keep_seen(place, Seen { observations, at: Timestamp::now() })?;
            Ok(true)
        };
        self.collect(Step::Observe, entries, keep).await
    }

    /// Reads the newest outputs of the MultiCart collection; free. Trouble with it is said and costs nothing else.
    pub(super) async fn read_outputs(&self) -> Outputs {
        match self.outputs().await {
            Ok(outputs) => outputs,
            Err(error) => {
                self.note(format!("MultiCart's outputs could not be read: {error}"));
                Outputs::new()
            }
        }
    }

    async fn outputs(&self) -> core_http::Result<Outputs> {
        let Some(collection) = self.options.collection else { return Ok(Outputs::new()) };
        let client = &self.services.multicart;
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
            observation.marketplace = store_of(asin, &rows);
            if let (None, Some(store)) = (observation.currency, observation.marketplace) {
                observation.currency = content.get("price").and_then(|price| sign(price.as_str()?, store.currency()));
            }
            let known = outputs.entry(asin).or_default();
            // The list is newest first: one observation for each product and store, the newest.
            if !known.iter().any(|known| known.marketplace == observation.marketplace) {
                known.push(observation);
            }
        }
        Ok(outputs)
    }
}

/// When an output was last written.
fn made(output: &Output) -> Option<Timestamp> {
    let time = |text: &Option<String>| text.as_deref().and_then(core_http::lenient::timestamp);
    time(&output.updated_at).or(time(&output.created_at))
}

/// The offers on a page of sellers, each with what the page says of it.
fn offers(result: &SellersResult) -> Vec<Observation> {
    let marketplace = store(result.se_domain.as_deref(), result.location_code);
    let at = result.datetime.as_ref().and_then(dataforseo_merchant::VendorTime::timestamp);
    let offers = result.offers().map(|offer| Observation {
        in_stock: offer.in_stock(),
        source: Source::DataforseoSellers,
        asin: result.asin,
        marketplace,
        amount: offer.price,
        currency: offer.currency.as_deref().and_then(Currency::from_code),
        condition: offer.condition,
        seller_id: offer.seller_id,
        seller: offer.seller_name,
        at,
    });
    offers.collect()
}

fn store(domain: Option<&str>, location: Option<i64>) -> Option<Marketplace> {
    match (domain, location) {
        (Some(domain), _) => Marketplace::all().find(|store| store.domain() == domain.trim_start_matches("www.")),
        (None, Some(location)) => Marketplace::all().find(|store| i64::from(store.location_code()) == location),
        (None, None) => None,
    }
}

/// The store of an output, which does not say it itself: that of the collection's rows of this product, if all agree.
fn store_of(asin: Asin, rows: &[AsinRow]) -> Option<Marketplace> {
    let mut domains =
        rows.iter().filter(|row| row.asin == Some(asin)).map(|row| Some(row.domain.as_ref()?.domain.as_str()));
    let first = domains.next()??;
    domains.all(|domain| domain == Some(first)).then(|| store(Some(first), None))?
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
    fn an_output_says_only_what_stands_in_it() {
        let content =
            json!({"asin": "B0DJQQ38TG", "title": "Example Product", "price": "$49.99", "availability": "In Stock"});
        let seen = scraped(&content, None).unwrap();
        assert_eq!((seen.amount, seen.in_stock), (Some("49.99".parse().unwrap()), Some(true)));
        assert_eq!((seen.currency, seen.condition, seen.seller_id, seen.marketplace), (None, None, None, None));
    }
}
