//! Reads all that a search finds, as one stream, past the 1,000 listings that Amazon pages through.
//!
//! A window of time that holds more is halved until it does not. Within one window the pages follow their tokens; a
//! listing comes once, however often Amazon shows it. Where a token is refused, or the number of listings changes while
//! they are read, the window is read again from its start, each time after a longer pause. What cannot be read completely
//! is an error, never an end.

use crate::{
    GetListingsItem, Item, ItemSearchResults, Search, SearchListingsItems, Sku, SpClient, search::Window,
    vendor::is_not_listed,
};
use core_http::{Error, ErrorKind, Result};
use futures_core::Stream;
use futures_util::{TryStreamExt, stream};
use jiff::Timestamp;
use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};
use tokio::time::sleep;

/// The most listings that can be paged through (model 2021-08-01).
const REACH: u64 = 1000;
/// How long a window is left alone before it is read again; after as many readings more it is called unreadable.
const PAUSES: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(30)];

/// Pages end after 1,000 listings, however many were found: that is no end.
pub(crate) fn complete(last: &ItemSearchResults) -> Result<()> {
    let found = last.number_of_results.and_then(|found| u64::try_from(found).ok()).unwrap_or_default();
    if found <= REACH {
        return Ok(());
    }
    let message = format!("{found} listings were found and only {REACH} can be paged through: see `Search::items`");
    Err(Error::new(ErrorKind::Rejected, message))
}

impl Search {
    /// Every listing that is found, once, oldest first where identifiers do not order them.
    ///
    /// More than 1,000 are read window by window of their creation. Pages are fetched when they are asked for.
    ///
    /// # Errors
    /// As [`Client::call`](core_http::Client::call). [`ErrorKind::Decode`] for a page token that comes twice,
    /// [`ErrorKind::Busy`] if Amazon counts other listings than it shows in four readings with pauses between them,
    /// [`ErrorKind::Rejected`] if more than 1,000 were created and changed in the same moment. What came before stays good.
    pub fn items(self, client: &SpClient) -> impl Stream<Item = Result<Item>> + Send + use<> {
        let sweep = Sweep::new(client.clone(), &self);
        let batches = stream::try_unfold(sweep, |sweep| async move {
            let mut sweep = sweep?;
            let fresh = sweep.batch().await?;
            Ok::<_, Error>(fresh.map(|items| (items, Ok(sweep))))
        });
        batches.map_ok(|items| stream::iter(items.into_iter().map(Ok))).try_flatten()
    }
}

#[derive(Debug)]
struct Sweep {
    client: SpClient,
    todo: VecDeque<Task>,
    reading: Option<Reading>,
    seen: HashSet<Sku>,
    /// Why nothing comes after the listings that have been given out.
    failed: Option<Error>,
}

#[derive(Debug)]
enum Task {
    Read(GetListingsItem),
    Window(Box<SearchListingsItems>, Window),
}

/// One window while its pages are read.
#[derive(Debug)]
struct Reading {
    first: Box<SearchListingsItems>,
    window: Window,
    /// The page that comes next.
    next: Box<SearchListingsItems>,
    tokens: HashSet<String>,
    /// The listings of this reading, and how many Amazon counted on its first page.
    shown: HashSet<Sku>,
    counted: Option<u64>,
    /// How often the window has been read before, and the pause that is still due for that.
    before: usize,
    pause: Option<Duration>,
}

impl Reading {
    fn new(first: Box<SearchListingsItems>, window: Window, before: usize) -> Self {
        let (tokens, shown) = Default::default();
        let pause = before.checked_sub(1).and_then(|again| PAUSES.get(again).copied());
        Self { next: first.clone(), first, window, tokens, shown, counted: None, before, pause }
    }
}

/// What to do after a page.
enum After {
    Next(Box<SearchListingsItems>),
    Halve,
    Again(String),
    Failed(Error),
    Done,
}

impl Sweep {
    fn new(client: SpClient, search: &Search) -> Result<Self> {
        let windows = search.operations().into_iter().map(|first| Task::Window(Box::new(first), search.window));
        let todo = search.single_reads()?.into_iter().map(Task::Read).chain(windows).collect();
        Ok(Self { client, todo, reading: None, seen: HashSet::new(), failed: None })
    }

