//! `asin watch` over stores and postcodes: a collection for each, another one where 5,000 do not suffice.

use super::watch::{self, Watched};
use crate::consent::Leave;
use crate::failure::{Ended, Failure, Tally, say};
use crate::input::Named;
use crate::output::{Output, counted};
use crate::stop::{broken_off, left_off, unless_stopped};
use asin_facade::core_http::Asin;
use asin_facade::event::{About, Enrolment, Event, Progress};
use asin_facade::multicart::{CollectionId, McClient, runs::Started};
use asin_facade::watch::{NotStarted, NotWatched, Register, Wanted, Watch, WatchError, Watched as Seen};
use asin_facade::{Marketplace, Product};
use futures_util::TryStreamExt;
use std::cell::Cell;
use std::str::FromStr;

/// A store and a postcode of it, such as `AU:4500`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    pub store: Marketplace,
    pub postcode: String,
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((store, postcode)) if !postcode.trim().is_empty() => {
                let store = store.parse().map_err(|error| format!("{error}"))?;
                Ok(Self { store, postcode: postcode.trim().to_owned() })
            }
            _ => Err("give a store and a postcode, such as AU:4500".to_owned()),
        }
    }
}

/// An ASIN, or an ASIN with its place: `B0DJQQ38TG@AU:4500`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub asin: Asin,
    pub at: Option<At>,
}

impl FromStr for Placed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (asin, at) = match text.split_once('@') {
            Some((asin, at)) => (asin, Some(at.parse()?)),
            None => (text, None),
        };
        Ok(Self { asin: asin.parse().map_err(|error| format!("{error}"))?, at })
    }
}

impl Named for Placed {
    const ONE: &'static str = "ASIN";
    const VALUE: &'static str = "ASIN[@STORE:POSTCODE]";
    const HELP: &'static str = "The products, each at the places of --at or at its own";
}

/// What is to be watched: an ASIN with its own place there, all others at every place.
///
/// # Errors
/// For an ASIN that is nowhere to be watched.
pub fn wanted(asins: Vec<Placed>, places: &[At]) -> Result<Vec<Wanted>, Failure> {
    let mut wanted = Vec::new();
    for Placed { asin, at } in asins {
        let here = at.as_ref().map_or(places, std::slice::from_ref);
        if here.is_empty() {
            let how = "--at STORE:POSTCODE, or ASIN@STORE:POSTCODE";
            return Err(Failure::usage(format!("{asin}: at which store and postcode? {how}")));
        }
        wanted.extend(here.iter().map(|at| Wanted::new(Product::new(asin, at.store), &*at.postcode)));
    }
    Ok(wanted)
}

/// Watches, asks before each thing that is sent, and prints what became of each product; `go_on` says how, if it is stopped.
pub async fn watch(
    watch: Watch,
    client: &McClient,
    register: Register,
    leave: Leave,
    output: Output,
    go_on: &str,
) -> Ended {
    let agreed = Cell::new(false);
    match unless_stopped(ask_and_tell(watch, client, register, leave, output, &agreed)).await? {
        Some(code) => Ok(code),
        None if agreed.get() => Err(broken_off(go_on)),
        None => Err(left_off()),
    }
}

