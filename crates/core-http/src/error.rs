//! Why a call failed, and what the caller can do about it.

use crate::{Safety, TransportError, TransportErrorKind};
use std::{borrow::Cow, fmt, time::Duration};

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed: what was tried, how often, what the vendor said, and whether it may have been applied.
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    attempts: u32,
    applied: bool,
    fault: Option<Fault>,
    /// Where no fault holds it.
    request_id: Option<String>,
    date: Option<http::HeaderValue>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Coarse on purpose: one kind per different reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// It could not be built, encoded or sent; nothing reached the vendor. Mend the arguments or the set-up.
    Request,
    /// No credentials, or the vendor refused them. Mend the credentials.
    Auth,
    /// The vendor was never reached. Try later.
    Connect,
    /// Refused by a limit, the vendor's or our own; nothing was done. Try later or slower.
    Throttled,
    /// The vendor says itself that nothing was done and to try later.
    Busy,
    /// A 5xx, or an answer of a gateway; the vendor may have acted.
    Unavailable,
    /// No answer in time; the vendor may have acted.
    Timeout,
    /// The connection broke before the answer was complete; the vendor may have acted.
    Interrupted,
    /// The balance, credits or a cost limit do not allow it. Pay, or raise the limit.
    Funds,
    /// What was asked for does not exist.
    NotFound,
    /// A clear no of another kind. Mend the arguments.
    Rejected,
    /// The vendor accepted the call, but its answer does not fit; the source names the JSON path.
    Decode,
}

impl ErrorKind {
    /// Whether a failure of this kind leaves open that the vendor acted on the request.
    pub fn may_have_been_applied(self) -> bool {
        matches!(self, Self::Unavailable | Self::Timeout | Self::Interrupted | Self::Decode)
    }

    /// The words used in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "could not be sent",
            Self::Auth => "credentials refused",
            Self::Connect => "no connection",
            Self::Throttled => "throttled",
            Self::Busy => "vendor busy",
            Self::Unavailable => "vendor unavailable",
            Self::Timeout => "timed out",
            Self::Interrupted => "connection lost",
            Self::Funds => "not enough funds",
            Self::NotFound => "not found",
            Self::Rejected => "rejected",
            Self::Decode => "answer not understood",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The vendor's own words, verbatim.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    /// What they mean for the caller.
    pub kind: ErrorKind,
    /// The HTTP status of the answer, where there was one.
    pub status: Option<http::StatusCode>,
    /// The vendor's code; empty when it gave none.
    pub code: String,
    /// The vendor's message; never used for a decision.
    pub message: String,
    /// The vendor's identifier of the answer, for its support.
    pub request_id: Option<String>,
    /// How long the vendor asks to wait.
    pub retry_after: Option<Duration>,
    /// What the caller can do about it, in our words.
    pub advice: Option<Cow<'static, str>>,
}

impl Fault {
    /// A fault in the vendor's words.
    pub fn new(kind: ErrorKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        let (status, request_id, retry_after, advice) = (None, None, None, None);
        Self { kind, status, code: code.into(), message: message.into(), request_id, retry_after, advice }
    }

    /// With the HTTP status that it came with.
    pub fn with_status(mut self, status: http::StatusCode) -> Self {
        self.status = Some(status);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(status) = self.status.filter(|status| !status.is_success()) {
            write!(f, "HTTP {} ", status.as_u16())?;
        }
        match self.code.as_str() {
            "" => write!(f, "{}", Short(&self.message)),
            code => write!(f, "{}: {}", Short(code), Short(&self.message)),
        }?;
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        match &self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

/// A vendor's words in one line of a log: no longer than anybody reads. The fault itself keeps all of them.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 500;
        match self.0.char_indices().nth(LONGEST) {
            None => f.write_str(self.0),
            Some((end, _)) => write!(f, "{}…", &self.0[..end]),
        }
    }
}

