//! What the measuring programs share. How they are used: `cargo xtask bench` and `cargo xtask ci counts`.

pub mod limiter;
pub mod raw;

use asin_sandbox::Demo;
use core_http::{Limit, Operation, Quota, TokenBuckets};
use serde_json::Value;
use sp_listings::{Credentials, GetListingsItem, IncludedData, Marketplace, Region, SellerId, Sku, SpClient};
use std::sync::Arc;

/// Any failure ends a measurement.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The seller, SKU and store of the listing that is read: an answer of about 2 KB.
pub const SELLER: &str = "A1BENCH";
/// See [`SELLER`].
pub const SKU: &str = "BENCH-1";
/// See [`SELLER`].
pub const STORE: Marketplace = Marketplace::US;

/// The call that is measured.
pub fn call() -> Outcome<GetListingsItem> {
    let data = [IncludedData::Summaries, IncludedData::Attributes, IncludedData::Issues, IncludedData::Offers];
    Ok(GetListingsItem::new(SellerId::new(SELLER)?, Sku::new(SKU)?, [STORE]).included_data(data))
}

/// A client as its users have it, whose limits never make it wait.
pub fn client(demo: &Demo) -> Outcome<SpClient> {
    let buckets = TokenBuckets::new();
    for limit in call()?.limits() {
        buckets.set(Limit { quota: Quota { per_second: 1e9, burst: 1_000_000 }, ..limit });
    }
    let account = demo.accounts.iter().find(|account| account.seller_id == SELLER).ok_or("no such account")?;
    let sp = &demo.sp_api;
    let secret = sp.client_secret.clone();
    let credentials = Credentials::new(sp.client_id.clone(), secret, account.refresh_token.clone());
    let client = sp_listings::Builder::new(Region::NorthAmerica, credentials)
        .seller(SellerId::new(SELLER)?)
        .base_url(sp.base_url.parse()?)
        .lwa_url(sp.lwa_url.parse()?)
        .limits(Arc::new(buckets))
        .build()?;
    Ok(client)
}

/// What the server says of itself on its first line.
pub fn demo(text: &str) -> Outcome<Demo> {
    Ok(serde_json::from_str(text)?)
}

/// An answer of DataForSEO of about so many bytes, with offers of sellers.
pub fn sellers_answer(bytes: usize) -> Outcome<Vec<u8>> {
    let offer = serde_json::json!({
        "type": "amazon_seller_item", "rank_group": 1, "rank_absolute": 2, "position": "left", "seller_name": "Example Shop",
        "seller_url": "https://www.amazon.com/sp?seller=A1EXAMPLE", "ships_from": "Example Shop", "price": {
            "current": 49.99, "regular": 59.99, "max_value": null, "currency": "USD", "is_price_range": false, "displayed_price": "$49.99"},
        "rating": {"rating_type": "Max5", "value": 4.5, "votes_count": 1234, "rating_max": 5}, "condition": "New",
        "condition_description": null, "delivery_info": {"delivery_message": "FREE delivery", "delivery_price": null}
    });
    let items = vec![offer.clone(); bytes / offer.to_string().len()];
    let result: Value = serde_json::json!([{"asin": "B0EXAMPLE1", "type": "sellers", "se_domain": "amazon.com", "location_code": 2840,
        "language_code": "en_US", "check_url": null, "datetime": "2026-10-01 12:34:56 +00:00", "title": "Lamp", "image_url": null,
        "spell": null, "item_types": ["amazon_seller_item"], "items_count": items.len(), "items": items}]);
    let task = serde_json::json!({"id": "04171455-0696-0192-0000-4c69cc29b945", "status_code": 20000, "status_message": "Ok.",
        "time": "0.1 sec.", "cost": 0, "result_count": 1, "path": [], "data": {}, "result": result});
    let answer = serde_json::json!({"version": "0.1", "status_code": 20000, "status_message": "Ok.", "time": "0.1 sec.", "cost": 0,
        "tasks_count": 1, "tasks_error": 0, "tasks": [task]});
    Ok(serde_json::to_vec(&answer)?)
}

/// The processor time of this thread so far, in nanoseconds (Linux).
pub fn cpu() -> Outcome<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("an empty schedstat")?.parse()?)
}

/// The peak memory of this process so far, in kilobytes (Linux).
pub fn peak() -> Outcome<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.split_whitespace().next().ok_or("an empty VmHWM")?.parse()?)
}
