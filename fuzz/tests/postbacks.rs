//! What arrives at a receiver of webhooks: whoever knows the address may send anything.

use dataforseo_merchant::{
    AsinResult, ProductsResult, SellersResult,
    webhook::{Caps, Pingback, Postback, WebhookError},
};
use flate2::{Compression, write::GzEncoder};
use fuzz::{Edit, corpus, damage};
use proptest::prelude::*;
use serde_json::Value;
use std::{io::Write, sync::LazyLock};

/// The answers that the vendor posts, too: those with results of tasks.
static RESULTS: LazyLock<Vec<(String, Vec<u8>)>> =
    LazyLock::new(|| corpus("answers").into_iter().filter(|(name, _)| name.contains("TaskGet")).collect());

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// What any body may lead to: the result of one task with an id, or a short error.
fn read(body: &[u8], caps: &Caps) -> Result<(), TestCaseError> {
    match Postback::read(body, caps) {
        Ok(postback) => {
            let id = postback.id().as_str();
            prop_assert!((1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
            prop_assert!(postback.json().len() <= caps.inflated);
            // The kind is the ledger's to say; what was posted may be of another, and is then an error with a path.
            for error in [
                postback.task::<AsinResult>().err(),
                postback.task::<SellersResult>().err(),
                postback.task::<ProductsResult>().err(),
            ]
            .into_iter()
            .flatten()
            {
                prop_assert!(error.to_string().len() < 2000);
            }
        }
        Err(error) => prop_assert!(error.to_string().len() < 2000, "an error of {} bytes", error.to_string().len()),
    }
    Ok(())
}

#[test]
fn every_result_of_the_corpus_is_one_of_a_task() {
    assert!(RESULTS.len() >= 9, "{}", RESULTS.len());
    for (name, body) in RESULTS.iter() {
        let plain = Postback::read(body, &Caps::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let packed = Postback::read(&gzip(body), &Caps::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((plain.id(), plain.json()), (packed.id(), packed.json()), "{name}");
    }
}

proptest! {
    #[test]
    fn a_damaged_result_is_read_or_refused(
        which in any::<usize>(), edits in prop::collection::vec(any::<Edit>(), 0..5), packed in any::<bool>(),
    ) {
        let (_, body) = &RESULTS[which % RESULTS.len()];
        let body = damage(serde_json::from_slice::<Value>(body).expect("the corpus is JSON"), &edits).to_string();
        let body = if packed { gzip(body.as_bytes()) } else { body.into_bytes() };
        read(&body, &Caps::default())?;
    }

    /// What is cut short or flipped on the way is never taken for the result: gzip has a checksum.
    #[test]
    fn a_packed_result_is_whole_or_refused(which in any::<usize>(), place in any::<usize>(), bit in 0..8_u8, cut in any::<bool>()) {
        let (_, body) = &RESULTS[which % RESULTS.len()];
        let mut packed = gzip(body);
        let place = place % packed.len();
        if cut { packed.truncate(place) } else { packed[place] ^= 1 << bit }
        if let Ok(postback) = Postback::read(&packed, &Caps::default()) {
            prop_assert_eq!(&postback.json()[..], &body[..], "changed at {}", place);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        mut body in prop::collection::vec(any::<u8>(), 0..200), packed in any::<bool>(), inflated in 0..300_usize,
    ) {
        if packed {
            body.splice(0..0, [0x1f, 0x8b]);
        }
        read(&body, &Caps::default().with(|caps| caps.inflated = inflated))?;
        read(&gzip(&body), &Caps::default().with(|caps| caps.ratio = inflated))?;
    }

    #[test]
    fn nesting_is_refused_at_its_cap(depth in 1..5000_usize) {
        let body = format!(r#"{{"tasks":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let caps = Caps::default();
        let refused = Postback::read(body.as_bytes(), &caps);
        prop_assert!(refused.is_err());
        prop_assert_eq!(matches!(refused, Err(WebhookError::TooDeep(_))), depth + 1 > caps.depth);
    }

    #[test]
    fn any_query_is_a_task_or_refused(query in "((id|tag|x)=[%&=a-z0-9$+\\-]{0,12}&?){0,4}|[ -~]{0,60}") {
        if let Ok(pingback) = Pingback::from_query(&query) {
            prop_assert!(!pingback.id.as_str().is_empty());
            prop_assert!(pingback.tag.is_none_or(|tag| !tag.is_empty()));
        }
    }
}
