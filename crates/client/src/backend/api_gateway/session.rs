//! One connection to an API Gateway WebSocket API.
//!
//! ```text
//! opened ──► Undecided ──welcome───────────────────────────────────► Full
//!    │            │
//!    │            └─gateway error, a message without `type`, silence─► Basic ──late welcome──► Full
//!    └─ dialect known ──────────────────────────────────────────────► Basic | Full
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use super::MAX_SEND_BYTES;
use super::discovery::{Discovery, Known};
use super::echo::Echoes;
use super::wire::{ClientFrame, ServerFrame, WireError, WireMessage};
use crate::backend::{
    Cursor, HistoryRequest, Outcome, Page, RequestId, Retry, SEND_DEADLINE, SessionEvent,
};
use crate::chat::ids::{ClientMessageId, ConnectionId, MessageId, RoomId};
use crate::chat::message::{FailReason, Identity, Incoming, Sender};
use crate::chat::person::{DisplayName, Person};
use crate::chat::timeline::OrderKey;
use crate::time::Timestamp;
use crate::timer::{Deadline, TimerKind, Timers};

/// How long sends wait for the dialect to be found out.
const DECISION_DEADLINE: Duration = Duration::from_secs(3);
/// How long a backend that is known to be full may take to answer `hello`.
const WELCOME_DEADLINE: Duration = Duration::from_secs(15);
/// A route may answer for 29 s (integration timeout); after that nothing is taken for the answer to `hello`.
const ANSWER_WINDOW: Duration = Duration::from_secs(30);
/// A backend that does not know `hello` may answer it in words; one frame that comes so soon is taken for that.
const WORDS_WINDOW: Duration = Duration::from_secs(10);
/// No pause that a backend asks for is longer.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// How long sends wait for the error frame that names a new connection, so that their echoes are recognised.
const NAME_DEADLINE: Duration = Duration::from_secs(1);
/// The pause after an error of the backend's own.
const ERROR_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Answer,
    Decision,
    Name,
    Send,
    Welcome,
    Words,
}

impl TimerKind for Timer {
    fn reason(self) -> &'static str {
        match self {
            Self::Answer => "nothing more is taken for the answer to hello",
            Self::Decision => "the dialect is still unknown",
            Self::Name => "the connection has no name yet",
            Self::Send => "a send is not confirmed",
            Self::Welcome => "hello is not answered",
            Self::Words => "words are no longer taken for the answer to hello",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Undecided,
    Basic,
    Full { welcomed: bool },
}

#[derive(Debug)]
struct InFlight {
    id: ClientMessageId,
    text: String,
    /// It bears its id on the wire: sending it twice does no harm.
    idempotent: bool,
}

/// The session; see the module's diagram.
#[derive(Debug)]
pub(crate) struct Session {
    connection: ConnectionId,
    room: RoomId,
    person: Person,
    state: State,
    said_hello: bool,
    awaits_pong: bool,
    /// Something was sent since hello: an error frame may be about that.
    has_sent: bool,
    /// Nothing has arrived since the send that is in flight.
    unheard: bool,
    in_flight: Option<InFlight>,
    echoes: Echoes,
    timers: Timers<Timer>,
    frames: VecDeque<String>,
    events: VecDeque<SessionEvent>,
}

impl Session {
    /// The connection of `room` is open.
    pub(crate) fn opened(
        now: Timestamp,
        connection: ConnectionId,
        room: RoomId,
        person: Person,
        discovery: &mut Discovery,
    ) -> Self {
        let mut session = Self {
            connection,
            room,
            person,
            state: State::Undecided,
            said_hello: false,
            awaits_pong: false,
            has_sent: false,
            unheard: false,
            in_flight: None,
            echoes: Echoes::new(),
            timers: Timers::default(),
            frames: VecDeque::new(),
            events: VecDeque::new(),
        };
        if *discovery.known() == Known::Nothing {
            session.timers.set(Timer::Decision, now + DECISION_DEADLINE);
            if discovery.take_question() {
                session.say_hello(now);
            }
        } else {
            session.follow(now, discovery);
        }
        session
    }

