//! The connections of a session: the one in use, and for a while one beside it.

use super::super::pace::Pace;
use super::super::publishes::Publishes;
use super::Session;
use crate::backend::appsync::Realtime;
use crate::backend::{Role, SessionEvent};
use crate::chat::ids::{ConnectionId, RoomId};

/// What belongs to one connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) connection: ConnectionId,
    pub(super) realtime: Realtime,
    pub(super) publishes: Publishes,
    pub(super) pace: Pace,
}

impl Line {
    pub(super) fn new(realtime: Realtime) -> Self {
        let (connection, publishes, pace) =
            (ConnectionId(0), Publishes::default(), Pace::default());
        Self { connection, realtime, publishes, pace }
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

    /// The connection beside takes the place of the present one, which ends. What was not said on that is said on this.
    pub(crate) fn change_over(&mut self) {
        if let Some(beside) = &mut self.beside {
            std::mem::swap(&mut self.line, beside);
            beside.realtime.retire();
            self.line.publishes.put_back(beside.publishes.take_waiting());
        }
    }

    /// The rooms that are joined, and that they have no history.
    pub(crate) fn joined_rooms(&self) -> Vec<(RoomId, bool)> {
        self.line.realtime.live_rooms().map(|room| (room.clone(), false)).collect()
    }

    /// Whether the connection beside owes an answer to a publish.
    pub(crate) fn is_sending_beside(&self) -> bool {
        self.beside.as_ref().is_some_and(|line| !line.publishes.is_empty())
    }

    /// The connection beside has ended; returns what it had still to say.
    pub(crate) fn closed_beside(&mut self) -> Vec<SessionEvent> {
        self.on(Role::Beside, Self::closed);
        let Some(mut line) = self.beside.take() else { return Vec::new() };
        std::iter::from_fn(|| line.realtime.poll_event()).collect()
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        [&self.line].into_iter().chain(&self.beside)
    }

    pub(super) fn lines_mut(&mut self) -> impl Iterator<Item = &mut Line> {
        [&mut self.line].into_iter().chain(&mut self.beside)
    }
}
