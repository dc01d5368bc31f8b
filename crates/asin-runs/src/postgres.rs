//! One database of PostgreSQL for any number of processes.

use crate::{
    Ended, NewRun, RunId, RunResult, RunStatus, Runs, StoreError, columns,
    ledger::ledger,
    limits::SharedLimits,
    money::money,
    run::{self, Refusal, Work},
    statements::runs,
};
use dataforseo_merchant::{Counts, Entry, LedgerError, Order, Page, Stage, State, Tag, TaskRequest};
use sqlx::{
    Executor as _,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};
use std::{cmp::Ordering, str::FromStr, sync::Arc, time::Duration};

/// What makes a schema of each version from the one before; what stands here once is never changed, but
/// for functions, which the version that changes them makes anew.
const VERSIONS: &[&[&str]] = &[
    &[
        "CREATE TABLE accounts (id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY, base_url TEXT NOT NULL, \
     login TEXT NOT NULL, UNIQUE (base_url, login))",
        // Tags are ordered by their bytes, whatever the database's language.
        "CREATE TABLE entries (account INTEGER NOT NULL REFERENCES accounts (id), tag TEXT COLLATE \"C\" NOT NULL, \
     stage TEXT NOT NULL, intent TEXT NOT NULL, state TEXT NOT NULL, run BIGINT, number BIGINT, \
     cost BIGINT, PRIMARY KEY (account, tag))",
        "CREATE INDEX entries_by_stage ON entries (account, stage, tag)",
        "CREATE TABLE runs (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
     account INTEGER NOT NULL REFERENCES accounts (id), name TEXT NOT NULL, budget BIGINT NOT NULL, \
     committed BIGINT NOT NULL DEFAULT 0, deadline DOUBLE PRECISION, cancelled BOOLEAN NOT NULL DEFAULT false, \
     sealed BOOLEAN NOT NULL DEFAULT false, \
     UNIQUE (account, name))",
        "CREATE TABLE items (run BIGINT NOT NULL REFERENCES runs (id), number BIGINT NOT NULL, request TEXT NOT NULL, \
     tag TEXT COLLATE \"C\" UNIQUE, held_by TEXT, held_until DOUBLE PRECISION, \
     refused TEXT, PRIMARY KEY (run, number))",
        "CREATE INDEX items_held ON items (run, held_by) WHERE held_by IS NOT NULL",
        "CREATE INDEX items_open ON items (run, number) WHERE tag IS NULL AND refused IS NULL",
        "CREATE TABLE results (run BIGINT NOT NULL REFERENCES runs (id), number BIGINT NOT NULL, body TEXT NOT NULL, \
     PRIMARY KEY (run, number))",
        crate::limits::TABLES,
        crate::limits::SLOT,
        crate::limits::RESERVE,
    ],
    &["CREATE INDEX entries_pending ON entries (account, run, tag) WHERE stage = 'created'"],
    &[crate::limits::RESERVE],
    &[
        "ALTER TABLE runs ADD COLUMN agreed BIGINT NOT NULL DEFAULT 0",
        crate::statements::AGREED,
        "ALTER TABLE runs DROP COLUMN sealed",
    ],
];

/// Held while the schema is made, so that processes that start together do it once: `asin-run` in ASCII.
const MIGRATING: i64 = 0x6173_696e_2d72_756e;

/// Each statement is planned for any account and run. For one that is newer than the table's statistics PostgreSQL expects no
/// row, and would go through all that there are for each row of a batch. What is committed is on the server's disk, whatever the
/// role is set to. And a process that is paused, or whose machine vanishes, in a transaction holds what all others wait for no
/// longer than this.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET synchronous_commit = on; \
                     SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '30s'";
/// The same, of who writes nothing.
const LOOKS: &str = "SET plan_cache_mode = force_generic_plan; SET default_transaction_read_only = on";

/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// A database with ledgers of any number of accounts, and with the limits that all its processes share.
#[derive(Debug, Clone)]
pub struct Postgres {
    pool: PgPool,
    /// Limits have connections of their own: a call that waits for its turn may be one of many that nobody polls while
    /// what another has brought is stored, and must not keep that from a connection.
    limits: PgPool,
    store: Arc<str>,
    opened: Arc<str>,
    /// Whether nothing is written.
    looks: bool,
}