    /// The next listings that have not come before; `None` at the end.
    async fn batch(&mut self) -> Result<Option<Vec<Item>>> {
        loop {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let fresh = match self.reading.take() {
                Some(reading) => self.page(reading).await?,
                None => match self.todo.pop_front() {
                    None => return Ok(None),
                    Some(Task::Read(read)) => self.single(read).await?,
                    Some(Task::Window(first, window)) => {
                        self.reading = Some(Reading::new(first, window, 0));
                        continue;
                    }
                },
            };
            if !fresh.is_empty() {
                return Ok(Some(fresh));
            }
        }
    }

    async fn single(&mut self, read: GetListingsItem) -> Result<Vec<Item>> {
        match self.client.call(read).await {
            Ok(item) => Ok(self.fresh(vec![item])),
            Err(error) if is_not_listed(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn fresh(&mut self, mut items: Vec<Item>) -> Vec<Item> {
        items.retain(|item| self.seen.insert(item.sku.clone()));
        items
    }

    /// Reads one page and decides what comes after it.
    async fn page(&mut self, mut reading: Reading) -> Result<Vec<Item>> {
        if let Some(pause) = reading.pause.take() {
            sleep(pause).await;
        }
        let page = match self.client.call((*reading.next).clone()).await {
            Ok(page) => page,
            // The first page was taken, so it is the token that is refused: it has expired, or does not fit any more.
            Err(error) if reading.next.page_token.is_some() && is_refusal(&error) => {
                self.again(reading, error);
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        match reading.after(&page) {
            After::Halve => {
                self.halve(reading)?;
                return Ok(Vec::new());
            }
            After::Next(next) => self.reading = Some(Reading { next, ..reading }),
            After::Again(why) => {
                let (readings, known) = (reading.before + 1, self.seen.len());
                let said = format!("{why} (reading {readings}; {known} listings were found before this page)");
                self.again(reading, Error::new(ErrorKind::Busy, said));
            }
            After::Failed(error) => self.failed = Some(error),
            After::Done => {}
        }
        Ok(self.fresh(page.items))
    }

    /// Reads a window from its start again, unless that has been done often enough.
    fn again(&mut self, reading: Reading, error: Error) {
        if reading.before >= PAUSES.len() {
            self.failed = Some(error);
            return;
        }
        tracing::debug!(%error, "a window of the search is read again");
        self.reading = Some(Reading::new(reading.first, reading.window, reading.before + 1));
    }

    fn halve(&mut self, reading: Reading) -> Result<()> {
        let Some((old, new)) = reading.window.halves(Timestamp::now()) else {
            let message = format!(
                "more than {REACH} of the listings were created and changed in the same moment, and no more can be paged \
                 through: narrow the search, by status for example"
            );
            return Err(Error::new(ErrorKind::Rejected, message));
        };
        for half in [new, old] {
            let search = half.put_on((*reading.first).clone());
            self.todo.push_front(Task::Window(Box::new(search), half));
        }
        Ok(())
    }
}

impl Reading {
    fn after(&mut self, page: &ItemSearchResults) -> After {
        let counted = page.number_of_results.and_then(|count| u64::try_from(count).ok());
        let is_first = self.next.page_token.is_none();
        if is_first {
            self.counted = counted;
            if counted.is_some_and(|counted| counted > REACH) {
                return After::Halve;
            }
        }
        self.shown.extend(page.items.iter().map(|item| item.sku.clone()));
        if let Some(next) = core_http::Paged::next(&*self.next, page) {
            let token = next.page_token.clone().unwrap_or_default();
            if !self.tokens.insert(token.clone()) {
                let message = format!("searchListingsItems: the page at `{token}` came twice");
                return After::Failed(Error::new(ErrorKind::Decode, message));
            }
            return After::Next(Box::new(next));
        }
        let shown = self.shown.len() as u64;
        match counted {
            None if shown >= REACH => After::Halve,
            None => After::Done,
            // A listing that has gone makes the later ones move up, past the page that was read.
            Some(counted) if self.counted != Some(counted) || shown < counted => After::Again(format!(
                "searchListingsItems: Amazon counts {counted} listings and has shown {shown}; they change faster than they \
                 can be read, or the count is wrong"
            )),
            Some(_) => After::Done,
        }
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Busy | ErrorKind::Rejected)
}
