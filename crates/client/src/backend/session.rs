//! The session of whatever backend there is.

use super::api_gateway::{self, Discovery};
use super::{HistoryRequest, Http, Role, SessionEvent, appsync_events, appsync_graphql};
use crate::auth::Signer;
use crate::chat::ids::{ClientMessageId, ConnectionId, HttpRequestId, RoomId};
use crate::chat::person::Person;
use crate::config::{Api, Backend, Service};
use crate::random::Random;
use crate::time::{Now, Timestamp};
use crate::timer::Deadline;
use crate::{HttpAnswer, HttpFailure, TextSize};

/// How the connection is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) url: String,
    pub(crate) subprotocols: Vec<String>,
}

/// A session; see the ones of each backend.
#[derive(Debug)]
pub(crate) enum Session {
    /// One connection for each room.
    ApiGateway(Box<api_gateway::Sessions>),
    AppsyncGraphql(Box<appsync_graphql::Session>),
    AppsyncEvents(Box<appsync_events::Session>),
}

impl Session {
    pub(crate) fn new(backend: &Backend, person: &Person, random: Random) -> Self {
        let as_guest = !backend.sign_in.asks_the_page();
        let person = person.clone();
        match &backend.service {
            Service::ApiGateway { .. } => Self::ApiGateway(Box::default()),
            Service::AppsyncGraphql { api, dialect } => {
                let api = api.clone();
                let session =
                    appsync_graphql::Session::new(api, *dialect, person, as_guest, random);
                Self::AppsyncGraphql(Box::new(session))
            }
            Service::AppsyncEvents { api, namespace, events } => {
                let (api, namespace) = (api.clone(), namespace.clone());
                let place = appsync_events::Place { api, namespace, kind: *events };
                let session = appsync_events::Session::new(place, person, as_guest, random);
                Self::AppsyncEvents(Box::new(session))
            }
        }
    }

    /// Where the connection leads, and what it shows on entry.
    pub(crate) fn opening(backend: &Backend, room: &RoomId, signer: &Signer<'_>) -> Opening {
        let realtime = |api: &Api, protocol: &str, path: &str| Opening {
            url: api.realtime().to_owned(),
            subprotocols: vec![protocol.to_owned(), signer.subprotocol(path, "{}")],
        };
        match &backend.service {
            Service::ApiGateway { endpoint, token_carrier, .. } => Opening {
                url: signer.gateway_url(&endpoint.with_room(room), *token_carrier),
                subprotocols: signer.gateway_subprotocols(*token_carrier),
            },
            Service::AppsyncGraphql { api, .. } => {
                realtime(api, "graphql-ws", &format!("{}/connect", api.path()))
            }
            Service::AppsyncEvents { api, .. } => realtime(api, "aws-appsync-event-ws", api.path()),
        }
    }

    /// Another connection is on its way that is to take the place of the present one.
    pub(crate) fn prepare(&mut self) {
        match self {
            Self::ApiGateway(_) => {}
            Self::AppsyncGraphql(session) => session.lines.prepare(),
            Self::AppsyncEvents(session) => session.lines.prepare(),
        }
    }

    /// Whether it could do so now: what is joined on the present one is joined on it.
    pub(crate) fn may_change_over(&self) -> bool {
        match self {
            Self::ApiGateway(sessions) => {
                sessions.of(Role::Beside).is_some_and(api_gateway::Session::is_ready)
            }
            Self::AppsyncGraphql(session) => session.lines.may_change_over(),
            Self::AppsyncEvents(session) => session.lines.may_change_over(),
        }
    }

    /// The connection beside takes the place of the present one, which ends.
    pub(crate) fn change_over(&mut self) {
        match self {
            Self::ApiGateway(sessions) => sessions.change_over(),
            Self::AppsyncGraphql(session) => session.lines.change_over(),
            Self::AppsyncEvents(session) => session.lines.change_over(),
        }
    }

    /// The rooms that are joined on the present connection, and whether they have a history.
    pub(crate) fn joined_rooms(&self) -> Vec<(RoomId, bool)> {
        match self {
            Self::ApiGateway(sessions) => sessions
                .of(Role::Present)
                .and_then(api_gateway::Session::joined)
                .into_iter()
                .collect(),
            Self::AppsyncGraphql(session) => session.joined_rooms(),
            Self::AppsyncEvents(session) => session.joined_rooms(),
        }
    }

