//! One measurement in a fresh process: `bench-client WHAT NUMBER AT-ONCE`, the server's line in `BENCH_DEMO`. Prints JSON.

use benches::{Outcome, call, client, cpu, demo, limiter, peak, raw, sellers_answer};
use bytes::Bytes;
use core_http::{
    Client, Fault, Limits, Operation, Request, Response, Safety, Transport, TransportError, Vendor, auth::ApiKey,
    records::Layout,
};
use dataforseo_merchant::{DataForSeo, SellersTaskGet, TaskId};
use futures_util::future::join_all;
use multicart::{AwaitRun, CollectionId, Fields, ListRuns, McClient, runs};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, number, at_once] = arguments.as_slice() else { return Err("WHAT NUMBER AT-ONCE".into()) };
    let (number, at_once): (usize, usize) = (number.parse()?, at_once.parse()?);
    let paused = what == "limiter-paused";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build()?;
    let said = runtime.block_on(measure(what, number, at_once))?;
    println!("{said}");
    Ok(())
}

async fn measure(what: &str, number: usize, at_once: usize) -> Outcome<Value> {
    match what {
        "ours" => ours(number, at_once).await,
        "waiters" => waiters(number).await,
        "records" => records(number).await,
        "decode" => decode(number).await,
        "decode-bare" => decode_bare(number),
        "limiter" | "limiter-paused" => {
            let used = limiter::run(number as f64, 10, at_once, Duration::from_secs(10)).await?;
            Ok(json!({"accepted": used.accepted, "rejected": used.rejected, "utilisation": used.utilisation}))
        }
        way => yardstick(way, number, at_once).await,
    }
}

fn reached() -> Outcome<asin_sandbox::Demo> {
    demo(&std::env::var("BENCH_DEMO").map_err(|_| "BENCH_DEMO is not set")?)
}

/// Processor and wall time for one call.
fn told(calls: usize, cpu_before: u64, start: Instant) -> Outcome<Value> {
    let (cpu, wall) = ((cpu()? - cpu_before) as f64, start.elapsed().as_secs_f64());
    Ok(json!({"cpu_us": cpu / calls as f64 / 1000.0, "per_second": calls as f64 / wall, "peak_kb": peak()?}))
}

async fn ours(number: usize, at_once: usize) -> Outcome<Value> {
    let client = client(&reached()?)?;
    client.call(call()?).await?;
    let (before, start, each) = (cpu()?, Instant::now(), number.div_ceil(at_once));
    let worker = async || -> Outcome<()> {
        for _ in 0..each {
            client.call(call()?).await?;
        }
        Ok(())
    };
    join_all((0..at_once).map(|_| worker())).await.into_iter().collect::<Outcome<Vec<()>>>()?;
    told(each * at_once, before, start)
}

async fn yardstick(way: &str, number: usize, at_once: usize) -> Outcome<Value> {
    let target = raw::Target::prepare(&reached()?).await?;
    let mut ways = Vec::new();
    for _ in 0..at_once {
        // A pool is shared, as its users share it.
        ways.push(match ways.first() {
            Some(raw::Way::HyperUtil(pool)) => raw::Way::HyperUtil(pool.clone()),
            Some(raw::Way::Reqwest(pool)) => raw::Way::Reqwest(pool.clone()),
            _ => raw::Way::new(way, &target).await?,
        });
    }
    ways[0].call(&target).await?;
    let (before, start, each) = (cpu()?, Instant::now(), number.div_ceil(at_once));
    let target = &target;
    let worker = async |mut way: raw::Way| -> Outcome<()> {
        for _ in 0..each {
            way.call(target).await?;
        }
        Ok(())
    };
    join_all(ways.into_iter().map(worker)).await.into_iter().collect::<Outcome<Vec<()>>>()?;
    told(each * at_once, before, start)
}

/// So many callers at once, none of whom has a token.
async fn waiters(number: usize) -> Outcome<Value> {
    let (demo, before) = (reached()?, cpu()?);
    let (client, start) = (client(&demo)?, Instant::now());
    let called = join_all((0..number).map(|_| async { Outcome::Ok(client.call(call()?).await?) })).await;
    called.into_iter().collect::<Outcome<Vec<_>>>()?;
    told(number, before, start)
}

/// A vendor who wraps nothing around its answers.
#[derive(Debug)]
enum Plain {}

impl Vendor for Plain {
    const NAME: &'static str = "plain";
    type Envelope<W: DeserializeOwned> = W;
    fn unwrap<W: DeserializeOwned>(envelope: W) -> Result<W, Fault> {
        Ok(envelope)
    }
    fn refusal(_: &Response) -> Option<Fault> {
        None
    }
}

