//! One value for a store of Amazon, known by the names that every vendor has for it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One of Amazon's stores.
///
/// ```
/// use asin_facade::Marketplace;
/// let store: Marketplace = "TR".parse()?;
/// assert_eq!(store, "A33AVAJ2PDY3EV".parse()?);
/// assert_eq!((store.domain(), store.currency().as_str()), ("amazon.com.tr", "TRY"));
/// # Ok::<(), asin_facade::UnknownMarketplace>(())
/// ```
#[derive(Clone, Copy)]
pub struct Marketplace(&'static Row);

struct Row {
    country: &'static str,
    id: &'static str,
    domain: &'static str,
    currency: &'static str,
    /// DataForSEO's location code of a country: 2000 and the ISO 3166 number.
    location: u32,
    language: &'static str,
    zone: &'static str,
}

const fn row(
    country: &'static str,
    id: &'static str,
    domain: &'static str,
    currency: &'static str,
    location: u32,
    language: &'static str,
    zone: &'static str,
) -> Row {
    Row { country, id, domain, currency, location, language, zone }
}

/// Identifiers: Amazon's page "Marketplace IDs"; location and language codes: DataForSEO's Amazon lists; time zones: IANA's
/// table of zones by country.
static ROWS: [Row; 23] = [
    row("US", "ATVPDKIKX0DER", "amazon.com", "USD", 2840, "en_US", "America/New_York"),
    row("CA", "A2EUQ1WTGCTBG2", "amazon.ca", "CAD", 2124, "en_CA", "America/Toronto"),
    row("MX", "A1AM78C64UM0Y8", "amazon.com.mx", "MXN", 2484, "es_MX", "America/Mexico_City"),
    row("BR", "A2Q3Y263D00KWC", "amazon.com.br", "BRL", 2076, "pt_BR", "America/Sao_Paulo"),
    row("IE", "A28R8C7NBKEWEA", "amazon.ie", "EUR", 2372, "en_IE", "Europe/Dublin"),
    row("ES", "A1RKKUPIHCS9HS", "amazon.es", "EUR", 2724, "es_ES", "Europe/Madrid"),
    row("UK", "A1F83G8C2ARO7P", "amazon.co.uk", "GBP", 2826, "en_GB", "Europe/London"),
    row("FR", "A13V1IB3VIYZZH", "amazon.fr", "EUR", 2250, "fr_FR", "Europe/Paris"),
    row("BE", "AMEN7PMS3EDWL", "amazon.com.be", "EUR", 2056, "fr_BE", "Europe/Brussels"),
    row("NL", "A1805IZSGTT6HS", "amazon.nl", "EUR", 2528, "nl_NL", "Europe/Amsterdam"),
    row("DE", "A1PA6795UKMFR9", "amazon.de", "EUR", 2276, "de_DE", "Europe/Berlin"),
    row("IT", "APJ6JRA9NG5V4", "amazon.it", "EUR", 2380, "it_IT", "Europe/Rome"),
    row("SE", "A2NODRKZP88ZB9", "amazon.se", "SEK", 2752, "sv_SE", "Europe/Stockholm"),
    row("ZA", "AE08WJ6YKNBMC", "amazon.co.za", "ZAR", 2710, "en_ZA", "Africa/Johannesburg"),
    row("PL", "A1C3SOZRARQ6R3", "amazon.pl", "PLN", 2616, "pl_PL", "Europe/Warsaw"),
    row("EG", "ARBP9OOSHTCHU", "amazon.eg", "EGP", 2818, "ar_EG", "Africa/Cairo"),
    row("TR", "A33AVAJ2PDY3EV", "amazon.com.tr", "TRY", 2792, "tr_TR", "Europe/Istanbul"),
    row("SA", "A17E79C6D8DWNP", "amazon.sa", "SAR", 2682, "ar_SA", "Asia/Riyadh"),
    row("AE", "A2VIGQ35RCS4UG", "amazon.ae", "AED", 2784, "en_AE", "Asia/Dubai"),
    row("IN", "A21TJRUUN4KGV", "amazon.in", "INR", 2356, "en_IN", "Asia/Kolkata"),
    row("SG", "A19VAU5U5O7RUS", "amazon.sg", "SGD", 2702, "en_SG", "Asia/Singapore"),
    row("AU", "A39IBJ37TRP1C6", "amazon.com.au", "AUD", 2036, "en_AU", "Australia/Sydney"),
    row("JP", "A1VC38T7YXB528", "amazon.co.jp", "JPY", 2392, "ja_JP", "Asia/Tokyo"),
];

/// A text that names no store of Amazon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no marketplace: give a country code such as `TR` or Amazon's identifier such as `A33AVAJ2PDY3EV`")]
pub struct UnknownMarketplace(String);

impl Marketplace {
    /// Every store, the Americas first, then Europe and the Middle East, then the Far East.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(Self)
    }

    /// The store at this domain, with `www.` or without.
    pub fn of_domain(domain: &str) -> Option<Self> {
        Self::all().find(|store| store.domain() == domain.trim_start_matches("www."))
    }

    /// The country code, as Amazon writes it (`UK`, not `GB`).
    pub fn country(self) -> &'static str {
        self.0.country
    }

    /// Amazon's marketplace identifier.
    pub fn id(self) -> &'static str {
        self.0.id
    }

    /// The store's domain, as MultiCart and DataForSEO name it.
    pub fn domain(self) -> &'static str {
        self.0.domain
    }

    /// The currency that it sells in.
    pub fn currency(self) -> Currency {
        Currency::from_code(self.0.currency).expect("the table holds ISO 4217 codes")
    }

    /// DataForSEO's location code of the country.
    pub fn location_code(self) -> u32 {
        self.0.location
    }

    /// DataForSEO's language code.
    pub fn language_code(self) -> &'static str {
        self.0.language
    }

    /// The time zone of the country's capital, by its IANA name such as `Europe/Istanbul`: the clock of the people who run
    /// a shop there. No vendor says one for a store.
    pub fn time_zone(self) -> &'static str {
        self.0.zone
    }

    /// The same store in the words of `sp-listings`.
    #[cfg(feature = "sp-listings")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sp-listings")))]
    pub fn listings(self) -> sp_listings::Marketplace {
        sp_listings::Marketplace::from(self.0.id)
    }

    /// The region whose endpoint serves this store.
    #[cfg(feature = "sp-listings")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sp-listings")))]
    pub fn region(self) -> sp_listings::Region {
        self.listings().region().expect("both tables hold the same stores, as a test shows")
    }
}

