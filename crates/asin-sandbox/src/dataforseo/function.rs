//! What a task asks for, and what its calls are named.

use rust_decimal::Decimal;

/// What a task asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Asin,
    Sellers,
    Products,
    GoogleProducts,
    GoogleSellers,
    GoogleProductInfo,
}

/// A call about tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Post,
    Ready,
    Advanced,
    Html,
    LiveAdvanced,
    LiveHtml,
}

impl Function {
    pub(super) const ALL: [Self; 6] =
        [Self::Asin, Self::Sellers, Self::Products, Self::GoogleProducts, Self::GoogleSellers, Self::GoogleProductInfo];

    /// The function that a path names.
    pub(super) fn of(engine: &str, function: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.names() == (engine, function))
    }

    /// Engine and function, as paths and echoes name them.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Asin => ("amazon", "asin"),
            Self::Sellers => ("amazon", "sellers"),
            Self::Products => ("amazon", "products"),
            Self::GoogleProducts => ("google", "products"),
            Self::GoogleSellers => ("google", "sellers"),
            Self::GoogleProductInfo => ("google", "product_info"),
        }
    }

    pub(super) fn is_amazon(self) -> bool {
        self.names().0 == "amazon"
    }

    /// Whether it asks for what a search shows.
    pub(super) fn is_search(self) -> bool {
        matches!(self, Self::Products | Self::GoogleProducts)
    }

    /// The vendor's name of a call; `None` where there is no such call.
    pub(super) fn operation(self, step: Step) -> Option<&'static str> {
        let [post, ready, advanced, html, live_advanced, live_html] = match self {
            Self::Asin => [
                "AmazonAsinTaskPost",
                "AmazonAsinTasksReady",
                "AmazonAsinTaskGetAdvanced",
                "AmazonAsinTaskGetHtml",
                "AmazonAsinLiveAdvanced",
                "AmazonAsinLiveHtml",
            ],
            Self::Sellers => [
                "AmazonSellersTaskPost",
                "AmazonSellersTasksReady",
                "AmazonSellersTaskGetAdvanced",
                "AmazonSellersTaskGetHtml",
                "AmazonSellersLiveAdvanced",
                "AmazonSellersLiveHtml",
            ],
            Self::Products => [
                "AmazonProductsTaskPost",
                "AmazonProductsTasksReady",
                "AmazonProductsTaskGetAdvanced",
                "AmazonProductsTaskGetHtml",
                "AmazonProductsLiveAdvanced",
                "AmazonProductsLiveHtml",
            ],
            Self::GoogleProducts => [
                "GoogleProductsTaskPost",
                "GoogleProductsTasksReady",
                "GoogleProductsTaskGetAdvanced",
                "GoogleProductsTaskGetHtml",
                "",
                "",
            ],
            Self::GoogleSellers => {
                ["GoogleSellersTaskPost", "GoogleSellersTasksReady", "GoogleSellersTaskGetAdvanced", "", "", ""]
            }
            Self::GoogleProductInfo => [
                "GoogleProductInfoTaskPost",
                "GoogleProductInfoTasksReady",
                "GoogleProductInfoTaskGetAdvanced",
                "",
                "",
                "",
            ],
        };
        let name = match step {
            Step::Post => post,
            Step::Ready => ready,
            Step::Advanced => advanced,
            Step::Html => html,
            Step::LiveAdvanced => live_advanced,
            Step::LiveHtml => live_html,
        };
        (!name.is_empty()).then_some(name)
    }

    /// The price of one page in the standard queue, in US dollars (price page, 2026; Google's is not published there).
    pub(super) fn price(self) -> Decimal {
        match self {
            Self::Asin => Decimal::new(15, 4),
            _ => Decimal::new(1, 3),
        }
    }

    /// The results of a page that is charged, and the most results; `None` where there is one page.
    pub(super) fn depth(self) -> Option<(u64, u64)> {
        match self {
            Self::Products => Some((100, 700)),
            Self::GoogleProducts => Some((40, 120)),
            Self::GoogleSellers => Some((10, 200)),
            Self::Asin | Self::Sellers | Self::GoogleProductInfo => None,
        }
    }

    pub(super) fn path(self) -> String {
        let (engine, function) = self.names();
        format!("/v3/merchant/{engine}/{function}")
    }
}
