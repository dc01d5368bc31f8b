//! The corpus, and the ways in which it is damaged.
//!
//! The targets are property tests in `tests/`: `cargo test -p fuzz`, and longer with `PROPTEST_CASES=100000`. What proptest
//! finds it writes beside them into `*.proptest-regressions`, which are checked in. `cargo xtask corpus` writes an answer for each
//! operation into `corpus/answers` that has none.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A folder of the corpus: every file with its stem, by name.
pub fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (stem, bytes)
    };
    paths.into_iter().map(read).collect()
}

/// One place of a JSON value, and what is done to it.
pub type Edit = (usize, u8);

/// Damages JSON that stays JSON: values of other types and sizes, missing and additional keys, at any depth.
pub fn damage(mut value: Value, edits: &[Edit]) -> Value {
    for (place, change) in edits {
        let places = count(&value);
        damage_at(&mut value, &mut (place % places), *change);
    }
    value
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Walks to the place; `true` once it was reached.
fn damage_at(value: &mut Value, left: &mut usize, change: u8) -> bool {
    if *left == 0 {
        *value = replaced(std::mem::take(value), change);
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(list) => list.iter_mut().any(|value| damage_at(value, left, change)),
        Value::Object(map) => map.values_mut().any(|value| damage_at(value, left, change)),
        _ => false,
    }
}

fn replaced(value: Value, change: u8) -> Value {
    match change % 20 {
        0 => Value::Null,
        1 => json!(""),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(u64::MAX),
        5 => json!(1e308),
        6 => json!("x".repeat(3000)),
        7 => json!([]),
        8 => json!({}),
        9 => json!(true),
        10 => json!("\u{0}\u{202e}ß漢😀"),
        11 => json!([value]),
        12 => json!({"data": value}),
        13 => match value {
            Value::Array(mut list) => {
                list.extend(list.clone());
                Value::Array(list)
            }
            Value::Number(number) => json!(number.to_string()),
            other => other,
        },
        14 => match value {
            Value::Object(mut map) => {
                let first = map.keys().next().cloned();
                first.and_then(|first| map.remove(&first));
                Value::Object(map)
            }
            other => other,
        },
        15 => match value {
            Value::Object(mut map) => {
                map.insert("something new".into(), json!([{"a": null}]));
                Value::Object(map)
            }
            other => other,
        },
        16 => (0..300).fold(Value::Null, |inner, _| json!([inner])),
        17 => json!("2026-13-45 99:99:99 +99:99"),
        18 => json!("99999999999999999999999999999999999999.99999999999999999999999999999999"),
        _ => json!(-0.0),
    }
}
