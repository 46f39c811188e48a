//! The local backend, in this process.

use roomlet_local::{Faults, Log, Options, PathFaults, RunningServer, Server};

use crate::deadline::until;
use crate::visit::Visit;

/// A backend on a port of its own.
#[derive(Debug)]
pub struct Backend {
    server: RunningServer,
    options: Options,
}

impl Backend {
    /// Starts one that keeps everything in memory.
    pub async fn start() -> Self {
        Self::with(Options::in_memory()).await
    }

    /// Starts one with these options.
    pub async fn with(options: Options) -> Self {
        let server = Server::start(options.clone()).await;
        let server = server.unwrap_or_else(|error| panic!("{error}"));
        let options = Options { port: server.address().port(), ..options };
        Self { server, options }
    }

    /// A visit to the full dialect.
    pub fn full(&self) -> Visit {
        Visit::to(&self.server.url("/prod"))
    }

    /// A visit to the basic dialect.
    pub fn basic(&self) -> Visit {
        Visit::to(&self.server.url("/basic"))
    }

    /// Where it listens, as `host:port`.
    pub fn authority(&self) -> String {
        self.server.address().to_string()
    }

    /// Sets the fault switches of `/prod`, and resets those of `/basic`.
    pub async fn trouble_full(&self, prod: PathFaults) {
        self.set_faults(Faults { prod, ..Faults::default() }).await;
    }

    /// Sets the fault switches of `/basic`, and resets those of `/prod`.
    pub async fn trouble_basic(&self, basic: PathFaults) {
        self.set_faults(Faults { basic, ..Faults::default() }).await;
    }

    /// The fault switches as they stand.
    pub fn faults(&self) -> Faults {
        self.server.faults()
    }

    /// Resets all fault switches.
    pub async fn heal(&self) {
        self.set_faults(Faults::default()).await;
    }

    /// Sends any text to everybody in a room.
    pub fn send_raw(&self, room: &str, text: &str) {
        let reached = self.server.send_raw(room, text);
        assert!(reached > 0, "somebody is in the room {room}");
    }

    /// Closes all connections with this code.
    pub fn close_all(&self, code: u16) {
        self.server.close_all(code, "test");
    }

    /// What it has received.
    pub fn log(&self) -> Log {
        self.server.log()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.server.connections().len()
    }

    /// The ids of the open connections.
    pub fn connection_ids(&self) -> Vec<String> {
        self.server.connections().into_iter().map(|connection| connection.connection_id).collect()
    }

    /// Waits until this many connections are open.
    pub async fn until_connections(&self, count: usize) {
        let look = async || self.connections();
        until(&format!("{count} connections at the backend"), look, |open| *open == count).await;
    }

    /// Waits until it has received this many frames with this action.
    pub async fn until_received(&self, action: &str, count: u64) {
        let look = async || self.log().actions;
        let is_so = |actions: &std::collections::BTreeMap<String, u64>| {
            actions.get(action).is_some_and(|received| *received >= count)
        };
        until(&format!("{count} frames with action {action} at the backend"), look, is_so).await;
    }

    /// Ends it; what it keeps in memory is lost.
    pub async fn stop(self) -> Options {
        self.server.shutdown().await;
        self.options
    }

    async fn set_faults(&self, faults: Faults) {
        self.server.set_faults(faults).await.expect("switches that go together");
    }
}
