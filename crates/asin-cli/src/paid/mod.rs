//! DataForSEO's paid tasks: noted on disk before they are sent, within a budget, collected later; and what is asked
//! through them.

mod market;
mod receive;
pub mod rows;
mod tasks;

pub use market::{Products, Sellers, Variants, products, sellers, variants};
pub use receive::{Receive, receive};
#[cfg(feature = "runs")]
pub use receive::{address, token};
#[cfg(feature = "runs")]
pub use tasks::Verdict;
pub use tasks::{Arguments, run};

use crate::consent::Leave;
use crate::failure::{Ended, Failure, Tally};
use crate::meter;
use crate::output::{Output, counted, quoted};
use crate::session::{Connect, state_folder};
use asin_facade::dataforseo_merchant::{
    Budget, Collected, DfsClient, Entry, NewTask, TaskRequest, TaskResult, Tasks, UserData,
};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Where paid tasks are remembered, and who pays.
#[derive(Debug, clap::Args)]
pub struct Ledgered {
    /// The folder that remembers what was paid for; from that of `sync`, collected results are gone for `sync`
    #[arg(long, value_name = "DIR", default_value_os_t = state_folder("tasks"))]
    state: PathBuf,
    #[command(flatten)]
    connect: Connect,
}

/// The flags of what costs money.
#[derive(Debug, clap::Args)]
pub struct Paying {
    /// The most that this command may spend, in US dollars
    #[arg(long, value_name = "USD", value_parser = crate::input::amount)]
    budget: Option<Decimal>,
    #[command(flatten)]
    leave: Leave,
}

impl Ledgered {
    /// The account's client.
    pub async fn client(&self) -> Result<DfsClient, Failure> {
        Ok(self.connect.open().await?.dataforseo()?.0)
    }

    /// The account's tasks, within this budget.
    pub async fn tasks(&self, budget: Option<Decimal>) -> Result<Tasks, Failure> {
        self.connect.not_replayed()?;
        let mut session = self.connect.open().await?;
        let (client, login) = session.dataforseo()?;
        let ledger = receive::open(&self.state, &client, &login, BRIEFLY).await?;
        let budget = budget.map_or_else(Budget::unlimited, Budget::new);
        meter::pays(&budget);
        let tasks = Tasks::new(client, Arc::new(ledger), budget);
        Ok(tasks.with(|settings| session.hasten(settings)))
    }

    /// How to go on with what is pending, for a message.
    pub fn how_to_collect(&self) -> String {
        let flags = self.connect.flags().into_iter().map(|flag| format!(" {flag}"));
        format!("`asin tasks collect --state {}{}` goes on", quoted(self.state.display()), flags.collect::<String>())
    }
}

/// How long a ledger that a receiver has open for a moment is waited for.
const BRIEFLY: std::time::Duration = std::time::Duration::from_secs(3);

impl Paying {
    fn is_dry_run(&self) -> bool {
        self.leave.is_dry_run()
    }

    /// Says what these tasks would cost at most, by the account's own prices; `Some` ends the command.
    async fn refused(&self, tasks: &mut Tasks, wanted: &[NewTask]) -> Result<Option<ExitCode>, Failure> {
        tasks.learn_prices().await?;
        let most: Decimal = wanted.iter().map(|task| tasks.price(task)).sum();
        let within = self.budget.map_or_else(String::new, |budget| format!(", of a budget of {budget} USD"));
        let subject =
            format!("DataForSEO: {}, at most {} USD{within}.", counted(wanted.len(), "paid task"), most.normalize());
        self.leave.refused(subject, "Pay for them?").await
    }
}

