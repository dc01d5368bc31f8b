//! Plans with more changes than single patches are made for, held against the sandbox's own account of what was written.

#![cfg(all(feature = "sync", feature = "rustls"))]

#[path = "support/demo.rs"]
mod demo;

use asin_facade::sp_listings::{ListingsItemPatchRequest, Marketplace, PatchListingsItem, Submission, new_price};
use asin_facade::sync::{Agreed, Catalogue, Change, FromTo, Options, Plan, Report, RunId, Services, Sync};
use asin_facade::{Currency, Price};
use asin_sandbox::{Fault, Ledger, Market, Sandbox};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ROWS: usize = 40;

/// Forty listings at 10.00 with 5 pieces, which a plan wants at 9.00 with 7.
struct Shop {
    sandbox: Sandbox,
    state: TempDir,
    plan: Plan,
}

fn sku(number: usize) -> String {
    format!("S-{number:02}")
}

/// `odd` changes listings by their number.
async fn open(speed: f64, odd: impl Fn(usize, &mut Value)) -> Shop {
    let asin = |number: usize| format!("B0000000{number:02}");
    let listing = |number: usize| {
        let mut listing = json!({
            "seller_id": "A1SELLER", "sku": sku(number), "marketplace": "A1PA6795UKMFR9", "asin": asin(number),
            "price": "10.00", "quantity": 5,
        });
        odd(number, &mut listing);
        listing
    };
    let market = json!({
        "accounts": [{"name": "shop", "seller_id": "A1SELLER", "region": "eu"}],
        "products": (0..ROWS).map(|number| json!({"asin": asin(number)})).collect::<Vec<_>>(),
        "listings": (0..ROWS).map(listing).collect::<Vec<_>>(),
    });
    open_with(speed, market, (0..ROWS).map(|number| change(number, &asin(number))).collect()).await
}

async fn open_with(speed: f64, market: Value, changes: Vec<Change>) -> Shop {
    let market: Market = serde_json::from_value(market).unwrap();
    let sandbox = Sandbox::builder().market(market).speed(speed).start().await.unwrap();
    let state = tempfile::tempdir().unwrap();
    let (_, mut plan) = sync(&sandbox, &state).plan(&Catalogue::default(), &Agreed).await.unwrap();
    plan.changes = changes;
    Shop { sandbox, state, plan }
}

fn change(number: usize, asin: &str) -> Change {
    serde_json::from_value(json!({
        "line": number + 2, "account": "shop", "seller_id": "A1SELLER", "sku": sku(number), "asin": asin, "marketplace": "DE",
        "price": {"from": euro("10.00"), "to": euro("9.00")}, "quantity": {"from": 5, "to": 7},
    }))
    .unwrap()
}

fn sync(sandbox: &Sandbox, state: &TempDir) -> Sync {
    let mut options = Options::new(state.path());
    (options.publish.feed_above, options.publish.feed_sample, options.publish.max_rows_changed) = (10, 4, 100);
    (options.publish.cadence, options.publish.patience) = (Duration::from_millis(50), Duration::from_secs(30));
    Sync::new(Services::connect(demo::connection(sandbox)).unwrap(), options)
}

fn euro(amount: &str) -> Price {
    Price::new(amount.parse().unwrap(), Currency::from_code("EUR").unwrap())
}

impl Shop {
    fn sync(&self) -> Sync {
        sync(&self.sandbox, &self.state)
    }

    fn calls(&self, operation: &str) -> u64 {
        self.sandbox.ledger().calls(operation)
    }

    /// Price and stock of every listing.
    fn shelf(&self) -> BTreeMap<String, (Option<Decimal>, Option<u64>)> {
        let listings = self.sandbox.market().listings.into_iter();
        listings.map(|item| (item.sku, (item.price, item.quantity))).collect()
    }

    async fn until(&self, holds: impl Fn(&Ledger) -> bool) {
        let start = Instant::now();
        while !holds(&self.sandbox.ledger()) {
            assert!(start.elapsed() < Duration::from_secs(30), "it never comes to that");
            tokio::task::yield_now().await;
        }
    }

    /// The feeds whose folders are left.
    fn folders(&self) -> usize {
        std::fs::read_dir(self.state.path().join("feeds")).map_or(0, Iterator::count)
    }
}

