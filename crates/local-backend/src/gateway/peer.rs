//! A connection of the gateway, as its task sees it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use super::connection::Connection;
use super::{Dialect, Gateway, basic, full};
use crate::socket::{Outbox, Peer, SocketLimits};

/// A connection together with its gateway.
pub(super) struct GatewayPeer {
    pub(super) gateway: Arc<Gateway>,
    pub(super) connection: Arc<Connection>,
}

impl Peer for GatewayPeer {
    fn outbox(&self) -> &Outbox {
        &self.connection.outbox
    }

    fn limits(&self) -> SocketLimits {
        let limits = &self.gateway.limits;
        SocketLimits {
            max_frame: limits.max_frame,
            max_message: limits.max_message,
            idle_timeout: Some(limits.idle_timeout),
            lifetime: limits.lifetime,
            end_of_life: (1001, "Going away"),
            keep_alive: None,
        }
    }

    fn running(&self) -> watch::Receiver<()> {
        self.gateway.backend.running()
    }

    fn swallows_frame(&self) -> bool {
        self.gateway.backend.swallows(self.connection.dialect.served())
    }

    async fn receive(self: &Arc<Self>, text: &str) {
        let Self { gateway, connection } = self.as_ref();
        connection.frames_in.fetch_add(1, Ordering::Relaxed);
        let path = connection.dialect.served();
        gateway.backend.log.received(path, connection.id.as_str(), text);
        match connection.dialect {
            Dialect::Full => full::receive(gateway, connection, text).await,
            Dialect::Basic => basic::receive(gateway, connection, text).await,
        }
    }

    async fn closed(self: &Arc<Self>, code: Option<u16>) {
        let Self { gateway, connection } = self.as_ref();
        gateway.disconnect(connection).await;
        let path = connection.dialect.served();
        gateway.backend.log.disconnected(path, connection.id.as_str(), code);
    }
}
