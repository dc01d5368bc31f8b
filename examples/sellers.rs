//! Asks who sells a product for what, as paid tasks. The answer to the POST gets lost and the program ends; the next one finds
//! out what was paid for and collects it, and nothing is paid twice.

use asin_sandbox::Fault;
use dataforseo_merchant::{Language, Location, NewTask, Posted, SellersTask, TaskResult};
use examples::{Failure, sandbox, tasks};
use futures_util::TryStreamExt;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let folder = tempfile::tempdir()?;

    {
        let tasks = tasks(&sandbox, folder.path())?;
        sandbox.fault(Fault::on("POST", "/v3/merchant/amazon/sellers/task_post").call(1).cut_after_work());
        let task = |asin: &str| -> Result<NewTask, Failure> {
            let request = SellersTask::new(asin.parse()?, Location::code(2840), Language::code("en_US"));
            Ok(NewTask::new(request).label(format!("US {asin}")))
        };
        for outcome in tasks.post(vec![task("B0756FCPPN")?, task("B07G82D89J")?]).await {
            match outcome {
                Posted::Created { id, cost, .. } => println!("posted as {id} for {cost} USD"),
                Posted::Unknown { error, .. } => println!("perhaps posted, so not posted again: {error}"),
                other => println!("not posted: {other:?}"),
            }
        }
        println!("{} USD are reserved", tasks.budget().reserved());
    }

    // Another process, later: same folder, same account.
    let tasks = tasks(&sandbox, folder.path())?;
    while !tasks.unsettled().await?.is_empty() {
        let found = tasks.settle().await?;
        println!("settled: {} had been made, {} are open", found.created.len(), found.unknown.len());
    }
    let pending: Vec<_> = tasks.pending().try_collect().await?;
    let mut results = tasks.collect(pending, Duration::from_secs(60));
    while let Some(collected) = results.try_next().await? {
        println!("{}:", collected.entry.label);
        if let TaskResult::Sellers(page) = &collected.result {
            for offer in page.offers() {
                let said = |text: Option<String>| text.unwrap_or_else(|| "not said".to_owned());
                let price = offer.price.map(|price| price.to_string());
                println!(
                    "  {} {}, {}, {}",
                    said(price),
                    said(offer.currency),
                    said(offer.condition),
                    said(offer.seller_name)
                );
            }
        }
        // Only what is stored is acknowledged; until then it can be collected again.
        tasks.acknowledge(&collected.entry.tag).await?;
    }
    let bill = sandbox.ledger();
    println!(
        "billed: {} task(s), {} USD",
        bill.charges.values().map(|charge| charge.times).sum::<u64>(),
        bill.charged_usd
    );
    Ok(())
}
