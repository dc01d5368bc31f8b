//! Ctrl-C, and SIGTERM on Unix: ends a command where it can be gone on from, and says how.
//!
//! Of all who would take a stop the innermost does: a command's own words go before those that hold for every command.
//! A second signal ends the process at once. Until a command goes to the network, signals do what they do by default.

use crate::failure::{Ended, Failure, say};
use std::future::poll_fn;
use std::io;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use tokio::sync::watch;

/// How many, one within the other, would take a stop.
static TAKERS: AtomicUsize = AtomicUsize::new(0);

/// Whether a signal has come.
static SIGNAL: LazyLock<Result<watch::Receiver<bool>, String>> = LazyLock::new(|| {
    let mut signals = Signals::new().map_err(|error| error.to_string())?;
    let (come, signal) = watch::channel(false);
    tokio::spawn(async move {
        signals.next().await;
        come.send_replace(true);
        signals.next().await;
        say("asin: ended at once; what was under way may have been done");
        std::process::exit(1)
    });
    Ok(signal)
});

/// From now on a signal is a stop. Called before anything is sent, and after standard input was read: a read that waits for
/// a person hears no stop.
pub fn listen() -> Result<(), Failure> {
    SIGNAL.as_ref().map(drop).map_err(Failure::work)
}

/// Does the work until it is done or somebody stops it; `go_on` then finds out what is left, and how to go on.
pub async fn stoppable(work: impl Future<Output = Ended>, go_on: impl Future<Output = String>) -> Ended {
    match unless_stopped(work).await? {
        Some(code) => Ok(code),
        None => Err(broken_off(&go_on.await)),
    }
}

/// Does the work until it is done; `None` when somebody has stopped it before.
pub async fn unless_stopped<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<Option<T>, Failure> {
    let depth = TAKERS.fetch_add(1, Ordering::Relaxed) + 1;
    tokio::select! {
        biased;
        done = work => {
            TAKERS.fetch_sub(1, Ordering::Relaxed);
            done.map(Some)
        }
        stopped = stopped(depth) => stopped.map(|()| None),
    }
}

/// Ends when a signal has come and nobody further in would take it. Who has taken it stays the innermost.
async fn stopped(depth: usize) -> Result<(), Failure> {
    let mut signal = SIGNAL.clone().map_err(Failure::work)?;
    let _gone = signal.wait_for(|come| *come).await;
    // Looked at again whenever the work moves.
    poll_fn(|_| if TAKERS.load(Ordering::Relaxed) == depth { Poll::Ready(()) } else { Poll::Pending }).await;
    Ok(())
}

/// What a stopped command ends with.
pub fn broken_off(go_on: &str) -> Failure {
    Failure::work(format!("stopped; what was under way may have been done: {go_on}"))
}

/// What a command ends with that was stopped where nothing of it can cost or change anything.
pub fn left_off() -> Failure {
    Failure::work("stopped: nothing was sent that costs or changes anything; the same command begins again")
}

#[cfg(unix)]
struct Signals(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
