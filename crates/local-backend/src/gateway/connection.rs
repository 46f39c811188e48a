//! One connection, as everybody but its own task sees it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Dialect;
use crate::access::Admission;
use crate::backend::random_bytes;
use crate::connection_summary::ConnectionSummary;
use crate::faults::{FaultDesk, FrameKind};
use crate::rooms::{DisplayName, RoomId, Sender, SenderKind, connection_guest_id};
use crate::socket::{Outbox, OutboxReceiver};
use crate::token_bucket::TokenBucket;

/// Bytes of an opaque id: eleven make sixteen characters that end in `=`, like the gateway's.
const OPAQUE_ID_BYTES: usize = 11;

/// The gateway's name for a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(String);

impl ConnectionId {
    pub(super) fn generate() -> Self {
        Self(opaque_id())
    }

    /// An id that the table `Connections` gave back.
    pub(super) fn from_store(id: String) -> Self {
        Self(id)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A fresh id in the gateway's form, for a connection or a request.
pub(super) fn opaque_id() -> String {
    STANDARD.encode(random_bytes::<OPAQUE_ID_BYTES>())
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) dialect: Dialect,
    pub(crate) admission: Admission,
    /// The room of the URL; `None` if that is no room id.
    pub(crate) first_room: Option<RoomId>,
    pub(crate) outbox: Outbox,
    pub(super) frames_in: AtomicU64,
    frames_out: AtomicU64,
    session: Mutex<Session>,
}

#[derive(Debug)]
struct Session {
    /// Who said `hello`.
    hello: Option<Sender>,
    bucket: TokenBucket,
}

impl Connection {
    pub(super) fn new(
        dialect: Dialect,
        admission: Admission,
        first_room: Option<RoomId>,
        rate_limit: u32,
        max_backlog: usize,
    ) -> (Self, OutboxReceiver) {
        let (outbox, receiver) = Outbox::new(max_backlog);
        let connection = Self {
            id: ConnectionId::generate(),
            dialect,
            admission,
            first_room,
            outbox,
            frames_in: AtomicU64::new(0),
            frames_out: AtomicU64::new(0),
            session: Mutex::new(Session { hello: None, bucket: TokenBucket::new(rate_limit) }),
        };
        (connection, receiver)
    }

    /// Queues a frame, as a POST to `@connections` does. What the switches lose is queued too, for
    /// all that the caller can see.
    pub(super) fn post(&self, faults: &FaultDesk, text: impl Into<Utf8Bytes>, kind: FrameKind) {
        self.frames_out.fetch_add(1, Ordering::Relaxed);
        self.outbox.queue(text.into(), faults.outgoing(self.dialect.served(), kind));
    }

    /// Whether it has said `hello`.
    pub(super) fn has_said_hello(&self) -> bool {
        self.session().hello.is_some()
    }

    /// It said `hello`, as this sender.
    pub(super) fn say_hello(&self, sender: Sender) {
        self.session().hello = Some(sender);
    }

    /// The sender of its messages: who said `hello`, else who signed in, else a guest known by its
    /// connection.
    pub(super) fn sender(&self) -> Sender {
        let hello = self.session().hello.clone();
        hello.or_else(|| self.signed_in()).unwrap_or_else(|| Sender {
            id: connection_guest_id(self.id.as_str()),
            name: None,
            kind: SenderKind::Guest,
        })
    }

    /// Who signed in at the upgrade, if somebody did.
    pub(super) fn signed_in(&self) -> Option<Sender> {
        let user = self.admission.user()?;
        let name = user.name.as_deref().and_then(DisplayName::clean).map(DisplayName::into_string);
        Some(Sender { id: user.subject.clone(), name, kind: SenderKind::User })
    }

    /// Takes one send from what the rate limit allows, or says how long to wait for the next.
    pub(super) fn take_send(&self) -> Result<(), u64> {
        self.session().bucket.take(Instant::now())
    }

    pub(super) fn summary(&self, rooms: &[RoomId]) -> ConnectionSummary {
        ConnectionSummary {
            connection_id: self.id.as_str().to_owned(),
            path: self.dialect.served().as_str(),
            rooms: rooms.iter().map(|room| room.as_str().to_owned()).collect(),
            hello: self.has_said_hello(),
            sender_id: self.sender().id,
            frames_out: self.frames_out.load(Ordering::Relaxed),
            frames_in: self.frames_in.load(Ordering::Relaxed),
        }
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