    /// Takes over what another connection, or this one, has found out.
    pub(crate) fn follow(&mut self, now: Timestamp, discovery: &Discovery) {
        match (discovery.known(), self.state) {
            (Known::Nothing, _) | (_, State::Full { .. }) => {}
            (Known::Silence, State::Undecided) => self.become_basic(),
            (Known::Basic { pong }, State::Undecided) => {
                self.become_basic();
                if pong.is_some() && !self.said_hello {
                    // The answer names this connection, so that its own messages are recognised.
                    self.ping(discovery);
                    self.timers.set(Timer::Name, now + NAME_DEADLINE);
                }
            }
            (Known::Silence | Known::Basic { .. }, State::Basic) => {}
            (Known::Full, State::Undecided | State::Basic) => {
                self.timers.stop(Timer::Decision);
                self.state = State::Full { welcomed: false };
                self.timers.set(Timer::Welcome, now + WELCOME_DEADLINE);
                if !self.said_hello {
                    self.say_hello(now);
                }
            }
        }
    }

    /// A frame has arrived.
    pub(crate) fn received(&mut self, now: Timestamp, text: &str, discovery: &mut Discovery) {
        self.unheard = false;
        let frame = ServerFrame::parse(text);
        if text.contains(self.person.guest_key.expose()) {
            self.own_hello_came_back(frame, discovery);
            self.follow(now, discovery);
            return;
        }
        let is_full = matches!(self.state, State::Full { .. });
        match frame {
            ServerFrame::Welcome { connection_id, sender_id, history }
                if is_full || (self.said_hello && discovery.may_be_full()) =>
            {
                discovery.learn(Known::Full);
                self.welcomed(now, discovery, connection_id, sender_id, history);
            }
            ServerFrame::Message(message) => self.message(now, message, discovery),
            // Where nobody has been welcomed, these are words of some other backend, or of somebody who plays one.
            ServerFrame::Welcome { .. }
            | ServerFrame::Ack { .. }
            | ServerFrame::History { .. }
            | ServerFrame::Error(_)
            | ServerFrame::Pong
            | ServerFrame::UnknownType
                if !is_full =>
            {
                self.foreign(text);
            }
            ServerFrame::Ack { client_message_id, id, created_at } => {
                let id = OrderKey { created_at, id: MessageId(id) };
                self.acknowledged(ClientMessageId(client_message_id), id);
            }
            ServerFrame::History { request_id, messages, next_cursor } => {
                let messages =
                    messages.into_iter().filter_map(|one| self.of_history(one)).collect();
                let page = Page { messages, next: next_cursor.map(Cursor) };
                self.events
                    .push_back(SessionEvent::History { request: RequestId(request_id), page });
            }
            ServerFrame::Error(error) => self.refused(error),
            ServerFrame::Gateway { message, connection_id } => {
                self.gateway_error(message, connection_id, discovery);
            }
            ServerFrame::Foreign => self.foreign(text),
            ServerFrame::Welcome { .. }
            | ServerFrame::Pong
            | ServerFrame::Action
            | ServerFrame::Textless
            | ServerFrame::UnknownType => {}
        }
        self.follow(now, discovery);
    }

    /// Whether a send may be handed over now.
    pub(crate) fn can_send(&self) -> bool {
        matches!(self.state, State::Basic | State::Full { welcomed: true })
            && self.in_flight.is_none()
            && !self.timers.is_set(Timer::Name)
    }

    /// Sends a message; its fate comes as an event.
    pub(crate) fn send(&mut self, now: Timestamp, id: &ClientMessageId, text: &str) {
        let idempotent = matches!(self.state, State::Full { .. });
        let client_message_id = idempotent.then_some(id);
        let frame =
            ClientFrame::SendMessage { room_id: &self.room, text, client_message_id }.to_json();
        self.echoes.expect(id, text);
        if frame.len() > MAX_SEND_BYTES {
            self.unsettled(id.clone(), Outcome::Refused(FailReason::TooLarge));
            return;
        }
        self.frames.push_back(frame);
        self.in_flight = Some(InFlight { id: id.clone(), text: text.to_owned(), idempotent });
        self.has_sent = true;
        self.unheard = true;
        self.timers.set(Timer::Send, now + SEND_DEADLINE);
    }

