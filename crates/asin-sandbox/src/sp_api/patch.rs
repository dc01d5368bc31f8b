//! Patches of attributes: how a value finds the instance that it means, and what is refused.
//!
//! An attribute is an array of instances that selectors tell apart. `add` and `replace` put the sent instances in the place
//! of those with the same selectors and leave the others; what a sent instance leaves out is gone
//! (amzn/selling-partner-api-models #5235, #5231). `merge` keeps what is left out and exists for the stock and for the
//! quantity discounts of business offers alone (docs "Merge a listing").

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::issues::issue;
use super::listings::{OFFER, STOCK, decimal, number};
use crate::marketplace::Marketplace;

/// One operation on one attribute.
#[derive(Debug, Clone)]
pub(super) struct PatchOperation {
    pub(super) op: Op,
    pub(super) attribute: String,
    pub(super) value: Vec<Map<String, Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Replace,
    Merge,
    Delete,
}

impl PatchOperation {
    /// The operations that set all these attributes.
    pub(super) fn replacing(attributes: &Map<String, Value>) -> Vec<Self> {
        let instances =
            |value: &Value| value.as_array().into_iter().flatten().filter_map(|one| one.as_object().cloned()).collect();
        let replace = |(name, value): (&String, &Value)| Self {
            op: Op::Replace,
            attribute: name.clone(),
            value: instances(value),
        };
        attributes.iter().map(replace).collect()
    }

    /// Reads the `patches` of a body. The error is the text of a 400.
    pub(super) fn read_all(body: &Value) -> Result<Vec<Self>, String> {
        let patches =
            body["patches"].as_array().filter(|patches| !patches.is_empty()).ok_or("'patches' is required.")?;
        patches.iter().enumerate().map(|(index, patch)| Self::read(index, patch)).collect()
    }

    fn read(index: usize, patch: &Value) -> Result<Self, String> {
        // A bad value is reported as a bad path (selling-partner-api-docs #3005).
        let bad_path = || format!("Invalid path provided in patch at index of {index}.");
        let op = match patch["op"].as_str() {
            Some("add" | "replace") => Op::Replace,
            Some("merge") => Op::Merge,
            Some("delete") => Op::Delete,
            _ => return Err(format!("Invalid operation provided in patch at index of {index}.")),
        };
        let path = patch["path"].as_str().ok_or_else(bad_path)?;
        let attribute = path.strip_prefix("/attributes/").unwrap_or(path);
        let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
        if attribute.is_empty() || !attribute.chars().all(plain) {
            return Err(bad_path());
        }
        let empty = || format!("Invalid empty value provided in patch at index of {index}.");
        let value = match &patch["value"] {
            Value::Null => return Err(empty()),
            Value::Array(instances) if instances.is_empty() => return Err(empty()),
            Value::Array(instances) => {
                instances.iter().map(|one| one.as_object().cloned().ok_or_else(bad_path)).collect()
            }
            _ => Err(bad_path()),
        };
        Ok(Self { op, attribute: attribute.to_owned(), value: value? })
    }

    /// What is wrong with it in the stores of a call, as issues.
    pub(super) fn issues(&self, stores: &[&Marketplace]) -> Vec<Value> {
        let wrong = |instance: &Map<String, Value>| {
            let mut own = stores.iter().filter(|store| is_for(instance, store)).peekable();
            if own.peek().is_none() {
                return Some("INVALID_ATTRIBUTE");
            }
            match self.op {
                Op::Delete => None,
                Op::Merge if !is_mergeable(&self.attribute, instance) => Some("INVALID_ATTRIBUTE"),
                Op::Merge | Op::Replace => own.find_map(|store| problem(&self.attribute, instance, store)),
            }
        };
        let first = self.value.iter().find_map(wrong);
        first.map(|category| issue("4000001", &self.attribute, category)).into_iter().collect()
    }
}

/// Whether an instance is meant for a store: it names that store, or none.
fn is_for(instance: &Map<String, Value>, store: &Marketplace) -> bool {
    instance.get("marketplace_id").is_none_or(|id| id == store.id)
}

/// The category of what is wrong with one instance.
fn problem(attribute: &str, instance: &Map<String, Value>, marketplace: &Marketplace) -> Option<&'static str> {
    match attribute {
        OFFER => {
            let foreign = instance.get("currency").is_some_and(|currency| currency != marketplace.currency);
            let digits = if marketplace.currency == "JPY" { 0 } else { 2 };
            let payable = |price: Decimal| price > Decimal::ZERO && price.normalize().scale() <= digits;
            let bad_price = instance
                .get("our_price")
                .is_some_and(|price| !decimal(&price[0]["schedule"][0]["value_with_tax"]).is_some_and(payable));
            (foreign || bad_price).then_some("INVALID_PRICE")
        }
        STOCK => {
            let whole = |quantity: &Value| {
                decimal(quantity).is_some_and(|pieces| pieces >= Decimal::ZERO && pieces.fract().is_zero())
            };
            let bad = instance.get("quantity").is_some_and(|quantity| !whole(quantity));
            (bad || !instance.contains_key("fulfillment_channel_code")).then_some("INVALID_ATTRIBUTE")
        }
        _ => None,
    }
}

