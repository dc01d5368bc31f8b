//! The market file: the world that the sandbox starts from, and the form in which it tells its state.

mod generate;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::marketplace::{Marketplace, Region};

/// A world: who sells what, what the pages show, what MultiCart has scraped, what money is there. Every part is optional.
///
/// The file format is described in the crate's documentation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Market {
    /// The selling accounts. Without any, each seller of `listings` gets one that is named as the seller.
    pub accounts: Vec<Account>,
    /// The products that Amazon's pages show.
    pub products: Vec<Product>,
    /// The accounts' own listings.
    pub listings: Vec<Listing>,
    /// MultiCart's domains. Without any, there is one for each Amazon store.
    pub domains: Vec<Domain>,
    /// The postcodes that MultiCart knows.
    pub postcodes: Vec<Postcode>,
    /// MultiCart's collections with their items and outputs.
    pub collections: Vec<Collection>,
    /// What can be spent.
    pub balances: Balances,
}

/// A selling account that has authorised the application.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The name under which the demo credentials list it.
    pub name: String,
    /// Amazon's seller identifier.
    pub seller_id: String,
    /// The region whose marketplaces it may use.
    pub region: Region,
}

/// A product page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Product {
    /// Its ASIN.
    pub asin: String,
    /// Its title.
    pub title: String,
    /// The ASIN of the variation family's parent.
    pub parent: Option<String>,
    /// All ASINs of the variation family, as the page lists them.
    pub variants: Vec<String>,
    /// Who offers it, and where.
    pub offers: Vec<Offer>,
}

/// One seller's offer of a product in one store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Offer {
    /// The marketplace identifier of the store.
    pub marketplace: String,
    /// The seller's identifier, as the link to its page holds it.
    pub seller_id: String,
    /// The seller's name. Empty: its identifier.
    pub seller: String,
    /// The price with tax. None: the page shows no price.
    pub price: Option<Decimal>,
    /// The currency shown. None: the store's own.
    pub currency: Option<String>,
    /// The condition as the page words it. None: the page does not say.
    pub condition: Option<String>,
    /// False: the page shows neither price nor delivery.
    pub in_stock: bool,
    /// True for the offer that the page puts first.
    pub buy_box: bool,
    /// How old the page was when it was read, in minutes. A page's answer bears the age of its oldest offer.
    pub age_minutes: u32,
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            marketplace: String::new(),
            seller_id: String::new(),
            seller: String::new(),
            price: None,
            currency: None,
            condition: Some("New".to_owned()),
            in_stock: true,
            buy_box: false,
            age_minutes: 0,
        }
    }
}

/// What becomes of a submission that validates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Previews are VALID, submissions are ACCEPTED.
    #[default]
    Valid,
    /// Previews and submissions are INVALID.
    Invalid,
}

/// When an accepted submission can be seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applies {
    /// With the next read.
    #[default]
    AtOnce,
    /// After five minutes of sandbox time.
    Later,
    /// Never: accepted and lost.
    Never,
}

/// A seller's listing in one store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listing {
    /// The seller's identifier.
    pub seller_id: String,
    /// The seller's own name for the article.
    pub sku: String,
    /// The marketplace identifier of the store.
    pub marketplace: String,
    /// The ASIN that it sells.
    pub asin: String,
    /// Amazon's product type.
    pub product_type: String,
    /// The price with tax. None: no offer.
    pub price: Option<Decimal>,
    /// The price's currency. None: the store's own.
    pub currency: Option<String>,
    /// The pieces for sale: one stock for a SKU in all stores of a region. None: not said.
    pub quantity: Option<u64>,
    /// The fulfilment channel: `DEFAULT` is the seller, `AMAZON_NA` and its like are FBA.
    pub channel: String,
    /// Attributes that replace the generated ones of the same name.
    pub attributes: Map<String, Value>,
    /// How submissions are judged.
    pub preview: Verdict,
    /// When submissions can be seen.
    pub applies: Applies,
    /// Issues that the listing has, as the API writes them.
    pub issues: Vec<Value>,
    /// How many minutes before the start it was created.
    pub age_minutes: u32,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            seller_id: String::new(),
            sku: String::new(),
            marketplace: String::new(),
            asin: String::new(),
            product_type: "PRODUCT".to_owned(),
            price: None,
            currency: None,
            quantity: None,
            channel: "DEFAULT".to_owned(),
            attributes: Map::new(),
            preview: Verdict::Valid,
            applies: Applies::AtOnce,
            issues: Vec::new(),
            age_minutes: 0,
        }
    }
}

/// A site that MultiCart can scrape.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Its row identifier.
    pub id: u64,
    /// Its name, as `amazon.com.au`.
    pub domain: String,
    /// Its country, as `AU`.
    #[serde(default)]
    pub country_code: String,
}

/// A postcode at which MultiCart scrapes a domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Postcode {
    /// Its row identifier.
    pub id: u64,
    /// The domain's row identifier.
    pub domain: u64,
    /// The postcode itself.
    pub zipcode: String,
    /// `active`, `pending`, `in-progress`, `inactive` or `failed`; the second and third become active within a minute of sandbox time.
    pub status: String,
}

