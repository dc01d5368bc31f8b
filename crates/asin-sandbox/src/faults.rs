//! Faults: what a network or a vendor does to a call when it fails, by route and call number.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What happens to the calls of a route.
///
/// Fault delays are wall time: a tester thinks in the client's own time-outs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The HTTP method, or `*`.
    method: String,
    /// The path as on the wire and without query; `*` stands for any run of characters.
    path: String,
    /// Which matching call it strikes, from 1, counted since the fault was set. None: each one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<u64>,
    /// The share of matching calls that it strikes, drawn from the sandbox's seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chance: Option<f64>,
    /// What happens.
    action: Action,
    /// Whether an answer that takes the place of the vendor's own is given after the work was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    after_work: bool,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub(crate) enum Action {
    /// Waits, then works and answers. The work is done even if the client has left by then.
    Delay { ms: u64 },
    /// Closes the connection before the body is read.
    Refuse,
    /// Closes the connection after the body was read; nothing is done.
    CutBeforeWork,
    /// Does the work and closes the connection instead of answering.
    CutAfterWork,
    /// Closes the connection at once and does the work some time after.
    ApplyLate { ms: u64 },
    /// Does the work and closes the connection in the middle of the answer's body.
    HalfBody,
    /// Does the work and answers 200 with bytes that are not JSON.
    Garbage,
    /// Does the work and sends the answer's body in small pieces over this time.
    SlowBody { ms: u64 },
    /// Does the work and calls the answer plain text, whatever it is.
    WrongContentType,
    /// A gateway's HTML page with this status.
    HtmlError { status: u16 },
    /// The vendor's own refusal with this code, inside its envelope if it has one.
    Code { code: u16 },
    /// Lets this much of the vendor's time pass, then works.
    ClockJump { seconds: u64 },
    /// The vendor's own server error; the status is that of SP-API and LWA, or an envelope's.
    ServerError { status: u16 },
    /// The vendor's own throttling.
    TooManyRequests,
    /// The vendor's own refusal of a credential that was good before.
    ExpiredToken,
    /// Delivers a webhook twice at the same time.
    DeliverTwice,
}

/// A route whose fault is being set: [`Fault::on`] begins, a verb such as [`FaultRoute::cut_after_work`] ends.
#[derive(Debug, Clone)]
#[must_use = "a route alone does nothing: say what happens to its calls"]
pub struct FaultRoute {
    method: String,
    path: String,
    call: Option<u64>,
    chance: Option<f64>,
}

impl Fault {
    /// Begins a fault on a route: a method (or `*`) and a path as on the wire, in which `*` stands for any characters.
    ///
    /// What the sandbox sends has the methods `POSTBACK` and `PINGBACK` (for which `*` does not stand) and the path of the
    /// webhook's own address; there `delay`, `refuse`, `cut_after_work` (it arrives, but its answer gets lost), `half_body`,
    /// `garbage` and `deliver_twice` mean something, and other faults do nothing.
    pub fn on(method: impl Into<String>, path: impl Into<String>) -> FaultRoute {
        FaultRoute { method: method.into(), path: path.into(), call: None, chance: None }
    }

    /// Lets the work be done before the answer is replaced (502, server error, throttling, expired token).
    #[must_use]
    pub fn after_work(mut self) -> Self {
        self.after_work = true;
        self
    }
}

impl FaultRoute {
    /// Strikes only the call of this number, from 1, counted since the fault was set.
    pub fn call(mut self, number: u64) -> Self {
        self.call = Some(number);
        self
    }

    /// Strikes this share of the calls, between 0 and 1, drawn from the sandbox's seed for each fault by itself: the same
    /// seed and the same calls of a route meet the same faults, whatever else is called meanwhile.
    pub fn chance(mut self, share: f64) -> Self {
        self.chance = Some(share);
        self
    }

    fn with(self, action: Action) -> Fault {
        let Self { method, path, call, chance } = self;
        Fault { method, path, call, chance, action, after_work: false }
    }

    /// Answers late. The work is done after the wait even if the client has left.
    #[must_use]
    pub fn delay(self, wait: Duration) -> Fault {
        self.with(Action::Delay { ms: millis(wait) })
    }