/// Whether `merge` may change what an instance holds.
fn is_mergeable(attribute: &str, instance: &Map<String, Value>) -> bool {
    let discounts = ["marketplace_id", "currency", "audience", "quantity_discount_plan"];
    match attribute {
        STOCK => true,
        OFFER => instance.keys().all(|key| discounts.contains(&key.as_str())),
        _ => false,
    }
}

/// How many instances there are of each combination of selectors.
pub(super) fn selected_by(selectors: Option<&Value>, instances: &[Value]) -> Vec<usize> {
    let named: Vec<&str> =
        selectors.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let of = |instance: &Value| named.iter().map(|name| instance[*name].to_string()).collect::<Vec<_>>();
    let mut counts: Vec<(Vec<String>, usize)> = Vec::new();
    for instance in instances {
        let key = of(instance);
        match counts.iter_mut().find(|(known, _)| *known == key) {
            Some((_, count)) => *count += 1,
            None => counts.push((key, 1)),
        }
    }
    counts.into_iter().map(|(_, count)| count).collect()
}

/// The keys that tell the instances of an attribute apart.
fn selectors(attribute: &str) -> &'static [&'static str] {
    match attribute {
        OFFER => &["marketplace_id", "currency", "audience"],
        STOCK => &["fulfillment_channel_code"],
        _ => &["marketplace_id", "language_tag"],
    }
}

/// The value of a selector; what is left out means the store of the call, its currency, and everybody.
fn selected(instance: &Map<String, Value>, selector: &str, marketplace: &Marketplace) -> Value {
    match (instance.get(selector), selector) {
        (Some(value), _) => value.clone(),
        (None, "marketplace_id") => json!(marketplace.id),
        (None, "currency") => json!(marketplace.currency),
        (None, "audience") => json!("ALL"),
        (None, _) => Value::Null,
    }
}

/// Makes one operation in one store.
pub(super) fn apply(attributes: &mut Map<String, Value>, operation: &PatchOperation, marketplace: &str) {
    let Some(marketplace) = Marketplace::of(marketplace) else { return };
    let sent: Vec<&Map<String, Value>> = operation.value.iter().filter(|one| is_for(one, marketplace)).collect();
    if sent.is_empty() {
        return;
    }
    let name = &operation.attribute;
    let keys = selectors(name);
    let held = attributes.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut held: Vec<Map<String, Value>> = held.into_iter().filter_map(|one| one.as_object().cloned()).collect();
    let same = |left: &Map<String, Value>, right: &Map<String, Value>| {
        keys.iter().all(|key| selected(left, key, marketplace) == selected(right, key, marketplace))
    };
    match operation.op {
        Op::Replace => {
            held.retain(|old| !sent.iter().any(|new| same(old, new)));
            held.extend(sent.iter().map(|new| stored(new, marketplace)));
        }
        Op::Merge => {
            for new in sent {
                let new = stored(new, marketplace);
                match held.iter_mut().find(|old| same(old, &new)) {
                    Some(old) => {
                        old.extend(new);
                        old.retain(|_, value| !value.is_null());
                    }
                    None => held.push(new),
                }
            }
        }
        // A deletion names as many selectors as it likes.
        Op::Delete => held.retain(|old| {
            let meant = |value: &&Map<String, Value>| {
                keys.iter()
                    .filter(|key| value.contains_key(**key))
                    .all(|key| selected(old, key, marketplace) == value[*key])
            };
            !sent.iter().any(meant)
        }),
    }
    if held.is_empty() {
        attributes.shift_remove(name);
    } else {
        attributes.insert(name.clone(), held.into_iter().map(Value::Object).collect());
    }
}

/// An instance as it is kept: numbers are numbers, and the store is named.
pub(super) fn stored(instance: &Map<String, Value>, marketplace: &Marketplace) -> Map<String, Value> {
    let mut instance: Map<String, Value> =
        instance.iter().map(|(key, value)| (key.clone(), numeric(key, value))).collect();
    instance.entry("marketplace_id").or_insert_with(|| json!(marketplace.id));
    instance
}

fn numeric(key: &str, value: &Value) -> Value {
    match value {
        Value::String(_) if matches!(key, "value_with_tax" | "quantity" | "lead_time_to_ship_max_days") => {
            decimal(value).map_or_else(|| value.clone(), number)
        }
        Value::Array(items) => items.iter().map(|item| numeric(key, item)).collect(),
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), numeric(key, value))).collect(),
        _ => value.clone(),
    }
}
