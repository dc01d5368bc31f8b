//! Asks whether a product may be listed and what its product type wants, and checks a listing before it is sent.

use examples::{Failure, sandbox, seller};
use serde_json::json;
use sp_listings::{
    ConditionType, ListingsItemPutRequest, Marketplace, PutListingsItem, Sku,
    product_types::{GetDefinitionsProductType, SchemaCache, Validator},
    restrictions::{GetListingsRestrictions, Verdict},
};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let (client, seller) = seller(&sandbox, "europe")?;

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
