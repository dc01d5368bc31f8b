//! What the vendor repeats of a request.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{fmt, ops::Deref};

/// What the vendor repeats of what it was asked: the request, by the names of its fields, or the address that was called.
///
/// The address of a webhook holds the receiver's token, so `Debug` shows nothing of it. Written as JSON it is whole.
///
/// ```
/// use dataforseo_merchant::IdListRow;
///
/// let row: IdListRow = serde_json::from_str(r#"{"metadata": {"tag": "mine", "postback_url": "https://shop.example/5f3759df"}}"#)?;
/// assert!(!format!("{row:?}").contains("5f3759df"));
/// assert_eq!(row.metadata.as_ref().and_then(|posted| posted.get("tag")?.as_str()), Some("mine"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Echo<T = Map<String, Value>>(T);

impl<T> Deref for Echo<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Echo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use crate::{MerchantErrorsRow, Task, TaskResult};
    use core_http::{Error, ErrorKind};
    use serde_json::{Value, json};

    const TOKEN: &str = "5f3759df";

    #[test]
    fn no_receivers_token_is_shown() {
        let posted = json!({"tag": "mine", "postback_url": format!("https://shop.example/{TOKEN}")});
        let answer = json!({"id": "1", "status_code": 20000, "data": posted});
        let task: Task<Value> = serde_json::from_value(answer.clone()).unwrap();
        assert_eq!((task.tag(), json!(task)["data"].clone()), (Some("mine"), posted));
        let row: MerchantErrorsRow = serde_json::from_value(json!({"http_url": TOKEN})).unwrap();
        assert_eq!(row.http_url.as_ref().map(|url| url.as_str()), Some(TOKEN));
        let error = Error::new(ErrorKind::Decode, "at `items`").into();
        let result = TaskResult::Unreadable { error, raw: Some(answer.to_string()) };
        for shown in [format!("{task:?}"), format!("{row:?}"), format!("{result:?}")] {
            assert!(!shown.contains(TOKEN), "{shown}");
        }
    }
}
