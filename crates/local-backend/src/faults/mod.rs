//! Fault switches: what goes wrong on purpose, in a way that a test can repeat.
//!
//! Switches count, they do not roll dice; the one that does takes a seed. `docs/local-backend.md`
//! has an example of each.

mod desk;

pub(crate) use desk::{Fate, FaultDesk, FrameKind, SendFate};

use serde::{Deserialize, Serialize};

use crate::served_path::ServedPath;

/// Longest delay that a switch can ask for.
const MAX_DELAY_MS: u64 = 600_000;

/// Most stale rows that one request can insert.
const MAX_STALE_ROWS: usize = 100;

/// Largest difference of clocks that a switch can ask for: ten years.
const MAX_CLOCK_SKEW_MS: i64 = 10 * 366 * 24 * 60 * 60 * 1_000;

/// The switches of all paths. The default is no fault at all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Faults of `/prod`.
    pub prod: PathFaults,
    /// Faults of `/basic`.
    pub basic: PathFaults,
    /// Faults of `/graphql`.
    pub graphql: PathFaults,
    /// Faults of `/basic/graphql`.
    pub basic_graphql: PathFaults,
    /// Faults of `/event`.
    pub events: PathFaults,
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
    /// `Too Many Requests`, on AppSync (where what starts a subscription counts too) HTTP 429 or
    /// `LimitExceededError` without an id; nothing is stored.
    pub throttle_next: u32,
    /// The `retryAfterMs` of those errors.
    pub throttle_retry_after_ms: u64,
    /// After N more outgoing frames the connection of the last one is cut without a close frame;
    /// then the switch is off.
    pub cut_after_frames: Option<u32>,
    /// Connections that stay open while nothing goes in or out any more.
    pub silent_death: SilentDeath,
    /// Frames are lost both ways, and HTTP requests with them, for as long as the switch is on;
    /// connections stay open, and serve again afterwards.
    pub swallow: bool,
    /// The next N sends fail with an internal error (HTTP 500) before anything is stored.
    pub fail_next_sends: u32,
    /// `/prod` only: a `hello` takes effect, and is answered, this much later, in milliseconds.
    pub welcome_delay_ms: u64,
    /// `/prod` and Events: the next N acknowledgements (`ack`, `publish_success`) are lost.
    pub drop_acks: u32,
    /// `/basic` only: rows of gone connections, inserted at once and not kept as a switch.
    pub stale_rows: Vec<StaleRow>,
    /// `/basic` only: what the `$default` route does.
    pub default_route: DefaultRoute,
    /// `/basic` only: there is a `$disconnect` route, which deletes the connection's row.
    pub disconnect_route: bool,
    /// AppSync only: no `ka` comes any more.
    pub stop_ka: bool,
    /// AppSync only: every token, of whatever kind, has expired.
    pub expire_tokens: bool,
    /// AppSync only: the next N tokens that are looked at have expired.
    pub expire_next: u32,
    /// AppSync only: rooms that nobody may enter.
    pub deny_rooms: Vec<String>,
    /// AppSync only: the next N HTTP requests are served, but their connection ends without an
    /// answer.
    pub drop_answers: u32,
    /// AppSync only: HTTP answers are this much late, in milliseconds.
    pub answer_delay_ms: u64,
    /// AppSync only: connections are refused by a `connection_error`.
    pub connection_errors: Option<ConnectionErrors>,
    /// AppSync only: the next N acknowledgements of subscriptions are lost.
    pub drop_start_acks: u32,
    /// AppSync only: subscriptions are registered, and acknowledged, this much later, in
    /// milliseconds.
    pub registration_delay_ms: u64,
    /// AppSync only: how far the clock that judges AWS signatures goes ahead, in milliseconds.
    pub clock_skew_ms: i64,
    /// GraphQL only: the next N subscriptions are refused because a token has expired, in words
    /// that read like a validation error.
    pub expired_as_schema_error: u32,
    /// Events only: the next N deliveries are a `broadcast_error` instead.
    pub broadcast_errors: u32,
    /// Events only: the next N events are in the `failed` of their publish, the others are not.
    pub fail_next_events: u32,
    /// Events only: `event` of a `data` frame is an array of one string, as the service's
    /// documentation shows it.
    pub event_as_array: bool,
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
            swallow: false,
            fail_next_sends: 0,
            welcome_delay_ms: 0,
            drop_acks: 0,
            stale_rows: Vec::new(),
            default_route: DefaultRoute::None,
            disconnect_route: false,
            stop_ka: false,
            expire_tokens: false,
            expire_next: 0,
            deny_rooms: Vec::new(),
            drop_answers: 0,
            answer_delay_ms: 0,
            connection_errors: None,
            drop_start_acks: 0,
            registration_delay_ms: 0,
            clock_skew_ms: 0,
            expired_as_schema_error: 0,
            broadcast_errors: 0,
            fail_next_events: 0,
            event_as_array: false,
        }
    }
}

