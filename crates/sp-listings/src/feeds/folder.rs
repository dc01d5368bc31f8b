//! A submission in a folder: its documents, its handles, its reports.

use super::{
    FeedId, FeedMessage, FeedPart, FeedStage, ListingsFeed, MessageOutcome, MessageStatus, Progress,
    document::unwritable,
};
use crate::SpClient;
use core_http::{Error, ErrorKind, Result};
use fs4::{FileExt, TryLockError};
use futures_core::Stream;
use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How often a feed is looked for whose making was left unanswered, and how long between at the most; lists lag.
const LOOKS: u32 = 3;
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// `createFeed` gives out 0.0083 calls a second once its burst of 15 is used up (usage plan in the model): how long until
/// the next, and how often that is waited for, since other programs of the seller share it.
const NEXT_FEED: Duration = Duration::from_secs(121);
const WAITS: u32 = 5;
/// `getFeeds` gives out a call every 45 s once its burst is used up.
const DEADLINE: Duration = Duration::from_secs(10 * 60);

/// A folder that holds one submission. Everything that is needed to go on stands in it before each step; what was finished
/// can be read again.
#[derive(Debug, Clone)]
#[must_use = "a folder does nothing by itself"]
pub struct FeedFolder {
    folder: PathBuf,
    every: Duration,
    patience: Duration,
    waits: u32,
}

