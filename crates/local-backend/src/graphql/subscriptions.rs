//! Subscriptions over the socket: `start`, `start_ack`, `data`, `stop`, `complete`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::GraphQl;
use super::answer::Answer;
use super::document::Document;
use super::schema::{Delivered, SchemaKind};
use crate::appsync::{
    Connection, Endpoint, Frame, Headers, MAX_PAYLOAD_BYTES, Operation, REGISTRATION_TIME,
    Realtime, Released, ServiceError, Subscription, authorize,
};
use crate::backend::{Audience, Delivery, Gone};
use crate::faults::FrameKind;
use crate::rooms::RoomId;

/// An error that reads like one of the schema and is none.
const EXPIRED_LIKE_SCHEMA_ERROR: &str =
    "Validation error: field 'clientMessageId' cannot be resolved. Token has expired.";

/// A subscription that is active.
#[derive(Debug)]
pub(crate) struct Subscribed {
    room: RoomId,
    /// `payload.data` as it came: equal ones have equal answers.
    data: String,
    document: Document,
}

impl Subscription for Subscribed {
    fn room(&self) -> Option<&RoomId> {
        Some(&self.room)
    }
}

impl Realtime for GraphQl {
    type Subscription = Subscribed;

    const SUBPROTOCOL: &'static str = "graphql-ws";

    fn endpoint(&self) -> &Endpoint<Subscribed> {
        &self.endpoint
    }

