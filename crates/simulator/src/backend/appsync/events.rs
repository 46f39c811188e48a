//! The Events product: channels, publishes, and two kinds of namespace.

use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};

use super::authorization::Caller;
use super::{Appsync, Origin, Payload, Send, error};
use crate::Dialect;
use crate::backend::{Stored, guest_id, is_unwelcome, iso, parse_iso};
use crate::exchange::Heard;
use crate::network::Ground;
use crate::statistics::Counted;

/// The namespace of the rooms.
pub(crate) const NAMESPACE: &str = "chat";

/// The room of a channel: its second segment, in base32 after `x-`.
pub(crate) fn room_of_channel(channel: &str) -> Result<String, String> {
    let bad = || format!("{channel:?} is no channel of a room");
    let segment = channel.trim_matches('/').strip_prefix(NAMESPACE).ok_or_else(bad)?;
    let segment = segment.strip_prefix('/').ok_or_else(bad)?;
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_edged = segment.starts_with('-') || segment.ends_with('-');
    if !(1..=50).contains(&segment.len()) || is_edged || !segment.bytes().all(is_legal) {
        return Err(bad());
    }
    match segment.strip_prefix("x-") {
        Some(encoded) => {
            let bytes = BASE32_NOPAD.decode(encoded.to_ascii_uppercase().as_bytes());
            String::from_utf8(bytes.map_err(|_| bad())?).map_err(|_| bad())
        }
        None => Ok(segment.to_owned()),
    }
}

impl Appsync {
    /// Something is published, over the connection or by HTTP.
    pub(super) fn published(
        &mut self,
        ground: &mut Ground,
        origin: Origin,
        caller: Option<Caller>,
        body: &Value,
    ) -> Result<(), String> {
        let channel = body["channel"].as_str().ok_or("a publish has no channel")?;
        let room = room_of_channel(channel)?;
        let events = body["events"].as_array().ok_or("a publish has no events")?;
        let [Value::String(event)] = events.as_slice() else {
            return Err("a publish is not one event in a string".into());
        };
        let Some(caller) = caller else {
            let errors =
                error("UnauthorizedException", "You are not authorized to make this call.");
            self.refuses_publish(ground, &origin, 401, &errors);
            return Ok(());
        };
        if self.denies(&room) {
            let errors = error("Unauthorized", "Not Authorized to publish here");
            self.refuses_publish(ground, &origin, 403, &errors);
            return Ok(());
        }
        if let Origin::Frame { socket, .. } = &origin
            && ground.chance.percent(ground.faults.service.throttled)
        {
            ground.statistics.count(Counted::Throttled);
            let errors = error("LimitExceededError", "Rate limit exceeded");
            if ground.chance.percent(70) {
                self.refuses_publish(ground, &origin, 429, &errors);
            } else {
                self.complains(ground, *socket, &errors);
            }
            return Ok(());
        }
        let value = serde_json::from_str::<Value>(event).map_err(|_| "an event is no JSON")?;
        let send = if self.dialect == Dialect::EventsRaw {
            self.raw(ground, &caller, &room, &value, event)?
        } else {
            self.stamped(ground, &caller, &room, &value)?
        };
        if is_unwelcome(&send.message.text) {
            ground.statistics.count(Counted::RefusedForGood);
            let errors = error("Rudeness", "Nobody wants to read that");
            self.refuses_publish(ground, &origin, 400, &errors);
            return Ok(());
        }
        self.begins(ground, origin, send);
        Ok(())
    }

    /// Everything is the publisher's claim.
    fn raw(
        &self,
        ground: &mut Ground,
        caller: &Caller,
        room: &str,
        event: &Value,
        json: &str,
    ) -> Result<Send, String> {
        let text = |name: &str| event[name].as_str().ok_or(format!("a raw event has no {name}"));
        let mut message = self.message(ground, caller, room, text("text")?);
        message.id = text("id")?.to_owned();
        message.client_message_id = Some(text("clientMessageId")?.to_owned());
        let sender = event["sender"]["id"].as_str().ok_or("a raw event has no sender")?;
        if self.signs_in() && sender != caller.sender.id {
            return Err(format!("{sender} claims to be somebody else than they are"));
        }
        parse_iso(text("createdAt")?).ok_or("a raw event has no legible time")?;
        Ok(Send { message, raw: Some(json.to_owned()) })
    }

