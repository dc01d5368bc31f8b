//! Writes: previewed, shown, and sent once after consent; `asin listing put` and `patch`.

use super::Where;
use super::body::{PATCH, PUT, body};
use super::read::read;
use crate::consent::Leave;
use crate::failure::{Ended, Failure, Tally, say};
use crate::input::{duration, json};
use crate::output::{Output, Row, from_to, text};
use crate::progress::counting;
use crate::session::Seller;
use crate::stop::stoppable;
use crate::table::{Column, Content, Place, render};
use asin_facade::core_http::{Error, ErrorKind, Once};
use asin_facade::sp_listings::{
    Fate, Issue, Item, PatchListingsItem, Preview, Previewed, PutListingsItem, Settled, Sku, Submission, SubmissionId,
    Validated, preview, submit_and_wait,
};
use asin_facade::{Currency, Marketplace};
use serde::Serialize;
use serde_json::{Map, Value};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::Duration;

/// Creates a listing, or replaces the whole of it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin listing put S-1 -m DE --json @listing.json --dry-run
  asin listing put S-1 -m DE --json '{\"productType\":\"SHOES\",\"attributes\":{…}}' --yes")]
pub struct Put {
    /// The seller's own name for the listing
    sku: Sku,
    /// `productType`, `requirements` and `attributes`: JSON, `-` for standard input, or `@FILE`
    #[arg(long, value_name = "JSON")]
    json: String,
    #[command(flatten)]
    how: How,
}

/// Changes attributes of a listing
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin listing patch S-1 -m DE --json @patch.json --dry-run
  asin listing patch S-1 -m DE --yes --json \\
    '{\"productType\":\"PRODUCT\",\"patches\":[{\"op\":\"replace\",\"path\":\"/attributes/item_name\",\"value\":[{…}]}]}'")]
pub struct Patch {
    /// The seller's own name for the listing
    sku: Sku,
    /// `productType` and `patches`: JSON, `-` for standard input, or `@FILE`
    #[arg(long, value_name = "JSON")]
    json: String,
    #[command(flatten)]
    how: How,
}

/// The flags of a write that Amazon can be asked about before.
#[derive(Debug, clap::Args)]
pub struct How {
    #[command(flatten)]
    leave: Leave,
    /// Look at the listing until it shows the change, at most this long: 90s, 5m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait: Option<Duration>,
    #[command(flatten)]
    pub at: Where,
}

/// A write, and what it changes in words.
pub struct Wish<W> {
    pub sku: Sku,
    pub old: Option<String>,
    pub new: String,
    /// Of what is an amount of money.
    pub currency: Option<Currency>,
    pub write: W,
    /// What it was made from; nothing where its body was given as it goes out.
    pub seen: Option<Seen>,
}

impl<W> Wish<W> {
    /// `old → new`, each with its currency.
    fn change(&self) -> String {
        let told = |value: &String| match self.currency {
            Some(currency) => format!("{value} {currency}"),
            None => value.clone(),
        };
        from_to(self.old.as_ref().map(told).as_ref(), &told(&self.new))
    }
}

/// A part of a listing as it was read: a write that was made from it is not sent once it is another.
pub struct Seen {
    part: fn(&Item) -> Value,
    was: Value,
}

impl Seen {
    /// This part of a listing.
    pub fn of(item: &Item, part: fn(&Item) -> Value) -> Self {
        Self { part, was: part(item) }
    }

    async fn still(&self, seller: &Seller, sku: &Sku, store: Marketplace) -> Result<bool, Error> {
        Ok((self.part)(&read(seller, sku.clone(), store).await?) == self.was)
    }
}

/// What became of a write.
#[derive(Debug, Clone, Serialize)]
pub struct Written {
    pub store: Marketplace,
    pub sku: Sku,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    pub outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<Issue>,
}

impl Row for Written {
    const COLUMNS: &'static [Column] = &[
        Column("sku", Content::Word),
        Column("store", Content::Word),
        Column("old", Content::Prose),
        Column("new", Content::Prose),
        Column("currency", Content::Currency),
        Column("outcome", Content::Word),
        Column("said", Content::Prose),
    ];

    fn cells(&self) -> Vec<String> {
        let issues: Vec<String> = self.issues.iter().map(Issue::to_string).collect();
        vec![
            self.sku.to_string(),
            self.store.to_string(),
            text(self.old.as_ref()),
            text(self.new.as_ref()),
            text(self.currency),
            self.outcome.to_owned(),
            issues.join("; "),
        ]
    }
}

impl Written {
    /// Nothing known yet of a listing.
    pub fn new(store: Marketplace, sku: Sku) -> Self {
        let (old, new, currency, submission_id) = Default::default();
        Self { store, sku, old, new, currency, outcome: "", submission_id, issues: Vec::new() }
    }

