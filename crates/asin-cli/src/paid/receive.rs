//! `asin receive`: results that DataForSEO posts by itself, each written once.

mod desk;
mod sink;
pub mod token;

pub use token::address;

use super::Ledgered;
use crate::failure::{Ended, Failure, say};
use crate::output::counted;
#[cfg(feature = "runs")]
use crate::runs::{Database, database};
use crate::stop::unless_stopped;
use crate::table::visible;
use asin_facade::dataforseo_merchant::webhook::{Counts, Receiver, resend, undelivered};
use asin_facade::dataforseo_merchant::{DfsClient, Entry, FileLedger, TaskId};
use desk::{Desk, Folder};
use sink::Sink;
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep};
use url::Url;

/// Takes in the results that DataForSEO posts, as JSON lines, until Ctrl-C
///
/// Only results of tasks in the ledger are taken, whose address holds a secret: that of ASIN_WEBHOOK_TOKEN, else one
/// that is made once and kept in the state folder, in a file of its owner's alone; that of each run is made from it. A
/// result is written and on disk before the ledger says that it is collected, and before the vendor is answered; into a
/// file each is written once, over crashes too. It speaks plain HTTP: put a proxy that speaks TLS before it. The vendor
/// sends nothing twice by itself: what it could not deliver is sent again by --resend, or collected by `asin tasks
/// collect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin receive --listen 127.0.0.1:8080 --public https://hooks.shop.example --out results.jsonl --resend
  asin tasks post tasks.jsonl --postback https://hooks.shop.example --yes
  asin receive > results.jsonl")]
pub struct Receive {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// What the vendor sees of it, to be told the whole address [default: with a sandbox where it listens]
    #[arg(long, value_name = "URL")]
    public: Option<Url>,
    /// Append results to this file instead of standard output; what is in it already is not written again
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Have sent again what could not be delivered (free): when it begins and every ten minutes, and once a minute what came
    /// and was not stored
    #[arg(long)]
    resend: bool,
    /// Store results in the runs of this database, whose tasks `asin run start --postback` posted: a file, or
    /// postgres://USER@HOST/DATABASE, into which any number of receivers may write
    #[cfg(feature = "runs")]
    #[arg(long, value_name = "FILE|URL", value_parser = database, conflicts_with = "out")]
    database: Option<Database>,
    #[command(flatten)]
    ledger: Ledgered,
}

/// How often what came here and was not stored is asked for.
const EVERY: Duration = Duration::from_secs(60);
/// With each so many of these what never came here is looked up: something in front of it may have been down.
const LOOK_AGAIN: u32 = 10;

/// Opens a ledger; one that another process has open is waited for.
pub async fn open(
    state: &std::path::Path,
    client: &DfsClient,
    login: &str,
    patience: Duration,
) -> Result<FileLedger, Failure> {
    const STEP: Duration = Duration::from_millis(50);
    let mut left = patience;
    loop {
        match FileLedger::open(state, &client.base(), login) {
            Ok(ledger) => return Ok(ledger),
            Err(error) if left.is_zero() => return Err(Failure::usage(error)),
            Err(_) => sleep(STEP).await,
        }
        left = left.saturating_sub(STEP);
    }
}

impl Receive {
    /// Where deliveries come to, whether many share it, and which command has them come.
    async fn desk(&self, client: &DfsClient, login: String) -> Result<(Arc<dyn Desk>, bool, &'static str), Failure> {
        #[cfg(feature = "runs")]
        if let Some(database) = &self.database {
            let store = database.open(client, &login).await?.0;
            return Ok((Arc::new(desk::Runs::new(client.clone(), store)), true, "run start"));
        }
        let (state, client, turn) = (self.ledger.state.clone(), client.clone(), Mutex::default());
        let sink = Sink::open(self.out.clone())?;
        Ok((Arc::new(Folder { state, client, login, sink, turn }), false, "tasks post"))
    }
}

