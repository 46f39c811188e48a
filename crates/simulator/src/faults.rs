//! How often what goes wrong in a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chance::Chance;

/// How often things go wrong in a run: percentages, and times in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Faults {
    pub(crate) latency: u64,
    pub(crate) refuse: u64,
    pub(crate) duplicate: u64,
    /// The longest delay in the backend's fan-out.
    pub(crate) reorder: u64,
    pub(crate) lost_ack: u64,
    pub(crate) late_welcome: u64,
    /// A welcome that comes to harm on its way.
    pub(crate) broken_welcome: u64,
    pub(crate) gateway_error: u64,
    pub(crate) rate_limit: u64,
    pub(crate) silent: u64,
    pub(crate) late_timer: u64,
    pub(crate) service: ServiceFaults,
}

/// The same for what only AppSync has: requests, subscriptions, tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct ServiceFaults {
    /// A request that never reaches the server.
    pub(crate) lost_request: u64,
    /// An answer that never reaches the client.
    pub(crate) lost_answer: u64,
    /// A request or an answer that takes longer than anybody waits.
    pub(crate) slow: u64,
    pub(crate) failing: u64,
    pub(crate) throttled: u64,
    pub(crate) lost_start_ack: u64,
    pub(crate) late_start_ack: u64,
    pub(crate) start_refused: u64,
    pub(crate) connection_refused: u64,
    pub(crate) silent_connection: u64,
    pub(crate) missed: u64,
    pub(crate) refused_token: u64,
    pub(crate) reluctant_page: u64,
    /// How long a token is good, in milliseconds.
    pub(crate) token_life: u64,
}

impl Faults {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let mut rate = |most| if chance.percent(30) { 0 } else { chance.between(1, most) };
        Self {
            refuse: rate(40),
            duplicate: rate(30),
            reorder: rate(2_500),
            lost_ack: rate(30),
            late_welcome: rate(60),
            broken_welcome: 0,
            gateway_error: rate(12),
            rate_limit: rate(20),
            silent: rate(60),
            late_timer: rate(20),
            latency: chance.between(5, 400),
            service: ServiceFaults::default(),
        }
    }

    /// Nothing goes wrong.
    pub(crate) fn none() -> Self {
        let service = ServiceFaults { token_life: 3_600_000, ..ServiceFaults::default() };
        Self { latency: 40, service, ..Self::default() }
    }
}

impl ServiceFaults {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let mut rate = |most| if chance.percent(30) { 0 } else { chance.between(1, most) };
        Self {
            lost_request: rate(25),
            lost_answer: rate(25),
            slow: rate(10),
            failing: rate(15),
            throttled: rate(15),
            lost_start_ack: rate(20),
            late_start_ack: rate(30),
            start_refused: rate(20),
            connection_refused: rate(15),
            silent_connection: rate(80),
            missed: rate(10),
            refused_token: rate(10),
            reluctant_page: rate(30),
            token_life: chance.between(20_000, 600_000),
        }
    }
}

/// Removes the first fault that is there, counted from `skip`, by its name in the text form; `None` if there are no more.
pub(crate) fn without(faults: &Faults, skip: usize) -> Option<Faults> {
    let mut value = serde_json::to_value(faults).ok()?;
    let mut left = skip;
    let is_found = take_out(&mut value, &mut left);
    is_found.then(|| serde_json::from_value(value).ok()).flatten()
}

/// What a run cannot do without: nothing is as fast as light, and tokens live for a while.
const KEPT: [&str; 2] = ["latency", "token-life"];

fn take_out(faults: &mut Value, left: &mut usize) -> bool {
    let Some(faults) = faults.as_object_mut() else { return false };
    for (name, rate) in faults.iter_mut() {
        if rate.is_object() {
            if take_out(rate, left) {
                return true;
            }
        } else if rate.as_u64() != Some(0) && !KEPT.contains(&name.as_str()) {
            if *left == 0 {
                *rate = Value::from(0);
                return true;
            }
            *left -= 1;
        }
    }
    false
}
