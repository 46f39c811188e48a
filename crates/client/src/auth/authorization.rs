//! The auth object of AppSync's WebSocket protocols.

use std::fmt;

use serde::{Serialize, Serializer};

/// A JSON object of names and values, in the order in which AWS's documentation writes them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Authorization(Vec<(&'static str, String)>);

impl Authorization {
    pub(super) fn new(fields: impl Into<Vec<(&'static str, String)>>) -> Self {
        Self(fields.into())
    }

    /// The object as compact JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Authorization {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(…)")
    }
}
