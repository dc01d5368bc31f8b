//! DataForSEO's Merchant API for people who sell on Amazon: every variant of a product, and who offers it for how much,
//! as paid tasks that are never lost and never paid twice.
//!
//! Tasks are posted, billed when they are accepted, and collected when they are done. [`Tasks`] does all of it, with a
//! [`Ledger`] that survives crashes and a [`Budget`] that is reserved before anything is sent:
//!
//! ```
//! use dataforseo_merchant::{AsinTask, Budget, Builder, Language, Location, MemoryLedger, NewTask, Posted, Stage, Tasks};
//! use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let vendor = core_http::testing::Script::new();
//! # vendor.answer(200, r#"{"status_code":20000,"tasks":[{"status_code":20000,"result":null}]}"#);
//! # vendor.then(|request| {
//! #     let posted: serde_json::Value = serde_json::from_slice(request.body()).expect("a request is JSON");
//! #     let task = serde_json::json!({"id": "04171455-0696-0192-0000-4c69cc29b945", "status_code": 20100, "cost": 0.0015, "data": posted[0]});
//! #     let body = serde_json::json!({"status_code": 20000, "tasks": [task]});
//! #     Ok(core_http::testing::response(200, &body.to_string()))
//! # });
//! let client = Builder::new("login", "password")
//!     .transport(Arc::new(vendor)) // without this line: the built-in transport
//!     .build()?;
//! let budget = Budget::new("0.10".parse()?);
//! let tasks = Tasks::new(client, Arc::new(MemoryLedger::new()), budget.clone());
//!
//! let task = AsinTask::new("B0EXAMPLE1".parse()?, Location::code(2840), Language::code("en_US"));
//! for outcome in tasks.post(vec![NewTask::new(task)]).await {
//!     match outcome {
//!         Posted::Created { id, cost, .. } => println!("{id} for {cost} USD"),
//!         Posted::Unknown { error, .. } => println!("{error}; `settle` finds out"),
//!         other => println!("not made: {other:?}"),
//!     }
//! }
//! assert_eq!(tasks.counts().await?[&Stage::Created], 1);
//! assert_eq!(budget.spent(), "0.0015".parse()?);
//! # Ok(())
//! # }
//! ```
//!
//! The vendor can also send results by itself; the module `webhook` (a feature) takes them in. [`Places`] looks up where and in which language.
//!
//! Every operation can also be called by itself, as a value that a [`DfsClient`] sends; then keeping account of it is the
//! caller's business.
//!
//! # Errors
//!
//! Whatever fails is a [`core_http::Error`]; what each of the vendor's codes means is said by [`Meaning`]. The tasks of one call
//! fail one by one: [`Task::outcome`]. Where [`may_have_been_applied`](core_http::Error::may_have_been_applied) is true of a paid
//! call, nothing is sent again, and [`Tasks::settle`] finds out.
//!
//! # Features
//!
//! `rustls` (default): the built-in transport with TLS. `rustls-no-provider`: the same, the application installs the crypto
//! provider. Without either, bring a [`Transport`](core_http::Transport). `webhook`: the server side of what the vendor sends by
//! itself. `testing`: the conformance suite that every [`Ledger`] passes.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod buy_box;
mod clock;
mod condition;
mod echo;
mod file_ledger;
mod generated;
mod ids;
mod ledger;
mod memory_ledger;
mod money;
mod offers;
mod places;
mod ranks;
mod requests;
mod task;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
mod vendor;
mod vendor_time;
#[cfg(feature = "webhook")]
#[cfg_attr(docsrs, doc(cfg(feature = "webhook")))]
pub mod webhook;

