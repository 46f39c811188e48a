//! The frames and answers: exact outward, tolerant inward.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::auth::Authorization;
use crate::backend::appsync::WireErrors;
use crate::backend::lenient::lenient;
use crate::chat::ids::{ClientMessageId, MessageId};
use crate::chat::message::{Identity, Incoming, Sender, Standing};

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
    /// Anything else; the service may learn new words.
    Unknown,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Frame {
    #[serde(rename = "type", deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(deserialize_with = "lenient")]
    id: Option<String>,
    payload: Value,
    /// Where Events has it; the service is not known to mix them up, other servers are.
    #[serde(rename = "connectionTimeoutMs", deserialize_with = "lenient")]
    timeout: Option<u64>,
    errors: WireErrors,
}

impl ServerFrame {
    pub(super) fn parse(text: &str) -> Self {
        // By way of a value, in which the last of two fields of one name counts.
        let frame = serde_json::from_str::<Value>(text).and_then(serde_json::from_value::<Frame>);
        let Ok(frame) = frame else { return Self::Unknown };
        let mut payload = frame.payload;
        let errors = match payload.get_mut("errors").map(Value::take) {
            Some(errors) => serde_json::from_value(errors).unwrap_or_default(),
            None => frame.errors,
        };
        // Connection-wide errors come with an empty id, or without any.
        let id = frame.id.filter(|id| !id.is_empty());
        match (frame.kind.as_deref(), id) {
            (Some("connection_ack"), _) => {
                let inner = payload.get("connectionTimeoutMs").and_then(Value::as_u64);
                Self::Ack { timeout: inner.or(frame.timeout) }
            }
            (Some("ka"), _) => Self::KeepAlive,
            (Some("start_ack"), Some(id)) => Self::Started { id },
            (Some("data"), Some(id)) => {
                let data = payload.get_mut("data").map(Value::take).unwrap_or_default();
                let message = only_field(data).and_then(WireMessage::read).map(Box::new);
                Self::Data { id, message, errors }
            }
            (Some("complete"), Some(id)) => Self::Complete { id },
            (Some("error"), id) => Self::Error { id, errors },
            (Some("connection_error"), _) => Self::Refused(errors),
            _ => Self::Unknown,
        }
    }
}

/// The field of the operation: one operation has one.
fn only_field(data: Value) -> Option<Value> {
    match data {
        Value::Object(fields) => fields.into_iter().next().map(|(_, value)| value),
        _ => None,
    }
}

/// A message, in either schema.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMessage {
    pub(super) id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) room_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sender: Option<String>,
    pub(super) content: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sender_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sender_kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) client_message_id: Option<String>,
}

impl WireMessage {
    /// Without a time there is no place for it.
    fn read(value: Value) -> Option<Self> {
        let message = serde_json::from_value::<Self>(value).ok()?;
        message.created_at.as_ref().is_some_and(|time| !time.is_empty()).then_some(message)
    }

    pub(super) fn into_incoming(self) -> Incoming {
        let is_user = self.sender_kind.as_deref() == Some("user");
        let standing = if is_user { Standing::User } else { Standing::Guest };
        let id = self.sender.unwrap_or_default();
        Incoming {
            identity: Identity::Server(MessageId(self.id)),
            created_at: self.created_at.unwrap_or_default(),
            text: self.content,
            client_message_id: self.client_message_id.map(ClientMessageId),
            sender: Sender::Person { id, name: self.sender_name, standing },
        }
    }
}

/// The body of an HTTP answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    data: Value,
    pub(super) errors: WireErrors,
}

/// A page of history.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePage {
    messages: Vec<Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) next_cursor: Option<String>,
}

impl WirePage {
    /// The messages that can be read.
    pub(super) fn messages(&mut self) -> Vec<Incoming> {
        let messages = std::mem::take(&mut self.messages).into_iter();
        messages.filter_map(WireMessage::read).map(WireMessage::into_incoming).collect()
    }
}

impl Answer {
    pub(super) fn parse(body: &str) -> Self {
        let value = serde_json::from_str::<Value>(body).unwrap_or_default();
        serde_json::from_value(value).unwrap_or_default()
    }

    pub(super) fn message(&mut self) -> Option<WireMessage> {
        only_field(self.data.take()).and_then(WireMessage::read)
    }

    pub(super) fn page(&mut self) -> Option<WirePage> {
        only_field(self.data.take()).and_then(|page| serde_json::from_value(page).ok())
    }
}
