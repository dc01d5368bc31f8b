//! Work that a vendor finishes later.

use crate::{Client, Job, Result, Vendor, client::from_now};
use std::time::Duration;
use tokio::time::sleep;

/// How a job stands when a wait ends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Waited<J, D> {
    /// It has finished.
    Done(D),
    /// It goes on; the job can be stored and asked again, also by another process.
    Pending(J),
}

impl<J, D> Waited<J, D> {
    /// The finished result, if there is one.
    pub fn done(self) -> Option<D> {
        match self {
            Self::Done(done) => Some(done),
            Self::Pending(_) => None,
        }
    }
}

impl<V: Vendor> Client<V> {
    /// Asks at a steady pace until the work has finished or `patience` has run out.
    ///
    /// # Errors
    /// Those of the asking; the job itself is never lost by them.
    pub async fn wait<J: Job<Vendor = V>>(
        &self,
        job: J,
        every: Duration,
        patience: Duration,
    ) -> Result<Waited<J, J::Done>> {
        let end = from_now(patience);
        loop {
            if let Some(done) = job.done(self.call(job.clone()).await?) {
                return Ok(Waited::Done(done));
            }
            if from_now(every) > end {
                return Ok(Waited::Pending(job));
            }
            sleep(every).await;
        }
    }
}
