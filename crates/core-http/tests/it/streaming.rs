//! Records out of a streamed body: one at a time, provisional until the vendor's verdict, bounded.

use crate::chunks::{Chunks, Step, drip, fails, whole};
use crate::common::{Ask, ask, client, read};
use core_http::{
    ErrorKind, Limit, Quota, Safety, TransportErrorKind,
    records::{Layout, Records},
};
use futures_util::TryStreamExt;
use proptest::prelude::*;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

#[derive(Debug, Deserialize, PartialEq)]
struct Product {
    asin: String,
    #[serde(default)]
    price: Option<f64>,
}

async fn open<R: DeserializeOwned + Send>(body: &str, size: usize, layout: Layout) -> core_http::Result<Records<R>> {
    client(Arc::new(Chunks::new([whole(200, body.to_owned(), size, false)]))).records(read(), layout).await
}

async fn all<R: DeserializeOwned + Send>(body: &str, size: usize, layout: Layout) -> core_http::Result<Vec<R>> {
    open(body, size, layout).await?.into_stream().try_collect().await
}

const TWO: &str = r#"{"code":200,"data":[{"asin":"A","price":1.5},{"asin":"B"}],"total":2}"#;

#[tokio::test(start_paused = true)]
async fn records_come_one_at_a_time_with_the_scalars_beside_them() {
    for size in 1..=TWO.len() {
        let mut records = open::<Product>(TWO, size, Layout::at("data")).await.expect("an answer");
        assert_eq!(records.seen().get("code"), Some(&json!(200)));
        let first = records.next().await.expect("a record").expect("a good one");
        assert_eq!(first, Product { asin: "A".to_owned(), price: Some(1.5) });
        assert_eq!(records.next().await.expect("a record").expect("a good one").asin, "B");
        assert!(records.next().await.is_none());
        assert_eq!(records.seen().get("total"), Some(&json!(2)));
        assert!(records.next().await.is_none(), "the end stays the end");
    }
}

