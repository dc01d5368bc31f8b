//! The kinds of task, in one table: how each is asked for, posted, listed, taken and given back.

use super::Line;
#[cfg(feature = "webhook")]
use crate::task;
use crate::{
    AsinLive, AsinResult, AsinTask, AsinTaskGet, AsinTaskPost, AsinTasksReady, Entry, GoogleProductInfoResult,
    GoogleProductInfoTask, GoogleProductInfoTaskGet, GoogleProductInfoTaskPost, GoogleProductInfoTasksReady,
    GoogleProductsResult, GoogleProductsTask, GoogleProductsTaskGet, GoogleProductsTaskPost, GoogleProductsTasksReady,
    GoogleSellersResult, GoogleSellersTask, GoogleSellersTaskGet, GoogleSellersTaskPost, GoogleSellersTasksReady,
    InvalidRequest, Priority, ProductsLive, ProductsResult, ProductsTask, ProductsTaskGet, ProductsTaskPost,
    ProductsTasksReady, ReadyTask, SellersLive, SellersResult, SellersTask, SellersTaskGet, SellersTaskPost,
    SellersTasksReady, Summary, Tag, Task, TaskId, TaskOutcome, WebhookUrl,
};
use core_http::{Asin, Error, ErrorKind, Fault, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fmt, sync::Arc};

/// What a live call has brought: the task, and its result if there is one.
pub(super) type Lived = (Task<Value>, Option<TaskResult>);

macro_rules! kinds {
    ($(
        $(#[$meta:meta])*
        $kind:ident {
            $request:ident, $post:ident, $ready:ident, $get:ident => $result:ident $(, at once $live:ident)?
        }
    )*) => {
        /// Which result a task asks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$meta])* $kind,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Whether the vendor also answers it at once.
            pub fn has_live(self) -> bool {
                let live: &[&str] = match self {
                    $(Self::$kind => &[$(stringify!($live))?],)*
                };
                !live.is_empty()
            }
        }

        /// What a task asks for.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum TaskRequest {
            $($(#[$meta])* $kind($request),)*
        }

        impl TaskRequest {
            /// Which result it asks for.
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$kind(_) => Kind::$kind,)*
                }
            }

            /// What it asks for, in short.
            pub fn summary(&self) -> Summary<'_> {
                match self {
                    $(Self::$kind(task) => task.summary(),)*
                }
            }

            /// Whether it says what it must; what does not is never sent.
            ///
            /// # Errors
            /// For an empty identifier, by field and rule.
            pub fn check(&self) -> std::result::Result<(), InvalidRequest> {
                match self {
                    $(Self::$kind(task) => task.check(),)*
                }
            }

            /// The product, if it asks for one by its ASIN.
            pub fn asin(&self) -> Option<Asin> {
                self.summary().asin
            }

            /// How soon it is done.
            pub fn priority(&self) -> Priority {
                self.summary().priority
            }

            /// The caller's own tag.
            pub fn tag(&self) -> Option<&Tag> {
                self.summary().tag
            }

            /// Has its result posted to an address.
            pub fn postback(self, url: WebhookUrl) -> Self {
                match self {
                    $(Self::$kind(task) => Self::$kind(task.result_to(url)),)*
                }
            }

            /// With this priority.
            pub fn with_priority(self, priority: Priority) -> Self {
                match self {
                    $(Self::$kind(task) => Self::$kind(task.priority(priority)),)*
                }
            }

            fn with_tag(self, tag: Tag) -> Self {
                match self {
                    $(Self::$kind(task) => Self::$kind(task.tag(tag)),)*
                }
            }
        }

        $(
            impl From<$request> for TaskRequest {
                fn from(task: $request) -> Self {
                    Self::$kind(task)
                }
            }
        )*

        /// What came of a task. What could not be read may hold the request, with the address of a webhook in it, and is
        /// not shown by `Debug`.
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum TaskResult {
            $($(#[$meta])* $kind(Box<$result>),)*
            /// The task ran and found nothing.
            Empty,
            /// The task failed for good. It was paid for; a new one would be paid for again.
            Failed(Fault),
            /// There is an answer, but it does not fit our model. It can be collected again for 30 days, unless it was
            /// answered at once: then `raw` is all there is.
            Unreadable {
                /// What does not fit, and where.
                error: Arc<Error>,
                /// The result as it came, where it could be told from what is around it.
                raw: Option<String>,
            },
        }

        impl fmt::Debug for TaskResult {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$kind(result) => f.debug_tuple(stringify!($kind)).field(result).finish(),)*
                    Self::Empty => f.write_str("Empty"),
                    Self::Failed(fault) => f.debug_tuple("Failed").field(fault).finish(),
                    Self::Unreadable { error, .. } => {
                        f.debug_struct("Unreadable").field("error", error).finish_non_exhaustive()
                    }
                }
            }
        }

        impl TaskResult {
            /// What came of the task in a word: `done`, `empty`, `failed` or `unreadable`.
            pub fn outcome(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => "done",)*
                    Self::Empty => "empty",
                    Self::Failed(_) => "failed",
                    Self::Unreadable { .. } => "unreadable",
                }
            }

            /// What failed, or could not be read, in the vendor's words or ours.
            pub fn trouble(&self) -> Option<String> {
                match self {
                    Self::Failed(fault) => Some(fault.to_string()),
                    Self::Unreadable { error, .. } => Some(error.to_string()),
                    _ => None,
                }
            }

            /// The vendor's result as JSON, in the model's words: null where there is none, a text where it could not be
            /// read.
            pub fn json(&self) -> Value {
                let json = match self {
                    $(Self::$kind(result) => serde_json::to_value(result),)*
                    Self::Empty | Self::Failed(_) => return Value::Null,
                    Self::Unreadable { raw, .. } => return raw.clone().map_or(Value::Null, Value::String),
                };
                json.expect("what was read from JSON can be written as JSON")
            }
        }

        /// Posts tasks of one kind under their tags.
        pub(super) async fn post(line: &Line, entries: &[Entry]) -> Result<Vec<Task<Value>>> {
            match entries.first().map(|entry| entry.request.kind()) {
                $(Some(Kind::$kind) => {
                    let task = |entry: &Entry| match tagged(entry) {
                        TaskRequest::$kind(task) => Some(task),
                        _ => None,
                    };
                    line.call($post::new(entries.iter().filter_map(task))).await
                })*
                None => Err(Error::new(ErrorKind::Request, "no tasks to post")),
            }
        }

        /// Makes the call that is answered at once.
        pub(super) async fn live(line: &Line, entry: &Entry) -> Result<Lived> {
            match tagged(entry) {
                $($(TaskRequest::$kind(task) => {
                    Ok(lived(line.call($live::new(task.live())).await?, TaskResult::$kind))
                })?)*
                _ => Err(Error::new(ErrorKind::Request, "the vendor does not answer this kind of task at once")),
            }
        }

        /// Lists what is done and not collected, of one kind.
        pub(super) async fn ready(line: &Line, kind: Kind) -> Result<Vec<ReadyTask>> {
            match kind {
                $(Kind::$kind => line.call($ready::new()).await,)*
            }
        }

        /// Reads a result that was posted; `None` while the task is pending.
        #[cfg(feature = "webhook")]
        pub(super) fn received(postback: &crate::webhook::Postback, kind: Kind) -> Result<Option<TaskResult>> {
            match kind {
                $(Kind::$kind => Ok(read(task::one(&(), vec![postback.task()?])?, TaskResult::$kind)),)*
            }
        }

        /// Asks for the result of a task; `None` while it is pending.
        pub(super) async fn get(line: &Line, kind: Kind, id: TaskId) -> Result<Option<TaskResult>> {
            match kind {
                $(Kind::$kind => Ok(read(line.call($get::new(id)).await?, TaskResult::$kind)),)*
            }
        }
    };
}

