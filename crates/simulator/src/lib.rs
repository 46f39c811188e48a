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
//! To run: `cargo xtask simulate --seeds 1000` (`--first-seed N`, `--dialect NAME`, `--trace LINES`).
//!
//! To read a failure: it names the seed, the dialect, what did not hold, and what happened last. What befalls a run from
//! outside is drawn before it begins, as a [`Plan`]; a failure is minimised by taking out of the plan whatever it fails
//! without, and the plan that is left is kept in `regressions/`, one line for each thing that happens. The same plan gives the same
//! run, so ask for a longer trace, or set a breakpoint, and run it again.

mod acts;
mod appsync;
mod backend;
mod browser;
mod chance;
mod conversation;
mod device;
mod disk;
mod exchange;
mod failure;
mod faults;
mod invariants;
pub mod kept;
mod ledger;
mod network;
mod page;
mod pages;
mod people;
mod persons;
mod plan;
mod presence;
mod reading;
mod rest;
mod run;
mod schedule;
mod screen;
mod search;
mod shrink;
mod statistics;
mod strikes;
mod trace;

pub use failure::Failure;
pub use plan::Plan;
pub use run::run;
pub use search::{Found, Progress, Search};
pub use shrink::shrink;
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

    /// The one that is called so.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
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
