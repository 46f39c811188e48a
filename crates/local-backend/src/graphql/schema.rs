//! The two schemas, and the engine that executes them.

mod basic;
mod full;

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::OperationType;
use async_graphql::{
    Context, Error, ErrorExtensions as _, InputValueError, InputValueResult, Request, Response,
    Scalar, ScalarType, Schema, Value,
};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use futures_util::{FutureExt as _, Stream};

use crate::appsync::{Caller, MAX_PAYLOAD_BYTES};
use crate::backend::{Backend, Selected};
use crate::rooms::{Message, NewMessage, RoomId, SendError, Sent};
use crate::served_path::ServedPath;

/// Which of the two schemas a path has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SchemaKind {
    /// Every field of the contract, with history.
    Full,
    /// What a tutorial builds.
    Basic,
}

/// An executable schema.
pub(super) enum ChatSchema {
    Full(Schema<full::Query, full::Mutation, full::Subscription>),
    Basic(Schema<basic::Query, basic::Mutation, basic::Subscription>),
}

impl std::fmt::Debug for ChatSchema {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ChatSchema(…)")
    }
}

impl ChatSchema {
    pub(super) fn new(kind: SchemaKind) -> Self {
        match kind {
            SchemaKind::Full => {
                Self::Full(Schema::new(full::Query, full::Mutation, full::Subscription))
            }
            SchemaKind::Basic => {
                Self::Basic(Schema::new(basic::Query, basic::Mutation, basic::Subscription))
            }
        }
    }

    /// The schema in the definition language.
    pub(super) fn definition(&self) -> String {
        match self {
            Self::Full(schema) => schema.sdl(),
            Self::Basic(schema) => schema.sdl(),
        }
    }

    /// Executes a query or mutation for a caller.
    pub(super) async fn execute(&self, request: Request, asker: Asker) -> Response {
        let request = request.data(asker);
        match self {
            Self::Full(schema) => schema.execute(request).await,
            Self::Basic(schema) => schema.execute(request).await,
        }
    }

    /// Executes a subscription up to its arguments: gives the room that it listens to, or what is
    /// wrong with it.
    pub(super) fn room_of(
        &self,
        request: Request,
    ) -> Result<RoomId, Vec<async_graphql::ServerError>> {
        let found = Arc::new(Mutex::new(None));
        let request = request.data(Occasion::Start(Arc::clone(&found)));
        // Nothing in it waits.
        let answer = self.stream(request).next().now_or_never().flatten();
        match answer {
            Some(answer) => Err(answer.errors),
            None => found.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(|| {
                vec![async_graphql::ServerError::new("Nothing is subscribed.", None)]
            }),
        }
    }

    /// Executes a subscription for one message.
    pub(super) fn deliver(&self, request: Request, delivered: Delivered) -> Option<Response> {
        let request = request.data(Occasion::Delivery(delivered));
        self.stream(request).next().now_or_never().flatten()
    }

    fn stream(&self, request: Request) -> BoxStream<'static, Response> {
        match self {
            Self::Full(schema) => schema.execute_stream(request),
            Self::Basic(schema) => schema.execute_stream(request),
        }
    }
}

/// Who executes a query or mutation.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) backend: Arc<Backend>,
    pub(super) path: ServedPath,
    pub(super) caller: Caller,
}

/// A message with what its publisher selected of it.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    pub(super) message: Arc<Message>,
    pub(super) selected: Arc<Selected>,
}

/// Why a subscription is executed.
enum Occasion {
    /// It starts: what room is it about?
    Start(Arc<Mutex<Option<RoomId>>>),
    /// There is a message for it.
    Delivery(Delivered),
}

/// `AWSDateTime`: ISO 8601 (AppSync developer guide, "Scalar types").
struct AwsDateTime(String);

#[Scalar(name = "AWSDateTime")]
impl ScalarType for AwsDateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// The root field of a subscription: at its start it tells the room, later it has one message.
fn subscribe(
    ctx: &Context<'_>,
    room: Result<RoomId, Error>,
) -> Result<impl Stream<Item = Option<Delivered>> + use<>, Error> {
    let room = room?;
    let mut messages = Vec::new();
    match ctx.data::<Occasion>()? {
        Occasion::Start(found) => {
            *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
        }
        Occasion::Delivery(delivered) => messages.push(Some(delivered.clone())),
    }
    Ok(stream::iter(messages))
}

impl Delivered {
    /// A field that may be null.
    fn optional(&self, field: &str, value: Option<&str>) -> Option<String> {
        value.filter(|_| self.selected.has(field)).map(str::to_owned)
    }

    /// A field that may not be null, but is where the publisher did not select it.
    fn required<T>(&self, ctx: &Context<'_>, field: &str, value: T) -> Result<T, Error> {
        if self.selected.has(field) {
            return Ok(value);
        }
        let type_name = match field {
            "id" | "roomId" => "ID",
            "createdAt" => "AWSDateTime",
            _ => "String",
        };
        let path = ctx.path_node.map(|node| node.to_string_vec().join("/")).unwrap_or_default();
        Err(Error::new(format!(
            "Cannot return null for non-nullable type: '{type_name}' within parent 'Message' \
             (/{path})"
        )))
    }
}

/// An error of a resolver with its `errorType`.
fn failure(error_type: &'static str, message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("errorType", error_type))
}

fn bad_request(message: impl Into<String>) -> Error {
    failure("BadRequest", message)
}

fn internal(error: &impl std::fmt::Display) -> Error {
    eprintln!("roomlet-local: {error}");
    failure("InternalFailure", "The server failed; try again.")
}

/// Checks that a caller may enter a room; the error is that of a field that is denied.
fn check_access(
    asker: &Asker,
    room: &RoomId,
    field: &str,
    kind: OperationType,
) -> Result<(), Error> {
    if asker.caller.may_enter(&asker.backend, asker.path, room) {
        Ok(())
    } else {
        Err(failure("Unauthorized", format!("Not Authorized to access {field} on type {kind:?}")))
    }
}

fn check_content(content: &str) -> Result<(), Error> {
    if content.len() > MAX_PAYLOAD_BYTES {
        return Err(bad_request("Give a content of at most 240 KB."));
    }
    Ok(())
}

/// Stores and delivers a message, and gives what the mutation selected of it.
async fn send(ctx: &Context<'_>, asker: &Asker, new: NewMessage) -> Result<Delivered, Error> {
    let selected = ctx.field().selection_set().map(|field| field.name().to_owned()).collect();
    let sent = asker.backend.send(new, Selected::Fields(selected)).await;
    match sent {
        Ok(Sent::Stored(message) | Sent::Repeated(message)) => {
            Ok(Delivered { message: Arc::new(message), selected: Arc::new(Selected::All) })
        }
        Err(SendError::Conflict) => {
            Err(failure("Conflict", "This clientMessageId belongs to another message."))
        }
        Err(SendError::Store(error)) => Err(internal(&error)),
    }
}
