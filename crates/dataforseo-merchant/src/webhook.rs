//! What the vendor sends by itself: a pingback says that a task is done, a postback brings its result.
//!
//! Neither is signed, and neither is sent twice by itself: a server has ten seconds to answer, then the connection is cut
//! and the task is listed by `tasks_ready` instead (the vendor's help page on webhooks). So what arrives is a claim until
//! it names a task that was posted, and what does not arrive has to be looked for.
//!
//! * [`Pingback`] and [`Postback`] read what arrives, with every size bounded by [`Caps`].
//! * [`Receiver`] is the server side: it stores before it acknowledges.
//! * [`Tasks::receive`](crate::Tasks::receive) turns a postback into the same [`Collected`](crate::Collected) as
//!   [`Tasks::collect`](crate::Tasks::collect) gives.
//!
//! ```
//! use dataforseo_merchant::webhook::{Caps, Pingback, Postback};
//!
//! let pingback = Pingback::from_query("id=04171455-0696-0192-0000-4c69cc29b945&tag=mine%3A7")?;
//! assert_eq!(pingback.tag.as_deref(), Some("mine:7"));
//!
//! let body = br#"{"status_code":20000,"tasks":[{"id":"1","status_code":20000,"data":{"tag":"mine:7"},"result":[]}]}"#;
//! let postback = Postback::read(body, &Caps::default())?; // gzip or plain
//! assert_eq!((postback.id().as_str(), postback.tag()), ("1", Some("mine:7")));
//! # Ok::<(), dataforseo_merchant::webhook::WebhookError>(())
//! ```

mod memory;
mod missed;
mod postback;
mod receiver;
mod serve;
mod store;
mod token;

pub use missed::{Resent, resend, undelivered};
pub use postback::{Caps, Postback};
pub use store::{Delivery, Expectation, Expects, Intake, Keep, Store, StoreError};
pub use {
    memory::Counts,
    receiver::{Receiver, Settings},
    token::{InvalidToken, Token},
};

use crate::{Tag, TaskId};
use core_http::Error;

/// Why something that arrived cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The body is larger than the cap.
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    /// It inflates to more than a cap allows.
    #[error("the body inflates to more than {0} bytes, which is more than is taken in")]
    InflatesTooFar(usize),
    /// The gzip data end too early or fail their checksum: the vendor has to send them again.
    #[error("the gzip data are cut short or damaged: {0}")]
    Damaged(std::io::Error),
    /// Arrays and objects stand in one another deeper than the cap.
    #[error("nested deeper than {0}")]
    TooDeep(usize),
    /// It is not what the vendor posts.
    #[error("not a result of one task: {0}")]
    Content(Error),
    /// The query of a pingback does not name its task.
    #[error("the query {0}")]
    Query(&'static str),
}

/// The vendor's word that a task is done, in the query of a GET.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pingback {
    /// The vendor's id of the task.
    pub id: TaskId,
    /// The tag that the task was posted with.
    pub tag: Option<String>,
}

impl Pingback {
    /// Reads the query of an address that was given as `…?id=$id&tag=$tag`. Other parameters are the receiver's own.
    ///
    /// # Errors
    /// [`WebhookError::Query`] when it names no task, more than one, or holds the place-holders themselves.
    pub fn from_query(query: &str) -> Result<Self, WebhookError> {
        let mut named = [None, None];
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "id" => &mut named[0],
                "tag" => &mut named[1],
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(WebhookError::Query("names two tasks"));
            }
        }
        let [id, tag] = named;
        let id = id.filter(|id| is_id(id)).ok_or(WebhookError::Query("has no `id` of a task"))?;
        let tag = tag.filter(|tag| !tag.is_empty() && tag != "$tag");
        if tag.as_ref().is_some_and(|tag| Tag::new(&**tag).is_err()) {
            return Err(WebhookError::Query("has a `tag` that no task can have"));
        }
        Ok(Self { id: TaskId::new(id), tag })
    }
}

/// Whether a text can be an id: digits, letters and hyphens, as many as a UUID has, or a few more.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
pub(crate) mod tests;
