//! The person's messages that the backend has not confirmed, in the order of writing.
//!
//! One message of a room is in flight at a time: the backends process frames of one connection in parallel,
//! and order would be lost otherwise.

use std::collections::VecDeque;
use std::time::Duration;

use super::ids::{ClientMessageId, RowId, StorageRequestId};
use super::message::{FailReason, Halt};
use crate::time::{Now, Timestamp, WallClock};

/// How many unconfirmed messages a person has; at the bound they are told, and keep the text.
pub(crate) const MAX_UNCONFIRMED: usize = 1_000;
/// What the person wanted sent so long ago, thirty days, is not sent by itself any more.
const MAX_AGE_MILLISECONDS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Where browsers have no locks, a tab that was silent for thirty seconds counts as gone, and another one takes over what
/// it has on the disk. Before that a change of a record has shown that it is this tab's.
const SURELY_OURS: Duration = Duration::from_secs(25);

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) row: RowId,
    pub(crate) id: ClientMessageId,
    pub(crate) text: String,
    pub(crate) written: Written,
    state: State,
    /// It may have been handed to a connection, by this client or an earlier one.
    pub(crate) tried: bool,
    /// If it was, it bore no id then: whatever the backend turns out to be, it would not know it again.
    pub(crate) is_plain: bool,
    /// It has been handed to a connection without an id.
    was_plain: bool,
    /// It was tried before this client knew it: where sending twice does harm, the person decides.
    is_doubtful: bool,
    /// How often the API's own code has refused it, or failed.
    rejections: u32,
    /// What the disk is known to have.
    on_disk: Option<OnDisk>,
    /// What the disk has been asked to take, or, without it, to delete.
    writing: Option<(StorageRequestId, Option<OnDisk>)>,
    /// Since when the disk has been asked for that.
    writing_since: Option<Now>,
    /// When the disk was asked last, of what it has done, for something that it does for the owner alone.
    ours_at: Option<Now>,
    /// Its turn has come, and the disk has to say again whose it is.
    is_to_be_checked: bool,
    /// The disk has refused it: it is not asked again.
    is_refused_by_disk: bool,
    /// Since when the person has wanted it sent.
    wanted_since: WallClock,
    /// They have wanted it again, whatever became of it before.
    is_insisted_on: bool,
}

/// When a message was written: the order of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Written {
    /// By the device's clock.
    pub(crate) at: WallClock,
    /// Tells messages of one moment apart.
    pub(crate) number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Queued,
    InFlight,
    /// Was tried before this client knew it: it waits for the person, unless it turns out that sending twice does no harm.
    Doubtful,
    /// Waits for the person.
    Halted(Halt),
}

/// What may be expected of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    /// Messages wait for it.
    Awaited,
    /// It has failed, but may still do what it was asked to do.
    Late,
    /// Nothing.
    Without,
}

/// What the disk says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OnDisk {
    tried: bool,
    is_plain: bool,
    halted: Option<Halt>,
}

impl Outgoing {
    pub(crate) fn new(row: RowId, id: ClientMessageId, text: String, written: Written) -> Self {
        Self {
            row,
            id,
            text,
            written,
            state: State::Queued,
            tried: false,
            is_plain: false,
            was_plain: false,
            is_doubtful: false,
            rejections: 0,
            on_disk: None,
            writing: None,
            writing_since: None,
            ours_at: None,
            is_to_be_checked: false,
            is_refused_by_disk: false,
            wanted_since: written.at,
            is_insisted_on: false,
        }
    }

    /// The message as the disk of this tab has it, as it has said at a time.
    pub(crate) fn restored(
        row: RowId,
        said_at: Option<Now>,
        (id, text): (ClientMessageId, String),
        written: Written,
        (tried, is_plain): (bool, bool),
        halted: Option<Halt>,
    ) -> Self {
        Self {
            state: halted.map_or(State::Queued, State::Halted),
            tried,
            is_plain,
            was_plain: is_plain,
            is_doubtful: tried,
            on_disk: Some(OnDisk { tried, is_plain, halted }),
            ours_at: said_at,
            ..Self::new(row, id, text, written)
        }
    }

    /// Why it waits for the person, if it does.
    pub(crate) fn halted(&self) -> Option<Halt> {
        match self.state {
            State::Halted(halt) => Some(halt),
            State::Doubtful => Some(Halt::NotConfirmed),
            State::Queued | State::InFlight => None,
        }
    }

    /// Why it does so whatever becomes known. A doubt is left out: who reads the record has it too, or knows better.
    pub(crate) fn halted_for_good(&self) -> Option<Halt> {
        match self.state {
            State::Halted(halt) => Some(halt),
            State::Queued | State::InFlight | State::Doubtful => None,
        }
    }

