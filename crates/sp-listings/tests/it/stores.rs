//! Regions and marketplaces.

use sp_listings::{Marketplace, Region};
use std::collections::BTreeSet;

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