/// Listens until somebody stops it.
pub async fn receive(arguments: Receive) -> Ended {
    let (whole, is_new) = token::of(&arguments.ledger.state)?;
    let (client, login) = arguments.ledger.connect.open().await?.dataforseo()?;
    let of_runs = token::of_runs(&whole, &client.base(), &login);
    let is_sandbox = arguments.ledger.connect.is_sandbox();
    let (desk, many, post) = arguments.desk(&client, login).await?;
    let Receive { listen, public, resend: resends, ledger, .. } = arguments;
    let receiver = Receiver::new(if many { of_runs } else { whole }, desk.clone(), desk.clone()).with(|settings| {
        settings.private_address = is_sandbox;
        if many {
            (settings.at_once, settings.connections) = (256, 1024);
        }
    });
    let named = |error: std::io::Error| Failure::usage(format!("{listen}: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(named)?;
    let here = listener.local_addr().map_err(named)?;
    let public = match public {
        None if is_sandbox => Some(Url::parse(&format!("http://{here}")).map_err(Failure::work)?),
        public => public,
    };
    if let Some(public) = public {
        let address = receiver.postback_url(&public).map_err(Failure::usage)?;
        say(&format!("asin: `asin {post} FILE --postback {public}` has results come here"));
        if is_new {
            // What is no terminal may be a log that others read; each run has an address of its own.
            let (file, shown) = (token::file(&ledger.state), !many && std::io::stderr().is_terminal());
            let whole = if shown { format!(": the whole address is {}", address.as_str()) } else { String::new() };
            say(&format!("asin: a secret was made, kept in {}{whole}", file.display()));
        }
    }
    let (end, ended) = oneshot::channel::<()>();
    let until = async { drop(ended.await) };
    let mut serving = tokio::spawn(receiver.clone().serve(listener, until));
    let work = async {
        // Counting what many have posted may take a while, in which results are taken in.
        let mut expected = 0;
        desk.pending(&mut |entry| expected += usize::from(is_posted(entry))).await?;
        say(&format!("asin: listening on {here}, {} expected; Ctrl-C stops it", counted(expected, "result")));
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut turn = 0;
        loop {
            tokio::select! {
                served = &mut serving => {
                    let served = served.map_err(Failure::work)?.map_err(Failure::work);
                    return served;
                }
                _ = ticks.tick(), if resends => {
                    again(&*desk, &client, &receiver, turn % LOOK_AGAIN == 0).await;
                    turn = turn.wrapping_add(1);
                }
            }
        }
    };
    let served = unless_stopped(work).await;
    drop(end);
    if !serving.is_finished() {
        say("asin: stopped; what is being delivered is taken in first");
        let _served_or_told = serving.await;
    }
    served?;
    let mut left = 0;
    desk.pending(&mut |_| left += 1).await?;
    let go_on = if many { "`asin run resume` collects them".to_owned() } else { ledger.how_to_collect() };
    say(&format!("asin: {}", words(receiver.counts(), left, &go_on)));
    let counts = receiver.counts();
    Ok(ExitCode::from(u8::from(counts.failed + counts.late + counts.unreadable > 0)))
}

/// Has sent again what arrived and was not stored, and where it `looks` what could not be delivered, too.
async fn again(desk: &dyn Desk, client: &DfsClient, receiver: &Receiver, looks: bool) {
    let asked = async {
        let mut missed: BTreeSet<TaskId> = receiver.take_missed().into_iter().collect();
        if looks {
            let lost = undelivered(client).await?;
            let ours = |entry: &Entry| entry.state.id().filter(|id| is_posted(entry) && lost.contains(id)).cloned();
            desk.pending(&mut |entry| missed.extend(ours(entry))).await?;
        }
        let resent = resend(client, missed).await?;
        let refused = resent.iter().filter_map(|one| Some((&one.id, one.refusal.as_ref()?)));
        refused.for_each(|(id, why)| say(&visible(&format!("asin: {id} is not sent again: {why}"))));
        let count = resent.iter().filter(|one| one.refusal.is_none()).count();
        if count > 0 {
            say(&format!("asin: {} asked for once more", counted(count, "result")));
        }
        Ok::<(), Failure>(())
    };
    if let Err(failure) = asked.await {
        failure.about("what was missed").report();
    }
}

/// Whether a task's result is posted to an address.
fn is_posted(entry: &Entry) -> bool {
    entry.request.summary().posted.is_some()
}

fn words(counts: Counts, pending: usize, go_on: &str) -> String {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let mut text = format!("{} written", counted(number(counts.stored), "result"));
    for (count, what) in [
        (counts.repeated, "came again"),
        (counts.unknown, "of tasks that are not in the ledger, or not of that address"),
        (counts.forged, "without the secret"),
        (counts.unreadable, "could not be read"),
        (counts.late, "not written in time"),
        (counts.failed, "could not be written"),
    ] {
        if count > 0 {
            text += &format!("; {count} {what}");
        }
    }
    if pending > 0 {
        text += &format!("; {} pending: {go_on}, or `asin receive --resend`", counted(pending, "task"));
    }
    text
}
