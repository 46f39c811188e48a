//! Whatever happens, the operations make the picture that would be made from scratch.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::groups::GroupId;
use super::*;
use crate::chat::message::{Author, Message, RowContent, Standing};

/// Days of an hour, so that a few messages have several.
fn day(time: WallClock) -> Day {
    (0, 0, u32::try_from(time.0.div_euclid(3_600_000)).unwrap_or(0))
}

/// What a page would have, with each row in its group.
#[derive(Default)]
struct Picture {
    groups: Vec<(GroupId, Vec<RowId>)>,
    rows: HashMap<RowId, (Row, Lead)>,
    /// Rows that a split or a move has taken to another group.
    may_change_group: Vec<RowId>,
}

impl Picture {
    fn carry_out(&mut self, operation: Operation) {
        match operation {
            Operation::NewGroup { group, before } => {
                let place = before.map_or(self.groups.len(), |next| self.group(next));
                self.groups.insert(place, (group, Vec::new()));
            }
            Operation::Split { group, at, new } => {
                let place = self.group(group);
                let moved = self.groups[place].1.split_off(at);
                self.may_change_group.extend(&moved);
                self.groups.insert(place + 1, (new, moved));
            }
            Operation::DropGroup(group) => {
                let place = self.group(group);
                assert!(self.groups.remove(place).1.is_empty(), "a group goes when it is empty");
            }
            Operation::Lift(row) => {
                assert!(self.take_out(row), "what is lifted is shown");
                self.may_change_group.push(row);
            }
            Operation::Put { group, at, row, lead } => {
                let place = self.group(group);
                self.groups[place].1.insert(at, row.id);
                self.rows.insert(row.id, (row, lead));
            }
            Operation::Update(row) => {
                let id = row.id;
                self.rows.get_mut(&id).expect("what is updated is shown").0 = row;
            }
            Operation::Lead(row, lead) => {
                self.rows.get_mut(&row).expect("what is led is shown").1 = lead;
            }
            Operation::Remove(row) => {
                self.take_out(row);
                assert!(self.rows.remove(&row).is_some(), "what is removed was shown");
            }
            Operation::Clear => *self = Self::default(),
        }
    }

    fn group(&self, group: GroupId) -> usize {
        self.groups.iter().position(|(id, _)| *id == group).expect("the group is there")
    }

    fn take_out(&mut self, row: RowId) -> bool {
        self.groups.iter_mut().any(|(_, rows)| {
            let place = rows.iter().position(|id| *id == row);
            place.map(|place| rows.remove(place)).is_some()
        })
    }

    fn shown(&self) -> Vec<(Row, Lead)> {
        let ids = self.groups.iter().flat_map(|(_, rows)| rows);
        ids.map(|id| self.rows[id].clone()).collect()
    }

    fn groups_of_rows(&self) -> BTreeMap<RowId, GroupId> {
        let of_group = |(group, rows): &(GroupId, Vec<RowId>)| {
            rows.iter().map(|row| (*row, *group)).collect::<Vec<_>>()
        };
        self.groups.iter().flat_map(of_group).collect()
    }
}

/// What stands above each row, each looked at with all before it.
fn from_scratch(rows: &[Row]) -> Vec<(Row, Lead)> {
    let timed = |row: &Row| row.message().and_then(|message| message.time);
    let first = rows.iter().find_map(timed);
    let lead_of = |index: usize, row: &Row| {
        let Some(message) = row.message() else { return Lead::Continues };
        let before = &rows[..index];
        let known = before.iter().rev().find_map(timed).or(first).unwrap_or(WallClock(0));
        let time = message.time.unwrap_or(known);
        if !before.iter().any(|row| row.message().is_some()) {
            return if first.is_some() { Lead::Date(time) } else { Lead::Author };
        }
        if day(known) != day(time) {
            return Lead::Date(time);
        }
        let last = before.last().and_then(Row::message);
        let continues = last.is_some_and(|last| last.author == message.author);
        let is_close = time.0 - known.0 < 5 * 60_000;
        if continues && is_close { Lead::Continues } else { Lead::Author }
    };
    rows.iter().enumerate().map(|(index, row)| (row.clone(), lead_of(index, row))).collect()
}

fn row(id: u64, kind: u8, minutes: u16) -> Row {
    let time = (kind != 7).then(|| WallClock(i64::from(minutes) * 60_000));
    let content = match kind {
        0 => RowContent::Hole,
        1 => RowContent::Notice(minutes.to_string()),
        _ => {
            let author = match kind {
                2 | 3 => Author::Me,
                kind => {
                    let id = if kind % 2 == 0 { "ann" } else { "bo" };
                    Author::Other { id: id.into(), name: None, standing: Standing::Guest }
                }
            };
            let delivery = if kind == 2 { Delivery::Queued } else { Delivery::Sent };
            RowContent::Message(Message { author, text: minutes.to_string(), time, delivery })
        }
    };
    Row { id: RowId(id), content }
}

/// What a reader sees who has held the list at some time.
struct Reader {
    rows: Vec<Row>,
    held: Option<(usize, Vec<RowId>)>,
}

impl Reader {
    fn apply(&mut self, change: &Change) {
        let id = match change {
            Change::Put { row, .. } => row.id,
            Change::Removed(id) => *id,
        };
        let place = self.rows.iter().position(|row| row.id == id);
        if let Change::Put { index, row } = change
            && place == Some(*index)
        {
            self.rows[*index] = row.clone();
            return;
        }
        if let Some(place) = place {
            self.rows.remove(place);
            if let Some((shown, _)) = &mut self.held {
                *shown -= usize::from(place < *shown);
            }
        }
        if let Change::Put { index, row } = change {
            self.rows.insert(*index, row.clone());
            if let Some((shown, _)) = &mut self.held {
                *shown += usize::from(index < shown);
            }
        }
    }

