//! A deterministic simulator: clients, a model backend and a hostile network, in virtual time, from one seed.
//!
//! ```text
//!  people ──acts──► Device (Client, Screen) ◄──frames, requests──► Network (faults) ◄──► Backend (API Gateway, AppSync)
//!                        │                                                                   │
//!                        └─────────────── invariants, after every step; rest, at the end ────┘
//! ```
//!
//! A run is a storm of some minutes, then calm: no more faults, everybody connects, everybody writes one last
//! message, and what the screens show is compared with what truly happened. It knows the client by its public
//! API only, and the wire by the contract only.
//!
//! To run: `cargo run -p roomlet-simulator -- --seeds 1000` (`--first-seed N`, `--dialect NAME`, `--trace LINES`).
//!
//! To read a failure: it names the seed, the dialect, what did not hold, and what happened last. The same seed gives the
//! same run, so ask for a longer trace, or set a breakpoint, and run it again. A seed that has failed once is added
//! to `tests/regressions.rs`.

mod acts;
mod appsync;
mod backend;
mod chance;
mod conversation;
mod device;
mod exchange;
mod failure;
mod invariants;
mod ledger;
mod network;
mod page;
mod people;
mod rest;
mod run;
mod schedule;
mod screen;
mod statistics;
mod strikes;
mod trace;

pub use failure::Failure;
pub use run::run;
pub use statistics::{Counted, Statistics};

/// The rooms of a run where each has a connection. The second one has a name that must be escaped in a URL.
const ROOMS: [&str; 2] = ["lobby", "김치 방/1"];

/// The rooms of a run where they share one. All names but the first and the last must be encoded to be the segment
/// of a channel.
const ROOMS_OF_A_CONNECTION: [&str; 4] = ["lobby", "김치 방/1", "h-1", VAULT];

/// The room that nobody may enter, in some runs.
const VAULT: &str = "vault";

/// The connection of somebody who is not simulated.
const STRANGER: &str = "stranger=";

/// What kind of backend the clients meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The full dialect.
    Full,
    /// The basic dialect: neither `$default` nor `$disconnect`.
    Basic,
    /// With a `$default` route that says nothing.
    BasicWithSilentDefault,
    /// With a `$default` route that answers, or broadcasts.
    BasicWithAnsweringDefault,
    /// With a `$disconnect` route that removes the row.
    BasicWithDisconnect,
    /// AppSync GraphQL with the full schema.
    Graphql,
    /// AppSync GraphQL with the basic schema.
    GraphqlBasic,
    /// AppSync Events, in a namespace whose handler says who and when.
    EventsStamped,
    /// AppSync Events, in a namespace that passes on what it is given.
    EventsRaw,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Full,
        Self::Basic,
        Self::BasicWithSilentDefault,
        Self::BasicWithAnsweringDefault,
        Self::BasicWithDisconnect,
        Self::Graphql,
        Self::GraphqlBasic,
        Self::EventsStamped,
        Self::EventsRaw,
    ];

    /// What it is called on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Basic => "basic",
            Self::BasicWithSilentDefault => "basic-silent-default",
            Self::BasicWithAnsweringDefault => "basic-answering-default",
            Self::BasicWithDisconnect => "basic-disconnect",
            Self::Graphql => "graphql",
            Self::GraphqlBasic => "graphql-basic",
            Self::EventsStamped => "events-stamped",
            Self::EventsRaw => "events-raw",
        }
    }

    /// Whether it is spoken to AppSync: one connection for all rooms, and HTTP beside it.
    pub fn is_appsync(self) -> bool {
        self.is_graphql() || self.is_events()
    }

    /// Whether it is one of AppSync GraphQL's.
    pub fn is_graphql(self) -> bool {
        matches!(self, Self::Graphql | Self::GraphqlBasic)
    }

    /// Whether it is one of AppSync Events'.
    pub fn is_events(self) -> bool {
        matches!(self, Self::EventsStamped | Self::EventsRaw)
    }

    /// Whether the backend keeps what was said.
    pub fn has_history(self) -> bool {
        matches!(self, Self::Full | Self::Graphql)
    }

    /// Whether the same message sent twice is one.
    pub fn is_idempotent(self) -> bool {
        matches!(self, Self::Full | Self::Graphql | Self::EventsStamped)
    }

    fn rooms(self) -> &'static [&'static str] {
        if self.is_appsync() { &ROOMS_OF_A_CONNECTION } else { &ROOMS }
    }
}

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// The backend.
    pub dialect: Dialect,
    /// How many people chat.
    pub people: usize,
    /// How many lines of what happened last a failure shows.
    pub trace_lines: usize,
}

impl Scenario {
    /// Two people on a backend of this dialect.
    pub fn two_people(dialect: Dialect) -> Self {
        Self { dialect, people: 2, trace_lines: 40 }
    }
}
