//! What ends a command before its work is done, and how text reaches the outside.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Why a command stopped: the text for standard error and the exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The arguments, the environment or a file are wrong; nothing was done. Exit code 2.
    pub fn usage(message: impl ToString) -> Self {
        Self { code: 2, message: message.to_string() }
    }

    /// The work itself failed. Exit code 1.
    pub fn work(message: impl ToString) -> Self {
        Self { code: 1, message: message.to_string() }
    }

    /// Says why on standard error.
    pub fn report(self) -> ExitCode {
        let lines: Vec<String> = self.message.split('\n').map(crate::table::visible).collect();
        say(&format!("asin: {}", lines.join("\n")));
        ExitCode::from(self.code)
    }
}

/// What a command ends with.
pub type Ended = Result<ExitCode, Failure>;

/// Writes a line to standard output; a reader that has left (`asin operations | head`) is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::work(format!("standard output: {error}"))),
        _ => Ok(()),
    }
}

/// Writes a line to standard error; if nobody can read it, there is nobody to tell.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
