//! Replacing a connection before its time is over, so that nobody notices: the next one is opened and joins the same
//! rooms before the present one ends.
//!
//! ```text
//!            due, and open            what is joined here is joined there, and the one here lives
//!  Resting ─────────────► Successor ──────────────────────────────────────────────────────────────► Retiring ──► Resting
//!     ▲                       │ fails: later again                         the one before, until it is answered
//!     └───────────────────────┴─ the present one is lost: it takes its place as it is
//! ```
//!
//! Before the places change the present connection must show life once more, where it can be asked: one that had died in
//! silence may have missed something, and who joins later cannot know what.

use std::time::Duration;

use super::twins::Twins;
use super::{Channel, Shared};
use crate::backend::api_gateway::Discovery;
use crate::backend::{Role, SEND_DEADLINE, SessionEvent, TurnedAway};
use crate::chat::ids::ConnectionId;
use crate::config;
use crate::link::{Action, Heartbeat, Link, LinkStatus};
use crate::random::Random;
use crate::time::{Now, Timestamp, WallClock};
use crate::timer::Deadline;

/// A connection to an API Gateway lives two hours (its quota); it is replaced so long after it has opened, ...
const GATEWAY_LIFE: Duration = Duration::from_secs(105 * 60);
/// ... and up to so much later.
const GATEWAY_JITTER: Duration = Duration::from_secs(10 * 60);
/// The same for AppSync, where it lives a day.
const APPSYNC_LIFE: Duration = Duration::from_secs(45 * 30 * 60);
const APPSYNC_JITTER: Duration = Duration::from_secs(60 * 60);
/// So long before its credentials expire a connection is replaced, ...
const BEFORE_EXPIRY: Duration = Duration::from_secs(2 * 60);
/// ... where they are good for as long as this; else at half of what they have left.
const LONG_ENOUGH: Duration = Duration::from_secs(4 * 60);
/// No connection is replaced sooner after it has opened.
const SHORTEST_LIFE: Duration = Duration::from_secs(5);
/// From the attempt until the next connection has joined what the present one has.
const JOIN_DEADLINE: Duration = Duration::from_secs(30);
/// From there until the present connection has shown that it lives.
const PROOF_DEADLINE: Duration = Duration::from_secs(20);
/// The pause after a next connection that came to nothing, which doubles with each in a row, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Hints that the network is back lead to one attempt in this time at most.
const HINT_INTERVAL: Duration = Duration::from_secs(2);
/// How long the connection before stays for what is on its way.
const LINGER: Duration = Duration::from_secs(5);
/// A browser does not say why a connection could not be opened; after so many in a row other credentials are asked for.
const REFUSALS_BEFORE_RENEWAL: u32 = 2;

/// When the present connection is to be replaced: by whichever clock gets there first, since a device that sleeps may
/// stop the monotonic one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    at: Timestamp,
    wall: WallClock,
}

impl Due {
    fn after(now: Now, pause: Duration) -> Self {
        let milliseconds = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let wall = WallClock(now.wall.0.saturating_add(milliseconds));
        Self { at: now.monotonic + pause, wall }
    }

    /// Of a connection that has just opened, with credentials that expire at a time by the device's clock. If that is
    /// over, the clock is wrong, since the backend has taken them.
    fn of(now: Now, life: Duration, expires_at: Option<WallClock>) -> Self {
        let left = expires_at.map(|at| at.0.saturating_sub(now.wall.0));
        let left = left.and_then(|left| u64::try_from(left).ok()).filter(|left| *left > 0);
        let by_expiry = left.map(Duration::from_millis).map(|left| {
            let pause = if left >= LONG_ENOUGH { left - BEFORE_EXPIRY } else { left / 2 };
            pause.max(SHORTEST_LIFE)
        });
        Self::after(now, by_expiry.map_or(life, |pause| pause.min(life)))
    }

    fn has_come(self, now: Now) -> bool {
        self.at <= now.monotonic || self.wall <= now.wall
    }
}

/// The connection that is to take the place of the present one.
#[derive(Debug)]
struct Successor {
    link: Link,
    /// It waits for credentials.
    waits: bool,
    /// Its credentials' end.
    expires_at: Option<WallClock>,
    /// Until when it must have joined, once it is being opened; then, until when the present one must have shown life.
    deadline: Option<Timestamp>,
    /// It has joined what the present one has, which had brought so many frames by then.
    joined: Option<Joined>,
    /// When it is to be replaced itself, once it is open.
    due: Option<Due>,
}

#[derive(Debug, Clone, Copy)]
struct Joined {
    frames: u64,
    /// The present connection cannot be asked whether it lives.
    is_certain: bool,
}

