//! Durable runs, measured: `bench-runs SQLITE-TASKS POSTGRESQL-TASKS POSTBACKS`, as `cargo xtask bench runs` calls it, prints
//! the tables of the guide. It starts its own sandbox, PostgreSQL and processes.

#[path = "../../../crates/asin-runs/tests/it/server.rs"]
mod server;

use asin_runs::{NewRun, Postbacks, Postgres, RunId, Runs, Sqlite, Worker};
use async_trait::async_trait;
use benches::{Outcome, demo, peak};
use core_http::{Caller, Late, Lesson, Limit, Permit, Quota, RateLimit};
use dataforseo_merchant::{
    Builder, Cadence, DfsClient, Language, Location, SellersTask, State, TaskId,
    testing::entry,
    webhook::{Receiver, Token},
};
use futures_util::future::join_all;
use server::Server;
use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::net::TcpListener;

// That of the `asin` command, whose workers and receivers these are.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match words[..] {
        ["work", database, count] => runtime.block_on(work(database, count.parse()?)),
        ["receive", database, count] => runtime.block_on(receive(database, count.parse()?)),
        ["send", address] => runtime.block_on(send(address)),
        ["acquire", database, start] => runtime.block_on(acquire(database, start.parse()?)),
        [sqlite, postgres, postbacks] => tables(sqlite, postgres, postbacks),
        _ => Err("SQLITE-TASKS POSTGRESQL-TASKS POSTBACKS".into()),
    }
}

/// A child of this program, or of the one beside it.
fn child(program: &str, arguments: &[&str]) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name(program));
    command.args(arguments).stdout(Stdio::piped());
    Ok(command)
}

/// What a child prints.
fn said(mut command: Command) -> Outcome<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A sandbox in a process of its own; dropped, it ends.
struct Served(Child, String);

impl Served {
    fn start() -> Outcome<Self> {
        let mut server = child("bench-server", &[])?.stdin(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(server.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self(server, line))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _gone = self.0.wait();
    }
}

fn tables(sqlite: &str, postgres: &str, postbacks: &str) -> Outcome<()> {
    let server = Server::start().ok_or("PostgreSQL is not installed")?;
    println!(
        "| a run, posted and collected | seconds | tasks a second of the worker's processor | peak memory of the worker |"
    );
    println!("| --- | ---: | ---: | ---: |");
    for (name, counts) in [("SQLite", sqlite), ("PostgreSQL", postgres)] {
        for count in counts.split(',') {
            let (folder, sandbox) = (tempfile::tempdir()?, Served::start()?);
            let file = folder.path().join("runs.db").display().to_string();
            let database = if name == "SQLite" { file } else { server.url() };
            let mut worker = child("bench-runs", &["work", &database, count])?;
            worker.env("BENCH_DEMO", &sandbox.1);
            println!("| {count} tasks, {name} | {} |", said(worker)?);
        }
    }
    println!(
        "\n| results taken in, durably | a second | a second of the receiver's processor |\n| --- | ---: | ---: |"
    );
    println!(
        "| PostgreSQL, 256 connections | {} |",
        said(child("bench-runs", &["receive", &server.url(), postbacks])?)?
    );
    println!("\n| processes on one quota of 100 a second, burst 10 | share used | refused | most / least |");
    println!("| ---: | ---: | ---: | ---: |");
    for processes in [1, 2, 4, 8] {
        println!("| {processes} | {} |", quota(&server, processes)?);
    }
    Ok(())
}

/// No limits: what is measured is the work beside them.
#[derive(Debug)]
struct Free;

#[async_trait]
impl RateLimit for Free {
    async fn acquire(&self, _: &Caller, _: &[Limit], _: tokio::time::Instant) -> Result<Permit, Late> {
        Ok(Permit::free())
    }

    fn learn(&self, _: &Caller, _: &Lesson) {}
}

async fn open(database: &str, url: &str) -> Outcome<Arc<dyn Runs>> {
    Ok(if database.starts_with("postgres://") {
        Arc::new(Postgres::connect(database, 8).await?.ledger(url, "login").await?)
    } else {
        Arc::new(Sqlite::open(database).await?.ledger(url, "login").await?)
    })
}

/// Seconds of processor of this process so far, children aside (Linux).
fn processor() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit_once(") ").ok_or("no stat")?.1.split(' ').collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}