    /// Whether no other tab can have taken it over from the disk.
    fn is_surely_ours(&self, now: Now) -> bool {
        let is_recent = |at: Now| {
            let by_wall = now.wall.0.saturating_sub(at.wall.0).unsigned_abs();
            let passed = now.monotonic.since(at.monotonic).max(Duration::from_millis(by_wall));
            passed < SURELY_OURS
        };
        self.on_disk.is_none() || self.ours_at.is_some_and(is_recent)
    }

    /// Whether the disk has it, as far as it has said.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.on_disk.is_some()
    }

    /// Whether the disk may say that it was never tried: who reads that sends it.
    fn may_count_as_untried(&self) -> bool {
        let writing = self.writing.and_then(|(_, on_disk)| on_disk);
        self.on_disk.into_iter().chain(writing).any(|on_disk| !on_disk.tried)
    }

    /// Whether the disk says so of it as it is tried now.
    fn is_known_as_tried(&self) -> bool {
        self.on_disk.is_some_and(|on_disk| on_disk.tried && (on_disk.is_plain || !self.is_plain))
    }

    /// Whether the disk would say so once it has done everything that it was asked for.
    pub(crate) fn would_count_as_untried(&self) -> bool {
        let writing = self.writing.map(|(_, on_disk)| on_disk);
        writing.unwrap_or(self.on_disk).is_some_and(|on_disk| !on_disk.tried)
    }

    /// Whether the disk knows of it, or will.
    pub(crate) fn has_record(&self) -> bool {
        self.on_disk.is_some() || self.writing.is_some()
    }

    fn wanted_on_disk(&self) -> OnDisk {
        OnDisk { tried: self.tried, is_plain: self.is_plain, halted: self.halted_for_good() }
    }
}

/// The unconfirmed messages of one room.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    messages: VecDeque<Outgoing>,
    /// Nothing is sent before: the backend has asked for a pause.
    pause: Option<Timestamp>,
    /// What has left since the last call of [`take_gone`](Self::take_gone).
    gone: Vec<Gone>,
}

/// A message that the outbox holds no more.
#[derive(Debug)]
pub(crate) struct Gone {
    pub(crate) message: Outgoing,
    /// The backend has it.
    pub(crate) is_delivered: bool,
}