impl FeedFolder {
    /// A submission in this folder, which is made if it is not there.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            every: Duration::from_secs(30),
            patience: Duration::from_secs(3600),
            waits: WAITS,
        }
    }

    /// How often Amazon is asked whether a feed has been processed; every 30 s by default.
    pub fn every(mut self, pause: Duration) -> Self {
        self.every = pause;
        self
    }

    /// How long the feeds are waited for once they are made; an hour by default. What is not processed then is
    /// [`MessageStatus::Pending`], and can be resumed. A feed whose making had no answer is looked for three times, so
    /// long apart, a minute at the most.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How often the next `createFeed` that Amazon allows is waited for, two minutes each; five times by default. A part
    /// that gets no feed then is [`MessageStatus::NotDone`].
    pub fn waits(mut self, waits: u32) -> Self {
        self.waits = waits;
        self
    }

    /// Submits messages and says what became of each: one outcome for each message, in their order.
    ///
    /// All documents are written before anything is sent, so that a message that is not right stops the whole. The stream
    /// drives it: dropped, it can be resumed.
    ///
    /// # Errors
    /// Those of [`ListingsFeed::write`]; [`ErrorKind::Request`] if the folder holds a submission already, is used by another
    /// process or cannot be written. What happens to one part is in the outcomes of its messages, and the others go on.
    pub fn submit<M: Stream<Item = Result<FeedMessage>> + Send>(
        &self,
        client: &SpClient,
        feed: &ListingsFeed,
        messages: M,
    ) -> impl Stream<Item = Result<MessageOutcome>> + Send + use<M> {
        let (run, client, feed) = (self.clone(), client.clone(), feed.clone());
        let start = async move {
            let lock = Lock::take(&run.folder)?;
            if !handles(&run.folder)?.is_empty() {
                let message = "holds a submission already: resume it, or take another folder";
                return Err(Error::new(ErrorKind::Request, format!("{} {message}", run.folder.display())));
            }
            let mut parts = feed.write(messages, &run.folder).await?;
            parts.iter_mut().for_each(|part| part.endpoint = Some(client.base()));
            // Nothing is sent before every handle is stored, so a handle that is missing later means that nothing was.
            parts.iter().try_for_each(store)?;
            Ok(run.run(&client, parts, lock, Sends::All))
        };
        stream::once(start).try_flatten()
    }

    /// Goes on with what the folder holds, wherever it was left: one outcome for each message.
    ///
    /// # Errors
    /// As [`submit`](FeedFolder::submit); [`ErrorKind::Request`] if the folder holds no submission, or one to another endpoint.
    pub fn resume(&self, client: &SpClient) -> impl Stream<Item = Result<MessageOutcome>> + Send + use<> {
        self.go_on(client, Sends::All)
    }

    /// Says what became of what was sent, and sends nothing more: a part of which no feed was being made is
    /// [`MessageStatus::NotDone`]. For changes that must not be made any more, because they were decided on too long ago.
    ///
    /// # Errors
    /// As [`resume`](FeedFolder::resume).
    pub fn settle(&self, client: &SpClient) -> impl Stream<Item = Result<MessageOutcome>> + Send + use<> {
        self.go_on(client, Sends::Nothing)
    }

    fn go_on(&self, client: &SpClient, sends: Sends) -> impl Stream<Item = Result<MessageOutcome>> + Send + use<> {
        let (run, client) = (self.clone(), client.clone());
        let start = async move {
            let lock = Lock::take(&run.folder)?;
            let parts = run.parts()?;
            if parts.is_empty() {
                let message = format!("{} holds no submission", run.folder.display());
                return Err(Error::new(ErrorKind::Request, message));
            }
            let base = client.base();
            // What a sandbox or another region has taken in was never submitted here.
            if let Some(at) = parts.iter().filter_map(|part| part.endpoint.as_ref()).find(|at| **at != base) {
                let message = format!("{} holds a submission to {at}, not to {base}", run.folder.display());
                return Err(Error::new(ErrorKind::Request, message));
            }
            Ok(run.run(&client, parts, lock, sends))
        };
        stream::once(start).try_flatten()
    }

    /// The handles as they were last stored. Drive them by [`FeedPart::advance`] only while nobody submits or resumes.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] when one cannot be read, or when writing them was cut short: then nothing was sent.
    pub fn parts(&self) -> Result<Vec<FeedPart>> {
        let mut parts = Vec::new();
        for path in handles(&self.folder)? {
            parts.push(FeedPart::load(&path)?);
        }
        parts.sort_by_key(|part| part.number);
        let whole =
            parts.iter().zip(1..).all(|(part, number)| part.number == number && part.of as usize == parts.len());
        if whole {
            return Ok(parts);
        }
        let message =
            "is a submission that was cut short while it was written; nothing was sent: empty it and submit again";
        Err(Error::new(ErrorKind::Request, format!("{} {message}", self.folder.display())))
    }

    fn run(
        &self,
        client: &SpClient,
        parts: Vec<FeedPart>,
        lock: Lock,
        sends: Sends,
    ) -> impl Stream<Item = Result<MessageOutcome>> + Send + use<> {
        let client = client.with(|options| options.deadline = options.deadline.max(DEADLINE));
        let run = Run::start(client, parts, self.clone(), lock, sends);
        stream::once(run).map_ok(|run| stream::try_unfold(run, Run::next).try_flatten()).try_flatten()
    }
}

/// Whether feeds are made of documents that have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sends {
    All,
    Nothing,
}

type Outcomes = BoxStream<'static, Result<MessageOutcome>>;

/// Parts whose feeds are made, as far as they can be; their outcomes are read one part after the other.
struct Run {
    client: SpClient,
    parts: VecDeque<(FeedPart, Option<Error>)>,
    every: Duration,
    end: Instant,
    /// Held to the end.
    _lock: Lock,
}

impl Run {
    async fn start(
        client: SpClient,
        mut parts: Vec<FeedPart>,
        FeedFolder { every, patience, waits, .. }: FeedFolder,
        lock: Lock,
        sends: Sends,
    ) -> Result<Self> {
        let mut troubles = Vec::new();
        for at in 0..parts.len() {
            if sends == Sends::Nothing && matches!(parts[at].stage, FeedStage::Written | FeedStage::Uploaded { .. }) {
                troubles.push(None);
                continue;
            }
            let others = feeds_but(&parts, at);
            troubles.push(send(&client, &mut parts[at], &others, waits, LOOK_AGAIN.min(patience)).await?);
        }
        let end = core_http::from_now(patience);
        Ok(Self { client, parts: parts.into_iter().zip(troubles).collect(), every, end, _lock: lock })
    }

