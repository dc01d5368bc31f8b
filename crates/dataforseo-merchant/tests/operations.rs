//! Every operation against the sandbox: it answers, the answer decodes, and nothing in it is unknown to the model.

use asin_sandbox::{Market, Sandbox};
use core_http::{Asin, Operation};
use dataforseo_merchant::{
    AmazonLanguages, AmazonLocations, AmazonLocationsIn, AsinItem, AsinLive, AsinLiveHtml, AsinTask, AsinTaskGet,
    AsinTaskGetHtml, AsinTaskPost, AsinTasksReady, Builder, DataForSeo, DfsClient, GoogleAdUrl, GoogleLanguages,
    GoogleLocations, GoogleLocationsIn, GoogleProduct, GoogleProductInfoItem, GoogleProductInfoTask,
    GoogleProductInfoTaskGet, GoogleProductInfoTaskPost, GoogleProductInfoTasksReady, GoogleProductsItem,
    GoogleProductsTask, GoogleProductsTaskGet, GoogleProductsTaskGetHtml, GoogleProductsTaskPost,
    GoogleProductsTasksReady, GoogleSellersItem, GoogleSellersTask, GoogleSellersTaskGet, GoogleSellersTaskPost,
    GoogleSellersTasksReady, IdList, IdListQuery, Keyword, Language, Location, MerchantErrors, MerchantErrorsQuery,
    OPERATIONS, PostbackData, PriceRange, ProductsItem, ProductsLive, ProductsLiveHtml, ProductsTask, ProductsTaskGet,
    ProductsTaskGetHtml, ProductsTaskPost, ProductsTasksReady, ResendTask, Selection, SellersLive, SellersLiveHtml,
    SellersTask, SellersTaskGet, SellersTaskGetHtml, SellersTaskPost, SellersTasksReady, ServiceStatus, SortBy,
    StatusCodes, Tag, Task, TaskId, TaskOutcome, TasksReady, UserData, VendorTime, WebhookResend, WebhookUrl,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::{cell::RefCell, collections::BTreeSet, time::Duration};

const US: &str = "ATVPDKIKX0DER";

fn market() -> Market {
    let offer = |price: &str, seller: &str| json!({"marketplace": US, "seller_id": seller, "seller": seller, "price": price, "buy_box": seller == "OTHER1"});
    let family = json!(["B0CHILD001", "B0CHILD002"]);
    let child = |asin: &str, title: &str, offers: Value| json!({"asin": asin, "title": title, "parent": "B0PARENT00", "variants": family, "offers": offers});
    let market = json!({"products": [
        {"asin": "B0PARENT00", "title": "Lamp", "variants": family},
        child("B0CHILD001", "Lamp 100% red", json!([offer("19.99", "OTHER1"), offer("9.50", "OTHER2")])),
        child("B0CHILD002", "Lamp 100% blue", json!([offer("15", "OTHER1")])),
    ]});
    serde_json::from_value(market).unwrap()
}

struct House {
    sandbox: Sandbox,
    client: DfsClient,
    called: RefCell<BTreeSet<&'static str>>,
}

impl House {
    async fn new() -> Self {
        let sandbox = Sandbox::builder().market(market()).seed(7).speed(6000.0).limits(false).start().await.unwrap();
        let demo = sandbox.demo().dataforseo;
        let base = demo.base_url.parse().unwrap();
        let buckets = core_http::TokenBuckets::new();
        for limit in TasksReady::new().limits().into_iter().chain(IdList::new(IdListQuery::new("", "")).limits()) {
            buckets.set(core_http::Limit { quota: core_http::Quota { per_second: 1e6, burst: 1000 }, ..limit });
        }
        let client = Builder::new(demo.login, demo.password).base_url(base).limits(std::sync::Arc::new(buckets));
        Self { sandbox, client: client.build().unwrap(), called: RefCell::default() }
    }

    /// The value of an answer in which nothing is unknown.
    async fn call<O: Operation<Vendor = DataForSeo>>(&self, operation: O) -> O::Output {
        self.called.borrow_mut().insert(O::NAME);
        let answer = self.client.exchange(operation).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME));
        let drift = answer.drift().unwrap();
        assert!(drift.is_empty(), "{}: {drift:?}", O::NAME);
        answer.value
    }

    /// The id of the one task that was posted.
    async fn post<O>(&self, operation: O) -> TaskId
    where
        O: Operation<Vendor = DataForSeo, Output = Vec<Task<Value>>>,
    {
        let [task] = &self.call(operation).await[..] else { panic!("{}: not one task", O::NAME) };
        assert_eq!(task.outcome(), TaskOutcome::Created, "{}: {task:?}", O::NAME);
        task.id.clone().unwrap()
    }

    /// The one result of a task, once it is done.
    async fn get<O, R>(&self, operation: impl Fn() -> O) -> R
    where
        O: Operation<Vendor = DataForSeo, Output = Task<R>>,
    {
        let done = async {
            loop {
                let task = self.call(operation()).await;
                match task.outcome() {
                    TaskOutcome::Pending => tokio::task::yield_now().await,
                    TaskOutcome::Done => break task,
                    other => panic!("{}: {other:?}", O::NAME),
                }
            }
        };
        let task = tokio::time::timeout(Duration::from_secs(60), done).await.expect("done within a minute");
        self.only(task)
    }

    fn only<R>(&self, task: Task<R>) -> R {
        assert_eq!((task.outcome(), task.result_count), (TaskOutcome::Done, Some(1)));
        task.result.unwrap().remove(0)
    }

    /// The one result of a live call, and what it cost.
    async fn live<O, R>(&self, operation: O) -> (R, Decimal)
    where
        O: Operation<Vendor = DataForSeo, Output = Task<R>>,
    {
        assert!(operation.time_out() >= Duration::from_secs(130), "the vendor takes up to 120 s");
        let task = self.call(operation).await;
        let cost = task.cost.unwrap();
        (self.only(task), cost)
    }
}

