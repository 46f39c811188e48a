//! The frames of the full dialect.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::rooms::{
    Cursor, DEFAULT_PAGE_MESSAGES, DisplayName, GuestKey, MAX_PAGE_MESSAGES, Message, PageRequest,
    Position, RoomId, Sender,
};

/// Longest id that a client gives to a message or a request.
const MAX_CLIENT_ID_BYTES: usize = 128;

/// Longest cursor that is looked at.
const MAX_CURSOR_BYTES: usize = 256;

/// What a client asks for.
#[derive(Debug)]
pub(super) enum Action {
    Hello { guest_key: Option<GuestKey>, name: Option<DisplayName> },
    Join { room: RoomId },
    Leave { room: RoomId },
    SendMessage { room: RoomId, text: String, client_message_id: Option<String> },
    History { request_id: String, page: PageRequest },
    Ping,
    Typing,
}

/// Why a frame is refused, by the codes of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorCode {
    Forbidden,
    RateLimited,
    Conflict,
    BadRequest,
    Internal,
}

/// An error frame; it says what it answers as far as that was readable, and never what was in it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename = "error", rename_all = "camelCase")]
pub(super) struct ErrorFrame {
    pub(super) code: ErrorCode,
    pub(super) message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_ms: Option<u64>,
}

impl ErrorFrame {
    pub(super) fn new(code: ErrorCode, message: &'static str) -> Self {
        Self {
            code,
            message,
            room_id: None,
            request_id: None,
            client_message_id: None,
            retry_after_ms: None,
        }
    }

    /// What everybody hears who may not enter a room, and whoever names one that is not there.
    pub(super) fn no_such_room(room: &RoomId) -> Self {
        Self {
            room_id: Some(room.as_str().to_owned()),
            ..Self::new(ErrorCode::Forbidden, "no such room")
        }
    }
}

/// Every other frame to a client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(super) enum Answer<'a> {
    Welcome {
        features: &'static [&'static str],
        connection_id: &'a str,
        sender: SenderField<'a>,
    },
    Joined {
        room_id: &'a str,
    },
    Left {
        room_id: &'a str,
    },
    Ack {
        client_message_id: &'a str,
        room_id: &'a str,
        id: &'a str,
        created_at: String,
    },
    History {
        request_id: &'a str,
        room_id: &'a str,
        messages: Vec<MessageFields<'a>>,
        next_cursor: Option<&'a str>,
    },
    Pong,
}

/// A message on its way to the members of its room.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "message")]
pub(in crate::gateway) struct MessageFrame<'a> {
    #[serde(flatten)]
    fields: MessageFields<'a>,
}

impl<'a> MessageFrame<'a> {
    pub(in crate::gateway) fn new(message: &'a Message) -> Self {
        Self { fields: MessageFields::new(message) }
    }
}

/// A message as a page of history has it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::gateway) struct MessageFields<'a> {
    id: &'a str,
    created_at: String,
    room_id: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<&'a str>,
    sender: SenderField<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_connection_id: Option<&'a str>,
}

impl<'a> MessageFields<'a> {
    pub(super) fn new(message: &'a Message) -> Self {
        Self {
            id: message.key.id.as_str(),
            created_at: message.key.created_at.to_string(),
            room_id: message.room.as_str(),
            text: &message.text,
            client_message_id: message.client_message_id.as_deref(),
            sender: SenderField::new(&message.sender),
            sender_connection_id: message.sender_connection_id.as_deref(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(in crate::gateway) struct SenderField<'a> {
    id: &'a str,
    name: Option<&'a str>,
    kind: &'static str,
}

impl<'a> SenderField<'a> {
    pub(super) fn new(sender: &'a Sender) -> Self {
        Self { id: &sender.id, name: sender.name.as_deref(), kind: sender.kind.as_str() }
    }
}

/// A frame that cannot be served.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: ErrorFrame,
    /// It was a `hello`, so its sender speaks the full dialect and can be told.
    pub(super) is_hello: bool,
}

/// Reads a text frame.
pub(super) fn read(text: &str) -> Result<Action, Box<Refused>> {
    let bad_request = |message| ErrorFrame::new(ErrorCode::BadRequest, message);
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        let error = bad_request("Send a JSON object with an action.");
        return Err(Box::new(Refused { error, is_hello: false }));
    };
    let frame = Frame { fields: &fields };
    frame.action().map_err(|message| {
        let error = ErrorFrame {
            room_id: frame.echo("roomId"),
            request_id: frame.echo("requestId"),
            client_message_id: frame.echo("clientMessageId"),
            ..bad_request(message)
        };
        Box::new(Refused { error, is_hello: frame.action_name() == Some("hello") })
    })
}

struct Frame<'a> {
    fields: &'a Map<String, Value>,
}

