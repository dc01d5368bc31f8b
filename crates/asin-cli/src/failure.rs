//! What ends a command before its work is done, and how text reaches the outside.

use crate::table::visible;
use asin_facade::core_http::{Error, ErrorKind};
use std::fmt::Write as _;
#[cfg(unix)]
use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit codes, one for each class of reaction; in the guide (`docs/src/errors.md`) too.
pub const EXIT_CODES: &str = "\
Exit codes:
  0 done
  1 not all of it could be done, its state is unknown, or it was stopped
  2 wrong arguments or input, or no consent; nothing was sent
  3 a credential is missing or refused
  4 refused by a limit of calls
  5 not enough funds or credits";

const PARTIAL: u8 = 1;
const USAGE: u8 = 2;
const AUTH: u8 = 3;
const RATE: u8 = 4;
const FUNDS: u8 = 5;

/// Why a command stopped: the text for standard error and the exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
    /// Whether what was tried may have been applied.
    open: bool,
    /// What the reader can do about it.
    next: Option<String>,
}

impl Failure {
    /// The arguments, the environment or a file are wrong; nothing was done. Exit code 2.
    pub fn usage(message: impl ToString) -> Self {
        Self::of(USAGE, message)
    }

    /// A credential is missing; nothing was done. Exit code 3.
    pub fn auth(message: impl ToString) -> Self {
        Self::of(AUTH, message)
    }

    /// The work itself failed. Exit code 1.
    pub fn work(message: impl ToString) -> Self {
        Self::of(PARTIAL, message)
    }

    /// Calls were refused by a limit. Exit code 4.
    pub fn limits(message: impl ToString) -> Self {
        Self::of(RATE, message)
    }

    /// There is not enough money or budget. Exit code 5.
    pub fn funds(message: impl ToString) -> Self {
        Self::of(FUNDS, message)
    }

    fn of(code: u8, message: impl ToString) -> Self {
        Self { code, message: message.to_string(), open: false, next: None }
    }

    /// What the reader can do about it, where that is known better here.
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// The same, where nothing better is known.
    pub fn or_next(self, next: &str) -> Self {
        if self.next.is_none() { self.next(next) } else { self }
    }

    /// The same, where it may have been applied: how that is found out.
    pub fn look(self, how: impl Into<String>) -> Self {
        if self.open { self.next(how) } else { self }
    }

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    /// The text.
    pub fn message(&self) -> String {
        let next = self.next.as_ref().map_or_else(String::new, |next| format!("\n  next: {next}"));
        format!("{}{next}", self.message)
    }

