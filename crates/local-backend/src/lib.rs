//! The local development backend of Roomlet.
//!
//! It speaks three protocols on a loopback port: the API Gateway WebSocket protocol at `/prod` (full
//! dialect) and `/basic`, AppSync GraphQL at `/graphql` and `/basic/graphql`, and AppSync Events at
//! `/event`. `docs/contract.md` describes the dialects, `docs/local-backend.md` the flags and fault
//! switches. It shares no code with `roomlet-client`, so that a misreading of the contract on one
//! side meets a second opinion on the other.
//!
//! From the outside in: `server` listens and checks hosts and origins (`access`); `gateway`,
//! `graphql` and `events` each speak a protocol, over the sockets of `socket`, the latter two by what
//! they share in `appsync`; `sign_in` judges credentials; `backend` carries a message from one
//! protocol to all of them; `rooms` has the rules of rooms, whatever the protocol; `storage` keeps
//! them. `faults`, `local_api` and `traffic_log` are for tests, which can start a server of their
//! own:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), roomlet_local::StartError> {
//! use roomlet_local::{Options, Server};
//!
//! let server = Server::start(Options::in_memory()).await?;
//! assert!(server.url("/prod?roomId=lobby").starts_with("ws://127.0.0.1:"));
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod access;
mod appsync;
mod backend;
mod connection_summary;
mod events;
mod faults;
mod gateway;
mod graphql;
mod local_api;
mod options;
mod rooms;
mod served_path;
mod server;
mod services;
mod sign_in;
mod socket;
mod storage;
mod tls;
mod token_bucket;
mod traffic_log;

pub use connection_summary::ConnectionSummary;
pub use faults::{
    ConnectionErrors, DefaultRoute, Faults, PathFaults, Refuse, SilentDeath, StalePosition,
    StaleRow,
};
pub use options::Options;
pub use server::{RunningServer, Server, StartError};
pub use traffic_log::{Log, LogEntry};
