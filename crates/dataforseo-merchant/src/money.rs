//! What tasks cost, and a budget that is reserved before anything is sent. All amounts are US dollars.

use crate::{AccountPrices, Kind, Mode};
use rust_decimal::Decimal;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What a page of results costs, USD: by default, as on the vendor's price page of 2026.
///
/// ```
/// use dataforseo_merchant::{Kind, Mode, Prices};
/// let mut prices = Prices::default();
/// assert_eq!(prices.of(Kind::Asin, Mode::Standard), "0.0015".parse()?);
/// prices.set(Kind::Asin, Mode::Standard, "0.0012".parse()?); // as agreed with the vendor
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices(BTreeMap<(Kind, Mode), Decimal>);

impl Default for Prices {
    fn default() -> Self {
        let modes = [Mode::Standard, Mode::Priority, Mode::Live];
        let usual = |kind: Kind, mode: Mode| {
            let standard = if kind == Kind::Asin { Decimal::new(15, 4) } else { Decimal::new(1, 3) };
            // No price of live calls is published: they are taken to cost what high priority does.
            if mode == Mode::Standard { standard } else { standard * Decimal::TWO }
        };
        Self(Kind::ALL.iter().flat_map(|kind| modes.map(|mode| ((*kind, mode), usual(*kind, mode)))).collect())
    }
}

impl Prices {
    /// What a page of results of this kind is expected to cost, USD.
    pub fn of(&self, kind: Kind, mode: Mode) -> Decimal {
        self.0.get(&(kind, mode)).copied().unwrap_or_default()
    }

    /// With another price, USD.
    pub fn set(&mut self, kind: Kind, mode: Mode, price: Decimal) {
        self.0.insert((kind, mode), price);
    }

    /// Takes over what an account pays, as [`UserData`](crate::UserData) says it; what is not said there stays.
    ///
    /// Of several prices of one task (a basis and what results add, say) the sum is expected.
    pub fn learn(&mut self, account: &AccountPrices) {
        let merchant = account.merchant.as_ref();
        let amazon = merchant.and_then(|merchant| merchant.amazon.as_ref());
        let google = merchant.and_then(|merchant| merchant.google.as_ref());
        let said = [
            (Kind::Asin, amazon.and_then(|prices| prices.asin.as_ref()?.task_post.as_ref())),
            (Kind::Sellers, amazon.and_then(|prices| prices.sellers.as_ref()?.task_post.as_ref())),
            (Kind::Products, amazon.and_then(|prices| prices.products.as_ref()?.task_post.as_ref())),
            (Kind::GoogleProducts, google.and_then(|prices| prices.products.as_ref()?.task_post.as_ref())),
            (Kind::GoogleSellers, google.and_then(|prices| prices.sellers.as_ref()?.task_post.as_ref())),
            (Kind::GoogleProductInfo, google.and_then(|prices| prices.product_info.as_ref()?.task_post.as_ref())),
        ];
        for (kind, prices) in said {
            let Some(prices) = prices else { continue };
            // That of live calls is not told: they are taken to cost what high priority does.
            let high = &prices.priority_high;
            for (mode, units) in [(Mode::Standard, &prices.priority_normal), (Mode::Priority, high), (Mode::Live, high)]
            {
                let costs: Vec<Decimal> = units.iter().filter_map(|unit| unit.cost).collect();
                if !costs.is_empty() {
                    self.set(kind, mode, costs.into_iter().sum());
                }
            }
        }
    }
}

/// What tasks with one tag of the caller's have cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bill {
    /// How many tasks were made.
    pub tasks: u64,
    /// What they cost, USD.
    pub usd: Decimal,
    /// How many tasks may have been made without anybody knowing.
    pub unknown: u64,
    /// What these may have cost, USD.
    pub usd_unknown: Decimal,
}

/// How much may be spent, shared by everyone who holds a clone.
///
/// An amount is reserved before its task is sent, given back only when the vendor clearly refused the task, and replaced
/// by the real cost when it was accepted. What is unknown stays reserved.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Mutex<Amounts>>);

#[derive(Debug)]
struct Amounts {
    limit: Option<Decimal>,
    spent: Decimal,
    reserved: Decimal,
}

/// A task that the budget does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("over budget: {needed} USD needed, {left} USD left")]
#[non_exhaustive]
pub struct OverBudget {
    /// What the task was expected to cost, USD.
    pub needed: Decimal,
    /// What was left, USD.
    pub left: Decimal,
}

impl Budget {
    /// At most so many US dollars.
    pub fn new(limit: Decimal) -> Self {
        Self::with(Some(limit))
    }

    /// Counts and never stops anything.
    pub fn unlimited() -> Self {
        Self::with(None)
    }

    fn with(limit: Option<Decimal>) -> Self {
        Self(Arc::new(Mutex::new(Amounts { limit, spent: Decimal::ZERO, reserved: Decimal::ZERO })))
    }

