//! The whole life of paid tasks against a vendor in memory, under paused time.

mod clocks;
mod collecting;
mod hooked;
mod killed;
mod live;
mod posting;
#[cfg(feature = "webhook")]
mod receiving;
mod schedules;
mod settling;
mod streaming;
mod vendor;

use super::{NewTask, Shared, Tasks};
use crate::{AsinTask, Budget, Builder, DfsClient, Entry, Language, Ledger, Location, SellersTask, Tag, clock::Clock};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use std::sync::Arc;
use vendor::Vendor;

fn client(vendor: &Vendor) -> DfsClient {
    Builder::new("login", "password").transport(Arc::new(vendor.clone())).build().unwrap()
}

fn tasks(vendor: &Vendor, ledger: Arc<dyn Ledger>, budget: &Budget) -> Tasks {
    let world = vendor.clone();
    by_the_wall(Tasks::new(client(vendor), ledger, budget.clone()), move || world.world().wall())
}

/// By this wall clock: the machine's stands still while time is paused.
fn by_the_wall(mut tasks: Tasks, wall: impl Fn() -> Timestamp + Send + Sync + 'static) -> Tasks {
    tasks.shared = Arc::new(Shared { clock: Clock::by(wall), ..Shared::default() });
    tasks
}

async fn pending(tasks: &Tasks) -> Vec<Entry> {
    tasks.pending().try_collect().await.unwrap()
}

/// A task whose label, ASIN and own tag all say which one it is; odd ones ask for sellers.
fn task(number: usize) -> NewTask {
    let asin = format!("B{number:09}").parse().unwrap();
    let (place, language) = (Location::code(2840), Language::code("en_US"));
    let tag = Tag::new(format!("task-{number}")).unwrap();
    let task = if number.is_multiple_of(2) {
        NewTask::new(AsinTask::new(asin, place, language).tag(tag))
    } else {
        NewTask::new(SellersTask::new(asin, place, language).tag(tag))
    };
    task.label(format!("task-{number}"))
}
