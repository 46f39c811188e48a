//! Which rows stand in which group. A browser lays a group out by itself, and remembers how high it was: so a row stays
//! in its group.

use super::Operation;

/// So many rows a group gets at its ends.
const ROWS: usize = 50;
/// A group that rows were put into the middle of is split at so many.
const MOST_ROWS: usize = 75;

/// A group of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u64);

/// The groups in order, and how many rows each has.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: Vec<(GroupId, usize)>,
    rows: usize,
    ids: u64,
}

impl Groups {
    /// No groups, and none of those to come is one of `before`.
    pub(super) fn after(before: &Self) -> Self {
        Self { ids: before.ids, ..Self::default() }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Makes place for a row that so many others stand before; returns its group and its place there.
    pub(super) fn insert(
        &mut self,
        place: usize,
        operations: &mut Vec<Operation>,
    ) -> (GroupId, usize) {
        let (index, at) = self.find(place);
        self.rows += 1;
        let has_place = |index: usize| self.groups.get(index).is_some_and(|(_, rows)| *rows < ROWS);
        let len = self.groups.get(index).map_or(0, |(_, rows)| *rows);
        // Between two groups it goes to the one before, or to the one after.
        let (index, at) = if at == len && !has_place(index) {
            if has_place(index + 1) {
                (index + 1, 0)
            } else {
                (self.new_group((index + 1).min(self.groups.len()), operations), 0)
            }
        } else if at == 0 && !has_place(index) {
            (self.new_group(index, operations), 0)
        } else {
            (index, at)
        };
        let (mut index, mut at) = (index, at);
        if let Some((group, rows)) = self.groups.get_mut(index)
            && *rows >= MOST_ROWS
        {
            let (group, stay) = (*group, *rows / 2);
            let moved = *rows - stay;
            *rows = stay;
            self.ids += 1;
            let new = GroupId(self.ids);
            self.groups.insert(index + 1, (new, moved));
            operations.push(Operation::Split { group, at: stay, new });
            if at > stay {
                (index, at) = (index + 1, at - stay);
            }
        }
        match self.groups.get_mut(index) {
            Some((group, rows)) => {
                *rows += 1;
                (*group, at)
            }
            None => (GroupId(0), 0),
        }
    }

    /// The row that so many others stand before is in its group no more.
    pub(super) fn remove(&mut self, place: usize) {
        let mut place = place;
        for (_, rows) in &mut self.groups {
            if place < *rows {
                *rows -= 1;
                self.rows -= 1;
                return;
            }
            place -= *rows;
        }
    }

    /// Groups without rows go.
    pub(super) fn drop_empty(&mut self, operations: &mut Vec<Operation>) {
        self.groups.retain(|(group, rows)| {
            if *rows == 0 {
                operations.push(Operation::DropGroup(*group));
            }
            *rows > 0
        });
    }

    /// The group in which the row before that place stands, and the place in it.
    fn find(&self, place: usize) -> (usize, usize) {
        let mut before = 0;
        for (index, (_, rows)) in self.groups.iter().enumerate() {
            if place <= before + rows {
                return (index, place - before);
            }
            before += rows;
        }
        let last = self.groups.len().saturating_sub(1);
        (last, self.groups.last().map_or(0, |(_, rows)| *rows))
    }

    fn new_group(&mut self, index: usize, operations: &mut Vec<Operation>) -> usize {
        self.ids += 1;
        let group = GroupId(self.ids);
        let before = self.groups.get(index).map(|(next, _)| *next);
        self.groups.insert(index, (group, 0));
        operations.push(Operation::NewGroup { group, before });
        index
    }
}