/// The ledger of one account in a [`Postgres`] database.
#[derive(Debug, Clone)]
pub struct PostgresLedger {
    pool: PgPool,
    account: i32,
    /// Names this opening of the store, and no other.
    opened: Arc<str>,
    /// Of a worker: what it intends is a task of a run.
    work: Option<Work>,
    store: Arc<str>,
}

impl Postgres {
    /// Connects by a string such as `postgres://user@host/database` with up to so many connections, as many
    /// again for [limits](Self::limits), and brings the schema
    /// (the first of the role's `search_path`) to the present version. The role has to be allowed to create tables and
    /// functions there, once.
    ///
    /// # Errors
    /// When the string is none, the server cannot be reached or refuses, or the schema was made by a newer version. No
    /// error shows the password.
    pub async fn connect(url: &str, connections: u32) -> Result<Self, StoreError> {
        let opened = Self::reach(url, connections, false).await?;
        opened.migrate().await?;
        Ok(opened)
    }

    /// Connects to look into a database: whatever would write fails, and the schema stays as it is.
    ///
    /// # Errors
    /// When the string is none, the server cannot be reached or refuses, or the schema was not made by this version.
    pub async fn look(url: &str, connections: u32) -> Result<Self, StoreError> {
        let opened = Self::reach(url, connections, true).await?;
        let mut connection = opened.pool.acquire().await.map_err(|error| opened.failed(error))?;
        let found = opened.version(&mut connection).await?.unwrap_or_default();
        match found.cmp(&known()) {
            Ordering::Less => Err(StoreError::Older(opened.store.to_string())),
            Ordering::Equal => Ok(opened),
            Ordering::Greater => Err(StoreError::Newer { store: opened.store.to_string(), found, known: known() }),
        }
    }

