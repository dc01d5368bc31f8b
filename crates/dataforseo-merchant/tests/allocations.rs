//! What it costs to read a large answer: its bytes are neither copied whole nor turned into a tree of values first.

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use core_http::testing::Script;
use dataforseo_merchant::{AsinTaskGetHtml, Builder, DfsClient, SellersTaskGet, TaskId};
use serde_json::{Value, json};
use std::sync::Arc;

/// Ten million bytes.
const LARGE: usize = 10_000_000;

fn offer() -> Value {
    json!({
        "type": "amazon_seller_item",
        "rank_group": 7,
        "rank_absolute": 7,
        "position": "left",
        "xpath": "/html[1]/body[1]/div[1]/div[7]/div[2]/span[1]",
        "seller_name": "Seller \"7\" & sons",
        "seller_url": "https://www.amazon.com/gp/aag/main?ie=UTF8&seller=A0000000000007&isAmazonFulfilled=0",
        "ships_from": "Amazon",
        "price": {"current": 19.99, "regular": null, "max_value": null, "currency": "USD", "is_price_range": false, "displayed_price": "$19.99"},
        "percentage_discount": null,
        "applicable_vouchers": null,
        "rating": {"type": "rating_element", "rating_type": "Max5", "value": 4.5, "votes_count": 120, "rating_max": 5},
        "condition": "Used - Very Good",
        "condition_description": null,
        "delivery_info": {"delivery_message": "FREE delivery", "delivery_date_from": "2026-07-20 09:37:13 +00:00", "delivery_date_to": null},
    })
}

fn answer(result: &str) -> Bytes {
    format!(r#"{{"status_code":20000,"cost":0,"tasks":[{{"id":"1","status_code":20000,"result":[{result}]}}]}}"#).into()
}

fn client(body: Bytes) -> DfsClient {
    let script = Arc::new(Script::new());
    script.then(move |_| Ok(http::Response::new(body.clone())));
    Builder::new("login", "password").transport(script).build().unwrap()
}

/// What a call allocates on this thread, on which all of it runs.
fn counted<T>(call: impl Future<Output = T>) -> (T, AllocationInfo) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut value = None;
    let counted = measure(|| value = Some(runtime.block_on(call)));
    (value.unwrap(), counted)
}

/// The bounds beside the answer itself: twice its size at any one time, four times in all; and hardly more at any one time
/// than what the caller keeps in the end, so that no copy of the answer can be among it.
#[test]
fn ten_megabytes_of_offers_are_read_in_one_pass() {
    let one = offer().to_string();
    let count = LARGE / (one.len() + 1);
    let items = vec![one; count].join(",");
    let result = format!(r#"{{"asin":"B0EXAMPLE1","items_count":{count},"items":[{items}]}}"#);
    let body = answer(&result);
    let size = body.len() as u64;
    assert!(size > 9_900_000, "{size}");
    let tree = measure(|| drop(serde_json::from_slice::<Value>(&body).unwrap()));

    let client = client(body.clone());
    let (task, cost) = counted(client.call(SellersTaskGet::new(TaskId::new("1"))));
    let page = task.unwrap().result.unwrap().remove(0);
    assert_eq!((page.items.len(), page.offers().count()), (count, count));
    println!("{size} bytes: {cost:?}; a tree: {tree:?}");
    assert!(cost.bytes_max < 2 * size, "{} at one time for {size}", cost.bytes_max);
    let kept = u64::try_from(cost.bytes_current).unwrap();
    assert!(cost.bytes_max < kept * 5 / 4, "{} at one time for {kept} in the end", cost.bytes_max);
    assert!(cost.bytes_total < 4 * size, "{} in all for {size}", cost.bytes_total);
    assert!(cost.bytes_max * 3 < tree.bytes_max, "{} against {} for a tree", cost.bytes_max, tree.bytes_max);
}

/// The bound: three times its size. The text without its escapes is gathered in a buffer that doubles, then kept.
#[test]
fn a_page_of_ten_megabytes_is_copied_once() {
    let html = "<p>\"quoted\" text</p>\n".repeat(LARGE / 22);
    let quoted = Value::from(html.as_str());
    let body = answer(&format!(r#"{{"asin":"B0EXAMPLE1","items":[{{"page":1,"html":{quoted}}}]}}"#));
    let client = client(body.clone());
    let (task, cost) = counted(client.call(AsinTaskGetHtml::new(TaskId::new("1"))));
    let page = task.unwrap().result.unwrap().remove(0);
    assert_eq!(page.items[0].html.as_deref(), Some(html.as_str()));
    println!("{} bytes of text: {cost:?}", html.len());
    assert!(cost.bytes_max < 3 * body.len() as u64, "{} at one time for {}", cost.bytes_max, body.len());
}
