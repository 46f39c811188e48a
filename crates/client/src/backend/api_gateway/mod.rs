//! API Gateway WebSocket APIs, in the basic and in the full dialect.
//!
//! The wire is described in `docs/contract.md`; limits and error frames of the gateway itself are from the API
//! Gateway developer guide ("Quotas for WebSocket APIs", "Working with route responses").

mod discovery;
mod echo;
mod session;
mod sessions;
mod wire;

pub(crate) use discovery::Discovery;
pub use discovery::Finding;
pub(crate) use session::Session;
pub(crate) use sessions::Sessions;
pub(crate) use wire::send_frame_bytes;

/// The longest frame that is sent, in bytes of UTF-8. The gateway takes 32 KB in one frame, and a browser
/// sends a text message as one frame.
pub(crate) const MAX_SEND_BYTES: usize = 32_000;
