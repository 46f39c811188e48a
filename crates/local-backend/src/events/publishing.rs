//! Publishing, over a socket and over HTTP alike.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;

use super::channel::Channel;
use super::namespace::Namespace;
use super::room_access::RoomGate;
use super::wire::{Failed, Published, Successful, invalid_channel};
use super::{Events, not_authorized, stamping, unauthorized};
use crate::appsync::{Caller, MAX_PAYLOAD_BYTES, ServiceError};
use crate::backend::{Selected, random_bytes};
use crate::rooms::{NewMessage, SendError};
use crate::served_path::ServedPath;

/// Most events of one publish (AppSync quotas).
const MAX_EVENTS: usize = 5;

/// Most bytes of all events of one publish (AppSync quotas: 1.2 MB).
const MAX_REQUEST_BYTES: usize = 1_200 * 1024;

/// A publish whose form is right.
#[derive(Debug)]
pub(super) struct Publish {
    channel: Channel,
    namespace: Option<Namespace>,
    events: Vec<String>,
}

impl Publish {
    /// Checks the form of a publish.
    pub(super) fn read(channel: &str, events: &Value) -> Result<Self, ServiceError> {
        let channel = Channel::parse(channel).ok_or_else(invalid_channel)?;
        let events = match events {
            Value::Array(events) if !events.is_empty() => events,
            _ => return Err(ServiceError::bad_request("Missing events")),
        };
        if events.len() > MAX_EVENTS {
            let sentence = format!("Input exceeded {MAX_EVENTS} event limit");
            return Err(ServiceError::new("InvalidInputError", sentence, 400));
        }
        let texts: Option<Vec<String>> =
            events.iter().map(|event| event.as_str().map(str::to_owned)).collect();
        let Some(events) = texts.filter(|texts| texts.iter().all(|text| is_json(text))) else {
            let sentence = "Each event must be a stringified valid JSON value";
            return Err(ServiceError::bad_request(sentence));
        };
        if events.iter().map(String::len).sum::<usize>() > MAX_REQUEST_BYTES {
            let sentence = "The events of a request must not exceed 1.2 MB";
            return Err(ServiceError::new("InvalidInputError", sentence, 413));
        }
        let namespace = Namespace::find(channel.namespace());
        Ok(Self { channel, namespace, events })
    }
}

/// Publishes for a caller. `anonymous` names a caller of whom nothing else is known.
pub(super) async fn publish(
    events: &Arc<Events>,
    caller: &Caller,
    publish: Publish,
    anonymous: &str,
) -> Result<Published, ServiceError> {
    let backend = &events.endpoint.backend;
    let Publish { channel, namespace, events: texts } = publish;
    let namespace = namespace.ok_or_else(not_authorized)?;
    if !(RoomGate { backend, caller }).may_publish(namespace, &channel) {
        return Err(unauthorized("publish"));
    }
    let mut published = Published::default();
    for (index, text) in texts.into_iter().enumerate() {
        let identifier = uuid();
        let outcome = if backend.faults.fails_event(ServedPath::Events) {
            Err((500, "The publish handler failed".to_owned()))
        } else if text.len() > MAX_PAYLOAD_BYTES {
            Err(too_large())
        } else {
            match namespace {
                Namespace::Raw => {
                    events.broadcast(&channel, &text);
                    Ok(())
                }
                Namespace::Stamped => stamp(events, caller, &channel, &text, anonymous).await,
            }
        };
        match outcome {
            Ok(()) => published.successful.push(Successful { identifier, index }),
            Err((code, message)) => {
                published.failed.push(Failed { identifier, index, code, message });
            }
        }
    }
    Ok(published)
}

type EventFailure = (u16, String);

/// The `onPublish` handler: makes a message of the room of it, which comes back to the subscribers
/// of the channel as to everybody else in the room.
async fn stamp(
    events: &Arc<Events>,
    caller: &Caller,
    channel: &Channel,
    text: &str,
    anonymous: &str,
) -> Result<(), EventFailure> {
    let segment = channel.below().first().map_or("", String::as_str);
    let event = stamping::read(segment, text).map_err(|sentence| (400, sentence.to_owned()))?;
    // Whoever brings no key is nobody in particular, and the same for a repeated send.
    let anonymous = event.client_message_id.as_deref().unwrap_or(anonymous);
    let new = NewMessage {
        room: event.room,
        text: event.text,
        client_message_id: event.client_message_id.clone(),
        sender: caller.sender(event.guest_key.as_ref(), event.name, anonymous),
        sender_connection_id: None,
    };
    if stamping::length(&new) > MAX_PAYLOAD_BYTES {
        return Err(too_large());
    }
    match events.endpoint.backend.send(new, Selected::All).await {
        Ok(_) => Ok(()),
        Err(SendError::Conflict) => {
            Err((409, "Conflict: this clientMessageId belongs to another message".to_owned()))
        }
        Err(SendError::Store(error)) => {
            eprintln!("roomlet-local: {error}");
            Err((500, "The publish handler failed".to_owned()))
        }
    }
}

fn too_large() -> EventFailure {
    (413, "EventTooLargeException: an event must not exceed 240 KB".to_owned())
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// A random UUID (RFC 9562, version 4).
fn uuid() -> String {
    let random = u128::from_be_bytes(random_bytes());
    let versioned = random & !(0xf << 76) | (0x4 << 76);
    let id = format!("{:032x}", versioned & !(0x3 << 62) | (0x2 << 62));
    [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-")
}
