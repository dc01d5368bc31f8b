//! Row K1: the process is killed while it writes its ledger, at every byte of the last batch.

use super::{
    posting::{asins, short},
    task, tasks,
    vendor::Vendor,
};
use crate::{Budget, FileLedger, Settlement, Stage};
use std::{fs, path::Path, sync::Arc, time::Duration};

fn ledger(dir: &Path) -> Arc<FileLedger> {
    Arc::new(FileLedger::open(dir, "https://api.dataforseo.com", "login").unwrap())
}

fn vendor() -> Vendor {
    let vendor = Vendor::new(21, 0.0);
    vendor.world().start();
    vendor
}

#[tokio::test(start_paused = true)]
async fn k1_killed_in_the_middle_of_an_outcome_nothing_is_lost_or_paid_twice() {
    let (dir, vendor) = (tempfile::tempdir().unwrap(), vendor());
    let path = {
        let ledger = ledger(dir.path());
        let path = ledger.path().to_owned();
        let tasks = tasks(&vendor, ledger, &Budget::unlimited());
        assert_eq!(short(&tasks.post(asins(2)).await), ["created"; 2]);
        path
    };
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    assert!(whole[last..].starts_with(b"{\"became\""));
    tokio::time::sleep(Duration::from_secs(200)).await;
    for cut in last..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let budget = Budget::unlimited();
        let tasks = tasks(&vendor, ledger(dir.path()), &budget);
        let Settlement { created, absent, unknown } = tasks.settle().await.unwrap();
        let found = if cut == whole.len() { 0 } else { 2 };
        assert_eq!((created.len(), absent.len(), unknown.len()), (found, 0, 0), "killed at byte {cut}");
        assert_eq!(tasks.counts().await.unwrap()[&Stage::Created], 2);
        assert!(budget.reserved().is_zero());
    }
    assert_eq!(vendor.world().made.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn k1_killed_in_the_middle_of_an_intent_nothing_was_sent() {
    let (dir, vendor) = (tempfile::tempdir().unwrap(), vendor());
    let (path, before) = {
        let ledger = ledger(dir.path());
        let path = ledger.path().to_owned();
        let tasks = tasks(&vendor, ledger, &Budget::unlimited());
        tasks.post(vec![task(1)]).await;
        let before = fs::read(&path).unwrap();
        (path, before)
    };
    let whole = {
        let tasks = tasks(&vendor, ledger(dir.path()), &Budget::unlimited());
        tasks.post(asins(2)).await;
        fs::read(&path).unwrap()
    };
    let intent = whole[before.len()..].iter().position(|byte| *byte == b'\n').unwrap() + before.len();
    // As long as its line is not whole, the call has not been made.
    for cut in (before.len()..=intent).step_by(7) {
        fs::write(&path, &whole[..cut]).unwrap();
        let made = vendor.world().made.len();
        let tasks = tasks(&vendor, ledger(dir.path()), &Budget::unlimited());
        assert!(tasks.unsettled().await.unwrap().is_empty(), "killed at byte {cut}");
        assert_eq!(short(&tasks.post(asins(2)).await), ["created"; 2]);
        assert_eq!(vendor.world().made.len(), made + 2);
    }
    // Once it is, it may have been: nobody sends it again without proof.
    fs::write(&path, &whole[..=intent]).unwrap();
    let made = vendor.world().made.len();
    let tasks = tasks(&vendor, ledger(dir.path()), &Budget::unlimited());
    assert_eq!(tasks.unsettled().await.unwrap().len(), 2);
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(tasks.settle().await.unwrap().created.len(), 2);
    assert_eq!(vendor.world().made.len(), made);
}
