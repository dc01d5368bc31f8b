//! Plan, apply and undo, held against the sandbox's own account of what was written.

#![cfg(all(feature = "sync", feature = "rustls"))]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/example.rs"]
mod example;

use asin_facade::sp_listings::{
    ListingsItemPatchRequest, Marketplace, PatchListingsItem, Submission, new_price, quantity_patch,
};
use asin_facade::sync::{
    Agreed, Catalogue, Change, FromTo, Options, Plan, PlanError, Report, RunId, Services, Sync, SyncError,
};
use asin_sandbox::Sandbox;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The example's catalogue over the example's market.
struct Shop {
    sandbox: Sandbox,
    sync: Sync,
    catalogue: Catalogue,
    _state: TempDir,
}

/// Price and stock of every listing.
type Shelf = BTreeMap<(String, String), (Option<Decimal>, Option<u64>)>;

impl Shop {
    async fn open() -> Self {
        let (sandbox, services, catalogue) = example::open().await;
        let state = tempfile::tempdir().unwrap();
        let mut options = Options::new(state.path());
        (options.publish.cadence, options.publish.patience) = (Duration::from_millis(100), Duration::from_secs(60));
        Self { sandbox, sync: Sync::new(services, options), catalogue, _state: state }
    }

    fn writes(&self) -> usize {
        self.sandbox.ledger().writes.len()
    }

    fn shelf(&self) -> Shelf {
        let listings = self.sandbox.market().listings.into_iter();
        listings.map(|item| ((item.sku, item.marketplace), (item.price, item.quantity))).collect()
    }

    /// Returns once everything that was accepted can be seen.
    async fn settled(&self) {
        let start = Instant::now();
        while self.sandbox.ledger().writes.iter().any(|write| !write.applied) {
            assert!(start.elapsed() < Duration::from_secs(30), "a write is never applied");
            tokio::task::yield_now().await;
        }
    }

    /// Somebody else changes a price.
    async fn meddle(&self, sku: &str, price: &str) {
        let client = self.sync.services().seller("europe").unwrap();
        let seller = self.sync.services().accounts().get("europe").unwrap().seller_id.clone();
        let body = ListingsItemPatchRequest::offer([new_price("TRY", price.parse().unwrap())]);
        let patch = PatchListingsItem::new(seller, sku.parse().unwrap(), [Marketplace::TR], body);
        assert!(matches!(client.call(patch).await, Ok(Submission::Accepted(_))));
        self.settled().await;
    }
}