    /// Closes the connection before the body is read.
    #[must_use]
    pub fn refuse(self) -> Fault {
        self.with(Action::Refuse)
    }

    /// Closes the connection after the request was read; nothing is done.
    #[must_use]
    pub fn cut_before_work(self) -> Fault {
        self.with(Action::CutBeforeWork)
    }

    /// Does the work, then closes the connection without an answer.
    #[must_use]
    pub fn cut_after_work(self) -> Fault {
        self.with(Action::CutAfterWork)
    }

    /// Closes the connection at once and does the work after the wait.
    #[must_use]
    pub fn apply_late(self, wait: Duration) -> Fault {
        self.with(Action::ApplyLate { ms: millis(wait) })
    }

    /// Does the work and closes the connection in the middle of the answer's body.
    #[must_use]
    pub fn half_body(self) -> Fault {
        self.with(Action::HalfBody)
    }

    /// Does the work and answers 200 with bytes that are not JSON.
    #[must_use]
    pub fn garbage(self) -> Fault {
        self.with(Action::Garbage)
    }

    /// Does the work and sends the answer's body in small pieces over this time.
    #[must_use]
    pub fn slow_body(self, over: Duration) -> Fault {
        self.with(Action::SlowBody { ms: millis(over) })
    }

    /// Does the work and answers with the content type of plain text.
    #[must_use]
    pub fn wrong_content_type(self) -> Fault {
        self.with(Action::WrongContentType)
    }

    /// Answers 502 with a gateway's HTML page.
    #[must_use]
    pub fn html_502(self) -> Fault {
        self.html_error(502)
    }

    /// Answers with a gateway's HTML page and this status.
    #[must_use]
    pub fn html_error(self, status: u16) -> Fault {
        self.with(Action::HtmlError { status })
    }

    /// Answers with the vendor's own refusal of this code: DataForSEO's `status_code`, which refuses the call or each of its
    /// tasks as the vendor does, MultiCart's `code`, or an HTTP status of Amazon.
    #[must_use]
    pub fn code(self, code: u16) -> Fault {
        self.with(Action::Code { code })
    }

    /// Lets this much of the vendors' time pass before the work: tokens expire, queues empty, limits refill.
    #[must_use]
    pub fn clock_jump(self, time: Duration) -> Fault {
        self.with(Action::ClockJump { seconds: time.as_secs() })
    }

    /// Answers with the vendor's own server error, as JSON: 500 or 503.
    #[must_use]
    pub fn server_error(self, status: u16) -> Fault {
        self.with(Action::ServerError { status })
    }

    /// Answers with the vendor's own throttling.
    #[must_use]
    pub fn too_many_requests(self) -> Fault {
        self.with(Action::TooManyRequests)
    }

    /// Delivers a webhook (`POSTBACK` or `PINGBACK`) twice at the same time.
    #[must_use]
    pub fn deliver_twice(self) -> Fault {
        self.with(Action::DeliverTwice)
    }

    /// Refuses the credential as the vendor refuses an expired one.
    #[must_use]
    pub fn expired_token(self) -> Fault {
        self.with(Action::ExpiredToken)
    }
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

impl Action {
    /// The name under which the ledger notes it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Delay { .. } => "delay",
            Self::Refuse => "refuse",
            Self::CutBeforeWork => "cut_before_work",
            Self::CutAfterWork => "cut_after_work",
            Self::ApplyLate { .. } => "apply_late",
            Self::HalfBody => "half_body",
            Self::Garbage => "garbage",
            Self::SlowBody { .. } => "slow_body",
            Self::WrongContentType => "wrong_content_type",
            Self::HtmlError { .. } => "html_error",
            Self::Code { .. } => "code",
            Self::ClockJump { .. } => "clock_jump",
            Self::ServerError { .. } => "server_error",
            Self::TooManyRequests => "too_many_requests",
            Self::ExpiredToken => "expired_token",
            Self::DeliverTwice => "deliver_twice",
        }
    }
}

/// The methods of what the sandbox sends by itself.
const SENT: [&str; 2] = ["POSTBACK", "PINGBACK"];

