//! AppSync's two products: subscriptions on one connection, and requests beside it (AppSync developer guide, "Building
//! a real-time WebSocket client"; Event API guide, "Understanding the Event API WebSocket protocol").
//!
//! A send runs in three steps, each at its time: it is received, it is done, it is answered. What can go wrong does so
//! before, between or after them.

mod authorization;
mod events;
mod graphql;
mod realtime;
mod requests;

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::{Stored, Work, wall};
use crate::exchange::{ExchangeId, Heard};
use crate::network::{Ground, SocketId};
use crate::page::Issuer;
use crate::schedule::Happening;
use crate::statistics::Counted;
use crate::{Dialect, VAULT};
use authorization::Caller;
pub(crate) use authorization::HOST;
pub(crate) use events::{NAMESPACE, room_of_channel};
use realtime::Connection;

/// Messages of a room that a new subscription may get once more.
const RECENT: usize = 3;

type Key = (i64, String);

/// Where a send comes from, and where its answer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Request(ExchangeId),
    Frame { socket: SocketId, id: String },
    Nobody,
}

/// A message as it goes out.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    /// JSON: a message in GraphQL, an event in Events.
    json: String,
    heard: Heard,
}

/// Something that the service does later.
#[derive(Debug)]
pub(crate) enum Task {
    /// A send is done.
    Sends { origin: Origin, send: Box<Send>, fails: bool },
    /// A subscription takes effect.
    Subscribes { socket: SocketId, id: String, room: String },
    /// A message goes to one subscription.
    Delivers { socket: SocketId, id: String, payload: Box<Payload> },
}

/// A message on its way into a room.
#[derive(Debug, Clone)]
pub(crate) struct Send {
    message: Stored,
    /// What is passed on as it is: an event of a raw namespace.
    raw: Option<String>,
}

/// The service, with the rooms on it.
#[derive(Debug)]
pub(crate) struct Appsync {
    dialect: Dialect,
    signs_in: bool,
    guards_vault: bool,
    /// The handler of a stamped namespace keeps nothing, and takes the same message once more.
    is_forgetful: bool,
    pub(crate) issuer: Issuer,
    rooms: BTreeMap<String, BTreeMap<Key, Stored>>,
    recent: BTreeMap<String, VecDeque<Payload>>,
    connections: BTreeMap<SocketId, Connection>,
    /// How often each text of each device was done, room by room.
    done: BTreeMap<(usize, String, String), u32>,
}

impl Appsync {
    pub(crate) fn new(dialect: Dialect, ground: &mut Ground, rooms: &[&str]) -> Self {
        let mut service = Self {
            dialect,
            signs_in: ground.chance.percent(50),
            guards_vault: ground.chance.percent(50),
            is_forgetful: dialect == Dialect::EventsStamped && ground.chance.percent(40),
            issuer: Issuer::default(),
            rooms: BTreeMap::new(),
            recent: BTreeMap::new(),
            connections: BTreeMap::new(),
            done: BTreeMap::new(),
        };
        for room in rooms.iter().filter(|_| dialect.has_history()) {
            let messages =
                if ground.chance.percent(40) { ground.chance.between(1, 180) } else { 0 };
            for number in 0..messages {
                let ago = i64::try_from((messages - number) * ground.chance.between(200, 9_000));
                let text = format!("past {room} {number}");
                let mut message = Stored::strangers(ground, room, text);
                message.created_at -= ago.unwrap_or(0);
                service.insert(message);
            }
        }
        service
    }

    /// Whether people sign in, or are guests with an API key.
    pub(crate) fn signs_in(&self) -> bool {
        self.signs_in
    }

    /// Whether nobody may enter a room.
    pub(crate) fn denies(&self, room: &str) -> bool {
        self.guards_vault && room == VAULT
    }

    pub(crate) fn messages(&self, room: &str) -> impl Iterator<Item = &Stored> {
        self.rooms.get(room).into_iter().flat_map(BTreeMap::values)
    }

    /// How often a text of a device was done.
    pub(crate) fn times_done(&self, device: usize, room: &str, text: &str) -> u32 {
        let key = (device, room.to_owned(), text.to_owned());
        self.done.get(&key).copied().unwrap_or(0)
    }

    pub(crate) fn works(&mut self, ground: &mut Ground, task: Task) {
        match task {
            Task::Sends { origin, send, fails } => self.does(ground, &origin, *send, fails),
            Task::Subscribes { socket, id, room } => self.subscribes(ground, socket, id, room),
            Task::Delivers { socket, id, payload } => self.delivers(ground, socket, &id, *payload),
        }
    }

    /// Somebody who is not simulated writes a message.
    pub(crate) fn stranger_writes(&mut self, ground: &mut Ground, room: &str, text: String) {
        let message = Stored::strangers(ground, room, text);
        let is_raw = self.dialect == Dialect::EventsRaw;
        let raw = is_raw.then(|| events::strangers_event(ground, &message));
        let send = Box::new(Send { message, raw });
        let pause = ground.chance.between(0, 300);
        let task = Task::Sends { origin: Origin::Nobody, send, fails: false };
        ground.schedule.after(pause, Happening::Works(Work::Appsync(task)));
    }

