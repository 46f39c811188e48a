//! The sessions of one room: of its connection, and of one beside it while connections change.

use super::Session;
use super::discovery::Discovery;
use super::echo::Echoes;
use crate::backend::{Role, SessionEvent};
use crate::chat::ids::{ConnectionId, RoomId};
use crate::chat::person::Person;
use crate::time::Timestamp;

/// The sessions. Both hear the same messages, so that one memory of echoes goes to whichever is at work.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    present: Option<Box<Session>>,
    beside: Option<Box<Session>>,
    echoes: Echoes,
    /// The connection that opens next was begun while another one was open, and knows what that one knew.
    succeeds: bool,
}

impl Sessions {
    /// A connection is open.
    pub(crate) fn opened(
        &mut self,
        role: Role,
        now: Timestamp,
        connection: ConnectionId,
        room: RoomId,
        person: Person,
        discovery: &mut Discovery,
    ) {
        let succeeds = role == Role::Beside || std::mem::take(&mut self.succeeds);
        if !succeeds {
            self.echoes = Echoes::default();
        }
        let echoes = std::mem::take(&mut self.echoes);
        let mut opened = Session::opened(now, connection, room, person, echoes, discovery);
        self.echoes = std::mem::take(&mut opened.echoes);
        *self.slot(role) = Some(Box::new(opened));
    }

    /// Has a session do something, if there is one.
    pub(crate) fn on<T>(&mut self, role: Role, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let mut echoes = std::mem::take(&mut self.echoes);
        let done = self.slot(role).as_mut().map(|session| {
            std::mem::swap(&mut session.echoes, &mut echoes);
            let done = act(session);
            std::mem::swap(&mut session.echoes, &mut echoes);
            done
        });
        self.echoes = echoes;
        done
    }

    /// Has both do something.
    pub(crate) fn each(&mut self, mut act: impl FnMut(&mut Session)) {
        self.on(Role::Present, &mut act);
        self.on(Role::Beside, &mut act);
    }

    pub(crate) fn of(&self, role: Role) -> Option<&Session> {
        match role {
            Role::Present => self.present.as_deref(),
            Role::Beside => self.beside.as_deref(),
        }
    }

    /// A connection has ended; returns what its session had still to say.
    pub(crate) fn closed(&mut self, role: Role, discovery: &mut Discovery) -> Vec<SessionEvent> {
        self.succeeds &= role == Role::Beside;
        self.on(role, |session| session.closed(discovery));
        let session = self.slot(role).take();
        session.map_or_else(Vec::new, |mut session| {
            std::iter::from_fn(|| session.poll_event()).collect()
        })
    }

    /// The connection beside takes the place of the present one, which ends.
    pub(crate) fn change_over(&mut self) {
        std::mem::swap(&mut self.present, &mut self.beside);
        self.succeeds = self.present.is_none();
    }

    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    fn slot(&mut self, role: Role) -> &mut Option<Box<Session>> {
        match role {
            Role::Present => &mut self.present,
            Role::Beside => &mut self.beside,
        }
    }
}
