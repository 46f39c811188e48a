//! A backend that answers plausibly: to what was really said, with the ids that it bore.

use arbitrary::Arbitrary;
use serde_json::{Value, json};

use crate::setting::Kind;
use crate::wire::{Frame, Send, text};

/// How something is answered.
#[derive(Debug, Arbitrary)]
pub(crate) enum Reply {
    /// As one hopes.
    Right,
    /// With a page of history, and whether more lies before it.
    Page(Vec<Said>, bool),
    /// With one of the errors that the services know.
    Refused(Refusal),
    /// As one hopes, but for one value.
    Bent(u8, Odd),
    /// Twice.
    Twice,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) enum Refusal {
    Unauthorized,
    Forbidden,
    TooLarge,
    Throttled,
    Conflict,
    BadRequest,
    UnknownField,
    Expired,
    Internal,
}

/// A value where another was expected.
#[derive(Debug, Arbitrary)]
pub(crate) enum Odd {
    Null,
    Yes,
    Number(i64),
    Fraction(f64),
    Text(String),
    List,
    Object,
    /// What one of the last sends was called.
    Send(u8),
}

/// A message that somebody has said.
#[derive(Debug, Arbitrary)]
pub(crate) struct Said {
    /// Messages of one number are one message.
    number: u8,
    /// When, in seconds; often the same.
    second: u8,
    author: u8,
    /// The words and the id of one of our own last sends, or other words.
    words: Words,
}

#[derive(Debug, Arbitrary)]
enum Words {
    Ours(u8),
    /// The words of a send, but not its id.
    Bare(u8),
    Other(u8),
    Any(String),
}

impl Refusal {
    /// The code of our own API Gateway backends, and AppSync's type, message and status.
    fn words(self) -> (&'static str, &'static str, &'static str, u16) {
        match self {
            Self::Unauthorized => ("unauthorized", "UnauthorizedException", "Unauthorized", 401),
            Self::Forbidden => ("forbidden", "Unauthorized", "Not Authorized to access", 200),
            Self::TooLarge => ("too_large", "EventTooLargeException", "Too large", 413),
            Self::Throttled => ("rate_limited", "LimitExceededError", "Rate limit exceeded", 429),
            Self::Conflict => ("conflict", "Conflict", "conflict", 200),
            Self::BadRequest => ("bad_request", "BadRequestException", "Bad request", 400),
            Self::UnknownField => (
                "bad_request",
                "",
                "Validation error of type FieldUndefined: Field 'senderName' in type 'Message' is undefined @ 'onNewMessage/senderName'",
                200,
            ),
            Self::Expired => (
                "unauthorized",
                "BadRequestException",
                "Signature expired: 20251029T030000Z is now earlier than 20251029T040100Z (20251029T040600Z - 5 min.)",
                400,
            ),
            Self::Internal => ("internal", "InternalFailure", "Internal failure", 500),
        }
    }
}

/// A message as a service writes it. `sends` are the last sends of the client.
pub(crate) fn message(kind: Kind, room: &str, said: &Said, sends: &[&Send]) -> Value {
    let of = |pick: u8| sends.get(usize::from(pick) % sends.len().max(1)).copied();
    let (words, send) = match &said.words {
        Words::Ours(pick) => {
            of(*pick).map_or((String::new(), None), |send| (send.text.clone(), send.id.clone()))
        }
        Words::Bare(pick) => (of(*pick).map_or(String::new(), |send| send.text.clone()), None),
        Words::Other(number) => (format!("words {number}"), None),
        Words::Any(words) => (words.clone(), None),
    };
    let (id, name, kind_of_sender) = match said.author % 4 {
        0 => ("g-me", "Ann", "guest"),
        1 => ("g-bo", "Bo", "guest"),
        2 => ("ann", "Ann of the token", "user"),
        _ => ("u-cy", "Cy", "user"),
    };
    let second = said.second % 120;
    let at = format!("2025-10-29T04:{:02}:{:02}.000Z", second / 60, second % 60);
    let number = format!("m{}", said.number);
    match kind {
        Kind::GatewayBasic => json!({
            "roomId": room, "text": words, "senderConnectionId": id, "createdAt": at,
        }),
        Kind::Graphql | Kind::GraphqlFull => json!({
            "id": number, "roomId": room, "sender": id, "content": words, "createdAt": at,
            "senderName": name, "senderKind": kind_of_sender, "clientMessageId": send,
        }),
        Kind::GraphqlBasic => json!({
            "id": number, "roomId": room, "sender": id, "content": words, "createdAt": at,
        }),
        Kind::Gateway | Kind::GatewayFull | Kind::EventsRaw | Kind::EventsStamped => json!({
            "type": "message", "id": number, "roomId": room, "text": words, "createdAt": at,
            "clientMessageId": send, "senderConnectionId": id,
            "sender": {"id": id, "name": name, "kind": kind_of_sender},
        }),
    }
}

