//! Who holds what of a run, in every store.

use crate::runs::{new, tasks};
use asin_runs::{Ended, RunId, RunResult, Runs, StoreError};
use dataforseo_merchant::{Entry, State, TaskId, testing::entry};
use serde_json::{Value, json};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

/// A run whose tasks are posted, and wait for their results.
async fn posted(store: &dyn Runs, name: &str, count: i64) -> (RunId, Vec<Entry>) {
    let run = store.begin(&new(name, "5")).await.unwrap();
    store.add(run, 0, &tasks(u32::try_from(count).unwrap())).await.unwrap();
    store.agree(run, count.unsigned_abs()).await.unwrap();
    store.claim(run, "poster", 100, LONG).await.unwrap();
    let intents: Vec<Entry> = (0..count).map(|number| entry(&format!("{run}/{number}"))).collect();
    store.working(run, "poster").intend(&intents).await.unwrap();
    (run, intents)
}

pub fn made(number: usize) -> State {
    State::Created { id: TaskId::new(format!("11251845-7880-0209-0000-{number:012x}")), cost: "0.001".parse().unwrap() }
}

/// Results that a database would like to write in its own way.
fn odd(number: usize) -> Value {
    [
        Value::Null,
        json!("\0 \u{7f} \"quoted\" \\ é 🙂 \u{2028}"),
        json!({"b": 1, "a": [0.1, 1e-7, 1e300, u64::MAX, i64::MIN, 100.0], "": {}, "nested": {"z": [], "text": "\0"}}),
        json!([["  two  spaces  ", {"body": "{\"body\": 1}"}]]),
    ][number]
        .clone()
}

fn labels(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.label.split_once('/').unwrap().1).collect()
}

