use super::*;
use std::fs;
use tempfile::tempdir;

const WORLD: &str = "api.vendor.test";

fn target() -> Target {
    let (seller, sku) = ("A1SELLER".parse().unwrap(), "S".parse().unwrap());
    Target::new(&seller, &sku, "TR".parse().unwrap(), Part::Price)
}

fn sent(value: &str) -> Sent {
    Sent { value: value.into(), at: Timestamp::UNIX_EPOCH, answered: false }
}

fn open(folder: &Path, world: &str) -> SentLog {
    SentLog::open(folder, world).unwrap()
}

#[test]
fn what_was_noted_is_there_for_the_next_process() {
    let folder = tempdir().unwrap();
    open(folder.path(), WORLD).note_sent([(target(), sent("75.5"))]).unwrap();
    let mut log = open(folder.path(), WORLD);
    assert_eq!(log.sent(&target()), Some(&sent("75.5")));
    log.accepted(vec![target()], Timestamp::UNIX_EPOCH).unwrap();
    assert!(log.sent(&target()).is_some_and(|sent| sent.answered && sent.value == "75.5"));
    log.settle([target()]).unwrap();
    log.accepted(vec![target()], Timestamp::UNIX_EPOCH).unwrap();
    drop(log);
    assert_eq!(open(folder.path(), WORLD).sent(&target()), None);
}

#[test]
fn what_was_sent_to_other_hosts_is_another_log_and_a_second_process_is_kept_out() {
    let folder = tempdir().unwrap();
    let mut sandbox = open(folder.path(), "127.0.0.1:4010");
    sandbox.note_sent([(target(), sent("1"))]).unwrap();
    assert_eq!(open(folder.path(), WORLD).sent(&target()), None);
    assert!(matches!(SentLog::open(folder.path(), "127.0.0.1:4010"), Err(StateError::Locked(_))));
}

#[test]
fn a_line_cut_short_by_a_crash_is_left_out_and_a_damaged_one_is_told() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("sent-api.vendor.test.jsonl");
    open(folder.path(), WORLD).note_sent([(target(), sent("1"))]).unwrap();
    let whole = fs::read(&path).unwrap();
    for cut in 1..whole.len() {
        fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
        let mut log = open(folder.path(), WORLD);
        assert_eq!(log.sent(&target()), Some(&sent("1")), "cut at {cut}");
        log.note_sent([(target(), sent("2"))]).unwrap();
        drop(log);
        assert_eq!(open(folder.path(), WORLD).sent(&target()), Some(&sent("2")), "cut at {cut}");
    }
    fs::write(&path, [&whole[..], b"{\"kind\":\"later\"}\n"].concat()).unwrap();
    assert!(matches!(SentLog::open(folder.path(), WORLD), Err(StateError::Damaged { line: 2, .. })));
}

#[test]
fn what_is_settled_is_dropped_in_time_and_the_lock_is_kept() {
    let folder = tempdir().unwrap();
    let mut log = open(folder.path(), WORLD);
    log.note_sent((0..SLACK + 2).map(|number| (target(), sent(&number.to_string())))).unwrap();
    drop(log);
    let log = open(folder.path(), WORLD);
    let text = fs::read_to_string(folder.path().join("sent-api.vendor.test.jsonl")).unwrap();
    assert_eq!((text.lines().count(), log.sent(&target())), (1, Some(&sent(&(SLACK + 1).to_string()))));
    assert!(matches!(SentLog::open(folder.path(), WORLD), Err(StateError::Locked(_))));
}
