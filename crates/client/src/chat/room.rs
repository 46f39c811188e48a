//! One room: its timeline, its outbox, and what is known of its history.

use std::time::Duration;

use super::ids::{MessageId, RoomId};
use super::message::Incoming;
use super::outbox::Outbox;
use super::timeline::{OrderKey, Timeline};
use crate::backend::{Cursor, HistoryRequest, Page, RequestId, Retry};
use crate::time::{Timestamp, parse_utc};
use crate::timer::{Deadline, TimerKind, Timers};

/// Messages of one page of history.
const PAGE_MESSAGES: u8 = 50;
/// Catch-up starts this long before the last contiguous message, since ids of parallel writers do not become
/// visible in order.
const CATCH_UP_OVERLAP_MILLISECONDS: i64 = 60_000;
/// Catch-up runs once more after this time: a join is no fence on every backend.
const CATCH_UP_AGAIN: Duration = Duration::from_secs(3);
/// Pages of one catch-up; beyond, the older rows leave the list and are loaded again when scrolled to.
const MAX_CATCH_UP_PAGES: u32 = 100;
/// How long a page of history may take.
const HISTORY_DEADLINE: Duration = Duration::from_secs(15);
/// The pause after a page that did not come.
const HISTORY_RETRY: Duration = Duration::from_secs(2);

/// How far back the messages of a room can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum History {
    /// Not known yet.
    #[default]
    Unknown,
    /// The backend keeps none.
    None,
    /// There are older messages.
    More,
    /// Older messages are on their way.
    Loading,
    /// The first message of the room is in the list.
    Beginning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// To look again for messages that became visible late.
    CatchUpAgain,
    /// The outstanding page is late.
    Page,
    /// A refused page may be asked for again.
    RetryPage,
}

impl TimerKind for Timer {
    fn reason(self) -> &'static str {
        match self {
            Self::CatchUpAgain => "catch-up is due once more",
            Self::Page => "a page of history is late",
            Self::RetryPage => "a page of history is asked for again",
        }
    }
}

/// What the room wants to know of its history, and what it is waiting for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reading {
    Idle,
    /// From the newest page backwards until what is known is met.
    CatchUp {
        next: Option<Cursor>,
        until: Option<OrderKey>,
        /// The newest message of its first page: what came live since may have gaps before it.
        newest: Option<OrderKey>,
        /// How far back it has come.
        oldest: Option<OrderKey>,
        pages: u32,
        first: bool,
        asked: Option<RequestId>,
    },
    /// One page of older messages.
    Older {
        asked: Option<RequestId>,
    },
}

/// One room of a client.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) id: RoomId,
    pub(crate) timeline: Timeline,
    pub(crate) outbox: Outbox,
    joined: Option<Joined>,
    /// Everything that the server has from the first row to here is in the list.
    contiguous: Option<OrderKey>,
    /// Where the messages before the first row begin; `None` with `history` at its beginning.
    older: Option<Cursor>,
    /// The oldest message of the page that `older` comes from.
    reached: Option<OrderKey>,
    history: History,
    reading: Reading,
    timers: Timers<Timer>,
    requests: u64,
    was_joined: bool,
    /// The second catch-up of the present connection has come to its end: what comes live is all there is.
    caught_up: bool,
    /// Something was missed while a catch-up was running, which may have been too early for it.
    missed: bool,
    /// The history may not be read.
    is_denied: bool,
    /// This is not the first time that the room is joined.
    again: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Joined {
    history: bool,
}

impl Room {
    pub(crate) fn new(id: RoomId) -> Self {
        Self {
            id,
            timeline: Timeline::default(),
            outbox: Outbox::default(),
            joined: None,
            contiguous: None,
            older: None,
            reached: None,
            history: History::default(),
            reading: Reading::Idle,
            timers: Timers::default(),
            requests: 0,
            was_joined: false,
            caught_up: false,
            missed: false,
            is_denied: false,
            again: false,
        }
    }

    pub(crate) fn history(&self) -> History {
        self.history
    }

    pub(crate) fn is_joined(&self) -> bool {
        self.joined.is_some()
    }

    /// The room is joined; returns whether messages may have been missed with no history to fetch them from.
    pub(crate) fn joined(&mut self, now: Timestamp, history: bool) -> bool {
        let upgraded = self.joined.is_some();
        self.again = std::mem::replace(&mut self.was_joined, true) && !upgraded;
        let history = history && !self.is_denied;
        self.joined = Some(Joined { history });
        if history {
            self.catch_up(now, true);
            return false;
        }
        self.history = History::None;
        self.again
    }

