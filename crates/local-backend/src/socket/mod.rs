//! WebSockets, whatever is spoken over them: the handshake, what waits to be written, and the task
//! that reads, writes, watches the limits and ends a connection properly.

mod handshake;
mod outbox;
mod pump;

pub(crate) use handshake::{Refusal, accept, handshake_key, query_pairs, subprotocols, url_length};
pub(crate) use outbox::{Ending, Outbox, OutboxReceiver};
pub(crate) use pump::run;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// Frames that wait for one connection. A client this far behind does not read any more.
const MAX_QUEUED_FRAMES: usize = 2_048;

/// Bytes that wait for one connection, unless a flag says otherwise: some forty full history pages.
pub(crate) const DEFAULT_MAX_BACKLOG: usize = 4 * 1024 * 1024;

/// Bytes that are read at once. Each connection keeps a buffer of this size, whether anything comes
/// or not, and what people write is short.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// How long the other side has for its half of a close.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// What ends a connection, or keeps it alive.
#[derive(Debug, Clone)]
pub(crate) struct SocketLimits {
    /// Longest frame that a client may send, in bytes.
    pub(crate) max_frame: usize,
    /// Longest message that a client may send, in bytes.
    pub(crate) max_message: usize,
    /// A connection without traffic ends after this.
    pub(crate) idle_timeout: Option<Duration>,
    /// Every connection ends after this.
    pub(crate) lifetime: Duration,
    /// The code and reason of those two ends.
    pub(crate) end_of_life: (u16, &'static str),
    /// How often [`Peer::keep_alive`] is called.
    pub(crate) keep_alive: Option<Duration>,
}

/// The protocol's side of one connection.
pub(crate) trait Peer: Send + Sync + Sized + 'static {
    /// What waits to be written to it.
    fn outbox(&self) -> &Outbox;

    /// Its limits, asked for once.
    fn limits(&self) -> SocketLimits;

    /// A guard that says that this connection still runs.
    fn running(&self) -> watch::Receiver<()>;

    /// Takes a text frame.
    fn receive(self: &Arc<Self>, text: &str) -> impl Future<Output = ()> + Send;

    /// Decides about a frame that came: whether it is lost on its way.
    fn swallows_frame(&self) -> bool;

    /// Queues a sign of life, if the protocol has one.
    fn keep_alive(&self) {}

    /// The connection ended, with the close code that was sent or received.
    fn closed(self: &Arc<Self>, code: Option<u16>) -> impl Future<Output = ()> + Send;
}
