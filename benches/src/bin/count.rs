//! How many allocations one typed call makes: `bench-count`, the server's line in `BENCH_DEMO`. Prints JSON.
//!
//! A program of its own, because counting takes time.

use benches::{Outcome, call, client, demo, raw};

fn main() -> Outcome<()> {
    let demo = demo(&std::env::var("BENCH_DEMO").map_err(|_| "BENCH_DEMO is not set")?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = client(&demo)?;
    let calls = |number: u64| -> Outcome<()> {
        runtime.block_on(async {
            for _ in 0..number {
                client.call(call()?).await?;
            }
            Ok(())
        })
    };
    calls(100)?;
    let number = 1000;
    let mut done = Ok(());
    let counted = allocation_counter::measure(|| done = calls(number));
    done?;
    // What of it is neither ours nor to be helped: reqwest, and the decode of this very answer.
    let target = runtime.block_on(raw::Target::prepare(&demo))?;
    let mut way = runtime.block_on(raw::Way::new("reqwest", &target))?;
    let mut bare = |number: u64| -> Outcome<usize> {
        runtime.block_on(async {
            let mut bytes = 0;
            for _ in 0..number {
                bytes = way.call(&target).await?;
            }
            Ok(bytes)
        })
    };
    let bytes = bare(100)?;
    let mut again = Ok(0);
    let yardstick = allocation_counter::measure(|| again = bare(number));
    again?;
    let each = |count: u64| count as f64 / number as f64;
    let (allocations, of_reqwest) = (each(counted.count_total), each(yardstick.count_total));
    println!("{{\"allocations\": {allocations:.1}, \"of_reqwest_and_decode\": {of_reqwest:.1}, \"answer\": {bytes}}}");
    Ok(())
}
