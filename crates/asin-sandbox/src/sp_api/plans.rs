//! Usage plans: what each account may do with the application, and what the application may do with all accounts.
//!
//! Rates of the application: docs "Listings Items API Rate Limits". Of an answer's tier only the words of a refusal tell
//! (2025-06-25), and the rate header is the account's.

use std::collections::HashMap;
use std::time::Duration;

use http::{Method, StatusCode};

use super::{error, throttled};
use crate::call::{Call, Reply};
use crate::clock::TokenBucket;

/// An operation with its usage plan: requests a second and burst, as the model's descriptions state them.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) rate: f64,
    pub(super) burst: f64,
}

/// Previews have a second, smaller plan per account (changelog of 2024-01-31: one a second).
const PREVIEW: Operation = Operation { name: "VALIDATION_PREVIEW", rate: 1.0, burst: 5.0 };

/// A plan of the application: its name among the buckets, calls a second, and what its refusal says.
type Tier = (&'static str, f64, &'static str);

const APPLICATION: &str = "for the application";

/// What relates listings to each other.
const RELATIONSHIPS: [&str; 2] = ["child_parent_sku_relationship", "package_contains_sku"];
/// The terms of sale; every other attribute is product data.
const TERMS: [&str; 6] = [
    "purchasable_offer",
    "fulfillment_availability",
    "condition_type",
    "merchant_suggested_asin",
    "list_price",
    "merchant_shipping_group",
];

/// The calls left to each account and to the application, by operation.
#[derive(Debug, Default)]
pub(crate) struct UsagePlans {
    pub(super) buckets: HashMap<(String, &'static str), TokenBucket>,
    lifted: bool,
}

impl UsagePlans {
    /// Limits no more.
    pub(crate) fn lift(&mut self) {
        self.lifted = true;
    }

    fn take(&mut self, who: &str, name: &'static str, rate: f64, burst: f64, now: Duration) -> bool {
        let fresh = || TokenBucket::new(rate, burst);
        self.buckets.entry((who.to_owned(), name)).or_insert_with(fresh).take(now)
    }

