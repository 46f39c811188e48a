//! The operations, in the basic and in the full schema.
//!
//! Everybody selects the same fields: a subscriber sees only what the mutation selected.

use serde::Serialize;

use crate::chat::ids::{ClientMessageId, GuestKey, RoomId};

/// What the schema has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    Basic,
    Full,
}

const SUBSCRIBE_BASIC: &str = "subscription OnNewMessage($roomId: ID!) { onNewMessage(roomId: $roomId) { id roomId sender content createdAt } }";
const SUBSCRIBE_FULL: &str = "subscription OnNewMessage($roomId: ID!) { onNewMessage(roomId: $roomId) { id roomId sender content createdAt senderName senderKind clientMessageId } }";
const SEND_BASIC: &str = "mutation SendMessage($roomId: ID!, $content: String!) { sendMessage(roomId: $roomId, content: $content) { id roomId sender content createdAt } }";
const SEND_FULL: &str = "mutation SendMessage($roomId: ID!, $content: String!, $clientMessageId: String, $guestName: String) { sendMessage(roomId: $roomId, content: $content, clientMessageId: $clientMessageId, guestName: $guestName) { id roomId sender content createdAt senderName senderKind clientMessageId } }";
const SEND_FULL_AS_GUEST: &str = "mutation SendMessage($roomId: ID!, $content: String!, $clientMessageId: String, $guestKey: String, $guestName: String) { sendMessage(roomId: $roomId, content: $content, clientMessageId: $clientMessageId, guestKey: $guestKey, guestName: $guestName) { id roomId sender content createdAt senderName senderKind clientMessageId } }";
const HISTORY: &str = "query Messages($roomId: ID!, $before: String, $limit: Int) { messages(roomId: $roomId, before: $before, limit: $limit) { messages { id roomId sender content createdAt senderName senderKind clientMessageId } nextCursor } }";
/// The same without `before`: to pass null is not to leave it out.
const NEWEST: &str = "query Messages($roomId: ID!, $limit: Int) { messages(roomId: $roomId, limit: $limit) { messages { id roomId sender content createdAt senderName senderKind clientMessageId } nextCursor } }";

/// A query with its variables, as it goes over the wire. Variables without a value are left out.
#[derive(Debug, Serialize)]
struct Operation<V> {
    query: &'static str,
    variables: V,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RoomVariables<'a> {
    room_id: &'a RoomId,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SendVariables<'a> {
    room_id: &'a RoomId,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<&'a ClientMessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_name: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryVariables<'a> {
    room_id: &'a RoomId,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a str>,
    limit: u8,
}

/// Who somebody says they are. Somebody who is signed in has no key, and their name counts only where the identity
/// has none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) guest_key: Option<&'a GuestKey>,
    pub(super) name: Option<&'a str>,
}

/// The subscription to a room.
pub(super) fn subscribe(schema: Schema, room: &RoomId) -> String {
    let query = match schema {
        Schema::Basic => SUBSCRIBE_BASIC,
        Schema::Full => SUBSCRIBE_FULL,
    };
    json(&Operation { query, variables: RoomVariables { room_id: room } })
}

/// The mutation that sends a text.
pub(super) fn send(
    schema: Schema,
    room: &RoomId,
    text: &str,
    id: &ClientMessageId,
    claim: Claim<'_>,
) -> String {
    let is_full = schema == Schema::Full;
    let query = match (schema, claim.guest_key) {
        (Schema::Basic, _) => SEND_BASIC,
        (Schema::Full, None) => SEND_FULL,
        (Schema::Full, Some(_)) => SEND_FULL_AS_GUEST,
    };
    let variables = SendVariables {
        room_id: room,
        content: text,
        client_message_id: is_full.then_some(id),
        guest_key: claim.guest_key.filter(|_| is_full).map(GuestKey::expose),
        guest_name: claim.name.filter(|_| is_full),
    };
    json(&Operation { query, variables })
}

/// The query for a page of history.
pub(super) fn history(room: &RoomId, before: Option<&str>, limit: u8) -> String {
    let query = if before.is_some() { HISTORY } else { NEWEST };
    json(&Operation { query, variables: HistoryVariables { room_id: room, before, limit } })
}

/// The size of what a subscriber is sent for `text`, in bytes of UTF-8, with room for what the server adds.
pub(crate) fn send_bytes(room: &RoomId, text: &str) -> usize {
    /// Ids, a name of 64 graphemes, a time, and the frame around them.
    const AROUND: usize = 2_048;
    let content = serde_json::to_string(text).map_or(text.len(), |text| text.len());
    // What subscribers get is JSON; a room id can double in it.
    content + 2 * room.as_str().len() + AROUND
}

fn json<V: Serialize>(operation: &Operation<V>) -> String {
    // Strings and numbers always serialize.
    serde_json::to_string(operation).unwrap_or_default()
}
