//! A disk that does what it likes, and records that other tabs have written.

use arbitrary::Arbitrary;
use roomlet_client::{Input, Record, Shelf, StorageAnswer, TabId};
use serde_json::json;

use super::Room;
use crate::device::Device;

#[derive(Debug, Clone, Copy, Arbitrary)]
pub(super) enum DiskReply {
    Right,
    Everything,
    Stored,
    Missing,
    Nothing,
    Failed,
}

#[derive(Debug, Arbitrary)]
pub(super) struct Planted {
    shelf: u8,
    room: Room,
    number: u8,
    tried: bool,
    age: u32,
}

impl DiskReply {
    pub(super) fn apply(self, device: &mut Device) {
        let wrong = match self {
            Self::Right => None,
            Self::Everything => return device.run_disk(),
            Self::Stored => Some(StorageAnswer::Stored),
            Self::Missing => Some(StorageAnswer::Missing),
            Self::Nothing => Some(StorageAnswer::Adopted(Vec::new())),
            Self::Failed => Some(StorageAnswer::Failed),
        };
        let answered = match wrong {
            None => device.disk.answer(),
            Some(wrong) => device.disk.answer_with(wrong),
        };
        if let Some((request, answer)) = answered {
            device.feed(Input::StorageAnswered { request, answer });
        }
    }
}

impl Planted {
    pub(super) fn record(&self, wall: i64) -> Record {
        let (room, number) = (self.room.id(), self.number);
        let at = wall.saturating_sub(i64::from(self.age) * 1_000);
        let (shelf, name, value) = match self.shelf % 4 {
            0 => (
                Shelf::Unsent(TabId(format!("tab {}", number % 3))),
                format!("send {number}"),
                json!({"roomId": room.as_str(), "text": format!("words {number}"), "written": at,
                    "number": number, "tried": self.tried}),
            ),
            1 => (Shelf::Draft, room.to_string(), json!(format!("draft {number}"))),
            2 => (
                Shelf::Read,
                room.to_string(),
                json!({"createdAt": "2025-10-29T04:06:00.000Z", "id": format!("m{number}"), "arrived": at}),
            ),
            _ => (
                Shelf::Sent,
                format!("send {number}"),
                json!({"digest": format!("{number:064x}"), "at": at}),
            ),
        };
        Record { shelf, name, value: value.to_string() }
    }
}