    /// Asks for a page of history.
    pub(crate) fn request_history(&mut self, request: &HistoryRequest) {
        let before = request.before.as_ref().map(|cursor| cursor.0.as_str());
        let frame = ClientFrame::History {
            request_id: &request.request.0,
            room_id: &request.room,
            before,
            limit: request.limit,
        };
        self.frames.push_back(frame.to_json());
    }

    /// Sends a ping if the backend answers it in some way; says whether it does.
    pub(crate) fn ping(&mut self, discovery: &Discovery) -> bool {
        let is_answered = match self.state {
            State::Undecided => false,
            State::Full { welcomed } => welcomed,
            // While a send is in flight its echo proves the same, and an error frame stays unambiguous.
            State::Basic => {
                let answers = matches!(discovery.known(), Known::Basic { pong: Some(_) });
                answers && self.in_flight.is_none()
            }
        };
        if is_answered {
            self.awaits_pong = self.state == State::Basic;
            self.frames.push_back(ClientFrame::Ping.to_json());
        }
        is_answered
    }

    /// The connection has ended: what was in flight gets its outcome.
    pub(crate) fn closed(&mut self, discovery: &mut Discovery) {
        if self.timers.is_set(Timer::Answer) {
            discovery.question_lost();
        }
        self.give_up_in_flight();
    }

    pub(crate) fn handle_time(&mut self, now: Timestamp, discovery: &mut Discovery) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Answer | Timer::Name | Timer::Words => {}
                Timer::Decision => {
                    discovery.learn(Known::Silence);
                    self.follow(now, discovery);
                }
                Timer::Send => {
                    self.give_up_in_flight();
                    if self.unheard && self.owes_an_answer(discovery) {
                        self.events.push_back(SessionEvent::Silent);
                    }
                }
                Timer::Welcome => self.events.push_back(SessionEvent::Silent),
            }
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Deadline> {
        self.timers.next()
    }

    pub(crate) fn poll_frame(&mut self) -> Option<String> {
        self.frames.pop_front()
    }

    pub(crate) fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    fn say_hello(&mut self, now: Timestamp) {
        self.said_hello = true;
        self.timers.set(Timer::Answer, now + ANSWER_WINDOW);
        self.timers.set(Timer::Words, now + WORDS_WINDOW);
        let name = self.person.name.as_ref().map(DisplayName::as_str);
        let guest_key = &self.person.guest_key;
        self.frames.push_back(ClientFrame::Hello { guest_key, name }.to_json());
    }

    fn become_basic(&mut self) {
        self.timers.stop(Timer::Decision);
        self.state = State::Basic;
        let room = self.room.clone();
        self.events.push_back(SessionEvent::Joined { room, history: false });
    }

    fn welcomed(
        &mut self,
        now: Timestamp,
        discovery: &Discovery,
        connection_id: Option<String>,
        sender_id: Option<String>,
        history: bool,
    ) {
        self.follow(now, discovery);
        let State::Full { welcomed: false } = self.state else { return };
        self.state = State::Full { welcomed: true };
        self.timers.stop(Timer::Welcome);
        self.hello_is_answered();
        if let Some(id) = connection_id {
            self.echoes.know(id);
        }
        if let Some(sender_id) = sender_id {
            self.events.push_back(SessionEvent::Introduced { sender_id });
        }
        let room = self.room.clone();
        self.events.push_back(SessionEvent::Joined { room, history });
    }

