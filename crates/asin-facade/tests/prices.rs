//! What a run may cost is said, and reserved, by what the account pays.

#![cfg(all(feature = "sync", feature = "rustls"))]

#[path = "support/demo.rs"]
mod demo;

use asin_facade::core_http::{Request, Response, Transport, TransportError, built_in};
use asin_facade::event::Enrolment;
use asin_facade::sync::{Catalogue, Change, Options, Progress, Services, Spending, Supervisor, Sync};
use asin_sandbox::{Fault, Market, Sandbox};
use async_trait::async_trait;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An account that pays a dollar for each task.
#[derive(Debug)]
struct Dear(Arc<dyn Transport>);

#[async_trait]
impl Transport for Dear {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let is_account = request.uri().path().ends_with("/appendix/user_data");
        let response = self.0.send(request).await?;
        let Some(mut said) = serde_json::from_slice::<Value>(response.body()).ok().filter(|_| is_account) else {
            return Ok(response);
        };
        for kind in ["asin", "sellers"] {
            let prices = said.pointer_mut(&format!("/tasks/0/result/0/price/merchant/amazon/{kind}/task_post"));
            if let Some(prices) = prices {
                prices["priority_normal"] = json!([{"cost_type": "per_request", "cost": 1}]);
            }
        }
        Ok(response.map(|_| said.to_string().into()))
    }
}

/// Writes down what it is asked and told, and pays nothing.
#[derive(Default)]
struct Listener {
    asked: Mutex<Vec<Spending>>,
    notes: Mutex<Vec<String>>,
}

#[async_trait]
impl Supervisor for Listener {
    fn event(&self, event: Progress) {
        if let Progress::Note(note) = event {
            self.notes.lock().unwrap().push(note);
        }
    }

    async fn may_pay(&self, spending: &Spending) -> bool {
        self.asked.lock().unwrap().push(spending.clone());
        false
    }

    async fn may_enrol(&self, _: &Enrolment) -> bool {
        false
    }

    async fn may_write(&self, _: &[Change]) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_asks_once_what_the_account_pays_and_goes_on_where_that_is_not_known() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for (dry, fails) in [(false, false), (false, true), (true, false)] {
        let sandbox = Sandbox::builder().market(Market::read(examples.join("market.json")).unwrap()).speed(60.0);
        let sandbox = sandbox.start().await.unwrap();
        if fails {
            sandbox.fault(Fault::on("GET", "/v3/appendix/user_data").server_error(403));
        }
        let services = Services::over(demo::connection(&sandbox), Arc::new(Dear(built_in().unwrap()))).unwrap();
        let catalogue = std::fs::File::open(examples.join("catalogue.csv")).unwrap();
        let catalogue = Catalogue::read(catalogue, services.accounts()).unwrap();
        let state = tempfile::tempdir().unwrap();
        let mut options = Options::new(state.path());
        (options.discover, options.publish.dry_run) = (true, dry);
        (options.publish.cadence, options.publish.patience) = (Duration::from_millis(100), Duration::from_secs(60));
        let listener = Listener::default();
        Sync::new(services, options).run(&catalogue, &listener).await.unwrap();

        let asked = listener.asked.lock().unwrap().clone();
        let spending =
            asked.iter().map(|asked| (asked.asin_tasks + asked.sellers_tasks, asked.usd)).collect::<Vec<_>>();
        let notes = listener.notes.lock().unwrap().clone();
        let is_noted = notes.iter().any(|note| note.contains("the account's prices are not known"));
        let calls = sandbox.ledger().requests.iter().filter(|call| call.path.ends_with("/user_data")).count();
        match (dry, fails) {
            (true, _) => assert_eq!((spending.len(), calls), (0, 0), "a dry run asks nobody"),
            (_, true) => assert!(is_noted && spending[0].1 < Decimal::ONE, "{spending:?}, {notes:?}"),
            (_, false) => {
                assert_eq!((spending[0].1, calls, is_noted), (Decimal::from(spending[0].0), 1, false), "{notes:?}");
            }
        }
        sandbox.stop().await;
    }
}
