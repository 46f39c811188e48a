//! The frames and answers: exact outward, tolerant inward.

use serde::Serialize;
use serde_json::Value;

use crate::auth::Authorization;
use crate::backend::appsync::{Frame, WireErrors};
use crate::object::Object;

/// Events of one publish, at most (Event API quotas). Roomlet publishes one: the order of a batch is not kept.
const MAX_BATCH: usize = 5;

/// What is subscribed to; also what is signed for it.
#[derive(Debug, Serialize)]
pub(super) struct ChannelBody<'a> {
    pub(super) channel: &'a str,
}

/// What is published; also what is signed for it, and the body of an HTTP publish.
#[derive(Debug, Serialize)]
pub(super) struct PublishBody<'a> {
    channel: &'a str,
    events: &'a [String],
}

impl<'a> PublishBody<'a> {
    /// Events beyond what one publish takes are refused by `None`.
    pub(super) fn new(channel: &'a str, events: &'a [String]) -> Option<Self> {
        (1..=MAX_BATCH).contains(&events.len()).then_some(Self { channel, events })
    }
}

/// A frame to send.
#[derive(Debug, Serialize)]
struct ClientFrame<'a, B: Serialize> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    #[serde(flatten)]
    body: B,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization: Option<Authorization>,
}

#[derive(Debug, Serialize)]
struct Nothing {}

pub(super) fn subscribe(id: &str, body: &ChannelBody<'_>, authorization: Authorization) -> String {
    json(&ClientFrame { kind: "subscribe", id, body, authorization: Some(authorization) })
}

pub(super) fn publish(id: &str, body: &PublishBody<'_>, authorization: Authorization) -> String {
    json(&ClientFrame { kind: "publish", id, body, authorization: Some(authorization) })
}

pub(super) fn unsubscribe(id: &str) -> String {
    json(&ClientFrame { kind: "unsubscribe", id, body: Nothing {}, authorization: None })
}

pub(super) fn json<T: Serialize>(value: &T) -> String {
    // Strings always serialize.
    serde_json::to_string(value).unwrap_or_default()
}

/// A frame that was received.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServerFrame {
    Ack {
        timeout: Option<u64>,
    },
    KeepAlive,
    Subscribed {
        id: String,
    },
    SubscribeRefused {
        id: String,
        errors: WireErrors,
    },
    /// Events, each as its publisher wrote it.
    Data {
        id: String,
        events: Vec<String>,
    },
    BroadcastError {
        id: String,
    },
    Published {
        id: String,
        failed: WireErrors,
    },
    PublishRefused {
        id: String,
        errors: WireErrors,
    },
    Error {
        id: Option<String>,
        errors: WireErrors,
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
        let Frame { errors, timeout, mut fields, .. } = frame;
        match (frame.kind.as_deref(), frame.id) {
            (Some("connection_ack"), _) => Self::Ack { timeout },
            (Some("ka"), _) => Self::KeepAlive,
            (Some("subscribe_success"), Some(id)) => Self::Subscribed { id },
            (Some("subscribe_error"), Some(id)) => Self::SubscribeRefused { id, errors },
            (Some("data"), Some(id)) => Self::Data { id, events: events(fields.take("event")) },
            (Some("broadcast_error"), Some(id)) => Self::BroadcastError { id },
            (Some("publish_success"), Some(id)) => {
                Self::Published { id, failed: WireErrors::read(fields.take("failed")) }
            }
            (Some("publish_error"), Some(id)) => Self::PublishRefused { id, errors },
            (Some("error" | "subscribe_error" | "publish_error"), id) => Self::Error { id, errors },
            (Some("connection_error"), _) => Self::Refused(errors),
            _ => Self::Unknown,
        }
    }
}

/// The guide's page shows an array with one string, the service sends one string, and a bare value is possible.
fn events(event: Option<Value>) -> Vec<String> {
    match event {
        None => Vec::new(),
        Some(Value::String(event)) => vec![event],
        Some(Value::Array(events)) => events.into_iter().map(text).collect(),
        Some(value) => vec![text(value)],
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}

/// The body of the answer to an HTTP publish.
#[derive(Debug)]
pub(super) struct Answer {
    /// Even a success can hold failures.
    pub(super) failed: WireErrors,
    pub(super) errors: WireErrors,
}

impl Answer {
    pub(super) fn parse(body: &str) -> Self {
        let mut body = Object::parse(body).unwrap_or_default();
        let failed = WireErrors::read(body.take("failed"));
        Self { failed, errors: WireErrors::read(body.take("errors")) }
    }
}
