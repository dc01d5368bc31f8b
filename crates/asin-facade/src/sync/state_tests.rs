use super::*;
use crate::sync::Source;
use std::fs;
use tempfile::tempdir;

const WORLD: &str = "api.vendor.test";

fn place() -> Product {
    Product { asin: "B0756FCPPN".parse().unwrap(), marketplace: "TR".parse().unwrap() }
}

fn hours(hours: i64) -> Timestamp {
    Timestamp::from_second(hours * 3600).unwrap()
}

#[test]
fn what_was_noted_is_there_for_the_next_process() {
    let folder = tempdir().unwrap();
    let family = Family { parent: None, variants: vec![place().asin], at: Timestamp::UNIX_EPOCH };
    let mut state = State::open(folder.path(), WORLD).unwrap();
    state.keep_family(place(), family.clone()).unwrap();
    drop(state);
    let state = State::open(folder.path(), WORLD).unwrap();
    assert_eq!(state.family(place(), hours(24 * 30)), Some(&family));
    assert_eq!(state.family(place(), hours(24 * 30 + 1)), None, "30 days");
}

#[test]
fn a_second_process_is_kept_out() {
    let folder = tempdir().unwrap();
    let _first = State::open(folder.path(), WORLD).unwrap();
    assert!(matches!(State::open(folder.path(), WORLD), Err(StateError::Locked(_))));
}

#[test]
fn compacting_drops_what_is_old_and_keeps_the_rest_and_the_lock() {
    let folder = tempdir().unwrap();
    let observation = Observation {
        source: Source::MulticartOutput,
        asin: None,
        marketplace: None,
        postcode: None,
        amount: None,
        currency: None,
        condition: None,
        in_stock: None,
        seller_id: None,
        seller: None,
        at: None,
    };
    let mut state = State::open(folder.path(), WORLD).unwrap();
    let seen = Seen { observations: vec![observation], at: Timestamp::UNIX_EPOCH };
    state.keep_seen(place(), seen).unwrap();
    state.keep_family(place(), Family { parent: None, variants: Vec::new(), at: hours(24 * 8) }).unwrap();
    state.compact(hours(24 * 8)).unwrap();
    assert_eq!(state.seen(place(), Timestamp::UNIX_EPOCH, Duration::ZERO), None);
    assert!(matches!(State::open(folder.path(), WORLD), Err(StateError::Locked(_))));
    drop(state);
    let text = fs::read_to_string(folder.path().join("sync-api.vendor.test.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn what_a_wrong_clock_put_into_the_future_does_not_count() {
    let folder = tempdir().unwrap();
    let mut state = State::open(folder.path(), WORLD).unwrap();
    state.keep_seen(place(), Seen { observations: Vec::new(), at: hours(5) }).unwrap();
    let two_hours = Duration::from_secs(7200);
    assert!(state.seen(place(), hours(7), two_hours).is_some());
    assert!(state.seen(place(), hours(5) - CLOCKS, two_hours).is_some(), "clocks differ a little");
    assert!(state.seen(place(), hours(4), two_hours).is_none());
}

#[test]
fn a_file_that_also_says_what_was_sent_is_read() {
    let folder = tempdir().unwrap();
    let mut state = State::open(folder.path(), WORLD).unwrap();
    state.keep_family(place(), Family { parent: None, variants: Vec::new(), at: hours(1) }).unwrap();
    drop(state);
    let file = folder.path().join("sync-api.vendor.test.jsonl");
    let target = r#"{"seller":"A1SELLER","sku":"S","marketplace":"DE","part":"price"}"#;
    let sent = r#"{"value":"9","at":"2026-11-25T10:00:00Z","answered":true}"#;
    let old = format!(
        "{{\"kind\":\"sent\",\"target\":{target},\"sent\":{sent}}}\n{{\"kind\":\"settled\",\"target\":{target}}}\n"
    );
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, old + &text).unwrap();
    assert!(State::open(folder.path(), WORLD).unwrap().family(place(), hours(2)).is_some());
}
