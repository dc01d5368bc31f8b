//! The life of a listing's offer: a sale, a picture, closed and open again; each write previewed, waited for and read back.

use core_http::Once;
use examples::{Failure, sandbox, seller};
use futures_util::TryStreamExt;
use jiff::{Timestamp, ToSpan, Zoned};
use sp_listings::{
    Fate, GetListingsItem, Image, IncludedData, ListingsItemPatchRequest, Marketplace, Offer, PatchListingsItem,
    PatchOperation, Previewed, Sale, Search, SellerId, Settled, Sku, SpClient, preview, quantity_patch,
    submit_and_wait,
};
use std::time::Duration;

struct Listing {
    client: SpClient,
    seller: SellerId,
    sku: Sku,
}

impl Listing {
    async fn offer(&self) -> Result<Offer, Failure> {
        let read = GetListingsItem::new(self.seller.clone(), self.sku.clone(), [Marketplace::DE]);
        let item = self.client.call(read.included_data([IncludedData::Attributes])).await?;
        Ok(Offer::find(&item, &Marketplace::DE, "EUR")?)
    }

    /// Writes what a preview has found valid, and waits until the listing shows it.
    async fn change(&self, what: &str, patch: PatchOperation) -> Result<(), Failure> {
        let body = ListingsItemPatchRequest::offer([patch]);
        let patch = PatchListingsItem::new(self.seller.clone(), self.sku.clone(), [Marketplace::DE], body);
        if let Previewed::NotValid(answer) = preview(&self.client, patch.clone()).await? {
            return Err(format!("{what}: not sent, {answer}").into());
        }
        let (every, patience) = (Duration::from_millis(200), Duration::from_secs(30));
        match submit_and_wait(&self.client, Once(patch), every, patience).await? {
            Fate::Settled(Settled::Shown(_)) => println!("{what}: the listing shows it"),
            Fate::Pending { receipt, .. } => {
                println!("{what}: still on its way, {:?}", receipt.submission());
            }
            other => return Err(format!("{what}: {other:?}").into()),
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let (client, seller) = seller(&sandbox, "europe")?;
    let listing = Listing { client, seller, sku: Sku::new("SÜET 41/42")? };

    let search = Search::all(listing.seller.clone(), [Marketplace::DE]);
    let found: Vec<_> = search.items(&listing.client).try_collect().await?;
    println!("{} listings in {}", found.len(), Marketplace::DE);

    let today = Zoned::now().date();
    let sale = Sale::new("49.90".parse()?, today + 1.day(), today + 4.days())?;
    listing.change("a sale", listing.offer().await?.with_sale(sale)?.patch()).await?;
    listing.change("the stock", quantity_patch(12, Some(2))).await?;
    let picture = Image::other(2)?;
    listing.change("a picture", picture.patch(&Marketplace::DE, "https://shop.example/shoe-2.jpg")?).await?;
    listing.change("no picture", picture.delete_patch(&Marketplace::DE)).await?;
    listing.change("closed", listing.offer().await?.closed(Timestamp::now()).patch()).await?;
    listing.change("open again", listing.offer().await?.reopened().patch()).await?;
    println!("the sale is still there: {:?}", listing.offer().await?.sales() == [sale]);
    Ok(())
}
