//! The namespaces of this server (`docs/contract.md`, section 3).

/// A channel namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    /// `default`, which has no handlers: an event arrives as it was published, byte for byte.
    Raw,
    /// `chat`, whose `onPublish` stamps events and whose channels are rooms.
    Stamped,
}

/// The name of the stamped namespace.
pub(super) const STAMPED: &str = "chat";

impl Namespace {
    /// The namespace of this name; there are no others.
    pub(super) fn find(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Self::Raw),
            STAMPED => Some(Self::Stamped),
            _ => None,
        }
    }
}