/// The frame that brings a message to a room: on AppSync, to a subscription.
pub(crate) fn delivery(kind: Kind, subscription: &str, message: Value) -> Value {
    match kind {
        Kind::Gateway | Kind::GatewayBasic | Kind::GatewayFull => message,
        Kind::Graphql | Kind::GraphqlBasic | Kind::GraphqlFull => {
            let payload = json!({"data": {"onNewMessage": message}});
            json!({"id": subscription, "type": "data", "payload": payload})
        }
        Kind::EventsRaw | Kind::EventsStamped => {
            json!({"type": "data", "id": subscription, "event": message.to_string()})
        }
    }
}

/// What is said to a connection that has just opened, before it says anything.
pub(crate) fn greeting(kind: Kind) -> Option<Value> {
    match kind {
        Kind::Gateway | Kind::GatewayBasic | Kind::GatewayFull => None,
        Kind::Graphql | Kind::GraphqlBasic | Kind::GraphqlFull => {
            Some(json!({"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}}))
        }
        Kind::EventsRaw | Kind::EventsStamped => {
            Some(json!({"type": "connection_ack", "connectionTimeoutMs": 300_000}))
        }
    }
}

/// The answers to a frame.
pub(crate) fn answers(kind: Kind, frame: &Frame, reply: &Reply, sends: &[&Send]) -> Vec<Value> {
    let said = &frame.body;
    let page = |room: &str| {
        let Reply::Page(messages, _) = reply else { return Vec::new() };
        messages.iter().map(|one| message(kind, room, one, sends)).collect::<Vec<_>>()
    };
    let room = text(&said["roomId"]);
    let answer = match (text(&said["action"]), text(&said["type"]), reply) {
        ("", "", _) => return Vec::new(),
        ("", _, Reply::Refused(refusal)) => appsync_error(said, *refusal),
        (_, "", Reply::Refused(Refusal::UnknownField)) => {
            json!({"message": "Forbidden", "connectionId": "me=", "requestId": "r="})
        }
        (_, "", Reply::Refused(refusal)) => json!({
            "type": "error", "code": refusal.words().0, "message": "", "roomId": said["roomId"],
            "requestId": said["requestId"], "clientMessageId": said["clientMessageId"],
            "retryAfterMs": 5_000,
        }),
        ("hello", ..) => json!({
            "type": "welcome", "features": ["history"], "connectionId": "me=",
            "sender": {"id": "g-me", "name": "Ann", "kind": "guest"},
        }),
        ("sendMessage", ..) if said["clientMessageId"].is_string() => json!({
            "type": "ack", "clientMessageId": said["clientMessageId"],
            "id": format!("of {}", text(&said["clientMessageId"])),
            "createdAt": "2025-10-29T04:07:00.000Z",
        }),
        ("sendMessage", ..) => json!({
            "roomId": room, "text": said["text"], "senderConnectionId": "me=",
            "createdAt": "2025-10-29T04:07:00.000Z",
        }),
        ("history", ..) => json!({
            "type": "history", "requestId": said["requestId"], "roomId": room,
            "messages": page(room), "nextCursor": cursor(reply),
        }),
        ("ping", ..) => json!({"type": "pong"}),
        (_, "start", _) => json!({"id": said["id"], "type": "start_ack"}),
        (_, "stop", _) => json!({"id": said["id"], "type": "complete"}),
        (_, "subscribe", _) => json!({"id": said["id"], "type": "subscribe_success"}),
        (_, "unsubscribe", _) => json!({"id": said["id"], "type": "unsubscribe_error"}),
        (_, "publish", _) => json!({
            "id": said["id"], "type": "publish_success",
            "successful": [{"identifier": "u", "index": 0}], "failed": [],
        }),
        _ => return Vec::new(),
    };
    repeated(answer, reply, sends)
}

/// The answer to a request: its status and its body.
pub(crate) fn answer(kind: Kind, asked: &Value, reply: &Reply, sends: &[&Send]) -> (u16, Value) {
    let variables = &asked["variables"];
    let room = text(&variables["roomId"]);
    let body = match reply {
        Reply::Refused(refusal) => {
            let (_, error, message, status) = refusal.words();
            let errors = json!([{"errorType": error, "message": message}]);
            return (status, json!({"data": null, "errors": errors}));
        }
        _ if asked["events"].is_array() => {
            json!({"successful": [{"identifier": "u", "index": 0}], "failed": []})
        }
        _ if variables["content"].is_string() => {
            let send = &variables["clientMessageId"];
            json!({"data": {"sendMessage": {
                "id": format!("of {}", send.as_str().unwrap_or("nobody")), "roomId": room,
                "sender": "g-me", "content": variables["content"],
                "createdAt": "2025-10-29T04:07:00.000Z", "senderName": "Ann",
                "senderKind": "guest", "clientMessageId": send,
            }}})
        }
        Reply::Page(said, _) => {
            let all = said.iter().map(|one| message(kind, room, one, sends)).collect::<Vec<_>>();
            json!({"data": {"messages": {"messages": all, "nextCursor": cursor(reply)}}})
        }
        _ => json!({"data": {"messages": {"messages": [], "nextCursor": null}}}),
    };
    let body = repeated(body, reply, sends).into_iter().next().unwrap_or_default();
    (200, body)
}

fn cursor(reply: &Reply) -> Value {
    match reply {
        Reply::Page(messages, true) => json!(format!("before {}", messages.len())),
        _ => Value::Null,
    }
}

fn appsync_error(said: &Value, refusal: Refusal) -> Value {
    let (_, error, message, status) = refusal.words();
    let errors = json!([{"errorType": error, "message": message, "errorCode": status}]);
    let id = &said["id"];
    match text(&said["type"]) {
        "start" => json!({"id": id, "type": "error", "payload": {"errors": errors}}),
        "subscribe" => json!({"id": id, "type": "subscribe_error", "errors": errors}),
        "publish" => json!({"id": id, "type": "publish_error", "errors": errors}),
        _ => json!({"type": "error", "errors": errors, "payload": {"errors": errors}}),
    }
}

fn repeated(mut answer: Value, reply: &Reply, sends: &[&Send]) -> Vec<Value> {
    match reply {
        Reply::Twice => vec![answer.clone(), answer],
        Reply::Bent(which, odd) => {
            bend(&mut answer, &mut usize::from(*which), odd, sends);
            vec![answer]
        }
        Reply::Right | Reply::Page(..) | Reply::Refused(_) => vec![answer],
    }
}

/// Puts an odd value in the place of one; says whether it has come that far.
pub(crate) fn bend(value: &mut Value, countdown: &mut usize, odd: &Odd, sends: &[&Send]) -> bool {
    if *countdown == 0 {
        *value = odd.value(sends);
        return true;
    }
    *countdown -= 1;
    match value {
        Value::Array(list) => list.iter_mut().any(|one| bend(one, countdown, odd, sends)),
        Value::Object(map) => map.values_mut().any(|one| bend(one, countdown, odd, sends)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

impl Odd {
    fn value(&self, sends: &[&Send]) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Yes => json!(true),
            Self::Number(number) => json!(number),
            Self::Fraction(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::List => json!([{"errorType": "x"}, 5, null]),
            Self::Object => json!({"id": 5, "errors": {}}),
            Self::Send(pick) => {
                let send = sends.get(usize::from(*pick) % sends.len().max(1));
                json!(send.and_then(|send| send.id.clone()))
            }
        }
    }
}