impl Frame<'_> {
    fn action(&self) -> Result<Action, &'static str> {
        match self.action_name() {
            Some("hello") => self.hello(),
            Some("join") => Ok(Action::Join { room: self.room()? }),
            Some("leave") => Ok(Action::Leave { room: self.room()? }),
            Some("sendMessage") => self.send_message(),
            Some("history") => self.history(),
            Some("ping") => Ok(Action::Ping),
            Some("typing") => Ok(Action::Typing),
            Some(_) | None => Err("Send a JSON object with a known action."),
        }
    }

    fn action_name(&self) -> Option<&str> {
        self.fields.get("action").and_then(Value::as_str)
    }

    fn hello(&self) -> Result<Action, &'static str> {
        let guest_key = self
            .text("guestKey", "Give guestKey as text.")?
            .map(|key| GuestKey::parse(key).ok_or("Give guestKey as 32 hexadecimal digits."))
            .transpose()?;
        let name = self.text("name", "Give name as text.")?.and_then(DisplayName::clean);
        Ok(Action::Hello { guest_key, name })
    }

    fn send_message(&self) -> Result<Action, &'static str> {
        let text = self.text("text", "Give text as text.")?.unwrap_or_default();
        if text.is_empty() {
            return Err("Give a text that is not empty.");
        }
        Ok(Action::SendMessage {
            room: self.room()?,
            text: text.to_owned(),
            client_message_id: self
                .client_id("clientMessageId", "Give clientMessageId as 1 to 128 bytes of text.")?,
        })
    }

    fn history(&self) -> Result<Action, &'static str> {
        let id_rule = "Give requestId as 1 to 128 bytes of text.";
        let request_id = self.client_id("requestId", id_rule)?.ok_or(id_rule)?;
        let position = match (self.cursor("before")?, self.cursor("after")?) {
            (None, None) => Position::Newest,
            (Some(before), None) => Position::Before(before),
            (None, Some(after)) => Position::After(after),
            (Some(_), Some(_)) => return Err("Give before or after, not both."),
        };
        let limit = match self.fields.get("limit") {
            None | Some(Value::Null) => DEFAULT_PAGE_MESSAGES,
            Some(limit) => match limit.as_u64() {
                None | Some(0) => return Err("Give limit as a whole number from 1 to 100."),
                Some(limit) => {
                    usize::try_from(limit).map_or(MAX_PAGE_MESSAGES, |n| n.min(MAX_PAGE_MESSAGES))
                }
            },
        };
        let page = PageRequest { room: self.room()?, position, limit };
        Ok(Action::History { request_id, page })
    }

    fn room(&self) -> Result<RoomId, &'static str> {
        let rule = "Give roomId as 1 to 128 bytes of text without control characters.";
        RoomId::parse(self.text("roomId", rule)?).ok_or(rule)
    }

    fn cursor(&self, name: &str) -> Result<Option<Cursor>, &'static str> {
        let rule = "Give a cursor of an earlier page or the id of a message of this room.";
        match self.text(name, rule)? {
            Some(cursor) if cursor.is_empty() || cursor.len() > MAX_CURSOR_BYTES => Err(rule),
            cursor => Ok(cursor.map(|cursor| Cursor(cursor.to_owned()))),
        }
    }

    fn client_id(&self, name: &str, rule: &'static str) -> Result<Option<String>, &'static str> {
        match self.text(name, rule)? {
            Some(id) if id.is_empty() || id.len() > MAX_CLIENT_ID_BYTES => Err(rule),
            id => Ok(id.map(str::to_owned)),
        }
    }

    /// A text that may be absent; null is absent.
    fn text(&self, name: &str, rule: &'static str) -> Result<Option<&str>, &'static str> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(rule),
        }
    }

    /// A short text of the refused frame, for the client to know which it was.
    fn echo(&self, name: &str) -> Option<String> {
        let text = self.fields.get(name)?.as_str()?;
        (text.len() <= MAX_CLIENT_ID_BYTES).then(|| text.to_owned())
    }
}
