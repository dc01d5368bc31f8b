//! Feeds: documents that are uploaded, feeds that are made of them, and reports.
//!
//! A feed waits ten seconds of sandbox time and is processed for twenty; then its messages are applied to the listings
//! and its report can be read, compressed. Only feeds that wait can be cancelled.

mod process;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{documents, error, invalid, marketplaces_of};
use crate::call::{Call, Reply};
use crate::clock::today;
use crate::marketplace::Marketplace;
use crate::world::World;

const QUEUE: Duration = Duration::from_secs(10);
const WORK: Duration = Duration::from_secs(20);
/// How long an address of a document holds.
const ADDRESS: Duration = Duration::from_secs(5 * 60);

/// All feeds and documents of all sellers.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    documents: BTreeMap<String, Document>,
    feeds: Vec<FeedRow>,
}

#[derive(Debug)]
pub(super) struct Document {
    owner: String,
    pub(super) content_type: String,
    pub(super) content: Option<Bytes>,
    pub(super) compressed: bool,
    pub(super) expires: Duration,
    report: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Queued,
    Working,
    Done,
    Cancelled,
}

#[derive(Debug)]
struct FeedRow {
    id: String,
    owner: String,
    stores: Vec<&'static Marketplace>,
    document: String,
    /// The number of the request that made it.
    request: u64,
    made: Duration,
    created: Timestamp,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    result: Option<String>,
    state: State,
}

impl FeedRow {
    fn status(&self) -> &'static str {
        match self.state {
            State::Queued => "IN_QUEUE",
            State::Working => "IN_PROGRESS",
            State::Done => "DONE",
            State::Cancelled => "CANCELLED",
        }
    }

    fn view(&self) -> Value {
        let stores: Vec<&str> = self.stores.iter().map(|store| store.id).collect();
        let mut view = json!({
            "feedId": self.id,
            "feedType": "JSON_LISTINGS_FEED",
            "marketplaceIds": stores,
            "createdTime": self.created.to_string(),
            "processingStatus": self.status(),
        });
        for (key, value) in [("processingStartTime", self.started), ("processingEndTime", self.ended)] {
            if let Some(value) = value {
                view[key] = json!(value.to_string());
            }
        }
        if let Some(result) = &self.result {
            view["resultFeedDocumentId"] = json!(result);
        }
        view
    }
}

impl Feeds {
    /// The document that an address reads.
    pub(super) fn readable(&self, id: &str) -> Option<&Document> {
        self.documents.get(id)
    }

    /// The document that an address writes: one that was made for an upload.
    pub(super) fn writable(&mut self, id: &str) -> Option<&mut Document> {
        self.documents.get_mut(id).filter(|document| !document.report)
    }

    fn of<'a>(&'a mut self, seller: &str, id: &str) -> Result<&'a mut FeedRow, Reply> {
        let missing = || error(StatusCode::NOT_FOUND, "NotFound", &format!("Feed {id} was not found."), "");
        self.feeds.iter_mut().find(|feed| feed.owner == seller && feed.id == id).ok_or_else(missing)
    }

    /// Brings every feed as far as it has got by now.
    pub(crate) fn settle(world: &mut World, now: Duration) {
        for at in 0..world.feeds.feeds.len() {
            let feed = &mut world.feeds.feeds[at];
            if feed.state == State::Queued && feed.made + QUEUE <= now {
                (feed.state, feed.started) = (State::Working, Some(today()));
            }
            if feed.state == State::Working && feed.made + QUEUE + WORK <= now {
                process::run(world, at, now);
            }
        }
    }
}

pub(super) fn create_document(world: &mut World, call: &Call, seller: &str) -> Result<Reply, Reply> {
    let body = call.json().unwrap_or(&Value::Null);
    let content_type = body["contentType"].as_str().filter(|kind| !kind.is_empty());
    let content_type = content_type.ok_or_else(|| invalid("'contentType' is required."))?.to_owned();
    let id = format!("amzn1.tortuga.4.sandbox.{}", world.hex(24));
    let expires = world.clock.now() + ADDRESS;
    let document =
        Document { owner: seller.to_owned(), content_type, content: None, compressed: false, expires, report: false };
    world.feeds.documents.insert(id.clone(), document);
    let url = documents::address(call, &format!("feeds/{id}/{}", call.number), "");
    Ok(Reply::json(StatusCode::CREATED, &json!({"feedDocumentId": id, "url": url})).did(format!("document {id} made")))
}

pub(super) fn document(world: &mut World, call: &Call, seller: &str, id: &str) -> Result<Reply, Reply> {
    let expires = world.clock.now() + ADDRESS;
    let missing = || error(StatusCode::NOT_FOUND, "NotFound", &format!("Document {id} was not found."), "");
    let document = world.feeds.documents.get_mut(id).filter(|document| document.owner == seller);
    let document = document.ok_or_else(missing)?;
    document.expires = expires;
    let encoded = match call.query("enableContentEncodingUrlHeader").as_deref() {
        Some("true") => "&encoded=1",
        _ => "",
    };
    let url = documents::address(call, &format!("feeds/{id}/{}", call.number), encoded);
    let mut answer = json!({"feedDocumentId": id, "url": url});
    if document.compressed {
        answer["compressionAlgorithm"] = json!("GZIP");
    }
    Ok(Reply::json(StatusCode::OK, &answer))
}

