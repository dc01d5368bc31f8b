//! `asin run`: durable runs of paid tasks, of any size, worked off by any number of processes.

mod fill;
mod rows;
mod store;
mod work;
mod write_off;

use crate::consent::Leave;
use crate::failure::{Ended, Failure, say};
use crate::input::{amount, duration};
use crate::output::{Format, Output, quoted};
use crate::progress::counted;
use crate::stop::stoppable;
use asin_facade::dataforseo_merchant::Mode;
use asin_facade::dataforseo_merchant::webhook::Token;
use asin_facade::runs::{NewRun, RunId, RunStatus, Runs};
use fill::Source;
use rows::{Line, Shown};
use rust_decimal::Decimal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::Place;
pub use store::{Database, database};
use tokio::time::sleep;
use work::{Pace, Working, words};

/// Durable runs: paid tasks of any number, each paid for once and its result stored once, whoever dies on the way
///
/// A run has a name, a budget and a deadline, in a database: a file for one process, PostgreSQL for any number of them on any
/// number of machines. `start` fills it and works; `resume` works on it, once more or beside others. A file is one
/// process's: while that works, others can look at the run and read its results.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Start(Start),
    /// Works on a run that is there, once more or beside other processes (paid)
    #[command(after_help = "\
Examples:
  asin run resume spring --yes
  asin run resume spring --budget 20 --deadline 6h --yes
  asin run resume spring --database postgres://asin@db.example/asin --processes 8 --yes")]
    Resume {
        /// The run's name
        name: String,
        /// Another budget for all of its tasks, in US dollars
        #[arg(long, value_name = "USD", value_parser = amount)]
        budget: Option<Decimal>,
        /// Another deadline: nothing more is posted so long from now on
        #[arg(long, value_name = "TIME", value_parser = duration)]
        deadline: Option<Duration>,
        #[command(flatten)]
        leave: Leave,
        #[command(flatten)]
        working: Working,
        #[command(flatten)]
        place: Place,
    },
    /// How far a run is: counts by state, cost so far and expected, and with --follow rate and time left
    #[command(after_help = "\
