//! Watch: products enrolled with MultiCart, in collections of one store and postcode each.

mod places;
mod register;
mod said;
mod shelf;
mod start;

pub use places::{NoPlace, Places};
pub use register::Register;
pub use said::{NotWatched, Wanted, WatchError, Watched};
pub use start::NotStarted;

use crate::{
    Asin, Product,
    event::{About, Enrolment, Event, Events, Hears, Pruning, Step, Workflow},
};
use futures_util::stream;
use multicart::{
    CollectionId, CreateCollection, DeleteAsin, GetCredits, McClient, Priority, RequestType, Schedule,
    enrol::{self, COLLECTION_LIMIT, Outcome, Way},
};
use register::Place;
use shelf::Shelf;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// With more to remove than this, none is removed unless somebody says so.
const PRUNED: usize = 100;

/// Has MultiCart watch products: one collection for each store and postcode, another one where 5,000 do not suffice.
///
/// Only the collections of the [`Register`] are touched, and none that holds anything of another place. A postcode must be
/// active. Leave is asked for before anything is enrolled ([`Enrol`](About::Enrol), with the credits), removed
/// ([`Prune`](About::Prune)) or started ([`Start`](About::Start)). What a collection shows is what counts: run again, nothing is
/// enrolled twice, and a run that was started without an answer is not started again.
///
/// ```
/// use asin_facade::{event::{About, Event}, watch::{Register, Wanted, Watch, WatchError, Watched}};
/// use futures_util::TryStreamExt;
///
/// async fn watch(client: &asin_facade::multicart::McClient, register: &mut Register, wanted: Vec<Wanted>) -> Result<(), WatchError> {
///     let mut watch = Watch::new(wanted).email("me@example.com").runs_per_month(30).run(client, register);
///     while let Some(event) = watch.try_next().await? {
///         match event {
///             Event::Asks(ask) => match ask.about() {
///                 About::Enrol(enrolment) if enrolment.credits_per_month().is_some_and(|credits| credits < 10_000) => ask.allow(),
///                 _ => ask.refuse(),
///             },
///             Event::Item(Watched::Product { wanted, outcome }) => println!("{}: {outcome:?}", wanted.product),
///             _ => {}
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is watched before it is run"]
pub struct Watch {
    wanted: BTreeMap<Place, BTreeSet<Asin>>,
    email: Option<String>,
    runs_per_month: Option<u32>,
    prune: bool,
    prune_at_most: usize,
    start: bool,
    start_again: bool,
    patience: Duration,
    limit: usize,
}

impl Watch {
    /// These products.
    pub fn new(wanted: impl IntoIterator<Item = Wanted>) -> Self {
        let mut places: BTreeMap<Place, BTreeSet<Asin>> = BTreeMap::new();
        for Wanted { product, postcode } in wanted {
            places.entry((product.marketplace, postcode)).or_default().insert(product.asin);
        }
        Self {
            wanted: places,
            email: None,
            runs_per_month: None,
            prune: false,
            prune_at_most: PRUNED,
            start: false,
            start_again: false,
            patience: Duration::from_secs(60),
            limit: COLLECTION_LIMIT,
        }
    }

    /// Who is told about the runs of a collection that has to be made; without it none is made. What is made runs only when it is
    /// told to.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// How often a month the collections run, for what is said about the credits: MultiCart does not tell it.
    pub fn runs_per_month(mut self, runs: u32) -> Self {
        self.runs_per_month = Some(runs);
        self
    }

    /// Also removes what the collections of these stores and postcodes hold and is not wanted, or is there twice. Collections of
    /// other places stay as they are.
    pub fn prune(mut self) -> Self {
        self.prune = true;
        self
    }

    /// With more products to remove than this, 100 unless it is said, none is removed: a list that came short does not empty
    /// a collection.
    pub fn prune_at_most(mut self, products: usize) -> Self {
        self.prune_at_most = products;
        self
    }

    /// Also starts a run of each collection concerned, once: a credit for each product in it. As long as some of them are not
    /// started, the next time goes on with those and [passes over](NotStarted::Before) the others.
    pub fn start(mut self) -> Self {
        self.start = true;
        self
    }

    /// The same, also of those that are passed over otherwise: they are paid for again.
    pub fn start_again(mut self) -> Self {
        self.start_again = true;
        self.start()
    }

