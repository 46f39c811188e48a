//! What a person's tabs say to each other.

use serde_json::json;

use super::record::{Delivered, Record, Shelf};
use crate::chat::ids::{ClientMessageId, RoomId, TabId};
use crate::chat::reading::ReadMark;
use crate::object::Object;
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
    /// What lay on the shelf of a tab lies on another one's now.
    Takes { from: TabId },
    /// This message is one's own, whoever hears it first.
    Sends(Delivered),
    /// The person has signed out.
    SignedOut,
}

impl TabNews {
    pub(crate) fn to_json(&self) -> String {
        let (kind, record) = match self {
            Self::Draft { room, text } => ("draft", Record::draft(room, text)),
            Self::Read { room, mark } => ("read", Record::read_mark(room, mark)),
            Self::Sends(sent) => ("sends", Record::sent(sent)),
            Self::HoldsUnsent { tab } => {
                return json!({ "type": "holdsUnsent", "tab": tab.0 }).to_string();
            }
            Self::Takes { from } => return json!({ "type": "takes", "tab": from.0 }).to_string(),
            Self::SignedOut => return json!({ "type": "signedOut" }).to_string(),
        };
        json!({ "type": kind, "name": record.name, "value": record.value }).to_string()
    }

    /// `None` for what no client has said.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        let mut fields = Object::parse(json)?;
        let kind = fields.text("type")?;
        let mut record = |shelf| {
            let (name, value) = (fields.text("name")?, fields.text("value")?);
            Some(Record { shelf, name, value })
        };
        Some(match kind.as_str() {
            "draft" => {
                let (room, text) = record(Shelf::Draft)?.to_draft()?;
                Self::Draft { room, text }
            }
            "read" => {
                let (room, mark) = record(Shelf::Read)?.to_read_mark()?;
                Self::Read { room, mark }
            }
            "sends" => Self::Sends(record(Shelf::Sent)?.to_delivered()?),
            "holdsUnsent" => Self::HoldsUnsent { tab: TabId(fields.text("tab")?) },
            "takes" => Self::Takes { from: TabId(fields.text("tab")?) },
            "signedOut" => Self::SignedOut,
            _ => return None,
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
            TabNews::Takes { from: TabId("ab".into()) },
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
