//! DataForSEO Merchant, MultiCartAPI and Amazon SP-API around Listings Items (with LWA) on loopback: stateful, strict
//! where the vendor is strict, with faults that can be scripted and a bill.
//!
//! It speaks the wire and knows no client, so that a wrong model in a client is caught.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use asin_sandbox::{Fault, Market, Sandbox};
//!
//! let market: Market = serde_json::from_str(
//!     r#"{"products": [{"asin": "B000000001",
//!                       "offers": [{"marketplace": "ATVPDKIKX0DER", "seller_id": "A1", "price": "12.50"}]}]}"#,
//! )?;
//! let sandbox = Sandbox::builder().market(market).start().await?;
//! sandbox.fault(Fault::on("POST", "/v3/merchant/amazon/sellers/task_post").call(1).cut_after_work());
//! println!("{}", sandbox.demo().dataforseo.base_url);
//! assert_eq!(sandbox.ledger().requests.len(), 0);
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Where what is
//! `server` is the port and applies the faults; `vendor` says whose a path is; `sp_api`, `dataforseo` and `multicart` answer;
//! `world` holds their state; `market` is what it starts from; `ledger` is what was done and charged; `control` is `/_sandbox`.
//!
//! # MultiCart's runs
//! A run takes a minute of sandbox time, holds a credit for each item meanwhile and leaves outputs and a file. `?rows=N` behind a
//! file's address makes it N generated rows of a kilobyte, streamed. What the vendor does not document is the sandbox's own:
//! a start answers words, the history is a bare list found by `collection_id`.
//!
//! # What stands around the listings
//! Two product types, `LUGGAGE` and `SHOES`, with schemas of the sandbox's own in the language that is asked for. Restrictions
//! by a plain rule: a product that the market does not know is not found, used and refurbished goods need approval,
//! collectibles are not eligible. A feed waits ten seconds of sandbox time and is processed for twenty; then its messages
//! are writes to the listings, and its report, compressed, has an entry for each message that was refused. A document may
//! have 16 MiB. Schemas and documents are at absolute addresses under `/sp-documents/`, which hold for five minutes of
//! sandbox time (schemas: for ever) and refuse our token: 400 beside `x-amz-access-token` or `Authorization`.
//!
//! # Over HTTP
//! `GET /_sandbox` is a page for a person: requests as they come, throttle levels, tasks, listings, faults on a switch; its numbers
//! are `/_sandbox/live`. `GET /_sandbox/demo` (base URLs and credentials), `/_sandbox/ledger`, `/_sandbox/market` (the present state);
//! `GET`, `POST` and `DELETE /_sandbox/faults` (`DELETE /_sandbox/faults/N` takes back the one that was set as the Nth). A fault in JSON: `{"method": "POST", "path": "/v3/*/task_post", "call": 1,
//! "action": "cut_after_work"}`; `call` or `chance` may be left out; further actions are `refuse`, `cut_before_work`,
//! `half_body`, `garbage`, `wrong_content_type`, `too_many_requests`, `expired_token`, `{"delay": {"ms": 500}}`,
//! `{"slow_body": {"ms": 500}}`, `{"apply_late": {"ms": 500}}`, `{"server_error": {"status": 503}}`, `{"html_error": {"status": 502}}`,
//! `deliver_twice` (with the method `POSTBACK` or `PINGBACK`), `{"code": {"code": 40203}}` (the vendor's own refusal with its code) and `{"clock_jump": {"seconds": 3600}}`;
//! `"after_work": true` lets the work be done before the answer is replaced. Several faults on one route, each with its `call`,
//! are a script.
//!
//! # The market file
//! JSON; every part may be left out; an unknown key is an error that names it.
//! ```json
//! {"accounts": [{"name": "europe", "seller_id": "A1SELLER", "region": "eu"}],
//!  "products": [{"asin": "B000000001", "title": "Lamp", "parent": null, "variants": [],
//!    "offers": [{"marketplace": "A1PA6795UKMFR9", "seller_id": "A2OTHER", "seller": "Other", "price": "39.80",
//!                "currency": "EUR", "condition": "New", "in_stock": true, "buy_box": true, "age_minutes": 0}]}],
//!  "listings": [{"seller_id": "A1SELLER", "sku": "LAMP-1", "marketplace": "A1PA6795UKMFR9", "asin": "B000000001",
//!    "product_type": "LAMP", "price": "42.00", "currency": "EUR", "quantity": 12, "channel": "DEFAULT",
//!    "attributes": {}, "preview": "VALID", "applies": "at_once", "issues": [], "age_minutes": 0}],
//!  "domains": [{"id": 1, "domain": "amazon.de", "country_code": "DE"}],
//!  "postcodes": [{"id": 15, "domain": 1, "zipcode": "10115", "status": "active"}],
//!  "collections": [{"id": 101, "name": "Lamps", "items": [{"asin": "B000000001", "domain": 1, "postcode": 15}],
//!    "outputs": [{"asin": "B000000001", "price": "39,80 €", "availability": "In Stock", "age_minutes": 10, "extra": {}}]}],
//!  "balances": {"dataforseo_usd": "10.00", "multicart_credits": 500}}
//! ```
//! The fields are those of [`Market`] and its parts.
//!
//! # What a test should know
//! * A `sellers` answer holds exactly the offers of its store, the one with `buy_box` first; without any it is 40102 with
//!   null items. A listing makes no offer by itself. The answer's `datetime` is as old as its oldest offer.
//! * The account's tasks include another program's, before and between ours; they are never charged here, and
//!   [`Ledger::foreign_collected`] counts those that a client took.
//! * `replace` puts an instance in the place of the one with the same selectors (`purchasable_offer`: store, currency,
//!   audience; stock: channel), whole. `merge` is for stock and for quantity discounts alone. Stock is one for a SKU in a region.
//! * A search pages through 1,000 listings, and a page token is taken for an hour of sandbox time. An offer whose end has
//!   passed cannot be bought.
//! * A patch of a SKU that nobody listed is ACCEPTED, and shows issue 13013 on the next read.
//! * A write that applies later can be seen after five minutes of sandbox time; [`Write::applied`] says whether it can.
//! * `id_list` shows a task thirty seconds of sandbox time after its POST; standard tasks take one to two minutes, urgent
//!   ones ten to twenty seconds.
//!
//! # Webhooks
//! A task with a `pingback_url` or `postback_url` has it called when it is done, if it is `http` to a loopback address: nothing
//! else is ever called. `$id` and `$tag` are replaced, results are gzip. A server that is not there, does not answer 2xx, or takes
//! longer than ten seconds of sandbox time (at least 100 ms) gets nothing again by itself: the task is listed by `tasks_ready`,
//! the failure by `/v3/merchant/errors`, and `/v3/appendix/webhook_resend` tries once more. [`Ledger::deliveries`] has them all.
//!
//! # Time
//! [`Builder::speed`] shortens every wait that a vendor imposes: queues, token life, rate windows, the lag of `id_list`, late
//! submissions, postcodes. Dates on the wire stay real. The default of 60 makes a vendor's minute a second.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![allow(clippy::result_large_err, reason = "a refusal is an answer like any other, built once a request")]

