//! The ports: one for everybody, or one for each vendor.

use std::borrow::Cow;
use std::net::SocketAddr;

use crate::vendor::Vendor;

/// Who answers behind a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Every vendor, told apart by the path.
    Everybody,
    /// Amazon alone: SP-API and LWA.
    Amazon,
    /// One vendor, whatever the path.
    Only(Vendor),
}

impl Door {
    /// The doors of split ports, in the order of their ports.
    pub(crate) const SPLIT: [Self; 3] = [Self::Amazon, Self::Only(Vendor::DataForSeo), Self::Only(Vendor::MultiCart)];

    /// Whose a path is behind this door, and the path from the vendor's root on.
    ///
    /// A path that is nobody's is the door's own vendor's, or SP-API's, whose gateway answers everything.
    pub(crate) fn vendor(self, path: &str) -> (Vendor, Cow<'_, str>) {
        let (found, own) = match self {
            Self::Everybody => (Vendor::at(path, |_| true), Vendor::SpApi),
            Self::Amazon => (Vendor::at(path, |vendor| matches!(vendor, Vendor::Lwa | Vendor::SpApi)), Vendor::SpApi),
            Self::Only(only) => (Vendor::at(path, |vendor| vendor == only), only),
        };
        found.unwrap_or((own, Cow::Borrowed(path)))
    }
}

/// Where the doors are: one address, or that of each of [`Door::SPLIT`].
#[derive(Debug, Clone)]
pub(crate) struct Ports(pub(crate) Vec<SocketAddr>);

/// The root URL of each vendor.
#[derive(Debug)]
pub(crate) struct Roots {
    pub(crate) sp_api: String,
    pub(crate) dataforseo: String,
    pub(crate) multicart: String,
}

impl Ports {
    /// The roots under a host name.
    pub(crate) fn roots(&self, host: &str) -> Roots {
        let root = |door: usize| {
            let port = self.0.get(door).or(self.0.first()).map_or(0, SocketAddr::port);
            format!("http://{host}:{port}")
        };
        Roots { sp_api: root(0), dataforseo: root(1), multicart: root(2) }
    }
}