/// How price and stock of a row ended.
fn ended(report: &Report, number: usize) -> (String, String) {
    let row = report.rows.iter().find(|row| row.sku == sku(number)).unwrap();
    (row.price.to_string(), row.stock.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_leave_in_one_feed_and_stocks_in_the_next_and_both_can_be_taken_back() {
    // Neither of these is among the rows that are previewed: one is refused in the feed, one is accepted and lost.
    let shop = open(100.0, |number, listing| match number {
        7 => listing["preview"] = json!("INVALID"),
        9 => listing["applies"] = json!("never"),
        _ => {}
    })
    .await;
    let before = shop.shelf();
    let seller = "A1SELLER".parse().unwrap();
    let body = ListingsItemPatchRequest::offer([new_price("EUR", "12.00".parse().unwrap())]);
    let meddle = PatchListingsItem::new(seller, sku(3).parse().unwrap(), [Marketplace::DE], body);
    let sync = shop.sync();
    let client = sync.services().seller("shop").unwrap();
    assert!(matches!(client.call(meddle).await, Ok(Submission::Accepted(_))));
    let (reads, patches) = (shop.calls("getListingsItem"), shop.calls("patchListingsItem"));

    let report = sync.apply(&shop.plan, &Agreed).await.unwrap();
    let submitted = ("submitted".to_owned(), "submitted".to_owned());
    assert_eq!(ended(&report, 0), submitted, "{:?}", report.totals);
    assert_eq!(ended(&report, 3).0, "refused(listing_changed)");
    let (price, stock) = ended(&report, 7);
    assert_eq!((price.as_str(), stock.as_str()), ("refused(invalid)", "skipped(price_first)"));
    assert_eq!(ended(&report, 9), ("submitted".to_owned(), "skipped(price_first)".to_owned()));
    assert_eq!(report.totals.outcomes["submitted"], ROWS - 2, "{:?}", report.totals);
    assert_eq!((shop.calls("createFeed"), shop.folders()), (2, 0));
    assert_eq!(shop.calls("getListingsItem"), reads, "they are read twenty in a call");
    assert_eq!(shop.calls("patchListingsItem") - patches, 4, "a sample is previewed");
    let writes = shop.sandbox.ledger().writes;
    let writes: Vec<&str> = writes[1..].iter().map(|write| write.attributes[0].as_str()).collect();
    let stocks = writes.iter().position(|write| *write != "purchasable_offer").unwrap();
    assert_eq!((stocks, writes.len()), (ROWS - 2, 2 * ROWS - 5), "every price before any stock");
    assert!(writes[stocks..].iter().all(|write| *write == "fulfillment_availability"));
    let row = report.rows.iter().find(|row| row.sku == sku(0)).unwrap();
    assert_eq!(row.submissions.len(), 2, "the ids of both feeds");

    let run = report.totals.run.clone().unwrap();
    assert_eq!(sync.runs().unwrap()[0].writes, 2 * ROWS - 4, "the refused one was sent too");
    assert_eq!(sync.undo(&RunId::from("none")).unwrap(), None);
    let undo = sync.undo(&run).unwrap().unwrap();
    assert_eq!(undo.plan.changes.len(), ROWS - 2, "all but what was never changed");
    let back = sync.apply(&undo.plan, &Agreed).await.unwrap();
    assert_eq!(ended(&back, 0), submitted);
    assert_eq!(shop.calls("createFeed"), 4);
    let mut now = shop.shelf();
    now.insert(sku(3), before[&sku(3)]);
    assert_eq!(now, before);
    shop.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_behind_its_feed_is_taken_up_and_nothing_is_sent_twice() {
    let shop = open(15.0, |number, listing| {
        if number == 7 {
            listing["preview"] = json!("INVALID");
        }
    })
    .await;
    let (killed, plan) = (shop.sync(), shop.plan.clone());
    let killed = tokio::spawn(async move { killed.apply(&plan, &Agreed).await.map(drop) });
    shop.until(|ledger| ledger.calls("getFeed") > 0).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    assert_eq!((shop.calls("createFeed"), shop.folders()), (1, 1));

    let mut options = shop.sync().options().clone();
    options.publish.dry_run = true;
    let dry = Sync::new(Services::connect(demo::connection(&shop.sandbox)).unwrap(), options);
    let report = dry.apply(&shop.plan, &Agreed).await.unwrap();
    let waits = ("not_applied".to_owned(), "skipped(feed_pending)".to_owned());
    assert_eq!(ended(&report, 0), waits, "what may be under way is left alone");
    assert_eq!(shop.calls("createFeed"), 1);

    let feed = std::fs::read_dir(shop.state.path().join("feeds")).unwrap().next().unwrap().unwrap().path();
    let lock = std::fs::File::options().write(true).open(feed.join("lock")).unwrap();
    fs4::FileExt::try_lock(&lock).unwrap();
    let report = shop.sync().apply(&shop.plan, &Agreed).await.unwrap();
    assert_eq!(ended(&report, 0), waits, "nobody knows its end while another process has the folder");
    drop(lock);

    let report = shop.sync().apply(&shop.plan, &Agreed).await.unwrap();
    assert_eq!(ended(&report, 0), ("applied".to_owned(), "submitted".to_owned()), "{:?}", report.totals);
    assert_eq!(shop.folders(), 0);
    let writes = shop.sandbox.ledger().writes;
    let prices = writes.iter().filter(|write| write.attributes == ["purchasable_offer"]);
    assert_eq!(prices.count(), ROWS - 1, "each price once");
    let runs = shop.sync().runs().unwrap();
    assert_eq!(runs.len(), 2, "{runs:?}");
    let undo = shop.sync().undo(&runs[1].run).unwrap().unwrap();
    assert_eq!(undo.plan.changes.len(), ROWS - 1, "the end of the killed run's feed is in its log");
    shop.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_was_never_made_is_not_made_later() {
    let shop = open(100.0, |_, _| {}).await;
    shop.sandbox.fault(Fault::on("PUT", "/sp-documents/*").delay(Duration::from_secs(600)));
    let (killed, plan) = (shop.sync(), shop.plan.clone());
    let killed = tokio::spawn(async move { killed.apply(&plan, &Agreed).await.map(drop) });
    shop.until(|ledger| ledger.calls("createFeedDocument") > 0).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    shop.sandbox.clear_faults();
    let mut plan = shop.plan.clone();
    plan.changes.truncate(5);
    let report = shop.sync().apply(&plan, &Agreed).await.unwrap();
    assert_eq!(report.totals.outcomes["submitted"], 5, "few enough for single patches: {:?}", report.totals);
    assert_eq!((shop.calls("createFeed"), shop.folders()), (0, 0));
    shop.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn if_more_than_a_tenth_of_the_sample_is_refused_nothing_is_sent() {
    let shop = open(100.0, |number, listing| {
        if number % 20 == 0 {
            listing["preview"] = json!("INVALID");
        }
    })
    .await;
    let report = shop.sync().apply(&shop.plan, &Agreed).await.unwrap();
    assert_eq!(ended(&report, 20).0, "refused(preview_invalid)");
    assert_eq!(ended(&report, 9), ("skipped(sample_refused)".to_owned(), "skipped(sample_refused)".to_owned()));
    assert_eq!((shop.calls("createFeed"), shop.sandbox.ledger().writes.len()), (0, 0));
    assert_eq!(report.totals.run, None);
    shop.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_feed_is_not_processed_nothing_else_is_sent_to_its_listings() {
    let shop = open(3.0, |_, _| {}).await;
    let mut plan = shop.plan.clone();
    plan.changes.iter_mut().for_each(|change| change.quantity = Some(FromTo { from: Some(5), to: 3 }));
    let mut options = shop.sync().options().clone();
    options.publish.patience = Duration::ZERO;
    let hasty = Sync::new(Services::connect(demo::connection(&shop.sandbox)).unwrap(), options);
    let report = hasty.apply(&plan, &Agreed).await.unwrap();
    assert_eq!(ended(&report, 0), ("unknown(feed_pending)".to_owned(), "skipped(feed_pending)".to_owned()));
    let few = Plan { changes: plan.changes[..5].to_vec(), ..plan.clone() };
    let report = hasty.apply(&few, &Agreed).await.unwrap();
    assert_eq!(
        ended(&report, 0),
        ("not_applied".to_owned(), "skipped(feed_pending)".to_owned()),
        "nor by single patches"
    );
    assert_eq!((shop.calls("createFeed"), shop.sandbox.ledger().writes.len()), (1, 0));

    let report = shop.sync().apply(&plan, &Agreed).await.unwrap();
    assert_eq!(ended(&report, 0), ("applied".to_owned(), "submitted".to_owned()), "{:?}", report.totals);
    assert_eq!((shop.calls("createFeed"), shop.sandbox.ledger().writes.len()), (2, 2 * ROWS));
    shop.sandbox.stop().await;
}

/// Each of twelve SKUs in two stores of one account, with a stock that both share, and the same SKUs in another account.
#[tokio::test(flavor = "multi_thread")]
async fn feeds_of_several_stores_and_accounts_reach_each_its_own() {
    let places = [
        ("shop", "A1SELLER", "DE", "A1PA6795UKMFR9", "EUR"),
        ("shop", "A1SELLER", "FR", "A13V1IB3VIYZZH", "EUR"),
        ("abroad", "A2SELLER", "US", "ATVPDKIKX0DER", "USD"),
    ];
    let all =
        || places.into_iter().zip(["9.00", "8.00", "7.00"]).flat_map(|place| (0..12).map(move |row| (place, row)));
    let asin = |number: usize| format!("B0000000{number:02}");
    let listing = |((place, _), number): ((_, _), usize)| {
        let (_, seller, _, marketplace, currency): (&str, &str, &str, &str, &str) = place;
        json!({
            "seller_id": seller, "sku": sku(number), "marketplace": marketplace, "asin": asin(number), "price": "10.00",
            "currency": currency, "quantity": 5,
        })
    };
    let change = |((place, new), number): ((_, &str), usize)| -> Change {
        let (account, seller, marketplace, _, currency): (&str, &str, &str, &str, &str) = place;
        let price = |amount: &str| json!({"amount": amount, "currency": currency});
        serde_json::from_value(json!({
            "line": number + 2, "account": account, "seller_id": seller, "sku": sku(number), "asin": asin(number),
            "marketplace": marketplace, "price": {"from": price("10.00"), "to": price(new)},
            "quantity": {"from": 5, "to": 3},
        }))
        .unwrap()
    };
    let market = json!({
        "accounts": [
            {"name": "shop", "seller_id": "A1SELLER", "region": "eu"},
            {"name": "abroad", "seller_id": "A2SELLER", "region": "na"},
        ],
        "products": (0..12).map(|number| json!({"asin": asin(number)})).collect::<Vec<_>>(),
        "listings": all().map(listing).collect::<Vec<_>>(),
    });
    let shop = open_with(100.0, market, all().map(change).collect()).await;
    let report = shop.sync().apply(&shop.plan, &Agreed).await.unwrap();
    assert!(report.rows.iter().all(|row| row.price.to_string() == "submitted"), "{:?}", report.totals);
    // A price feed for each place; the stock of the two stores is one, and goes through one of them.
    assert_eq!((shop.calls("createFeed"), shop.folders()), (5, 0));
    for listing in shop.sandbox.market().listings {
        let ((_, price), _) = all().find(|((place, _), _)| place.3 == listing.marketplace).unwrap();
        assert_eq!((listing.price, listing.quantity), (Some(price.parse().unwrap()), Some(3)), "{listing:?}");
    }
    shop.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_whose_making_had_no_answer_is_found_or_looked_for_and_never_made_again() {
    for done in [true, false] {
        let shop = open(40.0, |_, _| {}).await;
        let create = Fault::on("POST", "/feeds/2021-06-30/feeds").call(1);
        shop.sandbox.fault(if done { create.cut_after_work() } else { create.cut_before_work() });
        let mut options = shop.sync().options().clone();
        options.publish.patience = Duration::from_secs(4);
        let sync = Sync::new(Services::connect(demo::connection(&shop.sandbox)).unwrap(), options);
        let mut plan = shop.plan.clone();
        plan.changes.iter_mut().for_each(|change| change.quantity = None);
        let report = sync.apply(&plan, &Agreed).await.unwrap();
        // A feed was found, whose report names no SKU: that it is ours is likely, not certain.
        let unknown = if done { "unknown(feed)" } else { "unknown(feed_pending)" };
        assert_eq!((ended(&report, 0).0.as_str(), shop.folders()), (unknown, 1));
        // A call that was cut before its work is not counted; one that came after it would be.
        let made = (u64::from(done), if done { ROWS } else { 0 });
        let done_so_far = || (shop.calls("createFeed"), shop.sandbox.ledger().writes.len());
        assert_eq!(done_so_far(), made);
        // Few enough for single patches, which are not sent either while the feed may come.
        let few = Plan { changes: plan.changes[..5].to_vec(), ..plan.clone() };
        let report = sync.apply(&few, &Agreed).await.unwrap();
        let shown = if done { "applied" } else { "not_applied" };
        assert_eq!((ended(&report, 0).0.as_str(), done_so_far()), (shown, made));
        shop.sandbox.stop().await;
    }
}
