//! The way to an AppSync GraphQL API: its connection, and the requests beside it.

mod line;

use super::operations::{self, Claim, Schema};
use super::wire::{Answer, ClientFrame, ServerFrame, WireMessage};
use crate::auth::Signer;
use crate::backend::appsync::{
    self, Errand, Lines, Realtime, Refused, Request, Requests, Trouble, WireErrors,
};
use crate::backend::{Cursor, HistoryRequest, Http, Outcome, RequestId, Retry, Role, SessionEvent};
use crate::chat::ids::{ClientMessageId, HttpRequestId, RoomId};
use crate::chat::message::{FailReason, Identity, Incoming, Sender, Standing};
use crate::chat::person::{DisplayName, Person};
use crate::config::{Api, Dialect};
use crate::random::Random;
use crate::time::Timestamp;
use crate::timer::Deadline;
use crate::{HttpAnswer, HttpFailure};
use line::Line;

/// Messages that may be echoes of sends whose answers are due; each room has one send, and echoes are few.
const MAX_HELD: usize = 64;

/// What a request is for.
#[derive(Debug)]
enum Purpose {
    Send { room: RoomId, id: ClientMessageId, text: String, schema: Schema },
    History { room: RoomId, request: RequestId, before: Option<Cursor>, limit: u8 },
}

impl Purpose {
    fn is_history_of(&self, room: Option<&RoomId>) -> bool {
        match self {
            Self::Send { .. } => false,
            Self::History { room: of, .. } => room.is_none_or(|room| room == of),
        }
    }
}

/// What is known of the schema.
#[derive(Debug, Clone, Copy)]
struct Known {
    schema: Option<Schema>,
    may_change: bool,
}

/// The session.
#[derive(Debug)]
pub(crate) struct Session {
    api: Api,
    person: Person,
    as_guest: bool,
    renewable: bool,
    known: Known,
    pub(crate) lines: Lines<Line>,
    requests: Requests<Purpose>,
    /// In the basic schema nothing but the answer says whether a message is the echo of a send.
    held: Vec<(RoomId, Incoming)>,
}

impl Session {
    pub(crate) fn new(
        api: Api,
        dialect: Dialect,
        person: Person,
        as_guest: bool,
        random: Random,
    ) -> Self {
        let known = match dialect {
            Dialect::Auto => Known { schema: None, may_change: true },
            Dialect::Basic => Known { schema: Some(Schema::Basic), may_change: false },
            Dialect::Full => Known { schema: Some(Schema::Full), may_change: false },
        };
        Self {
            api,
            person,
            as_guest,
            renewable: !as_guest,
            known,
            lines: Lines::new(Realtime::new(!as_guest, random)),
            requests: Requests::default(),
            held: Vec::new(),
        }
    }

    pub(crate) fn opened(&mut self, now: Timestamp) {
        self.lines.realtime.opened(now);
    }

