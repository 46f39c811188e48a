//! Keeps one connection alive, whatever backend it leads to.
//!
//! ```text
//!          start            opened
//!  Idle ─────────► Connecting ─────► Open
//!                    ▲     │ lost     │ lost, silent
//!         time is due│     ▼          ▼
//!                    └── Waiting ◄────┘          Refused: until somebody asks again
//! ```

mod backoff;

use std::collections::VecDeque;
use std::time::Duration;

use crate::chat::ids::ConnectionId;
use crate::config::Service;
use crate::random::Random;
use crate::time::Timestamp;
use crate::timer::{Deadline, TimerKind, Timers};
use backoff::Backoff;

/// From the attempt to an open connection.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(15);
/// From a ping to any frame at all.
const PONG_DEADLINE: Duration = Duration::from_secs(10);
/// How the life of a connection shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heartbeat {
    /// Between a frame and the next ping.
    interval: Duration,
    /// The same for a page that nobody sees.
    hidden_interval: Duration,
    /// A hint that the page was away leads to a ping after so much silence.
    wake_after: Duration,
    /// After so much silence the connection of a device that has slept is taken for dead.
    dead_after: Option<Duration>,
}

impl Heartbeat {
    /// The server says nothing by itself, and cuts a connection that is idle for ten minutes.
    pub(crate) const CLIENT_PINGS: Self = Self {
        interval: PING_INTERVAL,
        hidden_interval: HIDDEN_PING_INTERVAL,
        wake_after: HINT_INTERVAL,
        dead_after: None,
    };
    /// The server sends something every 60 seconds (AppSync's `ka`): silence beyond that is suspicious.
    pub(crate) const SERVER_KEEPS_ALIVE: Self = Self {
        interval: KEEP_ALIVE_LATE,
        hidden_interval: KEEP_ALIVE_LATE,
        wake_after: KEEP_ALIVE_OVERDUE,
        dead_after: Some(KEEP_ALIVE_OVERDUE),
    };

    /// How it shows on a connection to a service.
    pub(crate) fn of(service: &Service) -> Self {
        if service.shares_connection() { Self::SERVER_KEEPS_ALIVE } else { Self::CLIENT_PINGS }
    }
}

/// A keep-alive that comes every 60 seconds is late after so long, ...
const KEEP_ALIVE_LATE: Duration = Duration::from_secs(70);
/// ... and overdue for a page that has been asleep.
const KEEP_ALIVE_OVERDUE: Duration = Duration::from_secs(65);
/// Between a frame and the next ping; well below the gateway's ten idle minutes, and below what most address
/// translators on the way allow.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// The same for a page that nobody sees.
const HIDDEN_PING_INTERVAL: Duration = Duration::from_secs(240);
/// A connection that has lived so long has shorter pauses after it.
const STEADY_AFTER: Duration = Duration::from_secs(5);
/// A connection that has lived so long starts with short pauses again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);
/// There was no close frame; RFC 6455, section 7.4.1.
const CLOSE_ABNORMAL: u16 = 1006;
/// Hints that the network is back lead to one attempt in this time at most.
const HINT_INTERVAL: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Handshake,
    Healthy,
    Ping,
    Pong,
    Retry,
    Silence,
    Steady,
}

impl TimerKind for Timer {
    fn reason(self) -> &'static str {
        match self {
            Self::Handshake => "the connection does not open",
            Self::Healthy => "the connection counts as healthy",
            Self::Ping => "a ping is due",
            Self::Pong => "a ping is not answered",
            Self::Retry => "the next attempt is due",
            Self::Silence => "the server has promised to say something",
            Self::Steady => "the connection counts as steady",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Connecting(ConnectionId),
    Open(ConnectionId),
    Waiting,
    Refused,
}

/// What the link wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Begin an attempt and tell [`Link::attempt`] its id.
    Open,
    /// The connection is given up: close it, and take its session as closed.
    Abandon(ConnectionId),
    /// Send a ping if there is one, and tell [`Link::ping_sent`].
    Ping,
}