    /// Whether the connection beside owes an answer to a send.
    pub(crate) fn is_sending_beside(&self) -> bool {
        match self {
            Self::ApiGateway(sessions) => {
                sessions.of(Role::Beside).is_some_and(api_gateway::Session::is_sending)
            }
            Self::AppsyncGraphql(_) => false,
            Self::AppsyncEvents(session) => session.is_sending_beside(),
        }
    }

    pub(crate) fn opened(
        &mut self,
        role: Role,
        now: Timestamp,
        connection: ConnectionId,
        room: &RoomId,
        person: &Person,
        discovery: &mut Discovery,
    ) {
        match self {
            Self::ApiGateway(sessions) => {
                let (room, person) = (room.clone(), person.clone());
                sessions.opened(role, now, connection, room, person, discovery);
            }
            Self::AppsyncGraphql(session) => {
                session.on(role, |session| session.opened(now));
            }
            Self::AppsyncEvents(session) => {
                session.on(role, |session| session.opened(now, connection));
            }
        }
    }

    pub(crate) fn received(
        &mut self,
        role: Role,
        now: Timestamp,
        text: &str,
        discovery: &mut Discovery,
    ) {
        match self {
            Self::ApiGateway(sessions) => {
                sessions.on(role, |session| session.received(now, text, discovery));
            }
            Self::AppsyncGraphql(session) => {
                session.on(role, |session| session.received(now, text));
            }
            Self::AppsyncEvents(session) => {
                session.on(role, |session| session.received(now, text));
            }
        }
    }

    /// A connection has ended; returns what it had still to say, unless the session goes on and says it itself.
    pub(crate) fn closed(&mut self, role: Role, discovery: &mut Discovery) -> Vec<SessionEvent> {
        match (self, role) {
            (Self::ApiGateway(sessions), role) => return sessions.closed(role, discovery),
            (Self::AppsyncGraphql(session), Role::Present) => session.closed(),
            (Self::AppsyncGraphql(session), Role::Beside) => return session.closed_beside(),
            (Self::AppsyncEvents(session), Role::Present) => session.closed(),
            (Self::AppsyncEvents(session), Role::Beside) => return session.closed_beside(),
        }
        Vec::new()
    }

    /// The room is wanted on this connection. On API Gateway it is what the connection is for.
    pub(crate) fn join(&mut self, room: &RoomId) {
        match self {
            Self::ApiGateway(_) => {}
            Self::AppsyncGraphql(session) => session.join(room),
            Self::AppsyncEvents(session) => session.join(room),
        }
    }

    pub(crate) fn leave(&mut self, room: &RoomId) {
        match self {
            Self::ApiGateway(_) => {}
            Self::AppsyncGraphql(session) => session.leave(room),
            Self::AppsyncEvents(session) => session.leave(room),
        }
    }

    /// The person has another name, or another id. API Gateway hears of it with the next connection.
    pub(crate) fn set_person(&mut self, person: &Person) {
        match self {
            Self::ApiGateway(_) => {}
            Self::AppsyncGraphql(session) => session.set_person(person.clone()),
            Self::AppsyncEvents(session) => session.set_person(person.clone()),
        }
    }

    /// Somebody else uses the session from now on: what was on its way is given up, without a word.
    pub(crate) fn forget(&mut self) {
        match self {
            Self::ApiGateway(sessions) => sessions.forget(),
            Self::AppsyncGraphql(session) => session.forget(),
            Self::AppsyncEvents(session) => session.forget(),
        }
    }

    /// Whether the sender id of a message that comes back is the one of all messages of its sender.
    pub(crate) fn stamps_senders(&self) -> bool {
        match self {
            Self::ApiGateway(_) => true,
            Self::AppsyncGraphql(session) => session.stamps_senders(),
            Self::AppsyncEvents(session) => session.stamps_senders(),
        }
    }

    /// What another connection has found out.
    pub(crate) fn follow(&mut self, now: Timestamp, discovery: &Discovery) {
        if let Self::ApiGateway(sessions) = self {
            sessions.each(|session| session.follow(now, discovery));
        }
    }

    /// There has been no connection for a while, though the device has a network.
    pub(crate) fn set_without_connection(&mut self, now: Timestamp, without: bool) {
        if let Self::AppsyncEvents(session) = self {
            session.set_without_connection(now, without);
        }
    }