/// The faults that are set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    seed: u64,
    set: Vec<Set>,
    /// How many were ever set.
    number: u64,
}

#[derive(Debug)]
struct Set {
    fault: Fault,
    /// Its number, from 1, among all that were ever set.
    id: u64,
    /// The calls that it has seen.
    calls: u64,
    /// Those of them that it struck.
    struck: u64,
    /// Its own chance: other faults and whatever the sandbox draws do not disturb it.
    rng: fastrand::Rng,
}

/// A fault that strikes a call.
#[derive(Debug, Clone)]
pub(crate) struct Strike {
    pub(crate) action: Action,
    pub(crate) after_work: bool,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.number += 1;
        let rng = fastrand::Rng::with_seed(self.seed.wrapping_add(self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        self.set.push(Set { fault, id: self.number, calls: 0, struck: 0, rng });
    }

    pub(crate) fn clear(&mut self) {
        self.set.clear();
    }

    /// Takes one fault back; false if there is none of this number.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.set.len();
        self.set.retain(|set| set.id != id);
        self.set.len() < before
    }

    /// The faults with their numbers, and the calls that they saw and struck.
    pub(crate) fn live(&self) -> Vec<serde_json::Value> {
        let one =
            |set: &Set| serde_json::json!({"id": set.id, "fault": set.fault, "calls": set.calls, "struck": set.struck});
        self.set.iter().map(one).collect()
    }

    /// Whether nothing can strike.
    pub(crate) fn none(&self) -> bool {
        self.set.is_empty()
    }

    pub(crate) fn list(&self) -> Vec<&Fault> {
        self.set.iter().map(|set| &set.fault).collect()
    }

    /// Counts the call with every fault that it matches; the first one due strikes.
    pub(crate) fn strike(&mut self, method: &str, path: &str) -> Option<Strike> {
        let mut struck = None;
        for Set { fault, calls, struck: strikes, rng, .. } in &mut self.set {
            let any = fault.method == "*" && !SENT.contains(&method);
            let met = (any || fault.method.eq_ignore_ascii_case(method)) && matches(&fault.path, path);
            if !met {
                continue;
            }
            *calls += 1;
            let due =
                fault.call.is_none_or(|call| call == *calls) && fault.chance.is_none_or(|share| rng.f64() < share);
            if due && struck.is_none() {
                *strikes += 1;
                struck = Some(Strike { action: fault.action.clone(), after_work: fault.after_work });
            }
        }
        struck
    }
}

/// Whether a path fits a pattern in which `*` stands for any run of characters.
fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        assert!(matches("/v3/*/task_post", "/v3/merchant/amazon/asin/task_post"));
        assert!(matches("*", "/"));
        assert!(matches("/a*b*c", "/a-b-b-c"));
        assert!(!matches("/a*b*c", "/a-c-c"));
        assert!(!matches("/v3", "/v3/merchant"));
        assert!(!matches("/ab*ba", "/aba"));
    }

    #[test]
    fn a_numbered_fault_strikes_once() {
        let mut faults = Faults::default();
        faults.add(Fault::on("post", "/x").call(2).garbage());
        let struck: Vec<bool> = (0..4).map(|_| faults.strike("POST", "/x").is_some()).collect();
        assert_eq!(struck, [false, true, false, false]);
        assert!(faults.strike("GET", "/x").is_none());
    }

    #[test]
    fn chance_depends_on_the_seed_and_the_calls_of_the_route_alone() {
        let run = |seed: u64, others: usize| {
            let mut faults = Faults::new(seed);
            faults.add(Fault::on("GET", "/other").chance(0.5).garbage());
            faults.add(Fault::on("GET", "/x").chance(0.5).garbage());
            let strike = |_| {
                for _ in 0..others {
                    faults.strike("GET", "/other");
                }
                faults.strike("GET", "/x").is_some()
            };
            (0..64).map(strike).collect::<Vec<bool>>()
        };
        assert_eq!(run(7, 0), run(7, 3));
        assert_ne!(run(7, 0), run(8, 0));
        assert!(run(7, 0).contains(&true) && run(7, 0).contains(&false));
    }
}
