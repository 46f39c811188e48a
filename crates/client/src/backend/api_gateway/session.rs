//! One connection to an API Gateway WebSocket API.
//!
//! ```text
//! opened ──► Undecided ──welcome───────────────────────────────────► Full
//!    │            │
//!    │            └─gateway error, a message without `type`, silence─► Basic ──late welcome──► Full
//!    │               (an answer that cannot be read has the question asked again, in either state)
//!    └─ dialect known ──────────────────────────────────────────────► Basic | Full
//! ```

mod inbound;

use std::collections::VecDeque;
use std::time::Duration;

use super::MAX_SEND_BYTES;
use super::discovery::{Discovery, Known};
use super::echo::{Echoes, Expected};
use super::wire::ClientFrame;
use crate::backend::{HistoryRequest, Outcome, SEND_DEADLINE, SessionEvent};
use crate::chat::ids::{ClientMessageId, ConnectionId, RoomId};
use crate::chat::message::FailReason;
use crate::chat::person::{DisplayName, Person};
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
/// How long sends wait for the error frame that names a new connection, so that their echoes are recognised.
const NAME_DEADLINE: Duration = Duration::from_secs(1);
/// So many sends in a row without any frame at all are taken for a dead connection, where silence may also mean that the
/// backend leaves the sender out.
const MAX_UNHEARD_SENDS: u32 = 2;
/// The pause after an error of the backend's own.
const ERROR_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Answer,
    Decision,
    ErrorFrame,
    Name,
    Question,
    Send,
    Welcome,
    Words,
}