    /// What Amazon answered.
    pub fn answered(mut self, submission: &Submission) -> Self {
        self.outcome = match submission {
            Submission::Accepted(_) => "submitted",
            Submission::Valid(_) => "valid",
            Submission::Invalid(_) => "refused",
            _ => "unknown",
        };
        self.submission_id = Some(submission.id().clone());
        self.issues = submission.issues().to_vec();
        self
    }

    fn settled(mut self, settled: Settled) -> Self {
        (self.outcome, self.issues) = match settled {
            Settled::Errors(_, issues) => ("errors", issues),
            _ => ("applied", Vec::new()),
        };
        self
    }

    /// What is known after an error.
    pub fn failed(mut self, error: &Error) -> Self {
        self.outcome = if error.may_have_been_applied() { "unknown" } else { "failed" };
        self
    }

    /// The outcome, with what was said of it.
    fn said(&self) -> String {
        let issues = self.issues.iter().map(Issue::to_string);
        std::iter::once(self.outcome.to_owned()).chain(issues).collect::<Vec<_>>().join("; ")
    }

    /// Whether that is what was wanted.
    pub fn is_well(&self) -> bool {
        matches!(self.outcome, "submitted" | "valid" | "applied" | "unchanged")
    }
}

pub async fn put(arguments: Put) -> Ended {
    let Put { sku, json: given, how } = arguments;
    let given = json(&given)?;
    let body = body(&given, &PUT)?;
    let seller = how.at.selling.seller().await?;
    let store = how.at.marketplace;
    let was = match read(&seller, sku.clone(), store).await {
        Ok(item) => item.attributes.unwrap_or_default(),
        // It is created.
        Err(error) if error.kind() == ErrorKind::NotFound => Map::new(),
        Err(error) => return Err(error.into()),
    };
    let empty = Map::new();
    let is = given["attributes"].as_object().unwrap_or(&empty);
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let differing = names.into_iter().filter(|name| was.get(*name) != is.get(*name));
    let values = differing.map(|name| (name.clone(), was.get(name), shown(is.get(name))));
    let (old, new) = told(values);
    let new = format!("the whole listing: {new}");
    let put = PutListingsItem::new(seller.id.clone(), sku.clone(), [store.listings()], body);
    let wish = Wish { sku, old, new, currency: None, write: Once(put), seen: None };
    send(&seller, vec![wish], Vec::new(), how, Tally::default()).await
}

pub async fn patch(arguments: Patch) -> Ended {
    let Patch { sku, json: given, how } = arguments;
    let given = json(&given)?;
    let body = body(&given, &PATCH)?;
    let seller = how.at.selling.seller().await?;
    let store = how.at.marketplace;
    let was = read(&seller, sku.clone(), store).await?.attributes.unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let values = given["patches"].as_array().into_iter().flatten().map(|patch| {
        let path = word(&patch["path"]);
        let old = was.get(path.trim_start_matches("/attributes/"));
        (path, old, format!("{} {}", word(&patch["op"]), shown(patch.get("value"))))
    });
    let (old, new) = told(values);
    let patch = PatchListingsItem::new(seller.id.clone(), sku.clone(), [store.listings()], body);
    let wish = Wish { sku, old, new, currency: None, write: Once(patch), seen: None };
    send(&seller, vec![wish], Vec::new(), how, Tally::default()).await
}

/// Values by their names, as the listing shows them and as they should be.
fn told<'a>(values: impl Iterator<Item = (String, Option<&'a Value>, String)>) -> (Option<String>, String) {
    let (old, new): (Vec<String>, Vec<String>) =
        values.map(|(name, old, new)| (format!("{name} {}", shown(old)), format!("{name} {new}"))).unzip();
    (Some(old.join(", ")).filter(|old| !old.is_empty()), new.join(", "))
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".to_owned(), Value::to_string)
}

