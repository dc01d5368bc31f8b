//! The ledger in PostgreSQL.

use crate::server::Server;
use asin_runs::{Postgres, Runs, StoreError};
use async_trait::async_trait;
use dataforseo_merchant::{
    Ledger, State,
    testing::{Store, check_ledger, entry},
};
use futures_util::future::join_all;
use sqlx::Connection as _;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

const URL: &str = "https://api.dataforseo.com";

struct Database(String);

#[async_trait]
impl Store for Database {
    async fn open(&self) -> Arc<dyn Ledger> {
        Arc::new(Postgres::connect(&self.0, 4).await.unwrap().ledger(URL, "login").await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_in_postgresql_conforms() {
    let Some(server) = Server::start() else { return };
    check_ledger(&Database(server.url())).await;
}

/// As if they were processes: each with connections of its own, all starting at once on an empty database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k4_of_several_processes_one_has_each_task_and_one_learns_its_outcome() {
    let Some(server) = Server::start() else { return };
    let url = server.url();
    let opened = join_all((0..4).map(|_| Postgres::connect(&url, 2))).await;
    let mut ledgers = Vec::new();
    for store in opened {
        ledgers.push(store.unwrap().ledger(URL, "login").await.unwrap());
    }
    let batch: Vec<_> = (0..100).map(|number| entry(&number.to_string())).collect();
    // Each in another order: nobody waits for somebody who waits for it.
    let orders = (0..4).map(|turn| {
        let mut batch = batch.clone();
        batch.rotate_left(turn * 25);
        batch
    });
    let took =
        join_all(ledgers.iter().zip(orders).map(|(ledger, batch)| async move { ledger.intend(&batch).await })).await;
    assert_eq!(took.iter().filter(|took| took.is_ok()).count(), 1, "{took:?}");
    let changes: Vec<_> = batch.iter().map(|entry| (entry.tag.clone(), State::Absent)).collect();
    let learnt = join_all(ledgers.iter().enumerate().map(|(turn, ledger)| {
        let mut changes = changes.clone();
        changes.rotate_left(turn * 25);
        async move { ledger.record(&changes).await.unwrap().len() }
    }))
    .await;
    assert_eq!(learnt.iter().sum::<usize>(), 100, "each outcome is news once: {learnt:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_is_an_error_and_what_it_confirmed_is_there_again() {
    let Some(server) = Server::start() else { return };
    let store = Postgres::connect(&server.url(), 2).await.unwrap();
    let ledger = store.ledger(URL, "login").await.unwrap();
    let (before, after) = (entry("before"), entry("after"));
    ledger.intend(std::slice::from_ref(&before)).await.unwrap();
    server.stop();
    assert!(ledger.intend(std::slice::from_ref(&after)).await.is_err(), "nothing is sent");
    server.go();
    assert_eq!(ledger.entry(&before.tag).await.unwrap(), Some(before));
    assert_eq!(ledger.entry(&after.tag).await.unwrap(), None);
    ledger.intend(&[after]).await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_none_is_an_error_without_the_password() {
    let refused = Postgres::connect("postgres://user:hunter2@127.0.0.1:1/database", 1).await.unwrap_err();
    assert!(matches!(refused, StoreError::Database { .. }));
    assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{refused:?}");
}

/// Four workers on connections of their own, two of which are stopped on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_workers_share_a_run_and_each_task_is_paid_for_once() {
    let Some(server) = Server::start() else { return };
    let sandbox = crate::runs::sandbox(9).await;
    let client = crate::runs::client(sandbox.demo().dataforseo);
    let mut stores = Vec::new();
    for _ in 0..4 {
        let store = Postgres::connect(&server.url(), 3).await.unwrap();
        stores.push(store.ledger(&client.base(), "login").await.unwrap());
    }
    let run = stores[0].begin(&crate::runs::new("shared", "5")).await.unwrap();
    for (batch, first) in crate::runs::tasks(1000).chunks(400).zip((0..).step_by(400)) {
        stores[0].add(run, first, batch).await.unwrap();
    }
    stores[0].agree(run, 1000).await.unwrap();
    let work = stores.iter().enumerate().map(|(number, store)| {
        let worker = crate::runs::worker(&client, store.clone(), run);
        // Those that stay hold what they have, however slow this machine is.
        let worker = if number < 2 { worker } else { worker.lease(Duration::from_secs(60)) };
        async move {
            let patience = if number < 2 { Duration::from_millis(150) } else { crate::runs::PATIENCE };
            timeout(patience, worker.work(crate::runs::PATIENCE)).await
        }
    });
    let ended = join_all(work).await;
    let status = stores[0].status(run).await.unwrap();
    assert!(status.is_done(), "{status:?}: {ended:?}");
    crate::runs::check(&sandbox, &stores[0], run, 1000).await;
    // Results that came and were stored are not fetched by another one too, but for what the stopped ones held.
    let ledger = sandbox.ledger();
    let fetched = |entry: &&asin_sandbox::Entry| entry.path.contains("/task_get/") && entry.code == Some(20000);
    let fetched = ledger.requests.iter().filter(fetched).count();
    assert!((1000..=1000 + 2 * 32).contains(&fetched), "{fetched} results were fetched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_postgresql_nobody_waits_for_a_result_that_another_one_waits_for() {
    let Some(server) = Server::start() else { return };
    let missing = Postgres::look(&server.url(), 1).await.unwrap_err();
    assert!(matches!(missing, StoreError::Older(_)), "{missing}");
    let store = Postgres::connect(&server.url(), 3).await.unwrap();
    let ledger = store.ledger(URL, "login").await.unwrap();
    crate::holding::check(&ledger, &store.ledger(URL, "other").await.unwrap()).await;

    // Who only looks sees it, and writes nothing.
    let look = Postgres::look(&server.url(), 2).await.unwrap();
    let seen = look.ledger(URL, "login").await.unwrap();
    let runs = seen.runs().await.unwrap();
    assert_eq!(runs, ledger.runs().await.unwrap());
    assert_eq!(seen.status(runs[0].0).await.unwrap(), ledger.status(runs[0].0).await.unwrap());
    assert!(seen.cancel(runs[0].0).await.unwrap_err().to_string().contains("read-only"));
    assert!(look.ledger(URL, "nobody").await.unwrap().runs().await.unwrap().is_empty());
    let admin = sqlx::PgPool::connect(&server.url()).await.unwrap();
    // A schema that an earlier version made is only looked at by who brings it to the present one.
    let back = "UPDATE asin_runs_version SET version = 2; DROP FUNCTION asin_reserve; \
                ALTER TABLE runs ADD COLUMN sealed BOOLEAN NOT NULL DEFAULT false; \
                UPDATE runs SET sealed = agreed > 0; ALTER TABLE runs DROP COLUMN agreed";
    let (run, agreed) = (runs[0].0, ledger.status(runs[0].0).await.unwrap().agreed);
    sqlx::raw_sql(back).execute(&admin).await.unwrap();
    let older = Postgres::look(&server.url(), 1).await.unwrap_err();
    assert!(matches!(older, StoreError::Older(_)), "{older}");
    Postgres::connect(&server.url(), 1).await.unwrap();
    let made: bool =
        sqlx::query_scalar("SELECT to_regproc('asin_reserve') IS NOT NULL").fetch_one(&admin).await.unwrap();
    assert!(made, "a function that has changed is made anew");
    assert_eq!(ledger.status(run).await.unwrap().agreed, agreed, "what was agreed to stays so");
    assert!(agreed > 0);
    sqlx::raw_sql(crate::refused::EMPTY).execute(&admin).await.unwrap();
    crate::refused::check(&ledger, run).await;
    sqlx::query("UPDATE asin_runs_version SET version = 1000").execute(&admin).await.unwrap();
    let newer = Postgres::look(&server.url(), 1).await.unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found: 1000, .. }), "{newer}");
}

/// PostgreSQL has not heard of the run yet and expects no row of it: a plan that is good for none goes through all of them for
/// each row of a batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_run_beside_a_large_one_reads_little_more_than_what_it_takes() {
    let Some(server) = Server::start() else { return };
    let mut admin = sqlx::PgConnection::connect(&server.url()).await.unwrap();
    let store = Postgres::connect(&server.url(), 2).await.unwrap();
    let ledger = store.ledger(URL, "login").await.unwrap();
    for (name, statement) in [("large", "ANALYZE"), ("new", "SELECT 1")] {
        let run = ledger.begin(&crate::runs::new(name, "50")).await.unwrap();
        ledger.add(run, 0, &crate::runs::tasks(4000)).await.unwrap();
        ledger.agree(run, 4000).await.unwrap();
        for _ in 0..5 {
            let claimed = ledger.claim(run, "me", 100, Duration::from_secs(60)).await.unwrap();
            assert_eq!(claimed.len(), 100);
            let intents: Vec<_> = claimed.iter().map(|(number, _)| entry(&format!("{run}/{number}"))).collect();
            ledger.working(run, "me").intend(&intents).await.unwrap();
            let made = |entry: &dataforseo_merchant::Entry| (entry.tag.clone(), crate::holding::made(0));
            ledger.record(&Vec::from_iter(intents.iter().map(made))).await.unwrap();
            assert_eq!(ledger.claim_pending(run, "me", None, 100, Duration::from_secs(60)).await.unwrap().len(), 100);
        }
        sqlx::raw_sql(statement).execute(&mut admin).await.unwrap();
    }
    // What a connection has read is told when it ends.
    let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut admin).await.unwrap() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let read = "SELECT CAST(sum(seq_tup_read + idx_tup_fetch) AS BIGINT) FROM pg_stat_user_tables \
                WHERE relname IN ('items', 'entries')";
    let read: i64 = sqlx::query_scalar(read).fetch_one(&mut admin).await.unwrap();
    assert!((1000..200_000).contains(&read), "{read} rows were read");
}

