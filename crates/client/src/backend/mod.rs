//! What a backend says and hears, as machines: one session for each way to a backend.
//!
//! While one connection takes the place of another there are two of them, each with a [`Role`]. A session turns the frames of its backend into the common language below and back, so that nothing above it
//! knows which backend it talks to. On API Gateway a session lives as long as its connection. On AppSync, where
//! requests travel beside the connection, it outlives connections.

pub(crate) mod api_gateway;
mod appsync;
mod appsync_events;
mod appsync_graphql;
mod session;

use std::time::Duration;

use crate::chat::ids::{ClientMessageId, HttpRequestId, RoomId};
use crate::chat::message::{FailReason, Incoming};
use crate::chat::timeline::OrderKey;
use crate::time::WallClock;
pub(crate) use session::Session;

/// How long a send may go unanswered.
pub(crate) const SEND_DEADLINE: Duration = Duration::from_secs(15);

/// Which connection of a way to a backend. There is one in use, and for a while one beside it: first the one that is to
/// take its place, then the one whose place it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Present,
    Beside,
}

/// What a session says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionEvent {
    /// The room is joined: sends may go, and what others write arrives.
    Joined { room: RoomId, history: bool },
    /// The room is joined no more, though the connection lives; the session joins it again.
    Left { room: RoomId },
    /// The backend has said which sender id is ours.
    Introduced { sender_id: String, is_user: bool },
    /// A message, live.
    Message { room: RoomId, incoming: Incoming },
    /// A frame that is no message, as it came.
    Notice { room: RoomId, text: String },
    /// The backend says that it could not deliver something.
    Missed { room: RoomId },
    /// The backend has a send of ours; `key` is its place where the backend said so.
    Settled { room: RoomId, id: ClientMessageId, key: Option<OrderKey> },
    /// A send of ours did not get through.
    Unsettled { room: RoomId, id: ClientMessageId, outcome: Outcome },
    /// A page of history.
    History { room: RoomId, request: RequestId, page: Page },
    /// A page of history could not be had.
    HistoryRefused { room: RoomId, request: RequestId, retry: Retry },
    /// The room may not be entered, or does not exist.
    RoomRefused { room: RoomId, reason: FailReason },
    /// Another connection is the present one now. These rooms are joined on it, and have a history or not; with a `gap`
    /// something may have been missed in them.
    Rotated { rooms: Vec<(RoomId, bool)>, gap: bool },
    /// The whole connection must pause.
    Throttled { pause: Duration },
    /// The connection is of no more use: a reply that it owes did not come.
    Silent,
    /// The backend has done something that it does only for good credentials.
    Accepted,
    /// The backend may be silent for so long, and no longer.
    KeepsAlive { timeout: Duration },
    /// The credentials of an operation, of this generation, were refused or have expired: it waits for new ones.
    RenewCredentials { generation: u32 },
    /// A signature was refused for its time; `server` is the time that the backend says it has.
    ClockWrong { server: WallClock },
    /// The backend wants nothing to do with the connection, which it will close.
    TurnedAway(TurnedAway),
}

/// Why a backend refuses a whole connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    /// The credentials are refused or have expired.
    Credentials,
    /// The signature is wrong, perhaps because the clock is; `server` is the time that the backend says it has.
    Signature { server: Option<WallClock> },
    /// There is no such API, or it cannot read us: trying again is of no use.
    Misconfigured,
    /// Too many requests.
    Throttled,
}

/// A request to post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) request: HttpRequestId,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What a session wants done beside its frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Http {
    Post(Posting),
    Cancel(HttpRequestId),
}

/// How a send ended that was not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Refused before anything ran.
    Refused(FailReason),
    /// Nothing ran, or sending it again does no harm: to be sent again after the pause.
    Again { pause: Duration },
    /// The API's own code has refused it or failed, in words of its own, and sending it again does no harm: to be sent
    /// again after the pause, but not for ever.
    Rejected { pause: Duration },
    /// It may have reached some; only the person decides.
    NotConfirmed,
}

/// Whether the same request may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    After(Duration),
    Never,
}

/// Names a request of history on its connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestId(pub(crate) String);

/// Messages of history, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) messages: Vec<Incoming>,
    /// Where the next page begins; `None` at the end.
    pub(crate) next: Option<Cursor>,
}

/// An opaque place in the history; a message id is one too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor(pub(crate) String);

/// A request for the newest page, or for the one before a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HistoryRequest {
    pub(crate) request: RequestId,
    pub(crate) room: RoomId,
    pub(crate) before: Option<Cursor>,
    pub(crate) limit: u8,
}
