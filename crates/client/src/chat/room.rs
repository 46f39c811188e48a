//! One room: its timeline, its outbox, and what is known of its history.

mod bound;

use std::collections::VecDeque;
use std::time::Duration;

use super::ids::{MessageId, RoomId, RowId};
use super::message::Incoming;
use super::outbox::Outbox;
use super::reading::ReadMark;
use super::timeline::{MAX_ROWS, OrderKey, Timeline};
use crate::backend::{Cursor, HistoryRequest, Page, RequestId, Retry};
use crate::time::{Timestamp, WallClock, parse_utc};
use crate::timer::{Deadline, TimerKind, Timers};
use bound::Gap;

/// Messages of one page of history.
const PAGE_MESSAGES: u8 = 50;
/// Catch-up starts this long before the last contiguous message, since ids of parallel writers do not become
/// visible in order.
const CATCH_UP_OVERLAP_MILLISECONDS: i64 = 60_000;
/// Catch-up runs once more after this time: a join is no fence on every backend.
const CATCH_UP_AGAIN: Duration = Duration::from_secs(3);
/// After something was missed catch-up is due at once; when more is missed within a minute, after pauses that grow to a
/// minute.
const MISSED_PAUSE: Duration = Duration::from_secs(3);
const LONGEST_MISSED_PAUSE: Duration = Duration::from_secs(60);
/// Pages in a row without a message, as backends have them that filter what they have read.
const MAX_EMPTY_PAGES: u32 = 20;
/// Pages of one catch-up; beyond, the older rows leave the list and are loaded again when scrolled to.
const MAX_CATCH_UP_PAGES: u32 = 100;
/// How long a page of history may take.
const HISTORY_DEADLINE: Duration = Duration::from_secs(15);
/// The tabs of a device get the same message within this time of each other.
const ARRIVAL_TOLERANCE_MILLISECONDS: i64 = 2_000;
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
    /// To look for what was missed.
    Missed,
    /// The outstanding page is late.
    Page,
    /// A refused page may be asked for again.
    RetryPage,
}

impl TimerKind for Timer {
    fn reason(self) -> &'static str {
        match self {
            Self::CatchUpAgain => "catch-up is due once more",
            Self::Missed => "what was missed is to be fetched",
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
        catch_up: CatchUp,
        asked: Option<RequestId>,
    },
    /// One page of older messages.
    Older {
        asked: Option<RequestId>,
        /// Pages without a message so far.
        empty: u32,
    },
    /// What has left the list between what somebody reads and the newest.
    Gap {
        next: Cursor,
        asked: Option<RequestId>,
    },
}

