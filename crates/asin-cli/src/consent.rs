//! Leave to pay or to change something: given beforehand, asked for, or withheld.

use crate::failure::{Failure, say};
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;

/// Who says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// `--yes` did, for everything.
    Given,
    /// A person is asked each time.
    Asked,
    /// Nobody is there to be asked.
    Withheld,
}

impl Consent {
    /// With `--yes`, on a terminal, or neither.
    pub fn of(yes: bool) -> Self {
        if yes {
            Self::Given
        } else if io::stdin().is_terminal() && io::stderr().is_terminal() {
            Self::Asked
        } else {
            Self::Withheld
        }
    }

    /// Says what is about to happen, and asks if somebody must be asked; `aside` does so while nothing else is drawn.
    pub async fn agrees(
        self,
        subject: String,
        question: &'static str,
        aside: impl FnOnce(&mut dyn FnMut()) + Send + 'static,
    ) -> bool {
        match self {
            Self::Given => true,
            Self::Withheld => false,
            Self::Asked => {
                let asked = tokio::task::spawn_blocking(move || {
                    let mut answer = false;
                    aside(&mut || {
                        say(&subject);
                        // A question that broke off was not answered with yes.
                        answer = ask(question, &mut io::stdin().lock(), &mut io::stderr().lock()).unwrap_or(false);
                    });
                    answer
                });
                asked.await.unwrap_or(false)
            }
        }
    }
}

/// The flags of a command that costs money or changes something.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Leave {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Do it without asking
    #[arg(short, long)]
    yes: bool,
}

impl Leave {
    /// Whether nothing is to be sent in any case.
    pub fn is_dry_run(self) -> bool {
        self.dry_run
    }

    /// Says what would be done, and whether it may be: `Ok(Some)` ends the command here.
    pub async fn refused(self, subject: String, question: &'static str) -> Result<Option<ExitCode>, Failure> {
        let consent = Consent::of(self.yes);
        if self.dry_run || consent != Consent::Asked {
            say(&subject);
        }
        if self.dry_run {
            say("asin: --dry-run: nothing was sent");
            return Ok(Some(ExitCode::SUCCESS));
        }
        if consent == Consent::Withheld {
            return Err(Failure::usage("not on a terminal and without --yes: nothing was sent"));
        }
        if consent.agrees(subject, question, |ask| ask()).await {
            return Ok(None);
        }
        Err(Failure::usage("no: nothing was sent"))
    }
}

/// Only `y` and `yes` are a yes; the end of the input is a no.
fn ask(question: &str, answers: &mut impl BufRead, out: &mut impl Write) -> io::Result<bool> {
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        let mut out = Vec::new();
        let mut answer = |text: &str| ask("Pay?", &mut text.as_bytes(), &mut out).unwrap();
        assert!(answer("y\n") && answer("Yes\r\n") && answer(" YES "));
        assert!(!answer("\n") && !answer("") && !answer("n\n") && !answer("yep\n"));
        assert!(String::from_utf8(out).unwrap().starts_with("Pay? [y/N] "));
    }
}
