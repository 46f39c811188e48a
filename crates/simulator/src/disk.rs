//! The disk of a device: what outlives a page, and what does not.

use std::collections::BTreeMap;

use roomlet_client::{
    Record, RoomId, Shelf, StorageAnswer, StorageChange, StorageRequestId, TabId, WallClock, Whose,
};
use serde_json::Value;

use crate::chance::Chance;

/// How long a disk takes at most for one thing, in milliseconds.
const QUICK: u64 = 40;
/// A disk that is asked for much at once; nobody waits for it longer than a second.
const SLOW: u64 = 900;

/// A page that has not said for so long that it lives counts as gone, in milliseconds.
pub(crate) const SILENCE: u64 = 30_000;

/// How well a disk does what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    /// Not as quick as people are.
    Slow,
    /// From a time on nothing of it works any more; from the beginning, where the browser forbids it.
    Broken {
        from: u64,
    },
    /// The same, but there is no answer at all.
    Hanging {
        from: u64,
    },
}

/// What the disk is asked to do.
#[derive(Debug, Clone)]
pub(crate) enum Errand {
    Open,
    Write(Vec<StorageChange>),
    Adopt { from: TabId, to: TabId },
}

/// Something that the disk is asked to do, by one page.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) request: StorageRequestId,
    pub(crate) whose: Whose,
    pub(crate) errand: Errand,
}

/// The disk.
#[derive(Debug)]
pub(crate) struct Disk {
    mood: Mood,
    records: BTreeMap<(Whose, Shelf, String), String>,
    /// Without locks: when pages have said that they live.
    beats: BTreeMap<(Whose, TabId), WallClock>,
    /// What pages have asked for is done in order.
    busy_until: u64,
    /// Until then there is no space left: reading and deleting work.
    full_until: u64,
}

impl Disk {
    pub(crate) fn new(chance: &mut Chance) -> Self {
        let mood = match chance.between(0, 9) {
            0 => Mood::Slow,
            1 => Mood::Broken { from: 0 },
            2 => Mood::Broken { from: chance.between(1, 200_000) },
            3 => Mood::Hanging { from: chance.between(0, 200_000) },
            _ => Mood::Good,
        };
        let (records, beats) = (BTreeMap::new(), BTreeMap::new());
        Self { mood, records, beats, busy_until: 0, full_until: 0 }
    }

    /// When something that is asked for now is done; `None` if there will be no answer.
    pub(crate) fn done_at(&mut self, chance: &mut Chance, now: u64) -> Option<u64> {
        let longest = match self.mood {
            Mood::Hanging { from } if from <= now => return None,
            Mood::Slow => SLOW,
            Mood::Good | Mood::Broken { .. } | Mood::Hanging { .. } => QUICK,
        };
        self.busy_until = self.busy_until.max(now + chance.between(1, longest));
        Some(self.busy_until)
    }

    /// Does what was asked for.
    pub(crate) fn does(&mut self, now: u64, operation: &Operation) -> StorageAnswer {
        if !self.works(now) || (self.is_full(now) && self.needs_space(operation)) {
            return StorageAnswer::Failed;
        }
        let whose = &operation.whose;
        match &operation.errand {
            Errand::Open => StorageAnswer::Opened(self.of(whose).collect()),
            Errand::Write(changes) => self.write(whose, changes),
            Errand::Adopt { from, to } => {
                let shelf = Shelf::Unsent(from.clone());
                let mut adopted =
                    self.of(whose).filter(|one| one.shelf == shelf).collect::<Vec<_>>();
                for record in &mut adopted {
                    let name = record.name.clone();
                    self.records.remove(&(whose.clone(), shelf.clone(), name.clone()));
                    record.shelf = Shelf::Unsent(to.clone());
                    let key = (whose.clone(), record.shelf.clone(), name);
                    self.records.insert(key, record.value.clone());
                }
                self.ends_beats(whose, from);
                StorageAnswer::Adopted(adopted)
            }
        }
    }

    /// Forgets somebody.
    pub(crate) fn clear(&mut self, whose: &Whose) {
        self.records.retain(|(of, _, _), _| of != whose);
        self.beats.retain(|(of, _), _| of != whose);
    }

    /// There is no space left on it for a while.
    pub(crate) fn is_full_until(&mut self, until: u64) {
        self.full_until = until;
    }

    pub(crate) fn is_full(&self, now: u64) -> bool {
        now < self.full_until
    }

    /// A page said at a time that it lives. Returns when all have said so; those who have not for long are forgotten.
    pub(crate) fn beat(
        &mut self,
        now: u64,
        (whose, tab): (&Whose, &TabId),
        at: WallClock,
    ) -> Option<BTreeMap<TabId, WallClock>> {
        if !self.works(now) || self.is_full(now) {
            return None;
        }
        self.beats.insert((whose.clone(), tab.clone()), at);
        let own = self.beats.iter().filter(|((of, _), _)| of == whose);
        let said = own.map(|((_, tab), at)| (tab.clone(), *at)).collect();
        self.beats.retain(|(of, _), said| of != whose || is_recent(*said, at));
        Some(said)
    }

