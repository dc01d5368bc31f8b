//! What has become too old to be sent while it waited: the observation behind a price, and the count of a stock.

use super::{Outcome, Reason, group::StockPlan, report::codes, row::Slot, work::Work};
use jiff::Timestamp;

/// Clocks may differ by so many seconds.
const CLOCKS: f64 = 60.0;

/// How many seconds ago something was.
pub(super) fn age(at: Timestamp) -> f64 {
    Timestamp::now().duration_since(at).as_secs_f64()
}

impl Work<'_> {
    /// Says so if the observation that a price follows has passed its greatest age, or is of the future. One that does not
    /// say its time is as old as what was decided by it.
    pub(super) fn observed_too_long_ago(&self, slot: &Slot) -> Option<Outcome> {
        let most = self.options.max_observation_age?.as_secs_f64();
        let age = age(slot.report.observed.as_ref()?.at.unwrap_or(self.made));
        let message = "what was observed has become too old while the change waited";
        let is_fresh = (-CLOCKS..=most).contains(&age);
        (!is_fresh).then(|| Outcome::Skipped(Reason::new(codes::OBSERVATION_TOO_OLD, message)))
    }

    /// Says so if a stock was counted too long ago, or nobody knows when. Days of handling are not counted.
    pub(super) fn counted_too_long_ago(&self, plan: StockPlan) -> Option<Outcome> {
        plan.quantity?;
        let most = self.options.max_stock_age?.as_secs_f64();
        let message = match plan.counted.map(age) {
            Some(age) if (-CLOCKS..=most).contains(&age) => return None,
            Some(age) if age < 0.0 => "the stock was counted in the future".to_owned(),
            Some(age) => format!("the stock was counted {:.0} minutes ago", (age / 60.0).floor()),
            None => "nobody says when the stock was counted".to_owned(),
        };
        Some(Outcome::Skipped(Reason::new("stock_too_old", message)))
    }
}
