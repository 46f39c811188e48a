//! What all protocols share: rooms with their access, sign-in, faults, the log and the database.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::{oneshot, watch};

use crate::access::RoomAccess;
use crate::faults::FaultDesk;
use crate::rooms::{
    HistoryError, Message, NewMessage, Page, PageRequest, SendError, Sent, StoreError, Timestamp,
    read_page, send,
};
use crate::served_path::ServedPath;
use crate::sign_in::SignIn;
use crate::storage::{Database, SqliteStore};
use crate::traffic_log::TrafficLog;

/// A row of `Connections` stands for a connection that is gone (HTTP 410): the loop stopped there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// What a GraphQL mutation selected of its message. Subscribers of GraphQL get no more than that
/// (AppSync developer guide, "Real-time data").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selected {
    /// Every field, as of messages that came by another protocol.
    All,
    /// The fields of these names.
    Fields(BTreeSet<String>),
}

impl Selected {
    /// Whether a field of this name was selected.
    pub(crate) fn has(&self, field: &str) -> bool {
        match self {
            Self::All => true,
            Self::Fields(fields) => fields.contains(field),
        }
    }
}

/// A stored message on its way to everybody in its room.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    /// The message.
    pub(crate) message: &'a Message,
    /// The rows of `Connections` in its room.
    pub(crate) rows: &'a [String],
    /// What its publisher selected.
    pub(crate) selected: &'a Selected,
}

/// A protocol with people who listen to rooms. Deliveries come one after the other, in the order in
/// which their messages were stored, on the thread of the database: an audience queues and returns.
pub(crate) trait Audience: Send + Sync {
    /// Queues a message for whoever listens to its room.
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<(), Gone>;
}

/// The shared part of the server.
pub(crate) struct Backend {
    pub(crate) access: RoomAccess,
    pub(crate) sign_in: SignIn,
    pub(crate) faults: FaultDesk,
    pub(crate) log: TrafficLog,
    pub(crate) database: Database,
    audiences: Mutex<Vec<Weak<dyn Audience>>>,
    /// Closed when the last connection task ended.
    tasks: watch::Sender<()>,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Backend").finish_non_exhaustive()
    }
}

impl Backend {
    pub(crate) fn new(access: RoomAccess, sign_in: SignIn, database: Database) -> Arc<Self> {
        Arc::new(Self {
            access,
            sign_in,
            faults: FaultDesk::default(),
            log: TrafficLog::default(),
            database,
            audiences: Mutex::default(),
            tasks: watch::Sender::new(()),
        })
    }

    /// Adds an audience; it is told of messages as long as somebody else keeps it.
    pub(crate) fn add_audience(&self, audience: Weak<dyn Audience>) {
        self.audiences().push(audience);
    }

    /// Whether what came in on a path is lost on its way, which is all that is known of it.
    pub(crate) fn swallows(&self, path: ServedPath) -> bool {
        let swallows = self.faults.swallows(path);
        if swallows {
            self.log.swallowed();
        }
        swallows
    }

    /// Gives a stored message to every audience. The error is that of the basic dialect's loop.
    pub(crate) fn deliver(&self, delivery: &Delivery<'_>) -> Result<(), Gone> {
        let audiences: Vec<_> = self.audiences().iter().filter_map(Weak::upgrade).collect();
        let mut delivered = Ok(());
        for audience in audiences {
            delivered = audience.deliver(delivery).and(delivered);
        }
        delivered
    }

    /// Stores a message and delivers it to everybody; a repeated one is found and not delivered.
    pub(crate) async fn send(
        self: &Arc<Self>,
        new: NewMessage,
        selected: Selected,
    ) -> Result<Sent, SendError> {
        let random = u64::from_le_bytes(random_bytes());
        let (sender, receiver) = oneshot::channel();
        let backend = Arc::clone(self);
        let work = move |store: &mut SqliteStore| {
            let room = new.room.clone();
            let sent = send(store, now(), random, new);
            // A row that cannot be read is a basic client that misses a message, not a lost send.
            let rows = store.connections_of(&room).unwrap_or_default();
            move |durable: Result<(), StoreError>| {
                let sent = durable.map_err(SendError::Store).and(sent);
                if let Ok(Sent::Stored(message)) = &sent {
                    // A stale row ends the loop over the basic rows; this sender learns nothing of it.
                    let delivery = Delivery { message, rows: &rows, selected: &selected };
                    let _ = backend.deliver(&delivery);
                }
                // Whoever asked may have gone.
                let _ = sender.send(sent);
            }
        };
        self.database.submit(work).await;
        let ended = || SendError::Store(StoreError("the database thread ended".to_owned()));
        receiver.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Reads a page of a room's past; `measure` gives the bytes that a message takes on the wire, or `None` if it
    /// cannot go there.
    pub(crate) async fn history(
        &self,
        request: PageRequest,
        measure: impl Fn(&Message) -> Option<usize> + Send + 'static,
    ) -> Result<Page, HistoryError> {
        let read = move |store: &mut SqliteStore| match read_page(store, &request, &measure) {
            Err(HistoryError::Store(error)) => Err(error),
            page => Ok(page),
        };
        self.database.run(read).await.map_err(HistoryError::Store)?
    }

    /// A guard of a connection task: the server has drained when all of them are dropped.
    pub(crate) fn running(&self) -> watch::Receiver<()> {
        self.tasks.subscribe()
    }

    /// Waits until every connection has ended.
    pub(crate) async fn drained(&self) {
        self.tasks.closed().await;
    }

    fn audiences(&self) -> MutexGuard<'_, Vec<Weak<dyn Audience>>> {
        self.audiences.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Random bytes; on the platforms this runs on the system's source does not fail.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        // Ids would repeat; nothing sensible can be done without them.
        panic!("the system gives no random bytes: {error}");
    }
    bytes
}
