//! The routes of the full dialect.
//!
//! A connection that has not said `hello` gets `message` frames and nothing else: whatever it
//! asks for is done, or not, in silence, so that a client of the basic dialect can live here.
//! Only a `hello` that cannot be read is answered, since whoever sends one knows the answer.

pub(super) mod wire;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::Gateway;
use super::connection::Connection;
use super::delivery;
use super::frames::to_json;
use crate::backend::{Delivery, Selected, now, random_bytes};
use crate::faults::{FrameKind, SendFate};
use crate::rooms::{
    DisplayName, GuestKey, HistoryError, Message, NewMessage, Page, PageRequest, RoomId, SendError,
    Sender, SenderKind, Sent, StoreError, read_page, send,
};
use crate::storage::SqliteStore;
use wire::{Action, Answer, ErrorCode, ErrorFrame, MessageFields, SenderField};

/// What this backend can do beyond the basic dialect, as `welcome` names it.
const FEATURES: &[&str] = &["history", "idempotency"];

/// Runs the route that a text frame selects.
pub(super) async fn receive(gateway: &Arc<Gateway>, connection: &Arc<Connection>, text: &str) {
    let route = Route { gateway: Arc::clone(gateway), connection: Arc::clone(connection) };
    match wire::read(text) {
        Err(refused) if refused.is_hello => route.post(&refused.error),
        Err(refused) => route.refuse(&refused.error),
        Ok(Action::Hello { guest_key, name }) => route.hello(guest_key, name),
        Ok(Action::Join { room }) => route.join(&room),
        Ok(Action::Leave { room }) => route.leave(&room),
        Ok(Action::SendMessage { room, text, client_message_id }) => {
            route.send_message(room, text, client_message_id).await;
        }
        Ok(Action::History { request_id, page }) => route.history(request_id, page).await,
        Ok(Action::Ping) => route.answer(&Answer::Pong),
        // Nobody is told yet who types; a client that says it is no worse for that.
        Ok(Action::Typing) => {}
    }
}

/// One request of one connection.
#[derive(Clone)]
struct Route {
    gateway: Arc<Gateway>,
    connection: Arc<Connection>,
}