    /// Whether a send to a room may be handed over now.
    pub(crate) fn can_send(&self, now: Timestamp, room: &RoomId) -> bool {
        match self {
            Self::ApiGateway(sessions) => {
                let is_sending =
                    sessions.of(Role::Beside).is_some_and(api_gateway::Session::is_sending);
                !is_sending
                    && sessions.of(Role::Present).is_some_and(api_gateway::Session::can_send)
            }
            Self::AppsyncGraphql(session) => session.can_send(room),
            Self::AppsyncEvents(session) => session.can_send(now, room),
        }
    }

    /// Whether sending a message a second time does no harm: it bears an id that the backend knows it by.
    pub(crate) fn may_repeat(&self) -> bool {
        match self {
            Self::ApiGateway(sessions) => {
                sessions.of(Role::Present).is_some_and(api_gateway::Session::may_repeat)
            }
            Self::AppsyncGraphql(session) => session.stamps_senders(),
            Self::AppsyncEvents(session) => session.stamps_senders(),
        }
    }

    /// Sends a message; its fate comes as an event.
    pub(crate) fn send(&mut self, now: Timestamp, room: &RoomId, id: &ClientMessageId, text: &str) {
        match self {
            Self::ApiGateway(sessions) => {
                sessions.on(Role::Present, |session| session.send(now, id, text));
            }
            Self::AppsyncGraphql(session) => session.send(room, id, text),
            Self::AppsyncEvents(session) => session.send(now, room, id, text),
        }
    }

    /// Whether a send that was handed over waits for credentials still.
    pub(crate) fn holds(&self, id: &ClientMessageId) -> bool {
        match self {
            Self::ApiGateway(_) => false,
            Self::AppsyncGraphql(session) => session.holds(id),
            Self::AppsyncEvents(session) => session.holds(id),
        }
    }

    /// Takes such a send back; says whether it did.
    pub(crate) fn withdraw(&mut self, id: &ClientMessageId) -> bool {
        match self {
            Self::ApiGateway(_) => false,
            Self::AppsyncGraphql(session) => session.withdraw(id),
            Self::AppsyncEvents(session) => session.withdraw(id),
        }
    }

    /// A send is settled, wherever that became known.
    pub(crate) fn no_longer_in_flight(&mut self, id: &ClientMessageId) {
        match self {
            Self::ApiGateway(sessions) => sessions.each(|session| session.no_longer_in_flight(id)),
            Self::AppsyncGraphql(session) => session.no_longer_in_flight(id),
            Self::AppsyncEvents(session) => session.no_longer_in_flight(id),
        }
    }

    /// Asks for a page of history. Events has none.
    pub(crate) fn request_history(&mut self, request: &HistoryRequest) {
        match self {
            Self::AppsyncEvents(_) => {}
            Self::ApiGateway(sessions) => {
                sessions.on(Role::Present, |session| session.request_history(request));
            }
            Self::AppsyncGraphql(session) => session.request_history(request),
        }
    }

    /// Sends a ping; says whether it will be answered, which the caller then waits for.
    pub(crate) fn ping(&mut self, role: Role, discovery: &Discovery) -> bool {
        let is_answered = match self {
            Self::ApiGateway(sessions) => sessions.on(role, |session| session.ping(discovery)),
            Self::AppsyncGraphql(session) => {
                session.on(role, appsync_graphql::Session::probe);
                // When it is late is up to the subscription.
                None
            }
            Self::AppsyncEvents(session) => session.on(role, appsync_events::Session::ping),
        };
        is_answered.unwrap_or(false)
    }

    /// Whether the present connection is asked, or is to be asked, for something that it must answer, in place of a ping.
    pub(crate) fn is_probing(&self) -> bool {
        match self {
            Self::AppsyncGraphql(session) => session.is_probing(),
            Self::ApiGateway(_) | Self::AppsyncEvents(_) => false,
        }
    }

    /// Whether something waits for credentials.
    pub(crate) fn wants_keys(&self) -> bool {
        match self {
            Self::ApiGateway(_) => false,
            Self::AppsyncGraphql(session) => session.wants_keys(),
            Self::AppsyncEvents(session) => session.wants_keys(),
        }
    }

