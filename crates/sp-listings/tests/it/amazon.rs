//! Amazon's feeds in memory, for paused time: what is uploaded is kept, feeds are processed, reports are written.

use async_trait::async_trait;
use core_http::{Request, Response, Transport, TransportError, TransportErrorKind, testing::response};
use serde_json::{Value, json};
use sp_listings::SpClient;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

/// What happens to a request.
#[derive(Clone, Copy)]
pub(crate) enum Fate {
    Answer,
    /// It never arrives, and the connection breaks.
    LostBefore,
    /// It is done, and the answer is lost.
    LostAfter,
    Status(u16, &'static str),
}

type Choose = Box<dyn FnMut(&str, usize) -> Fate + Send>;
type Write = Box<dyn FnMut(&Value, &str) -> Vec<u8> + Send>;

pub(crate) struct State {
    fate: Choose,
    write: Write,
    /// How often a feed is still in the queue when it is asked for.
    pub(crate) polls: usize,
    pub(crate) status: &'static str,
    pub(crate) documents: Vec<Option<Vec<u8>>>,
    /// The document of each feed, and its view.
    pub(crate) feeds: Vec<(usize, Value)>,
    /// Feeds in the list that other programs made.
    pub(crate) foreign: Vec<Value>,
    pub(crate) calls: BTreeMap<String, usize>,
    pub(crate) requests: Vec<Request>,
    /// Whether the list shows feeds yet.
    pub(crate) listed: bool,
}

pub(crate) struct Amazon(Mutex<State>);

impl fmt::Debug for Amazon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Amazon")
    }
}

impl Amazon {
    pub(crate) fn new(fate: impl FnMut(&str, usize) -> Fate + Send + 'static) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            fate: Box::new(fate),
            write: Box::new(|document, feed| report(document, feed).to_string().into_bytes()),
            polls: 1,
            status: "DONE",
            documents: Vec::new(),
            feeds: Vec::new(),
            foreign: Vec::new(),
            calls: BTreeMap::new(),
            requests: Vec::new(),
            listed: true,
        })))
    }

    pub(crate) fn good() -> Arc<Self> {
        Self::new(|_, _| Fate::Answer)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn reports(&self, write: impl FnMut(&Value, &str) -> Vec<u8> + Send + 'static) {
        self.state().write = Box::new(write);
    }

    /// How often an operation was asked for.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.state().calls.get(operation).copied().unwrap_or_default()
    }

    pub(crate) fn client(self: &Arc<Self>) -> SpClient {
        let credentials = sp_listings::Credentials::new("client", "client-secret", "Atzr|r");
        let builder = sp_listings::Builder::new(sp_listings::Region::Europe, credentials);
        builder.seller(crate::seller()).transport(self.clone()).build().unwrap()
    }
}

/// A report as Amazon writes it: SKUs that begin with `BAD` are refused, those with `GONE` are not in it.
pub(crate) fn report(document: &Value, feed: &str) -> Value {
    let messages = document["messages"].as_array().unwrap();
    let of = |start: &str| -> Vec<&Value> {
        messages.iter().filter(|message| message["sku"].as_str().unwrap().starts_with(start)).collect()
    };
    let (bad, gone) = (of("BAD"), of("GONE"));
    let issues: Vec<Value> = bad
        .iter()
        .map(|message| {
            json!({"messageId": message["messageId"], "sku": message["sku"], "code": "90220", "severity": "ERROR",
                   "message": "'item_name' is required but not supplied.", "attributeName": "item_name"})
        })
        .collect();
    let processed = messages.len() - gone.len();
    json!({
        "header": {"sellerId": document["header"]["sellerId"], "version": "2.0", "feedId": feed},
        "issues": issues,
        "summary": {"errors": issues.len(), "warnings": 0, "messagesProcessed": processed,
                    "messagesAccepted": processed - bad.len(), "messagesInvalid": bad.len()},
    })
}