/// Asks Amazon about every write, says which would be made, and makes them after consent; `rows` are done already.
pub async fn send<W: Preview>(
    seller: &Seller,
    wishes: Vec<Wish<W>>,
    mut rows: Vec<Written>,
    how: How,
    mut tally: Tally,
) -> Ended {
    let How { leave, wait, at: Where { marketplace: store, output, .. } } = how;
    let mut valid: Vec<(Wish<W>, Validated<W>)> = Vec::new();
    let bar = counting("previews", wishes.len(), output.format());
    for wish in wishes {
        bar.inc(1);
        match preview(&seller.client, wish.write.clone()).await {
            Ok(Previewed::Valid(validated)) => valid.push((wish, validated)),
            Ok(Previewed::NotValid(submission)) => rows.push(row(&wish, store).answered(&submission)),
            Err(error) => {
                tally.fail(wish.sku.as_str(), &error);
                rows.push(row(&wish, store).failed(&error));
            }
        }
    }
    bar.finish_and_clear();
    if leave.is_dry_run() {
        for (wish, validated) in &valid {
            rows.push(row(wish, store).answered(validated.preview()));
        }
        say("asin: --dry-run: nothing was sent but previews, which change nothing");
        return end(rows, output, tally);
    }
    if valid.is_empty() {
        say("asin: nothing was sent");
    } else {
        let refused = rows.iter().filter(|row| !row.is_well());
        let refused = refused.map(|row| format!("\nnot sent: {} in {store}: {}", row.sku, row.said()));
        let subject = subject(valid.iter().map(|(wish, _)| wish), store) + &refused.collect::<String>();
        if let Some(ended) = leave.refused(subject, "Send to Amazon?").await? {
            return Ok(ended);
        }
    }
    let total = valid.len();
    let sent = Cell::new(0);
    let again = match valid.iter().all(|(wish, _)| wish.seen.is_some()) {
        true => "the same command sends what still differs",
        false => "look before it is sent again",
    };
    let look = format!("`asin listing get` shows whether it was made; {again}");
    let (told, open) = (RefCell::new(output.rows()), RefCell::new(None));
    let work = async {
        let tell = |tally: &mut Tally, row: Written| {
            tally.mark(row.is_well());
            let unwritten = |failure: Failure| failure.or_next(&format!("{} of {total} were sent; {look}", sent.get()));
            told.borrow_mut().push(&row).map_err(unwritten)
        };
        rows.into_iter().try_for_each(|row| tell(&mut tally, row))?;
        let bar = counting("writes", total, output.format());
        for (wish, validated) in valid {
            bar.inc(1);
            let row = row(&wish, store);
            // What is sent back whole must not undo what somebody else has changed since it was read.
            let still = match &wish.seen {
                Some(seen) => seen.still(seller, &wish.sku, store).await,
                None => Ok(true),
            };
            match still {
                Ok(true) => sent.set(sent.get() + 1),
                Ok(false) => {
                    tally.refuse(wish.sku.as_str(), "the listing has changed since it was shown: nothing was sent");
                    tell(&mut tally, Written { outcome: "changed", ..row })?;
                    continue;
                }
                Err(error) => {
                    tally.fail(wish.sku.as_str(), &error);
                    tell(&mut tally, row.failed(&error))?;
                    continue;
                }
            }
            open.replace(Some(Written { outcome: "unknown", ..row.clone() }));
            let (row, error) = match write(seller, wish.write, validated, wait, row.clone()).await {
                Ok(written) => written,
                Err(error) => (row.failed(&error), Some(error)),
            };
            open.replace(None);
            error.iter().for_each(|error| tally.doubt(wish.sku.as_str(), error, &look));
            tell(&mut tally, row)?;
        }
        bar.finish_and_clear();
        told.borrow_mut().end()?;
        Ok(tally.end())
    };
    let go_on = async {
        // What has come is told, and the write that was under way: the stop itself is the failure.
        let mut told = told.borrow_mut();
        let _unwritten = open.take().map_or(Ok(()), |row| told.push(&row)).and_then(|()| told.end());
        format!("{} of {total} were sent; {look}", sent.get())
    };
    stoppable(work, go_on).await
}

fn end(rows: Vec<Written>, output: Output, mut tally: Tally) -> Ended {
    output.all(rows.into_iter().inspect(|row| tally.mark(row.is_well())))?;
    Ok(tally.end())
}

async fn write<W: Preview>(
    seller: &Seller,
    write: W,
    validated: Validated<W>,
    wait: Option<Duration>,
    row: Written,
) -> Result<(Written, Option<Error>), Error> {
    let Some(patience) = wait else {
        return Ok((row.answered(&validated.submit(&seller.client).await?), None));
    };
    let every = (patience / 10).clamp(Duration::from_millis(500), Duration::from_secs(10));
    Ok(match submit_and_wait(&seller.client, write, every, patience).await? {
        Fate::Answered(submission) => (row.answered(&submission), None),
        Fate::Settled(settled) => (row.settled(settled), None),
        Fate::Pending { receipt, error } => {
            let outcome = if receipt.submission().is_some() { "submitted" } else { "unknown" };
            (Written { outcome, submission_id: receipt.submission().cloned(), ..row }, error)
        }
    })
}

fn row<W>(wish: &Wish<W>, store: Marketplace) -> Written {
    let (old, new) = (wish.old.clone(), Some(wish.new.clone()));
    Written { old, new, currency: wish.currency, ..Written::new(store, wish.sku.clone()) }
}

fn subject<'a, W: 'a>(wishes: impl Iterator<Item = &'a Wish<W>>, store: Marketplace) -> String {
    let columns = [Column("store", Content::Word), Column("sku", Content::Word), Column("change", Content::Prose)];
    let rows = wishes.map(|wish| vec![store.to_string(), wish.sku.to_string(), wish.change()]);
    render(Place::Error, &columns, rows)
}
