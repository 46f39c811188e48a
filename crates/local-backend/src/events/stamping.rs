//! The `onPublish` handler of the stamped namespace: what it takes from an event, and the event that
//! it makes of the stored message (`docs/contract.md`, section 3).

use serde::Serialize;
use serde_json::{Map, Value};

use super::room_segment::{SegmentRoom, room_of, segment_of};
use crate::rooms::{DisplayName, GuestKey, Message, NewMessage, RoomId, Sender};

/// Longest `clientMessageId`.
const MAX_CLIENT_ID_BYTES: usize = 128;

/// A message that an event asks to send, with what its publisher says of itself.
#[derive(Debug)]
pub(super) struct ChatEvent {
    pub(super) room: RoomId,
    pub(super) text: String,
    pub(super) client_message_id: Option<String>,
    pub(super) guest_key: Option<GuestKey>,
    /// A name to show where the identity has none.
    pub(super) name: Option<DisplayName>,
}

/// Reads an event that was published to the channel of this segment. The error is one sentence.
pub(super) fn read(segment: &str, event: &str) -> Result<ChatEvent, &'static str> {
    let Ok(Value::Object(fields)) = serde_json::from_str(event) else {
        return Err("Publish a JSON object with a text.");
    };
    let fields = Fields(&fields);
    let text = fields.text("text", "Give text as text.")?.unwrap_or_default();
    if text.is_empty() {
        return Err("Give a text that is not empty.");
    }
    let guest_key = fields
        .text("guestKey", "Give guestKey as text.")?
        .map(|key| GuestKey::parse(key).ok_or("Give guestKey as 32 hexadecimal digits."))
        .transpose()?;
    Ok(ChatEvent {
        room: fields.room(segment)?,
        text: text.to_owned(),
        client_message_id: fields.client_message_id()?,
        guest_key,
        name: fields.name()?,
    })
}

/// The event that subscribers get.
pub(super) fn write(message: &Message) -> String {
    StampedEvent {
        id: message.key.id.as_str(),
        created_at: message.key.created_at.to_string(),
        room_id: message.room.as_str(),
        text: &message.text,
        client_message_id: message.client_message_id.as_deref(),
        sender: StampedSender::new(&message.sender),
    }
    .to_json()
}

/// How long the event of a message will be, in bytes.
pub(super) fn length(new: &NewMessage) -> usize {
    StampedEvent {
        id: ID_LIKE_ANY,
        created_at: TIME_LIKE_ANY.to_owned(),
        room_id: new.room.as_str(),
        text: &new.text,
        client_message_id: new.client_message_id.as_deref(),
        sender: StampedSender::new(&new.sender),
    }
    .to_json()
    .len()
}

/// A text as long as any id of a message.
const ID_LIKE_ANY: &str = "000000000000-0000-0000000000000000";

/// A text as long as any time.
const TIME_LIKE_ANY: &str = "2025-10-29T04:06:00.000Z";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StampedEvent<'a> {
    id: &'a str,
    created_at: String,
    room_id: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<&'a str>,
    sender: StampedSender<'a>,
}

impl StampedEvent<'_> {
    fn to_json(&self) -> String {
        // A struct of strings, for which serialising has no way to fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct StampedSender<'a> {
    id: &'a str,
    name: Option<&'a str>,
    kind: &'static str,
}

impl<'a> StampedSender<'a> {
    fn new(sender: &'a Sender) -> Self {
        Self { id: &sender.id, name: sender.name.as_deref(), kind: sender.kind.as_str() }
    }
}

struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The room of the channel, which the event may name too, and has to where the channel has only
    /// its hash.
    fn room(&self, segment: &str) -> Result<RoomId, &'static str> {
        let named = match self.text("roomId", "Give roomId as text.")? {
            None => None,
            Some(id) => Some(
                RoomId::parse(Some(id))
                    .ok_or("Give roomId as 1 to 128 bytes of text without control characters.")?,
            ),
        };
        match (room_of(segment), named) {
            (SegmentRoom::Known(room), None) => Ok(room),
            (SegmentRoom::Known(_) | SegmentRoom::Hashed, Some(named))
                if segment_of(&named) == segment =>
            {
                Ok(named)
            }
            (SegmentRoom::Hashed, None) => Err("Give roomId; this channel has only its hash."),
            (SegmentRoom::Known(_) | SegmentRoom::Hashed, Some(_)) => {
                Err("Publish to the channel of roomId; this is another room's.")
            }
            (SegmentRoom::None, _) => Err("Publish to the channel of a room."),
        }
    }

    fn client_message_id(&self) -> Result<Option<String>, &'static str> {
        let rule = "Give clientMessageId as 1 to 128 bytes of text.";
        match self.text("clientMessageId", rule)? {
            Some(id) if id.is_empty() || id.len() > MAX_CLIENT_ID_BYTES => Err(rule),
            id => Ok(id.map(str::to_owned)),
        }
    }

    /// The name that the publisher gives itself, as in `hello` or in the sender of a raw event.
    fn name(&self) -> Result<Option<DisplayName>, &'static str> {
        let given = self.text("guestName", "Give guestName as text.")?;
        let claimed = || self.0.get("sender")?.as_object()?.get("name")?.as_str();
        Ok(given.or_else(claimed).and_then(DisplayName::clean))
    }

    /// A text that may be absent; null is absent.
    fn text(&self, name: &str, rule: &'static str) -> Result<Option<&'a str>, &'static str> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(rule),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::{MessageId, OrderKey, SenderKind, Timestamp};

    #[test]
    fn the_room_is_that_of_the_channel() {
        let room = |segment: &str, event: &str| read(segment, event).map(|event| event.room);
        let id = |text: &str| RoomId::parse(Some(text)).unwrap();
        assert_eq!(room("a", r#"{"text":"hi"}"#), Ok(id("a")));
        assert_eq!(room("a", r#"{"text":"hi","roomId":"a"}"#), Ok(id("a")));
        assert!(room("a", r#"{"text":"hi","roomId":"b"}"#).is_err());
        // An empty one is the lobby, here as elsewhere.
        assert_eq!(room("lobby", r#"{"text":"hi","roomId":""}"#), Ok(id("lobby")));
        let long = "r".repeat(60);
        let hashed = segment_of(&id(&long));
        let named = format!(r#"{{"text":"hi","roomId":"{long}"}}"#);
        assert_eq!(room(&hashed, &named), Ok(id(&long)));
        assert!(room(&hashed, r#"{"text":"hi"}"#).is_err());
        assert!(room(&hashed, r#"{"text":"hi","roomId":"a"}"#).is_err());
        assert!(room("x-nrxwey3z", r#"{"text":"hi","roomId":"lobby"}"#).is_err());
    }

    #[test]
    fn events_that_are_no_messages_are_refused() {
        for event in [
            "",
            "1",
            "\"text\"",
            "[]",
            "{}",
            r#"{"text":""}"#,
            r#"{"text":1}"#,
            r#"{"text":"hi","roomId":1}"#,
            r#"{"text":"hi","guestKey":"short"}"#,
            r#"{"text":"hi","clientMessageId":""}"#,
        ] {
            assert!(read("a", event).is_err(), "{event}");
        }
    }

    #[test]
    fn names_are_claims_and_cleaned() {
        let name = |event: &str| read("a", event).unwrap().name.map(DisplayName::into_string);
        assert_eq!(name(r#"{"text":"hi"}"#), None);
        assert_eq!(name(r#"{"text":"hi","guestName":" Ann "}"#).as_deref(), Some("Ann"));
        let sender = r#"{"text":"hi","sender":{"id":"x","name":"Bo\u202e"}}"#;
        assert_eq!(name(sender).as_deref(), Some("Bo"));
    }

    #[test]
    fn a_stamped_event_has_its_fields_and_no_more() {
        let created_at = Timestamp(1_761_710_760_000);
        let message = Message {
            key: OrderKey { created_at, id: MessageId::from_text("m".to_owned()) },
            room: RoomId::lobby(),
            text: "a \"b\"".to_owned(),
            client_message_id: None,
            sender: Sender { id: "g-1".to_owned(), name: None, kind: SenderKind::Guest },
            sender_connection_id: Some("c".to_owned()),
        };
        assert_eq!(
            write(&message),
            r#"{"id":"m","createdAt":"2025-10-29T04:06:00.000Z","roomId":"lobby","text":"a \"b\"","sender":{"id":"g-1","name":null,"kind":"guest"}}"#
        );
        let message = Message { client_message_id: Some("k".to_owned()), ..message };
        assert!(write(&message).contains(r#""text":"a \"b\"","clientMessageId":"k","sender""#));
    }
}