/// How things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkStatus {
    Down { retry_at: Option<Timestamp> },
    Open,
    Refused,
}

/// The link.
#[derive(Debug)]
pub(crate) struct Link {
    state: State,
    backoff: Backoff,
    heartbeat: Heartbeat,
    /// The longest silence that the server of the present connection allows itself.
    timeout: Option<Duration>,
    visible: bool,
    last_attempt: Option<Timestamp>,
    last_frame: Timestamp,
    frames: u64,
    timers: Timers<Timer>,
    actions: VecDeque<Action>,
}

impl Link {
    pub(crate) fn new(heartbeat: Heartbeat, visible: bool) -> Self {
        Self {
            state: State::Idle,
            backoff: Backoff::default(),
            heartbeat,
            timeout: None,
            visible,
            last_attempt: None,
            last_frame: Timestamp::default(),
            frames: 0,
            timers: Timers::default(),
            actions: VecDeque::new(),
        }
    }

    pub(crate) fn status(&self) -> LinkStatus {
        match self.state {
            State::Idle | State::Connecting(_) => LinkStatus::Down { retry_at: None },
            State::Waiting => LinkStatus::Down { retry_at: self.timers.at(Timer::Retry) },
            State::Open(_) => LinkStatus::Open,
            State::Refused => LinkStatus::Refused,
        }
    }

    /// The connection that is open or being opened.
    pub(crate) fn connection(&self) -> Option<ConnectionId> {
        match self.state {
            State::Connecting(connection) | State::Open(connection) => Some(connection),
            State::Idle | State::Waiting | State::Refused => None,
        }
    }

    /// Connects now: at the start, or because the person asks.
    pub(crate) fn connect(&mut self) {
        match self.state {
            State::Idle | State::Waiting | State::Refused => self.open(),
            State::Connecting(_) | State::Open(_) => {}
        }
    }

    /// Gives the present connection up and connects anew.
    pub(crate) fn reconnect(&mut self) {
        self.abandon();
        self.open();
    }

    /// The same, but not before a time.
    pub(crate) fn reconnect_at(&mut self, at: Timestamp) {
        self.abandon();
        self.state = State::Waiting;
        self.timers.set(Timer::Retry, at);
    }

    /// Stays away until somebody asks.
    pub(crate) fn refuse(&mut self) {
        self.abandon();
        self.state = State::Refused;
    }

    /// An attempt has begun.
    pub(crate) fn attempt(&mut self, now: Timestamp, connection: ConnectionId) {
        self.state = State::Connecting(connection);
        self.last_attempt = Some(now);
        self.timers.stop(Timer::Retry);
        self.timers.set(Timer::Handshake, now + HANDSHAKE_DEADLINE);
    }

    pub(crate) fn opened(&mut self, now: Timestamp) {
        if let State::Connecting(connection) = self.state {
            self.state = State::Open(connection);
            self.timers.stop(Timer::Handshake);
            self.timers.set(Timer::Steady, now + STEADY_AFTER);
            self.timers.set(Timer::Healthy, now + HEALTHY_AFTER);
            self.timeout = None;
            self.received(now);
        }
    }

    /// A frame proves that the connection lives.
    pub(crate) fn received(&mut self, now: Timestamp) {
        self.last_frame = now;
        self.frames += 1;
        self.timers.stop(Timer::Pong);
        self.timers.set(Timer::Ping, now + self.ping_interval());
        if let Some(timeout) = self.timeout {
            self.timers.set(Timer::Silence, now + timeout);
        }
    }

