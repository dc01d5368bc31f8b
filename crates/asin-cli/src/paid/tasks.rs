//! `asin tasks`: paid tasks from a file of them, step by step.

use super::receive::{address, token};
use super::rows::{Task, name, whole};
use super::{LOOK, Ledgered, Paying, earlier, is_done_with, question, stats, stopped, unreadable, unsettled};
use crate::consent::Leave;
use crate::failure::{Ended, Failure, Tally, deliver, on_disk, say};
use crate::input::{duration, json_lines};
use crate::output::{Format, Output};
use crate::progress::counting;
use crate::stop::stoppable;
use asin_facade::dataforseo_merchant::{
    self as dataforseo, Entry, Kind, NewTask, Posted, ReadyTask, Tag, TaskRequest, Tasks, TasksReady, WriteOff,
};
use futures_util::{StreamExt, TryStreamExt, pin_mut, stream};
use serde_json::json;
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use url::Url;

/// DataForSEO's paid tasks, step by step: each noted on disk before it is sent, none paid twice
///
/// What `post` has paid for is pending until `collect` has written its result. A task without a readable answer is not
/// sent again: `reconcile` finds out whether it was made.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Post(Post),
    /// Lists what is done at the vendor and not collected, of the whole account
    #[command(after_help = "\
Examples:
  asin tasks ready --output csv")]
    Ready(Free),
    Get(Get),
    Collect(Collect),
    /// Finds out what became of tasks without an answer, by the vendor's own list
    #[command(after_help = "\
Examples:
  asin tasks reconcile")]
    Reconcile(Free),
    WriteOff(Forsake),
    /// Lists what was paid for and not collected, and what has no answer
    #[command(after_help = "\
Examples:
  asin tasks pending --output json | jq -r .tag")]
    Pending(Free),
}

/// Posts tasks (paid)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Tasks, one JSON object a line: the kind of task, and its fields as the vendor names them:
  {\"asin\": {\"asin\": \"B085RFFC9Q\", \"location_code\": 2276, \"language_code\": \"de_DE\"}}
  {\"sellers\": {\"asin\": \"B085RFFC9Q\", \"location_code\": 2276, \"language_code\": \"de_DE\", \"priority\": 2}}
  {\"products\": {\"keyword\": \"trekking shoes\", \"location_code\": 2276, \"language_code\": \"de_DE\"}}
  also google_products, google_sellers, google_product_info

What an equal line of an earlier command has paid for, or may have, is not posted again until it is collected; what is
collected is. Of equal lines in one file each is posted.

Examples:
  asin tasks post tasks.jsonl --dry-run
  asin tasks post tasks.jsonl --budget 5 --yes > posted.jsonl
  asin tasks post tasks.jsonl --postback https://hooks.shop.example --yes
  asin tasks collect > results.jsonl")]
struct Post {
    /// The file of tasks; `-` for standard input
    file: PathBuf,
    /// Also posts what an earlier command has paid for, or may have, and nobody has collected
    #[arg(long)]
    again: bool,
    /// Have results posted to the `asin receive` that the vendor sees at this address; its secret is added from where
    /// `asin receive` has it
    #[arg(long, value_name = "URL")]
    postback: Option<Url>,
    #[command(flatten)]
    paying: Paying,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    ledger: Ledgered,
}

/// What only looks, for nothing.
#[derive(Debug, clap::Args)]
struct Free {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    ledger: Ledgered,
}

/// Prints the result of one task by the vendor's id of it; the ledger stays as it is
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin tasks get 11251845-7880-0209-0000-3b0d4c5c2a11 --kind sellers")]
struct Get {
    /// The vendor's id
    id: String,
    /// Of which kind it is
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Kind,
    #[command(flatten)]
    ledger: Ledgered,
}

/// Writes the results of everything pending as JSON lines, as they become ready
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin tasks collect > results.jsonl
  asin tasks collect --patience 5m | jq -c '{subject, outcome}'")]
struct Collect {
    /// How long to wait
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "50m")]
    patience: Duration,
    #[command(flatten)]
    ledger: Ledgered,
}

/// Gives tasks without an answer up, on your word, which the ledger keeps
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin tasks pending
  asin tasks write-off asin-0123456789abcdef0123456789abcdef --as not-made --reason \"not in the vendor's list\"
  asin tasks write-off asin-0123456789abcdef0123456789abcdef --as lost --reason \"the connection broke\"")]
struct Forsake {
    /// Their tags, as `asin tasks pending` shows them
    #[arg(required = true, value_name = "TAG", value_parser = tag)]
    tags: Vec<Tag>,
    #[command(flatten)]
    verdict: Verdict,
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    ledger: Ledgered,
}