    fn message(&mut self, now: Timestamp, message: WireMessage, discovery: &mut Discovery) {
        if !message.typed {
            discovery.learn(Known::Basic { pong: None });
            let has_origin = message.sender_connection_id.is_some() || message.created_at.is_some();
            if !has_origin && self.timers.is_set(Timer::Words) && !self.has_sent {
                self.hello_is_answered();
                return;
            }
        } else if message.id.is_some() && !self.said_hello && discovery.ask_again() {
            // It looks like the full dialect, and the first question was lost with its connection.
            self.say_hello(now);
        }
        self.follow(now, discovery);
        if message.room_id.as_deref().is_some_and(|room| room != self.room.as_str()) {
            // A backend that sends all rooms to everybody: this one is not ours.
            return;
        }
        let incoming = self.incoming(message);
        if let Some(id) = incoming.client_message_id.clone() {
            self.no_longer_in_flight(&id);
        }
        let room = self.room.clone();
        self.events.push_back(SessionEvent::Message { room, incoming });
    }

    fn incoming(&mut self, message: WireMessage) -> Incoming {
        let connection = message.sender_connection_id.unwrap_or_default();
        let created_at = message.created_at.unwrap_or_default();
        let mut client_message_id = message.client_message_id.map(ClientMessageId);
        let in_flight = self.in_flight.as_ref().filter(|send| !send.idempotent);
        let in_flight = in_flight.map(|send| (&send.id, send.text.as_str()));
        // A message with the id of a send says itself whose it is; all others are told by their connection.
        let told = if client_message_id.is_none() {
            let verdict = self.echoes.judge(&connection, &created_at, &message.text, in_flight);
            client_message_id = verdict.settles;
            Some((verdict.own, verdict.occurrence))
        } else {
            None
        };
        let identity = match message.id {
            Some(id) => Identity::Server(MessageId(id)),
            None => Identity::Frame {
                // Without a time, equal frames of two connections are not known to be one message.
                connection: created_at.is_empty().then_some(self.connection),
                sender: connection.clone(),
                created_at: created_at.clone(),
                text: message.text.clone(),
                occurrence: told.map_or(0, |(_, occurrence)| occurrence),
            },
        };
        let sender = match (told, message.sender) {
            (Some((true, _)), _) => Sender::Me,
            (_, Some(sender)) => Sender::Person {
                id: sender.id,
                name: sender.name,
                guest: sender.kind.as_deref() != Some("user"),
            },
            (_, None) => Sender::Person { id: connection, name: None, guest: true },
        };
        Incoming { identity, created_at, text: message.text, client_message_id, sender }
    }

    fn of_history(&mut self, message: WireMessage) -> Option<Incoming> {
        let id = message.id?;
        let sender = match (message.sender, message.sender_connection_id) {
            (Some(sender), _) => {
                let guest = sender.kind.as_deref() != Some("user");
                Sender::Person { id: sender.id, name: sender.name, guest }
            }
            (None, connection) => {
                Sender::Person { id: connection.unwrap_or_default(), name: None, guest: true }
            }
        };
        Some(Incoming {
            identity: Identity::Server(MessageId(id)),
            created_at: message.created_at.unwrap_or_default(),
            text: message.text,
            client_message_id: message.client_message_id.map(ClientMessageId),
            sender,
        })
    }

    fn acknowledged(&mut self, id: ClientMessageId, key: OrderKey) {
        self.no_longer_in_flight(&id);
        let room = self.room.clone();
        self.events.push_back(SessionEvent::Settled { room, id, key: Some(key) });
    }

    /// A send is settled, wherever that became known.
    pub(crate) fn no_longer_in_flight(&mut self, id: &ClientMessageId) {
        if self.in_flight.as_ref().is_some_and(|send| send.id == *id) {
            self.in_flight = None;
            self.timers.stop(Timer::Send);
        }
    }

