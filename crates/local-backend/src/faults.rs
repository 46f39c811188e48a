//! Fault switches: what goes wrong on purpose, in a way that a test can repeat.
//!
//! Switches count, they do not roll dice; the one that does takes a seed. `docs/local-backend.md`
//! has an example of each.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::gateway::Dialect;

/// Longest delay that a switch can ask for.
const MAX_DELAY_MS: u64 = 600_000;

/// Most stale rows that one request can insert.
const MAX_STALE_ROWS: usize = 100;

/// The switches of both paths. The default is no fault at all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Faults of `/prod`.
    pub prod: PathFaults,
    /// Faults of `/basic`.
    pub basic: PathFaults,
}

/// The switches of one path. Counts go down as faults happen, and reading the switches shows what
/// is left of them. Frames and sends are counted over all connections of the path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PathFaults {
    /// The next N outgoing frames are lost.
    pub drop_next: u32,
    /// Each outgoing frame is lost with this probability (0 to 1), by `seed`.
    pub drop_probability: f64,
    /// What the losses of `drop_probability` follow from; setting the switches starts it anew.
    pub seed: u64,
    /// Outgoing frames are this much late, in milliseconds; they keep their order.
    pub delay_ms: u64,
    /// The next N outgoing frames are sent twice.
    pub duplicate_next: u32,
    /// Each of the next N outgoing frames is sent after the one that follows it on its connection.
    pub reorder_next: u32,
    /// Upgrades are refused.
    pub refuse: Option<Refuse>,
    /// The next N sends are throttled: error `rate_limited`, on `/basic` the gateway's
    /// `Too Many Requests`; nothing is stored.
    pub throttle_next: u32,
    /// The `retryAfterMs` of those errors.
    pub throttle_retry_after_ms: u64,
    /// After N more outgoing frames the connection of the last one is cut without a close frame;
    /// then the switch is off.
    pub cut_after_frames: Option<u32>,
    /// Connections that stay open while nothing goes in or out any more.
    pub silent_death: SilentDeath,
    /// The next N sends fail with an internal error before anything is stored.
    pub fail_next_sends: u32,
    /// `/prod` only: a `hello` takes effect, and is answered, this much later, in milliseconds.
    pub welcome_delay_ms: u64,
    /// `/prod` only: the next N acknowledgements are lost.
    pub drop_acks: u32,
    /// `/basic` only: rows of gone connections, inserted at once and not kept as a switch.
    pub stale_rows: Vec<StaleRow>,
    /// `/basic` only: what the `$default` route does.
    pub default_route: DefaultRoute,
    /// `/basic` only: there is a `$disconnect` route, which deletes the connection's row.
    pub disconnect_route: bool,
}

impl Default for PathFaults {
    fn default() -> Self {
        Self {
            drop_next: 0,
            drop_probability: 0.0,
            seed: 0,
            delay_ms: 0,
            duplicate_next: 0,
            reorder_next: 0,
            refuse: None,
            throttle_next: 0,
            throttle_retry_after_ms: 1_000,
            cut_after_frames: None,
            silent_death: SilentDeath::None,
            fail_next_sends: 0,
            welcome_delay_ms: 0,
            drop_acks: 0,
            stale_rows: Vec::new(),
            default_route: DefaultRoute::None,
            disconnect_route: false,
        }
    }
}

/// How upgrades are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refuse {
    /// The HTTP status, 400 to 599.
    pub status: u16,
    /// How many upgrades; absent: all, until the switch is reset.
    #[serde(default)]
    pub next: Option<u32>,
}

/// Which connections die silently.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilentDeath {
    /// None more. Those that are dead stay dead.
    #[default]
    None,
    /// Those that are open now; not kept as a switch.
    Open,
    /// Those that are open now, and each that opens while the switch is on.
    All,
}

/// A row of `Connections` whose connection is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaleRow {
    /// The room of the row.
    pub room_id: String,
    /// Its place among the rows of the room.
    pub position: StalePosition,
}

/// Whether a stale row comes before or after the rows that its room has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StalePosition {
    /// Before them: the loop that posts stops before it reached anybody.
    First,
    /// After them: the loop stops after everybody has the message.
    Last,
}

/// What the `$default` route of the basic dialect does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultRoute {
    /// There is none: the gateway answers `Forbidden`.
    #[default]
    None,
    /// It answers the sender with a line of text, as the AWS sample does.
    Answer,
    /// It posts what it received to every connection of the sender's room.
    Broadcast,
    /// It does nothing.
    Silent,
    /// It throws: the gateway answers `Internal server error`.
    Error,
}

