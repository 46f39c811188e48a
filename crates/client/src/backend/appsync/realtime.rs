//! One WebSocket of AppSync, from open to closed, with the rooms on it. What its frames look like is up to the
//! product; when they are said is decided here.

use std::collections::VecDeque;

use super::errors::{Trouble, WireErrors};
use super::subscriptions::{Failure, Started, Subscriptions};
use super::{ACK_DEADLINE, ERROR_PAUSE, connection_timeout};
use crate::backend::{SessionEvent, TurnedAway};
use crate::chat::ids::RoomId;
use crate::chat::message::FailReason;
use crate::random::Random;
use crate::time::Timestamp;
use crate::timer::Deadline;

/// The first frame of a connection; nothing that is sent before its answer is heard.
const CONNECTION_INIT: &str = r#"{"type":"connection_init"}"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    /// `connection_ack` is due.
    Opening {
        deadline: Timestamp,
    },
    Ready,
    /// Another one has taken its place: nothing more begins, and what still comes is taken.
    Retiring,
}

/// The connection.
#[derive(Debug)]
pub(crate) struct Realtime {
    state: State,
    subscriptions: Subscriptions,
    /// When the connection last showed life.
    heard: Timestamp,
    /// Something must be answered, to know whether the connection lives.
    probe: bool,
    /// The server has done something that it does only for good credentials.
    is_accepted: bool,
    frames: VecDeque<String>,
    events: VecDeque<SessionEvent>,
}

