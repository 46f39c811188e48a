//! The way to an AppSync Event API: its connection, and HTTP while that is down.

mod line;

use std::time::Duration;

use super::channel::channel_segment;
use super::event::{self, Event, Publisher};
use super::pace::Pace;
use super::publishes::Send;
use super::wire::{self, Answer, ChannelBody, PublishBody, ServerFrame};
use crate::auth::Signer;
use crate::backend::appsync::{
    self, Errand, Lines, Realtime, Refused, Request, Requests, Trouble, WireErrors,
};
use crate::backend::{Http, Outcome, Role, SessionEvent};
use crate::chat::ids::{ClientMessageId, ConnectionId, HttpRequestId, RoomId};
use crate::chat::message::FailReason;
use crate::chat::person::{DisplayName, Person};
use crate::config::{Api, Namespace, NamespaceKind};
use crate::random::Random;
use crate::time::{Now, Timestamp};
use crate::timer::Deadline;
use crate::{HttpAnswer, HttpFailure};
use line::Line;

/// The service answers the end of an unknown subscription with `unsubscribe_error`: there is no other ping.
const PING: &str = "ping";
/// How long HTTP is left alone after it has failed, while there is no connection either.
const HTTP_CLOSED: Duration = Duration::from_secs(30);

/// Where a namespace is, and what it does.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) api: Api,
    pub(crate) namespace: Namespace,
    pub(crate) kind: NamespaceKind,
}

/// The session.
#[derive(Debug)]
pub(crate) struct Session {
    place: Place,
    person: Person,
    as_guest: bool,
    pub(crate) lines: Lines<Line>,
    requests: Requests<Send>,
    /// Whether sends may go by HTTP, since there is no connection.
    by_http: bool,
    /// HTTP has failed as well; it is not tried before.
    http_closed_until: Option<Timestamp>,
    now: Timestamp,
    unnamed: u32,
}

impl Session {
    pub(crate) fn new(place: Place, person: Person, as_guest: bool, random: Random) -> Self {
        Self {
            place,
            person,
            as_guest,
            lines: Lines::new(Realtime::new(!as_guest, random)),
            requests: Requests::default(),
            by_http: false,
            http_closed_until: None,
            now: Timestamp::default(),
            unnamed: 0,
        }
    }

    pub(crate) fn opened(&mut self, now: Timestamp, connection: ConnectionId) {
        self.lines.connection = connection;
        self.by_http = false;
        self.http_closed_until = None;
        self.lines.pace = Pace::default();
        self.lines.realtime.opened(now);
    }

    /// The connection has ended, and with it the answers that it owed.
    pub(crate) fn closed(&mut self) {
        self.lines.realtime.closed();
        for publish in self.lines.publishes.take_all() {
            let was_said = publish.is_in_flight();
            let outcome = if was_said { self.unknown_fate() } else { again_at_once() };
            self.unsettled(publish.send, outcome);
        }
    }

    /// Has the session do something with one of its connections, if there is that one.
    pub(crate) fn on<T>(&mut self, role: Role, act: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if role == Role::Beside && !self.lines.swap() {
            return None;
        }
        let done = act(self);
        if role == Role::Beside {
            self.lines.swap();
        }
        Some(done)
    }

    /// The rooms that are joined, and that they have no history.
    pub(crate) fn joined_rooms(&self) -> Vec<(RoomId, bool)> {
        self.lines.realtime.live_rooms().map(|room| (room.clone(), false)).collect()
    }

    /// Whether the connection beside owes an answer to a publish.
    pub(crate) fn is_sending_beside(&self) -> bool {
        self.lines.beside().is_some_and(|line| !line.publishes.is_empty())
    }

    /// The connection beside has ended; returns what it had still to say.
    pub(crate) fn closed_beside(&mut self) -> Vec<SessionEvent> {
        self.on(Role::Beside, Self::closed);
        let Some(mut line) = self.lines.take_beside() else { return Vec::new() };
        std::iter::from_fn(|| line.realtime.poll_event()).collect()
    }

    /// Whether there has been no connection for so long that publishing by HTTP is worth a try.
    pub(crate) fn set_without_connection(&mut self, now: Timestamp, without: bool) {
        self.now = now;
        self.by_http = without && self.http_closed_until.is_none_or(|until| until <= now);
    }

    pub(crate) fn join(&mut self, room: &RoomId) {
        if self.lines.join(room) {
            self.joined(room.clone());
        }
    }

    pub(crate) fn leave(&mut self, room: &RoomId) {
        self.leave_line(room);
        self.on(Role::Beside, |session| session.leave_line(room));
        self.requests.forget_failures(room);
    }

    fn leave_line(&mut self, room: &RoomId) {
        if let Some(id) = self.lines.realtime.leave(room) {
            self.lines.realtime.say(wire::unsubscribe(&id));
        }
    }