    async fn reach(url: &str, connections: u32, looks: bool) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url).map_err(|source| StoreError::database("PostgreSQL", source))?;
        let database = options.get_database().unwrap_or(options.get_username());
        let store: Arc<str> = format!("PostgreSQL {}:{}/{database}", options.get_host(), options.get_port()).into();
        let settings = if looks { LOOKS } else { PLANS };
        let pools = PgPoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE);
        let pools = pools.after_connect(move |connection, _| {
            Box::pin(async move { connection.execute(settings).await.map(|_| ()) })
        });
        let limits = pools.clone().connect_lazy_with(options.clone());
        let pool = pools.connect_with(options).await;
        let pool = pool.map_err(|source| StoreError::database(&store, source))?;
        Ok(Self { pool, limits, store, opened: Tag::unique().to_string().into(), looks })
    }

    /// The ledger of an account at a base URL.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn ledger(&self, base_url: &str, login: &str) -> Result<PostgresLedger, StoreError> {
        let insert = "INSERT INTO accounts (base_url, login) VALUES ($1, $2) \
                      ON CONFLICT (base_url, login) DO UPDATE SET login = excluded.login RETURNING id";
        let find = "SELECT id FROM accounts WHERE base_url = $1 AND login = $2";
        let statement = if self.looks { find } else { insert };
        let query = sqlx::query_scalar(statement).bind(base_url.trim_end_matches('/')).bind(login);
        let account: Option<i32> = query.fetch_optional(&self.pool).await.map_err(|error| self.failed(error))?;
        // Who only looks for an account that is not there sees nothing.
        let account = account.unwrap_or(-1);
        Ok(PostgresLedger {
            pool: self.pool.clone(),
            account,
            opened: self.opened.clone(),
            work: None,
            store: self.store.clone(),
        })
    }

    /// Rate limits that all so many processes with this database keep together. While it cannot be reached, each keeps to
    /// its part of every limit.
    pub fn limits(&self, processes: u32) -> SharedLimits {
        SharedLimits::new(self.limits.clone(), processes)
    }

    /// The version of the schema; `None` where there is none.
    async fn version(&self, connection: &mut Connection) -> Result<Option<i32>, StoreError> {
        // Who may not make tables may not make one that is there either.
        let there =
            sqlx::query_scalar("SELECT to_regclass('asin_runs_version') IS NOT NULL").fetch_one(&mut *connection);
        if !there.await.map_err(|error| self.failed(error))? {
            return Ok(None);
        }
        let query = sqlx::query_scalar("SELECT version FROM asin_runs_version").fetch_optional(connection);
        query.await.map_err(|error| self.failed(error))
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let known = known();
        let mut transaction = self.pool.begin().await.map_err(|error| self.failed(error))?;
        if self.version(&mut transaction).await? == Some(known) {
            return Ok(());
        }
        let (lock, table) = (
            "SELECT set_config('lock_timeout', '0', true), pg_advisory_xact_lock($1)",
            "CREATE TABLE IF NOT EXISTS asin_runs_version (version INTEGER NOT NULL)",
        );
        sqlx::query(lock).bind(MIGRATING).execute(&mut *transaction).await.map_err(|error| self.failed(error))?;
        sqlx::query(table).execute(&mut *transaction).await.map_err(|error| self.failed(error))?;
        let found = self.version(&mut transaction).await?;
        let found_version = found.unwrap_or_default();
        if found_version > known {
            return Err(StoreError::Newer { store: self.store.to_string(), found: found_version, known });
        }
        for version in VERSIONS.iter().skip(usize::try_from(found_version).unwrap_or_default()) {
            for statement in *version {
                sqlx::raw_sql(*statement).execute(&mut *transaction).await.map_err(|error| self.failed(error))?;
            }
        }
        let say = match found {
            Some(_) => "UPDATE asin_runs_version SET version = $1",
            None => "INSERT INTO asin_runs_version (version) VALUES ($1)",
        };
        sqlx::query(say).bind(known).execute(&mut *transaction).await.map_err(|error| self.failed(error))?;
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

type Connection = sqlx::PgConnection;
type QueryResult = sqlx::postgres::PgQueryResult;

ledger!(
    PostgresLedger,
    write: "BEGIN",
    read: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    lock: " FOR UPDATE",
    each: "json_array_elements($2::json) AS rows (value)"
);
money!(
    PostgresLedger,
    lock: " FOR UPDATE",
    each: "json_array_elements($2::json) AS rows (value)",
    now: "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"
);
runs!(
    PostgresLedger,
    write: "BEGIN",
    // An array is made once. What stands behind `IN` may be run for each row, and would lock more each time.
    among: ("= ANY (ARRAY (", "))"),
    skip: " FOR UPDATE SKIP LOCKED",
    skip_items: " FOR UPDATE OF items SKIP LOCKED",
    lock: " FOR UPDATE",
    each: "json_array_elements($2::json) AS rows (value)",
    numbers: "json_array_elements_text($2::json) AS rows (value)",
    now: "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)",
    alone: false
);

#[cfg(test)]
#[path = "../tests/it/server.rs"]
mod server;

#[cfg(test)]
mod tests {
    use super::{Postgres, server::Server};

    #[tokio::test]
    async fn whatever_the_role_is_set_to_commits_are_synced_and_nobody_waits_for_one_who_is_gone() {
        let Some(server) = Server::start() else { return };
        let admin = sqlx::PgPool::connect(&server.url()).await.unwrap();
        sqlx::raw_sql("ALTER ROLE postgres SET synchronous_commit = off").execute(&admin).await.unwrap();
        let store = Postgres::connect(&server.url(), 2).await.unwrap();
        for pool in [&store.pool, &store.limits] {
            let shown = "SELECT current_setting('synchronous_commit'), current_setting('lock_timeout'), \
                         current_setting('idle_in_transaction_session_timeout')";
            let (commit, lock, idle): (String, String, String) = sqlx::query_as(shown).fetch_one(pool).await.unwrap();
            assert_eq!((commit.as_str(), lock.as_str(), idle.as_str()), ("on", "30s", "10s"));
        }
    }
}
