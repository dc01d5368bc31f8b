//! Where products can be watched.

use multicart::{Domain, ListDomains, ListPostcodes, McClient, Postcode, PostcodeStatus};

/// The shops and postcodes that MultiCart knows of the account.
#[derive(Debug, Clone)]
pub struct Places {
    domains: Vec<Domain>,
    postcodes: Vec<Postcode>,
}

/// Why nothing can be watched at a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoPlace {
    /// There is no such shop.
    #[error("MultiCart does not know the domain {0}")]
    Domain(String),
    /// The account has no such postcode.
    #[error("postcode {postcode} is not registered for {domain}")]
    Postcode {
        /// The postcode.
        postcode: String,
        /// Its shop.
        domain: String,
    },
    /// The postcode cannot be used, or not yet.
    #[error("postcode {postcode} of {domain} is {}, not active", .status.as_ref().map_or("said to have no state", PostcodeStatus::as_str))]
    NotActive {
        /// The postcode.
        postcode: String,
        /// Its shop.
        domain: String,
        /// How it stands, where that is said.
        status: Option<PostcodeStatus>,
    },
}

impl Places {
    /// Reads them; free.
    ///
    /// # Errors
    /// Those of the calls.
    pub async fn read(client: &McClient) -> core_http::Result<Self> {
        let domains = client.call(ListDomains::new()).await?;
        Ok(Self { domains, postcodes: client.call(ListPostcodes::new()).await? })
    }

    /// Whether something can be watched there: only an active postcode can be used.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, domain: &str, postcode: &str) -> Result<(), NoPlace> {
        if !self.domains.iter().any(|known| known.domain == domain) {
            return Err(NoPlace::Domain(domain.to_owned()));
        }
        let here = |known: &&Postcode| {
            known.zipcode == postcode && known.domain.as_ref().is_some_and(|of| of.domain == domain)
        };
        let status = self.postcodes.iter().find(here).map(|known| known.status.clone());
        let (postcode, domain) = (postcode.to_owned(), domain.to_owned());
        match status {
            None => Err(NoPlace::Postcode { postcode, domain }),
            Some(Some(PostcodeStatus::Active)) => Ok(()),
            Some(status) => Err(NoPlace::NotActive { postcode, domain, status }),
        }
    }
}