fn us() -> (Location, Language) {
    (Location::code(2840), Language::code("en_US"))
}

fn asin() -> Asin {
    "B0CHILD001".parse().unwrap()
}

fn keyword() -> Keyword {
    Keyword::new("lamp 100%").unwrap()
}

async fn amazon(house: &House) {
    let (place, english) = us();
    let tag = Tag::new("mine").unwrap();
    let task = AsinTask::new(asin(), place.clone(), english.clone()).tag(tag.clone());
    let id = house.post(AsinTaskPost::new([task.clone()])).await;
    let page = house.get(|| AsinTaskGet::new(id.clone())).await;
    let [AsinItem::ProductInfo(info)] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!(info.product_asins, ["B0CHILD001", "B0CHILD002"], "the family of the same ASIN");
    assert!(page.datetime.unwrap().timestamp().is_some());
    let pages = house.get(|| AsinTaskGetHtml::new(id.clone())).await;
    assert!(pages.items[0].html.as_ref().unwrap().contains("Lamp 100% red"));
    let (live, cost) = house.live(AsinLive::new(task.clone().live())).await;
    assert_eq!((live.items, cost), (page.items, "0.003".parse().unwrap()), "the same page, at once");
    let (live, _) = house.live(AsinLiveHtml::new(task.live())).await;
    assert_eq!((live.asin, live.items.len()), (Some(asin()), 1));

    let task = SellersTask::new(asin(), place.clone(), english.clone());
    let id = house.post(SellersTaskPost::new([task.clone()])).await;
    let page = house.get(|| SellersTaskGet::new(id.clone())).await;
    assert_eq!(page.offers().count(), 2);
    assert_eq!(house.get(|| SellersTaskGetHtml::new(id.clone())).await.asin, Some(asin()));
    let (live, _) = house.live(SellersLive::new(task.clone().live())).await;
    assert_eq!(live.items.len(), page.items.len());
    house.live(SellersLiveHtml::new(task.live())).await;

    let prices = PriceRange::between(5, 100).unwrap();
    let task = ProductsTask::new(keyword(), place, english)
        .selection(Selection::filters(Some(prices), Some(SortBy::PriceHighToLow)));
    let id = house.post(ProductsTaskPost::new([task.clone()])).await;
    let page = house.get(|| ProductsTaskGet::new(id.clone())).await;
    assert_eq!(page.keyword.as_deref(), Some("lamp 100%"), "as it was written, not as it was sent");
    let product = |item: &ProductsItem| match item {
        ProductsItem::Product(product) => product.data_asin.zip(product.price_from),
        _ => None,
    };
    let found: Vec<_> = page.items.iter().filter_map(product).collect();
    let expected = [("B0CHILD002", Decimal::from(15)), ("B0CHILD001", "9.5".parse().unwrap())];
    assert_eq!(found, expected.map(|(asin, price)| (asin.parse().unwrap(), price)));
    assert!(page.items.iter().any(|item| matches!(item, ProductsItem::Sponsored(_))));
    assert!(page.items.iter().any(|item| matches!(item, ProductsItem::EditorialRecommendations(_))));
    assert_eq!(house.get(|| ProductsTaskGetHtml::new(id.clone())).await.keyword, page.keyword);
    let (live, _) = house.live(ProductsLive::new(task.clone().live())).await;
    assert_eq!(live.items.len(), page.items.len());
    house.live(ProductsLiveHtml::new(task.live())).await;
}

