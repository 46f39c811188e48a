//! Limits of the service and bounds of this server.

use std::time::Duration;

/// Longest frame from a client (API Gateway developer guide, WebSocket quotas: 32 KB).
pub(crate) const DEFAULT_MAX_FRAME: usize = 32 * 1024;

/// Longest message from a client (API Gateway developer guide, WebSocket quotas: 128 KB).
pub(crate) const DEFAULT_MAX_MESSAGE: usize = 128 * 1024;

/// Idle connection timeout (API Gateway developer guide, WebSocket quotas: 10 minutes).
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Connection duration (API Gateway developer guide, WebSocket quotas: 2 hours).
pub(crate) const LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// Longest URL with its query (API Gateway developer guide, WebSocket quotas: 4,096 characters).
pub(super) const MAX_URL: usize = 4_096;

/// Open connections; far above what one developer's machine needs, far below its file limit.
pub(crate) const MAX_CONNECTIONS: usize = 2_000;

/// Rooms of one `/prod` connection.
pub(super) const MAX_ROOMS_PER_CONNECTION: usize = 100;
