//! The full dialect: history, acknowledgements, identities.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{gateway_error, is_unwelcome, iso, post_after, wall};
use crate::STRANGER;
use crate::backend::Work;
use crate::network::{Broadcast, Frame, Ground, Meaning, SocketId};
use crate::schedule::Happening;
use crate::statistics::Counted;

/// A page of history ends at this many bytes of JSON.
const PAGE_BYTES: usize = 96 * 1_024;

/// A message is stored within so many milliseconds of its time, and others of the same time before it.
pub(crate) const LONGEST_COMMIT: u64 = 300;

/// Who wrote a message, as the server tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sender {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    /// Signed in, and no guest.
    pub(crate) is_user: bool,
}

/// A message of a room.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) created_at: i64,
    pub(crate) room: String,
    pub(crate) text: String,
    pub(crate) client_message_id: Option<String>,
    pub(crate) sender: Sender,
    /// The device that wrote it in truth.
    pub(crate) device: Option<usize>,
    pub(super) sender_connection: String,
}

impl Stored {
    /// A message of somebody who is not simulated.
    pub(super) fn strangers(ground: &mut Ground, room: &str, text: String) -> Self {
        Self {
            id: ground.chance.token(),
            created_at: wall(ground),
            room: room.to_owned(),
            text,
            client_message_id: None,
            sender: Sender { id: guest_id(STRANGER), name: Some("Cara".into()), is_user: false },
            device: None,
            sender_connection: STRANGER.to_owned(),
        }
    }

    fn json(&self) -> Value {
        let sender = json!({"id": self.sender.id, "name": self.sender.name, "kind": "guest"});
        let mut value = json!({
            "type": "message", "id": self.id, "createdAt": iso(self.created_at), "roomId": self.room,
            "text": self.text, "sender": sender, "senderConnectionId": self.sender_connection,
        });
        if let Some(id) = &self.client_message_id {
            value["clientMessageId"] = json!(id);
        }
        value
    }
}

#[derive(Debug)]
struct Connection {
    id: String,
    room: String,
    device: usize,
    open: bool,
    /// Broadcasts reach it from then on: a join is no fence.
    listens_from: u64,
    sender: Option<Sender>,
}

impl Connection {
    fn sender(&self) -> Sender {
        let anonymous = || Sender { id: guest_id(&self.id), name: None, is_user: false };
        self.sender.clone().unwrap_or_else(anonymous)
    }
}

type Key = (i64, String);

/// A backend of the full dialect.
#[derive(Debug)]
pub(crate) struct Full {
    rooms: BTreeMap<String, BTreeMap<Key, Stored>>,
    connections: BTreeMap<SocketId, Connection>,
}

/// What others see of a guest: a hash of their key (FNV-1a, which is enough for a model).
pub(crate) fn guest_id(key: &str) -> String {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("g-{hash:016x}")
}

impl Full {
    /// Rooms that have a past.
    pub(crate) fn new(ground: &mut Ground, rooms: &[&str]) -> Self {
        let mut full = Self { rooms: BTreeMap::new(), connections: BTreeMap::new() };
        for room in rooms {
            let messages =
                if ground.chance.percent(40) { ground.chance.between(1, 260) } else { 0 };
            let is_long = ground.chance.percent(20);
            for number in 0..messages {
                let ago = i64::try_from((messages - number) * ground.chance.between(200, 9_000));
                let padding = if is_long { " and so on".repeat(400) } else { String::new() };
                let text = format!("past {room} {number}{padding}");
                let mut message = Stored::strangers(ground, room, text);
                message.created_at -= ago.unwrap_or(0);
                full.insert(message);
            }
        }
        full
    }

