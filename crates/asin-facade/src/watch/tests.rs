use super::*;
use asin_sandbox::{Fault, Market, Sandbox};
use core_http::{Limit, Quota, TokenBuckets};
use futures_util::{StreamExt, TryStreamExt};
use multicart::{Builder, CALLS, runs::Started};
use tempfile::TempDir;

const MARKET: &str = r#"{
    "domains": [{"id": 1, "domain": "amazon.com.au"}, {"id": 2, "domain": "amazon.com"}],
    "postcodes": [{"id": 15, "domain": 1, "zipcode": "4500"}, {"id": 16, "domain": 2, "zipcode": "10001"},
        {"id": 17, "domain": 1, "zipcode": "2000", "status": "inactive"}],
    "collections": [{"id": 101, "name": "Of somebody", "items": [{"asin": "B0DJQQ38TG", "domain": 1, "postcode": 15},
        {"asin": "B0DJQQ38TG", "domain": 2, "postcode": 16}]}],
    "balances": {"multicart_credits": 12}
}"#;

struct Desk {
    sandbox: Sandbox,
    client: McClient,
    folder: TempDir,
}

/// What a run said.
#[derive(Default)]
struct Said {
    asked: Vec<About>,
    items: Vec<Watched>,
}

impl Desk {
    async fn open() -> Self {
        let market: Market = serde_json::from_str(MARKET).unwrap();
        let sandbox = Sandbox::builder().market(market).speed(6000.0).start().await.unwrap();
        let limits = TokenBuckets::new();
        limits.set(Limit { quota: Quota { per_second: 1000.0, burst: 100 }, ..CALLS });
        let demo = sandbox.demo().multicart;
        let builder = Builder::new(demo.api_key).base_url(demo.base_url.parse().unwrap()).limits(Arc::new(limits));
        Self { client: builder.build().unwrap(), sandbox, folder: tempfile::tempdir().unwrap() }
    }

    fn register(&self) -> Register {
        Register::open(self.folder.path(), &self.client).unwrap()
    }

    /// Runs it as a new process does, with these answers: yes to what is allowed.
    async fn run(&self, watch: Watch, allow: impl Fn(&About) -> bool) -> Said {
        let mut register = self.register();
        let mut flow = Watch { limit: 3, ..watch.email("me@example.com") }.run(&self.client, &mut register);
        let mut said = Said::default();
        while let Some(event) = flow.next().await {
            match event.unwrap() {
                Event::Asks(ask) => {
                    said.asked.push(ask.about().clone());
                    let allowed = allow(ask.about());
                    ask.answer(allowed);
                }
                Event::Item(item) => said.items.push(item),
                _ => {}
            }
        }
        said
    }

    /// What each collection but that of somebody else holds.
    fn held(&self) -> Vec<Vec<String>> {
        let collections = self.sandbox.market().collections.into_iter().filter(|collection| collection.id != 101);
        collections.map(|held| held.items.into_iter().map(|item| item.asin).collect()).collect()
    }

    fn starts(&self) -> u64 {
        self.sandbox.ledger().operations.get("runs.start").copied().unwrap_or_default()
    }
}

impl Said {
    fn outcomes(&self) -> Vec<Result<&Outcome, &NotWatched>> {
        let outcomes = self.items.iter().filter_map(|item| match item {
            Watched::Product { outcome, .. } => Some(outcome.as_ref().map(|(_, outcome)| outcome)),
            _ => None,
        });
        outcomes.collect()
    }

    fn runs(&self) -> Vec<&Result<Started, NotStarted>> {
        let runs = self.items.iter().filter_map(|item| match item {
            Watched::Run { outcome, .. } => Some(outcome),
            _ => None,
        });
        runs.collect()
    }
}

/// So many products at Australia's postcode.
fn products(numbers: std::ops::Range<usize>) -> Vec<Wanted> {
    let asin = |number| format!("B{number:09}").parse().unwrap();
    numbers.map(|number| Wanted::new((asin(number), "AU".parse().unwrap()), "4500")).collect()
}

