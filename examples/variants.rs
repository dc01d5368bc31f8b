//! Every variant of a product: a workflow as a stream that is shown, asked for leave, stopped in the middle and resumed. What was
//! paid for before the stop is collected after it, not paid for again.

use asin_facade::{
    Family, Marketplace, Product, Unanswered, Variants,
    dataforseo_merchant::{Budget, Builder, Cadence, FileLedger, Tasks},
    event::{About, Ask, Event},
};
use asin_sandbox::Sandbox;
use examples::{Failure, sandbox};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use std::{path::Path, sync::Arc, time::Duration};

/// The paid tasks of an account, within a budget; the folder remembers what was paid for.
fn tasks(sandbox: &Sandbox, folder: &Path) -> Result<Tasks, Failure> {
    let demo = sandbox.demo().dataforseo;
    let ledger = FileLedger::open(folder, &demo.base_url, &demo.login)?;
    let client = Builder::new(demo.login, demo.password)
        .base_url(demo.base_url.parse()?) // for the sandbox only
        .build()?;
    let quick = Duration::from_millis(500); // the sandbox's minutes are seconds
    Ok(Tasks::new(client, Arc::new(ledger), Budget::new(Decimal::new(10, 2)))
        .with(|settings| settings.cadence = Some(Cadence { first: quick, longest: quick })))
}

/// Up to a cent, yes; dropped without an answer it would be a no.
fn answer(ask: Ask) {
    let allowed = matches!(ask.about(), About::Pay(spending) if spending.usd <= Decimal::new(1, 2));
    println!("{:?}? {}", ask.about(), if allowed { "yes" } else { "no" });
    ask.answer(allowed);
}

fn show(answer: Result<Family, Unanswered>) {
    match answer {
        Ok(Family { product, parent, variants }) => {
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
            Event::Note(text) => println!("{text}"),
            _ => {}
        }
    }
    println!("billed: {} USD", sandbox.ledger().charged_usd);
    Ok(())
}