    pub(crate) fn set_person(&mut self, person: Person) {
        self.person = person;
    }

    /// Gives up what is on its way, without a word.
    pub(crate) fn forget(&mut self) {
        self.requests.cancel(|_| true);
        self.lines.publishes.take_all();
        self.lines.realtime.forget();
        self.lines.take_beside();
    }

    pub(crate) fn stamps_senders(&self) -> bool {
        self.place.kind == NamespaceKind::Stamped
    }

    /// Whether a send to a room may be handed over now.
    pub(crate) fn can_send(&self, now: Timestamp, room: &RoomId) -> bool {
        if self.lines.realtime.is_ready() {
            return self.lines.realtime.is_live(room) && self.lines.pace.may_publish(now);
        }
        self.by_http && !self.lines.realtime.is_refused(room)
    }

    /// Sends a message; its fate comes as an event.
    pub(crate) fn send(&mut self, now: Timestamp, room: &RoomId, id: &ClientMessageId, text: &str) {
        let send = Send { room: room.clone(), id: id.clone(), text: text.to_owned() };
        if event::publish_bytes(room, text) > appsync::MAX_PAYLOAD_BYTES {
            return self.unsettled(send, Outcome::Refused(FailReason::TooLarge));
        }
        if self.lines.realtime.is_ready() {
            self.lines.pace.published(now);
            self.now = now;
            self.lines.publishes.add(send);
        } else {
            self.requests.add(send);
        }
    }

    /// A send has come back: its answer is of no more interest.
    pub(crate) fn no_longer_in_flight(&mut self, id: &ClientMessageId) {
        for line in self.lines.all_mut() {
            line.publishes.forget(id);
        }
        self.requests.cancel(|send| send.id == *id);
    }

    /// Whether a send waits for credentials.
    pub(crate) fn holds(&self, id: &ClientMessageId) -> bool {
        let publishes = self.lines.all().flat_map(|line| line.publishes.waiting());
        publishes.chain(self.requests.waiting()).any(|send| send.id == *id)
    }

    /// Takes a send back that waits for credentials; says whether it did.
    pub(crate) fn withdraw(&mut self, id: &ClientMessageId) -> bool {
        let holds = self.holds(id);
        if holds {
            self.no_longer_in_flight(id);
        }
        holds
    }

    /// Says something that is answered: an end of a subscription that there is not. Says whether it did.
    pub(crate) fn ping(&mut self) -> bool {
        let is_ready = self.lines.realtime.is_ready();
        if is_ready {
            self.lines.realtime.say(wire::unsubscribe(PING));
        }
        is_ready
    }

    pub(crate) fn wants_keys(&self) -> bool {
        let wants =
            |line: &Line| line.realtime.wants_keys() || line.publishes.waiting().next().is_some();
        self.lines.all().any(wants) || self.requests.wants_keys()
    }

    /// Goes on with what waited for credentials.
    pub(crate) fn proceed(&mut self, now: Now, signer: &Signer<'_>) {
        let (path, generation) = (self.place.api.path(), signer.generation());
        let publisher = Publisher {
            guest_key: &self.person.guest_key,
            name: self.person.name.as_ref().map(DisplayName::as_str),
            subject: self.person.known_as.as_deref(),
            as_guest: self.as_guest,
        };
        let place = &self.place;
        let event_of = |send: &Send| {
            let Send { room, id, text } = send;
            [event::published(place.kind, room, text, id, publisher, now.wall)]
        };
        for Line { realtime, publishes, .. } in self.lines.all_mut() {
            while let Some((id, room)) = realtime.take_start(now.monotonic, generation) {
                let channel = channel(place, &room);
                let body = ChannelBody { channel: &channel };
                let authorization = signer.authorization(path, &wire::json(&body));
                realtime.say(wire::subscribe(&id, &body, authorization));
            }
            publishes.start(now.monotonic, generation, |id, send| {
                let (channel, events) = (channel(place, &send.room), event_of(send));
                if let Some(body) = PublishBody::new(&channel, &events) {
                    let authorization = signer.authorization(path, &wire::json(&body));
                    realtime.say(wire::publish(id, &body, authorization));
                }
            });
        }
        self.requests.send(now.monotonic, generation, place.api.url(), |send| {
            let (channel, events) = (channel(place, &send.room), event_of(send));
            let body = PublishBody::new(&channel, &events).map(|body| wire::json(&body));
            let body = body.unwrap_or_default();
            (signer.http_headers(path, &body), body)
        });
    }

