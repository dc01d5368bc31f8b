//! How many allocations one typed call makes: `bench-count`, the server's line in `BENCH_DEMO`. Prints JSON.
//!
//! A program of its own, because counting takes time.

use benches::{Outcome, call, client, demo};

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
    println!(
        "{{\"allocations\": {:.1}, \"bytes\": {:.0}}}",
        counted.count_total as f64 / number as f64,
        counted.bytes_total as f64 / number as f64
    );
    Ok(())
}
