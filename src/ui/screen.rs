//! What is on the screen: the signals that the components read.

use leptos::prelude::*;
use roomlet_client::{
    Author, Change, Event, History, RoomId, Row, RowId, SendRefusal, Status, WallClock,
};

use super::dates;

/// Messages of one sender that follow each other so closely are grouped.
const GROUP_MILLISECONDS: i64 = 5 * 60 * 1_000;

/// The screen of one room.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    pub(super) room: RwSignal<RoomId>,
    pub(super) rows: RwSignal<Vec<ShownRow>>,
    pub(super) status: RwSignal<Status>,
    pub(super) history: RwSignal<History>,
    /// Notified when the client knows more of the draft than the composer.
    pub(super) draft: Trigger,
    /// Notified when the person has gone, or somebody else is here.
    pub(super) forgotten: Trigger,
    /// Whether the device keeps nothing of this person, and they have not taken note of it yet.
    pub(super) not_kept: RwSignal<bool>,
    /// A text that was not taken, to be put back into the composer.
    pub(super) refused: RwSignal<Option<(String, SendRefusal)>>,
    /// How many messages of others have arrived since the room was entered.
    pub(super) arrivals: RwSignal<usize>,
    /// Notified when the person has written a message here: not in another tab, and not long ago.
    pub(super) written: Trigger,
    /// Whether the page could not say who the person is when it was asked last.
    pub(super) sign_in_failed: RwSignal<bool>,
}

/// A row on the screen. Rows change one by one.
#[derive(Clone)]
pub(super) struct ShownRow {
    pub(super) id: RowId,
    pub(super) row: ArcRwSignal<Row>,
    pub(super) lead: ArcRwSignal<Lead>,
}

/// Rows are the same if they are the same row: what they show changes by itself.
impl PartialEq for ShownRow {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.row == other.row
    }
}

/// What stands above a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// Nothing: it goes on where the row before it ended.
    Continues,
    /// The author's name and the time.
    Author,
    /// The date, then the author's name and the time.
    Date(WallClock),
}

impl Screen {
    pub(super) fn new(room: RoomId) -> Self {
        Self {
            room: RwSignal::new(room),
            rows: RwSignal::new(Vec::new()),
            status: RwSignal::new(Status::Connecting),
            history: RwSignal::new(History::Unknown),
            draft: Trigger::new(),
            forgotten: Trigger::new(),
            not_kept: RwSignal::new(false),
            refused: RwSignal::new(None),
            arrivals: RwSignal::new(0),
            written: Trigger::new(),
            sign_in_failed: RwSignal::new(false),
        }
    }

    /// Shows another room, of which nothing is known yet; says whether it is another one.
    pub(super) fn enter(self, room: RoomId) -> bool {
        let is_another = self.room.get_untracked() != room;
        if is_another {
            self.room.set(room);
            self.status.set(Status::Connecting);
            self.history.set(History::Unknown);
            self.arrivals.set(0);
            self.rows.set(Vec::new());
        }
        is_another
    }

    /// Shows nothing any more of what was said.
    pub(super) fn clear(self) {
        self.history.set(History::Unknown);
        self.rows.set(Vec::new());
    }

    /// Shows what the room has had while it was not on the screen.
    pub(super) fn fill(self, rows: Vec<Row>, (status, history): (Status, History)) {
        self.status.set(status);
        self.history.set(history);
        self.rows.set(rows.into_iter().map(ShownRow::new).collect());
        self.rows.with_untracked(|rows| lead(rows));
    }

    /// Shows what the client says. Events of rooms that are not on the screen are not for it.
    pub(super) fn show(self, event: &Event) {
        let room = self.room.get_untracked();
        match event {
            Event::Timeline { room: of, change } if *of == room => self.change(change),
            Event::Status { room: of, status } if *of == room => self.status.set(*status),
            Event::History { room: of, history } if *of == room => self.history.set(*history),
            Event::Arrived { room: of, .. } if *of == room => {
                self.arrivals.update(|count| *count += 1)
            }
            Event::Draft { room: of, .. } if *of == room => self.draft.notify(),
            Event::Forgotten => self.forgotten.notify(),
            Event::NotKept => self.not_kept.set(true),
            Event::SendRefused { room: of, text, reason } if *of == room => {
                self.refused.set(Some((text.clone(), *reason)));
            }
            _ => {}
        }
    }

    fn change(self, change: &Change) {
        match change {
            Change::Put { index, row } => {
                let place = self
                    .rows
                    .with_untracked(|rows| rows.iter().rposition(|shown| shown.id == row.id));
                if place == Some(*index) {
                    self.rows.with_untracked(|rows| {
                        if let Some(shown) = rows.get(*index) {
                            shown.row.set(row.clone());
                        }
                        lead(rows);
                    });
                    return;
                }
                self.rows.update(|rows| {
                    let shown = place.map(|place| rows.remove(place));
                    let shown = match shown {
                        Some(shown) => {
                            shown.row.set(row.clone());
                            shown
                        }
                        None => ShownRow::new(row.clone()),
                    };
                    rows.insert((*index).min(rows.len()), shown);
                    lead(rows);
                });
            }
            Change::Removed(id) => self.rows.update(|rows| {
                rows.retain(|shown| shown.id != *id);
                lead(rows);
            }),
        }
    }
}

impl ShownRow {
    fn new(row: Row) -> Self {
        Self { id: row.id, row: ArcRwSignal::new(row), lead: ArcRwSignal::new(Lead::Author) }
    }
}

/// Says what stands above each row; signals fire only where that changes.
fn lead(rows: &[ShownRow]) {
    // The author of the message right before, and the time of the last one.
    let mut before: Option<(Option<Author>, WallClock)> = None;
    // Messages without a time at the beginning are taken to be of the day of the first that has one.
    let timed = |shown: &ShownRow| shown.row.with_untracked(|row| row.message()?.time);
    let first = rows.iter().find_map(timed);
    for shown in rows {
        let (lead, this) = shown.row.with_untracked(|row| {
            let Some(message) = row.message() else { return (Lead::Continues, None) };
            let last = before.as_ref().map(|(_, time)| *time);
            let time = message.time.or(last).or(first).unwrap_or(WallClock(0));
            let lead = match &before {
                Some((_, earlier)) if dates::day(*earlier) != dates::day(time) => Lead::Date(time),
                Some((author, earlier))
                    if author.as_ref() == Some(&message.author)
                        && time.0 - earlier.0 < GROUP_MILLISECONDS =>
                {
                    Lead::Continues
                }
                Some(_) => Lead::Author,
                None if first.is_some() => Lead::Date(time),
                None => Lead::Author,
            };
            (lead, Some((Some(message.author.clone()), time)))
        });
        if shown.lead.get_untracked() != lead {
            shown.lead.set(lead);
        }
        before = this.or_else(|| before.take().map(|(_, time)| (None, time)));
    }
}