impl Route {
    fn hello(self, guest_key: Option<GuestKey>, name: Option<DisplayName>) {
        let delay = Duration::from_millis(self.gateway.backend.faults.get().prod.welcome_delay_ms);
        if delay.is_zero() {
            return self.welcome(guest_key, name);
        }
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            self.welcome(guest_key, name);
        });
    }

    fn welcome(&self, guest_key: Option<GuestKey>, name: Option<DisplayName>) {
        let connection = &self.connection;
        let name = name.map(DisplayName::into_string);
        let sender = match connection.signed_in() {
            // What somebody who signed in says of themselves counts for a name they lack.
            Some(user) => Sender { name: user.name.clone().or(name), ..user },
            None => {
                let id = guest_key.map_or_else(|| connection.sender().id, |key| key.guest_id());
                Sender { id, name, kind: SenderKind::Guest }
            }
        };
        connection.say_hello(sender.clone());
        self.answer(&Answer::Welcome {
            features: FEATURES,
            connection_id: connection.id.as_str(),
            sender: SenderField::new(&sender),
        });
        match &connection.first_room {
            None => self.refuse(&ErrorFrame::new(
                ErrorCode::BadRequest,
                "Give roomId in the URL as 1 to 128 bytes of text without control characters.",
            )),
            Some(room) if !self.may_enter(room) => self.refuse(&ErrorFrame::no_such_room(room)),
            Some(_) => {}
        }
    }

    fn join(&self, room: &RoomId) {
        if !self.may_enter(room) {
            return self.refuse(&ErrorFrame::no_such_room(room));
        }
        if !self.gateway.registry.join(&self.connection, room) {
            return self.refuse(&ErrorFrame {
                room_id: Some(room.as_str().to_owned()),
                ..ErrorFrame::new(ErrorCode::BadRequest, "Leave a room before you join another.")
            });
        }
        self.answer(&Answer::Joined { room_id: room.as_str() });
    }

    fn leave(&self, room: &RoomId) {
        self.gateway.registry.leave(&self.connection, room);
        self.answer(&Answer::Left { room_id: room.as_str() });
    }

    async fn send_message(self, room: RoomId, text: String, client_message_id: Option<String>) {
        if let Err(error) = self.may_send(&room) {
            return self.refuse(&ErrorFrame { client_message_id, ..error });
        }
        let new = NewMessage {
            room: room.clone(),
            text,
            client_message_id: client_message_id.clone(),
            sender: self.connection.sender(),
            sender_connection_id: Some(self.connection.id.as_str().to_owned()),
        };
        let random = u64::from_le_bytes(random_bytes());
        let gateway = Arc::clone(&self.gateway);
        let work = move |store: &mut SqliteStore| {
            let sent = send(store, now(), random, new);
            // A row that cannot be read is a basic client that misses a message, not a lost send.
            let rows = store.connections_of(&room).unwrap_or_default();
            move |durable: Result<(), StoreError>| {
                let sent = durable.map_err(SendError::Store).and(sent);
                self.sent(&room, client_message_id, sent, &rows);
            }
        };
        gateway.backend.database.submit(work).await;
    }

    /// Whether this connection may send to a room now.
    fn may_send(&self, room: &RoomId) -> Result<(), ErrorFrame> {
        if !self.may_enter(room) {
            return Err(ErrorFrame::no_such_room(room));
        }
        let limited = |retry_after_ms| ErrorFrame {
            retry_after_ms: Some(retry_after_ms),
            room_id: Some(room.as_str().to_owned()),
            ..ErrorFrame::new(ErrorCode::RateLimited, "Send more slowly.")
        };
        self.connection.take_send().map_err(limited)?;
        match self.gateway.backend.faults.send(self.connection.dialect.served()) {
            SendFate::Served => Ok(()),
            SendFate::Throttled { retry_after_ms } => Err(limited(retry_after_ms)),
            SendFate::Failed => Err(internal(room)),
        }
    }

    /// Tells the room and the sender what became of a send.
    fn sent(
        &self,
        room: &RoomId,
        client_message_id: Option<String>,
        sent: Result<Sent, SendError>,
        rows: &[String],
    ) {
        match sent {
            Ok(Sent::Stored(message)) => {
                // A stale row ends the loop over the basic rows; the sender, who speaks the full
                // dialect, learns nothing of it.
                let delivery = Delivery { message: &message, rows, selected: &Selected::All };
                let _ = self.gateway.backend.deliver(&delivery);
                self.acknowledge(&message);
            }
            Ok(Sent::Repeated(message)) => self.acknowledge(&message),
            Err(SendError::Conflict) => self.refuse(&ErrorFrame {
                room_id: Some(room.as_str().to_owned()),
                client_message_id,
                ..ErrorFrame::new(
                    ErrorCode::Conflict,
                    "This clientMessageId belongs to another message.",
                )
            }),
            Err(SendError::Store(error)) => {
                eprintln!("roomlet-local: {error}");
                self.refuse(&ErrorFrame { client_message_id, ..internal(room) });
            }
        }
    }

    fn acknowledge(&self, message: &Message) {
        if let Some(client_message_id) = &message.client_message_id
            && self.connection.has_said_hello()
        {
            let ack = to_json(&Answer::Ack {
                client_message_id,
                room_id: message.room.as_str(),
                id: message.key.id.as_str(),
                created_at: message.key.created_at.to_string(),
            });
            self.connection.post(&self.gateway.backend.faults, ack, FrameKind::Acknowledgement);
        }
    }

    async fn history(self, request_id: String, request: PageRequest) {
        if !self.may_enter(&request.room) {
            let error = ErrorFrame::no_such_room(&request.room);
            return self.refuse(&ErrorFrame { request_id: Some(request_id), ..error });
        }
        let gateway = Arc::clone(&self.gateway);
        let work = move |store: &mut SqliteStore| {
            let measure = |message: &Message| {
                let fits = delivery::can_be_posted(message);
                fits.then(|| to_json(&MessageFields::new(message)).len())
            };
            let page = read_page(store, &request, &measure);
            move |durable: Result<(), StoreError>| {
                // What the page shows must be as durable as what an acknowledgement promises.
                let page = durable.map_err(HistoryError::Store).and(page);
                self.show(&request.room, request_id, page);
            }
        };
        gateway.backend.database.submit(work).await;
    }

    fn show(&self, room: &RoomId, request_id: String, page: Result<Page, HistoryError>) {
        match page {
            Ok(page) => self.answer(&Answer::History {
                request_id: &request_id,
                room_id: room.as_str(),
                messages: page.messages.iter().map(MessageFields::new).collect(),
                next_cursor: page.next_cursor.as_deref(),
            }),
            Err(HistoryError::BadCursor) => self.refuse(&ErrorFrame {
                room_id: Some(room.as_str().to_owned()),
                request_id: Some(request_id),
                ..ErrorFrame::new(
                    ErrorCode::BadRequest,
                    "Give a cursor of an earlier page or the id of a message of this room.",
                )
            }),
            Err(HistoryError::Store(error)) => {
                eprintln!("roomlet-local: {error}");
                self.refuse(&ErrorFrame { request_id: Some(request_id), ..internal(room) });
            }
        }
    }

    fn may_enter(&self, room: &RoomId) -> bool {
        self.gateway.may_enter(&self.connection.admission, room)
    }

    fn refuse(&self, error: &ErrorFrame) {
        self.answer(error);
    }

    /// Answers, if the connection has said `hello`.
    fn answer(&self, frame: &impl Serialize) {
        if self.connection.has_said_hello() {
            self.post(frame);
        }
    }

    fn post(&self, frame: &impl Serialize) {
        self.connection.post(&self.gateway.backend.faults, to_json(frame), FrameKind::Other);
    }
}

fn internal(room: &RoomId) -> ErrorFrame {
    ErrorFrame {
        room_id: Some(room.as_str().to_owned()),
        ..ErrorFrame::new(ErrorCode::Internal, "The server failed; try again.")
    }
}
