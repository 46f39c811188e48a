//! What a list of messages shows, pure: rows with what stands above each, in groups, and what waits below a reader.
//!
//! A [`Transcript`] is fed the [`Change`]s of a room's rows and drained of [`Operation`]s. Carried out in order, they
//! make any picture of the list equal to it, touching only what differs.

mod groups;
mod leads;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::chat::ids::RowId;
use crate::chat::message::{Delivery, Row};
use crate::chat::timeline::Change;
use crate::time::WallClock;
pub use groups::GroupId;
use groups::Groups;
use leads::{Before, lead};
pub use leads::{Day, Lead};

/// What is to be done to a picture of the list. Places are those at the time of the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A group without rows comes to stand before another one, or at the end.
    NewGroup {
        /// The new one.
        group: GroupId,
        /// The one after it.
        before: Option<GroupId>,
    },
    /// The rows from a place on leave their group for a new one, right after it.
    Split {
        /// The group they leave.
        group: GroupId,
        /// How many rows stay in it.
        at: usize,
        /// The new one.
        new: GroupId,
    },
    /// A group has gone; it has no rows any more.
    DropGroup(GroupId),
    /// A row leaves its place, and is put somewhere else right after.
    Lift(RowId),
    /// A row comes to stand in a group.
    Put {
        /// The group.
        group: GroupId,
        /// How many rows of the group stand before it.
        at: usize,
        /// The row.
        row: Row,
        /// What stands above it.
        lead: Lead,
    },
    /// A row stays where it is, and says something else.
    Update(Row),
    /// Something else stands above a row.
    Lead(RowId, Lead),
    /// A row has gone.
    Remove(RowId),
    /// All of it has gone.
    Clear,
}

/// The list of one room.
#[derive(Debug)]
pub struct Transcript {
    rows: VecDeque<Entry>,
    /// The time of the first row that has one.
    first: Option<WallClock>,
    held: Option<Held>,
    groups: Groups,
    operations: Vec<Operation>,
    day: fn(WallClock) -> Day,
}

#[derive(Debug)]
struct Entry {
    row: Row,
    /// Of its own time.
    day: Option<Day>,
    lead: Lead,
    /// What the next row sees before it.
    after: Option<Before>,
}

/// Where the list ends for somebody who reads further up: nothing is added at its end.
#[derive(Debug)]
struct Held {
    /// So many rows keep their place; all that comes after them waits, ...
    shown: usize,
    /// ... but for rows that were there: what the backend has not confirmed moves behind whatever arrives.
    kept: Vec<RowId>,
}

impl Transcript {
    /// An empty list; `day` tells apart the days of the reader's calendar.
    pub fn new(day: fn(WallClock) -> Day) -> Self {
        Self {
            rows: VecDeque::new(),
            first: None,
            held: None,
            groups: Groups::default(),
            operations: Vec::new(),
            day,
        }
    }

