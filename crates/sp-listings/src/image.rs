//! Pictures of a listing: where Amazon is to fetch them from, and their removal.

use crate::{InvalidTerms, Marketplace, PatchOperation, Selectors};
use serde_json::json;
use url::Url;

/// A place for a picture.
///
/// ```
/// use sp_listings::{Image, Marketplace};
///
/// let store = Marketplace::TR;
/// let main = Image::Main.patch(&store, "https://shop.example/shoe-1.jpg")?;
/// let second = Image::other(2)?.patch(&store, "s3://bucket/shoe-2.jpg")?;
/// let gone = Image::other(3)?.delete_patch(&store);
/// assert_eq!(Image::other(3)?.attribute(), "other_product_image_locator_3");
/// # let sent = serde_json::to_string(&[main, second, gone])?;
/// # assert_eq!(sent.matches(r#""marketplace_id":"A33AVAJ2PDY3EV""#).count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Image {
    /// The picture in the search results; Amazon demands it of a complete listing.
    Main,
    /// A further picture, from 1 on; see [`Image::other`].
    #[non_exhaustive]
    Other(u8),
    /// A sample of a colour or pattern, for the choice among variations.
    Swatch,
}

impl Image {
    /// A further picture, 1 to 8.
    ///
    /// # Errors
    /// [`InvalidTerms`] for another number.
    pub fn other(number: u8) -> Result<Self, InvalidTerms> {
        match number {
            1..=8 => Ok(Self::Other(number)),
            _ => Err(InvalidTerms(format!("further pictures are numbered 1 to 8, not {number}"))),
        }
    }

    /// The attribute that holds it.
    pub fn attribute(self) -> String {
        match self {
            Self::Main => "main_product_image_locator".to_owned(),
            Self::Other(number) => format!("other_product_image_locator_{number}"),
            Self::Swatch => "swatch_product_image_locator".to_owned(),
        }
    }

    /// The patch that puts a picture here. Amazon fetches it later, from a public http or https address or from S3
    /// (use case guide, "Submitting images"), and shows it under an address of its own.
    ///
    /// # Errors
    /// [`InvalidTerms`] if it is no such address.
    pub fn patch(self, marketplace: &Marketplace, location: &str) -> Result<PatchOperation, InvalidTerms> {
        let url = Url::parse(location).map_err(|error| InvalidTerms(format!("the picture `{location}`: {error}")))?;
        if !matches!(url.scheme(), "http" | "https" | "s3") {
            return Err(InvalidTerms(format!("the picture `{location}` must be at http, https or s3")));
        }
        let instance = json!({ "media_location": location, "marketplace_id": marketplace.as_str() });
        Ok(PatchOperation::replace(&self.attribute(), [instance]))
    }

    /// The patch that takes the picture away. Without selectors Amazon refuses it (selling-partner-api-models #4941).
    pub fn delete_patch(self, marketplace: &Marketplace) -> PatchOperation {
        PatchOperation::delete(&self.attribute(), [Selectors::of(marketplace)])
    }
}
