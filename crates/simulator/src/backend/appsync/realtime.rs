//! The connections, with the subscriptions on them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Appsync, Origin, Payload, Task, deliver_later, error, events, graphql};
use crate::backend::{Work, post_after};
use crate::conversation::Said;
use crate::network::{Frame, Ground, Meaning, SocketId};
use crate::schedule::Happening;
use crate::statistics::Counted;

/// Between two `ka` (AppSync quotas), in milliseconds.
const KEEP_ALIVE: u64 = 60_000;
/// What the service promises at most between two frames, in milliseconds.
const CONNECTION_TIMEOUT: u64 = 300_000;
/// The service closes so even after a failure.
const CLOSE_NORMAL: u16 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Ready,
    Gone,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    device: usize,
    stage: Stage,
    /// The auth object of the handshake.
    header: Value,
    /// By id: the room, and when broadcasts begin to reach it. A start is no fence.
    subscriptions: BTreeMap<String, (String, u64)>,
    /// The service has forgotten to say that it is there.
    is_silent: bool,
}

impl Connection {
    /// The subscriptions of a room, with the time from which on they hear something.
    pub(super) fn subscribers(&self, room: &str) -> impl Iterator<Item = (&str, u64)> {
        let of_room = self.subscriptions.iter().filter(move |(_, (other, _))| other == room);
        of_room.map(|(id, (_, from))| (id.as_str(), *from))
    }
}

impl Appsync {
    pub(crate) fn connected(&mut self, socket: SocketId, device: usize, header: Value) {
        let subscriptions = BTreeMap::new();
        let stage = Stage::Open;
        let connection = Connection { device, stage, header, subscriptions, is_silent: false };
        self.connections.insert(socket, connection);
    }

    pub(crate) fn disconnected(&mut self, socket: SocketId) {
        if let Some(connection) = self.connections.get_mut(&socket) {
            connection.stage = Stage::Gone;
            connection.subscriptions.clear();
        }
    }

    pub(crate) fn received(
        &mut self,
        ground: &mut Ground,
        socket: SocketId,
        frame: &Value,
    ) -> Result<(), String> {
        let Some(connection) = self.connections.get_mut(&socket) else { return Ok(()) };
        let id = frame["id"].as_str().unwrap_or_default();
        match (frame["type"].as_str().unwrap_or_default(), connection.stage) {
            (_, Stage::Gone) => Ok(()),
            ("connection_init", _) => self.initiated(ground, socket),
            // Nobody listens before the connection is ready.
            (_, Stage::Open) => Ok(()),
            ("start", Stage::Ready) if self.dialect.is_graphql() => {
                let authorization = &frame["payload"]["extensions"]["authorization"];
                let data = frame["payload"]["data"].as_str().ok_or("payload.data is no string")?;
                match graphql::subscription(data, self.dialect)? {
                    Ok(room) => self.starts(ground, socket, id, room, authorization),
                    Err(errors) => {
                        self.refuses(ground, socket, id, &errors);
                        Ok(())
                    }
                }
            }
            ("subscribe", Stage::Ready) if self.dialect.is_events() => {
                let channel = frame["channel"].as_str().ok_or("subscribe has no channel")?;
                let room = events::room_of_channel(channel)?;
                self.starts(ground, socket, id, room, &frame["authorization"])
            }
            ("stop", Stage::Ready) if self.dialect.is_graphql() => {
                self.ends(ground, socket, id, "complete");
                Ok(())
            }
            ("unsubscribe", Stage::Ready) if self.dialect.is_events() => {
                self.ends(ground, socket, id, "unsubscribe_success");
                Ok(())
            }
            ("publish", Stage::Ready) if self.dialect.is_events() => {
                let device = connection.device;
                let caller = self.caller_of_object(ground, device, &frame["authorization"])?;
                let origin = Origin::Frame { socket, id: id.to_owned() };
                self.published(ground, origin, caller, frame)
            }
            (kind, Stage::Ready) => Err(format!("{kind:?} is no frame of this product")),
        }
    }

