//! Reads listings: one by one, or twenty in a call where there are many.

use super::{
    Change, FromTo, Outcome, Reason,
    group::{Group, Member, pieces},
    report::codes,
    row::Slot,
    sent::Part,
    work::Work,
};
use crate::{Marketplace, Price, event::Hears};
use core_http::{Error, ErrorKind};
use futures_util::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use sp_listings::{
    DEFAULT_CHANNEL, GetListingsItem, Identifiers, IncludedData, Item, NoOffer, Offer, Search, SellerId, Sku, SpClient,
};
use std::{collections::HashMap, fmt::Display, time::Duration};
use tokio::time::Instant;

/// What is read of a listing.
const READ: [IncludedData; 3] =
    [IncludedData::Summaries, IncludedData::Attributes, IncludedData::FulfillmentAvailability];

/// A listing as it was read.
pub(super) struct Listing {
    pub(super) item: Item,
    pub(super) offer: Result<Offer, NoOffer>,
    /// When it was read, by both clocks: the monotonic one stands still while a machine sleeps, the wall's can be set.
    read: (Instant, Timestamp),
}

/// A listing that was read longer ago is read again before it is written.
const STALE: Duration = Duration::from_secs(60);

/// Listings of one account in one store.
pub(super) type Shelf = HashMap<Sku, Listing>;

/// Listings of several accounts and stores.
#[derive(Default)]
pub(super) struct Shelves(HashMap<(String, Marketplace), Shelf>);

impl Shelves {
    /// The listing of a row, handed out once.
    pub(super) fn take(&mut self, slot: &Slot) -> Option<Listing> {
        self.0.get_mut(&(slot.row.account.clone(), slot.row.marketplace))?.remove(&slot.row.sku)
    }
}

impl Listing {
    fn new(item: Item, store: Marketplace) -> Self {
        let offer = Offer::find(&item, &store.listings(), store.currency().as_str());
        Self { item, offer, read: (Instant::now(), Timestamp::now()) }
    }

    /// Whether it was read a moment ago.
    pub(super) fn is_fresh(&self) -> bool {
        let (read, wall) = self.read;
        is_fresh(read.elapsed(), Timestamp::now().duration_since(wall))
    }

    pub(super) fn price(&self, slot: &Slot) -> Option<Price> {
        let offer = self.offer.as_ref().ok()?;
        Some(Price::new(offer.price(), slot.row.marketplace.currency()))
    }

    /// Whether somebody has changed the price since a plan was made; then the row is left alone as a whole.
    pub(super) fn price_departs_from(&self, change: &Change, slot: &Slot) -> Option<String> {
        departs("price", change.price, self.price(slot))
    }

    /// Whether the stock is not what a plan was made from; a piece that was sold meanwhile is no reason to keep a price.
    pub(super) fn stock_departs_from(&self, change: &Change) -> Option<String> {
        departs("stock", change.quantity, pieces(&self.item))
            .or_else(|| departs("handling time in days", change.handling, self.item.lead_time()))
    }

    /// Says so if a part is no longer what was decided on: the offer as it was `before`, the stock as it stands in the
    /// report. Since one reading serves both parts, that of a stock may be replaced before the stock's turn comes.
    pub(super) fn departs(&self, before: Option<&Self>, slot: &Slot, part: Part) -> Option<Outcome> {
        let is_same = match part {
            Part::Price => before.is_some_and(|before| before.offer == self.offer),
            Part::Stock => {
                let shown = (pieces(&self.item), self.item.lead_time());
                shown == (slot.report.old_quantity, slot.report.old_handling_days)
                    && self.item.channels().into_iter().all(|channel| channel == DEFAULT_CHANNEL)
            }
        };
        let on = self.item.asin(&slot.row.marketplace.listings());
        (!is_same || on != Some(slot.row.asin)).then(changed)
    }
}

fn is_fresh(passed: Duration, by_the_wall: SignedDuration) -> bool {
    passed < STALE && Duration::try_from(by_the_wall).is_ok_and(|passed| passed < STALE)
}

/// Somebody else was there first.
pub(super) fn changed() -> Outcome {
    Outcome::Skipped(Reason::new(codes::LISTING_CHANGED, "the listing was changed by somebody else meanwhile"))
}

