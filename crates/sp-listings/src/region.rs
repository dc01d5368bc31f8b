//! Where a seller sells: Amazon's regions, their endpoints, and the stores in them.

use core_http::Request;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, convert::Infallible, fmt, str::FromStr};

/// A part of the world with an endpoint and refresh tokens of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Region {
    /// North and South America.
    #[serde(rename = "na")]
    NorthAmerica,
    /// Europe, the Middle East, Africa and India.
    #[serde(rename = "eu")]
    Europe,
    /// The Far East and Australia.
    #[serde(rename = "fe")]
    FarEast,
}

impl Region {
    /// Every region.
    pub const ALL: [Self; 3] = [Self::NorthAmerica, Self::Europe, Self::FarEast];

    /// Amazon's abbreviation: `na`, `eu` or `fe`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NorthAmerica => "na",
            Self::Europe => "eu",
            Self::FarEast => "fe",
        }
    }

    /// The URL of the region's endpoint.
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::NorthAmerica => "https://sellingpartnerapi-na.amazon.com",
            Self::Europe => "https://sellingpartnerapi-eu.amazon.com",
            Self::FarEast => "https://sellingpartnerapi-fe.amazon.com",
        }
    }

    /// The AWS region that requests to the endpoint are signed for.
    pub const fn aws_region(self) -> &'static str {
        match self {
            Self::NorthAmerica => "us-east-1",
            Self::Europe => "eu-west-1",
            Self::FarEast => "us-west-2",
        }
    }

    /// The URL of Amazon's own static sandbox for the region.
    pub const fn sandbox_endpoint(self) -> &'static str {
        match self {
            Self::NorthAmerica => "https://sandbox.sellingpartnerapi-na.amazon.com",
            Self::Europe => "https://sandbox.sellingpartnerapi-eu.amazon.com",
            Self::FarEast => "https://sandbox.sellingpartnerapi-fe.amazon.com",
        }
    }
}

/// Whether every store that a request names is in this region, or unknown to this version: `marketplaceIds` and
/// `marketplaceId`, in the query and at the top of a body that creates something.
pub(crate) fn is_served(region: Region, request: &Request) -> Result<(), String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        #[serde(default)]
        marketplace_ids: Vec<String>,
        marketplace_id: Option<String>,
    }
    let query = request.uri().query().unwrap_or_default();
    let mut strangers = Vec::new();
    let mut look = |id: &str| {
        let stranger = STORES.iter().find(|store| store.id == id && store.region != region);
        let words = |store: &Store| format!("{} ({}) is in the region {}", store.id, store.country, store.region);
        strangers.extend(stranger.map(words));
    };
    for (name, list) in url::form_urlencoded::parse(query.as_bytes()) {
        if name == "marketplaceIds" || name == "marketplaceId" {
            list.split(',').for_each(&mut look);
        }
    }
    if request.method() == http::Method::POST
        && let Ok(Named { marketplace_ids, marketplace_id }) = serde_json::from_slice(request.body())
    {
        marketplace_ids.iter().chain(&marketplace_id).for_each(|id| look(id));
    }
    if strangers.is_empty() {
        return Ok(());
    }
    Err(format!("marketplace {}, this client is for the region {region}", strangers.join(", ")))
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One of Amazon's stores, by its marketplace id; ids that this version does not know are kept.
///
/// ```
/// use sp_listings::{Marketplace, Region};
/// let turkiye = Marketplace::from("A33AVAJ2PDY3EV");
/// assert_eq!(turkiye, Marketplace::TR);
/// assert_eq!(turkiye.currency(), Some("TRY"));
/// assert_eq!(turkiye.region(), Some(Region::Europe));
/// assert_eq!(Marketplace::from("ANEWSTORE").region(), None);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marketplace(Cow<'static, str>);

/// What is known of a store.
struct Store {
    id: &'static str,
    region: Region,
    country: &'static str,
    currency: &'static str,
    domain: &'static str,
    language: &'static str,
}

