//! People without a sign-in: their ids and the names they give themselves.

use sha2::{Digest, Sha256};
use unicode_segmentation::UnicodeSegmentation as _;

/// Hexadecimal digits of a guest id: 128 bits, as many as the key has.
const GUEST_ID_DIGITS: usize = 32;

/// Hexadecimal digits of a guest key: 128 random bits.
const GUEST_KEY_DIGITS: usize = 32;

/// Longest name that is shown.
const MAX_NAME_GRAPHEMES: usize = 64;

/// Longest name in bytes; a grapheme has no length limit of its own.
const MAX_NAME_BYTES: usize = 4_096;

/// The secret that a guest's client keeps. It is never stored, published or printed.
#[derive(Clone)]
pub(crate) struct GuestKey(String);

impl GuestKey {
    /// Reads 32 hexadecimal digits.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        let legal =
            key.len() == GUEST_KEY_DIGITS && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        legal.then(|| Self(key.to_ascii_lowercase()))
    }

    /// The id that is published for this key.
    pub(crate) fn guest_id(&self) -> String {
        format!("g-{}", digest(&self.0))
    }
}

impl std::fmt::Debug for GuestKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("GuestKey(…)")
    }
}

/// The id of somebody of whom nothing is known but a connection.
pub(crate) fn connection_guest_id(connection_id: &str) -> String {
    format!("c-{}", digest(connection_id))
}

/// A name as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DisplayName(String);

impl DisplayName {
    /// Trims a name, takes control and bidi characters out and cuts it at 64 graphemes. `None` if
    /// nothing is left.
    pub(crate) fn clean(name: &str) -> Option<Self> {
        let kept: String = name.chars().filter(|&character| !is_unwanted(character)).collect();
        let mut cleaned = String::new();
        for grapheme in kept.trim().graphemes(true).take(MAX_NAME_GRAPHEMES) {
            if cleaned.len() + grapheme.len() > MAX_NAME_BYTES {
                break;
            }
            cleaned.push_str(grapheme);
        }
        let cleaned = cleaned.trim_end();
        (!cleaned.is_empty()).then(|| Self(cleaned.to_owned()))
    }

    /// The name as text.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// Control characters, line breaks, and what turns the direction of the text after a name.
fn is_unwanted(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let mut digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.truncate(GUEST_ID_DIGITS);
    digits
}