/// Row K5: what a worker held for too long is another's, and the late one may not send.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k5_a_task_that_was_given_to_another_is_not_sent_by_the_late_one() {
    let Some(server) = Server::start() else { return };
    let ledger = Postgres::connect(&server.url(), 3).await.unwrap().ledger(URL, "login").await.unwrap();
    let run = ledger.begin(&crate::runs::new("fence", "5")).await.unwrap();
    ledger.add(run, 0, &crate::runs::tasks(2)).await.unwrap();
    ledger.agree(run, 2).await.unwrap();
    let claimed = ledger.claim(run, "late", 1, Duration::ZERO).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let again = ledger.claim(run, "other", 2, Duration::from_secs(60)).await.unwrap();
    assert_eq!(again.len(), 2, "nobody holds the first any more");
    assert!(ledger.claim(run, "third", 2, Duration::from_secs(60)).await.unwrap().is_empty());
    let intent = |number: i64| dataforseo_merchant::testing::entry(&format!("{run}/{number}"));
    let late = ledger.working(run, "late").intend(&[intent(0)]).await.unwrap_err();
    assert!(late.to_string().contains("given to another worker"), "{late}");
    ledger.working(run, "other").intend(&[intent(0), intent(1)]).await.unwrap();
    assert!(ledger.working(run, "other").intend(&[intent(0)]).await.is_err(), "it is bound to its intent");
    let status = ledger.status(run).await.unwrap();
    assert_eq!((status.pending, status.unknown, status.waiting, status.held), (2, 2, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_that_the_guide_grants_is_enough_for_a_worker() {
    let Some(server) = Server::start() else { return };
    drop(Postgres::connect(&server.url(), 1).await.unwrap());
    let guide = include_str!("../../../../docs/src/machines.md");
    let grants = guide.split("```sql\n").nth(2).unwrap().split("```").next().unwrap();
    assert!(grants.contains("CREATE ROLE asin_worker"), "{grants}");
    let admin = sqlx::PgPool::connect(&server.url()).await.unwrap();
    sqlx::raw_sql(grants).execute(&admin).await.unwrap();
    let url = server.url().replace("postgres@", "asin_worker@");
    let sandbox = crate::runs::sandbox(9).await;
    let client = crate::runs::client(sandbox.demo().dataforseo);
    let store = Postgres::connect(&url, 4).await.unwrap();
    let limits = store.limits(2);
    let (caller, limit) = (
        core_http::Caller::new("a", "b"),
        core_http::Limit::account("calls", core_http::Quota { per_second: 9.0, burst: 5 }),
    );
    let limit = limit.in_flight(2);
    let soon = tokio::time::Instant::now() + Duration::from_secs(10);
    drop(core_http::RateLimit::acquire(&limits, &caller, &[limit], soon).await.unwrap());
    let ledger = store.ledger(&client.base(), "login").await.unwrap();
    let run = ledger.begin(&crate::runs::new("granted", "5")).await.unwrap();
    ledger.add(run, 0, &crate::runs::tasks(120)).await.unwrap();
    ledger.agree(run, 120).await.unwrap();
    let status = crate::runs::worker(&client, ledger.clone(), run).work(crate::runs::PATIENCE).await.unwrap();
    assert!(status.is_done(), "{status:?}");
    ledger.amend(run, Some("9".parse().unwrap()), None).await.unwrap();
    ledger.cancel(run).await.unwrap();
    crate::runs::check(&sandbox, &ledger, run, 120).await;
    let counted: i64 = sqlx::query_scalar("SELECT count(*) FROM limits").fetch_one(&admin).await.unwrap();
    assert_eq!(counted, 1, "the limits were kept in the database too");
}