/// What is said of tasks without an answer.
#[derive(Debug, clap::Args)]
pub struct Verdict {
    /// As not made (it can be posted again; if it was made after all, it was paid for in vain), or as lost (paid for)
    #[arg(long = "as", value_name = "WHAT")]
    how: What,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// As what a task is written off.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    NotMade,
    Lost,
}

impl Verdict {
    /// Finds out first what can be found out. What nobody could look up is not taken for not made.
    pub async fn look(&self, tasks: &Tasks) -> Result<(), Failure> {
        match (tasks.settle().await, self.how) {
            (Ok(_), _) => Ok(()),
            (Err(error), What::Lost) => {
                say(&format!("asin: the vendor's list cannot be had: {error}"));
                Ok(())
            }
            (Err(error), What::NotMade) => {
                Err(Failure::from(error).next("without the vendor's list nothing is taken for not made"))
            }
        }
    }

    /// What it means for the money, in words.
    pub fn consequence(&self) -> &'static str {
        match self.how {
            What::NotMade => "Taken for not made; one that was made after all was paid for in vain.",
            What::Lost => "Taken for paid for and lost.",
        }
    }

    /// Writes a task off.
    pub async fn pass(&self, tasks: &Tasks, tag: &Tag) -> core_http::Result<()> {
        let how = match self.how {
            What::NotMade => WriteOff::NotMade,
            What::Lost => WriteOff::Lost,
        };
        tasks.write_off(tag, how, self.reason.as_str()).await
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    let names: Vec<String> = Kind::ALL.iter().map(|kind| name(*kind)).collect();
    serde_json::from_value(text.into()).map_err(|_| format!("give one of {}", names.join(", ")))
}

fn tag(text: &str) -> Result<Tag, String> {
    Tag::new(text).map_err(|error| error.to_string())
}

/// Runs one of them.
pub async fn run(arguments: Arguments) -> Ended {
    match arguments.command {
        Command::Post(post) => self::post(post).await,
        Command::Ready(ready) => self::ready(ready).await,
        Command::Get(get) => self::get(get).await,
        Command::Collect(collect) => self::collect(collect).await,
        Command::Reconcile(free) => reconcile(free).await,
        Command::WriteOff(tasks) => write_off(tasks).await,
        Command::Pending(free) => pending(free).await,
    }
}

async fn post(arguments: Post) -> Ended {
    let mut requests: Vec<TaskRequest> = json_lines(&arguments.file, "tasks")?;
    if let Some(public) = &arguments.postback {
        let to = address(&token::of(&arguments.ledger.state)?.0, arguments.ledger.connect.is_sandbox(), public)?;
        requests = requests.into_iter().map(|request| request.postback(to.clone())).collect();
    }
    let mut tasks = arguments.ledger.tasks(arguments.paying.budget).await?;
    let mut known: HashMap<String, Vec<Entry>> = HashMap::new();
    if !arguments.again {
        for entry in earlier(&tasks, &requests).await? {
            known.entry(question(&entry.request)).or_default().push(entry);
        }
    }
    let (mut left_out, mut new) = (Vec::new(), Vec::new());
    for request in requests {
        match known.get_mut(&question(&request)).and_then(Vec::pop) {
            Some(entry) => left_out.push(entry),
            None => new.push(NewTask::new(request)),
        }
    }
    if !new.is_empty()
        && let Some(ended) = arguments.paying.refused(&mut tasks, &new).await?
    {
        return Ok(ended);
    }
    let go_on = arguments.ledger.how_to_collect();
    let work = async {
        let (mut rows, mut tally) = (arguments.output.rows(), Tally::default());
        for entry in left_out {
            let mut row = Task::known(&entry);
            if entry.state.id().is_some() {
                (row.outcome, row.said) = ("pending".to_owned(), "paid for by an earlier command".to_owned());
                tally.did();
            } else {
                unsettled(&entry, &mut tally);
            }
            rows.push(&row)?;
        }
        let bar = counting("tasks", new.len(), arguments.output.format());
        let outcomes = tasks.post_all(stream::iter(new));
        pin_mut!(outcomes);
        while let Some(outcome) = outcomes.next().await {
            bar.inc(1);
            let request = outcome.task.request();
            let mut row = Task::of(request, "", String::new());
            row.outcome = match outcome.posted {
                Posted::Created { tag, id, cost } => {
                    tally.did();
                    (row.tag, row.id, row.cost_usd) = (Some(tag.to_string()), Some(id), Some(cost));
                    "created"
                }
                Posted::Rejected { tag, fault } => {
                    (row.tag, row.said) = (Some(tag.to_string()), fault.to_string());
                    tally.fail(request.summary().subject, &fault.into());
                    "rejected"
                }
                Posted::Unknown { tag, error } => {
                    (row.tag, row.said) = (Some(tag.to_string()), error.to_string());
                    tally.doubt(request.summary().subject, &error, LOOK);
                    "unknown"
                }
                Posted::OverBudget(over) => {
                    row.said = over.to_string();
                    tally.unpaid(request.summary().subject, over);
                    "over_budget"
                }
                Posted::NotSent { error } => {
                    row.said = error.to_string();
                    tally.fail(request.summary().subject, &error);
                    "not_sent"
                }
                _ => "unknown",
            }
            .to_owned();
            rows.push(&row)?;
        }
        bar.finish_and_clear();
        rows.end()?;
        say(&format!("asin: {}", stats(&tasks, 0, &go_on).await?));
        Ok(tally.end())
    };
    stoppable(work, stopped(&tasks, &go_on)).await
}

