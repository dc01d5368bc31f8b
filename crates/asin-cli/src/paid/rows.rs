//! What came of paid tasks, as rows.

use crate::output::{Row, money, text};
use crate::table::{Column, Content};
use asin_facade::core_http::Asin;
use asin_facade::dataforseo_merchant::{
    Collected, Entry, Kind, Offer, ProductsEntry, ProductsItem, ReadyTask, State, TaskId, TaskRequest, UserDataRow,
};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

/// What an account has left.
#[derive(Debug, Serialize)]
pub struct Money {
    login: Option<String>,
    balance_usd: Option<Decimal>,
    paid_in_usd: Option<Decimal>,
}

impl Money {
    pub fn of(account: &UserDataRow) -> Self {
        let money = account.money.as_ref();
        let (balance_usd, paid_in_usd) = (money.and_then(|money| money.balance), money.and_then(|money| money.total));
        Self { login: account.login.clone(), balance_usd, paid_in_usd }
    }
}

impl Row for Money {
    const COLUMNS: &'static [Column] = &[
        Column("login", Content::Word),
        Column("balance USD", Content::Number),
        Column("paid in USD", Content::Number),
    ];

    fn cells(&self) -> Vec<String> {
        vec![text(self.login.as_ref()), text(self.balance_usd), text(self.paid_in_usd)]
    }
}

impl Row for ReadyTask {
    const COLUMNS: &'static [Column] = &[
        Column("id", Content::Word),
        Column("se", Content::Word),
        Column("kind", Content::Word),
        Column("posted", Content::Word),
        Column("tag", Content::Word),
    ];

    fn cells(&self) -> Vec<String> {
        let posted = self.date_posted.as_ref().map(|moment| serde_json::json!(moment));
        let posted = posted.and_then(|moment| moment.as_str().map(str::to_owned));
        vec![
            text(self.id.as_ref()),
            text(self.se.as_ref()),
            text(self.se_type.as_ref()),
            text(posted),
            text(self.tag.as_ref()),
        ]
    }
}

/// The name of a kind of task, as requests name it.
pub fn name(kind: Kind) -> String {
    json!(kind).as_str().unwrap_or_default().to_owned()
}

/// A task, and what became of it.
#[derive(Debug, Serialize)]
pub struct Task {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    pub kind: String,
    pub subject: String,
    pub outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<TaskId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Decimal>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub said: String,
}

impl Task {
    /// One that was not remembered.
    pub fn of(request: &TaskRequest, outcome: &str, said: String) -> Self {
        let (kind, subject) = (name(request.kind()), request.summary().subject.to_owned());
        Self { tag: None, kind, subject, outcome: outcome.to_owned(), id: None, cost_usd: None, said }
    }

    /// One of the ledger.
    pub fn known(entry: &Entry) -> Self {
        let (cost_usd, said) = match &entry.state {
            State::Created { cost, .. } | State::Collected { cost, .. } => (Some(*cost), String::new()),
            State::Unknown { reason, .. } | State::WrittenOff { reason, .. } => (None, reason.clone()),
            State::Rejected { code, message } => (None, format!("{code}: {message}")),
            _ => (None, String::new()),
        };
        Self {
            tag: Some(entry.tag.to_string()),
            id: entry.state.id().cloned(),
            cost_usd,
            ..Self::of(&entry.request, entry.state.stage().as_str(), said)
        }
    }
}

impl Row for Task {
    const COLUMNS: &'static [Column] = &[
        Column("tag", Content::Word),
        Column("kind", Content::Word),
        Column("subject", Content::Word),
        Column("outcome", Content::Word),
        Column("id", Content::Word),
        Column("USD", Content::Number),
        Column("said", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            text(self.tag.as_ref()),
            self.kind.clone(),
            self.subject.clone(),
            self.outcome.clone(),
            text(self.id.as_ref()),
            text(self.cost_usd),
            self.said.clone(),
        ]
    }
}

/// The whole result of a task, as the vendor gave it.
pub fn whole(collected: &Collected) -> Value {
    let Collected { entry, result, .. } = collected;
    json!({
        "tag": entry.tag, "kind": entry.request.kind(), "subject": entry.request.summary().subject,
        "label": entry.label, "id": entry.state.id(), "outcome": result.outcome(), "said": result.trouble(),
        "result": result.json(),
    })
}