/// The connection whose place was taken.
#[derive(Debug)]
struct Retiring {
    connection: ConnectionId,
    /// When it ends, unless an answer is due on it.
    at: Timestamp,
    /// When it ends in any case.
    at_the_latest: Timestamp,
    has_lingered: bool,
}

#[derive(Debug, Default)]
enum State {
    /// There is one connection, or none.
    #[default]
    Resting,
    Successor(Box<Successor>),
    Retiring(Retiring),
}

/// How far the replacement of a connection has come.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    state: State,
    due: Option<Due>,
    /// Next connections in a row that came to nothing.
    failures: u32,
    failed_at: Timestamp,
    twins: Twins,
    /// Until when what came twice is remembered, once there is one connection again.
    twins_until: Timestamp,
}

impl Rotation {
    /// The connection beside the present one.
    pub(super) fn connection(&self) -> Option<ConnectionId> {
        match &self.state {
            State::Resting => None,
            State::Successor(next) => next.link.connection(),
            State::Retiring(retiring) => Some(retiring.connection),
        }
    }

    /// Whether the next connection waits for credentials.
    pub(super) fn waits(&self) -> bool {
        matches!(&self.state, State::Successor(next) if next.waits)
    }

    /// Whether the next connection is open or being opened.
    pub(super) fn is_on_its_way(&self) -> bool {
        matches!(self.state, State::Successor(_)) && self.connection().is_some()
    }

    /// The present connection has opened.
    pub(super) fn opened(&mut self, now: Now, life: Duration, expires_at: Option<WallClock>) {
        self.due = Some(Due::of(now, life, expires_at));
        self.failures = 0;
    }

    /// The network has come back, or the page has come into view: what has failed may go well now.
    pub(super) fn hint(&mut self, now: Timestamp) {
        if let State::Successor(next) = &mut self.state {
            next.link.hint(now);
        } else if let Some(due) = self.due.as_mut().filter(|_| self.failures > 0) {
            due.at = due.at.min((self.failed_at + HINT_INTERVAL).max(now));
        }
    }

    pub(super) fn set_visible(&mut self, now: Timestamp, visible: bool) {
        if let State::Successor(next) = &mut self.state {
            next.link.set_visible(now, visible);
        }
    }

    pub(super) fn handle_time(&mut self, now: Timestamp, random: &mut Random) {
        if let State::Successor(next) = &mut self.state {
            next.link.handle_time(now, random);
        }
    }

    /// `is_open` says whether there is a connection to replace.
    pub(super) fn next_deadline(&self, is_open: bool) -> Option<Deadline> {
        match &self.state {
            State::Resting => self.due.filter(|_| is_open).map(|due| Deadline {
                at: due.at,
                reason: "the connection is to be replaced before its time is over",
            }),
            State::Successor(next) => {
                let deadline = next
                    .deadline
                    .map(|at| Deadline { at, reason: "the next connection does not join" });
                Deadline::earliest([next.link.next_deadline(), deadline])
            }
            State::Retiring(retiring) => {
                let lingers = !retiring.has_lingered;
                let at = if lingers { retiring.at } else { retiring.at_the_latest };
                Some(Deadline { at, reason: "the connection before is to end" })
            }
        }
    }

    fn failed(&mut self, now: Now, random: &mut Random) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.failed_at = now.monotonic;
        self.due = Some(Due::after(now, pause + random.up_to(pause / 2)));
    }
}

impl Channel {
    /// Which of its connections that is, if any.
    pub(in crate::client) fn role_of(&self, connection: ConnectionId) -> Option<Role> {
        if self.link.connection() == Some(connection) {
            return Some(Role::Present);
        }
        (self.rotation.connection() == Some(connection)).then_some(Role::Beside)
    }

    /// The channel is used no more; returns the connections to close.
    pub(in crate::client) fn end(self) -> impl Iterator<Item = ConnectionId> {
        let live = [self.link.connection(), self.rotation.connection()];
        self.closing.into_iter().chain(live.into_iter().flatten())
    }

    /// How long a connection lives that nothing else ends.
    pub(super) fn life(shared: &mut Shared) -> Duration {
        let (life, jitter) = match shared.backend.service {
            config::Service::ApiGateway { .. } => (GATEWAY_LIFE, GATEWAY_JITTER),
            _ => (APPSYNC_LIFE, APPSYNC_JITTER),
        };
        life + shared.random.up_to(jitter)
    }

    pub(super) fn opened_beside(
        &mut self,
        now: Now,
        connection: ConnectionId,
        shared: &mut Shared,
    ) {
        let State::Successor(next) = &mut self.rotation.state else { return };
        if next.link.status() == LinkStatus::Open {
            return;
        }
        next.link.opened(now.monotonic);
        next.due = Some(Due::of(now, Self::life(shared), next.expires_at));
        let (room, person, discovery) = (&self.room, &shared.person, &mut shared.discovery);
        self.rotation.twins.begin(room, now.monotonic);
        self.session.opened(Role::Beside, now.monotonic, connection, room, person, discovery);
    }