async fn ready(arguments: Free) -> Ended {
    let ready: Vec<ReadyTask> = arguments.ledger.client().await?.call(TasksReady::new()).await?;
    arguments.output.all(ready)?;
    Ok(ExitCode::SUCCESS)
}

async fn get(arguments: Get) -> Ended {
    let operation = match arguments.kind {
        Kind::Asin => "AmazonAsinTaskGetAdvanced",
        Kind::Sellers => "AmazonSellersTaskGetAdvanced",
        Kind::Products => "AmazonProductsTaskGetAdvanced",
        Kind::GoogleProducts => "GoogleProductsTaskGetAdvanced",
        Kind::GoogleSellers => "GoogleSellersTaskGetAdvanced",
        _ => "GoogleProductInfoTaskGetAdvanced",
    };
    let client = arguments.ledger.client().await?;
    let answer = dataforseo::call(&client, operation, json!({ "id": arguments.id })).await;
    let answer = answer.ok_or_else(|| crate::names::unknown(operation))??;
    crate::output::json(&answer.value)?;
    Ok(ExitCode::SUCCESS)
}

async fn collect(arguments: Collect) -> Ended {
    let tasks = arguments.ledger.tasks(None).await?;
    let go_on = arguments.ledger.how_to_collect();
    let work = async {
        let pending: Vec<_> = tasks.pending().try_collect().await?;
        let (mut done, mut tally) = (0, Tally::default());
        // Results are JSON lines whatever is asked for.
        let bar = counting("results", pending.len(), Format::Json);
        let mut results = tasks.collect(pending, arguments.patience);
        while let Some(collected) = results.next().await {
            match collected {
                Ok(collected) => {
                    // What nobody reads any more, or nobody can read yet, is not acknowledged, and can be collected again.
                    let line = whole(&collected);
                    deliver(&line.to_string())?;
                    bar.inc(1);
                    if !unreadable(&collected, &mut tally) {
                        tally.mark(line["outcome"] == "done" || line["outcome"] == "empty");
                    }
                    if is_done_with(&collected) {
                        on_disk()?;
                        tasks.acknowledge(&collected.entry.tag).await?;
                    }
                    done += 1;
                }
                Err(error) => tally.fail("the results", &error),
            }
        }
        bar.finish_and_clear();
        let left = results.pending().len();
        tally.left(left);
        say(&format!("asin: {}", stats(&tasks, done, &go_on).await?));
        Ok(tally.end())
    };
    stoppable(work, stopped(&tasks, &go_on)).await
}

async fn reconcile(arguments: Free) -> Ended {
    let tasks = arguments.ledger.tasks(None).await?;
    let settlement = tasks.settle().await?;
    let mut tally = Tally::default();
    tally.left(settlement.unknown.len());
    let all = settlement.created.iter().chain(&settlement.absent).chain(&settlement.unknown);
    arguments.output.all(all.map(Task::known))?;
    Ok(tally.end())
}

async fn write_off(arguments: Forsake) -> Ended {
    let tasks = arguments.ledger.tasks(None).await?;
    arguments.verdict.look(&tasks).await?;
    let open = tasks.unsettled().await?;
    let mut meant = Vec::new();
    for tag in &arguments.tags {
        let entry = open.iter().find(|entry| entry.tag == *tag);
        let entry = entry.ok_or_else(|| Failure::usage(format!("no task without an answer has the tag {tag}")))?;
        meant.push(format!("{}: {} of {}", tag, name(entry.request.kind()), entry.request.summary().subject));
    }
    let subject = format!("{}\n{}", meant.join("\n"), arguments.verdict.consequence());
    if let Some(ended) = arguments.leave.refused(subject, "Write them off?").await? {
        return Ok(ended);
    }
    for tag in &arguments.tags {
        arguments.verdict.pass(&tasks, tag).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn pending(arguments: Free) -> Ended {
    let tasks = arguments.ledger.tasks(None).await?;
    let mut entries: Vec<_> = tasks.pending().try_collect().await?;
    entries.extend(tasks.unsettled().await?);
    arguments.output.all(entries.iter().map(Task::known))?;
    Ok(ExitCode::SUCCESS)
}
