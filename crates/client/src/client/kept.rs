//! What a person leaves in their rooms beside messages: drafts, and how far they have read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::chat::ids::{ClientMessageId, RoomId};
use crate::chat::person::MAX_SENDS_REMEMBERED;
use crate::chat::reading::ReadMark;
use crate::keeping::{Delivered, Record, Shelf, StorageChange, TabNews};
use crate::time::Timestamp;
use crate::timer::Deadline;

/// Drafts and marks are stored after this time, so that not each key press is a change of the disk.
const STORE_AFTER: Duration = Duration::from_millis(300);
/// Rooms with a draft or a mark; those of others are not kept.
const MAX_ROOMS_KEPT: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Unstored {
    Draft(RoomId),
    Read(RoomId),
}

/// What is kept of a person, whatever rooms are open.
#[derive(Debug, Default)]
pub(super) struct Kept {
    drafts: BTreeMap<RoomId, String>,
    marks: BTreeMap<RoomId, ReadMark>,
    /// Marks of rooms for which nothing has said yet how far they were read.
    supposed: BTreeMap<RoomId, ReadMark>,
    /// What the disk does not know yet, at most of [`MAX_ROOMS_KEPT`] rooms.
    unstored: BTreeSet<Unstored>,
    /// What other tabs do not know yet.
    untold: BTreeSet<Unstored>,
    store_at: Option<Timestamp>,
    /// Which records of delivered messages there are, the oldest first.
    delivered: VecDeque<ClientMessageId>,
}

impl Kept {
    pub(super) fn draft(&self, room: &RoomId) -> &str {
        self.drafts.get(room).map_or("", String::as_str)
    }

    /// The person has written something; says whether that is news.
    pub(super) fn set_draft(&mut self, now: Timestamp, room: &RoomId, text: &str) -> bool {
        if !self.hear_draft(room, text) {
            return false;
        }
        self.changed(now, Unstored::Draft(room.clone()));
        true
    }

    /// The same, in another tab, which stores it.
    pub(super) fn hear_draft(&mut self, room: &RoomId, text: &str) -> bool {
        let is_full = self.drafts.len() >= MAX_ROOMS_KEPT && !self.drafts.contains_key(room);
        if self.draft(room) == text || is_full {
            return false;
        }
        if text.is_empty() {
            self.drafts.remove(room);
        } else {
            self.drafts.insert(room.clone(), text.to_owned());
        }
        true
    }

    pub(super) fn mark(&self, room: &RoomId) -> Option<&ReadMark> {
        self.marks.get(room).or_else(|| self.supposed.get(room))
    }

    /// Who comes to a room for the first time has not missed anything. While it `may_be_known` how far they have read,
    /// this is only supposed, and nobody else hears of it.
    pub(super) fn begin(
        &mut self,
        now: Timestamp,
        room: &RoomId,
        may_be_known: bool,
        end: impl FnOnce() -> ReadMark,
    ) {
        if self.marks.contains_key(room) {
            return;
        }
        let supposed = self.supposed.remove(room).unwrap_or_else(end);
        if !may_be_known {
            self.read(now, room, supposed);
        } else if self.supposed.len() < MAX_ROOMS_KEPT {
            self.supposed.insert(room.clone(), supposed);
        }
    }

    /// The person has read on.
    pub(super) fn read(&mut self, now: Timestamp, room: &RoomId, mark: ReadMark) {
        if self.hear_mark(room, mark) {
            self.changed(now, Unstored::Read(room.clone()));
        }
    }

    fn changed(&mut self, now: Timestamp, what: Unstored) {
        self.unstored.insert(what.clone());
        self.untold.insert(what);
        self.store_at.get_or_insert(now + STORE_AFTER);
    }

    /// The same, in another tab; says whether that is news.
    pub(super) fn hear_mark(&mut self, room: &RoomId, mark: ReadMark) -> bool {
        if self.marks.len() >= MAX_ROOMS_KEPT && !self.marks.contains_key(room) {
            return false;
        }
        let is_first = !self.marks.contains_key(room);
        self.marks.entry(room.clone()).or_default().advance(mark) || is_first
    }

    /// What other tabs should hear.
    pub(super) fn take_untold(&mut self) -> Vec<TabNews> {
        self.store_at = None;
        let untold = std::mem::take(&mut self.untold);
        untold
            .into_iter()
            .filter_map(|what| match what {
                Unstored::Draft(room) => {
                    let text = self.draft(&room).to_owned();
                    Some(TabNews::Draft { room, text })
                }
                Unstored::Read(room) => {
                    let mark = ReadMark { row: None, ..self.marks.get(&room)?.clone() };
                    Some(TabNews::Read { room, mark })
                }
            })
            .collect()
    }

    /// What the disk should have.
    pub(super) fn take_unstored(&mut self) -> Vec<StorageChange> {
        let unstored = std::mem::take(&mut self.unstored);
        unstored
            .into_iter()
            .filter_map(|what| match what {
                Unstored::Draft(room) => Some(draft_change(&room, self.draft(&room))),
                Unstored::Read(room) => {
                    let mark = self.marks.get(&room)?;
                    Some(StorageChange::Put(Record::read_mark(&room, mark)))
                }
            })
            .collect()
    }

    /// Whether the disk had no time when its time had come.
    pub(super) fn is_behind(&self) -> bool {
        self.store_at.is_none() && !self.unstored.is_empty()
    }

    /// When something is to be stored.
    pub(super) fn next_deadline(&self) -> Option<Deadline> {
        self.store_at.map(|at| Deadline { at, reason: "a draft or a read mark is to be stored" })
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.store_at.is_some_and(|at| at <= now)
    }

    /// A draft that has just been sent is none any more; returns the change that says so.
    pub(super) fn sent_draft(&mut self, room: &RoomId, text: &str) -> Option<StorageChange> {
        if self.draft(room).trim() != text.trim() {
            return None;
        }
        self.drafts.remove(room)?;
        let draft = Unstored::Draft(room.clone());
        self.unstored.remove(&draft);
        self.untold.remove(&draft);
        Some(draft_change(room, ""))
    }

    /// The disk has a record of a message that was delivered; returns those that are too many.
    pub(super) fn remember_delivered(&mut self, delivered: &Delivered) -> Option<StorageChange> {
        self.delivered.push_back(delivered.id.clone());
        let is_full = self.delivered.len() > MAX_SENDS_REMEMBERED;
        let oldest = if is_full { self.delivered.pop_front() } else { None };
        oldest.map(|id| StorageChange::Delete { shelf: Shelf::Sent, name: id.0 })
    }
}

fn draft_change(room: &RoomId, text: &str) -> StorageChange {
    if text.is_empty() {
        StorageChange::Delete { shelf: Shelf::Draft, name: room.as_str().to_owned() }
    } else {
        StorageChange::Put(Record::draft(room, text))
    }
}
