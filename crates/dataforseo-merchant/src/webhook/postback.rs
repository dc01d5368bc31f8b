//! A result that the vendor posts: gzip, sniffed and inflated through caps, read without trust.

use super::{WebhookError, is_id};
use crate::{DataForSeo, Envelope, Task, TaskId};
use bytes::Bytes;
use core_http::{Error, ErrorKind, Vendor, lenient};
use flate2::bufread::MultiGzDecoder;
use rust_decimal::Decimal;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{fmt, io::Read};

/// How much of a postback is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caps {
    /// The most bytes of a body as it arrives, 16 MiB by default.
    pub body: usize,
    /// The most bytes after inflating, 64 MiB by default.
    pub inflated: usize,
    /// The most bytes after inflating for one byte before it, 200 by default. Results have about 7, a bomb has a thousand.
    pub ratio: usize,
    /// How deep arrays and objects may stand in one another, 128 by default.
    pub depth: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { body: 16 << 20, inflated: 64 << 20, ratio: 200, depth: 128 }
    }
}

impl Caps {
    /// With other figures.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// The result of one task, as the vendor posted it.
#[derive(Clone)]
pub struct Postback {
    id: TaskId,
    tag: Option<String>,
    cost: Option<Decimal>,
    json: Bytes,
}

/// Without the JSON: it repeats the request, and with it the receiver's token.
impl fmt::Debug for Postback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, tag, cost, json: _ } = self;
        f.debug_struct("Postback").field("id", id).field("tag", tag).field("cost", cost).finish_non_exhaustive()
    }
}

/// What identifies a task; its result is read when its kind is known.
#[derive(Deserialize)]
struct Head {
    #[serde(default, deserialize_with = "lenient::option_string")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient::option_decimal")]
    cost: Option<Decimal>,
    #[serde(default, deserialize_with = "lenient::option")]
    data: Option<Data>,
}

/// What the vendor repeats of the request.
#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    tag: Value,
}

impl Postback {
    /// Reads a body: gzip of one or several members, or plain JSON.
    ///
    /// # Errors
    /// When a cap does not allow it, its data are damaged, or it is not the result of one task.
    pub fn read(body: &[u8], caps: &Caps) -> Result<Self, WebhookError> {
        if body.len() > caps.body {
            return Err(WebhookError::TooLarge(caps.body));
        }
        let json = if body.starts_with(&[0x1f, 0x8b]) { inflate(body, caps)? } else { Bytes::copy_from_slice(body) };
        if json.len() > caps.inflated {
            return Err(WebhookError::TooLarge(caps.inflated));
        }
        if is_deeper(&json, caps.depth) {
            return Err(WebhookError::TooDeep(caps.depth));
        }
        let heads: Vec<Head> = content(&json).map_err(WebhookError::Content)?;
        let [head] = <[Head; 1]>::try_from(heads).map_err(|heads| unlike(format!("{} tasks", heads.len())))?;
        let id = head.id.filter(|id| is_id(id)).ok_or_else(|| unlike("a task without an id".to_owned()))?;
        let tag = head.data.and_then(|data| Some(data.tag.as_str()?.to_owned()));
        Ok(Self { id: TaskId::new(id), tag, cost: head.cost, json })
    }

    /// The vendor's id of the task.
    pub fn id(&self) -> &TaskId {
        &self.id
    }

    /// The tag that the task was posted with, as the vendor repeats it.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The JSON, inflated.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// The task with a result of this kind, such as [`AsinResult`](crate::AsinResult).
    ///
    /// # Errors
    /// [`ErrorKind::Decode`], with the JSON path, when it does not fit.
    pub fn task<R: DeserializeOwned>(&self) -> Result<Task<R>, Error> {
        let tasks: Vec<Task<R>> = content(&self.json)?;
        tasks.into_iter().next().ok_or_else(|| Error::new(ErrorKind::Decode, "an answer without a task"))
    }

    /// What it cost, where the vendor says so: asking for a result costs nothing, and is then said to.
    pub(crate) fn cost(&self) -> Option<Decimal> {
        self.cost.filter(|cost| *cost > Decimal::ZERO)
    }
}

fn content<W: DeserializeOwned>(json: &[u8]) -> Result<W, Error> {
    DataForSeo::unwrap(core_http::json::<Envelope<W>>(json)?).map_err(Error::from)
}

fn unlike(what: String) -> WebhookError {
    WebhookError::Content(Error::new(ErrorKind::Decode, what))
}

/// Inflates all members, each against its checksum.
fn inflate(body: &[u8], caps: &Caps) -> Result<Bytes, WebhookError> {
    let most = caps.inflated.min(body.len().saturating_mul(caps.ratio));
    let mut json = Vec::new();
    let mut inflating = MultiGzDecoder::new(body).take(most as u64 + 1);
    inflating.read_to_end(&mut json).map_err(WebhookError::Damaged)?;
    if json.len() > most {
        return Err(WebhookError::InflatesTooFar(most));
    }
    Ok(json.into())
}

/// Whether arrays and objects stand in one another deeper than this. Looks at every byte once and calls nothing, so that
/// no input exhausts the stack.
fn is_deeper(json: &[u8], most: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > most {
            return true;
        }
    }
    false
}
