//! The full schema.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Context, Error, ID, Object, Result, SimpleObject, Subscription};
use futures_util::{Stream, StreamExt as _};
use serde_json::json;

use super::{
    Asker, AwsDateTime, Delivered, bad_request, check_access, check_content, internal, send,
    subscribe,
};
use crate::backend::{Selected, random_bytes};
use crate::rooms::{
    Cursor, DEFAULT_PAGE_MESSAGES, DisplayName, GuestKey, HistoryError, MAX_PAGE_MESSAGES,
    Message as StoredMessage, NewMessage, PageRequest, Position, RoomId,
};

/// Longest id that a client gives to a message.
const MAX_CLIENT_ID_BYTES: usize = 128;

/// Longest cursor that is looked at.
const MAX_CURSOR_BYTES: usize = 256;

/// A message of the full schema.
struct Message(Delivered);

#[Object]
impl Message {
    async fn id(&self, ctx: &Context<'_>) -> Result<ID> {
        self.0.required(ctx, "id", ID::from(self.0.message.key.id.as_str()))
    }

    async fn room_id(&self, ctx: &Context<'_>) -> Result<ID> {
        self.0.required(ctx, "roomId", ID::from(self.0.message.room.as_str()))
    }

    async fn sender(&self, ctx: &Context<'_>) -> Result<String> {
        self.0.required(ctx, "sender", self.0.message.sender.id.clone())
    }

    async fn content(&self, ctx: &Context<'_>) -> Result<String> {
        self.0.required(ctx, "content", self.0.message.text.clone())
    }

    async fn created_at(&self, ctx: &Context<'_>) -> Result<AwsDateTime> {
        let created_at = self.0.message.key.created_at.to_string();
        self.0.required(ctx, "createdAt", AwsDateTime(created_at))
    }

    async fn sender_name(&self) -> Option<String> {
        self.0.optional("senderName", self.0.message.sender.name.as_deref())
    }

    async fn sender_kind(&self) -> Option<String> {
        self.0.optional("senderKind", Some(self.0.message.sender.kind.as_str()))
    }

    async fn client_message_id(&self) -> Option<String> {
        self.0.optional("clientMessageId", self.0.message.client_message_id.as_deref())
    }
}

/// A page of a room's past.
#[derive(SimpleObject)]
struct MessagePage {
    messages: Vec<Message>,
    next_cursor: Option<String>,
}

pub(in crate::graphql) struct Query;

#[Object]
impl Query {
    async fn ping(&self) -> Option<String> {
        Some("pong".to_owned())
    }

    async fn messages(
        &self,
        ctx: &Context<'_>,
        room_id: ID,
        before: Option<String>,
        after: Option<String>,
        limit: Option<i32>,
    ) -> Result<MessagePage> {
        let asker = ctx.data::<Asker>()?;
        let room = read_room(&room_id)?;
        check_access(asker, &room, "messages", OperationType::Query)?;
        let position = match (read_cursor(before)?, read_cursor(after)?) {
            (None, None) => Position::Newest,
            (Some(before), None) => Position::Before(before),
            (None, Some(after)) => Position::After(after),
            (Some(_), Some(_)) => return Err(bad_request("Give before or after, not both.")),
        };
        let limit = match limit {
            None => DEFAULT_PAGE_MESSAGES,
            Some(limit) => match usize::try_from(limit) {
                Ok(limit) if limit > 0 => limit.min(MAX_PAGE_MESSAGES),
                Ok(_) | Err(_) => {
                    return Err(bad_request("Give limit as a whole number from 1 to 100."));
                }
            },
        };
        let request = PageRequest { room, position, limit };
        match asker.backend.history(request, |message| Some(measure(message))).await {
            Ok(page) => Ok(MessagePage {
                messages: page.messages.into_iter().map(whole).collect(),
                next_cursor: page.next_cursor,
            }),
            Err(HistoryError::BadCursor) => Err(bad_cursor()),
            Err(HistoryError::Store(error)) => Err(internal(&error)),
        }
    }
}

fn whole(message: StoredMessage) -> Message {
    Message(Delivered { message: Arc::new(message), selected: Arc::new(Selected::All) })
}

/// The bytes of a message whose every field is selected.
fn measure(message: &StoredMessage) -> usize {
    let shown = json!({
        "id": message.key.id.as_str(),
        "roomId": message.room.as_str(),
        "sender": message.sender.id,
        "senderName": message.sender.name,
        "senderKind": message.sender.kind.as_str(),
        "content": message.text,
        "createdAt": message.key.created_at.to_string(),
        "clientMessageId": message.client_message_id,
    });
    shown.to_string().len()
}

pub(in crate::graphql) struct Mutation;

#[Object]
impl Mutation {
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        room_id: ID,
        content: String,
        client_message_id: Option<String>,
        guest_key: Option<String>,
        guest_name: Option<String>,
    ) -> Option<Result<Message>> {
        let guest = Guest { key: guest_key, name: guest_name };
        Some(send_message(ctx, &room_id, content, client_message_id, guest).await)
    }
}

/// What a person without a sign-in says of themselves.
struct Guest {
    key: Option<String>,
    name: Option<String>,
}

async fn send_message(
    ctx: &Context<'_>,
    room_id: &str,
    content: String,
    client_message_id: Option<String>,
    guest: Guest,
) -> Result<Message> {
    let asker = ctx.data::<Asker>()?;
    let room = read_room(room_id)?;
    check_access(asker, &room, "sendMessage", OperationType::Mutation)?;
    if content.is_empty() {
        return Err(bad_request("Give a content that is not empty."));
    }
    check_content(&content)?;
    let legal = |id: &String| !id.is_empty() && id.len() <= MAX_CLIENT_ID_BYTES;
    if !client_message_id.as_ref().is_none_or(legal) {
        return Err(bad_request("Give clientMessageId as 1 to 128 bytes of text."));
    }
    let guest_key = guest
        .key
        .map(|key| {
            GuestKey::parse(&key)
                .ok_or_else(|| bad_request("Give guestKey as 32 hexadecimal digits."))
        })
        .transpose()?;
    let guest_name = guest.name.as_deref().and_then(DisplayName::clean);
    let anonymous = client_message_id.clone().unwrap_or_else(|| {
        let random = u128::from_le_bytes(random_bytes());
        format!("{random:032x}")
    });
    let new = NewMessage {
        room,
        text: content,
        client_message_id,
        sender: asker.caller.sender(guest_key.as_ref(), guest_name, &anonymous),
        sender_connection_id: None,
    };
    send(ctx, asker, new).await.map(Message)
}

fn read_room(room_id: &str) -> Result<RoomId, Error> {
    RoomId::parse(Some(room_id)).ok_or_else(|| {
        bad_request("Give roomId as 1 to 128 bytes of text without control characters.")
    })
}

fn read_cursor(cursor: Option<String>) -> Result<Option<Cursor>, Error> {
    match cursor {
        Some(cursor) if cursor.is_empty() || cursor.len() > MAX_CURSOR_BYTES => Err(bad_cursor()),
        cursor => Ok(cursor.map(Cursor)),
    }
}

fn bad_cursor() -> Error {
    bad_request("Give a cursor of an earlier page or the id of a message of this room.")
}

pub(in crate::graphql) struct Subscription;

#[Subscription]
impl Subscription {
    async fn on_new_message(
        &self,
        ctx: &Context<'_>,
        room_id: ID,
    ) -> Result<impl Stream<Item = Option<Message>> + use<>> {
        Ok(subscribe(ctx, read_room(&room_id))?.map(|delivered| delivered.map(Message)))
    }
}
