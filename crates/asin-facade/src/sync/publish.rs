//! Sends what was decided: previewed first, noted on disk before it leaves, sent once, never guessed.

use super::{
    Change, Doubt, Outcome, Reason, StateError, Step,
    audit::{Edit, Stock},
    decide,
    plan::{AT_ONCE, Group, Listing, Member, StockPlan, plain},
    run::{Run, Slot, SyncError},
    state::{Part, Sent, Target},
};
use core_http::{ErrorKind, Once};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use sp_listings::{
    ListingsItemPatchRequest, PatchListingsItem, PatchOperation, Previewed, Submission, preview, stock_patch,
};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::time::sleep;

/// A listing that was read longer ago is read again before it is written.
const STALE: Duration = Duration::from_secs(60);
/// How often, and how far apart, a price is read back before a stock may rise.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Whether changes are sent or only previewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Send,
    Preview,
}

impl Run<'_> {
    /// Sends the changes of all groups, if there are not too many and the supervisor agrees.
    pub(super) async fn publish(&self, mut groups: Vec<Group>) -> Result<Vec<Slot>, SyncError> {
        let changes: Vec<_> = groups.iter().flat_map(Group::changes).collect();
        let most = self.options.max_rows_changed;
        let mode = if changes.len() > most {
            let message = format!("{} rows would change, more than {most}: nothing is sent at all", changes.len());
            self.note(message.clone());
            groups.iter_mut().for_each(|group| group.hold(&Reason::new("too_many_rows", message.clone())));
            Mode::Send
        } else if changes.is_empty() {
            Mode::Send
        } else if self.options.dry_run || self.plans {
            Mode::Preview
        } else if self.supervisor.may_write(&changes).await {
            Mode::Send
        } else {
            let reason = Reason::new("not_confirmed", "nobody confirmed the change");
            groups.iter_mut().for_each(|group| group.hold(&reason));
            Mode::Send
        };
        self.began(Step::Publish, changes.len());
        let done = AtomicUsize::new(0);
        let published = stream::iter(groups)
            .map(|group| async {
                let rows = group.changes().len();
                let slots = self.publish_group(group, mode).await;
                self.advanced(Step::Publish, done.fetch_add(rows, Ordering::Relaxed) + rows);
                slots
            })
            .buffer_unordered(AT_ONCE)
            // Every group comes to its end, also when the state of another could not be written.
            .collect::<Vec<_>>()
            .await;
        self.ended(Step::Publish);
        let slots = published.into_iter().collect::<Result<Vec<_>, StateError>>()?;
        let slots: Vec<Slot> = slots.into_iter().flatten().collect();
        if self.plans {
            let planned = |change| slots.iter().find_map(|slot| valid(slot, &change));
            self.planned().extend(changes.into_iter().filter_map(planned));
        }
        Ok(slots)
    }

    async fn publish_group(&self, mut group: Group, mode: Mode) -> Result<Vec<Slot>, StateError> {
        for member in &mut group.members {
            self.publish_price(member, mode).await?;
        }
        self.publish_stock(&mut group, mode).await?;
        Ok(group.members.into_iter().map(|member| member.slot).collect())
    }

    async fn publish_price(&self, member: &mut Member, mode: Mode) -> Result<(), StateError> {
        let Some(price) = member.price else { return Ok(()) };
        let Some(listing) = member.listing.take() else { return Ok(()) };
        let same = |before: &Listing, now: &Listing| before.offer == now.offer;
        let listing = match self.still_so(&member.slot, listing, same).await {
            Ok(_) if self.has_aged(&member.slot) => {
                let message = "what was observed has become too old while the change waited";
                member.slot.report.price = Outcome::Skipped(Reason::new("observation_too_old", message));
                return Ok(());
            }
            Ok(listing) => listing,
            Err(outcome) => {
                member.slot.report.price = outcome;
                return Ok(());
            }
        };
        let Ok(offer) = &listing.offer else { return Ok(()) };
        let patch = offer.price_patch(price.amount);
        let edit = Edit::Price { from: member.slot.report.old_price, to: price };
        let outcome = self.submit(&mut member.slot, edit, patch, plain(price), mode).await?;
        member.slot.report.price = outcome;
        if matches!(member.slot.report.price, Outcome::Unknown(_)) && self.shows_price(member).await {
            self.state().settle(member.slot.target(Part::Price))?;
            member.slot.report.price = Outcome::Applied;
        }
        member.listing = Some(listing);
        Ok(())
    }

    async fn publish_stock(&self, group: &mut Group, mode: Mode) -> Result<(), StateError> {
        let Some(plan) = group.stock else { return Ok(()) };
        let held = if plan.rises { self.hold_rise(group).await } else { None };
        let carrier = &mut group.members[plan.carrier];
        let same = |before: &Listing, now: &Listing| {
            before.item.channels() == now.item.channels() && before.item.stock() == now.item.stock()
        };
        let changed = match carrier.listing.take() {
            Some(listing) => self.still_so(&carrier.slot, listing, same).await.err(),
            None => None,
        };
        let outcome = match (held, changed) {
            (Some(reason), _) => Outcome::Skipped(reason),
            (None, Some(outcome)) => outcome,
            (None, None) => {
                let slot = &mut group.members[plan.carrier].slot;
                let Some(patch) = stock_patch(plan.quantity, plan.handling) else { return Ok(()) };
                let report = &slot.report;
                let from = Stock { quantity: report.old_quantity, handling_days: report.old_handling_days };
                let edit = Edit::Stock { from, to: Stock { quantity: plan.quantity, handling_days: plan.handling } };
                let outcome = self.submit(slot, edit, patch, plan.value(), mode).await?;
                if matches!(outcome, Outcome::Unknown(_)) && self.shows_stock(slot, plan).await {
                    self.state().settle(slot.target(Part::Stock))?;
                    Outcome::Applied
                } else {
                    outcome
                }
            }
        };
        for member in group.members.iter_mut().filter(|member| member.shares_stock) {
            member.slot.report.stock = outcome.clone();
        }
        Ok(())
    }

    /// Stock rises only where every price of it has been read as it should be.
    async fn hold_rise(&self, group: &Group) -> Option<Reason> {
        for member in &group.members {
            let slot = &member.slot;
            let Some(listing) = &member.listing else {
                if matches!(slot.report.price, Outcome::Skipped(ref reason) if reason.code == "not_listed") {
                    continue;
                }
                return Some(hold(slot, "could not be read"));
            };
            let settled = match &slot.report.price {
                Outcome::Skipped(reason) if reason.code == "dry_run" => true,
                Outcome::Unchanged | Outcome::Applied | Outcome::Skipped(_) => {
                    decide::within_bounds(&slot.row, listing.price(slot))
                }
                Outcome::Submitted => self.reads_back(member).await,
                _ => false,
            };
            if !settled {
                return Some(hold(slot, "is not known to be as it should be"));
            }
        }
        None
    }

    async fn reads_back(&self, member: &Member) -> bool {
        for look in 1..=LOOKS {
            if self.shows_price(member).await {
                return true;
            }
            if look < LOOKS {
                sleep(BETWEEN_LOOKS).await;
            }
        }
        false
    }

    async fn shows_price(&self, member: &Member) -> bool {
        let read = self.read(&member.slot).await;
        member.price.is_some() && read.is_ok_and(|listing| listing.price(&member.slot) == member.price)
    }

    async fn shows_stock(&self, slot: &Slot, plan: StockPlan) -> bool {
        self.read(slot).await.is_ok_and(|listing| plan.is_shown_by(&listing.item))
    }

    /// Whether the observation that a price follows has passed its greatest age since it was decided on.
    fn has_aged(&self, slot: &Slot) -> bool {
        let doubts =
            slot.report.observed.as_ref().map(|observed| observed.doubts(&self.question(slot, Timestamp::now())));
        doubts.is_some_and(|doubts| doubts.contains(&Doubt::TooOld))
    }

    /// The listing, read again if that was a while ago; an outcome if it is no longer what was decided on.
    async fn still_so(
        &self,
        slot: &Slot,
        listing: Listing,
        same: impl Fn(&Listing, &Listing) -> bool,
    ) -> Result<Listing, Outcome> {
        if listing.read.elapsed() < STALE {
            return Ok(listing);
        }
        let store = slot.row.marketplace.listings();
        match self.read(slot).await {
            Ok(fresh) if same(&listing, &fresh) && listing.item.asin(&store) == fresh.item.asin(&store) => Ok(fresh),
            Ok(_) => Err(Outcome::Skipped(Reason::new(
                "listing_changed",
                "the listing was changed by somebody else meanwhile",
            ))),
            Err(error) => Err(Outcome::Failed(Reason::new("read", error.to_string()))),
        }
    }

    /// Previews a patch and, if that is valid, sends it once.
    async fn submit(
        &self,
        slot: &mut Slot,
        edit: Edit,
        patch: PatchOperation,
        value: String,
        mode: Mode,
    ) -> Result<Outcome, StateError> {
        let failed = |error: &core_http::Error| Outcome::Failed(Reason::new(code(error.kind()), error.to_string()));
        let client = match self.client(slot) {
            Ok(client) => client,
            Err(error) => return Ok(failed(&error)),
        };
        let body = ListingsItemPatchRequest::offer([patch]);
        let store = slot.row.marketplace.listings();
        // The report is in English, and what Amazon says in it is, too.
        let patch =
            PatchListingsItem::new(slot.seller.clone(), slot.row.sku.clone(), [store], body).issue_locale("en_US");
        let validated = match preview(client, Once(patch)).await {
            Ok(Previewed::Valid(validated)) => validated,
            Ok(Previewed::NotValid(answer)) => {
                return Ok(Outcome::Refused(Reason::new("preview_invalid", answer.to_string())));
            }
            Err(error) if error.kind() == ErrorKind::Rejected => {
                return Ok(Outcome::Refused(Reason::new("preview_rejected", error.to_string())));
            }
            // What Amazon would refuse or nobody can mean, such as a price above the offer's own greatest: never sent.
            Err(error) if error.kind() == ErrorKind::Request && error.attempts() == 0 => {
                return Ok(Outcome::Refused(Reason::new("not_allowed", error.to_string())));
            }
            Err(error) => return Ok(failed(&error)),
        };
        if mode == Mode::Preview {
            return Ok(Outcome::Skipped(Reason::new("dry_run", "the preview is valid; nothing was sent")));
        }
        let target: Target = slot.target(edit.part());
        let note = |answered| Sent { value: value.clone(), at: Timestamp::now(), answered };
        self.state().note_sent(target.clone(), note(false))?;
        let write = self.audit().sending(slot, edit)?;
        let answer = validated.exchange(client).await;
        let request = match &answer {
            Ok(answer) => answer.request_id.clone(),
            Err(error) => error.request_id().map(str::to_owned),
        };
        let mut submission = None;
        let outcome = match answer.map(|answer| answer.value) {
            Ok(Submission::Accepted(response)) => {
                submission = Some(response.submission_id.to_string());
                Outcome::Submitted
            }
            Ok(refused @ Submission::Invalid(_)) => Outcome::Refused(Reason::new("invalid", refused.to_string())),
            Ok(other) => Outcome::Unknown(Reason::new("status", other.to_string())),
            Err(error) if error.may_have_been_applied() => {
                Outcome::Unknown(Reason::new(code(error.kind()), error.to_string()))
            }
            Err(error) if error.kind() == ErrorKind::Rejected => {
                Outcome::Refused(Reason::new("rejected", error.to_string()))
            }
            Err(error) => failed(&error),
        };
        self.audit().ended(write, &outcome, submission.clone(), request)?;
        slot.report.submissions.extend(submission);
        match &outcome {
            Outcome::Submitted => self.state().note_sent(target, note(true))?,
            Outcome::Unknown(_) => {}
            // Amazon said no, or was never reached: there is nothing to wait for.
            _ => self.state().settle(target)?,
        }
        Ok(outcome)
    }
}

