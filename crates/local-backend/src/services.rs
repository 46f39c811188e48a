//! All protocols of one server, and what is done to all of them at once.

use std::sync::Arc;

use crate::backend::Backend;
use crate::connection_summary::{ConnectionSummary, Sockets};
use crate::events::Events;
use crate::faults::{Faults, SilentDeath};
use crate::gateway::Gateway;
use crate::graphql::GraphQl;
use crate::rooms::{RoomId, StoreError};
use crate::served_path::ServedPath;

/// The shared backend with the protocols in front of it.
pub(crate) struct Services {
    pub(crate) backend: Arc<Backend>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) graphql: Arc<GraphQl>,
    pub(crate) basic_graphql: Arc<GraphQl>,
    pub(crate) events: Arc<Events>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Services").finish_non_exhaustive()
    }
}

impl Services {
    /// Replaces the fault switches, and does at once what is no lasting switch.
    pub(crate) async fn set_faults(&self, mut faults: Faults) -> Result<(), StoreError> {
        let stale_rows = std::mem::take(&mut faults.basic.stale_rows);
        let deaths = ServedPath::ALL.map(|path| (path, faults.path(path).silent_death));
        for path in ServedPath::ALL {
            let switch = &mut faults.path_mut(path).silent_death;
            if *switch == SilentDeath::Open {
                *switch = SilentDeath::None;
            }
        }
        self.backend.faults.set(faults);
        for (path, death) in deaths {
            if death != SilentDeath::None {
                for sockets in self.sockets() {
                    sockets.silence(path);
                }
            }
        }
        self.gateway.insert_stale_rows(stale_rows).await
    }

    /// Closes every connection and says how many there were.
    pub(crate) fn close_all(&self, code: u16, reason: &str) -> usize {
        self.sockets().iter().map(|sockets| sockets.close_all(code, reason)).sum()
    }

    /// Sends `text` as it is to every connection of a room, by any path, and says to how many.
    pub(crate) fn send_raw(&self, room: &str, text: &str) -> usize {
        let room = RoomId::from_store(room.to_owned());
        self.sockets().iter().map(|sockets| sockets.send_raw(&room, text)).sum()
    }

    /// The open connections.
    pub(crate) fn connections(&self) -> Vec<ConnectionSummary> {
        self.sockets().iter().flat_map(|sockets| sockets.connections()).collect()
    }

    /// The sockets of every protocol.
    fn sockets(&self) -> Vec<&dyn Sockets> {
        vec![
            self.gateway.as_ref(),
            &self.graphql.endpoint,
            &self.basic_graphql.endpoint,
            self.events.sockets(),
        ]
    }
}
