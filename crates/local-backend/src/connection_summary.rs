//! Open connections as tests see them, and what tests do to all of them.

use serde::Serialize;

use crate::rooms::RoomId;
use crate::served_path::ServedPath;

/// What `/__local/connections` says of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionSummary {
    /// Its id.
    pub connection_id: String,
    /// The path of its protocol: `/prod`, `/basic`, `/graphql`, `/basic/graphql` or `/event`.
    pub path: &'static str,
    /// The rooms it is in.
    pub rooms: Vec<String>,
    /// Whether it has said `hello`, or had its `connection_init` acknowledged.
    pub hello: bool,
    /// The sender id that its messages carry; on AppSync, who connected.
    pub sender_id: String,
    /// Frames that were queued for it.
    pub frames_out: u64,
    /// Text frames that came from it.
    pub frames_in: u64,
}

/// The open connections of a protocol.
pub(crate) trait Sockets: Send + Sync {
    /// Closes all of them and says how many there were.
    fn close_all(&self, code: u16, reason: &str) -> usize;

    /// Lets those of a path die silently.
    fn silence(&self, path: ServedPath);

    /// Sends a text as it is to those that listen to a room, and says to how many.
    fn send_raw(&self, room: &RoomId, text: &str) -> usize;

    /// What there is to know of them.
    fn connections(&self) -> Vec<ConnectionSummary>;
}
