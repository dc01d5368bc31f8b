//! The life of a listing: put after a preview, waited for by a receipt that survives the process, deleted.

use core_http::Once;
use examples::{Failure, sandbox, seller};
use serde_json::json;
use sp_listings::{
    DeleteListingsItem, Fate, ListingsItemPutRequest, Marketplace, NewOffer, Previewed, PutListingsItem, Receipt,
    Settled, Sku, preview, submit_and_wait,
};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let (client, seller) = seller(&sandbox, "europe")?;
    let (sku, store) = (Sku::new("NEW-1")?, Marketplace::DE);
    let (every, patience) = (Duration::from_millis(200), Duration::from_secs(30));

    let attributes = json!({
        "item_name": [{"value": "Fire hose", "language_tag": "en_GB", "marketplace_id": store.as_str()}],
        "condition_type": [{"value": "new_new", "marketplace_id": store.as_str()}],
        "purchasable_offer": [NewOffer::new("EUR", "49.90".parse()?).marketplace(&store).entry()],
    });
    let body = ListingsItemPutRequest::new("PRODUCT", serde_json::from_value(attributes)?);
    let put = Once(PutListingsItem::new(seller.clone(), sku.clone(), [store.clone()], body));
    if let Previewed::NotValid(answer) = preview(&client, put.clone()).await? {
        return Err(format!("not sent: {answer}").into());
    }

    // On disk before the write leaves: whoever comes after a crash can say what became of it.
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("receipt.json");
    let receipt = Receipt::before(&client, &put).await?;
    std::fs::write(&path, serde_json::to_vec(&receipt)?)?;
    match receipt.submit_and_wait(&client, put, every, Duration::ZERO).await? {
        Fate::Answered(refused) => return Err(format!("refused: {refused}").into()),
        fate => {
            println!("sent: {}", if matches!(fate, Fate::Settled(_)) { "it shows already" } else { "not yet shown" })
        }
    }

    // Another process goes on from the file.
    let receipt: Receipt = serde_json::from_slice(&std::fs::read(&path)?)?;
    match receipt.wait(&client, every, patience).await? {
        Some(Settled::Shown(item) | Settled::Changed(item)) => println!("{} is listed", item.sku),
        other => return Err(format!("the listing does not show it: {other:?}").into()),
    }

    let delete = Once(DeleteListingsItem::new(seller, sku, [store]));
    match submit_and_wait(&client, delete, every, patience).await? {
        Fate::Settled(Settled::Gone) => println!("and gone again"),
        other => return Err(format!("not deleted: {other:?}").into()),
    }
    Ok(())
}