/// A file of rows.
#[derive(Debug)]
struct File(String);

/// What is wanted of a row.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    asin: String,
}

impl Operation for File {
    type Vendor = Plain;
    type Wire = Value;
    type Output = Value;
    const NAME: &'static str = "file";
    fn safety(&self) -> Safety {
        Safety::ReadOnly
    }
    fn limits(&self) -> Limits {
        Limits::new()
    }
    fn time_out(&self) -> Duration {
        Duration::from_secs(600)
    }
    fn request(&self) -> core_http::Result<Request> {
        let request = http::Request::get(&self.0).body(Bytes::new());
        request.map_err(|error| core_http::Error::new(core_http::ErrorKind::Request, error))
    }
    fn output(&self, wire: Value) -> core_http::Result<Value> {
        Ok(wire)
    }
}

/// Streams a file of so many rows of a kilobyte, record by record.
async fn records(rows: usize) -> Outcome<Value> {
    let demo = reached()?;
    let client: McClient =
        multicart::Builder::new(demo.multicart.api_key.clone()).base_url(demo.multicart.base_url.parse()?).build()?;
    let client = client.with(|options| options.deadline = Duration::from_secs(600));
    let history = || ListRuns::new(Fields::naming("collection_id", CollectionId(101)));
    let known = runs::runner_ids(&client, history()).await?;
    let started = runs::start(&client, CollectionId(101), history()).await?;
    if !matches!(started, runs::Started::Accepted { .. }) {
        return Err(format!("{started:?}").into());
    }
    let after = runs::runner_ids(&client, history()).await?;
    let runner = after.difference(&known).next().ok_or("no run was made")?.clone();
    let pace = Duration::from_millis(50);
    let waited = client.wait(AwaitRun::new(runner, history()), pace, Duration::from_secs(30)).await?;
    let run = waited.done().ok_or("the run does not end")?;
    let link = run.links().first().and_then(|link| link.strip_prefix("/api/v1")).ok_or("no file")?.to_owned();
    // A file has no envelope, so it is read as that of a vendor who wraps nothing.
    let key = ApiKey::new("x-api-key".parse()?, "", &demo.multicart.api_key.clone().into())?;
    let base = demo.multicart.base_url.parse()?;
    let plain = Client::<Plain>::builder(base, core_http::built_in()?).authorize(Arc::new(key)).build()?;
    let plain = plain.with(|options| options.deadline = Duration::from_secs(600));
    let (before, start) = (cpu()?, Instant::now());
    let mut stream = plain.records::<_, Row>(File(format!("{link}?rows={rows}")), Layout::top_level()).await?;
    let mut seen = 0;
    while let Some(record) = stream.next().await {
        seen += usize::from(!record?.asin.is_empty());
    }
    if seen != rows {
        return Err(format!("{seen} records of {rows}").into());
    }
    told(seen, before, start)
}

#[derive(Debug)]
struct Always(Bytes);

#[async_trait::async_trait]
impl Transport for Always {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        Ok(Response::new(self.0.clone()))
    }
}

fn task() -> TaskId {
    TaskId::new("04171455-0696-0192-0000-4c69cc29b945")
}

/// Decodes an answer of so many bytes, seven times, through a client: the median in MB a second.
async fn decode(bytes: usize) -> Outcome<Value> {
    let body = Bytes::from(sellers_answer(bytes)?);
    let length = body.len();
    let client = dataforseo_merchant::Builder::new("l", "p").transport(Arc::new(Always(body))).build()?;
    let mut times = Vec::new();
    for _ in 0..7 {
        let before = cpu()?;
        let value = client.call(SellersTaskGet::new(task())).await?;
        times.push(cpu()? - before);
        drop(value);
    }
    Ok(json!({"megabytes_per_second": speed(length, times)}))
}

fn decode_bare(bytes: usize) -> Outcome<Value> {
    type Envelope = <DataForSeo as Vendor>::Envelope<<SellersTaskGet as Operation>::Wire>;
    let body = sellers_answer(bytes)?;
    let mut times = Vec::new();
    for _ in 0..7 {
        let before = cpu()?;
        let value: Envelope = serde_json::from_slice(&body)?;
        times.push(cpu()? - before);
        drop(value);
    }
    Ok(json!({"megabytes_per_second": speed(body.len(), times)}))
}

fn speed(bytes: usize, mut nanoseconds: Vec<u64>) -> f64 {
    nanoseconds.sort_unstable();
    bytes as f64 * 1000.0 / nanoseconds[nanoseconds.len() / 2] as f64
}