impl TimerKind for Timer {
    fn reason(self) -> &'static str {
        match self {
            Self::Answer => "nothing more is taken for the answer to hello",
            Self::Decision => "the dialect is still unknown",
            Self::ErrorFrame => "an error frame is no longer taken for the answer to hello",
            Self::Name => "the connection has no name yet",
            Self::Question => "the answer to hello could not be read",
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
    /// Nothing has come that may be the answer to it, for so long that nothing will; or it was not said here.
    met_silence: bool,
    awaits_pong: bool,
    /// Something was sent since hello: an error frame may be about that.
    has_sent: bool,
    /// Sends in a row, the one in flight included, since which nothing has arrived.
    unheard: u32,
    in_flight: Option<InFlight>,
    /// Those of the room. They are with the session that is at work; see `Sessions`.
    pub(super) echoes: Echoes,
    /// Whether the room that is joined has a history.
    joined: Option<bool>,
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
        mut echoes: Echoes,
        discovery: &mut Discovery,
    ) -> Self {
        echoes.begin(connection);
        let mut session = Self {
            connection,
            room,
            person,
            state: State::Undecided,
            said_hello: false,
            met_silence: true,
            awaits_pong: false,
            has_sent: false,
            unheard: 0,
            in_flight: None,
            echoes,
            joined: None,
            timers: Timers::default(),
            frames: VecDeque::new(),
            events: VecDeque::new(),
        };
        if *discovery.known() == Known::Nothing {
            session.timers.set(Timer::Decision, now + DECISION_DEADLINE);
            if discovery.take_question(now) {
                session.say_hello(now);
            }
        } else {
            session.follow(now, discovery);
        }
        session.repeat_question(discovery);
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
                self.timers.stop(Timer::Question);
                self.state = State::Full { welcomed: false };
                self.joined = None;
                self.timers.set(Timer::Welcome, now + WELCOME_DEADLINE);
                if !self.said_hello {
                    self.say_hello(now);
                }
            }
        }
    }

    /// Whether a send may be handed over now.
    pub(crate) fn can_send(&self) -> bool {
        self.is_ready() && self.in_flight.is_none()
    }

    /// Whether the connection can do what it is for.
    pub(crate) fn is_ready(&self) -> bool {
        self.joined.is_some() && !self.timers.is_set(Timer::Name)
    }

    /// Whether a send waits for its answer.
    pub(crate) fn is_sending(&self) -> bool {
        self.in_flight.is_some()
    }

    /// The room, once it is joined, and whether it has a history.
    pub(crate) fn joined(&self) -> Option<(RoomId, bool)> {
        Some((self.room.clone(), self.joined?))
    }

    /// Whether sends bear their ids.
    pub(crate) fn may_repeat(&self) -> bool {
        matches!(self.state, State::Full { .. })
    }

    /// Sends a message; its fate comes as an event.
    pub(crate) fn send(&mut self, now: Timestamp, id: &ClientMessageId, text: &str) {
        let idempotent = matches!(self.state, State::Full { .. });
        let client_message_id = idempotent.then_some(id);
        let frame =
            ClientFrame::SendMessage { room_id: &self.room, text, client_message_id }.to_json();
        if frame.len() > MAX_SEND_BYTES {
            self.unsettled(id.clone(), Outcome::Refused(FailReason::TooLarge));
            return;
        }
        if idempotent {
            self.echoes.wrote(id, text);
        } else {
            let (id, text) = (id.clone(), text.to_owned());
            self.echoes.expect(Expected { id, text, connection: self.connection });
        }
        self.frames.push_back(frame);
        self.in_flight = Some(InFlight { id: id.clone(), idempotent });
        self.has_sent = true;
        self.unheard += 1;
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
                Timer::Answer | Timer::ErrorFrame | Timer::Name => {}
                Timer::Words => self.met_silence = true,
                Timer::Decision => {
                    discovery.learn(Known::Silence);
                    self.follow(now, discovery);
                }
                // While a send is in flight, an error frame is taken for its.
                Timer::Question if self.is_sending() => {
                    self.timers.set(Timer::Question, now + ERROR_PAUSE);
                }
                Timer::Question => {
                    if discovery.ask_again(now) {
                        self.say_hello(now);
                    }
                }
                Timer::Send => {
                    self.give_up_in_flight();
                    let patience =
                        if self.owes_an_answer(discovery) { 1 } else { MAX_UNHEARD_SENDS };
                    if self.unheard >= patience {
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
        (self.said_hello, self.met_silence) = (true, false);
        self.timers.set(Timer::Answer, now + ANSWER_WINDOW);
        self.timers.set(Timer::ErrorFrame, now + ANSWER_WINDOW);
        self.timers.set(Timer::Words, now + WORDS_WINDOW);
        let name = self.person.name.as_ref().map(DisplayName::as_str);
        let guest_key = &self.person.guest_key;
        self.frames.push_back(ClientFrame::Hello { guest_key, name }.to_json());
    }

    /// Sees to it that the question is asked again, where its answer has come to harm, on this connection or on one
    /// before.
    fn repeat_question(&mut self, discovery: &Discovery) {
        if let Some(at) = discovery.repeats_at() {
            self.timers.set(Timer::Question, at);
        }
    }

    fn become_basic(&mut self) {
        self.timers.stop(Timer::Decision);
        self.state = State::Basic;
        self.join(false);
    }

    fn join(&mut self, history: bool) {
        self.joined = Some(history);
        let room = self.room.clone();
        self.events.push_back(SessionEvent::Joined { room, history });
    }

    /// A send is settled, wherever that became known.
    pub(crate) fn no_longer_in_flight(&mut self, id: &ClientMessageId) {
        self.echoes.settled(id);
        if self.in_flight.as_ref().is_some_and(|send| send.id == *id) {
            self.in_flight = None;
            self.timers.stop(Timer::Send);
        }
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
            self.echoes.expect_late(&send.id);
            self.unsettled(send.id, Outcome::NotConfirmed);
        }
    }

    fn unsettled(&mut self, id: ClientMessageId, outcome: Outcome) {
        let room = self.room.clone();
        self.events.push_back(SessionEvent::Unsettled { room, id, outcome });
    }

    fn hello_is_answered(&mut self) {
        self.words_may_have_answered();
        self.timers.stop(Timer::ErrorFrame);
    }

    /// Words may have been somebody's; an error frame that comes without another reason is an answer all the same.
    fn words_may_have_answered(&mut self) {
        self.timers.stop(Timer::Answer);
        self.timers.stop(Timer::Words);
    }
}