    /// The connection has gone, and with it the answers it owed.
    pub(crate) fn left(&mut self) {
        self.joined = None;
        self.caught_up = false;
        self.missed = false;
        self.timers = Timers::default();
        if self.reading != Reading::Idle {
            self.stop_reading();
        }
    }

    /// Something could not be delivered; returns whether there is no history to fetch it from.
    pub(crate) fn missed(&mut self, now: Timestamp) -> bool {
        let has_history = self.joined == Some(Joined { history: true });
        // What is known is contiguous no more, until a catch-up has come to its end.
        self.caught_up = false;
        if has_history && matches!(self.reading, Reading::CatchUp { .. }) {
            self.missed = true;
        } else if has_history {
            self.catch_up(now, true);
        }
        self.is_joined() && !has_history
    }

    /// The person wants to read older messages.
    pub(crate) fn load_older(&mut self) {
        if self.history == History::More && self.reading == Reading::Idle && self.is_joined() {
            self.reading = Reading::Older { asked: None };
            self.history = History::Loading;
        }
    }

    /// The next request of history, if one is due.
    pub(crate) fn next_request(&mut self, now: Timestamp) -> Option<HistoryRequest> {
        if self.joined != Some(Joined { history: true }) || self.timers.is_set(Timer::RetryPage) {
            return None;
        }
        let (asked, before) = match &mut self.reading {
            Reading::CatchUp { next, asked, .. } => (asked, next.clone()),
            Reading::Older { asked } => (asked, self.older.clone()),
            Reading::Idle => return None,
        };
        if asked.is_some() {
            return None;
        }
        self.requests += 1;
        let request = RequestId(self.requests.to_string());
        *asked = Some(request.clone());
        self.timers.set(Timer::Page, now + HISTORY_DEADLINE);
        Some(HistoryRequest { request, room: self.id.clone(), before, limit: PAGE_MESSAGES })
    }

    /// Whether this request is the one the room is waiting for.
    pub(crate) fn awaits(&self, request: &RequestId) -> bool {
        match &self.reading {
            Reading::Idle => false,
            Reading::CatchUp { asked, .. } | Reading::Older { asked } => {
                asked.as_ref() == Some(request)
            }
        }
    }

    /// A page that the room was waiting for has come, and its messages are in the timeline, `oldest` the first of them.
    /// A backend that goes round in circles is at its end.
    pub(crate) fn page_arrived(&mut self, now: Timestamp, page: &Page, oldest: Option<OrderKey>) {
        self.timers.stop(Timer::Page);
        match std::mem::replace(&mut self.reading, Reading::Idle) {
            Reading::Idle => {}
            Reading::Older { .. } => {
                let goes_on = page.next != self.older && goes_back(&self.reached, &oldest);
                self.set_older(page.next.clone().filter(|_| goes_on), oldest);
            }
            Reading::CatchUp { until, newest, oldest: before, pages, first, .. } => {
                let newest =
                    newest.or_else(|| page.messages.iter().filter_map(Incoming::order_key).max());
                let met = match (&until, &oldest) {
                    (Some(until), Some(oldest)) => reaches_back(oldest, until),
                    (None, _) | (_, None) => true,
                };
                let goes_on = goes_back(&before, &oldest);
                let ends = page.next.is_none() || !goes_on;
                if met || ends || pages + 1 >= MAX_CATCH_UP_PAGES {
                    // Where the page does not meet what is known, there may be more between than anybody will read.
                    let is_apart = !ends && (!met || until.is_none());
                    if let (true, Some(oldest)) = (is_apart, &oldest) {
                        self.timeline.drop_before(oldest);
                    }
                    let goes_beyond = goes_back(&self.reached, &oldest);
                    if until.is_none() || ends || !met || goes_beyond {
                        self.set_older(page.next.clone().filter(|_| goes_on), oldest);
                    }
                    self.caught_up(now, first, newest.or(until));
                } else {
                    let (next, pages) = (page.next.clone(), pages + 1);
                    let asked = None;
                    self.reading =
                        Reading::CatchUp { next, until, newest, oldest, pages, first, asked };
                }
            }
        }
    }

