//! What outlives the page: a person's unsent messages, drafts and read marks, on the device.
//!
//! ```text
//!  Off     Nobody ──identify──► Opening ──opened──► Open
//!            ▲                     │ failed, late     │ a write failed, or took too long; lost
//!            └──────leave──────────┴─► Failed ◄───────┘        writes go on, but nobody waits for them
//! ```
//!
//! Several tabs of one person share the records. Each has a shelf of its own for what it has not delivered; when a tab
//! is gone, another one adopts its shelf, in one step, so that of several only one does. One that has just been opened
//! does so at once, others wait for a while: most tabs that end are loaded again, and show next what they had.

mod record;
mod tab_news;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::chat::ids::{StorageRequestId, TabId};
use crate::chat::outbox::Disk;
use crate::client::Output;
use crate::time::Timestamp;
use crate::timer::Deadline;
pub(crate) use record::{Delivered, Restored};
pub use record::{Record, Shelf, StorageChange, Whose};
pub(crate) use tab_news::TabNews;

/// How long the device may take to open its storage, and for each change. People must not wait for a disk.
const STORAGE_DEADLINE: Duration = Duration::from_secs(1);
/// Tabs that are watched; there are rarely more than a handful, and what one beyond holds back is found by the next
/// client that opens the storage.
const MAX_WATCHED: usize = 64;
/// A tab that ends so soon after this one was opened had ended before: it takes as long until that is heard.
const JUST_OPENED: Duration = Duration::from_secs(2);
/// How long a page takes to be loaded again, until it has adopted what it had before. Who has been open meanwhile leaves
/// it the time.
const LOADING: Duration = Duration::from_secs(4);
/// Where there are no locks, tabs look for each other's signs of life this seldom: one hears so much later than another
/// that a third has ended.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// What could not be adopted, for example since the disk was full, is tried again after this time.
const ADOPT_AGAIN: Duration = Duration::from_secs(30);
/// Requests that are waited for: at the bound the storage counts as failed, since it does not keep up.
const MAX_AWAITED: usize = 2_000;
/// How long a storage that has failed may owe an answer before nothing is expected of it any more. What must not be sent
/// twice waits for it until then.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests that a storage may owe that has failed, and is asked for something new all the same, since it may come to
/// itself.
const MAX_OWED: usize = 100;

#[derive(Debug)]
enum State {
    /// The page wants nothing kept.
    Off,
    /// It is not known yet who the person is.
    Nobody,
    Opening(Whose),
    Open(Whose),
    /// `was_opened`: it may still come to itself.
    Failed {
        whose: Whose,
        was_opened: bool,
    },
}

#[derive(Debug)]
struct Awaited {
    request: StorageRequestId,
    deadline: Timestamp,
    /// The deadline came late itself, and the answer may wait behind it.
    is_extended: bool,
}

/// The device's storage, as one client sees it.
#[derive(Debug)]
pub(crate) struct Keeping {
    state: State,
    tab: TabId,
    requests: u32,
    awaited: VecDeque<Awaited>,
    /// Requests that people need not wait for any more, and that may be answered late, with the time of the request, or
    /// of the failure if that came later.
    owed: VecDeque<(StorageRequestId, Timestamp)>,
    /// The first of them has been owed for too long.
    is_given_up: bool,
    watched: BTreeSet<TabId>,
    /// Tabs that live no more, and when what they have left becomes this one's if nobody else has taken it by then.
    /// Together with those that are watched and those that are being adopted at most [`MAX_WATCHED`].
    left: BTreeMap<TabId, Timestamp>,
    adopting: BTreeMap<StorageRequestId, TabId>,
    /// When the storage was opened.
    opened_at: Timestamp,
    /// Tabs to watch once the storage is open: what it had when it was read need not have been all.
    heard: BTreeSet<TabId>,
    /// What became of the storage is to be told.
    has_failed: bool,
    was_told: bool,
    outputs: VecDeque<Output>,
}

