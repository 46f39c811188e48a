//! AppSync Events: namespaces, channels, publish and subscribe.
//!
//! `default` is raw: what is published arrives byte for byte and is forgotten. `chat` is stamped: its
//! channels are rooms, and an event is a message of its room, stored and seen by every protocol.

mod channel;
mod http;
mod namespace;
mod publishing;
mod room_access;
mod room_segment;
mod stamping;
mod wire;

pub(crate) use http::publish as publish_over_http;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::appsync::{
    Caller, Connection, Endpoint, Frame, Headers, MAX_PAYLOAD_BYTES, Operation, REGISTRATION_TIME,
    Realtime, RealtimeLimits, Released, ServiceError, Subscription, authorize,
};
use crate::backend::{Audience, Backend, Delivery, Gone};
use crate::faults::{FrameKind, SendFate};
use crate::rooms::RoomId;
use crate::served_path::ServedPath;
use crate::token_bucket::TokenBucket;
use channel::{Channel, Pattern};
use namespace::{Namespace, STAMPED};
use publishing::Publish;
use room_access::RoomGate;
use room_segment::{SegmentRoom, room_of, segment_of};
use wire::{Answer, Event, Request, Unreadable, invalid_channel};

/// Publishes a second of one connection (AppSync quotas: 25).
pub(crate) const DEFAULT_PUBLISH_RATE: u32 = 25;

/// The path that every signature of Events covers, at connect as well.
const SIGNED_PATH: &str = "/event";

/// What somebody listens to.
#[derive(Debug)]
pub(crate) struct ChannelSubscription {
    pattern: Pattern,
    /// The room of the channel, if it is one room's and not only its hash.
    room: Option<RoomId>,
}

impl Subscription for ChannelSubscription {
    fn room(&self) -> Option<&RoomId> {
        self.room.as_ref()
    }
}

/// The Event API.
#[derive(Debug)]
pub(crate) struct Events {
    endpoint: Endpoint<ChannelSubscription>,
    publish_rate: u32,
    /// What each connection may still publish.
    buckets: Mutex<BTreeMap<String, TokenBucket>>,
}

impl Events {
    pub(crate) fn new(
        backend: &Arc<Backend>,
        limits: RealtimeLimits,
        publish_rate: u32,
    ) -> Arc<Self> {
        let endpoint = Endpoint::new(Arc::clone(backend), ServedPath::Events, limits);
        let events = Arc::new(Self { endpoint, publish_rate, buckets: Mutex::default() });
        let audience: Arc<dyn Audience> = Arc::clone(&events) as Arc<dyn Audience>;
        backend.add_audience(Arc::downgrade(&audience));
        events
    }

    /// Its sockets.
    pub(crate) fn sockets(&self) -> &Endpoint<ChannelSubscription> {
        &self.endpoint
    }

    /// Judges an operation on a socket, whose signature covers `body`.
    fn authorize(&self, headers: &Headers, body: &str) -> Result<Caller, ServiceError> {
        let operation = Operation {
            path: ServedPath::Events,
            signed_path: SIGNED_PATH,
            body: body.as_bytes(),
            needs_host: false,
        };
        authorize(&self.endpoint.backend, headers, &operation)
    }

    /// Sends an event to everybody who listens to its channel.
    fn broadcast(&self, channel: &Channel, event: &str) {
        let faults = &self.endpoint.backend.faults;
        let event_as_array = faults.get().events.event_as_array;
        for connection in self.endpoint.all() {
            for (id, subscription) in connection.active() {
                if !subscription.pattern.matches(channel) {
                    continue;
                }
                let failure = message_processing_error();
                let answer = if faults.breaks_broadcast(ServedPath::Events) {
                    Answer::BroadcastError { id: &id, errors: [failure.entry()] }
                } else if event_as_array {
                    Answer::Data { id: &id, event: Event::Array([event]) }
                } else {
                    Answer::Data { id: &id, event: Event::Text(event) }
                };
                connection.post(faults, answer.to_json(), FrameKind::Other);
            }
        }
    }

    fn subscribe(
        self: &Arc<Self>,
        connection: &Arc<Connection<ChannelSubscription>>,
        id: &str,
        channel: &str,
        authorization: &Headers,
    ) -> Result<(), ServiceError> {
        let pattern = Pattern::parse(channel).ok_or_else(invalid_channel)?;
        let body = json!({ "channel": channel }).to_string();
        let caller = self.authorize(authorization, &body)?;
        let namespace = Namespace::find(pattern.namespace()).ok_or_else(not_authorized)?;
        let backend = &self.endpoint.backend;
        let gate = RoomGate { backend, caller: &caller };
        if !gate.may_subscribe(namespace, &pattern) {
            return Err(unauthorized("subscribe"));
        }
        connection.reserve(id, self.endpoint.limits.max_subscriptions)?;
        let room = match (pattern.below(), pattern.is_wildcard()) {
            ([segment], false) => match room_of(segment) {
                SegmentRoom::Known(room) => Some(room),
                SegmentRoom::Hashed | SegmentRoom::None => None,
            },
            _ => None,
        };
        let subscription = ChannelSubscription { pattern, room };
        let (events, connection, id) = (Arc::clone(self), Arc::clone(connection), id.to_owned());
        tokio::spawn(async move {
            let faults = &events.endpoint.backend.faults;
            let delay = faults.registration_delay(ServedPath::Events);
            tokio::time::sleep(REGISTRATION_TIME + delay).await;
            connection.activate(&id, subscription, || {
                let success = Answer::SubscribeSuccess { id: &id }.to_json();
                connection.post(faults, success, FrameKind::StartAcknowledgement);
            });
        });
        Ok(())
    }

