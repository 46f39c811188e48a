//! The basic schema.

use async_graphql::parser::types::OperationType;
use async_graphql::{Context, Error, ID, Object, Result, Subscription};
use futures_util::{Stream, StreamExt as _};

use super::{
    Asker, AwsDateTime, Delivered, bad_request, check_access, check_content, send, subscribe,
};
use crate::appsync::Identity;
use crate::rooms::{NewMessage, RoomId, Sender, SenderKind};

/// The sender of everybody who did not sign in, as a tutorial's resolver writes it.
const ANONYMOUS: &str = "anonymous";

/// A message of the basic schema.
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
}

pub(in crate::graphql) struct Query;

#[Object]
impl Query {
    async fn ping(&self) -> Option<String> {
        Some("pong".to_owned())
    }
}

pub(in crate::graphql) struct Mutation;

#[Object]
impl Mutation {
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        room_id: ID,
        content: String,
    ) -> Option<Result<Message>> {
        Some(send_message(ctx, &room_id, content).await)
    }
}

async fn send_message(ctx: &Context<'_>, room_id: &str, content: String) -> Result<Message> {
    let asker = ctx.data::<Asker>()?;
    let room = read_room(room_id)?;
    check_access(asker, &room, "sendMessage", OperationType::Mutation)?;
    check_content(&content)?;
    let (id, name, kind) = match &asker.caller.identity {
        Identity::User(user) => (user.subject.clone(), user.name.clone(), SenderKind::User),
        Identity::ApiKey | Identity::Token | Identity::Iam { .. } => {
            (ANONYMOUS.to_owned(), None, SenderKind::Guest)
        }
    };
    let new = NewMessage {
        room,
        text: content,
        client_message_id: None,
        sender: Sender { id, name, kind },
        sender_connection_id: None,
    };
    send(ctx, asker, new).await.map(Message)
}

fn read_room(room_id: &str) -> Result<RoomId, Error> {
    RoomId::parse_basic(room_id).ok_or_else(|| bad_request("Give roomId as 1 to 2,048 bytes."))
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
