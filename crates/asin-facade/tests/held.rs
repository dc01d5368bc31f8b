//! What keeps a change from being sent that was decided on a while ago, held against the sandbox's own account.

#![cfg(all(feature = "sync", feature = "rustls"))]

#[path = "support/demo.rs"]
mod demo;

use asin_facade::event::Enrolment;
use asin_facade::publish::{self, Publish};
use asin_facade::sp_listings::{
    ListingsItemPatchRequest, Marketplace, PatchListingsItem, PatchOperation, Submission, new_price, quantity_patch,
};
use asin_facade::sync::{
    Agreed, Catalogue, Change, FromTo, Observation, Options, Outcome, Progress, Report, Services, Spending, Supervisor,
    Sync,
};
use asin_facade::{Currency, Price};
use asin_sandbox::{Market, Sandbox};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// One SKU in two stores at 10.00 with 10 pieces.
struct Shop {
    sandbox: Sandbox,
    state: TempDir,
}

/// Single patches, and feeds.
const BOTH_WAYS: [usize; 2] = [500, 0];

async fn open() -> Shop {
    let listing = |store: &str| {
        json!({
            "seller_id": "A1SELLER", "sku": "S", "marketplace": store, "asin": "B000000001", "price": "10.00", "quantity": 10,
        })
    };
    let market: Market = serde_json::from_value(json!({
        "accounts": [{"name": "shop", "seller_id": "A1SELLER", "region": "eu"}],
        "products": [{"asin": "B000000001"}],
        "listings": [listing("A1PA6795UKMFR9"), listing("A13V1IB3VIYZZH")],
    }))
    .unwrap();
    let sandbox = Sandbox::builder().market(market).speed(100.0).start().await.unwrap();
    Shop { sandbox, state: tempfile::tempdir().unwrap() }
}

/// A change in a store, with this besides.
fn change(line: u64, store: &str, rest: &Value) -> Change {
    let mut change = json!({
        "line": line, "account": "shop", "seller_id": "A1SELLER", "sku": "S", "asin": "B000000001", "marketplace": store,
    });
    change.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    serde_json::from_value(change).unwrap()
}

fn euro(amount: &str) -> Price {
    Price::new(amount.parse().unwrap(), Currency::from_code("EUR").unwrap())
}

fn hours_ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

impl Shop {
    fn sync(&self, edit: impl FnOnce(&mut Options)) -> Sync {
        let mut options = Options::new(self.state.path());
        (options.publish.cadence, options.publish.patience) = (Duration::from_millis(50), Duration::from_secs(30));
        edit(&mut options);
        Sync::new(Services::connect(demo::connection(&self.sandbox)).unwrap(), options)
    }

    fn publish(&self, feed_above: usize, edit: impl FnOnce(&mut publish::Options)) -> Publish {
        let mut options = publish::Options::new(self.state.path());
        (options.cadence, options.patience) = (Duration::from_millis(50), Duration::from_secs(30));
        options.feed_above = feed_above;
        edit(&mut options);
        Publish::new(self.sync(|_| ()).services().sellers.clone(), options)
    }

    /// Somebody else changes something in the first store.
    async fn meddle(&self, patches: Vec<PatchOperation>) {
        let sync = self.sync(|_| ());
        let client = sync.services().seller("shop").unwrap();
        for patch in patches {
            let body = ListingsItemPatchRequest::offer([patch]);
            let (seller, sku) = ("A1SELLER".parse().unwrap(), "S".parse().unwrap());
            let sent = client.call(PatchListingsItem::new(seller, sku, [Marketplace::DE], body)).await;
            assert!(matches!(sent, Ok(Submission::Accepted(_))), "{sent:?}");
        }
        let start = Instant::now();
        while self.sandbox.ledger().writes.iter().any(|write| !write.applied) {
            assert!(start.elapsed() < Duration::from_secs(30), "a write is never applied");
            tokio::task::yield_now().await;
        }
    }

    fn pieces(&self) -> Option<u64> {
        self.sandbox.market().listings[0].quantity
    }
}

/// Says yes after a minute, in which somebody else does this.
struct Slow<'a>(&'a Shop, Vec<PatchOperation>);

#[async_trait]
impl Supervisor for Slow<'_> {
    fn event(&self, _: Progress) {}

    async fn may_pay(&self, _: &Spending) -> bool {
        false
    }

    async fn may_enrol(&self, _: &Enrolment) -> bool {
        false
    }

    async fn may_write(&self, _: &[Change]) -> bool {
        self.0.meddle(self.1.clone()).await;
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
        true
    }
}

fn ended(report: &Report) -> [String; 2] {
    [report.rows[0].price.to_string(), report.rows[0].stock.to_string()]
}

