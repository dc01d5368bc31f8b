use super::*;
use crate::sync::Source;
use std::fs;
use tempfile::tempdir;

const WORLD: &str = "api.vendor.test";

fn place() -> Product {
    Product { asin: "B0756FCPPN".parse().unwrap(), marketplace: "TR".parse().unwrap() }
}

fn target() -> Target {
    Target { seller: "A1SELLER".into(), sku: "S".into(), marketplace: Some(place().marketplace), part: Part::Price }
}

fn sent(value: &str) -> Sent {
    Sent { value: value.into(), at: Timestamp::UNIX_EPOCH, answered: false }
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
    state.note_sent([(target(), sent("75.5"))]).unwrap();
    drop(state);
    let mut state = State::open(folder.path(), WORLD).unwrap();
    assert_eq!(state.sent(&target()), Some(&sent("75.5")));
    assert_eq!(state.family(place(), hours(24 * 30)), Some(&family));
    assert_eq!(state.family(place(), hours(24 * 30 + 1)), None, "30 days");
    state.settle([target()]).unwrap();
    drop(state);
    assert_eq!(State::open(folder.path(), WORLD).unwrap().sent(&target()), None);
}

#[test]
fn what_was_sent_to_other_hosts_is_another_state() {
    let folder = tempdir().unwrap();
    let mut sandbox = State::open(folder.path(), "127.0.0.1:4010").unwrap();
    sandbox.note_sent([(target(), sent("1"))]).unwrap();
    assert_eq!(State::open(folder.path(), WORLD).unwrap().sent(&target()), None);
}

#[test]
fn a_second_process_is_kept_out() {
    let folder = tempdir().unwrap();
    let _first = State::open(folder.path(), WORLD).unwrap();
    assert!(matches!(State::open(folder.path(), WORLD), Err(StateError::Locked(_))));
}

#[test]
fn a_line_cut_short_by_a_crash_is_left_out_and_a_damaged_one_is_told() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("sync-api.vendor.test.jsonl");
    State::open(folder.path(), WORLD).unwrap().note_sent([(target(), sent("1"))]).unwrap();
    let whole = fs::read(&path).unwrap();
    for cut in 1..whole.len() {
        fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
        let mut state = State::open(folder.path(), WORLD).unwrap();
        assert_eq!(state.sent(&target()), Some(&sent("1")), "cut at {cut}");
        state.note_sent([(target(), sent("2"))]).unwrap();
        drop(state);
        assert_eq!(State::open(folder.path(), WORLD).unwrap().sent(&target()), Some(&sent("2")), "cut at {cut}");
    }
    fs::write(&path, [&whole[..], b"{\"kind\":\"later\"}\n"].concat()).unwrap();
    assert!(matches!(State::open(folder.path(), WORLD), Err(StateError::Damaged { line: 2, .. })));
}

#[test]
fn compacting_drops_what_is_old_keeps_what_was_sent_and_keeps_the_lock() {
    let folder = tempdir().unwrap();
    let observation = Observation {
        source: Source::MulticartOutput,
        asin: None,
        marketplace: None,
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
    state.note_sent([(target(), sent("1"))]).unwrap();
    state.compact(hours(24 * 8)).unwrap();
    assert_eq!(state.seen(place(), Timestamp::UNIX_EPOCH, Duration::ZERO), None);
    assert!(matches!(State::open(folder.path(), WORLD), Err(StateError::Locked(_))));
    state.note_sent([(target(), sent("2"))]).unwrap();
    drop(state);
    let text = fs::read_to_string(folder.path().join("sync-api.vendor.test.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert_eq!(State::open(folder.path(), WORLD).unwrap().sent(&target()), Some(&sent("2")));
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
