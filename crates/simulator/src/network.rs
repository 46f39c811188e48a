//! The network between clients and backend, with its faults.
//!
//! A connection is TCP: it keeps order and loses frames only with its end. What comes twice or in another order
//! comes so from the backend's fan-out, not from the wire.

use roomlet_client::{ConnectionId, RoomId};
use serde_json::Value;

use crate::chance::Chance;
use crate::conversation::{Conversation, Said};
use crate::exchange::Exchange;
use crate::faults::Faults;
use crate::schedule::{Happening, Schedule};
use crate::statistics::{Counted, Statistics};

/// A socket, by its place in [`Network::sockets`].
pub(crate) type SocketId = usize;

/// What all parts of a run stand on.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) schedule: Schedule,
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) statistics: Statistics,
}

impl Ground {
    pub(crate) fn latency(&mut self) -> u64 {
        self.chance.between(1, self.faults.latency)
    }
}

/// A frame to a client, with what it is in truth.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) text: String,
    pub(crate) meaning: Meaning,
}

/// What a frame to a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    Message(Broadcast),
    /// The answer to `hello`; `names` if it is the gateway's own error frame.
    Answer {
        names: bool,
    },
    /// An error frame of the gateway.
    GatewayError,
    Notice,
    /// The backend asks for a pause, in milliseconds.
    Throttled {
        pause: u64,
    },
    Other,
    /// A frame of AppSync.
    Said(Said),
}

/// A message as it is broadcast.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Broadcast {
    pub(crate) sender_connection: String,
    /// Milliseconds since 1970.
    pub(crate) created_at: i64,
    pub(crate) text: String,
}

/// One end of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Opening,
    Open,
    Closed,
}

/// An attempt at a connection, as its client makes it.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) device: usize,
    pub(crate) connection: ConnectionId,
    pub(crate) room: Option<RoomId>,
    pub(crate) header: Value,
}

/// A socket, with both its ends.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) device: usize,
    pub(crate) connection: ConnectionId,
    /// The room, where a connection has one.
    pub(crate) room: Option<RoomId>,
    /// The auth object of its handshake, where it has one.
    pub(crate) header: Value,
    /// What was said on it, where that is AppSync's protocol.
    pub(crate) conversation: Conversation,
    /// What the backend calls it.
    pub(crate) server_id: String,
    pub(crate) at_client: End,
    pub(crate) at_server: End,
    /// Nothing gets through any more, whatever the ends believe.
    pub(crate) is_cut: bool,
    /// The client has closed it itself.
    pub(crate) is_abandoned: bool,
    /// A welcome has come.
    pub(crate) is_welcomed: bool,
    /// The gateway has told the client what this connection is called.
    pub(crate) is_named: bool,
    pub(crate) hellos: u32,
    /// Answers to `hello` that have come to harm.
    pub(crate) broken_answers: u32,
    /// The first of the connections that took each other's place, this one the last.
    pub(crate) first: SocketId,
    /// Messages came or went while it took the place of another one.
    pub(crate) is_loaded: bool,
    pub(crate) asked_at: u64,
    /// When the client has heard something last.
    pub(crate) heard_at: u64,
    last_to_client: u64,
    last_to_server: u64,
}

impl Socket {
    /// Whether a room is what it is for: on API Gateway one of them, on AppSync any.
    pub(crate) fn carries(&self, room: &RoomId) -> bool {
        self.room.as_ref().is_none_or(|own| own == room)
    }
}

/// All sockets of a run.
#[derive(Debug, Default)]
pub(crate) struct Network {
    pub(crate) sockets: Vec<Socket>,
    pub(crate) exchanges: Vec<Exchange>,
    /// Until then the server refuses all connections, though it takes requests.
    pub(crate) sockets_blocked_until: u64,
}

impl Network {
    /// A client opens a socket.
    pub(crate) fn connect(&mut self, ground: &mut Ground, from: Origin) -> SocketId {
        let Origin { device, connection, room, header } = from;
        let socket = self.sockets.len();
        let asked_at = ground.schedule.now();
        let before = self
            .sockets
            .iter()
            .rev()
            .find(|one| one.device == device && one.room == room && one.at_client == End::Open);
        let first = before.map_or(socket, |before| before.first);
        let server_id = format!("{}=", ground.chance.token().get(..12).unwrap_or_default());
        self.sockets.push(Socket {
            device,
            connection,
            room,
            header,
            conversation: Conversation::default(),
            server_id,
            at_client: End::Opening,
            at_server: End::Opening,
            is_cut: false,
            is_abandoned: false,
            is_welcomed: false,
            is_named: false,
            hellos: 0,
            broken_answers: 0,
            first,
            is_loaded: false,
            asked_at,
            heard_at: 0,
            last_to_client: 0,
            last_to_server: 0,
        });
        let latency = ground.latency();
        let is_blocked = self.sockets_blocked_until > ground.schedule.now();
        if ground.chance.percent(ground.faults.refuse) || is_blocked {
            ground.statistics.count(Counted::Refusals);
            // One in three hangs: nobody ever answers. A server that is down says so.
            if is_blocked || ground.chance.percent(67) {
                ground.schedule.after(latency, Happening::ClientSees { socket, code: 1006 });
            }
        } else {
            ground.schedule.after(latency, Happening::Connects(socket));
        }
        socket
    }

    /// The server accepts; the client hears of it a little later.
    pub(crate) fn accept(&mut self, ground: &mut Ground, socket: SocketId) {
        let at = ground.schedule.now() + ground.latency();
        if let Some(one) = self.sockets.get_mut(socket) {
            one.at_server = End::Open;
            one.last_to_client = at;
            ground.schedule.at(at, Happening::Opens(socket));
        }
    }

