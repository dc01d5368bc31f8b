//! The pieces that every call goes through: `cargo bench -p benches`.

use core_http::{Caller, Operation, RateLimit, TokenBuckets, encode::encode, json};
use criterion::{Criterion, criterion_group, criterion_main};
use sp_listings::{GetListingsItem, Item};
use std::{hint::black_box, time::Duration};

fn hot(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let call = benches::call().expect("the call is well-formed");

    let (buckets, caller) = (TokenBuckets::new(), Caller::new("application", "account"));
    let limits = GetListingsItem::limits(&call);
    for limit in &limits {
        buckets.set(core_http::Limit { quota: core_http::Quota { per_second: 1e9, burst: 1_000_000 }, ..*limit });
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(3600);
    criterion.bench_function("limiter: two buckets, free", |bencher| {
        bencher.iter(|| drop(runtime.block_on(buckets.acquire(&caller, &limits, deadline))));
    });
    criterion.bench_function("request: built from an operation", |bencher| {
        bencher.iter(|| drop(black_box(call.request())));
    });
    criterion.bench_function("path segment: 20 characters", |bencher| {
        bencher.iter(|| encode(black_box("SHOP/ÄÖÜ 41-42 %_.+é")).to_string());
    });
    let answer = br#"{"sku":"BENCH-1","summaries":[{"marketplaceId":"ATVPDKIKX0DER","asin":"B000000001","productType":"LAMP",
        "status":["BUYABLE","DISCOVERABLE"],"itemName":"Lamp","createdDate":"2026-01-01T00:00:00Z","lastUpdatedDate":"2026-01-01T00:00:00Z"}],
        "attributes":{"item_name":[{"value":"Lamp","language_tag":"en_US","marketplace_id":"ATVPDKIKX0DER"}]},"issues":[]}"#;
    criterion.bench_function("decode: a listing", |bencher| {
        bencher.iter(|| json::<Item>(black_box(answer)).map(drop));
    });
    let sellers = benches::sellers_answer(100_000).expect("an answer");
    criterion.bench_function("inspect: 100 KB of sellers", |bencher| {
        bencher.iter(|| drop(dataforseo_merchant::inspect("AmazonSellersTaskGetAdvanced", black_box(&sellers))));
    });
}

criterion_group!(pieces, hot);
criterion_main!(pieces);
