//! One connection of one backend, from open to closed, as a machine.
//!
//! A session turns the frames of its backend into the common language below and back, so that nothing above it
//! knows which backend it talks to.

pub(crate) mod api_gateway;

use std::time::Duration;

use crate::chat::ids::{ClientMessageId, RoomId};
use crate::chat::message::{FailReason, Incoming};
use crate::chat::timeline::OrderKey;

/// How long a send may go unanswered.
pub(crate) const SEND_DEADLINE: Duration = Duration::from_secs(15);

/// What a session says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SessionEvent {
    /// The room is joined: sends may go, and what others write arrives.
    Joined { room: RoomId, history: bool },
    /// The backend has said which sender id is ours.
    Introduced { sender_id: String },
    /// A message, live.
    Message { room: RoomId, incoming: Incoming },
    /// A frame that is no message, as it came.
    Notice { room: RoomId, text: String },
    /// The backend has a send of ours; `key` is its place where the backend said so.
    Settled { room: RoomId, id: ClientMessageId, key: Option<OrderKey> },
    /// A send of ours did not get through.
    Unsettled { room: RoomId, id: ClientMessageId, outcome: Outcome },
    /// A page of history.
    History { request: RequestId, page: Page },
    /// A page of history could not be had.
    HistoryRefused { request: RequestId, retry: Retry },
    /// The room may not be entered, or does not exist.
    RoomRefused { room: RoomId, reason: FailReason },
    /// The whole connection must pause.
    Throttled { pause: Duration },
    /// The connection is of no more use: a reply that it owes did not come.
    Silent,
}

/// How a send ended that was not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Refused before anything ran.
    Refused(FailReason),
    /// Nothing ran, or sending it again does no harm: to be sent again after the pause.
    Again { pause: Duration },
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
