//! The open connections and the rooms they are in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connection::{Connection, ConnectionId};
use super::limits::{MAX_CONNECTIONS, MAX_ROOMS_PER_CONNECTION};
use crate::rooms::{Members, RoomId};

#[derive(Debug, Default)]
pub(super) struct Registry {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connections: BTreeMap<ConnectionId, Arc<Connection>>,
    members: Members<ConnectionId>,
}

impl Registry {
    /// Adds a connection, unless there are too many.
    pub(super) fn add(&self, connection: &Arc<Connection>) -> bool {
        let mut state = self.lock();
        let room_left = state.connections.len() < MAX_CONNECTIONS;
        if room_left {
            state.connections.insert(connection.id.clone(), Arc::clone(connection));
        }
        room_left
    }

    /// Forgets a connection.
    pub(super) fn remove(&self, id: &ConnectionId) {
        let mut state = self.lock();
        state.connections.remove(id);
        state.members.remove(id);
    }

    /// Puts a connection into a room, unless it is in too many.
    pub(super) fn join(&self, connection: &Connection, room: &RoomId) -> bool {
        let mut state = self.lock();
        let rooms = state.members.rooms_of(&connection.id);
        if rooms.len() >= MAX_ROOMS_PER_CONNECTION && !rooms.contains(room) {
            return false;
        }
        state.members.join(&connection.id, room);
        true
    }

    /// Takes a connection out of a room.
    pub(super) fn leave(&self, connection: &Connection, room: &RoomId) {
        self.lock().members.leave(&connection.id, room);
    }

    /// The connection with this id, if it is open.
    pub(super) fn get(&self, id: &ConnectionId) -> Option<Arc<Connection>> {
        self.lock().connections.get(id).cloned()
    }

    /// The connections of a room, in the order in which they came.
    pub(super) fn members(&self, room: &RoomId) -> Vec<Arc<Connection>> {
        let state = self.lock();
        let ids = state.members.of(room).iter();
        ids.filter_map(|id| state.connections.get(id).cloned()).collect()
    }

    /// The rooms of a connection.
    pub(super) fn rooms_of(&self, id: &ConnectionId) -> Vec<RoomId> {
        self.lock().members.rooms_of(id)
    }

    /// All connections.
    pub(super) fn all(&self) -> Vec<Arc<Connection>> {
        self.lock().connections.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
