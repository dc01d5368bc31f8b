//! Writing safely: preview first, then the write.

use crate::{
    DeleteListingsItem, Marketplace, PatchListingsItem, PutListingsItem, SellerId, Sku, SpApi, SpClient, Submission,
    Unchecked, receipt::Change,
};
use core_http::{Answer, Once, Operation, Result};

/// A write to one listing: a PUT, PATCH or DELETE, also as [`Once`] or [`Unchecked`].
pub trait Write: Operation<Vendor = SpApi, Output = Submission> + Clone {
    #[doc(hidden)]
    fn target(&self) -> Target;
}

/// A write that Amazon can be asked about before it is made.
pub trait Preview: Write {
    /// The preview: it changes nothing, so it is never [`Once`], whatever the write is.
    type Asked: Operation<Vendor = SpApi, Output = Submission>;

    /// The same write as a preview, which changes nothing.
    fn to_preview(&self) -> Self::Asked;
}

/// Which listing a write changes, and what should show there afterwards.
#[doc(hidden)]
#[derive(Debug)]
pub struct Target {
    pub(crate) seller: SellerId,
    pub(crate) sku: Sku,
    pub(crate) marketplaces: Vec<Marketplace>,
    pub(crate) change: Change,
}

macro_rules! write {
    ($($operation:ident: $write:ident => $change:expr;)*) => {
        $(impl Write for $operation {
            fn target(&self) -> Target {
                let $write = self;
                let (seller, sku) = (self.seller_id.clone(), self.sku.clone());
                Target { seller, sku, marketplaces: self.marketplace_ids.clone(), change: $change }
            }
        })*
    };
}
write! {
    PutListingsItem: put => Change::Put(put.body.attributes.clone());
    PatchListingsItem: patch => Change::Patch(patch.body.patches.clone());
    DeleteListingsItem: _delete => Change::Delete;
}

impl Preview for PutListingsItem {
    type Asked = Self;

    fn to_preview(&self) -> Self {
        self.preview()
    }
}

impl Preview for PatchListingsItem {
    type Asked = Self;

    fn to_preview(&self) -> Self {
        self.preview()
    }
}

impl<W: Write> Write for Once<W> {
    fn target(&self) -> Target {
        self.0.target()
    }
}

impl<W: Preview> Preview for Once<W> {
    type Asked = W::Asked;

    fn to_preview(&self) -> W::Asked {
        self.0.to_preview()
    }
}

impl<W: Write + crate::check::Checked> Write for Unchecked<W> {
    fn target(&self) -> Target {
        self.0.target()
    }
}

impl<W: Preview<Asked: crate::check::Checked> + crate::check::Checked> Preview for Unchecked<W> {
    type Asked = Unchecked<W::Asked>;

    fn to_preview(&self) -> Self::Asked {
        Unchecked(self.0.to_preview())
    }
}

/// What Amazon says of a write before it is made.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a preview may have been refused"]
pub enum Previewed<W> {
    /// It would be accepted.
    Valid(Validated<W>),
    /// Everything else, most of all [`Submission::Invalid`] with its issues.
    NotValid(Submission),
}

/// A write that Amazon would accept; only a preview makes one.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "nothing has been written yet"]
pub struct Validated<W> {
    write: W,
    preview: Submission,
}

impl<W: Preview> Validated<W> {
    /// Amazon's answer to the preview.
    pub fn preview(&self) -> &Submission {
        &self.preview
    }

    /// Makes the write. Amazon may still refuse it: a preview does not see everything
    /// (selling-partner-api-models #5337).
    ///
    /// # Errors
    /// As [`Client::call`](core_http::Client::call); ask
    /// [`may_have_been_applied`](core_http::Error::may_have_been_applied) before anything is sent again.
    pub async fn submit(self, client: &SpClient) -> Result<Submission> {
        client.call(self.write).await
    }

    /// As [`submit`](Self::submit), with the circumstances of the answer, such as Amazon's request id.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub async fn exchange(self, client: &SpClient) -> Result<Answer<Submission>> {
        client.exchange(self.write).await
    }
}

/// Asks Amazon what it would say to a write; nothing is changed.
///
/// # Errors
/// As [`Client::call`](core_http::Client::call).
pub async fn preview<W: Preview>(client: &SpClient, write: W) -> Result<Previewed<W>> {
    Ok(match client.call(write.to_preview()).await? {
        valid @ Submission::Valid(_) => Previewed::Valid(Validated { write, preview: valid }),
        other => Previewed::NotValid(other),
    })
}

/// The answers to a preview and to the write after it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[must_use = "a submission may have been refused"]
pub struct Submitted {
    /// Amazon's answer to the preview.
    pub preview: Submission,
    /// Amazon's answer to the write; `None` if the preview was not valid, and so nothing was written.
    pub write: Option<Submission>,
}

impl Submitted {
    /// The answer that counts: that to the write, or that which kept it from being made.
    pub fn last(&self) -> &Submission {
        self.write.as_ref().unwrap_or(&self.preview)
    }
}

/// Makes a write that Amazon has found valid in a preview; one that it has not is not made.
///
/// # Errors
/// As [`Client::call`](core_http::Client::call), of the preview or of the write; only the latter's
/// [`may_have_been_applied`](core_http::Error::may_have_been_applied) can be true.
///
/// ```
/// use core_http::Once;
/// use sp_listings::{Offer, PatchListingsItem, SpClient, Submission, preview_then_submit};
///
/// # async fn submit(client: &SpClient, patch: PatchListingsItem) -> core_http::Result<()> {
/// let answers = preview_then_submit(client, Once(patch)).await?;
/// match answers.write {
///     Some(Submission::Accepted(accepted)) => println!("{}: taken in, applied soon", accepted.submission_id),
///     Some(refused) => println!("refused although the preview was valid: {refused}"),
///     None => println!("nothing was sent: {}", answers.preview),
/// }
/// # Ok(())
/// # }
/// ```
pub async fn preview_then_submit<W: Preview>(client: &SpClient, write: W) -> Result<Submitted> {
    match preview(client, write).await? {
        Previewed::NotValid(preview) => Ok(Submitted { preview, write: None }),
        Previewed::Valid(valid) => {
            let preview = valid.preview().clone();
            Ok(Submitted { preview, write: Some(valid.submit(client).await?) })
        }
    }
}