mod bodies;
mod builder;
mod call;
mod clock;
mod control;
mod dataforseo;
mod delivery;
mod demo;
mod faults;
mod invariants;
mod ledger;
mod live;
mod market;
mod marketplace;
mod multicart;
mod ports;
mod server;
mod sp_api;
mod vendor;
mod world;

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

pub use builder::{Builder, StartError};
pub use demo::{AccountDemo, DataForSeoDemo, Demo, MultiCartDemo, SpApiDemo};
pub use faults::{Fault, FaultRoute};
pub use invariants::Violation;
pub use ledger::{Charge, Delivery, Entry, Ledger, Terms, Write};
pub use market::{
    Account, Applies, Balances, Collection, Domain, Item, Listing, Market, MarketError, Offer, Output, Postcode,
    Product, Verdict,
};
pub use marketplace::Region;

use ports::Ports;
use server::Shared;

/// A running sandbox. Dropped, it stops.
#[derive(Debug)]
pub struct Sandbox {
    ports: Ports,
    shared: Shared,
    /// Dropped, every port closes.
    open: watch::Sender<()>,
    served: Vec<JoinHandle<std::io::Result<()>>>,
}

impl Sandbox {
    /// A sandbox to be set up.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts a generated world on a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// The root URL, `http://127.0.0.1:PORT`; with split ports that of Amazon. `/_sandbox` is on every port.
    ///
    /// # Panics
    /// Never: an address and a port always make a URL.
    #[must_use]
    pub fn url(&self) -> Url {
        Url::parse(&self.ports.roots("127.0.0.1").sp_api).expect("an address and a port make a URL")
    }

    /// Base URLs, credentials and accounts.
    #[must_use]
    pub fn demo(&self) -> Demo {
        Demo::new(&self.ports.roots("127.0.0.1"), &self.shared.world())
    }

    /// Answers a request, of which only the path counts, without a connection: for a test on a paused clock
    /// (`tokio::time::pause`), on which the sandbox's own clock goes, too. A connection would let such a clock run ahead.
    ///
    /// # Errors
    /// When a fault cuts the connection that there would be.
    pub async fn answer(&self, request: http::Request<bytes::Bytes>) -> std::io::Result<http::Response<bytes::Bytes>> {
        server::unconnected(self.shared.clone(), request).await
    }

    /// What was asked, done and charged until now.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        let mut world = self.shared.world();
        world.settle();
        world.ledger.clone()
    }

    /// The world as it is now: listings with their present price, quantity and attributes, collections, balances.
    #[must_use]
    pub fn market(&self) -> Market {
        let mut world = self.shared.world();
        world.settle();
        world.market()
    }

    /// Sets a fault; faults add up, and the first one that is due strikes.
    pub fn fault(&self, fault: Fault) {
        self.shared.world().faults.add(fault);
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// Stops to listen and closes the connections; waits at most a second for calls in flight.
    pub async fn stop(self) {
        drop(self.open);
        let all = futures_util::future::join_all(self.served.into_iter().map(|mut served| async move {
            if tokio::time::timeout(Duration::from_secs(1), &mut served).await.is_err() {
                served.abort();
            }
        }));
        all.await;
    }
}

/// The Rust of README.md, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
