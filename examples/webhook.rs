//! Has the results of paid tasks posted to a receiver of one's own. It was down when the first ones came: what it missed is
//! found and sent again for nothing, and each result is stored once.

use asin_sandbox::Sandbox;
use async_trait::async_trait;
use core_http::Asin;
use dataforseo_merchant::{
    Budget, Builder, Collected, Language, Location, MemoryLedger, NewTask, PostbackData, Priority, SellersTask, TaskId,
    TaskResult, Tasks,
    webhook::{Intake, Keep, Receiver, StoreError, Token, resend, undelivered},
};
use examples::Failure;
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::mpsc};

/// A database would insert the result under its tag, do nothing if that is there already, and commit.
struct Database(mpsc::UnboundedSender<String>);

#[async_trait]
impl Keep for Database {
    async fn keep(&self, collected: &Collected) -> Result<(), StoreError> {
        let offers = match &collected.result {
            TaskResult::Sellers(page) => page.offers().count(),
            _ => 0,
        };
        Ok(self.0.send(format!("{}: {offers} offers", collected.entry.label))?)
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = Sandbox::builder().speed(20.0).start().await?;
    let demo = sandbox.demo().dataforseo;
    let client = Builder::new(demo.login, demo.password)
        .base_url(demo.base_url.parse()?) // for the sandbox only
        .build()?;
    let ledger = Arc::new(MemoryLedger::new()); // for the example only: `FileLedger` survives the process
    let tasks = Tasks::new(client.clone(), ledger, Budget::new(Decimal::ONE));

    let (store, mut stored) = mpsc::unbounded_channel();
    let receiver = Receiver::of(Token::random(), Intake::new(tasks.clone(), Database(store)))
        .with(|settings| settings.private_address = true); // for the sandbox only
    // In the sandbox nothing but this machine is ever called; elsewhere this is the address of a proxy that speaks TLS.
    let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let postback = receiver.postback_url(&format!("http://{address}").parse()?)?;

    let products = sandbox.market().products;
    let task = |asin: &str| -> Result<NewTask, Failure> {
        let asin: Asin = asin.parse()?;
        let task = SellersTask::new(asin, Location::code(2840), Language::code("en_US"))
            .priority(Priority::High)
            .postback(postback.clone(), PostbackData::Advanced);
        Ok(NewTask::new(task).label(asin.as_str()))
    };
    let first: Vec<NewTask> = products.iter().take(2).map(|product| task(&product.asin)).collect::<Result<_, _>>()?;
    println!("posted while nobody listens: {}", tasks.post(first).await.len());
    while sandbox.ledger().deliveries.len() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // Now the receiver is up. What it missed is what the vendor could not deliver and our ledger still waits for.
    let listener = TcpListener::bind(address).await?;
    tokio::spawn(receiver.clone().serve(listener, std::future::pending()));
    let lost = undelivered(&client).await?;
    let waiting: Vec<_> = tasks.pending().try_collect().await?;
    let missed: BTreeSet<TaskId> = waiting.iter().filter_map(|entry| entry.state.id().cloned()).collect();
    println!("sent again: {}", resend(&client, missed.intersection(&lost).cloned()).await?.len());
    for _ in 0..2 {
        println!("  {}", stored.recv().await.ok_or("the receiver is gone")?);
    }

    let third = products.last().ok_or("an empty market")?;
    tasks.post(vec![task(&third.asin)?]).await;
    println!("posted to who listens:\n  {}", stored.recv().await.ok_or("the receiver is gone")?);
    println!("{:?}\nspent: {} USD", receiver.counts(), tasks.budget().spent());
    Ok(())
}