    /// A catch-up has met what was known; `newest` is the newest message that it can vouch for.
    fn caught_up(&mut self, now: Timestamp, first: bool, newest: Option<OrderKey>) {
        if std::mem::take(&mut self.missed) {
            self.contiguous = Some(newest.unwrap_or_else(start));
            self.catch_up(now, true);
        } else if first {
            self.contiguous = Some(newest.unwrap_or_else(start));
            self.timers.set(Timer::CatchUpAgain, now + CATCH_UP_AGAIN);
        } else {
            self.contiguous = Some(self.timeline.newest().cloned().unwrap_or_else(start));
            self.caught_up = true;
        }
    }

    /// A page that the room was waiting for was refused; returns whether messages may have been missed that it would
    /// have brought.
    pub(crate) fn page_refused(&mut self, now: Timestamp, retry: Retry) -> bool {
        self.timers.stop(Timer::Page);
        match retry {
            Retry::After(pause) => {
                self.forget_request();
                self.timers.set(Timer::RetryPage, now + pause.max(HISTORY_RETRY));
                false
            }
            Retry::Never => {
                let first = matches!(self.reading, Reading::CatchUp { first: true, .. });
                self.stop_reading();
                if self.history == History::Unknown {
                    self.history = History::None;
                    self.is_denied = true;
                }
                first && self.again
            }
        }
    }

    /// A live message is in the timeline. What is known stays contiguous only once this connection has caught up:
    /// messages may come before it has so much as begun.
    pub(crate) fn message_arrived(&mut self) {
        if self.caught_up {
            self.contiguous = self.timeline.newest().cloned();
        }
        if self.timeline.drop_above_bound()
            && let Some(oldest) = self.timeline.oldest().filter(|_| self.history != History::None)
        {
            self.older = Some(Cursor(oldest.id.0.clone()));
            self.reached = Some(oldest.clone());
            if self.history == History::Beginning {
                self.history = History::More;
            }
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Deadline> {
        let resume = self.outbox.resumes_at().filter(|_| self.is_joined());
        let resume = resume.map(|at| Deadline { at, reason: "a pause of sending ends" });
        Deadline::earliest([self.timers.next(), resume])
    }

    pub(crate) fn handle_time(&mut self, now: Timestamp) {
        self.outbox.handle_time(now);
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::CatchUpAgain => self.catch_up(now, false),
                Timer::Page => {
                    self.page_refused(now, Retry::After(HISTORY_RETRY));
                }
                Timer::RetryPage => {}
            }
        }
    }

    fn catch_up(&mut self, now: Timestamp, first: bool) {
        if !first && self.reading != Reading::Idle {
            self.timers.set(Timer::CatchUpAgain, now + CATCH_UP_AGAIN);
        } else {
            if matches!(self.reading, Reading::Older { .. }) {
                self.history = History::More;
            }
            let until = self.contiguous.clone();
            let (next, newest, oldest, asked) = (None, None, None, None);
            self.reading = Reading::CatchUp { next, until, newest, oldest, pages: 0, first, asked };
        }
    }

    fn set_older(&mut self, older: Option<Cursor>, reached: Option<OrderKey>) {
        self.history = if older.is_some() { History::More } else { History::Beginning };
        (self.older, self.reached) = (older, reached);
    }

    fn forget_request(&mut self) {
        match &mut self.reading {
            Reading::Idle => {}
            Reading::CatchUp { asked, .. } | Reading::Older { asked } => *asked = None,
        }
    }

    fn stop_reading(&mut self) {
        if matches!(self.reading, Reading::Older { .. }) {
            self.history = History::More;
        }
        self.reading = Reading::Idle;
    }
}

/// Before the first message of a room that had none.
fn start() -> OrderKey {
    OrderKey { created_at: String::new(), id: MessageId(String::new()) }
}

/// Whether a page leads further back than the one before it.
fn goes_back(before: &Option<OrderKey>, oldest: &Option<OrderKey>) -> bool {
    match (before, oldest) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(before), Some(oldest)) => oldest < before,
    }
}

/// Whether a page whose first message is `oldest` goes back to a minute before `until`.
fn reaches_back(oldest: &OrderKey, until: &OrderKey) -> bool {
    match (parse_utc(&oldest.created_at), parse_utc(&until.created_at)) {
        (Some(oldest), Some(until)) => oldest.0 <= until.0 - CATCH_UP_OVERLAP_MILLISECONDS,
        (None, _) | (_, None) => oldest <= until,
    }
}
