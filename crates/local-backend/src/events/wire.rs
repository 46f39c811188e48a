//! The frames of AppSync Events (Event API guide, "Understanding the Event API WebSocket protocol").

use serde::Serialize;
use serde_json::{Map, Value};

use crate::appsync::{ErrorEntry, Frame, Headers, ServiceError};

/// Longest id of an operation.
const MAX_ID_CHARACTERS: usize = 128;

/// What a client asks for.
#[derive(Debug)]
pub(super) enum Request {
    /// Listen to a channel.
    Subscribe { id: String, channel: String, authorization: Headers },
    /// Listen no more.
    Unsubscribe { id: String },
    /// Publish events.
    Publish { id: String, channel: String, events: Value, authorization: Headers },
}

/// An event that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Successful {
    /// The service's name for it, which is in no data frame.
    pub(super) identifier: String,
    /// Its place in the request.
    pub(super) index: usize,
}

/// An event that was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Failed {
    /// The service's name for it.
    pub(super) identifier: String,
    /// Its place in the request.
    pub(super) index: usize,
    /// A number in the manner of HTTP.
    pub(super) code: u16,
    /// Why.
    pub(super) message: String,
}

/// What became of the events of a publish, over a socket and over HTTP alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Published {
    /// Those that were published.
    pub(super) successful: Vec<Successful>,
    /// Those that were not.
    pub(super) failed: Vec<Failed>,
}

