//! What a paid call costs at most, before it is sent.

use crate::failure::Failure;
use asin_facade::core_http::Request;
use asin_facade::dataforseo_merchant::{DfsClient, Mode, Prices, Priority, TaskRequest, UserData};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// US dollars, by the account's own prices, which a free call tells; `None` for what is no paid task.
pub async fn most(client: &DfsClient, request: &Request) -> Result<Option<Decimal>, Failure> {
    let Some((kind, is_live)) = kind(request.uri().path()) else { return Ok(None) };
    let tasks: Vec<Value> = serde_json::from_slice(request.body()).map_err(Failure::work)?;
    let mut prices = Prices::default();
    let accounts = client.call(UserData::new()).await?;
    accounts.iter().filter_map(|account| account.price.as_ref()).for_each(|account| prices.learn(account));
    let mut sum = Decimal::ZERO;
    for task in tasks {
        let task: TaskRequest = serde_json::from_value(json!({ &kind: task })).map_err(Failure::usage)?;
        let mode = match task.priority() {
            _ if is_live => Mode::Live,
            Priority::High => Mode::Priority,
            Priority::Normal => Mode::Standard,
        };
        sum += prices.of(task.kind(), mode) * Decimal::from(task.summary().pages.max(1));
    }
    Ok(Some(sum))
}

/// The kind of task that a path makes, and whether it is answered at once.
fn kind(path: &str) -> Option<(String, bool)> {
    let mut parts = path.split("/merchant/").nth(1)?.split('/');
    let (engine, what, how) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = if engine == "amazon" { what.to_owned() } else { format!("{engine}_{what}") };
    matches!(how, "task_post" | "live").then_some((kind, how == "live"))
}

#[cfg(test)]
mod tests {
    use super::kind;
    use asin_facade::dataforseo_merchant::Kind;

    #[test]
    fn every_operation_that_is_paid_for_has_its_kind() {
        let paid = asin_facade::operations().into_iter().filter(|info| info.vendor == "dataforseo");
        let paid: Vec<_> = paid.filter(|info| info.safety == "once").collect();
        assert_eq!(paid.len(), 12);
        for info in paid {
            let (kind, is_live) = kind(info.path).unwrap();
            let known: Kind = serde_json::from_value(kind.as_str().into()).unwrap();
            assert!(!is_live || known.has_live(), "{}", info.name);
            assert_eq!(is_live, info.name.contains("Live"), "{}", info.name);
        }
        assert_eq!(kind("/v3/merchant/amazon/asin/task_get/advanced/1"), None);
        assert_eq!(kind("/v3/appendix/user_data"), None);
    }
}
