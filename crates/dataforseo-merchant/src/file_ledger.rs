//! A ledger in one append-only file of JSON lines, for one process at a time.
//!
//! The first line says whose ledger it is; every other line is a batch, synced to the disk before the call returns. A
//! line cut short at the end is a batch that nobody was told about, and is dropped; any other line that cannot be read
//! is an error, for it may be money. When most of the file is history, what is left of it is written to a new file that
//! then takes the old one's name: at every moment one of the two is there whole.

use crate::{
    Tag,
    ledger::{Counts, Entry, Ledger, LedgerError, Page, State},
    memory_ledger::Entries,
};
use async_trait::async_trait;
use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    fs::{self, File, OpenOptions},
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What is on a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<'a> {
    Ledger(Cow<'a, Owner>),
    Intended(Cow<'a, [Entry]>),
    Became(Cow<'a, [(Tag, State)]>),
}

/// Whose ledger it is; the account is kept as a hash, for its name may be private.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    format: u32,
    base_url: String,
    account: String,
}

/// The form of file that this version writes and reads.
const FORMAT: u32 = 1;

/// A file up to this length is left as it is.
const SHORT: u64 = 1 << 20;

/// A ledger in a file that survives the process. Only one process at a time can have it open.
///
/// It keeps in memory what is in the file, somewhat less than a kilobyte a task: what is not ended, and what ended in the
/// last 31 days.
#[derive(Debug)]
pub struct FileLedger {
    path: PathBuf,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    owner: Owner,
    entries: Entries,
    file: File,
    length: u64,
    /// The length at which it is seen whether most of it is history.
    long: u64,
    /// Why nothing can be written any more: after a failed write nobody knows what is on the disk.
    broken: Option<String>,
    /// Held by this process as long as it has the ledger open.
    _lock: File,
}

impl FileLedger {
    /// Opens the ledger of an account at a base URL in this folder, or begins it. Beside it lies a file that is locked
    /// while it is open.
    ///
    /// # Errors
    /// When another process has it open, when it cannot be read or written, and when a line in it makes no sense: the
    /// message names file and line.
    pub fn open(dir: impl AsRef<Path>, base_url: &str, account: &str) -> Result<Self, LedgerError> {
        let base_url = base_url.trim_end_matches('/');
        let owner = Owner { format: FORMAT, base_url: base_url.to_owned(), account: hash([base_url, account]) };
        let dir = dir.as_ref();
        let path = dir.join(format!("dataforseo-{}-{}.jsonl", slug(base_url), owner.account));
        let failed = |error: std::io::Error| LedgerError::new(format!("{}: {error}", path.display()));
        fs::create_dir_all(dir).map_err(failed)?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(path.with_extension("lock"));
        let lock = lock.map_err(failed)?;
        match FileExt::try_lock(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = "another process has it open; let that one end first";
                return Err(LedgerError::new(format!("{}: {message}", path.display())));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let file = private().read(true).append(true).create(true).open(&path).map_err(failed)?;
        let entries = Entries::default();
        let (length, long, broken) = (0, SHORT, None);
        let mut shared = Shared { path: path.clone(), owner, entries, file, length, long, broken, _lock: lock };
        if !shared.read()? {
            shared.append(&Line::Ledger(Cow::Owned(shared.owner.clone())))?;
            sync_dir(dir).map_err(failed)?;
        }
        shared.shorten();
        Ok(Self { path, shared: Arc::new(Mutex::new(shared)) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does something that may wait for the disk, away from the threads that must not wait.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Shared) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (shared, path) = (self.shared.clone(), self.path.clone());
        let named = move |error: LedgerError| LedgerError::new(format!("{}: {error}", path.display()));
        match tokio::task::spawn_blocking(move || work(&mut lock(&shared))).await {
            Ok(result) => result.map_err(named),
            Err(error) => Err(named(LedgerError::new(error.to_string()))),
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Reads the whole file; `false` when it has no first line yet.
    fn read(&mut self) -> Result<bool, LedgerError> {
        let (path, owner) = (&self.path, &self.owner);
        let mut bytes = Vec::new();
        let failed = |error: std::io::Error| LedgerError::new(format!("{}: {error}", path.display()));
        self.file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < bytes.len() {
            tracing::warn!(path = %path.display(), "dropping a line cut short: its batch was never confirmed");
            self.file.set_len(whole as u64).and_then(|()| self.file.sync_all()).map_err(failed)?;
        }
        let unreadable = |number: usize, why: String| {
            let message = format!("{}: line {number} cannot be read ({why}); nothing was changed", path.display());
            LedgerError::new(message)
        };
        for (number, line) in (1..).zip(bytes[..whole].split_inclusive(|byte| *byte == b'\n')) {
            let line = serde_json::from_slice(line).map_err(|error| unreadable(number, error.to_string()))?;
            match line {
                Line::Ledger(found) if number == 1 && *found == *owner => {}
                Line::Ledger(_) => return Err(unreadable(number, "it is the head of another ledger".to_owned())),
                _ if number == 1 => return Err(unreadable(number, "it must say whose ledger it is".to_owned())),
                Line::Intended(entries) => self.entries.intend(entries.into_owned()),
                Line::Became(changes) => self.entries.record(&changes),
            }
        }
        self.entries.forget_if_many();
        self.length = whole as u64;
        Ok(whole > 0)
    }

    fn append(&mut self, line: &Line<'_>) -> Result<(), LedgerError> {
        if let Some(why) = &self.broken {
            return Err(LedgerError::new(format!("closed after an earlier failure: {why}")));
        }
        let mut bytes = serde_json::to_vec(line).map_err(|error| LedgerError::new(error.to_string()))?;
        bytes.push(b'\n');
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        written.map_err(|error| {
            self.broken = Some(error.to_string());
            LedgerError::new(error.to_string())
        })?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Writes the file anew if it is long and most of it is history. If that fails, the file stays as it is.
    fn shorten(&mut self) {
        if self.length <= self.long || self.broken.is_some() {
            return;
        }
        self.entries.forget();
        let new = self.path.with_extension("new");
        let written = self.write_anew(&new);
        self.long = 2 * self.length;
        match written {
            Ok((file, length)) if length <= self.length / 2 => self.replace_by(&new, file, length),
            Ok(_) => {}
            Err(error) => tracing::warn!(path = %self.path.display(), %error, "could not be written anew"),
        }
        // Of no use any more, unless it has got the other name; it would only take up room.
        drop(fs::remove_file(&new));
    }

    /// Writes what is known to a new file.
    fn write_anew(&self, new: &Path) -> std::io::Result<(File, u64)> {
        let mut out = BufWriter::new(private().write(true).create(true).truncate(true).open(new)?);
        let mut length = 0;
        let mut write = |line: &Line<'_>| {
            let mut bytes = serde_json::to_vec(line)?;
            bytes.push(b'\n');
            length += bytes.len() as u64;
            out.write_all(&bytes)
        };
        write(&Line::Ledger(Cow::Borrowed(&self.owner)))?;
        let mut entries = self.entries.all().peekable();
        while entries.peek().is_some() {
            write(&Line::Intended(entries.by_ref().take(100).cloned().collect()))?;
        }
        let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok((file, length))
    }

    /// Gives the new file the old one's name. What is written from here on must not go to a file without a name.
    fn replace_by(&mut self, new: &Path, file: File, length: u64) {
        let failure = match fs::rename(new, &self.path) {
            Ok(()) => {
                (self.file, self.length, self.long) = (file, length, (2 * length).max(SHORT));
                self.path.parent().map_or(Ok(()), sync_dir).err()
            }
            Err(error) => {
                let is_old = fs::metadata(&self.path).is_ok_and(|found| found.len() == self.length);
                (!is_old).then_some(error)
            }
        };
        self.broken = failure.map(|error| format!("it was being written anew: {error}"));
    }
}

#[async_trait]
impl Ledger for FileLedger {
    async fn intend(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        let entries = entries.to_vec();
        self.blocking(move |shared| {
            shared.entries.admit(&entries)?;
            shared.append(&Line::Intended(Cow::Borrowed(&entries)))?;
            shared.entries.intend(entries);
            shared.entries.forget_if_many();
            shared.shorten();
            Ok(())
        })
        .await
    }

    async fn record(&self, changes: &[(Tag, State)]) -> Result<Vec<(Tag, State)>, LedgerError> {
        let changes = changes.to_vec();
        self.blocking(move |shared| {
            let news = shared.entries.news(&changes);
            if !news.is_empty() {
                shared.append(&Line::Became(Cow::Borrowed(&news)))?;
                shared.entries.record(&news);
                shared.shorten();
            }
            Ok(news)
        })
        .await
    }

    async fn entry(&self, tag: &Tag) -> Result<Option<Entry>, LedgerError> {
        Ok(lock(&self.shared).entries.get(tag))
    }

    async fn page(&self, page: Page<'_>) -> Result<Vec<Entry>, LedgerError> {
        Ok(lock(&self.shared).entries.page(page))
    }

    async fn counts(&self) -> Result<Counts, LedgerError> {
        Ok(lock(&self.shared).entries.counts())
    }
}

/// Opens what its owner alone may read: requests hold the secret addresses of webhooks.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The host, as part of a file name that a person recognises.
pub(crate) fn slug(base_url: &str) -> String {
    let host = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let fitting = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' };
    host.chars().take(40).map(fitting).collect()
}

/// FNV-1a over the parts: the same on every machine and in every version.
fn hash(parts: [&str; 2]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// A new file's name is on the disk only when its folder is synced.
#[cfg(unix)]
pub(crate) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_dir(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[path = "file_ledger_tests.rs"]
mod tests;