impl Faults {
    /// Checks what the types cannot say. The error is one sentence.
    pub fn validate(&self) -> Result<(), String> {
        self.prod.validate("prod")?;
        self.basic.validate("basic")?;
        if self.basic.welcome_delay_ms != 0 || self.basic.drop_acks != 0 {
            return Err("`welcome_delay_ms` and `drop_acks` belong under \"prod\"; the basic \
                        dialect has neither frame."
                .to_owned());
        }
        if !self.prod.stale_rows.is_empty()
            || self.prod.default_route != DefaultRoute::None
            || self.prod.disconnect_route
        {
            return Err("`stale_rows`, `default_route` and `disconnect_route` belong under \
                        \"basic\"."
                .to_owned());
        }
        Ok(())
    }
}

impl PathFaults {
    fn validate(&self, path: &str) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.drop_probability) {
            return Err(format!("`{path}.drop_probability` must be between 0 and 1."));
        }
        if self.delay_ms > MAX_DELAY_MS || self.welcome_delay_ms > MAX_DELAY_MS {
            return Err(format!("Delays of \"{path}\" must be at most {MAX_DELAY_MS} ms."));
        }
        if self.refuse.as_ref().is_some_and(|refuse| !(400..600).contains(&refuse.status)) {
            return Err(format!("`{path}.refuse.status` must be between 400 and 599."));
        }
        if self.stale_rows.len() > MAX_STALE_ROWS {
            return Err(format!("`{path}.stale_rows` must have at most {MAX_STALE_ROWS} rows."));
        }
        Ok(())
    }
}

/// What happens to one outgoing frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) lost: bool,
    pub(crate) twice: bool,
    pub(crate) after_the_next: bool,
    pub(crate) delay: Duration,
    /// The connection is cut behind this frame.
    pub(crate) cut: bool,
}

/// What happens to one send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendFate {
    Served,
    Throttled { retry_after_ms: u64 },
    Failed,
}

/// The switches as they stand.
#[derive(Debug, Default)]
pub(crate) struct FaultDesk {
    state: Mutex<DeskState>,
}

#[derive(Debug, Default)]
struct DeskState {
    faults: Faults,
    prod_random: u64,
    basic_random: u64,
}

impl FaultDesk {
    /// What is left of the switches.
    pub(crate) fn get(&self) -> Faults {
        self.lock().faults.clone()
    }

    /// Replaces all switches.
    pub(crate) fn set(&self, faults: Faults) {
        let mut state = self.lock();
        state.prod_random = faults.prod.seed;
        state.basic_random = faults.basic.seed;
        state.faults = faults;
    }

    /// Decides about an upgrade: the status to refuse it with.
    pub(crate) fn refusal(&self, dialect: Dialect) -> Option<u16> {
        let mut state = self.lock();
        let refuse = state.path(dialect).0.refuse.as_mut()?;
        match &mut refuse.next {
            None => Some(refuse.status),
            Some(left) => take(left).then_some(refuse.status),
        }
    }

    /// Decides about an outgoing frame.
    pub(crate) fn outgoing(&self, dialect: Dialect, acknowledges: bool) -> Fate {
        let mut state = self.lock();
        let (faults, random) = state.path(dialect);
        let dropped_acknowledgement = acknowledges && take(&mut faults.drop_acks);
        let unlucky =
            faults.drop_probability > 0.0 && next_random(random) < faults.drop_probability;
        let lost = dropped_acknowledgement || take(&mut faults.drop_next) || unlucky;
        let cut = match &mut faults.cut_after_frames {
            Some(left) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
            None => false,
        };
        if cut {
            faults.cut_after_frames = None;
        }
        Fate {
            lost,
            twice: !lost && take(&mut faults.duplicate_next),
            after_the_next: !lost && take(&mut faults.reorder_next),
            delay: Duration::from_millis(faults.delay_ms),
            cut,
        }
    }

    /// Decides about a send.
    pub(crate) fn send(&self, dialect: Dialect) -> SendFate {
        let mut state = self.lock();
        let (faults, _) = state.path(dialect);
        if take(&mut faults.throttle_next) {
            return SendFate::Throttled { retry_after_ms: faults.throttle_retry_after_ms };
        }
        if take(&mut faults.fail_next_sends) { SendFate::Failed } else { SendFate::Served }
    }

    fn lock(&self) -> MutexGuard<'_, DeskState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeskState {
    fn path(&mut self, dialect: Dialect) -> (&mut PathFaults, &mut u64) {
        match dialect {
            Dialect::Full => (&mut self.faults.prod, &mut self.prod_random),
            Dialect::Basic => (&mut self.faults.basic, &mut self.basic_random),
        }
    }
}

fn take(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

/// SplitMix64, as a number from 0 up to 1.
fn next_random(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    // 53 bits are what a double holds exactly.
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}