    /// Somebody publishes something that is no message.
    pub(crate) fn notice(&mut self, ground: &mut Ground, room: &str, text: &str) {
        let heard = Heard {
            room: room.to_owned(),
            key: text.to_owned(),
            id: String::new(),
            text: text.to_owned(),
            created_at: None,
            device: None,
            is_notice: true,
        };
        let json = format!("\"{text}\"");
        let heard = Heard { text: json.clone(), ..heard };
        self.broadcast(ground, &Payload { json, heard });
    }

    /// A send begins to run, if it may; it is done a little later.
    fn begins(&self, ground: &mut Ground, origin: Origin, send: Send) {
        let fails = ground.chance.percent(ground.faults.service.failing);
        // It may have failed before or after it was done.
        if fails && ground.chance.percent(50) {
            return self.reports_failure(ground, &origin);
        }
        let pause = ground.chance.between(0, 300);
        let task = Task::Sends { origin, send: Box::new(send), fails };
        ground.schedule.after(pause, Happening::Works(Work::Appsync(task)));
    }

    fn does(&mut self, ground: &mut Ground, origin: &Origin, send: Send, fails: bool) {
        let mut message = send.message.clone();
        let twin = message.client_message_id.as_ref().filter(|_| self.dialect.is_idempotent());
        let twin = twin.and_then(|id| {
            self.messages(&message.room).find(|one| one.client_message_id.as_ref() == Some(id))
        });
        let is_known = twin.is_some();
        if is_known && self.is_forgetful {
            ground.statistics.count(Counted::ForgetfulHandlers);
        } else if let Some(twin) = twin.cloned() {
            ground.statistics.count(Counted::Resends);
            if twin.text != message.text || twin.sender.id != message.sender.id {
                return self.reports_conflict(ground, origin);
            }
            let payload = self.payload(&Send { message: twin, raw: None });
            return self.reports(ground, origin, payload, fails);
        }
        message.created_at = wall(ground);
        if let Some(device) = message.device.filter(|_| !is_known) {
            let key = (device, message.room.clone(), message.text.clone());
            *self.done.entry(key).or_default() += 1;
        }
        self.insert(message.clone());
        if let Some(raw) = send.raw.as_ref().filter(|_| message.device.is_some())
            && ground.chance.percent(ground.faults.duplicate / 3)
            && let Some(copy) = events::copied(ground, raw, &message)
        {
            ground.statistics.count(Counted::CopiedIds);
            let pause = ground.chance.between(0, 50);
            let (send, origin) = (Box::new(copy), Origin::Nobody);
            let task = Task::Sends { origin, send, fails: false };
            ground.schedule.after(pause, Happening::Works(Work::Appsync(task)));
        }
        let payload = self.payload(&Send { message, ..send });
        self.broadcast(ground, &payload);
        self.reports(ground, origin, payload, fails);
    }

    fn reports(&self, ground: &mut Ground, origin: &Origin, payload: Payload, fails: bool) {
        if fails {
            ground.statistics.count(Counted::AmbiguousSends);
            return self.reports_failure(ground, origin);
        }
        self.reports_success(ground, origin, payload);
    }

    fn payload(&self, send: &Send) -> Payload {
        match &send.raw {
            Some(raw) => events::raw_payload(raw, &send.message),
            None if self.dialect.is_events() => events::stamped_payload(&send.message),
            None => graphql::payload(&send.message, self.dialect),
        }
    }

    /// Every subscription gets it, sooner or later, once or twice, or is told that it did not get something.
    fn broadcast(&mut self, ground: &mut Ground, payload: &Payload) {
        let now = ground.schedule.now();
        for (socket, connection) in &self.connections {
            for (id, listens_from) in connection.subscribers(&payload.heard.room) {
                if listens_from > now {
                    ground.statistics.count(Counted::MissedBroadcasts);
                    continue;
                }
                deliver_later(ground, *socket, id, payload);
                if is_named(payload) && ground.chance.percent(ground.faults.duplicate) {
                    ground.statistics.count(Counted::DuplicatesAbsorbed);
                    deliver_later(ground, *socket, id, payload);
                }
            }
        }
        if is_named(payload) {
            let recent = self.recent.entry(payload.heard.room.clone()).or_default();
            recent.push_back(payload.clone());
            if recent.len() > RECENT {
                recent.pop_front();
            }
        }
    }

    fn insert(&mut self, message: Stored) {
        let room = self.rooms.entry(message.room.clone()).or_default();
        room.insert((message.created_at, message.id.clone()), message);
    }

    fn message(&self, ground: &mut Ground, caller: &Caller, room: &str, text: &str) -> Stored {
        Stored {
            id: ground.chance.token(),
            created_at: wall(ground),
            room: room.to_owned(),
            text: text.to_owned(),
            client_message_id: None,
            sender: caller.sender.clone(),
            device: Some(caller.device),
            sender_connection: String::new(),
        }
    }
}

/// Whether a message says which one it is, so that nobody takes it for two.
fn is_named(payload: &Payload) -> bool {
    payload.heard.created_at.is_some()
}

fn deliver_later(ground: &mut Ground, socket: SocketId, id: &str, payload: &Payload) {
    let pause = ground.chance.between(0, ground.faults.reorder);
    let task = Task::Delivers { socket, id: id.to_owned(), payload: Box::new(payload.clone()) };
    ground.schedule.after(pause, Happening::Works(Work::Appsync(task)));
}

/// An error as the service writes it.
fn error(kind: &str, message: &str) -> Value {
    serde_json::json!([{"errorType": kind, "message": message}])
}