    fn refused(&mut self, error: WireError) {
        let asked_pause = error.retry_after_ms.map(Duration::from_millis);
        let pause = asked_pause.unwrap_or(ERROR_PAUSE).min(MAX_PAUSE);
        let reason = match error.code.as_str() {
            "rate_limited" | "internal" => None,
            "conflict" => Some(FailReason::Conflict),
            "forbidden" => Some(FailReason::Forbidden),
            "too_large" => Some(FailReason::TooLarge),
            "unauthorized" => Some(FailReason::Unauthorized),
            _ => Some(FailReason::BadRequest),
        };
        if let Some(id) = error.client_message_id.map(ClientMessageId) {
            self.no_longer_in_flight(&id);
            self.unsettled(id, reason.map_or(Outcome::Again { pause }, Outcome::Refused));
        } else if let Some(request) = error.request_id.map(RequestId) {
            let retry = reason.map_or(Retry::After(pause), |_| Retry::Never);
            self.events.push_back(SessionEvent::HistoryRefused { request, retry });
        } else if let Some(reason @ (FailReason::Forbidden | FailReason::Unauthorized)) = reason
            && error.room_id.as_deref().is_none_or(|room| room == self.room.as_str())
        {
            let room = self.room.clone();
            self.events.push_back(SessionEvent::RoomRefused { room, reason });
        } else if error.code == "rate_limited" {
            self.events.push_back(SessionEvent::Throttled { pause });
        }
    }

    fn gateway_error(&mut self, message: String, connection_id: String, discovery: &mut Discovery) {
        self.echoes.know(connection_id);
        self.timers.stop(Timer::Name);
        let is_pong =
            matches!(discovery.known(), Known::Basic { pong: Some(pong) } if *pong == message);
        let answers_hello = self.timers.is_set(Timer::Answer)
            && !self.has_sent
            && !matches!(self.state, State::Full { .. });
        if answers_hello {
            self.hello_is_answered();
            discovery.learn(Known::Basic { pong: Some(message) });
        } else if !(is_pong && self.awaits_pong) {
            self.in_flight_failed();
        }
        self.awaits_pong = false;
    }

    /// Whether a connection that lives answers each send with a frame of some kind. Where nothing but echoes
    /// comes, the loop of posts may have ended before it came to us.
    fn owes_an_answer(&self, discovery: &Discovery) -> bool {
        match self.state {
            State::Undecided => false,
            State::Basic => matches!(discovery.known(), Known::Basic { pong: Some(_) }),
            State::Full { .. } => true,
        }
    }

    /// The gateway does not say which send has failed; only one is in flight.
    fn in_flight_failed(&mut self) {
        match self.in_flight.as_ref() {
            Some(send) if send.idempotent => {
                let id = send.id.clone();
                self.no_longer_in_flight(&id);
                self.unsettled(id, Outcome::Again { pause: ERROR_PAUSE });
            }
            Some(_) => self.give_up_in_flight(),
            None => {}
        }
    }

    fn give_up_in_flight(&mut self) {
        self.timers.stop(Timer::Send);
        let Some(send) = self.in_flight.take() else { return };
        if send.idempotent {
            self.unsettled(send.id, Outcome::Again { pause: Duration::ZERO });
        } else {
            self.echoes.expect_late(send.id.clone(), send.text);
            self.unsettled(send.id, Outcome::NotConfirmed);
        }
    }

    fn unsettled(&mut self, id: ClientMessageId, outcome: Outcome) {
        let room = self.room.clone();
        self.events.push_back(SessionEvent::Unsettled { room, id, outcome });
    }

    fn foreign(&mut self, text: &str) {
        if self.timers.is_set(Timer::Words) {
            self.hello_is_answered();
        } else if !text.trim().is_empty() {
            let (room, text) = (self.room.clone(), text.to_owned());
            self.events.push_back(SessionEvent::Notice { room, text });
        }
    }

    fn hello_is_answered(&mut self) {
        self.timers.stop(Timer::Answer);
        self.timers.stop(Timer::Words);
    }

    /// A `$default` route passes on what it gets. Nobody is to see it, and its sender is this connection.
    fn own_hello_came_back(&mut self, frame: ServerFrame, discovery: &mut Discovery) {
        self.hello_is_answered();
        if let ServerFrame::Message(message) = frame {
            discovery.learn(Known::Basic { pong: None });
            if let Some(connection) = message.sender_connection_id {
                self.echoes.know(connection);
            }
        }
    }
}
