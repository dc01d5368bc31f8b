//! Every variant of a product: a workflow as a stream that is shown, asked for leave, stopped in the middle and resumed. What was
//! paid for before the stop is collected after it, not paid for again.

use asin_facade::{
    Family, Marketplace, Product, Unanswered, Variants,
    event::{About, Ask, Event, Progress},
};
use examples::{Failure, sandbox, tasks};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;

/// Up to a cent, yes; dropped without an answer it would be a no.
fn answer(ask: Ask) {
    let allowed = matches!(ask.about(), About::Pay(spending) if spending.usd <= Decimal::new(1, 2));
    println!("{:?}? {}", ask.about(), if allowed { "yes" } else { "no" });
    ask.answer(allowed);
}

fn show(answer: Result<Family, Unanswered>) {
    match answer {
        Ok(Family { product, parent, variants, .. }) => {
            let parent = parent.map_or("no parent".to_owned(), |parent| format!("parent {}", parent.value));
            println!("{product}: {parent}");
            for said in variants {
                let at = said.at.map_or("at an unknown time".to_owned(), |at| at.to_string());
                println!("  {} ({:?}, {at})", said.value, said.source);
            }
        }
        Err(unanswered) => println!("{unanswered}"),
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = sandbox().await?;
    let folder = tempfile::tempdir()?; // in earnest: a folder that stays
    let store: Marketplace = "US".parse()?;
    let products = [Product::new("B0756FCPPN".parse()?, store), Product::new("B07G82D89J".parse()?, store)];

    let tasks = tasks(&sandbox, folder.path())?;
    let mut variants = Variants::new(products).run(&tasks);
    while let Some(event) = variants.try_next().await? {
        match event {
            Event::Asks(ask) => answer(ask),
            Event::Item(found) => {
                show(found);
                break;
            }
            _ => {}
        }
    }
    drop(variants);
    println!("stopped; resumed:");

    let mut variants = Variants::new(products).run(&tasks);
    while let Some(event) = variants.try_next().await? {
        match event {
            Event::Asks(ask) => answer(ask),
            Event::Item(found) => show(found),
            Event::Progress(Progress::Note(text)) => println!("{text}"),
            _ => {}
        }
    }
    println!("billed: {} USD", sandbox.ledger().charged_usd);
    Ok(())
}