    /// Takes in how the rows of the room have changed.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Put { index, row } => {
                let place = self.index(row.id);
                match place {
                    Some(place) if place == *index => self.update(place, row.clone()),
                    Some(place) => {
                        let was_shown = self.take_out(place, Operation::Lift(row.id));
                        self.put_in(*index, row.clone(), was_shown);
                    }
                    None => self.put_in(*index, row.clone(), false),
                }
            }
            Change::Removed(id) => {
                if let Some(index) = self.index(*id) {
                    self.take_out(index, Operation::Remove(*id));
                    self.groups.drop_empty(&mut self.operations);
                }
            }
        }
        self.check_first();
    }

    /// Begins again with the rows of a room, with nothing held back.
    pub fn fill(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.rows = rows.into_iter().map(|row| Entry::new(row, self.day)).collect();
        self.held = None;
        self.first = self.rows.iter().find_map(Entry::time);
        for index in 0..self.rows.len() {
            self.find_lead(index);
        }
        self.draw();
    }

    /// Makes the picture from scratch.
    pub fn draw(&mut self) {
        self.operations.clear();
        self.operations.push(Operation::Clear);
        self.groups = Groups::after(&self.groups);
        let shown = (0..self.rows.len()).filter(|index| self.place(*index).is_some());
        for (place, index) in shown.collect::<Vec<_>>().into_iter().enumerate() {
            self.show(index, place);
        }
    }

    /// From now on nothing is added at the end.
    pub fn hold(&mut self) {
        if self.held.is_none() {
            let moves = |entry: &&Entry| {
                entry.row.message().is_some_and(|message| message.delivery != Delivery::Sent)
            };
            let kept = self.rows.iter().rev().take_while(moves).map(|entry| entry.row.id);
            let kept = kept.collect::<Vec<_>>();
            self.held = Some(Held { shown: self.rows.len() - kept.len(), kept });
        }
    }

    /// Shows what was held back, and whatever comes.
    pub fn release(&mut self) {
        let Some(held) = self.held.take() else { return };
        for index in held.shown..self.rows.len() {
            if self.rows.get(index).is_some_and(|entry| !held.kept.contains(&entry.row.id)) {
                self.show(index, index);
            }
        }
    }

    /// Whether anything is held back.
    pub fn holds_back(&self) -> bool {
        self.held.is_some() && self.groups.rows() < self.rows.len()
    }

    /// Whether the room has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The last row that is shown.
    pub fn last_shown(&self) -> Option<RowId> {
        (0..self.rows.len())
            .rev()
            .find(|index| self.place(*index).is_some())
            .and_then(|index| self.rows.get(index).map(|entry| entry.row.id))
    }

    /// A row of the room.
    pub fn row(&self, id: RowId) -> Option<&Row> {
        self.rows.get(self.index(id)?).map(|entry| &entry.row)
    }

    /// Whether there is anything to be done to the picture.
    pub fn has_operations(&self) -> bool {
        !self.operations.is_empty()
    }

    /// What is to be done to the picture since the last call.
    pub fn take_operations(&mut self) -> Vec<Operation> {
        std::mem::take(&mut self.operations)
    }

    fn update(&mut self, index: usize, row: Row) {
        let is_shown = self.place(index).is_some();
        if let Some(entry) = self.rows.get_mut(index) {
            let same_time = entry.time() == row.message().and_then(|message| message.time);
            let day = entry.day;
            *entry = Entry { lead: entry.lead, after: entry.after.take(), row, day };
            if !same_time {
                entry.day = entry.time().map(self.day);
            }
            if is_shown {
                self.operations.push(Operation::Update(entry.row.clone()));
            }
        }
        self.lead_from(index);
    }

    /// Takes a row out of the list; says whether it was shown. Its group stays, even if it has no rows any more.
    fn take_out(&mut self, index: usize, operation: Operation) -> bool {
        let place = self.place(index);
        self.rows.remove(index);
        if let Some(held) = &mut self.held
            && index < held.shown
        {
            held.shown -= 1;
        }
        if let Some(place) = place {
            self.groups.remove(place);
            self.operations.push(operation);
        }
        self.lead_from(index);
        place.is_some()
    }

    fn put_in(&mut self, index: usize, row: Row, was_shown: bool) {
        let index = index.min(self.rows.len());
        let id = row.id;
        self.rows.insert(index, Entry::new(row, self.day));
        if let Some(held) = &mut self.held
            && index < held.shown
        {
            held.shown += 1;
        }
        self.find_lead(index);
        match self.place(index) {
            Some(place) => self.show(index, place),
            None if was_shown => self.operations.push(Operation::Remove(id)),
            None => {}
        }
        self.groups.drop_empty(&mut self.operations);
        self.lead_from(index + 1);
    }

    fn show(&mut self, index: usize, place: usize) {
        if let Some(entry) = self.rows.get(index) {
            let (group, at) = self.groups.insert(place, &mut self.operations);
            let (row, lead) = (entry.row.clone(), entry.lead);
            self.operations.push(Operation::Put { group, at, row, lead });
        }
    }

    /// Where a row stands among those that are shown.
    fn place(&self, index: usize) -> Option<usize> {
        let Some(held) = &self.held else { return Some(index) };
        if index < held.shown {
            return Some(index);
        }
        let is_kept = |entry: &&Entry| held.kept.contains(&entry.row.id);
        self.rows.get(index).filter(is_kept)?;
        let before = self.rows.iter().take(index).skip(held.shown).filter(is_kept).count();
        Some(held.shown + before)
    }

    /// Most changes are at the end, and what leaves is mostly first.
    fn index(&self, id: RowId) -> Option<usize> {
        if self.rows.front().is_some_and(|entry| entry.row.id == id) {
            return Some(0);
        }
        self.rows.iter().rposition(|entry| entry.row.id == id)
    }

    /// Says what stands above the row at `index` and above the next ones, as far as it changes.
    fn lead_from(&mut self, index: usize) {
        // The row itself, and those after it until one leaves the same behind as before.
        let mut index = index;
        while index < self.rows.len() && self.set_lead(index) {
            index += 1;
        }
    }

    /// Messages without a time at the beginning are taken to be of the day of the first that has one.
    fn check_first(&mut self) {
        let first = self.rows.iter().find_map(Entry::time);
        if std::mem::replace(&mut self.first, first) != first {
            let untimed = self.rows.iter().take_while(|entry| entry.time().is_none()).count();
            let mut index = 0;
            while index < self.rows.len() && (self.set_lead(index) || index < untimed) {
                index += 1;
            }
        }
    }

    /// Says what stands above one row; returns whether it changes anything for the next one.
    fn set_lead(&mut self, index: usize) -> bool {
        let before = self.rows.get(index).map(|entry| entry.lead);
        let changes = self.find_lead(index);
        if let Some(entry) = self.rows.get(index).filter(|entry| before != Some(entry.lead))
            && self.place(index).is_some()
        {
            self.operations.push(Operation::Lead(entry.row.id, entry.lead));
        }
        changes
    }

    fn find_lead(&mut self, index: usize) -> bool {
        let before = index.checked_sub(1).and_then(|before| self.rows.get(before)?.after.clone());
        let Some(entry) = self.rows.get_mut(index) else { return false };
        let (lead, after) = lead(before, &entry.row, entry.day, self.first, self.day);
        entry.lead = lead;
        let changes = entry.after != after;
        entry.after = after;
        changes
    }
}

impl Entry {
    fn new(row: Row, day: fn(WallClock) -> Day) -> Self {
        let day = row.message().and_then(|message| message.time).map(day);
        Self { row, day, lead: Lead::Author, after: None }
    }

    fn time(&self) -> Option<WallClock> {
        self.row.message().and_then(|message| message.time)
    }
}