async fn filled(store: &dyn Runs, count: u32) -> Outcome<RunId> {
    let name = format!("bench {:?}", SystemTime::now());
    let run = store.begin(&NewRun { name, budget: 1_000_000.into(), lifetime: None }).await?;
    for first in (0..count).step_by(500) {
        let task = |number: u32| {
            let asin = format!("B{number:09}").parse()?;
            Ok(SellersTask::new(asin, Location::code(2840), Language::code("en_US")).into())
        };
        let tasks = (first..count.min(first + 500)).map(task).collect::<Outcome<Vec<_>>>()?;
        store.add(run, first.into(), &tasks).await?;
    }
    store.agree(run, count.into()).await?;
    Ok(run)
}

async fn work(database: &str, count: u32) -> Outcome<()> {
    let demo = demo(&std::env::var("BENCH_DEMO")?)?.dataforseo;
    let client = Builder::new(demo.login, demo.password).base_url(demo.base_url.parse()?).limits(Arc::new(Free));
    let client = client.build()?;
    let store = open(database, &client.base()).await?;
    let run = filled(&*store, count).await?;
    let soon = Cadence { first: Duration::from_millis(100), longest: Duration::from_secs(1) };
    let worker = Worker::new(client, store, run).with(|settings| settings.cadence = Some(soon));
    let (begun, before) = (Instant::now(), processor()?);
    let status = worker.work(Duration::from_secs(86_400)).await?;
    let (wall, own) = (begun.elapsed().as_secs_f64(), processor()? - before);
    if !status.is_done() {
        return Err(format!("{status:?}").into());
    }
    println!("{wall:.0} | {:.0} | {:.0} MB", f64::from(count) / own, peak()? as f64 / 1024.0);
    Ok(())
}

/// Tasks as if they had been posted, so that their results can come.
async fn posted(store: &dyn Runs, count: u32) -> Outcome<(RunId, Vec<(String, String)>)> {
    let run = filled(store, count).await?;
    let (ledger, mut all) = (store.working(run, "bench"), Vec::new());
    loop {
        let claimed = store.claim(run, "bench", 100, Duration::from_secs(600)).await?;
        if claimed.is_empty() {
            return Ok((run, all));
        }
        let entries: Vec<_> = claimed.iter().map(|(number, _)| entry(&format!("{run}/{number}"))).collect();
        ledger.intend(&entries).await?;
        let mut created = Vec::new();
        for ((number, _), entry) in claimed.iter().zip(&entries) {
            let id = format!("11251845-7880-0209-0000-{number:012x}");
            let state = State::Created { id: TaskId::new(&id), cost: entry.reserved };
            created.push((entry.tag.clone(), state));
            all.push((id, entry.tag.to_string()));
        }
        ledger.record(&created).await?;
    }
}

