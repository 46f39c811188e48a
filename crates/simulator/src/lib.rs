//! A deterministic simulator: clients, a model backend and a hostile network, in virtual time, from one seed.
//!
//! ```text
//!  people ──acts──► Device (Client, Screen) ◄──frames──► Network (faults) ◄──► Backend (full, basic)
//!                        │                                                        │
//!                        └────────── invariants, after every step; rest, at the end ┘
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
mod backend;
mod chance;
mod device;
mod invariants;
mod ledger;
mod network;
mod people;
mod rest;
mod run;
mod schedule;
mod screen;
mod statistics;
mod strikes;

pub use run::{Failure, run};
pub use statistics::{Counted, Statistics};

/// The rooms of a run. The second one has a name that must be escaped in a URL.
const ROOMS: [&str; 2] = ["lobby", "김치 방/1"];

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
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Full,
        Self::Basic,
        Self::BasicWithSilentDefault,
        Self::BasicWithAnsweringDefault,
        Self::BasicWithDisconnect,
    ];

    /// What it is called on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Basic => "basic",
            Self::BasicWithSilentDefault => "basic-silent-default",
            Self::BasicWithAnsweringDefault => "basic-answering-default",
            Self::BasicWithDisconnect => "basic-disconnect",
        }
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
