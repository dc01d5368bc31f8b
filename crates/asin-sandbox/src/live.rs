//! `/_sandbox`: the page that shows a person what happens, and the numbers that it asks for every second.

use serde_json::{Value, json};

use crate::ledger::Entry;
use crate::world::World;

/// The page: one file, nothing to build, nothing from elsewhere.
pub(crate) const PAGE: &str = include_str!("page.html");

/// How many requests one answer holds.
const REQUESTS: usize = 250;
/// How many writes one answer holds.
const WRITES: usize = 30;

/// What is left of a limit: of this vendor, for whom, under which name, and of how much.
pub(crate) fn level(vendor: &str, who: &str, name: &str, left: (f64, f64)) -> Value {
    json!({"vendor": vendor, "who": who, "name": name, "left": left.0, "most": left.1})
}

/// Everything that the page shows; of the requests only those after `since`, the newest ones.
pub(crate) fn now(world: &World, since: u64) -> Value {
    let now = world.clock.now();
    let ledger = &world.ledger;
    let new: Vec<&Entry> =
        ledger.requests.iter().rev().take_while(|entry| entry.number > since).take(REQUESTS).collect();
    let writes: Vec<_> = ledger.writes.iter().rev().take(WRITES).collect();
    let mut levels = world.usage_plans.levels(now);
    levels.extend(world.tasks.levels(now));
    json!({
        "seconds": now.as_secs(),
        "speed": world.clock.speed(),
        "requests": new.iter().rev().collect::<Vec<_>>(),
        "seen": world.seen(),
        "forgotten": ledger.forgotten_requests,
        "operations": ledger.operations,
        "charged_usd": ledger.charged_usd,
        "balance_usd": ledger.balance_usd,
        "levels": levels,
        "tasks": world.tasks.live(now),
        "listings": world.listings.live(),
        "multicart": world.carts.live(),
        "writes": writes,
        "faults": world.faults.live(),
    })
}
