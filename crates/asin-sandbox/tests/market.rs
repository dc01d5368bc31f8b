//! Market files and generated worlds.

mod support;

use std::collections::BTreeSet;

use asin_sandbox::{Market, MarketError, Region, Sandbox, StartError, Verdict};
use proptest::prelude::*;
use serde_json::json;
use support::{US, market, world};

fn read(text: &str) -> Result<Market, MarketError> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("a written file");
    Market::read(file.path())
}

#[test]
fn an_unknown_key_is_named() {
    for text in [r#"{"prodcts": []}"#, r#"{"products": [{"asin": "B0", "prize": 1}]}"#, r#"{"balances": {"euros": 1}}"#]
    {
        let error = read(text).expect_err("an error").to_string();
        assert!(["`prodcts`", "`prize`", "`euros`"].iter().any(|key| error.contains(key)), "{error}");
    }
}

#[test]
fn contradictions_are_refused() {
    let listing = |sku: &str, marketplace: &str| json!({"seller_id": "S", "sku": sku, "asin": "B0CHILD001", "marketplace": marketplace});
    for world in [
        json!({"listings": [listing("A", "NOWHERE")]}),
        json!({"listings": [listing("A", US), listing("A", US)]}),
        json!({"listings": [listing("", US)]}),
        json!({"products": [{"title": "no asin"}]}),
        json!({"products": [{"asin": "B0", "offers": [{"marketplace": "NOWHERE"}]}]}),
        json!({"domains": [{"id": 1, "domain": "amazon.com"}], "postcodes": [{"id": 1, "domain": 2}]}),
        json!({"collections": [{"id": 1, "items": [{"asin": "B0", "domain": 1, "postcode": 1}]}]}),
    ] {
        assert!(matches!(read(&world.to_string()), Err(MarketError::Contradiction(_))), "{world}");
    }
    assert!(matches!(Market::read("/nowhere/market.json"), Err(MarketError::Read { .. })));
}

#[test]
fn what_is_left_out_is_completed() {
    let market = read(
        &json!({"listings": [{"seller_id": "S", "sku": "A", "asin": "B0CHILD001", "marketplace": US}]}).to_string(),
    )
    .expect("a market");
    assert_eq!((market.accounts[0].name.as_str(), market.accounts[0].region), ("S", Region::Na));
    assert_eq!(market.domains.len(), 23);
    assert_eq!(market.balances.multicart_credits, 500);
}

#[tokio::test]
async fn an_impossible_start_is_an_error() {
    assert!(matches!(Sandbox::builder().speed(0.0).start().await, Err(StartError::Speed(_))));
    let taken = Sandbox::start().await.expect("a sandbox");
    let port = taken.url().port().expect("a port");
    assert!(matches!(Sandbox::builder().port(port).start().await, Err(StartError::Port { .. })));
}

#[tokio::test]
async fn the_state_is_a_market_to_start_from() {
    let sandbox = Sandbox::builder().market(market(world())).start().await.expect("a sandbox");
    let state = sandbox.market();
    let again = Sandbox::builder().market(state.clone()).start().await.expect("a sandbox");
    assert_eq!(again.market(), state);
}

#[test]
fn generated_worlds_hold_every_part() {
    let mut verdicts = BTreeSet::new();
    for seed in 0..20 {
        let market = Market::generate(seed);
        assert_eq!(market.accounts.iter().map(|account| account.region).collect::<BTreeSet<_>>().len(), 3);
        assert!(market.products.iter().any(|product| product.parent.is_some()));
        assert!(!market.collections[0].outputs.is_empty());
        let own: BTreeSet<&String> = market.accounts.iter().map(|account| &account.seller_id).collect();
        assert!(market.products.iter().flat_map(|product| &product.offers).any(|offer| own.contains(&offer.seller_id)));
        for listing in &market.listings {
            verdicts.insert((listing.preview == Verdict::Invalid, listing.channel == "DEFAULT"));
        }
    }
    assert_eq!(verdicts.len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_generated_world_is_possible_and_the_same_for_its_seed(seed: u64) {
        let market = Market::generate(seed);
        prop_assert_eq!(&market, &Market::generate(seed));
        let text = serde_json::to_string(&market).expect("JSON");
        prop_assert_eq!(read(&text).expect("a possible world"), market);
    }
}
