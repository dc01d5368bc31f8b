//! Writes a tree as YAML that is meant to be read: what fits on a line stands on a line.

use serde_json::Value;

const WIDTH: usize = 120;

/// The text of a tree, with a comment on top.
pub fn text(comment: &str, tree: &Value) -> String {
    let mut out = format!("# {comment}\n");
    block(&mut out, tree, 0);
    out
}

fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                entry(out, indent, &format!("{}:", scalar(key)), value);
            }
        }
        Value::Array(items) => {
            for item in items {
                entry(out, indent, "-", item);
            }
        }
        scalar => out.push_str(&format!("{}{}\n", " ".repeat(indent), flow(scalar))),
    }
}

fn entry(out: &mut String, indent: usize, head: &str, value: &Value) {
    let margin = " ".repeat(indent);
    let line = format!("{margin}{head} {}", flow(value));
    let nested = matches!(value, Value::Object(map) if !map.is_empty())
        || matches!(value, Value::Array(list) if !list.is_empty());
    let short = line.chars().count() <= WIDTH && depth(value) <= 2 && !speaks(value);
    if !nested || short {
        out.push_str(&line);
        out.push('\n');
    } else if head == "-" {
        let mut inner = String::new();
        block(&mut inner, value, indent + 2);
        out.push_str(&format!("{margin}- {}", &inner[indent + 2..]));
    } else {
        out.push_str(&format!("{margin}{head}\n"));
        block(out, value, indent + 2);
    }
}

/// Maps within maps; what is deep is written as a block.
fn depth(value: &Value) -> usize {
    match value {
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// A description deserves a line of its own.
fn speaks(value: &Value) -> bool {
    value.get("properties").is_some() || value["description"].as_str().is_some_and(|text| text.len() > 60)
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A text without quotes, if every reader of YAML takes it for the same text.
fn scalar(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-./$ ".contains(c);
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '$') && !text.ends_with(' ');
    let meant = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let clean = word && text.chars().all(harmless) && !meant.contains(&text.to_ascii_lowercase().as_str());
    if clean { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