/// What came, what is still open, and how to go on.
async fn stats(tasks: &Tasks, done: usize, how_to_collect: &str) -> Result<String, Failure> {
    let pending: Vec<_> = tasks.pending().try_collect().await?;
    let unknown = tasks.unsettled().await?.len();
    let mut text = counted(done, "result");
    if unknown > 0 {
        text += &format!(
            "; {} without an answer, perhaps {} USD more: `asin tasks reconcile` finds out",
            counted(unknown, "task"),
            tasks.budget().reserved().normalize()
        );
    }
    if !pending.is_empty() {
        text += &format!("; {} pending: {how_to_collect}", counted(pending.len(), "task"));
    }
    Ok(text)
}

/// The same for a command that was stopped.
async fn stopped(tasks: &Tasks, how_to_collect: &str) -> String {
    stats(tasks, 0, how_to_collect).await.unwrap_or_else(|failure| failure.message())
}

/// What says how and how soon a task is answered.
const HOW: [&str; 4] = ["priority", "postback_url", "postback_data", "pingback_url"];

/// What a task asks for; how and how soon it is answered makes no difference.
fn question(request: &TaskRequest) -> String {
    let mut value = serde_json::json!(request);
    if let Some(fields) = value.as_object_mut().and_then(|kind| kind.values_mut().next()?.as_object_mut()) {
        HOW.iter().for_each(|how| drop(fields.shift_remove(*how)));
    }
    value.to_string()
}

/// What earlier commands have paid for, or may have, of what is wanted now: it is not paid for again. What had no answer is
/// looked up first.
async fn earlier(tasks: &Tasks, wanted: &[TaskRequest]) -> Result<Vec<Entry>, Failure> {
    let wanted: HashSet<String> = wanted.iter().map(question).collect();
    let is_wanted = |entry: &Entry| wanted.contains(&question(&entry.request));
    let mut unsettled = tasks.unsettled().await?;
    if unsettled.iter().any(is_wanted) {
        tasks.settle().await?;
        unsettled = tasks.unsettled().await?;
    }
    let mut entries: Vec<Entry> = tasks.pending().try_collect().await?;
    entries.extend(unsettled);
    entries.retain(is_wanted);
    Ok(entries)
}

/// How it is found out what became of a task without an answer.
const LOOK: &str = "`asin tasks reconcile` finds out whether it was made; it is not sent again before";

/// Says of a task without an answer why it is not sent again.
fn unsettled(entry: &Entry, tally: &mut Tally) {
    let why = format!(
        "not sent: an earlier command may have paid for it ({}); `asin tasks reconcile` finds out, `asin tasks write-off` \
         gives it up",
        entry.tag
    );
    tally.refuse(entry.request.summary().subject, &why);
}

/// Says of a result that cannot be read why; `false` for any other.
fn unreadable(collected: &Collected, tally: &mut Tally) -> bool {
    let TaskResult::Unreadable { error, raw } = &collected.result else { return false };
    let Collected { entry, .. } = collected;
    let id = entry.state.id().map_or_else(String::new, |id| format!(", id {id}"));
    let rest = match entry.live {
        true => format!("the vendor does not keep it: {}", raw.as_deref().unwrap_or_default()),
        false => "it stays pending, and can be collected again for 30 days, by a later version too".to_owned(),
    };
    let why = format!("the result of {}{id} cannot be read: {error}; {rest}", entry.tag);
    tally.refuse(entry.request.summary().subject, &why);
    true
}

/// Whether a result, once written, is done with: one that cannot be read may be collected again, if the vendor keeps it.
fn is_done_with(collected: &Collected) -> bool {
    collected.entry.live || !matches!(collected.result, TaskResult::Unreadable { .. })
}

/// `asin balance`: what DataForSEO's account has left.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin balance
  asin balance --output json --profile work")]
pub struct Balance {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

/// Asks for the account's money.
pub async fn balance(arguments: Balance) -> Ended {
    let (client, _) = arguments.connect.open().await?.dataforseo()?;
    let accounts = client.call(UserData::new()).await?;
    arguments.output.all(accounts.iter().map(rows::Money::of))?;
    Ok(ExitCode::SUCCESS)
}
