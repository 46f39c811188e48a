//! Texts that nobody but the backend may see.

use std::fmt;

/// A token, a secret access key, a session token: never empty, and legal in an HTTP header. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why a text can be no secret. Each reads on after the name of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing in it.
    #[error("is empty: give it, or answer `null` where nobody is signed in")]
    Empty,
    /// A character that a header cannot carry the same way everywhere.
    #[error(
        "has characters that no HTTP header carries: only visible ASCII and spaces inside are possible"
    )]
    Character,
}

impl Secret {
    /// Takes visible ASCII with spaces inside it: what fetch sends byte for byte (RFC 9110, section 5.5, without the
    /// obsolete part, which browsers encode in another way than WebSocket subprotocols).
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        let legal = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
            && !text.starts_with(' ')
            && !text.ends_with(' ');
        legal.then(|| Self(text.to_owned())).ok_or(SecretError::Character)
    }

    /// The text, for the wire only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The public half of AWS credentials, such as `ASIA…`.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKeyId(String);

/// A text is no access key id. It reads on after the name of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no access key id: it has 1 to 128 letters, digits and underscores")]
pub struct AccessKeyIdError;

impl AccessKeyId {
    /// Takes what the IAM API reference allows for `AccessKeyId`, short ones included.
    pub fn parse(text: &str) -> Result<Self, AccessKeyIdError> {
        let legal = (1..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        legal.then(|| Self(text.to_owned())).ok_or(AccessKeyIdError)
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKeyId(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_fits_into_a_header() {
        for legal in ["a", "Bearer abc.def", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "~!\"%"] {
            assert_eq!(Secret::parse(legal).unwrap().expose(), legal);
        }
        for wrong in [" ", "a ", " a", "a\nb", "a\tb", "\u{7f}", "tök", "\0"] {
            assert_eq!(Secret::parse(wrong), Err(SecretError::Character), "{wrong:?}");
        }
        assert_eq!(Secret::parse(""), Err(SecretError::Empty));
    }

    #[test]
    fn an_access_key_id_is_a_word() {
        assert_eq!(AccessKeyId::parse("AKIDEXAMPLE0000000AB").unwrap().as_str().len(), 20);
        for wrong in ["", "a/b", "a b", "a,b", &"A".repeat(129)] {
            assert_eq!(AccessKeyId::parse(wrong), Err(AccessKeyIdError), "{wrong}");
        }
    }
}
