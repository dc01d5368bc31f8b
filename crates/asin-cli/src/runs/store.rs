//! Where runs are: a file of one process, or a server that any number of them share.

use crate::failure::Failure;
use crate::output::quoted;
use crate::paid::token;
use crate::session::{Connect, Session, state_folder};
use asin_facade::dataforseo_merchant::webhook::Token;
use asin_facade::dataforseo_merchant::{Budget, DfsClient, MemoryLedger, NewTask, TaskRequest, Tasks};
use asin_facade::runs::{Postgres, RunError, Runs, Sqlite, StoreError};
use rust_decimal::Decimal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// Where runs are remembered, and who pays.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// A file, or postgres://USER@HOST/DATABASE [default: ASIN_DATABASE, else .asin/runs.db]; a password of it belongs
    /// into ASIN_DATABASE, PGPASSWORD or ~/.pgpass
    #[arg(long, value_name = "FILE|URL", value_parser = database)]
    database: Option<Database>,
    #[command(flatten)]
    connect: Connect,
}

/// Where runs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    File(PathBuf),
    Server(String),
}

/// The variable that may hold a password.
const VARIABLE: &str = "ASIN_DATABASE";

fn known(text: &str) -> Database {
    match text.starts_with("postgres://") || text.starts_with("postgresql://") {
        true => Database::Server(text.to_owned()),
        false => Database::File(text.into()),
    }
}

/// A database, as a flag names it, which every user of the machine can see.
pub fn database(text: &str) -> Result<Database, String> {
    let is_secret = |url: &Url| url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password");
    match Url::parse(text) {
        Ok(url) if is_secret(&url) => Err(format!(
            "it holds a password, which others on this machine can see: put it into {VARIABLE}, PGPASSWORD or ~/.pgpass"
        )),
        _ => Ok(known(text)),
    }
}

impl Database {
    /// The account's runs, to change them; and what the processes on a server share.
    pub async fn open(&self, client: &DfsClient, login: &str) -> Result<(Arc<dyn Runs>, Option<Postgres>), Failure> {
        Ok(match self {
            Self::File(file) => {
                let failed = |folder: &Path, error| Failure::usage(format!("{}: {error}", folder.display()));
                if let Some(folder) = file.parent() {
                    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
                }
                (Arc::new(Sqlite::open(file).await?.ledger(&client.base(), login).await?), None)
            }
            Self::Server(url) => {
                let server = Postgres::connect(url, CONNECTIONS).await?;
                (Arc::new(server.ledger(&client.base(), login).await?), Some(server))
            }
        })
    }
}

/// An account with its runs.
pub struct Account {
    pub session: Session,
    pub client: DfsClient,
    login: String,
    pub store: Arc<dyn Runs>,
    /// What the processes on a server share.
    server: Option<Postgres>,
    /// The flags by which another command finds this place and account, each behind a blank.
    pub flags: String,
}

/// So many connections are enough for what a worker does at once, and as many for its limits.
const CONNECTIONS: u32 = 8;

impl Place {
    fn database(&self) -> Database {
        let variable = || std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
        let given = self.database.clone().or_else(|| Some(known(&variable()?)));
        given.unwrap_or_else(|| Database::File(state_folder("runs.db")))
    }

    /// The flags by which another command finds this place and account, each behind a blank; a password is not shown.
    pub fn flags(&self) -> String {
        let database = self.database.as_ref().map(|database| match database {
            Database::File(file) => format!("--database {}", quoted(file.display())),
            Database::Server(url) => format!("--database {}", quoted(url)),
        });
        database.into_iter().chain(self.connect.flags()).map(|flag| format!(" {flag}")).collect()
    }

    /// The account and its runs, to change them.
    pub async fn open(&self) -> Result<Account, Failure> {
        self.connect.not_replayed()?;
        let mut session = self.connect.open().await?;
        let (client, login) = session.dataforseo()?;
        let (store, server) = self.database().open(&client, &login).await?;
        Ok(Account { session, client, login, store, server, flags: self.flags() })
    }

