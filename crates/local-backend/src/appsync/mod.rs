//! What AppSync GraphQL and AppSync Events have in common: who may ask for what, the two forms of
//! the handshake, the frames around subscriptions, and errors as the service words them.
//!
//! A protocol implements [`Realtime`]; [`upgrade`] serves its sockets with it. `authorize` judges
//! each operation, on a socket or over HTTP.

mod authorization;
mod connection;
mod endpoint;
mod error;
mod handshake;
mod headers;
mod http;
mod realtime;

pub(crate) use authorization::{Caller, Identity, Operation, authorize};
pub(crate) use connection::{Connection, Released, Subscription};
pub(crate) use endpoint::{
    DEFAULT_LIFETIME, DEFAULT_MAX_SUBSCRIPTIONS, Endpoint, KEEP_ALIVE, RealtimeLimits,
};
pub(crate) use error::{ErrorEntry, ServiceError};
pub(crate) use headers::Headers;
pub(crate) use http::{error_answer, finish_answer, json_answer, lost_request};
pub(crate) use realtime::{Frame, Realtime, upgrade};

use std::time::Duration;

/// Longest payload of a subscription or an event (AppSync quotas: 240 KB).
pub(crate) const MAX_PAYLOAD_BYTES: usize = 240 * 1024;

/// How long the service takes to register a subscription. It is not zero, so that who stops a
/// subscription without waiting for its acknowledgement is too early here as well.
pub(crate) const REGISTRATION_TIME: Duration = Duration::from_millis(5);