    fn signed_connect_path(&self) -> &'static str {
        match self.kind {
            SchemaKind::Full => "/graphql/connect",
            SchemaKind::Basic => "/basic/graphql/connect",
        }
    }

    fn acknowledgement(timeout_ms: u64) -> String {
        let payload = format!(r#"{{"connectionTimeoutMs":{timeout_ms}}}"#);
        format!(r#"{{"type":"connection_ack","payload":{payload}}}"#)
    }

    fn connection_error(error: &ServiceError) -> String {
        let errors = [error.entry_with_code()];
        to_json(&ErrorFrame {
            id: None,
            kind: "connection_error",
            payload: Errors { errors: &errors },
        })
    }

    fn error(id: Option<&str>, error: &ServiceError) -> String {
        let errors = [error.entry()];
        to_json(&ErrorFrame { id, kind: "error", payload: Errors { errors: &errors } })
    }

    async fn receive(self: &Arc<Self>, connection: &Arc<Connection<Subscribed>>, frame: Frame) {
        let socket = Socket { graphql: Arc::clone(self), connection: Arc::clone(connection) };
        match frame.kind.as_str() {
            "start" => socket.start(frame),
            "stop" => socket.stop(frame.id.as_deref().unwrap_or_default()),
            kind => socket.refuse(Some(""), &ServiceError::unsupported(kind)),
        }
    }
}

impl Audience for GraphQl {
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<(), Gone> {
        // A subscription filters by a field that the publisher did not select: nobody matches.
        if !delivery.selected.has("roomId") {
            return Ok(());
        }
        let delivered = Delivered {
            message: Arc::new(delivery.message.clone()),
            selected: Arc::new(delivery.selected.clone()),
        };
        let mut payloads: BTreeMap<String, Option<Arc<str>>> = BTreeMap::new();
        for connection in self.endpoint.all() {
            for (id, subscribed) in connection.active() {
                if subscribed.room != delivery.message.room {
                    continue;
                }
                let payload = payloads
                    .entry(subscribed.data.clone())
                    .or_insert_with(|| self.payload(&subscribed, &delivered));
                if let Some(payload) = payload {
                    let id = json!(id);
                    let frame = format!(r#"{{"id":{id},"type":"data","payload":{payload}}}"#);
                    connection.post(&self.backend().faults, frame, FrameKind::Other);
                }
            }
        }
        Ok(())
    }
}

impl GraphQl {
    /// What a subscription gets of a message; nothing if that is more than 240 KB.
    fn payload(&self, subscribed: &Subscribed, delivered: &Delivered) -> Option<Arc<str>> {
        let response = self.schema.deliver(subscribed.document.request(), delivered.clone())?;
        let payload = Answer::of_engine(response, &subscribed.document).to_json();
        (payload.len() <= MAX_PAYLOAD_BYTES).then(|| payload.into())
    }
}

/// A connection together with its API.
struct Socket {
    graphql: Arc<GraphQl>,
    connection: Arc<Connection<Subscribed>>,
}

impl Socket {
    fn start(self, frame: Frame) {
        let payload = frame.fields.get("payload").and_then(Value::as_object);
        let data = payload.and_then(|payload| payload.get("data")).and_then(Value::as_str);
        let (Some(id), Some(data)) = (frame.id.filter(|id| !id.is_empty()), data) else {
            return self.refuse(Some(""), &ServiceError::unsupported("unknown"));
        };
        let backend = self.graphql.backend();
        if backend.faults.throttles(self.graphql.path()) {
            return self.refuse(None, &ServiceError::limit_exceeded());
        }
        if let Err(error) =
            self.connection.reserve(&id, self.graphql.endpoint.limits.max_subscriptions)
        {
            return self.refuse(Some(&id), &error);
        }
        let authorization = payload
            .and_then(|payload| payload.get("extensions"))
            .and_then(|extensions| extensions.get("authorization"))
            .and_then(Value::as_object)
            .cloned();
        let data = data.to_owned();
        tokio::spawn(async move {
            let backend = self.graphql.backend();
            let delay = backend.faults.registration_delay(self.graphql.path());
            tokio::time::sleep(REGISTRATION_TIME + delay).await;
            self.register(&id, data, authorization.as_ref());
        });
    }

    fn register(&self, id: &str, data: String, authorization: Option<&Map<String, Value>>) {
        match self.judge(data, authorization) {
            Ok(subscribed) => self.connection.activate(id, subscribed, || {
                let frame = to_json(&PlainFrame { id, kind: "start_ack" });
                self.post(frame, FrameKind::StartAcknowledgement);
            }),
            Err(refusal) => {
                self.connection.free(id);
                match refusal {
                    Refusal::Service(error) => self.refuse(Some(id), &error),
                    Refusal::Document(messages) => {
                        let errors: Vec<_> =
                            messages.iter().map(|message| Message { message }).collect();
                        let payload = Errors { errors: &errors };
                        let frame = ErrorFrame { id: Some(id), kind: "error", payload };
                        self.post(to_json(&frame), FrameKind::Other);
                    }
                }
            }
        }
    }

    /// Whether a subscription may begin, and what it listens to.
    fn judge(
        &self,
        data: String,
        authorization: Option<&Map<String, Value>>,
    ) -> Result<Subscribed, Refusal> {
        let (graphql, path) = (&self.graphql, self.graphql.path());
        let backend = graphql.backend();
        if backend.faults.expires_like_schema_error(path) {
            return Err(ServiceError::unauthorized(EXPIRED_LIKE_SCHEMA_ERROR).into());
        }
        let headers = authorization.map(Headers::of_object).unwrap_or_default();
        let operation = Operation {
            path,
            signed_path: path.as_str(),
            body: data.as_bytes(),
            needs_host: false,
        };
        let caller = authorize(backend, &headers, &operation)?;
        let document = Document::read(data.as_bytes())?;
        match document.kind() {
            OperationType::Subscription => {}
            OperationType::Query => return Err(ServiceError::unsupported("query").into()),
            OperationType::Mutation => return Err(ServiceError::unsupported("mutation").into()),
        }
        let errors = graphql.types.validate(&document);
        if !errors.is_empty() {
            return Err(Refusal::Document(errors.into_iter().map(|error| error.message).collect()));
        }
        let document = document.with_plain_root();
        let room = graphql.schema.room_of(document.request()).map_err(|errors| {
            Refusal::Document(errors.into_iter().map(|error| error.message).collect())
        })?;
        if !caller.may_enter(backend, path, &room) {
            return Err(ServiceError::new(
                "Unauthorized",
                "Not Authorized to access onNewMessage on type Subscription",
                401,
            )
            .into());
        }
        Ok(Subscribed { room, data, document })
    }

    fn stop(&self, id: &str) {
        if self.connection.release(id) == Released::Ended {
            self.post(to_json(&PlainFrame { id, kind: "complete" }), FrameKind::Other);
        }
    }

    fn refuse(&self, id: Option<&str>, error: &ServiceError) {
        self.post(GraphQl::error(id, error), FrameKind::Other);
    }

    fn post(&self, text: String, kind: FrameKind) {
        self.connection.post(&self.graphql.backend().faults, text, kind);
    }
}

/// Why a subscription is refused.
enum Refusal {
    /// By the service.
    Service(ServiceError),
    /// By the schema, in sentences without a type.
    Document(Vec<String>),
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

#[derive(Serialize)]
struct PlainFrame<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct ErrorFrame<'a, E> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    payload: Errors<'a, E>,
}

#[derive(Serialize)]
struct Errors<'a, E> {
    errors: &'a [E],
}

#[derive(Serialize)]
struct Message<'a> {
    message: &'a str,
}

fn to_json(frame: &impl Serialize) -> String {
    // Frames are structs of strings and numbers, for which serialising has no way to fail.
    serde_json::to_string(frame).unwrap_or_default()
}