/// What is to become of the next message.
#[derive(Debug)]
pub(crate) enum Turn<'a> {
    /// Nothing may go, or there is nothing.
    Nobodys,
    /// It is handed to the connection.
    Send(&'a Outgoing),
    /// It may have arrived: it is not sent, unless the person or the backend says that it may be repeated.
    Doubtful(RowId),
    /// It is not sent without the person: the disk may call it untried, or it is too old.
    Halted(ClientMessageId, Halt),
    /// It has to be on the disk first.
    OnTheWayToDisk,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// When the next message was written that waits to be sent by itself.
    pub(crate) fn queued_since(&self) -> Option<Written> {
        let queued = self.messages.iter().find(|message| message.state == State::Queued);
        queued.map(|message| message.written)
    }

    pub(crate) fn messages_mut(&mut self) -> impl Iterator<Item = &mut Outgoing> {
        self.messages.iter_mut()
    }

    /// Takes a message in, at the place that the time of writing gives it.
    pub(crate) fn push(&mut self, message: Outgoing) {
        let after = self.messages.iter().rposition(|other| other.written <= message.written);
        self.messages.insert(after.map_or(0, |index| index + 1), message);
    }

    /// Takes the next message to hand to a connection, if its turn has come. While the disk is awaited it must be known
    /// there as tried. Unless it `may_repeat`, where sending it twice does no harm, it never goes while the disk may say
    /// that it was not tried: this page may end, and the next one would send it again.
    pub(crate) fn take_turn(&mut self, now: Now, disk: Disk, may_repeat: bool) -> Turn<'_> {
        if self.in_flight().is_some() || self.pause.is_some_and(|until| now.monotonic < until) {
            return Turn::Nobodys;
        }
        let may_go = |message: &&mut Outgoing| match message.state {
            State::Queued => true,
            State::Doubtful => may_repeat && !message.was_plain,
            State::InFlight | State::Halted(_) => false,
        };
        let Some(next) = self.messages.iter_mut().find(may_go) else { return Turn::Nobodys };
        if next.is_doubtful && (!may_repeat || next.was_plain) {
            next.state = State::Doubtful;
            return Turn::Doubtful(next.row);
        }
        if now.wall.0.saturating_sub(next.wanted_since.0) > MAX_AGE_MILLISECONDS {
            return Turn::Halted(next.id.clone(), Halt::Failed(FailReason::Expired));
        }
        next.tried = true;
        next.is_plain = next.was_plain || !may_repeat;
        next.is_to_be_checked = !next.is_surely_ours(now);
        let is_risky = !may_repeat && next.may_count_as_untried();
        let will_change = next.writing.is_some() || !next.is_refused_by_disk;
        match disk {
            Disk::Awaited if !next.is_known_as_tried() => {
                return Turn::OnTheWayToDisk;
            }
            Disk::Awaited if next.is_to_be_checked => return Turn::OnTheWayToDisk,
            Disk::Late if is_risky && will_change => return Turn::OnTheWayToDisk,
            Disk::Late | Disk::Without if is_risky && !next.is_insisted_on => {
                return Turn::Halted(next.id.clone(), Halt::NotConfirmed);
            }
            Disk::Awaited | Disk::Late | Disk::Without => {}
        }
        next.was_plain = next.is_plain;
        next.state = State::InFlight;
        Turn::Send(next)
    }

    /// The next message whose record is behind, or, if the disk `takes_new` ones, that it has to learn of.
    pub(crate) fn next_to_store(&self, takes_new: bool) -> Option<&Outgoing> {
        self.messages.iter().find(|message| {
            message.writing.is_none()
                && (takes_new || message.on_disk.is_some())
                && !message.is_refused_by_disk
                && (message.is_to_be_checked || message.on_disk != Some(message.wanted_on_disk()))
        })
    }

    /// What is in flight, if another tab may have taken it over from the disk by now.
    pub(crate) fn in_flight_to_check(&self, now: Now) -> Option<&Outgoing> {
        self.in_flight().filter(|message| !message.is_surely_ours(now))
    }

    /// The disk has to say of each message that it has whether it is still this tab's.
    pub(crate) fn is_to_be_checked(&mut self) {
        for message in self.messages.iter_mut().filter(|message| message.has_record()) {
            message.ours_at = None;
            message.is_to_be_checked = true;
        }
    }

    /// Gives away the messages that the disk has.
    pub(crate) fn take_kept(&mut self) -> Vec<Outgoing> {
        let (kept, left) =
            std::mem::take(&mut self.messages).into_iter().partition(Outgoing::is_on_disk);
        self.messages = left;
        Vec::from(kept)
    }

    /// The disk has been asked to take a message as it is.
    pub(crate) fn storing(&mut self, now: Now, id: &ClientMessageId, request: StorageRequestId) {
        if let Some(message) = self.find_mut(id) {
            message.writing_since = Some(now);
            message.is_to_be_checked = false;
            message.writing = Some((request, Some(message.wanted_on_disk())));
        }
    }

    /// The disk has been asked to delete what it says of a message; tells whether it is one of this room.
    pub(crate) fn deleting(&mut self, id: &ClientMessageId, request: StorageRequestId) -> bool {
        let message = self.find_mut(id);
        message.map(|message| message.writing = Some((request, None))).is_some()
    }

    /// What the disk has not been asked to keep yet counts as tried: nobody waits until it says so.
    pub(crate) fn presume_tried(&mut self) {
        for message in self.messages.iter_mut().filter(|message| !message.has_record()) {
            message.tried = true;
        }
    }

    /// The disk has what it was asked to take; says whether that was a message of this room.
    pub(crate) fn stored(&mut self, request: StorageRequestId) -> bool {
        let Some(message) = self.written_by(request) else { return false };
        message.on_disk = message.writing.take().and_then(|(_, on_disk)| on_disk);
        message.ours_at = message.writing_since.take();
        true
    }

    /// The disk has not taken what it was asked to take; returns the message whose record is wrong now, which is worse
    /// than none: an earlier record may say that it was never tried.
    pub(crate) fn not_stored(&mut self, request: StorageRequestId) -> Option<ClientMessageId> {
        let message = self.written_by(request)?;
        let (_, wanted) = message.writing.take()?;
        message.is_refused_by_disk = true;
        (wanted.is_some() && message.is_on_disk()).then(|| message.id.clone())
    }

    /// The message of a record that another tab has taken meanwhile.
    pub(crate) fn lost_to_another_tab(&mut self, request: StorageRequestId) -> Option<Outgoing> {
        let index = self.messages.iter().position(|message| message.is_written_by(request))?;
        self.messages.remove(index)
    }

    pub(crate) fn has(&self, id: &ClientMessageId) -> bool {
        self.messages.iter().any(|message| message.id == *id)
    }

    pub(crate) fn in_flight(&self) -> Option<&Outgoing> {
        self.messages.iter().find(|message| message.state == State::InFlight)
    }

    /// When a pause ends after which something is to be sent.
    pub(crate) fn resumes_at(&self) -> Option<Timestamp> {
        let may_go = |message: &Outgoing| matches!(message.state, State::Queued | State::Doubtful);
        self.pause.filter(|_| self.messages.iter().any(may_go))
    }

    /// A pause that has ended is none, whatever else keeps messages back.
    pub(crate) fn handle_time(&mut self, now: Timestamp) {
        self.pause = self.pause.filter(|until| now < *until);
    }

    /// A pause that is asked for while a longer one runs is over with that.
    pub(crate) fn pause_until(&mut self, until: Timestamp) {
        self.pause = self.pause.max(Some(until));
    }

    /// The backend has the message.
    pub(crate) fn delivered(&mut self, id: &ClientMessageId) {
        self.remove(id, true);
    }

    /// The person gave it up.
    pub(crate) fn discard(&mut self, id: &ClientMessageId) {
        self.remove(id, false);
    }

    /// The messages that have left, and whose records are to go.
    pub(crate) fn take_gone(&mut self) -> Vec<Gone> {
        std::mem::take(&mut self.gone)
    }

    /// When the last message was written.
    pub(crate) fn last_written(&self) -> Option<Written> {
        self.messages.back().map(|message| message.written)
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    fn remove(&mut self, id: &ClientMessageId, is_delivered: bool) {
        let index = self.messages.iter().position(|message| message.id == *id);
        if let Some(message) = index.and_then(|index| self.messages.remove(index)) {
            self.gone.push(Gone { message, is_delivered });
        }
    }

    /// It will be sent again, in its turn.
    pub(crate) fn requeue(&mut self, id: &ClientMessageId) -> Option<RowId> {
        self.set(id, State::Queued)
    }

    /// The person wants it sent, whatever became of it before.
    pub(crate) fn retry(&mut self, id: &ClientMessageId, now: WallClock) {
        if let Some(message) = self.find_mut(id) {
            message.is_doubtful = false;
            message.is_insisted_on = true;
            message.ours_at = None;
            message.wanted_since = now;
            message.state = State::Queued;
        }
    }

    /// The API's own code has refused it, or failed; says how often by now.
    pub(crate) fn reject(&mut self, id: &ClientMessageId) -> u32 {
        let Some(message) = self.find_mut(id) else { return 0 };
        message.rejections += 1;
        message.rejections
    }

    /// Only the person can decide what becomes of it.
    pub(crate) fn halt(&mut self, id: &ClientMessageId, halt: Halt) -> Option<RowId> {
        self.set(id, State::Halted(halt))
    }

    /// The same for all that wait; returns their rows.
    pub(crate) fn halt_queued(&mut self, halt: Halt) -> Vec<RowId> {
        for message in self.messages.iter_mut().filter(|one| one.state == State::Doubtful) {
            message.state = State::Halted(Halt::NotConfirmed);
        }
        let queued = self.messages.iter_mut().filter(|message| message.state == State::Queued);
        queued
            .map(|message| {
                message.state = State::Halted(halt);
                message.row
            })
            .collect()
    }

    /// Whether what is in flight went out without an id.
    pub(crate) fn has_plain_in_flight(&self) -> bool {
        self.in_flight().is_some_and(|message| message.was_plain)
    }

    /// The halted message of a row.
    pub(crate) fn halted(&self, row: RowId) -> Option<&Outgoing> {
        self.messages.iter().find(|message| message.row == row && message.halted().is_some())
    }

    /// The message of a row that no connection holds.
    pub(crate) fn not_in_flight(&self, row: RowId) -> Option<&Outgoing> {
        self.messages.iter().find(|message| message.row == row && message.state != State::InFlight)
    }

    fn set(&mut self, id: &ClientMessageId, state: State) -> Option<RowId> {
        let message = self.find_mut(id)?;
        message.state = state;
        Some(message.row)
    }

    fn find_mut(&mut self, id: &ClientMessageId) -> Option<&mut Outgoing> {
        self.messages.iter_mut().find(|message| message.id == *id)
    }

    fn written_by(&mut self, request: StorageRequestId) -> Option<&mut Outgoing> {
        self.messages.iter_mut().find(|message| message.is_written_by(request))
    }
}

impl Outgoing {
    fn is_written_by(&self, request: StorageRequestId) -> bool {
        self.writing.is_some_and(|(writing, _)| writing == request)
    }
}

#[cfg(test)]
mod tests;
