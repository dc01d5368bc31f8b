//! What became of a submission: HTTP 200 says only that Amazon has read it.

use crate::{Issue, ListingsItemSubmissionResponse, Severity, SubmissionId, SubmissionStatus};
use core_http::{Operation, Result};
use serde::Serialize;

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

pub(crate) fn outcome<O: Operation>(_: &O, response: ListingsItemSubmissionResponse) -> Result<Submission> {
    Ok(response.into())
}
