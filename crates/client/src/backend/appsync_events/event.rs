//! What an event says: one message, in a raw or in a stamped namespace.

use serde::Serialize;
use serde_json::Value;

use crate::auth::{iso_date, sha256};
use crate::chat::ids::{ClientMessageId, ConnectionId, GuestKey, MessageId, RoomId};
use crate::chat::message::{Identity, Incoming, Sender, Standing};
use crate::config::NamespaceKind;
use crate::object::Object;
use crate::time::WallClock;

/// What is published.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Published<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a ClientMessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    room_id: &'a RoomId,
    text: &'a str,
    client_message_id: &'a ClientMessageId,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<Claim<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_name: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Claim<'a> {
    id: String,
    name: Option<&'a str>,
    kind: &'static str,
}

/// Who publishes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Publisher<'a> {
    pub(super) guest_key: &'a GuestKey,
    pub(super) name: Option<&'a str>,
    /// The id of somebody who is signed in.
    pub(super) subject: Option<&'a str>,
    pub(super) as_guest: bool,
}

/// An event as it is published: JSON. In a raw namespace everything in it is the publisher's claim, and the guest's
/// key has no business there. In a stamped one the handler says who and when, for which it needs the key.
pub(super) fn published(
    kind: NamespaceKind,
    room: &RoomId,
    text: &str,
    id: &ClientMessageId,
    publisher: Publisher<'_>,
    wall: WallClock,
) -> String {
    let base = Published {
        id: None,
        created_at: None,
        room_id: room,
        text,
        client_message_id: id,
        sender: None,
        guest_key: None,
        guest_name: None,
    };
    let event = match kind {
        NamespaceKind::Raw => {
            let kind = if publisher.as_guest { "guest" } else { "user" };
            let claimed = publisher.subject.filter(|_| !publisher.as_guest).map(str::to_owned);
            let id_of_sender = claimed.unwrap_or_else(|| guest_id(publisher.guest_key));
            let sender = Some(Claim { id: id_of_sender, name: publisher.name, kind });
            Published { id: Some(id), created_at: Some(iso_date(wall)), sender, ..base }
        }
        NamespaceKind::Stamped if publisher.as_guest => Published {
            guest_key: Some(publisher.guest_key.expose()),
            guest_name: publisher.name,
            ..base
        },
        NamespaceKind::Stamped => Published { guest_name: publisher.name, ..base },
    };
    // Strings always serialize.
    serde_json::to_string(&event).unwrap_or_default()
}

/// The id that a guest claims in a raw namespace. The key cannot be had from it.
fn guest_id(key: &GuestKey) -> String {
    let digest = sha256(format!("roomlet raw guest {}", key.expose()).as_bytes());
    let hexadecimal = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    format!("g-{}", hexadecimal.collect::<String>())
}

/// The size of an event with `text`, in bytes of UTF-8, with room for what is around it.
pub(crate) fn publish_bytes(room: &RoomId, text: &str) -> usize {
    /// Ids, a name of 64 graphemes, a time.
    const AROUND: usize = 2_048;
    let json = serde_json::to_string(text).map_or(text.len(), |text| text.len());
    json + 2 * room.as_str().len() + AROUND
}

/// What was received.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Message(Box<Incoming>),
    /// Of another shape: shown as it came.
    Other(String),
}

/// Reads an event that arrived on `connection`; `number` is another one for each.
pub(super) fn received(
    kind: NamespaceKind,
    text: &str,
    connection: ConnectionId,
    number: u32,
) -> Event {
    match Object::parse(text).and_then(|event| message(kind, event, connection, number)) {
        Some(incoming) => Event::Message(Box::new(incoming)),
        None => Event::Other(text.to_owned()),
    }
}

/// A stamped message has what its handler gives it, or it is none.
fn message(
    kind: NamespaceKind,
    mut event: Object,
    connection: ConnectionId,
    number: u32,
) -> Option<Incoming> {
    let text = event.text("text")?;
    let (mut sender, claimed) = match event.take("sender") {
        Some(Value::String(name)) => (Object::default(), Some(name)),
        sender => (sender.and_then(Object::of).unwrap_or_default(), None),
    };
    let created_at = event.text("createdAt").unwrap_or_default();
    let id = event.word("id").map(MessageId);
    let sender_id = sender.text("id").or_else(|| claimed.clone()).unwrap_or_default();
    let (identity, standing) = match (kind, id) {
        (NamespaceKind::Stamped, Some(id)) if !created_at.is_empty() => {
            let is_user = sender.text("kind").as_deref() == Some("user");
            let standing = if is_user { Standing::User } else { Standing::Guest };
            (Identity::Server(id), standing)
        }
        (NamespaceKind::Stamped, _) => return None,
        // An id is a claim too: only with the same sender and words is it the same message, or one could hide what
        // another says.
        (NamespaceKind::Raw, Some(MessageId(id))) => {
            let identity = Identity::Frame {
                connection: None,
                sender: format!("{id} {sender_id}"),
                created_at: String::new(),
                text: text.clone(),
                occurrence: 0,
            };
            (identity, Standing::Unverified)
        }
        (NamespaceKind::Raw, None) => {
            let identity = Identity::Frame {
                connection: Some(connection),
                sender: sender_id.clone(),
                created_at: created_at.clone(),
                text: text.clone(),
                occurrence: number,
            };
            (identity, Standing::Unverified)
        }
    };
    Some(Incoming {
        identity,
        created_at,
        text,
        client_message_id: event.text("clientMessageId").map(ClientMessageId),
        sender: Sender::Person { id: sender_id, name: sender.text("name").or(claimed), standing },
    })
}
