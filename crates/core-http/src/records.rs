//! Typed records, one at a time, out of a streamed body.
//!
//! The memory is bounded by the largest record, whatever the size of the body. Vendors put their verdict beside the
//! records, before or after them: it is asked for before the first record and again at the end. Until the stream has
//! ended without an `Err`, the records are provisional.

use crate::{
    Client, Error, ErrorKind, Fault, Operation, Permit, Pieces, Response, Result, Safety, Streamed, Vendor, answer,
    client::{Failed, Intake, Sending, in_time},
    splitter::{Event, Splitter},
};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use http::response::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{collections::BTreeMap, fmt, marker::PhantomData};
use tokio::time::{Instant, timeout_at};

/// The scalars beside the records that a bounded look at a streamed body has shown so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scalars(pub BTreeMap<String, Value>);

impl Scalars {
    /// The scalar at a top-level key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }
}

/// Where the records are in a body, and how much of it is accepted.
///
/// ```
/// use core_http::records::Layout;
/// let layout = Layout::at("data.items").max_record(1 << 20).skipping_bad_records();
/// # drop(layout);
/// ```
#[derive(Debug, Clone)]
pub struct Layout {
    path: String,
    max_body: u64,
    max_record: usize,
    skip_bad: bool,
}

impl Layout {
    /// The records are the elements of the array at this path: keys with dots between them.
    pub fn at(path: impl Into<String>) -> Self {
        Self { path: path.into(), max_body: 4 << 30, max_record: 64 << 20, skip_bad: false }
    }

    /// The body itself is the array.
    pub fn top_level() -> Self {
        Self::at("")
    }

    /// The most bytes of the body, after decompression; 4 GiB by default.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = bytes;
        self
    }

    /// The most bytes of one record; 64 MiB by default.
    pub fn max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes;
        self
    }

    /// A record that is too long, too deep or of another shape is an `Err` in its place, and the stream goes on behind
    /// it; by default it ends the stream.
    pub fn skipping_bad_records(mut self) -> Self {
        self.skip_bad = true;
        self
    }

    fn splitter(&self) -> Splitter {
        let path = if self.path.is_empty() { Vec::new() } else { self.path.split('.').map(Box::from).collect() };
        Splitter::new(path, self.max_record)
    }
}

impl<V: Vendor> Client<V> {
    /// Sends an operation and hands over the records of its answer one at a time, as they arrive.
    ///
    /// Until the first record has come, failures are dealt with as in [`call`](Client::call); after that nothing is sent
    /// again. The call's deadline holds to the end of the body, and the operation's place under its limits is kept as
    /// long. The operation's own `Wire` and `output` are not used.
    ///
    /// # Errors
    /// As [`call`](Client::call); a refusal by the vendor is an error and never an empty stream.
    pub async fn records<O: Operation<Vendor = V>, R: DeserializeOwned + Send>(
        &self,
        operation: O,
        layout: Layout,
    ) -> Result<Records<R>> {
        let plan = self.plan(&operation)?;
        let opening = Opening { layout, plan: (plan.name, plan.safety), records: PhantomData::<fn() -> (V, R)> };
        Ok(self.run(plan, &opening).await?.value)
    }
}

/// Takes in an answer up to its first record.
struct Opening<V, R> {
    layout: Layout,
    plan: (&'static str, Safety),
    records: PhantomData<fn() -> (V, R)>,
}

impl<V: Vendor, R: DeserializeOwned + Send> Intake for Opening<V, R> {
    type Got = Records<R>;

    async fn take(&self, sending: Sending) -> Result<(Parts, Records<R>), Failed> {
        let Sending { transport, request, permit, until, deadline } = sending;
        let Streamed { head, mut body } = in_time(until, transport.open(request)).await?;
        if !head.status.is_success() {
            let body = beginning(&mut body, until).await;
            let error = answer::refused::<V>(&assemble(&head, body));
            return Err(Failed { head: Some(Box::new(head)), error });
        }
        let (name, safety) = self.plan;
        let mut records = Records {
            splitter: self.layout.splitter(),
            layout: self.layout.clone(),
            body: Some((body, permit)),
            beginning: Vec::new(),
            arrived: 0,
            delivered: 0,
            first: None,
            verdict: V::verdict,
            name,
            safety,
            deadline,
        };
        let mut error = match records.find(until).await {
            Ok(Some(Err(error))) if !records.layout.skip_bad => error,
            Err(error) => error,
            Ok(first) => {
                records.first = first;
                return Ok((head, records));
            }
        };
        // A refusal has no records; it may be of another form than the answer that was hoped for.
        if error.kind() == ErrorKind::Decode && records.arrived == records.beginning.len() as u64 {
            let mut body = records.beginning;
            if let Some((rest, _)) = &mut records.body {
                body.extend(beginning(rest, until).await);
            }
            error = V::refusal(&assemble(&head, body)).map_or(error, Error::from);
        }
        Err(Failed { head: Some(Box::new(head)), error })
    }
}

/// How much of a body is kept to be read as a refusal.
pub(crate) const BEGINNING: usize = 64 << 10;

/// The first bytes of a body that is not wanted; whether it ends well does not matter then.
pub(crate) async fn beginning(body: &mut Pieces, until: Instant) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Ok(Some(Ok(piece))) = timeout_at(until, body.next()).await {
        bytes.extend_from_slice(&piece[..piece.len().min(BEGINNING - bytes.len())]);
        if bytes.len() == BEGINNING {
            break;
        }
    }
    bytes
}