    /// Goes on with what waited for credentials.
    pub(crate) fn proceed(&mut self, now: Now, signer: &Signer<'_>) {
        match self {
            Self::ApiGateway(_) => {}
            Self::AppsyncGraphql(session) => session.proceed(now.monotonic, signer),
            Self::AppsyncEvents(session) => session.proceed(now, signer),
        }
    }

    /// Nobody is signed in: what waits for credentials goes back to where it came from.
    pub(crate) fn give_up_waiting(&mut self) {
        match self {
            Self::ApiGateway(_) => {}
            Self::AppsyncGraphql(session) => session.give_up_waiting(),
            Self::AppsyncEvents(session) => session.give_up_waiting(),
        }
    }

    pub(crate) fn answered(&mut self, request: HttpRequestId, answer: &HttpAnswer) {
        match self {
            Self::ApiGateway(_) => {}
            Self::AppsyncGraphql(session) => session.answered(request, answer),
            Self::AppsyncEvents(session) => session.answered(request, answer),
        }
    }

    pub(crate) fn failed(&mut self, request: HttpRequestId, failure: HttpFailure) {
        match self {
            Self::ApiGateway(_) => {}
            Self::AppsyncGraphql(session) => session.failed(request, failure),
            Self::AppsyncEvents(session) => session.failed(request, failure),
        }
    }

    pub(crate) fn handle_time(&mut self, now: Timestamp, discovery: &mut Discovery) {
        match self {
            Self::ApiGateway(sessions) => {
                sessions.each(|session| session.handle_time(now, discovery));
            }
            Self::AppsyncGraphql(session) => session.handle_time(now),
            Self::AppsyncEvents(session) => session.handle_time(now),
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Deadline> {
        match self {
            Self::ApiGateway(sessions) => {
                let of = |role| sessions.of(role).and_then(api_gateway::Session::next_deadline);
                Deadline::earliest([of(Role::Present), of(Role::Beside)])
            }
            Self::AppsyncGraphql(session) => session.next_deadline(),
            Self::AppsyncEvents(session) => session.next_deadline(),
        }
    }

    pub(crate) fn poll_event(&mut self, role: Role) -> Option<SessionEvent> {
        match self {
            Self::ApiGateway(sessions) => sessions.on(role, api_gateway::Session::poll_event)?,
            Self::AppsyncGraphql(session) => {
                session.on(role, appsync_graphql::Session::poll_event)?
            }
            Self::AppsyncEvents(session) => {
                session.on(role, appsync_events::Session::poll_event)?
            }
        }
    }

    pub(crate) fn poll_frame(&mut self, role: Role) -> Option<String> {
        match self {
            Self::ApiGateway(sessions) => sessions.on(role, api_gateway::Session::poll_frame)?,
            Self::AppsyncGraphql(session) => {
                session.on(role, appsync_graphql::Session::poll_frame)?
            }
            Self::AppsyncEvents(session) => {
                session.on(role, appsync_events::Session::poll_frame)?
            }
        }
    }

    pub(crate) fn poll_http(&mut self) -> Option<Http> {
        match self {
            Self::ApiGateway(_) => None,
            Self::AppsyncGraphql(session) => session.poll_http(),
            Self::AppsyncEvents(session) => session.poll_http(),
        }
    }
}

impl Service {
    /// Whether one connection carries all rooms.
    pub(crate) fn shares_connection(&self) -> bool {
        match self {
            Self::ApiGateway { .. } => false,
            Self::AppsyncGraphql { .. } | Self::AppsyncEvents { .. } => true,
        }
    }

    /// How long a text is on the wire, against the longest that can be sent.
    pub(crate) fn text_size(&self, room: &RoomId, text: &str) -> TextSize {
        let (bytes, limit) = match self {
            Self::ApiGateway { .. } => {
                (api_gateway::send_frame_bytes(room, text), api_gateway::MAX_SEND_BYTES)
            }
            Self::AppsyncGraphql { .. } => {
                (appsync_graphql::send_bytes(room, text), super::appsync::MAX_PAYLOAD_BYTES)
            }
            Self::AppsyncEvents { .. } => {
                (appsync_events::publish_bytes(room, text), super::appsync::MAX_PAYLOAD_BYTES)
            }
        };
        TextSize { bytes, limit }
    }

    /// The host that is signed for.
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::ApiGateway { endpoint, .. } => endpoint.authority(),
            Self::AppsyncGraphql { api, .. } | Self::AppsyncEvents { api, .. } => api.host(),
        }
    }
}
