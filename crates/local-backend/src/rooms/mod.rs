//! The room service: what a room is, whatever protocol a person speaks and wherever messages are kept.
//!
//! Nothing in here knows a wire format or a database. Messages reach a store through [`RoomStore`];
//! the time is an argument. That is what lets the same rules run over another store later.

mod guest;
mod history;
mod members;
mod message;
mod room_id;
mod sending;
#[cfg(test)]
mod tests;

pub(crate) use guest::{DisplayName, GuestKey, connection_guest_id};
pub(crate) use history::{
    Cursor, DEFAULT_PAGE_MESSAGES, HistoryError, MAX_PAGE_MESSAGES, Page, PageRequest, Position,
    read_page,
};
pub(crate) use members::Members;
pub(crate) use message::{Message, MessageId, OrderKey, Sender, SenderKind, Timestamp};
pub(crate) use room_id::RoomId;
pub(crate) use sending::{NewMessage, SendError, Sent, send};

use std::ops::ControlFlow;

/// A store that could not answer; its words go to the operator's terminal, never to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreError(pub(crate) String);

impl std::fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the message store failed: {}", self.0)
    }
}

impl std::error::Error for StoreError {}

/// Which part of a room's messages to walk, and in which direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Walk {
    /// From the newest message backwards.
    FromNewest,
    /// From the message just before this key backwards.
    Before(OrderKey),
    /// From the message just after this key forwards.
    After(OrderKey),
}

/// Where messages are kept. One caller at a time: the caller runs each rule in one transaction, and
/// tells nobody of an outcome before that transaction is durable.
pub(crate) trait RoomStore {
    /// The message that was sent to `room` with this client message id.
    fn find_by_client_message_id(
        &mut self,
        room: &RoomId,
        client_message_id: &str,
    ) -> Result<Option<Message>, StoreError>;

    /// The order key of the message with this id, if it is in `room`.
    fn find_order_key(
        &mut self,
        room: &RoomId,
        id: &MessageId,
    ) -> Result<Option<OrderKey>, StoreError>;

    /// The order key of the newest message of `room`.
    fn newest(&mut self, room: &RoomId) -> Result<Option<OrderKey>, StoreError>;

    /// Keeps a message. Its order key is above every other of its room.
    fn insert(&mut self, message: &Message) -> Result<(), StoreError>;

    /// Shows messages of `room` one by one, in the order of `walk`, until there are none left or
    /// `visit` breaks.
    fn walk(
        &mut self,
        room: &RoomId,
        walk: &Walk,
        visit: &mut dyn FnMut(Message) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;
}
