//! Has MultiCartAPI watch products at several postcodes, a collection for each; then stops watching one, and starts a run of what
//! is left. Before each of these the program is asked, and told the credits.

use asin_facade::{
    Marketplace,
    event::{About, Ask, Event},
    multicart::Builder,
    watch::{Register, Wanted, Watch, Watched},
};
use examples::{Failure, sandbox};
use futures_util::TryStreamExt;

/// Enrolling and removing is free; a run may cost ten credits.
fn answer(ask: Ask) {
    let allowed = match ask.about() {
        About::Enrol(enrolment) => enrolment.credits_per_month().is_some_and(|credits| credits <= 1000),
        About::Prune(pruning) => pruning.products.len() <= 10,
        About::Start(starting) => starting.credits <= 10,
        _ => false,
    };
    println!("{:?}? {}", ask.about(), if allowed { "yes" } else { "no" });
    ask.answer(allowed);
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let demo = sandbox.demo().multicart;
    let client = Builder::new(demo.api_key)
        .base_url(demo.base_url.parse()?) // for the sandbox only
        .build()?;
    // MultiCart lists no collections: the register remembers which one is for which store and postcode.
    let folder = tempfile::tempdir()?; // in earnest: a folder that stays
    let mut register = Register::open(folder.path(), &client)?;

    let (australia, america): (Marketplace, Marketplace) = ("AU".parse()?, "US".parse()?);
    let lamp = Wanted::new(("B0DJQQ38TG".parse()?, australia), "4500");
    let shoes = Wanted::new(("B0756FCPPN".parse()?, america), "10001");
    let boots = Wanted::new(("B07G82D89J".parse()?, america), "10001");
    let nowhere = Wanted::new(("B0DJQQ38TG".parse()?, australia), "9999");
    let all = Watch::new([lamp.clone(), shoes.clone(), boots, nowhere]);
    let fewer = Watch::new([lamp, shoes]).prune().start();
    for watch in [all, fewer] {
        let mut events = watch.email("me@example.com").runs_per_month(30).run(&client, &mut register);
        while let Some(event) = events.try_next().await? {
            match event {
                Event::Asks(ask) => answer(ask),
                Event::Item(Watched::Made { collection, name }) => println!("collection {collection}: {name}"),
                Event::Item(Watched::Product { wanted, outcome: Ok((collection, outcome)) }) => {
                    println!("{} at {} in {collection}: {outcome:?}", wanted.product, wanted.postcode);
                }
                Event::Item(Watched::Product { wanted, outcome: Err(why) }) => println!("{}: {why}", wanted.product),
                Event::Item(Watched::Removed { product, collection, outcome }) => {
                    println!("{} is out of {collection}: {}", product.product, outcome.is_ok());
                }
                Event::Item(Watched::Run { collection, outcome }) => println!("run of {collection}: {outcome:?}"),
                _ => {}
            }
        }
    }
    Ok(())
}
