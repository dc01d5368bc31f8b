//! Regions and marketplaces.

use crate::{TOKEN, builder, is_token_call, seller, sku};
use core_http::{
    ErrorKind, Limits, Operation, Request, RequestBuilder, Result, Safety,
    testing::{Script, response},
};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sp_listings::{
    Builder, Credentials, DeleteListingsItem, GetListingsItem, ListingsItemPatchRequest, ListingsItemPutRequest,
    Marketplace, PatchListingsItem, PutListingsItem, Region, SearchListingsItems, SpApi, SpClient, quantity_patch,
};
use std::{collections::BTreeSet, sync::Arc};

/// Marketplace id, region, country, currency, first language, domain.
const STORES: [(&str, Region, &str, &str, &str, &str); 23] = {
    use Region::{Europe as EU, FarEast as FE, NorthAmerica as NA};
    [
        ("A2EUQ1WTGCTBG2", NA, "CA", "CAD", "en_CA", "amazon.ca"),
        ("ATVPDKIKX0DER", NA, "US", "USD", "en_US", "amazon.com"),
        ("A1AM78C64UM0Y8", NA, "MX", "MXN", "es_MX", "amazon.com.mx"),
        ("A2Q3Y263D00KWC", NA, "BR", "BRL", "pt_BR", "amazon.com.br"),
        ("A28R8C7NBKEWEA", EU, "IE", "EUR", "en_IE", "amazon.ie"),
        ("A1RKKUPIHCS9HS", EU, "ES", "EUR", "es_ES", "amazon.es"),
        ("A1F83G8C2ARO7P", EU, "GB", "GBP", "en_GB", "amazon.co.uk"),
        ("A13V1IB3VIYZZH", EU, "FR", "EUR", "fr_FR", "amazon.fr"),
        ("AMEN7PMS3EDWL", EU, "BE", "EUR", "fr_BE", "amazon.com.be"),
        ("A1805IZSGTT6HS", EU, "NL", "EUR", "nl_NL", "amazon.nl"),
        ("A1PA6795UKMFR9", EU, "DE", "EUR", "de_DE", "amazon.de"),
        ("APJ6JRA9NG5V4", EU, "IT", "EUR", "it_IT", "amazon.it"),
        ("A2NODRKZP88ZB9", EU, "SE", "SEK", "sv_SE", "amazon.se"),
        ("AE08WJ6YKNBMC", EU, "ZA", "ZAR", "en_ZA", "amazon.co.za"),
        ("A1C3SOZRARQ6R3", EU, "PL", "PLN", "pl_PL", "amazon.pl"),
        ("ARBP9OOSHTCHU", EU, "EG", "EGP", "ar_EG", "amazon.eg"),
        ("A33AVAJ2PDY3EV", EU, "TR", "TRY", "tr_TR", "amazon.com.tr"),
        ("A17E79C6D8DWNP", EU, "SA", "SAR", "ar_SA", "amazon.sa"),
        ("A2VIGQ35RCS4UG", EU, "AE", "AED", "en_AE", "amazon.ae"),
        ("A21TJRUUN4KGV", EU, "IN", "INR", "en_IN", "amazon.in"),
        ("A19VAU5U5O7RUS", FE, "SG", "SGD", "en_SG", "amazon.sg"),
        ("A39IBJ37TRP1C6", FE, "AU", "AUD", "en_AU", "amazon.com.au"),
        ("A1VC38T7YXB528", FE, "JP", "JPY", "ja_JP", "amazon.co.jp"),
    ]
};

#[test]
fn every_store_is_what_amazon_says() {
    for (store, row) in Marketplace::ALL.iter().zip(STORES) {
        let (id, region, country, currency, language, domain) = row;
        assert_eq!(store.as_str(), id);
        assert_eq!(store.region(), Some(region), "{id}");
        assert_eq!([store.country(), store.currency()], [Some(country), Some(currency)], "{id}");
        assert_eq!([store.language(), store.domain()], [Some(language), Some(domain)], "{id}");
    }
    assert_eq!(Marketplace::ALL.len(), STORES.len());
}

#[test]
fn all_stores_are_known_in_their_region() {
    let count = |region| Marketplace::ALL.iter().filter(|store| store.region() == Some(region)).count();
    assert_eq!(Region::ALL.map(count), [4, 16, 3]);
    let ids: BTreeSet<&str> = Marketplace::ALL.iter().map(Marketplace::as_str).collect();
    assert_eq!(ids.len(), 23);
    for store in Marketplace::ALL {
        assert_eq!(&Marketplace::from(store.as_str()), store);
        assert_eq!(Marketplace::of_country(store.country().unwrap()).as_ref(), Some(store));
        assert!(store.domain().unwrap().starts_with("amazon."));
        assert!(store.language().unwrap().ends_with(store.country().unwrap()));
        assert_eq!(store.currency().unwrap().len(), 3);
    }
    assert_eq!(Marketplace::of_country("UK"), Some(Marketplace::UK));
    assert_eq!(Marketplace::of_country("XX"), None);
}

