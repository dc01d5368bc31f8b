//! Ctrl-C: ends a command where it can be gone on from, and says how.

use crate::failure::{Ended, Failure};

/// Does the work until it is done or somebody presses Ctrl-C; `go_on` then finds out what is left, and how to go on.
pub async fn stoppable(work: impl Future<Output = Ended>, go_on: impl Future<Output = String>) -> Ended {
    tokio::select! {
        ended = work => ended,
        stopped = tokio::signal::ctrl_c() => {
            stopped.map_err(Failure::work)?;
            Err(Failure::work(format!("stopped; what was under way may have been done: {}", go_on.await)))
        }
    }
}