#[tokio::test]
async fn a_stock_is_sent_only_where_the_listing_still_shows_what_it_was_decided_on() {
    let cases = [
        (None, Some(2), ["submitted", "skipped(listing_changed)"]),
        (Some("12.00"), Some(2), ["skipped(listing_changed)", "skipped(listing_changed)"]),
        (Some("12.00"), None, ["skipped(listing_changed)", "submitted"]),
    ];
    for (price, pieces, expected) in cases {
        for feed_above in BOTH_WAYS {
            let shop = open().await;
            let publish = shop.publish(feed_above, |_| ());
            let wanted =
                json!({"price": {"from": euro("10.00"), "to": euro("9.00")}, "quantity": {"from": 10, "to": 5}});
            let plan = publish.plan(vec![change(2, "DE", &wanted)]);
            let price = price.map(|price| new_price("EUR", price.parse().unwrap()));
            let meddle = price.into_iter().chain(pieces.map(|pieces| quantity_patch(pieces, None))).collect();
            let report = publish.run(&plan, &Slow(&shop, meddle)).await.unwrap();
            assert_eq!(ended(&report), expected, "{pieces:?}, {feed_above}");
            shop.meddle(vec![]).await;
            assert_eq!(shop.pieces(), Some(pieces.map_or(5, u64::from)), "{feed_above}");
            shop.sandbox.stop().await;
        }
    }
}

#[tokio::test]
async fn a_stock_does_not_rise_at_a_price_that_somebody_else_has_set_meanwhile() {
    for feed_above in BOTH_WAYS {
        for (price, expected, pieces) in [("1.00", "skipped(price_first)", 10), ("9.00", "submitted", 50)] {
            let shop = open().await;
            let publish = shop.publish(feed_above, |_| ());
            let wanted = json!({"quantity": {"from": 10, "to": 50}, "min_price": "8.00", "max_price": "12.00"});
            let plan = publish.plan(vec![change(2, "DE", &wanted)]);
            let meddle = vec![new_price("EUR", price.parse().unwrap())];
            let report = publish.run(&plan, &Slow(&shop, meddle)).await.unwrap();
            assert_eq!(ended(&report)[1], expected, "at {price}, {feed_above}: {report:?}");
            shop.meddle(vec![]).await;
            assert_eq!(shop.pieces(), Some(pieces), "at {price}, {feed_above}");
            shop.sandbox.stop().await;
        }
    }
}

#[tokio::test]
async fn what_a_later_run_has_written_again_is_not_taken_back_with_an_earlier_one() {
    let shop = open().await;
    let publish = shop.publish(500, |_| ());
    let run = async |from: u32, to: u32| {
        let plan = publish.plan(vec![change(2, "DE", &json!({"quantity": {"from": from, "to": to}}))]);
        let run = publish.run(&plan, &Agreed).await.unwrap().totals.run.unwrap();
        shop.meddle(vec![]).await;
        run
    };
    let first = run(10, 4).await;
    // Three come back, a new count says five, and one of these is sold: four again, and not the first run's.
    shop.meddle(vec![quantity_patch(7, None)]).await;
    let second = run(7, 5).await;
    shop.meddle(vec![quantity_patch(4, None)]).await;
    let undo = publish.undo(&first).unwrap().unwrap();
    assert!(undo.plan.changes.is_empty(), "{undo:?}");
    assert!(undo.left[0].ends_with("a later run has written it, too"), "{:?}", undo.left);
    shop.meddle(vec![quantity_patch(5, None)]).await;
    let back = publish.undo(&second).unwrap().unwrap().plan;
    publish.run(&back, &Agreed).await.unwrap();
    shop.meddle(vec![]).await;
    assert_eq!(publish.undo(&first).unwrap().unwrap().plan.changes.len(), 1, "the later one has been taken back");
    shop.sandbox.stop().await;
}

#[tokio::test]
async fn an_old_stock_keeps_no_price_and_is_as_old_as_its_oldest_row() {
    for feed_above in BOTH_WAYS {
        let shop = open().await;
        let publish = shop.publish(feed_above, |options| options.max_stock_age = Some(Duration::from_secs(3600)));
        let run = async |counted: [Option<Timestamp>; 2], price: &str| {
            let wanted = |at| json!({"price": {"from": null, "to": euro(price)}, "quantity": {"from": 10, "to": 5}, "stock_at": at});
            let changes = vec![change(2, "DE", &wanted(counted[0])), change(3, "FR", &wanted(counted[1]))];
            let mut plan = publish.plan(changes);
            for change in &mut plan.changes {
                let old = shop.sandbox.market().listings[0].price.unwrap();
                change.price.as_mut().unwrap().from = Some(euro(&old.to_string()));
            }
            let report = publish.run(&plan, &Agreed).await.unwrap();
            shop.meddle(vec![]).await;
            ended(&report)
        };
        let (new, old) = (Some(Timestamp::now()), Some(hours_ago(2)));
        for (counted, price) in [([old, old], "9.50"), ([new, old], "9.40"), ([None, new], "9.30")] {
            assert_eq!(run(counted, price).await, ["submitted", "skipped(stock_too_old)"], "{counted:?}, {feed_above}");
        }
        assert_eq!(run([new, new], "9.20").await, ["submitted", "submitted"], "{feed_above}");
        shop.sandbox.stop().await;
    }
}

