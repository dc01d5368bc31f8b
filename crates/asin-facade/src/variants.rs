//! Variants: the family of each product, through paid `asin` tasks.

use crate::{
    Asin, Family, Product, Said, Source, Unanswered, Why,
    event::{Step, Workflow},
    paid::Question,
};
use dataforseo_merchant::{Kind, TaskResult, Tasks};
use std::{collections::BTreeSet, time::Duration};

/// Learns the variants of products.
///
/// What earlier runs left open is settled and collected first; what may have been paid for is not posted again. Leave is asked
/// for ([`Pay`](crate::event::About::Pay)) before anything is paid, and the budget of the [`Tasks`] holds. Dropped, it stops; run
/// again with the same ledger, it goes on. Every product gets one item or more: its family, or why there is none.
///
/// ```
/// use asin_facade::{Marketplace, Variants, event::{About, Event}};
/// use futures_util::TryStreamExt;
///
/// async fn print(tasks: &asin_facade::dataforseo_merchant::Tasks) -> Result<(), Box<dyn std::error::Error>> {
///     let mut variants = Variants::new([("B085RFFC9Q".parse()?, "DE".parse::<Marketplace>()?)]).run(tasks);
///     while let Some(event) = variants.try_next().await? {
///         match event {
///             Event::Asks(ask) => match ask.about() {
///                 About::Pay(spending) if spending.asin_tasks < 10 => ask.allow(),
///                 _ => ask.refuse(),
///             },
///             Event::Item(Ok(family)) => println!("{}: {} variants", family.product, family.variants.len()),
///             Event::Item(Err(unanswered)) => println!("{unanswered}"),
///             _ => {}
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is asked for before it is run"]
pub struct Variants {
    products: BTreeSet<Product>,
    patience: Duration,
}

impl Variants {
    /// Of these products.
    pub fn new(products: impl IntoIterator<Item = impl Into<Product>>) -> Self {
        // DataForSEO's standard queue takes up to 45 minutes.
        Self { products: products.into_iter().map(Into::into).collect(), patience: Duration::from_secs(50 * 60) }
    }

    /// How long results are waited for, 50 minutes by default; what comes later is collected by the next run.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Asks through these tasks.
    ///
    /// # Errors
    /// The stream ends with those of the ledger, and of looking up what earlier runs sent.
    pub fn run(self, tasks: &Tasks) -> Workflow<'static, Result<Family, Unanswered>> {
        let tasks = tasks.clone();
        let question = Question { step: Step::Discover, kind: Kind::Asin, task: Product::family_task, read };
        Workflow::new(|events| async move { question.ask(tasks, &self.products, self.patience, &events).await })
    }
}

fn read(product: Product, result: TaskResult) -> Result<Family, Why> {
    match result {
        TaskResult::Asin(result) => {
            let at = result.datetime.as_ref().and_then(dataforseo_merchant::VendorTime::timestamp);
            let said = |value: Asin| Said { value, source: Source::DataforseoAsin, at };
            let family = result.family();
            let variants = family.variants.into_iter().map(said).collect();
            Ok(Family { product, parent: family.parent.map(said), variants })
        }
        TaskResult::Failed(fault) => Err(Why::Failed(fault)),
        TaskResult::Unreadable { error, .. } => Err(Why::Unreadable(error)),
        _ => Ok(Family { product, parent: None, variants: Vec::new() }),
    }
}