/// `agreed` says whether leave was given for anything.
async fn ask_and_tell(
    watch: Watch,
    client: &McClient,
    mut register: Register,
    leave: Leave,
    output: Output,
    agreed: &Cell<bool>,
) -> Ended {
    let mut events = watch.run(client, &mut register);
    let (mut rows, mut tally, mut refused) = (output.rows(), Tally::default(), None);
    let (mut before, mut left) = (false, false);
    while let Some(event) = events.try_next().await.map_err(failed)? {
        match event {
            Event::Asks(ask) => {
                let (subject, question) = said(ask.about());
                match leave.refused(subject, question).await {
                    Ok(None) => {
                        agreed.set(true);
                        ask.allow();
                    }
                    Ok(Some(_)) => ask.refuse(),
                    Err(failure) => {
                        let partly = || Failure::work("not all of it was allowed; the rows say what was done");
                        refused = Some(if agreed.get() { partly() } else { failure });
                        ask.refuse();
                    }
                }
            }
            Event::Item(Seen::Product { outcome: Err(NotWatched::NotAllowed), .. }) => {}
            Event::Item(Seen::Removed { outcome: Err(NotWatched::NotAllowed), .. }) => {}
            Event::Item(Seen::Product { wanted, outcome }) => {
                let (outcome, said) = match outcome {
                    Ok((_, outcome)) => watch::told(&wanted.product.to_string(), outcome, &mut tally),
                    Err(why) => ("refused", told(&wanted, &why, &mut tally)),
                };
                rows.push(&row(wanted, outcome, said))?;
            }
            Event::Item(Seen::Removed { product, outcome, .. }) => {
                let (outcome, said) = match outcome {
                    Ok(()) => {
                        tally.did();
                        ("removed", String::new())
                    }
                    Err(why) => ("failed", told(&product, &why, &mut tally)),
                };
                rows.push(&row(product, outcome, said))?;
            }
            Event::Item(Seen::Made { collection, name }) => {
                say(&format!("asin: collection {collection} was made, `{name}`; it runs only when it is told to"));
            }
            Event::Item(Seen::Run { collection, outcome }) => {
                let is_before = matches!(outcome, Err(NotStarted::Before(_)));
                (before, left) = (before || is_before, left || !is_before);
                if !(leave.is_dry_run() && matches!(outcome, Err(NotStarted::NotAllowed))) {
                    ran(collection, outcome, &mut tally);
                }
            }
            Event::Progress(Progress::Note(text)) => say(&format!("asin: {text}")),
            _ => {}
        }
    }
    rows.end()?;
    if before && !left {
        tally.refuse("the runs", "none is left to be started here; --again starts them anew, and pays again");
    }
    match refused {
        Some(failure) => Err(failure),
        None => Ok(tally.end()),
    }
}

/// Says what became of a run; counted in the tally.
fn ran(collection: CollectionId, outcome: Result<Started, NotStarted>, tally: &mut Tally) {
    let of = format!("a run of collection {collection}");
    match outcome {
        Ok(Started::Accepted { .. }) => {
            tally.did();
            say(&format!("asin: {of} was started"));
        }
        Ok(Started::TooDear { needed, most }) => {
            tally.refuse(&of, &format!("it has grown: a run costs {needed} credits now, not {most}"));
        }
        Ok(Started::TooFewCredits { needed, spendable }) => {
            tally.unpaid(&of, format!("{needed} credits are needed, the account has {spendable}: no run"));
        }
        Ok(Started::Suggested { error, .. }) => {
            tally.fail(&of, &error);
            say(&format!("asin: {of} seems to have started: a new one is there"));
        }
        Ok(Started::Unknown { error, .. }) => {
            tally.fail(&of, &error);
            say(&format!("asin: {of} is not started again before it is clear whether it has started"));
        }
        Ok(_) => tally.refuse(&of, "nobody knows whether it has started"),
        // What the same command has done before is no failure of it.
        Err(why @ NotStarted::Before(_)) => say(&format!("asin: {of} is not started again: {why}")),
        Err(why @ NotStarted::Unknown) => {
            let look =
                format!("`asin collections run {collection}` starts one on your word, which may cost as much again");
            tally.refuse(&of, &format!("{why}; {look}"));
        }
        Err(NotStarted::Failed(error)) => tally.fail(&of, &error),
        Err(why) => tally.refuse(&of, &why.to_string()),
    }
}

fn failed(error: WatchError) -> Failure {
    match error {
        WatchError::Vendor(error) => Failure::from(error).about("MultiCart"),
        other => Failure::work(other),
    }
}

