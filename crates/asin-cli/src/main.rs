//! The `asin` command: arguments in, facade called, text and exit code out. No logic of its own.

mod call;
mod complete;
mod config;
mod configure;
mod consent;
mod doctor;
// The guide shows every command, so that what it shows can only be held to all of them.
#[cfg(all(test, feature = "runs"))]
mod documented;
mod failure;
mod form;
mod input;
mod inspect;
mod job;
mod listing;
mod meter;
mod multicart;
mod names;
mod operations;
mod output;
mod paid;
mod plan;
mod policy;
mod profiles;
mod progress;
mod report;
#[cfg(feature = "runs")]
mod runs;
mod sandbox;
mod session;
mod stop;
mod strict;
mod supervisor;
mod sync;
mod table;
mod variables;
mod verbose;

use clap::{CommandFactory, Parser};
use failure::{Ended, Failure, say};
use std::process::ExitCode;
use stop::{left_off, unless_stopped};

/// Big answers are read and freed all the time, which the system's own allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keeps a seller's Amazon listings priced and stocked by what the market shows
///
/// Reads offers through DataForSEO Merchant and MultiCartAPI, decides within your bounds, and writes through Amazon
/// SP-API. What costs money or changes a listing is said first, done at most once, and read back.
#[derive(Debug, Parser)]
#[command(name = "asin", version, propagate_version = true, max_term_width = 110, after_help = format!("{AFTER_HELP}\n\n{}", failure::EXIT_CODES))]
struct Arguments {
    /// Tell each call with its attempts and waits on standard error; twice: more of it
    #[arg(short, long, action = clap::ArgAction::Count, global = true, display_order = 100)]
    verbose: u8,

    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  asin sync examples/catalogue.csv --sandbox --discover --watch --yes
  asin sync catalogue.csv --dry-run
  asin plan catalogue.csv -o plan.json
  asin apply plan.json
  asin sandbox --market examples/market.json --port 4010
  asin inspect getListingsItem saved.json
  asin call UserData --meta
  asin doctor";

#[derive(Debug, clap::Subcommand)]
enum Command {
    Sync(Box<sync::Arguments>),
    Plan(Box<plan::PlanArguments>),
    Apply(plan::ApplyArguments),
    Undo(plan::UndoArguments),
    Listing(Box<listing::Arguments>),
    Variants(Box<paid::Variants>),
    Sellers(Box<paid::Sellers>),
    Products(Box<paid::Products>),
    Tasks(Box<paid::Arguments>),
    Receive(Box<paid::Receive>),
    #[cfg(feature = "runs")]
    Run(Box<runs::Arguments>),
    /// Durable runs are not in this build
    #[cfg(not(feature = "runs"))]
    #[command(hide = true)]
    Run {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        _arguments: Vec<String>,
    },
    /// What DataForSEO's account has left
    Balance(paid::Balance),
    Collections(multicart::Collections),
    Postcodes(multicart::Postcodes),
    Watch(Box<multicart::Watch>),
    Outputs(multicart::Outputs),
    Credits(multicart::Credits),
    Call(Box<call::Arguments>),
    Doctor(doctor::Arguments),
    Configure(configure::Arguments),
    Sandbox(sandbox::Arguments),
    Inspect(inspect::Arguments),
    Operations(operations::Arguments),
    Completions(complete::Completions),
    Man(complete::Man),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    verbose::trace(arguments.verbose);
    let ended = match arguments.command {
        Command::Sync(sync) => wait_for(sync::run(*sync, arguments.verbose > 0)),
        Command::Plan(plan) => wait_for(plan::plan(*plan, arguments.verbose > 0)),
        Command::Apply(apply) => wait_for(plan::apply(apply, arguments.verbose > 0)),
        Command::Undo(undo) => wait_for(plan::undo(undo, arguments.verbose > 0)),
        Command::Listing(listing) => wait_for(listing::run(*listing)),
        Command::Variants(variants) => wait_for(paid::variants(*variants)),
        Command::Sellers(sellers) => wait_for(paid::sellers(*sellers)),
        Command::Products(products) => wait_for(paid::products(*products)),
        Command::Tasks(tasks) => wait_for(paid::run(*tasks)),
        Command::Receive(receive) => wait_for(paid::receive(*receive)),
        #[cfg(feature = "runs")]
        Command::Run(arguments) => wait_for(runs::run(*arguments)),
        #[cfg(not(feature = "runs"))]
        Command::Run { .. } => Err(Failure::usage("this `asin` was built without durable runs")
            .next("build it with `--features runs`; a MultiCart collection is run by `asin collections run`")),
        Command::Balance(balance) => wait_for(paid::balance(balance)),
        Command::Collections(collections) => wait_for(multicart::collections(collections)),
        Command::Postcodes(postcodes) => wait_for(multicart::postcodes(postcodes)),
        Command::Watch(watch) => wait_for(multicart::watch(*watch)),
        Command::Outputs(outputs) => wait_for(multicart::outputs(outputs)),
        Command::Credits(credits) => wait_for(multicart::credits(credits)),
        Command::Call(call) => wait_for(call::run(*call)),
        Command::Doctor(doctor) => wait_for(doctor::run(doctor)),
        Command::Configure(configure) => configure::run(&configure),
        Command::Sandbox(sandbox) => wait_for(sandbox::run(sandbox)),
        Command::Inspect(inspect) => inspect::run(&inspect),
        Command::Operations(operations) => operations::run(&operations),
        Command::Completions(wanted) => complete::completions(&wanted, Arguments::command()),
        Command::Man(man) => complete::man(&man, Arguments::command()),
    };
    let code = ended.unwrap_or_else(Failure::report);
    if let Some(summary) = meter::summary() {
        say(&format!("asin: {summary}"));
    }
    code
}

fn wait_for(command: impl Future<Output = Ended>) -> Ended {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::work)?;
    let ended = runtime.block_on(async { unless_stopped(command).await?.ok_or_else(left_off) });
    // A question that nobody answers any more must not hold the process up.
    runtime.shutdown_background();
    ended
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::{Command, CommandFactory};

    #[test]
    fn every_command_shows_how_it_is_used() {
        fn check(command: &Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(command.has_subcommands() || help.contains("Examples:\n  "), "{path} has no examples");
            assert!(command.get_about().is_some(), "{path} does not say what it does");
            command.get_subcommands().for_each(|command| check(command, &path));
        }
        let command = Arguments::command();
        command.clone().debug_assert();
        command.get_subcommands().for_each(|command| check(command, "asin"));
    }
}
