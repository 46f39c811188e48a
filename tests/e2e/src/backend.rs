//! The local backend, in this process.

use roomlet_local::{
    ConnectionSummary, Faults, Log, LogEntry, Options, PathFaults, RunningServer, Server,
};
use serde_json::{Value, json};

use crate::deadline::until;
use crate::visit::Visit;
use crate::writer::Writer;

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

    /// A visit to AppSync GraphQL with the full schema, by the API key.
    pub fn graphql(&self) -> Visit {
        Visit::to_graphql(&self.authority(), "/graphql").by_api_key(&self.options.api_key)
    }

    /// A visit to AppSync GraphQL with the basic schema, by the API key.
    pub fn basic_graphql(&self) -> Visit {
        Visit::to_graphql(&self.authority(), "/basic/graphql").by_api_key(&self.options.api_key)
    }

    /// A visit to the stamped namespace of AppSync Events, by the API key.
    pub fn stamped(&self) -> Visit {
        Visit::to_events(&self.authority(), "chat", "stamped").by_api_key(&self.options.api_key)
    }

    /// A visit to the raw namespace of AppSync Events, by the API key.
    pub fn raw(&self) -> Visit {
        Visit::to_events(&self.authority(), "default", "raw").by_api_key(&self.options.api_key)
    }

    /// Somebody who writes by another program.
    pub fn writer(&self, name: &str) -> Writer {
        Writer::at(&self.authority(), &self.options.api_key, name)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// Where it listens, as `host:port`.
    pub fn authority(&self) -> String {
        self.server.address().to_string()
    }

    /// Sets the fault switches of `/prod`, and resets those of `/basic`.
    pub async fn trouble_full(&self, prod: PathFaults) {
        self.trouble(Faults { prod, ..Faults::default() }).await;
    }

    /// Sets the fault switches of `/basic`, and resets those of `/prod`.
    pub async fn trouble_basic(&self, basic: PathFaults) {
        self.trouble(Faults { basic, ..Faults::default() }).await;
    }

    /// Sets the fault switches of `/graphql`, and resets the others.
    pub async fn trouble_graphql(&self, graphql: PathFaults) {
        self.trouble(Faults { graphql, ..Faults::default() }).await;
    }

    /// Sets the fault switches of `/basic/graphql`, and resets the others.
    pub async fn trouble_basic_graphql(&self, basic_graphql: PathFaults) {
        self.trouble(Faults { basic_graphql, ..Faults::default() }).await;
    }

    /// Sets the fault switches of `/event`, and resets the others.
    pub async fn trouble_events(&self, events: PathFaults) {
        self.trouble(Faults { events, ..Faults::default() }).await;
    }

    /// Sets all fault switches.
    pub async fn trouble(&self, faults: Faults) {
        self.server.set_faults(faults).await.expect("switches that go together");
    }

    /// The fault switches as they stand.
    pub fn faults(&self) -> Faults {
        self.server.faults()
    }

    /// Resets all fault switches.
    pub async fn heal(&self) {
        self.trouble(Faults::default()).await;
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

    /// Closes all connections with this code, and waits until as many new ones are in their rooms.
    pub async fn replace_connections(&self, code: u16) {
        let before = self.connection_ids();
        self.close_all(code);
        let look = async || self.server.connections();
        let is_so = |now: &Vec<ConnectionSummary>| {
            let is_new = |connection: &ConnectionSummary| {
                !before.contains(&connection.connection_id) && !connection.rooms.is_empty()
            };
            now.len() == before.len() && now.iter().all(is_new)
        };
        until("new connections", look, is_so).await;
    }

    /// What it has received.
    pub fn log(&self) -> Log {
        self.server.log()
    }

    /// Forgets what it has received.
    pub fn forget_log(&self) {
        self.server.clear_log();
    }

    /// The paths of the open connections, in the order of the alphabet.
    pub fn paths(&self) -> Vec<&'static str> {
        let connections = self.server.connections();
        let mut paths = connections.iter().map(|connection| connection.path).collect::<Vec<_>>();
        paths.sort_unstable();
        paths
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.server.connections().len()
    }

    /// The ids of the open connections.
    pub fn connection_ids(&self) -> Vec<String> {
        self.server.connections().into_iter().map(|connection| connection.connection_id).collect()
    }

    /// How many connections have been opened on a path, or were refused.
    pub fn attempts(&self, path: &str) -> usize {
        let is_attempt = |entry: &&LogEntry| match entry {
            LogEntry::Connect { path: of, .. } | LogEntry::Refuse { path: of, .. } => *of == path,
            _ => false,
        };
        self.log().entries.iter().filter(is_attempt).count()
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

    /// Sends an AppSync request of another program, by the API key, and returns its answer.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("http://{}{path}", self.authority());
        let request = reqwest::Client::new().post(url).header("x-api-key", &self.options.api_key);
        let answer = request.body(body.to_string()).send().await.expect("the backend answers");
        let status = answer.status();
        let text = answer.text().await.expect("an answer has a text");
        assert!(status.is_success(), "{path} answers {status}: {text}");
        serde_json::from_str(&text).expect("an answer is JSON")
    }

    /// Publishes events, as JSON, to a channel of AppSync Events.
    pub async fn publish(&self, channel: &str, events: &[Value]) {
        let events = events.iter().map(Value::to_string).collect::<Vec<_>>();
        let answer = self.post("/event", &json!({"channel": channel, "events": events})).await;
        assert_eq!(answer["failed"], json!([]), "{answer}");
    }
}
