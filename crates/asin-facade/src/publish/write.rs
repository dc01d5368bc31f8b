//! Sends what was decided: previewed first, noted on disk before it leaves, sent once, never guessed.

use super::{
    Change, Outcome, Reason, RowReport, StateError,
    audit::{Edit, End, Stock},
    decide,
    group::{AT_ONCE, Group, Member, StockPlan, plain},
    read::unread,
    report::codes,
    row::Slot,
    sent::{Part, Sent, Target},
    work::Work,
};
use crate::event::{Hears, Step};
use core_http::{ErrorKind, Once};
use futures_util::{StreamExt, future::join, stream};
use jiff::Timestamp;
use sp_listings::{
    ListingsItemPatchRequest, PatchListingsItem, PatchOperation, Previewed, Submission, Validated, preview, stock_patch,
};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::time::sleep;

/// How often, and how far apart, a price is read back before a stock may rise.
pub(super) const LOOKS: u32 = 5;
pub(super) const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// Why a price that should have changed was left as it is: a stock does not rise at it.
const LEFT: [&str; 3] = [codes::LISTING_CHANGED, codes::OBSERVATION_TOO_OLD, codes::SAMPLE_REFUSED];

/// Whether changes are sent or only previewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Send,
    Preview,
}

/// One write: what it changes, the patch that does so, and its value in one form for each value.
pub(super) struct Draft {
    pub(super) edit: Edit,
    pub(super) patch: PatchOperation,
    pub(super) value: String,
}

