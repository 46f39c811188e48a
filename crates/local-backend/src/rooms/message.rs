//! A message and its place in its room.

use std::fmt;

/// Ids that one millisecond of one room can hold before the room's clock moves on by itself.
const MAX_SEQUENCE: u32 = 0xffff;

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) i64);

impl fmt::Display for Timestamp {
    /// ISO 8601 in UTC with milliseconds, for instance `2025-10-29T04:06:00.000Z`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::MAX);
        write!(formatter, "{instant:.3}")
    }
}

/// The id of a message: twelve hexadecimal digits of its time, four of its place in that
/// millisecond, sixteen random ones. As text it sorts in the order in which a room stored it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MessageId(String);

impl MessageId {
    fn new(created_at: Timestamp, sequence: u32, random: u64) -> Self {
        Self(format!("{:012x}-{sequence:04x}-{random:016x}", created_at.0.max(0)))
    }

    /// An id that came back from a store or from a client; it need not be one of ours.
    pub(crate) fn from_text(id: String) -> Self {
        Self(id)
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn sequence(&self) -> u32 {
        self.0.get(13..17).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0)
    }
}

/// What orders the messages of a room: the time, then the id, both compared as the text on the wire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OrderKey {
    pub(crate) created_at: Timestamp,
    pub(crate) id: MessageId,
}

impl OrderKey {
    /// The key of a message that is stored now, after `newest`. A clock that went back, or a full
    /// millisecond, never puts a message before one that the room already has.
    pub(crate) fn following(newest: Option<&Self>, now: Timestamp, random: u64) -> Self {
        let (created_at, sequence) = match newest {
            Some(newest) if newest.created_at >= now => {
                let sequence = newest.id.sequence() + 1;
                if sequence > MAX_SEQUENCE {
                    (Timestamp(newest.created_at.0 + 1), 0)
                } else {
                    (newest.created_at, sequence)
                }
            }
            Some(_) | None => (now, 0),
        };
        Self { created_at, id: MessageId::new(created_at, sequence, random) }
    }
}

/// Whether a sender is known by a sign-in or only by what it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SenderKind {
    /// Known by an identity that somebody vouches for.
    User,
    /// Known by a key of its own, or by nothing but its connection.
    Guest,
}

impl SenderKind {
    /// The word on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Guest => "guest",
        }
    }
}

/// Who sent a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sender {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) kind: SenderKind,
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) key: OrderKey,
    pub(crate) room: super::RoomId,
    pub(crate) text: String,
    pub(crate) client_message_id: Option<String>,
    pub(crate) sender: Sender,
    /// The connection it came from, on API Gateway.
    pub(crate) sender_connection_id: Option<String>,
}