    /// Nobody is signed in: what waits for credentials goes back to where it came from.
    pub(crate) fn give_up_waiting(&mut self) {
        let waiting = self.lines.all_mut().flat_map(|line| line.publishes.take_waiting());
        for publish in waiting.collect::<Vec<_>>() {
            self.unsettled(publish.send, again_at_once());
        }
        for request in self.requests.take_waiting() {
            self.unsettled(request.purpose, again_at_once());
        }
    }

    pub(crate) fn received(&mut self, now: Timestamp, text: &str) {
        self.lines.realtime.heard(now);
        match ServerFrame::parse(text) {
            ServerFrame::Ack { timeout } => self.lines.realtime.acknowledged(timeout),
            ServerFrame::Subscribed { id } => {
                let acknowledged = self.lines.realtime.start_acknowledged(now, &id);
                if let Some(id) = acknowledged.ends {
                    self.lines.realtime.say(wire::unsubscribe(&id));
                }
                if let Some(room) = acknowledged.joined {
                    self.joined(room);
                }
            }
            ServerFrame::SubscribeRefused { id, errors } => {
                self.lines.realtime.start_refused(now, &id, subscription_trouble(&errors));
            }
            ServerFrame::Data { id, events } => self.data(&id, &events),
            ServerFrame::BroadcastError { id } => {
                if let Some(room) = self.lines.realtime.room_of(&id).cloned() {
                    self.lines.realtime.tell(SessionEvent::Missed { room });
                }
            }
            ServerFrame::Published { id, failed } => {
                if let Some(publish) = self.lines.publishes.take(&id) {
                    self.published(publish.send, &failed);
                }
            }
            ServerFrame::PublishRefused { id, errors } => self.publish_refused(&id, &errors),
            ServerFrame::Error { id: Some(id), errors } => {
                if self.lines.realtime.room_of(&id).is_some() {
                    self.lines.realtime.start_refused(now, &id, subscription_trouble(&errors));
                } else {
                    self.publish_refused(&id, &errors);
                }
            }
            ServerFrame::Error { id: None, errors } => {
                if errors.trouble() == Trouble::Throttled {
                    self.throttled();
                }
                self.lines.realtime.unattributed(now, &errors);
            }
            ServerFrame::Refused(errors) => self.lines.realtime.turned_away(&errors),
            ServerFrame::Broken => self.lines.realtime.broken(),
            ServerFrame::KeepAlive | ServerFrame::Unknown => {}
        }
    }

    fn joined(&mut self, room: RoomId) {
        self.lines.realtime.tell(SessionEvent::Joined { room, history: false });
    }

    /// Something was refused for its pace, and the service does not say what. A publish that may be it goes again:
    /// where a repetition does no harm, or where it can be nothing else.
    fn throttled(&mut self) {
        let is_clear =
            self.lines.publishes.count_in_flight() == 1 && !self.lines.realtime.is_starting();
        if is_clear || self.place.kind == NamespaceKind::Stamped {
            for publish in self.lines.publishes.take_in_flight() {
                let pause = self.pause(&publish.send);
                self.unsettled(publish.send, Outcome::Again { pause });
            }
        }
    }

    fn data(&mut self, id: &str, events: &[String]) {
        let Some(room) = self.lines.realtime.room_of(id).cloned() else { return };
        for text in events {
            self.unnamed = self.unnamed.wrapping_add(1);
            match event::received(self.place.kind, text, self.lines.connection, self.unnamed) {
                Event::Message(incoming) => {
                    let (room, incoming) = (room.clone(), *incoming);
                    self.lines.realtime.tell(SessionEvent::Message { room, incoming });
                }
                Event::Other(text) if text.trim().is_empty() => {}
                Event::Other(text) => {
                    self.lines.realtime.tell(SessionEvent::Notice { room: room.clone(), text });
                }
            }
        }
    }

    fn published(&mut self, send: Send, failed: &WireErrors) {
        if failed.is_empty() {
            self.lines.realtime.accepted();
            let Send { room, id, .. } = send;
            self.requests.succeeded(&room, Errand::Send);
            self.lines.realtime.tell(SessionEvent::Settled { room, id, key: None });
        } else {
            let outcome = self.outcome(&send, failed.trouble());
            self.unsettled(send, outcome);
        }
    }

    fn publish_refused(&mut self, id: &str, errors: &WireErrors) {
        let Some(publish) = self.lines.publishes.take(id) else { return };
        let trouble = errors.trouble();
        match self.lines.publishes.refused(publish, trouble, !self.as_guest) {
            Refused::Again { generation } => self.lines.realtime.renew(trouble, generation),
            Refused::ForGood(send) => {
                let outcome = self.outcome(&send, trouble);
                self.unsettled(send, outcome);
            }
        }
    }

