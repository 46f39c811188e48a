//! The frames: borrowed and exact outward, owned and tolerant inward.

use serde::Serialize;
use serde_json::Value;

use crate::chat::ids::{ClientMessageId, GuestKey, RoomId};
use crate::object::Object;

/// A frame to send. The field order is the one of `docs/contract.md`.
#[derive(Debug, Serialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum ClientFrame<'a> {
    /// Neither `roomId` nor `text`: no backend that does not know it can show it to anybody.
    Hello {
        #[serde(serialize_with = "exposed")]
        guest_key: &'a GuestKey,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
    },
    SendMessage {
        room_id: &'a RoomId,
        text: &'a str,
        /// In the full dialect only.
        #[serde(skip_serializing_if = "Option::is_none")]
        client_message_id: Option<&'a ClientMessageId>,
    },
    History {
        request_id: &'a str,
        room_id: &'a RoomId,
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<&'a str>,
        limit: u8,
    },
    Ping,
}

impl ClientFrame<'_> {
    pub(super) fn to_json(&self) -> String {
        // Strings, numbers and unit variants always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn exposed<S: serde::Serializer>(key: &&GuestKey, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key.expose())
}

/// The size of the frame that sends `text`, in bytes of UTF-8, in the longer of the two dialects.
pub(crate) fn send_frame_bytes(room_id: &RoomId, text: &str) -> usize {
    let id = ClientMessageId("0".repeat(32));
    let client_message_id = Some(&id);
    ClientFrame::SendMessage { room_id, text, client_message_id }.to_json().len()
}

/// A frame that was received.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServerFrame {
    Welcome {
        connection_id: Option<String>,
        sender: Option<WireSender>,
        history: bool,
    },
    /// It has a text: a message in either dialect.
    Message(WireMessage),
    Ack {
        client_message_id: String,
        id: String,
        created_at: String,
    },
    History {
        request_id: String,
        messages: Vec<WireMessage>,
        next_cursor: Option<String>,
    },
    Pong,
    Error(WireError),
    /// The gateway itself reports an error: string `message`, `connectionId` and `requestId`, no `type`.
    Gateway {
        message: String,
        connection_id: String,
    },
    /// An action of some client, broadcast by a `$default` route that passes everything on.
    Action,
    /// A broadcast without a text: nothing in it is for people.
    Textless,
    /// An object with a `type` that is not known here.
    UnknownType,
    /// Anything else: other JSON, or no JSON at all.
    Foreign,
}

/// A message, in either dialect.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WireMessage {
    /// `type` was there: the full dialect.
    pub(super) typed: bool,
    pub(super) id: Option<String>,
    pub(super) room_id: Option<String>,
    pub(super) text: String,
    pub(super) created_at: Option<String>,
    pub(super) client_message_id: Option<String>,
    pub(super) sender: Option<WireSender>,
    pub(super) sender_connection_id: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WireSender {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) kind: Option<String>,
}

impl WireSender {
    /// Whether the backend vouches for who they are.
    pub(super) fn is_user(&self) -> bool {
        self.kind.as_deref() == Some("user")
    }
}

/// An error of the full dialect.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WireError {
    pub(super) code: String,
    pub(super) room_id: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) client_message_id: Option<String>,
    pub(super) retry_after_ms: Option<u64>,
}

/// All fields of all frames; one that has another type than expected counts as absent.
#[derive(Debug, Default)]
struct Fields {
    kind: Option<String>,
    action: Option<String>,
    client_message_id: Option<String>,
    code: Option<String>,
    connection_id: Option<String>,
    created_at: Option<String>,
    features: Option<Vec<String>>,
    id: Option<String>,
    message: Option<String>,
    messages: Option<Vec<Value>>,
    next_cursor: Option<String>,
    request_id: Option<String>,
    retry_after_ms: Option<u64>,
    room_id: Option<String>,
    sender: Option<WireSender>,
    sender_connection_id: Option<String>,
    text: Option<String>,
}

impl ServerFrame {
    pub(super) fn parse(text: &str) -> Self {
        if is_hello(text) {
            return Self::Action;
        }
        match Object::parse(text) {
            Some(object) => Self::from_fields(Fields::read(object)),
            None => Self::Foreign,
        }
    }

