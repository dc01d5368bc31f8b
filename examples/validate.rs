//! Asks whether a product may be listed and what its product type wants, and checks a listing before it is sent.

use examples::{Failure, sandbox};
use serde_json::json;
use sp_listings::{
    Builder, ConditionType, Credentials, ListingsItemPutRequest, Marketplace, PutListingsItem, Region, SellerId, Sku,
    product_types::{GetDefinitionsProductType, SchemaCache, Validator},
    restrictions::{GetListingsRestrictions, Verdict},
};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let demo = sandbox.demo();
    let account = demo.accounts.iter().find(|account| account.name == "europe").ok_or("no such account")?;

    let seller = SellerId::new(&account.seller_id)?;
    let credentials = Credentials::new(demo.sp_api.client_id, demo.sp_api.client_secret, account.refresh_token.clone());
    let client = Builder::new(Region::Europe, credentials)
        .seller(seller.clone())
        .base_url(demo.sp_api.base_url.parse()?) // these two lines are for the sandbox only
        .lwa_url(demo.sp_api.lwa_url.parse()?)
        .build()?;

    let ask = GetListingsRestrictions::new("B07G82D89J".parse()?, seller.clone(), [Marketplace::TR]);
    let permission = client.call(ask).await?;
    for condition in [ConditionType::New, ConditionType::UsedGood] {
        match permission.verdict(&Marketplace::TR, &condition) {
            Verdict::Allowed => println!("{condition}: may be listed"),
            Verdict::ApprovalRequired(reasons) => println!("{condition}: {}", reasons[0].message),
            other => println!("{condition}: {other:?}"),
        }
    }

    // A schema is downloaded once, and read from the folder after that.
    let folder = tempfile::tempdir()?;
    let cache = SchemaCache::new(folder.path());
    let ask = GetDefinitionsProductType::in_store("SHOES", Marketplace::TR).seller_id(seller.clone());
    let validator = Validator::new(&cache.fetch(&client, ask).await?)?;

    let attributes = json!({
        "item_name": [{"value": "Deri ayakkabı", "language_tag": "tr_TR"}],
        "color": [{"value": "Red", "language_tag": "tr_TR"}],
        "footwear_size": [{"size_system": "eu_footwear_size_system", "size": "numeric_41"}],
    });
    let attributes = attributes.as_object().cloned().unwrap_or_default();
    let listing = ListingsItemPutRequest::new("SHOES", attributes);
    let put = PutListingsItem::new(seller, Sku::new("SHOES-41")?, [Marketplace::TR], listing);
    for finding in validator.put(&put)? {
        println!("{finding}");
    }
    Ok(())
}