async fn google(house: &House) {
    let (place, english) = (Location::name("United States").unwrap(), Language::code("en"));
    let task = GoogleProductsTask::new(keyword(), place.clone(), english.clone());
    let id = house.post(GoogleProductsTaskPost::new([task])).await;
    let page = house.get(|| GoogleProductsTaskGet::new(id.clone())).await;
    let product = |item: &GoogleProductsItem| match item {
        GoogleProductsItem::Product(product) => Some(product.clone()),
        _ => None,
    };
    let product = page.items.iter().find_map(product).unwrap();
    assert_eq!(product.title.as_deref(), Some("Lamp 100% red"));
    let advertisement = |item: &GoogleProductsItem| match item {
        GoogleProductsItem::Sponsored(sponsored) => sponsored.shop_ad_aclk.clone(),
        _ => None,
    };
    let click = page.items.iter().find_map(advertisement).unwrap();
    house.get(|| GoogleProductsTaskGetHtml::new(id.clone())).await;
    let url = house.call(GoogleAdUrl::new(click.clone())).await.remove(0);
    assert_eq!((url.ad_aclk, url.ad_url_redirects.len()), (Some(click), 2));

    let product = GoogleProduct::gid(product.gid.unwrap());
    let task = GoogleSellersTask::new(product.clone(), place.clone(), english.clone()).shops_on_google();
    let id = house.post(GoogleSellersTaskPost::new([task])).await;
    let page = house.get(|| GoogleSellersTaskGet::new(id.clone())).await;
    let shop = |item: &GoogleSellersItem| match item {
        GoogleSellersItem::Shop(shop) => shop.total_price,
        _ => None,
    };
    let prices: Vec<Decimal> = page.items.iter().filter_map(shop).collect();
    assert_eq!(prices, ["19.99", "9.5"].map(|price| price.parse().unwrap()));
    assert!(page.items.iter().any(|item| matches!(item, GoogleSellersItem::BuyOnGoogle(_))));

    let task = GoogleProductInfoTask::new(product, place, english);
    let id = house.post(GoogleProductInfoTaskPost::new([task])).await;
    let page = house.get(|| GoogleProductInfoTaskGet::new(id.clone())).await;
    let [GoogleProductInfoItem::ProductInfo(info)] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!((info.sellers.len(), info.variations.len()), (2, 2), "the same product, the same family");
}