    /// Sets an amount aside.
    ///
    /// # Errors
    /// [`OverBudget`]; nothing is set aside then.
    pub fn reserve(&self, amount: Decimal) -> Result<(), OverBudget> {
        let mut amounts = self.lock();
        match amounts.left() {
            Some(left) if left < amount => Err(OverBudget { needed: amount, left }),
            _ => {
                amounts.reserved += amount;
                Ok(())
            }
        }
    }

    /// Sets aside what may have been spent already, whether or not the budget allows it.
    pub(crate) fn hold(&self, amount: Decimal) {
        self.lock().reserved += amount;
    }

    /// Gives back what was reserved for a task that was not made.
    pub fn release(&self, reserved: Decimal) {
        self.lock().reserved -= reserved;
    }

    /// Replaces what was reserved for a task by what it cost.
    pub fn settle(&self, reserved: Decimal, cost: Decimal) {
        let mut amounts = self.lock();
        amounts.reserved -= reserved;
        amounts.spent += cost;
    }

    /// What has been spent, USD.
    pub fn spent(&self) -> Decimal {
        self.lock().spent
    }

    /// What is set aside for tasks whose outcome is not known, USD.
    pub fn reserved(&self) -> Decimal {
        self.lock().reserved
    }

    /// What may still be spent, USD; `None` without a limit.
    pub fn left(&self) -> Option<Decimal> {
        self.lock().left()
    }

    fn lock(&self) -> MutexGuard<'_, Amounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Amounts {
    fn left(&self) -> Option<Decimal> {
        self.limit.map(|limit| limit - self.spent - self.reserved)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amounts = self.lock();
        write!(f, "{} USD spent, {} USD reserved", amounts.spent.normalize(), amounts.reserved.normalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_price_table() {
        let prices = Prices::default();
        let of = |kind, mode| prices.of(kind, mode).normalize().to_string();
        assert_eq!(of(Kind::Asin, Mode::Standard), "0.0015");
        assert_eq!(of(Kind::Asin, Mode::Priority), "0.003");
        assert_eq!(of(Kind::Asin, Mode::Live), "0.003");
        for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Asin) {
            assert_eq!((of(*kind, Mode::Standard), of(*kind, Mode::Priority)), ("0.001".into(), "0.002".into()));
        }
    }

    #[test]
    fn an_accounts_own_prices_are_taken_over() {
        let cost =
            |usd: f64| json!([{"cost_type": "per_request", "cost": usd}, {"cost_type": "per_result", "cost": 0.0001}]);
        let post = |normal: f64| json!({"task_post": {"priority_low": null, "priority_normal": cost(normal), "priority_high": cost(0.005)}});
        let account = json!({"merchant": {"amazon": {"asin": post(0.0012)}, "google": {"sellers": post(0.0007), "products": null}}});
        let mut prices = Prices::default();
        prices.learn(&serde_json::from_value(account).unwrap());
        let of = |kind, mode| prices.of(kind, mode).normalize().to_string();
        assert_eq!([of(Kind::Asin, Mode::Standard), of(Kind::Asin, Mode::Live)], ["0.0013", "0.0051"]);
        assert_eq!(of(Kind::GoogleSellers, Mode::Standard), "0.0008");
        assert_eq!([of(Kind::Sellers, Mode::Standard), of(Kind::GoogleProducts, Mode::Priority)], ["0.001", "0.002"]);
    }

    #[test]
    fn what_is_reserved_is_not_left() {
        let cent = Decimal::new(1, 2);
        let budget = Budget::new(cent * Decimal::TWO);
        assert_eq!(budget.reserve(cent), Ok(()));
        assert_eq!(budget.clone().reserve(cent), Ok(()));
        assert_eq!(budget.reserve(cent), Err(OverBudget { needed: cent, left: Decimal::ZERO }));
        budget.release(cent);
        assert_eq!(budget.reserve(cent), Ok(()));
        budget.settle(cent, cent * Decimal::TEN);
        assert_eq!((budget.spent(), budget.reserved()), (Decimal::new(1, 1), cent));
        assert!(budget.reserve(Decimal::new(1, 9)).is_err(), "a task that cost more than expected closes the budget");
    }

    #[test]
    fn many_threads_never_reserve_more_than_the_limit() {
        let budget = Budget::new(Decimal::from(500));
        let reserved: usize = std::thread::scope(|scope| {
            let one = || (0..200).filter(|_| budget.reserve(Decimal::ONE).is_ok()).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((reserved, budget.left()), (500, Some(Decimal::ZERO)));
    }

    #[test]
    fn c8_a_million_costs_add_up_without_drift() {
        let budget = Budget::unlimited();
        (0..1_000_000).for_each(|_| budget.settle(Decimal::ZERO, Decimal::new(15, 4)));
        assert_eq!(budget.spent(), Decimal::from(1500));
    }
}