    /// Whether this may be what has become of a `welcome` on its way here, or of `hello` on its way there. Words are
    /// not: a backend that does not know `hello` may answer so.
    pub(super) fn may_be_broken_answer(&self, text: &str) -> bool {
        let names = [r#""welcome""#, r#""features""#, r#""connectionId""#, r#""sender""#];
        match self {
            Self::Foreign | Self::UnknownType => {
                let text = text.trim();
                let names = names.into_iter().filter(|name| text.contains(name)).count();
                // Words may end in an object, as those of AWS's own example of a default route do.
                text.starts_with('{') && is_no_json(text) || names > 1
            }
            // To a connection that has not said `hello` a full backend says nothing else but messages.
            Self::Error(error) => error.code == "bad_request",
            _ => false,
        }
    }

    fn from_fields(fields: Fields) -> Self {
        match (fields.kind.as_deref(), &fields) {
            (Some("welcome"), _) => Self::Welcome {
                connection_id: fields.connection_id,
                sender: fields.sender,
                history: fields.features.is_some_and(|all| all.iter().any(|one| one == "history")),
            },
            (
                Some("ack"),
                Fields {
                    client_message_id: Some(send), id: Some(id), created_at: Some(at), ..
                },
            ) => Self::Ack {
                client_message_id: send.clone(),
                id: id.clone(),
                created_at: at.clone(),
            },
            (Some("history"), Fields { request_id: Some(request_id), .. }) => Self::History {
                request_id: request_id.clone(),
                next_cursor: fields.next_cursor,
                messages: fields
                    .messages
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|message| Fields::read(Object::of(message)?).into_message())
                    .collect(),
            },
            (Some("pong"), _) => Self::Pong,
            (Some("error"), Fields { code: Some(code), .. }) => Self::Error(WireError {
                code: code.clone(),
                room_id: fields.room_id,
                request_id: fields.request_id,
                client_message_id: fields.client_message_id,
                retry_after_ms: fields.retry_after_ms,
            }),
            (
                None,
                Fields {
                    message: Some(message),
                    connection_id: Some(connection_id),
                    request_id: Some(_),
                    text: None,
                    ..
                },
            ) => Self::Gateway { message: message.clone(), connection_id: connection_id.clone() },
            (None, Fields { id: None, text: Some(text), .. }) if text.is_empty() => Self::Textless,
            (_, Fields { text: Some(_), .. }) => {
                fields.into_message().map_or(Self::Foreign, Self::Message)
            }
            (Some(_), _) => Self::UnknownType,
            (None, Fields { action: Some(action), .. }) if is_action(action) => Self::Action,
            (
                None,
                Fields {
                    sender_connection_id: Some(_), created_at: Some(_), message: None, ..
                },
            ) => Self::Textless,
            (None, _) => Self::Foreign,
        }
    }
}

/// Whether a frame is no JSON. Where nothing else is said, it has come to harm on its way.
pub(super) fn is_no_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_err()
}