    async fn next(mut self) -> Result<Option<(Outcomes, Self)>> {
        let Some((mut part, trouble)) = self.parts.pop_front() else { return Ok(None) };
        let outcomes = collect(&self.client, &mut part, trouble, self.every, self.end).await?;
        Ok(Some((outcomes, self)))
    }
}

/// The feeds of the other parts.
fn feeds_but(parts: &[FeedPart], but: usize) -> Vec<FeedId> {
    let others = parts.iter().enumerate().filter(|(at, _)| *at != but);
    others.filter_map(|(_, part)| part.feed().cloned()).collect()
}

/// Brings a part as far as its feed. What goes wrong with it is handed back; only a handle that cannot be stored ends all.
async fn send(
    client: &SpClient,
    part: &mut FeedPart,
    others: &[FeedId],
    mut waits: u32,
    look_again: Duration,
) -> Result<Option<Error>> {
    let mut looks = 0;
    while !matches!(part.stage, FeedStage::Created { .. } | FeedStage::Ended { .. }) {
        let step = part.advance(client, others).await;
        store(part)?;
        match step {
            Ok(Progress::Unsure) if looks + 1 < LOOKS => {
                looks += 1;
                sleep(look_again).await;
            }
            Ok(Progress::Waiting) if waits > 0 => {
                waits -= 1;
                sleep(NEXT_FEED).await;
            }
            Ok(Progress::Moved) => {}
            Ok(_) => break,
            Err(error) => return Ok(Some(error)),
        }
    }
    Ok(None)
}

/// Waits for the feed of a part and reads what became of its messages.
async fn collect(
    client: &SpClient,
    part: &mut FeedPart,
    trouble: Option<Error>,
    every: Duration,
    end: Instant,
) -> Result<Outcomes> {
    if let Some(error) = trouble {
        // What was left before its feed did nothing; looking for a feed can fail too.
        let open = matches!(part.stage, FeedStage::Creating { .. });
        let status = if open { MessageStatus::Unknown } else { MessageStatus::NotDone };
        return Ok(part.all(status, error.to_string())?.boxed());
    }
    while let FeedStage::Created { .. } = part.stage {
        match part.advance(client, &[]).await {
            Ok(Progress::Waiting) if core_http::from_now(every) <= end => sleep(every).await,
            Ok(Progress::Moved) => store(part)?,
            Ok(_) => break,
            Err(error) => return Ok(part.all(MessageStatus::Pending, error.to_string())?.boxed()),
        }
    }
    Ok(part.outcomes(client).await?.boxed())
}

/// Where a part's handle is kept.
fn handle(part: &FeedPart) -> PathBuf {
    part.path.with_extension("handle")
}

fn handles(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| unwritable(folder, &error))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unwritable(folder, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "handle") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Stores a handle: whole or not at all, and on the disk before the next step.
fn store(part: &FeedPart) -> Result<()> {
    let path = handle(part);
    let write = || -> io::Result<()> {
        let text = serde_json::to_vec_pretty(part)?;
        let fresh = path.with_extension("fresh");
        let mut file = File::create(&fresh)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        // The name is in the folder, which only some systems can sync.
        #[cfg(unix)]
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    };
    write().map_err(|error| unwritable(&path, &error))
}

/// The folder belongs to one process at a time: two would make two feeds of a document.
#[derive(Debug)]
struct Lock(#[allow(dead_code, reason = "held for its drop")] File);

impl Lock {
    fn take(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        let path = folder.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| unwritable(&path, &error))?;
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                let message = format!("{} is in use by another process", folder.display());
                Err(Error::new(ErrorKind::Request, message))
            }
            Err(TryLockError::Error(error)) => Err(unwritable(&path, &error)),
        }
    }
}
