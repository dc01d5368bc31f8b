//! The conformance suite over the ledgers of this crate.

use async_trait::async_trait;
use dataforseo_merchant::{
    FileLedger, Ledger, MemoryLedger,
    testing::{Store, check_ledger},
};
use std::{path::PathBuf, sync::Arc};

struct Memory(Arc<MemoryLedger>);

#[async_trait]
impl Store for Memory {
    async fn open(&self) -> Arc<dyn Ledger> {
        self.0.clone()
    }
}

struct Folder(PathBuf);

#[async_trait]
impl Store for Folder {
    async fn open(&self) -> Arc<dyn Ledger> {
        Arc::new(FileLedger::open(&self.0, "https://api.dataforseo.com", "login").unwrap())
    }
}

#[tokio::test]
async fn the_ledger_in_memory_conforms() {
    check_ledger(&Memory(Arc::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_in_a_file_conforms() {
    let dir = tempfile::tempdir().unwrap();
    check_ledger(&Folder(dir.path().to_owned())).await;
}
