//! One file of SQLite for one process.

use crate::{
    Ended, NewRun, RunId, RunResult, RunStatus, Runs, StoreError, columns,
    ledger::ledger,
    money::money,
    run::{self, Refusal, Work},
    statements::runs,
};
use dataforseo_merchant::{Counts, Entry, LedgerError, Order, Page, Stage, State, Tag, TaskRequest};
use fs4::{FileExt, TryLockError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::{
    cmp::Ordering,
    fs::{File, OpenOptions},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// What makes a file of each version from the one before; what stands here once is never changed.
const VERSIONS: &[&[&str]] = &[
    &[
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, base_url TEXT NOT NULL, login TEXT NOT NULL, \
     UNIQUE (base_url, login)) STRICT",
        "CREATE TABLE entries (account INTEGER NOT NULL REFERENCES accounts (id), tag TEXT NOT NULL, \
     stage TEXT NOT NULL, intent TEXT NOT NULL, state TEXT NOT NULL, run INTEGER, number INTEGER, \
     cost INTEGER, PRIMARY KEY (account, tag)) STRICT, WITHOUT ROWID",
        "CREATE INDEX entries_by_stage ON entries (account, stage, tag)",
        "CREATE TABLE runs (id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts (id), \
     name TEXT NOT NULL, budget INTEGER NOT NULL, committed INTEGER NOT NULL DEFAULT 0, deadline REAL, \
     cancelled INTEGER NOT NULL DEFAULT 0, sealed INTEGER NOT NULL DEFAULT 0, UNIQUE (account, name)) STRICT",
        "CREATE TABLE items (run INTEGER NOT NULL REFERENCES runs (id), number INTEGER NOT NULL, request TEXT NOT NULL, \
     tag TEXT UNIQUE, held_by TEXT, held_until REAL, refused TEXT, \
     PRIMARY KEY (run, number)) STRICT, WITHOUT ROWID",
        "CREATE INDEX items_held ON items (run, held_by) WHERE held_by IS NOT NULL",
        "CREATE INDEX items_open ON items (run, number) WHERE tag IS NULL AND refused IS NULL",
        "CREATE TABLE results (run INTEGER NOT NULL REFERENCES runs (id), number INTEGER NOT NULL, body TEXT NOT NULL, \
     PRIMARY KEY (run, number)) STRICT",
    ],
    PENDING,
    &[
        "ALTER TABLE runs ADD COLUMN agreed INTEGER NOT NULL DEFAULT 0",
        crate::statements::AGREED,
        "ALTER TABLE runs DROP COLUMN sealed",
    ],
];

/// What waits for its result, by run. And how many rows a value of each index has, as SQLite would measure it in a file of a million tasks of two runs. Without
/// them it takes an account or a run for rare, and reads all that there is of it for each row of a batch.
const PENDING: &[&str] = &[
    "CREATE INDEX entries_pending ON entries (account, run, tag) WHERE stage = 'created'",
    // Makes the table, of a small one.
    "ANALYZE accounts",
    "DELETE FROM sqlite_stat1",
    "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES \
     ('entries', 'entries', '1000000 500000 1'), \
     ('entries', 'entries_by_stage', '1000000 500000 200000 1'), \
     ('entries', 'entries_pending', '200000 200000 100000 1'), \
     ('items', 'items', '1000000 500000 1'), \
     ('items', 'sqlite_autoindex_items_1', '1000000 1'), \
     ('items', 'items_held', '10000 5000 500'), \
     ('items', 'items_open', '500000 250000 1'), \
     ('results', 'sqlite_autoindex_results_1', '1000000 500000 1')",
    "ANALYZE sqlite_schema",
];

/// Readers beside the one who writes.
const CONNECTIONS: u32 = 4;
/// More than any statement gives back: 1,000 tasks are held at once at the most.
const ROWS: usize = 1024;
/// How long a writer waits for another one of this process.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file with ledgers of any number of accounts, for one process at a time. Beside it lies a file that is locked while it
/// is open.
#[derive(Debug, Clone)]
pub struct Sqlite {
    pool: SqlitePool,
    store: Arc<str>,
    opened: Arc<str>,
    /// None where nothing is written.
    lock: Option<Arc<File>>,
}

/// The ledger of one account in a [`Sqlite`] file.
#[derive(Debug, Clone)]
pub struct SqliteLedger {
    pool: SqlitePool,
    account: i32,
    /// Names this opening of the store, and no other.
    opened: Arc<str>,
    /// Of a worker: what it intends is a task of a run.
    work: Option<Work>,
    store: Arc<str>,
    /// Held as long as somebody can write.
    _lock: Option<Arc<File>>,
}

impl Sqlite {
    /// Opens the file, or makes it, readable for its owner alone, and brings it to the present schema.
    ///
    /// # Errors
    /// When another process has it open, it cannot be read or written, is no SQLite file, or was made by a newer version.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let store: Arc<str> = path.display().to_string().into();
        let file = |source| StoreError::File { store: store.to_string(), source };
        let failed = |source| StoreError::database(&store, source);
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = private().open(&name).map_err(file)?;
        match FileExt::try_lock(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Taken(store.to_string())),
            Err(TryLockError::Error(source)) => return Err(file(source)),
        }
        // SQLite would make it readable for everybody.
        private().open(path).map_err(file)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE)
            // A statement that changes rows and gives them back ends, and unlocks the file, though nobody takes the rows yet.
            .row_buffer_size(ROWS);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await.map_err(failed)?;
        let opened = Self { pool, store, opened: Tag::unique().to_string().into(), lock: Some(Arc::new(lock)) };
        opened.migrate().await?;
        Ok(opened)
    }

    /// Opens a file to look into it, also while another process has it open: whatever would write fails.
    ///
    /// # Errors
    /// When it is not there, cannot be read, is no SQLite file, or was not made by this version.
    pub async fn look(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let store: Arc<str> = path.display().to_string().into();
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(PATIENCE);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await;
        let pool = pool.map_err(|source| StoreError::database(&store, source))?;
        let opened = Self { pool, store, opened: Tag::unique().to_string().into(), lock: None };
        let version = sqlx::query_scalar("PRAGMA user_version").fetch_one(&opened.pool).await;
        let found: i32 = version.map_err(|error| opened.failed(error))?;
        match found.cmp(&known()) {
            Ordering::Less => Err(StoreError::Older(opened.store.to_string())),
            Ordering::Equal => Ok(opened),
            Ordering::Greater => Err(StoreError::Newer { store: opened.store.to_string(), found, known: known() }),
        }
    }

    /// The ledger of an account at a base URL.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub async fn ledger(&self, base_url: &str, login: &str) -> Result<SqliteLedger, StoreError> {
        let insert = "INSERT INTO accounts (base_url, login) VALUES ($1, $2) \
                      ON CONFLICT (base_url, login) DO UPDATE SET login = excluded.login RETURNING id";
        let find = "SELECT id FROM accounts WHERE base_url = $1 AND login = $2";
        let statement = if self.lock.is_some() { insert } else { find };
        let query = sqlx::query_scalar(statement).bind(base_url.trim_end_matches('/')).bind(login);
        let account: Option<i32> = query.fetch_optional(&self.pool).await.map_err(|error| self.failed(error))?;
        // Who only looks for an account that is not there sees nothing.
        let account = account.unwrap_or(-1);
        Ok(SqliteLedger {
            pool: self.pool.clone(),
            account,
            opened: self.opened.clone(),
            work: None,
            store: self.store.clone(),
            _lock: self.lock.clone(),
        })
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(|error| self.failed(error))?;
        let found: i32 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&mut *transaction)
            .await
            .map_err(|error| self.failed(error))?;
        if found > known() {
            return Err(StoreError::Newer { store: self.store.to_string(), found, known: known() });
        }
        let missing = VERSIONS.iter().skip(usize::try_from(found).unwrap_or_default());
        for statement in missing.flat_map(|version| version.iter()) {
            sqlx::query(*statement).execute(&mut *transaction).await.map_err(|error| self.failed(error))?;
        }
        // A pragma takes no parameter; a test holds it to the number of versions.
        sqlx::query("PRAGMA user_version = 3").execute(&mut *transaction).await.map_err(|error| self.failed(error))?;
        transaction.commit().await.map_err(|error| self.failed(error))
    }

    fn failed(&self, source: sqlx::Error) -> StoreError {
        StoreError::database(&self.store, source)
    }
}

