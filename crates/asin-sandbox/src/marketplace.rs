//! Amazon's stores: one row each, with what every vendor calls it.
//!
//! Identifiers and regions: Amazon's page "Marketplace IDs". Location codes: DataForSEO's country locations, which are
//! 2000 plus the ISO 3166 number of the country.

use serde::{Deserialize, Serialize};

/// The part of the world whose endpoint and refresh tokens a selling account uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// North and South America.
    #[default]
    Na,
    /// Europe, the Middle East, Africa and India.
    Eu,
    /// The Far East and Australia.
    Fe,
}

/// One Amazon store.
#[derive(Debug)]
pub(crate) struct Marketplace {
    pub(crate) id: &'static str,
    pub(crate) region: Region,
    pub(crate) country_code: &'static str,
    pub(crate) country: &'static str,
    pub(crate) location_code: u32,
    pub(crate) domain: &'static str,
    pub(crate) currency: &'static str,
    pub(crate) language: &'static str,
}

const fn row(
    id: &'static str,
    region: Region,
    names: (&'static str, &'static str),
    location_code: u32,
    domain: &'static str,
    money_and_language: (&'static str, &'static str),
) -> Marketplace {
    let (country_code, country) = names;
    let (currency, language) = money_and_language;
    Marketplace { id, region, country_code, country, location_code, domain, currency, language }
}

/// All stores.
#[rustfmt::skip]
pub(crate) static MARKETPLACES: [Marketplace; 23] = [
    row("A2EUQ1WTGCTBG2", Region::Na, ("CA", "Canada"), 2124, "amazon.ca", ("CAD", "en_CA")),
    row("ATVPDKIKX0DER", Region::Na, ("US", "United States"), 2840, "amazon.com", ("USD", "en_US")),
    row("A1AM78C64UM0Y8", Region::Na, ("MX", "Mexico"), 2484, "amazon.com.mx", ("MXN", "es_MX")),
    row("A2Q3Y263D00KWC", Region::Na, ("BR", "Brazil"), 2076, "amazon.com.br", ("BRL", "pt_BR")),
    row("A28R8C7NBKEWEA", Region::Eu, ("IE", "Ireland"), 2372, "amazon.ie", ("EUR", "en_IE")),
    row("A1RKKUPIHCS9HS", Region::Eu, ("ES", "Spain"), 2724, "amazon.es", ("EUR", "es_ES")),
    row("A1F83G8C2ARO7P", Region::Eu, ("GB", "United Kingdom"), 2826, "amazon.co.uk", ("GBP", "en_GB")),
    row("A13V1IB3VIYZZH", Region::Eu, ("FR", "France"), 2250, "amazon.fr", ("EUR", "fr_FR")),
    row("AMEN7PMS3EDWL", Region::Eu, ("BE", "Belgium"), 2056, "amazon.com.be", ("EUR", "fr_BE")),
    row("A1805IZSGTT6HS", Region::Eu, ("NL", "Netherlands"), 2528, "amazon.nl", ("EUR", "nl_NL")),
    row("A1PA6795UKMFR9", Region::Eu, ("DE", "Germany"), 2276, "amazon.de", ("EUR", "de_DE")),
    row("APJ6JRA9NG5V4", Region::Eu, ("IT", "Italy"), 2380, "amazon.it", ("EUR", "it_IT")),
    row("A2NODRKZP88ZB9", Region::Eu, ("SE", "Sweden"), 2752, "amazon.se", ("SEK", "sv_SE")),
    row("AE08WJ6YKNBMC", Region::Eu, ("ZA", "South Africa"), 2710, "amazon.co.za", ("ZAR", "en_ZA")),
    row("A1C3SOZRARQ6R3", Region::Eu, ("PL", "Poland"), 2616, "amazon.pl", ("PLN", "pl_PL")),
    row("ARBP9OOSHTCHU", Region::Eu, ("EG", "Egypt"), 2818, "amazon.eg", ("EGP", "ar_EG")),
    row("A33AVAJ2PDY3EV", Region::Eu, ("TR", "Turkiye"), 2792, "amazon.com.tr", ("TRY", "tr_TR")),
    row("A17E79C6D8DWNP", Region::Eu, ("SA", "Saudi Arabia"), 2682, "amazon.sa", ("SAR", "ar_SA")),
    row("A2VIGQ35RCS4UG", Region::Eu, ("AE", "United Arab Emirates"), 2784, "amazon.ae", ("AED", "en_AE")),
    row("A21TJRUUN4KGV", Region::Eu, ("IN", "India"), 2356, "amazon.in", ("INR", "en_IN")),
    row("A19VAU5U5O7RUS", Region::Fe, ("SG", "Singapore"), 2702, "amazon.sg", ("SGD", "en_SG")),
    row("A39IBJ37TRP1C6", Region::Fe, ("AU", "Australia"), 2036, "amazon.com.au", ("AUD", "en_AU")),
    row("A1VC38T7YXB528", Region::Fe, ("JP", "Japan"), 2392, "amazon.co.jp", ("JPY", "ja_JP")),
];

impl Marketplace {
    pub(crate) fn of(id: &str) -> Option<&'static Marketplace> {
        MARKETPLACES.iter().find(|marketplace| marketplace.id == id)
    }

    pub(crate) fn at_location(code: u64) -> Option<&'static Marketplace> {
        MARKETPLACES.iter().find(|marketplace| u64::from(marketplace.location_code) == code)
    }

    /// Finds the store of `HA1,England,United Kingdom`: the country is the last part of a location's name.
    pub(crate) fn in_location(name: &str) -> Option<&'static Marketplace> {
        let country = name.rsplit(',').next().unwrap_or_default().trim();
        MARKETPLACES.iter().find(|marketplace| marketplace.country.eq_ignore_ascii_case(country))
    }

    pub(crate) fn on_domain(domain: &str) -> Option<&'static Marketplace> {
        MARKETPLACES.iter().find(|marketplace| marketplace.domain == domain)
    }

    /// The language's name as DataForSEO lists it: `English (United States)`.
    pub(crate) fn language_name(&self) -> String {
        let name = match self.language.split('_').next().unwrap_or_default() {
            "ar" => "Arabic",
            "de" => "German",
            "es" => "Spanish",
            "fr" => "French",
            "it" => "Italian",
            "ja" => "Japanese",
            "nl" => "Dutch",
            "pl" => "Polish",
            "pt" => "Portuguese",
            "sv" => "Swedish",
            "tr" => "Turkish",
            _ => "English",
        };
        format!("{name} ({})", self.country)
    }

    pub(crate) fn speaks_code(code: &str) -> bool {
        MARKETPLACES.iter().any(|marketplace| marketplace.language == code)
    }

    /// `English` alone is accepted too: the vendor's own sample code sends it.
    pub(crate) fn speaks_name(name: &str) -> bool {
        MARKETPLACES.iter().any(|marketplace| {
            let full = marketplace.language_name();
            full == name || full.split(" (").next() == Some(name)
        })
    }

    /// A price as the store's pages show it.
    pub(crate) fn displayed(&self, price: rust_decimal::Decimal, currency: &str) -> String {
        match currency {
            "USD" | "AUD" | "CAD" | "SGD" | "MXN" => format!("${price}"),
            "GBP" => format!("£{price}"),
            "EUR" => format!("{} €", price.to_string().replace('.', ",")),
            "JPY" => format!("￥{price}"),
            "TRY" => format!("{}TL", price.to_string().replace('.', ",")),
            other => format!("{other} {price}"),
        }
    }
}
