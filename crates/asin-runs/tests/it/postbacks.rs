//! What the vendor posts by itself, into the store of its run.

use crate::runs::{client, new, sandbox, tasks};
use asin_runs::{Postbacks, Runs, Sqlite};
use dataforseo_merchant::{
    TaskId,
    testing::entry,
    webhook::{Claim, Expectation, Expects},
};
use std::{sync::Arc, time::Duration};

/// Row S3: whoever learns the address of one run has no say about another's results.
#[tokio::test]
async fn s3_a_result_comes_to_the_address_of_its_own_run() {
    let sandbox = sandbox(11).await;
    let client = client(sandbox.demo().dataforseo);
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("runs.db")).await.unwrap();
    let store = store.ledger(&client.base(), "login").await.unwrap();
    let postbacks = Postbacks::new(client, Arc::new(store.clone()));
    let mut expected = Vec::new();
    for name in ["spring", "autumn"] {
        let run = store.begin(&new(name, "1")).await.unwrap();
        store.add(run, 0, &tasks(1)).await.unwrap();
        store.seal(run).await.unwrap();
        store.claim(run, "me", 1, Duration::from_secs(60)).await.unwrap();
        let intent = entry(&format!("{run}/0"));
        store.working(run, "me").intend(std::slice::from_ref(&intent)).await.unwrap();
        expected.push((run, intent.tag));
    }
    let id = TaskId::new("10051020-2523-0209-0000-64b1acabfbeb");
    for (run, tag) in &expected {
        let claim = Claim::new(&id, Some(tag.as_str()));
        for (address, _) in &expected {
            let says = postbacks.expects(claim.of(address.part())).await.unwrap();
            let right = if address == run { Expectation::Expected } else { Expectation::Unknown };
            assert_eq!(says, right, "a task of {run} at the address of {address}");
        }
        let whole = postbacks.expects(claim).await.unwrap();
        assert_eq!(whole, Expectation::Expected, "the secret that all are made from");
    }
    let unknown = Claim::new(&id, Some("asin-00000000000000000000000000000000"));
    assert_eq!(postbacks.expects(unknown.of(expected[0].0.part())).await.unwrap(), Expectation::Unknown);
}
