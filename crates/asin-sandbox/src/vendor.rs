//! Which vendor a path belongs to, and what each says when it fails.

use std::borrow::Cow;

use crate::call::{Call, Reply};
use crate::world::World;
use crate::{dataforseo, multicart, sp_api};

/// The services behind the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vendor {
    Lwa,
    SpApi,
    DataForSeo,
    MultiCart,
}

impl Vendor {
    /// Where paths begin.
    const ROOTS: [(&'static str, Self); 7] = [
        ("/auth/", Self::Lwa),
        ("/v3/", Self::DataForSeo),
        ("/api/v1/", Self::MultiCart),
        ("/listings/2021-08-01/", Self::SpApi),
        ("/definitions/2020-09-01/", Self::SpApi),
        ("/feeds/2021-06-30/", Self::SpApi),
        ("/sp-documents/", Self::SpApi),
    ];

    /// The one of these vendors to whom a path belongs, and the path from its root on: what stands before that is the base path
    /// of a client or a proxy. `None` for a path that is nobody's.
    pub(crate) fn at(path: &str, among: impl Fn(Self) -> bool) -> Option<(Self, Cow<'_, str>)> {
        let roots = Self::ROOTS.into_iter().filter(|(_, vendor)| among(*vendor));
        let (start, vendor) =
            roots.filter_map(|(root, vendor)| Some((path.find(root)?, vendor))).min_by_key(|(start, _)| *start)?;
        let rest = &path[start..];
        // Web servers take slashes together, as where a base URL ends in one; at Amazon an empty segment is one.
        let merged = matches!(vendor, Self::DataForSeo | Self::MultiCart) && rest.contains("//");
        let merge = || {
            let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
            format!("/{}{}", parts.join("/"), if rest.ends_with('/') { "/" } else { "" })
        };
        Some((vendor, if merged { Cow::Owned(merge()) } else { Cow::Borrowed(rest) }))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lwa => "lwa",
            Self::SpApi => "sp-api",
            Self::DataForSeo => "dataforseo",
            Self::MultiCart => "multicart",
        }
    }

    pub(crate) fn answer(self, world: &mut World, call: &Call, in_flight: usize) -> Reply {
        match self {
            Self::Lwa => sp_api::lwa::answer(world, call),
            Self::SpApi => sp_api::answer(world, call),
            Self::DataForSeo => dataforseo::answer(world, call, in_flight),
            Self::MultiCart => multicart::answer(world, call),
        }
    }

    /// The vendor's server error, as JSON.
    pub(crate) fn server_error(self, call: &Call, status: u16) -> Reply {
        match self {
            Self::Lwa => sp_api::identified(call, sp_api::lwa::server_error(status)),
            Self::SpApi => sp_api::identified(call, sp_api::server_error(status)),
            Self::DataForSeo => dataforseo::server_error(status),
            Self::MultiCart => multicart::server_error(),
        }
    }

    /// The vendor's refusal with this code.
    pub(crate) fn coded(self, call: &Call, code: u16) -> Reply {
        match self {
            Self::Lwa | Self::SpApi => sp_api::identified(call, sp_api::coded(code)),
            Self::DataForSeo => dataforseo::codes::coded(call, i64::from(code)),
            Self::MultiCart => multicart::coded(i64::from(code)),
        }
    }

    /// The vendor's throttling. LWA and MultiCart document none: a gateway stands in for them.
    pub(crate) fn throttled(self, call: &Call) -> Reply {
        match self {
            Self::SpApi => sp_api::identified(call, sp_api::throttled()),
            Self::DataForSeo => dataforseo::throttled(),
            Self::Lwa | Self::MultiCart => Reply::html(http::StatusCode::TOO_MANY_REQUESTS),
        }
    }

    /// The vendor's refusal of a credential that was good before.
    pub(crate) fn expired(self, call: &Call) -> Reply {
        match self {
            Self::Lwa => sp_api::identified(call, sp_api::lwa::invalid_grant()),
            Self::SpApi => sp_api::identified(call, sp_api::expired()),
            Self::DataForSeo => dataforseo::unauthorized(),
            Self::MultiCart => multicart::unauthorized(),
        }
    }
}