/// Each waits for results that no other one waits for; what nobody holds any more is another's.
pub async fn check(store: &dyn Runs, other_account: &dyn Runs) {
    let (run, intents) = posted(store, "held", 5).await;
    let (other, _) = posted(store, "beside", 2).await;
    assert_eq!(labels(&store.unknown(run).await.unwrap()), ["0", "1", "2", "3", "4"]);
    assert!(!store.pends(run).await.unwrap(), "none is known to be made");
    assert!(store.claim_pending(run, "early", None, 10, LONG).await.unwrap().is_empty());
    let changes: Vec<_> = intents.iter().take(4).enumerate().map(|(at, entry)| (entry.tag.clone(), made(at))).collect();
    store.record(&changes).await.unwrap();
    assert_eq!(labels(&store.unknown(run).await.unwrap()), ["4"]);
    assert!(store.pends(run).await.unwrap() && !store.pends(other).await.unwrap());

    let first = store.claim_pending(run, "first", None, 2, LONG).await.unwrap();
    assert_eq!(labels(&first), ["0", "1"], "the oldest");
    assert_eq!(first[0].state, made(0));
    let second = store.claim_pending(run, "second", None, 10, Duration::ZERO).await.unwrap();
    assert_eq!(labels(&second), ["2", "3"]);
    // For no time at all: nobody holds them.
    assert_eq!(labels(&store.claim_pending(run, "third", None, 10, LONG).await.unwrap()), ["2", "3"]);
    assert!(store.claim_pending(run, "fourth", None, 10, LONG).await.unwrap().is_empty());
    assert!(other_account.claim_pending(run, "thief", None, 10, LONG).await.unwrap().is_empty());
    store.hold(run, "first", LONG).await.unwrap();
    store.hold(run, "third", Duration::ZERO).await.unwrap();
    assert_eq!(labels(&store.claim_pending(run, "fourth", None, 10, LONG).await.unwrap()), ["2", "3"], "given back");

    // What has its result is held no longer, and no more held by whoever holds what it held.
    let ended = |entry: &Entry, number: usize| Ended {
        run,
        tag: entry.tag.clone(),
        id: made(number).id().unwrap().clone(),
        cost: "0.001".parse().unwrap(),
        result: RunResult {
            number: number as i64,
            request: entry.request.clone(),
            outcome: "done".to_owned(),
            id: None,
            result: odd(number),
            error: None,
        },
    };
    assert_eq!(store.keep(&[ended(&intents[0], 0)]).await.unwrap(), [true]);
    store.hold(run, "first", Duration::ZERO).await.unwrap();
    assert_eq!(labels(&store.claim_pending(run, "fifth", None, 10, LONG).await.unwrap()), ["1"], "one has ended");
    for (number, entry) in intents.iter().enumerate().take(4).skip(1) {
        store.keep(&[ended(entry, number)]).await.unwrap();
    }
    assert!(!store.pends(run).await.unwrap());
    let kept = store.results(run, None, 10).await.unwrap();
    let kept: Vec<_> = kept.into_iter().map(|kept| (kept.number, kept.result.to_string())).collect();
    assert_eq!(kept, (0..4).map(|number| (number as i64, odd(number).to_string())).collect::<Vec<_>>(), "as they were");
    let status = store.status(run).await.unwrap();
    assert_eq!((status.done, status.pending, status.unknown, status.held), (4, 1, 1, 0), "{status:?}");

    // One was taken for not made, was posted again, and was made after all: its result is paid for, and is waited for too.
    let late = intents[4].tag.clone();
    store.record(&[(late.clone(), State::Absent)]).await.unwrap();
    assert_eq!(store.claim(run, "finder", 1, LONG).await.unwrap().len(), 1, "who had sent it holds it no longer");
    store.hold(run, "finder", Duration::ZERO).await.unwrap();
    assert_eq!(store.claim(run, "poster", 1, LONG).await.unwrap().len(), 1);
    let again = entry(&format!("{run}/4"));
    store.working(run, "poster").intend(std::slice::from_ref(&again)).await.unwrap();
    store.record(&[(late.clone(), made(4)), (again.tag.clone(), made(5))]).await.unwrap();
    let mut tags: Vec<_> =
        store.claim_pending(run, "sixth", None, 10, LONG).await.unwrap().into_iter().map(|e| e.tag).collect();
    tags.sort();
    let mut both = [late, again.tag];
    both.sort();
    assert_eq!(tags, both);
    assert_eq!(store.claim_pending(run, "sixth", None, 10, LONG).await.unwrap().len(), 2, "its own are not lost to it");
    store.hold(run, "sixth", Duration::ZERO).await.unwrap();

    assert_eq!(store.repeated(run).await.unwrap(), 0);
    let twice = store.begin(&new("twice", "5")).await.unwrap();
    store.add(twice, 0, &[tasks(3), tasks(2)].concat()).await.unwrap();
    assert_eq!(store.repeated(twice).await.unwrap(), 2);

    // What somebody puts into a run is posted once it is agreed to, and none of it is before.
    let fewer = store.agree(twice, 6).await.unwrap_err();
    assert!(matches!(fewer, StoreError::Filled { found: 5, tasks: 6, .. }), "{fewer}");
    assert!(store.claim(twice, "poster", 1, LONG).await.unwrap().is_empty() && !store.waits(twice).await.unwrap());
    store.agree(twice, 3).await.unwrap();
    store.agree(twice, 1).await.unwrap();
    let status = store.status(twice).await.unwrap();
    assert_eq!((status.agreed, status.not_agreed(), status.to_post()), (3, 2, 3), "what was agreed to stays so");
    let held = store.claim(twice, "poster", 10, LONG).await.unwrap();
    assert_eq!(held.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(store.waits(twice).await.unwrap(), "they are held, not posted");
    store.add(twice, 6, &tasks(1)).await.unwrap();
    assert!(
        matches!(store.agree(twice, 7).await, Err(StoreError::Filled { found: 6, tasks: 7, .. })),
        "one is missing"
    );
    store.add(twice, 5, &tasks(1)).await.unwrap();
    store.agree(twice, 7).await.unwrap();
    assert_eq!(store.claim(twice, "poster", 10, LONG).await.unwrap().len(), 4);

    // Another account has none of them.
    assert!(matches!(other_account.status(run).await, Err(StoreError::NoRun(missing)) if missing == run));
    let refused = [
        other_account.add(run, 5, &tasks(1)).await,
        other_account.agree(run, 5).await,
        other_account.cancel(run).await,
        other_account.amend(run, None, Some(LONG)).await,
        store.cancel(RunId(1_000_000)).await,
    ];
    for (number, refused) in refused.into_iter().enumerate() {
        assert!(matches!(refused, Err(StoreError::NoRun(_))), "{number}: {refused:?}");
    }
    assert_eq!(store.status(run).await.unwrap().tasks, 5);
}
