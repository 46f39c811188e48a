//! Delivering a stored message to the connections of its room, in both dialects.

use serde::Serialize;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::connection::ConnectionId;
use super::full::wire::MessageFrame;
use super::{Dialect, Gateway, frames::to_json};
use crate::backend::{Audience, Delivery, Gone};
use crate::faults::FrameKind;
use crate::rooms::Message;

/// The frame of the basic dialect.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BasicFrame<'a> {
    room_id: &'a str,
    text: &'a str,
    sender_connection_id: &'a str,
    created_at: String,
}

/// Longest text that is posted to connections (API Gateway developer guide, WebSocket quotas: a
/// message has at most 128 KB). Other protocols have longer ones.
const MAX_POSTED_BYTES: usize = 128 * 1024;

/// Whether a message fits a frame of the gateway, live or as history.
pub(super) fn can_be_posted(message: &Message) -> bool {
    message.text.len() <= MAX_POSTED_BYTES
}

impl Audience for Gateway {
    /// Delivers a message to full connections, and to basic ones by the rows of their table.
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<(), Gone> {
        let message = delivery.message;
        if !can_be_posted(message) {
            eprintln!(
                "roomlet-local: a message of {} bytes does not reach the gateway's connections, which take {MAX_POSTED_BYTES}",
                message.text.len()
            );
            return Ok(());
        }
        let frame = Utf8Bytes::from(to_json(&MessageFrame::new(message)));
        for connection in self.registry.members(&message.room) {
            if connection.dialect == Dialect::Full {
                connection.post(&self.backend.faults, frame.clone(), FrameKind::Other);
            }
        }
        let basic = to_json(&BasicFrame {
            room_id: message.room.as_str(),
            text: &message.text,
            sender_connection_id: message.sender_connection_id.as_deref().unwrap_or_default(),
            created_at: message.key.created_at.to_string(),
        });
        self.post_to_rows(delivery.rows, &basic.into())
    }
}

impl Gateway {
    /// Posts a frame to each connection of these rows in turn, up to the first that is gone.
    pub(super) fn post_to_rows(&self, rows: &[String], frame: &Utf8Bytes) -> Result<(), Gone> {
        for row in rows {
            let id = ConnectionId::from_store(row.clone());
            let connection = self.registry.get(&id).ok_or(Gone)?;
            connection.post(&self.backend.faults, frame.clone(), FrameKind::Other);
        }
        Ok(())
    }
}