    /// The handler says who and when.
    fn stamped(
        &self,
        ground: &mut Ground,
        caller: &Caller,
        room: &str,
        event: &Value,
    ) -> Result<Send, String> {
        let text = event["text"].as_str().ok_or("an event has no text")?;
        let mut message = self.message(ground, caller, room, text);
        let id = event["clientMessageId"].as_str().ok_or("a send is not idempotent")?;
        if id.len() < 32 {
            return Err("a clientMessageId has fewer than 128 bits".into());
        }
        message.client_message_id = Some(id.to_owned());
        match (self.signs_in(), event["guestKey"].as_str()) {
            (false, Some(key)) => {
                message.sender.id = guest_id(key);
                message.sender.name = event["guestName"].as_str().map(str::to_owned);
            }
            (true, None) => {}
            _ => return Err("a guest has a key, and nobody else".into()),
        }
        Ok(Send { message, raw: None })
    }
}

/// What a stamped namespace makes of a message.
pub(super) fn stamped_payload(message: &Stored) -> Payload {
    let kind = if message.sender.is_user { "user" } else { "guest" };
    let mut value = json!({
        "id": message.id, "createdAt": iso(message.created_at), "roomId": message.room,
        "text": message.text,
        "sender": {"id": message.sender.id, "name": message.sender.name, "kind": kind},
    });
    if let Some(id) = &message.client_message_id {
        value["clientMessageId"] = json!(id);
    }
    let mut heard = heard(message, Some(message.created_at));
    if let Some(id) = &message.client_message_id {
        // A handler without a memory gives a repetition another id.
        heard.key = format!("{} {id}", message.sender.id);
    }
    Payload { json: value.to_string(), heard }
}

/// A raw namespace passes on what it is given.
pub(super) fn raw_payload(event: &str, message: &Stored) -> Payload {
    let value = serde_json::from_str::<Value>(event).unwrap_or_default();
    let created_at = value["createdAt"].as_str().and_then(parse_iso);
    let mut heard = heard(message, created_at);
    if let Some(id) = value["id"].as_str() {
        heard.key = format!("{id} {}", value["sender"]["id"]);
    }
    Payload { json: event.to_owned(), heard }
}

fn heard(message: &Stored, created_at: Option<i64>) -> Heard {
    Heard {
        room: message.room.clone(),
        key: message.id.clone(),
        id: message.id.clone(),
        text: message.text.clone(),
        created_at,
        device: message.device,
        is_notice: false,
    }
}

/// Some publishers give no more than a text.
pub(super) fn strangers_event(ground: &mut Ground, message: &Stored) -> String {
    if ground.chance.percent(30) {
        return json!({"text": message.text}).to_string();
    }
    let sender = json!({"id": message.sender.id, "name": message.sender.name});
    let value = json!({"id": message.id, "createdAt": iso(message.created_at),
        "text": message.text, "sender": sender});
    value.to_string()
}

/// Somebody takes the id of a send and says something else with it.
pub(super) fn copied(ground: &mut Ground, raw: &str, original: &Stored) -> Option<Send> {
    let mut value = serde_json::from_str::<Value>(raw).ok()?;
    let text = format!("a copy of {}", original.text);
    let message = Stored::strangers(ground, &original.room, text);
    value["text"] = json!(message.text);
    value["sender"] = json!({"id": message.sender.id, "name": message.sender.name});
    Some(Send { message, raw: Some(value.to_string()) })
}

/// The service's page shows an array of one string, the service sends a string, and others a bare value.
pub(super) fn data(ground: &mut Ground, id: &str, event: &str) -> Value {
    let event = match ground.chance.between(0, 9) {
        0 => json!([event]),
        // A bare string would be read as an event that is that text.
        1 if event.starts_with('{') => serde_json::from_str(event).unwrap_or_default(),
        _ => json!(event),
    };
    json!({"type": "data", "id": id, "event": event})
}

pub(super) fn broadcast_error(id: &str) -> Value {
    let errors = error("MessageProcessingError", "It could not be delivered");
    json!({"type": "broadcast_error", "id": id, "errors": errors})
}

/// What a publisher is told.
pub(super) fn successful(ground: &mut Ground) -> Value {
    let identifier = ground.chance.token();
    json!({"successful": [{"identifier": identifier, "index": 0}], "failed": []})
}
