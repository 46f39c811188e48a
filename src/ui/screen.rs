//! What is on the screen: the signals that the components read.

use leptos::prelude::*;
use roomlet_client::transcript::Transcript;
use roomlet_client::{Change, Event, History, RoomId, Row, SendRefusal, Status};

use super::dates;

/// The screen of one room.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    pub(super) room: RwSignal<RoomId>,
    /// What the list shows.
    pub(super) transcript: StoredValue<Transcript>,
    /// Notified when there is something to be done to the list.
    pub(super) changed: Trigger,
    /// Whether the room has no rows.
    pub(super) is_empty: RwSignal<bool>,
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

impl Screen {
    pub(super) fn new(room: RoomId) -> Self {
        Self {
            room: RwSignal::new(room),
            transcript: StoredValue::new(Transcript::new(dates::day)),
            changed: Trigger::new(),
            is_empty: RwSignal::new(true),
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
            self.fill_with(Vec::new());
        }
        is_another
    }

    /// Shows nothing any more of what was said.
    pub(super) fn clear(self) {
        self.history.set(History::Unknown);
        self.fill_with(Vec::new());
    }

    /// Shows what the room has had while it was not on the screen.
    pub(super) fn fill(self, rows: Vec<Row>, (status, history): (Status, History)) {
        self.status.set(status);
        self.history.set(history);
        self.fill_with(rows);
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

    /// Draws all of the list anew.
    pub(super) fn redraw(self) {
        self.transcript.update_value(Transcript::draw);
        self.changed.notify();
    }

    fn change(self, change: &Change) {
        self.transcript.update_value(|transcript| transcript.apply(change));
        self.has_changed();
    }

    fn fill_with(self, rows: Vec<Row>) {
        self.transcript.update_value(|transcript| transcript.fill(rows));
        self.has_changed();
    }

    fn has_changed(self) {
        let is_empty = self.transcript.with_value(Transcript::is_empty);
        if self.is_empty.get_untracked() != is_empty {
            self.is_empty.set(is_empty);
        }
        self.changed.notify();
    }
}