impl Default for Postcode {
    fn default() -> Self {
        Self { id: 0, domain: 0, zipcode: String::new(), status: "active".to_owned() }
    }
}

/// A MultiCart collection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Collection {
    /// Its identifier.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The ASINs enrolled.
    pub items: Vec<Item>,
    /// What runs have scraped, oldest first.
    pub outputs: Vec<Output>,
}

/// An ASIN enrolled in a collection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The ASIN.
    pub asin: String,
    /// The domain's row identifier.
    pub domain: u64,
    /// The postcode's row identifier.
    pub postcode: u64,
}

/// A scraped page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// The ASIN of the page.
    pub asin: String,
    /// Its title. None: the product's own, or the key is left out.
    pub title: Option<String>,
    /// The price as the page shows it, as `$12.30`.
    pub price: Option<String>,
    /// The availability as the page words it.
    pub availability: Option<String>,
    /// How long ago it was scraped, in minutes.
    pub age_minutes: u32,
    /// Further keys of the payload.
    pub extra: Map<String, Value>,
}

/// What can be spent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Balances {
    /// DataForSEO's balance in US dollars.
    pub dataforseo_usd: Decimal,
    /// MultiCart's credits.
    pub multicart_credits: u64,
}

impl Default for Balances {
    fn default() -> Self {
        Self { dataforseo_usd: Decimal::TEN, multicart_credits: 500 }
    }
}

/// Why a market file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarketError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The text is not a market: the message names line, column and key.
    #[error("not a market file: {0}")]
    Syntax(#[from] serde_json::Error),
    /// The parts contradict each other.
    #[error("not a possible market: {0}")]
    Contradiction(String),
}

impl Market {
    /// Reads a market file.
    ///
    /// # Errors
    /// When the file cannot be read, is not JSON, holds an unknown key, or contradicts itself.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, MarketError> {
        let path = path.as_ref();
        let text = std::fs::read(path).map_err(|source| MarketError::Read { path: path.to_owned(), source })?;
        let market: Self = serde_json::from_slice(&text)?;
        market.checked()
    }

    /// Completes what was left out, and refuses what cannot be.
    pub(crate) fn checked(mut self) -> Result<Self, MarketError> {
        let contradiction = |text: String| Err(MarketError::Contradiction(text));
        let mut keys = BTreeSet::new();
        if self.products.iter().any(|product| product.asin.is_empty()) {
            return contradiction("a product has no asin".to_owned());
        }
        for listing in &self.listings {
            if [&listing.seller_id, &listing.sku, &listing.asin].iter().any(|text| text.is_empty()) {
                return contradiction(format!("listing {:?} needs seller_id, sku and asin", listing.sku));
            }
            let Some(marketplace) = Marketplace::of(&listing.marketplace) else {
                return contradiction(format!("listing {:?}: no marketplace {:?}", listing.sku, listing.marketplace));
            };
            if !keys.insert((&listing.seller_id, &listing.marketplace, &listing.sku)) {
                return contradiction(format!("listing {:?} stands there twice", listing.sku));
            }
            if !self.accounts.iter().any(|account| account.seller_id == listing.seller_id) {
                self.accounts.push(Account {
                    name: listing.seller_id.clone(),
                    seller_id: listing.seller_id.clone(),
                    region: marketplace.region,
                });
            }
        }
        for product in &mut self.products {
            if product.title.is_empty() {
                product.title = format!("Product {}", product.asin);
            }
            for offer in &mut product.offers {
                if Marketplace::of(&offer.marketplace).is_none() {
                    return contradiction(format!("offer of {}: no marketplace {:?}", product.asin, offer.marketplace));
                }
                if offer.seller.is_empty() {
                    offer.seller.clone_from(&offer.seller_id);
                }
            }
        }
        if self.domains.is_empty() {
            self.domains = (1..)
                .zip(&crate::marketplace::MARKETPLACES)
                .map(|(id, marketplace)| Domain {
                    id,
                    domain: marketplace.domain.to_owned(),
                    country_code: marketplace.country_code.to_owned(),
                })
                .collect();
        }
        let has_domain = |id: u64| self.domains.iter().any(|domain| domain.id == id);
        if let Some(postcode) = self.postcodes.iter().find(|postcode| !has_domain(postcode.domain)) {
            return contradiction(format!("postcode {:?}: no domain {}", postcode.zipcode, postcode.domain));
        }
        for collection in &self.collections {
            for item in &collection.items {
                let known = |postcode: &Postcode| postcode.id == item.postcode && postcode.domain == item.domain;
                if !self.postcodes.iter().any(known) {
                    return contradiction(format!(
                        "collection {}, item {}: no postcode {} of domain {}",
                        collection.id, item.asin, item.postcode, item.domain
                    ));
                }
            }
        }
        Ok(self)
    }
}
