//! Work that the service finishes later. Each is a plain value: wait with [`Client::wait`](core_http::Client::wait), store
//! it when the patience runs out, and go on with it in another process.

use crate::{
    AsinRows, CollectionId, DomainId, ListAsins, ListPostcodes, ListRuns, MultiCart, Postcode, PostcodeId,
    PostcodeStatus, Run, RunnerId, Runs,
};
use core_http::{Job, Limits, Operation, Request, Result, Safety};
use serde::{Deserialize, Serialize};

/// Until a postcode can be used, or never will: `pending` and `in-progress` become `active`, `failed` or `inactive`.
///
/// The list is asked, since one postcode alone cannot be read. Preparing one takes up to a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AwaitPostcode {
    postcode: PostcodeId,
    ask: ListPostcodes,
}

impl AwaitPostcode {
    /// Waits for this postcode of this shop.
    pub fn new(domain: DomainId, postcode: PostcodeId) -> Self {
        Self { postcode, ask: ListPostcodes::new().domain(domain) }
    }
}

impl Job for AwaitPostcode {
    type Done = Prepared;

    fn done(&self, postcodes: Vec<Postcode>) -> Option<Prepared> {
        let postcode = postcodes.into_iter().find(|row| row.id == self.postcode)?;
        match postcode.status {
            Some(PostcodeStatus::Active) => Some(Prepared::Active(postcode)),
            Some(PostcodeStatus::Failed | PostcodeStatus::Inactive) => Some(Prepared::Unusable(postcode)),
            // A state that is new may become any other; the caller's patience bounds it.
            _ => None,
        }
    }
}

/// What has become of a postcode.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Prepared {
    /// It can be used.
    Active(Postcode),
    /// It failed or is switched off; its `status` says which.
    Unusable(Postcode),
}

/// Until a collection holds as many ASINs as it should: what is enrolled is taken in over time, and a run takes only what
/// is there. Refused rows never arrive, so count only those that were not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AwaitIngested {
    expected: u64,
    ask: ListAsins,
}

impl AwaitIngested {
    /// Waits until the collection holds this many ASINs.
    pub fn new(collection: CollectionId, expected: u64) -> Self {
        Self { expected, ask: ListAsins::new(collection).with_count(1).limit(1) }
    }
}

impl Job for AwaitIngested {
    /// How many it holds.
    type Done = u64;

    fn done(&self, page: AsinRows) -> Option<u64> {
        page.total.filter(|total| *total >= self.expected)
    }
}

/// Until the files of a run are there. How a run that has failed looks is not documented, so the patience decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AwaitRun {
    runner: RunnerId,
    ask: ListRuns,
}

impl AwaitRun {
    /// Waits for this run, found by this question.
    pub fn new(runner: RunnerId, ask: ListRuns) -> Self {
        Self { runner, ask }
    }
}

impl Job for AwaitRun {
    type Done = Run;

    fn done(&self, runs: Runs) -> Option<Run> {
        runs.iter().find(|run| run.id.as_ref() == Some(&self.runner) && run.is_download_generated == Some(true))
    }
}

macro_rules! asks {
    ($($job:ident: $operation:ident),+) => {$(
        impl Operation for $job {
            type Vendor = MultiCart;
            type Wire = <$operation as Operation>::Wire;
            type Output = <$operation as Operation>::Output;
            const NAME: &'static str = $operation::NAME;

            fn safety(&self) -> Safety {
                self.ask.safety()
            }
            fn limits(&self) -> Limits {
                self.ask.limits()
            }
            fn request(&self) -> Result<Request> {
                self.ask.request()
            }
            fn output(&self, wire: Self::Wire) -> Result<Self::Output> {
                self.ask.output(wire)
            }
        }
    )+};
}

asks!(AwaitPostcode: ListPostcodes, AwaitIngested: ListAsins, AwaitRun: ListRuns);