    pub(super) fn received_beside(&mut self, now: Timestamp) {
        if let State::Successor(next) = &mut self.rotation.state {
            next.link.received(now);
        }
    }

    /// The connection beside has ended by itself.
    pub(super) fn lost_beside(&mut self, now: Now, code: u16, shared: &mut Shared) {
        match &mut self.rotation.state {
            State::Resting => {}
            State::Successor(next) => {
                let was_open = next.link.status() == LinkStatus::Open;
                next.link.lost(now.monotonic, code, &mut shared.random);
                self.fail_successor(now, shared);
                let may_be_refused = !shared.backend.service.shares_connection()
                    && self.keyring.sign_in().asks_the_page();
                let is_time = self.rotation.failures == REFUSALS_BEFORE_RENEWAL;
                if !was_open && may_be_refused && is_time {
                    self.keyring.renew();
                }
            }
            State::Retiring(_) => {
                self.rotation.state = State::Resting;
                self.end_session(Role::Beside, &mut shared.discovery);
            }
        }
    }

    /// The page's policy does not allow the next connection; the present one lives.
    pub(super) fn blocked_beside(&mut self, now: Now, shared: &mut Shared) {
        if let State::Successor(next) = &mut self.rotation.state {
            next.link.lost(now.monotonic, super::CLOSE_POLICY, &mut shared.random);
            self.fail_successor(now, shared);
        }
    }

    /// Whether one of two connections has brought what nothing but its words tells from what the other one has brought.
    pub(in crate::client) fn is_copy(
        &mut self,
        now: Now,
        role: Role,
        event: &SessionEvent,
    ) -> bool {
        let rotation = &mut self.rotation;
        let is_alone = matches!(rotation.state, State::Resting);
        if is_alone && rotation.twins_until <= now.monotonic {
            return false;
        }
        rotation.twins.is_copy(now.monotonic, role, event)
    }

    /// What the connection beside says of itself goes no further; returns what is left.
    pub(in crate::client) fn beside_event(
        &mut self,
        now: Now,
        event: SessionEvent,
        shared: &mut Shared,
    ) -> Option<SessionEvent> {
        let is_next = matches!(self.rotation.state, State::Successor(_));
        match event {
            SessionEvent::Joined { .. }
            | SessionEvent::Left { .. }
            | SessionEvent::Missed { .. }
            | SessionEvent::Rotated { .. } => None,
            SessionEvent::Throttled { .. } if is_next => None,
            SessionEvent::KeepsAlive { timeout } => {
                if let State::Successor(next) = &mut self.rotation.state {
                    next.link.set_timeout(timeout);
                }
                None
            }
            SessionEvent::Silent if !is_next => {
                self.drop_beside(&mut shared.discovery);
                None
            }
            SessionEvent::Silent | SessionEvent::RoomRefused { .. } => {
                self.fail_successor(now, shared);
                None
            }
            SessionEvent::TurnedAway(why) => {
                if is_next {
                    self.turned_away_beside(now, why, shared);
                }
                None
            }
            event => Some(event),
        }
    }

    /// The backend wants nothing to do with the next connection. Credentials are renewed as for any other, but the
    /// present connection lives for as long as the backend lets it.
    fn turned_away_beside(&mut self, now: Now, why: TurnedAway, shared: &mut Shared) {
        self.fail_successor(now, shared);
        let may_try = match why {
            TurnedAway::Credentials => self.keyring.refuse(),
            TurnedAway::Signature { server } => self.keyring.refuse_signature(now.wall, server),
            TurnedAway::Misconfigured | TurnedAway::Throttled => false,
        };
        if may_try {
            self.rotation.due = Some(Due::after(now, Duration::ZERO));
        }
    }

    /// Does what is due for the replacement of the connection.
    pub(super) fn rotate(&mut self, now: Now, shared: &mut Shared) {
        self.run_successor(now, shared);
        self.run_retiring(now.monotonic, shared);
        let is_due = self.rotation.due.is_some_and(|due| due.has_come(now));
        if matches!(self.rotation.state, State::Resting) && self.is_open() && is_due {
            self.rotation.due = None;
            let mut link =
                Link::new(Heartbeat::of(&shared.backend.service), self.link.is_visible());
            link.connect();
            let (expires_at, deadline, joined, due) = (None, None, None, None);
            let next = Successor { link, waits: true, expires_at, deadline, joined, due };
            self.rotation.state = State::Successor(Box::new(next));
            self.rotation.twins.clear();
        }
    }

