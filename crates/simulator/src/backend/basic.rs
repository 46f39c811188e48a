//! The basic dialect, to the letter: store, then post to one connection after the other.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{gateway_error, iso, post_after, wall};
use crate::Dialect;
use crate::backend::Work;
use crate::network::{Broadcast, Frame, Ground, Meaning, SocketId};
use crate::schedule::Happening;
use crate::statistics::Counted;

/// What a `$default` route with an answer does.
#[derive(Debug, Clone, Copy)]
enum Answer {
    PlainText,
    Json,
    /// It passes every frame on to everybody.
    PassesOn,
    /// It broadcasts without looking for a text.
    BroadcastsNothing,
}

#[derive(Debug)]
struct Connection {
    id: String,
    room: String,
    open: bool,
}

/// A backend of the basic dialect.
#[derive(Debug)]
pub(crate) struct Basic {
    dialect: Dialect,
    answer: Answer,
    /// Whether the failure of the post loop reaches the sender as an error frame.
    reports_failure: bool,
    connections: BTreeMap<SocketId, Connection>,
    /// The rows of the table, in the order of the index.
    rows: BTreeMap<String, SocketId>,
}

impl Basic {
    pub(super) fn new(dialect: Dialect, ground: &mut Ground) -> Self {
        let answers =
            [Answer::PlainText, Answer::Json, Answer::PassesOn, Answer::BroadcastsNothing];
        let answer = answers.get(ground.chance.index(answers.len())).copied();
        Self {
            dialect,
            answer: answer.unwrap_or(Answer::PlainText),
            reports_failure: ground.chance.percent(50),
            connections: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    pub(super) fn connected(&mut self, socket: SocketId, id: &str, room: &str) {
        let connection = Connection { id: id.to_owned(), room: room.to_owned(), open: true };
        self.connections.insert(socket, connection);
        self.rows.insert(id.to_owned(), socket);
    }

    pub(super) fn disconnected(&mut self, socket: SocketId) {
        let Some(connection) = self.connections.get_mut(&socket) else { return };
        connection.open = false;
        if self.dialect == Dialect::BasicWithDisconnect {
            self.rows.remove(&connection.id);
        }
    }

    /// Somebody cleans the table of its stale rows.
    pub(crate) fn clean(&mut self) {
        let connections = &self.connections;
        self.rows.retain(|_, socket| connections.get(socket).is_some_and(|one| one.open));
    }

    pub(super) fn received(
        &mut self,
        ground: &mut Ground,
        socket: SocketId,
        frame: Value,
    ) -> Result<(), String> {
        match frame["action"].as_str() {
            Some("sendMessage") => {
                let fields = frame.as_object().map_or(0, serde_json::Map::len);
                if fields != 3 || !frame["roomId"].is_string() || !frame["text"].is_string() {
                    return Err("sendMessage is not exactly action, roomId and text".into());
                }
                let pause = ground.chance.between(1, 50);
                ground.schedule.after(pause, Happening::Works(Work::Starts { socket, frame }));
            }
            Some("hello") => self.unknown(ground, socket, &frame, true),
            Some("ping") => self.unknown(ground, socket, &frame, false),
            action => return Err(format!("{action:?} goes to a basic backend")),
        }
        Ok(())
    }

    pub(super) fn starts(&mut self, ground: &mut Ground, socket: SocketId, frame: &Value) {
        let Some(connection) = self.connections.get(&socket) else { return };
        let id = connection.id.clone();
        if ground.chance.percent(ground.faults.gateway_error) {
            self.reports(ground, socket);
            return;
        }
        let (room, text) = (frame["roomId"].as_str(), frame["text"].as_str());
        let (room, text) = (room.unwrap_or_default(), text.unwrap_or_default());
        self.broadcast(ground, Some(socket), &id, room, text);
    }

    /// Begins the post loop of a message.
    pub(super) fn broadcast(
        &mut self,
        ground: &mut Ground,
        socket: Option<SocketId>,
        sender: &str,
        room: &str,
        text: &str,
    ) {
        let created_at = wall(ground);
        let value = json!({"roomId": room, "text": text, "senderConnectionId": sender,
            "createdAt": iso(created_at)});
        let meaning = Meaning::Message(Broadcast {
            sender_connection: sender.to_owned(),
            created_at,
            text: text.to_owned(),
        });
        let frame = Frame { text: value.to_string(), meaning };
        let targets = self.members(room);
        ground.schedule.after(1, Happening::Works(Work::Loops { socket, targets, frame }));
    }

    pub(super) fn loops(
        &mut self,
        ground: &mut Ground,
        socket: Option<SocketId>,
        mut targets: Vec<SocketId>,
        frame: Frame,
    ) {
        if targets.is_empty() {
            return;
        }
        let target = targets.remove(0);
        if self.connections.get(&target).is_none_or(|connection| !connection.open) {
            ground.statistics.count(Counted::StaleStops);
            if let Some(socket) = socket {
                self.reports(ground, socket);
            }
            return;
        }
        let pause = ground.chance.between(0, ground.faults.reorder);
        post_after(ground, pause, target, frame.clone());
        if ground.chance.percent(ground.faults.duplicate) {
            ground.statistics.count(Counted::DuplicatesAbsorbed);
            post_after(ground, pause, target, frame.clone());
        }
        let pause = ground.chance.between(2, 20);
        ground.schedule.after(pause, Happening::Works(Work::Loops { socket, targets, frame }));
    }

    /// Posts something that is no message to everybody in a room.
    pub(crate) fn notice(&mut self, ground: &mut Ground, room: &str, text: &str) {
        for target in self.members(room) {
            let frame = Frame { text: text.to_owned(), meaning: Meaning::Notice };
            post_after(ground, 0, target, frame);
        }
    }

    /// A frame of an action that has no route.
    fn unknown(&self, ground: &mut Ground, socket: SocketId, frame: &Value, is_hello: bool) {
        let Some(connection) = self.connections.get(&socket) else { return };
        let is_late = ground.chance.percent(ground.faults.late_welcome);
        let pause = ground.chance.between(0, if is_late { 6_000 } else { 20 });
        match self.dialect {
            Dialect::BasicWithSilentDefault => return,
            Dialect::BasicWithAnsweringDefault => {
                let created_at = iso(wall(ground));
                let id = &connection.id;
                let (text, everybody) = match self.answer {
                    Answer::PlainText => ("What is that?".to_owned(), false),
                    Answer::Json => (json!({"error": "unknown action"}).to_string(), false),
                    Answer::PassesOn => (frame.to_string(), true),
                    Answer::BroadcastsNothing => {
                        let nothing = json!({"senderConnectionId": id, "createdAt": created_at});
                        (nothing.to_string(), true)
                    }
                };
                let meaning = Meaning::Answer { names: false };
                let targets = if everybody { self.members(&connection.room) } else { vec![socket] };
                for target in targets {
                    let frame = Frame { text: text.clone(), meaning: meaning.clone() };
                    post_after(ground, pause, target, frame);
                }
            }
            _ => {
                let meaning =
                    if is_hello { Meaning::Answer { names: true } } else { Meaning::GatewayError };
                let id = connection.id.clone();
                let frame = gateway_error(ground, "Forbidden", &id, meaning);
                // The gateway itself answers, without any function.
                post_after(ground, 0, socket, frame);
            }
        }
        if is_hello {
            ground.statistics.count(Counted::Answers);
        }
    }

    /// A function of the sender's has failed.
    fn reports(&self, ground: &mut Ground, socket: SocketId) {
        if let Some(connection) = self.connections.get(&socket)
            && self.reports_failure
        {
            ground.statistics.count(Counted::GatewayErrors);
            let id = connection.id.clone();
            let frame = gateway_error(ground, "Internal server error", &id, Meaning::GatewayError);
            post_after(ground, 0, socket, frame);
        }
    }

    fn members(&self, room: &str) -> Vec<SocketId> {
        let is_member =
            |socket: &SocketId| self.connections.get(socket).is_some_and(|one| one.room == room);
        self.rows.values().copied().filter(is_member).collect()
    }
}