    fn initiated(&mut self, ground: &mut Ground, socket: SocketId) -> Result<(), String> {
        let Some(connection) = self.connections.get(&socket) else { return Ok(()) };
        let (device, header) = (connection.device, connection.header.clone());
        let caller = self.caller_of_object(ground, device, &header)?;
        let faults = &ground.faults.service;
        let (refused, silent) = (faults.connection_refused, faults.silent_connection);
        if caller.is_none() {
            let mut errors = error("UnauthorizedException", "Token has expired.");
            errors[0]["errorCode"] = json!(401);
            self.turns_away(ground, socket, &errors);
        } else if ground.chance.percent(refused) {
            let kinds = ["InternalFailure", "LimitExceededError"];
            let kind = kinds.get(ground.chance.index(kinds.len())).copied().unwrap_or_default();
            self.turns_away(ground, socket, &error(kind, "Not now"));
        } else if ground.chance.percent(refused / 3) {
            ground.statistics.count(Counted::ConnectionErrors);
            // It never says that it is ready.
        } else if let Some(connection) = self.connections.get_mut(&socket) {
            connection.stage = Stage::Ready;
            connection.is_silent = ground.chance.percent(silent);
            let frame = if self.dialect.is_graphql() {
                json!({"type": "connection_ack", "payload": {"connectionTimeoutMs": CONNECTION_TIMEOUT}})
            } else {
                json!({"type": "connection_ack", "connectionTimeoutMs": CONNECTION_TIMEOUT})
            };
            say(ground, socket, &frame, Said::Ready);
            ground.schedule.after(KEEP_ALIVE, Happening::KeepsAlive(socket));
        }
        Ok(())
    }

    /// Refuses a whole connection, and closes it as if nothing had happened.
    fn turns_away(&mut self, ground: &mut Ground, socket: SocketId, errors: &Value) {
        ground.statistics.count(Counted::ConnectionErrors);
        let frame = if self.dialect.is_graphql() {
            json!({"type": "connection_error", "payload": {"errors": errors}})
        } else {
            json!({"type": "connection_error", "errors": errors})
        };
        say(ground, socket, &frame, Said::Other);
        self.disconnected(socket);
        let code = CLOSE_NORMAL;
        ground.schedule.after(1, Happening::Hangs { socket, code });
    }

    pub(crate) fn keeps_alive(&mut self, ground: &mut Ground, socket: SocketId) {
        let Some(connection) = self.connections.get(&socket) else { return };
        if connection.stage != Stage::Ready {
            return;
        }
        if !connection.is_silent {
            say(ground, socket, &json!({"type": "ka"}), Said::Other);
        }
        ground.schedule.after(KEEP_ALIVE, Happening::KeepsAlive(socket));
    }

    fn starts(
        &mut self,
        ground: &mut Ground,
        socket: SocketId,
        id: &str,
        room: String,
        authorization: &Value,
    ) -> Result<(), String> {
        let Some(connection) = self.connections.get(&socket) else { return Ok(()) };
        let device = connection.device;
        if self.caller_of_object(ground, device, authorization)?.is_none() {
            let errors =
                error("UnauthorizedException", "You are not authorized to make this call.");
            self.refuses(ground, socket, id, &errors);
            return Ok(());
        }
        if self.denies(&room) {
            ground.statistics.count(Counted::RoomsRefused);
            let errors = error("Unauthorized", "Not Authorized to access this room");
            self.refuses(ground, socket, id, &errors);
            return Ok(());
        }
        if ground.chance.percent(ground.faults.service.start_refused) {
            ground.statistics.count(Counted::Throttled);
            match ground.chance.between(0, 3) {
                0 => self.complains(ground, socket, &error("LimitExceededError", "Rate exceeded")),
                1 => {
                    let message = "Max number of 100 subscriptions reached";
                    self.refuses(
                        ground,
                        socket,
                        id,
                        &error("MaxSubscriptionsReachedError", message),
                    );
                }
                _ => {
                    let errors = error("SubscriptionProcessingError", "Internal failure");
                    self.refuses(ground, socket, id, &errors);
                }
            }
            return Ok(());
        }
        let is_late = ground.chance.percent(ground.faults.service.late_start_ack);
        let pause = ground.chance.between(0, if is_late { 18_000 } else { 100 });
        let task = Task::Subscribes { socket, id: id.to_owned(), room };
        ground.schedule.after(pause, Happening::Works(Work::Appsync(task)));
        Ok(())
    }

    pub(super) fn subscribes(
        &mut self,
        ground: &mut Ground,
        socket: SocketId,
        id: String,
        room: String,
    ) {
        let Some(connection) = self.connections.get_mut(&socket) else { return };
        if connection.stage != Stage::Ready {
            return;
        }
        let fence = ground.faults.reorder.min(800);
        let listens_from = ground.schedule.now() + ground.chance.between(0, fence);
        connection.subscriptions.insert(id.clone(), (room.clone(), listens_from));
        let again = ground.chance.percent(ground.faults.duplicate);
        for payload in self.recent.get(&room).into_iter().flatten().filter(|_| again) {
            ground.statistics.count(Counted::DuplicatesAbsorbed);
            deliver_later(ground, socket, &id, payload);
        }
        if ground.chance.percent(ground.faults.service.lost_start_ack) {
            ground.statistics.count(Counted::LostAcks);
            return;
        }
        let kind = if self.dialect.is_graphql() { "start_ack" } else { "subscribe_success" };
        let text = json!({"type": kind, "id": id}).to_string();
        let frame = Frame { text, meaning: Meaning::Said(Said::Started { id }) };
        // Messages may overtake it.
        let pause = ground.chance.between(0, ground.faults.reorder);
        post_after(ground, pause, socket, frame);
    }

