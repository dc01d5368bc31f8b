//! A run in two halves: a plan that a person can read, what is written of it, and the way back.

use asin_facade::sync::{Agreed, Catalogue, Options, Plan, Services, Sync};
use examples::{Failure, connection, sandbox};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let services = Services::connect(connection(&sandbox)?)?;
    let rows = "account,sku,asin,marketplace,postcode,min_price,max_price\n\
                europe,SHOES,B07G82D89J,TR,34000,750.00,1200.00\n\
                america,WTR-US-FLOOR,B07G82D89J,US,10001,24.00,35.00\n";
    let catalogue = Catalogue::read(rows.as_bytes(), services.accounts())?;
    let folder = tempfile::tempdir()?; // in earnest: a folder that stays
    let mut options = Options::new(folder.path());
    options.publish.cadence = Duration::from_millis(500); // the sandbox's minutes are seconds
    let sync = Sync::new(services, options);

    // In earnest, whoever reads the plan is the one who agrees.
    let (_, plan) = sync.plan(&catalogue, &Agreed).await?;
    let file = folder.path().join("plan.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&plan)?)?;
    println!("{} changes planned", plan.changes.len());

    let plan = Plan::read(&std::fs::read(&file)?)?;
    let report = sync.apply(&plan, &Agreed).await?;
    for row in &report.rows {
        println!("{}: {}", row.sku, row.outcome);
    }
    let run = report.totals.run.ok_or("nothing was written")?;

    let undo = sync.undo(&run)?.ok_or("no such run")?;
    for row in sync.apply(&undo.plan, &Agreed).await?.rows {
        println!("{} back to {:?}: {}", row.sku, row.new_price.map(|price| price.to_string()), row.outcome);
    }
    Ok(())
}