#[test]
fn a_new_store_is_kept_by_its_id() {
    let read: Marketplace = serde_json::from_str("\"ANEWSTORE\"").unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), "\"ANEWSTORE\"");
    assert_eq!((read.region(), read.currency(), read.domain()), (None, None, None));
}

#[test]
fn regions_have_amazons_abbreviations_and_endpoints() {
    for (region, text) in [(Region::NorthAmerica, "na"), (Region::Europe, "eu"), (Region::FarEast, "fe")] {
        assert_eq!(serde_json::to_value(region).unwrap(), text);
        assert_eq!(region.to_string(), text);
        assert_eq!(region.endpoint(), format!("https://sellingpartnerapi-{text}.amazon.com"));
        assert_eq!(region.sandbox_endpoint(), format!("https://sandbox.sellingpartnerapi-{text}.amazon.com"));
    }
}

fn client(region: Region) -> (SpClient, Arc<Script>) {
    let script = Arc::new(Script::new());
    let accepted = r#"{"sku":"S","status":"ACCEPTED","submissionId":"id","items":[]}"#;
    script.always(move |request| Ok(response(200, if is_token_call(request) { TOKEN } else { accepted })));
    let credentials = Credentials::new("client", "secret", "Atzr|r");
    let client = Builder::new(region, credentials).seller(seller()).transport(script.clone()).build().unwrap();
    (client, script)
}

/// An operation of a user's own; where it names a store is up to it.
#[derive(Debug)]
struct Own(fn() -> RequestBuilder);

impl Operation for Own {
    type Vendor = SpApi;
    type Wire = Value;
    type Output = Value;
    const NAME: &'static str = "own";

    fn safety(&self) -> Safety {
        Safety::Once
    }
    fn limits(&self) -> Limits {
        Limits::new()
    }
    fn request(&self) -> Result<Request> {
        (self.0)().build()
    }
    fn output(&self, wire: Value) -> Result<Value> {
        Ok(wire)
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_store_of_another_region_is_refused_before_anything_is_sent() {
    let (client, script) = client(Region::NorthAmerica);
    let stores = [Marketplace::US, Marketplace::DE];
    let body = ListingsItemPatchRequest::offer([quantity_patch(1, None)]);
    let put = ListingsItemPutRequest::new("SHOES", serde_json::Map::new());
    let calls = [
        client.call(GetListingsItem::new(seller(), sku("S"), stores.clone())).await.map(drop),
        client.call(PutListingsItem::new(seller(), sku("S"), [Marketplace::DE], put)).await.map(drop),
        client.call(PatchListingsItem::new(seller(), sku("S"), [Marketplace::DE], body)).await.map(drop),
        client.call(DeleteListingsItem::new(seller(), sku("S"), [Marketplace::DE])).await.map(drop),
        client.pages(SearchListingsItems::new(seller(), stores)).items().try_collect::<Vec<_>>().await.map(drop),
        client.call(Own(|| RequestBuilder::get("/x").query("marketplaceId", "A1PA6795UKMFR9"))).await.map(drop),
        client
            .call(Own(|| RequestBuilder::post("/x").json(&json!({"marketplaceIds": ["A1PA6795UKMFR9"]}))))
            .await
            .map(drop),
        client
            .call(Own(|| RequestBuilder::post("/x").json(&json!({"marketplaceId": "A1PA6795UKMFR9"}))))
            .await
            .map(drop),
    ];
    for call in calls {
        let error = call.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Request, 0));
        let both = "marketplace A1PA6795UKMFR9 (DE) is in the region eu, this client is for the region na";
        assert!(error.to_string().ends_with(both), "{error}");
    }
    assert_eq!(script.sent(), 0);
}

#[tokio::test(start_paused = true)]
async fn every_store_is_served_by_its_region_alone_and_an_unknown_one_by_all() {
    for region in Region::ALL {
        let (client, _) = client(region);
        for store in Marketplace::ALL.iter().chain([&Marketplace::from("ANEWSTORE")]) {
            let call = client.call(DeleteListingsItem::new(seller(), sku("S"), [store.clone()])).await;
            assert_eq!(call.is_ok(), store.region().is_none_or(|home| home == region), "{region}: {store}");
        }
    }
}

#[test]
fn the_sandbox_is_a_switch_and_a_base_url_comes_before_it() {
    let script = Arc::new(Script::new());
    assert_eq!(builder(&script).build().unwrap().base(), "https://sellingpartnerapi-eu.amazon.com");
    let sandbox = builder(&script).sandbox();
    assert_eq!(sandbox.build().unwrap().base(), "https://sandbox.sellingpartnerapi-eu.amazon.com");
    let own = builder(&script).sandbox().base_url("http://127.0.0.1:9".parse().unwrap());
    assert_eq!(own.build().unwrap().base(), "http://127.0.0.1:9");
}