    /// The same, with what it was about in front.
    pub fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Says why on standard error.
    pub fn report(self) -> ExitCode {
        let lines: Vec<String> = self.message().split('\n').map(visible).collect();
        say(&format!("asin: {}", lines.join("\n")));
        self.code()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Failure {
    /// What was tried, what the vendor said, what was or may have been applied, what to do next.
    fn from(error: &Error) -> Self {
        use ErrorKind::{Auth, Busy, Funds, Request, Throttled};
        let code = match error.kind() {
            Request => USAGE,
            Auth => AUTH,
            Throttled | Busy => RATE,
            Funds => FUNDS,
            _ => PARTIAL,
        };
        Self { code, message: told(error), open: error.may_have_been_applied(), next: Some(next(error)) }
    }
}

fn told(error: &Error) -> String {
    let mut text = match error.operation() {
        "" => error.kind().to_string(),
        operation => format!("{operation}: {}", error.kind()),
    };
    if error.attempts() > 1 {
        let _ = write!(text, " after {} attempts", error.attempts());
    }
    match error.fault() {
        Some(fault) => {
            let status = fault.status.filter(|status| !status.is_success());
            let status = status.map_or_else(String::new, |status| format!("HTTP {} ", status.as_u16()));
            let code = if fault.code.is_empty() { String::new() } else { format!("{}: ", fault.code) };
            let _ = write!(text, "\n  the vendor said: {status}{code}{}", visible(&fault.message));
        }
        None => {
            let cause = std::iter::successors(std::error::Error::source(error), |cause| cause.source()).last();
            let _ = cause.map(|cause| write!(text, ": {}", visible(&cause.to_string())));
        }
    }
    if let Some(id) = error.request_id() {
        let _ = write!(text, " (request {})", visible(id));
    }
    let applied = match (error.may_have_been_applied(), error.attempts()) {
        (true, _) => "not known: the vendor may have acted on it",
        (false, 0) if error.fault().is_none() => "nothing: it was not sent",
        (false, _) => "nothing",
    };
    let _ = write!(text, "\n  applied: {applied}");
    text
}

/// What the reader can do about it.
fn next(error: &Error) -> String {
    use ErrorKind::*;
    if let Some(advice) = error.fault().and_then(|fault| fault.advice.as_ref()) {
        return visible(advice);
    }
    let words = match error.kind() {
        _ if error.may_have_been_applied() => "find out what became of it before it is sent again",
        Request | Rejected => "mend the arguments",
        Auth => "mend the credentials; `asin doctor` tells which (with the same --profile)",
        Throttled | Busy => {
            let wait =
                error.retry_after().map_or_else(|| "a little".to_owned(), |wait| format!("{} s", wait.as_secs()));
            return format!("wait {wait}, then run it again");
        }
        Funds => "pay in or raise the limit; `asin balance` and `asin credits` tell what there is",
        NotFound => "check what it was asked for",
        Decode => "the answer is not as we know it; `asin inspect` tells where",
        _ => "run it again; `asin doctor` tells whether the vendor can be reached",
    };
    words.to_owned()
}

/// What many things have come to.
#[derive(Debug, Default)]
pub struct Tally {
    done: usize,
    failed: Option<u8>,
}

impl Tally {
    /// One was done.
    pub fn did(&mut self) {
        self.done += 1;
    }

    /// One was done, or not, as its row says.
    pub fn mark(&mut self, well: bool) {
        if well {
            self.did();
        } else {
            self.failed.get_or_insert(PARTIAL);
        }
    }

    /// So many are still open.
    pub fn left(&mut self, count: usize) {
        if count > 0 {
            self.failed.get_or_insert(PARTIAL);
        }
    }

    /// One failed: says why.
    pub fn fail(&mut self, what: &str, error: &Error) {
        self.tell(what, Failure::from(error));
    }

    /// One failed, as its row says: only the first is told in full.
    pub fn fail_row(&mut self, what: &str, error: &Error) {
        if self.failed.is_none() {
            self.fail(what, error);
        }
    }

    /// One may have been applied although it failed: says why, and how that is found out.
    pub fn doubt(&mut self, what: &str, error: &Error, look: &str) {
        self.tell(what, Failure::from(error).look(look));
    }

    /// One is not done, for this reason.
    pub fn refuse(&mut self, what: &str, why: &str) {
        self.tell(what, Failure::work(why));
    }

    /// One is not done because it would cost too much.
    pub fn unpaid(&mut self, what: &str, why: impl ToString) {
        self.tell(what, Failure::funds(why));
    }

    /// The value, or a failure that is told.
    pub fn note<T>(&mut self, what: &str, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.fail(what, &error)).ok()
    }

    fn tell(&mut self, what: &str, failure: Failure) {
        self.failed.get_or_insert(failure.code);
        failure.about(what).report();
    }

    /// The exit code: the class of the first failure if nothing was done, 1 if only some of it was.
    pub fn end(self) -> ExitCode {
        match (self.done, self.failed) {
            (_, None) => ExitCode::SUCCESS,
            (0, Some(code)) => ExitCode::from(code),
            (_, Some(_)) => ExitCode::from(PARTIAL),
        }
    }
}

/// What a command ends with.
pub type Ended = Result<ExitCode, Failure>;

/// Writes a line to standard output; a reader that has left (`asin operations | head`) is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    match write(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritten(&error)),
        _ => Ok(()),
    }
}

/// Writes a line of what was paid for: a reader that has left has not got it.
pub fn deliver(text: &str) -> Result<(), Failure> {
    write(text).map_err(|error| unwritten(&error))
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

/// Sees standard output onto the disk, where it is a file: before anybody is told that what was paid for was delivered.
#[cfg(unix)]
pub fn on_disk() -> Result<(), Failure> {
    use std::os::fd::AsFd;
    let out = io::stdout().as_fd().try_clone_to_owned();
    out.and_then(|out| synced(&File::from(out))).map_err(|error| unwritten(&error))
}

#[cfg(not(unix))]
pub fn on_disk() -> Result<(), Failure> {
    Ok(())
}

/// A terminal or a pipe has no disk.
#[cfg(unix)]
fn synced(out: &File) -> io::Result<()> {
    if out.metadata()?.is_file() { out.sync_all() } else { Ok(()) }
}

fn unwritten(error: &io::Error) -> Failure {
    Failure::work(format!("standard output: {error}"))
}

/// Writes a line to standard error; if nobody can read it, there is nobody to tell.
pub fn say(text: &str) {
    crate::progress::aside(|| {
        let _ = writeln!(io::stderr().lock(), "{text}");
    });
}