    /// How long to wait, after enrolling, until a collection has taken everything in; a minute by default.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Watches through this client.
    ///
    /// # Errors
    /// The stream ends with those of the register and of the lists.
    pub fn run<'a>(self, client: &McClient, register: &'a mut Register) -> Workflow<'a, Watched, WatchError> {
        let client = client.clone();
        Workflow::new(|events| async move { Watching { watch: self, client, register, events }.go().await })
    }
}

/// A run of the workflow.
struct Watching<'a> {
    watch: Watch,
    client: McClient,
    register: &'a mut Register,
    events: Events<Watched>,
}

impl Watching<'_> {
    async fn go(mut self) -> Result<(), WatchError> {
        for name in self.register.unknown_names() {
            self.events
                .note(format!("a collection `{name}` may have been made without an answer; it is empty, and not used"));
        }
        let mut shelves = self.shelves().await?;
        if self.watch.prune {
            self.prune(&mut shelves).await?;
        }
        self.enrol(&mut shelves).await?;
        if self.watch.start {
            self.start(&shelves).await?;
        }
        Ok(())
    }

    /// What the collections of each place hold; nothing for a place at which nothing can be watched.
    async fn shelves(&self) -> Result<Vec<Shelf>, WatchError> {
        let places = Places::read(&self.client).await?;
        let mut shelves = Vec::new();
        for (place, asins) in &self.watch.wanted {
            let shelf = match places.check(place.0.domain(), &place.1) {
                Ok(()) => {
                    let collections = self.register.collections(place.0, &place.1);
                    Shelf::read(&self.client, place, asins, collections).await
                }
                Err(why) => Err(why.into()),
            };
            match shelf {
                Ok(shelf) => shelves.push(shelf),
                Err(why) => self.none(place, asins, &why),
            }
        }
        Ok(shelves)
    }

    async fn prune(&self, shelves: &mut [Shelf]) -> Result<(), WatchError> {
        let surplus = shelves.iter().flat_map(|shelf| shelf.surplus().into_iter().map(|row| (&shelf.place, row)));
        let (mut products, mut collections) = (Vec::new(), Vec::new());
        for (place, (collection, _, asin)) in surplus {
            products.push(wanted(place, asin));
            collections.push(collection);
        }
        collections.dedup();
        let (removed, most) = (products.len(), self.watch.prune_at_most);
        if removed == 0 {
            return Ok(());
        }
        self.events.began(Step::Prune, removed);
        let all = shelves.iter().flat_map(Shelf::collections);
        let held = all.filter(|(collection, _)| collections.contains(collection)).map(|(_, rows)| rows).sum();
        let refused = if removed > most {
            Some(NotWatched::TooMany { removed, most })
        } else if !self.events.asks(About::Prune(Pruning { products, collections, held })).await {
            Some(NotWatched::NotAllowed)
        } else {
            None
        };
        let mut done = 0;
        for shelf in shelves {
            let surplus = shelf.surplus();
            let mut failures = BTreeMap::new();
            if refused.is_none() {
                for (_, row, _) in &surplus {
                    if let Err(error) = self.client.call(DeleteAsin::new(*row)).await {
                        failures.insert(*row, Arc::new(error));
                    }
                    done += 1;
                    self.events.advanced(Step::Prune, done);
                }
            }
            // What the collection shows is what counts; what was removed is told also where it cannot be read again.
            let again =
                if refused.is_none() && !surplus.is_empty() { shelf.read_again(&self.client).await } else { Ok(()) };
            for (collection, row, asin) in surplus {
                let outcome = match (&refused, failures.remove(&row)) {
                    (Some(refused), _) => Err(refused.clone()),
                    (None, Some(error)) if again.is_err() || shelf.holds(row) => Err(NotWatched::Failed(error)),
                    (None, _) => Ok(()),
                };
                let product = wanted(&shelf.place, asin);
                self.events.tell(Event::Item(Watched::Removed { product, collection, outcome }));
            }
            again?;
        }
        self.events.ended(Step::Prune);
        Ok(())
    }

    async fn enrol(&mut self, shelves: &mut [Shelf]) -> Result<(), WatchError> {
        self.events.began(Step::Watch, shelves.iter().map(|shelf| shelf.wanted.len()).sum());
        let limit = self.watch.limit;
        let mut missing = 0;
        let mut enrolment = Enrolment { runs_per_month: self.watch.runs_per_month, ..Enrolment::default() };
        for shelf in shelves.iter() {
            for (asin, collection) in shelf.present() {
                self.product(&shelf.place, asin, Ok((collection, Outcome::AlreadyThere)));
            }
            let split = shelf.split(limit);
            enrolment.new_collections += split.new.len();
            missing += split.products();
        }
        if missing > 0 {
            let held: usize = shelves.iter().map(Shelf::rows).sum();
            enrolment.products = missing;
            enrolment.credits_per_run = Some((held + missing) as u64);
            // Credits that are not said keep nobody from enrolling, which is free.
            enrolment.spendable =
                self.client.call(GetCredits::new()).await.ok().and_then(|credits| credits.spendable());
            let allowed = self.events.asks(About::Enrol(enrolment)).await;
            for shelf in shelves.iter_mut() {
                if allowed {
                    self.fill(shelf).await?;
                } else {
                    self.none(&shelf.place, &shelf.missing(), &NotWatched::NotAllowed);
                }
            }
        }
        self.events.ended(Step::Watch);
        Ok(())
    }

    /// Enrols what is missing: where there is room, and in new collections.
    async fn fill(&mut self, shelf: &mut Shelf) -> Result<(), WatchError> {
        let split = shelf.split(self.watch.limit);
        for (collection, asins) in split.old {
            self.send(shelf, collection, asins).await;
        }
        for asins in split.new {
            match self.make(&shelf.place).await? {
                Ok(collection) => {
                    shelf.add(collection);
                    self.send(shelf, collection, asins).await;
                }
                Err(why) => self.none(&shelf.place, &asins, &why),
            }
        }
        Ok(())
    }

    /// Makes the next collection of a place; noted before it is asked for, and used only when the register has it.
    async fn make(&mut self, place: &Place) -> Result<Result<CollectionId, NotWatched>, WatchError> {
        let Some(email) = &self.watch.email else { return Ok(Err(NotWatched::NoEmail)) };
        let name = self.register.next_name(place);
        let create =
            CreateCollection::new(&*name, RequestType::Amazon, Schedule::Manual, Priority::Normal, email.as_str());
        self.register.making(place, &name)?;
        match self.client.call(create).await {
            Ok(made) => {
                self.register.made(place, &name, made.id)?;
                self.events.tell(Event::Item(Watched::Made { collection: made.id, name }));
                Ok(Ok(made.id))
            }
            Err(error) => {
                if !error.may_have_been_applied() {
                    self.register.not_made(&name)?;
                }
                Ok(Err(NotWatched::NotMade(Arc::new(error))))
            }
        }
    }

    async fn send(&self, shelf: &mut Shelf, collection: CollectionId, asins: BTreeSet<Asin>) {
        let place = enrol::Place::new(shelf.place.0.domain(), &*shelf.place.1);
        let items = stream::iter(asins.iter().map(|asin| place.watch(*asin)));
        let sent = async {
            let plan = enrol::plan(&self.client, collection, items).await?;
            plan.patience(self.watch.patience).send(&self.client, Way::Csv).await
        };
        match sent.await {
            Ok(sent) => {
                for (item, outcome) in sent {
                    shelf.took(collection, item.asin, &outcome);
                    self.product(&shelf.place, item.asin, Ok((collection, outcome)));
                }
            }
            Err(error) => self.none(&shelf.place, &asins, &NotWatched::Failed(Arc::new(error))),
        }
    }

    fn none(&self, place: &Place, asins: &BTreeSet<Asin>, why: &NotWatched) {
        asins.iter().for_each(|asin| self.product(place, *asin, Err(why.clone())));
    }

    fn product(&self, place: &Place, asin: Asin, outcome: Result<(CollectionId, Outcome), NotWatched>) {
        let wanted = wanted(place, asin);
        self.events.tell(Event::Item(Watched::Product { wanted, outcome }));
    }
}

fn wanted(place: &Place, asin: Asin) -> Wanted {
    Wanted { product: Product { asin, marketplace: place.0 }, postcode: place.1.clone() }
}

#[cfg(all(test, feature = "rustls"))]
mod tests;
