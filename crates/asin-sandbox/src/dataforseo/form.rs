//! What a posted task says, judged field by field as the vendor does.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::function::Function;
use super::google;
use crate::marketplace::{MARKETPLACES, Marketplace};

/// The fields of every request.
const COMMON: [&str; 7] =
    ["location_name", "location_code", "location_coordinate", "language_name", "language_code", "se_domain", "tag"];

/// The fields of what is not answered at once.
const QUEUED: [&str; 4] = ["priority", "postback_url", "postback_data", "pingback_url"];

const SEARCH: [&str; 8] =
    ["keyword", "url", "depth", "max_crawl_pages", "search_param", "price_min", "price_max", "sort_by"];

/// The fields that say what is looked at.
fn subject_fields(function: Function) -> Vec<&'static str> {
    const IDS: [&str; 3] = ["product_id", "data_docid", "gid"];
    match function {
        Function::Asin | Function::Sellers => vec!["asin"],
        Function::Products => [&SEARCH[..], &["department"]].concat(),
        Function::GoogleProducts => SEARCH.to_vec(),
        Function::GoogleSellers => {
            [&IDS[..], &["pvf", "depth", "get_shops_on_google", "additional_specifications"]].concat()
        }
        Function::GoogleProductInfo => IDS.to_vec(),
    }
}

/// Whether a request has a field that its function does not know.
pub(super) fn has_unknown(function: Function, entry: &Map<String, Value>, live: bool) -> bool {
    let subject = subject_fields(function);
    let known = |key: &str| COMMON.contains(&key) || subject.contains(&key) || !live && QUEUED.contains(&key);
    !entry.keys().all(|key| known(key))
}

/// What a task means.
pub(super) struct Understood {
    /// The ASIN, or the keyword as the engine reads it.
    pub(super) subject: String,
    pub(super) marketplace: &'static Marketplace,
    pub(super) urgent: bool,
    /// The most pages that are charged.
    pub(super) pages: u64,
}

/// Reads a text; an empty one is wrong.
fn text<'a>(entry: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, &'static str> {
    match entry.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.as_str())),
        Some(_) => Err(name),
    }
}

fn number(entry: &Map<String, Value>, name: &'static str, most: u64) -> Result<Option<u64>, &'static str> {
    match entry.get(name).map(Value::as_u64) {
        None => Ok(None),
        Some(Some(number)) if (1..=most).contains(&number) => Ok(Some(number)),
        Some(_) => Err(name),
    }
}

/// The meaning of a task, or the field that is wrong.
pub(super) fn understood(function: Function, entry: &Map<String, Value>) -> Result<Understood, &'static str> {
    let text = |name: &'static str| text(entry, name);
    let subject = match function {
        Function::Asin | Function::Sellers => text("asin")?.ok_or("asin")?.to_owned(),
        Function::Products | Function::GoogleProducts => searched(entry)?,
        Function::GoogleSellers | Function::GoogleProductInfo => {
            let ids = (text("product_id")?, text("gid")?, text("data_docid")?);
            let id = ids.0.or(ids.1).or(ids.2).ok_or("product_id")?;
            google::asin(id).unwrap_or_else(|| id.to_owned())
        }
    };
    let urgent = match entry.get("priority").map(Value::as_u64) {
        None | Some(Some(1)) => false,
        Some(Some(2)) => true,
        Some(_) => return Err("priority"),
    };
    if text("tag")?.is_some_and(|tag| tag.chars().count() > 255) {
        return Err("tag");
    }
    match (text("postback_url")?, text("postback_data")?) {
        (Some(_), Some("advanced" | "html")) | (None, None) => {}
        _ => return Err("postback_data"),
    }
    text("pingback_url")?;
    language(function, text("language_code")?, text("language_name")?)?;
    let domain = match text("se_domain")? {
        None => None,
        Some(domain) if !function.is_amazon() && domain.starts_with("google.") => None,
        Some(domain) => Some(Marketplace::on_domain(domain).ok_or("se_domain")?),
    };
    let place = match (entry.get("location_code"), text("location_name")?, text("location_coordinate")?) {
        (Some(code), None, None) => code.as_u64().and_then(Marketplace::at_location).ok_or("location_code")?,
        (None, Some(name), None) => Marketplace::in_location(name).ok_or("location_name")?,
        // No gazetteer here: a coordinate takes its store from the domain, or else is in the United States.
        (None, None, Some(coordinate)) if is_coordinate(coordinate) => {
            domain.or_else(|| Marketplace::of("ATVPDKIKX0DER")).ok_or("location_coordinate")?
        }
        (None, None, Some(_)) => return Err("location_coordinate"),
        _ => return Err("location_code"),
    };
    Ok(Understood { subject, marketplace: domain.unwrap_or(place), urgent, pages: pages(function, entry)? })
}

/// The keyword, decoded as the vendor does: `%##` is a byte, `+` a space.
fn searched(entry: &Map<String, Value>) -> Result<String, &'static str> {
    let keyword = text(entry, "keyword")?.filter(|keyword| keyword.chars().count() <= 700).ok_or("keyword")?;
    let digits = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !keyword.split('%').skip(1).all(digits) {
        return Err("keyword");
    }
    for name in ["url", "search_param", "sort_by", "department"] {
        text(entry, name)?;
    }
    let price = |name: &'static str| match entry.get(name).map(Value::as_u64) {
        None => Ok(None),
        Some(Some(price)) => Ok(Some(price)),
        Some(None) => Err(name),
    };
    if let (Some(lowest), Some(highest)) = (price("price_min")?, price("price_max")?)
        && lowest > highest
    {
        return Err("price_min");
    }
    let plain = keyword.replace('+', " ");
    Ok(percent_decode_str(&plain).decode_utf8_lossy().into_owned())
}

fn pages(function: Function, entry: &Map<String, Value>) -> Result<u64, &'static str> {
    let Some((page, deepest)) = function.depth() else { return Ok(1) };
    let depth = number(entry, "depth", deepest)?.unwrap_or(page);
    let crawled = number(entry, "max_crawl_pages", 7)?;
    let pages = depth.div_ceil(page);
    let pages = crawled.map_or(pages, |crawled| pages.min(crawled));
    match entry.get("get_shops_on_google").map(Value::as_bool) {
        None | Some(Some(false)) => Ok(pages),
        Some(Some(true)) => Ok(pages * 2),
        Some(None) => Err("get_shops_on_google"),
    }
}

/// Amazon's languages belong to a country, Google's do not.
fn language(function: Function, code: Option<&str>, name: Option<&str>) -> Result<(), &'static str> {
    let of_google = |code: &str| MARKETPLACES.iter().any(|place| place.language.split('_').next() == Some(code));
    match (code, name) {
        (Some(code), None) if Marketplace::speaks_code(code) || !function.is_amazon() && of_google(code) => Ok(()),
        (None, Some(name)) if Marketplace::speaks_name(name) => Ok(()),
        (None, Some(_)) => Err("language_name"),
        _ => Err("language_code"),
    }
}

/// `latitude,longitude,radius` with at most seven decimals and a radius of at least 199.9.
fn is_coordinate(text: &str) -> bool {
    let parts: Vec<&str> = text.split(',').collect();
    let [latitude, longitude, radius] = parts.as_slice() else { return false };
    let decimals = |part: &str| part.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let within =
        |part: &str, most: f64| part.parse::<f64>().is_ok_and(|value| value.abs() <= most) && decimals(part) <= 7;
    within(latitude, 90.0) && within(longitude, 180.0) && radius.parse::<f64>().is_ok_and(|radius| radius >= 199.9)
}
