//! What the frames of a connection mean.

use std::time::Duration;

use super::super::discovery::{Discovery, Known};
use super::super::wire::{ServerFrame, WireError, WireMessage, WireSender, is_no_json};
use super::{ERROR_PAUSE, Session, State, Timer};
use crate::backend::{Cursor, Outcome, Page, RequestId, Retry, SessionEvent};
use crate::chat::ids::{ClientMessageId, MessageId};
use crate::chat::message::{FailReason, Identity, Incoming, Sender, Standing};
use crate::chat::timeline::OrderKey;
use crate::time::Timestamp;

/// No pause that a backend asks for is longer.
const MAX_PAUSE: Duration = Duration::from_secs(60);

impl Session {
    /// A frame has arrived.
    pub(crate) fn received(&mut self, now: Timestamp, text: &str, discovery: &mut Discovery) {
        self.unheard = 0;
        let frame = ServerFrame::parse(text);
        if text.contains(self.person.guest_key.expose()) {
            self.own_hello_came_back(frame, discovery);
            self.follow(now, discovery);
            return;
        }
        let is_full = matches!(self.state, State::Full { .. });
        // Once something was sent, an error is that one's.
        let is_of_a_send = self.has_sent && matches!(frame, ServerFrame::Error(_));
        let may_answer = !is_full && self.timers.is_set(Timer::Answer) && !is_of_a_send;
        if may_answer && frame.may_be_broken_answer(text) {
            self.answer_broken(text, discovery);
            return;
        }
        match frame {
            ServerFrame::Welcome { connection_id, sender, history }
                if is_full || (self.said_hello && discovery.may_be_full()) =>
            {
                discovery.learn(Known::Full);
                self.welcomed(now, discovery, connection_id, sender, history);
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
                let messages = messages.into_iter().filter_map(Self::of_history).collect();
                let page = Page { messages, next: next_cursor.map(Cursor) };
                let (room, request) = (self.room.clone(), RequestId(request_id));
                self.events.push_back(SessionEvent::History { room, request, page });
            }
            ServerFrame::Error(error) => self.refused(error),
            ServerFrame::Gateway { message, connection_id } => {
                self.gateway_error(message, connection_id, discovery);
            }
            // Such a backend says nothing but JSON: it may have been a message.
            ServerFrame::Foreign if is_full && is_no_json(text) => {
                let room = self.room.clone();
                self.events.push_back(SessionEvent::Missed { room });
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

    fn welcomed(
        &mut self,
        now: Timestamp,
        discovery: &Discovery,
        connection_id: Option<String>,
        sender: Option<WireSender>,
        history: bool,
    ) {
        self.follow(now, discovery);
        let State::Full { welcomed: false } = self.state else { return };
        self.state = State::Full { welcomed: true };
        self.timers.stop(Timer::Welcome);
        self.hello_is_answered();
        if let Some(name) = connection_id {
            self.echoes.know(self.connection, name);
        }
        if let Some(sender) = sender {
            let (is_user, sender_id) = (sender.is_user(), sender.id);
            self.events.push_back(SessionEvent::Introduced { sender_id, is_user });
        }
        self.join(history);
    }

    fn message(&mut self, now: Timestamp, message: WireMessage, discovery: &mut Discovery) {
        if !message.typed {
            discovery.learn(Known::Basic { pong: None });
            let has_origin = message.sender_connection_id.is_some() || message.created_at.is_some();
            if !has_origin && self.timers.is_set(Timer::Words) && !self.has_sent {
                self.words_may_have_answered();
                return;
            }
        } else if message.id.is_some() && self.met_silence && discovery.ask_again(now) {
            // It looks like the full dialect, and the question was lost, or its answer.
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
        // A message with the id of a send says itself whose it is; all others are told by their connection.
        let told = if client_message_id.is_none() {
            let via = self.connection;
            let verdict = self.echoes.judge(via, &connection, &created_at, &message.text);
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
        let sender = match told {
            Some((true, _)) => Sender::Me,
            Some((false, _)) | None => sender(message.sender, connection),
        };
        Incoming { identity, created_at, text: message.text, client_message_id, sender }
    }

    fn of_history(message: WireMessage) -> Option<Incoming> {
        let id = message.id?;
        let sender = sender(message.sender, message.sender_connection_id.unwrap_or_default());
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
            let room = self.room.clone();
            self.events.push_back(SessionEvent::HistoryRefused { room, request, retry });
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
        self.echoes.know(self.connection, connection_id);
        self.timers.stop(Timer::Name);
        let is_pong =
            matches!(discovery.known(), Known::Basic { pong: Some(pong) } if *pong == message);
        let answers_hello = self.timers.is_set(Timer::ErrorFrame)
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

    fn foreign(&mut self, text: &str) {
        if self.timers.is_set(Timer::Words) {
            self.words_may_have_answered();
        } else if !text.trim().is_empty() {
            let (room, text) = (self.room.clone(), text.to_owned());
            self.events.push_back(SessionEvent::Notice { room, text });
        }
    }

    /// What may have been the answer to `hello` is asked for again. Like words that answer it, one such frame is not
    /// shown.
    fn answer_broken(&mut self, text: &str, discovery: &mut Discovery) {
        self.foreign(text);
        // What comes now is no answer any more, least of all an error frame of a full backend's gateway.
        self.hello_is_answered();
        discovery.answer_broken();
        self.repeat_question(discovery);
    }

    /// A `$default` route passes on what it gets. Nobody is to see it, and its sender is this connection.
    fn own_hello_came_back(&mut self, frame: ServerFrame, discovery: &mut Discovery) {
        discovery.question_returned();
        self.hello_is_answered();
        if let ServerFrame::Message(message) = frame {
            discovery.learn(Known::Basic { pong: None });
            if let Some(name) = message.sender_connection_id {
                self.echoes.know(self.connection, name);
            }
        }
    }
}

/// Whoever a frame says it is from; without a sender, the connection.
fn sender(sender: Option<WireSender>, connection: String) -> Sender {
    match sender {
        Some(sender) => {
            let standing = if sender.is_user() { Standing::User } else { Standing::Guest };
            let WireSender { id, name, .. } = sender;
            Sender::Person { id, name, standing }
        }
        None => Sender::Person { id: connection, name: None, standing: Standing::Guest },
    }
}
