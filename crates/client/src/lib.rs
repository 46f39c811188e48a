//! The chat, pure: no browser, no clock, no randomness, no async.
//!
//! ```text
//!   Input ──►  Client  ──► Output, Event, next deadline
//!                │
//!     ┌──────────┼───────────┐
//!   rooms      links      sessions
//!   (chat/)   (link/)    (backend/)      what is said, the way to say it, and the words
//! ```
//!
//! [`Client`] has the contract. `config/` reads what a build is given, once, into types that cannot be wrong.

mod auth;
mod backend;
mod chat;
mod client;
pub mod config;
mod keeping;
mod link;
mod object;
mod random;
mod time;
mod timer;
pub mod transcript;

pub use auth::{AccessKeyId, AccessKeyIdError, Credentials, Secret, SecretError};
pub use backend::api_gateway::Finding;
pub use chat::ids::{
    ConnectionId, GuestKey, HttpRequestId, QuestionId, RoomId, RoomIdError, RowId,
    StorageRequestId, TabId,
};
pub use chat::message::{Author, Delivery, FailReason, Message, Row, RowContent, Standing};
pub use chat::person::{DisplayName, Person};
pub use chat::room::History;
pub use chat::timeline::Change;
pub use client::{
    AskReason, Client, Close, Command, Event, HttpAnswer, HttpFailure, Input, MAX_ROOMS,
    MAX_ROOMS_OF_A_CONNECTION, Network, Output, Refusal, SendRefusal, SignInAnswer, Status,
    StorageAnswer, TextSize, Visibility,
};
pub use keeping::{Record, Shelf, StorageChange, Whose};
pub use random::Seed;
pub use time::{Now, Timestamp, WallClock};
pub use timer::Deadline;
