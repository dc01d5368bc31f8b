//! The workflows against the sandbox, which keeps the listings' state and knows none of our types.

use crate::{Unlimited, sku};
use asin_sandbox::{Fault, Market, Sandbox};
use core_http::{ErrorKind, Once};
use futures_util::TryStreamExt;
use jiff::{Timestamp, civil::date};
use serde_json::{Value, json};
use sp_listings::{
    Builder, Credentials, DeleteListingsItem, Fate, GetListingsItem, Identifiers, Image, IncludedData, Item,
    ItemStatus, ListingsItemPatchRequest, ListingsItemPutRequest, Marketplace, Offer, PatchListingsItem,
    PatchOperation, PutListingsItem, Region, Sale, Search, SellerId, Settled, Sku, SpClient, Submission, new_stock,
    preview_then_submit, stock_patch, submit_and_wait,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

const DE: &str = "A1PA6795UKMFR9";

struct Shop {
    sandbox: Sandbox,
    client: SpClient,
    seller: SellerId,
}

async fn shop(listings: Vec<Value>) -> Shop {
    let world = json!({
        "accounts": [{"name": "europe", "seller_id": "SELLEREU", "region": "eu"}],
        "listings": listings,
    });
    let market: Market = serde_json::from_value(world).unwrap();
    let sandbox = Sandbox::builder().market(market).seed(7).speed(1.0).limits(false).start().await.unwrap();
    let demo = sandbox.demo();
    let credentials =
        Credentials::new(demo.sp_api.client_id, demo.sp_api.client_secret, demo.accounts[0].refresh_token.clone());
    let seller = SellerId::new("SELLEREU").unwrap();
    let client = Builder::new(Region::Europe, credentials)
        .seller(seller.clone())
        .base_url(demo.sp_api.base_url.parse().unwrap())
        .lwa_url(demo.sp_api.lwa_url.parse().unwrap())
        .limits(Arc::new(Unlimited))
        .build()
        .unwrap();
    Shop { sandbox, client, seller }
}

fn listing(sku: &str, age_minutes: usize) -> Value {
    json!({"seller_id": "SELLEREU", "sku": sku, "marketplace": DE, "asin": "B0CHILD001", "price": "30.00",
           "quantity": 5, "age_minutes": age_minutes})
}

impl Shop {
    async fn read(&self, sku: &Sku) -> Item {
        use IncludedData::{Attributes, FulfillmentAvailability, Issues, Summaries};
        let read = GetListingsItem::new(self.seller.clone(), sku.clone(), [Marketplace::DE]);
        let read = read.included_data([Summaries, Attributes, Issues, FulfillmentAvailability]);
        self.client.call(read).await.unwrap()
    }

    async fn offer(&self, sku: &Sku) -> Offer {
        Offer::find(&self.read(sku).await, &Marketplace::DE, "EUR").unwrap()
    }

    fn patch(&self, sku: &Sku, changes: impl IntoIterator<Item = PatchOperation>) -> PatchListingsItem {
        let body = ListingsItemPatchRequest::offer(changes);
        PatchListingsItem::new(self.seller.clone(), sku.clone(), [Marketplace::DE], body)
    }

    /// Writes, and waits until the listing shows it.
    async fn show(&self, sku: &Sku, changes: impl IntoIterator<Item = PatchOperation>) -> Item {
        let patience = Duration::from_secs(20);
        let write = self.patch(sku, changes);
        match submit_and_wait(&self.client, write, Duration::from_millis(50), patience).await.unwrap() {
            Fate::Settled(Settled::Shown(item)) => *item,
            other => panic!("{other:?}"),
        }
    }
}

fn can_be_bought(item: &Item) -> bool {
    item.summaries[0].status.contains(&ItemStatus::Buyable)
}

#[tokio::test]
async fn an_offer_is_changed_closed_and_opened_again_and_keeps_everything_else() {
    let offer = json!([{"currency": "EUR", "audience": "ALL", "marketplace_id": DE,
        "our_price": [{"schedule": [{"value_with_tax": 30}]}],
        "minimum_seller_allowed_price": [{"schedule": [{"value_with_tax": 20}]}],
        "maximum_seller_allowed_price": [{"schedule": [{"value_with_tax": 40}]}]}]);
    let mut listed = listing("A/B ç", 0);
    listed["attributes"] = json!({"purchasable_offer": offer});
    let shop = shop(vec![listed]).await;
    let sku = sku("A/B ç");

    let sale = Sale::new("24.90".parse().unwrap(), date(2026, 11, 27), date(2026, 11, 30)).unwrap();
    let changed = shop.offer(&sku).await.with_price("29.90".parse().unwrap()).with_sale(sale).unwrap();
    shop.show(&sku, [changed.patch()]).await;
    let offer = shop.offer(&sku).await;
    assert_eq!((offer.price(), offer.sales()), ("29.9".parse().unwrap(), vec![sale]));
    assert_eq!(offer.bounds(), (Some("20".parse().unwrap()), Some("40".parse().unwrap())));

    let now = Timestamp::now();
    let closed = shop.show(&sku, [offer.closed(now).patch()]).await;
    assert!(!can_be_bought(&closed));
    let offer = shop.offer(&sku).await;
    assert_eq!((offer.end().map(|end| end.as_millisecond()), offer.sales().len()), (Some(now.as_millisecond()), 1));
    let open = shop.show(&sku, [offer.reopened().patch()]).await;
    assert!(can_be_bought(&open));
    assert_eq!(shop.offer(&sku).await.bounds().1, Some("40".parse().unwrap()));

    shop.show(&sku, [shop.offer(&sku).await.without_sale().patch()]).await;
    assert_eq!(shop.offer(&sku).await.sales(), []);
    let gone = shop.show(&sku, [shop.offer(&sku).await.delete_patch()]).await;
    assert!(!can_be_bought(&gone));
}

#[tokio::test]
async fn stocks_and_pictures_are_set_and_taken_away() {
    let shop = shop(vec![listing("S", 0)]).await;
    let sku = sku("S");
    let item = shop.show(&sku, [stock_patch(Some(12), Some(3)).unwrap()]).await;
    assert_eq!(item.lead_time(), Some(3));
    assert_eq!(shop.read(&sku).await.stock().map(|stock| stock.quantity), Some(12));
    let item = shop.show(&sku, [stock_patch(Some(9), None).unwrap()]).await;
    assert_eq!(item.lead_time(), Some(3), "a merge keeps what it leaves out");
    let item = shop.show(&sku, [new_stock("DEFAULT", 7)]).await;
    assert_eq!(item.lead_time(), None);

    let picture = |item: &Item, image: Image| item.attributes.as_ref().unwrap().contains_key(&image.attribute());
    let second = Image::other(2).unwrap();
    let set = [Image::Main, second].map(|image| image.patch(&Marketplace::DE, "https://shop.example/1.jpg").unwrap());
    let item = shop.show(&sku, set).await;
    assert!(picture(&item, Image::Main) && picture(&item, second));
    let item = shop.show(&sku, [second.delete_patch(&Marketplace::DE)]).await;
    assert!(picture(&item, Image::Main) && !picture(&item, second));
}

#[tokio::test]
async fn a_listing_is_made_and_deleted_and_the_ledger_has_each_write_once() {
    let shop = shop(Vec::new()).await;
    let sku = sku("NEW");
    let attributes = json!({
        "item_name": [{"value": "Lampe", "language_tag": "de_DE", "marketplace_id": DE}],
        "condition_type": [{"value": "new_new", "marketplace_id": DE}],
        "purchasable_offer": [{"currency": "EUR", "our_price": [{"schedule": [{"value_with_tax": "19.90"}]}], "marketplace_id": DE}],
    });
    let body = ListingsItemPutRequest::new("LAMP", attributes.as_object().unwrap().clone());
    let put = PutListingsItem::new(shop.seller.clone(), sku.clone(), [Marketplace::DE], body);
    let (every, patience) = (Duration::from_millis(50), Duration::from_secs(20));
    let fate = submit_and_wait(&shop.client, put, every, patience).await.unwrap();
    assert!(matches!(fate, Fate::Settled(Settled::Shown(_))), "{fate:?}");

    let delete = DeleteListingsItem::new(shop.seller.clone(), sku.clone(), [Marketplace::DE]);
    let fate = submit_and_wait(&shop.client, delete, every, patience).await.unwrap();
    assert!(matches!(fate, Fate::Settled(Settled::Gone)), "{fate:?}");
    let operations: Vec<String> = shop.sandbox.ledger().writes.iter().map(|write| write.operation.clone()).collect();
    assert_eq!(operations, ["putListingsItem", "deleteListingsItem"]);
}

#[tokio::test]
async fn a9_what_the_preview_refuses_is_not_written() {
    let mut refused = listing("BAD", 0);
    refused["preview"] = json!("INVALID");
    let shop = shop(vec![refused]).await;
    let sku = sku("BAD");
    let patch = shop.patch(&sku, [shop.offer(&sku).await.price_patch("29.90".parse().unwrap())]);
    let answers = preview_then_submit(&shop.client, Once(patch)).await.unwrap();
    assert!(matches!(answers.last(), Submission::Invalid(_)));
    assert_eq!((answers.write, shop.sandbox.ledger().writes.len()), (None, 0));
}

#[tokio::test]
async fn a6_more_listings_than_can_be_paged_through_are_all_found() {
    // One a minute: the sandbox cuts every search off at 1,000.
    let shop = shop((0..1234).map(|number| listing(&format!("S{number:04}"), number)).collect()).await;
    let search = Search::all(shop.seller.clone(), [Marketplace::DE]);
    let items: Vec<Item> = search.items(&shop.client).try_collect().await.unwrap();
    let skus: BTreeSet<&str> = items.iter().map(|item| item.sku.as_str()).collect();
    assert_eq!((items.len(), skus.len()), (1234, 1234));
    assert_eq!((items[0].sku.as_str(), items[1233].sku.as_str()), ("S1233", "S0000"), "oldest first");

    let recent = Search::all(shop.seller.clone(), [Marketplace::DE])
        .created_after(Timestamp::now() - jiff::SignedDuration::from_mins(100));
    let recent: Vec<Item> = recent.items(&shop.client).try_collect().await.unwrap();
    assert!((99..=101).contains(&recent.len()), "{}", recent.len());
}

#[tokio::test]
async fn listings_are_found_by_their_skus_those_with_a_comma_too() {
    let shop = shop(vec![listing("a,b", 0), listing("c", 0), listing("d", 0)]).await;
    let skus = Identifiers::skus(["a,b", "c", "nowhere", "no,where"].map(sku));
    let search = Search::identified(shop.seller.clone(), [Marketplace::DE], skus);
    let items: Vec<Item> = search.items(&shop.client).try_collect().await.unwrap();
    assert_eq!(items.iter().map(|item| item.sku.as_str()).collect::<Vec<_>>(), ["a,b", "c"]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_named_by_its_request_id() {
    let shop = shop(vec![listing("HALF", 0)]).await;
    shop.sandbox.fault(Fault::on("PATCH", "/listings/*").half_body());
    let write = shop.patch(&sku("HALF"), [shop.offer(&sku("HALF")).await.price_patch("29".parse().unwrap())]);
    let error = shop.client.call(Once(write)).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_been_applied(), error.attempts()), (ErrorKind::Interrupted, true, 1));
    assert!(error.request_id().is_some_and(|id| id.len() > 10), "{error}");
}