/// An answer as it is shown to a vendor.
pub(crate) fn assemble(head: &Parts, body: Vec<u8>) -> Response {
    let mut response = http::Response::new(body.into());
    (*response.status_mut(), *response.headers_mut()) = (head.status, head.headers.clone());
    response
}

/// The records of an answer that is still arriving.
#[must_use = "records arrive while they are asked for"]
pub struct Records<R> {
    splitter: Splitter,
    layout: Layout,
    /// The rest of the body and the call's place under its limits; `None` at the end.
    body: Option<(Pieces, Permit)>,
    beginning: Vec<u8>,
    arrived: u64,
    delivered: u64,
    first: Option<Result<R>>,
    verdict: fn(&Scalars, bool) -> Result<(), Fault>,
    name: &'static str,
    safety: Safety,
    deadline: Instant,
}

impl<R> fmt::Debug for Records<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("operation", &self.name)
            .field("delivered", &self.delivered)
            .field("bytes", &self.arrived)
            .finish_non_exhaustive()
    }
}

impl<R: DeserializeOwned + Send> Records<R> {
    /// The next record; `None` after the last one.
    ///
    /// Only when `None` has come without an `Err` before it, the vendor stands by what it sent: what follows the records
    /// may take them back, and a body cut short ends in an `Err`.
    pub async fn next(&mut self) -> Option<Result<R>> {
        let next = match self.first.take() {
            Some(first) => Some(first),
            None => self.advance(self.deadline).await,
        };
        next.map(|next| next.map_err(|error| error.at(self.name, 1, false).unapplied(self.safety)))
    }

    /// The records as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<R>> + Send {
        stream::unfold(self, |mut records| async move { records.next().await.map(|record| (record, records)) })
    }

    /// The scalars beside the records that have come so far.
    pub fn seen(&self) -> &Scalars {
        self.splitter.seen()
    }

    /// The next record or error; with the last of either, the body is let go.
    async fn advance(&mut self, until: Instant) -> Option<Result<R>> {
        self.body.as_ref()?;
        let found = self.find(until).await;
        if !matches!(&found, Ok(Some(record)) if record.is_ok() || self.layout.skip_bad) {
            self.body = None;
        }
        found.unwrap_or_else(|error| Some(Err(error)))
    }

    /// The next record, which may be bad; an outer `Err` says that there will be none any more.
    async fn find(&mut self, until: Instant) -> Result<Option<Result<R>>> {
        loop {
            let (record, from) = match self.splitter.next().map_err(|error| Error::new(ErrorKind::Decode, error))? {
                Event::NeedMore => match self.arrive(until).await? {
                    true => continue,
                    false => return Ok(None),
                },
                Event::Record(range, from) => (answer::json::<R>(self.splitter.bytes(range)), from),
                Event::Refused(why, from) => (Err(Error::new(ErrorKind::Decode, why)), from),
            };
            if self.delivered == 0 {
                (self.verdict)(self.splitter.seen(), false)?;
            }
            let number = self.delivered;
            self.delivered += 1;
            return Ok(Some(record.map_err(|error| {
                let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                let message = format!("`{}[{number}]` at byte {from}: {reason}", self.layout.path);
                Error::new(ErrorKind::Decode, message)
            })));
        }
    }

    /// Takes in the next piece of the body; false after the last one.
    async fn arrive(&mut self, until: Instant) -> Result<bool> {
        let Some((body, _)) = &mut self.body else { return Ok(false) };
        let broken = |kind, cause: &dyn fmt::Display, splitter: &Splitter, delivered| {
            let at = splitter.position();
            Error::new(kind, format!("{cause}, after {delivered} records, at byte {at} of the body"))
        };
        let piece = timeout_at(until, body.next()).await;
        if !matches!(piece, Ok(Some(Ok(_)))) {
            self.body = None;
        }
        match piece {
            Err(_) => Err(broken(ErrorKind::Timeout, &"the rest did not come in time", &self.splitter, self.delivered)),
            Ok(Some(Err(error))) => {
                let error = Error::from(error);
                Err(broken(error.kind(), &error, &self.splitter, self.delivered))
            }
            Ok(Some(Ok(piece))) => {
                self.arrived += piece.len() as u64;
                if self.arrived > self.layout.max_body {
                    let message = format!("the body is larger than {} bytes", self.layout.max_body);
                    return Err(Error::new(ErrorKind::Decode, message));
                }
                let kept = if self.delivered == 0 { piece.len().min(BEGINNING - self.beginning.len()) } else { 0 };
                self.beginning.extend_from_slice(&piece[..kept]);
                self.splitter.push(&piece);
                Ok(true)
            }
            Ok(None) => {
                let whole = self.splitter.finish();
                whole.map_err(|error| broken(ErrorKind::Decode, &error, &self.splitter, self.delivered))?;
                (self.verdict)(self.splitter.seen(), true)?;
                if !self.splitter.found() {
                    let message = format!("no list at `{}`", self.layout.path);
                    return Err(Error::new(ErrorKind::Decode, message));
                }
                Ok(false)
            }
        }
    }
}