/// An offer of one seller.
#[derive(Debug, Serialize)]
pub struct Seller {
    pub asin: Asin,
    pub store: &'static str,
    pub seller_name: Option<String>,
    pub seller_id: Option<String>,
    pub price: Option<Decimal>,
    pub currency: Option<String>,
    pub condition: Option<String>,
    pub buy_box: bool,
    pub in_stock: Option<bool>,
    pub ships_from: Option<String>,
    pub delivery_price: Option<Decimal>,
    pub delivery_message: Option<String>,
}

impl Seller {
    pub fn of(asin: Asin, store: &'static str, offer: Offer) -> Self {
        let in_stock = offer.in_stock();
        Self {
            asin,
            store,
            in_stock,
            seller_name: offer.seller_name,
            seller_id: offer.seller_id,
            price: offer.price,
            currency: offer.currency,
            condition: offer.condition,
            buy_box: offer.buy_box,
            ships_from: offer.ships_from,
            delivery_price: offer.delivery_price,
            delivery_message: offer.delivery_message,
        }
    }
}

impl Row for Seller {
    const COLUMNS: &'static [Column] = &[
        Column("asin", Content::Word),
        Column("store", Content::Word),
        Column("price", Content::Number),
        Column("currency", Content::Currency),
        Column("condition", Content::Word),
        Column("seller", Content::Word),
        Column("seller id", Content::Word),
        Column("buy box", Content::Word),
        Column("delivery", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        let [price, currency] = money(self.price, self.currency.as_deref());
        vec![
            self.asin.to_string(),
            self.store.to_owned(),
            price,
            currency,
            text(self.condition.as_ref()),
            text(self.seller_name.as_ref()),
            text(self.seller_id.as_ref()),
            if self.buy_box { "yes".to_owned() } else { String::new() },
            text(self.delivery_message.as_ref()),
        ]
    }
}

/// One variant of a product.
#[derive(Debug, Serialize)]
pub struct Variant {
    pub asin: Asin,
    pub store: &'static str,
    pub parent: Option<Asin>,
    pub variant: Asin,
}

impl Row for Variant {
    const COLUMNS: &'static [Column] = &[
        Column("asin", Content::Word),
        Column("store", Content::Word),
        Column("parent", Content::Word),
        Column("variant", Content::Word),
    ];

    fn cells(&self) -> Vec<String> {
        vec![self.asin.to_string(), self.store.to_owned(), text(self.parent), self.variant.to_string()]
    }
}

/// A product that a search shows.
#[derive(Debug, Serialize)]
pub struct Product {
    pub keyword: String,
    pub store: &'static str,
    pub sponsored: bool,
    pub rank: Option<i64>,
    pub asin: Option<Asin>,
    pub title: Option<String>,
    pub price_from: Option<Decimal>,
    pub price_to: Option<Decimal>,
    pub currency: Option<String>,
    pub rating: Option<Decimal>,
    pub votes: Option<i64>,
}

impl Product {
    /// Entries of a page that are no products are passed over.
    pub fn of(keyword: &str, store: &'static str, item: &ProductsItem) -> Option<Self> {
        let (sponsored, entry): (bool, &ProductsEntry) = match item {
            ProductsItem::Sponsored(entry) => (true, entry),
            ProductsItem::Product(entry) => (false, entry),
            _ => return None,
        };
        let rating = entry.rating.as_ref();
        Some(Self {
            keyword: keyword.to_owned(),
            store,
            sponsored,
            rank: entry.rank_absolute,
            asin: entry.data_asin,
            title: entry.title.clone(),
            price_from: entry.price_from,
            price_to: entry.price_to,
            currency: entry.currency.clone(),
            rating: rating.and_then(|rating| rating.value),
            votes: rating.and_then(|rating| rating.votes_count),
        })
    }
}

impl Row for Product {
    const COLUMNS: &'static [Column] = &[
        Column("rank", Content::Number),
        Column("asin", Content::Word),
        Column("price", Content::Number),
        Column("currency", Content::Currency),
        Column("rating", Content::Number),
        Column("votes", Content::Number),
        Column("sponsored", Content::Word),
        Column("title", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        let [price, currency] = money(self.price_from, self.currency.as_deref());
        vec![
            text(self.rank),
            text(self.asin),
            price,
            currency,
            text(self.rating),
            text(self.votes),
            if self.sponsored { "yes".to_owned() } else { String::new() },
            text(self.title.as_ref()),
        ]
    }
}
