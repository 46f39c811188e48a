//! What truly happened at one device, to compare its screen with.

use std::collections::BTreeMap;

use roomlet_client::RoomId;

use crate::network::{Broadcast, SocketId};

/// What became of one text that a person wrote in a room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) composed: u32,
    pub(crate) retried: u32,
    pub(crate) discarded: u32,
    /// Frames with a `clientMessageId`.
    pub(crate) sent_with_id: u32,
    /// Frames without one: each may become a message.
    pub(crate) sent_without_id: u32,
}

/// A message that reached an open connection.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) broadcast: Broadcast,
    /// It came from the very connection on which it arrived.
    pub(crate) is_own: bool,
    /// The client had been told what that connection is called.
    pub(crate) is_named: bool,
}

/// What happened in one room.
#[derive(Debug, Default)]
pub(crate) struct RoomLedger {
    pub(crate) tallies: BTreeMap<String, Tally>,
    /// The texts in the order in which they were written.
    pub(crate) order: Vec<String>,
    /// The messages that arrived. A basic backend has no ids: equal frames on different sockets are one message,
    /// on the same socket they are two.
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) notices: BTreeMap<String, u32>,
    on_socket: BTreeMap<(SocketId, Broadcast), usize>,
    most: BTreeMap<Broadcast, usize>,
}

impl RoomLedger {
    pub(crate) fn arrived(&mut self, socket: SocketId, arrival: Arrival) {
        let count = self.on_socket.entry((socket, arrival.broadcast.clone())).or_default();
        *count += 1;
        let most = self.most.entry(arrival.broadcast.clone()).or_default();
        if *count > *most {
            *most = *count;
            self.arrivals.push(arrival);
        }
    }
}

/// What happened at one device.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) rooms: BTreeMap<RoomId, RoomLedger>,
    pub(crate) hellos: u32,
    /// Something has told the client which dialect the backend speaks.
    pub(crate) has_evidence: bool,
    /// The gateway's error frame has answered `hello`.
    pub(crate) may_ping: bool,
}

impl Ledger {
    pub(crate) fn tally(&mut self, room: &RoomId, text: &str) -> &mut Tally {
        let room = self.rooms.entry(room.clone()).or_default();
        room.tallies.entry(text.to_owned()).or_default()
    }

    pub(crate) fn composed(&mut self, room: &RoomId, text: &str) {
        self.tally(room, text).composed += 1;
        self.rooms.entry(room.clone()).or_default().order.push(text.to_owned());
    }
}