kinds! {
    /// The product on Amazon and its variants.
    Asin { AsinTask, AsinTaskPost, AsinTasksReady, AsinTaskGet => AsinResult, at once AsinLive }
    /// The offers of all sellers on Amazon.
    Sellers { SellersTask, SellersTaskPost, SellersTasksReady, SellersTaskGet => SellersResult, at once SellersLive }
    /// What Amazon shows for a keyword.
    Products { ProductsTask, ProductsTaskPost, ProductsTasksReady, ProductsTaskGet => ProductsResult, at once ProductsLive }
    /// What Google Shopping shows for a keyword.
    GoogleProducts {
        GoogleProductsTask, GoogleProductsTaskPost, GoogleProductsTasksReady, GoogleProductsTaskGet => GoogleProductsResult
    }
    /// The shops that sell a product, by Google Shopping.
    GoogleSellers {
        GoogleSellersTask, GoogleSellersTaskPost, GoogleSellersTasksReady, GoogleSellersTaskGet => GoogleSellersResult
    }
    /// The page of a product in Google Shopping.
    GoogleProductInfo {
        GoogleProductInfoTask, GoogleProductInfoTaskPost, GoogleProductInfoTasksReady, GoogleProductInfoTaskGet
            => GoogleProductInfoResult
    }
}

/// The request with our tag, and the caller's behind it.
fn tagged(entry: &Entry) -> TaskRequest {
    let tag = entry.tag.with(entry.request.tag());
    entry.request.clone().with_tag(tag)
}

fn read<R>(task: Task<R>, result: fn(Box<R>) -> TaskResult) -> Option<TaskResult> {
    match task.outcome() {
        TaskOutcome::Pending | TaskOutcome::Created => None,
        TaskOutcome::Refused(fault) => Some(TaskResult::Failed(fault)),
        TaskOutcome::Unreadable(fault) => {
            let raw = task.misfits.into_iter().next().map(|misfit| misfit.raw);
            Some(TaskResult::Unreadable { error: Arc::new(fault.into()), raw })
        }
        TaskOutcome::Empty => Some(TaskResult::Empty),
        TaskOutcome::Done => {
            let first = task.result.and_then(|results| results.into_iter().next());
            Some(first.map_or(TaskResult::Empty, |first| result(Box::new(first))))
        }
    }
}

fn lived<R>(mut task: Task<R>, result: fn(Box<R>) -> TaskResult) -> Lived {
    let answered = Task {
        id: task.id.take(),
        status_code: task.status_code,
        status_message: task.status_message.clone(),
        time: task.time.take(),
        cost: task.cost,
        result_count: task.result_count,
        path: std::mem::take(&mut task.path),
        data: task.data.take(),
        result: None,
        misfits: Vec::new(),
    };
    (answered, read(task, result))
}
