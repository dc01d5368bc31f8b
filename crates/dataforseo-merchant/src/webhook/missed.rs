//! What did not arrive: found in the vendor's lists, and sent again for nothing.

use crate::{
    DfsClient, MerchantErrors, MerchantErrorsQuery, ResendTask, Task, TaskId, TaskOutcome, TasksReady, WebhookResend,
    vendor,
};
use core_http::{ErrorKind, Fault, Result};
use serde_json::Value;
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
    /// Why it is not sent again, such as an unknown id, a task without a webhook or one that is not done
    /// ([`ErrorKind::Busy`]), or an answer that does not name it ([`ErrorKind::Decode`]); `None` when it is.
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
        resent.extend(ids.iter().map(|id| {
            let answer = answers.iter().find(|answer| names(answer, id));
            let refusal = match answer {
                Some(answer) => refusal(answer),
                None => Some(Fault::new(ErrorKind::Decode, "", "the answer does not name this task")),
            };
            Resent { id: id.clone(), refusal }
        }));
    }
    Ok(resent)
}

/// Whether an answer is about this task: it repeats the id that was asked for; its own may be that of the call.
fn names(answer: &Task<Value>, id: &TaskId) -> bool {
    let asked = answer.data.as_ref().and_then(|asked| asked.get("id")?.as_str());
    asked.or(answer.id.as_ref().map(TaskId::as_str)) == Some(id.as_str())
}

fn refusal(answer: &Task<Value>) -> Option<Fault> {
    match answer.outcome() {
        TaskOutcome::Done | TaskOutcome::Created => None,
        TaskOutcome::Refused(fault) | TaskOutcome::Unreadable(fault) => Some(fault),
        TaskOutcome::Pending | TaskOutcome::Empty => {
            Some(vendor::fault(ErrorKind::Busy, answer.status_code, answer.status_message.clone()))
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Builder;
    use core_http::testing::{Script, response};
    use serde_json::json;
    use std::sync::Arc;

    #[tokio::test]
    async fn only_what_is_said_to_be_sent_again_is_taken_for_it() {
        let answer = |id: &str, code: i64| json!({"id": "the call's", "status_code": code, "data": {"id": id}});
        let tasks = [answer("sent", 20000), answer("not done", 40602), answer("unknown", 40401)];
        let script = Arc::new(Script::new());
        let body = json!({"status_code": 20000, "tasks": tasks}).to_string();
        script.then(move |_| Ok(response(200, &body)));
        let client = Builder::new("login", "password").transport(script).build().unwrap();
        let ids = ["not answered", "not done", "sent", "unknown"].map(TaskId::new);
        let resent = resend(&client, ids).await.unwrap();
        let refusals: Vec<_> = resent
            .iter()
            .map(|one| (one.id.as_str(), one.refusal.as_ref().map(|fault| (fault.kind, fault.code.as_str()))))
            .collect();
        assert_eq!(
            refusals,
            [
                ("not answered", Some((ErrorKind::Decode, ""))),
                ("not done", Some((ErrorKind::Busy, "40602"))),
                ("sent", None),
                ("unknown", Some((ErrorKind::NotFound, "40401"))),
            ]
        );
    }
}
