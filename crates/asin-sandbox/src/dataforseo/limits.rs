//! The limits of calls that the account has.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::{Map, Value};

use super::function::Function;
use crate::clock::MinuteWindow;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How many calls a minute are allowed.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Whether everybody may call as often, and with as many requests at once, as they like.
    pub(super) lifted: bool,
    pub(super) general: MinuteWindow,
    pub(super) id_list: MinuteWindow,
    ready: [MinuteWindow; 7],
    /// When tasks that are equal in everything were posted.
    equal: HashMap<u64, VecDeque<Duration>>,
    /// The same, in the order of time: what is older than a day is forgotten.
    posted: VecDeque<(Duration, u64)>,
}

impl Limits {
    /// The limits of an account that nobody has used.
    pub(super) fn new() -> Self {
        Self {
            lifted: false,
            general: MinuteWindow::new(2000),
            id_list: MinuteWindow::new(10),
            ready: std::array::from_fn(|_| MinuteWindow::new(20)),
            equal: HashMap::new(),
            posted: VecDeque::new(),
        }
    }

    /// Counts a task with others that are equal in everything, or says that there are too many: the account may be told to
    /// take ten to a hundred an hour, here it takes a hundred, and a thousand a day.
    pub(super) fn count_equal(&mut self, data: &Map<String, Value>, now: Duration) -> Result<(), i64> {
        if self.lifted {
            return Ok(());
        }
        while let Some((at, which)) = self.posted.front().copied()
            && now.saturating_sub(at) >= DAY
        {
            self.posted.pop_front();
            if let Some(seen) = self.equal.get_mut(&which) {
                seen.pop_front();
                if seen.is_empty() {
                    self.equal.remove(&which);
                }
            }
        }
        let mut hasher = DefaultHasher::new();
        data.iter().for_each(|(name, value)| (name, value.to_string()).hash(&mut hasher));
        let which = hasher.finish();
        let seen = self.equal.entry(which).or_default();
        if seen.iter().rev().take_while(|at| now.saturating_sub(**at) < HOUR).count() >= 100 {
            return Err(40205);
        }
        if seen.len() >= 1000 {
            return Err(40206);
        }
        seen.push_back(now);
        self.posted.push_back((now, which));
        Ok(())
    }

    /// Each limit with its name; of the listings of finished tasks those that were asked for.
    pub(super) fn each(&self) -> Vec<(String, &MinuteWindow)> {
        let mut limits =
            vec![("calls a minute".to_owned(), &self.general), ("id_list a minute".to_owned(), &self.id_list)];
        for (place, window) in self.ready.iter().enumerate().filter(|(_, window)| window.is_used()) {
            let whose = Function::ALL.get(place).map(|function| {
                let (engine, name) = function.names();
                format!("{engine} {name} ")
            });
            limits.push((format!("{}tasks_ready a minute", whose.unwrap_or_default()), window));
        }
        limits
    }

    /// Limits no more.
    pub(crate) fn lift(&mut self) {
        let windows = [&mut self.general, &mut self.id_list].into_iter().chain(&mut self.ready);
        windows.for_each(MinuteWindow::lift);
        self.lifted = true;
    }

    /// Each listing of finished tasks has its own twenty calls.
    pub(super) fn ready(&mut self, function: Option<Function>) -> &mut MinuteWindow {
        let place = function.and_then(|function| Function::ALL.iter().position(|known| *known == function));
        &mut self.ready[place.unwrap_or(Function::ALL.len())]
    }
}
