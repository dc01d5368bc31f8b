//! Local validation, against the sandbox's schemas: what they rule out, where, and in which words.

use crate::{seller, sku};
use asin_sandbox::Sandbox;
use serde_json::{Value, json};
use sp_listings::product_types::{
    Finding, GetDefinitionsProductType, Locale, ProductTypeSchema, RequirementsEnforced, SchemaCache, Validator,
};
use sp_listings::{
    ListingsItemPatchRequest, ListingsItemPutRequest, Marketplace, PatchListingsItem, PatchOp, PatchOperation,
    PutListingsItem, Requirements, SpClient, new_price, quantity_patch,
};

struct Shop {
    client: SpClient,
    cache: SchemaCache,
    _sandbox: Sandbox,
    _folder: tempfile::TempDir,
}

async fn shop() -> Shop {
    let world = json!({"accounts": [{"name": "europe", "seller_id": "AO0WPKWDI17JQ", "region": "eu"}]});
    let (sandbox, client) = crate::sandbox::start(world, 6000.0).await;
    let folder = tempfile::tempdir().unwrap();
    Shop { client, cache: SchemaCache::new(folder.path()), _sandbox: sandbox, _folder: folder }
}

impl Shop {
    async fn validator(&self, ask: GetDefinitionsProductType) -> Validator {
        Validator::new(&self.cache.fetch(&self.client, ask).await.unwrap()).unwrap()
    }
}

fn luggage() -> Value {
    let text = |value: &str| json!([{"value": value, "language_tag": "tr_TR", "marketplace_id": "A33AVAJ2PDY3EV"}]);
    json!({
        "item_name": text("Kabin boy valiz"), "brand": text("Generic"), "bullet_point": text("Hafif"),
        "number_of_wheels": [{"value": 4}], "wheel_type": [{"value": "spinner"}], "condition_type": [{"value": "new_new"}],
        "purchasable_offer": [{"currency": "TRY", "our_price": [{"schedule": [{"value_with_tax": 75.5}]}]}],
    })
}

fn put(product_type: &str, attributes: &Value) -> PutListingsItem {
    let attributes = attributes.as_object().unwrap().clone();
    let listing = ListingsItemPutRequest::new(product_type, attributes);
    PutListingsItem::new(seller(), sku("S"), [Marketplace::TR], listing)
}

fn told(findings: &[Finding]) -> Vec<(&str, &str)> {
    findings.iter().map(|finding| (finding.path.as_str(), finding.keyword.as_str())).collect()
}

