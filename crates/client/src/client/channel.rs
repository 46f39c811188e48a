//! One way to the backend: the link, and the session of its present connection.

use std::collections::VecDeque;

use super::io::{Output, Refusal};
use crate::backend::SessionEvent;
use crate::backend::api_gateway::{Discovery, Session};
use crate::chat::ids::{ConnectionId, RoomId};
use crate::chat::person::Person;
use crate::link::{Action, Link};
use crate::random::Random;
use crate::time::Timestamp;
use crate::timer::Deadline;

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) link: Link,
    pub(super) session: Option<Session>,
    /// Why the link stays away.
    pub(super) refusal: Option<Refusal>,
    /// What sessions that have ended had still to say.
    last_words: VecDeque<SessionEvent>,
}

impl Channel {
    pub(super) fn new(visible: bool) -> Self {
        let link = Link::new(visible);
        Self { link, session: None, refusal: None, last_words: VecDeque::new() }
    }

    pub(super) fn opened(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        room: RoomId,
        person: Person,
        discovery: &mut Discovery,
    ) {
        self.link.opened(now);
        self.session = Some(Session::opened(now, connection, room, person, discovery));
    }

    pub(super) fn received(&mut self, now: Timestamp, text: &str, discovery: &mut Discovery) {
        self.link.received(now);
        if let Some(session) = &mut self.session {
            session.received(now, text, discovery);
        }
    }

    pub(super) fn lost(
        &mut self,
        now: Timestamp,
        code: u16,
        discovery: &mut Discovery,
        random: &mut Random,
    ) {
        self.end_session(discovery);
        self.link.lost(now, code, random);
    }

    /// The connection is of no more use; nothing more is handed to it.
    pub(super) fn give_up(
        &mut self,
        now: Timestamp,
        discovery: &mut Discovery,
        random: &mut Random,
    ) {
        self.end_session(discovery);
        self.link.give_up(now, random);
    }

    /// Stays away until somebody asks.
    pub(super) fn refuse(&mut self, refusal: Refusal, discovery: &mut Discovery) {
        self.end_session(discovery);
        self.refusal = Some(refusal);
        self.link.refuse();
    }

    pub(super) fn handle_time(
        &mut self,
        now: Timestamp,
        discovery: &mut Discovery,
        random: &mut Random,
    ) {
        if let Some(session) = &mut self.session {
            session.handle_time(now, discovery);
        }
        self.link.handle_time(now, random);
    }

    pub(super) fn next_deadline(&self) -> Option<Deadline> {
        let session = self.session.as_ref().and_then(Session::next_deadline);
        Deadline::earliest([self.link.next_deadline(), session])
    }

    /// Does what the link wants done.
    pub(super) fn run_link(
        &mut self,
        now: Timestamp,
        discovery: &mut Discovery,
        connections: &mut u32,
        url: &str,
        outputs: &mut VecDeque<Output>,
    ) {
        while let Some(action) = self.link.poll_action() {
            match action {
                Action::Open => {
                    *connections += 1;
                    let connection = ConnectionId(*connections);
                    self.link.attempt(now, connection);
                    let subprotocols = Vec::new();
                    outputs.push_back(Output::OpenSocket {
                        connection,
                        url: url.to_owned(),
                        subprotocols,
                    });
                }
                Action::Abandon(connection) => {
                    self.end_session(discovery);
                    outputs.push_back(Output::CloseSocket { connection });
                }
                Action::Ping => {
                    if self.session.as_mut().is_some_and(|session| session.ping(discovery)) {
                        self.link.ping_sent(now);
                    }
                }
            }
        }
    }

    pub(super) fn poll_event(&mut self) -> Option<SessionEvent> {
        let live = || self.session.as_mut().and_then(Session::poll_event);
        self.last_words.pop_front().or_else(live)
    }

    /// Hands the frames of the session to the driver.
    pub(super) fn flush(&mut self, outputs: &mut VecDeque<Output>) {
        let Some(connection) = self.link.connection() else { return };
        while let Some(text) = self.session.as_mut().and_then(Session::poll_frame) {
            outputs.push_back(Output::SendText { connection, text });
        }
    }

    fn end_session(&mut self, discovery: &mut Discovery) {
        if let Some(mut session) = self.session.take() {
            session.closed(discovery);
            while let Some(event) = session.poll_event() {
                self.last_words.push_back(event);
            }
        }
    }
}