    fn run_successor(&mut self, now: Now, shared: &mut Shared) {
        let is_lost = matches!(self.link.status(), LinkStatus::Down { .. });
        let frames = self.link.frames();
        let State::Successor(next) = &mut self.rotation.state else { return };
        let is_late = next.deadline.is_some_and(|at| at <= now.monotonic);
        let mut has_failed = is_late && next.joined.is_none();
        while let Some(action) = next.link.poll_action() {
            match action {
                // It was asked for when it was begun.
                Action::Open => {}
                Action::Abandon(connection) => {
                    self.closing.push(connection);
                    has_failed = true;
                }
                Action::Ping => {
                    if self.session.ping(Role::Beside, &shared.discovery) {
                        next.link.ping_sent(now.monotonic);
                    }
                }
            }
        }
        if is_lost && next.link.connection().is_none() {
            // Nothing of it has begun: the usual attempt is as good.
            return self.drop_beside(&mut shared.discovery);
        }
        if has_failed {
            return self.fail_successor(now, shared);
        }
        if next.joined.is_none() && !is_lost && self.session.may_change_over() {
            let is_pinged = self.session.ping(Role::Present, &shared.discovery);
            if is_pinged {
                self.link.ping_sent(now.monotonic);
            }
            let is_certain = !is_pinged && !self.session.is_probing();
            next.joined = Some(Joined { frames, is_certain });
            next.deadline = Some(now.monotonic + PROOF_DEADLINE);
        }
        let is_proved =
            next.joined.is_some_and(|joined| joined.is_certain || joined.frames < frames);
        let may_change_over = is_late || (is_proved && self.session.may_change_over());
        if is_lost || may_change_over {
            self.change_over(now.monotonic, is_proved, shared);
        }
    }

    fn run_retiring(&mut self, now: Timestamp, shared: &mut Shared) {
        if !matches!(self.rotation.state, State::Resting) {
            self.rotation.twins_until = now + LINGER;
        }
        let is_sending = self.session.is_sending_beside();
        let State::Retiring(retiring) = &mut self.rotation.state else { return };
        retiring.has_lingered |= retiring.at <= now;
        if (retiring.has_lingered && !is_sending) || retiring.at_the_latest <= now {
            self.drop_beside(&mut shared.discovery);
        }
    }

    /// Opens the next connection, with credentials that are there.
    pub(super) fn open_successor(&mut self, now: Now, shared: &mut Shared) {
        let Some((connection, output)) = self.opening_output(now, shared) else {
            return self.fail_successor(now, shared);
        };
        let State::Successor(next) = &mut self.rotation.state else { return };
        next.waits = false;
        next.expires_at = self.keyring.expires_at();
        next.deadline = Some(now.monotonic + JOIN_DEADLINE);
        next.link.attempt(now.monotonic, connection);
        self.session.prepare();
        shared.outputs.push_back(output);
    }

    /// The next connection takes the place of the present one, which ends a little later, or is gone.
    fn change_over(&mut self, now: Timestamp, is_proved: bool, shared: &mut Shared) {
        let State::Successor(next) = std::mem::take(&mut self.rotation.state) else { return };
        let Successor { link, expires_at, due, .. } = *next;
        let before = std::mem::replace(&mut self.link, link);
        (self.opening, self.expires_at) = (false, expires_at);
        (self.rotation.due, self.rotation.failures) = (due, 0);
        self.session.change_over();
        self.rotation.twins.change_over();
        match before.connection() {
            Some(connection) => {
                self.rotation.state = State::Retiring(Retiring {
                    connection,
                    at: now + LINGER,
                    at_the_latest: now + SEND_DEADLINE,
                    has_lingered: false,
                });
            }
            None => self.end_session(Role::Beside, &mut shared.discovery),
        }
        let rotated = SessionEvent::Rotated { rooms: self.session.joined_rooms(), gap: !is_proved };
        self.last_words.push_back((Role::Present, rotated));
    }

    /// The next connection has come to nothing: it is tried again after a pause.
    fn fail_successor(&mut self, now: Now, shared: &mut Shared) {
        if matches!(self.rotation.state, State::Successor(_)) {
            self.drop_beside(&mut shared.discovery);
            self.rotation.failed(now, &mut shared.random);
        }
    }

    /// Does without the connection beside, whatever it is there for.
    pub(super) fn drop_beside(&mut self, discovery: &mut Discovery) {
        match std::mem::take(&mut self.rotation.state) {
            State::Resting => return,
            State::Successor(mut next) => {
                next.link.refuse();
                while let Some(action) = next.link.poll_action() {
                    if let Action::Abandon(connection) = action {
                        self.closing.push(connection);
                    }
                }
            }
            State::Retiring(retiring) => self.closing.push(retiring.connection),
        }
        self.end_session(Role::Beside, discovery);
    }
}