    pub(crate) fn answered(&mut self, id: HttpRequestId, answer: &HttpAnswer) {
        let Some(request) = self.requests.take(id) else { return };
        let body = Answer::parse(&answer.body);
        if answer.status < 300 && body.errors.is_empty() {
            return self.published(request.purpose, &body.failed);
        }
        let trouble = appsync::of_answer(answer.status, &body.errors).at(answer.date.as_deref());
        self.request_failed(request, trouble);
    }

    pub(crate) fn failed(&mut self, id: HttpRequestId, failure: HttpFailure) {
        let Some(request) = self.requests.take(id) else { return };
        match failure {
            HttpFailure::Network => self.request_failed(request, Trouble::Backend),
            HttpFailure::Blocked => self.request_failed(request, Trouble::BlockedByPage),
        }
    }

    fn request_failed(&mut self, request: Request<Send>, trouble: Trouble) {
        let send = match self.requests.refused(request, trouble, !self.as_guest) {
            Refused::Again { generation } => return self.lines.realtime.renew(trouble, generation),
            Refused::ForGood(send) => send,
        };
        if matches!(trouble, Trouble::Backend | Trouble::BlockedByPage) {
            // The way is closed: what else there is to send waits for the connection.
            self.by_http = false;
            self.http_closed_until = Some(self.now + HTTP_CLOSED);
        }
        let outcome = match trouble {
            Trouble::BlockedByPage => again_at_once(),
            trouble => self.outcome(&send, trouble),
        };
        self.unsettled(send, outcome);
    }

    fn outcome(&mut self, send: &Send, trouble: Trouble) -> Outcome {
        match trouble {
            Trouble::Throttled => Outcome::Again { pause: self.pause(send) },
            Trouble::Backend => match self.unknown_fate() {
                Outcome::Again { .. } => Outcome::Again { pause: self.pause(send) },
                outcome => outcome,
            },
            Trouble::Unexplained if self.place.kind == NamespaceKind::Stamped => {
                Outcome::Rejected { pause: self.pause(send) }
            }
            trouble => Outcome::Refused(appsync::reason(trouble)),
        }
    }

    fn pause(&mut self, send: &Send) -> Duration {
        self.requests.pause(&send.room, Errand::Send)
    }

    /// A stamped namespace takes the same message twice for one; in a raw one strangers would see it twice.
    fn unknown_fate(&self) -> Outcome {
        match self.place.kind {
            NamespaceKind::Raw => Outcome::NotConfirmed,
            NamespaceKind::Stamped => again_at_once(),
        }
    }

    pub(crate) fn handle_time(&mut self, now: Timestamp) {
        self.now = now;
        self.handle_line_time(now);
        self.on(Role::Beside, |session| session.handle_line_time(now));
        for request in self.requests.take_late(now) {
            self.request_failed(request, Trouble::Backend);
        }
    }

    fn handle_line_time(&mut self, now: Timestamp) {
        self.lines.realtime.handle_time(now);
        for publish in self.lines.publishes.take_late(now) {
            let pause = self.pause(&publish.send);
            // A connection that lives answers each publish; but if another one does no better, it is not that.
            if self.requests.failures(&publish.send.room, Errand::Send).is_power_of_two() {
                self.lines.realtime.tell(SessionEvent::Silent);
            }
            let outcome = match self.unknown_fate() {
                Outcome::Again { .. } => Outcome::Again { pause },
                outcome => outcome,
            };
            self.unsettled(publish.send, outcome);
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Deadline> {
        let pace =
            self.lines.pace.next_deadline(self.now).filter(|_| self.lines.realtime.is_ready());
        let lines = self
            .lines
            .all()
            .flat_map(|line| [line.realtime.next_deadline(), line.publishes.next_deadline()]);
        Deadline::earliest(lines.chain([self.requests.next_deadline(), pace]))
    }

    pub(crate) fn poll_frame(&mut self) -> Option<String> {
        self.lines.realtime.poll_frame()
    }

    pub(crate) fn poll_event(&mut self) -> Option<SessionEvent> {
        self.lines.realtime.poll_event()
    }

    pub(crate) fn poll_http(&mut self) -> Option<Http> {
        self.requests.poll_http()
    }

    fn unsettled(&mut self, send: Send, outcome: Outcome) {
        let Send { room, id, .. } = send;
        self.lines.realtime.tell(SessionEvent::Unsettled { room, id, outcome });
    }
}

fn channel(place: &Place, room: &RoomId) -> String {
    format!("/{}/{}", place.namespace.as_str(), channel_segment(room))
}

fn again_at_once() -> Outcome {
    Outcome::Again { pause: Duration::ZERO }
}

/// There is no schema here that could have other fields.
fn subscription_trouble(errors: &WireErrors) -> Trouble {
    match errors.trouble() {
        Trouble::UnknownField => Trouble::Malformed,
        trouble => trouble,
    }
}
