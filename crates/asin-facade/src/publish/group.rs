//! Reads the listings and decides what should change; sends nothing.

use super::{
    Change, FromTo, Outcome, PriceDecision, Reason, StateError,
    decide::Decide,
    read::{Listing, Shelves, unread},
    report::codes,
    row::Slot,
    sent::{Part, Sent, Target},
    work::Work,
};
use crate::{
    Price,
    event::{Hears, Step},
};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use sp_listings::{DEFAULT_CHANNEL, Item, NoOffer, is_not_listed};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How many groups are read or written at once; the rate limits decide how fast.
pub(super) const AT_ONCE: usize = 8;
/// The same value is not sent again so soon: Amazon may still be applying it.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// The rows of one account and SKU: they share one stock, and are written one after the other.
pub(super) struct Group {
    pub(super) members: Vec<Member>,
    pub(super) stock: Option<StockPlan>,
}

/// One row with what was read of it and what should happen to its price.
pub(super) struct Member {
    pub(super) slot: Slot,
    pub(super) listing: Option<Listing>,
    pub(super) price: Option<Price>,
    /// Whether a price that this run has sent was seen in the listing.
    pub(super) reads_back: bool,
    /// Whether the row names the stock and its listing is there: then it shares what becomes of the stock.
    pub(super) shares_stock: bool,
}

/// What should happen to a stock.
#[derive(Debug, Clone, Copy)]
pub(super) struct StockPlan {
    /// The member through whose listing it is sent.
    pub(super) carrier: usize,
    pub(super) quantity: Option<u32>,
    pub(super) handling: Option<u32>,
    /// More pieces than now, so the price comes first.
    pub(super) rises: bool,
    /// When it was counted, as far as that is known.
    pub(super) counted: Option<Timestamp>,
}

impl StockPlan {
    pub(super) fn value(&self) -> String {
        let text = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        format!("{}/{}", text(self.quantity), text(self.handling))
    }

    /// Whether a listing shows it already.
    pub(super) fn is_shown_by(&self, item: &Item) -> bool {
        let days = item.lead_time();
        self.quantity.is_none_or(|wanted| pieces(item) == Some(wanted))
            && self.handling.is_none_or(|wanted| days == Some(wanted))
    }
}

/// What an earlier run sent, in the light of what the listing shows now.
enum Earlier {
    Nothing,
    Shows,
    Missing { sent: Sent, fresh: bool },
}

