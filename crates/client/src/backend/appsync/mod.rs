//! What AppSync's two products have in common: how errors are told, and how subscriptions live on one connection.

mod errors;
mod frame;
mod lines;
mod realtime;
mod requests;
mod subscriptions;

use std::time::Duration;

pub(crate) use errors::{Trouble, WireErrors, of_answer};
pub(crate) use frame::Frame;
pub(crate) use lines::{Line, Lines};
pub(crate) use realtime::{Realtime, reason};
pub(crate) use requests::{Errand, Refused, Request, Requests};

/// The longest payload that reaches a subscriber (AppSync quotas: 240 KB), in bytes, with room for what the service
/// puts around it.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 240_000;
/// From the open socket to `connection_ack`.
pub(crate) const ACK_DEADLINE: Duration = Duration::from_secs(15);
/// What the service allows itself between two frames, where it does not say (AppSync developer guide).
pub(crate) const DEFAULT_CONNECTION_TIMEOUT: Duration = Duration::from_secs(300);
/// No connection timeout that a server names is taken for shorter or longer than these.
pub(crate) const CONNECTION_TIMEOUTS: (Duration, Duration) =
    (Duration::from_secs(5), DEFAULT_CONNECTION_TIMEOUT);
/// The pause after an error of the backend's own; it doubles with each error in a row.
pub(crate) const ERROR_PAUSE: Duration = Duration::from_secs(1);
/// The longest of those pauses.
pub(crate) const MAX_ERROR_PAUSE: Duration = Duration::from_secs(30);

/// What a server's `connectionTimeoutMs` comes to.
pub(crate) fn connection_timeout(milliseconds: Option<u64>) -> Duration {
    let (shortest, longest) = CONNECTION_TIMEOUTS;
    milliseconds.map_or(longest, Duration::from_millis).clamp(shortest, longest)
}
