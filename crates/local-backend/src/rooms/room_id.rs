//! Names of rooms.

/// The room of a connection that names none.
const LOBBY: &str = "lobby";

/// Longest room id, in bytes of UTF-8, so that it fits a database key and an Events channel.
const MAX_ROOM_ID_BYTES: usize = 128;

/// Longest room id that the basic dialect can store: a DynamoDB partition key ends at 2,048 bytes
/// (Amazon DynamoDB developer guide, "Quotas").
const MAX_BASIC_ROOM_ID_BYTES: usize = 2_048;

/// The id of a room.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RoomId(String);

impl RoomId {
    /// The room that an absent or empty id means.
    pub(crate) fn lobby() -> Self {
        Self(LOBBY.to_owned())
    }

    /// A room id by the rules of the full dialect: 1–128 bytes without control characters, where
    /// nothing or an empty string is the lobby. `None` if it breaks them.
    pub(crate) fn parse(id: Option<&str>) -> Option<Self> {
        let id = id.unwrap_or_default();
        if id.is_empty() {
            return Some(Self::lobby());
        }
        let legal = id.len() <= MAX_ROOM_ID_BYTES && !id.chars().any(char::is_control);
        legal.then(|| Self(id.to_owned()))
    }

    /// A room id as the basic dialect takes it: whatever its table takes as a key.
    pub(crate) fn parse_basic(id: &str) -> Option<Self> {
        (!id.is_empty() && id.len() <= MAX_BASIC_ROOM_ID_BYTES).then(|| Self(id.to_owned()))
    }

    /// A room id that the store gave back.
    pub(crate) fn from_store(id: String) -> Self {
        Self(id)
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