    /// The account's runs, to look at them, also while another process has them.
    pub async fn look(&self) -> Result<Arc<dyn Runs>, Failure> {
        let (client, login) = self.connect.open().await?.dataforseo()?;
        Ok(match self.database() {
            Database::File(file) if !file.exists() => {
                return Err(Failure::usage(format!("{}: there is no such file, and no run in it", file.display())));
            }
            Database::File(file) => Arc::new(Sqlite::look(&file).await?.ledger(&client.base(), &login).await?),
            Database::Server(url) => {
                Arc::new(Postgres::look(&url, CONNECTIONS).await?.ledger(&client.base(), &login).await?)
            }
        })
    }

    /// Whether a sandbox is meant.
    pub fn is_sandbox(&self) -> bool {
        self.connect.is_sandbox()
    }

    /// What the account pays, where nothing is stored.
    pub async fn prices(&self) -> Result<Prices, Failure> {
        Prices::of(self.connect.open().await?.dataforseo()?.0).await
    }
}

impl Account {
    /// What the account pays.
    pub async fn prices(&self) -> Result<Prices, Failure> {
        Prices::of(self.client.clone()).await
    }

    /// The secret that those in the addresses of its runs are made from.
    pub fn token(&self) -> Result<Token, Failure> {
        Ok(token::of_runs(&token::of(&state_folder("tasks"))?.0, &self.client.base(), &self.login))
    }

    /// From now on calls keep the limits that all processes of this database share, of so many that there are.
    pub fn share_limits(&mut self, processes: u32) -> Result<(), Failure> {
        if let Some(server) = &self.server {
            self.session.share(Arc::new(server.limits(processes)));
            (self.client, self.login) = self.session.dataforseo()?;
        }
        Ok(())
    }
}

/// What tasks cost at most, by the account's own prices.
pub struct Prices(Tasks);

impl Prices {
    async fn of(client: DfsClient) -> Result<Self, Failure> {
        let mut tasks = Tasks::new(client, Arc::new(MemoryLedger::new()), Budget::unlimited());
        tasks.learn_prices().await?;
        Ok(Self(tasks))
    }

    /// US dollars.
    pub fn most(&self, tasks: &[TaskRequest]) -> Decimal {
        tasks.iter().map(|task| self.0.price(&NewTask::new(task.clone()))).sum()
    }
}

/// A run was filled from something else, as this task of it tells.
fn differs(number: i64) -> Failure {
    let why = format!(
        "task number {} of the run that is there is another one: it was filled from something else",
        number + 1
    );
    Failure::usage(why).next(
        "give this one another --name; if only --postback or ASIN_WEBHOOK_TOKEN is another one now, \
         `asin run resume` goes on with the tasks that are there",
    )
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken(_) => Self::usage(error).next("stop that one (Ctrl-C): what it has posted is not lost"),
            StoreError::Differs { number, .. } => differs(number),
            StoreError::Older(_) | StoreError::Newer { .. } | StoreError::Content(_) => Self::usage(error),
            error => Self::work(error),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            RunError::Tasks(error) => error.into(),
            RunError::NotPosted(error) => (&*error).into(),
            error => Self::work(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_from_a_file_and_its_password_is_no_flag() {
        assert_eq!(database("runs.db"), Ok(Database::File("runs.db".into())));
        let server = "postgresql://asin@db.example/asin";
        assert_eq!(database(server), Ok(Database::Server(server.to_owned())));
        for secret in ["postgres://asin:hunter2@db.example/asin", "postgres://db.example/asin?user=a&password=hunter2"]
        {
            let refused = database(secret).unwrap_err();
            assert!(refused.contains("PGPASSWORD") && !refused.contains("hunter2"), "{refused}");
        }
    }
}
