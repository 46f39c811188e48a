//! The API Gateway WebSocket protocol: connections, limits and the two dialects spoken over it.
//!
//! What the gateway itself does (upgrades, sizes, lifetimes, error frames) is apart from what the
//! routes behind it do (`full` and `basic`), as it is in the service.

mod basic;
mod connection;
mod delivery;
mod frames;
mod full;
mod limits;
mod outbox;
mod registry;
mod socket;
mod upgrade;

pub use connection::ConnectionSummary;
pub(crate) use limits::{DEFAULT_MAX_FRAME, DEFAULT_MAX_MESSAGE, IDLE_TIMEOUT, LIFETIME};
pub(crate) use upgrade::upgrade;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::access::{Admission, RoomAccess};
use crate::faults::{FaultDesk, Faults, SilentDeath, StalePosition};
use crate::rooms::{RoomId, StoreError, Timestamp};
use crate::storage::{Database, RowPosition};
use crate::traffic_log::TrafficLog;
use connection::{Connection, ConnectionId, Ending};
use registry::Registry;

/// Which of the two dialects a path speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/prod`.
    Full,
    /// `/basic`.
    Basic,
}

impl Dialect {
    /// Its path.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Full => "/prod",
            Self::Basic => "/basic",
        }
    }
}

/// Limits that flags can change.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Longest frame that a client may send, in bytes.
    pub(crate) max_frame: usize,
    /// Longest message that a client may send, in bytes.
    pub(crate) max_message: usize,
    /// A connection without traffic ends after this.
    pub(crate) idle_timeout: Duration,
    /// Every connection ends after this.
    pub(crate) lifetime: Duration,
    /// Sends a second of one `/prod` connection; 0 is no limit.
    pub(crate) rate_limit: u32,
}

/// The gateway with everything behind it.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) limits: Limits,
    pub(crate) access: RoomAccess,
    pub(crate) faults: FaultDesk,
    pub(crate) log: TrafficLog,
    registry: Registry,
    database: Database,
    /// Closed when the last connection task ended.
    tasks: watch::Sender<()>,
}

impl Gateway {
    pub(crate) fn new(limits: Limits, access: RoomAccess, database: Database) -> Arc<Self> {
        Arc::new(Self {
            limits,
            access,
            faults: FaultDesk::default(),
            log: TrafficLog::default(),
            registry: Registry::default(),
            database,
            tasks: watch::Sender::new(()),
        })
    }

    /// Replaces the fault switches, and does at once what is no lasting switch.
    pub(crate) async fn set_faults(&self, mut faults: Faults) -> Result<(), StoreError> {
        let stale_rows = std::mem::take(&mut faults.basic.stale_rows);
        let deaths = [
            (Dialect::Full, faults.prod.silent_death),
            (Dialect::Basic, faults.basic.silent_death),
        ];
        for path in [&mut faults.prod, &mut faults.basic] {
            if path.silent_death == SilentDeath::Open {
                path.silent_death = SilentDeath::None;
            }
        }
        self.faults.set(faults);
        for (dialect, death) in deaths {
            if death != SilentDeath::None {
                for connection in self.registry.all() {
                    if connection.dialect == dialect {
                        connection.outbox.end(Ending::Silence);
                    }
                }
            }
        }
        for row in stale_rows {
            let room = RoomId::from_store(row.room_id);
            let position = match row.position {
                StalePosition::First => RowPosition::First,
                StalePosition::Last => RowPosition::Last,
            };
            let gone = ConnectionId::generate();
            self.database
                .run(move |store| store.insert_connection(gone.as_str(), &room, position))
                .await?;
        }
        Ok(())
    }

    /// Closes every connection and says how many there were.
    pub(crate) fn close_all(&self, code: u16, reason: &str) -> usize {
        let connections = self.registry.all();
        for connection in &connections {
            connection.outbox.end(Ending::Close { code, reason: reason.to_owned() });
        }
        connections.len()
    }

    /// Sends `text` as it is to every connection of a room, by any path, and says to how many.
    pub(crate) fn send_raw(&self, room: &str, text: &str) -> usize {
        let members = self.registry.members(&RoomId::from_store(room.to_owned()));
        for connection in &members {
            connection.post(&self.faults, text.to_owned(), false);
        }
        members.len()
    }

    /// The open connections.
    pub(crate) fn connections(&self) -> Vec<ConnectionSummary> {
        let all = self.registry.all();
        all.iter()
            .map(|connection| connection.summary(&self.registry.rooms_of(&connection.id)))
            .collect()
    }

    /// Waits until every connection has ended.
    pub(crate) async fn drained(&self) {
        self.tasks.closed().await;
    }

    fn may_enter(&self, admission: &Admission, room: &RoomId) -> bool {
        self.access.may_enter(admission, room)
    }

    /// Adds a connection and whatever its `$connect` route stores.
    async fn connect(&self, connection: &Arc<Connection>) -> Result<(), StoreError> {
        if let Some(room) = connection.first_room.clone()
            && self.may_enter(&connection.admission, &room)
        {
            self.registry.join(connection, &room);
            if connection.dialect == Dialect::Basic {
                let id = connection.id.clone();
                self.database
                    .run(move |store| {
                        // `RoomIndex` has no sort key, so that a query has no order to rely on. Newest first is the one in which
                        // a person who reloads the page still gets messages in front of their own stale row.
                        store.insert_connection(id.as_str(), &room, RowPosition::First)
                    })
                    .await?;
            }
        }
        Ok(())
    }

    /// Forgets a connection. The basic dialect has no `$disconnect`, so its row stays.
    async fn disconnect(&self, connection: &Connection) {
        self.registry.remove(&connection.id);
        if connection.dialect == Dialect::Basic && self.faults.get().basic.disconnect_route {
            let id = connection.id.clone();
            let deleted =
                self.database.run(move |store| store.delete_connection(id.as_str())).await;
            if let Err(error) = deleted {
                eprintln!("roomlet-local: {error}");
            }
        }
    }
}

/// The wall clock.
fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Random bytes; on the platforms this runs on the system's source does not fail.
fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        // Ids would repeat; nothing sensible can be done without them.
        panic!("the system gives no random bytes: {error}");
    }
    bytes
}