macro_rules! stores {
    ($($(#[$doc:meta])* $name:ident: $id:literal $region:ident $country:literal $currency:literal $domain:literal $language:literal;)+) => {
        const STORES: &[Store] = &[$(Store {
            id: $id,
            region: Region::$region,
            country: $country,
            currency: $currency,
            domain: $domain,
            language: $language,
        }),+];

        impl Marketplace {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($id));)+

            /// Every store that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

// Ids and regions: SP-API docs "Marketplace IDs". Languages: the store's first one.
stores! {
    /// Canada.
    CA: "A2EUQ1WTGCTBG2" NorthAmerica "CA" "CAD" "amazon.ca" "en_CA";
    /// United States.
    US: "ATVPDKIKX0DER" NorthAmerica "US" "USD" "amazon.com" "en_US";
    /// Mexico.
    MX: "A1AM78C64UM0Y8" NorthAmerica "MX" "MXN" "amazon.com.mx" "es_MX";
    /// Brazil.
    BR: "A2Q3Y263D00KWC" NorthAmerica "BR" "BRL" "amazon.com.br" "pt_BR";
    /// Ireland.
    IE: "A28R8C7NBKEWEA" Europe "IE" "EUR" "amazon.ie" "en_IE";
    /// Spain.
    ES: "A1RKKUPIHCS9HS" Europe "ES" "EUR" "amazon.es" "es_ES";
    /// United Kingdom.
    UK: "A1F83G8C2ARO7P" Europe "GB" "GBP" "amazon.co.uk" "en_GB";
    /// France.
    FR: "A13V1IB3VIYZZH" Europe "FR" "EUR" "amazon.fr" "fr_FR";
    /// Belgium.
    BE: "AMEN7PMS3EDWL" Europe "BE" "EUR" "amazon.com.be" "fr_BE";
    /// Netherlands.
    NL: "A1805IZSGTT6HS" Europe "NL" "EUR" "amazon.nl" "nl_NL";
    /// Germany.
    DE: "A1PA6795UKMFR9" Europe "DE" "EUR" "amazon.de" "de_DE";
    /// Italy.
    IT: "APJ6JRA9NG5V4" Europe "IT" "EUR" "amazon.it" "it_IT";
    /// Sweden.
    SE: "A2NODRKZP88ZB9" Europe "SE" "SEK" "amazon.se" "sv_SE";
    /// South Africa.
    ZA: "AE08WJ6YKNBMC" Europe "ZA" "ZAR" "amazon.co.za" "en_ZA";
    /// Poland.
    PL: "A1C3SOZRARQ6R3" Europe "PL" "PLN" "amazon.pl" "pl_PL";
    /// Egypt.
    EG: "ARBP9OOSHTCHU" Europe "EG" "EGP" "amazon.eg" "ar_EG";
    /// Türkiye.
    TR: "A33AVAJ2PDY3EV" Europe "TR" "TRY" "amazon.com.tr" "tr_TR";
    /// Saudi Arabia.
    SA: "A17E79C6D8DWNP" Europe "SA" "SAR" "amazon.sa" "ar_SA";
    /// United Arab Emirates.
    AE: "A2VIGQ35RCS4UG" Europe "AE" "AED" "amazon.ae" "en_AE";
    /// India.
    IN: "A21TJRUUN4KGV" Europe "IN" "INR" "amazon.in" "en_IN";
    /// Singapore.
    SG: "A19VAU5U5O7RUS" FarEast "SG" "SGD" "amazon.sg" "en_SG";
    /// Australia.
    AU: "A39IBJ37TRP1C6" FarEast "AU" "AUD" "amazon.com.au" "en_AU";
    /// Japan.
    JP: "A1VC38T7YXB528" FarEast "JP" "JPY" "amazon.co.jp" "ja_JP";
}

impl Marketplace {
    /// The marketplace id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The store of a country, by its ISO 3166 code (`GB`, also as `UK`).
    pub fn of_country(code: &str) -> Option<Self> {
        let code = if code == "UK" { "GB" } else { code };
        STORES.iter().find(|store| store.country == code).map(|store| Self(Cow::Borrowed(store.id)))
    }

    fn store(&self) -> Option<&'static Store> {
        STORES.iter().find(|store| store.id == self.0)
    }

    /// The region whose endpoint serves it.
    pub fn region(&self) -> Option<Region> {
        self.store().map(|store| store.region)
    }

    /// Its country, ISO 3166.
    pub fn country(&self) -> Option<&'static str> {
        self.store().map(|store| store.country)
    }

    /// The currency of its prices, ISO 4217.
    pub fn currency(&self) -> Option<&'static str> {
        self.store().map(|store| store.currency)
    }

    /// The domain of its web pages, such as `amazon.com.tr`.
    pub fn domain(&self) -> Option<&'static str> {
        self.store().map(|store| store.domain)
    }

    /// Its first language, as `tr_TR`.
    pub fn language(&self) -> Option<&'static str> {
        self.store().map(|store| store.language)
    }
}

impl From<&str> for Marketplace {
    fn from(id: &str) -> Self {
        match STORES.iter().find(|store| store.id == id) {
            Some(store) => Self(Cow::Borrowed(store.id)),
            None => Self(Cow::Owned(id.to_owned())),
        }
    }
}

impl FromStr for Marketplace {
    type Err = Infallible;
    fn from_str(id: &str) -> Result<Self, Infallible> {
        Ok(Self::from(id))
    }
}

impl AsRef<str> for Marketplace {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Marketplace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Marketplace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
