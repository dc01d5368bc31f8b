//! What has become too old to be sent while it waited: the observation behind a price, and the count of a stock.

use super::{
    Doubt, Outcome, Reason,
    plan::StockPlan,
    run::{Run, Slot},
};
use jiff::Timestamp;

/// Clocks may differ by so many seconds.
const CLOCKS: f64 = 60.0;

impl Run<'_> {
    /// Says so if the observation that a price follows has passed its greatest age.
    pub(super) fn observed_too_long_ago(&self, slot: &Slot) -> Option<Outcome> {
        let doubts = slot.report.observed.as_ref()?.doubts(&self.question(slot, Timestamp::now()));
        let message = "what was observed has become too old while the change waited";
        doubts.contains(&Doubt::TooOld).then(|| Outcome::Skipped(Reason::new("observation_too_old", message)))
    }

    /// Says so if a stock was counted too long ago, or nobody knows when.
    pub(super) fn counted_too_long_ago(&self, plan: StockPlan) -> Option<Outcome> {
        let most = self.options.max_stock_age?.as_secs_f64();
        let message = match plan.counted.map(|counted| Timestamp::now().duration_since(counted).as_secs_f64()) {
            Some(age) if (-CLOCKS..=most).contains(&age) => return None,
            Some(age) if age < 0.0 => "the stock was counted in the future".to_owned(),
            Some(age) => format!("the stock was counted {:.0} minutes ago", (age / 60.0).floor()),
            None => "nobody says when the stock was counted".to_owned(),
        };
        Some(Outcome::Skipped(Reason::new("stock_too_old", message)))
    }
}
