//! Many changes of one account in one store: a sample is previewed, then they leave in feeds, prices first.
//!
//! The feeds of an account follow each other, so that one SKU is never written twice at once.

use super::{
    Outcome, Reason, StateError,
    audit::OpenWrite,
    feed::{Told, held, is_pending},
    group::{AT_ONCE, Group, Member},
    read::{Listing, changed, unread},
    report::codes,
    row::Slot,
    sent::{Part, Sent},
    work::Work,
    write::{BETWEEN_LOOKS, Draft, LOCALE, LOOKS, Mode, dry_run, failed, not_allowed, patch},
};
use crate::{
    Marketplace,
    event::{Hears, Step},
};
use core_http::Operation;
use futures_util::{StreamExt, future::join_all, stream};
use jiff::Timestamp;
use sp_listings::{
    ListingsItemPatchRequest, PatchOperation,
    feeds::{FeedMessage, ListingsFeed},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::time::sleep;

/// The parts in the order in which they are sent.
const PARTS: [Part; 2] = [Part::Price, Part::Stock];

/// A row among the groups of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct At {
    group: usize,
    member: usize,
}

impl At {
    fn slot(self, groups: &[Group]) -> &Slot {
        &groups[self.group].members[self.member].slot
    }
}

impl Work<'_> {
    /// The groups with a change in an account and store where too many are due for single patches, and the others.
    pub(super) fn split(&self, groups: Vec<Group>) -> (Vec<Group>, Vec<Group>) {
        let mut due: HashMap<(String, Marketplace), usize> = HashMap::new();
        groups.iter().flat_map(Group::places).for_each(|place| *due.entry(place).or_default() += 1);
        groups.into_iter().partition(|group| group.places().iter().any(|place| due[place] > self.options.feed_above))
    }

    /// Sends the changes of these groups by feeds, those of several accounts at once.
    pub(super) async fn publish_by_feed(
        &self,
        groups: Vec<Group>,
        mode: Mode,
        done: &AtomicUsize,
    ) -> Vec<Result<Vec<Slot>, StateError>> {
        let mut accounts: BTreeMap<String, Vec<Group>> = BTreeMap::new();
        for group in groups {
            accounts.entry(group.members[0].slot.row.account.clone()).or_default().push(group);
        }
        join_all(accounts.into_values().map(|groups| async move {
            let rows: usize = groups.iter().map(|group| group.changes().len()).sum();
            let slots = self.publish_account(groups, mode).await;
            self.supervisor.advanced(Step::Publish, done.fetch_add(rows, Ordering::Relaxed) + rows);
            slots
        }))
        .await
    }

    async fn publish_account(&self, mut groups: Vec<Group>, mode: Mode) -> Result<Vec<Slot>, StateError> {
        // In the order of the plan, over which the sample is spread.
        groups.sort_by_key(|group| group.members[0].slot.row.line);
        let stores: BTreeSet<Marketplace> = groups.iter().flat_map(Group::places).map(|(_, store)| store).collect();
        for store in &stores {
            self.preview_sample(&mut groups, *store).await;
        }
        for part in PARTS {
            if part == Part::Stock {
                self.see_prices(&mut groups).await;
                for store in &stores {
                    self.reread_for_rises(&mut groups, *store).await;
                }
                groups.iter_mut().for_each(Group::hold_rise);
            }
            if mode == Mode::Preview {
                let shown = dry_run("a sample was previewed; nothing was sent");
                groups.iter_mut().for_each(|group| group.end_all(part, &shown));
            }
            for store in stores.iter().filter(|_| mode == Mode::Send) {
                self.feed(&mut groups, *store, part).await?;
            }
        }
        Ok(groups.into_iter().flat_map(|group| group.members).map(|member| member.slot).collect())
    }

    /// What can be sent of a part in a store, as it stands now; the rest ends here.
    async fn ready(&self, groups: &mut [Group], store: Marketplace, part: Part) -> Vec<(At, Draft)> {
        self.refresh(groups, store, part).await;
        let mut ready = Vec::new();
        for at in due(groups, store, part) {
            let group = &mut groups[at.group];
            if group.members.iter().any(|member| is_pending(&member.slot.report.price)) {
                group.end(at.member, part, &held());
                continue;
            }
            let old = match part {
                Part::Price => self.observed_too_long_ago(&group.members[at.member].slot),
                Part::Stock => group.stock.and_then(|plan| self.counted_too_long_ago(plan)),
            };
            if let Some(old) = old {
                group.end(at.member, part, &old);
                continue;
            }
            let draft = match part {
                Part::Price => group.members[at.member].price_draft(),
                Part::Stock => group.stock_draft(),
            };
            let Some(draft) = draft else { continue };
            // One message that is not allowed would keep all of them from being sent.
            match patch(&group.members[at.member].slot, vec![draft.patch.clone()]).request() {
                Ok(_) => ready.push((at, draft)),
                Err(error) => group.end(at.member, part, &not_allowed(&error)),
            }
        }
        ready
    }

    /// Reads listings again that were read a while ago; what has changed meanwhile is left alone. Both parts are held
    /// against the new reading, for the next part finds it fresh.
    async fn refresh(&self, groups: &mut [Group], store: Marketplace, part: Part) {
        let old = |listing: &Listing| !listing.is_fresh();
        let is_old = |at: &At| groups[at.group].members[at.member].listing.as_ref().is_none_or(old);
        let stale: Vec<At> = due(groups, store, part).into_iter().filter(is_old).collect();
        let Some(first) = stale.first().map(|at| at.slot(groups)) else { return };
        let skus = stale.iter().map(|at| at.slot(groups).row.sku.clone());
        let read = self.read_all(&first.row.account, first.seller.clone(), store, skus).await;
        let (mut shelf, missing) = match read {
            Ok(shelf) => (shelf, changed()),
            Err(error) => (HashMap::new(), unread(&error)),
        };
        for At { group, member } in stale {
            let group = &mut groups[group];
            let now = shelf.remove(&group.members[member].slot.row.sku);
            for part in PARTS.into_iter().filter(|part| group.is_due(member, *part)).collect::<Vec<_>>() {
                let row = &group.members[member];
                let departed = match &now {
                    Some(now) => now.departs(row.listing.as_ref(), &row.slot, part),
                    None => Some(missing.clone()),
                };
                departed.iter().for_each(|outcome| group.end(member, part, outcome));
            }
            group.members[member].listing = now;
        }
    }

    /// Previews some rows of a store. A row that is refused is left out; if more than a tenth is, all of them are.
    async fn preview_sample(&self, groups: &mut [Group], store: Marketplace) {
        let mut rows: BTreeMap<At, (Vec<Part>, Vec<PatchOperation>)> = BTreeMap::new();
        for part in PARTS {
            for (at, draft) in self.ready(groups, store, part).await {
                let (parts, patches) = rows.entry(at).or_default();
                parts.push(part);
                patches.push(draft.patch);
            }
        }
        let rows: Vec<_> = rows.into_iter().collect();
        let kinds = rows.iter().map(|(at, (parts, _))| (groups[at.group].product_type(at.member), parts.clone()));
        let chosen = spread(kinds, self.options.feed_sample);
        let asked = chosen.len();
        let (shown, rows) = (&*groups, &rows);
        let refused: HashMap<At, Outcome> = stream::iter(chosen)
            .map(|row| async move {
                let (at, (_, patches)) = &rows[row];
                Some((*at, self.previewed(at.slot(shown), patches.clone()).await.err()?))
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(|refused| async { refused })
            .collect()
            .await;
        let stop = (refused.len() > (asked / 10).max(1)).then(|| {
            let message = format!(
                "{} of {asked} changes that were previewed in {store} are refused: none is sent",
                refused.len()
            );
            self.supervisor.note(message.clone());
            Outcome::Skipped(Reason::new(codes::SAMPLE_REFUSED, message))
        });
        for (at, (parts, _)) in rows {
            let Some(outcome) = refused.get(at).or(stop.as_ref()) else { continue };
            parts.iter().for_each(|part| groups[at.group].end(at.member, *part, outcome));
        }
    }

    /// Sends a part of all rows in a store by a feed of its own, and waits for what becomes of each.
    async fn feed(&self, groups: &mut [Group], store: Marketplace, part: Part) -> Result<(), StateError> {
        let ready = self.ready(groups, store, part).await;
        let Some((first, _)) = ready.first() else { return Ok(()) };
        let (account, seller) = (first.slot(groups).row.account.clone(), first.slot(groups).seller.clone());
        let client = match self.client(&account) {
            Ok(client) => client,
            Err(error) => {
                groups.iter_mut().for_each(|group| group.end_all(part, &failed(&error)));
                return Ok(());
            }
        };
        let sent = |draft: &Draft| Sent { value: draft.value.clone(), at: Timestamp::now(), answered: false };
        self.sent().note_sent(ready.iter().map(|(at, draft)| (at.slot(groups).target(part), sent(draft))))?;
        let (name, writes) = {
            let mut audit = self.audit();
            let name = audit.feed();
            let edits = ready.iter().map(|(at, draft)| (at.slot(groups), draft.edit));
            let writes = audit.sending(Some(&name), edits)?;
            (name, writes)
        };
        let what = if part == Part::Price { "prices" } else { "stocks" };
        self.supervisor.note(format!("{} {what} of {account} leave for {store} in one feed", ready.len()));
        let open: Vec<OpenWrite> = ready
            .iter()
            .zip(writes)
            .map(|((at, _), write)| {
                let slot = at.slot(groups);
                let (account, sku, target) = (account.clone(), slot.row.sku.clone(), slot.target(part));
                OpenWrite { write, at: Timestamp::now(), account, sku, target }
            })
            .collect();
        let (places, messages): (Vec<At>, Vec<_>) = ready
            .into_iter()
            .map(|(at, draft)| {
                let change = ListingsItemPatchRequest::offer([draft.patch]);
                (at, Ok(FeedMessage::patch(at.slot(groups).row.sku.clone(), change)))
            })
            .unzip();
        let feed = ListingsFeed::new(seller, [store.listings()]).issue_locale(LOCALE);
        let folder = self.feed_folder(&name);
        let told = Told::hear(folder.submit(client, &feed, stream::iter(messages))).await;
        let ends = self.end_feed(&name, told, &open, true)?;
        for (at, (outcome, feed)) in places.into_iter().zip(ends) {
            groups[at.group].members[at.member].slot.report.submissions.extend(feed);
            match part {
                Part::Price => groups[at.group].members[at.member].slot.report.price = outcome,
                Part::Stock => groups[at.group].end_stock(&outcome),
            }
        }
        Ok(())
    }

    /// Looks whether the prices show that stocks wait for.
    async fn see_prices(&self, groups: &mut [Group]) {
        for look in 1..=LOOKS {
            let mut waiting: BTreeMap<Marketplace, Vec<At>> = BTreeMap::new();
            for (at, group) in groups.iter().enumerate().filter(|(_, group)| group.stock.is_some_and(|plan| plan.rises))
            {
                for (member, row) in group.members.iter().enumerate() {
                    if row.slot.report.price == Outcome::Submitted && !row.reads_back {
                        waiting.entry(row.slot.row.marketplace).or_default().push(At { group: at, member });
                    }
                }
            }
            if waiting.is_empty() {
                return;
            }
            if look > 1 {
                sleep(BETWEEN_LOOKS).await;
            }
            for (store, places) in waiting {
                let slot = places[0].slot(groups);
                let skus = places.iter().map(|at| at.slot(groups).row.sku.clone());
                // What cannot be read is not known to show.
                let shelf =
                    self.read_all(&slot.row.account, slot.seller.clone(), store, skus).await.unwrap_or_default();
                for At { group, member } in places {
                    let row = &mut groups[group].members[member];
                    let shown = shelf.get(&row.slot.row.sku).and_then(|listing| listing.price(&row.slot));
                    row.reads_back = shown.is_some() && shown == row.price;
                }
            }
        }
    }
}

/// The rows with something to send of this part in this store.
fn due(groups: &[Group], store: Marketplace, part: Part) -> Vec<At> {
    let mut due = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        for (member, row) in group.members.iter().enumerate() {
            let is_due = row.slot.row.marketplace == store && group.is_due(member, part);
            due.extend(is_due.then_some(At { group: at, member }));
        }
    }
    due
}