Examples:
  asin run status spring
  asin run status spring --follow --output json | jq .minutes_left")]
    Status {
        /// The run's name
        name: String,
        /// Go on looking until it is done
        #[arg(long)]
        follow: bool,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Posts nothing more of a run, for good; what was posted is still collected
    #[command(after_help = "\
Examples:
  asin run cancel spring --yes
  asin run resume spring --yes")]
    Cancel {
        /// The run's name
        name: String,
        #[command(flatten)]
        leave: Leave,
        #[command(flatten)]
        place: Place,
    },
    WriteOff(write_off::Forsake),
    /// Writes the results that there are, each once, in the order of the tasks: JSON lines, or CSV
    #[command(after_help = "\
Examples:
  asin run results spring > results.jsonl
  asin run results spring --output csv > results.csv
  asin run results spring --after 999")]
    Results {
        /// The run's name
        name: String,
        /// Only those of tasks behind this place; the first task is at 0
        #[arg(long, value_name = "NUMBER")]
        after: Option<i64>,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
    /// Lists the account's runs
    #[command(after_help = "\
Examples:
  asin run list
  asin run list --output json | jq -r .run")]
    List {
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        place: Place,
    },
}

/// Starts a run: reads its tasks, says what they cost, and works until all have come to an end (paid)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file, or standard input, may be of any size. With --marketplace it holds ASINs, one a line; without it tasks, one JSON
object a line, as `asin tasks post` takes them. The same command with the same file goes on where it was stopped.

Examples:
  asin run start asins.txt --marketplace DE --budget 5 --dry-run
  asin run start asins.txt --marketplace DE --budget 5 --name spring --deadline 6h --yes
  asin run start - --name tasks --budget 20 --mode priority --yes < tasks.jsonl")]
struct Start {
    /// The file; `-` for standard input
    file: std::path::PathBuf,
    /// The most that its tasks may cost together, in US dollars
    #[arg(long, value_name = "USD", value_parser = amount)]
    budget: Decimal,
    /// The run's name [default: that of the file]
    #[arg(long)]
    name: Option<String>,
    /// So long from now on nothing more is posted [default: no limit]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    deadline: Option<Duration>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    leave: Leave,
    #[command(flatten)]
    working: Working,
    #[command(flatten)]
    place: Place,
}

/// Runs one of them.
pub async fn run(arguments: Arguments) -> Ended {
    match arguments.command {
        Command::Start(start) => self::start(start).await,
        Command::Resume { name, budget, deadline, leave, working, place } => {
            let account = place.open().await?;
            let run = find(&*account.store, &name).await?;
            let status = account.store.status(run).await?;
            if status.agreed == 0 {
                return Err(Failure::usage(format!("run `{name}` was never filled to its end and agreed to")).next(
                    format!(
                        "`asin run start FILE --name {}{}` with the same file fills it",
                        quoted(&name),
                        place.flags()
                    ),
                ));
            }
            let mut then = status;
            then.late &= deadline.is_none();
            let open = then.to_post();
            let left = (budget.unwrap_or(status.budget()) - status.committed()).max(Decimal::ZERO);
            let about = then.expected().map(|usd| usd - then.committed()).filter(|usd| !usd.is_zero());
            let about =
                about.map_or_else(String::new, |usd| format!("about {} USD more, ", usd.round_dp(4).normalize()));
            let subject = format!(
                "DataForSEO: run `{name}`: {}.\nThe {open} that are not posted yet may cost {about}{} USD at most{}.",
                words(&status),
                left.normalize(),
                if status.unknown > 0 {
                    ", and what is free again if tasks without an answer were not made"
                } else {
                    ""
                },
            );
            if (leave.is_dry_run() || open > 0 || status.unknown > 0 || budget.is_some())
                && let Some(ended) = leave.refused(subject, "Go on?").await?
            {
                return Ok(ended);
            }
            account.store.amend(run, budget, deadline).await?;
            working.work(account, run, &name).await
        }
        Command::Status { name, follow, output, place } => status(&place, &name, follow, output).await,
        Command::Cancel { name, leave, place } => {
            let store = place.open().await?.store;
            let run = find(&*store, &name).await?;
            let subject = format!("Run `{name}`: {}.", words(&store.status(run).await?));
            if let Some(ended) = leave.refused(subject, "Post nothing more of it, for good?").await? {
                return Ok(ended);
            }
            store.cancel(run).await?;
            let pending = store.status(run).await?.pending;
            if pending > 0 {
                let resume = format!("asin run resume {}{}", quoted(&name), place.flags());
                say(&format!("asin: {pending} pending: `{resume}` collects them"));
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::WriteOff(forsake) => write_off::write_off(forsake).await,
        Command::Results { name, after, output, place } => results(&place, &name, after, output).await,
        Command::List { output, place } => {
            let store = place.look().await?;
            let mut rows = output.rows();
            for (run, name) in store.runs().await? {
                rows.push(&Shown::of(&name, &store.status(run).await?, None))?;
            }
            rows.end()?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    match serde_json::from_value(text.into()) {
        Ok(mode @ (Mode::Standard | Mode::Priority)) => Ok(mode),
        _ => Err("give standard or priority: the vendor keeps no live answers, so a run asks for none".to_owned()),
    }
}

async fn find(store: &dyn Runs, name: &str) -> Result<RunId, Failure> {
    let runs = store.runs().await?;
    let found = runs.iter().find(|(_, known)| known == name).map(|(run, _)| *run);
    found.ok_or_else(|| {
        let known: Vec<&str> = runs.iter().map(|(_, name)| name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Failure::usage(format!("there is no run `{name}` of this account; there is: {known}"))
    })
}

/// The file's own name, without its ending.
fn stem(file: &Path) -> Result<String, Failure> {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).filter(|stem| stem != "-");
    stem.ok_or_else(|| Failure::usage("give the run a --name: standard input has none"))
}

async fn start(arguments: Start) -> Ended {
    let Start { file, budget, name, deadline, mut source, leave, working, place } = arguments;
    // An address that cannot be is told before a run is begun.
    source.address(&Token::random(), place.is_sandbox())?;
    let name = name.map_or_else(|| stem(&file), Ok)?;
    if leave.is_dry_run() {
        let prices = place.prices().await?;
        let (count, most) = source.each(&file, |tasks| prices.most(tasks), async |_, _| Ok(())).await?;
        let subject = format!("DataForSEO: {}", cost(&name, count, most, budget));
        return Ok(leave.refused(subject, "").await?.unwrap_or(ExitCode::SUCCESS));
    }
    let account = place.open().await?;
    let (store, prices) = (account.store.clone(), account.prices().await?);
    let run = store.begin(&NewRun { name: name.clone(), budget, lifetime: deadline }).await?;
    source.address(&account.token()?.for_part(run.part()), place.is_sandbox())?;
    let before = store.status(run).await?;
    if before.cancelled {
        return Err(Failure::usage(format!("run `{name}` was cancelled: give this one another --name")));
    }
    let bar = counted("tasks read", Format::Json);
    let fill = async {
        let add = async |first, tasks: &[_]| {
            bar.inc(tasks.len() as u64);
            store.add(run, first, tasks).await.map_err(Failure::from)
        };
        source.each(&file, |tasks| prices.most(tasks), add).await
    };
    let same = "nothing was sent; the same command goes on";
    let Some((count, most)) = crate::stop::unless_stopped(fill).await? else {
        return Err(Failure::work(format!("stopped while its tasks were read: {same}")));
    };
    bar.finish_and_clear();
    let status = store.status(run).await?;
    if status.tasks != count {
        let why = format!("run `{name}` has {} tasks and not {count}: it was filled from something else", status.tasks);
        return Err(Failure::usage(why).next("give this one another --name"));
    }
    if before.tasks > 0 && status.is_done() {
        say(&format!("asin: run `{name}` is done already: nothing is asked again; a new one needs another --name"));
    }
    let so_far =
        if status.ended() + status.pending > 0 { format!("\nSo far: {}.", words(&status)) } else { String::new() };
    let repeated = match store.repeated(run).await? {
        0 => String::new(),
        repeated => format!("\nTasks that ask for just what another one does: {repeated}. Each is paid for."),
    };
    let grown = match status.not_agreed() {
        more if status.agreed > 0 && more > 0 => {
            format!("\nIt has become larger: {more} of them nobody has agreed to yet.")
        }
        _ => String::new(),
    };
    let subject = format!("DataForSEO: {}{repeated}{so_far}{grown}", cost(&name, count, most, budget));
    if let Some(ended) = leave.refused(subject, "Pay for them?").await? {
        return Ok(ended);
    }
    // It may have been there already, and this is the word that leave was given for.
    store.amend(run, Some(budget), deadline).await?;
    store.agree(run, count).await?;
    working.work(account, run, &name).await
}

fn cost(name: &str, count: u64, most: Decimal, budget: Decimal) -> String {
    let short = if most > budget { "; only as many are posted as the budget allows" } else { "" };
    let (most, budget) = (most.normalize(), budget.normalize());
    format!("run `{name}`: {count} paid tasks, at most {most} USD, of a budget of {budget} USD{short}.")
}

/// How often a run is looked at; a store that needs long to count is asked more seldom.
const EVERY: Duration = Duration::from_secs(2);

async fn status(place: &Place, name: &str, follow: bool, output: Output) -> Ended {
    let store = place.look().await?;
    let run = find(&*store, name).await?;
    let mut pace = Pace::default();
    let look = async || -> Result<(RunStatus, Duration), Failure> {
        let begun = std::time::Instant::now();
        let status = store.status(run).await?;
        Ok((status, EVERY.max(begun.elapsed() * 10)))
    };
    let (mut status, mut pause) = look().await?;
    pace.saw(&status);
    let mut rows = output.rows();
    let is_table = rows.waits();
    if follow {
        let bar =
            crate::progress::counting("tasks", usize::try_from(status.tasks).unwrap_or(usize::MAX), Format::Table);
        let watched = async {
            while status.pending + status.to_post() > 0 {
                if !is_table {
                    rows.push(&Shown::of(name, &status, pace.left(&status)))?;
                }
                work::draw(&bar, &status, &pace);
                sleep(pause).await;
                (status, pause) = look().await?;
                pace.saw(&status);
            }
            Ok(ExitCode::SUCCESS)
        };
        stoppable(watched, async { "the run goes on; nothing was changed".to_owned() }).await?;
        bar.finish_and_clear();
    }
    rows.push(&Shown::of(name, &status, pace.left(&status)))?;
    rows.end()?;
    Ok(ExitCode::SUCCESS)
}

/// How many results are in memory at once.
const PAGE: u32 = 200;

async fn results(place: &Place, name: &str, mut after: Option<i64>, output: Output) -> Ended {
    let store: Arc<dyn Runs> = place.look().await?;
    let run = find(&*store, name).await?;
    // Of any number: never laid out as a table.
    let format = if output.format() == Format::Csv { Format::Csv } else { Format::Json };
    let mut rows = Output::of(format).paid_rows();
    loop {
        let page = store.results(run, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.number);
        for result in page {
            rows.push(&Line::from(result))?;
        }
    }
    rows.end()?;
    let status = store.status(run).await?;
    if !status.is_done() {
        let later = "results come in any order: read them from the first again when it is done";
        say(&format!("asin: run `{name}`: {}; {later}", words(&status)));
    }
    Ok(ExitCode::SUCCESS)
}