/// How far a catch-up has come.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CatchUp {
    next: Option<Cursor>,
    until: Option<OrderKey>,
    /// That one has been seen in the history. It may have come live only, and have come to harm: nothing else tells
    /// whether there ever was a message at its place.
    is_met: bool,
    /// The newest message of its first page: what came live since may have gaps before it.
    newest: Option<OrderKey>,
    /// How far back it has come.
    oldest: Option<OrderKey>,
    pages: u32,
    /// Another one follows it, three seconds later.
    first: bool,
    /// There is something to fetch: without it, messages are missing.
    gap: bool,
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
    /// After this message some are missing that will be fetched, and later ones are in the list already.
    hole: Option<OrderKey>,
    /// The first row that the person sees who reads further up.
    reader: Option<RowId>,
    /// Where rows have left the list below what is read.
    gap: Option<Gap>,
    /// The person wants to read older messages, as soon as nothing else is being read.
    wants_older: bool,
    timers: Timers<Timer>,
    requests: u64,
    was_joined: bool,
    /// The connection beside has joined it, and the present one had not by then.
    is_ahead: bool,
    /// Something was heard before the room was joined: what says that it is joined has come to harm, or comes late.
    is_heard: bool,
    /// The second catch-up of the present connection has come to its end: what comes live is all there is.
    caught_up: bool,
    /// Something was missed while a catch-up was running, which may have been too early for it.
    missed: bool,
    /// The history may not be read.
    is_denied: bool,
    /// When rows arrived that the server gives no place; the oldest leave at [`MAX_ROWS`].
    arrivals: VecDeque<(RowId, WallClock)>,
    /// When something was missed last, and how often within a minute of each other.
    last_miss: Option<(Timestamp, u32)>,
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
            hole: None,
            reader: None,
            gap: None,
            wants_older: false,
            timers: Timers::default(),
            requests: 0,
            was_joined: false,
            is_ahead: false,
            is_heard: false,
            caught_up: false,
            missed: false,
            is_denied: false,
            arrivals: VecDeque::new(),
            last_miss: None,
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
        let again = std::mem::replace(&mut self.was_joined, true) && !upgraded;
        self.is_ahead = false;
        self.is_heard = false;
        self.joined = Some(Joined { history });
        if !history {
            self.history = History::None;
            return again;
        }
        if self.history == History::None {
            // Older pages could not be read; perhaps they can by now.
            self.reached = None;
        }
        // A history that was denied is tried again, but nothing depends on that.
        self.catch_up(now, true, again && !self.is_denied);
        again && self.is_denied
    }

    /// The connection beside has joined the room, which the present one may not have; returns what
    /// [`joined`](Self::joined) does. Where there is a history, the join of the present one fetches what was missed.
    pub(crate) fn joined_beside(&mut self, history: bool) -> bool {
        if history || self.joined.is_some() || self.is_ahead {
            return false;
        }
        self.is_ahead = true;
        std::mem::replace(&mut self.was_joined, true)
    }

    /// The connection beside has left the room, or is gone.
    pub(crate) fn left_beside(&mut self) {
        self.is_ahead = false;
    }

    /// Another connection has taken the place of the one before, and the room is joined on it; returns what
    /// [`joined`](Self::joined) does. A room that was not left has missed nothing, but a join is no fence on every
    /// backend.
    pub(crate) fn rotated(&mut self, now: Timestamp, history: bool) -> bool {
        if std::mem::take(&mut self.is_ahead) && self.joined.is_none() {
            // It has been in the room ever since.
            self.joined(now, history);
            return false;
        }
        if self.joined != Some(Joined { history }) {
            return self.joined(now, history);
        }
        if history {
            // What is being read is asked for on the new one.
            self.forget_request();
            self.timers.stop(Timer::Page);
            self.timers.set(Timer::CatchUpAgain, now + CATCH_UP_AGAIN);
        }
        false
    }

    /// A message comes by the connection beside. If the present one has died meanwhile, some are missing before it.
    pub(crate) fn hears_beside(&mut self) {
        self.caught_up = false;
    }

    /// Whether the connection that it is heard on has something to be missed by.
    pub(crate) fn may_be_left(&self) -> bool {
        self.is_joined() || self.is_heard
    }

    /// The connection has gone, and with it the answers it owed.
    pub(crate) fn left(&mut self) {
        self.was_joined |= std::mem::take(&mut self.is_heard);
        self.joined = None;
        self.caught_up = false;
        self.missed = false;
        self.timers = Timers::default();
        self.note_hole(false);
        if self.reading != Reading::Idle {
            self.stop_reading();
        }
    }

    /// Shows where messages are known to be missing.
    pub(crate) fn show_hole(&mut self, new_row: RowId) {
        self.timeline.show_hole(self.hole.as_ref(), new_row);
    }

    /// A catch-up does not get on: what came after its beginning is apart from what was known. With `is_certain` there
    /// is something between.
    fn note_hole(&mut self, is_certain: bool) {
        if let Reading::CatchUp {
            catch_up: CatchUp { until: Some(until), gap, oldest, .. }, ..
        } = &self.reading
        {
            // Pages that begin after what is known are apart from it, even if nothing was expected to be missing.
            let is_apart = is_certain && oldest.as_ref().is_some_and(|oldest| oldest > until);
            let is_expected = *gap && (is_certain || self.timeline.newest() > Some(until));
            if is_apart || is_expected {
                self.hole = Some(until.clone());
            }
        }
    }

    /// Something could not be delivered; returns whether there is no history to fetch it from.
    pub(crate) fn missed(&mut self, now: Timestamp) -> bool {
        let has_history = self.joined == Some(Joined { history: true });
        // What is known is contiguous no more, until a catch-up has come to its end.
        self.caught_up = false;
        if has_history && !self.timers.is_set(Timer::Missed) {
            let pause = self.pause_after_miss(now);
            self.timers.set(Timer::Missed, now + pause);
            self.fetch_missed(now);
        }
        self.is_joined() && !has_history
    }

    fn pause_after_miss(&mut self, now: Timestamp) -> Duration {
        let recent = self.last_miss.filter(|(at, _)| now.since(*at) < LONGEST_MISSED_PAUSE * 2);
        let misses = recent.map_or(0, |(_, misses)| misses + 1);
        self.last_miss = Some((now, misses));
        match misses.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => {
                MISSED_PAUSE.saturating_mul(1 << doublings.min(8)).min(LONGEST_MISSED_PAUSE)
            }
        }
    }

    /// Fetches what was missed, if its time has come.
    fn fetch_missed(&mut self, now: Timestamp) {
        if self.timers.at(Timer::Missed).is_none_or(|at| now < at) {
            return;
        }
        self.timers.stop(Timer::Missed);
        if matches!(self.reading, Reading::CatchUp { .. }) {
            self.missed = true;
        } else {
            self.catch_up(now, true, true);
        }
    }

    /// The person wants to read older messages.
    pub(crate) fn load_older(&mut self) {
        self.wants_older = self.history == History::More;
        self.read_older();
    }

    fn read_older(&mut self) {
        if self.reading != Reading::Idle || !self.is_joined() {
            return;
        }
        if std::mem::take(&mut self.wants_older) && self.history == History::More {
            self.reading = Reading::Older { asked: None, empty: 0 };
            self.history = History::Loading;
        }
    }

    /// The next request of history, if one is due.
    pub(crate) fn next_request(&mut self, now: Timestamp) -> Option<HistoryRequest> {
        if self.joined != Some(Joined { history: true }) || self.timers.is_set(Timer::RetryPage) {
            return None;
        }
        let (asked, before) = match &mut self.reading {
            Reading::CatchUp { catch_up, asked } => (asked, catch_up.next.clone()),
            Reading::Older { asked, .. } => (asked, self.older.clone()),
            Reading::Gap { asked, next } => (asked, Some(next.clone())),
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
            Reading::CatchUp { asked, .. }
            | Reading::Older { asked, .. }
            | Reading::Gap { asked, .. } => asked.as_ref() == Some(request),
        }
    }

    /// A page that the room was waiting for has come, and its messages are in the timeline, `oldest` the first of them.
    /// A backend that goes round in circles is at its end.
    pub(crate) fn page_arrived(&mut self, now: Timestamp, page: &Page, oldest: Option<OrderKey>) {
        self.timers.stop(Timer::Page);
        self.is_denied = false;
        match std::mem::replace(&mut self.reading, Reading::Idle) {
            Reading::Idle => {}
            Reading::Older { empty, .. }
                if is_empty_page(page, self.older.as_ref()) && empty < MAX_EMPTY_PAGES =>
            {
                self.older = page.next.clone();
                self.reading = Reading::Older { asked: None, empty: empty + 1 };
            }
            Reading::Older { .. } if is_empty_page(page, self.older.as_ref()) => {
                // Whether there is anything further back is not to be found out.
                (self.history, self.older) = (History::None, None);
            }
            Reading::Older { .. } => {
                let goes_on = page.next != self.older && goes_back(&self.reached, &oldest);
                self.set_older(page.next.clone().filter(|_| goes_on), oldest);
            }
            Reading::CatchUp { catch_up, .. }
                if is_empty_page(page, catch_up.next.as_ref())
                    && catch_up.pages < MAX_EMPTY_PAGES =>
            {
                self.go_on(CatchUp { next: page.next.clone(), ..catch_up });
            }
            Reading::CatchUp { catch_up, .. } => {
                let is_empty = is_empty_page(page, catch_up.next.as_ref());
                self.page_of_catch_up(now, page, oldest, catch_up);
                if is_empty && self.reached.is_none() {
                    // Nothing but empty pages: whether there is anything further back is not to be found out.
                    self.history = History::None;
                }
            }
            Reading::Gap { next, .. } => self.page_of_gap(page, oldest, &next),
        }
        self.read_older();
        self.fill_gap();
    }

    fn page_of_catch_up(
        &mut self,
        now: Timestamp,
        page: &Page,
        oldest: Option<OrderKey>,
        mut catch_up: CatchUp,
    ) {
        catch_up.meet(page);
        let newest = || page.messages.iter().filter_map(Incoming::order_key).max();
        let newest = catch_up.newest.clone().or_else(newest);
        let met = match (&catch_up.until, &oldest) {
            // What lies before the first row was not missed: nobody has read it yet.
            (Some(until), Some(oldest)) => {
                let is_first = self.first_of_end().is_some_and(|first| oldest <= first);
                is_first || (catch_up.is_met && reaches_back(oldest, until))
            }
            (None, _) | (_, None) => true,
        };
        let goes_on = goes_back(&catch_up.oldest, &oldest);
        let ends = page.next.is_none() || !goes_on;
        if !met && !ends && catch_up.pages + 1 < MAX_CATCH_UP_PAGES {
            self.go_on(CatchUp { next: page.next.clone(), newest, oldest, ..catch_up });
            return self.note_hole(true);
        }
        self.hole = None;
        // Where the page does not meet what is known, there may be more between than anybody will read.
        let is_apart = !ends && (!met || catch_up.until.is_none());
        if let (true, Some(oldest)) = (is_apart, &oldest) {
            self.timeline.drop_before(oldest);
        }
        // From the beginning of the room on everything is there, whatever is apart from its first message.
        let is_further = self.history != History::Beginning && goes_back(&self.reached, &oldest);
        let is_beginning = (catch_up.until.is_none() || ends || !met) && !self.is_parted();
        if is_beginning || is_further {
            self.set_older(page.next.clone().filter(|_| goes_on), oldest);
        }
        self.caught_up(now, catch_up.first, newest.or(catch_up.until));
    }

    fn go_on(&mut self, catch_up: CatchUp) {
        let catch_up = CatchUp { pages: catch_up.pages + 1, ..catch_up };
        self.reading = Reading::CatchUp { catch_up, asked: None };
    }

    /// A catch-up has met what was known; `newest` is the newest message that it can vouch for.
    fn caught_up(&mut self, now: Timestamp, first: bool, newest: Option<OrderKey>) {
        // Where a backend counted as one without history for a while, rows say that messages may be missing.
        self.timeline.drop_interruptions();
        if std::mem::take(&mut self.missed) {
            self.contiguous = Some(newest.unwrap_or_else(start));
            self.catch_up(now, true, true);
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
                self.note_hole(false);
                self.forget_request();
                self.timers.set(Timer::RetryPage, now + pause.max(HISTORY_RETRY));
                false
            }
            Retry::Never => {
                self.hole = None;
                let reading = std::mem::replace(&mut self.reading, Reading::Idle);
                let gap =
                    matches!(reading, Reading::CatchUp { catch_up: CatchUp { gap: true, .. }, .. });
                if matches!(reading, Reading::Gap { .. }) {
                    self.give_gap_up();
                }
                if self.history == History::Unknown || self.is_denied {
                    self.is_denied = true;
                    self.joined = self.joined.map(|_| Joined { history: false });
                }
                if matches!(self.history, History::Unknown | History::Loading) {
                    // What comes before may be there, but is not to be had.
                    (self.history, self.older) = (History::None, None);
                }
                self.read_older();
                gap
            }
        }
    }

    /// A live message is in the timeline. What is known stays contiguous only once this connection has caught up:
    /// messages may come before it has so much as begun.
    pub(crate) fn message_arrived(&mut self) {
        self.is_heard |= self.joined.is_none();
        if self.caught_up {
            self.contiguous = self.timeline.newest().cloned();
        }
    }

    /// Drops what the server has put before everything that was read, or where rows have left: it comes with its own
    /// page, and would stand right above messages that it is far from. Says whether a row has stayed.
    pub(crate) fn keeps(&mut self, row: RowId) -> bool {
        if matches!(self.history, History::More | History::Loading)
            && let Some(reached) = &self.reached
        {
            self.timeline.drop_before(reached);
        }
        self.drop_from_gap();
        self.timeline.row(row).is_some()
    }

    /// A row has arrived that the server gives no place.
    pub(crate) fn arrived(&mut self, row: RowId, at: WallClock) {
        self.arrivals.push_back((row, at));
        if self.arrivals.len() > MAX_ROWS {
            self.arrivals.pop_front();
        }
    }

    /// Completes a mark: a row of this tab says when it arrived, a time which rows had arrived by then.
    pub(crate) fn complete(&self, mark: ReadMark) -> ReadMark {
        let mut arrivals = self.arrivals.iter().rev();
        match (mark.row, mark.arrived) {
            (Some(row), None) => {
                let arrived = arrivals.find(|(other, _)| *other <= row).map(|(_, at)| *at);
                ReadMark { arrived, ..mark }
            }
            (None, Some(arrived)) => {
                let until = arrived.0.saturating_add(ARRIVAL_TOLERANCE_MILLISECONDS);
                let row = arrivals.find(|(_, at)| at.0 <= until).map(|(row, _)| *row);
                ReadMark { row, ..mark }
            }
            _ => mark,
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
                Timer::CatchUpAgain => self.catch_up(now, false, false),
                Timer::Missed => {
                    self.timers.set(Timer::Missed, now);
                    self.fetch_missed(now);
                }
                Timer::Page => {
                    self.page_refused(now, Retry::After(HISTORY_RETRY));
                }
                Timer::RetryPage => {}
            }
        }
    }

    fn catch_up(&mut self, now: Timestamp, first: bool, gap: bool) {
        if !first && self.reading != Reading::Idle {
            self.timers.set(Timer::CatchUpAgain, now + CATCH_UP_AGAIN);
        } else {
            if matches!(self.reading, Reading::Older { .. }) {
                self.history = History::More;
            }
            let (next, newest, oldest) = (None, None, None);
            let until = self.contiguous.clone();
            let (is_met, pages) = (false, 0);
            let catch_up = CatchUp { next, until, is_met, newest, oldest, pages, first, gap };
            self.reading = Reading::CatchUp { catch_up, asked: None };
        }
    }

    fn set_older(&mut self, older: Option<Cursor>, reached: Option<OrderKey>) {
        self.history = if older.is_some() { History::More } else { History::Beginning };
        (self.older, self.reached) = (older, reached);
    }

    fn forget_request(&mut self) {
        match &mut self.reading {
            Reading::Idle => {}
            Reading::CatchUp { asked, .. }
            | Reading::Older { asked, .. }
            | Reading::Gap { asked, .. } => *asked = None,
        }
    }

    fn stop_reading(&mut self) {
        if matches!(self.reading, Reading::Older { .. }) {
            self.history = History::More;
        }
        self.reading = Reading::Idle;
    }
}

impl CatchUp {
    /// Takes the place of the message at which it ends from the history, if that has it here.
    fn meet(&mut self, page: &Page) {
        let Some(until) = &mut self.until else { return };
        let keys = page.messages.iter().filter_map(Incoming::order_key);
        if let Some(key) = keys.into_iter().find(|key| key.id == until.id) {
            (*until, self.is_met) = (key, true);
        }
    }
}

/// Before the first message of a room that had none.
fn start() -> OrderKey {
    OrderKey { created_at: String::new(), id: MessageId(String::new()) }
}

/// Whether a page has nothing but the place where the next one begins.
fn is_empty_page(page: &Page, asked: Option<&Cursor>) -> bool {
    page.messages.is_empty() && page.next.is_some() && page.next.as_ref() != asked
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
