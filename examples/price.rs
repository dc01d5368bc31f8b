//! Changes the price of one listing and nothing else: read, preview, send once, read back.

use core_http::Once;
use examples::{Failure, sandbox};
use rust_decimal::Decimal;
use sp_listings::{
    Builder, Credentials, GetListingsItem, IncludedData, ListingsItemPatchRequest, Marketplace, Offer,
    PatchListingsItem, Region, SellerId, Sku, Submission, Submitted, preview_then_submit,
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

    // A space, a slash and a letter outside ASCII: the client encodes them.
    let sku = Sku::new("SÜET 41/42")?;
    let read = GetListingsItem::new(seller.clone(), sku.clone(), [Marketplace::DE])
        .included_data([IncludedData::Summaries, IncludedData::Attributes]);
    let offer = Offer::find(&client.call(read.clone()).await?, &Marketplace::DE, "EUR")?;
    println!("{sku} costs {:.2} EUR", offer.price());

    // The offer goes back whole: its sale price, its bounds and the offer to businesses stay as they are.
    let body = ListingsItemPatchRequest::offer([offer.price_patch(Decimal::new(59_90, 2))]);
    let patch = PatchListingsItem::new(seller, sku.clone(), [Marketplace::DE], body);
    match preview_then_submit(&client, Once(patch)).await {
        Ok(Submitted { write: Some(Submission::Accepted(answer)), .. }) => {
            println!("the preview is valid\nsubmitted as {}", answer.submission_id);
        }
        Ok(answers) => return Err(format!("refused: {}", answers.last()).into()),
        Err(error) if error.may_have_been_applied() => println!("no readable answer, so let the listing say: {error}"),
        Err(error) => return Err(error.into()),
    }
    let offer = Offer::find(&client.call(read).await?, &Marketplace::DE, "EUR")?;
    println!("{sku} now costs {:.2} EUR", offer.price());
    Ok(())
}