    /// A subscription is refused.
    fn refuses(&self, ground: &mut Ground, socket: SocketId, id: &str, errors: &Value) {
        let frame = if self.dialect.is_graphql() {
            json!({"type": "error", "id": id, "payload": {"errors": errors}})
        } else {
            json!({"type": "subscribe_error", "id": id, "errors": errors})
        };
        let said = Said::Ended { id: id.to_owned() };
        say(ground, socket, &frame, said);
    }

    /// An error that names no operation.
    pub(super) fn complains(&self, ground: &mut Ground, socket: SocketId, errors: &Value) {
        let frame = if self.dialect.is_graphql() {
            json!({"type": "error", "payload": {"errors": errors}})
        } else {
            json!({"type": "error", "errors": errors})
        };
        say(ground, socket, &frame, Said::Complaint);
    }

    /// The client ends a subscription.
    fn ends(&mut self, ground: &mut Ground, socket: SocketId, id: &str, kind: &str) {
        let Some(connection) = self.connections.get_mut(&socket) else { return };
        if connection.subscriptions.remove(id).is_some() {
            say(ground, socket, &json!({"type": kind, "id": id}), Said::Other);
        } else if self.dialect.is_events() {
            let errors = error("UnknownOperationError", "There is no such subscription");
            let frame = json!({"type": "unsubscribe_error", "id": id, "errors": errors});
            say(ground, socket, &frame, Said::Ended { id: id.to_owned() });
        }
    }

    /// The service ends some subscription, for no fault of its owner's.
    pub(crate) fn ends_something(&mut self, ground: &mut Ground) {
        let alive = self.connections.iter().flat_map(|(socket, connection)| {
            connection.subscriptions.keys().map(|id| (*socket, id.clone()))
        });
        let alive = alive.collect::<Vec<_>>();
        let Some((socket, id)) = alive.get(ground.chance.index(alive.len())) else { return };
        if let Some(connection) = self.connections.get_mut(socket) {
            connection.subscriptions.remove(id);
        }
        ground.statistics.count(Counted::SubscriptionsEnded);
        let frame = if self.dialect.is_graphql() {
            json!({"type": "complete", "id": id})
        } else {
            json!({"type": "error", "id": id, "errors": error("SubscriptionProcessingError", "x")})
        };
        let said = Said::Ended { id: id.clone() };
        say(ground, *socket, &frame, said);
    }

    /// Says on a connection that something is wrong, and closes it.
    pub(crate) fn breaks(&mut self, ground: &mut Ground, socket: SocketId) {
        self.complains(ground, socket, &error("InternalFailure", "Something went wrong"));
        self.disconnected(socket);
        let code = CLOSE_NORMAL;
        ground.schedule.after(1, Happening::Hangs { socket, code });
    }

    /// A message goes to one subscription, if that still lives; or the news that one could not.
    pub(super) fn delivers(
        &self,
        ground: &mut Ground,
        socket: SocketId,
        id: &str,
        payload: Payload,
    ) {
        let connection = self.connections.get(&socket);
        if connection.is_none_or(|connection| !connection.subscriptions.contains_key(id)) {
            return;
        }
        let is_missed = ground.chance.percent(ground.faults.service.missed);
        let frame = match (self.dialect.is_graphql(), is_missed) {
            (true, false) => graphql::data(id, &payload.json),
            (true, true) => graphql::no_data(id),
            (false, false) => events::data(ground, id, &payload.json),
            (false, true) => events::broadcast_error(id),
        };
        let id = id.to_owned();
        let said = if is_missed {
            ground.statistics.count(Counted::Missed);
            Said::Missed { id }
        } else {
            Said::Data { id, heard: payload.heard }
        };
        say(ground, socket, &frame, said);
    }
}

pub(super) fn say(ground: &mut Ground, socket: SocketId, frame: &Value, said: Said) {
    post_after(ground, 0, socket, Frame { text: frame.to_string(), meaning: Meaning::Said(said) });
}
