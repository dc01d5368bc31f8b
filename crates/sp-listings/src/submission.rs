//! What became of a submission: HTTP 200 says only that Amazon has read it.

use crate::{Issue, ListingsItemSubmissionResponse, Severity, SubmissionId, SubmissionStatus, vendor};
use core_http::{ErrorKind, Fault, Operation, Result};
use serde::Serialize;
use std::fmt;

/// Amazon's answer to a PUT, PATCH or DELETE.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[must_use = "a submission may have been refused"]
#[non_exhaustive]
pub enum Submission {
    /// Taken in, and applied later or never: read the listing again.
    Accepted(ListingsItemSubmissionResponse),
    /// A preview that would be accepted.
    Valid(ListingsItemSubmissionResponse),
    /// Refused; nothing was changed. The issues say why.
    Invalid(ListingsItemSubmissionResponse),
    /// A status that this version does not know: neither a success nor a refusal.
    Unknown(ListingsItemSubmissionResponse),
}

impl Submission {
    /// The whole answer.
    pub fn response(&self) -> &ListingsItemSubmissionResponse {
        match self {
            Self::Accepted(response) | Self::Valid(response) | Self::Invalid(response) | Self::Unknown(response) => {
                response
            }
        }
    }

    /// Amazon's id of it.
    pub fn id(&self) -> &SubmissionId {
        &self.response().submission_id
    }

    /// Everything that Amazon has to say about it.
    pub fn issues(&self) -> &[Issue] {
        &self.response().issues
    }

    /// The issues of severity `ERROR`.
    pub fn errors(&self) -> impl Iterator<Item = &Issue> {
        self.issues().iter().filter(|issue| issue.severity == Severity::Error)
    }
}

impl From<ListingsItemSubmissionResponse> for Submission {
    fn from(response: ListingsItemSubmissionResponse) -> Self {
        match response.status {
            SubmissionStatus::Accepted => Self::Accepted(response),
            SubmissionStatus::Valid => Self::Valid(response),
            SubmissionStatus::Invalid => Self::Invalid(response),
            SubmissionStatus::Unknown(_) => Self::Unknown(response),
        }
    }
}

impl fmt::Display for Submission {
    /// What Amazon has to say about it, issue by issue; without any, what became of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.issues().iter().map(Issue::to_string).collect();
        match self {
            _ if !all.is_empty() => f.write_str(&all.join("; ")),
            Self::Accepted(response) => write!(f, "accepted as {}, not yet applied", response.submission_id),
            Self::Valid(_) => f.write_str("valid"),
            Self::Invalid(_) | Self::Unknown(_) => f.write_str("Amazon gave no reason"),
        }
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// Turns a status into an outcome, and Amazon's own failure into an error that is sent again as far as that is safe.
///
/// By the model `INVALID` was not accepted for processing, but that is what a service said that had just failed: nobody
/// has documented that nothing was applied. So it counts like a 500: previews, and writes that end in the same state
/// however often they are applied, are sent again; what is to be sent once is not, and its error says that it may have
/// been applied. Beside an error of the submission's own, a repetition could not help: then it is a plain refusal.
pub(crate) fn outcome<O: Operation>(_: &O, response: ListingsItemSubmissionResponse) -> Result<Submission> {
    let submission = Submission::from(response);
    let errors: Vec<&Issue> = submission.errors().collect();
    match errors.as_slice() {
        [first, ..]
            if matches!(submission, Submission::Invalid(_)) && errors.iter().all(|error| error.is_internal()) =>
        {
            let message = format!("{} (submission {})", first.message, submission.id());
            Err(Fault::new(ErrorKind::Unavailable, vendor::INTERNAL_FAILURE, message).into())
        }
        _ => Ok(submission),
    }
}

impl Issue {
    /// Whether it says that Amazon has failed, not the submission.
    fn is_internal(&self) -> bool {
        self.code == vendor::INTERNAL_FAILURE
    }
}

#[cfg(test)]
mod tests {
    use super::Submission;
    use serde_json::json;

    #[test]
    fn without_issues_it_says_what_became_of_it() {
        let said = |status: &str, issues: serde_json::Value| {
            let answer = json!({"sku": "S", "status": status, "submissionId": "7", "issues": issues});
            Submission::from(serde_json::from_value::<crate::ListingsItemSubmissionResponse>(answer).unwrap())
                .to_string()
        };
        assert_eq!(said("ACCEPTED", json!([])), "accepted as 7, not yet applied");
        assert_eq!(said("VALID", json!([])), "valid");
        assert_eq!(said("INVALID", json!([])), "Amazon gave no reason");
        let issue = json!([{"code": "90220", "message": "'item_name' is required.", "severity": "ERROR"}]);
        assert_eq!(said("INVALID", issue.clone()), "90220: 'item_name' is required.");
        assert_eq!(said("ACCEPTED", issue), "90220: 'item_name' is required.");
    }
}
