//! Observe: what the market shows of products, from paid `sellers` tasks and from MultiCart's outputs.

#[cfg(feature = "dataforseo-merchant")]
pub(crate) mod offers;
#[cfg(feature = "multicart")]
pub(crate) mod outputs;

#[cfg(feature = "multicart")]
use crate::event::Hears;
#[cfg(feature = "dataforseo-merchant")]
use crate::paid::Question;
use crate::{
    Observation, Product, Unanswered,
    event::{Step, Workflow},
};
#[cfg(feature = "dataforseo-merchant")]
use dataforseo_merchant::{Kind, Tasks};
#[cfg(feature = "multicart")]
use multicart::{CollectionId, McClient};
use std::{collections::BTreeSet, time::Duration};

/// The offers of a product, as one vendor showed them at once.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Observed {
    /// The product.
    pub product: Product,
    /// The offers; none, if the vendor says that there is none.
    pub observations: Vec<Observation>,
}

/// Observes what products are offered for, by the vendors that it is given; without any it ends at once.
///
/// MultiCart's outputs are read first, for free. Of DataForSEO's tasks, what earlier runs left open is settled and collected;
/// what may have been paid for is not posted again. Leave is asked for ([`Pay`](crate::event::About)) before anything is
/// paid, and the budget of the tasks holds. Dropped, it stops; run again with the same ledger, it goes on. With tasks,
/// every product gets an item: its offers, or why there is nothing; an output of it is another one.
///
/// What is observed is what the vendors say: whether a price may follow it, [`Observation::doubts`] tells.
#[derive(Debug, Clone)]
#[must_use = "nothing is observed before it is run"]
pub struct Observe {
    products: BTreeSet<Product>,
    patience: Duration,
    #[cfg(feature = "dataforseo-merchant")]
    tasks: Option<Tasks>,
    #[cfg(feature = "multicart")]
    collections: Vec<(McClient, CollectionId)>,
}

impl Observe {
    /// These products.
    pub fn new(products: impl IntoIterator<Item = impl Into<Product>>) -> Self {
        Self {
            products: products.into_iter().map(Into::into).collect(),
            // DataForSEO's standard queue takes up to 45 minutes.
            patience: Duration::from_secs(50 * 60),
            #[cfg(feature = "dataforseo-merchant")]
            tasks: None,
            #[cfg(feature = "multicart")]
            collections: Vec::new(),
        }
    }

    /// By DataForSEO's paid `sellers` tasks.
    #[cfg(feature = "dataforseo-merchant")]
    #[cfg_attr(docsrs, doc(cfg(feature = "dataforseo-merchant")))]
    pub fn tasks(mut self, tasks: &Tasks) -> Self {
        self.tasks = Some(tasks.clone());
        self
    }

    /// By the newest outputs of a MultiCart collection, beside those that were named before. `Watch` has one for each store and
    /// postcode: `Register::collections` names them.
    #[cfg(feature = "multicart")]
    #[cfg_attr(docsrs, doc(cfg(feature = "multicart")))]
    pub fn collection(mut self, client: &McClient, collection: CollectionId) -> Self {
        self.collections.push((client.clone(), collection));
        self
    }

    /// How long paid results are waited for, 50 minutes by default; what comes later is collected by the next run.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Asks the vendors.
    ///
    /// # Errors
    /// The stream ends with those of the ledger, and with those of reading MultiCart's lists.
    pub fn run(self) -> Workflow<'static, Result<Observed, Unanswered>> {
        Workflow::new(|events| async move {
            #[cfg(feature = "multicart")]
            if !self.collections.is_empty() {
                events.began(Step::Observe, self.products.len());
                let mut outputs = outputs::Outputs::new();
                for (client, collection) in &self.collections {
                    outputs::read(client, *collection, &mut outputs).await?;
                }
                for (done, product) in (1..).zip(&self.products) {
                    let seen = outputs.get(&product.asin).into_iter().flatten();
                    let here = seen.filter(|seen| seen.marketplace.is_none_or(|store| store == product.marketplace));
                    let observations: Vec<Observation> = here.cloned().collect();
                    if !observations.is_empty() {
                        events.item(Ok(Observed { product: *product, observations })).await;
                    }
                    events.advanced(Step::Observe, done);
                }
                events.ended(Step::Observe);
            }
            #[cfg(feature = "dataforseo-merchant")]
            if let Some(tasks) = self.tasks {
                let question = Question {
                    step: Step::Observe,
                    kind: Kind::Sellers,
                    task: Product::sellers_task,
                    read: offers::read,
                };
                question.ask(tasks, &self.products, self.patience, &events).await?;
            }
            Ok(())
        })
    }
}
