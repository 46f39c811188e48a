//! The namespaces of an Event API.

use serde::Serialize;

/// The namespace of an Event API that rooms are in; the first segment of their channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Namespace(String);

/// A text is no name of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of a namespace: 1 to 50 letters, digits and inner hyphens")]
pub struct NamespaceError;

impl Namespace {
    /// Reads a name: one segment of a channel.
    pub fn parse(text: &str) -> Result<Self, NamespaceError> {
        is_segment(text).then(|| Self(text.to_owned())).ok_or(NamespaceError)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The one that every Event API has from the start.
impl Default for Namespace {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl TryFrom<String> for Namespace {
    type Error = NamespaceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Namespace> for String {
    fn from(namespace: Namespace) -> Self {
        namespace.0
    }
}

/// A segment of a channel: 1 to 50 letters, digits and inner hyphens (Event API guide, "channel namespaces").
pub(crate) fn is_segment(text: &str) -> bool {
    (1..=50).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// What a namespace does with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamespaceKind {
    /// It passes on what the publisher wrote: who and when are claims.
    #[default]
    Raw,
    /// Its `onPublish` handler says who and when.
    Stamped,
}

impl NamespaceKind {
    /// Reads `raw` or `stamped`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "raw" => Some(Self::Raw),
            "stamped" => Some(Self::Stamped),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_a_segment() {
        for legal in ["default", "a", "Chat-2", &"a".repeat(50)] {
            assert_eq!(Namespace::parse(legal).unwrap().as_str(), legal);
        }
        for wrong in ["", "-a", "a-", "a_b", "a/b", "/chat", "챗", &"a".repeat(51)] {
            assert_eq!(Namespace::parse(wrong), Err(NamespaceError), "{wrong}");
        }
    }
}