#[async_trait]
impl Transport for Amazon {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let lost = || Err(TransportError::new(TransportErrorKind::Interrupted, "lost"));
        let mut state = self.state();
        let operation = operation(&request);
        state.requests.push(request.clone());
        let count = state.calls.entry(operation.to_owned()).or_default();
        *count += 1;
        let number = *count;
        match (state.fate)(operation, number) {
            Fate::LostBefore => lost(),
            Fate::Status(status, body) => Ok(response(status, body)),
            Fate::Answer => Ok(state.answer(operation, &request)),
            Fate::LostAfter => {
                state.answer(operation, &request);
                lost()
            }
        }
    }
}

fn operation(request: &Request) -> &'static str {
    let path = request.uri().path();
    match (request.method().as_str(), path) {
        (_, "/auth/o2/token") => "token",
        ("PUT", _) => "upload",
        ("POST", "/feeds/2021-06-30/documents") => "createFeedDocument",
        ("POST", "/feeds/2021-06-30/feeds") => "createFeed",
        ("GET", "/feeds/2021-06-30/feeds") => "getFeeds",
        ("GET", path) if path.starts_with("/feeds/2021-06-30/feeds/") => "getFeed",
        ("GET", path) if path.starts_with("/feeds/2021-06-30/documents/") => "getFeedDocument",
        _ => "download",
    }
}

impl State {
    fn answer(&mut self, operation: &str, request: &Request) -> Response {
        let last = request.uri().path().rsplit('/').next().unwrap().to_owned();
        let number = || last.trim_start_matches(char::is_alphabetic).parse::<usize>().unwrap();
        let (status, body) = match operation {
            "token" => (200, crate::json(crate::TOKEN)),
            "createFeedDocument" => {
                self.documents.push(None);
                let id = format!("d{}", self.documents.len() - 1);
                (201, json!({"feedDocumentId": id, "url": format!("https://storage.test/{id}?X-Amz-Signature=s")}))
            }
            "upload" => {
                self.documents[number()] = Some(request.body().to_vec());
                (200, json!({}))
            }
            "createFeed" => {
                let body: Value = serde_json::from_slice(request.body()).unwrap();
                let document = body["inputFeedDocumentId"].as_str().unwrap()[1..].parse().unwrap();
                let id = format!("f{}", self.feeds.len());
                let view = json!({"feedId": id, "feedType": "JSON_LISTINGS_FEED", "processingStatus": "IN_QUEUE",
                                  "marketplaceIds": body["marketplaceIds"], "createdTime": jiff::Timestamp::now().to_string()});
                self.feeds.push((document, view));
                (202, json!({"feedId": id}))
            }
            "getFeed" => {
                let (polls, status) = (self.polls, self.status);
                let number = number();
                let view = &mut self.feeds[number].1;
                let asked = view["asked"].as_u64().unwrap_or_default() as usize;
                view["asked"] = json!(asked + 1);
                if asked >= polls {
                    view["processingStatus"] = json!(status);
                    if status == "DONE" {
                        view["resultFeedDocumentId"] = json!(format!("r{number}"));
                    }
                }
                (200, view.clone())
            }
            "getFeeds" => {
                let own = self.feeds.iter().filter(|_| self.listed).map(|(_, view)| view.clone());
                let feeds: Vec<Value> = own.chain(self.foreign.clone()).collect();
                (200, json!({"feeds": feeds}))
            }
            "getFeedDocument" => {
                (200, json!({"feedDocumentId": last, "url": format!("https://storage.test/{last}?X-Amz-Signature=s")}))
            }
            _ => {
                let number = number();
                let document = self.documents[self.feeds[number].0].clone().unwrap();
                let document = serde_json::from_slice(&document).unwrap();
                return http::Response::new((self.write)(&document, &format!("f{number}")).into());
            }
        };
        response(status, &body.to_string())
    }
}