/// About so many of these, each kind in proportion and at least once while there is room, spread over its whole length.
fn spread<K: Ord>(kinds: impl Iterator<Item = K>, sample: usize) -> Vec<usize> {
    let mut by_kind: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    let mut all = 0;
    for (at, kind) in kinds.enumerate() {
        by_kind.entry(kind).or_default().push(at);
        all += 1;
    }
    let mut by_kind: Vec<Vec<usize>> = by_kind.into_values().collect();
    by_kind.sort_by_key(|rows| Reverse(rows.len()));
    let pick = |rows: Vec<usize>| {
        let share = (sample * rows.len() / all).clamp(1, rows.len());
        (0..share).map(move |number| rows[number * rows.len() / share])
    };
    by_kind.into_iter().take(sample).flat_map(pick).collect()
}

impl Group {
    /// The accounts and stores of its changes, one for each.
    fn places(&self) -> Vec<(String, Marketplace)> {
        let prices = self.members.iter().filter(|member| member.price.is_some());
        let stock = self.stock.iter().map(|plan| &self.members[plan.carrier]);
        prices.chain(stock).map(|row| (row.slot.row.account.clone(), row.slot.row.marketplace)).collect()
    }

    /// Whether a part is still to be sent through a row's listing.
    fn is_due(&self, member: usize, part: Part) -> bool {
        let Member { price, slot, .. } = &self.members[member];
        match part {
            Part::Price => price.is_some() && slot.report.price == Outcome::Unchanged,
            Part::Stock => self.stock.is_some_and(|plan| plan.carrier == member),
        }
    }

