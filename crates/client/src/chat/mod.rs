//! The conversation: identifiers, messages, the timeline and the outbox of a room.

pub(crate) mod ids;
pub(crate) mod message;
pub(crate) mod outbox;
pub(crate) mod person;
pub(crate) mod reading;
pub(crate) mod room;
pub(crate) mod timeline;
