//! The workflows that ask about products, held against the sandbox's own account of what was billed.

#![cfg(all(feature = "sync", feature = "rustls"))]

#[path = "support/demo.rs"]
mod demo;

use asin_facade::dataforseo_merchant::{Budget, Cadence, FileLedger, Tasks};
use asin_facade::event::{About, Event, Workflow};
use asin_facade::multicart::CollectionId;
use asin_facade::sync::Services;
use asin_facade::{Family, Marketplace, Observe, Observed, Product, Source, Unanswered, Variants, Why};
use asin_sandbox::{Fault, Market, Sandbox};
use futures_util::StreamExt;
use rust_decimal::Decimal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

struct Shop {
    sandbox: Sandbox,
    services: Services,
    state: TempDir,
}

impl Shop {
    async fn open() -> Self {
        let market = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/market.json");
        let sandbox = Sandbox::builder().market(Market::read(market).unwrap()).speed(60.0).start().await.unwrap();
        let services = Services::connect(demo::connection(&sandbox)).unwrap();
        Self { sandbox, services, state: tempfile::tempdir().unwrap() }
    }

    /// The paid tasks as one process has them.
    fn tasks(&self, budget: &str) -> Tasks {
        let client = &self.services.dataforseo;
        let ledger = FileLedger::open(self.state.path(), &client.base(), "demo").unwrap();
        let quick = Duration::from_millis(100);
        Tasks::new(client.clone(), Arc::new(ledger), Budget::new(budget.parse().unwrap()))
            .with(|settings| settings.cadence = Some(Cadence { first: quick, longest: quick }))
    }

    /// How many tasks were billed, and none twice.
    fn billed(&self) -> usize {
        let charges = self.sandbox.ledger().charges;
        assert!(charges.values().all(|charge| charge.times == 1), "{charges:?}");
        charges.len()
    }

    async fn billed_something(&self) {
        while self.billed() == 0 {
            tokio::task::yield_now().await;
        }
    }
}

fn product(asin: &str, store: &str) -> Product {
    Product::new(asin.parse().unwrap(), store.parse::<Marketplace>().unwrap())
}

fn shoes() -> [Product; 3] {
    [product("B0756FCPPN", "US"), product("B07G82D89J", "US"), product("B085RFFC9Q", "DE")]
}

type Answers<T> = Workflow<'static, Result<T, Unanswered>>;

/// Everything that a workflow says, with this answer to its questions.
async fn all<T>(mut flow: Answers<T>, allow: bool) -> (Vec<Result<T, Unanswered>>, Vec<Decimal>) {
    let (mut items, mut asked) = (Vec::new(), Vec::new());
    while let Some(event) = flow.next().await {
        match event.unwrap() {
            Event::Item(item) => items.push(item),
            Event::Asks(ask) => {
                let About::Pay(spending) = ask.about() else { panic!("{ask:?}") };
                asked.push(spending.usd);
                if allow {
                    ask.allow();
                }
            }
            _ => {}
        }
    }
    (items, asked)
}

fn families(items: Vec<Result<Family, Unanswered>>) -> Vec<Product> {
    let mut products: Vec<Product> = items.into_iter().map(|item| item.unwrap().product).collect();
    products.sort();
    products
}

fn sorted(products: impl IntoIterator<Item = Product>) -> Vec<Product> {
    let mut products: Vec<Product> = products.into_iter().collect();
    products.sort();
    products
}

