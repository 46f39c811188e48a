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
mod peer;
mod registry;
mod upgrade;

pub(crate) use limits::{
    DEFAULT_MAX_FRAME, DEFAULT_MAX_MESSAGE, IDLE_TIMEOUT, LIFETIME, MAX_CONNECTIONS,
};
pub(crate) use upgrade::upgrade;

use std::sync::Arc;
use std::time::Duration;

use crate::access::Admission;
use crate::backend::{Audience, Backend};
use crate::connection_summary::{ConnectionSummary, Sockets};
use crate::faults::{FrameKind, StalePosition, StaleRow};
use crate::rooms::{RoomId, StoreError};
use crate::served_path::ServedPath;
use crate::socket::Ending;
use crate::storage::RowPosition;
use connection::{Connection, ConnectionId};
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
    pub(crate) fn served(self) -> ServedPath {
        match self {
            Self::Full => ServedPath::Prod,
            Self::Basic => ServedPath::Basic,
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
    /// Bytes that may wait for a client that reads too slowly.
    pub(crate) max_backlog: usize,
}

/// The gateway: its connections, in front of the shared backend.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) backend: Arc<Backend>,
    limits: Limits,
    registry: Registry,
}

impl Gateway {
    pub(crate) fn new(backend: &Arc<Backend>, limits: Limits) -> Arc<Self> {
        let backend_then = Arc::clone(backend);
        let gateway =
            Arc::new(Self { backend: backend_then, limits, registry: Registry::default() });
        let audience: Arc<dyn Audience> = Arc::clone(&gateway) as Arc<dyn Audience>;
        backend.add_audience(Arc::downgrade(&audience));
        gateway
    }

    /// Inserts rows of connections that are gone.
    pub(crate) async fn insert_stale_rows(&self, rows: Vec<StaleRow>) -> Result<(), StoreError> {
        for row in rows {
            let room = RoomId::from_store(row.room_id);
            let position = match row.position {
                StalePosition::First => RowPosition::First,
                StalePosition::Last => RowPosition::Last,
            };
            let gone = ConnectionId::generate();
            self.backend
                .database
                .run(move |store| store.insert_connection(gone.as_str(), &room, position))
                .await?;
        }
        Ok(())
    }

    fn may_enter(&self, admission: &Admission, room: &RoomId) -> bool {
        self.backend.access.may_enter(admission, room)
    }

    /// Adds a connection and whatever its `$connect` route stores.
    async fn connect(&self, connection: &Arc<Connection>) -> Result<(), StoreError> {
        if let Some(room) = connection.first_room.clone()
            && self.may_enter(&connection.admission, &room)
        {
            self.registry.join(connection, &room);
            if connection.dialect == Dialect::Basic {
                let id = connection.id.clone();
                self.backend
                    .database
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
        if connection.dialect == Dialect::Basic && self.backend.faults.get().basic.disconnect_route
        {
            let id = connection.id.clone();
            let deleted =
                self.backend.database.run(move |store| store.delete_connection(id.as_str())).await;
            if let Err(error) = deleted {
                eprintln!("roomlet-local: {error}");
            }
        }
    }
}

impl Sockets for Gateway {
    fn close_all(&self, code: u16, reason: &str) -> usize {
        let connections = self.registry.all();
        for connection in &connections {
            connection.outbox.end(Ending::Close { code, reason: reason.to_owned() });
        }
        connections.len()
    }

    fn silence(&self, path: ServedPath) {
        for connection in self.registry.all() {
            if connection.dialect.served() == path {
                connection.outbox.end(Ending::Silence);
            }
        }
    }

    fn send_raw(&self, room: &RoomId, text: &str) -> usize {
        let members = self.registry.members(room);
        for connection in &members {
            connection.post(&self.backend.faults, text.to_owned(), FrameKind::Other);
        }
        members.len()
    }

    fn connections(&self) -> Vec<ConnectionSummary> {
        let all = self.registry.all();
        all.iter()
            .map(|connection| connection.summary(&self.registry.rooms_of(&connection.id)))
            .collect()
    }
}