fn ended<'a>(report: &'a Report, sku: &str) -> (&'a str, &'a str) {
    let row = report.rows.iter().find(|row| row.sku == sku).unwrap();
    (row.outcome.name(), row.outcome.reason().map_or("", |reason| reason.code))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_written_where_the_listings_are_as_it_found_them_and_can_be_undone() {
    let shop = Shop::open().await;
    let before = shop.shelf();
    let (report, plan) = shop.sync.plan(&shop.catalogue, &Agreed).await.unwrap();
    assert_eq!(shop.writes(), 0, "a plan writes nothing");
    assert_eq!((plan.changes.len(), report.totals.run), (8, None));
    let plan = Plan::read(&serde_json::to_vec(&plan).unwrap()).unwrap();

    shop.meddle("SHOES", "939.90").await;
    let meddled = shop.shelf();
    let report = shop.sync.apply(&plan, &Agreed).await.unwrap();
    assert_eq!(ended(&report, "SHOES"), ("refused", "listing_changed"));
    assert_eq!(ended(&report, "YNG-WTR-3").0, "submitted");
    assert_eq!(report.totals.outcomes["submitted"], 7, "{report:?}");
    assert_eq!(report.totals.usd, Decimal::ZERO, "it observes nothing");
    let run = report.totals.run.unwrap();
    shop.settled().await;
    let applied = shop.shelf();
    assert_ne!(applied, meddled);

    let writes = shop.writes();
    let report = shop.sync.apply(&plan, &Agreed).await.unwrap();
    assert_eq!((shop.writes(), &report.totals.run), (writes, &None), "what is there is not written again");
    assert_eq!(ended(&report, "YNG-WTR-3").0, "applied");

    let runs = shop.sync.runs().unwrap();
    assert_eq!((runs.len(), &runs[0].run), (1, &run));
    assert_eq!(shop.sync.undo(&RunId::from("20000101T000000.000Z")).unwrap(), None);
    let undo = shop.sync.undo(&run).unwrap().unwrap();
    assert_eq!(undo.plan.changes.len(), 7, "{undo:?}");
    assert!(undo.left.iter().all(|left| left.ends_with("it had no days of handling before")), "{:?}", undo.left);
    shop.sync.apply(&undo.plan, &Agreed).await.unwrap();
    shop.settled().await;
    // Where the price rises and the stock with it, the stock comes second; the first run holds it until the price shows.
    shop.sync.apply(&undo.plan, &Agreed).await.unwrap();
    shop.settled().await;
    assert_eq!(shop.shelf(), meddled, "as it was found");
    assert_ne!(before, meddled);
    shop.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_on_its_way_is_not_called_undone_and_a_piece_that_was_sold_keeps_no_price() {
    let shop = Shop::open().await;
    let (_, plan) = shop.sync.plan(&shop.catalogue, &Agreed).await.unwrap();
    let run = shop.sync.apply(&plan, &Agreed).await.unwrap().totals.run.unwrap();
    // The stock of this listing is applied later; the run has waited for its price only.
    let undo = shop.sync.undo(&run).unwrap().unwrap().plan;
    let only = |sku: &str| {
        let changes = undo.changes.iter().filter(|change| change.sku.as_str() == sku).cloned().collect();
        Plan { changes, ..undo.clone() }
    };
    let report = shop.sync.apply(&only("WTR-US-1"), &Agreed).await.unwrap();
    assert_eq!((report.rows[0].price.name(), report.rows[0].stock.name()), ("submitted", "not_applied"), "{report:?}");

    shop.settled().await;
    let client = shop.sync.services().seller("pacific").unwrap();
    let seller = shop.sync.services().accounts().get("pacific").unwrap().seller_id.clone();
    let body = ListingsItemPatchRequest::offer([quantity_patch(11, None)]);
    let sold = PatchListingsItem::new(seller, "ref-001".parse().unwrap(), [Marketplace::AU], body);
    assert!(matches!(client.call(sold).await, Ok(Submission::Accepted(_))));
    shop.settled().await;
    let report = shop.sync.apply(&only("ref-001"), &Agreed).await.unwrap();
    let row = &report.rows[0];
    assert_eq!((row.price.name(), row.stock.reason().unwrap().code), ("submitted", "listing_changed"), "{row:?}");
    shop.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_enrols_nothing() {
    let shop = Shop::open().await;
    let mut options = shop.sync.options().clone();
    options.watch = true;
    options.collection = shop.sandbox.market().collections.first().map(|collection| collection.id.into());
    let sync = Sync::new(Services::connect(demo::connection(&shop.sandbox)).unwrap(), options);
    let (report, _) = sync.plan(&shop.catalogue, &Agreed).await.unwrap();
    let watched: Vec<String> =
        report.rows.iter().filter_map(|row| row.watch.as_ref()).map(ToString::to_string).collect();
    assert!(watched.iter().any(|watch| watch == "skipped(not_enrolled)"), "{watched:?}");
    shop.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_elsewhere_or_of_somebody_else_is_refused_as_a_whole() {
    let shop = Shop::open().await;
    let (_, plan) = shop.sync.plan(&shop.catalogue, &Agreed).await.unwrap();
    let refused = async |plan: &Plan| match shop.sync.apply(plan, &Agreed).await {
        Err(SyncError::Plan(error)) => error,
        other => panic!("{other:?}"),
    };
    let elsewhere = Plan { world: "api.dataforseo.com_amazon".into(), ..plan.clone() };
    assert!(matches!(refused(&elsewhere).await, PlanError::World { .. }));
    let mut stranger = plan.clone();
    stranger.changes[0].seller_id = "A1STRANGER".parse().unwrap();
    assert!(matches!(refused(&stranger).await, PlanError::Account { .. }));
    let mut twice = plan.clone();
    twice.changes.push(plan.changes[0].clone());
    assert!(matches!(refused(&twice).await, PlanError::Twice { .. }));
    let mut torn = plan.clone();
    let change = torn.changes.iter().find(|change| change.quantity.is_some()).unwrap().clone();
    let store = asin_facade::Marketplace::all().find(|store| *store != change.marketplace).unwrap();
    let quantity = change.quantity.map(|pieces| FromTo { to: pieces.to + 1, ..pieces });
    torn.changes.push(Change { marketplace: store, quantity, ..change });
    assert!(matches!(refused(&torn).await, PlanError::Stock { .. }));
    let later = serde_json::to_string(&plan).unwrap().replacen("\"version\":1", "\"version\":2", 1);
    assert!(matches!(Plan::read(later.as_bytes()), Err(PlanError::Version(2))));
    let odd = serde_json::to_string(&plan).unwrap().replacen("\"line\":", "\"lime\":", 1);
    assert!(matches!(Plan::read(odd.as_bytes()), Err(PlanError::Unreadable(_))));

    let mut wild = plan.clone();
    for change in &mut wild.changes {
        if let Some(price) = &mut change.price {
            price.to.amount = Decimal::new(1, 2);
        }
    }
    let report = shop.sync.apply(&wild, &Agreed).await.unwrap();
    let priced = wild.changes.iter().filter(|change| change.price.is_some()).count();
    let refused = report.rows.iter().filter(|row| row.price.reason().is_some_and(|why| why.code == "out_of_bounds"));
    assert_eq!(refused.count(), priced, "no plan passes the bounds of its row");
    assert!(shop.sandbox.ledger().writes.iter().all(|write| write.new.price == write.old.price));
    shop.sandbox.stop().await;
}
