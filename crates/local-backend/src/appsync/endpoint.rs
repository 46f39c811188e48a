//! The sockets of one path.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::connection::{Connection, Subscription};
use crate::backend::Backend;
use crate::connection_summary::{ConnectionSummary, Sockets};
use crate::faults::FrameKind;
use crate::gateway::MAX_CONNECTIONS;
use crate::rooms::RoomId;
use crate::served_path::ServedPath;
use crate::socket::Ending;

/// How often the service says `ka` (AppSync developer guide, "Building a real-time WebSocket
/// client": every minute).
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Connection duration (AppSync developer guide: 24 hours).
pub(crate) const DEFAULT_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Subscriptions of one connection (AppSync quotas: 200).
pub(crate) const DEFAULT_MAX_SUBSCRIPTIONS: usize = 200;

/// Missed `ka` after which a client should give a connection up: `connectionTimeoutMs` is 300,000
/// where a `ka` comes every minute.
const KEEP_ALIVES_PER_TIMEOUT: u32 = 5;

/// Limits that flags can change.
#[derive(Debug, Clone)]
pub(crate) struct RealtimeLimits {
    /// How often `ka` is sent.
    pub(crate) keep_alive: Duration,
    /// Every connection ends after this.
    pub(crate) lifetime: Duration,
    /// Subscriptions of one connection.
    pub(crate) max_subscriptions: usize,
    /// Bytes that may wait for a client that reads too slowly.
    pub(crate) max_backlog: usize,
}

impl RealtimeLimits {
    /// What the acknowledgement of a connection tells.
    pub(super) fn connection_timeout_ms(&self) -> u64 {
        let timeout = self.keep_alive.saturating_mul(KEEP_ALIVES_PER_TIMEOUT);
        u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The open sockets of a path, and what they share.
#[derive(Debug)]
pub(crate) struct Endpoint<S> {
    pub(crate) backend: Arc<Backend>,
    pub(crate) path: ServedPath,
    pub(crate) limits: RealtimeLimits,
    connections: Mutex<BTreeMap<String, Arc<Connection<S>>>>,
}

impl<S: Subscription> Endpoint<S> {
    pub(crate) fn new(backend: Arc<Backend>, path: ServedPath, limits: RealtimeLimits) -> Self {
        Self { backend, path, limits, connections: Mutex::default() }
    }

    /// The open connections.
    pub(crate) fn all(&self) -> Vec<Arc<Connection<S>>> {
        self.lock().values().cloned().collect()
    }

    /// Adds a connection, unless there are too many.
    pub(super) fn add(&self, connection: &Arc<Connection<S>>) -> bool {
        let mut connections = self.lock();
        let room_left = connections.len() < MAX_CONNECTIONS;
        if room_left {
            connections.insert(connection.id.clone(), Arc::clone(connection));
        }
        room_left
    }

    /// Forgets a connection.
    pub(super) fn remove(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Connection<S>>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscription> Sockets for Endpoint<S> {
    fn close_all(&self, code: u16, reason: &str) -> usize {
        let connections = self.all();
        for connection in &connections {
            connection.outbox.end(Ending::Close { code, reason: reason.to_owned() });
        }
        connections.len()
    }

    fn silence(&self, path: ServedPath) {
        if path == self.path {
            for connection in self.all() {
                connection.outbox.end(Ending::Silence);
            }
        }
    }

    fn send_raw(&self, room: &RoomId, text: &str) -> usize {
        let mut sent = 0;
        for connection in self.all() {
            let active = connection.active();
            if active.iter().any(|(_, subscription)| subscription.room() == Some(room)) {
                connection.post(&self.backend.faults, text.to_owned(), FrameKind::Other);
                sent += 1;
            }
        }
        sent
    }

    fn connections(&self) -> Vec<ConnectionSummary> {
        self.all().iter().map(|connection| connection.summary()).collect()
    }
}