    pub(crate) fn send(&mut self, ground: &mut Ground, socket: SocketId, text: String) {
        let Some(one) = self.sockets.get_mut(socket) else { return };
        one.last_to_server = one.last_to_server.max(ground.schedule.now() + ground.latency());
        ground.schedule.at(one.last_to_server, Happening::ToServer { socket, text });
    }

    pub(crate) fn post(&mut self, ground: &mut Ground, socket: SocketId, frame: Frame) {
        let Some(one) = self.sockets.get_mut(socket) else { return };
        if one.at_server == End::Open {
            one.last_to_client = one.last_to_client.max(ground.schedule.now() + ground.latency());
            ground.schedule.at(one.last_to_client, Happening::ToClient { socket, frame });
        }
    }

    /// The client closes its end.
    pub(crate) fn abandon(&mut self, ground: &mut Ground, socket: SocketId) {
        let Some(one) = self.sockets.get_mut(socket) else { return };
        one.at_client = End::Closed;
        one.is_abandoned = true;
        let at = one.last_to_server.max(ground.schedule.now() + ground.latency());
        if !one.is_cut {
            ground.schedule.at(at, Happening::ServerSees(socket));
        }
    }

    /// The server closes a socket, after all that it has sent.
    pub(crate) fn close(&mut self, ground: &mut Ground, socket: SocketId, code: u16) {
        let Some(one) = self.sockets.get_mut(socket) else { return };
        one.last_to_client = one.last_to_client.max(ground.schedule.now() + ground.latency());
        one.at_server = End::Closed;
        ground.schedule.at(one.last_to_client, Happening::ClientSees { socket, code });
    }

    /// Cuts a socket; each end hears of it soon, late, or never.
    pub(crate) fn cut(&mut self, ground: &mut Ground, socket: SocketId) {
        let Some(one) = self.sockets.get_mut(socket) else { return };
        if one.is_cut {
            return;
        }
        one.is_cut = true;
        let silent = ground.chance.percent(ground.faults.silent);
        ground.statistics.count(if silent { Counted::SilentDeaths } else { Counted::Drops });
        let one_sided = ground.chance.percent(30);
        let (soon, late) = (ground.latency(), ground.chance.between(10_000, 600_000));
        if !silent {
            ground.schedule.after(soon, Happening::ClientSees { socket, code: 1006 });
        }
        let server = if silent || one_sided { late } else { soon };
        ground.schedule.after(server, Happening::ServerSees(socket));
    }

    /// Lets the operating systems find out what is dead. A client with an answer to its pings must find out by
    /// itself: one that was welcomed, or one that `may_ping`.
    pub(crate) fn surface(&mut self, ground: &mut Ground, may_ping: impl Fn(usize) -> bool) {
        for (socket, one) in self.sockets.iter().enumerate() {
            // On AppSync an end without an answer is asked after.
            let finds_out = one.is_welcomed || one.room.is_none() || may_ping(one.device);
            if one.at_client != End::Closed && one.is_cut && !finds_out {
                let pause = ground.chance.between(1, 60_000);
                ground.schedule.after(pause, Happening::ClientSees { socket, code: 1006 });
            }
        }
    }

    /// The sockets of a device for a room that its client holds to be alive, the first that was asked for first: there
    /// are two while one takes the place of the other.
    pub(crate) fn live_of(&self, device: usize, room: Option<&RoomId>) -> Vec<SocketId> {
        let mine = self.sockets.iter().enumerate().filter(|(_, one)| {
            let is_of_room = room.is_none_or(|room| one.carries(room));
            one.device == device && is_of_room && one.at_client != End::Closed
        });
        mine.map(|(id, _)| id).collect()
    }

    /// Whether a socket is open beside another one for the same room.
    pub(crate) fn is_beside(&self, socket: SocketId) -> bool {
        let Some(one) = self.sockets.get(socket) else { return false };
        self.live_of(one.device, one.room.as_ref()).len() > 1
    }

    /// A message comes or goes on a device; it counts where one socket takes the place of another.
    pub(crate) fn loads(&mut self, device: usize, room: Option<&RoomId>) {
        if let [_, next] = *self.live_of(device, room)
            && let Some(next) = self.sockets.get_mut(next)
        {
            next.is_loaded = true;
        }
    }

    /// The socket that has taken the place of this one, if one has.
    pub(crate) fn successor(&self, socket: SocketId) -> Option<&Socket> {
        let one = self.sockets.get(socket).filter(|one| one.at_client == End::Open)?;
        let mut later = self.sockets.iter().skip(socket + 1);
        later.find(|other| {
            let is_beside = other.device == one.device && other.room == one.room;
            is_beside && other.first == one.first && other.at_client == End::Open
        })
    }

    /// Whether the server calls one of the connections so that took each other's place, a socket the last of them.
    pub(crate) fn is_own(&self, socket: SocketId, name: &str) -> bool {
        let Some(one) = self.sockets.get(socket) else { return false };
        self.sockets.iter().any(|other| other.first == one.first && other.server_id == name)
    }

    /// Sockets that at least the client holds to be alive.
    pub(crate) fn live(&self) -> Vec<SocketId> {
        let live = |one: &Socket| one.at_client != End::Closed && !one.is_cut;
        (0..self.sockets.len()).filter(|id| self.sockets.get(*id).is_some_and(live)).collect()
    }
}
