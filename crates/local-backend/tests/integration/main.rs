//! The backend from the outside: a WebSocket client and a few lines of HTTP against real sockets.
//!
//! Nothing here sleeps to wait for something. That a frame does *not* come is shown by another one
//! that would have come after it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail on the spot")]

mod access;
mod appsync_auth;
mod basic;
mod client;
mod events;
mod events_auth;
mod events_chat;
mod events_client;
mod events_faults;
mod events_http;
mod faults;
mod full;
mod graphql;
mod graphql_client;
mod graphql_faults;
mod graphql_http;
mod history;
mod limits;
mod local_api;
mod malformed;
mod process;
mod silence;
mod tls;