/// The parts of a change whose preview was valid.
fn valid(slot: &Slot, change: &Change) -> Option<Change> {
    let report = &slot.report;
    if report.line != change.line {
        return None;
    }
    let is_valid = |outcome: &Outcome| matches!(outcome, Outcome::Skipped(reason) if reason.code == "dry_run");
    let (price, stock) = (is_valid(&report.price), is_valid(&report.stock));
    let valid = Change {
        price: change.price.filter(|_| price),
        quantity: change.quantity.filter(|_| stock),
        handling: change.handling.filter(|_| stock),
        ..change.clone()
    };
    (price || stock).then_some(valid)
}

impl Group {
    /// Sends nothing of this group, for this reason.
    fn hold(&mut self, reason: &Reason) {
        let outcome = Outcome::Skipped(reason.clone());
        for member in &mut self.members {
            if member.price.take().is_some() {
                member.slot.report.price = outcome.clone();
            }
            if self.stock.is_some() && member.shares_stock {
                member.slot.report.stock = outcome.clone();
            }
        }
        self.stock = None;
    }
}

fn hold(slot: &Slot, why: &str) -> Reason {
    Reason::new("price_first", format!("the price in {} {why}, so the stock does not rise yet", slot.row.marketplace))
}

fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Auth => "auth",
        ErrorKind::Connect => "connect",
        ErrorKind::Throttled => "throttled",
        ErrorKind::Timeout | ErrorKind::Interrupted => "no_answer",
        ErrorKind::Decode => "unreadable_answer",
        ErrorKind::Unavailable | ErrorKind::Busy => "unavailable",
        ErrorKind::NotFound => "not_found",
        _ => "error",
    }
}