#[tokio::test(flavor = "multi_thread")]
async fn families_cost_nothing_without_a_yes_and_say_who_said_what_and_when() {
    let shop = Shop::open().await;
    let (items, asked) = all(Variants::new(shoes()).run(&shop.tasks("1")), false).await;
    assert_eq!((asked.len(), shop.billed()), (1, 0));
    assert!(asked[0] > Decimal::ZERO);
    assert_eq!(items.len(), 3);
    assert!(items.iter().all(|item| matches!(item, Err(Unanswered { why: Why::NotAllowed, .. }))), "{items:?}");

    let (items, _) = all(Variants::new(shoes()).patience(PATIENCE).run(&shop.tasks("1")), true).await;
    assert_eq!(shop.billed(), 3);
    for family in items.iter().map(|item| item.as_ref().unwrap()) {
        assert_eq!(family.variants.len(), 3, "{family:?}");
        assert!(family.variants.iter().all(|said| said.source == Source::DataforseoAsin && said.at.is_some()));
    }
    assert_eq!(families(items), sorted(shoes()));
    shop.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_after_the_post_and_resumed_every_answer_comes_and_is_billed_once() {
    let shop = Shop::open().await;
    let tasks = shop.tasks("1");
    let mut flow = Variants::new(shoes()).patience(PATIENCE).run(&tasks);
    loop {
        tokio::select! {
            event = flow.next() => match event.unwrap().unwrap() {
                Event::Asks(ask) => ask.allow(),
                Event::Item(item) => panic!("{item:?}"),
                _ => {}
            },
            () = shop.billed_something() => break,
        }
    }
    drop(flow);
    let (items, asked) = all(Variants::new(shoes()).patience(PATIENCE).run(&tasks), true).await;
    assert_eq!((families(items), asked.len(), shop.billed()), (sorted(shoes()), 0, 3), "nothing is paid for twice");

    let (items, asked) = all(Variants::new(shoes()).run(&tasks), false).await;
    assert_eq!((items.len(), asked.len()), (3, 1), "what was taken is not collected again");
    shop.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_looked_up_by_the_next_process_and_one_that_was_not_taken_comes_again() {
    let shop = Shop::open().await;
    shop.sandbox.fault(Fault::on("POST", "/v3/merchant/amazon/sellers/task_post").call(1).cut_after_work());
    let (items, _) = all(Observe::new(shoes()).tasks(&shop.tasks("1")).patience(PATIENCE).run(), true).await;
    assert_eq!((items.len(), shop.billed()), (3, 3));
    assert!(items.iter().all(|item| matches!(item, Err(Unanswered { why: Why::Unknown(_), .. }))), "{items:?}");

    let tasks = shop.tasks("1");
    let mut flow = Observe::new(shoes()).tasks(&tasks).patience(PATIENCE).run();
    let first = loop {
        match flow.next().await.unwrap().unwrap() {
            Event::Item(item) => break item.unwrap().product,
            Event::Asks(ask) => panic!("{ask:?}"),
            _ => {}
        }
    };
    drop(flow);
    let (items, asked) = all(Observe::new(shoes()).tasks(&tasks).patience(PATIENCE).run(), true).await;
    let seen: Vec<Observed> = items.into_iter().map(Result::unwrap).collect();
    assert!(seen.iter().any(|seen| seen.product == first), "it was not taken");
    assert_eq!((sorted(seen.iter().map(|seen| seen.product)), asked.len(), shop.billed()), (sorted(shoes()), 0, 3));
    assert!(seen.iter().flat_map(|seen| &seen.observations).all(|offer| offer.source == Source::DataforseoSellers));
    shop.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_holds_and_outputs_are_free() {
    let shop = Shop::open().await;
    let watched = product("B0DJQQ38TG", "AU");
    let observe = Observe::new(shoes().into_iter().chain([watched])).patience(PATIENCE);
    let flow = observe.tasks(&shop.tasks("0.0015")).collection(&shop.services.multicart, CollectionId(101)).run();
    let (items, asked) = all(flow, true).await;
    assert_eq!(asked.len(), 1);
    let (seen, not): (Vec<_>, Vec<_>) = items.into_iter().partition(Result::is_ok);
    assert_eq!(seen.len(), 1 + shop.billed(), "an output, and what the budget reached for");
    assert_eq!(not.len(), 4 - shop.billed());
    assert!(not.iter().all(|item| matches!(item, Err(Unanswered { why: Why::OverBudget(_), .. }))), "{not:?}");
    assert!(shop.sandbox.ledger().charged_usd <= "0.0015".parse().unwrap());
    let output = seen.iter().flatten().flat_map(|seen| &seen.observations).next().unwrap();
    assert_eq!((output.source, output.marketplace), (Source::MulticartOutput, Some(watched.marketplace)));
    shop.sandbox.stop().await;
}
