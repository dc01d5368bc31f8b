//! What becomes of the messages of a feed, in this run and in the one after it.
//!
//! What was sent stands in the audit log under the name of the feed's folder. A run that was killed leaves it there without
//! an end: the next one finds out what became of it before it sends anything.

use super::{
    Outcome, Reason, StateError,
    age::age,
    audit::{End, OpenWrite},
    group::Group,
    report::codes,
    row::Slot,
    sent::Target,
    work::Work,
};
use crate::event::Hears;
use core_http::{Error, Result};
use futures_core::Stream;
use futures_util::{StreamExt, pin_mut};
use jiff::Timestamp;
use sp_listings::{
    Sku,
    feeds::{FeedFolder, FeedPart, FeedStage, MessageOutcome, MessageStatus},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A feed whose making was left without an answer is looked for so long; what it may change is left alone meanwhile.
const LOOKED_FOR: f64 = 60.0 * 60.0;

/// A feed of which nothing can be learnt although its folder can be read is asked for so long.
const ASKED_FOR: f64 = 24.0 * 60.0 * 60.0;

/// How many refusals of an earlier feed are told in words; all of them are in the audit log.
const TOLD: usize = 5;

/// What a folder has told of its messages.
#[derive(Debug, Default)]
pub(super) struct Told {
    messages: HashMap<Sku, MessageOutcome>,
    /// Why nothing came after that.
    error: Option<Error>,
}

impl Told {
    pub(super) async fn hear(outcomes: impl Stream<Item = Result<MessageOutcome>>) -> Self {
        let mut told = Self::default();
        pin_mut!(outcomes);
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(message) => drop(told.messages.insert(message.sku.clone(), message)),
                Err(error) => told.error = Some(error),
            }
        }
        told
    }

    /// What became of a message; `sent`: something of the folder may have left.
    fn of(&self, sku: &Sku, sent: bool) -> Outcome {
        let Some(MessageOutcome { status, issues, reason, .. }) = self.messages.get(sku) else {
            let message = self.error.as_ref().map_or_else(|| "nothing is known of it".to_owned(), Error::to_string);
            let reason = Reason::new("feed", message);
            return if sent { Outcome::Unknown(reason) } else { Outcome::Failed(reason) };
        };
        let why = |code| Reason::new(code, reason.clone().unwrap_or_default());
        match status {
            MessageStatus::Accepted => Outcome::Submitted,
            MessageStatus::Invalid => {
                let said = issues.iter().map(|issue| {
                    let code = issue.code.as_deref().unwrap_or("no code");
                    format!("{code}: {}", issue.message)
                });
                Outcome::Refused(Reason::new("invalid", said.collect::<Vec<_>>().join("; ")))
            }
            MessageStatus::NotDone => Outcome::Failed(why("feed_not_done")),
            MessageStatus::Pending => pending("its feed is not processed yet"),
            _ => Outcome::Unknown(why("feed")),
        }
    }
}

fn pending(why: &str) -> Outcome {
    Outcome::Unknown(Reason::new(
        codes::FEED_PENDING,
        format!("{why}; the next run asks for it before it sends anything"),
    ))
}

/// Left alone, since a feed may still change it.
pub(super) fn held() -> Outcome {
    Outcome::Skipped(Reason::new(codes::FEED_PENDING, "a feed that holds this SKU is not processed yet"))
}

pub(super) fn is_pending(outcome: &Outcome) -> bool {
    outcome.reason().is_some_and(|reason| reason.code == codes::FEED_PENDING)
}

/// Whether a document has a feed, or may have one.
fn may_be_sent(part: &FeedPart) -> bool {
    !matches!(part.stage, FeedStage::Written | FeedStage::Uploaded { .. })
}

