use super::*;
use crate::{
    AsinTask, GoogleProduct, GoogleProductInfoTask, GoogleSellersTask, Language, Location, Order, Stage, TaskId,
    TaskRequest,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

const URL: &str = "https://api.dataforseo.com";

fn open(dir: &Path) -> Result<FileLedger, LedgerError> {
    FileLedger::open(dir, URL, "login")
}

fn entry(label: &str) -> Entry {
    let task = AsinTask::new("B0EXAMPLE1".parse().unwrap(), Location::code(2840), Language::code("en_US"));
    Entry {
        tag: Tag::unique(),
        request: TaskRequest::Asin(task),
        label: label.to_owned(),
        reserved: Decimal::new(15, 4),
        sent: "2026-10-05T10:20:00.5Z".parse().unwrap(),
        vendor_sent: "2026-10-05T10:20:01Z".parse().ok(),
        not_after: "2026-10-05T10:21:00.5Z".parse().unwrap(),
        live: false,
        state: State::Intended,
    }
}

fn created() -> State {
    State::Created { id: TaskId::new("10051020-2523-0209-0000-64b1acabfbeb"), cost: Decimal::new(15, 4) }
}

async fn labels(ledger: &FileLedger) -> Vec<(String, bool)> {
    let stages = [Stage::Intended, Stage::Unknown, Stage::Created];
    let unfinished =
        ledger.page(Page { stages: &stages, order: Order::OldestFirst, after: None, limit: 1000 }).await.unwrap();
    unfinished.into_iter().map(|entry| (entry.label, entry.state == created())).collect()
}

fn pair(label: &str, created: bool) -> (String, bool) {
    (label.to_owned(), created)
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).unwrap();
    let new = dir.path().join("new");
    lock(&ledger.shared).write_anew(&new).unwrap();
    for file in [ledger.path(), &new] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_the_process_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let [one, two, three] = ["one", "two", "three"].map(entry);
    let ledger = open(dir.path()).unwrap();
    ledger.intend(&[one.clone(), two.clone(), three.clone()]).await.unwrap();
    ledger.record(&[(two.tag.clone(), created()), (three.tag.clone(), State::Absent)]).await.unwrap();
    drop(ledger);

    let ledger = open(dir.path()).unwrap();
    assert_eq!(ledger.entry(&one.tag).await.unwrap(), Some(one.clone()));
    assert_eq!(labels(&ledger).await, [pair("one", false), pair("two", true)]);
    let known =
        ledger.page(Page { stages: &Stage::KNOWN, order: Order::NewestFirst, after: None, limit: 10 }).await.unwrap();
    assert_eq!(known.iter().map(|entry| entry.label.as_str()).collect::<Vec<_>>(), ["two"]);
}

#[tokio::test]
async fn what_is_certain_is_never_replaced_by_what_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let one = entry("one");
    let ledger = open(dir.path()).unwrap();
    ledger.intend(std::slice::from_ref(&one)).await.unwrap();
    ledger.record(&[(one.tag.clone(), created())]).await.unwrap();
    let length = fs::metadata(ledger.path()).unwrap().len();
    for late in [State::Absent, State::Unknown { reason: "late".into(), at: one.sent }, State::Intended, created()] {
        ledger.record(&[(one.tag.clone(), late)]).await.unwrap();
    }
    ledger.record(&[(Tag::unique(), created())]).await.unwrap();
    assert_eq!(fs::metadata(ledger.path()).unwrap().len(), length, "nothing new, nothing written");
    assert_eq!(labels(&ledger).await, [pair("one", true)]);
}

#[test]
fn k4_a_second_process_is_refused_until_the_first_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let error = open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("another process has it open") && error.contains("jsonl"), "{error}");
    FileLedger::open(dir.path(), URL, "other").expect("another account has another file");
    FileLedger::open(dir.path(), "http://127.0.0.1:8000", "login").expect("another service has another file");
    drop(first);
    let name = format!("dataforseo-api.dataforseo.com-{}.jsonl", hash([URL, "login"]));
    assert_eq!(open(dir.path()).unwrap().path(), dir.path().join(name));
}

/// The process can die at any byte of any write.
#[tokio::test]
async fn k1_a_file_cut_at_any_byte_opens_with_every_batch_before_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let [one, two] = ["öne", "two"].map(entry);
    let ledger = open(dir.path()).unwrap();
    ledger.intend(std::slice::from_ref(&one)).await.unwrap();
    ledger.record(&[(one.tag.clone(), created())]).await.unwrap();
    ledger.intend(std::slice::from_ref(&two)).await.unwrap();
    let (path, bytes) = (ledger.path().to_owned(), fs::read(ledger.path()).unwrap());
    drop(ledger);
    let ends: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').map(|at| at + 1).collect();
    assert_eq!(ends.len(), 4);
    for cut in 0..=bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let expected = match ends.iter().filter(|end| **end <= cut).count() {
            0 | 1 => vec![],
            2 => vec![pair("öne", false)],
            3 => vec![pair("öne", true)],
            _ => vec![pair("öne", true), pair("two", false)],
        };
        let ledger = open(dir.path()).unwrap();
        assert_eq!(labels(&ledger).await, expected, "cut at {cut}");
        let more = entry("more");
        ledger.intend(&[more]).await.unwrap();
        drop(ledger);
        assert_eq!(
            labels(&open(dir.path()).unwrap()).await.len(),
            expected.len() + 1,
            "written on after the cut at {cut}"
        );
    }
}

