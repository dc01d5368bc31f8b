//! The sandbox, without limits: prints how to reach it as one line of JSON, and stops when its input ends.

use asin_sandbox::{Market, Sandbox};
use benches::{Outcome, SELLER, SKU, STORE};
use serde_json::json;
use tokio::io::AsyncReadExt;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One account with one listing whose answer is about 2 KB, and one collection whose runs have files of any size.
fn market() -> Outcome<Market> {
    let words = "A sentence of a description that is as long as such sentences are. ".repeat(12);
    let market = json!({
        "accounts": [{"name": "america", "seller_id": SELLER, "region": "na"}],
        "products": [{"asin": "B000000001", "title": "Lamp"}],
        "listings": [{"seller_id": SELLER, "sku": SKU, "marketplace": STORE.as_str(), "asin": "B000000001", "product_type": "LAMP",
            "price": "42.00", "currency": "USD", "quantity": 12,
            "attributes": {"product_description": [{"value": words, "marketplace_id": STORE.as_str()}]}}],
        "domains": [{"id": 1, "domain": "amazon.com", "country_code": "US"}],
        "postcodes": [{"id": 15, "domain": 1, "zipcode": "10001", "status": "active"}],
        "collections": [{"id": 101, "name": "Lamps", "items": [{"asin": "B000000001", "domain": 1, "postcode": 15}]}],
        "balances": {"dataforseo_usd": "1000000.00", "multicart_credits": 500}
    });
    Ok(serde_json::from_value(market)?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let sandbox = Sandbox::builder().market(market()?).limits(false).speed(100.0).start().await?;
    println!("{}", serde_json::to_string(&sandbox.demo())?);
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    sandbox.stop().await;
    Ok(())
}
