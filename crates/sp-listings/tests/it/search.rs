//! Search: what it can express, and that it reads everything. A6 and A7 are rows of the fault matrix.

use crate::{TOKEN, builder, is_token_call, seller, sku};
use core_http::{
    ErrorKind, Operation, Request, Response,
    testing::{Script, response},
};
use futures_util::{StreamExt, TryStreamExt, pin_mut};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sp_listings::{
    Identifiers, IdentifiersType, IncludedData, Item, ItemStatus, Marketplace, PageSize, Search, SearchListingsItems,
    SortBy, SortOrder, SpClient,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

/// A seller's listings as Amazon would search them: by SKU, when each was created and last changed.
#[derive(Debug, Default)]
struct Shelf {
    listings: BTreeMap<String, (Timestamp, Timestamp)>,
    /// What happens before a call is answered, by the call's number from 1 on.
    before: BTreeMap<usize, Event>,
    calls: usize,
    without_count: bool,
}

#[derive(Debug, Clone)]
enum Event {
    Delete(&'static str),
    Add(&'static str),
    Touch(String),
    Refuse(&'static str),
    SameToken,
}

const REACH: usize = 1000;

impl Shelf {
    /// So many listings, one created every hour.
    fn hourly(count: usize) -> Self {
        let created = |number: usize| day(1) + SignedDuration::from_hours(number as i64);
        let listings = (0..count).map(|number| (format!("S{number:05}"), (created(number), created(number))));
        Self { listings: listings.collect(), ..Self::default() }
    }

    fn answer(&mut self, request: &Request) -> Response {
        self.calls += 1;
        let mut same_token = false;
        match self.before.remove(&self.calls) {
            Some(Event::Delete(sku)) => drop(self.listings.remove(sku)),
            Some(Event::Add(sku)) => drop(self.listings.insert(sku.to_owned(), (day(300), day(300)))),
            Some(Event::Touch(sku)) => self.listings.get_mut(&sku).unwrap().1 = Timestamp::now(),
            Some(Event::Refuse(message)) => {
                let errors = json!({"errors": [{"code": "InvalidInput", "message": message, "details": ""}]});
                return response(400, &errors.to_string());
            }
            Some(Event::SameToken) => same_token = true,
            None => {}
        }
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(request.uri().query().unwrap().as_bytes()).into_owned().collect();
        let moment = |name: &str| query.get(name).map(|text| text.parse::<Timestamp>().unwrap());
        let created = [moment("createdAfter"), moment("createdBefore")];
        let updated = [moment("lastUpdatedAfter"), moment("lastUpdatedBefore")];
        let inside = |at: Timestamp, [after, before]: [Option<Timestamp>; 2]| {
            after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before)
        };
        let mut found: Vec<(&String, &(Timestamp, Timestamp))> = self
            .listings
            .iter()
            .filter(|(_, (at, changed))| inside(*at, created) && inside(*changed, updated))
            .collect();
        assert_eq!((query["sortBy"].as_str(), query["sortOrder"].as_str()), ("createdDate", "ASC"));
        found.sort_by_key(|(_, (created, _))| *created);
        let size: usize = query["pageSize"].parse().unwrap();
        let offset: usize = query.get("pageToken").map_or(0, |token| token.parse().unwrap());
        let end = (offset + size).min(REACH).min(found.len());
        let items: Vec<_> = found[offset.min(end)..end].iter().map(|(sku, _)| json!({"sku": sku})).collect();
        let mut page = json!({"items": items, "pagination": {}});
        if !self.without_count {
            page["numberOfResults"] = json!(found.len());
        }
        if end < found.len().min(REACH) {
            page["pagination"]["nextToken"] = json!(if same_token { offset } else { end }.to_string());
        }
        response(200, &page.to_string())
    }
}

fn day(number: i64) -> Timestamp {
    "2024-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * number)
}

fn client(shelf: Shelf) -> (SpClient, Arc<Script>) {
    let script = Arc::new(Script::new());
    let shelf = Mutex::new(shelf);
    script.always(move |request| {
        Ok(if is_token_call(request) { response(200, TOKEN) } else { shelf.lock().unwrap().answer(request) })
    });
    (builder(&script).build().unwrap(), script)
}

/// What a search over a shelf gives, up to its end or first error, and the calls that it took.
async fn found(shelf: Shelf, search: Search) -> (Vec<String>, Option<core_http::Error>, Vec<Request>) {
    let (client, script) = client(shelf);
    let items = search.items(&client);
    pin_mut!(items);
    let (mut skus, mut error) = (Vec::new(), None);
    while let Some(item) = items.next().await {
        match item {
            Ok(item) => skus.push(item.sku.to_string()),
            Err(failure) => error = Some(failure),
        }
    }
    let calls = script.seen().into_iter().filter(|request| !is_token_call(request)).collect();
    (skus, error, calls)
}

fn all() -> Search {
    Search::all(seller(), [Marketplace::TR])
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("S{number:05}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a6_up_to_a_thousand_listings_are_read_page_by_page() {
    for (count, pages) in [(0, 1), (1, 1), (20, 1), (21, 2), (1000, 50)] {
        let (skus, error, calls) = found(Shelf::hourly(count), all()).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!((skus, calls.len()), (names(count), pages));
    }
}

#[tokio::test(start_paused = true)]
async fn a6_beyond_a_thousand_the_window_is_halved_until_everything_comes_once_and_in_order() {
    for count in [1001, 4321] {
        let (skus, error, calls) = found(Shelf::hourly(count), all()).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(skus, names(count), "oldest first, nothing twice");
        assert!(calls.len() < count / 20 + 60, "{} calls", calls.len());
        assert!(!calls[0].uri().query().unwrap().contains("createdAfter"), "no window where none is needed");
    }
    // The caller's own window is what is halved.
    let (first, last) = (day(10), day(80));
    let (skus, error, _) = found(Shelf::hourly(4321), all().created_after(first).created_before(last)).await;
    assert!(error.is_none());
    assert_eq!(skus, names(4321)[(9 * 24)..=(79 * 24)]);
}

#[tokio::test(start_paused = true)]
async fn a6_listings_of_one_moment_are_told_apart_by_their_last_change() {
    let mut shelf = Shelf::hourly(2500);
    shelf.listings.values_mut().for_each(|(created, _)| *created = day(1));
    let (skus, error, _) = found(shelf, all()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(skus.into_iter().collect::<BTreeSet<_>>(), names(2500).into_iter().collect());
}

#[tokio::test(start_paused = true)]
async fn a6_what_cannot_be_reached_is_an_error_and_never_an_end() {
    let mut shelf = Shelf::hourly(1001);
    shelf.listings.values_mut().for_each(|dates| *dates = (day(1), day(1)));
    let (skus, error, _) = found(shelf, all()).await;
    let error = error.unwrap();
    assert_eq!((skus.len(), error.kind()), (0, ErrorKind::Rejected));
    assert!(error.to_string().contains("more than 1000 of the listings were created and changed in the same moment"));
}

/// The plain pages of the operation end there too, and say so.
#[tokio::test(start_paused = true)]
async fn a6_plain_pages_that_end_at_a_thousand_end_in_an_error() {
    for (count, complete) in [(1000, true), (1001, false)] {
        let client = client(Shelf::hourly(count)).0;
        let ask = SearchListingsItems::new(seller(), [Marketplace::TR]);
        let ask = ask.page_size(20).sort_by(SortBy::CreatedDate).sort_order(SortOrder::Asc);
        let read: Vec<_> = client.pages(ask).items().collect().await;
        assert_eq!(read.iter().filter(|item| item.is_ok()).count(), 1000);
        match read.last().unwrap() {
            Ok(_) => assert!(complete),
            Err(error) => {
                assert!(!complete && error.kind() == ErrorKind::Rejected && !error.may_have_been_applied());
                assert!(error.to_string().contains("1001 listings were found"), "{error}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a6_a_missing_count_hides_nothing() {
    let (skus, error, _) = found(Shelf { without_count: true, ..Shelf::hourly(1500) }, all()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(skus.iter().collect::<BTreeSet<_>>().len(), 1500);
    assert_eq!(skus.len(), 1500);
}

#[tokio::test(start_paused = true)]
async fn a7_a_listing_that_goes_while_paging_makes_the_window_be_read_again() {
    // The first page is read, its first listing goes, so the page after it begins one listing too late.
    let shelf = Shelf { before: [(2, Event::Delete("S00000"))].into(), ..Shelf::hourly(50) };
    let (skus, error, calls) = found(shelf, all()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(skus.iter().cloned().collect::<BTreeSet<_>>(), names(50).into_iter().collect());
    assert_eq!((skus.len(), calls.len()), (50, 6));
    let late = skus.iter().position(|sku| sku == "S00020").unwrap();
    assert_eq!(late, 49, "what was skipped comes with the second reading");
}

#[tokio::test(start_paused = true)]
async fn a7_listings_that_come_or_change_while_paging_are_read_once() {
    let touched = Event::Touch("S00001".to_owned());
    let shelf = Shelf { before: [(2, Event::Add("NEW")), (3, touched)].into(), ..Shelf::hourly(50) };
    let (skus, error, _) = found(shelf, all()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((skus.len(), skus.iter().collect::<BTreeSet<_>>().len()), (51, 51));
    assert!(skus.contains(&"NEW".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a7_what_changes_faster_than_it_can_be_read_is_an_error() {
    let gone = ["S00000", "S00001", "S00002", "S00003"];
    let start = tokio::time::Instant::now();
    let before = gone.into_iter().enumerate().map(|(reading, sku)| (2 + reading * 3, Event::Delete(sku))).collect();
    let (skus, error, _) = found(Shelf { before, ..Shelf::hourly(60) }, all()).await;
    let error = error.unwrap();
    assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Busy, false));
    let said = error.to_string();
    assert!(said.contains("change faster than they can be read") && said.contains("reading 4; 60 listings"), "{said}");
    assert_eq!(skus.iter().collect::<BTreeSet<_>>().len(), 60, "what was found is given all the same");
    assert!(start.elapsed() >= std::time::Duration::from_secs(2 + 10 + 30), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a7_a_token_that_comes_twice_is_an_error() {
    let shelf = Shelf { before: [(2, Event::SameToken), (3, Event::SameToken)].into(), ..Shelf::hourly(60) };
    let (skus, error, calls) = found(shelf, all()).await;
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("the page at `20` came twice"), "{error}");
    assert_eq!((skus.len(), calls.len()), (40, 2));
}

const MISMATCH: &str = "Search parameters do not match the provided 'pageToken'";

#[tokio::test(start_paused = true)]
async fn a7_a_token_that_is_refused_for_a_moment_is_sent_again_after_a_while() {
    let before = [(2, Event::Refuse(MISMATCH)), (3, Event::Refuse(MISMATCH))].into();
    let start = tokio::time::Instant::now();
    let (skus, error, calls) = found(Shelf { before, ..Shelf::hourly(30) }, all()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((skus, calls.len()), (names(30), 4));
    assert_eq!(calls[1].uri(), calls[3].uri());
    assert!(start.elapsed() >= std::time::Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a7_a_token_that_has_expired_makes_the_window_be_read_again() {
    let expired = Event::Refuse("Invalid 'pageToken' provided.");
    let (skus, error, calls) = found(Shelf { before: [(2, expired.clone())].into(), ..Shelf::hourly(30) }, all()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((skus, calls.len()), (names(30), 4));

    let before = [2, 4, 6, 8].map(|call| (call, expired.clone())).into();
    let (skus, error, calls) = found(Shelf { before, ..Shelf::hourly(30) }, all()).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::Rejected);
    assert_eq!((skus, calls.len()), (names(20), 8));
}

#[tokio::test(start_paused = true)]
async fn a_first_page_that_is_refused_is_the_searchs_own_fault() {
    let before = [(1, Event::Refuse("Invalid 'createdAfter' provided."))].into();
    let (_, error, calls) = found(Shelf { before, ..Shelf::hourly(30) }, all()).await;
    assert_eq!((error.unwrap().kind(), calls.len()), (ErrorKind::Rejected, 1));
}

fn uris(search: &Search) -> Vec<String> {
    search.operations().iter().map(|search| search.request().unwrap().uri().to_string()).collect()
}

#[test]
fn a_search_says_what_it_was_told() {
    let search = all()
        .included_data([IncludedData::Summaries, IncludedData::Issues])
        .issue_locale("tr_TR")
        .created_after("2026-01-01T00:00:00Z".parse().unwrap())
        .updated_before("2026-02-01T00:00:00.5Z".parse().unwrap())
        .with_status([ItemStatus::Buyable])
        .page_size(PageSize::new(7).unwrap());
    let path = "/listings/2021-08-01/items/AO0WPKWDI17JQ?marketplaceIds=A33AVAJ2PDY3EV";
    let query = "&issueLocale=tr_TR&includedData=summaries,issues&createdAfter=2026-01-01T00%3A00%3A00Z\
                 &lastUpdatedBefore=2026-02-01T00%3A00%3A00.5Z&withStatus=BUYABLE&sortBy=createdDate&sortOrder=ASC&pageSize=7";
    assert_eq!(uris(&search), [format!("{path}{query}")]);
    let sorted = "sortBy=createdDate&sortOrder=ASC&pageSize=20";
    let parent = Search::variations_of(sku("P/1"), seller(), [Marketplace::TR]);
    assert_eq!(uris(&parent), [format!("{path}&variationParentSku=P%2F1&{sorted}")]);
    let package = Search::packages_of(sku("K"), seller(), [Marketplace::TR]);
    assert_eq!(uris(&package), [format!("{path}&packageHierarchySku=K&{sorted}")]);
    assert!(PageSize::new(0).is_none() && PageSize::new(21).is_none());
    assert_eq!(PageSize::new(20), Some(PageSize::MAX));
}

#[test]
fn identifiers_go_out_twenty_at_a_time_and_never_with_a_comma() {
    let asins = (0..45).map(|number| format!("B{number:09}").parse().unwrap());
    let search = Search::identified(seller(), [Marketplace::TR], Identifiers::asins(asins));
    let uris = uris(&search);
    assert_eq!(uris.iter().map(|uri| uri.matches("B0000000").count()).collect::<Vec<_>>(), [20, 20, 5]);
    assert!(uris.iter().all(|uri| uri.contains("identifiersType=ASIN")));
    for wrong in ["a,b", ""] {
        assert!(Identifiers::of(IdentifiersType::Ean, ["1", wrong]).is_err(), "{wrong:?}");
    }
    assert!(Identifiers::of(IdentifiersType::Sku, [".."]).is_err());
    assert!(Identifiers::of(IdentifiersType::Sku, ["a,b"]).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_sku_with_a_comma_is_read_by_itself() {
    let script = Arc::new(Script::new());
    script.answer(200, TOKEN).answer(200, r#"{"sku":"a,b"}"#);
    script.answer(404, r#"{"errors":[{"code":"NOT_FOUND","message":"no such SKU"}]}"#);
    script.answer(200, r#"{"numberOfResults":1,"items":[{"sku":"c"}]}"#);
    let client = builder(&script).build().unwrap();
    let skus = Identifiers::skus([sku("a,b"), sku("c"), sku("d,e")]);
    let search = Search::identified(seller(), [Marketplace::TR], skus);
    let items: Vec<Item> = search.clone().items(&client).try_collect().await.unwrap();
    assert_eq!(items.iter().map(|item| item.sku.as_str()).collect::<Vec<_>>(), ["a,b", "c"]);
    let sent: Vec<String> = script.seen()[1..].iter().map(|request| request.uri().path().to_owned()).collect();
    assert!(sent[0].ends_with("/a%2Cb") && sent[1].ends_with("/d%2Ce") && sent[2].ends_with("/AO0WPKWDI17JQ"));

    let filtered = search.with_status([ItemStatus::Buyable]).items(&client).try_collect::<Vec<Item>>().await;
    let error = filtered.unwrap_err();
    assert_eq!((error.kind(), script.sent()), (ErrorKind::Request, 4));
    assert!(error.to_string().contains("the SKU `a,b` holds a comma"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn pages_are_fetched_only_when_they_are_asked_for() {
    let script = Arc::new(Script::new());
    let shelf = Mutex::new(Shelf::hourly(100));
    script.always(move |request| {
        Ok(if is_token_call(request) { response(200, TOKEN) } else { shelf.lock().unwrap().answer(request) })
    });
    let client = builder(&script).build().unwrap();
    let first: Vec<_> = all().items(&client).take(20).collect().await;
    assert_eq!((first.len(), script.sent()), (20, 2));
}
