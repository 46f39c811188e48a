//! Who is in which room.

use std::collections::{BTreeMap, BTreeSet};

use super::RoomId;

/// Rooms and their members, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Members<M> {
    rooms: BTreeMap<RoomId, Vec<M>>,
    rooms_of: BTreeMap<M, BTreeSet<RoomId>>,
}

impl<M> Default for Members<M> {
    fn default() -> Self {
        Self { rooms: BTreeMap::new(), rooms_of: BTreeMap::new() }
    }
}

impl<M: Clone + Ord> Members<M> {
    /// Puts a member into a room; a second time changes nothing.
    pub(crate) fn join(&mut self, member: &M, room: &RoomId) {
        if self.rooms_of.entry(member.clone()).or_default().insert(room.clone()) {
            self.rooms.entry(room.clone()).or_default().push(member.clone());
        }
    }

    /// Takes a member out of a room.
    pub(crate) fn leave(&mut self, member: &M, room: &RoomId) {
        if let Some(rooms) = self.rooms_of.get_mut(member) {
            rooms.remove(room);
            if rooms.is_empty() {
                self.rooms_of.remove(member);
            }
        }
        if let Some(members) = self.rooms.get_mut(room) {
            members.retain(|other| other != member);
            if members.is_empty() {
                self.rooms.remove(room);
            }
        }
    }

    /// Takes a member out of all rooms.
    pub(crate) fn remove(&mut self, member: &M) {
        for room in self.rooms_of(member) {
            self.leave(member, &room);
        }
    }

    /// The members of a room.
    pub(crate) fn of(&self, room: &RoomId) -> &[M] {
        self.rooms.get(room).map_or(&[], Vec::as_slice)
    }

    /// The rooms of a member.
    pub(crate) fn rooms_of(&self, member: &M) -> Vec<RoomId> {
        self.rooms_of.get(member).map(|rooms| rooms.iter().cloned().collect()).unwrap_or_default()
    }
}