    /// The connection has ended. Sends go on without it; history is asked for anew.
    pub(crate) fn closed(&mut self) {
        self.lines.closed();
        self.requests.cancel(|purpose| purpose.is_history_of(None));
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

    /// The rooms that are joined, and whether they have a history.
    pub(crate) fn joined_rooms(&self) -> Vec<(RoomId, bool)> {
        let history = self.known.schema == Some(Schema::Full);
        self.lines.realtime.live_rooms().map(|room| (room.clone(), history)).collect()
    }

    /// The connection beside has ended; returns what it had still to say.
    pub(crate) fn closed_beside(&mut self) -> Vec<SessionEvent> {
        let Some(mut line) = self.lines.take_beside() else { return Vec::new() };
        line.closed();
        std::iter::from_fn(|| line.realtime.poll_event()).collect()
    }

    pub(crate) fn join(&mut self, room: &RoomId) {
        if self.lines.join(room) {
            self.joined(room.clone());
        }
    }

    pub(crate) fn leave(&mut self, room: &RoomId) {
        self.leave_line(room);
        self.on(Role::Beside, |session| session.leave_line(room));
        self.requests.cancel(|purpose| purpose.is_history_of(Some(room)));
        self.requests.forget_failures(room);
    }

    fn leave_line(&mut self, room: &RoomId) {
        if let Some(id) = self.lines.realtime.leave(room) {
            self.lines.realtime.say(ClientFrame::stop(&id).to_json());
        }
    }

    pub(crate) fn set_person(&mut self, person: Person) {
        self.person = person;
    }

    /// Gives up what is on its way, without a word.
    pub(crate) fn forget(&mut self) {
        self.requests.cancel(|_| true);
        self.held.clear();
        self.lines.take_beside();
        self.lines.realtime.forget();
    }

    pub(crate) fn stamps_senders(&self) -> bool {
        self.known.schema == Some(Schema::Full)
    }

    /// Whether a send to a room may be handed over now.
    pub(crate) fn can_send(&self, room: &RoomId) -> bool {
        self.known.schema.is_some() && self.lines.realtime.is_live(room)
    }

    /// Sends a message; its fate comes as an event.
    pub(crate) fn send(&mut self, room: &RoomId, id: &ClientMessageId, text: &str) {
        if operations::send_bytes(room, text) > appsync::MAX_PAYLOAD_BYTES {
            return self.unsettled(room, id, Outcome::Refused(FailReason::TooLarge));
        }
        let (room, id, text) = (room.clone(), id.clone(), text.to_owned());
        let schema = self.known.schema.unwrap_or(Schema::Full);
        self.requests.add(Purpose::Send { room, id, text, schema });
    }

    /// A send has come back: its answer is of no more interest.
    pub(crate) fn no_longer_in_flight(&mut self, id: &ClientMessageId) {
        self.requests.cancel(
            |purpose| matches!(purpose, Purpose::Send { id: of, schema: Schema::Full, .. } if of == id),
        );
    }

    /// Whether a send waits for credentials.
    pub(crate) fn holds(&self, id: &ClientMessageId) -> bool {
        let is_it = |purpose: &Purpose| matches!(purpose, Purpose::Send { id: of, .. } if of == id);
        self.requests.waiting().any(is_it)
    }

    /// Takes a send back that waits for credentials; says whether it did.
    pub(crate) fn withdraw(&mut self, id: &ClientMessageId) -> bool {
        let is_it = |purpose: &Purpose| matches!(purpose, Purpose::Send { id: of, .. } if of == id);
        self.requests.withdraw(is_it)
    }

    /// Asks for a page of history.
    pub(crate) fn request_history(&mut self, request: &HistoryRequest) {
        // The room has given an earlier one up, which may still wait for credentials.
        self.requests.cancel(|purpose| purpose.is_history_of(Some(&request.room)));
        self.requests.add(Purpose::History {
            room: request.room.clone(),
            request: request.request.clone(),
            before: request.before.clone(),
            limit: request.limit,
        });
    }

    /// Finds out whether the connection lives. A subscription that starts must be answered, where a ping is not known.
    pub(crate) fn probe(&mut self) {
        self.lines.realtime.probe();
    }

    pub(crate) fn is_probing(&self) -> bool {
        self.lines.realtime.is_probing()
    }

    pub(crate) fn wants_keys(&self) -> bool {
        self.lines.all().any(|line| line.realtime.wants_keys()) || self.requests.wants_keys()
    }

    /// Goes on with what waited for credentials.
    pub(crate) fn proceed(&mut self, now: Timestamp, signer: &Signer<'_>) {
        let generation = signer.generation();
        self.start_subscriptions(now, signer);
        self.on(Role::Beside, |session| session.start_subscriptions(now, signer));
        let name = self.person.name.as_ref().map(DisplayName::as_str);
        let guest_key = self.as_guest.then_some(&self.person.guest_key);
        let claim = Claim { guest_key, name };
        let path = self.api.path();
        self.requests.send(now, generation, self.api.url(), |purpose| {
            let body = match purpose {
                Purpose::Send { room, id, text, schema } => {
                    operations::send(*schema, room, text, id, claim)
                }
                Purpose::History { room, before, limit, .. } => {
                    let before = before.as_ref().map(|cursor| cursor.0.as_str());
                    operations::history(room, before, *limit)
                }
            };
            (signer.http_headers(path, &body), body)
        });
    }

    fn start_subscriptions(&mut self, now: Timestamp, signer: &Signer<'_>) {
        let generation = signer.generation();
        while let Some((id, room)) = self.lines.realtime.take_start(now, generation) {
            let schema = self.known.schema.unwrap_or(Schema::Full);
            let operation = operations::subscribe(schema, &room);
            let authorization = signer.authorization(self.api.path(), &operation);
            self.lines.realtime.say(ClientFrame::start(&id, &operation, authorization).to_json());
            if schema == Schema::Full {
                self.lines.started_full.push(id);
            }
        }
    }

    /// Nobody is signed in: what waits for credentials goes back to where it came from.
    pub(crate) fn give_up_waiting(&mut self) {
        for request in self.requests.take_waiting() {
            self.request_failed(request, Trouble::Throttled);
        }
    }

    pub(crate) fn received(&mut self, now: Timestamp, text: &str) {
        self.lines.realtime.heard(now);
        self.take_in(now, text);
        self.end_subscriptions(now);
    }

    fn take_in(&mut self, now: Timestamp, text: &str) {
        match ServerFrame::parse(text) {
            ServerFrame::Ack { timeout } => self.lines.realtime.acknowledged(timeout),
            ServerFrame::Started { id } => self.started(now, &id),
            ServerFrame::Data { id, message, errors } => self.data(&id, message, &errors),
            ServerFrame::Error { id: Some(id), errors } => self.start_refused(now, &id, &errors),
            ServerFrame::Error { id: None, errors } => {
                self.lines.realtime.unattributed(now, &errors)
            }
            ServerFrame::Complete { id } => self.lines.realtime.ended(now, &id),
            ServerFrame::Refused(errors) => self.lines.realtime.turned_away(&errors),
            ServerFrame::Broken => self.lines.realtime.broken(),
            ServerFrame::KeepAlive | ServerFrame::Unknown => {}
        }
    }

    fn started(&mut self, now: Timestamp, id: &str) {
        let was_full = self.take_started_full(id);
        let acknowledged = self.lines.realtime.start_acknowledged(now, id);
        if let Some(id) = acknowledged.ends {
            self.lines.realtime.say(ClientFrame::stop(&id).to_json());
        }
        let Some(room) = acknowledged.joined else { return };
        let found = if was_full { Schema::Full } else { Schema::Basic };
        self.known.schema.get_or_insert(found);
        self.joined(room);
    }

    fn joined(&mut self, room: RoomId) {
        let history = self.known.schema == Some(Schema::Full);
        self.lines.realtime.tell(SessionEvent::Joined { room, history });
    }

    fn start_refused(&mut self, now: Timestamp, id: &str, errors: &WireErrors) {
        let was_full = self.take_started_full(id);
        let trouble = match errors.trouble() {
            Trouble::UnknownField if was_full && self.known.may_change => {
                self.known.schema = Some(Schema::Basic);
                Trouble::UnknownField
            }
            Trouble::UnknownField => Trouble::Malformed,
            trouble => trouble,
        };
        self.lines.realtime.start_refused(now, id, trouble);
    }

    fn data(&mut self, id: &str, message: Option<Box<WireMessage>>, errors: &WireErrors) {
        let Some(room) = self.lines.realtime.room_of(id).cloned() else { return };
        match message {
            // A filter that matches too much brings what is said elsewhere.
            Some(message) if message.is_of_another(&room) => {}
            Some(message) => {
                let incoming = message.into_incoming();
                if self.may_be_echo(&room, &incoming) {
                    self.held.push((room, incoming));
                } else {
                    self.lines.realtime.tell(SessionEvent::Message { room, incoming });
                }
            }
            // The mutation of somebody else has not selected what a message needs.
            None if !errors.is_empty() => self.lines.realtime.tell(SessionEvent::Missed { room }),
            None => {}
        }
    }

    fn may_be_echo(&self, room: &RoomId, incoming: &Incoming) -> bool {
        self.held.len() < MAX_HELD
            && self.requests.in_flight().any(|purpose| match purpose {
                Purpose::Send { room: of, text, schema: Schema::Basic, .. } => {
                    of == room && *text == incoming.text
                }
                Purpose::Send { .. } | Purpose::History { .. } => false,
            })
    }

    /// The fate of a send is known: so is whose the messages are that looked like it.
    fn release(&mut self, room: &RoomId, own: Option<(&ClientMessageId, &Identity)>) {
        for (of, mut incoming) in std::mem::take(&mut self.held) {
            if of != *room {
                self.held.push((of, incoming));
                continue;
            }
            if let Some((id, identity)) = own
                && incoming.identity == *identity
            {
                incoming.client_message_id = Some(id.clone());
                incoming.sender = Sender::Me;
            }
            self.lines.realtime.tell(SessionEvent::Message { room: of, incoming });
        }
    }

    pub(crate) fn answered(&mut self, id: HttpRequestId, answer: &HttpAnswer) {
        let Some(request) = self.requests.take(id) else { return };
        let mut body = Answer::parse(&answer.body);
        let is_good = answer.status < 300;
        match &request.purpose {
            Purpose::Send { room, id, schema, .. } => {
                // A mutation with errors in some fields has run, and was broadcast.
                if let Some(message) = body.message().filter(|_| is_good) {
                    self.succeeded(&room.clone(), Errand::Send);
                    let (room, id, schema) = (room.clone(), id.clone(), *schema);
                    return self.sent(room, id, schema, message);
                }
                if is_good && body.errors.is_empty() {
                    // The resolver gave nothing back: nobody knows.
                    return self.request_failed(request, Trouble::Backend);
                }
            }
            Purpose::History { room, request, .. } => {
                if let Some(page) = body.page().filter(|_| is_good) {
                    self.succeeded(&room.clone(), Errand::History);
                    let (room, request) = (room.clone(), request.clone());
                    return self.lines.realtime.tell(SessionEvent::History { room, request, page });
                }
            }
        }
        let trouble = appsync::of_answer(answer.status, &body.errors).at(answer.date.as_deref());
        self.request_failed(request, trouble);
    }

    fn succeeded(&mut self, room: &RoomId, errand: Errand) {
        self.requests.succeeded(room, errand);
        self.lines.realtime.accepted();
    }

    fn sent(&mut self, room: RoomId, id: ClientMessageId, schema: Schema, message: WireMessage) {
        let incoming = message.into_incoming();
        self.release(&room, Some((&id, &incoming.identity)));
        if let (Schema::Full, Sender::Person { id, standing, .. }) = (schema, &incoming.sender) {
            let (sender_id, is_user) = (id.clone(), *standing == Standing::User);
            self.lines.realtime.tell(SessionEvent::Introduced { sender_id, is_user });
        }
        let key = incoming.order_key();
        self.lines.realtime.tell(SessionEvent::Settled { room, id, key });
    }

    pub(crate) fn failed(&mut self, id: HttpRequestId, failure: HttpFailure) {
        let Some(request) = self.requests.take(id) else { return };
        match failure {
            HttpFailure::Network => self.request_failed(request, Trouble::Backend),
            HttpFailure::Blocked => self.request_failed(request, Trouble::BlockedByPage),
        }
    }

    fn request_failed(&mut self, request: Request<Purpose>, trouble: Trouble) {
        if let Purpose::Send { room, .. } = &request.purpose {
            let room = room.clone();
            self.release(&room, None);
        }
        let purpose = match self.requests.refused(request, trouble, self.renewable) {
            Refused::Again { generation } => return self.lines.realtime.renew(trouble, generation),
            Refused::ForGood(purpose) => purpose,
        };
        match purpose {
            Purpose::Send { room, id, text, schema } => {
                let outcome = match trouble {
                    Trouble::UnknownField if schema == Schema::Full && self.known.may_change => {
                        self.known.schema = Some(Schema::Basic);
                        let schema = Schema::Basic;
                        return self.requests.add(Purpose::Send { room, id, text, schema });
                    }
                    Trouble::Backend if schema == Schema::Basic => Outcome::NotConfirmed,
                    Trouble::Unexplained if schema == Schema::Full => {
                        let pause = self.requests.pause(&room, Errand::Send);
                        Outcome::Rejected { pause }
                    }
                    Trouble::Backend | Trouble::Throttled => {
                        Outcome::Again { pause: self.requests.pause(&room, Errand::Send) }
                    }
                    trouble => Outcome::Refused(appsync::reason(trouble)),
                };
                self.unsettled(&room, &id, outcome);
            }
            Purpose::History { room, .. }
                if matches!(trouble, Trouble::Credentials | Trouble::Signature { .. }) =>
            {
                // Nobody is served by a room that stays behind in silence.
                let ends = self.lines.realtime.refuse(&room, appsync::reason(trouble));
                if let Some(id) = ends {
                    self.lines.realtime.say(ClientFrame::stop(&id).to_json());
                }
            }
            Purpose::History { room, request, .. } => {
                let retry = match trouble {
                    Trouble::Backend | Trouble::Unexplained | Trouble::Throttled => {
                        Retry::After(self.requests.pause(&room, Errand::History))
                    }
                    _ => Retry::Never,
                };
                self.lines.realtime.tell(SessionEvent::HistoryRefused { room, request, retry });
            }
        }
    }

    pub(crate) fn handle_time(&mut self, now: Timestamp) {
        self.handle_line_time(now);
        self.on(Role::Beside, |session| session.handle_line_time(now));
        for request in self.requests.take_late(now) {
            self.request_failed(request, Trouble::Backend);
        }
    }

    fn handle_line_time(&mut self, now: Timestamp) {
        self.lines.realtime.handle_time(now);
        self.end_subscriptions(now);
    }

    pub(crate) fn next_deadline(&self) -> Option<Deadline> {
        let lines = self.lines.all().map(|line| line.realtime.next_deadline());
        Deadline::earliest(lines.chain([self.requests.next_deadline()]))
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

    fn end_subscriptions(&mut self, now: Timestamp) {
        for id in self.lines.realtime.take_ends(now) {
            self.lines.realtime.say(ClientFrame::stop(&id).to_json());
        }
    }

    fn take_started_full(&mut self, id: &str) -> bool {
        let index = self.lines.started_full.iter().position(|started| started == id);
        index.map(|index| self.lines.started_full.swap_remove(index)).is_some()
    }

    fn unsettled(&mut self, room: &RoomId, id: &ClientMessageId, outcome: Outcome) {
        let (room, id) = (room.clone(), id.clone());
        self.lines.realtime.tell(SessionEvent::Unsettled { room, id, outcome });
    }
}