    /// The messages of a room in the order that everybody sees.
    pub(crate) fn messages(&self, room: &str) -> impl Iterator<Item = &Stored> {
        self.rooms.get(room).into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn connected(
        &mut self,
        ground: &mut Ground,
        socket: SocketId,
        id: &str,
        room: &str,
        device: usize,
    ) {
        let fence = ground.faults.reorder.min(800);
        let listens_from = ground.schedule.now() + ground.chance.between(0, fence);
        let (id, room) = (id.to_owned(), room.to_owned());
        let connection = Connection { id, room, device, open: true, listens_from, sender: None };
        self.connections.insert(socket, connection);
    }

    pub(super) fn disconnected(&mut self, socket: SocketId) {
        if let Some(connection) = self.connections.get_mut(&socket) {
            connection.open = false;
        }
    }

    pub(super) fn starts(
        &mut self,
        ground: &mut Ground,
        socket: SocketId,
        frame: &Value,
    ) -> Result<(), String> {
        let Some(connection) = self.connections.get_mut(&socket) else { return Ok(()) };
        let is_known = connection.sender.is_some();
        match frame["action"].as_str() {
            Some("hello") => {
                let key = frame["guestKey"].as_str().unwrap_or_default();
                let name = frame["name"].as_str().map(str::to_owned);
                connection.sender = Some(Sender { id: guest_id(key), name, is_user: false });
                welcome(ground, socket, connection);
            }
            Some("sendMessage") => return self.send(ground, socket, frame),
            Some("history") if is_known => self.history(ground, socket, frame)?,
            Some("ping") if is_known => {
                post_after(ground, 0, socket, other(&json!({"type": "pong"})));
            }
            action => return Err(format!("{action:?} before hello, or never heard of")),
        }
        Ok(())
    }

    pub(super) fn commits(
        &mut self,
        ground: &mut Ground,
        socket: Option<SocketId>,
        message: Stored,
    ) {
        let twin = message.client_message_id.as_ref().and_then(|id| self.by_send(&message, id));
        if let Some(twin) = twin {
            ground.statistics.count(Counted::Resends);
            if twin.text != message.text || twin.sender.id != message.sender.id {
                error(ground, socket, "conflict", &message, None);
            } else {
                let (twin, socket) = (twin.clone(), socket);
                self.acknowledge(ground, socket, &twin);
            }
            return;
        }
        self.insert(message.clone());
        self.acknowledge(ground, socket, &message);
        self.broadcast(ground, &message);
        // What runs after the message was stored may fail, and say so.
        if message.client_message_id.is_some() && ground.chance.percent(ground.faults.gateway_error)
        {
            error(ground, socket, "internal", &message, None);
        }
    }

    pub(super) fn stranger_writes(&mut self, ground: &mut Ground, room: &str, text: String) {
        let message = Stored::strangers(ground, room, text);
        let pause = ground.chance.between(0, LONGEST_COMMIT);
        ground.schedule.after(pause, Happening::Works(Work::Commits { socket: None, message }));
    }

    fn send(&mut self, ground: &mut Ground, socket: SocketId, frame: &Value) -> Result<(), String> {
        let Some(connection) = self.connections.get(&socket) else { return Ok(()) };
        let (Some(room), Some(text)) = (frame["roomId"].as_str(), frame["text"].as_str()) else {
            return Err("sendMessage has no room or no text".into());
        };
        let client_message_id = frame["clientMessageId"].as_str().map(str::to_owned);
        if client_message_id.as_ref().is_some_and(|id| id.len() < 32) {
            return Err("a clientMessageId has fewer than 128 bits".into());
        }
        if client_message_id.is_some() && connection.sender.is_none() {
            return Err("a clientMessageId before hello".into());
        }
        if client_message_id.is_none() {
            ground.statistics.count(Counted::ProvisionalSends);
        }
        let message = Stored {
            id: ground.chance.token(),
            created_at: wall(ground),
            room: room.to_owned(),
            text: text.to_owned(),
            client_message_id,
            sender: connection.sender(),
            device: Some(connection.device),
            sender_connection: connection.id.clone(),
        };
        if is_unwelcome(text) {
            ground.statistics.count(Counted::RefusedForGood);
            error(ground, Some(socket), "bad_request", &message, None);
            return Ok(());
        }
        if ground.chance.percent(ground.faults.gateway_error) {
            ground.statistics.count(Counted::GatewayErrors);
            let id = connection.id.clone();
            let frame = gateway_error(ground, "Internal server error", &id, Meaning::GatewayError);
            post_after(ground, 0, socket, frame);
            // The function may have thrown before or after it stored the message.
            if ground.chance.percent(50) {
                return Ok(());
            }
        } else if message.client_message_id.is_some()
            && ground.chance.percent(ground.faults.rate_limit)
        {
            ground.statistics.count(Counted::RateLimits);
            let code = if ground.chance.percent(70) { "rate_limited" } else { "internal" };
            let pause = ground.chance.between(100, 5_000);
            error(ground, Some(socket), code, &message, Some(pause));
            return Ok(());
        }
        let pause = ground.chance.between(0, LONGEST_COMMIT);
        let socket = Some(socket);
        ground.schedule.after(pause, Happening::Works(Work::Commits { socket, message }));
        Ok(())
    }

    fn history(&self, ground: &mut Ground, socket: SocketId, frame: &Value) -> Result<(), String> {
        let (Some(request), Some(room)) = (frame["requestId"].as_str(), frame["roomId"].as_str())
        else {
            return Err("history has no requestId or no roomId".into());
        };
        let limit = frame["limit"].as_u64().filter(|limit| (1..=100).contains(limit));
        let limit = usize::try_from(limit.ok_or("history has a limit outside of 1 to 100")?);
        if ground.chance.percent(ground.faults.rate_limit) {
            ground.statistics.count(Counted::RateLimits);
            let value = json!({"type": "error", "code": "rate_limited", "message": "Too fast",
                "roomId": room, "requestId": request, "retryAfterMs": 700});
            post_after(ground, 0, socket, other(&value));
            return Ok(());
        }
        // The function has ended before it could answer.
        if ground.chance.percent(ground.faults.lost_ack / 2) {
            ground.statistics.count(Counted::LostAcks);
            return Ok(());
        }
        let before = frame["before"].as_str().map(|at| self.cursor(room, at)).transpose()?;
        let page = self.page(room, before.as_ref(), limit.unwrap_or(100));
        let first = page.first().map(|message| (message.created_at, message.id.clone()));
        let older = first.filter(|first| {
            self.rooms.get(room).is_some_and(|all| all.range(..first.clone()).next().is_some())
        });
        let cursor = older.map(|(at, id)| format!("cursor/{at}/{id}"));
        let messages = page.iter().map(|message| message.json()).collect::<Vec<_>>();
        let value = json!({"type": "history", "requestId": request, "roomId": room,
            "messages": messages, "nextCursor": cursor});
        ground.statistics.count(Counted::HistoryPages);
        let pause = ground.chance.between(0, ground.faults.reorder);
        post_after(ground, pause, socket, other(&value));
        Ok(())
    }

    /// The newest messages before a place, oldest first, within the limits of a page.
    fn page(&self, room: &str, before: Option<&Key>, limit: usize) -> Vec<&Stored> {
        let mut page = Vec::new();
        let mut bytes = 0;
        let Some(all) = self.rooms.get(room) else { return page };
        let is_before = |key: &Key| before.is_none_or(|before| key < before);
        for (_, message) in all.iter().rev().filter(|(key, _)| is_before(key)).take(limit) {
            bytes += message.json().to_string().len();
            if bytes > PAGE_BYTES && !page.is_empty() {
                break;
            }
            page.push(message);
        }
        page.reverse();
        page
    }

    /// A cursor is one of ours, or the id of a message.
    fn cursor(&self, room: &str, text: &str) -> Result<Key, String> {
        let mut parts = text.splitn(3, '/');
        if let (Some("cursor"), Some(at), Some(id)) = (parts.next(), parts.next(), parts.next())
            && let Ok(at) = at.parse()
        {
            return Ok((at, id.to_owned()));
        }
        let found = self.messages(room).find(|message| message.id == text);
        let key = found.map(|message| (message.created_at, message.id.clone()));
        key.ok_or_else(|| format!("{text} is no cursor of ours"))
    }

    fn acknowledge(&self, ground: &mut Ground, socket: Option<SocketId>, message: &Stored) {
        let (Some(socket), Some(send)) = (socket, &message.client_message_id) else { return };
        if ground.chance.percent(ground.faults.lost_ack) {
            ground.statistics.count(Counted::LostAcks);
            return;
        }
        let value = json!({"type": "ack", "clientMessageId": send, "id": message.id,
            "createdAt": iso(message.created_at)});
        let pause = ground.chance.between(0, ground.faults.reorder);
        post_after(ground, pause, socket, other(&value));
    }

    fn broadcast(&self, ground: &mut Ground, message: &Stored) {
        let meaning = Meaning::Message(Broadcast {
            sender_connection: message.sender_connection.clone(),
            created_at: message.created_at,
            text: message.text.clone(),
        });
        let frame = Frame { text: message.json().to_string(), meaning };
        let listeners = self.connections.iter().filter(|(_, one)| one.open);
        for (socket, one) in listeners.filter(|(_, one)| one.room == message.room) {
            if one.listens_from > ground.schedule.now() {
                ground.statistics.count(Counted::MissedBroadcasts);
                continue;
            }
            let pause = ground.chance.between(0, ground.faults.reorder);
            post_after(ground, pause, *socket, frame.clone());
            if ground.chance.percent(ground.faults.duplicate) {
                ground.statistics.count(Counted::DuplicatesAbsorbed);
                let pause = ground.chance.between(0, ground.faults.reorder);
                post_after(ground, pause, *socket, frame.clone());
            }
        }
    }

    fn by_send(&self, message: &Stored, send: &str) -> Option<&Stored> {
        self.messages(&message.room).find(|one| one.client_message_id.as_deref() == Some(send))
    }

    fn insert(&mut self, message: Stored) {
        let room = self.rooms.entry(message.room.clone()).or_default();
        room.insert((message.created_at, message.id.clone()), message);
    }
}

fn welcome(ground: &mut Ground, socket: SocketId, connection: &Connection) {
    let sender = connection.sender();
    let value = json!({
        "type": "welcome", "features": ["history", "presence"], "connectionId": connection.id,
        "sender": {"id": sender.id, "name": sender.name, "kind": "guest"},
    });
    let is_late = ground.chance.percent(ground.faults.late_welcome);
    let pause = if is_late { ground.chance.between(500, 6_000) } else { 0 };
    if pause > 3_000 {
        ground.statistics.count(Counted::LateWelcomes);
    }
    ground.statistics.count(Counted::Answers);
    let frame = Frame { text: value.to_string(), meaning: Meaning::Answer { names: false } };
    post_after(ground, pause, socket, frame);
}

fn error(
    ground: &mut Ground,
    socket: Option<SocketId>,
    code: &str,
    message: &Stored,
    pause: Option<u64>,
) {
    let Some(socket) = socket else { return };
    let mut value = json!({"type": "error", "code": code, "message": "Not now",
        "roomId": message.room, "clientMessageId": message.client_message_id});
    if let Some(pause) = pause {
        value["retryAfterMs"] = json!(pause);
    }
    let meaning = pause.map_or(Meaning::Other, |pause| Meaning::Throttled { pause });
    post_after(ground, 0, socket, Frame { text: value.to_string(), meaning });
}

fn other(value: &Value) -> Frame {
    Frame { text: value.to_string(), meaning: Meaning::Other }
}
