//! The segment of a channel that stands for a room (`docs/contract.md`, "Rooms").

use data_encoding::BASE32_NOPAD;
use sha2::{Digest as _, Sha256};

use super::channel::{MAX_SEGMENT_CHARACTERS, is_segment};
use crate::rooms::RoomId;

/// Before a room id in base32.
const ENCODED: &str = "x-";

/// Before the hash of a room id in base32.
const HASHED: &str = "h-";

/// Bytes of the hash: 45 characters of base32, which fit a segment.
const HASH_BYTES: usize = 28;

/// What a segment says of its room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SegmentRoom {
    /// This room.
    Known(RoomId),
    /// The room with this hash, whichever it is.
    Hashed,
    /// No room has this segment.
    None,
}

/// The segment of a room: its id where that can be one; else the id in base32 where that fits; else
/// a hash of it.
pub(super) fn segment_of(room: &RoomId) -> String {
    let id = room.as_str();
    if is_segment(id) && !id.starts_with(ENCODED) && !id.starts_with(HASHED) {
        return id.to_owned();
    }
    let encoded = format!("{ENCODED}{}", base32(id.as_bytes()));
    if encoded.len() <= MAX_SEGMENT_CHARACTERS {
        return encoded;
    }
    let hash = Sha256::digest(id.as_bytes());
    format!("{HASHED}{}", base32(hash.get(..HASH_BYTES).unwrap_or_default()))
}

/// The room that a segment stands for. A room has one segment; every other spelling of it is none.
pub(super) fn room_of(segment: &str) -> SegmentRoom {
    if let Some(hash) = segment.strip_prefix(HASHED) {
        let is_hash = decode(hash).is_some_and(|bytes| bytes.len() == HASH_BYTES);
        return if is_hash { SegmentRoom::Hashed } else { SegmentRoom::None };
    }
    let id = match segment.strip_prefix(ENCODED) {
        None => Some(segment.to_owned()),
        Some(encoded) => decode(encoded).and_then(|bytes| String::from_utf8(bytes).ok()),
    };
    let room = id.filter(|id| !id.is_empty()).and_then(|id| RoomId::parse(Some(&id)));
    match room {
        Some(room) if segment_of(&room) == segment => SegmentRoom::Known(room),
        Some(_) | None => SegmentRoom::None,
    }
}

fn base32(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(id: &str) -> RoomId {
        RoomId::parse(Some(id)).unwrap()
    }

    #[test]
    fn rooms_have_one_segment_each() {
        let thirty = "ü".repeat(15);
        for (id, segment) in [
            ("lobby", "lobby"),
            ("Team-7", "Team-7"),
            ("team 7", "x-orswc3jag4"),
            ("x-1", "x-pawtc"),
            ("h-1", "x-nawtc"),
            ("-a", "x-fvqq"),
            ("é", "x-youq"),
        ] {
            assert_eq!(segment_of(&room(id)), segment, "{id}");
            assert_eq!(room_of(segment), SegmentRoom::Known(room(id)), "{segment}");
        }
        assert_eq!(segment_of(&room(&thirty)).len(), MAX_SEGMENT_CHARACTERS);
        let hashed = segment_of(&room(&"é".repeat(16)));
        assert!(hashed.starts_with(HASHED) && is_segment(&hashed), "{hashed}");
        assert_eq!(room_of(&hashed), SegmentRoom::Hashed);
        assert!(segment_of(&room(&"a".repeat(51))).starts_with(HASHED));
    }

    #[test]
    fn the_hash_is_the_first_28_bytes_of_sha_256() {
        // printf 'a%.0s' {1..64} | openssl dgst -sha256 -binary | head -c 28 | base32
        let segment = segment_of(&room(&"a".repeat(64)));
        assert_eq!(segment, "h-77qfj7t24dfw3rs4hl43mhksbh2dtbi5wq6qxjmzom356");
    }

    #[test]
    fn other_spellings_of_a_room_are_none() {
        for segment in [
            // "lobby", which needs no encoding.
            "x-nrxwey3z",
            "x-",
            "x-0189",
            "x-PAWTC",
            // Ends in the middle of a byte.
            "x-paw",
            "h-abc",
            // A control character.
            "x-aa",
        ] {
            assert_eq!(room_of(segment), SegmentRoom::None, "{segment}");
        }
    }
}