#[tokio::test]
async fn each_keyword_rules_out_what_it_should() {
    let shop = shop().await;
    let validator = shop.validator(GetDefinitionsProductType::in_store("LUGGAGE", Marketplace::TR)).await;
    assert_eq!(
        validator.put(&put("LUGGAGE", &luggage())).unwrap(),
        [],
        "keywords that inform or are new rule out nothing"
    );
    let text = |value: String| json!([{"value": value, "language_tag": "tr_TR"}]);
    let three: Vec<Value> =
        ["a", "b", "c", "d"].iter().map(|point| json!({"value": point, "language_tag": "tr_TR"})).collect();
    type Case = (&'static str, Value, &'static [(&'static str, &'static str)], &'static str);
    let cases: Vec<Case> = vec![
        // 40 letters of two bytes each: short enough in characters, too long in UTF-8.
        (
            "item_name",
            text("ş".repeat(40)),
            &[("item_name[0].value", "maxUtf8ByteLength")],
            "at most 60 bytes in UTF-8; it has 80",
        ),
        ("item_name", text("ab".into()), &[("item_name[0].value", "minUtf8ByteLength")], "at least 3 bytes"),
        ("item_name", text("x".repeat(55)), &[("item_name[0].value", "maxLength")], "at most 50 characters"),
        ("item_name", json!([{"value": "valiz"}]), &[("item_name[0].language_tag", "required")], "required"),
        (
            "item_name",
            json!([{"value": "valiz", "language_tag": "de_DE"}]),
            &[("item_name[0].language_tag", "enum")],
            "one of [\"tr_TR\"]",
        ),
        (
            "item_name",
            json!([{"value": "one two", "language_tag": "tr_TR"}, {"value": "two one", "language_tag": "tr_TR"}]),
            &[("item_name", "maxUniqueItems")],
            "at most 1 for each combination of marketplace_id, language_tag",
        ),
        ("item_name", json!([]), &[("item_name", "minItems"), ("item_name", "minUniqueItems")], "at least 1"),
        ("bullet_point", Value::Array(three), &[("bullet_point", "maxUniqueItems")], "at most 3 for each combination"),
        ("color", text("Red".into()), &[("color[0].value", "enum")], "Kırmızı"),
        ("brand", text("x".repeat(51)), &[("brand[0].value", "anyOf")], "one of 2 alternatives"),
        ("number_of_wheels", json!([{"value": 9}]), &[("number_of_wheels[0].value", "maximum")], "at most 8"),
        ("number_of_wheels", json!([{"value": "4"}]), &[("number_of_wheels[0].value", "type")], "integer"),
        (
            "merchant_suggested_asin",
            json!([{"value": "b0"}]),
            &[("merchant_suggested_asin[0].value", "pattern")],
            "[A-Z0-9]{10}",
        ),
        ("itemName", json!([]), &[("itemName", "additionalProperties")], "not an attribute of this product type"),
        ("condition_type", Value::Null, &[("condition_type", "required")], "missing"),
        ("wheel_type", Value::Null, &[("wheel_type", "required")], "missing"),
    ];
    for (name, value, expected, words) in cases {
        let mut attributes = luggage();
        if value.is_null() {
            attributes.as_object_mut().unwrap().remove(name);
        } else {
            attributes[name] = value.clone();
        }
        let found = validator.put(&put("LUGGAGE", &attributes)).unwrap();
        assert_eq!(told(&found), expected, "{name}: {value}");
        assert!(found.iter().any(|finding| finding.to_string().contains(words)), "{words}: {found:?}");
        assert!(found.iter().all(|finding| finding.value.chars().count() <= 80));
    }
}

#[tokio::test]
async fn a_patch_is_checked_by_what_it_touches() {
    let shop = shop().await;
    let validator = shop.validator(GetDefinitionsProductType::in_store("SHOES", Marketplace::TR)).await;
    let patch = |product_type: &str, changes: Vec<PatchOperation>| {
        let body = ListingsItemPatchRequest::new(product_type, changes);
        PatchListingsItem::new(seller(), sku("S"), [Marketplace::TR], body)
    };
    let price = new_price("TRY", "75.50".parse().unwrap());
    let fine = patch("PRODUCT", vec![price, quantity_patch(7, None)]);
    assert_eq!(validator.patch(&fine).unwrap(), [], "required attributes that it leaves alone are not missing");
    let foreign = patch("SHOES", vec![new_price("EUR", "75.50".parse().unwrap())]);
    assert_eq!(told(&validator.patch(&foreign).unwrap()), [("purchasable_offer[0].currency", "enum")]);
    let size =
        |value: Value, op: fn(&str, [Value; 1]) -> PatchOperation| patch("SHOES", vec![op("footwear_size", [value])]);
    let half = json!({"size": "numeric_41"});
    let replaced = validator.patch(&size(half.clone(), PatchOperation::replace)).unwrap();
    assert_eq!(told(&replaced), [("footwear_size[0].size_system", "required")]);
    let merged = validator.patch(&size(half, PatchOperation::merge)).unwrap();
    assert_eq!(merged, [], "what a merge leaves out is kept");
    let gone = patch("SHOES", vec![PatchOperation::delete("heel_type", [json!({"marketplace_id": "A33AVAJ2PDY3EV"})])]);
    assert_eq!(told(&validator.patch(&gone).unwrap()), [("heel_type", "additionalProperties")]);
    let known = patch("SHOES", vec![PatchOperation::delete("color", [json!({"language_tag": "tr_TR"})])]);
    assert_eq!(validator.patch(&known).unwrap(), []);
    let other = validator.patch(&patch("LUGGAGE", vec![quantity_patch(1, None)])).unwrap_err();
    assert!(other.to_string().contains("product type"), "{other}");
}

#[tokio::test]
async fn a_schema_that_a_listing_is_not_checked_against_is_refused() {
    let shop = shop().await;
    let ask = || GetDefinitionsProductType::in_store("LUGGAGE", Marketplace::TR);
    let whole = put("LUGGAGE", &luggage());
    let offer_only = shop.validator(ask().requirements(Requirements::ListingOfferOnly)).await;
    let cases = [
        (shop.validator(ask().locale(Locale::EnUs)).await, "the language is `tr_TR`, that of the schema is `en_US`"),
        (shop.validator(GetDefinitionsProductType::in_store("LUGGAGE", Marketplace::DE)).await, "the marketplace is"),
        (shop.validator(GetDefinitionsProductType::in_store("SHOES", Marketplace::TR)).await, "the product type is"),
        (
            shop.validator(ask().requirements_enforced(RequirementsEnforced::NotEnforced)).await,
            "enforces no requirements",
        ),
    ];
    for (validator, said) in cases {
        let error = validator.put(&whole).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    let error = offer_only.put(&whole).unwrap_err();
    assert!(error.to_string().contains("the requirements is `LISTING`"), "{error}");
    let offer = json!({"condition_type": [{"value": "new_new"}], "merchant_suggested_asin": [{"value": "B07G82D89J"}]});
    let offer = ListingsItemPutRequest::new("LUGGAGE", offer.as_object().unwrap().clone())
        .requirements(Requirements::ListingOfferOnly);
    let offer = PutListingsItem::new(seller(), sku("S"), [Marketplace::TR], offer);
    assert_eq!(told(&offer_only.put(&offer).unwrap()), [("purchasable_offer", "required")]);
    let product_only = shop.validator(ask().requirements(Requirements::ListingProductOnly)).await;
    let mut facts = luggage();
    facts.as_object_mut().unwrap().retain(|name, _| name != "condition_type" && name != "purchasable_offer");
    let facts = ListingsItemPutRequest::new("LUGGAGE", facts.as_object().unwrap().clone())
        .requirements(Requirements::ListingProductOnly);
    let facts = PutListingsItem::new(seller(), sku("S"), [Marketplace::TR], facts);
    assert_eq!(product_only.put(&facts).unwrap(), []);
}

#[tokio::test]
async fn the_meta_schema_is_kept_beside_the_schemas() {
    let shop = shop().await;
    let schema =
        shop.cache.fetch(&shop.client, GetDefinitionsProductType::in_store("SHOES", Marketplace::DE)).await.unwrap();
    let meta = shop.cache.read(&shop.client, schema.definition.meta_schema.as_ref().unwrap()).await.unwrap();
    assert!(std::str::from_utf8(&meta).unwrap().contains("maxUtf8ByteLength"));
}

fn schema(text: &str) -> core_http::Result<Validator> {
    let definition = json!({
        "schema": {"link": {"resource": "https://schemas.test/a", "verb": "GET"}, "checksum": "x"}, "requirements": "LISTING",
        "requirementsEnforced": "ENFORCED", "propertyGroups": {}, "locale": "tr_TR", "marketplaceIds": ["A33AVAJ2PDY3EV"],
        "productType": "SHOES", "displayName": "x", "productTypeVersion": {"version": "U7", "latest": true},
    });
    let definition = serde_json::from_value(definition).unwrap();
    Validator::new(&ProductTypeSchema::new(definition, text.to_owned()))
}

/// A `merge` is a part of a value: the rest may hold what it lacks, and decide the case.
#[test]
fn a_merge_is_checked_by_what_a_part_can_break() {
    let price = json!({"type": "object", "properties": {"amount": {"type": "number", "minimum": 1}}});
    let by = |rule: Value| {
        let mut instance = json!({"type": "object", "properties": {"currency": {"enum": ["TRY"]}, "kind": {"enum": ["a", "b"]},
            "our_price": {"type": "array", "items": price}, "note": {"anyOf": [{"enum": ["x"]}, {"maxLength": 3}]}}});
        instance.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        let offers = json!({"type": "array", "minItems": 2, "items": instance});
        schema(&json!({"type": "object", "properties": {"purchasable_offer": offers}}).to_string()).unwrap()
    };
    let told = |validator: &Validator, op: PatchOp, value: Value| {
        let change = PatchOperation::new(op, "/attributes/purchasable_offer").value([value]);
        let body = ListingsItemPatchRequest::new("SHOES", [change]);
        let found = validator.patch(&PatchListingsItem::new(seller(), sku("S"), [Marketplace::TR], body)).unwrap();
        found.into_iter().map(|finding| finding.keyword).collect::<Vec<_>>()
    };
    let part = json!({"currency": "TRY", "kind": "a"});
    for (rule, keyword) in [
        (json!({"required": ["our_price"]}), "required"),
        (json!({"dependentRequired": {"kind": ["our_price"]}}), "required"),
        (json!({"minProperties": 3}), "minProperties"),
        (json!({"anyOf": [{"required": ["our_price"]}, {"properties": {"kind": {"const": "b"}}}]}), "anyOf"),
        (json!({"oneOf": [{"required": ["our_price"]}, {"required": ["note"]}]}), "oneOf"),
        (json!({"oneOf": [{"required": ["kind"]}, {"required": ["currency"]}]}), "oneOf"),
        (json!({"not": {"properties": {"our_price": {"maxItems": 1}}}}), "not"),
        (
            json!({"if": {"properties": {"our_price": {"maxItems": 1}}}, "then": {"properties": {"kind": {"const": "b"}}}}),
            "const",
        ),
    ] {
        let validator = by(rule);
        let mut whole = told(&validator, PatchOp::Replace, part.clone());
        whole.sort();
        let mut expected = vec![keyword, "minItems"];
        expected.sort_unstable();
        assert_eq!(whole, expected, "a whole value that is so short");
        assert_eq!(told(&validator, PatchOp::Merge, part.clone()), [] as [&str; 0], "{keyword}");
    }
    let validator = by(json!({}));
    for (broken, keyword) in [
        (json!({"currency": "EUR"}), "enum"),
        (json!({"our_price": [{"amount": 0}]}), "minimum"),
        (json!({"our_price": 5}), "type"),
        (json!({"note": "long"}), "anyOf"),
    ] {
        assert_eq!(told(&validator, PatchOp::Merge, broken), [keyword], "what is there is wrong whatever the rest is");
    }
}

#[test]
fn what_is_no_schema_says_so() {
    for text in
        ["", "[]", r#"{"type": "no such type"}"#, r#"{"properties": {"a": {"$ref": "https://elsewhere.test/b"}}}"#]
    {
        assert_eq!(schema(text).unwrap_err().kind(), core_http::ErrorKind::Decode, "{text}");
    }
}
