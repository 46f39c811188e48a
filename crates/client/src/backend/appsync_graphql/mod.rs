//! AppSync GraphQL: subscriptions on one WebSocket, mutations and history by HTTP.
//!
//! The frames are from the AppSync developer guide ("Building a real-time WebSocket client"), the schemas from
//! `docs/contract.md`.

mod operations;
mod session;
mod wire;

pub(crate) use operations::send_bytes;
pub(crate) use session::Session;
