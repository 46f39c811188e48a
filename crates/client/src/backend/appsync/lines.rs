//! The connections of a session: the present one, and for a while one beside it.

use std::ops::{Deref, DerefMut};

use super::Realtime;
use crate::chat::ids::RoomId;

/// What belongs to one connection.
pub(crate) trait Line {
    fn new(realtime: Realtime) -> Self;
    fn realtime(&self) -> &Realtime;
    fn realtime_mut(&mut self) -> &mut Realtime;
    /// Says what was not said on the one before.
    fn take_over(&mut self, before: &mut Self);
}

/// The connections. It stands for the present one, or for the one whose turn it is.
#[derive(Debug)]
pub(crate) struct Lines<L> {
    present: L,
    beside: Option<L>,
}

impl<L: Line> Lines<L> {
    pub(crate) fn new(realtime: Realtime) -> Self {
        Self { present: L::new(realtime), beside: None }
    }

    /// Another connection is on its way that is to take the place of the present one.
    pub(crate) fn prepare(&mut self) {
        self.beside = Some(L::new(self.present.realtime_mut().succeeding()));
    }

    /// Whether it could do so now.
    pub(crate) fn may_change_over(&self) -> bool {
        let present = self.present.realtime();
        self.beside.as_ref().is_some_and(|beside| beside.realtime().covers(present))
    }

    /// The connection beside takes the place of the present one, which ends.
    pub(crate) fn change_over(&mut self) {
        if self.swap()
            && let Some(before) = &mut self.beside
        {
            before.realtime_mut().retire();
            self.present.take_over(before);
        }
    }

    /// Gives the turn to the connection beside, or back; says whether there is one.
    pub(crate) fn swap(&mut self) -> bool {
        let Some(beside) = &mut self.beside else { return false };
        std::mem::swap(&mut self.present, beside);
        true
    }

    /// A room is wanted on all of them; says whether it had been left on the present one, and is live all the same.
    pub(crate) fn join(&mut self, room: &RoomId) -> bool {
        if let Some(beside) = &mut self.beside {
            beside.realtime_mut().join(room);
        }
        self.present.realtime_mut().join(room)
    }

    pub(crate) fn beside(&self) -> Option<&L> {
        self.beside.as_ref()
    }

    pub(crate) fn take_beside(&mut self) -> Option<L> {
        self.beside.take()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &L> {
        [&self.present].into_iter().chain(&self.beside)
    }

    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut L> {
        [&mut self.present].into_iter().chain(&mut self.beside)
    }
}

impl<L> Deref for Lines<L> {
    type Target = L;

    fn deref(&self) -> &L {
        &self.present
    }
}

impl<L> DerefMut for Lines<L> {
    fn deref_mut(&mut self) -> &mut L {
        &mut self.present
    }
}
