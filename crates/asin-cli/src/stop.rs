//! Ctrl-C: ends a command where it can be gone on from, and says how.

use crate::failure::{Ended, Failure};

/// Does the work until it is done or somebody presses Ctrl-C; `go_on` then finds out what is left, and how to go on.
pub async fn stoppable(work: impl Future<Output = Ended>, go_on: impl Future<Output = String>) -> Ended {
    match unless_stopped(work).await? {
        Some(code) => Ok(code),
        None => Err(broken_off(&go_on.await)),
    }
}

/// Does the work until it is done; `None` when somebody has pressed Ctrl-C before.
pub async fn unless_stopped<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<Option<T>, Failure> {
    tokio::select! {
        done = work => done.map(Some),
        stopped = tokio::signal::ctrl_c() => stopped.map(|()| None).map_err(Failure::work),
    }
}

/// What a stopped command ends with.
pub fn broken_off(go_on: &str) -> Failure {
    Failure::work(format!("stopped; what was under way may have been done: {go_on}"))
}
