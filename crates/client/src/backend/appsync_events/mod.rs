//! AppSync Events: channels on one WebSocket, published to over it, or by HTTP while it is down.
//!
//! The frames are from the Event API guide ("Understanding the Event API WebSocket protocol", "Publish via HTTP"),
//! what an event says from `docs/contract.md`.

mod channel;
mod event;
mod pace;
mod publishes;
mod session;
mod wire;

pub(crate) use event::publish_bytes;
pub(crate) use session::{Place, Session};