pub use builder::{BASE_URL, Builder, DfsClient};
pub use buy_box::{BuyBox, BuyBoxDoubt};
pub use condition::Condition;
pub use echo::Echo;
pub use file_ledger::FileLedger;
pub use generated::appendix::{
    AccountMoney, AccountPrices, AccountRates, AccountStatistics, AmazonPrices, CollectPrices, CollectResultPrices,
    EndpointStatus, FunctionPrices, GooglePrices, GoogleSellersPrices, MerchantPrices, MoneyLimits, RateLimits,
    ResendTask, ResultPrices, ServiceStatus, ServiceStatusRow, StatusCodeRow, StatusCodes, TaskPrices, UnitPrice,
    UserData, UserDataRow, WebhookResend,
};
pub use generated::{
    AdUrl, AmazonLanguages, AmazonLocations, AmazonLocationsIn, AmazonProductInfo, AsinHtml, AsinItem, AsinLive,
    AsinLiveHtml, AsinResult, AsinTaskGet, AsinTaskGetHtml, AsinTaskPost, AsinTasksReady, BuyOnGoogleOffer,
    CarouselProduct, DeliveryInfo, GoogleAdUrl, GoogleLanguages, GoogleLocations, GoogleLocationsIn, GoogleProductInfo,
    GoogleProductInfoItem, GoogleProductInfoResult, GoogleProductInfoTaskGet, GoogleProductInfoTaskPost,
    GoogleProductInfoTasksReady, GoogleProductsItem, GoogleProductsResult, GoogleProductsTaskGet,
    GoogleProductsTaskGetHtml, GoogleProductsTaskPost, GoogleProductsTasksReady, GoogleSellersItem,
    GoogleSellersResult, GoogleSellersTaskGet, GoogleSellersTaskPost, GoogleSellersTasksReady, HtmlPage, IdList,
    IdListQuery, IdListRow, ImageRow, ItemType, KeywordHtml, LanguageRow, LocationRow, MerchantErrors,
    MerchantErrorsQuery, MerchantErrorsRow, NewerProduct, OPERATIONS, Price, ProductCategory, ProductDetails,
    ProductExtended, ProductInformation, ProductInformationRow, ProductInformationRows, ProductLabel, ProductSeller,
    ProductSpecification, ProductText, ProductVariation, ProductsEntry, ProductsItem, ProductsLive, ProductsLiveHtml,
    ProductsResult, ProductsTaskGet, ProductsTaskGetHtml, ProductsTaskPost, ProductsTasksReady, Rating, RatingScore,
    ReadyTask, Recommendations, RecommendedProduct, RelatedSearch, RelatedSearches, Review, ReviewImage, ReviewVideo,
    Reviewer, SellerOffer, SellersItem, SellersLive, SellersLiveHtml, SellersResult, SellersTaskGet,
    SellersTaskGetHtml, SellersTaskPost, SellersTasksReady, ShopOffer, ShoppingAdvertisement, ShoppingCarousel,
    ShoppingProduct, ShoppingRelatedSearches, SpecialOffer, SpellCorrection, SponsoredCarousel,
    SponsoredCarouselProduct, StoresCount, TasksReady, TextRow, Voucher, call, inspect, named,
};
pub use ids::{InvalidTag, Tag, TaskId};
pub use ledger::{Counts, Entry, Ledger, LedgerError, Order, Page, Stage, State, news};
pub use memory_ledger::MemoryLedger;
pub use money::{Bill, Budget, OverBudget, Prices};
pub use offers::{Family, Offer};
pub use places::{NotFound, PlaceLists, Places};
pub use ranks::{BestSellerRank, BestSellers};
pub use requests::{
    AsinLiveTask, AsinTask, Department, GoogleProduct, GoogleProductInfoTask, GoogleProductsTask, GoogleSellersTask,
    GoogleSortBy, InvalidRequest, Keyword, Language, Location, PostbackData, PriceRange, Priority, ProductsLiveTask,
    ProductsTask, Selection, SellersLiveTask, SellersTask, SortBy, Summary, WebhookUrl,
};
pub use task::{Misfit, Task, TaskOutcome};
pub use tasks::{
    Cadence, Collected, Collecting, Kind, Mode, NewTask, Outcome, Posted, Settings, Settlement, TaskRequest,
    TaskResult, Tasks, WriteOff,
};
pub use vendor::{DataForSeo, Envelope, Meaning};
pub use vendor_time::VendorTime;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
