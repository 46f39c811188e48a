//! The channels of rooms.

use data_encoding::BASE32_NOPAD;

use crate::auth::sha256;
use crate::chat::ids::RoomId;
use crate::config::is_segment;

/// The longest segment of a channel, in characters (Event API guide, "channel namespaces").
const MAX_SEGMENT: usize = 50;

/// The bytes of a hash that a segment has room for.
const HASH_BYTES: usize = 28;

/// The segment of a room's channel, the same in every client. It is the room's id where that is legal; else `x-` and
/// the id in base32; else `h-` and a hash of it. Ids that begin with `x-` or `h-` are encoded, so two rooms never
/// share a channel.
pub(crate) fn channel_segment(room: &RoomId) -> String {
    let id = room.as_str();
    if is_segment(id) && !id.starts_with("x-") && !id.starts_with("h-") {
        return id.to_owned();
    }
    let encoded = format!("x-{}", base32(id.as_bytes()));
    if encoded.len() <= MAX_SEGMENT {
        return encoded;
    }
    let hash = sha256(id.as_bytes());
    format!("h-{}", base32(hash.get(..HASH_BYTES).unwrap_or(&hash)))
}

fn base32(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(id: &str) -> String {
        channel_segment(&RoomId::parse(id).unwrap())
    }

    #[test]
    fn a_legal_id_is_its_own_segment() {
        for id in ["lobby", "123", "X-1", "a-b", "xa", &"a".repeat(50)] {
            assert_eq!(segment(id), id);
        }
    }

    #[test]
    fn other_ids_are_encoded_or_hashed() {
        // Computed with Python's base64 and hashlib.
        for (id, expected) in [
            ("김치 방/1", "x-5k4yb3fztaqoxmfjf4yq"),
            ("x-1", "x-pawtc"),
            ("h-1", "x-nawtc"),
            ("a_b", "x-mfpwe"),
            ("-", "x-fu"),
            (
                "abcdefghijklmnopqrstuvwxyz0123456789-_",
                "h-2imyupakazo5edpupfzn76cq6la5sjw5s7nouqexxbsq2",
            ),
        ] {
            assert_eq!(segment(id), expected);
        }
        assert!(segment(&"é".repeat(15)).starts_with("x-"));
        assert!(segment(&"é".repeat(16)).starts_with("h-"));
    }

    proptest! {
        #[test]
        fn every_room_has_a_legal_segment(id in "[^\\p{Cc}]{1,32}") {
            let segment = segment(&id);
            prop_assert!(is_segment(&segment), "{segment}");
            if let Some(encoded) = segment.strip_prefix("x-") {
                let bytes = BASE32_NOPAD.decode(encoded.to_ascii_uppercase().as_bytes()).unwrap();
                prop_assert_eq!(bytes, id.as_bytes());
            } else if !segment.starts_with("h-") {
                prop_assert_eq!(segment, id);
            }
        }

        #[test]
        fn two_rooms_have_two_channels(one in "(x-|h-)?[a-b_é]{1,40}", other in "(x-|h-)?[a-b_é]{1,40}") {
            prop_assume!(one != other);
            prop_assert_ne!(segment(&one), segment(&other));
        }
    }
}
