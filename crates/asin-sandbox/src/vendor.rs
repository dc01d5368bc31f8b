//! Which vendor a path belongs to, and what each says when it fails.

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
    /// A path that belongs to nobody is SP-API's, whose gateway answers everything.
    pub(crate) fn at(path: &str) -> Self {
        if path.starts_with("/auth/") {
            Self::Lwa
        } else if path.starts_with("/v3/") {
            Self::DataForSeo
        } else if path.starts_with("/api/v1/") {
            Self::MultiCart
        } else {
            Self::SpApi
        }
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