#[tokio::test]
async fn a_plan_says_how_old_it_may_become_and_is_only_tightened() {
    let shop = open().await;
    let seen = |at: Option<Timestamp>| -> Observation {
        serde_json::from_value(json!({
            "source": "multicart-output", "asin": "B000000001", "marketplace": "DE", "amount": "9.00", "currency": "EUR",
            "at": at,
        }))
        .unwrap()
    };
    let run = async |seen: Observation, here: Option<u64>, planned: u64, made: Timestamp| {
        let publish = shop.publish(500, |options| {
            (options.max_observation_age, options.dry_run) = (here.map(Duration::from_secs), true);
        });
        let wanted = json!({"price": {"from": euro("10.00"), "to": euro("9.00")}, "observed": seen});
        let mut plan = publish.plan(vec![change(2, "DE", &wanted)]);
        (plan.max_observation_age, plan.made) = (planned, made);
        ended(&publish.run(&plan, &Agreed).await.unwrap())[0].clone()
    };
    let (valid, old, now) = ("skipped(dry_run)", "skipped(observation_too_old)", Timestamp::now());
    assert_eq!(run(seen(Some(hours_ago(3))), None, 12 * 3600, now).await, valid, "the plan allows twelve hours");
    assert_eq!(run(seen(Some(hours_ago(3))), Some(3600), 12 * 3600, now).await, old, "and here it is one");
    assert_eq!(run(seen(Some(hours_ago(3))), Some(12 * 3600), 3600, now).await, old, "which nothing makes longer");
    assert_eq!(run(seen(None), None, 7200, now).await, valid);
    assert_eq!(run(seen(None), None, 7200, hours_ago(3)).await, old, "what says no time is as old as the plan");

    let publish = shop.publish(500, |_| ());
    let wanted = json!({"quantity": {"from": 10, "to": 5}, "stock_at": hours_ago(2)});
    let mut plan = publish.plan(vec![change(2, "DE", &wanted)]);
    plan.max_stock_age = Some(3600);
    assert_eq!(ended(&publish.run(&plan, &Agreed).await.unwrap())[1], "skipped(stock_too_old)");
    assert_eq!(shop.pieces(), Some(10));
    shop.sandbox.stop().await;
}

const HEADER: &str = "account,sku,asin,marketplace,postcode,min_price,max_price,quantity,max_handling_days";

#[tokio::test]
async fn a_plan_holds_no_rise_at_a_price_outside_its_bounds_and_more_rows_than_are_sent_at_once() {
    for feed_above in BOTH_WAYS {
        let shop = open().await;
        let sync = shop.sync(|options| {
            let options = &mut options.publish;
            (options.feed_above, options.max_rows_changed, options.dry_run) = (feed_above, 0, true);
            options.max_stock_age = Some(Duration::from_secs(7200));
        });
        let plan = async |french: &str| {
            let text = format!(
                "{HEADER},stock_at\nshop,S,B000000001,DE,10115,,,20,,{now}\nshop,S,B000000001,FR,75001,{french},,,\n",
                now = Timestamp::now()
            );
            let catalogue = Catalogue::read(text.as_bytes(), sync.services().accounts()).unwrap();
            sync.plan(&catalogue, &Agreed).await.unwrap()
        };
        let (report, held) = plan("15,18").await;
        assert_eq!(report.rows[0].stock.to_string(), "skipped(price_first)", "{feed_above}");
        assert_eq!(held.changes, []);

        let (_, rising) = plan("8,18").await;
        assert_eq!(rising.changes.len(), 1, "the brake on rows holds when it is written: {feed_above}");
        assert_eq!(rising.changes[0].quantity, Some(FromTo { from: Some(10), to: 20 }));
        assert_eq!(rising.max_stock_age, Some(7200));
        let strict = shop.publish(feed_above, |options| options.max_rows_changed = 0);
        let report = strict.run(&rising, &Agreed).await.unwrap();
        assert!(matches!(&report.rows[0].stock, Outcome::Skipped(why) if why.code == "too_many_rows"), "{report:?}");
        shop.sandbox.stop().await;
    }
}
