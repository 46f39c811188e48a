//! What two connections bring of the same, where nothing but its words tells.

use std::time::Duration;

use crate::backend::{Role, SessionEvent};
use crate::chat::ids::RoomId;
use crate::chat::message::{Identity, Incoming};
use crate::time::Timestamp;

/// So many that only one connection has brought are remembered; beyond, they are taken from the present one only.
const MAX_TWINS: usize = 256;
/// What one connection has brought so long before the other one could hear, the other one does not bring.
const SKEW: Duration = Duration::from_secs(1);

/// Something that one connection has brought, and the other one has not yet.
#[derive(Debug)]
struct Twin {
    room: RoomId,
    sender: Option<String>,
    text: String,
    role: Role,
    at: Timestamp,
}

/// Messages without a time and frames that are no message, since two connections of a room are open: the n-th on one is
/// the n-th on the other.
#[derive(Debug, Default)]
pub(super) struct Twins {
    twins: Vec<Twin>,
    /// There were too many.
    is_full: bool,
}

impl Twins {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The connection beside hears the room from now on: what came earlier has no copy.
    pub(super) fn begin(&mut self, room: &RoomId, now: Timestamp) {
        let may_come = |twin: &Twin| twin.role == Role::Beside || now <= twin.at + SKEW;
        self.twins.retain(|twin| twin.room != *room || may_come(twin));
        self.is_full &= !self.twins.is_empty();
    }

    /// The connections change their places.
    pub(super) fn change_over(&mut self) {
        for twin in &mut self.twins {
            twin.role = match twin.role {
                Role::Present => Role::Beside,
                Role::Beside => Role::Present,
            };
        }
    }

    /// Whether the other connection has brought it already.
    pub(super) fn is_copy(&mut self, now: Timestamp, role: Role, event: &SessionEvent) -> bool {
        let (room, sender, text) = match event {
            SessionEvent::Message {
                room,
                incoming:
                    Incoming {
                        identity: Identity::Frame { connection: Some(_), sender, .. }, text, ..
                    },
            } => (room, Some(sender), text),
            SessionEvent::Notice { room, text } => (room, None, text),
            SessionEvent::Joined { room, .. } if role == Role::Beside => {
                self.begin(room, now);
                return false;
            }
            _ => return false,
        };
        let is_it = |twin: &Twin| {
            twin.role != role
                && twin.room == *room
                && twin.sender.as_ref() == sender
                && twin.text == *text
        };
        if let Some(index) = self.twins.iter().position(is_it) {
            self.twins.remove(index);
            return true;
        }
        self.is_full |= self.twins.len() >= MAX_TWINS;
        if self.is_full {
            return role == Role::Beside;
        }
        let (room, sender, text) = (room.clone(), sender.cloned(), text.clone());
        self.twins.push(Twin { room, sender, text, role, at: now });
        false
    }
}