impl Work<'_> {
    /// Reads every listing and decides about its price and stock.
    pub(super) async fn plan(&self, slots: Vec<Slot>, decide: &dyn Decide) -> Result<Vec<Group>, StateError> {
        self.supervisor.began(Step::Decide, slots.len());
        let shelves = Mutex::new(self.shelves(&slots).await);
        let mut groups: BTreeMap<(String, String), Vec<Slot>> = BTreeMap::new();
        for slot in slots {
            groups.entry((slot.row.account.clone(), slot.row.sku.to_string())).or_default().push(slot);
        }
        let done = AtomicUsize::new(0);
        let planned = stream::iter(groups.into_values())
            .map(|slots| self.plan_group(slots, decide, &shelves, &done))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        self.supervisor.ended(Step::Decide);
        planned.into_iter().collect()
    }

    async fn plan_group(
        &self,
        slots: Vec<Slot>,
        decide: &dyn Decide,
        shelves: &Mutex<Shelves>,
        done: &AtomicUsize,
    ) -> Result<Group, StateError> {
        let mut members = Vec::with_capacity(slots.len());
        for mut slot in slots {
            let shelved = shelves.lock().unwrap_or_else(PoisonError::into_inner).take(&slot);
            let listing = self.listing(&mut slot, shelved).await;
            let shares_stock = listing.is_some() && slot.row.names_stock();
            members.push(Member { slot, listing, price: None, reads_back: false, shares_stock });
            self.supervisor.advanced(Step::Decide, done.fetch_add(1, Ordering::Relaxed) + 1);
        }
        let mut group = Group { members, stock: None };
        if group.skip_fba() {
            return Ok(group);
        }
        for member in &mut group.members {
            self.plan_price(member, decide)?;
        }
        self.plan_stock(&mut group)?;
        Ok(group)
    }

    /// Reads a listing; whatever keeps the row from being touched goes into its report.
    async fn listing(&self, slot: &mut Slot, shelved: Option<Listing>) -> Option<Listing> {
        let read = match shelved {
            Some(listing) => Ok(listing),
            None => self.read(slot).await,
        };
        let outcome = match read {
            Ok(listing) => match listing.item.asin(&slot.row.marketplace.listings()) {
                Some(asin) if asin != slot.row.asin => {
                    Outcome::Refused(Reason::new("other_asin", format!("the listing is on {asin}")))
                }
                Some(_) => match slot.planned.as_ref().and_then(|change| listing.price_departs_from(change, slot)) {
                    None => return Some(listing),
                    Some(departure) => Outcome::Refused(Reason::new(codes::LISTING_CHANGED, departure)),
                },
                None => Outcome::Refused(Reason::new("no_asin", "Amazon does not say which ASIN the listing is on")),
            },
            Err(error) if is_not_listed(&error) => {
                Outcome::Skipped(Reason::new(codes::NOT_LISTED, "the seller has no such listing in this store"))
            }
            Err(error) => unread(&error),
        };
        slot.end(outcome);
        None
    }

    fn plan_price(&self, member: &mut Member, decide: &dyn Decide) -> Result<(), StateError> {
        let Some(listing) = &member.listing else { return Ok(()) };
        let slot = &mut member.slot;
        let old = listing.price(slot);
        slot.report.old_price = old;
        if !decide.asks(slot) {
            return Ok(());
        }
        let target = slot.target(Part::Price);
        let earlier = self.earlier(&target, |value| old.is_some_and(|old| value == plain(old)))?;
        let decision = match &listing.offer {
            Ok(_) => decide.price(slot, old, !matches!(earlier, Earlier::Missing { .. })),
            Err(why) => {
                let code = if matches!(why, NoOffer::Ambiguous(_)) { "ambiguous_offer" } else { "no_offer" };
                PriceDecision::Keep(Outcome::Skipped(Reason::new(code, why.to_string())))
            }
        };
        if let PriceDecision::Change(price) = &decision {
            slot.report.new_price = Some(*price);
        }
        slot.report.price = match (decision, earlier) {
            (PriceDecision::Keep(outcome), Earlier::Shows) => Outcome::Applied.or_worse(decide.explain(slot, outcome)),
            (PriceDecision::Keep(outcome), Earlier::Missing { fresh, .. }) => {
                self.forget(target, fresh)?;
                Outcome::NotApplied.or_worse(decide.explain(slot, outcome))
            }
            (PriceDecision::Keep(outcome), Earlier::Nothing) => decide.explain(slot, outcome),
            (PriceDecision::Change(price), Earlier::Missing { sent, fresh }) if sent.value == plain(price) => {
                self.forget(target, fresh)?;
                Outcome::NotApplied
            }
            (PriceDecision::Change(price), _) => {
                member.price = Some(price);
                Outcome::Unchanged
            }
        };
        Ok(())
    }

    fn plan_stock(&self, group: &mut Group) -> Result<(), StateError> {
        let quantity = group.members.iter().find_map(|member| member.slot.row.quantity);
        let handling = group.members.iter().find_map(|member| member.slot.row.max_handling_days);
        let Some(carrier) = group.members.iter().position(|member| member.shares_stock) else { return Ok(()) };
        let member = &group.members[carrier];
        let Some(listing) = &member.listing else { return Ok(()) };
        let (pieces, days) = (pieces(&listing.item), listing.item.lead_time());
        let rises = quantity.is_some_and(|wanted| wanted > pieces.unwrap_or_default());
        // The oldest that any row says of the quantity; it is not known where one of them says nothing.
        let named = group.members.iter().filter(|member| member.slot.row.quantity.is_some());
        let counted = named.map(|member| member.slot.row.stock_at).min().flatten();
        let plan = StockPlan { carrier, quantity, handling, rises, counted };
        let same = plan.is_shown_by(&listing.item);
        let target = member.slot.target(Part::Stock);
        let earlier = self.earlier(&target, |value| same && value == plan.value())?;
        let outcome = match earlier {
            Earlier::Shows => Outcome::Applied,
            // It is as it should be, but another value may still be on its way to it.
            Earlier::Missing { fresh: true, .. } if same => Outcome::NotApplied,
            Earlier::Missing { .. } if same => {
                self.sent().settle([target])?;
                Outcome::Unchanged
            }
            Earlier::Missing { sent, fresh } if sent.value == plan.value() => {
                self.forget(target, fresh)?;
                Outcome::NotApplied
            }
            _ => match member.slot.planned.as_ref().and_then(|change| listing.stock_departs_from(change)) {
                Some(departure) => Outcome::Refused(Reason::new(codes::LISTING_CHANGED, departure)),
                None => Outcome::Unchanged,
            },
        };
        let changes = !same && outcome == Outcome::Unchanged;
        for member in group.members.iter_mut().filter(|member| member.shares_stock) {
            let report = &mut member.slot.report;
            (report.stock, report.old_quantity) = (outcome.clone(), pieces);
            report.new_quantity = quantity.filter(|wanted| changes && pieces != Some(*wanted));
            report.old_handling_days = days;
            report.new_handling_days = handling.filter(|wanted| changes && days != Some(*wanted));
        }
        group.stock = changes.then_some(plan);
        Ok(())
    }

    /// What has been missing for so long may be sent again, from the next run on: this one says that it is missing.
    fn forget(&self, target: Target, fresh: bool) -> Result<(), StateError> {
        if fresh { Ok(()) } else { self.sent().settle([target]) }
    }

    /// What became of what an earlier run sent; what shows is settled.
    fn earlier(&self, target: &Target, shows: impl FnOnce(&str) -> bool) -> Result<Earlier, StateError> {
        let mut state = self.sent();
        let Some(sent) = state.sent(target).cloned() else { return Ok(Earlier::Nothing) };
        if shows(&sent.value) {
            state.settle([target.clone()])?;
            return Ok(Earlier::Shows);
        }
        let age = Timestamp::now().duration_since(sent.at).as_secs_f64().abs();
        Ok(Earlier::Missing { fresh: age < PATIENCE.as_secs_f64(), sent })
    }
}

