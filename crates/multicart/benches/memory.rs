//! How much memory it takes to stream one gigabyte into a file: `cargo bench -p multicart --bench memory`.
//!
//! A server on loopback in this process sends an output of a gigabyte in the vendor's envelope and the file of a run of
//! the same size. The peak of the process (`VmHWM` of Linux) is printed, and how much of it is more than before.

use multicart::{Builder, CollectionId, GetFile, OutputId, RunnerId, outputs};
use std::{
    io::{Read, Result, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

const GIGABYTE: usize = 1 << 30;
const BEGIN: &[u8] = br#"{"code":200,"data":{"id":88,"output_json":["#;
const END: &[u8] = br#"null]},"status":1}"#;
const ROW: &[u8] = br#"{"asin":"B0DJQQ38TG","title":"Example Product","price":"$49.99","availability":"In"},"#;

/// Answers every request with the same gigabyte, in pieces of rows.
fn serve(listener: &TcpListener) {
    let piece: Vec<u8> = ROW.repeat(512);
    for stream in listener.incoming().flatten() {
        // A client that leaves is no concern of the measurement.
        let _left = answer(stream, &piece);
    }
}

fn answer(mut stream: TcpStream, piece: &[u8]) -> Result<()> {
    let mut head = [0; 4096];
    let _request = stream.read(&mut head)?;
    let pieces = GIGABYTE / piece.len();
    let length = BEGIN.len() + pieces * piece.len() + END.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )?;
    stream.write_all(BEGIN)?;
    for _ in 0..pieces {
        stream.write_all(piece)?;
    }
    stream.write_all(END)
}

/// The peak memory of this process so far, in kilobytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn told(what: &str, bytes: u64, start: Instant, before: u64) {
    let (peak, seconds) = (peak(), start.elapsed().as_secs_f64());
    let megabytes = |kilobytes: u64| kilobytes as f64 / 1024.0;
    println!(
        "{what}: {bytes} bytes in {seconds:.1} s, peak {:.1} MB, {:.1} MB more than before",
        megabytes(peak),
        megabytes(peak.saturating_sub(before))
    );
}

async fn measure(base: url::Url, folder: &Path) -> core_http::Result<()> {
    let client = Builder::new("prefix.secret").base_url(base).build()?;
    let client = client.with(|options| options.deadline = Duration::from_secs(600));
    let (start, before) = (Instant::now(), peak());
    let saved = outputs::save(&client, OutputId(88), folder.join("output.json")).await?;
    told("output", saved.bytes, start, before);
    let start = Instant::now();
    let file = GetFile::new(CollectionId(101), RunnerId::new(7), "page.json");
    let saved = client.download(file, folder.join("page.json")).await?;
    told("file of a run", saved.bytes, start, before);
    Ok(())
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let base = format!("http://{}/api/v1", listener.local_addr()?).parse()?;
    std::thread::spawn(move || serve(&listener));
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure(base, folder.path()))?;
    Ok(())
}
