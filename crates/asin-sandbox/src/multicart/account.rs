//! The account: its login and its credits.

use std::time::Duration;

use serde_json::json;

use super::{Carts, USER, body, failure, success, text};
use crate::call::{Call, Reply};
use crate::world::{API_KEY, LOGIN, PASSWORD};

/// The credits of a cycle.
#[derive(Debug)]
pub(super) struct Balance {
    available: u64,
    used: u64,
    frozen: u64,
}

impl Balance {
    pub(super) fn new(available: u64) -> Self {
        Self { available, used: 0, frozen: 0 }
    }

    /// Spendable are the available ones less used and frozen.
    pub(super) fn spendable(&self) -> u64 {
        self.available.saturating_sub(self.used + self.frozen)
    }

    /// Holds credits for work that begins; false if they do not suffice.
    pub(super) fn freeze(&mut self, credits: u64) -> bool {
        let enough = credits <= self.spendable();
        if enough {
            self.frozen += credits;
        }
        enough
    }

    /// Spends what was held.
    pub(super) fn spend(&mut self, credits: u64) {
        self.frozen -= credits.min(self.frozen);
        self.used += credits;
    }
}

pub(super) fn credits(carts: &mut Carts, _: &Call, _: Duration) -> Result<Reply, Reply> {
    let Balance { available, used, frozen } = carts.credits;
    Ok(success(&json!({"available_credits": available, "used_credits": used, "frozen_credits": frozen})))
}

/// The demo account has one login for all vendors; its session's token is the key. The code of a refusal is not documented.
pub(super) fn login(_: &mut Carts, call: &Call, _: Duration) -> Result<Reply, Reply> {
    let body = body(call)?;
    if text(&body, "email")? != LOGIN || text(&body, "password")? != PASSWORD {
        return Err(failure(400, "Invalid email or password!"));
    }
    let user = json!({"id": USER, "name": "Sandbox", "email": LOGIN});
    Ok(success(&json!({"token": API_KEY, "user": user})))
}
