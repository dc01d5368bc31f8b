//! What can be called: the page to read first.
//!
//! A vendor says how its answers are read, an operation is one call with its arguments: a plain value that can be
//! logged, stored and compared, and that is sent by [`Client::call`](crate::Client::call).

use crate::{Fault, Lesson, Limits, Request, Response, Result, records::Scalars};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, time::Duration};

/// A vendor's dialect: how its answers are read, and what they teach.
pub trait Vendor: Debug + Send + Sync + 'static {
    /// Names the vendor in spans and errors.
    const NAME: &'static str;

    /// What the vendor wraps around every answer; `W` itself where it wraps nothing.
    type Envelope<W: DeserializeOwned>: DeserializeOwned;

    /// The verdict inside a well-formed envelope: the content, or the vendor's refusal.
    fn unwrap<W: DeserializeOwned>(envelope: Self::Envelope<W>) -> Result<W, Fault>;

    /// The vendor's refusal in an answer; asked only when the typed read failed or the status is not 2xx.
    fn refusal(response: &Response) -> Option<Fault>;

    /// The same verdict on a stream: asked before the first record and, with `end`, after the last one.
    fn verdict(seen: &Scalars, end: bool) -> Result<(), Fault> {
        let _ = (seen, end);
        Ok(())
    }

    /// What an answer teaches the limiter.
    fn lessons(head: &Head<'_>, fault: Option<&Fault>, limits: &[crate::Limit]) -> Vec<Lesson> {
        crate::limit::pause_when_throttled(head, fault, limits)
    }

    /// The vendor's own identifier of an answer, for its support.
    fn request_id(head: &Head<'_>) -> Option<String> {
        let _ = head;
        None
    }

    /// What the request changes, if changes of it must not overtake one another: calls with the same answer go one after
    /// another, their resends included.
    fn changes(request: &Request, safety: Safety) -> Option<String> {
        let _ = (request, safety);
        None
    }

    /// What the caller can do about a refusal, where that follows from the request.
    fn advice(request: &Request, fault: &Fault) -> Option<&'static str> {
        let _ = (request, fault);
        None
    }
}

/// Status and headers of an answer.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The HTTP status.
    pub status: http::StatusCode,
    /// The HTTP headers.
    pub headers: &'a http::HeaderMap,
}

impl<'a, B> From<&'a http::Response<B>> for Head<'a> {
    fn from(response: &'a http::Response<B>) -> Self {
        Self { status: response.status(), headers: response.headers() }
    }
}

impl<'a> Head<'a> {
    /// A header's value, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// One remote operation with its arguments.
pub trait Operation: Debug + Send + Sync {
    /// Whose operation it is; another vendor's client does not take it.
    type Vendor: Vendor;
    /// The content of the answer as it is on the wire.
    type Wire: DeserializeOwned + Serialize + Send;
    /// What a caller gets.
    type Output: Send;

    /// The vendor's own name for it.
    const NAME: &'static str;

    /// What sending it twice would do; may depend on the arguments.
    fn safety(&self) -> Safety;

    /// The rate limits that it counts against; may depend on the arguments.
    fn limits(&self) -> Limits;

    /// How long one attempt may take.
    fn time_out(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// The request, with a path relative to the client's base URL; pure.
    fn request(&self) -> Result<Request>;

    /// Judges the content; a fault in here is resent and pauses the limiter like any other.
    fn output(&self, wire: Self::Wire) -> Result<Self::Output>;
}

/// What sending an operation twice would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Safety {
    /// Changes nothing.
    ReadOnly,
    /// Ends in the same state however often it is applied.
    Idempotent,
    /// Charges or changes something each time: never sent again once it may have been applied.
    Once,
}

impl Safety {
    /// The name used in listings: `read-only`, `idempotent` or `once`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Idempotent => "idempotent",
            Self::Once => "once",
        }
    }
}

/// An operation whose answer comes in pages.
pub trait Paged: Operation + Clone {
    /// One element of a page.
    type Item: Send;

    /// Where this page starts: a token or an offset, `None` for the first page. Seen twice, it is an error.
    fn position(&self) -> Option<String>;

    /// The operation that fetches the page after `output`; `None` at the end. An empty page is not the end.
    fn next(&self, output: &Self::Output) -> Option<Self>;

    /// The elements of a page.
    fn items(output: Self::Output) -> Vec<Self::Item>;

    /// Judges the last page: an error where the vendor stops before everything has been shown.
    fn complete(&self, last: &Self::Output) -> Result<()> {
        let _ = last;
        Ok(())
    }
}

/// An operation that asks whether some work has finished; as a plain value it can be stored and asked by another process.
pub trait Job: Operation + Clone {
    /// The finished result.
    type Done: Send;

    /// The finished result, or `None` while the work goes on.
    fn done(&self, output: Self::Output) -> Option<Self::Done>;
}

/// One row of a vendor's table of operations.
#[derive(Debug, Clone, Serialize)]
pub struct OperationInfo {
    /// The vendor, as in [`Vendor::NAME`].
    pub vendor: &'static str,
    /// The vendor's own name for the operation.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path template.
    pub path: &'static str,
    /// What sending it twice would do: `read-only`, `idempotent`, `once`, or what it depends on.
    pub safety: &'static str,
    /// The documented limits, one text each: its name, a colon, what is allowed.
    pub limits: &'static [&'static str],
}

/// An operation that this caller treats as [`Safety::Once`], whatever it says of itself.
///
/// For writes whose repetition would be harmless alone but not beside what others write in between.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an operation does nothing until a client calls it"]
pub struct Once<O>(pub O);

impl<O: Operation> Operation for Once<O> {
    type Vendor = O::Vendor;
    type Wire = O::Wire;
    type Output = O::Output;
    const NAME: &'static str = O::NAME;

    fn safety(&self) -> Safety {
        Safety::Once
    }
    fn limits(&self) -> Limits {
        self.0.limits()
    }
    fn time_out(&self) -> Duration {
        self.0.time_out()
    }
    fn request(&self) -> Result<Request> {
        self.0.request()
    }
    fn output(&self, wire: Self::Wire) -> Result<Self::Output> {
        self.0.output(wire)
    }
}
