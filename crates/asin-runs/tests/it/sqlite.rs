//! The ledger in a file of SQLite.

use crate::runs::new;
use asin_runs::{Runs, Sqlite, StoreError};
use async_trait::async_trait;
use dataforseo_merchant::{
    Ledger,
    testing::{Store, check_ledger, entry},
};
use std::{path::PathBuf, sync::Arc};

const URL: &str = "https://api.dataforseo.com";

struct File(PathBuf);

#[async_trait]
impl Store for File {
    async fn open(&self) -> Arc<dyn Ledger> {
        Arc::new(Sqlite::open(&self.0).await.unwrap().ledger(URL, "login").await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_in_sqlite_conforms() {
    let folder = tempfile::tempdir().unwrap();
    check_ledger(&File(folder.path().join("tasks.db"))).await;
}

#[tokio::test]
async fn k4_a_second_process_is_refused_as_long_as_somebody_can_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tasks.db");
    let ledger = Sqlite::open(&path).await.unwrap().ledger(URL, "login").await.unwrap();
    let refused = Sqlite::open(&path).await.unwrap_err();
    assert!(matches!(refused, StoreError::Taken(_)), "{refused}");
    assert!(refused.to_string().contains("tasks.db: another process has it open"), "{refused}");
    drop(ledger);
    Sqlite::open(&path).await.unwrap();
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("tasks.db")).await.unwrap();
    let one = store.ledger(URL, "one").await.unwrap();
    let other = store.ledger(URL, "other").await.unwrap();
    let same = store.ledger("https://api.dataforseo.com/", "one").await.unwrap();
    let entry = entry("");
    one.intend(std::slice::from_ref(&entry)).await.unwrap();
    assert_eq!(other.entry(&entry.tag).await.unwrap(), None);
    assert_eq!(same.entry(&entry.tag).await.unwrap(), Some(entry.clone()));
    assert!(other.counts().await.unwrap().is_empty());
    other.intend(&[entry]).await.unwrap();
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.csv");
    std::fs::write(&path, "account,sku\n".repeat(100)).unwrap();
    let refused = Sqlite::open(&path).await.unwrap_err();
    assert!(matches!(refused, StoreError::Database { .. }), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "account,sku\n".repeat(100));
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let _store = Sqlite::open(folder.path().join("tasks.db")).await.unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
}

#[tokio::test]
async fn in_a_file_nobody_waits_for_a_result_that_another_one_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("runs.db")).await.unwrap();
    let ledger = store.ledger("https://api.dataforseo.com", "login").await.unwrap();
    crate::holding::check(&ledger, &store.ledger("https://api.dataforseo.com", "other").await.unwrap()).await;
}

#[tokio::test]
async fn a_file_that_is_damaged_is_told_of_by_whatever_asks_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db");
    let ledger = Sqlite::open(&path).await.unwrap().ledger(URL, "login").await.unwrap();
    let run = ledger.begin(&new("damaged", "5")).await.unwrap();
    let other = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::raw_sql(crate::refused::EMPTY).execute(&other).await.unwrap();
    crate::refused::check(&ledger, run).await;
}
