//! How soon a task is done, and whom the vendor tells.

use super::{
    InvalidRequest, WebhookUrl, invalid,
    wire::{Part, Wire},
};
use serde::{Deserialize, Serialize};

/// How soon a task is done, and at which price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Priority {
    /// Within up to 45 minutes.
    #[default]
    Normal,
    /// Within minutes, for twice the price.
    High,
}

/// What the vendor posts to a postback address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostbackData {
    /// The result as `task_get/advanced` gives it.
    Advanced,
    /// The page itself.
    Html,
}

/// What a request says that is not answered at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    pub(super) priority: Option<Priority>,
    pub(super) postback: Option<(WebhookUrl, PostbackData)>,
    pub(super) pingback: Option<WebhookUrl>,
}

impl Part for Delivery {
    fn write(self, wire: &mut Wire) {
        wire.priority = self.priority.map(|priority| if priority == Priority::High { 2 } else { 1 });
        (wire.postback_url, wire.postback_data) = self.postback.map(|(url, data)| (url.into(), data)).unzip();
        wire.pingback_url = self.pingback.map(Into::into);
    }

    fn take(wire: &mut Wire) -> Result<Self, InvalidRequest> {
        let priority = match wire.priority.take() {
            None => None,
            Some(1) => Some(Priority::Normal),
            Some(2) => Some(Priority::High),
            Some(_) => return Err(invalid("priority", "must be 1 or 2")),
        };
        // Which hosts may be called was decided when the request was made: one that is read back is not judged again,
        // or what a ledger remembers could be lost.
        let postback = match (wire.postback_url.take(), wire.postback_data.take()) {
            (None, None) => None,
            (Some(url), Some(data)) => Some((WebhookUrl::unrestricted(url)?, data)),
            _ => return Err(invalid("postback_url, postback_data", "go together")),
        };
        let pingback = wire.pingback_url.take().map(WebhookUrl::unrestricted).transpose()?;
        Ok(Self { priority, postback, pingback })
    }
}

/// What is answered at once needs no delivery.
impl Part for () {
    fn write(self, _: &mut Wire) {}

    fn take(_: &mut Wire) -> Result<Self, InvalidRequest> {
        Ok(())
    }
}
