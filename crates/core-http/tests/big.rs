//! An array far larger than the memory that reading it takes. Alone in its process, since it looks at the process.
#![cfg(target_os = "linux")]

#[path = "common/chunks.rs"]
mod chunks;
mod common;

use bytes::Bytes;
use chunks::{Chunks, Step, head};
use common::{client, read};
use core_http::{Streamed, records::Layout};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// 1 GB; less where the code is not optimised.
const RECORDS: usize = if cfg!(debug_assertions) { 64_000 } else { 1_000_000 };

#[derive(Deserialize)]
struct Product {
    number: u64,
}

/// Memory of this process that is in use, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel's own words");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the resident set");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn array() -> Step {
    Box::new(|_| {
        let record = |number: usize| {
            let comma = if number == 0 { "" } else { "," };
            Ok(Bytes::from(format!(r#"{comma}{{"number":{number},"text":"{:a>980}"}}"#, "")))
        };
        let before = stream::iter([Ok(Bytes::from(r#"{"code":200,"data":["#))]);
        let body = before.chain(stream::iter(0..RECORDS).map(record)).chain(stream::iter([Ok("]}".into())]));
        Ok(Streamed { head: head(200, "application/json"), body: body.boxed() })
    })
}

#[tokio::test]
async fn c4_an_array_of_a_gigabyte_is_read_in_16_mib() {
    let client = client(Arc::new(Chunks::new([array()])));
    let client = client.with(|options| options.deadline = Duration::from_secs(3600));
    let mut records = client.records::<_, Product>(read(), Layout::at("data")).await.expect("an answer");
    let before = resident();
    let (mut count, mut most) = (0, before);
    while let Some(record) = records.next().await {
        assert_eq!(record.expect("a good record").number, count);
        count += 1;
        if count % 1000 == 0 {
            most = most.max(resident());
        }
    }
    assert_eq!(count, RECORDS as u64);
    assert!(most - before < 16 << 10, "{} KiB more than before", most - before);
}