    fn unsubscribe(&self, connection: &Connection<ChannelSubscription>, id: &str) {
        let unknown;
        let answer = match connection.release(id) {
            Released::Ended => Answer::UnsubscribeSuccess { id },
            // Silently ignored by the service too; the subscription goes on.
            Released::TooEarly => return,
            Released::Unknown => {
                let sentence = format!("Unknown operation id {id}");
                unknown = ServiceError::new("UnknownOperationError", sentence, 400);
                Answer::UnsubscribeError { id, errors: [unknown.entry()] }
            }
        };
        self.post(connection, &answer);
    }

    async fn publish(
        self: &Arc<Self>,
        connection: &Connection<ChannelSubscription>,
        id: &str,
        request: (&str, &Value),
        authorization: &Headers,
    ) -> Result<(), ServiceError> {
        let (channel, events) = request;
        self.take_publish(&connection.id)?;
        let publish = Publish::read(channel, events)?;
        // The members in the order in which clients write them, which the signature covers.
        let body = format!("{{\"channel\":{},\"events\":{events}}}", json!(channel));
        let caller = self.authorize(authorization, &body)?;
        let published = publishing::publish(self, &caller, publish, &connection.id).await?;
        let success = Answer::PublishSuccess { id, published: &published };
        let faults = &self.endpoint.backend.faults;
        connection.post(faults, success.to_json(), FrameKind::Acknowledgement);
        Ok(())
    }

    fn take_publish(&self, connection_id: &str) -> Result<(), ServiceError> {
        let mut buckets = self.buckets();
        let bucket = buckets.entry(connection_id.to_owned());
        let bucket = bucket.or_insert_with(|| TokenBucket::new(self.publish_rate));
        bucket.take(Instant::now()).map_err(|_| ServiceError::limit_exceeded())
    }

    fn post(&self, connection: &Connection<ChannelSubscription>, answer: &Answer<'_>) {
        connection.post(&self.endpoint.backend.faults, answer.to_json(), FrameKind::Other);
    }

    fn buckets(&self) -> MutexGuard<'_, BTreeMap<String, TokenBucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Realtime for Events {
    type Subscription = ChannelSubscription;

    const SUBPROTOCOL: &'static str = "aws-appsync-event-ws";

    fn endpoint(&self) -> &Endpoint<ChannelSubscription> {
        &self.endpoint
    }

    fn signed_connect_path(&self) -> &'static str {
        SIGNED_PATH
    }

    fn acknowledgement(connection_timeout_ms: u64) -> String {
        Answer::ConnectionAck { connection_timeout_ms }.to_json()
    }

    fn connection_error(error: &ServiceError) -> String {
        Answer::ConnectionError { errors: [error.entry_with_code()] }.to_json()
    }

    fn error(id: Option<&str>, error: &ServiceError) -> String {
        Answer::Error { id, errors: [error.entry()] }.to_json()
    }

    async fn receive(
        self: &Arc<Self>,
        connection: &Arc<Connection<ChannelSubscription>>,
        frame: Frame,
    ) {
        let request = match wire::read(frame) {
            Ok(request) => request,
            Err(Unreadable { operation, id, error }) => {
                return self.post(connection, &operation.refusal(id.as_deref(), &error));
            }
        };
        let faults = &self.endpoint.backend.faults;
        match request {
            Request::Unsubscribe { id } => self.unsubscribe(connection, &id),
            Request::Subscribe { id, channel, authorization } => {
                if faults.throttles(ServedPath::Events) {
                    return self.throttle(connection);
                }
                let begun = self.subscribe(connection, &id, &channel, &authorization);
                if let Err(error) = begun {
                    let refusal = Answer::SubscribeError { id: &id, errors: [error.entry()] };
                    self.post(connection, &refusal);
                }
            }
            Request::Publish { id, channel, events, authorization } => {
                let request = (channel.as_str(), &events);
                let published = match faults.send(ServedPath::Events) {
                    SendFate::Served => {
                        self.publish(connection, &id, request, &authorization).await
                    }
                    SendFate::Throttled { .. } => return self.throttle(connection),
                    SendFate::Failed => Err(ServiceError::internal()),
                };
                if let Err(error) = published {
                    let refusal = Answer::PublishError { id: &id, errors: [error.entry()] };
                    self.post(connection, &refusal);
                }
            }
        }
    }

    fn closed(&self, connection: &Connection<ChannelSubscription>) {
        self.buckets().remove(&connection.id);
    }
}

impl Events {
    /// The rates of the whole API are exceeded, which the service says without an id.
    fn throttle(&self, connection: &Connection<ChannelSubscription>) {
        let error = ServiceError::limit_exceeded();
        self.post(connection, &Answer::Error { id: None, errors: [error.entry()] });
    }
}

impl Audience for Events {
    fn deliver(&self, delivery: &Delivery<'_>) -> Result<(), Gone> {
        let event = stamping::write(delivery.message);
        // As in the service, what is too large is not delivered, and nobody is told.
        if event.len() <= MAX_PAYLOAD_BYTES {
            let channel = Channel::of(STAMPED, segment_of(&delivery.message.room));
            self.broadcast(&channel, &event);
        }
        Ok(())
    }
}

/// What the service says where the namespace is not there.
fn not_authorized() -> ServiceError {
    ServiceError::unauthorized("You are not authorized to make this call.")
}

/// What the service says where a handler calls `util.unauthorized()`.
fn unauthorized(operation: &str) -> ServiceError {
    ServiceError::new("Unauthorized", format!("Not Authorized to {operation} on this channel"), 401)
}

fn message_processing_error() -> ServiceError {
    let sentence = "There was an error processing the message";
    ServiceError::new("MessageProcessingError", sentence, 500)
}
