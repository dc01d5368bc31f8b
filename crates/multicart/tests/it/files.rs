//! Outputs and files on the disk: named only when everything is there and good.

use crate::client;
use core_http::{ErrorKind, TransportError, TransportErrorKind, records::Layout, testing::response};
use multicart::{CollectionId, GetFile, GetOutput, OutputId, RunnerId, outputs};
use std::path::Path;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

const GOOD: &str = r#"{"code":200,"data":{"id":88,"output_json":{"price":"$49.99"}},"status":1}"#;

#[tokio::test(start_paused = true)]
async fn an_output_is_saved_as_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("88.json");
    std::fs::write(&to, "old").unwrap();
    let (client, script) = client(|_| Ok(response(200, GOOD)));
    let saved = outputs::save(&client, OutputId(88), &to).await.unwrap();
    assert_eq!((saved.path.as_path(), saved.bytes), (to.as_path(), GOOD.len() as u64));
    assert_eq!(
        (std::fs::read_to_string(&to).unwrap(), names(folder.path())),
        (GOOD.to_owned(), vec!["88.json".to_owned()])
    );
    assert_eq!(script.seen()[0].body().as_ref(), br#"{"asin_id":88}"#);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_whole_good_answer_never_replaces_a_file() {
    // Longer than what is looked at for a refusal, so that only the end tells.
    let long = "x".repeat(200_000);
    let answers = [
        (200, GOOD[..GOOD.len() - 13].to_owned(), ErrorKind::Decode),
        (200, format!(r#"{{"code":500,"data":"{long}","status":0}}"#), ErrorKind::Unavailable),
        (200, format!(r#"{{"code":404,"data":["{long}"],"status":0}}"#), ErrorKind::NotFound),
        (200, format!(r#"{{"data":"{long}"}}"#), ErrorKind::Decode),
        (200, format!(r#"["{long}"]"#), ErrorKind::Decode),
        (200, r#"{"code":404,"data":"Output not found","status":0}"#.to_owned(), ErrorKind::NotFound),
        (200, "<html><body>Please log in</body></html>".to_owned(), ErrorKind::Decode),
        (502, "<html>Bad Gateway</html>".to_owned(), ErrorKind::Unavailable),
        (200, String::new(), ErrorKind::Decode),
    ];
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("88.json");
    std::fs::write(&to, "old").unwrap();
    for (status, body, kind) in answers {
        let shown = body[..body.len().min(60)].to_owned();
        let (client, _) = client(move |_| Ok(response(status, &body)));
        let error = outputs::save(&client, OutputId(88), &to).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{shown}: {error}");
        assert_eq!(
            (std::fs::read_to_string(&to).unwrap(), names(folder.path()).len()),
            ("old".to_owned(), 1),
            "{shown}"
        );
    }
    let (client, _) = client(|_| Err(TransportError::new(TransportErrorKind::Interrupted, "scripted")));
    assert_eq!(outputs::save(&client, OutputId(88), &to).await.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "old");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_or_a_page_is_no_file_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("page.json");
    let file = || GetFile::new(CollectionId(101), RunnerId::new(7), "a.json");
    for (body, kind) in [
        (r#"{"code":404,"data":"File not found","status":0}"#, ErrorKind::NotFound),
        ("<!doctype html><title>Log in</title>", ErrorKind::Decode),
        ("", ErrorKind::Decode),
    ] {
        let (client, _) = client(move |_| Ok(response(200, body)));
        assert_eq!(client.download(file(), &to).await.unwrap_err().kind(), kind, "{body}");
        assert!(names(folder.path()).is_empty(), "{body}");
    }
    let (client, _) = client(|_| Ok(response(200, r#"[{"asin":"B0DJQQ38TG"}]"#)));
    assert_eq!(client.download(file(), &to).await.unwrap().bytes, 23);
}

#[tokio::test(start_paused = true)]
async fn a_long_output_can_be_read_piece_by_piece_and_its_end_judges_it() {
    let rows: Vec<String> = (0..1000).map(|number| format!(r#"{{"asin":"B1{number:08}"}}"#)).collect();
    for (status, kind) in [(1, None), (0, Some(ErrorKind::Unavailable))] {
        let body = format!(
            r#"{{"code":{},"data":{{"id":88,"output_json":[{}]}},"status":{status}}}"#,
            if status == 1 { 200 } else { 500 },
            rows.join(",")
        );
        let (client, _) = client(move |_| Ok(response(200, &body)));
        let layout = Layout::at("data.output_json");
        let mut seen = 0;
        let mut failure = None;
        match client.records::<_, serde_json::Value>(GetOutput::new(OutputId(88)), layout).await {
            Ok(mut records) => {
                while let Some(record) = records.next().await {
                    match record {
                        Ok(record) => {
                            assert_eq!(record["asin"], format!("B1{seen:08}"));
                            seen += 1;
                        }
                        Err(error) => failure = Some(error.kind()),
                    }
                }
            }
            Err(error) => failure = Some(error.kind()),
        }
        assert_eq!(failure, kind);
        assert!(kind.is_some() || seen == 1000);
    }
}