impl FromStr for Marketplace {
    type Err = UnknownMarketplace;
    fn from_str(text: &str) -> Result<Self, UnknownMarketplace> {
        let wanted = |row: &&Row| row.id == text || row.country == text || (row.country == "UK" && text == "GB");
        ROWS.iter().find(wanted).map(Self).ok_or_else(|| UnknownMarketplace(text.chars().take(40).collect()))
    }
}

impl PartialEq for Marketplace {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Marketplace {}

impl PartialOrd for Marketplace {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Marketplace {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.country.cmp(other.0.country)
    }
}

impl std::hash::Hash for Marketplace {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for Marketplace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.country)
    }
}

impl fmt::Display for Marketplace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.country)
    }
}

impl Serialize for Marketplace {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.country)
    }
}

impl<'de> Deserialize<'de> for Marketplace {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A currency, by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Reads a code such as `TRY`.
    pub fn from_code(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency code is made of ASCII letters only")
    }

    /// How many digits an amount has after the dot.
    pub fn decimals(self) -> u32 {
        if self.as_str() == "JPY" { 0 } else { 2 }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_code(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no currency code")))
    }
}

/// An amount in one currency, taxes included. Prices in different currencies neither compare nor add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Price {
    /// The amount.
    pub amount: Decimal,
    /// Its currency.
    pub currency: Currency,
}

impl Price {
    /// The amount alone, with all its decimals and at least as many as the currency has: `75.50`.
    pub fn digits(&self) -> String {
        let digits = self.currency.decimals().max(self.amount.normalize().scale()) as usize;
        format!("{:.digits$}", self.amount)
    }

    /// An amount in a currency.
    pub fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// The sum; `None` for two currencies, or beyond what a decimal holds.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let amount = (self.currency == other.currency).then(|| self.amount.checked_add(other.amount))??;
        Some(Self { amount, ..self })
    }

    /// The difference; `None` for two currencies, or beyond what a decimal holds.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let amount = (self.currency == other.currency).then(|| self.amount.checked_sub(other.amount))??;
        Some(Self { amount, ..self })
    }

    /// So many percent of it; `None` beyond what a decimal holds.
    pub fn percent(self, percent: Decimal) -> Option<Self> {
        let amount = self.amount.checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?;
        Some(Self { amount, ..self })
    }
}

impl PartialOrd for Price {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (self.currency == other.currency).then(|| self.amount.cmp(&other.amount))
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {}", self.digits(), self.currency))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_store_is_found_by_its_country_and_by_its_identifier() {
        for store in Marketplace::all() {
            assert_eq!(store.country().parse(), Ok(store));
            assert_eq!(store.id().parse(), Ok(store));
            assert_eq!(store.currency().as_str().len(), 3);
            // Without other crates of the workspace `jiff` knows no time zones at all.
            let zones = jiff::tz::db();
            assert!(zones.is_definitively_empty() || zones.get(store.time_zone()).is_ok(), "{store}");
        }
        assert!("XX".parse::<Marketplace>().is_err());
    }

    #[cfg(feature = "sp-listings")]
    #[test]
    fn both_tables_of_stores_agree() {
        for store in Marketplace::all() {
            let listings = store.listings();
            assert_eq!(listings.currency(), Some(store.currency().as_str()), "{store}");
            assert_eq!(
                listings.domain().map(|domain| domain.trim_start_matches("www.")),
                Some(store.domain()),
                "{store}"
            );
            let _known = store.region();
        }
    }

    #[test]
    fn prices_of_two_currencies_do_not_meet() {
        let price = |amount: &str, code| Price::new(amount.parse().unwrap(), Currency::from_code(code).unwrap());
        assert!(price("1.00", "TRY") < price("1.01", "TRY"));
        assert_eq!(price("1", "TRY").partial_cmp(&price("2", "EUR")), None);
        assert_eq!(price("1", "TRY").checked_add(price("2.50", "TRY")), Some(price("3.50", "TRY")));
        assert_eq!(price("1", "TRY").checked_sub(price("2", "TRY")), Some(price("-1", "TRY")));
        assert_eq!(price("1", "TRY").checked_add(price("2", "EUR")), None);
        assert_eq!(price("1", "TRY").checked_sub(price("2", "EUR")), None);
        assert_eq!(price("80", "TRY").percent(Decimal::from(5)), Some(price("4", "TRY")));
        assert_eq!(Price { amount: Decimal::MAX, ..price("1", "TRY") }.percent(Decimal::from(5)), None);
        assert_eq!(
            (price("75.5", "TRY").to_string(), price("1200", "JPY").to_string()),
            ("75.50 TRY".into(), "1200 JPY".into())
        );
    }
}