#[tokio::test(start_paused = true)]
async fn the_array_is_found_at_any_path_and_nothing_else_is_mistaken_for_it() {
    let body = r#" {"data":{"x":[1,{"items":[8]}],"items":[{"asin":"A"}],"y":{"items":[9]}},
        "items":["no"],"code":200,"other":{"data":{"items":[7]}}} "#;
    for size in [1, 2, 3, 7, 1000] {
        let found: Vec<Product> = all(body, size, Layout::at("data.items")).await.expect("an answer");
        assert_eq!(found.len(), 1);
        assert_eq!(all::<String>(body, size, Layout::at("items")).await.expect("an answer"), ["no"]);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_and_null_are_empty_but_an_absent_list_is_an_error() {
    for body in [r#"{"code":200,"data":[]}"#, r#"{"data":null,"code":200}"#, r#"{"data":[ ] ,"code":200} "#] {
        assert_eq!(all::<Value>(body, 3, Layout::at("data")).await.expect("empty"), [] as [Value; 0]);
    }
    for body in [r#"{"code":200}"#, r#"{"code":200,"data":{}}"#, r#"{"code":200,"data":7}"#] {
        let error = all::<Value>(body, 3, Layout::at("data")).await.expect_err("no list");
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Decode, "ask"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_error_and_never_an_empty_stream() {
    let refusals = [
        r#"{"code":402,"message":"pay","data":null}"#,
        r#"{"code":402,"message":"pay"}"#,
        r#"{"data":[],"code":402,"message":"pay"}"#,
        r#"{"code":402,"message":"pay","data":[{"asin":"A"}]}"#,
        r#"{"code":402,"message":"pay","data":"none"}"#,
    ];
    for body in refusals {
        for size in [1, 1000] {
            let error = open::<Value>(body, size, Layout::at("data")).await.expect_err("a refusal");
            assert_eq!(error.kind(), ErrorKind::Funds, "{body}: {error}");
            assert_eq!(error.fault().map(|fault| fault.message.as_str()), Some("pay"));
        }
    }
    let transport = Arc::new(Chunks::new([whole(404, r#"{"code":404,"message":"gone"}"#, 5, false)]));
    let error = client(transport).records::<_, Value>(read(), Layout::at("data")).await.expect_err("not found");
    assert_eq!((error.kind(), error.fault().map(|fault| fault.code.as_str())), (ErrorKind::NotFound, Some("404")));
}

#[tokio::test(start_paused = true)]
async fn a_verdict_behind_the_records_takes_them_back() {
    let body = r#"{"data":[{"asin":"A"},{"asin":"B"}],"code":500,"message":"sorry"}"#;
    let mut records = open::<Product>(body, 9, Layout::at("data")).await.expect("records first");
    assert!(records.next().await.expect("a record").is_ok() && records.next().await.expect("a record").is_ok());
    let error = records.next().await.expect("the verdict").expect_err("a refusal");
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unavailable, "ask"));
    assert!(records.next().await.is_none());
    let body = r#"{"data":[{"asin":"A"}]}"#;
    let error = all::<Product>(body, 9, Layout::at("data")).await.expect_err("no verdict at all");
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
}

async fn sends(steps: Vec<Step>, safety: Safety) -> (usize, Result<Vec<Value>, core_http::Error>) {
    let transport = Arc::new(Chunks::new(steps));
    let result = match client(transport.clone()).records::<_, Value>(ask(safety), Layout::at("data")).await {
        Ok(records) => records.into_stream().try_collect().await,
        Err(error) => Err(error),
    };
    (transport.sent(), result)
}

#[tokio::test(start_paused = true)]
async fn before_the_first_record_the_table_decides_and_after_it_nothing_is_sent_again() {
    let good = || whole(200, TWO, 10, false);
    for first in [fails(TransportErrorKind::Interrupted), whole(503, "", 1, false), whole(200, &TWO[..20], 10, true)] {
        let (sent, result) = sends(vec![first, good()], Safety::ReadOnly).await;
        assert_eq!((sent, result.expect("the second attempt succeeds").len()), (2, 2));
    }
    let (sent, result) = sends(vec![whole(200, &TWO[..20], 10, true), good()], Safety::Once).await;
    let error = result.expect_err("it may have been done");
    assert_eq!((sent, error.kind(), error.may_have_been_applied()), (1, ErrorKind::Interrupted, true));
    let (sent, result) = sends(vec![whole(200, &TWO[..TWO.len() - 20], 10, true), good()], Safety::ReadOnly).await;
    let error = result.expect_err("a record was delivered already");
    assert_eq!((sent, error.kind()), (1, ErrorKind::Interrupted));
}

#[tokio::test(start_paused = true)]
async fn the_place_under_the_limits_is_held_until_the_body_ends() {
    let transport = Arc::new(Chunks::new([whole(200, TWO, 10, false)]));
    let client = client(transport).with(|options| options.deadline = Duration::from_secs(5));
    let one: Ask = read().limits([Limit::account("one", Quota { per_second: 1e6, burst: 100 }).in_flight(1)]);
    let open = || client.records::<_, Value>(one.clone(), Layout::at("data"));
    let mut records = open().await.expect("an answer");
    assert_eq!(open().await.expect_err("the place is taken").kind(), ErrorKind::Throttled);
    while records.next().await.is_some() {}
    drop(open().await.expect("the body has ended"));
    let cut_short = open().await.expect("dropping gives the place back, too");
    drop(cut_short);
    drop(open().await.expect("and again"));
}

#[tokio::test(start_paused = true)]
async fn c3_nesting_of_200_000_is_an_error_and_no_crash() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        for body in [format!(r#"{{"code":200,"data":[{deep},7]}}"#), format!(r#"{{"code":200,"x":{deep},"data":[]}}"#)]
        {
            for size in [1000, 1 << 20] {
                let error = all::<Value>(&body, size, Layout::at("data")).await.err();
                assert!(error.is_none_or(|error| error.kind() == ErrorKind::Decode));
            }
        }
        let body = format!(r#"{{"code":200,"data":[{deep},7]}}"#);
        let mut records = open_skipping(&body).await;
        assert_eq!(records.next().await.expect("the deep one").expect_err("too deep").kind(), ErrorKind::Decode);
        assert_eq!(records.next().await.expect("the next one").expect("a good one"), 7);
        let text: &'static str = Box::leak(format!(r#"{{"code":200,"data":{deep}}}"#).into_boxed_str());
        let script = crate::common::script();
        script.answer(200, text);
        assert_eq!(client(script).call(read()).await.expect_err("too deep").kind(), ErrorKind::Decode);
    }
}

async fn open_skipping(body: &str) -> Records<Value> {
    open(body, 1000, Layout::at("data").skipping_bad_records().max_record(1 << 20)).await.expect("an answer")
}

#[tokio::test(start_paused = true)]
async fn c5_a_huge_record_is_refused_at_the_cap_and_the_stream_goes_on_if_configured() {
    let body = format!(r#"{{"code":200,"data":[1,"{}",3]}}"#, "x".repeat(4 << 20));
    let mut records = open_skipping(&body).await;
    assert_eq!(records.next().await.expect("a record").expect("a good one"), 1);
    let error = records.next().await.expect("a record").expect_err("too long");
    assert!(error.to_string().contains("`data[1]` at byte 22") && error.to_string().contains("too long"), "{error}");
    assert_eq!(records.next().await.expect("a record").expect("a good one"), 3);
    assert!(records.next().await.is_none());
    let error = all::<Value>(&body, 1000, Layout::at("data").max_record(1 << 20)).await.expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::Decode);
    let error = all::<Value>(&body, 1000, Layout::at("data").max_body(1 << 20)).await.expect_err("too large");
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn c6_cut_off_in_a_record_the_ones_before_it_arrive_and_then_an_error_with_the_offset() {
    let body = r#"{"code":200,"data":[{"asin":"A"},{"asin":"B"},{"asin":"C"}]}"#;
    let cut = body.find(r#""C""#).expect("the third record");
    for (broken, kind) in [(true, ErrorKind::Interrupted), (false, ErrorKind::Decode)] {
        let transport = Arc::new(Chunks::new([whole(200, &body[..cut], 7, broken)]));
        let mut records = client(transport).records::<_, Product>(read(), Layout::at("data")).await.expect("records");
        for asin in ["A", "B"] {
            assert_eq!(records.next().await.expect("a record").expect("a good one").asin, asin);
        }
        let error = records.next().await.expect("an error").expect_err("cut off");
        assert_eq!(error.kind(), kind);
        let text = error.to_string();
        assert!(text.contains("after 2 records") && text.contains(&format!("byte {cut}")), "{text}");
        assert!(records.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn c7_odd_records_cost_only_themselves_and_name_their_path() {
    let odd = [
        (r#"{"asin":"B0","price":1,"new_field":{"a":[1]}}"#, None),
        (r#"{"asin":"B0","price":null}"#, None),
        (r#"{"asin":"B0","price":1e999}"#, Some("price")),
        (r#"{"asin":"B0","price":"1.5"}"#, Some("price")),
        (r#"{"asin":"\ud800"}"#, Some("")),
        (r#"{"asin":"A","asin":"B"}"#, Some("duplicate field")),
        (r#"{"price":1}"#, Some("asin")),
        ("[1]", Some("")),
        ("null", Some("")),
    ];
    let list: Vec<&str> = odd.iter().map(|(record, _)| *record).collect();
    let body = format!("\u{feff}{{\"code\":200,\"data\":[{}]}}", list.join(","));
    let layout = Layout::at("data").skipping_bad_records();
    let mut records = open::<Product>(&body, 5, layout).await.expect("an answer");
    for (number, (record, reason)) in odd.iter().enumerate() {
        let got = records.next().await.expect("one for each");
        match reason {
            None => assert_eq!(got.expect("tolerated").asin, "B0", "{record}"),
            Some(reason) => {
                let error = got.expect_err(record).to_string();
                assert!(error.contains(&format!("`data[{number}]`")) && error.contains(reason), "{error}");
            }
        }
    }
    assert!(records.next().await.is_none(), "the page is not lost");
    let mut broken = b"{\"code\":200,\"data\":[{\"asin\":\"\xff\"},{\"asin\":\"B0\"}]}".to_vec();
    let transport = Arc::new(Chunks::new([whole(200, std::mem::take(&mut broken), 4, false)]));
    let layout = Layout::at("data").skipping_bad_records();
    let mut records = client(transport).records::<_, Product>(read(), layout).await.expect("an answer");
    assert!(records.next().await.expect("one").is_err());
    assert_eq!(records.next().await.expect("one").expect("a good one").asin, "B0");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_json_is_an_error_with_its_place() {
    let bodies = [
        "",
        " ",
        "<html></html>",
        "7",
        r#"{"code":200,"data":[1,]}"#,
        r#"{"code":200,"data":[1 2]}"#,
        r#"{"code":200,"data":[,1]}"#,
        r#"{"code":200,"data":[1]]"#,
        r#"{"code":200,"data":[1]}x"#,
        r#"{"code":200,"data":[1],}"#,
        r#"{"code" 200,"data":[1]}"#,
        r#"{code:200,"data":[1]}"#,
        r#"{"code":2x0,"data":[1]}"#,
        r#"{"code":200,"data":[1}"#,
        r#"{"code":200,"data":[1"#,
    ];
    for body in bodies {
        for size in [1, 1000] {
            let error = all::<Value>(body, size, Layout::at("data")).await.expect_err(body);
            assert_eq!(error.kind(), ErrorKind::Decode, "{body}: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn n13_a_body_that_drips_ends_at_the_deadline() {
    let dripping = client(Arc::new(Chunks::new([drip(" ")])));
    let start = Instant::now();
    let error = dripping.records::<_, Value>(read(), Layout::at("data")).await.expect_err("no record");
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Timeout, Duration::from_secs(60)));
    let body = format!(r#"{{"code":200,"data":[{}"#, "1,".repeat(50));
    let beginning: Step = Box::new(move |request| {
        let mut answer = whole(200, body.clone(), 1000, false)(request)?;
        let rest = drip("2,")(request)?.body;
        answer.body = Box::pin(futures_util::StreamExt::chain(answer.body, rest));
        Ok(answer)
    });
    let dripping = client(Arc::new(Chunks::new([beginning])));
    let start = Instant::now();
    let mut records = dripping.records::<_, Value>(read(), Layout::at("data")).await.expect("a first record");
    let mut count = 0;
    let error = loop {
        match records.next().await.expect("an error comes before the end") {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Timeout, Duration::from_secs(60)));
    assert!((105..=110).contains(&count), "{count}");
    let whole = client(Arc::new(Chunks::new([drip(" ")])));
    let start = Instant::now();
    let error = whole.with(|options| options.time_out = Some(Duration::MAX)).call(read()).await.expect_err("no end");
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Timeout, Duration::from_secs(60)));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        r#"[\PC"\\\[\]{},: ]{0,12}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((r#"[a-z"\\]{0,4}"#, inner), 0..4).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// However the body is cut into pieces, the records are those that a whole read gives.
    #[test]
    fn pieces_make_no_difference(
        before in value(), list in prop::collection::vec(value(), 0..6), after in value(), size in 1..40_usize,
        pretty in any::<bool>(),
    ) {
        let body = json!({"before": before, "code": 200, "deep": {"list": list, "x": 1}, "after": after});
        let body = if pretty { serde_json::to_string_pretty(&body)? } else { body.to_string() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let records = runtime.block_on(all::<Value>(&body, size, Layout::at("deep.list")));
        prop_assert_eq!(records.expect("good records"), list.clone());
        let top = Value::from(list.clone()).to_string();
        let transport = Arc::new(Chunks::new([whole(200, top, size, false)]));
        let open = runtime.block_on(client(transport).records::<_, Value>(read(), Layout::top_level()));
        match runtime.block_on(async { open?.into_stream().try_collect::<Vec<_>>().await }) {
            Err(error) => prop_assert_eq!(error.to_string(), "ask: answer not understood: no code beside the records"),
            Ok(records) => prop_assert!(false, "the shop says its code beside the records, here are {records:?}"),
        }
    }
}