fn yes(_: &About) -> bool {
    true
}

#[tokio::test]
async fn nothing_is_sent_before_a_yes_that_knows_the_credits() {
    let desk = Desk::open().await;
    let said = desk.run(Watch::new(products(0..7)).runs_per_month(30).start(), |_| false).await;
    let [About::Enrol(enrolment)] = &said.asked[..] else { panic!("{:?}", said.asked) };
    assert_eq!((enrolment.products, enrolment.new_collections), (7, 3));
    assert_eq!((enrolment.credits_per_run, enrolment.credits_per_month()), (Some(7), Some(210)));
    assert_eq!(enrolment.spendable, Some(12));
    assert_eq!(said.outcomes().len(), 7);
    assert!(said.outcomes().iter().all(|outcome| matches!(outcome, Err(NotWatched::NotAllowed))));
    assert!(desk.held().is_empty());
    assert!(desk.sandbox.ledger().requests.iter().all(|request| request.did.is_empty()), "only reads");
}

#[tokio::test]
async fn a_place_is_split_over_collections_that_are_found_again_and_filled_first() {
    let desk = Desk::open().await;
    let said = desk.run(Watch::new(products(0..5)), yes).await;
    let made = |item: &Watched| match item {
        Watched::Made { name, .. } => Some(name.clone()),
        _ => None,
    };
    let names: Vec<String> = said.items.iter().filter_map(made).collect();
    assert_eq!(names, ["asin amazon.com.au 4500", "asin amazon.com.au 4500 2"]);
    assert_eq!(desk.held().iter().map(Vec::len).collect::<Vec<_>>(), [3, 2]);

    let said = desk.run(Watch::new(products(0..7)), yes).await;
    let [About::Enrol(enrolment)] = &said.asked[..] else { panic!("{:?}", said.asked) };
    assert_eq!((enrolment.products, enrolment.new_collections, enrolment.credits_per_run), (2, 1, Some(7)));
    assert_eq!(desk.held().iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    let added = said.outcomes().into_iter().filter(|outcome| matches!(outcome, Ok(Outcome::Added))).count();
    assert_eq!((said.outcomes().len(), added), (7, 2));
    let said = desk.run(Watch::new(products(0..7)), yes).await;
    assert!(said.asked.is_empty(), "everything is there");
}

#[tokio::test]
async fn a_postcode_that_is_not_active_and_a_collection_of_somebody_else_are_left_alone() {
    let desk = Desk::open().await;
    let wanted =
        |store: &str, postcode: &str| Wanted::new(("B000000001".parse().unwrap(), store.parse().unwrap()), postcode);
    desk.register().adopt("AU".parse().unwrap(), "4500", CollectionId(101)).unwrap();
    let wanted = [wanted("AU", "2000"), wanted("AU", "3000"), wanted("DE", "10115"), wanted("AU", "4500")];
    let said = desk.run(Watch::new(wanted).prune().start(), yes).await;
    let outcomes = said.outcomes();
    assert!(said.asked.is_empty(), "{:?}", said.asked);
    assert!(outcomes.iter().any(|why| matches!(why, Err(NotWatched::NoPlace(NoPlace::NotActive { .. })))));
    assert!(outcomes.iter().any(|why| matches!(why, Err(NotWatched::NoPlace(NoPlace::Postcode { .. })))));
    assert!(outcomes.iter().any(|why| matches!(why, Err(NotWatched::NoPlace(NoPlace::Domain(_))))));
    assert!(outcomes.iter().any(|why| matches!(why, Err(NotWatched::Mixed(CollectionId(101))))));
    assert!(desk.sandbox.ledger().requests.iter().all(|request| request.did.is_empty()));
}

#[tokio::test]
async fn what_is_not_wanted_is_removed_after_its_own_yes_and_nothing_else_is() {
    let desk = Desk::open().await;
    desk.run(Watch::new(products(0..5)), yes).await;
    let before = desk.held();
    let said = desk.run(Watch::new(products(1..5)).prune(), |about| !matches!(about, About::Prune(_))).await;
    let [About::Prune(pruning)] = &said.asked[..] else { panic!("{:?}", said.asked) };
    let gone: Vec<Wanted> = products(0..1).into_iter().collect();
    assert_eq!((&pruning.products, pruning.collections.len()), (&gone, 1));
    assert!(pruning.held <= 5 && pruning.held > 1, "{}", pruning.held);
    assert_eq!(desk.held(), before);

    let said = desk.run(Watch::new(products(1..5)).prune().prune_at_most(0), yes).await;
    assert!(said.asked.is_empty(), "so many are not even asked for: {:?}", said.asked);
    let too_many = |item: &Watched| {
        matches!(item, Watched::Removed { outcome: Err(NotWatched::TooMany { removed: 1, most: 0 }), .. })
    };
    assert!(said.items.iter().any(too_many), "{:?}", said.items);
    assert_eq!(desk.held(), before);

    let answer = Fault::on("POST", "/api/v1/schedules/amazon/asin/delete/").call(1).cut_after_work();
    desk.sandbox.fault(answer);
    let said = desk.run(Watch::new(products(1..5)).prune(), yes).await;
    let removed = |item: &Watched| match item {
        Watched::Removed { product, outcome, .. } => Some((product.product.asin.to_string(), outcome.is_ok())),
        _ => None,
    };
    let removed: Vec<_> = said.items.iter().filter_map(removed).collect();
    assert_eq!(
        removed,
        [("B000000000".to_owned(), true)],
        "its answer was lost, and the collection shows it no longer"
    );
    assert_eq!(desk.held().concat(), before.concat()[1..]);
    let others = desk.sandbox.market().collections.into_iter().find(|collection| collection.id == 101).unwrap();
    assert_eq!(others.items.len(), 2);
}

#[tokio::test]
async fn a_run_without_an_answer_is_not_started_again_and_is_paid_once() {
    let desk = Desk::open().await;
    let path = "/api/v1/schedules/run/result/";
    desk.sandbox.fault(Fault::on("POST", path).call(1).cut_before_work());
    let said = desk.run(Watch::new(products(0..2)).start(), yes).await;
    let Some(About::Start(starting)) = said.asked.last() else { panic!("{:?}", said.asked) };
    assert_eq!((starting.credits, starting.spendable, starting.collections.len()), (2, Some(12), 1));
    assert!(matches!(said.runs()[..], [Ok(Started::Unknown { .. })]), "{:?}", said.runs());
    for _ in 0..2 {
        let said = desk.run(Watch::new(products(0..2)).start(), yes).await;
        assert!(said.asked.is_empty(), "{:?}", said.asked);
        assert!(matches!(said.runs()[..], [Err(NotStarted::Unknown)]), "{:?}", said.runs());
    }
    let collection = desk.register().unknown_starts().next().unwrap();
    desk.register().give_up(collection).unwrap();
    let said = desk.run(Watch::new(products(0..2)).start(), yes).await;
    assert!(matches!(said.runs()[..], [Ok(Started::Accepted { .. })]), "{:?}", said.runs());
    assert_eq!(desk.starts(), 1, "the first never arrived; this one is on a person's word");
}

#[tokio::test]
async fn stopped_while_a_run_starts_and_resumed_it_is_found_and_not_started_again() {
    let desk = Desk::open().await;
    desk.run(Watch::new(products(0..2)), yes).await;
    let answer = Fault::on("POST", "/api/v1/schedules/run/result/").call(1).slow_body(Duration::from_secs(60));
    desk.sandbox.fault(answer);
    let mut register = desk.register();
    let mut flow = Watch::new(products(0..2)).start().run(&desk.client, &mut register);
    loop {
        tokio::select! {
            event = flow.next() => match event.unwrap().unwrap() {
                Event::Asks(ask) => ask.allow(),
                Event::Item(Watched::Run { outcome, .. }) => panic!("{outcome:?}"),
                _ => {}
            },
            () = async { while desk.starts() == 0 { tokio::task::yield_now().await } } => break,
        }
    }
    drop(flow);
    drop(register);
    let said = desk.run(Watch::new(products(0..2)).start(), yes).await;
    assert!(matches!(said.runs()[..], [Err(NotStarted::Suggested(_))]), "{:?}", said.runs());
    assert_eq!((said.asked.len(), desk.starts()), (0, 1));
}

/// Products in Australia and in America.
fn stores() -> Vec<Wanted> {
    let america = |number| Wanted::new((format!("B{number:09}").parse().unwrap(), "US".parse().unwrap()), "10001");
    products(0..3).into_iter().chain((10..12).map(america)).collect()
}

#[tokio::test]
async fn a_batch_that_was_stopped_goes_on_with_what_it_has_not_started() {
    let desk = Desk::open().await;
    desk.run(Watch::new(stores()), yes).await;
    let answer = Fault::on("POST", "/api/v1/schedules/run/result/").call(2).slow_body(Duration::from_secs(60));
    desk.sandbox.fault(answer);
    let mut register = desk.register();
    let mut flow = Watch::new(stores()).start().run(&desk.client, &mut register);
    loop {
        tokio::select! {
            event = flow.next() => if let Event::Asks(ask) = event.unwrap().unwrap() { ask.allow() },
            () = async { while desk.starts() < 2 { tokio::task::yield_now().await } } => break,
        }
    }
    drop(flow);
    drop(register);
    let said = desk.run(Watch::new(stores()).start(), yes).await;
    let runs = said.runs();
    assert!(matches!(runs[..], [Err(NotStarted::Before(_)), Err(NotStarted::Suggested(_))]), "{runs:?}");
    assert_eq!(desk.starts(), 2, "the second was found, and with it the batch is done");
    let said = desk.run(Watch::new(stores()).start(), yes).await;
    let runs = said.runs();
    assert!(matches!(runs[..], [Ok(Started::Accepted { .. }), Ok(Started::Accepted { .. })]), "{runs:?}");
    assert_eq!(desk.starts(), 4);
}

#[tokio::test]
async fn what_was_started_is_not_paid_for_again_where_the_rest_was_not_unless_somebody_says_so() {
    let desk = Desk::open().await;
    desk.run(Watch::new(stores()), yes).await;
    let refused = || Fault::on("POST", "/api/v1/schedules/run/result/");
    desk.sandbox.fault(refused().call(2).expired_token());
    let said = desk.run(Watch::new(stores()).start(), yes).await;
    assert!(matches!(said.runs()[..], [Ok(Started::Accepted { .. }), Err(NotStarted::Failed(_))]), "{:?}", said.runs());
    desk.sandbox.fault(refused().expired_token());
    // However often, and whatever else is asked for with it.
    for wanted in [stores(), stores(), stores()[..3].to_vec()] {
        let said = desk.run(Watch::new(wanted).start(), yes).await;
        assert!(matches!(said.runs()[0], Err(NotStarted::Before(_))), "{:?}", said.runs());
    }
    desk.sandbox.clear_faults();
    assert_eq!(desk.starts(), 1);
    let said = desk.run(Watch::new(stores()).start_again(), |about| !matches!(about, About::Start(_))).await;
    assert!(said.runs().iter().all(|run| matches!(run, Err(NotStarted::NotAllowed))), "{:?}", said.runs());
    let said = desk.run(Watch::new(stores()).start(), |_| false).await;
    let runs = said.runs();
    assert!(matches!(runs[..], [Err(NotStarted::Before(_)), Err(NotStarted::NotAllowed)]), "{runs:?}");
    let said = desk.run(Watch::new(stores()).start_again(), yes).await;
    assert!(said.runs().iter().all(|run| matches!(run, Ok(Started::Accepted { .. }))), "{:?}", said.runs());
    assert_eq!(desk.starts(), 3);
}

#[tokio::test]
async fn a_start_that_is_found_lets_no_other_of_its_batch_be_paid_again_nor_does_a_look() {
    let desk = Desk::open().await;
    desk.run(Watch::new(stores()), yes).await;
    desk.sandbox.fault(Fault::on("POST", "/api/v1/schedules/run/result/").call(1).cut_before_work());
    let said = desk.run(Watch::new(stores()).start(), yes).await;
    let runs = said.runs();
    assert!(matches!(runs[..], [Ok(Started::Unknown { .. }), Ok(Started::Accepted { .. })]), "{runs:?}");
    // It arrives late.
    let late = desk.register().unknown_starts().next().unwrap();
    let history = multicart::ListRuns::new(multicart::Fields::naming("collection_id", late));
    let arrived = multicart::runs::start_within(&desk.client, late, history, 10).await.unwrap();
    assert!(matches!(arrived, Started::Accepted { .. }), "{arrived:?}");
    for look in [true, true, false] {
        let register = desk.register();
        let mut register = if look { register.look() } else { register };
        let events: Vec<_> = Watch::new(stores()).start().run(&desk.client, &mut register).try_collect().await.unwrap();
        let ran = |event| if let Event::Item(Watched::Run { outcome, .. }) = event { Some(outcome) } else { None };
        let runs: Vec<_> = events.into_iter().filter_map(ran).collect();
        assert!(matches!(runs[..], [Err(NotStarted::Suggested(_)), Err(NotStarted::Before(_))]), "{runs:?}");
    }
    assert_eq!(desk.starts(), 2);
}

#[tokio::test]
async fn what_is_started_apart_waits_for_nobody_else() {
    let desk = Desk::open().await;
    desk.run(Watch::new(stores()), yes).await;
    let (australia, america) = (stores()[..3].to_vec(), stores()[3..].to_vec());
    desk.sandbox.fault(Fault::on("POST", "/api/v1/schedules/run/result/").call(1).expired_token());
    let said = desk.run(Watch::new(america).start(), yes).await;
    assert!(matches!(said.runs()[..], [Err(NotStarted::Failed(_))]), "{:?}", said.runs());
    desk.sandbox.clear_faults();
    for _ in 0..2 {
        let said = desk.run(Watch::new(australia.clone()).start(), yes).await;
        assert!(matches!(said.runs()[..], [Ok(Started::Accepted { .. })]), "{:?}", said.runs());
    }
}

#[tokio::test]
async fn a_collection_that_is_gone_holds_up_its_place_alone_until_a_person_forgets_it() {
    let desk = Desk::open().await;
    let america = Wanted::new(("B000000009".parse().unwrap(), "US".parse().unwrap()), "10001");
    desk.register().adopt("AU".parse().unwrap(), "4500", CollectionId(999)).unwrap();
    let wanted = || products(0..2).into_iter().chain([america.clone()]);
    let said = desk.run(Watch::new(wanted()), yes).await;
    let unread =
        said.outcomes().iter().filter(|why| matches!(why, Err(NotWatched::Unread(CollectionId(999), _)))).count();
    assert_eq!((unread, desk.held().concat()), (2, vec!["B000000009".to_owned()]));
    desk.register().forget(CollectionId(999)).unwrap();
    desk.run(Watch::new(wanted()), yes).await;
    assert_eq!(desk.held().concat().len(), 3);
}

#[tokio::test]
async fn a_collection_that_may_have_been_made_is_not_guessed() {
    let desk = Desk::open().await;
    desk.sandbox.fault(Fault::on("POST", "/api/v1/schedules/add_schedule/").call(1).cut_after_work());
    let said = desk.run(Watch::new(products(0..2)), yes).await;
    assert!(said.outcomes().iter().all(|outcome| matches!(outcome, Err(NotWatched::NotMade(_)))));
    let said = desk.run(Watch::new(products(0..2)), yes).await;
    assert!(matches!(&said.items[0], Watched::Made { name, .. } if name == "asin amazon.com.au 4500 2"));
    assert_eq!(desk.held().iter().map(Vec::len).collect::<Vec<_>>(), [0, 2]);
}
