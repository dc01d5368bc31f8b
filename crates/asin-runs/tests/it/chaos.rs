//! Several workers' processes on one PostgreSQL, all of which come to harm, and then the vendor's bill is asked.

use crate::{
    crash::{end, filled, open, right, seeds, worker},
    server::Server,
};
use std::{process::Command, time::Duration};
use tokio::time::sleep;

const COUNT: u32 = 400;

fn signal(name: &str, id: u32) {
    // One that has ended by itself cannot be signalled, and need not be.
    let _ended = Command::new("kill").args([name, &id.to_string()]).output().unwrap();
}

/// Rows K1, K5 and K10 at once: workers are killed, one is stopped (SIGSTOP) for longer than it holds its batch, so that
/// another is given it, and wakes up; the database is killed (`pg_ctl stop -m immediate`) and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k10_workers_and_their_database_are_killed_and_each_task_is_paid_for_once() {
    let Some(server) = Server::start() else { return };
    let url = server.url();
    // Each takes as long as ten of those that are in a file.
    let seeds = seeds(20);
    for seed in seeds.start..seeds.start + (seeds.end - seeds.start).div_ceil(10) {
        let mut random = fastrand::Rng::with_seed(seed);
        let (sandbox, run) = filled(&url, seed, &format!("chaos {seed}"), COUNT).await;
        let demo = sandbox.demo();
        let mut workers: Vec<_> = (0..3).map(|_| worker(&url, run, &demo).spawn().unwrap()).collect();
        sleep(Duration::from_millis(random.u64(100..500))).await;
        signal("-STOP", workers[0].id());
        for turn in 0..6 {
            sleep(Duration::from_millis(random.u64(50..600))).await;
            let one = random.usize(1..workers.len());
            if turn % 3 == 2 {
                server.stop();
                sleep(Duration::from_millis(random.u64(0..300))).await;
                server.go();
            } else {
                workers[one].kill().unwrap();
            }
            // One that was killed, or whose database was gone.
            if workers[one].try_wait().unwrap().is_some() || turn % 3 != 2 {
                workers[one].wait().unwrap();
                workers[one] = worker(&url, run, &demo).spawn().unwrap();
            }
        }
        // It has slept for longer than the two seconds for which it held its batch.
        sleep(Duration::from_secs(2)).await;
        signal("-CONT", workers[0].id());
        // Those whose database was gone have ended with an error; what they left the next ones find.
        for child in workers {
            end(child).await;
        }
        let ended = end(worker(&url, run, &demo).spawn().unwrap()).await;
        assert!(ended.success(), "seed {seed}: {ended}, {:?}", open(&url, &demo).await.status(run).await);
        right(&sandbox, &url, run, COUNT, seed).await;
    }
}