async fn lists(house: &House) {
    house.call(AsinTasksReady::new()).await;
    house.call(SellersTasksReady::new()).await;
    house.call(ProductsTasksReady::new()).await;
    house.call(GoogleProductsTasksReady::new()).await;
    house.call(GoogleSellersTasksReady::new()).await;
    house.call(GoogleProductInfoTasksReady::new()).await;
    assert!(!house.call(TasksReady::new()).await.is_empty(), "another program's tasks");

    let to = jiff::Timestamp::now();
    let from = to - jiff::SignedDuration::from_hours(24);
    let query = IdListQuery::new(VendorTime::from(from).as_str(), VendorTime::from(to).as_str());
    assert!(!house.call(IdList::new(query.include_metadata(true))).await.is_empty());

    let codes = |rows: Vec<dataforseo_merchant::LocationRow>| -> Vec<_> {
        rows.into_iter().filter_map(|row| row.location_code).collect()
    };
    assert!(codes(house.call(AmazonLocations::new()).await).len() > 20);
    assert_eq!(codes(house.call(AmazonLocationsIn::new("us")).await), [2840]);
    assert!(codes(house.call(GoogleLocations::new()).await).len() > 20);
    assert_eq!(codes(house.call(GoogleLocationsIn::new("us")).await), [2840]);
    let words = |rows: Vec<dataforseo_merchant::LanguageRow>| -> Vec<_> {
        rows.into_iter().filter_map(|row| row.language_code).collect()
    };
    assert!(words(house.call(AmazonLanguages::new()).await).contains(&"en_US".to_owned()));
    assert!(words(house.call(GoogleLanguages::new()).await).contains(&"en".to_owned()));
}

async fn appendix(house: &House) {
    let user = house.call(UserData::new()).await.remove(0);
    let money = user.money.unwrap();
    let spent = house.sandbox.ledger().charged_usd;
    assert_eq!(
        (money.balance, money.total.unwrap() - money.balance.unwrap()),
        (Some(money.total.unwrap() - spent), spent)
    );
    let amazon = user.price.unwrap().merchant.unwrap().amazon.unwrap();
    let price = amazon.asin.unwrap().task_post.unwrap();
    assert_eq!(price.priority_high[0].cost, Some("0.003".parse().unwrap()));
    assert_eq!(house.call(StatusCodes::new()).await.len(), 48);
    let status = house.call(ServiceStatus::new()).await.remove(0);
    assert_eq!((status.api.as_deref(), status.endpoints.len()), (Some("merchant"), 6));
}

/// A result that nobody took is listed as a failure, and is sent again on request.
async fn webhooks(house: &House) {
    let (place, english) = us();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = WebhookUrl::unrestricted(format!("http://{closed}/?id=$id")).unwrap();
    let task = AsinTask::new(asin(), place, english).postback(url, PostbackData::Advanced);
    let id = house.post(AsinTaskPost::new([task])).await;
    let failed = async {
        loop {
            let query = MerchantErrorsQuery::new().filtered_function("postback_url");
            let rows = house.call(MerchantErrors::new(query)).await;
            match rows.into_iter().find(|row| row.id.as_ref() == Some(&id)) {
                Some(row) => break row,
                None => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), failed).await.expect("the delivery fails within a minute");
    let [answer] = &house.call(WebhookResend::new([ResendTask::new(id)])).await[..] else { panic!("not one answer") };
    assert_eq!(answer.outcome(), TaskOutcome::Done, "{answer:?}");
}

#[tokio::test]
async fn every_operation_answers_and_nothing_in_its_answer_is_unknown() {
    let house = House::new().await;
    amazon(&house).await;
    google(&house).await;
    lists(&house).await;
    appendix(&house).await;
    webhooks(&house).await;
    let called = house.called.borrow().clone();
    let known: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
    let missing: Vec<_> = known.difference(&called).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn a_live_call_takes_one_task_and_says_what_it_found() {
    let house = House::new().await;
    let (place, english) = us();
    let nobodys = AsinTask::new("B0NOBODYS0".parse().unwrap(), place.clone(), english.clone());
    let task = house.call(AsinLive::new(nobodys.live())).await;
    assert_eq!(
        (task.outcome(), task.cost),
        (TaskOutcome::Empty, Some("0.003".parse().unwrap())),
        "charged all the same"
    );
    let nothing = ProductsTask::new(Keyword::new("unheard of").unwrap(), place, english);
    let task = house.call(ProductsLive::new(nothing.live())).await;
    assert_eq!(task.outcome(), TaskOutcome::Empty);
    assert_eq!(house.sandbox.ledger().charged_usd, "0.005".parse().unwrap());
}