    fn hold(&mut self) {
        let is_unsent =
            |row: &&Row| row.message().is_some_and(|one| one.delivery != Delivery::Sent);
        let kept = self.rows.iter().rev().take_while(is_unsent).map(|row| row.id);
        let kept = kept.collect::<Vec<_>>();
        self.held.get_or_insert((self.rows.len() - kept.len(), kept));
    }

    fn shown(&self) -> Vec<(Row, Lead)> {
        let all = from_scratch(&self.rows);
        let Some((shown, kept)) = &self.held else { return all };
        let is_shown =
            |(index, (row, _)): &(usize, (Row, Lead))| index < shown || kept.contains(&row.id);
        all.into_iter().enumerate().filter(is_shown).map(|(_, row)| row).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn operations_make_what_would_be_made_from_scratch(
        steps in prop::collection::vec((0_u8..12, 0_usize..400, 0_u8..9, 0_u16..300, 1_usize..60), 1..60),
    ) {
        let mut transcript = Transcript::new(day);
        let mut reader = Reader { rows: Vec::new(), held: None };
        let mut picture = Picture::default();
        let mut ids = 0;
        for (step, place, kind, minutes, count) in steps {
            let len = reader.rows.len();
            let is_there = |place: usize| (len > 0).then(|| place % len);
            let before = picture.groups_of_rows();
            picture.may_change_group.clear();
            let changes = match step {
                // As messages come: many at the end, ...
                0..=2 => (0..count).map(|more| {
                    ids += 1;
                    let minutes = minutes + u16::try_from(more).unwrap_or(0);
                    Change::Put { index: len + more, row: row(ids, kind, minutes) }
                }).collect(),
                // ... a page at the beginning, or somewhere between.
                3..=5 => (0..count).map(|more| {
                    ids += 1;
                    let place = if step == 3 { 0 } else { place % (len + 1) };
                    Change::Put { index: place + more, row: row(ids, kind, minutes) }
                }).collect(),
                6 | 7 => is_there(place).map(|index| {
                    Change::Put { index, row: row(reader.rows[index].id.0, kind, minutes) }
                }).into_iter().collect(),
                8 => is_there(place).map(|from| {
                    let row = row(reader.rows[from].id.0, kind, minutes);
                    Change::Put { index: usize::from(minutes) % len, row }
                }).into_iter().collect(),
                9 => {
                    let first = if minutes % 2 == 0 { 0 } else { place };
                    let gone = reader.rows.iter().skip(first).take(count);
                    gone.map(|row| Change::Removed(row.id)).collect()
                }
                10 => {
                    transcript.hold();
                    reader.hold();
                    Vec::new()
                }
                _ => {
                    transcript.release();
                    reader.held = None;
                    Vec::new()
                }
            };
            for change in &changes {
                transcript.apply(change);
                reader.apply(change);
            }
            for operation in transcript.take_operations() {
                picture.carry_out(operation);
            }
            prop_assert_eq!(picture.shown(), reader.shown());
            prop_assert!(picture.groups.iter().all(|(_, rows)| (1..=75).contains(&rows.len())));
            prop_assert_eq!(transcript.holds_back(), reader.shown().len() < reader.rows.len());
            prop_assert_eq!(transcript.last_shown(), reader.shown().last().map(|(row, _)| row.id));
            for (row, group) in picture.groups_of_rows() {
                let was_in = before.get(&row).copied().unwrap_or(group);
                prop_assert!(was_in == group || picture.may_change_group.contains(&row));
            }
            if minutes % 16 == 0 {
                transcript.draw();
                for operation in transcript.take_operations() {
                    picture.carry_out(operation);
                }
                prop_assert_eq!(picture.shown(), reader.shown());
            }
        }
    }
}

#[test]
fn rows_that_come_at_the_ends_are_in_groups_of_fifty() {
    let mut transcript = Transcript::new(day);
    let mut picture = Picture::default();
    for number in 0..120 {
        transcript.apply(&Change::Put { index: number, row: row(number as u64, 4, 0) });
    }
    for number in 0..120 {
        transcript.apply(&Change::Put { index: number, row: row(1_000 + number as u64, 4, 0) });
    }
    for operation in transcript.take_operations() {
        assert!(!matches!(operation, Operation::Split { .. }), "no group grows from within");
        picture.carry_out(operation);
    }
    let sizes = picture.groups.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>();
    assert_eq!(sizes, [50, 50, 20, 50, 50, 20]);
}

#[test]
fn a_message_changes_what_stands_above_itself_and_the_next_one_only() {
    let mut transcript = Transcript::new(day);
    transcript.fill((0..500).map(|number| row(number, 4, 0)));
    transcript.take_operations();
    transcript.apply(&Change::Put { index: 250, row: row(1_000, 5, 0) });
    let leads = transcript.take_operations().into_iter().filter_map(|operation| match operation {
        Operation::Put { row, lead, .. } => Some((row.id.0, lead)),
        Operation::Lead(row, lead) => Some((row.0, lead)),
        _ => None,
    });
    assert_eq!(leads.collect::<Vec<_>>(), [(1_000, Lead::Author), (250, Lead::Author)]);
}