/// Whether a frame is somebody's `hello` that a `$default` route passes on, bare, wrapped or as text: a guest key is
/// not for people.
fn is_hello(text: &str) -> bool {
    let bare = || text.chars().filter(|character| !character.is_whitespace() && *character != '\\');
    text.contains("guestKey")
        && text.contains("hello")
        && bare().collect::<String>().contains(r#""action":"hello""#)
}

/// The actions that this widget sends and that carry nothing for people.
fn is_action(action: &str) -> bool {
    matches!(action, "hello" | "history" | "join" | "leave" | "ping" | "typing")
}

impl Fields {
    fn read(mut object: Object) -> Self {
        let features = object
            .list("features")
            .map(|features| features.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        let sender = object.object("sender").and_then(|mut sender| {
            let id = sender.text("id")?;
            Some(WireSender { id, name: sender.text("name"), kind: sender.text("kind") })
        });
        Self {
            kind: object.text("type"),
            action: object.text("action"),
            client_message_id: object.text("clientMessageId"),
            code: object.text("code"),
            connection_id: object.text("connectionId"),
            created_at: object.text("createdAt"),
            features,
            id: object.text("id"),
            message: object.text("message"),
            messages: object.list("messages"),
            next_cursor: object.text("nextCursor"),
            request_id: object.text("requestId"),
            retry_after_ms: object.number("retryAfterMs"),
            room_id: object.text("roomId"),
            sender,
            sender_connection_id: object.text("senderConnectionId"),
            text: object.text("text"),
        }
    }

    fn into_message(self) -> Option<WireMessage> {
        Some(WireMessage {
            typed: self.kind.is_some(),
            id: self.id,
            room_id: self.room_id,
            text: self.text?,
            created_at: self.created_at,
            client_message_id: self.client_message_id,
            sender: self.sender,
            sender_connection_id: self.sender_connection_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> GuestKey {
        GuestKey::parse("0123456789abcdef0123456789abcdef").unwrap()
    }

    #[test]
    fn frames_go_out_byte_for_byte() {
        let room_id = &RoomId::parse("123").unwrap();
        let id = ClientMessageId("c1".into());
        let cases = [
            (
                ClientFrame::Hello { guest_key: &key(), name: Some("Ann") },
                r#"{"action":"hello","guestKey":"0123456789abcdef0123456789abcdef","name":"Ann"}"#,
            ),
            (
                ClientFrame::Hello { guest_key: &key(), name: None },
                r#"{"action":"hello","guestKey":"0123456789abcdef0123456789abcdef"}"#,
            ),
            (
                ClientFrame::SendMessage { room_id, text: "hi", client_message_id: None },
                r#"{"action":"sendMessage","roomId":"123","text":"hi"}"#,
            ),
            (
                ClientFrame::SendMessage { room_id, text: "hi", client_message_id: Some(&id) },
                r#"{"action":"sendMessage","roomId":"123","text":"hi","clientMessageId":"c1"}"#,
            ),
            (
                ClientFrame::History { request_id: "1", room_id, before: None, limit: 50 },
                r#"{"action":"history","requestId":"1","roomId":"123","limit":50}"#,
            ),
            (
                ClientFrame::History { request_id: "1", room_id, before: Some("m"), limit: 50 },
                r#"{"action":"history","requestId":"1","roomId":"123","before":"m","limit":50}"#,
            ),
            (ClientFrame::Ping, r#"{"action":"ping"}"#),
        ];
        for (frame, json) in cases {
            assert_eq!(frame.to_json(), json);
        }
    }

    #[test]
    fn a_basic_broadcast_is_a_message() {
        let json = r#"{"roomId":"123","text":"hi","senderConnectionId":"XyZ=","createdAt":"2025-10-29T04:06:00.000Z"}"#;
        let ServerFrame::Message(message) = ServerFrame::parse(json) else { panic!("no message") };
        assert_eq!(message.text, "hi");
        assert!(!message.typed);
        assert_eq!(message.sender_connection_id.as_deref(), Some("XyZ="));
    }

    #[test]
    fn a_gateway_error_is_told_by_its_three_fields() {
        let json =
            r#"{"message": "Internal server error", "connectionId":"XyZ=", "requestId":"AbC="}"#;
        let expected = ServerFrame::Gateway {
            message: "Internal server error".into(),
            connection_id: "XyZ=".into(),
        };
        assert_eq!(ServerFrame::parse(json), expected);
        assert_eq!(ServerFrame::parse(r#"{"message":"hello"}"#), ServerFrame::Foreign);
    }

    #[test]
    fn what_is_no_message_is_sorted() {
        let cases = [
            ("", ServerFrame::Foreign),
            ("no JSON", ServerFrame::Foreign),
            ("[]", ServerFrame::Foreign),
            ("[null,null]", ServerFrame::Foreign),
            ("5", ServerFrame::Foreign),
            ("null", ServerFrame::Foreign),
            ("{}", ServerFrame::Foreign),
            (r#"{"text":5}"#, ServerFrame::Foreign),
            (r#"{"type":"confetti"}"#, ServerFrame::UnknownType),
            (r#"{"type":"pong"}"#, ServerFrame::Pong),
            (r#"{"action":"hello","guestKey":"x"}"#, ServerFrame::Action),
            (r#"{"roomId":"1","senderConnectionId":"x","createdAt":"now"}"#, ServerFrame::Textless),
            (r#"{"text":"","senderConnectionId":"x"}"#, ServerFrame::Textless),
            (r#"{"from":"x","data":{"action": "hello","guestKey":"0"}}"#, ServerFrame::Action),
            (r#"{"text":"{\"action\":\"hello\",\"guestKey\":\"0\"}"}"#, ServerFrame::Action),
        ];
        for (json, expected) in cases {
            assert_eq!(ServerFrame::parse(json), expected, "{json}");
        }
    }

    #[test]
    fn of_two_fields_of_one_name_the_last_counts_and_odd_messages_of_a_page_are_passed_over() {
        let ServerFrame::Message(message) =
            ServerFrame::parse(r#"{"text":"a","text":"b","messages":5}"#)
        else {
            panic!("no message")
        };
        assert_eq!(message.text, "b");
        let json = r#"{"type":"history","requestId":"1","messages":[5,{"id":"m","text":"t"},{"id":"x"}],"nextCursor":null}"#;
        let ServerFrame::History { messages, .. } = ServerFrame::parse(json) else {
            panic!("no page")
        };
        assert_eq!(messages.len(), 1);
    }

    #[test]
    fn a_field_of_a_strange_type_counts_as_absent() {
        let json =
            r#"{"text":"hi","createdAt":1761710760000,"id":{},"sender":"ann","roomId":null}"#;
        let ServerFrame::Message(message) = ServerFrame::parse(json) else { panic!("no message") };
        assert_eq!(message, WireMessage { text: "hi".into(), ..WireMessage::default() });
    }
}
