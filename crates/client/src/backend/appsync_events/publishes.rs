//! The publishes over a connection: each waits for credentials, then for its answer.

use crate::backend::SEND_DEADLINE;
use crate::backend::appsync::{Refused, Trouble};
use crate::chat::ids::{ClientMessageId, RoomId};
use crate::time::Timestamp;
use crate::timer::Deadline;

/// A text on its way to a room.
#[derive(Debug)]
pub(super) struct Send {
    pub(super) room: RoomId,
    pub(super) id: ClientMessageId,
    pub(super) text: String,
}

/// A publish.
#[derive(Debug)]
pub(super) struct Publish {
    pub(super) send: Send,
    /// The credentials that it was said with.
    generation: u32,
    /// It was repeated once, with other credentials.
    repeated: bool,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// For credentials.
    Waiting,
    InFlight {
        id: String,
        deadline: Timestamp,
    },
}

impl Publish {
    /// Whether it has been said.
    pub(super) fn is_in_flight(&self) -> bool {
        self.state != State::Waiting
    }
}

/// All of a connection. There are as many as rooms: each has one at a time.
#[derive(Debug, Default)]
pub(super) struct Publishes {
    all: Vec<Publish>,
    ids: u64,
}

impl Publishes {
    pub(super) fn add(&mut self, send: Send) {
        let (generation, repeated, state) = (0, false, State::Waiting);
        self.all.push(Publish { send, generation, repeated, state });
    }

    /// One was refused: puts it back once, where `trouble` can be helped; `renewable` says whether there are other
    /// credentials at all.
    pub(super) fn refused(
        &mut self,
        publish: Publish,
        trouble: Trouble,
        renewable: bool,
    ) -> Refused<Send> {
        if publish.repeated || !trouble.can_be_helped(renewable) {
            return Refused::ForGood(publish.send);
        }
        let generation = publish.generation;
        self.all.push(Publish { repeated: true, state: State::Waiting, ..publish });
        Refused::Again { generation }
    }

    /// Says what waits, with the credentials of a generation; `say` is given the id, new each time, and the send.
    pub(super) fn start(
        &mut self,
        now: Timestamp,
        generation: u32,
        mut say: impl FnMut(&str, &Send),
    ) {
        for publish in self.all.iter_mut().filter(|publish| !publish.is_in_flight()) {
            self.ids += 1;
            let id = format!("p{}", self.ids);
            say(&id, &publish.send);
            publish.generation = generation;
            publish.state = State::InFlight { id, deadline: now + SEND_DEADLINE };
        }
    }

    /// The sends that wait for credentials.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Send> {
        self.all.iter().filter(|publish| !publish.is_in_flight()).map(|publish| &publish.send)
    }

    /// Takes on what waits on another connection.
    pub(super) fn put_back(&mut self, waiting: Vec<Publish>) {
        self.all.extend(waiting);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many wait for their answers.
    pub(super) fn count_in_flight(&self) -> usize {
        self.all.iter().filter(|publish| publish.is_in_flight()).count()
    }

    /// The one that an answer is about.
    pub(super) fn take(&mut self, id: &str) -> Option<Publish> {
        let is_it = |publish: &Publish| matches!(&publish.state, State::InFlight { id: of, .. } if of == id);
        let index = self.all.iter().position(is_it)?;
        Some(self.all.swap_remove(index))
    }

    pub(super) fn take_all(&mut self) -> Vec<Publish> {
        std::mem::take(&mut self.all)
    }

    pub(super) fn take_waiting(&mut self) -> Vec<Publish> {
        self.all.extract_if(.., |publish| !publish.is_in_flight()).collect()
    }

    pub(super) fn take_in_flight(&mut self) -> Vec<Publish> {
        self.all.extract_if(.., |publish| publish.is_in_flight()).collect()
    }

    /// Those whose answers took too long.
    pub(super) fn take_late(&mut self, now: Timestamp) -> Vec<Publish> {
        let is_late = |publish: &mut Publish| matches!(publish.state, State::InFlight { deadline, .. } if deadline <= now);
        self.all.extract_if(.., is_late).collect()
    }

    /// A send is of no more interest.
    pub(super) fn forget(&mut self, id: &ClientMessageId) {
        self.all.retain(|publish| publish.send.id != *id);
    }

    pub(super) fn next_deadline(&self) -> Option<Deadline> {
        Deadline::earliest(self.all.iter().map(|publish| match publish.state {
            State::InFlight { deadline: at, .. } => {
                Some(Deadline { at, reason: "a publish is not answered" })
            }
            State::Waiting => None,
        }))
    }
}