/// The newest version.
fn known() -> i32 {
    i32::try_from(VERSIONS.len()).unwrap_or(i32::MAX)
}

/// Readable and writable for its owner alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

type Connection = sqlx::SqliteConnection;
type QueryResult = sqlx::sqlite::SqliteQueryResult;

ledger!(SqliteLedger, write: "BEGIN IMMEDIATE", read: "BEGIN", lock: "", each: "json_each($2)");
money!(SqliteLedger, lock: "", each: "json_each($2)", now: "unixepoch('subsec')");
runs!(
    SqliteLedger,
    write: "BEGIN IMMEDIATE",
    among: ("IN (", ")"),
    skip: "",
    skip_items: "",
    lock: "",
    each: "json_each($2)",
    numbers: "json_each($2)",
    now: "unixepoch('subsec')",
    alone: true
);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_of_an_earlier_version_keeps_what_was_agreed_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tasks.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        let rows = "INSERT INTO accounts VALUES (1, 'https://api.example', 'login'); \
                    INSERT INTO runs (id, account, name, budget, sealed) VALUES (1, 1, 'agreed', 1, 1), (2, 1, 'open', 1, 0); \
                    INSERT INTO items (run, number, request) VALUES (1, 0, ''), (1, 1, ''), (2, 0, '')";
        let earlier = VERSIONS.iter().take(2).flat_map(|version| version.iter());
        for statement in earlier.chain([&rows, &"PRAGMA user_version = 2"]) {
            sqlx::raw_sql(*statement).execute(&pool).await.unwrap();
        }
        pool.close().await;
        let ledger = Sqlite::open(&path).await.unwrap().ledger("https://api.example", "login").await.unwrap();
        let agreed = async |run| ledger.status(RunId(run)).await.unwrap().agreed;
        assert_eq!((agreed(1).await, agreed(2).await), (2, 0));
    }

    #[tokio::test]
    async fn the_version_in_the_file_is_the_number_of_versions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tasks.db");
        let store = Sqlite::open(&path).await.unwrap();
        let version: i32 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&store.pool).await.unwrap();
        assert_eq!(usize::try_from(version), Ok(VERSIONS.len()));
        // What is committed is on the disk: FULL.
        let synced: i32 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&store.pool).await.unwrap();
        let log: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&store.pool).await.unwrap();
        assert_eq!((synced, log.as_str()), (2, "wal"));
        sqlx::query("PRAGMA user_version = 1000").execute(&store.pool).await.unwrap();
        store.pool.close().await;
        drop(store);
        let newer = Sqlite::open(&path).await.unwrap_err();
        assert!(matches!(newer, StoreError::Newer { found: 1000, known: 3, .. }), "{newer}");
    }
}
