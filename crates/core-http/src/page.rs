//! Answers that come in pages, as lazy streams.

use crate::{Client, Error, ErrorKind, Paged, Result, Vendor};
use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::HashSet;

/// The pages of an operation; the next one is fetched only when it is asked for.
///
/// To go on later, or in another process, keep the operation of the page you want to start from.
#[derive(Debug)]
#[must_use = "pages are fetched by the stream"]
pub struct Pages<V: Vendor, O: Paged<Vendor = V>> {
    client: Client<V>,
    first: O,
}

impl<V: Vendor, O: Paged<Vendor = V>> Pages<V, O> {
    pub(crate) fn new(client: Client<V>, first: O) -> Self {
        Self { client, first }
    }

    /// Each page with the operation that fetches the one after it. A position that comes twice is an error, and so is an
    /// end before everything has been shown ([`Paged::complete`]).
    pub fn pages(self) -> impl Stream<Item = Result<(O::Output, Option<O>)>> + Send {
        let Self { client, first } = self;
        stream::try_unfold((Some(Ok(first)), HashSet::new()), move |(operation, mut seen)| {
            let client = client.clone();
            async move {
                let Some(operation) = operation.transpose()? else { return Ok(None) };
                if !seen.insert(operation.position()) {
                    let message = format!("the page at `{}` came twice", operation.position().unwrap_or_default());
                    return Err(Error::new(ErrorKind::Decode, message).at(O::NAME, 0, false));
                }
                let output = client.call(operation.clone()).await?;
                let Some(next) = operation.next(&output) else {
                    let incomplete = operation.complete(&output).err().map(|error| Err(error.at(O::NAME, 0, false)));
                    return Ok(Some(((output, None), (incomplete, seen))));
                };
                Ok(Some(((output, Some(next.clone())), (Some(Ok(next)), seen))))
            }
        })
    }

    /// The elements of all pages, one by one.
    pub fn items(self) -> impl Stream<Item = Result<O::Item>> + Send {
        self.pages().map_ok(|(page, _)| stream::iter(O::items(page)).map(Ok)).try_flatten()
    }
}