/// A frame to a client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(super) enum Answer<'a> {
    ConnectionAck {
        connection_timeout_ms: u64,
    },
    ConnectionError {
        errors: [ErrorEntry<'a>; 1],
    },
    SubscribeSuccess {
        id: &'a str,
    },
    SubscribeError {
        id: &'a str,
        errors: [ErrorEntry<'a>; 1],
    },
    UnsubscribeSuccess {
        id: &'a str,
    },
    UnsubscribeError {
        id: &'a str,
        errors: [ErrorEntry<'a>; 1],
    },
    PublishSuccess {
        id: &'a str,
        #[serde(flatten)]
        published: &'a Published,
    },
    PublishError {
        id: &'a str,
        errors: [ErrorEntry<'a>; 1],
    },
    Data {
        id: &'a str,
        event: Event<'a>,
    },
    BroadcastError {
        id: &'a str,
        errors: [ErrorEntry<'a>; 1],
    },
    Error {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        errors: [ErrorEntry<'a>; 1],
    },
}

impl Answer<'_> {
    /// The frame as text.
    pub(super) fn to_json(&self) -> String {
        // Frames are structs of strings and numbers, for which serialising has no way to fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An event on its way to a subscriber: a JSON text as a string, or, as the guide shows it, an array
/// of one.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Event<'a> {
    Text(&'a str),
    Array([&'a str; 1]),
}

/// A frame that cannot be served.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// What it was meant to be.
    pub(super) operation: Operation,
    /// Its id, if it has one that can be said again.
    pub(super) id: Option<String>,
    /// Why.
    pub(super) error: ServiceError,
}

/// What a frame asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Subscribe,
    Unsubscribe,
    Publish,
    Unknown,
}

impl Operation {
    /// The frame that refuses it: its own where it has an id to say it of.
    pub(super) fn refusal<'a>(self, id: Option<&'a str>, error: &'a ServiceError) -> Answer<'a> {
        let errors = [error.entry()];
        match (self, id) {
            (Self::Subscribe, Some(id)) => Answer::SubscribeError { id, errors },
            (Self::Unsubscribe, Some(id)) => Answer::UnsubscribeError { id, errors },
            (Self::Publish, Some(id)) => Answer::PublishError { id, errors },
            (_, id) => Answer::Error { id, errors },
        }
    }
}

/// Reads a frame.
pub(super) fn read(frame: Frame) -> Result<Request, Unreadable> {
    let Frame { kind, id, mut fields } = frame;
    let operation = match kind.as_str() {
        "subscribe" => Operation::Subscribe,
        "unsubscribe" => Operation::Unsubscribe,
        "publish" => Operation::Publish,
        _ => Operation::Unknown,
    };
    let unreadable = |id: Option<String>, error: ServiceError| {
        let id = id.filter(|id| id.len() <= MAX_ID_CHARACTERS);
        Err(Unreadable { operation, id, error })
    };
    if operation == Operation::Unknown {
        return unreadable(id, ServiceError::unsupported("unknown"));
    }
    let id = match id {
        Some(id) if is_operation_id(&id) => id,
        id => {
            let rule = "Invalid operation id; it must match ^[a-zA-Z0-9-_+]{1,128}$";
            return unreadable(id, ServiceError::bad_request(rule));
        }
    };
    if operation == Operation::Unsubscribe {
        return Ok(Request::Unsubscribe { id });
    }
    let Some(Value::String(channel)) = fields.remove("channel") else {
        return unreadable(Some(id), invalid_channel());
    };
    let authorization = match fields.remove("authorization") {
        Some(Value::Object(headers)) => Headers::of_object(&headers),
        Some(_) | None => Headers::of_object(&Map::new()),
    };
    if operation == Operation::Subscribe {
        return Ok(Request::Subscribe { id, channel, authorization });
    }
    let events = fields.remove("events").unwrap_or(Value::Null);
    Ok(Request::Publish { id, channel, events, authorization })
}

/// A channel that is none.
pub(super) fn invalid_channel() -> ServiceError {
    ServiceError::bad_request("Invalid Channel Format")
}

fn is_operation_id(id: &str) -> bool {
    (1..=MAX_ID_CHARACTERS).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Frame {
        let fields: Map<String, Value> = serde_json::from_str(text).unwrap();
        let word = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        Frame { kind: word("type").unwrap_or_default(), id: word("id"), fields }
    }

    fn refused(text: &str) -> String {
        let unreadable = read(frame(text)).unwrap_err();
        unreadable.operation.refusal(unreadable.id.as_deref(), &unreadable.error).to_json()
    }

    #[test]
    fn answers_are_the_frames_of_the_guide() {
        let error = ServiceError::new("Unauthorized", "no", 401);
        let published = Published {
            successful: vec![Successful { identifier: "u".to_owned(), index: 0 }],
            failed: vec![Failed {
                identifier: "v".to_owned(),
                index: 1,
                code: 400,
                message: "no".to_owned(),
            }],
        };
        for (answer, text) in [
            (
                Answer::ConnectionAck { connection_timeout_ms: 300_000 },
                r#"{"type":"connection_ack","connectionTimeoutMs":300000}"#,
            ),
            (
                Answer::ConnectionError { errors: [error.entry_with_code()] },
                r#"{"type":"connection_error","errors":[{"errorType":"Unauthorized","message":"no","errorCode":401}]}"#,
            ),
            (Answer::SubscribeSuccess { id: "s1" }, r#"{"type":"subscribe_success","id":"s1"}"#),
            (
                Answer::SubscribeError { id: "s1", errors: [error.entry()] },
                r#"{"type":"subscribe_error","id":"s1","errors":[{"errorType":"Unauthorized","message":"no"}]}"#,
            ),
            (
                Answer::Data { id: "s1", event: Event::Text(r#"{"body":"hi"}"#) },
                r#"{"type":"data","id":"s1","event":"{\"body\":\"hi\"}"}"#,
            ),
            (
                Answer::Data { id: "s1", event: Event::Array(["1"]) },
                r#"{"type":"data","id":"s1","event":["1"]}"#,
            ),
            (
                Answer::PublishSuccess { id: "p1", published: &published },
                r#"{"type":"publish_success","id":"p1","successful":[{"identifier":"u","index":0}],"failed":[{"identifier":"v","index":1,"code":400,"message":"no"}]}"#,
            ),
        ] {
            assert_eq!(answer.to_json(), text);
        }
    }

    #[test]
    fn unknown_frames_are_unsupported() {
        let errors = r#""errors":[{"errorType":"UnsupportedOperation","message":"unknown not supported through the realtime channel"}]"#;
        assert_eq!(refused(r#"{"type":"start"}"#), format!(r#"{{"type":"error",{errors}}}"#));
        assert_eq!(
            refused(r#"{"type":"ping","id":"p"}"#),
            format!(r#"{{"type":"error","id":"p",{errors}}}"#)
        );
    }

    #[test]
    fn ids_have_a_form() {
        for id in ["a", "A-_+9", &"a".repeat(128)] {
            let request = read(frame(&format!(r#"{{"type":"unsubscribe","id":"{id}"}}"#)));
            assert!(matches!(request, Ok(Request::Unsubscribe { id: read }) if read == id));
        }
        for id in ["\"\"", "\"a b\"", "\"é\"", "7", "null", &format!("\"{}\"", "a".repeat(129))] {
            let text = format!(r#"{{"type":"subscribe","id":{id},"channel":"/a"}}"#);
            let unreadable = read(frame(&text)).unwrap_err();
            assert_eq!(unreadable.error.error_type, "BadRequestException", "{id}");
        }
        // Without an id that can be said again it is a plain error.
        assert!(
            refused(r#"{"type":"subscribe","id":7,"channel":"/a"}"#)
                .starts_with(r#"{"type":"error","errors""#)
        );
        assert!(
            refused(r#"{"type":"publish","id":"a b","channel":"/a"}"#)
                .starts_with(r#"{"type":"publish_error","id":"a b""#)
        );
    }

    #[test]
    fn a_channel_is_text() {
        for channel in ["", r#","channel":7"#, r#","channel":["a"]"#] {
            let text = format!(r#"{{"type":"subscribe","id":"s"{channel}}}"#);
            assert!(refused(&text).contains("Invalid Channel Format"), "{text}");
        }
    }
}
