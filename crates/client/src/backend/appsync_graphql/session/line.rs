//! The connections of a session: the one in use, and for a while one beside it.

use super::super::operations::Schema;
use super::Session;
use crate::backend::appsync::Realtime;
use crate::backend::{Role, SessionEvent};
use crate::chat::ids::RoomId;

/// What belongs to one connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) realtime: Realtime,
    /// The subscriptions that were started with the full schema.
    pub(super) started_full: Vec<String>,
}

impl Line {
    pub(super) fn new(realtime: Realtime) -> Self {
        Self { realtime, started_full: Vec::new() }
    }

    pub(super) fn closed(&mut self) {
        self.realtime.closed();
        self.started_full.clear();
    }
}

impl Session {
    /// Has the session do something with one of its connections, if there is that one.
    pub(crate) fn on<T>(&mut self, role: Role, act: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if role == Role::Beside {
            std::mem::swap(&mut self.line, self.beside.as_mut()?);
        }
        let done = act(self);
        if let Some(beside) = self.beside.as_mut().filter(|_| role == Role::Beside) {
            std::mem::swap(&mut self.line, beside);
        }
        Some(done)
    }

    /// Another connection is on its way that is to take the place of the present one.
    pub(crate) fn prepare(&mut self) {
        self.beside = Some(Line::new(self.line.realtime.succeeding()));
    }

    /// Whether it could do so now.
    pub(crate) fn may_change_over(&self) -> bool {
        let present = &self.line.realtime;
        self.beside.as_ref().is_some_and(|beside| beside.realtime.covers(present))
    }

    /// The connection beside takes the place of the present one, which ends.
    pub(crate) fn change_over(&mut self) {
        if let Some(beside) = &mut self.beside {
            std::mem::swap(&mut self.line, beside);
            beside.realtime.retire();
        }
    }

    /// The rooms that are joined, and whether they have a history.
    pub(crate) fn joined_rooms(&self) -> Vec<(RoomId, bool)> {
        let history = self.known.schema == Some(Schema::Full);
        self.line.realtime.live_rooms().map(|room| (room.clone(), history)).collect()
    }

    /// The one beside has ended; returns what it had still to say.
    pub(crate) fn closed_beside(&mut self) -> Vec<SessionEvent> {
        let Some(mut line) = self.beside.take() else { return Vec::new() };
        line.closed();
        std::iter::from_fn(|| line.realtime.poll_event()).collect()
    }
}