impl Keeping {
    /// Keeps nothing, or what there will be of somebody.
    pub(crate) fn new(tab: TabId, is_on: bool) -> Self {
        Self {
            state: if is_on { State::Nobody } else { State::Off },
            tab,
            requests: 0,
            awaited: VecDeque::new(),
            owed: VecDeque::new(),
            is_given_up: false,
            watched: BTreeSet::new(),
            left: BTreeMap::new(),
            adopting: BTreeMap::new(),
            opened_at: Timestamp(0),
            heard: BTreeSet::new(),
            has_failed: false,
            was_told: false,
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn tab(&self) -> &TabId {
        &self.tab
    }

    /// The person is known: their records are opened, and those of anybody else are left.
    pub(crate) fn identify(&mut self, now: Timestamp, whose: Option<Whose>) {
        if matches!(self.state, State::Off) || whose.as_ref() == self.whose() {
            return;
        }
        self.leave(false);
        let Some(whose) = whose else { return };
        let request = self.request(now);
        let tab = self.tab.clone();
        self.outputs.push_back(Output::OpenStorage { request, whose: whose.clone(), tab });
        self.state = State::Opening(whose);
    }

    /// The person has gone; with `clear` nothing of them stays.
    pub(crate) fn leave(&mut self, clear: bool) {
        if self.whose().is_some() {
            self.outputs.push_back(Output::CloseStorage { clear });
            self.state = State::Nobody;
        }
        self.awaited.clear();
        self.owed.clear();
        self.is_given_up = false;
        self.watched.clear();
        self.left.clear();
        self.adopting.clear();
        self.heard.clear();
    }

    /// Nothing is kept any more.
    pub(crate) fn end(&mut self) {
        self.leave(false);
        self.state = State::Off;
    }

    /// What messages may expect of the disk before they are sent.
    pub(crate) fn disk(&self) -> Disk {
        match &self.state {
            State::Opening(_) | State::Open(_) => Disk::Awaited,
            State::Failed { was_opened, .. }
                if !self.is_given_up && (*was_opened || !self.owed.is_empty()) =>
            {
                Disk::Late
            }
            State::Off | State::Nobody | State::Failed { .. } => Disk::Without,
        }
    }

    /// Whether changes are worth asking for.
    pub(crate) fn takes_changes(&self) -> bool {
        matches!(self.state, State::Open(_) | State::Failed { was_opened: true, .. })
    }

    /// Whether it may be asked to keep what it does not have yet. What it does not do must not pile up.
    pub(crate) fn takes_new(&self) -> bool {
        self.takes_changes() && self.owed.len() < MAX_OWED
    }

    /// Whether drafts and read marks are worth storing now: there is always a later one, so that a storage that has
    /// failed is asked for the latest alone, once it has answered everything else.
    pub(crate) fn takes_drafts(&self) -> bool {
        self.takes_changes() && self.owed.is_empty()
    }

    /// Whether all records of the person are known, or there will be none.
    pub(crate) fn is_settled(&self) -> bool {
        !matches!(self.state, State::Opening(_))
    }

    /// Whether what is to be kept has a place now, or never will.
    pub(crate) fn has_place(&self) -> bool {
        !matches!(self.state, State::Nobody | State::Opening(_))
    }

    /// Asks for a change of records.
    pub(crate) fn write(
        &mut self,
        now: Timestamp,
        changes: Vec<StorageChange>,
    ) -> StorageRequestId {
        let request = self.request(now);
        self.outputs.push_back(Output::WriteStorage { request, changes });
        request
    }

    /// The request has been answered; says whether it is one of the present person's.
    pub(crate) fn answered(&mut self, now: Timestamp, request: StorageRequestId) -> bool {
        let before = self.awaited.len() + self.owed.len();
        self.awaited.retain(|awaited| awaited.request != request);
        // Late answers are as good as others.
        self.owed.retain(|(owed, _)| *owed != request);
        self.lose_patience(now);
        before != self.awaited.len() + self.owed.len()
    }

    /// The storage is open, or has come to itself.
    pub(crate) fn opened(&mut self, now: Timestamp) {
        self.opened_at = now;
        self.state = match std::mem::replace(&mut self.state, State::Nobody) {
            State::Opening(whose) => State::Open(whose),
            State::Failed { whose, .. } => State::Failed { whose, was_opened: true },
            state => state,
        };
        for tab in std::mem::take(&mut self.heard) {
            self.watch(&tab);
        }
    }

    /// Nothing is to be expected of the storage any more.
    pub(crate) fn fail(&mut self, now: Timestamp) {
        self.state = match std::mem::replace(&mut self.state, State::Nobody) {
            State::Opening(whose) => State::Failed { whose, was_opened: false },
            State::Open(whose) => State::Failed { whose, was_opened: true },
            state => state,
        };
        self.owed.extend(self.awaited.drain(..).map(|awaited| (awaited.request, now)));
        self.has_failed = matches!(self.state, State::Failed { .. });
    }

    /// The storage is gone for good; what it has been asked for may still be done.
    pub(crate) fn lost(&mut self, now: Timestamp) {
        self.fail(now);
        if let State::Failed { was_opened, .. } = &mut self.state {
            *was_opened = false;
        }
    }

    /// Whether the person is to be told that nothing is kept: once.
    pub(crate) fn take_failure(&mut self) -> bool {
        std::mem::take(&mut self.has_failed) && !std::mem::replace(&mut self.was_told, true)
    }

    /// A tab has unsent messages: when it is gone, they need somebody.
    pub(crate) fn watch(&mut self, tab: &TabId) {
        let is_open = self.takes_changes();
        // Who still has something to say has not ended, or has only just.
        self.left.remove(tab);
        let tabs = if is_open { &mut self.watched } else { &mut self.heard };
        let all = tabs.len() + self.left.len() + self.adopting.len();
        let has_space = *tab != self.tab && all < MAX_WATCHED;
        if has_space && tabs.insert(tab.clone()) && is_open {
            self.outputs.push_back(Output::WatchTab { tab: tab.clone() });
        }
    }

    /// A tab lives no more, and has been silent for so long: its messages become this one's, now or soon.
    pub(crate) fn gone(&mut self, now: Timestamp, tab: TabId, silent: Duration) {
        if !self.watched.remove(&tab) {
            return;
        }
        if now.since(self.opened_at) <= silent.saturating_add(JUST_OPENED) {
            return self.adopt(now, tab);
        }
        let apart = if silent.is_zero() { Duration::ZERO } else { BETWEEN_LOOKS };
        self.left.insert(tab, now + LOADING + apart);
    }

    fn adopt(&mut self, now: Timestamp, tab: TabId) {
        if self.takes_changes() {
            // From now on this tab is the one to be watched.
            self.holds_unsent();
            let request = self.request(now);
            self.adopting.insert(request, tab.clone());
            self.outputs.push_back(Output::AdoptUnsent { request, from: tab });
        }
    }

    /// What a tab has left is this one's now. Where there are no locks it may live on, and should know.
    pub(crate) fn adopted(&mut self, request: StorageRequestId, is_something: bool) {
        if let Some(from) = self.adopting.remove(&request).filter(|_| is_something) {
            self.tell(&TabNews::Takes { from });
        }
    }

    /// The same has failed, if it was that: somebody has to try again.
    pub(crate) fn not_adopted(&mut self, now: Timestamp, request: StorageRequestId) {
        if let Some(from) = self.adopting.remove(&request) {
            self.left.insert(from, now + ADOPT_AGAIN);
        }
    }

    pub(crate) fn tell(&mut self, news: &TabNews) {
        if self.whose().is_some() {
            self.outputs.push_back(Output::TellTabs { news: news.to_json() });
        }
    }

    /// This tab has unsent messages on the disk. It is said of each, since who has taken this tab for gone, as happens
    /// where there are no locks, watches it no more.
    pub(crate) fn holds_unsent(&mut self) {
        self.tell(&TabNews::HoldsUnsent { tab: self.tab.clone() });
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn next_deadline(&self) -> Option<Deadline> {
        let awaited = self.awaited.iter().map(|awaited| awaited.deadline).min();
        let owed = self.owed.front().filter(|_| !self.is_given_up).map(|(_, at)| *at + PATIENCE);
        let at = awaited.into_iter().chain(owed).min();
        let silent = at.map(|at| Deadline { at, reason: "the device's storage does not answer" });
        let left = self.left.values().min();
        let left =
            left.map(|at| Deadline { at: *at, reason: "a tab that is gone has left something" });
        Deadline::earliest([silent, left])
    }

    pub(crate) fn handle_time(&mut self, now: Timestamp) {
        for awaited in &mut self.awaited {
            // After a sleep the time is over before anything has had a chance to answer.
            let is_late = now >= awaited.deadline + STORAGE_DEADLINE;
            if is_late && !std::mem::replace(&mut awaited.is_extended, true) {
                awaited.deadline = now + STORAGE_DEADLINE;
            }
        }
        if self.awaited.iter().any(|awaited| awaited.deadline <= now) {
            self.fail(now);
        }
        self.lose_patience(now);
        for (tab, _) in self.left.extract_if(.., |_, at| *at <= now).collect::<Vec<_>>() {
            self.adopt(now, tab);
        }
    }

    fn lose_patience(&mut self, now: Timestamp) {
        self.is_given_up = self.owed.front().is_some_and(|(_, at)| *at + PATIENCE <= now);
    }

    fn whose(&self) -> Option<&Whose> {
        match &self.state {
            State::Off | State::Nobody => None,
            State::Opening(whose) | State::Open(whose) | State::Failed { whose, .. } => Some(whose),
        }
    }

    fn request(&mut self, now: Timestamp) -> StorageRequestId {
        self.requests = self.requests.wrapping_add(1);
        let request = StorageRequestId(self.requests);
        if matches!(self.state, State::Failed { .. }) {
            self.owed.push_back((request, now));
        } else {
            let deadline = now + STORAGE_DEADLINE;
            self.awaited.push_back(Awaited { request, deadline, is_extended: false });
            if self.awaited.len() > MAX_AWAITED {
                self.fail(now);
            }
        }
        request
    }
}