impl Realtime {
    pub(crate) fn new(renewable: bool, random: Random) -> Self {
        Self {
            state: State::Closed,
            subscriptions: Subscriptions::new(renewable, random),
            heard: Timestamp::default(),
            probe: false,
            is_accepted: false,
            frames: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// A connection that is to take the place of this one: the same rooms are wanted on it.
    pub(crate) fn succeeding(&mut self) -> Self {
        Self {
            state: State::Closed,
            subscriptions: self.subscriptions.succeeding(),
            heard: Timestamp::default(),
            probe: false,
            is_accepted: false,
            frames: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Another one has taken its place.
    pub(crate) fn retire(&mut self) {
        if self.state != State::Closed {
            self.state = State::Retiring;
        }
    }

    /// Whether all rooms that are live on another connection are live on this one.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.is_ready() && other.subscriptions.live_rooms().all(|room| self.is_live(room))
    }

    /// The rooms whose messages arrive.
    pub(crate) fn live_rooms(&self) -> impl Iterator<Item = &RoomId> {
        self.subscriptions.live_rooms().filter(|_| self.is_ready())
    }

    pub(crate) fn opened(&mut self, now: Timestamp) {
        self.state = State::Opening { deadline: now + ACK_DEADLINE };
        self.frames.push_back(CONNECTION_INIT.to_owned());
    }

    /// A frame has come.
    pub(crate) fn heard(&mut self, now: Timestamp) {
        self.heard = now;
    }

    pub(crate) fn closed(&mut self) {
        self.state = State::Closed;
        (self.probe, self.is_accepted) = (false, false);
        self.frames.clear();
        self.subscriptions.disconnected(self.heard);
    }

    /// Leaves all rooms, and says nothing more.
    pub(crate) fn forget(&mut self) {
        self.closed();
        self.subscriptions.forget();
        self.events.clear();
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    pub(crate) fn acknowledged(&mut self, timeout: Option<u64>) {
        if matches!(self.state, State::Opening { .. }) {
            self.state = State::Ready;
            let timeout = connection_timeout(timeout);
            self.events.push_back(SessionEvent::KeepsAlive { timeout });
        }
    }

    /// The credentials are good: an acknowledged connection alone does not say so, operations have rules of their own.
    pub(crate) fn accepted(&mut self) {
        if !std::mem::replace(&mut self.is_accepted, true) {
            self.events.push_back(SessionEvent::Accepted);
        }
    }

    /// Joins a room; says whether it had been left, and is live all the same.
    pub(crate) fn join(&mut self, room: &RoomId) -> bool {
        self.subscriptions.join(room)
    }

    /// Leaves a room; returns the subscription to end.
    pub(crate) fn leave(&mut self, room: &RoomId) -> Option<String> {
        self.subscriptions.leave(room).filter(|_| self.is_ready())
    }

    /// Does without a room that may not be had after all; returns the subscription to end.
    pub(crate) fn refuse(&mut self, room: &RoomId, reason: FailReason) -> Option<String> {
        let room = room.clone();
        let ends = self.subscriptions.refuse(&room).filter(|_| self.is_ready());
        self.events.push_back(SessionEvent::RoomRefused { room, reason });
        ends
    }

    pub(crate) fn is_live(&self, room: &RoomId) -> bool {
        self.is_ready() && self.subscriptions.is_live(room)
    }

    pub(crate) fn is_refused(&self, room: &RoomId) -> bool {
        self.subscriptions.is_refused(room)
    }

    pub(crate) fn room_of(&self, id: &str) -> Option<&RoomId> {
        self.subscriptions.room_of(id)
    }

    /// Whether something waits for credentials.
    pub(crate) fn wants_keys(&self) -> bool {
        self.is_ready()
            && (self.subscriptions.wants_start() || (self.probe && self.subscriptions.may_renew()))
    }

    /// Whether the server owes an acknowledgement.
    pub(crate) fn is_starting(&self) -> bool {
        self.subscriptions.is_starting()
    }

    /// The next subscription to start, with the credentials of a generation.
    pub(crate) fn take_start(
        &mut self,
        now: Timestamp,
        generation: u32,
    ) -> Option<(String, RoomId)> {
        if !self.is_ready() {
            return None;
        }
        let start = self.subscriptions.take_start(now, generation);
        if start.is_some() || !self.probe {
            return start;
        }
        let renewal = self.subscriptions.renew(now);
        self.probe = renewal.is_none() && self.subscriptions.can_renew();
        renewal
    }

    /// Finds out whether the connection lives, by something that must be answered.
    pub(crate) fn probe(&mut self) {
        self.probe = self.is_ready() && self.subscriptions.can_renew();
    }

    /// Whether something must be answered, or is about to be asked.
    pub(crate) fn is_probing(&self) -> bool {
        self.probe || (self.is_ready() && self.subscriptions.is_starting())
    }

    pub(crate) fn start_acknowledged(&mut self, now: Timestamp, id: &str) -> Acknowledged {
        self.accepted();
        match self.subscriptions.acknowledged(now, id) {
            Started::Joined(room) => Acknowledged { joined: Some(room), ends: None },
            Started::End(id) => Acknowledged { joined: None, ends: Some(id) },
            Started::Known => Acknowledged::default(),
        }
    }

    /// A subscription was refused.
    pub(crate) fn start_refused(&mut self, now: Timestamp, id: &str, trouble: Trouble) {
        if trouble == Trouble::Denied {
            self.accepted();
        }
        let was_live = self.subscriptions.room_of(id).cloned();
        let was_live = was_live.filter(|room| self.subscriptions.is_live(room));
        match self.subscriptions.failed(now, id, trouble) {
            Failure::Renew { generation } => self.renew(trouble, generation),
            Failure::Refused(room) => {
                let reason = reason(trouble);
                return self.events.push_back(SessionEvent::RoomRefused { room, reason });
            }
            Failure::Again => {}
            Failure::Ignored => return,
        }
        if let Some(room) = was_live {
            self.events.push_back(SessionEvent::Left { room });
        }
    }

    /// Asks for what an operation needs that was refused: other credentials, or another clock.
    pub(crate) fn renew(&mut self, trouble: Trouble, generation: u32) {
        self.is_accepted = false;
        self.events.push_back(match trouble {
            Trouble::Signature { server: Some(server) } => SessionEvent::ClockWrong { server },
            _ => SessionEvent::RenewCredentials { generation },
        });
    }

    /// The server has ended a subscription.
    pub(crate) fn ended(&mut self, now: Timestamp, id: &str) {
        if let Some(room) = self.subscriptions.ended(now, id) {
            self.events.push_back(SessionEvent::Left { room });
        }
    }

    /// The server refuses the connection.
    pub(crate) fn turned_away(&mut self, errors: &WireErrors) {
        let why = match errors.trouble() {
            Trouble::Credentials | Trouble::Denied => TurnedAway::Credentials,
            Trouble::Signature { server } => TurnedAway::Signature { server },
            Trouble::NoSuchApi | Trouble::Malformed | Trouble::NoSuchNamespace => {
                TurnedAway::Misconfigured
            }
            _ => TurnedAway::Throttled,
        };
        self.events.push_back(SessionEvent::TurnedAway(why));
    }

    /// An error that names no operation concerns the whole connection.
    pub(crate) fn unattributed(&mut self, now: Timestamp, errors: &WireErrors) {
        match errors.trouble() {
            _ if !self.is_ready() => self.turned_away(errors),
            Trouble::Credentials => self.turned_away(errors),
            Trouble::Malformed => {}
            _ => {
                self.subscriptions.throttled(now);
                self.events.push_back(SessionEvent::Throttled { pause: ERROR_PAUSE });
            }
        }
    }

    /// A frame has come that cannot be read: it may have been anybody's message.
    pub(crate) fn broken(&mut self) {
        for room in self.subscriptions.live_rooms() {
            self.events.push_back(SessionEvent::Missed { room: room.clone() });
        }
    }

    /// The subscriptions that are to end now, since others have taken their places or their rooms were left.
    pub(crate) fn take_ends(&mut self, now: Timestamp) -> Vec<String> {
        let left = std::iter::from_fn(|| self.subscriptions.take_left()).collect::<Vec<_>>();
        left.into_iter().chain(self.subscriptions.take_ends(now)).collect()
    }

    pub(crate) fn handle_time(&mut self, now: Timestamp) {
        let is_late = matches!(self.state, State::Opening { deadline } if deadline <= now);
        let is_retiring = self.state == State::Retiring;
        let is_dead = !is_late && !is_retiring && {
            let (given_up, is_dead) = self.subscriptions.handle_time(now);
            self.events.extend(given_up.into_iter().map(|room| SessionEvent::Left { room }));
            is_dead
        };
        if is_late || is_dead {
            self.events.push_back(SessionEvent::Silent);
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Deadline> {
        let opening = match self.state {
            State::Opening { deadline: at } => {
                Some(Deadline { at, reason: "the connection is not acknowledged" })
            }
            State::Closed | State::Ready | State::Retiring => None,
        };
        let subscriptions = self.subscriptions.next_deadline().filter(|_| self.is_ready());
        Deadline::earliest([opening, subscriptions])
    }

    pub(crate) fn say(&mut self, frame: String) {
        self.frames.push_back(frame);
    }

    pub(crate) fn tell(&mut self, event: SessionEvent) {
        self.events.push_back(event);
    }

    pub(crate) fn poll_frame(&mut self) -> Option<String> {
        self.frames.pop_front()
    }

    pub(crate) fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }
}

/// What follows from an acknowledgement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// The room that is joined now.
    pub(crate) joined: Option<RoomId>,
    /// The subscription to end.
    pub(crate) ends: Option<String>,
}

/// What a person is told about an operation that failed for good.
pub(crate) fn reason(trouble: Trouble) -> FailReason {
    match trouble {
        Trouble::Credentials => FailReason::Unauthorized,
        Trouble::Signature { .. } | Trouble::NoSuchApi => FailReason::Misconfigured,
        Trouble::Denied | Trouble::NoSuchNamespace => FailReason::Forbidden,
        Trouble::Conflict => FailReason::Conflict,
        Trouble::TooLarge => FailReason::TooLarge,
        Trouble::Unexplained => FailReason::Refused,
        Trouble::BlockedByPage => FailReason::BlockedByPage,
        Trouble::UnknownField
        | Trouble::Throttled
        | Trouble::DuplicateId
        | Trouble::Backend
        | Trouble::Malformed => FailReason::BadRequest,
    }
}
