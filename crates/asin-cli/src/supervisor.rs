//! The person in front of the terminal: sees what happens, and is asked before it pays or writes.

use crate::failure::say;
use crate::progress::Progress;
use crate::table::{Column, Content, Place, render};
use asin_facade::sync::{Change, Event, Spending, Supervisor};
use async_trait::async_trait;
use std::io::{self, BufRead, IsTerminal, Write};

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
}

/// Shows progress on standard error, and asks there.
#[derive(Debug)]
pub struct Terminal {
    consent: Consent,
    progress: Progress,
}

impl Terminal {
    /// A terminal with this much consent.
    pub fn new(consent: Consent, progress: Progress) -> Self {
        Self { consent, progress }
    }

    async fn agrees(&self, subject: String, question: &'static str) -> bool {
        match self.consent {
            Consent::Given => true,
            Consent::Withheld => false,
            Consent::Asked => {
                let progress = self.progress.clone();
                let asked = tokio::task::spawn_blocking(move || {
                    progress.aside(|| {
                        say(&subject);
                        ask(question, &mut io::stdin().lock(), &mut io::stderr().lock())
                    })
                });
                // A question that broke off was not answered with yes.
                asked.await.is_ok_and(|answer| answer.unwrap_or(false))
            }
        }
    }
}

#[async_trait]
impl Supervisor for Terminal {
    fn event(&self, event: Event) {
        self.progress.show(&event);
    }

    async fn may_pay(&self, spending: &Spending) -> bool {
        self.agrees(bill(spending), "Pay for them?").await
    }

    async fn may_enrol(&self, products: usize) -> bool {
        self.agrees(format!("MultiCart: {products} products are not watched yet."), "Enrol them?").await
    }

    async fn may_write(&self, changes: &[Change]) -> bool {
        self.agrees(list(changes), "Send these changes to Amazon?").await
    }
}

fn bill(spending: &Spending) -> String {
    let Spending { asin_tasks, sellers_tasks, usd } = spending;
    format!("DataForSEO: {asin_tasks} tasks for variants, {sellers_tasks} for offers; together at most {usd} USD.")
}

fn list(changes: &[Change]) -> String {
    let columns = ["line", "account", "sku", "store", "price", "quantity", "handling days"]
        .map(|title| Column(title, Content::Word));
    let mut changes: Vec<&Change> = changes.iter().collect();
    changes.sort_by_key(|change| change.line);
    let rows = changes.into_iter().map(|change| {
        let price = change.price.as_ref().map_or_else(String::new, |(old, new)| from_to(old.as_ref(), new));
        let quantity = change.quantity.as_ref().map_or_else(String::new, |(old, new)| from_to(old.as_ref(), new));
        let handling = change.handling.as_ref().map_or_else(String::new, |(old, new)| from_to(old.as_ref(), new));
        let (account, sku) = (change.account.clone(), change.sku.clone());
        vec![change.line.to_string(), account, sku, change.marketplace.to_owned(), price, quantity, handling]
    });
    render(Place::Error, &columns, rows)
}

fn from_to<T: std::fmt::Display>(old: Option<&T>, new: &T) -> String {
    match old {
        Some(old) => format!("{old} → {new}"),
        None => format!("→ {new}"),
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
