//! `x-limits`: constants, and words for people.

use super::{names, text, types::Types};
use crate::spec::Outcome;
use serde_json::Value;

/// `x-limits` at the root: each is a constant.
pub fn constants(types: &Types) -> Outcome<String> {
    let mut out = String::new();
    let limits = types.spec.extensions.get("x-limits").and_then(Value::as_object);
    for (name, limit) in limits.into_iter().flatten() {
        if limit.get("with").is_some() {
            continue;
        }
        let (quota, words) = quota(limit)
            .ok_or_else(|| format!("x-limits.{name}: neither per-second and burst nor calls and seconds"))?;
        let scope = limit["scope"].as_str().unwrap_or("account");
        let cap = limit["in-flight"].as_u64().map_or_else(String::new, |most| format!(".in_flight({most})"));
        let said = limit["description"].as_str().map(str::to_owned).unwrap_or_default();
        out.push_str(&text::doc(&[format!("{words}. {said}").trim_end().to_owned()]));
        let constant = names::upper(name);
        out.push_str(&format!(
            "pub(crate) const {constant}: core_http::Limit = core_http::Limit::{scope}({name:?}, {quota}){cap};\n"
        ));
    }
    text::pretty(&out)
}

/// The rows of the table for people: name, what is allowed and who shares it, what else is to be said.
pub fn words(types: &Types) -> Vec<[String; 3]> {
    let limits = types.spec.extensions.get("x-limits").and_then(Value::as_object);
    let row = |(name, limit): (&String, &Value)| {
        let said = limit["description"].as_str().unwrap_or_default().to_owned();
        Some([name.clone(), quota(limit)?.1, said])
    };
    limits.into_iter().flatten().filter_map(row).collect()
}

/// The Rust expression of a quota, and what a person reads.
pub fn quota(limit: &Value) -> Option<(String, String)> {
    let scope = limit["scope"].as_str().unwrap_or("account");
    let cap = limit["in-flight"].as_u64().map_or_else(String::new, |most| format!(", {most} at once"));
    if let (Some(rate), Some(burst)) = (limit["per-second"].as_f64(), limit["burst"].as_u64()) {
        let words = format!("{rate} a second, burst {burst}, per {scope}{cap}");
        return Some((format!("core_http::Quota::documented({rate:?}, {burst})"), words));
    }
    let (calls, seconds) = (limit["calls"].as_u64()?, limit["seconds"].as_u64()?);
    let window = if seconds == 60 { "a minute".to_owned() } else { format!("in {seconds} s") };
    Some((format!("core_http::Quota::per_window({calls}, {seconds})"), format!("{calls} {window}, per {scope}{cap}")))
}
