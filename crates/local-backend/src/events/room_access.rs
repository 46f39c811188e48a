//! Which channels somebody may listen and publish to: the rules of rooms, on the segments that stand
//! for them. It is what an `onSubscribe` and an `onPublish` handler would check.

use super::channel::{Channel, Pattern};
use super::namespace::Namespace;
use super::room_segment::{SegmentRoom, room_of, segment_of};
use crate::appsync::Caller;
use crate::backend::Backend;
use crate::rooms::RoomId;
use crate::served_path::ServedPath;

/// Somebody and the rules.
#[derive(Clone, Copy)]
pub(super) struct RoomGate<'a> {
    pub(super) backend: &'a Backend,
    pub(super) caller: &'a Caller,
}

impl RoomGate<'_> {
    /// Whether they may publish to a channel.
    pub(super) fn may_publish(self, namespace: Namespace, channel: &Channel) -> bool {
        match (namespace, channel.below()) {
            (Namespace::Stamped, [segment]) | (Namespace::Raw, [segment, ..]) => {
                self.may_enter(namespace, segment)
            }
            (Namespace::Stamped, _) => false,
            (Namespace::Raw, []) => true,
        }
    }

    /// Whether they may listen to what a pattern covers: all of it.
    pub(super) fn may_subscribe(self, namespace: Namespace, pattern: &Pattern) -> bool {
        match (namespace, pattern.below(), pattern.is_wildcard()) {
            (_, [], true) => self.may_enter_all(),
            (Namespace::Raw, [], false) => true,
            (Namespace::Stamped, [segment], false) | (Namespace::Raw, [segment, ..], _) => {
                self.may_enter(namespace, segment)
            }
            (Namespace::Stamped, _, _) => false,
        }
    }

    fn may_enter(self, namespace: Namespace, segment: &str) -> bool {
        match room_of(segment) {
            SegmentRoom::Known(room) => self.may_enter_room(&room),
            // Only rooms that the rules name can be told by their hash; the others are alike.
            SegmentRoom::Hashed => {
                let mut named = self.named_rooms().into_iter();
                let room = named.find(|room| segment_of(room) == segment);
                self.may_enter_room(&room.unwrap_or_else(unnamed_room))
            }
            // A raw channel need not be a room's.
            SegmentRoom::None => {
                namespace == Namespace::Raw && self.may_enter_room(&unnamed_room())
            }
        }
    }

    fn may_enter_all(self) -> bool {
        let mut rooms = self.named_rooms();
        rooms.push(unnamed_room());
        rooms.iter().all(|room| self.may_enter_room(room))
    }

    fn may_enter_room(self, room: &RoomId) -> bool {
        self.caller.may_enter(self.backend, ServedPath::Events, room)
    }

    /// The rooms that the rooms file or a fault switch names.
    fn named_rooms(self) -> Vec<RoomId> {
        let denied = self.backend.faults.get().events.deny_rooms;
        let denied = denied.into_iter().map(RoomId::from_store);
        self.backend.access.listed_rooms().chain(denied).collect()
    }
}

/// A room that no rule can name, to ask what holds for all of these.
fn unnamed_room() -> RoomId {
    RoomId::from_store("\0".to_owned())
}