    /// Takes from the seller's plans and then from the application's; the refusal names the tier that has none left.
    pub(super) fn admit(
        &mut self,
        seller: &str,
        operation: &Operation,
        call: &Call,
        now: Duration,
    ) -> Result<(), Reply> {
        if self.lifted {
            return Ok(());
        }
        let preview = call.query("mode").is_some_and(|mode| mode == "VALIDATION_PREVIEW");
        let own = |plans: &mut Self, plan: &Operation| plans.take(seller, plan.name, plan.rate, plan.burst, now);
        if !own(self, operation) || (preview && !own(self, &PREVIEW)) {
            return Err(throttled());
        }
        for (name, rate, says) in tiers(operation.name, call, preview) {
            if !self.take("application", name, rate, rate, now) {
                return Err(exceeded(says));
            }
        }
        Ok(())
    }
}

/// The plans of the application that a call counts against.
fn tiers(operation: &'static str, call: &Call, preview: bool) -> Vec<Tier> {
    let whole = |rate: f64| vec![(operation, rate, APPLICATION)];
    match operation {
        "putListingsItem" | "patchListingsItem" => {
            let patch = call.method == Method::PATCH;
            let mut tiers = whole(if patch { 500.0 } else { 100.0 });
            let named = attributes(call, patch);
            if named.iter().any(|name| RELATIONSHIPS.contains(&name.as_str())) {
                let (name, rate) = if patch { ("PATCH relationships", 5.0) } else { ("PUT relationships", 25.0) };
                tiers.push((name, rate, "for relationships"));
            }
            if patch
                && named.iter().any(|name| !TERMS.contains(&name.as_str()) && !RELATIONSHIPS.contains(&name.as_str()))
            {
                tiers.push(("PATCH product data", 100.0, "for product data"));
            }
            if patch && preview {
                tiers.push(("PATCH previews", 20.0, APPLICATION));
            }
            tiers
        }
        "getListingsItem"
        | "deleteListingsItem"
        | "searchDefinitionsProductTypes"
        | "getDefinitionsProductType"
        | "getListingsRestrictions" => whole(100.0),
        // None is documented for searches and feeds.
        _ => Vec::new(),
    }
}

/// The attributes that a submission names.
fn attributes(call: &Call, patch: bool) -> Vec<String> {
    let Some(body) = call.json() else { return Vec::new() };
    if !patch {
        return body["attributes"].as_object().map(|all| all.keys().cloned().collect()).unwrap_or_default();
    }
    let paths = body["patches"].as_array().into_iter().flatten().filter_map(|patch| patch["path"].as_str());
    paths.map(|path| path.strip_prefix("/attributes/").unwrap_or(path).to_owned()).collect()
}

/// A refusal by one of the application's plans, which it names.
fn exceeded(tier: &str) -> Reply {
    let message =
        format!("You exceeded your quota for the requested resource: the rate is greater than what is allowed {tier}.");
    error(StatusCode::TOO_MANY_REQUESTS, "QuotaExceeded", &message, "")
        .header("x-amzn-ErrorType", "TooManyRequestsException")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use serde_json::{Value, json};

    fn call(method: &str, query: &str, body: &Value) -> Call {
        let request = http::Request::builder().method(method).uri(format!("/x{query}")).body(()).expect("a request");
        Call::new(1, request.into_parts().0, String::new(), Bytes::from(body.to_string()), Vec::new())
    }

    fn patch(attribute: &str) -> Value {
        json!({"patches": [{"op": "replace", "path": format!("/attributes/{attribute}"), "value": [{}]}]})
    }

    /// How many of 700 calls pass at one moment, each by a seller of its own, and what the first refusal says.
    fn passed(operation: &Operation, call: &Call) -> (usize, String) {
        let mut plans = UsagePlans::default();
        let now = Duration::from_secs(1);
        let admitted: Vec<_> = (0..700).map(|seller| plans.admit(&seller.to_string(), operation, call, now)).collect();
        let words = admitted
            .iter()
            .find_map(|one| one.as_ref().err())
            .map(|reply| String::from_utf8_lossy(&reply.body).into_owned());
        (admitted.iter().filter(|one| one.is_ok()).count(), words.unwrap_or_default())
    }

    #[test]
    fn the_application_has_plans_of_its_own() {
        let patching = Operation { name: "patchListingsItem", rate: 5.0, burst: 5.0 };
        let putting = Operation { name: "putListingsItem", rate: 5.0, burst: 10.0 };
        let preview = "?mode=VALIDATION_PREVIEW";
        let related = json!({"attributes": {"child_parent_sku_relationship": [], "item_name": []}});
        for (operation, call, count, words) in [
            (&patching, call("PATCH", "", &patch("purchasable_offer")), 500, "for the application"),
            (&patching, call("PATCH", "", &patch("item_name")), 100, "for product data"),
            (&patching, call("PATCH", "", &patch("package_contains_sku")), 5, "for relationships"),
            (&patching, call("PATCH", preview, &patch("purchasable_offer")), 20, "for the application"),
            (&putting, call("PUT", "", &related), 25, "for relationships"),
            (&putting, call("PUT", "", &json!({"attributes": {"item_name": []}})), 100, "for the application"),
        ] {
            let (passed, said) = passed(operation, &call);
            assert_eq!(passed, count, "{said}");
            assert!(said.contains(&format!("greater than what is allowed {words}.")), "{said}");
        }
    }

    #[test]
    fn the_account_comes_first() {
        let mut plans = UsagePlans::default();
        let get = Operation { name: "getListingsItem", rate: 5.0, burst: 10.0 };
        let call = call("GET", "", &Value::Null);
        let passed = (0..20).filter(|_| plans.admit("one", &get, &call, Duration::from_secs(1)).is_ok()).count();
        assert_eq!(passed, 10);
        assert!(plans.admit("two", &get, &call, Duration::from_secs(1)).is_ok());
    }
}
