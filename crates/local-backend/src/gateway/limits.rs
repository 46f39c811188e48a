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
pub(super) const MAX_CONNECTIONS: usize = 2_000;

/// Frames that wait for one connection. A client this far behind does not read any more.
pub(super) const MAX_QUEUED_FRAMES: usize = 2_048;

/// Bytes that wait for one connection: some forty full history pages.
pub(super) const MAX_QUEUED_BYTES: usize = 4 * 1024 * 1024;

/// Rooms of one `/prod` connection.
pub(super) const MAX_ROOMS_PER_CONNECTION: usize = 100;

/// How long the other side has for its half of a close.
pub(super) const CLOSE_GRACE: Duration = Duration::from_secs(2);