impl Work<'_> {
    pub(super) fn feed_folder(&self, name: &str) -> FeedFolder {
        let folder = FeedFolder::new(self.options.state.join("feeds").join(name));
        // What waits for its feed grows old: it is left, and the next run decides anew.
        folder.every(self.options.cadence).patience(self.options.patience).waits(0)
    }

    /// Notes how the writes of a feed ended, as far as that is known; for each how, and Amazon's id of its feed. `ours`: it
    /// was submitted in this run, so what its folder does not hold was not sent.
    pub(super) fn end_feed(
        &self,
        name: &str,
        told: Told,
        open: &[OpenWrite],
        ours: bool,
    ) -> Result<Vec<(Outcome, Option<String>)>, StateError> {
        let parts = self.feed_folder(name).parts();
        let sent = !ours || parts.as_ref().map_or(true, |parts| parts.iter().any(may_be_sent));
        let feeds: HashMap<u32, String> =
            parts.iter().flatten().filter_map(|part| Some((part.number, part.feed()?.to_string()))).collect();
        let is_unmade = |part: &&FeedPart| matches!(part.stage, FeedStage::Creating { .. });
        let unmade: HashSet<u32> = parts.iter().flatten().filter(is_unmade).map(|part| part.number).collect();
        let is_readable = parts.as_ref().is_ok_and(|parts| !parts.is_empty());
        // What an error hid: the folder was in use, the disk was full.
        let asked_for = if is_readable { ASKED_FOR } else { LOOKED_FOR };
        let hidden = told.error.as_ref().filter(|_| sent).map(|error| pending(&error.to_string()));
        let ends: Vec<(Outcome, Option<String>)> = open
            .iter()
            .map(|open| {
                let part = told.messages.get(&open.sku).map(|message| message.part);
                let outcome = match (part, &hidden) {
                    (Some(part), _) if unmade.contains(&part) && age(open.at) < LOOKED_FOR => {
                        pending("whether its feed was made is not known")
                    }
                    (None, Some(hidden)) if age(open.at) < asked_for => hidden.clone(),
                    _ => told.of(&open.sku, sent),
                };
                (outcome, part.and_then(|part| feeds.get(&part).cloned()))
            })
            .collect();
        let ended = || open.iter().zip(&ends).filter(|(_, (outcome, _))| !is_pending(outcome));
        self.audit().ended(ended().map(|(open, (outcome, feed))| {
            let (write, outcome, submission) = (open.write.clone(), outcome.clone(), feed.clone());
            End { write, outcome, submission, request: None }
        }))?;
        let targets = |wanted: fn(&Outcome) -> bool| -> Vec<Target> {
            let meant = ended().filter(|(_, (outcome, _))| wanted(outcome));
            meant.map(|(open, _)| open.target.clone()).collect()
        };
        self.sent().accepted(targets(|outcome| *outcome == Outcome::Submitted), Timestamp::now())?;
        self.sent().settle(targets(|outcome| matches!(outcome, Outcome::Refused(_) | Outcome::Failed(_))))?;
        if !ends.iter().any(|(outcome, _)| matches!(outcome, Outcome::Unknown(_))) {
            // Everything that it says is in the audit log; what cannot be removed does no harm.
            let _left = std::fs::remove_dir_all(self.options.state.join("feeds").join(name));
        }
        Ok(ends)
    }

    /// Finds out what became of feeds that an earlier run has left. A dry run leaves them to the next one.
    pub(super) async fn settle_feeds(&self, slots: &[Slot]) -> Result<(), StateError> {
        let open_feeds = self.audit().open_feeds();
        for (name, open) in open_feeds {
            let Some(OpenWrite { account, target, .. }) = open.first() else { continue };
            let is_ours = |slot: &Slot| slot.row.account == *account && slot.seller.as_str() == target.seller;
            if self.previews() || !slots.iter().any(is_ours) {
                self.supervisor
                    .note(format!("{} changes of `{account}` in feed {name} wait for a run that writes", open.len()));
                self.leave(&open);
                continue;
            }
            self.supervisor
                .note(format!("an earlier run did not see the end of feed {name} with {} changes", open.len()));
            let told = match self.client(account) {
                Ok(client) => Told::hear(self.feed_folder(&name).settle(client)).await,
                Err(error) => Told { error: Some(error), ..Told::default() },
            };
            let ends = self.end_feed(&name, told, &open, false)?;
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            ends.iter().for_each(|(outcome, _)| *counts.entry(outcome.name()).or_default() += 1);
            let counts: Vec<String> = counts.iter().map(|(outcome, changes)| format!("{outcome} {changes}")).collect();
            self.supervisor.note(format!("feed {name}: {}", counts.join(", ")));
            let refused = open.iter().zip(&ends).filter(|(_, (outcome, _))| matches!(outcome, Outcome::Refused(_)));
            for (open, (outcome, _)) in refused.take(TOLD) {
                let why = outcome.reason().map_or("", |reason| &reason.message);
                self.supervisor.note(format!("{} was refused: {why}", open.sku));
            }
            let pending = open.iter().zip(&ends).filter(|(_, (outcome, _))| is_pending(outcome));
            self.leave(&pending.map(|(open, _)| open.clone()).collect::<Vec<_>>());
        }
        Ok(())
    }

    /// Keeps listings from being written in this run, for a write of them is under way.
    fn leave(&self, open: &[OpenWrite]) {
        self.unended().extend(open.iter().map(|open| (open.target.seller.clone(), open.target.sku.clone())));
    }

    /// Sends nothing to listings that a feed of an earlier run may still change.
    pub(super) fn hold_unended(&self, groups: &mut [Group]) {
        let unended = self.unended();
        let held = held();
        let Some(reason) = held.reason() else { return };
        for group in groups {
            let slot = &group.members[0].slot;
            if unended.contains(&(slot.seller.to_string(), slot.row.sku.to_string())) {
                group.hold(reason);
            }
        }
    }
}
