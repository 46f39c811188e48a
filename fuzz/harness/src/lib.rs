//! What the fuzz targets run. A target gives the bytes of the fuzzer to its function here, and the tests of this crate
//! give it each file of the corpus, so that both do the same.
//!
//! | module | what it tries |
//! | --- | --- |
//! | `backends` | frames and answers of the three services, in conversations written down as text (`conversation`) |
//! | `operations` | `Client` by operations: a person, a page, a network and a backend (`server`) that may all misbehave |
//! | `configuration` | what a build is given, and what is baked into it |
//! | `tokens`, `times`, `names` | the small texts: tokens, times, room ids with their channels, display names |
//! | `kept` | what a device keeps, and what tabs say to each other |
//! | `device`, `disk` | a client that is fed and drained, and what must hold after every input |
//!
//! Everything is reached through what the client makes public: its decoders are tried in the states in which they are
//! used.

mod backends;
mod configuration;
mod conversation;
mod device;
mod disk;
mod kept;
mod names;
mod operations;
mod screen;
mod server;
mod setting;
mod times;
mod tokens;
mod wire;

pub use operations::Script;

/// One fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What its binary and its corpus are called.
    pub name: &'static str,
    /// Tries one input; panics where something does not hold.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 12] = [
    Target { name: "api_gateway", run: backends::api_gateway },
    Target { name: "appsync_events", run: backends::appsync_events },
    Target { name: "appsync_graphql", run: backends::appsync_graphql },
    Target { name: "client_operations", run: operations::run },
    Target { name: "configuration_amplify", run: configuration::amplify },
    Target { name: "configuration_baked", run: configuration::baked },
    Target { name: "configuration_environment", run: configuration::environment },
    Target { name: "configuration_file", run: configuration::file },
    Target { name: "kept", run: kept::run },
    Target { name: "names", run: names::run },
    Target { name: "times", run: times::run },
    Target { name: "tokens", run: tokens::run },
];

/// Tries one input of a target.
///
/// # Panics
///
/// Where something does not hold, and where there is no such target.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(data);
}