/// Why a product was left out, counted in the tally.
fn told(wanted: &Wanted, why: &NotWatched, tally: &mut Tally) -> String {
    match why.error() {
        Some(error) => tally.fail_row(&wanted.product.to_string(), error),
        None => tally.mark(false),
    }
    why.to_string()
}

fn row(wanted: Wanted, outcome: &'static str, said: String) -> Watched {
    let Wanted { product, postcode } = wanted;
    Watched { asin: product.asin, shop: product.marketplace.domain().to_owned(), postcode, outcome, said }
}

fn can_be_spent(spendable: Option<i64>) -> String {
    match spendable {
        Some(credits) => format!("the account can spend {credits}"),
        None => "what the account can spend is not known".to_owned(),
    }
}

/// What is to be enrolled and what it will cost, in words.
pub fn enrolling(enrolment: &Enrolment) -> String {
    let Enrolment { products, new_collections, spendable, .. } = *enrolment;
    let new = match new_collections {
        0 => String::new(),
        new => format!(", for which {} must be made", counted(new, "collection")),
    };
    let run = enrolment.credits_per_run.map_or("an unknown number of".to_owned(), |run| run.to_string());
    let month = match enrolment.credits_per_month() {
        Some(month) => format!("{month} a month"),
        None => "a month as often as they run".to_owned(),
    };
    let (products, spendable) = (counted(products, "product"), can_be_spent(spendable));
    format!(
        "MultiCart: {products} are not watched yet{new}. One run of these collections costs {run} credits then, {month}; {spendable}."
    )
}

/// What is asked, in words.
fn said(about: &About) -> (String, &'static str) {
    match about {
        About::Enrol(enrolment) => (enrolling(enrolment), "Enrol them?"),
        About::Prune(pruning) => {
            const SHOWN: usize = 10;
            let collections: Vec<String> = pruning.collections.iter().map(ToString::to_string).collect();
            let (products, collections) = (counted(pruning.products.len(), "product"), collections.join(", "));
            let shown = pruning.products.iter().take(SHOWN).map(|gone| format!("{}:{}", gone.product, gone.postcode));
            let mut shown: Vec<String> = shown.collect();
            if let Some(more) = pruning.products.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                shown.push(format!("{more} more"));
            }
            let subject = format!(
                "MultiCart: {products} of {} in collection {collections} not wanted there any more: {}.",
                pruning.held,
                shown.join(", ")
            );
            (subject, "Remove them?")
        }
        About::Start(starting) => {
            let runs = counted(starting.collections.len(), "run");
            let (credits, spendable) = (starting.credits, can_be_spent(starting.spendable));
            (format!("MultiCart: {runs}, together {credits} credits; {spendable}."), "Start them?")
        }
        other => (format!("{other:?}"), "Allow it?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asin_has_its_own_place_or_every_one() {
        let placed = |text: &str| text.parse::<Placed>();
        let places: Vec<At> = ["AU:4500", "US:10001"].iter().map(|at| at.parse().unwrap()).collect();
        let asins = vec![placed("B0DJQQ38TG").unwrap(), placed("B0XYZ99999@JP:100-0001").unwrap()];
        let all = wanted(asins, &places).unwrap();
        let all: Vec<String> = all.iter().map(|wanted| format!("{}:{}", wanted.product, wanted.postcode)).collect();
        assert_eq!(all, ["B0DJQQ38TG@AU:4500", "B0DJQQ38TG@US:10001", "B0XYZ99999@JP:100-0001"]);
        assert!(wanted(vec![placed("B0DJQQ38TG").unwrap()], &[]).is_err());
        for wrong in ["B0DJQQ38TG@AU", "B0DJQQ38TG@AU:", "B0DJQQ38TG@XX:1", "short@AU:4500"] {
            assert!(placed(wrong).is_err(), "{wrong}");
        }
    }
}
