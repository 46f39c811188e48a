//! Identifiers, each a type of its own.

use std::fmt;

use serde::Serialize;

/// A room: 1–128 bytes of UTF-8 without control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct RoomId(String);

/// Why a text is no room id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoomIdError {
    /// More than [`RoomId::MAX_BYTES`].
    #[error("a room id has at most 128 bytes of UTF-8, this one has {0}: choose a shorter one")]
    TooLong(usize),
    /// A line break, a tab, or another control character.
    #[error("a room id has no control characters: take out line breaks and tabs")]
    ControlCharacter,
}

impl RoomId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 128;
    /// The room of those who name none.
    pub const LOBBY: &'static str = "lobby";

    /// Reads a room id; an empty one is `lobby`.
    pub fn parse(text: &str) -> Result<Self, RoomIdError> {
        if text.len() > Self::MAX_BYTES {
            return Err(RoomIdError::TooLong(text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(RoomIdError::ControlCharacter);
        }
        Ok(Self(if text.is_empty() { Self::LOBBY } else { text }.to_owned()))
    }

    /// The id as it goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RoomId {
    fn default() -> Self {
        Self(Self::LOBBY.to_owned())
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RoomId {
    type Error = RoomIdError;

    fn try_from(text: String) -> Result<Self, RoomIdError> {
        Self::parse(&text)
    }
}

impl From<RoomId> for String {
    fn from(room: RoomId) -> Self {
        room.0
    }
}

/// A message's id, given by the server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MessageId(pub(crate) String);

/// The sender's own id of a message, 128 random bits in hexadecimal: sends with it are idempotent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct ClientMessageId(pub(crate) String);

/// One attempt at a connection; never used twice by one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u32);

/// One HTTP request; never used twice by one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpRequestId(pub u32);

/// One question for credentials; never used twice by one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuestionId(pub u32);

/// One request to the device's storage; never used twice by one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StorageRequestId(pub u32);

/// One client among those of a device: 128 random bits in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId(pub String);

/// A row of a timeline. It stays the same from "sending" to "sent", and is never used twice by one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u64);

/// The secret of a guest: 128 random bits that the browser keeps for its origin.
#[derive(Clone, PartialEq, Eq)]
pub struct GuestKey(String);

impl GuestKey {
    /// Reads a key of 32 hexadecimal digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| Self(text.to_owned()))
    }

    /// The key, for the wire and for storage only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GuestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuestKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_id_has_1_to_128_bytes_without_control_characters() {
        assert_eq!(RoomId::parse("").unwrap().as_str(), "lobby");
        assert_eq!(RoomId::parse("김치 방/1").unwrap().as_str(), "김치 방/1");
        assert!(RoomId::parse(&"a".repeat(128)).is_ok());
        assert_eq!(RoomId::parse(&"a".repeat(129)), Err(RoomIdError::TooLong(129)));
        assert_eq!(RoomId::parse("a\nb"), Err(RoomIdError::ControlCharacter));
    }

    #[test]
    fn a_guest_key_is_not_printed() {
        let key = GuestKey::parse("0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(format!("{key:?}"), "GuestKey(…)");
        assert_eq!(GuestKey::parse("short"), None);
    }
}