async fn receive(database: &str, count: u32) -> Outcome<()> {
    let url = "https://api.dataforseo.com/";
    let store = open(database, url).await?;
    let client: DfsClient = Builder::new("login", String::from("password")).base_url(url.parse()?).build()?;
    let (run, tasks) = posted(&*store, count).await?;
    let token = Token::random();
    let receiver = Receiver::of(token.clone(), Postbacks::new(client, store)).with(|settings| {
        (settings.at_once, settings.connections, settings.private_address) = (256, 512, true);
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let public = format!("http://{}", listener.local_addr()?).parse()?;
    let address = token.for_part(run.part()).postback_url(&public, true)?;
    let serving = tokio::spawn(receiver.clone().serve(listener, std::future::pending()));
    let mut sender = child("bench-runs", &["send", address.as_str()])?.stdin(Stdio::piped()).spawn()?;
    let mut input = sender.stdin.take().ok_or("no input")?;
    let lines: String = tasks.iter().map(|(id, tag)| format!("{id} {tag}\n")).collect();
    input.write_all(lines.as_bytes())?;
    drop(input);
    let before = processor()?;
    let seconds = tokio::task::spawn_blocking(move || -> Outcome<f64> {
        let mut text = String::new();
        sender.stdout.take().ok_or("no output")?.read_to_string(&mut text)?;
        sender.wait()?;
        Ok(text.trim().parse()?)
    });
    let seconds = seconds.await??;
    let own = processor()? - before;
    serving.abort();
    let counts = receiver.counts();
    if counts.stored != u64::from(count) {
        return Err(format!("{counts:?}").into());
    }
    println!("{:.0} | {:.0}", f64::from(count) / seconds, f64::from(count) / own);
    Ok(())
}

/// Posts a result for each line, over 256 connections that stay open; prints how many seconds that took.
async fn send(address: &str) -> Outcome<()> {
    let result: serde_json::Value =
        serde_json::from_str(include_str!("../../../crates/dataforseo-merchant/tests/fixtures/asin.json"))?;
    let url: url::Url = address.replace("$id", "ID").replace("$tag", "TAG").parse()?;
    let (host, path) = (url.authority().to_owned(), url.path().to_owned());
    let input: String = std::io::read_to_string(std::io::stdin())?;
    let lines: Vec<String> = input.lines().map(str::to_owned).collect();
    let begun = Instant::now();
    let each = lines.len().div_ceil(256);
    let connections = lines.chunks(each).map(|lines| {
        let (host, path, result) = (host.clone(), path.clone(), result.clone());
        async move {
            let stream = tokio::net::TcpStream::connect(&host).await?;
            let io = hyper_util::rt::TokioIo::new(stream);
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
            tokio::spawn(connection);
            for line in lines {
                let (id, tag) = line.split_once(' ').ok_or("a line")?;
                let body = serde_json::json!({"version": "0.1", "status_code": 20000, "tasks": [{
                    "id": id, "status_code": 20000, "cost": 0.0015,
                    "data": {"api": "merchant", "function": "asin", "tag": tag}, "result": [result]}]});
                let request = http::Request::post(format!("{path}?id={id}&tag={tag}"))
                    .header("host", &host)
                    .body(http_body_util::Full::new(bytes::Bytes::from(body.to_string())))?;
                sender.ready().await?;
                let answer = sender.send_request(request).await?;
                if !answer.status().is_success() {
                    return Err(format!("{}", answer.status()).into());
                }
                http_body_util::BodyExt::collect(answer.into_body()).await?;
            }
            Ok(())
        }
    });
    join_all(connections).await.into_iter().collect::<Outcome<Vec<()>>>()?;
    println!("{}", begun.elapsed().as_secs_f64());
    Ok(())
}

/// What the vendor's bucket holds; of ours only half the burst is used, as of every documented quota.
const RATE: f64 = 100.0;
const BURST: u32 = 10;
const LENGTH: Duration = Duration::from_secs(10);

fn now() -> Outcome<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_micros())?)
}

/// One process of many: 16 callers, each of whose turns is printed with its moment, in microseconds since 1970.
async fn acquire(database: &str, start: u64) -> Outcome<()> {
    let limits = Postgres::connect(database, 8).await?.limits(8);
    let limit = Limit::account("bench", Quota::documented(RATE, BURST));
    let caller = Caller::new("application", start.to_string());
    tokio::time::sleep(Duration::from_micros(start.saturating_sub(now()?))).await;
    let end = tokio::time::Instant::now() + LENGTH;
    let callers = (0..16).map(|_| async {
        let mut turns = Vec::new();
        while let Ok(_permit) = limits.acquire(&caller, &[limit], end).await {
            turns.push(now()?);
        }
        Ok(turns)
    });
    for turn in join_all(callers).await.into_iter().collect::<Outcome<Vec<_>>>()?.concat() {
        println!("{turn}");
    }
    Ok(())
}

fn quota(server: &Server, processes: usize) -> Outcome<String> {
    let start = now()? + 3_000_000;
    let url = server.url();
    let mut children = Vec::new();
    for _ in 0..processes {
        children.push(child("bench-runs", &["acquire", &url, &start.to_string()])?.spawn()?);
    }
    let (mut turns, mut each) = (Vec::new(), Vec::new());
    for child in children {
        let text = String::from_utf8(child.wait_with_output()?.stdout)?;
        let own = text.lines().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        each.push(own.len());
        turns.extend(own);
    }
    turns.sort_unstable();
    let (mut tokens, mut at, mut refused) = (f64::from(BURST), start, 0);
    for turn in &turns {
        tokens = (tokens + turn.saturating_sub(at) as f64 / 1e6 * RATE).min(f64::from(BURST));
        at = *turn;
        if tokens >= 1.0 { tokens -= 1.0 } else { refused += 1 }
    }
    let used = (turns.len() - refused) as f64 / (f64::from(BURST) + RATE * LENGTH.as_secs_f64());
    let (most, least) = (each.iter().max().unwrap_or(&0), each.iter().min().unwrap_or(&0));
    Ok(format!("{used:.3} | {refused} | {:.2}", *most as f64 / *least as f64))
}
