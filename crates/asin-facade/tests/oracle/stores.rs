//! The oracle's own list of stores, with what it needs to know of each.

use asin_sandbox::Region;
use rust_decimal::Decimal;

/// One store of Amazon.
#[derive(Debug, PartialEq, Eq)]
pub struct Store {
    pub id: &'static str,
    pub country: &'static str,
    pub region: Region,
    pub currency: &'static str,
    pub decimals: u32,
    pub domain: &'static str,
    pub location: u64,
    /// How its pages say that an item is new.
    pub new: &'static [&'static str],
    /// How they say that it is not.
    pub used: &'static str,
    /// How they write a price: what stands before and behind it, and the mark before the decimals.
    money: (&'static str, &'static str, char),
}

#[rustfmt::skip]
pub static STORES: [Store; 9] = [
    Store { id: "ATVPDKIKX0DER", country: "US", region: Region::Na, currency: "USD", decimals: 2, domain: "amazon.com",
            location: 2840, new: &["New"], used: "Used - Good", money: ("$", "", '.') },
    Store { id: "A2EUQ1WTGCTBG2", country: "CA", region: Region::Na, currency: "CAD", decimals: 2, domain: "amazon.ca",
            location: 2124, new: &["New", "Neuf"], used: "Used - Like New", money: ("$", "", '.') },
    Store { id: "A1PA6795UKMFR9", country: "DE", region: Region::Eu, currency: "EUR", decimals: 2, domain: "amazon.de",
            location: 2276, new: &["Neu", "New"], used: "Gebraucht - Wie neu", money: ("", " €", ',') },
    Store { id: "A13V1IB3VIYZZH", country: "FR", region: Region::Eu, currency: "EUR", decimals: 2, domain: "amazon.fr",
            location: 2250, new: &["Neuf", "neuf"], used: "D'occasion - Comme neuf", money: ("", " €", ',') },
    Store { id: "A1F83G8C2ARO7P", country: "UK", region: Region::Eu, currency: "GBP", decimals: 2, domain: "amazon.co.uk",
            location: 2826, new: &["New"], used: "Renewed", money: ("£", "", '.') },
    Store { id: "A33AVAJ2PDY3EV", country: "TR", region: Region::Eu, currency: "TRY", decimals: 2, domain: "amazon.com.tr",
            location: 2792, new: &["Yeni", "New"], used: "İkinci El - İyi", money: ("", " TL", ',') },
    Store { id: "A1C3SOZRARQ6R3", country: "PL", region: Region::Eu, currency: "PLN", decimals: 2, domain: "amazon.pl",
            location: 2616, new: &["Nowy", "Nowa"], used: "Używany", money: ("", " zł", ',') },
    Store { id: "A1VC38T7YXB528", country: "JP", region: Region::Fe, currency: "JPY", decimals: 0, domain: "amazon.co.jp",
            location: 2392, new: &["新品", "New"], used: "中古品", money: ("￥", "", '.') },
    Store { id: "A39IBJ37TRP1C6", country: "AU", region: Region::Fe, currency: "AUD", decimals: 2, domain: "amazon.com.au",
            location: 2036, new: &["New"], used: "Used - Acceptable", money: ("$", "", '.') },
];

impl Store {
    pub fn by_id(id: &str) -> Option<&'static Self> {
        STORES.iter().find(|store| store.id == id)
    }

    pub fn at(location: u64) -> Option<&'static Self> {
        STORES.iter().find(|store| store.location == location)
    }

    /// Whether a page of this store calls an item new.
    pub fn says_new(&self, condition: &str) -> bool {
        self.new.iter().any(|new| new.eq_ignore_ascii_case(condition))
    }

    /// An amount of cents as a price that this currency knows.
    pub fn price(&self, cents: i64) -> Decimal {
        if self.decimals == 0 { Decimal::from(cents) } else { Decimal::new(cents, 2) }
    }

    /// A price as the store's pages show it.
    pub fn displayed(&self, price: Decimal) -> String {
        let (before, behind, mark) = self.money;
        format!("{before}{}{behind}", price.to_string().replace('.', &mark.to_string()))
    }
}
