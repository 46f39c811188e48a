//! Frames that the gateway itself sends, whatever is behind it.

use serde::Serialize;

use super::connection::{Connection, opaque_id};

/// Why the gateway answers in place of a route. The first two are known from the service, the third
/// from emulators of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GatewayError {
    /// No route matches and there is no `$default`.
    Forbidden,
    /// The integration failed.
    InternalServerError,
    /// The client sends too fast.
    TooManyRequests,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorFrame<'a> {
    message: &'static str,
    connection_id: &'a str,
    request_id: String,
}

impl GatewayError {
    /// The frame: an object of exactly `message`, `connectionId` and `requestId`.
    pub(super) fn frame(self, connection: &Connection) -> String {
        let message = match self {
            Self::Forbidden => "Forbidden",
            Self::InternalServerError => "Internal server error",
            Self::TooManyRequests => "Too Many Requests",
        };
        let connection_id = connection.id.as_str();
        to_json(&ErrorFrame { message, connection_id, request_id: opaque_id() })
    }
}

/// Serialises a frame of ours.
pub(super) fn to_json(frame: &impl Serialize) -> String {
    // Frames are structs of strings and numbers, for which serialising has no way to fail.
    serde_json::to_string(frame).unwrap_or_default()
}