impl Group {
    /// Stock in Amazon's own hands is Amazon's to count: such a listing is left alone as a whole.
    fn skip_fba(&mut self) -> bool {
        if !self.members.iter().any(|member| member.slot.row.names_stock()) {
            return false;
        }
        let foreign = self.members.iter().find_map(|member| {
            let channels = member.listing.as_ref()?.item.channels();
            channels.into_iter().find(|channel| *channel != DEFAULT_CHANNEL).map(str::to_owned)
        });
        let Some(channel) = foreign else { return false };
        let message =
            format!("fulfilled through `{channel}`; leave quantity and max_handling_days empty to set its price alone");
        let outcome = Outcome::Skipped(Reason::new(codes::FBA, message));
        for member in self.members.iter_mut().filter(|member| member.listing.is_some()) {
            let report = &mut member.slot.report;
            (report.price, report.stock) = (outcome.clone(), outcome.clone());
        }
        true
    }

    /// What would be sent, one entry for each row that it changes.
    pub(super) fn changes(&self) -> Vec<Change> {
        let changed = |member: &Member| {
            let report = &member.slot.report;
            let price = member.price.map(|to| FromTo { from: report.old_price, to });
            let quantity = self.stock.and(report.new_quantity).map(|to| FromTo { from: report.old_quantity, to });
            let handling = self.stock.and(report.new_handling_days);
            let handling = handling.map(|to| FromTo { from: report.old_handling_days, to });
            let stock = self.stock.is_some() && member.shares_stock;
            let observed = report.observed.clone().filter(|_| price.is_some());
            let change = Change::of(&member.slot);
            (price.is_some() || stock).then_some(Change { price, quantity, handling, observed, ..change })
        };
        self.members.iter().filter_map(changed).collect()
    }
}

/// How many pieces a listing shows for the seller's own channel.
pub(super) fn pieces(item: &Item) -> Option<u32> {
    item.stock().map(|stock| u32::try_from(stock.quantity).unwrap_or(u32::MAX))
}

/// One text for one amount, whatever its trailing zeros.
pub(super) fn plain(price: Price) -> String {
    price.amount.normalize().to_string()
}