    fn product_type(&self, member: usize) -> String {
        let Some(listing) = &self.members[member].listing else { return String::new() };
        let store = self.members[member].slot.row.marketplace.listings();
        let summary = listing.item.summaries.iter().find(|summary| summary.marketplace_id == store);
        summary.map(|summary| summary.product_type.clone()).unwrap_or_default()
    }

    /// A part of a row is not sent, and ends this way.
    fn end(&mut self, member: usize, part: Part, outcome: &Outcome) {
        match part {
            Part::Price => {
                self.members[member].price = None;
                self.members[member].slot.report.price = outcome.clone();
            }
            Part::Stock => {
                self.stock = None;
                self.end_stock(outcome);
            }
        }
    }

    /// A part is not sent in any store, and ends this way.
    fn end_all(&mut self, part: Part, outcome: &Outcome) {
        match (part, self.stock) {
            (Part::Price, _) => {
                let due = (0..self.members.len()).filter(|member| self.members[*member].price.is_some());
                due.collect::<Vec<_>>().into_iter().for_each(|member| self.end(member, part, outcome));
            }
            (Part::Stock, Some(plan)) => self.end(plan.carrier, part, outcome),
            (Part::Stock, None) => {}
        }
    }

    fn hold_rise(&mut self) {
        if let (Some(reason), Some(plan)) = (self.holds_rise(), self.stock) {
            self.end(plan.carrier, Part::Stock, &Outcome::Skipped(reason));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_shows_every_kind_and_reaches_over_the_whole_length() {
        let kinds = (0..1000).map(|at| if at == 990 { "rare" } else { "common" });
        let chosen = spread(kinds, 20);
        assert!((15..=21).contains(&chosen.len()), "{chosen:?}");
        assert!(chosen.contains(&990) && chosen.iter().any(|at| *at < 100) && chosen.iter().any(|at| *at > 900));
        assert_eq!(spread(["a", "b", "a"].iter(), 20), [0, 2, 1]);
        assert_eq!(spread(0..500, 20).len(), 20, "of many kinds some are left out");
        assert_eq!(spread([0; 0].iter(), 20), [0; 0]);
    }
}
