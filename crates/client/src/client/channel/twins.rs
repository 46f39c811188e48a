//! What two connections bring of the same, where nothing but its words tells.

use crate::backend::{Role, SessionEvent};
use crate::chat::ids::RoomId;
use crate::chat::message::{Identity, Incoming};

/// So many different ones are told apart; beyond, they are taken from the present connection only.
const MAX_TWINS: usize = 256;

#[derive(Debug)]
struct Twin {
    room: RoomId,
    sender: Option<String>,
    text: String,
    present: u32,
    beside: u32,
    shown: u32,
}

/// Messages without a time and frames that are no message, since two connections of a room are open: the n-th on one is
/// the n-th on the other.
#[derive(Debug, Default)]
pub(super) struct Twins(Vec<Twin>);

impl Twins {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The connections change their places.
    pub(super) fn change_over(&mut self) {
        for twin in &mut self.0 {
            std::mem::swap(&mut twin.present, &mut twin.beside);
        }
    }

    /// Whether the other connection has brought it already.
    pub(super) fn is_copy(&mut self, role: Role, event: &SessionEvent) -> bool {
        let (room, sender, text) = match event {
            SessionEvent::Message {
                room,
                incoming:
                    Incoming {
                        identity: Identity::Frame { connection: Some(_), sender, .. }, text, ..
                    },
            } => (room, Some(sender), text),
            SessionEvent::Notice { room, text } => (room, None, text),
            _ => return false,
        };
        let is_it = |twin: &Twin| {
            twin.room == *room && twin.sender.as_ref() == sender && twin.text == *text
        };
        let index = self.0.iter().position(is_it).unwrap_or(self.0.len());
        if index >= MAX_TWINS {
            return role == Role::Beside;
        }
        if index == self.0.len() {
            let (room, sender, text) = (room.clone(), sender.cloned(), text.clone());
            self.0.push(Twin { room, sender, text, present: 0, beside: 0, shown: 0 });
        }
        let Some(twin) = self.0.get_mut(index) else { return false };
        let count = match role {
            Role::Present => &mut twin.present,
            Role::Beside => &mut twin.beside,
        };
        *count += 1;
        let is_copy = *count <= twin.shown;
        twin.shown = twin.shown.max(*count);
        is_copy
    }
}
