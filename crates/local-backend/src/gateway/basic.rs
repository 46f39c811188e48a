//! The routes of the basic dialect, to the letter: `sendMessage`, and nothing else unless a fault
//! switch adds a `$default`.

use std::sync::Arc;

use serde_json::Value;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Gateway;
use super::connection::Connection;
use super::frames::GatewayError;
use crate::backend::{Delivery, Gone, Selected, now, random_bytes};
use crate::faults::{DefaultRoute, FrameKind, SendFate};
use crate::rooms::{NewMessage, RoomId, SendError, Sent, StoreError, send};

/// Runs the route that a text frame selects.
pub(super) async fn receive(gateway: &Arc<Gateway>, connection: &Arc<Connection>, text: &str) {
    let body: Option<Value> = serde_json::from_str(text).ok();
    let action = body.as_ref().and_then(|body| body.get("action")).and_then(Value::as_str);
    match (body.as_ref(), action) {
        (Some(body), Some("sendMessage")) => send_message(gateway, connection, body).await,
        _ => default_route(gateway, connection, text).await,
    }
}

/// The tutorial's Lambda: stores the message, then posts it to the rows of the room in turn.
async fn send_message(gateway: &Arc<Gateway>, connection: &Arc<Connection>, body: &Value) {
    match gateway.backend.faults.send(connection.dialect.served()) {
        SendFate::Served => {}
        SendFate::Throttled { .. } => {
            return answer(gateway, connection, GatewayError::TooManyRequests);
        }
        SendFate::Failed => {
            return answer(gateway, connection, GatewayError::InternalServerError);
        }
    }
    let room = body.get("roomId").and_then(Value::as_str).and_then(RoomId::parse_basic);
    let text = body.get("text").and_then(Value::as_str);
    let (Some(room), Some(text)) = (room, text) else {
        return answer(gateway, connection, GatewayError::InternalServerError);
    };
    if !gateway.may_enter(&connection.admission, &room) {
        // As in a room where nobody is: it goes to nobody, and nobody says so.
        return;
    }
    let new = NewMessage {
        room: room.clone(),
        text: text.to_owned(),
        client_message_id: None,
        sender: connection.sender(),
        sender_connection_id: Some(connection.id.as_str().to_owned()),
    };
    let random = u64::from_le_bytes(random_bytes());
    let (gateway_then, connection) = (Arc::clone(gateway), Arc::clone(connection));
    let work = move |store: &mut crate::storage::SqliteStore| {
        let sent = send(store, now(), random, new);
        let rows = store.connections_of(&room);
        move |durable: Result<(), StoreError>| {
            let delivered = match (durable, sent, rows) {
                (Ok(()), Ok(Sent::Stored(message)), Ok(rows)) => {
                    let selected = &Selected::All;
                    let delivery = Delivery { message: &message, rows: &rows, selected };
                    gateway_then.backend.deliver(&delivery)
                }
                (_, Err(SendError::Store(error)), _) | (_, _, Err(error)) => {
                    eprintln!("roomlet-local: {error}");
                    Err(Gone)
                }
                _ => Err(Gone),
            };
            if delivered.is_err() {
                answer(&gateway_then, &connection, GatewayError::InternalServerError);
            }
        }
    };
    gateway.backend.database.submit(work).await;
}

async fn default_route(gateway: &Arc<Gateway>, connection: &Arc<Connection>, text: &str) {
    match gateway.backend.faults.get().basic.default_route {
        DefaultRoute::None => answer(gateway, connection, GatewayError::Forbidden),
        DefaultRoute::Silent => {}
        DefaultRoute::Error => answer(gateway, connection, GatewayError::InternalServerError),
        DefaultRoute::Answer => {
            let line = format!(
                "Use the sendMessage route to send a message. Your info: {{\"connectionId\":\"{}\"}}",
                connection.id.as_str()
            );
            connection.post(&gateway.backend.faults, line, FrameKind::Other);
        }
        DefaultRoute::Broadcast => broadcast(gateway, connection, text).await,
    }
}

async fn broadcast(gateway: &Arc<Gateway>, connection: &Arc<Connection>, text: &str) {
    let Some(room) = connection.first_room.clone() else {
        return;
    };
    if !gateway.may_enter(&connection.admission, &room) {
        return;
    }
    let frame = Utf8Bytes::from(text);
    let (gateway_then, connection) = (Arc::clone(gateway), Arc::clone(connection));
    let work = move |store: &mut crate::storage::SqliteStore| {
        let rows = store.connections_of(&room);
        move |_: Result<(), StoreError>| {
            let posted =
                rows.map_err(|_| Gone).and_then(|rows| gateway_then.post_to_rows(&rows, &frame));
            if posted.is_err() {
                answer(&gateway_then, &connection, GatewayError::InternalServerError);
            }
        }
    };
    gateway.backend.database.submit(work).await;
}

fn answer(gateway: &Gateway, connection: &Connection, error: GatewayError) {
    connection.post(&gateway.backend.faults, error.frame(connection), FrameKind::Other);
}