impl Error {
    /// An error of this kind with its cause; the cause must not name secrets.
    pub fn new(kind: ErrorKind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let applied = kind.may_have_been_applied();
        let source = Some(source.into());
        let (fault, request_id, date) = (None, None, None);
        Self(Box::new(Inner { kind, operation: "", attempts: 0, applied, fault, request_id, date, source }))
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The vendor's own words, if it said any.
    pub fn fault(&self) -> Option<&Fault> {
        self.0.fault.as_ref()
    }

    /// The vendor's identifier of the answer, for its support: also of one that could not be read.
    pub fn request_id(&self) -> Option<&str> {
        let of_fault = self.fault().and_then(|fault| fault.request_id.as_deref());
        of_fault.or(self.0.request_id.as_deref())
    }

    /// The `Date` of the answer, if one came and said it.
    pub fn date(&self) -> Option<&http::HeaderValue> {
        self.0.date.as_ref()
    }

    /// The operation that failed; empty before one was sent.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// How often it was sent or tried.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the vendor asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.fault()?.retry_after
    }

    /// Whether the vendor may have acted on the request, in this or an earlier attempt.
    ///
    /// If so, find out before sending again anything that costs money or changes a listing.
    pub fn may_have_been_applied(&self) -> bool {
        self.0.applied
    }

    /// The same failure for another caller who waited for the same thing.
    pub(crate) fn copy(&self) -> Self {
        let Inner { kind, operation, attempts, applied, ref fault, ref request_id, ref date, ref source } = *self.0;
        let source = source.as_ref().map(|source| innermost(&**source).to_string().into());
        let (fault, request_id, date) = (fault.clone(), request_id.clone(), date.clone());
        Self(Box::new(Inner { kind, operation, attempts, applied, fault, request_id, date, source }))
    }

    pub(crate) fn fault_mut(&mut self) -> Option<&mut Fault> {
        self.0.fault.as_mut()
    }

    pub(crate) fn set_request_id(&mut self, id: Option<String>) {
        self.0.request_id = self.0.request_id.take().or(id);
    }

    pub(crate) fn set_date(&mut self, date: Option<&http::HeaderValue>) {
        self.0.date = date.cloned();
    }

    pub(crate) fn at(mut self, operation: &'static str, attempts: u32, applied_before: bool) -> Self {
        if self.0.operation.is_empty() {
            (self.0.operation, self.0.attempts) = (operation, attempts);
        }
        self.0.applied |= applied_before;
        self
    }

    /// What no attempt of a read-only operation can have done.
    pub(crate) fn unapplied(mut self, safety: Safety) -> Self {
        self.0.applied &= safety != Safety::ReadOnly;
        self
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let (kind, applied) = (fault.kind, fault.kind.may_have_been_applied());
        let (fault, request_id, date, source) = (Some(fault), None, None, None);
        Self(Box::new(Inner { kind, operation: "", attempts: 0, applied, fault, request_id, date, source }))
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        let kind = match error.kind() {
            TransportErrorKind::Connect => ErrorKind::Connect,
            TransportErrorKind::Timeout => ErrorKind::Timeout,
            TransportErrorKind::Interrupted => ErrorKind::Interrupted,
            TransportErrorKind::TooLarge | TransportErrorKind::Damaged => ErrorKind::Decode,
            TransportErrorKind::Tls | TransportErrorKind::Other => ErrorKind::Request,
        };
        Self::new(kind, error)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, operation, attempts, fault, request_id, source, .. } = &*self.0;
        if !operation.is_empty() {
            write!(f, "{operation}: ")?;
        }
        write!(f, "{kind}")?;
        if *attempts > 1 {
            write!(f, " after {attempts} attempts")?;
        }
        match (fault, source) {
            (Some(fault), _) => write!(f, ": {fault}"),
            // The innermost cause is what a reader can act on: a JSON path, a host name, an argument's name.
            (None, Some(source)) => write!(f, ": {}", innermost(&**source)),
            (None, None) => Ok(()),
        }?;
        match request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error)
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|error| error as _)
    }
}
