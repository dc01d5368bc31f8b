//! Addresses that the vendor calls.

use super::{InvalidRequest, invalid};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use url::{Host, Url};

/// An address that the vendor calls; `$id` and `$tag` in its path or query are replaced by the task's.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WebhookUrl(String);

impl fmt::Debug for WebhookUrl {
    /// Without path and query: webhooks are not signed, so these often hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.split_inclusive('/').take(3).collect::<String>();
        let host = host.rsplit_once('@').map_or(host.as_str(), |(_, host)| host);
        write!(f, "WebhookUrl({}…)", host.trim_end_matches('/'))
    }
}

const FIELD: &str = "postback_url, pingback_url";

impl WebhookUrl {
    /// An `http` or `https` address of a host that the vendor can reach, sent as it stands.
    ///
    /// ```
    /// use dataforseo_merchant::WebhookUrl;
    /// assert!(WebhookUrl::new("https://your-server.com/pingscript?id=$id&tag=$tag").is_ok());
    /// assert!(WebhookUrl::new("http://169.254.169.254/latest/meta-data").is_err());
    /// ```
    ///
    /// # Errors
    /// When it is no such address, holds a login or a `#` (which the vendor would send as `%23`), lets a variable decide
    /// the host, or names a host of a private network: results would go to, or be asked of, somebody unexpected.
    pub fn new(url: impl Into<String>) -> Result<Self, InvalidRequest> {
        let (url, text) = read(url.into())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(FIELD, "must not hold a login"));
        }
        if !url.host().is_some_and(|host| is_public(&host)) {
            return Err(invalid(FIELD, "must name a public host"));
        }
        Ok(Self(text))
    }

    /// An `http` or `https` address of any host, also of a private network, with or without a login: for tests and tunnels.
    ///
    /// # Errors
    /// When it is no whole `http` or `https` address, holds a `#`, or lets a variable decide the host.
    pub fn unrestricted(url: impl Into<String>) -> Result<Self, InvalidRequest> {
        read(url.into()).map(|(_, text)| Self(text))
    }

    /// An address whose path is a secret: `https`, or, where the vendor need not reach it, of a private network.
    #[cfg(feature = "webhook")]
    pub(crate) fn secret(url: String, may_be_private: bool) -> Result<Self, InvalidRequest> {
        let (parsed, text) = read(url)?;
        let is_public = parsed.host().is_some_and(|host| is_public(&host));
        match parsed.scheme() {
            "http" if is_public => Err(invalid(FIELD, "must be https: its path is a secret")),
            _ if may_be_private => Ok(Self(text)),
            _ => Self::new(text),
        }
    }

    /// The address as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<WebhookUrl> for String {
    fn from(url: WebhookUrl) -> Self {
        url.0
    }
}

fn read(text: String) -> Result<(Url, String), InvalidRequest> {
    let url: Url = text.parse().map_err(|_| invalid(FIELD, "must be a whole URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(FIELD, "must be http or https"));
    }
    if url.fragment().is_some() {
        return Err(invalid(FIELD, "must not hold a `#`, which would be sent as `%23`"));
    }
    if url.host_str().is_none_or(|host| host.contains('$')) {
        return Err(invalid(FIELD, "must name its host without a variable"));
    }
    Ok((url, text))
}

fn is_public(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let private = ["localhost", "local", "internal", "lan", "home.arpa", "test", "invalid"];
            let within = |zone: &&str| name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'));
            name.contains('.') && !private.iter().any(within)
        }
        Host::Ipv4(address) => is_public_v4(*address),
        Host::Ipv6(address) => is_public_v6(*address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let special = matches!(
        (first, second, third),
        // This network, carriers' own, protocols, benchmarks, reserved and multicast (RFC 6890).
        (0, ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18..=19, _) | (224..=255, ..)
    );
    !(special || address.is_private() || address.is_loopback() || address.is_link_local() || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let IpAddr::V4(mapped) = address.to_canonical() {
        return is_public_v4(mapped);
    }
    // Of the rest only 2000::/3 is given out; in it, what embeds or documents addresses (6to4, Teredo, 2001:db8::/32).
    let [first, second, ..] = address.segments();
    let embeds = first == 0x2002 || first == 0x2001 && matches!(second, 0 | 0xdb8);
    (0x2000..0x4000).contains(&first) && !embeds
}
