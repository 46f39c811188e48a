//! The frames and answers: exact outward, tolerant inward.

use serde::Serialize;

use crate::auth::{Authorization, iso_date};
use crate::backend::appsync::{Frame, WireErrors};
use crate::backend::{Cursor, Page};
use crate::chat::ids::{ClientMessageId, MessageId, RoomId};
use crate::chat::message::{Identity, Incoming, Sender, Standing};
use crate::object::Object;
use crate::time::parse_time;

/// A frame to send.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ClientFrame<'a> {
    Start {
        id: &'a str,
        #[serde(rename = "type")]
        kind: &'static str,
        payload: StartPayload<'a>,
    },
    Stop {
        id: &'a str,
        #[serde(rename = "type")]
        kind: &'static str,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct StartPayload<'a> {
    /// The operation, as JSON in a string.
    data: &'a str,
    extensions: Extensions,
}

#[derive(Debug, Serialize)]
struct Extensions {
    authorization: Authorization,
}

impl<'a> ClientFrame<'a> {
    pub(super) fn start(id: &'a str, operation: &'a str, authorization: Authorization) -> Self {
        let extensions = Extensions { authorization };
        Self::Start { id, kind: "start", payload: StartPayload { data: operation, extensions } }
    }

    pub(super) fn stop(id: &'a str) -> Self {
        Self::Stop { id, kind: "stop" }
    }

    pub(super) fn to_json(&self) -> String {
        // Strings always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A frame that was received.
#[derive(Debug, PartialEq)]
pub(super) enum ServerFrame {
    Ack {
        timeout: Option<u64>,
    },
    KeepAlive,
    Started {
        id: String,
    },
    Data {
        id: String,
        message: Option<Box<WireMessage>>,
        errors: WireErrors,
    },
    Error {
        id: Option<String>,
        errors: WireErrors,
    },
    Complete {
        id: String,
    },
    Refused(WireErrors),
    /// No JSON object: something has come to harm on its way.
    Broken,
    /// Anything else; the service may learn new words.
    Unknown,
}

impl ServerFrame {
    pub(super) fn parse(text: &str) -> Self {
        let Some(frame) = Frame::parse(text) else { return Self::Broken };
        let Frame { errors, timeout, mut payload, .. } = frame;
        match (frame.kind.as_deref(), frame.id) {
            (Some("connection_ack"), _) => Self::Ack { timeout },
            (Some("ka"), _) => Self::KeepAlive,
            (Some("start_ack"), Some(id)) => Self::Started { id },
            (Some("data"), Some(id)) => {
                let message = only_field(&mut payload).and_then(WireMessage::read).map(Box::new);
                Self::Data { id, message, errors }
            }
            (Some("complete"), Some(id)) => Self::Complete { id },
            (Some("error"), id) => Self::Error { id, errors },
            (Some("connection_error"), _) => Self::Refused(errors),
            _ => Self::Unknown,
        }
    }
}

/// The field of the operation in `data`: one operation has one.
fn only_field(object: &mut Object) -> Option<Object> {
    object.object("data").and_then(Object::take_any).and_then(Object::of)
}

/// A message, in either schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WireMessage {
    room_id: Option<String>,
    id: String,
    sender: Option<String>,
    content: String,
    created_at: String,
    sender_name: Option<String>,
    sender_kind: Option<String>,
    client_message_id: Option<String>,
}

impl WireMessage {
    /// Without an id, a content and a time it is none.
    fn read(mut object: Object) -> Option<Self> {
        Some(Self {
            room_id: object.text("roomId"),
            id: object.text("id")?,
            content: object.text("content")?,
            created_at: object.word("createdAt")?,
            sender: object.text("sender"),
            sender_name: object.text("senderName"),
            sender_kind: object.text("senderKind"),
            client_message_id: object.text("clientMessageId"),
        })
    }

    pub(super) fn is_of_another(&self, room: &RoomId) -> bool {
        self.room_id.as_deref().is_some_and(|of| of != room.as_str())
    }

    pub(super) fn into_incoming(self) -> Incoming {
        // In the basic schema there is only a sender, which is a name more often than an id.
        let name = match (self.sender_name, &self.sender_kind) {
            (None, None) => self.sender.clone().filter(|sender| !looks_like_id(sender)),
            (name, _) => name,
        };
        let is_user = self.sender_kind.as_deref() == Some("user");
        let standing = if is_user { Standing::User } else { Standing::Guest };
        let id = self.sender.unwrap_or_default();
        Incoming {
            identity: Identity::Server(MessageId(self.id)),
            created_at: canonical_time(self.created_at),
            text: self.content,
            client_message_id: self.client_message_id.map(ClientMessageId),
            sender: Sender::Person { id, name, standing },
        }
    }
}

/// Ids that say nothing to people: of guests, UUIDs, those of Cognito identities (`region:uuid`), long hexadecimal ones.
fn looks_like_id(text: &str) -> bool {
    let last = text.rsplit(':').next().unwrap_or(text);
    let is_hexadecimal =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    text.is_empty()
        || text.starts_with("g-")
        || text.starts_with("c-")
        || (last.len() >= 16 && is_hexadecimal(last))
}

/// `AWSDateTime` may have an offset; order compares times as text, which takes UTC.
fn canonical_time(text: String) -> String {
    if text.ends_with('Z') {
        return text;
    }
    parse_time(&text).map_or(text, iso_date)
}

/// The body of an HTTP answer.
#[derive(Debug)]
pub(super) struct Answer {
    field: Option<Object>,
    pub(super) errors: WireErrors,
}

impl Answer {
    pub(super) fn parse(body: &str) -> Self {
        let mut body = Object::parse(body).unwrap_or_default();
        let errors = WireErrors::read(body.take("errors"));
        Self { field: only_field(&mut body), errors }
    }

    pub(super) fn message(&mut self) -> Option<WireMessage> {
        self.field.take().and_then(WireMessage::read)
    }

    /// A page of history: the messages that can be read.
    pub(super) fn page(&mut self) -> Option<Page> {
        let mut page = self.field.take()?;
        let messages = page.list("messages")?.into_iter();
        let messages = messages.filter_map(|message| WireMessage::read(Object::of(message)?));
        let messages = messages.map(WireMessage::into_incoming).collect();
        Some(Page { messages, next: page.text("nextCursor").map(Cursor) })
    }
}