    /// The server will never be silent for so long.
    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        if let State::Open(_) = self.state {
            self.timeout = Some(timeout);
            self.timers.set(Timer::Silence, self.last_frame + timeout);
        }
    }

    /// A ping is on its way that will be answered.
    pub(crate) fn ping_sent(&mut self, now: Timestamp) {
        // The deadline runs from the first ping that is not answered.
        if !self.timers.is_set(Timer::Pong) {
            self.timers.set(Timer::Pong, now + PONG_DEADLINE);
        }
    }

    /// The connection has ended.
    pub(crate) fn lost(&mut self, now: Timestamp, code: u16, random: &mut Random) {
        self.timers = Timers::default();
        self.state = State::Waiting;
        self.timers.set(Timer::Retry, now + self.backoff.next(code, random));
    }

    /// The connection is of no more use.
    pub(crate) fn give_up(&mut self, now: Timestamp, random: &mut Random) {
        self.give_up_with(now, CLOSE_ABNORMAL, random);
    }

    /// The same, as if the server had closed it with `code`.
    pub(crate) fn give_up_with(&mut self, now: Timestamp, code: u16, random: &mut Random) {
        if matches!(self.state, State::Idle) && self.actions.contains(&Action::Open) {
            // It has been given up already, and the next one is about to be opened.
            return;
        }
        self.abandon();
        self.lost(now, code, random);
    }

    /// The network has come back, or the page has come into view: a good moment to try or to probe.
    pub(crate) fn hint(&mut self, now: Timestamp) {
        match self.state {
            State::Waiting => {
                let earliest = self.last_attempt.map_or(now, |last| last + HINT_INTERVAL).max(now);
                if self.timers.at(Timer::Retry).is_none_or(|at| earliest < at) {
                    self.timers.set(Timer::Retry, earliest);
                }
            }
            State::Open(_) if now.since(self.last_frame) >= self.heartbeat.wake_after => {
                self.probe();
            }
            State::Open(_) | State::Idle | State::Connecting(_) | State::Refused => {}
        }
    }

    /// Whether the connection of a device that has slept is to be taken for dead; `slept` is what the monotonic clock
    /// has not seen of it.
    pub(crate) fn is_dead_after(&self, now: Timestamp, slept: Duration) -> bool {
        let silence = now.since(self.last_frame) + slept;
        let dead_after = self.heartbeat.dead_after.filter(|_| self.status() == LinkStatus::Open);
        dead_after.is_some_and(|dead_after| silence > dead_after)
    }

    /// Finds out whether the connection still lives.
    pub(crate) fn probe(&mut self) {
        if let State::Open(_) = self.state {
            self.actions.push_back(Action::Ping);
        }
    }

    /// How many frames have come.
    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    pub(crate) fn is_visible(&self) -> bool {
        self.visible
    }

    pub(crate) fn set_visible(&mut self, now: Timestamp, visible: bool) {
        self.visible = visible;
        if self.timers.is_set(Timer::Ping) {
            let due = self.last_frame + self.ping_interval();
            self.timers.set(Timer::Ping, due.max(now));
        }
    }

    pub(crate) fn handle_time(&mut self, now: Timestamp, random: &mut Random) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Handshake | Timer::Pong | Timer::Silence => self.give_up(now, random),
                Timer::Healthy => self.backoff.reset(),
                Timer::Steady => self.backoff.ease(),
                Timer::Ping => {
                    self.timers.set(Timer::Ping, now + self.ping_interval());
                    self.actions.push_back(Action::Ping);
                }
                Timer::Retry => self.open(),
            }
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Deadline> {
        self.timers.next()
    }

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn open(&mut self) {
        self.timers = Timers::default();
        self.state = State::Idle;
        self.actions.push_back(Action::Open);
    }

    fn abandon(&mut self) {
        if let Some(connection) = self.connection() {
            self.actions.push_back(Action::Abandon(connection));
        }
        self.timers = Timers::default();
        self.state = State::Idle;
    }

    fn ping_interval(&self) -> Duration {
        if self.visible { self.heartbeat.interval } else { self.heartbeat.hidden_interval }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: ConnectionId = ConnectionId(1);

    fn open_link() -> (Link, Random) {
        let mut link = Link::new(Heartbeat::CLIENT_PINGS, true);
        link.connect();
        assert_eq!(link.poll_action(), Some(Action::Open));
        link.attempt(Timestamp(0), FIRST);
        link.opened(Timestamp(0));
        (link, Random::new([1; 32]))
    }

    #[test]
    fn the_deadline_of_a_pong_runs_from_the_ping() {
        let (mut link, mut random) = open_link();
        link.handle_time(Timestamp(30_000), &mut random);
        assert_eq!(link.poll_action(), Some(Action::Ping));
        link.ping_sent(Timestamp(30_000));
        link.handle_time(Timestamp(39_999), &mut random);
        assert_eq!(link.status(), LinkStatus::Open);
        link.handle_time(Timestamp(40_000), &mut random);
        assert_eq!(link.poll_action(), Some(Action::Abandon(FIRST)));
        assert!(matches!(link.status(), LinkStatus::Down { retry_at: Some(_) }));
    }

    #[test]
    fn a_page_that_is_hidden_again_and_again_postpones_no_ping() {
        let (mut link, mut random) = open_link();
        for minute in 1..4 {
            link.set_visible(Timestamp(minute * 60_000), false);
        }
        link.handle_time(Timestamp(240_000), &mut random);
        assert_eq!(link.poll_action(), Some(Action::Ping));
    }

    #[test]
    fn any_frame_is_a_pong() {
        let (mut link, mut random) = open_link();
        link.ping_sent(Timestamp(30_000));
        link.received(Timestamp(35_000));
        link.handle_time(Timestamp(60_000), &mut random);
        assert_eq!(link.status(), LinkStatus::Open);
    }

    #[test]
    fn an_attempt_that_hangs_is_given_up() {
        let (mut link, mut random) =
            (Link::new(Heartbeat::CLIENT_PINGS, true), Random::new([1; 32]));
        link.connect();
        link.attempt(Timestamp(0), FIRST);
        link.handle_time(Timestamp(15_000), &mut random);
        assert_eq!(link.actions, [Action::Open, Action::Abandon(FIRST)]);
    }

    #[test]
    fn what_is_given_up_twice_is_opened_once() {
        let (mut link, mut random) = open_link();
        link.reconnect();
        link.give_up(Timestamp(5), &mut random);
        assert_eq!(link.actions, [Action::Abandon(FIRST), Action::Open]);
        link.attempt(Timestamp(5), ConnectionId(2));
        link.actions.clear();
        link.handle_time(Timestamp(10_000), &mut random);
        assert_eq!(link.poll_action(), None);
    }

    #[test]
    fn hints_lead_to_one_attempt_in_two_seconds() {
        let (mut link, mut random) = open_link();
        for _ in 0..8 {
            link.lost(Timestamp(100), 1006, &mut random);
        }
        link.lost(Timestamp(100), 1008, &mut random);
        link.hint(Timestamp(500));
        assert_eq!(link.next_deadline().unwrap().at, Timestamp(2_000));
        link.hint(Timestamp(3_000));
        assert_eq!(link.next_deadline().unwrap().at, Timestamp(2_000));
    }

    #[test]
    fn a_connection_that_held_a_while_comes_back_soon_and_one_that_flaps_does_not() {
        for (held, longest) in [(1_000, 30_000), (5_000, 1_000)] {
            let (mut link, mut random) = open_link();
            let mut now = 0;
            let mut pauses = Vec::new();
            for number in 0..200 {
                link.handle_time(Timestamp(now + held), &mut random);
                now += held;
                link.lost(Timestamp(now), 1006, &mut random);
                pauses.push(link.next_deadline().unwrap().at.0 - now);
                now = link.next_deadline().unwrap().at.0;
                link.handle_time(Timestamp(now), &mut random);
                link.attempt(Timestamp(now), ConnectionId(number));
                link.opened(Timestamp(now));
            }
            let seen = pauses.iter().max().copied().unwrap();
            assert!(seen <= longest && seen > longest / 3, "{seen} of {longest} after {held}");
        }
    }

    #[test]
    fn refused_is_final_until_somebody_asks() {
        let (mut link, _) = open_link();
        link.refuse();
        assert_eq!(link.poll_action(), Some(Action::Abandon(FIRST)));
        link.hint(Timestamp(60_000));
        assert_eq!((link.poll_action(), link.next_deadline()), (None, None));
        link.connect();
        assert_eq!(link.poll_action(), Some(Action::Open));
    }
}
