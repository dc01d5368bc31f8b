//! Postcodes: registered, whoever was first.

use crate::{CreatePostcode, DomainId, ListPostcodes, McClient, Postcode};
use core_http::{ErrorKind, Result};

/// Registers a postcode of a shop; one that is registered already is as good.
///
/// What the service refuses counts as registered only if the list then shows it: messages are not read. It can be used
/// when its `status` is `active`; [`AwaitPostcode`](crate::AwaitPostcode) waits for that.
///
/// # Errors
/// The refusal, when the list does not show the postcode; those of the calls.
pub async fn register(client: &McClient, domain: DomainId, zipcode: &str) -> Result<Postcode> {
    let refusal = match client.call(CreatePostcode::new(domain, zipcode)).await {
        Ok(postcode) => return Ok(postcode),
        Err(error) if error.kind() == ErrorKind::Rejected || error.may_have_been_applied() => error,
        Err(error) => return Err(error),
    };
    let postcodes = client.call(ListPostcodes::new().domain(domain)).await?;
    postcodes.into_iter().find(|row| row.zipcode == zipcode).ok_or(refusal)
}
