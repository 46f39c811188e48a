//! The person's messages that the backend has not confirmed, in the order of writing.
//!
//! One message of a room is in flight at a time: the backends process frames of one connection in parallel,
//! and order would be lost otherwise.

use std::collections::VecDeque;

use super::ids::{ClientMessageId, RowId};
use crate::time::Timestamp;

/// How many unconfirmed messages a room holds; at the bound the person is told, and keeps the text.
pub(crate) const MAX_UNCONFIRMED: usize = 1_000;

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) row: RowId,
    pub(crate) id: ClientMessageId,
    pub(crate) text: String,
    state: State,
    /// How often the API's own code has refused it, or failed.
    rejections: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Queued,
    InFlight,
    /// Waits for the person: not confirmed, or failed.
    Halted,
}

/// The unconfirmed messages of one room.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    messages: VecDeque<Outgoing>,
    /// Nothing is sent before: the backend has asked for a pause.
    pause: Option<Timestamp>,
}

impl Outbox {
    pub(crate) fn is_full(&self) -> bool {
        self.messages.len() >= MAX_UNCONFIRMED
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn push(&mut self, row: RowId, id: ClientMessageId, text: String) {
        self.messages.push_back(Outgoing { row, id, text, state: State::Queued, rejections: 0 });
    }

    /// Takes the next message to hand to a connection, if its turn has come.
    pub(crate) fn start_next(&mut self, now: Timestamp) -> Option<&Outgoing> {
        if self.in_flight().is_some() || self.pause.is_some_and(|until| now < until) {
            return None;
        }
        let next = self.messages.iter_mut().find(|message| message.state == State::Queued)?;
        next.state = State::InFlight;
        Some(next)
    }

    pub(crate) fn in_flight(&self) -> Option<&Outgoing> {
        self.messages.iter().find(|message| message.state == State::InFlight)
    }

    /// When a pause ends after which something is to be sent.
    pub(crate) fn resumes_at(&self) -> Option<Timestamp> {
        self.pause.filter(|_| self.messages.iter().any(|message| message.state == State::Queued))
    }

    /// A pause that has ended is none, whatever else keeps messages back.
    pub(crate) fn handle_time(&mut self, now: Timestamp) {
        self.pause = self.pause.filter(|until| now < *until);
    }

    /// A pause that is asked for while a longer one runs is over with that.
    pub(crate) fn pause_until(&mut self, until: Timestamp) {
        self.pause = self.pause.max(Some(until));
    }

    /// The message has arrived, or the person gave it up.
    pub(crate) fn remove(&mut self, id: &ClientMessageId) -> Option<Outgoing> {
        let index = self.messages.iter().position(|message| message.id == *id)?;
        self.messages.remove(index)
    }

    /// It will be sent again, in its turn.
    pub(crate) fn requeue(&mut self, id: &ClientMessageId) -> Option<RowId> {
        self.set(id, State::Queued)
    }

    /// The API's own code has refused it, or failed; says how often by now.
    pub(crate) fn reject(&mut self, id: &ClientMessageId) -> u32 {
        let Some(message) = self.messages.iter_mut().find(|message| message.id == *id) else {
            return 0;
        };
        message.rejections += 1;
        message.rejections
    }

    /// Only the person can decide what becomes of it.
    pub(crate) fn halt(&mut self, id: &ClientMessageId) -> Option<RowId> {
        self.set(id, State::Halted)
    }

    /// The same for all that wait; returns their rows.
    pub(crate) fn halt_queued(&mut self) -> Vec<RowId> {
        let queued = self.messages.iter_mut().filter(|message| message.state == State::Queued);
        queued
            .map(|message| {
                message.state = State::Halted;
                message.row
            })
            .collect()
    }

    /// The halted message of a row.
    pub(crate) fn halted(&self, row: RowId) -> Option<&Outgoing> {
        self.messages.iter().find(|message| message.row == row && message.state == State::Halted)
    }

    /// The message of a row that no connection holds.
    pub(crate) fn not_in_flight(&self, row: RowId) -> Option<&Outgoing> {
        self.messages.iter().find(|message| message.row == row && message.state != State::InFlight)
    }

    fn set(&mut self, id: &ClientMessageId, state: State) -> Option<RowId> {
        let message = self.messages.iter_mut().find(|message| message.id == *id)?;
        message.state = state;
        Some(message.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Outbox {
        let mut outbox = Outbox::default();
        for (row, id) in [(1, "a"), (2, "b")] {
            outbox.push(RowId(row), ClientMessageId(id.into()), id.into());
        }
        outbox
    }

    fn start(outbox: &mut Outbox, at: u64) -> Option<String> {
        outbox.start_next(Timestamp(at)).map(|message| message.text.clone())
    }

    #[test]
    fn one_message_is_in_flight_and_order_is_kept() {
        let mut outbox = outbox();
        assert_eq!(start(&mut outbox, 0).as_deref(), Some("a"));
        assert_eq!(start(&mut outbox, 0), None);
        outbox.requeue(&ClientMessageId("a".into()));
        assert_eq!(start(&mut outbox, 0).as_deref(), Some("a"));
        outbox.remove(&ClientMessageId("a".into()));
        assert_eq!(start(&mut outbox, 0).as_deref(), Some("b"));
    }

    #[test]
    fn a_halted_message_lets_the_next_one_pass() {
        let mut outbox = outbox();
        start(&mut outbox, 0);
        outbox.halt(&ClientMessageId("a".into()));
        assert_eq!(start(&mut outbox, 0).as_deref(), Some("b"));
        assert!(outbox.halted(RowId(1)).is_some());
    }

    #[test]
    fn a_pause_holds_everything_back_until_it_ends() {
        let mut outbox = outbox();
        outbox.pause_until(Timestamp(10));
        assert_eq!(start(&mut outbox, 9), None);
        assert_eq!(outbox.resumes_at(), Some(Timestamp(10)));
        assert_eq!(start(&mut outbox, 10).as_deref(), Some("a"));
    }
}
