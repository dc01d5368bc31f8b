//! The answer of every operation, whole and damaged: read, refused, or an error that says where; never a panic.

use asin_facade::{core_http::ErrorKind, inspect, operations};
use fuzz::{Edit, corpus, damage};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::LazyLock;

/// That every operation has one is checked by `cargo xtask tidy`; `cargo xtask corpus` writes what is missing.
#[test]
fn the_model_knows_all_of_every_answer() {
    let mut wrong = Vec::new();
    for (name, body) in ANSWERS.iter() {
        match inspect(name, body) {
            Some(Ok(inspection)) => wrong.extend(inspection.drift.iter().map(|drift| format!("{name}: {drift}"))),
            Some(Err(error)) => wrong.push(format!("{name}: {error}")),
            None => wrong.push(format!("{name}: no such operation; its file goes")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The corpus, read once.
static ANSWERS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| corpus("answers"));

/// What any body may lead to.
fn read(name: &str, body: &[u8]) -> Result<(), TestCaseError> {
    match inspect(name, body).expect("the operation exists") {
        // What was read can be written and read again: nothing is stored that cannot be loaded.
        Ok(inspection) => prop_assert!(serde_json::to_vec(&inspection.value).is_ok()),
        Err(error) => {
            prop_assert!(error.kind() == ErrorKind::Decode || error.fault().is_some(), "{name}: {error:?}");
            prop_assert!(error.to_string().len() < 2000, "{name}: an error of {} bytes", error.to_string().len());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_damaged_answer_is_read_or_refused(which in any::<usize>(), edits in prop::collection::vec(any::<Edit>(), 1..6)) {
        let (name, body) = &ANSWERS[which % ANSWERS.len()];
        let value: Value = serde_json::from_slice(body).expect("the corpus is JSON");
        read(name, damage(value, &edits).to_string().as_bytes())?;
    }

    #[test]
    fn a_cut_or_flipped_answer_is_read_or_refused(
        which in any::<usize>(), cut in any::<usize>(), flips in prop::collection::vec((any::<usize>(), any::<u8>()), 0..4),
    ) {
        let (name, body) = &ANSWERS[which % ANSWERS.len()];
        let mut body = body.clone();
        for (place, byte) in flips {
            let place = place % body.len();
            body[place] = byte;
        }
        body.truncate(cut % (body.len() + 1));
        read(name, &body)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(which in any::<usize>(), body in prop::collection::vec(any::<u8>(), 0..200)) {
        let all = operations();
        read(all[which % all.len()].name, &body)?;
    }
}

/// serde_json refuses what is deeper than 128; an answer of 100,000 brackets must not end the process.
#[test]
fn depth_is_an_error() {
    for open in ["[", "{\"a\":", "{\"tasks\":[{\"result\":", "{\"data\":["] {
        let body = open.repeat(100_000);
        for operation in operations() {
            assert!(inspect(operation.name, body.as_bytes()).is_some_and(|read| read.is_err()), "{}", operation.name);
        }
    }
}
