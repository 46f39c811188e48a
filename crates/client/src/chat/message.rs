//! What a row of a timeline shows, and what the wire says of a message.

use super::ids::{ClientMessageId, ConnectionId, MessageId, RowId};
use super::timeline::OrderKey;
use crate::time::WallClock;

/// One row of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Stays the same for as long as the row lives.
    pub id: RowId,
    /// What the row shows.
    pub content: RowContent,
}

impl Row {
    /// The message, where the row is one.
    pub fn message(&self) -> Option<&Message> {
        match &self.content {
            RowContent::Message(message) => Some(message),
            RowContent::Notice(_) | RowContent::Hole | RowContent::Interruption => None,
        }
    }
}

/// What a row shows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowContent {
    /// Somebody's message.
    Message(Message),
    /// A frame that is no message, as it came. Plain text, never markup.
    Notice(String),
    /// Messages are missing here that are being fetched.
    Hole,
    /// The connection was interrupted where there is no history: messages may be missing here.
    Interruption,
}

/// A message as a row shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who wrote it.
    pub author: Author,
    /// What they wrote. Plain text, never markup.
    pub text: String,
    /// When: the server's time; the device's own until the server has one.
    pub time: Option<WallClock>,
    /// How far it has come.
    pub delivery: Delivery,
}

impl Message {
    /// Whether the person of this widget wrote it.
    pub fn is_own(&self) -> bool {
        self.author == Author::Me
    }
}

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Author {
    /// The person of this widget.
    Me,
    /// Somebody else.
    Other {
        /// The same for all messages of one person; empty where the backend says nothing.
        id: String,
        /// Their display name, where they have one.
        name: Option<String>,
        /// How far one may believe that.
        standing: Standing,
    },
}

/// How far one may believe who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Signed in: the backend vouches for who they are.
    User,
    /// Not signed in; but the same id is the same guest.
    Guest,
    /// The backend says nothing: name and id are what the sender claims.
    Unverified,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// Waits for its turn or for a connection.
    Queued,
    /// Handed to the connection; no answer yet.
    Sending,
    /// The backend has it. So have all messages of others.
    Sent,
    /// It may or may not have reached some. Only the person decides whether to try again.
    NotConfirmed,
    /// It was refused before anything ran.
    Failed(FailReason),
}

/// Why a message of one's own waits for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    NotConfirmed,
    Failed(FailReason),
}

impl From<Halt> for Delivery {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::NotConfirmed => Self::NotConfirmed,
            Halt::Failed(reason) => Self::Failed(reason),
        }
    }
}

/// Why a message failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailReason {
    /// The backend could not read the request.
    BadRequest,
    /// The page's security policy (CSP, `connect-src`) does not allow the backend's address.
    BlockedByPage,
    /// The same id was used with another text.
    Conflict,
    /// It was written so long ago that it is not sent by itself any more.
    Expired,
    /// This person may not write in this room, or there is no such room.
    Forbidden,
    /// The key that is built in is wrong or has expired; nobody can sign in again.
    Misconfigured,
    /// The backend's own code has refused it or failed, and says no more than that.
    Refused,
    /// Longer than the backend takes.
    TooLarge,
    /// Sign-in is needed.
    Unauthorized,
}

/// A message as a backend session read it off the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) identity: Identity,
    /// ISO 8601, empty where the wire had none.
    pub(crate) created_at: String,
    pub(crate) text: String,
    pub(crate) client_message_id: Option<ClientMessageId>,
    pub(crate) sender: Sender,
}

impl Incoming {
    /// Who sent it and what they called it, where the backend vouches for the sender: a backend without a memory gives
    /// each delivery of the same message an id of its own.
    pub(crate) fn origin(&self) -> Option<Origin> {
        let sender = self.sender.verified()?.to_owned();
        let send = self.client_message_id.clone()?;
        Some(Origin { sender, send })
    }

    /// The server's place for the message, where it has one.
    pub(crate) fn order_key(&self) -> Option<OrderKey> {
        match &self.identity {
            Identity::Server(id) => {
                Some(OrderKey { created_at: self.created_at.clone(), id: id.clone() })
            }
            Identity::Frame { .. } => None,
        }
    }
}

/// What makes two deliveries the same message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identity {
    /// The server's id; then order is (`createdAt`, id) as text.
    Server(MessageId),
    /// No id on the wire: equal frames on different sockets are one message, the n-th on each.
    Frame {
        /// Set where the frame has no time: then only frames of one connection can be compared.
        connection: Option<ConnectionId>,
        sender: String,
        created_at: String,
        text: String,
        occurrence: u32,
    },
}

/// What makes two messages with different ids, but the same text, the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    sender: String,
    send: ClientMessageId,
}

/// Who sent a message, as far as the session can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sender {
    /// This client, over this very connection.
    Me,
    /// Somebody: whether it is the person of this widget is decided by their id.
    Person { id: String, name: Option<String>, standing: Standing },
}

impl Sender {
    /// The sender's id, where the backend vouches for it.
    pub(crate) fn verified(&self) -> Option<&str> {
        match self {
            Self::Person { id, standing: Standing::User | Standing::Guest, .. } => Some(id),
            Self::Me | Self::Person { .. } => None,
        }
    }
}
