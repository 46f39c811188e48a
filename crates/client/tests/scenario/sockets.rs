//! What scenarios with several sockets at a time need: each is addressed by its id.

use std::time::Duration;

use roomlet_client::config::NamespaceKind;
use roomlet_client::*;
use serde_json::{Value, json};

use super::appsync::*;
use super::{FORBIDDEN, Scenario, WELCOME, broadcast, live};

/// A backend, as a client is connected to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Full,
    Basic,
    Graphql,
    Stamped,
    Raw,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Full, Self::Basic, Self::Graphql, Self::Stamped, Self::Raw];

    /// A client that is in the room.
    pub(crate) fn joined(self) -> Scenario {
        let mut ann = match self {
            Self::Full => Scenario::full(),
            Self::Basic => Scenario::basic(),
            Self::Graphql => Scenario::graphql_full(),
            Self::Stamped => Scenario::events(NamespaceKind::Stamped),
            Self::Raw => Scenario::events(NamespaceKind::Raw),
        };
        ann.pass(Duration::from_secs(20));
        ann.events.clear();
        ann
    }

    /// What the server says now and then; it proves that a connection lives.
    pub(crate) fn sign_of_life(self) -> &'static str {
        match self {
            Self::Full => r#"{"type":"pong"}"#,
            Self::Basic => FORBIDDEN,
            Self::Graphql | Self::Stamped | Self::Raw => KEEP_ALIVE,
        }
    }

    /// What the client has to hear to be in the room by a socket that has just opened.
    pub(crate) fn lets_in(self, ann: &mut Scenario, socket: ConnectionId) {
        match self {
            Self::Full => ann.hear(socket, WELCOME),
            Self::Basic => ann.hear(socket, &FORBIDDEN.replace("me=", "me too=")),
            Self::Graphql => {
                ann.hear(socket, ACK);
                let id = ann.subscription(socket);
                ann.hear(socket, &json!({"id": id, "type": "start_ack"}).to_string());
            }
            Self::Stamped | Self::Raw => {
                ann.hear(socket, EVENTS_ACK);
                let id = ann.subscription(socket);
                ann.hear(socket, &json!({"type": "subscribe_success", "id": id}).to_string());
            }
        }
    }

    /// A message of somebody else arrives.
    pub(crate) fn delivers(self, ann: &mut Scenario, socket: ConnectionId, id: &str, text: &str) {
        let second = 1;
        let frame = match self {
            Self::Full => live(id, second, text),
            Self::Basic => broadcast("bo=", text),
            Self::Graphql => {
                let subscription = ann.subscription_or("s1", socket);
                graphql_data(&subscription, &graphql_message(id, second, text))
            }
            Self::Stamped | Self::Raw => {
                let subscription = ann.subscription_or("s1", socket);
                let event = json!({
                    "id": id, "roomId": "lobby", "text": text,
                    "createdAt": "2025-10-29T04:00:01.000Z",
                    "sender": {"id": "g-bo", "name": "Bo", "kind": "guest"},
                });
                event_data(&subscription, &event)
            }
        };
        ann.hear(socket, &frame);
    }

    /// How the message of somebody else stands in the list.
    pub(crate) fn row(self, text: &str) -> String {
        let author = if self == Self::Basic { "bo=" } else { "Bo" };
        format!("{author}: {text} [Sent]")
    }

    /// Answers the send that is on its way, by that socket.
    pub(crate) fn answers(self, ann: &mut Scenario, socket: ConnectionId) {
        let answer = match self {
            Self::Full => {
                let frame = ann.last_said(socket, "sendMessage");
                json!({"type": "ack", "clientMessageId": frame["clientMessageId"], "id": "m-own",
                    "createdAt": "2025-10-29T04:00:02.000Z"})
            }
            Self::Basic => {
                let frame = ann.last_said(socket, "sendMessage");
                json!({"roomId": "lobby", "text": frame["text"], "senderConnectionId": "me=",
                    "createdAt": "2025-10-29T04:00:02.000Z"})
            }
            Self::Graphql => {
                let request = ann
                    .requests()
                    .into_iter()
                    .rev()
                    .find(|request| request.body.contains("mutation"));
                let request = request.expect("a message is on its way");
                let mut message = graphql_message("m-own", 2, &request.variable("content"));
                message["clientMessageId"] = request.variable("clientMessageId").into();
                return ann.answer(&request, 200, &json!({"data": {"sendMessage": message}}));
            }
            Self::Stamped | Self::Raw => {
                let frame = ann.last_said(socket, "publish");
                json!({"type": "publish_success", "id": frame["id"],
                    "successful": [{"identifier": "x", "index": 0}], "failed": []})
            }
        };
        ann.hear(socket, &answer.to_string());
    }
}