#[test]
fn a_line_that_cannot_be_read_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = open(dir.path()).unwrap().path().to_owned();
    let head = fs::read_to_string(&path).unwrap();
    for (line, number) in [
        ("garbage\n".to_owned(), 2),
        ("\n".to_owned(), 2),
        ("{\"intended\":[{\"tag\":\"x\"}]}\n".to_owned(), 2),
        ("{\"from_the_future\":1}\n".to_owned(), 2),
        ("\0\0\0\n".to_owned(), 2),
        (head.clone(), 2),
    ] {
        let content = format!("{head}{line}{{\"became\":[]}}\n");
        fs::write(&path, &content).unwrap();
        let error = open(dir.path()).unwrap_err().to_string();
        let place = format!("{}: line {number} ", path.display());
        assert!(error.contains(&place), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content, "left as it was");
    }
    fs::write(&path, "{\"became\":[]}\n").unwrap();
    assert!(open(dir.path()).unwrap_err().to_string().contains("line 1 "));
    fs::write(&path, head.replace("api.", "other.")).unwrap();
    assert!(open(dir.path()).unwrap_err().to_string().contains("another ledger"));
}

/// After a failed write nobody knows what is on the disk, so nothing more is written.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn k3_a_full_disk_closes_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).unwrap();
    let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
    let good = std::mem::replace(&mut lock(&ledger.shared).file, full);
    assert!(ledger.intend(&[entry("one")]).await.is_err());
    lock(&ledger.shared).file = good;
    let error = ledger.intend(&[entry("two")]).await.unwrap_err().to_string();
    assert!(error.contains("closed after an earlier failure") && error.contains("jsonl"), "{error}");
    assert!(labels(&ledger).await.is_empty(), "what was not written is not in memory either");
}

/// Bounded by what is still of use, however long it is written to.
#[tokio::test]
async fn what_is_history_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).unwrap();
    let path = ledger.path().to_owned();
    lock(&ledger.shared).long = 20_000;
    let (now, kept) = (Timestamp::now(), entry("kept"));
    ledger.intend(std::slice::from_ref(&kept)).await.unwrap();
    let mut young = entry("young");
    young.sent = now;
    ledger.intend(std::slice::from_ref(&young)).await.unwrap();
    ledger.record(&[(young.tag.clone(), State::Absent)]).await.unwrap();
    let mut longest = 0;
    for round in 0..200 {
        let mut batch: Vec<Entry> = (0..10).map(|number| entry(&format!("{round}-{number}"))).collect();
        batch.iter_mut().for_each(|old| old.sent = now - SignedDuration::from_hours(24 * 32));
        ledger.intend(&batch).await.unwrap();
        let ended = batch.iter().map(|old| (old.tag.clone(), State::Absent)).collect::<Vec<_>>();
        ledger.record(&ended).await.unwrap();
        let length = fs::metadata(&path).unwrap().len();
        assert_eq!(length, lock(&ledger.shared).length);
        longest = longest.max(length);
        lock(&ledger.shared).long = 20_000;
    }
    assert!((10_000..=20_000).contains(&longest), "of half a million bytes that were written: {longest}");
    assert!(!path.with_extension("new").exists());
    drop(ledger);
    fs::write(path.with_extension("new"), "what a killed process left").unwrap();
    let ledger = open(dir.path()).unwrap();
    assert_eq!(ledger.entry(&kept.tag).await.unwrap().as_ref(), Some(&kept), "what is open is kept however old it is");
    assert_eq!(ledger.entry(&young.tag).await.unwrap().map(|entry| entry.state), Some(State::Absent));
    assert!(open(dir.path()).is_err(), "still one process at a time");
    ledger.intend(&[entry("more")]).await.unwrap();
    drop(ledger);
    assert_eq!(labels(&open(dir.path()).unwrap()).await.len(), 2);
}

/// The bill of a task that was taken for absent came when there was much else.
#[tokio::test]
async fn what_turned_out_to_be_made_is_not_forgotten_while_the_file_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).unwrap();
    let mut old = entry("old");
    old.sent = Timestamp::now() - SignedDuration::from_hours(32 * 24);
    ledger.intend(std::slice::from_ref(&old)).await.unwrap();
    ledger.record(&[(old.tag.clone(), State::Absent)]).await.unwrap();
    let path = ledger.path().to_owned();
    drop(ledger);
    let many: Vec<Entry> = (0..1100).map(|number| entry(&number.to_string())).collect();
    let mut lines: Vec<Line<'_>> = many.chunks(100).map(|batch| Line::Intended(batch.into())).collect();
    lines.push(Line::Became(Cow::Owned(vec![(old.tag.clone(), created())])));
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    for line in lines {
        writeln!(file, "{}", serde_json::to_string(&line).unwrap()).unwrap();
    }
    let found = open(dir.path()).unwrap().entry(&old.tag).await.unwrap();
    assert_eq!(found.map(|entry| entry.state), Some(created()));
}

/// Nobody sends such tasks any more, but an earlier version may have written them.
#[tokio::test]
async fn a_request_that_says_too_little_is_read_back_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).unwrap();
    let (place, language) = (|| Location::code(0), || Language::code(""));
    let requests: Vec<TaskRequest> = vec![
        GoogleProductInfoTask::new(GoogleProduct::product_id(""), place(), language()).into(),
        GoogleSellersTask::new(GoogleProduct::product_id("").and(GoogleProduct::gid("1")), place(), language()).into(),
    ];
    let written: Vec<Entry> = requests.into_iter().map(|request| Entry { request, ..entry("") }).collect();
    ledger.intend(&written).await.unwrap();
    drop(ledger);
    let ledger = open(dir.path()).unwrap();
    for entry in written {
        assert_eq!(ledger.entry(&entry.tag).await.unwrap(), Some(entry));
    }
}
