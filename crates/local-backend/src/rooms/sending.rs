//! Sending a message, at most once per client message id.

use super::{Message, OrderKey, RoomId, RoomStore, Sender, StoreError, Timestamp};

/// A message that somebody wants to send.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    pub(crate) room: RoomId,
    pub(crate) text: String,
    pub(crate) client_message_id: Option<String>,
    pub(crate) sender: Sender,
    pub(crate) sender_connection_id: Option<String>,
}

/// What became of a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is stored now and has to be delivered.
    Stored(Message),
    /// It was stored before; this is the first one. Nothing is stored or delivered.
    Repeated(Message),
}

/// Why a send was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendError {
    /// The client message id belongs to a message with another text or of another sender.
    Conflict,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for SendError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Stores a message, or finds the one that the same send stored before.
pub(crate) fn send(
    store: &mut dyn RoomStore,
    now: Timestamp,
    random: u64,
    new: NewMessage,
) -> Result<Sent, SendError> {
    if let Some(client_message_id) = &new.client_message_id
        && let Some(first) = store.find_by_client_message_id(&new.room, client_message_id)?
    {
        let same = first.text == new.text && first.sender.id == new.sender.id;
        return if same { Ok(Sent::Repeated(first)) } else { Err(SendError::Conflict) };
    }
    let newest = store.newest(&new.room)?;
    let message = Message {
        key: OrderKey::following(newest.as_ref(), now, random),
        room: new.room,
        text: new.text,
        client_message_id: new.client_message_id,
        sender: new.sender,
        sender_connection_id: new.sender_connection_id,
    };
    store.insert(&message)?;
    Ok(Sent::Stored(message))
}