/// It could not be read.
pub(super) fn unread(error: &Error) -> Outcome {
    let code = match error.kind() {
        ErrorKind::Auth => "read_refused",
        ErrorKind::Throttled | ErrorKind::Busy => "read_throttled",
        _ => "read",
    };
    Outcome::Failed(Reason::new(code, error.to_string()))
}

/// A value must be the one that it was planned from, or already the one that it should become.
fn departs<T: PartialEq + Copy + Display>(what: &str, plan: Option<FromTo<T>>, now: Option<T>) -> Option<String> {
    let FromTo { from, to } = plan.filter(|plan| now != plan.from && now != Some(plan.to))?;
    let text = |value: Option<T>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    Some(format!("the {what} was {} and is {} now; planned: {to}", text(from), text(now)))
}

impl Work<'_> {
    pub(super) fn client(&self, account: &str) -> core_http::Result<&SpClient> {
        let missing = || Error::new(ErrorKind::Request, format!("no client for account `{account}`"));
        self.sellers.client(account).ok_or_else(missing)
    }

    pub(super) async fn read(&self, slot: &Slot) -> core_http::Result<Listing> {
        let store = slot.row.marketplace;
        let read = GetListingsItem::new(slot.seller.clone(), slot.row.sku.clone(), [store.listings()]);
        let item = self.client(&slot.row.account)?.call(read.included_data(READ)).await?;
        Ok(Listing::new(item, store))
    }

    /// Those of these listings that Amazon finds.
    pub(super) async fn read_all(
        &self,
        account: &str,
        seller: SellerId,
        store: Marketplace,
        skus: impl IntoIterator<Item = Sku>,
    ) -> core_http::Result<Shelf> {
        let search = Search::identified(seller, [store.listings()], Identifiers::skus(skus)).included_data(READ);
        let items: Vec<Item> = search.items(self.client(account)?).try_collect().await?;
        Ok(items.into_iter().map(|item| (item.sku.clone(), Listing::new(item, store))).collect())
    }

    /// Reads listings of a store again, seen a while ago, whose price decides whether a stock may rise.
    pub(super) async fn reread_for_rises(&self, groups: &mut [Group], store: Marketplace) {
        let rising = groups.iter_mut().filter(|group| group.stock.is_some_and(|plan| plan.rises));
        let stale: Vec<&mut Member> = rising
            .flat_map(|group| &mut group.members)
            .filter(|member| member.slot.row.marketplace == store)
            .filter(|member| member.listing.as_ref().is_some_and(|listing| !listing.is_fresh()))
            .collect();
        let Some(first) = stale.first().map(|member| (member.slot.row.account.clone(), member.slot.seller.clone()))
        else {
            return;
        };
        let skus: Vec<Sku> = stale.iter().map(|member| member.slot.row.sku.clone()).collect();
        let mut shelf = self.read_all(&first.0, first.1, store, skus).await.unwrap_or_default();
        for member in stale {
            member.listing = shelf.remove(&member.slot.row.sku);
        }
    }

    /// The listings of accounts and stores of which so many rows speak that they would be written by a feed. What cannot be
    /// had this way is read by itself.
    pub(super) async fn shelves(&self, slots: &[Slot]) -> Shelves {
        let mut rows: HashMap<(String, Marketplace), Vec<&Slot>> = HashMap::new();
        for slot in slots {
            rows.entry((slot.row.account.clone(), slot.row.marketplace)).or_default().push(slot);
        }
        let mut shelves = Shelves::default();
        for ((account, store), slots) in rows {
            let (Some(first), true) = (slots.first(), slots.len() > self.options.feed_above) else { continue };
            let skus = slots.iter().map(|slot| slot.row.sku.clone());
            match self.read_all(&account, first.seller.clone(), store, skus).await {
                Ok(shelf) => drop(shelves.0.insert((account, store), shelf)),
                Err(error) => self.supervisor.note(format!("the listings in {store} are read one by one: {error}")),
            }
        }
        shelves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_machine_slept_or_its_clock_was_set_is_read_again() {
        let seconds = |passed: u64, wall: i64| is_fresh(Duration::from_secs(passed), SignedDuration::from_secs(wall));
        assert!(seconds(0, 0) && seconds(59, 59));
        assert!(!seconds(60, 60) && !seconds(3, 50_000) && !seconds(3, -50_000));
    }
}