/// How AppSync refuses connections that it has opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionErrors {
    /// The `errorType`.
    pub error_type: String,
    /// The `message`.
    pub message: String,
    /// The `errorCode`.
    #[serde(default = "unauthorized_code")]
    pub error_code: u16,
    /// How many connections; absent: all, until the switch is reset.
    #[serde(default)]
    pub next: Option<u32>,
}

fn unauthorized_code() -> u16 {
    401
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
        ServedPath::ALL.into_iter().try_for_each(|path| self.path(path).validate(path))
    }

    /// The switches of a path.
    pub(crate) fn path(&self, path: ServedPath) -> &PathFaults {
        match path {
            ServedPath::Prod => &self.prod,
            ServedPath::Basic => &self.basic,
            ServedPath::Graphql => &self.graphql,
            ServedPath::BasicGraphql => &self.basic_graphql,
            ServedPath::Events => &self.events,
        }
    }

    /// The switches of a path, to change them.
    pub(crate) fn path_mut(&mut self, path: ServedPath) -> &mut PathFaults {
        match path {
            ServedPath::Prod => &mut self.prod,
            ServedPath::Basic => &mut self.basic,
            ServedPath::Graphql => &mut self.graphql,
            ServedPath::BasicGraphql => &mut self.basic_graphql,
            ServedPath::Events => &mut self.events,
        }
    }
}

/// The switches that not every path has, and the paths that have them.
fn owners(switch: &str) -> Option<&'static [ServedPath]> {
    use ServedPath::{Basic, BasicGraphql, Events, Graphql, Prod};
    match switch {
        "welcome_delay_ms" => Some(&[Prod]),
        "drop_acks" => Some(&[Prod, Events]),
        "stale_rows" | "default_route" | "disconnect_route" => Some(&[Basic]),
        "stop_ka"
        | "expire_tokens"
        | "expire_next"
        | "deny_rooms"
        | "drop_answers"
        | "answer_delay_ms"
        | "connection_errors"
        | "drop_start_acks"
        | "registration_delay_ms"
        | "clock_skew_ms" => Some(&[Graphql, BasicGraphql, Events]),
        "expired_as_schema_error" => Some(&[Graphql, BasicGraphql]),
        "broadcast_errors" | "event_as_array" | "fail_next_events" => Some(&[Events]),
        _ => None,
    }
}

impl PathFaults {
    fn validate(&self, served: ServedPath) -> Result<(), String> {
        if let Some((switch, owners)) = self.misplaced(served) {
            let owners: Vec<String> =
                owners.iter().map(|owner| format!("\"{}\"", owner.name())).collect();
            return Err(format!("`{switch}` belongs under {}.", owners.join(" or ")));
        }
        let path = served.name();
        if !(0.0..=1.0).contains(&self.drop_probability) {
            return Err(format!("`{path}.drop_probability` must be between 0 and 1."));
        }
        let delays = [
            self.delay_ms,
            self.welcome_delay_ms,
            self.answer_delay_ms,
            self.registration_delay_ms,
        ];
        if delays.iter().any(|&delay| delay > MAX_DELAY_MS) {
            return Err(format!("Delays of \"{path}\" must be at most {MAX_DELAY_MS} ms."));
        }
        if self.refuse.as_ref().is_some_and(|refuse| !(400..600).contains(&refuse.status)) {
            return Err(format!("`{path}.refuse.status` must be between 400 and 599."));
        }
        if self.stale_rows.len() > MAX_STALE_ROWS {
            return Err(format!("`{path}.stale_rows` must have at most {MAX_STALE_ROWS} rows."));
        }
        if self.clock_skew_ms.checked_abs().is_none_or(|skew| skew > MAX_CLOCK_SKEW_MS) {
            return Err(format!("`{path}.clock_skew_ms` must be less than ten years."));
        }
        Ok(())
    }

    /// The first switch that is on though this path does not have it.
    fn misplaced(&self, path: ServedPath) -> Option<(String, &'static [ServedPath])> {
        let fields = |faults: &Self| match serde_json::to_value(faults) {
            Ok(serde_json::Value::Object(fields)) => fields,
            Ok(_) | Err(_) => serde_json::Map::new(),
        };
        let unchanged = fields(&Self::default());
        fields(self).into_iter().find_map(|(switch, value)| {
            let owners = owners(&switch)?;
            let is_on = unchanged.get(&switch) != Some(&value);
            (is_on && !owners.contains(&path)).then_some((switch, owners))
        })
    }
}
