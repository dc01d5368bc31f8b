//! What did not arrive: found in the vendor's lists, and sent again for nothing.

use crate::{
    DfsClient, MerchantErrors, MerchantErrorsQuery, ResendTask, TaskId, TaskOutcome, TasksReady, WebhookResend,
};
use core_http::{Fault, Result};
use std::collections::BTreeSet;

/// The most ids of one call (the vendor's page on `webhook_resend`).
const IDS: usize = 100;
/// The most rows of a page of errors.
const ROWS: usize = 1000;
/// No list of errors is read further.
const MOST_PAGES: usize = 100;

/// What the vendor says to sending a webhook again.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Resent {
    /// The task.
    pub id: TaskId,
    /// Why it is not sent again, such as an unknown id or a task without a webhook; `None` when it is.
    pub refusal: Option<Fault>,
}

/// Has the webhooks of these tasks sent again: free, in calls of up to a hundred. They arrive some time later, as before.
///
/// # Errors
/// Those of the calls. What was asked for before is sent nevertheless.
pub async fn resend(client: &DfsClient, ids: impl IntoIterator<Item = TaskId>) -> Result<Vec<Resent>> {
    let ids: Vec<TaskId> = ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut resent = Vec::with_capacity(ids.len());
    for ids in ids.chunks(IDS) {
        let answers = client.call(WebhookResend::new(ids.iter().cloned().map(ResendTask::new))).await?;
        // The answers stand in the order of the ids; their own ids are those of the call.
        let refusals = answers.iter().map(|task| match task.outcome() {
            TaskOutcome::Refused(fault) => Some(fault),
            _ => None,
        });
        let refusals = refusals.chain(std::iter::repeat(None));
        resent.extend(ids.iter().zip(refusals).map(|(id, refusal)| Resent { id: id.clone(), refusal }));
    }
    Ok(resent)
}

/// The tasks whose webhooks did not arrive: those in the vendor's list of errors of the last seven days, and those that
/// are listed as ready. Both lists are the whole account's: [resend](resend) only what is one's own, such as the
/// [pending](crate::Tasks::pending).
///
/// # Errors
/// Those of the calls, all of them free.
pub async fn undelivered(client: &DfsClient) -> Result<BTreeSet<TaskId>> {
    let mut ids: BTreeSet<TaskId> =
        client.call(TasksReady::new()).await?.into_iter().filter_map(|row| row.id).collect();
    for function in ["postback_url", "pingback_url"] {
        for page in 0..MOST_PAGES {
            let query = MerchantErrorsQuery::new().filtered_function(function).limit(ROWS as i64);
            let rows = client.call(MerchantErrors::new(query.offset((page * ROWS) as i64))).await?;
            let count = rows.len();
            ids.extend(rows.into_iter().filter_map(|row| row.id));
            if count < ROWS {
                break;
            }
        }
    }
    Ok(ids)
}
