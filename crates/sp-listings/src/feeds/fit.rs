//! Whether a report is about a document, and which of its messages it speaks of.

use super::{
    FeedPart,
    outcome::Messages,
    report::{Report, is_refusal},
};
use core_http::Result;
use std::collections::{HashMap, HashSet};

/// What a report and a document have in common.
#[derive(Debug, Default)]
pub(super) struct Fit {
    /// Why the report cannot be about the document.
    pub(super) against: Option<String>,
    /// Whether the counts leave no message open: those without an error are accepted.
    pub(super) complete: bool,
    certain: bool,
    /// Messages that the report has under another SKU, or whose SKU it has under another number.
    mixed_up: HashSet<u32>,
    /// Messages that an issue has under a number that this document alone has.
    named: HashSet<u32>,
    /// Whether one of those has its SKU beside it. Then the report is about this document, whoever made the feed.
    proven: bool,
}

impl Fit {
    /// Why nothing can be said of a message; `listed` if its SKU is among the report's items, which have no number.
    pub(super) fn doubt(&self, message_id: u32, listed: bool) -> Option<&'static str> {
        if self.mixed_up.contains(&message_id) {
            return Some("the report has its number or its SKU otherwise than the document");
        }
        // Counts and SKUs alone may be those of another feed for the same listings.
        let evident = self.certain || self.named.contains(&message_id) || (self.proven && listed);
        (!evident)
            .then_some("the answer to createFeed is lost, and the report of the feed that was found does not name it")
    }
}

impl FeedPart {
    /// Compares a report with the document. For a feed that is `certain`, and whose id the report has, what does not
    /// fit is a doubt about the messages concerned; else it is the report of another document.
    ///
    /// # Errors
    /// Those of reading the document.
    pub(super) fn fit(&self, report: &Report, certain: bool) -> Result<Fit> {
        let mut fit = Fit { certain, against: self.header_against(report), ..Fit::default() };
        if fit.against.is_some() {
            return Ok(fit);
        }
        let mut numbers: HashMap<&str, HashSet<i64>> = HashMap::new();
        for (id, issues) in &report.issues {
            for sku in id.iter().flat_map(|_| issues).filter_map(|issue| issue.sku.as_deref()) {
                numbers.entry(sku).or_default().extend(id);
            }
        }
        let mut strange: HashSet<i64> = report.issues.keys().copied().flatten().collect();
        let mut unknown: HashSet<&str> = report.skus.iter().map(String::as_str).collect();
        // The numbers of issues that are about messages of this document.
        let mut about = HashSet::new();
        for message in Messages::open(&self.path)? {
            let message = message?;
            let (id, sku) = (i64::from(message.message_id), message.sku.as_str());
            let issues = report.issues.get(&Some(id));
            let beside = |same: bool| {
                let mut skus = issues.into_iter().flatten().filter_map(|issue| issue.sku.as_deref());
                skus.any(|other| (other == sku) == same)
            };
            let elsewhere = numbers.get(sku);
            if beside(false) || elsewhere.into_iter().flatten().any(|other| *other != id) {
                fit.mixed_up.insert(message.message_id);
            }
            if issues.is_some() && self.numbered_at_random(message.message_id) {
                fit.named.insert(message.message_id);
                fit.proven |= beside(true);
            }
            about.extend(issues.map(|_| id));
            about.extend(elsewhere.into_iter().flatten());
            strange.remove(&id);
            unknown.remove(sku);
        }
        let refused = about.into_iter().filter(|id| report.issues.get(&Some(*id)).is_some_and(|said| is_refusal(said)));
        let counted = |count: Option<i64>, is: usize| count.and_then(|count| usize::try_from(count).ok()) == Some(is);
        let all = counted(report.summary.messages_processed, self.messages as usize);
        fit.complete = all && counted(report.summary.messages_invalid, refused.count());
        if !(certain && report.header.feed_id.is_some()) {
            fit.against = match (fit.mixed_up.iter().next(), strange.iter().next(), unknown.iter().next()) {
                (Some(id), ..) => Some(format!("message {id} is another one in it")),
                (_, Some(id), _) => Some(format!("it names message {id}")),
                (.., Some(sku)) => Some(format!("it names the listing `{sku}`")),
                _ if !certain && !all => {
                    let counted = report.summary.messages_processed;
                    Some(format!("it counts {counted:?} messages, not {}", self.messages))
                }
                _ => None,
            };
        }
        Ok(fit)
    }

    fn header_against(&self, report: &Report) -> Option<String> {
        if let (Some(named), Some(feed)) = (&report.header.feed_id, self.feed())
            && named != feed.as_str()
        {
            return Some(format!("it is that of feed {named}"));
        }
        let seller = report.header.seller_id.as_deref().filter(|seller| *seller != self.seller_id.as_str())?;
        Some(format!("it is that of seller {seller}"))
    }

    /// Whether a message has a number that tells its document: not one of the caller's own.
    fn numbered_at_random(&self, message_id: u32) -> bool {
        let Some(after) = self.first_id.and_then(|first| message_id.checked_sub(first)) else { return false };
        after < self.messages
    }
}