impl Work<'_> {
    /// Sends the changes of all groups, if there are not too many and the supervisor agrees.
    pub(super) async fn publish(&self, mut groups: Vec<Group>) -> Result<Vec<Slot>, StateError> {
        self.hold_unended(&mut groups);
        let changes: Vec<_> = groups.iter().flat_map(Group::changes).collect();
        let most = self.options.max_rows_changed;
        // A plan is read by a person; the brake holds when it is written.
        let mode = if changes.len() > most && !self.plans {
            let message = format!(
                "{} rows would change, more than {most} (max_rows_changed): nothing is sent at all",
                changes.len()
            );
            self.supervisor.note(message.clone());
            groups.iter_mut().for_each(|group| group.hold(&Reason::new("too_many_rows", message.clone())));
            Mode::Send
        } else if changes.is_empty() {
            Mode::Send
        } else if self.previews() {
            Mode::Preview
        } else if self.supervisor.may_write(&changes).await {
            Mode::Send
        } else {
            let reason = Reason::new("not_confirmed", "nobody confirmed the change");
            groups.iter_mut().for_each(|group| group.hold(&reason));
            Mode::Send
        };
        self.supervisor.began(Step::Publish, changes.len());
        let done = &AtomicUsize::new(0);
        let (many, few) = self.split(groups);
        let few = stream::iter(few)
            .map(|group| async {
                let rows = group.changes().len();
                let slots = self.publish_group(group, mode).await;
                self.supervisor.advanced(Step::Publish, done.fetch_add(rows, Ordering::Relaxed) + rows);
                slots
            })
            .buffer_unordered(AT_ONCE)
            // Every group comes to its end, also when the state of another could not be written.
            .collect::<Vec<_>>();
        let (few, many) = join(few, self.publish_by_feed(many, mode, done)).await;
        self.supervisor.ended(Step::Publish);
        let slots = few.into_iter().chain(many).collect::<Result<Vec<_>, StateError>>()?;
        let slots: Vec<Slot> = slots.into_iter().flatten().collect();
        if self.plans {
            let reports: HashMap<u64, &RowReport> = slots.iter().map(|slot| (slot.row.line, &slot.report)).collect();
            let planned = |change: Change| valid(reports.get(&change.line)?, change);
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
        if member.price.is_none() {
            return Ok(());
        }
        if let Some(departed) = self.departed(member, Part::Price).await {
            member.slot.report.price = departed;
            return Ok(());
        }
        if let Some(old) = self.observed_too_long_ago(&member.slot) {
            member.slot.report.price = old;
            return Ok(());
        }
        let Some(draft) = member.price_draft() else { return Ok(()) };
        member.slot.report.price = self.submit(&mut member.slot, draft, mode).await?;
        if matches!(member.slot.report.price, Outcome::Unknown(_)) && self.shows_price(member).await {
            self.sent().settle([member.slot.target(Part::Price)])?;
            member.slot.report.price = Outcome::Applied;
        }
        Ok(())
    }

    async fn publish_stock(&self, group: &mut Group, mode: Mode) -> Result<(), StateError> {
        let Some(plan) = group.stock else { return Ok(()) };
        if let Some(old) = self.counted_too_long_ago(plan) {
            group.end_stock(&old);
            return Ok(());
        }
        if plan.rises {
            for member in &mut group.members {
                member.reads_back = member.slot.report.price == Outcome::Submitted && self.reads_back(member).await;
                // A price that was seen a while ago may be another one now.
                if member.listing.as_ref().is_some_and(|listing| !listing.is_fresh()) {
                    member.listing = self.read(&member.slot).await.ok();
                }
            }
        }
        let outcome = if let Some(reason) = group.holds_rise() {
            Outcome::Skipped(reason)
        } else if let Some(departed) = self.departed(&mut group.members[plan.carrier], Part::Stock).await {
            departed
        } else {
            let Some(draft) = group.stock_draft() else { return Ok(()) };
            let slot = &mut group.members[plan.carrier].slot;
            let outcome = self.submit(slot, draft, mode).await?;
            if matches!(outcome, Outcome::Unknown(_)) && self.shows_stock(slot, plan).await {
                self.sent().settle([slot.target(Part::Stock)])?;
                Outcome::Applied
            } else {
                outcome
            }
        };
        group.end_stock(&outcome);
        Ok(())
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

    /// Reads a listing again if that was a while ago; an outcome if the part is no longer what was decided on.
    async fn departed(&self, member: &mut Member, part: Part) -> Option<Outcome> {
        if let Some(listing) = member.listing.as_ref().filter(|listing| listing.is_fresh()) {
            return listing.departs(Some(listing), &member.slot, part);
        }
        let before = member.listing.take();
        match self.read(&member.slot).await {
            Ok(now) => {
                let departed = now.departs(before.as_ref(), &member.slot, part);
                member.listing = Some(now);
                departed
            }
            Err(error) => Some(unread(&error)),
        }
    }

    /// The change of a listing by these patches, if Amazon finds it valid.
    pub(super) async fn previewed(
        &self,
        slot: &Slot,
        patches: Vec<PatchOperation>,
    ) -> Result<Validated<Once<PatchListingsItem>>, Outcome> {
        let client = self.client(&slot.row.account).map_err(|error| failed(&error))?;
        match preview(client, Once(patch(slot, patches))).await {
            Ok(Previewed::Valid(validated)) => Ok(validated),
            Ok(Previewed::NotValid(answer)) => {
                Err(Outcome::Refused(Reason::new("preview_invalid", answer.to_string())))
            }
            Err(error) if error.kind() == ErrorKind::Rejected => {
                Err(Outcome::Refused(Reason::new("preview_rejected", error.to_string())))
            }
            Err(error) if error.kind() == ErrorKind::Request && error.attempts() == 0 => Err(not_allowed(&error)),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Previews a patch and, if that is valid, sends it once.
    async fn submit(&self, slot: &mut Slot, draft: Draft, mode: Mode) -> Result<Outcome, StateError> {
        let Draft { edit, patch, value } = draft;
        let validated = match self.previewed(slot, vec![patch]).await {
            Ok(validated) => validated,
            Err(outcome) => return Ok(outcome),
        };
        let client = match self.client(&slot.row.account) {
            Ok(client) if mode == Mode::Send => client,
            Ok(_) => return Ok(dry_run("the preview is valid; nothing was sent")),
            Err(error) => return Ok(failed(&error)),
        };
        let target: Target = slot.target(edit.part());
        let note = |answered| [(target.clone(), Sent { value: value.clone(), at: Timestamp::now(), answered })];
        self.sent().note_sent(note(false))?;
        let writes = self.audit().sending(None, [(&*slot, edit)])?;
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
        slot.report.submissions.extend(submission.clone());
        let end =
            |write| End { write, outcome: outcome.clone(), submission: submission.clone(), request: request.clone() };
        self.audit().ended(writes.into_iter().map(end))?;
        match &outcome {
            Outcome::Submitted => self.sent().note_sent(note(true))?,
            Outcome::Unknown(_) => {}
            // Amazon said no, or was never reached: there is nothing to wait for.
            _ => self.sent().settle([target])?,
        }
        Ok(outcome)
    }
}

/// The report is in English, and what Amazon says in it is, too.
pub(super) const LOCALE: &str = "en_US";

/// A change of a listing as an operation of its own.
pub(super) fn patch(slot: &Slot, patches: Vec<PatchOperation>) -> PatchListingsItem {
    let (body, store) = (ListingsItemPatchRequest::offer(patches), slot.row.marketplace.listings());
    PatchListingsItem::new(slot.seller.clone(), slot.row.sku.clone(), [store], body).issue_locale(LOCALE)
}

pub(super) fn dry_run(message: &str) -> Outcome {
    Outcome::Skipped(Reason::new(codes::DRY_RUN, message))
}

/// What Amazon would refuse or nobody can mean, such as a price above the offer's own greatest: never sent.
pub(super) fn not_allowed(error: &core_http::Error) -> Outcome {
    Outcome::Refused(Reason::new("not_allowed", error.to_string()))
}

pub(super) fn failed(error: &core_http::Error) -> Outcome {
    Outcome::Failed(Reason::new(code(error.kind()), error.to_string()))
}

/// The parts of a change whose preview was valid.
fn valid(report: &RowReport, change: Change) -> Option<Change> {
    let is_valid = |outcome: &Outcome| matches!(outcome, Outcome::Skipped(reason) if reason.code == codes::DRY_RUN);
    let (price, stock) = (is_valid(&report.price), is_valid(&report.stock));
    let valid = Change {
        price: change.price.filter(|_| price),
        quantity: change.quantity.filter(|_| stock),
        handling: change.handling.filter(|_| stock),
        ..change
    };
    (price || stock).then_some(valid)
}

impl Member {
    /// What its price should be sent as.
    pub(super) fn price_draft(&self) -> Option<Draft> {
        let (price, listing) = (self.price?, self.listing.as_ref()?);
        let patch = listing.offer.as_ref().ok()?.price_patch(price.amount);
        let edit = Edit::Price { from: self.slot.report.old_price, to: price };
        Some(Draft { edit, patch, value: plain(price) })
    }
}

impl Group {
    /// What its stock should be sent as.
    pub(super) fn stock_draft(&self) -> Option<Draft> {
        let plan = self.stock?;
        let report = &self.members[plan.carrier].slot.report;
        let from = Stock { quantity: report.old_quantity, handling_days: report.old_handling_days };
        let edit = Edit::Stock { from, to: Stock { quantity: plan.quantity, handling_days: plan.handling } };
        Some(Draft { edit, patch: stock_patch(plan.quantity, plan.handling)?, value: plan.value() })
    }

    /// Its stock ends this way, for all rows that share it.
    pub(super) fn end_stock(&mut self, outcome: &Outcome) {
        for member in self.members.iter_mut().filter(|member| member.shares_stock) {
            member.slot.report.stock = outcome.clone();
        }
    }

    /// Stock rises only where every price of it has been read as it should be; else the reason.
    pub(super) fn holds_rise(&self) -> Option<Reason> {
        if !self.stock.is_some_and(|plan| plan.rises) {
            return None;
        }
        for member in &self.members {
            let slot = &member.slot;
            let Some(listing) = &member.listing else {
                if matches!(slot.report.price, Outcome::Skipped(ref reason) if reason.code == codes::NOT_LISTED) {
                    continue;
                }
                return Some(hold(slot, "could not be read"));
            };
            let settled = match &slot.report.price {
                Outcome::Skipped(reason) if reason.code == codes::DRY_RUN => true,
                Outcome::Skipped(reason) if LEFT.contains(&reason.code) => false,
                Outcome::Unchanged | Outcome::Applied | Outcome::Skipped(_) => {
                    decide::within_bounds(&slot.row, listing.price(slot))
                }
                Outcome::Submitted => member.reads_back,
                _ => false,
            };
            if !settled {
                return Some(hold(slot, "is not known to be as it should be"));
            }
        }
        None
    }

    /// Sends nothing of this group, for this reason.
    pub(super) fn hold(&mut self, reason: &Reason) {
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