impl Scenario {
    pub(crate) fn hear(&mut self, connection: ConnectionId, text: &str) {
        self.input(Input::Received { connection, text: text.into() });
    }

    pub(crate) fn opens(&mut self, connection: ConnectionId) {
        self.input(Input::SocketOpened { connection });
    }

    pub(crate) fn closes(&mut self, connection: ConnectionId, code: u16) {
        let close = Close { code, reason: String::new() };
        self.input(Input::SocketClosed { connection, close });
    }

    /// The sockets that were asked for, the first one first.
    pub(crate) fn asked_for(&self) -> Vec<ConnectionId> {
        let asked = self.outputs.iter().filter_map(|output| match output {
            Output::OpenSocket { connection, .. } => Some(*connection),
            _ => None,
        });
        asked.collect()
    }

    /// The sockets that the client has closed.
    pub(crate) fn given_up(&self) -> Vec<ConnectionId> {
        let closed = self.outputs.iter().filter_map(|output| match output {
            Output::CloseSocket { connection } => Some(*connection),
            _ => None,
        });
        closed.collect()
    }

    /// What was said on a socket, since somebody has asked for all frames.
    pub(crate) fn said(&self, socket: ConnectionId) -> Vec<Value> {
        let frames = self.outputs.iter().filter_map(|output| match output {
            Output::SendText { connection, text } if *connection == socket => Some(text),
            _ => None,
        });
        frames.map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    /// The frame of a kind that was said last on a socket.
    pub(crate) fn last_said(&self, socket: ConnectionId, kind: &str) -> Value {
        let is_it = |frame: &Value| frame["type"] == kind || frame["action"] == kind;
        self.said(socket).into_iter().rev().find(is_it).expect("it was said")
    }

    /// The subscription that was started last on a socket.
    pub(crate) fn subscription(&self, socket: ConnectionId) -> String {
        self.subscription_or("", socket)
    }

    /// The same; `before` if its frame is forgotten.
    pub(crate) fn subscription_or(&self, before: &str, socket: ConnectionId) -> String {
        let said = self.said(socket);
        let is_start = |frame: &&Value| frame["type"] == "start" || frame["type"] == "subscribe";
        let first = said.iter().find(is_start);
        first.and_then(|frame| frame["id"].as_str()).unwrap_or(before).to_owned()
    }

    /// Lives on with a server that shows life on `socket`, until another one is asked for; returns that one, and the
    /// minutes that passed.
    pub(crate) fn live_until_next(
        &mut self,
        kind: Kind,
        socket: ConnectionId,
    ) -> (ConnectionId, u64) {
        let (start, known) = (self.now, self.connection());
        for _ in 0..60_000 {
            // One deadline at a time, so that the answer is not later than the question.
            let next = self.client.poll_timeout().map_or(u64::MAX, |deadline| deadline.at.0);
            self.pass(Duration::from_millis(next.saturating_sub(self.now).min(15_000)));
            if self.connection() != known {
                return (self.connection(), (self.now - start) / 60_000);
            }
            self.hear(socket, kind.sign_of_life());
        }
        panic!(
            "no other connection in {} s: {:?}",
            (self.now - start) / 1_000,
            self.client.poll_timeout()
        );
    }

    /// Lives on for a while with a server that shows life on `socket`.
    pub(crate) fn live_on(&mut self, kind: Kind, socket: ConnectionId, duration: Duration) {
        let end = self.now + u64::try_from(duration.as_millis()).unwrap();
        while self.now < end {
            self.pass(Duration::from_millis((end - self.now).min(8_000)));
            self.hear(socket, kind.sign_of_life());
        }
    }
}