pub(super) fn create(world: &mut World, call: &Call, seller: &str) -> Result<Reply, Reply> {
    let body = call.json().filter(|body| body.is_object()).ok_or_else(|| invalid("The body is not a JSON object."))?;
    if body["feedType"] != "JSON_LISTINGS_FEED" {
        return Err(invalid("Invalid 'feedType' provided: only JSON_LISTINGS_FEED is taken."));
    }
    let named = body["marketplaceIds"].as_array().into_iter().flatten();
    let named: Vec<String> = named.filter_map(|id| id.as_str().map(str::to_owned)).collect();
    let stores = marketplaces_of(world, &named, seller, 25)?;
    let document = body["inputFeedDocumentId"].as_str().unwrap_or_default().to_owned();
    let uploaded = world.feeds.documents.get(&document);
    let uploaded = uploaded.filter(|known| known.owner == seller && !known.report && known.content.is_some());
    if uploaded.is_none() {
        return Err(invalid("'inputFeedDocumentId' names no uploaded document."));
    }
    let id = format!("{}", 50_000_000_000 + world.rng.u64(0..1_000_000_000));
    let made = world.clock.now();
    world.feeds.feeds.push(FeedRow {
        id: id.clone(),
        owner: seller.to_owned(),
        stores,
        document: document.clone(),
        request: call.number,
        made,
        created: today(),
        started: None,
        ended: None,
        result: None,
        state: State::Queued,
    });
    Ok(Reply::json(StatusCode::ACCEPTED, &json!({"feedId": id})).did(format!("feed {id} made of document {document}")))
}

pub(super) fn get(world: &mut World, seller: &str, id: &str) -> Result<Reply, Reply> {
    world.feeds.of(seller, id).map(|feed| Reply::json(StatusCode::OK, &feed.view()))
}

pub(super) fn cancel(world: &mut World, seller: &str, id: &str) -> Result<Reply, Reply> {
    let feed = world.feeds.of(seller, id)?;
    match feed.state {
        State::Queued | State::Cancelled => {
            feed.state = State::Cancelled;
            Ok(Reply::new(StatusCode::OK, "application/json", "").did(format!("feed {id} cancelled")))
        }
        _ => Err(invalid("Only a feed that is IN_QUEUE can be cancelled.")),
    }
}

/// The parameters of a list beside its token.
const FILTERS: [&str; 6] =
    ["feedTypes", "marketplaceIds", "pageSize", "processingStatuses", "createdSince", "createdUntil"];

pub(super) fn list(world: &World, call: &Call, seller: &str) -> Result<Reply, Reply> {
    let (query, offset) = match call.query("nextToken") {
        // A token comes alone, and knows the filters of its list.
        Some(_) if FILTERS.iter().any(|name| call.query(name).is_some()) => {
            return Err(invalid("'nextToken' cannot be combined with other parameters."));
        }
        Some(token) => {
            let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let read = text.as_deref().and_then(|text| text.split_once('?'));
            let read = read.and_then(|(offset, query)| Some((query.to_owned(), offset.parse::<usize>().ok()?)));
            read.ok_or_else(|| invalid("Invalid 'nextToken' provided."))?
        }
        None if call.query("feedTypes").is_none() => {
            return Err(invalid("Either 'feedTypes' or 'nextToken' is required."));
        }
        None => (call.uri.query().unwrap_or_default().to_owned(), 0),
    };
    let filters: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let list = |name: &str| -> Vec<&str> {
        filters.get(name).map(|joined| joined.split(',').filter(|part| !part.is_empty()).collect()).unwrap_or_default()
    };
    let moment = |name: &str| -> Result<Option<Timestamp>, Reply> {
        let read = |text: &String| text.parse().map_err(|_| invalid(&format!("'{name}' is not a date and time.")));
        filters.get(name).map(read).transpose()
    };
    let size = match filters.get("pageSize").map(|size| size.parse::<usize>()) {
        None => 10,
        Some(Ok(size @ 1..=100)) => size,
        Some(_) => return Err(invalid("'pageSize' must be between 1 and 100.")),
    };
    let (since, until) = (moment("createdSince")?, moment("createdUntil")?);
    let (types, stores, states) = (list("feedTypes"), list("marketplaceIds"), list("processingStatuses"));
    let wanted = |feed: &&FeedRow| {
        feed.owner == seller
            && types.contains(&"JSON_LISTINGS_FEED")
            && (stores.is_empty() || feed.stores.iter().any(|store| stores.contains(&store.id)))
            && (states.is_empty() || states.contains(&feed.status()))
            && since.is_none_or(|since| feed.created >= since)
            && until.is_none_or(|until| feed.created <= until)
    };
    let found: Vec<&FeedRow> = world.feeds.feeds.iter().rev().filter(wanted).collect();
    let page: Vec<Value> = found.iter().skip(offset).take(size).map(|feed| feed.view()).collect();
    let mut answer = json!({"feeds": page});
    if offset + size < found.len() {
        answer["nextToken"] = json!(URL_SAFE_NO_PAD.encode(format!("{}?{query}", offset + size)));
    }
    Ok(Reply::json(StatusCode::OK, &answer))
}
