//! What a person's tabs say to each other.

use serde::{Deserialize, Serialize};

use super::record::{Delivered, Record, Shelf};
use crate::chat::ids::{ClientMessageId, RoomId, TabId};
use crate::chat::reading::ReadMark;
use crate::time::WallClock;

/// Something that a tab lets the others hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TabNews {
    /// The person has changed what they have not sent yet.
    Draft { room: RoomId, text: String },
    /// The person has read on.
    Read { room: RoomId, mark: ReadMark },
    /// This tab has unsent messages on the disk: when it is gone, they need somebody.
    HoldsUnsent { tab: TabId },
    /// This message is one's own, whoever hears it first.
    Sends(Delivered),
    /// The person has signed out.
    SignedOut,
}

/// The same on the wire: records where there are such.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Wire {
    Draft { name: String, value: String },
    Read { name: String, value: String },
    HoldsUnsent { tab: String },
    Sends { name: String, value: String },
    SignedOut,
}

impl TabNews {
    pub(crate) fn to_json(&self) -> String {
        let wire = match self {
            Self::Draft { room, text } => {
                let Record { name, value, .. } = Record::draft(room, text);
                Wire::Draft { name, value }
            }
            Self::Read { room, mark } => {
                let Record { name, value, .. } = Record::read_mark(room, mark);
                Wire::Read { name, value }
            }
            Self::HoldsUnsent { tab } => Wire::HoldsUnsent { tab: tab.0.clone() },
            Self::Sends(sent) => {
                let Record { name, value, .. } = Record::sent(sent);
                Wire::Sends { name, value }
            }
            Self::SignedOut => Wire::SignedOut,
        };
        // Strings can always be written as JSON.
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// `None` for what no client has said.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        let record = |shelf, name, value| Record { shelf, name, value };
        Some(match serde_json::from_str::<Wire>(json).ok()? {
            Wire::Draft { name, value } => {
                let (room, text) = record(Shelf::Draft, name, value).to_draft()?;
                Self::Draft { room, text }
            }
            Wire::Read { name, value } => {
                let (room, mark) = record(Shelf::Read, name, value).to_read_mark()?;
                Self::Read { room, mark }
            }
            Wire::HoldsUnsent { tab } => Self::HoldsUnsent { tab: TabId(tab) },
            Wire::Sends { name, value } => {
                Self::Sends(record(Shelf::Sent, name, value).to_delivered()?)
            }
            Wire::SignedOut => Self::SignedOut,
        })
    }

    /// The news of a message that is about to be sent.
    pub(crate) fn sends(id: &ClientMessageId, digest: [u8; 32], at: WallClock) -> Self {
        Self::Sends(Delivered { id: id.clone(), digest, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ids::MessageId;
    use crate::chat::timeline::OrderKey;

    #[test]
    fn what_is_said_is_heard() {
        let room = RoomId::parse("김치 방").unwrap();
        let key = OrderKey {
            created_at: "2025-01-01T00:00:00.000Z".into(),
            id: MessageId("m\"1".into()),
        };
        let mark = ReadMark { key: Some(key), arrived: Some(WallClock(-5)), row: None };
        for news in [
            TabNews::Draft { room: room.clone(), text: "half a\nword".into() },
            TabNews::Read { room: room.clone(), mark },
            TabNews::Read { room, mark: ReadMark::default() },
            TabNews::HoldsUnsent { tab: TabId("ab".into()) },
            TabNews::sends(&ClientMessageId("c1".into()), [7; 32], WallClock(1)),
            TabNews::SignedOut,
        ] {
            assert_eq!(TabNews::parse(&news.to_json()), Some(news));
        }
    }

    #[test]
    fn what_nobody_has_said_is_not_heard() {
        for wild in ["", "null", "{}", r#"{"type":"read","name":"r","value":"["}"#, "[1]"] {
            assert_eq!(TabNews::parse(wild), None, "{wild}");
        }
    }
}