    /// A page says that it goes.
    pub(crate) fn ends_beats(&mut self, whose: &Whose, tab: &TabId) {
        self.beats.remove(&(whose.clone(), tab.clone()));
    }

    fn works(&self, now: u64) -> bool {
        !matches!(self.mood, Mood::Broken { from } | Mood::Hanging { from } if from <= now)
    }

    fn needs_space(&self, operation: &Operation) -> bool {
        match &operation.errand {
            Errand::Open => false,
            Errand::Write(changes) => {
                changes.iter().any(|change| !matches!(change, StorageChange::Delete { .. }))
            }
            // What is moved is written before it is deleted.
            Errand::Adopt { from, .. } => {
                let shelf = Shelf::Unsent(from.clone());
                self.of(&operation.whose).any(|record| record.shelf == shelf)
            }
        }
    }

    /// How many records somebody has of an unsent message, on the shelf of a tab or on any.
    pub(crate) fn unsent(
        &self,
        (whose, of): (&Whose, Option<&TabId>),
        room: &RoomId,
        text: &str,
    ) -> u32 {
        self.count(Some(whose), |shelf, value| {
            let is_there = match shelf {
                Shelf::Unsent(tab) => of.is_none_or(|of| of == tab),
                _ => false,
            };
            is_there && value["roomId"] == room.as_str() && value["text"] == text
        })
    }

    /// Whether somebody has an unsent message there.
    pub(crate) fn has_unsent(&self, whose: &Whose) -> bool {
        self.count(Some(whose), |shelf, _| matches!(shelf, Shelf::Unsent(_))) > 0
    }

    /// How many of them wait for nothing but their turn.
    pub(crate) fn queued(&self, (whose, of): (&Whose, &TabId), room: &RoomId, text: &str) -> u32 {
        self.count(Some(whose), |shelf, value| {
            matches!(shelf, Shelf::Unsent(tab) if tab == of)
                && value["roomId"] == room.as_str()
                && value["text"] == text
                && value["halted"].is_null()
        })
    }

    /// Whether it is known that an unsent message was on its way.
    pub(crate) fn knows_tried(&self, room: &RoomId, text: &str) -> bool {
        self.count(None, |shelf, value| {
            matches!(shelf, Shelf::Unsent(_))
                && value["roomId"] == room.as_str()
                && value["text"] == text
                && value["tried"] == true
        }) > 0
    }

    fn count(&self, whose: Option<&Whose>, is_it: impl Fn(&Shelf, &Value) -> bool) -> u32 {
        let fits = |shelf: &Shelf, value: &String| {
            is_it(shelf, &serde_json::from_str(value).unwrap_or_default())
        };
        let own = self.records.iter().filter(|((of, ..), _)| whose.is_none_or(|whose| of == whose));
        let fitting = own.filter(|((_, shelf, _), value)| fits(shelf, value));
        u32::try_from(fitting.count()).unwrap_or(u32::MAX)
    }

    fn write(&mut self, whose: &Whose, changes: &[StorageChange]) -> StorageAnswer {
        let is_missing = |change: &StorageChange| match change {
            StorageChange::Replace(record) => {
                let key = (whose.clone(), record.shelf.clone(), record.name.clone());
                !self.records.contains_key(&key)
            }
            StorageChange::Put(_) | StorageChange::Delete { .. } => false,
        };
        if changes.iter().any(is_missing) {
            return StorageAnswer::Missing;
        }
        for change in changes {
            match change {
                StorageChange::Put(Record { shelf, name, value })
                | StorageChange::Replace(Record { shelf, name, value }) => {
                    let key = (whose.clone(), shelf.clone(), name.clone());
                    self.records.insert(key, value.clone());
                }
                StorageChange::Delete { shelf, name } => {
                    self.records.remove(&(whose.clone(), shelf.clone(), name.clone()));
                }
            }
        }
        StorageAnswer::Stored
    }

    fn of(&self, whose: &Whose) -> impl Iterator<Item = Record> {
        let own = self.records.iter().filter(move |((of, _, _), _)| of == whose);
        own.map(|((_, shelf, name), value)| Record {
            shelf: shelf.clone(),
            name: name.clone(),
            value: value.clone(),
        })
    }
}

/// Whether a time is not long ago; the clock may have been set back meanwhile.
pub(crate) fn is_recent(at: WallClock, now: WallClock) -> bool {
    now.0.abs_diff(at.0) < SILENCE
}
