//! Enrolling from a catalogue, in the collections that the register has for each store and postcode.

#![cfg(all(feature = "sync", feature = "rustls"))]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/example.rs"]
mod example;

use asin_facade::event::Enrolment;
use asin_facade::multicart::CollectionId;
use asin_facade::sync::{Change, Options, Progress, Spending, Supervisor, Sync, SyncError};
use asin_facade::watch::Register;
use asin_facade::{Marketplace, Source};
use async_trait::async_trait;
use std::sync::Mutex;
use std::time::Duration;

/// Allows to enrol and nothing else.
#[derive(Default)]
struct Enrols(Mutex<Vec<usize>>);

#[async_trait]
impl Supervisor for Enrols {
    fn event(&self, _: Progress) {}

    async fn may_pay(&self, _: &Spending) -> bool {
        false
    }

    async fn may_enrol(&self, enrolment: &Enrolment) -> bool {
        let Enrolment { products, credits_per_run, spendable, .. } = enrolment;
        assert!(credits_per_run.is_some_and(|credits| credits >= *products as u64), "{enrolment:?}");
        assert!(spendable.is_some(), "{enrolment:?}");
        self.0.lock().unwrap().push(*products);
        true
    }

    async fn may_write(&self, _: &[Change]) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_go_into_the_collections_of_their_place_and_what_has_none_is_said() {
    let (_sandbox, services, catalogue) = example::open().await;
    let state = tempfile::tempdir().unwrap();
    let mut options = Options::new(state.path());
    options.watch = true;
    (options.publish.cadence, options.publish.patience) = (Duration::from_millis(50), Duration::from_secs(30));
    let (client, register) = (services.multicart.clone(), options.register());
    let sync = Sync::new(services, options);

    let supervisor = Enrols::default();
    let Err(SyncError::NoCollection(places)) = sync.run(&catalogue, &supervisor).await else { panic!("none is known") };
    assert_eq!(places, ["AU:4500", "DE:10115", "JP:100-0001", "SG:018956", "TR:34000", "US:10001"]);

    let australia: Marketplace = "AU".parse().unwrap();
    Register::open(register, &client).unwrap().adopt(australia, "4500", CollectionId::from(101)).unwrap();
    for asked in [&[2][..], &[]] {
        let supervisor = Enrols::default();
        let report = sync.run(&catalogue, &supervisor).await.unwrap();
        assert_eq!(*supervisor.0.lock().unwrap(), asked, "what is there is not enrolled again");
        for row in &report.rows {
            let watch = row.watch.as_ref().unwrap();
            let told = (watch.name(), watch.reason().map_or("", |reason| reason.code));
            let expected = if row.marketplace == "AU" { ("unchanged", "") } else { ("refused", "no_collection") };
            assert_eq!(told, expected, "{row:?}");
        }
        let seen = report.rows.iter().find(|row| row.sku == "ref-001").unwrap().observed.clone();
        assert_eq!(seen.unwrap().source, Source::MulticartOutput, "its outputs are read");
    }
}
